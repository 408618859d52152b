"""The read-only door to the embedded chain: a method allow-list in front of anvil.

anvil answers every origin and executes its cheat calls for whoever reaches it; this ASGI
application is what everybody else may reach.  It sets no CORS header, asks for a known Host
(DNS rebinding), bounds answers and gas, and forwards nothing that is not listed; the rest is what
every door of ours does.

Source: JSON-RPC 2.0; EIP-1474.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

import uvicorn
from anyio import to_thread
from starlette.responses import Response

from ledger.chain.node import Node
from ledger.chain.transport import AnswerTooLarge, Limits, NodeRefused
from ledger.domain.errors import ChainUnavailable
from ledger.doors.connections import configuration
from ledger.doors.counting import Counter
from ledger.doors.guard import (
    LOOPBACK_NAMES,
    SECURITY_HEADERS,
    Bounds,
    Gone,
    Receive,
    Scope,
    Send,
    Unacceptable,
    is_here,
    read_request,
)
from ledger.doors.json_bodies import parse_json

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
_LOG_FIELDS = frozenset({"address", "topics", "fromBlock", "toBlock", "blockHash"})
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_DEEPEST = 16
_CODES = {
    HTTPStatus.BAD_REQUEST: _PARSE_ERROR,
    HTTPStatus.TOO_MANY_REQUESTS: _LIMIT_EXCEEDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLimits:
    """What one question may cost, and how many there may be."""

    batch: int = 50
    answer_bytes: int = 16 * 1024 * 1024
    #: of one eth_call
    call_gas: int = 10_000_000
    #: blocks of one eth_getLogs
    log_range: int = 10_000
    #: for the node to answer
    timeout_seconds: float = 10.0
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


@dataclass(slots=True)
class Gateway:
    """An ASGI application; `upstream` gives the node's address anew, since a restart moves it."""

    upstream: Callable[[], str]
    #: its Host names are this machine's own, and those that it is told
    bounds: Bounds = field(default_factory=partial(Bounds, hosts=LOOPBACK_NAMES))
    limits: GatewayLimits = field(default_factory=GatewayLimits)
    _nodes: dict[str, Node] = field(default_factory=dict)
    _counter: Counter = field(default_factory=Counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP exchange."""
        headers = {"Content-Type": "application/json"}
        try:
            body = await self._respond(scope, receive)
            status = HTTPStatus.OK if body else HTTPStatus.NO_CONTENT
        except Unacceptable as error:
            code = _CODES.get(error.status, _INVALID_REQUEST)
            body = _failed(None, _Problem(code=code, message=str(error)))
            status, headers = error.status, headers | error.headers
        except Gone:
            return
        response = Response(body, status, headers)
        response.raw_headers += SECURITY_HEADERS
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> bytes:
        asker = (scope.get("client") or ("unknown",))[0]
        self._count(asker, 1)
        body = await read_request(scope, receive, self.bounds)
        if scope["method"] != "POST":
            raise Unacceptable("POST only", status=HTTPStatus.METHOD_NOT_ALLOWED)
        plain = parse_json(scope["headers"], body, deepest=_DEEPEST)
        return await to_thread.run_sync(self.answer, plain, asker)

    def _count(self, asker: str, questions: int) -> None:
        """Raise Unacceptable when an address asked more questions than it may."""
        limit = self.limits.per_minute_here if is_here(asker) else self.limits.per_minute
        self._counter.require(limit, "address", asker, times=questions)

    # ------------------------------------------------------------ JSON-RPC

    def answer(self, asked: object, asker: str) -> bytes:
        """The reply to a question or a batch of them, as JSON; empty where there is none to give.

        Raises Unacceptable when the address asked too often.
        """
        if not isinstance(asked, list):
            return self._reply(asked)
        try:
            return self._reply_to_batch(asked, asker)
        except _Problem as problem:
            return _failed(None, problem)

    def _reply_to_batch(self, batch: list[object], asker: str) -> bytes:
        if not 1 <= len(batch) <= self.limits.batch:
            message = f"a batch holds 1 to {self.limits.batch}"
            raise _Problem(code=_INVALID_REQUEST, message=message)
        self._count(asker, len(batch) - 1)
        replies: list[bytes] = []
        for question in batch:
            replies.append(self._reply(question))
            if sum(map(len, replies)) > self.limits.answer_bytes:
                raise _Problem(code=_LIMIT_EXCEEDED, message="the answers are too long")
        given = b",".join(filter(None, replies))
        return b"[" + given + b"]" if given else b""

    def _reply(self, question: object) -> bytes:
        """The reply to one question; empty to a notification, which is not carried out either."""
        number: object = None
        try:
            method, params, number = _read_question(question)
            if number is _NOTHING:
                return b""
            result = self._forward(method, self._check(method, params))
        except _Problem as problem:
            return _failed(number, problem)
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
        if not isinstance(question, dict) or not set(question) <= _LOG_FIELDS:
            fields = ", ".join(sorted(_LOG_FIELDS))
            raise _Problem(code=_INVALID_PARAMS, message=f"eth_getLogs takes an object: {fields}")
        if "blockHash" in question:
            if not set(question).isdisjoint({"fromBlock", "toBlock"}):
                raise _Problem(code=_INVALID_PARAMS, message="either blockHash or a range")
            # null is no block: a node would take it for a range without ends
            if not _HASH.fullmatch(str(question["blockHash"])):
                raise _Problem(code=_INVALID_PARAMS, message="blockHash is not a hash")
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
            return self._node().ask(method, *params)
        except NodeRefused as error:
            code = error.code or _RESOURCE_UNAVAILABLE
            raise _Problem(code=code, message=error.reason, data=error.data) from None
        except AnswerTooLarge:
            raise _Problem(code=_LIMIT_EXCEEDED, message="the answer is too long") from None
        except ChainUnavailable:
            raise _Problem(
                code=_RESOURCE_UNAVAILABLE, message="the chain does not answer"
            ) from None

    def _node(self) -> Node:
        url = self.upstream()
        node = self._nodes.get(url)
        if node is None:
            limits = Limits(
                timeout_seconds=self.limits.timeout_seconds,
                attempts=1,
                answer_bytes=self.limits.answer_bytes,
            )
            node = Node(url, limits=limits)
            self.close()
            self._nodes = {url: node}
        return node

    def close(self) -> None:
        """Closes the connections to the node."""
        nodes, self._nodes = self._nodes, {}
        for node in nodes.values():
            node.close()


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


def _quantity(value: object, name: str) -> int:
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise _Problem(code=_INVALID_PARAMS, message=f"{name} is not a quantity")
    return int(value, 16)


def _failed(number: object, problem: _Problem) -> bytes:
    error: dict[str, object] = {"code": problem.code, "message": problem.message}
    if problem.data is not None:
        error["data"] = problem.data
    return _encode({"jsonrpc": "2.0", "id": number, "error": error})


def _encode(plain: object) -> bytes:
    return json.dumps(plain, separators=(",", ":")).encode()


def make_server(gateway: Gateway, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Server:
    """A bounded HTTP server for the gateway; port 0 lets the system choose."""
    return uvicorn.Server(
        configuration(
            gateway, most=64, host=host, port=port, log_level="warning", timeout_keep_alive=5
        )
    )
