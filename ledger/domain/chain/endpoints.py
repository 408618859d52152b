"""Text → the address of a JSON-RPC endpoint, or words for what is wrong with it.

Whatever could lead a request, and the credentials in it, elsewhere than its writer meant is
refused.  No error repeats any part of the text: a password that was not escaped may be anywhere.

Source: RFC 3986, section 3.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from ledger.domain.errors import InvalidInput

_SCHEMES = ("http", "https")
_BETWEEN = re.compile(r",(?=https?://)", re.IGNORECASE)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_NAME = 253
_NO_HOST = "its host is neither a name nor an IP address"
_RULE = "http:// or https://, then a host, then :port where it is not the scheme's own"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointAddress:
    """Where to ask, and with which secrets."""

    #: http or https
    scheme: str
    #: a name, or an IP address without brackets
    host: str
    #: 1 to 65535; None: the scheme's own
    port: int | None
    #: with the query; tokens live in it
    path: str = field(repr=False)
    #: user:password; None where it has none
    credentials: str | None = field(repr=False)

    @property
    def name(self) -> str:
        """The endpoint for logs and errors, without anything secret: scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port is None else f":{self.port}")


def parse_endpoints(urls: str, *, field: str = "urls") -> tuple[str, ...]:
    """The addresses of nodes of one chain, `URL[,URL…]`; raises InvalidInput, naming `field`.

    A comma within an address stays there, unless another address begins behind it.
    """
    found = tuple(_BETWEEN.split(urls)) if urls else ()
    for url in found:
        parse_endpoint(url, field=field)
    if len(set(found)) < len(found):
        raise InvalidInput(
            "names one address twice",
            field=field,
            rule="each node stands once",
            remedy="leave out the second one",
        )
    return found


def parse_endpoint(url: str, *, field: str = "url") -> EndpointAddress:
    """The endpoint at an address; raises InvalidInput, which concerns `field`."""
    problem = _text_problem(url)
    parts = None if problem else _split(url)
    if parts is None:
        raise _refused(problem or _NO_HOST, field)
    problem = _problem(parts)
    if problem is not None:
        raise _refused(problem, field)
    user = parts.username
    return EndpointAddress(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        credentials=None if user is None else f"{unquote(user)}:{unquote(parts.password or '')}",
    )


def _refused(problem: str, field: str) -> InvalidInput:
    return InvalidInput(
        f"is not the address of a JSON-RPC endpoint: {problem}",
        field=field,
        rule=_RULE,
        remedy="write it as https://user:password@host:port/path, with %40 for @, %2F for /, "
        "%3A for :, %23 for # and %3F for ? inside user and password",
    )


def _text_problem(url: str) -> str | None:
    if not url.isascii() or any(each <= " " or each in "\x7f\\" for each in url):
        return "it has a space, a backslash, a control character or one beyond ASCII"
    if not url.lower().startswith(tuple(f"{scheme}://" for scheme in _SCHEMES)):
        return "it does not begin with http:// or https://"
    return "it has a #" if "#" in url else None


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # whose text may repeat the address
        return None


def _problem(parts: SplitResult) -> str | None:
    """What is wrong with an address, none of it repeated; None when nothing is."""
    if "@" in parts.path + parts.query:
        return "it has an @ behind the host"
    if not _has_port_or_none(parts):
        return "its port is not a number from 1 to 65535"
    if not _is_host(parts.hostname or "", in_brackets="[" in parts.netloc.rpartition("@")[2]):
        return _NO_HOST
    return None


def _has_port_or_none(parts: SplitResult) -> bool:
    try:
        port = parts.port
    except ValueError:
        return False
    return port != 0 and not parts.netloc.endswith(":")


def _is_host(host: str, *, in_brackets: bool) -> bool:
    try:
        return (ipaddress.ip_address(host).version == 6) == in_brackets  # noqa: PLR2004 - IPv6
    except ValueError:
        labels = host.removesuffix(".").split(".")
        is_name = len(host) <= _LONGEST_NAME and all(map(_LABEL.fullmatch, labels))
        # A last label of digits alone is a broken IPv4 address, or a shorthand for one.
        return is_name and not in_brackets and not labels[-1].isdecimal()
