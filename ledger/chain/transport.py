"""Bytes → bytes over HTTP or a socket file: with bounds on waiting, repeating, and on an answer."""

from __future__ import annotations

import base64
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import urllib3

from ledger.chain.unix_sockets import LineTooLong, UnixSockets
from ledger.domain.chain.endpoints import parse_endpoint
from ledger.domain.errors import ChainUnavailable

Answer = TypeVar("Answer")

#: what the address of a socket begins with; its path follows, and behind a # what tells it apart
SOCKET = "unix:"

_CHUNK_BYTES = 64 * 1024
_OK = 200
_FIRST_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429
#: whatever the body says: we are not let in, or nothing is answered there (RFC 9110 §15.5, §15.6).
#: Besu says 401 with a JSON-RPC error, and 403 with JSON to a host that it does not list
_NOT_FOR_US = frozenset({401, 403, 407, 501})
_POOLS = {"http": urllib3.HTTPConnectionPool, "https": urllib3.HTTPSConnectionPool}


class NodeRefused(ChainUnavailable):
    """The node answered with an error; what it means depends on what was asked."""

    def __init__(self, method: str, *, code: int, reason: str, data: object = None) -> None:
        super().__init__(
            f"the node refused {method}: {reason} ({code})",
            field="chain",
            rule="the node answers what it is asked",
            remedy="look into the node's own log, or ask another node of the same chain",
        )
        self.code = code
        self.reason = reason
        #: as the node sent it: a revert's hexadecimal data, or anything else
        self.data = data


class AnswerTooLarge(ChainUnavailable):
    """The node's answer is longer than we read."""


class NotAnEndpoint(ChainUnavailable):
    """Something answers there, and it is no JSON-RPC endpoint, or not for us."""


class Transient(Exception):
    """Worth another attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long, how often and how much."""

    #: for one whole exchange, connecting included
    timeout_seconds: float = 10.0
    #: how often a question is put before ChainUnavailable is raised
    attempts: int = 3
    #: pause after the first failure; it doubles, and half of it is random
    pause_seconds: float = 0.1
    answer_bytes: int = 64 * 1024 * 1024
    #: connections kept open, and thereby threads served at once
    connections: int = 8


