"""Raw request → one within bounds: host, address, headers and body, each refused as a problem.

The outermost layer: it also names the request, logs it, sets the security headers of every answer,
and turns what nobody expected into a problem that shows nothing of our insides.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Iterable, Sequence

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.problems import Kind, Told

MAX_BODY_BYTES = 256 * 1024
MAX_READING_BYTES = 1024 * 1024
MAX_ADDRESS_BYTES = 8 * 1024
MAX_HEADER_BYTES = 16 * 1024
READINGS_PATH = "/v1/readings"

_LENGTH = re.compile(rb"[0-9]{1,15}")

#: Answers hold data of one unit, are JSON or files, and are never shown inside a page.
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

log = structlog.get_logger("api")


class TooLarge(Exception):
    """A body outgrew its bound while it came in."""


class Guard:
    """ASGI middleware around everything else."""

    #: how long a body may take to come in, whatever its size
    body_seconds = 30.0

    def __init__(self, app: ASGIApp, *, allowed_hosts: Iterable[str] = ()) -> None:
        self.app = app
        self.allowed_hosts = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is no request goes through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        answer = _Answer(send, request_id)
        started = time.perf_counter()
        try:
            await self._answer(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - the last line: whatever it is, it is ours
            problems.log_failure("failed", error)
            if not answer.has_started:
                await self._tell(problems.told_by_failure(), scope, receive, answer)
        finally:
            _log_request(scope, answer.status, time.perf_counter() - started)
            structlog.contextvars.clear_contextvars()

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        refusal = self._refusal(scope)
        if refusal is None:
            limit = _body_limit(scope)
            try:
                async with asyncio.timeout(self.body_seconds):
                    body = await _whole_body(scope, receive, limit)
            except TimeoutError:
                refusal = Told(
                    kind=problems.TOO_SLOW,
                    detail="the body did not come in time",
                    field="body",
                    rule=f"at most {self.body_seconds:g} seconds",
                    remedy="send it again",
                    headers={"Connection": "close"},
                )
            except TooLarge:
                refusal = Told(
                    kind=problems.TOO_LARGE,
                    detail="the body is too large",
                    field="body",
                    rule=f"at most {limit} bytes",
                    remedy="split it",
                    headers={"Connection": "close"},
                )
            except _Disconnected:
                return
            else:
                await self.app(scope, _replay(body, receive), answer)
                return
        await self._tell(refusal, scope, receive, answer)

    def _refusal(self, scope: Scope) -> Told | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
            return _limit(problems.HEADERS_TOO_LARGE, "headers", MAX_HEADER_BYTES)
        address = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
        if address > MAX_ADDRESS_BYTES:
            return _limit(problems.TOO_LONG, "path", MAX_ADDRESS_BYTES)
        host = next((v for n, v in headers if n == b"host"), b"").decode("latin-1").lower()
        name = host if host.endswith("]") else host.rsplit(":", 1)[0]
        if self.allowed_hosts and name not in self.allowed_hosts:
            return Told(
                kind=problems.MALFORMED,
                detail="this name is not served here",
                field="Host",
                rule="one of the names in the setting allowed_hosts",
            )
        return _unreadable_body(headers)

    async def _tell(self, told: Told, scope: Scope, receive: Receive, answer: _Answer) -> None:
        response = problems.render(told, path=scope["path"], request_id=answer.request_id)
        await response(scope, receive, answer)


class _Disconnected(Exception):
    """The caller went away before the body was whole."""


class _Answer:
    """The way back: adds our headers and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status: int | None = None

    @property
    def has_started(self) -> bool:
        """Whether the caller saw a status already."""
        return self.status is not None

    async def __call__(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            own = [*_HEADERS, (b"x-request-id", self.request_id.encode("ascii"))]
            names = {name for name, _ in own}
            kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in names]
            message = {**message, "headers": [*kept, *own]}
        await self._send(message)


def _limit(kind: Kind, field: str, limit: int) -> Told:
    return Told(kind=kind, detail="too long", field=field, rule=f"at most {limit} bytes")


def _unreadable_body(headers: Sequence[tuple[bytes, bytes]]) -> Told | None:
    """Why a body with these headers is not read."""
    codings = [value for name, value in headers if name == b"content-encoding"]
    if any(value.strip().lower() not in {b"", b"identity"} for value in codings):
        return Told(
            kind=problems.MEDIA,
            detail="the body is compressed",
            field="Content-Encoding",
            rule="bodies come as they are; nothing is decompressed here",
            remedy="send it without Content-Encoding",
            headers={"Accept-Encoding": "identity", "Connection": "close"},
        )
    lengths = [value for name, value in headers if name == b"content-length"]
    if any(_LENGTH.fullmatch(value) is None for value in lengths):
        return Told(
            kind=problems.MALFORMED,
            detail="is not a length",
            field="Content-Length",
            rule="RFC 9110 §8.6",
        )
    if lengths and any(name == b"transfer-encoding" for name, _ in headers):
        return Told(
            kind=problems.MALFORMED,
            detail="is given beside Transfer-Encoding",
            field="Content-Length",
            rule="RFC 9112 §6.1: a request that could be read in two ways is refused",
            headers={"Connection": "close"},
        )
    return None


def _body_limit(scope: Scope) -> int:
    is_reading = scope["method"] == "POST" and scope["path"].rstrip("/") == READINGS_PATH
    return MAX_READING_BYTES if is_reading else MAX_BODY_BYTES


async def _whole_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The body; raises TooLarge as soon as it outgrows its bound, before the rest is read."""
    stated = [int(value) for name, value in scope["headers"] if name == b"content-length"]
    if any(length > limit for length in stated):
        raise TooLarge
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A way to read the body that was read already."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _log_request(scope: Scope, status: int | None, seconds: float) -> None:
    """One line for each request, without its query, its headers and its body."""
    route = scope.get("route")
    caller = scope["state"].get("caller")
    client = scope.get("client")
    log.info(
        "request",
        method=scope["method"],
        route=getattr(route, "path", None),
        status=status,
        milliseconds=round(seconds * 1000, 1),
        client=client[0] if client else None,
        token=None if caller is None else caller.token_id,
    )
