"""The read-only door to the embedded chain: a method allow-list in front of anvil.

anvil answers every origin and executes its cheat calls for whoever reaches it; this ASGI
application is what everybody else may reach.  It sets no CORS header, asks for a known Host
(DNS rebinding), bounds questions, answers and gas, counts who asks, and forwards nothing that is
not listed.

Source: JSON-RPC 2.0; EIP-1474.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import uvicorn
from anyio import to_thread

from ledger.chain.endpoint import AnswerTooLarge, Endpoint, Limits, NodeRefused
from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import ChainUnavailable, InvalidInput
from ledger.doors.connections import PatientConnection
from ledger.doors.counting import Counter

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

#: method → how many parameters it takes at most
METHODS: Mapping[str, int] = {
    "eth_chainId": 0,
    "net_version": 0,
    "web3_clientVersion": 0,
    "eth_blockNumber": 0,
    "eth_getBlockByNumber": 2,
    "eth_getBlockByHash": 2,
    "eth_getTransactionByHash": 1,
    "eth_getTransactionReceipt": 1,
    "eth_getLogs": 1,
    "eth_call": 2,
    "eth_getCode": 2,
    "eth_getStorageAt": 3,
    "eth_getBalance": 2,
    "eth_getTransactionCount": 2,
}

_PARSE_ERROR, _INVALID_REQUEST, _METHOD_NOT_FOUND, _INVALID_PARAMS = -32700, -32600, -32601, -32602
_LIMIT_EXCEEDED, _RESOURCE_UNAVAILABLE = -32005, -32002
_CALL_FIELDS = frozenset({"to", "data", "input", "from", "gas"})
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}")
_DEEPEST = 16
_HOST = re.compile(r"^(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::\d{1,5})?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLimits:
    """What one question may cost, and how many there may be."""

    body_bytes: int = 256 * 1024
    batch: int = 50
    answer_bytes: int = 16 * 1024 * 1024
    #: of one eth_call
    call_gas: int = 10_000_000
    #: blocks of one eth_getLogs
    log_range: int = 10_000
    #: for the node to answer
    timeout_seconds: float = 10.0
    #: for a question to come in
    body_seconds: float = 10.0
    #: questions of one address, each of a batch counted; the chain is the writer's too
    per_minute: int = 12_000
    #: questions of this machine itself, whose audit reads the whole chain as fast as it comes
    per_minute_here: int = 600_000


class _Problem(Exception):
    """A JSON-RPC error to answer with."""

    def __init__(self, *, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class _TooMany(Exception):
    """One address asks too often."""

    def __init__(self, *, limit: int, wait: int) -> None:
        super().__init__(f"at most {limit} questions a minute; wait {wait} seconds")
        self.wait = wait


@dataclass(slots=True)
class Gateway:
    """An ASGI application; `upstream` gives anvil's URL, asked anew since a restart moves it."""

    upstream: Callable[[], str]
    #: names that a Host header may carry, without port
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    limits: GatewayLimits = field(default_factory=GatewayLimits)
    _endpoints: dict[str, Endpoint] = field(default_factory=dict)
    _counter: Counter = field(default_factory=Counter)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One HTTP exchange, or the server's own start and stop."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            return
        more: list[tuple[bytes, bytes]] = []
        try:
            status, body = await self._respond(scope, receive)
        except _TooMany as error:
            status, body = 429, _refusal(str(error), code=_LIMIT_EXCEEDED)
            more = [(b"retry-after", str(error.wait).encode())]
        headers = [
            *more,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _respond(self, scope: Mapping[str, Any], receive: Receive) -> tuple[int, bytes]:
        asker = (scope.get("client") or ("unknown",))[0]
        self._count(asker, 1)
        headers = {name.lower(): value for name, value in scope["headers"]}
        if not self._knows_host(headers.get(b"host", b"")):
            return 421, _refusal("this Host is not served here")
        if scope["method"] != "POST":
            return 405, _refusal("POST only")
        content_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if content_type != b"application/json":
            return 415, _refusal("application/json only")
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                body = await self._read_body(receive)
        except TimeoutError:
            seconds = self.limits.body_seconds
            return 408, _refusal(f"a question comes in within {seconds:g} seconds")
        if body is None:
            return 413, _refusal(f"a question has at most {self.limits.body_bytes} bytes")
        return await to_thread.run_sync(self.answer, body, asker)

    def _count(self, asker: str, questions: int) -> None:
        """Raise _TooMany when an address asked more questions than it may."""
        limit = self.limits.per_minute_here if _is_here(asker) else self.limits.per_minute
        wait = self._counter.hit(limit, asker, times=questions)
        if wait:
            raise _TooMany(limit=limit, wait=wait)

    def _knows_host(self, header: bytes) -> bool:
        match = _HOST.match(header.decode("latin-1").lower())
        return match is not None and match[1] in self.hosts

    async def _read_body(self, receive: Receive) -> bytes | None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return b""  # the caller has gone
            body += message.get("body", b"")
            if len(body) > self.limits.body_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(body)

    # ------------------------------------------------------------ JSON-RPC

    def answer(self, body: bytes, asker: str) -> tuple[int, bytes]:
        """HTTP status and body for one question or a batch of an address, which counts as one."""
        try:
            require_nesting(body, deepest=_DEEPEST, field="question")
            plain = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, InvalidInput):
            return 200, _refusal("this is not JSON", code=_PARSE_ERROR)
        if not isinstance(plain, list):
            reply = self._reply(plain)
            return (204, b"") if reply is None else (200, reply)
        if not 1 <= len(plain) <= self.limits.batch:
            return 200, _refusal(f"a batch holds 1 to {self.limits.batch}", code=_INVALID_REQUEST)
        self._count(asker, len(plain) - 1)
        return self._reply_to_batch(plain)

    def _reply_to_batch(self, batch: list[object]) -> tuple[int, bytes]:
        replies: list[bytes] = []
        size = 0
        for question in batch:
            reply = self._reply(question)
            if reply is None:
                continue
            size += len(reply)
            if size > self.limits.answer_bytes:
                return 200, _refusal("the answers are too long", code=_LIMIT_EXCEEDED)
            replies.append(reply)
        return (200, b"[" + b",".join(replies) + b"]") if replies else (204, b"")

    def _reply(self, question: object) -> bytes | None:
        """The reply to one question; None to a notification, which is not carried out either."""
        number: object = None
        try:
            method, params, number = _read_question(question)
            if number is _NOTHING:
                return None
            result = self._forward(method, self._check(method, params))
        except _Problem as problem:
            error: dict[str, object] = {"code": problem.code, "message": problem.message}
            if problem.data is not None:
                error["data"] = problem.data
            number = None if number is _NOTHING else number
            return _encode({"jsonrpc": "2.0", "id": number, "error": error})
        return _encode({"jsonrpc": "2.0", "id": number, "result": result})

    def _check(self, method: str, params: list[object]) -> list[object]:
        most = METHODS.get(method)
        if most is None:
            raise _Problem(code=_METHOD_NOT_FOUND, message="this door is for reading only")
        if len(params) > most:
            raise _Problem(code=_INVALID_PARAMS, message=f"{method} takes {most} parameters")
        if method == "eth_call":
            return self._check_call(params)
        if method == "eth_getLogs":
            self._check_logs(params)
        return params

    def _check_call(self, params: list[object]) -> list[object]:
        """The call with its gas capped, and nothing in it that only a simulation may say."""
        call = params[0] if params else None
        if not isinstance(call, dict) or not set(call) <= _CALL_FIELDS:
            fields = ", ".join(sorted(_CALL_FIELDS))
            raise _Problem(code=_INVALID_PARAMS, message=f"a call has {fields} and nothing else")
        gas = self.limits.call_gas
        if "gas" in call:
            gas = min(gas, _quantity(call["gas"], "gas"))
        return [{**call, "gas": hex(gas)}, *params[1:]]

    def _check_logs(self, params: list[object]) -> None:
        question = params[0] if params else None
        if not isinstance(question, dict):
            raise _Problem(code=_INVALID_PARAMS, message="eth_getLogs takes one object")
        if "blockHash" in question:
            return
        first, last = (self._height(question.get(k, "latest")) for k in ("fromBlock", "toBlock"))
        if last - first >= self.limits.log_range:
            raise _Problem(
                code=_LIMIT_EXCEEDED, message=f"the range is over {self.limits.log_range} blocks"
            )

    def _height(self, tag: object) -> int:
        if tag == "earliest":
            return 0
        if tag in {"latest", "safe", "finalized", "pending"}:
            tag = self._forward("eth_blockNumber", [])
        return _quantity(tag, "block")

    def _forward(self, method: str, params: list[object]) -> object:
        try:
            return self._endpoint().ask(method, *params)
        except NodeRefused as error:
            code = error.code or _RESOURCE_UNAVAILABLE
            raise _Problem(code=code, message=error.reason, data=error.data) from None
        except AnswerTooLarge:
            raise _Problem(code=_LIMIT_EXCEEDED, message="the answer is too long") from None
        except ChainUnavailable:
            raise _Problem(
                code=_RESOURCE_UNAVAILABLE, message="the chain does not answer"
            ) from None

    def _endpoint(self) -> Endpoint:
        url = self.upstream()
        endpoint = self._endpoints.get(url)
        if endpoint is None:
            limits = Limits(
                timeout_seconds=self.limits.timeout_seconds,
                attempts=1,
                answer_bytes=self.limits.answer_bytes,
            )
            endpoint = Endpoint(url, limits=limits)
            self._endpoints = {url: endpoint}
        return endpoint


