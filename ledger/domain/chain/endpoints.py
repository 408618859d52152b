"""Text → the address of a JSON-RPC endpoint, or words for what is wrong with it.

Whatever could lead a request, and the credentials in it, elsewhere than its writer meant is
refused.  No error repeats any part of the text: a password that was not escaped may be anywhere.

Source: RFC 3986, section 3.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from ledger.domain.errors import InvalidInput

#: Of visible ASCII alone.  An @ stands before the host only, a backslash and a # nowhere.
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://"
    r"((?P<user>[^\s:@/?#\\]*)(:(?P<password>[^\s@/?#\\]*))?@)?"
    r"(?P<host>\[[^\s\[\]@/?#\\]*\]|[^\s\[\]:@/?#\\]*)"
    r"(:(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>([/?][^\s@#\\]*)?)",
    re.ASCII | re.IGNORECASE,
)
_BETWEEN = re.compile(r",(?=https?://)", re.IGNORECASE)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_NAME = 253
_HIGHEST_PORT = 65_535


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
    parts = _ADDRESS.fullmatch(url) if url.isascii() and url.isprintable() else None
    host = "" if parts is None else parts["host"].lower()
    if parts is None or not _is_host(host) or int(parts["port"] or 1) > _HIGHEST_PORT:
        raise InvalidInput(
            "is not the address of a JSON-RPC endpoint",
            field=field,
            rule="http:// or https://, then a host, then :port where it is not the scheme's own, "
            "then a path without @ and #; a host is a name or an IP address, IPv6 in brackets",
            remedy="write it as https://user:password@host:port/path, with %40 for @, %2F for /, "
            "%3A for :, %23 for # and %3F for ? inside user and password",
        )
    user, path = parts["user"], parts["path"]
    return EndpointAddress(
        scheme=parts["scheme"].lower(),
        host=host.strip("[]"),
        port=None if parts["port"] is None else int(parts["port"]),
        path=path if path.startswith("/") else f"/{path}",
        credentials=None if user is None else f"{unquote(user)}:{unquote(parts['password'] or '')}",
    )


def _is_host(host: str) -> bool:
    is_in_brackets = host.startswith("[")
    try:
        return (ipaddress.ip_address(host.strip("[]")).version == 6) == is_in_brackets  # noqa: PLR2004 - IPv6
    except ValueError:
        labels = host.removesuffix(".").split(".")
        is_name = len(host) <= _LONGEST_NAME and all(map(_LABEL.fullmatch, labels))
        # A last label of digits alone is a broken IPv4 address, or a shorthand for one.
        return is_name and not labels[-1].isdecimal()