class Transport:
    """The way to one endpoint; safe to use from several threads."""

    def __init__(
        self,
        url: str,
        *,
        limits: Limits | None = None,
        pause: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Raises InvalidInput for a URL that is none."""
        self._limits = limits or Limits()
        self._pause = pause
        self._jitter = jitter
        self._way: _Way = (
            _SocketWay(url, self._limits) if url.startswith(SOCKET) else _HttpWay(url, self._limits)
        )
        #: scheme, host and port, or the socket file; for logs and errors
        self.name = self._way.name

    def close(self) -> None:
        """Closes the kept connections."""
        self._way.close()

    def exchange(self, body: bytes, read: Callable[[bytes], Answer], *, what: str) -> Answer:
        """What `read` makes of the answer; a failed exchange, or Transient from it, is repeated.

        Raises ChainUnavailable, which names `what` was asked, when the attempts are used up.
        """
        problem = ""
        for attempt in range(self._limits.attempts):
            if attempt:
                longest = self._limits.pause_seconds * 2 ** (attempt - 1)
                self._pause(longest * (0.5 + self._jitter() / 2))
            try:
                data = self._way.post(body)
                if data.lstrip()[:1] == b"<":
                    raise self._web_page()
                return read(data)
            except Transient as error:
                problem = str(error)
        raise ChainUnavailable(
            f"{self.name} did not answer {what}: {problem}",
            remedy="Look at its address, and whether the node runs.  An instance loses nothing: "
            "what it owes to the chain is sent when it answers again.",
            field="chain",
            rule="a question is answered within the limits of time and attempts",
        )

    def _web_page(self) -> NotAnEndpoint:
        return NotAnEndpoint(
            f"{self.name} answers with a web page",
            remedy="Check the endpoint's address.",
            field="chain",
            rule="a JSON-RPC endpoint answers in JSON",
        )


class _Way(Protocol):
    """How one question travels, once."""

    name: str

    def post(self, body: bytes) -> bytes:
        """Give the answer; raises Transient, and ChainUnavailable where asking again is no use."""

    def close(self) -> None:
        """Close the kept connections."""


def _too_large(name: str, limits: Limits) -> AnswerTooLarge:
    return AnswerTooLarge(
        f"{name} answers with more than {limits.answer_bytes} bytes",
        field="chain",
        rule="an answer has an upper bound, so that no node can fill our memory",
        remedy="ask for less at once, or ask another node of the same chain",
    )


class _SocketWay:
    """Over a socket file."""

    def __init__(self, address: str, limits: Limits) -> None:
        self.name = address
        self._limits = limits
        path = Path(address.removeprefix(SOCKET).partition("#")[0])
        self._sockets = UnixSockets(path, most=limits.connections)

    def close(self) -> None:
        """Closes the kept connections."""
        self._sockets.close()

    def post(self, body: bytes) -> bytes:
        """The answer; a JSON document in one line, as the question is."""
        limits = self._limits
        try:
            return self._sockets.ask(
                body, seconds=limits.timeout_seconds, longest=limits.answer_bytes
            )
        except LineTooLong:
            raise _too_large(self.name, limits) from None
        except OSError as error:
            raise Transient(type(error).__name__) from None


class _HttpWay:
    """Over HTTP."""

    def __init__(self, url: str, limits: Limits) -> None:
        """Raises InvalidInput for a URL that is none."""
        address = parse_endpoint(url)
        self.name = address.name
        self._limits = limits
        self._headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if address.credentials is not None:
            pair = base64.b64encode(address.credentials.encode()).decode()
            self._headers["authorization"] = f"Basic {pair}"
        self._path = address.path
        self._pool = _POOLS[address.scheme](
            address.host,
            address.port,
            maxsize=self._limits.connections,
            block=True,
            retries=False,
        )

    def close(self) -> None:
        """Closes the kept connections."""
        self._pool.close()

    def post(self, body: bytes) -> bytes:
        """The answer's body."""
        deadline = time.monotonic() + self._limits.timeout_seconds
        try:
            response = self._pool.urlopen(
                "POST",
                self._path,
                body=body,
                headers=self._headers,
                timeout=urllib3.Timeout(total=self._limits.timeout_seconds),
                pool_timeout=math.ceil(self._limits.timeout_seconds),
                preload_content=False,
                redirect=False,
                retries=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # Not the error's own text: urllib3 writes the path into it, and paths carry tokens.
            raise Transient(type(error).__name__) from None
        try:
            data = self._read(response, deadline)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            response.close()
            raise Transient(type(error).__name__) from None
        except ChainUnavailable:
            response.close()
            raise
        response.release_conn()
        self._check_status(response.status, data)
        return data

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := response.read1(_CHUNK_BYTES):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._limits.answer_bytes:
                raise _too_large(self.name, self._limits)
            if time.monotonic() > deadline:
                raise TimeoutError
        return b"".join(chunks)

    def _check_status(self, status: int, data: bytes) -> None:
        if status == _OK:
            return
        if status not in _NOT_FOR_US:
            if status >= _FIRST_SERVER_ERROR or status == _TOO_MANY_REQUESTS:
                raise Transient(f"HTTP {status}")
            if data.lstrip()[:1] in {b"{", b"["}:
                return  # some nodes answer JSON-RPC errors with 4xx
        raise NotAnEndpoint(
            f"{self.name} answers HTTP {status}",
            remedy="Check the endpoint's address and credentials, and which hosts it lets in.",
            field="chain",
            rule="a JSON-RPC endpoint answers with HTTP 200",
        )
