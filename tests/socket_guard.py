"""No test talks to another host: connections and name look-ups beyond this machine raise.

An audit hook (PEP 578) sees every socket that Python opens, whichever library asks.  It cannot be
taken off again, and it does not see sockets opened inside C libraries such as libpq.
"""

from __future__ import annotations

import ipaddress
import sys

import pytest

_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.getaddrinfo"})


class SocketBlockedError(RuntimeError):
    """A test tried to reach another host."""


def is_local(host: object) -> bool:
    """Whether a host, as a name or an address, is this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", errors="replace")
    if host is None or host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event not in _EVENTS:
        return
    target = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
    # A path names a Unix socket; a tuple starts with the host.
    if event != "socket.getaddrinfo" and not isinstance(target, tuple):
        return
    host = target[0] if isinstance(target, tuple) else target
    if not is_local(host):
        raise SocketBlockedError(f"tests may reach this machine only, not {host!r}")


def pytest_configure(config: pytest.Config) -> None:
    """Put the guard on, once for each test process."""
    del config
    sys.addaudithook(_audit)
