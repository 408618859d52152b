"""Transport → web3: a provider that bounds and checks answers, and a Web3 that asks nothing else.

web3's default middleware is left out: it asks for the chain id before calls, looks up ENS names and
polls for gas prices.  CCIP read (ERC-3668), which would fetch URLs that a contract names, is off,
and so are caches and retries other than the transport's.

Sources: JSON-RPC 2.0; EIP-1474 for the error codes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ledger.chain.transport import NodeRefused, Transient, Transport
from ledger.chain.web3_library import (
    Eth,
    JSONBaseProvider,
    RPCEndpoint,
    RPCResponse,
    Web3,
    Web3Exception,
    Web3Middleware,
)
from ledger.chain.wording import is_absent

if TYPE_CHECKING:
    from eth_typing import ChecksumAddress

#: a method and its parameters
Call: TypeAlias = tuple[RPCEndpoint, Any]

_DEEPEST = 64
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_LONGEST_REASON = 300
_TIMED = frozenset({"eth_call", "eth_estimateGas"})
_OPEN_TAGS = frozenset({"latest", "pending"})
#: what web3's formatters raise when an answer is not what they expect
TRIPPED = (Web3Exception, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


class BoundedProvider(JSONBaseProvider):
    """The provider that web3 asks through; every failure is already one of our own errors.

    A refusal is raised here as NodeRefused, with the node's code and data.  web3 would guess a
    meaning first, and a hostile revert (an unknown panic code, text that is not UTF-8) trips it.
    """

    global_ccip_read_enabled = False

    def __init__(self, transport: Transport) -> None:
        """Asks nothing yet."""
        super().__init__(cache_allowed_requests=False)
        self._transport = transport

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:  # noqa: ANN401 - web3's
        """The answer to one call; raises NodeRefused or ChainUnavailable."""
        return self._exchange([(method, params)], batch=False)[0]

    def make_batch_request(self, requests: list[Call]) -> list[RPCResponse]:
        """The answers to several calls in their order, from one exchange.

        Raises NodeRefused for the first call that was refused.
        """
        return self._exchange(requests, batch=True) if requests else []

    def _exchange(self, calls: Sequence[Call], *, batch: bool) -> list[RPCResponse]:
        # Numbered anew each time, so that an answer is held against exactly what was asked.
        # web3's own reading of a batch takes a doubled or an incomplete one as it comes.
        questions = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
            for number, (method, params) in enumerate(calls, start=1)
        ]
        body = json.dumps(questions if batch else questions[0]).encode()
        read = partial(_read_answers, calls=calls, batch=batch)
        return self._transport.exchange(body, read, what=calls[0][0])


class NextBlockTime(Web3Middleware):
    """Calls and estimates on the latest state assume the time of the next block."""

    def __init__(self, w3: Web3, *, block_time: Callable[[], int]) -> None:
        """`block_time` gives Unix seconds."""
        super().__init__(w3)
        self._block_time = block_time

    def request_processor(self, method: RPCEndpoint, params: Any) -> Any:  # noqa: ANN401 - web3's
        """The call with two more parameters: no state overridden, and the block's time."""
        if method in _TIMED and params[1] in _OPEN_TAGS:
            params = (*params, {}, {"time": hex(self._block_time())})
        return method, params


class NodeEth(Eth):
    """web3's `eth`, and a way past it."""

    @staticmethod
    def checksummed(address: bytes) -> ChecksumAddress:
        """20 bytes as web3 wants them."""
        return Web3.to_checksum_address(address)

    def plain(self, method: str, questions: Sequence[Sequence[object]]) -> list[object]:
        """One method's answers to several questions, from one exchange, as the node wrote them."""
        calls = [(RPCEndpoint(method), parameters) for parameters in questions]
        provider = cast("BoundedProvider", self.w3.provider)
        if len(calls) == 1:
            return [provider.make_request(*calls[0])["result"]]
        return [answer["result"] for answer in provider.make_batch_request(calls)]


def connect(transport: Transport, *, block_time: Callable[[], int] | None = None) -> NodeEth:
    """The `eth` of a Web3 over the transport; asks nothing yet."""
    middleware: list[tuple[Any, str]] = []
    if block_time is not None:
        middleware.append((partial(NextBlockTime, block_time=block_time), "next block's time"))
    web3 = Web3(
        BoundedProvider(transport), middleware=middleware, modules={"eth": NodeEth}, ens=None
    )
    return cast("NodeEth", web3.eth)


# ---------------------------------------------------------------- bytes → answers


def _read_answers(data: bytes, *, calls: Sequence[Call], batch: bool) -> list[RPCResponse]:
    try:
        _require_shallow(data)
        plain = json.loads(data)
    except (ValueError, RecursionError):
        raise Transient("the answer is not JSON, or nests too deep") from None
    answers = plain if batch and isinstance(plain, list) else [plain]
    by_id: dict[int, RPCResponse] = {}
    refusals: dict[int, NodeRefused] = {}
    for answer in answers:
        number = _read_number(answer, len(calls))
        if number in by_id or number in refusals:
            raise Transient("the answer is doubled")
        if answer.get("error") is not None:
            method = calls[number - 1][0]
            refusal = _read_refusal(method, answer["error"])
            if is_absent(method, refusal.reason):
                by_id[number] = {"jsonrpc": "2.0", "id": number, "result": None}
            else:
                refusals[number] = refusal
        elif "result" in answer:
            by_id[number] = {"jsonrpc": "2.0", "id": number, "result": answer["result"]}
        else:
            raise Transient("the answer has neither result nor error")
    if refusals:
        raise refusals[min(refusals)]
    if len(by_id) != len(calls):
        raise Transient("the answer is incomplete")
    return [by_id[number] for number in range(1, len(calls) + 1)]


def _require_shallow(data: bytes) -> None:
    """ValueError for an answer that would make a recursive parser run away.

    Brackets inside strings count too: answers are long, and no honest one has so many.
    """
    depth = 0
    for byte in data.translate(None, delete=_NO_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        if depth > _DEEPEST:
            raise ValueError


def _read_number(answer: object, most: int) -> int:
    """Which question an answer is to, counted from 1."""
    if not isinstance(answer, dict):
        raise Transient("the answer is not JSON-RPC")
    number = answer.get("id")
    if number is None and "error" in answer:
        return 1  # the node could not even read the request
    if type(number) is not int or not 1 <= number <= most:
        raise Transient("the answer is to another question")
    return number


def _read_refusal(method: str, error: object) -> NodeRefused:
    if not isinstance(error, dict):
        return NodeRefused(method, code=0, reason=str(error)[:_LONGEST_REASON])
    code = error.get("code")
    return NodeRefused(
        method,
        code=code if isinstance(code, int) else 0,
        reason=str(error.get("message", ""))[:_LONGEST_REASON],
        data=error.get("data"),
    )
