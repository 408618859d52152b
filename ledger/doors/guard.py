"""Raw request → its body, within bounds: host, address, headers, size and time, for every door.

What is refused is refused with words that a door renders in its own way.  What cannot even be read
in one way only, `connections` refuses before.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

from ledger.domain.errors import InvalidInput

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

MAX_ADDRESS_BYTES = 8 * 1024
MAX_HEADER_BYTES = 16 * 1024
#: The names by which a program on this machine calls it.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

#: Answers are data or files: never kept by a cache, and never shown inside a page.
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

#: Two readers may take another one of several for the one that counts.
_ONCE = frozenset(
    {
        b"authorization", b"content-length", b"content-type", b"host", b"idempotency-key",
        b"transfer-encoding", b"x-filename",
    }
)  # fmt: skip
_LENGTH = re.compile(rb"[0-9]{1,15}")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::\d{1,5})?")
_S = HTTPStatus


class Unacceptable(InvalidInput):
    """The request itself is wrong, before anything behind the door is asked."""

    def __init__(
        self,
        what: str,
        *,
        status: HTTPStatus,
        headers: Mapping[str, str] | None = None,
        **words: str | None,
    ) -> None:
        super().__init__(what, **words)
        self.status = status
        #: of the answer
        self.headers = dict(headers or {})


class Gone(Exception):
    """The caller went away before the request was whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a door takes."""

    body_bytes: int = 256 * 1024
    #: for the body to come in, whatever its size
    body_seconds: float = 30.0
    #: names that a Host header may carry, in lower case and without port; none: every one
    hosts: frozenset[str] = field(default_factory=frozenset)


async def read_request(
    scope: Scope, receive: Receive, bounds: Bounds, *, body_bytes: int | None = None
) -> bytes:
    """The body of a request that is within bounds; raises Unacceptable, and Gone.

    `body_bytes` is the bound of this request's body, where it is not that of all.
    """
    _require_head(scope, bounds)
    limit = bounds.body_bytes if body_bytes is None else body_bytes
    try:
        async with asyncio.timeout(bounds.body_seconds):
            return await _whole_body(scope["headers"], receive, limit)
    except TimeoutError:
        rule = f"within {bounds.body_seconds:g} seconds"
        raise _not(_S.REQUEST_TIMEOUT, "the body did not come in time", "body", rule) from None


def is_here(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def host_name(headers: Headers) -> str:
    """The name in the Host header, in lower case and without its port; empty when it is none."""
    host = next((value for name, value in headers if name == b"host"), b"")
    match = _HOST.fullmatch(host.decode("latin-1").lower())
    return "" if match is None else match[1]


def _require_head(scope: Scope, bounds: Bounds) -> None:
    """Raise Unacceptable for an address or headers that are not read here."""
    headers: Headers = scope["headers"]
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        rule = f"at most {MAX_HEADER_BYTES} bytes"
        raise _not(_S.REQUEST_HEADER_FIELDS_TOO_LARGE, "too long", "headers", rule)
    path = scope.get("raw_path") or b"/"
    if len(path) + len(scope.get("query_string") or b"") > MAX_ADDRESS_BYTES:
        rule = f"at most {MAX_ADDRESS_BYTES} bytes"
        raise _not(_S.REQUEST_URI_TOO_LONG, "too long", "path", rule)
    if bounds.hosts and host_name(headers) not in bounds.hosts:
        rule = "one of the names that this door answers to"
        raise _not(_S.MISDIRECTED_REQUEST, "this name is not served here", "Host", rule)
    codings = [value.strip().lower() for name, value in headers if name == b"content-encoding"]
    if not set(codings) <= {b"", b"identity"}:
        rule = "bodies come as they are; nothing is decompressed here"
        raise _not(_S.UNSUPPORTED_MEDIA_TYPE, "the body is compressed", "Content-Encoding", rule)
    _require_one_reading(headers, path, scope.get("http_version", "1.1"))


def _require_one_reading(headers: Headers, path: bytes, version: str) -> None:
    """Raise Unacceptable for a head that two readers could read differently."""
    times = Counter(name for name, _ in headers)
    for name in sorted(_ONCE & set(times)):
        if times[name] > 1:
            raise _ambiguous("is given twice", name.decode().title(), "RFC 9110 §5.3")
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    if _LENGTH.fullmatch(length) is None:
        raise _ambiguous("is not a length", "Content-Length", "RFC 9110 §8.6")
    if times[b"content-length"] and times[b"transfer-encoding"]:
        raise _ambiguous("is given beside Transfer-Encoding", "Content-Length", "RFC 9112 §6.1")
    if times[b"transfer-encoding"] and version == "1.0":
        raise _ambiguous("is given in HTTP/1.0", "Transfer-Encoding", "RFC 9112 §6.1")
    if not path.startswith(b"/"):
        raise _ambiguous("does not begin with a slash", "path", "RFC 9112 §3.2.1")


async def _whole_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The body; refused as soon as it outgrows its bound, before the rest is read."""
    rule = f"at most {limit} bytes"
    too_large = _not(_S.REQUEST_ENTITY_TOO_LARGE, "the body is too large", "body", rule)
    if any(name == b"content-length" and int(value) > limit for name, value in headers):
        raise too_large
    parts, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise too_large
        if not message.get("more_body", False):
            return b"".join(parts)


def _ambiguous(what: str, name: str, source: str) -> Unacceptable:
    rule = f"{source}: a request that could be read in two ways is refused"
    return _not(_S.BAD_REQUEST, what, name, rule)


def _not(status: HTTPStatus, what: str, name: str, rule: str) -> Unacceptable:
    """What is refused unread ends its connection: the rest of it is no request."""
    headers = {"Connection": "close"}
    if status is _S.UNSUPPORTED_MEDIA_TYPE:
        headers["Accept-Encoding"] = "identity"
    return Unacceptable(what, status=status, field=name, rule=rule, headers=headers)