class _Nothing:
    """The id of a notification, which has none."""


_NOTHING = _Nothing()


def _read_question(question: object) -> tuple[str, list[object], object]:
    if not isinstance(question, dict) or question.get("jsonrpc") != "2.0":
        raise _Problem(code=_INVALID_REQUEST, message="this is not a JSON-RPC 2.0 request")
    number = question.get("id", _NOTHING)
    method, params = question.get("method"), question.get("params", [])
    simple = number is None or number is _NOTHING or isinstance(number, str | int)
    if not simple or not isinstance(method, str) or not isinstance(params, list):
        raise _Problem(code=_INVALID_REQUEST, message="this is not a JSON-RPC 2.0 request")
    return method, params, number


def _is_here(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _quantity(value: object, name: str) -> int:
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise _Problem(code=_INVALID_PARAMS, message=f"{name} is not a quantity")
    return int(value, 16)


def _refuse_constant(_: str) -> None:
    raise ValueError


def _refusal(message: str, *, code: int = _INVALID_REQUEST) -> bytes:
    return _encode({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}})


def _encode(plain: object) -> bytes:
    return json.dumps(plain, separators=(",", ":")).encode()


def make_server(gateway: Gateway, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Server:
    """A bounded HTTP server for the gateway; port 0 lets the system choose."""
    config = uvicorn.Config(
        gateway,
        host=host,
        port=port,
        http=PatientConnection,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        log_level="warning",
        limit_concurrency=64,
        timeout_keep_alive=5,
    )
    return uvicorn.Server(config)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
