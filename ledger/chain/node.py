"""Chain → domain: an Ethereum node, asked through web3; its answers leave in our own shapes.

What has fields is read by `plain_answers`.  web3 formats what is asked about one account or one
contract, and is lenient about it (a number stays what it is, null stays null), so its answers are
checked again; an odd one is ChainUnavailable.

Source: EIP-1474 and the Ethereum JSON-RPC specification (execution-apis).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from ledger.chain.plain_answers import (
    Mined,
    nonsense,
    read_block,
    read_bytes,
    read_logs,
    read_mined,
    read_quantity,
    read_receipt,
    read_transaction,
)
from ledger.chain.transport import AnswerTooLarge, Limits, NodeRefused, Transport
from ledger.chain.wording import SendOutcome, classify_refusal, is_range_too_wide, is_reverted
from ledger.domain.chain.chain_reader import (
    Block,
    BlockTag,
    CallReverted,
    Receipt,
    Transaction,
    newest_block,
)
from ledger.domain.encoding.events import Log
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import ChainUnavailable

if TYPE_CHECKING:
    from ledger.chain.provider import NodeEth
    from ledger.chain.web3_library import TxParams

__all__ = ["Fees", "Mined", "Node", "SendAnswer", "SendOutcome", "classify_refusal"]

Found = TypeVar("Found")

_BATCH = 50  # what our own gateway takes at once, and every public node
_LONGEST_NAME = 100
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAnswer:
    """The classified answer to `send_raw`."""

    outcome: SendOutcome
    #: Keccak-256 of the raw bytes
    transaction_hash: bytes
    #: the node's own words; empty when accepted
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What a transaction must pay to be mined next; wei per gas."""

    #: of the latest block; 0 where there is none
    base_fee: int
    #: the tip that the node proposes
    priority_fee: int


class Node:
    """A node at a URL; implements `ChainReader`. Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        *,
        limits: Limits | None = None,
        block_time: Callable[[], int] | None = None,
        pause: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Does not connect yet; raises InvalidInput for a URL that is none.

        `block_time` gives the time (Unix seconds) that calls and estimates on the latest state
        assume; without it the node decides, and some take the last block's. A node that cannot
        assume a time raises NodeRefused.
        """
        self._transport = Transport(url, limits=limits, pause=pause, jitter=jitter)
        self._block_time = block_time

    @property
    def name(self) -> str:
        """The endpoint without anything secret, for logs and errors."""
        return self._transport.name

    def close(self) -> None:
        """Closes the kept connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        """The node itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the kept connections."""
        self.close()

    @cached_property
    def _eth(self) -> NodeEth:
        from ledger.chain.provider import connect  # noqa: PLC0415 - takes more than a second

        return connect(self._transport, block_time=self._block_time)

    @contextmanager
    def _asking(self) -> Iterator[NodeEth]:
        """web3's `eth`; inside, an answer that web3 cannot format becomes ChainUnavailable."""
        from ledger.chain.provider import TRIPPED  # noqa: PLC0415 - the same

        eth = self._eth
        try:
            yield eth
        except TRIPPED as error:
            raise ChainUnavailable(
                f"{self.name} gives an answer that cannot be read ({type(error).__name__})",
                remedy="Ask another node of the same chain.",
                field="chain",
                rule="answers are those of the Ethereum JSON-RPC specification",
            ) from error

    # ------------------------------------------------------------ reading

    def chain_id(self) -> int:
        """The chain's number (EIP-155)."""
        with self._asking() as eth:
            return _quantity(eth.chain_id, "chainId")

    def genesis_hash(self) -> bytes:
        """The hash of the chain's first block, 0 or, where it begins so, 1; 32 bytes."""
        block = self.block(0) or self.block(1)
        if block is None:
            raise ChainUnavailable(
                f"{self.name} does not have the first block",
                field="chain",
                rule="a chain is known by its first block",
                remedy="ask another node of the same chain",
            )
        return block.hash

    def block(self, tag: BlockTag) -> Block | None:
        """The block at a height or tag; None when the node does not have it."""
        height = tag if isinstance(tag, str) else hex(tag)
        answer = self.ask("eth_getBlockByNumber", height, False)
        return None if answer is None else read_block(answer)

    def blocks(self, first: int, last: int) -> list[Block | None]:
        """The blocks of these heights, in batches; None for one that the node does not have."""
        return [
            None if answer is None else read_block(answer)
            for answer in self._read_many(
                "eth_getBlockByNumber", [[hex(height), False] for height in range(first, last + 1)]
            )
        ]

    def transaction(self, transaction_hash: bytes) -> Transaction | None:
        """A transaction that is mined or waits; None when the node does not know it."""
        return self.transactions([transaction_hash])[0]

    def transactions(self, transaction_hashes: Sequence[bytes]) -> list[Transaction | None]:
        """Several transactions in their order, in batches; None for one that is not known."""
        return self._find_each("eth_getTransactionByHash", transaction_hashes, read_transaction)

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """The receipt of a mined transaction; None when there is none."""
        return self.receipts([transaction_hash])[0]

    def receipts(self, transaction_hashes: Sequence[bytes]) -> list[Receipt | None]:
        """The receipts of several transactions in their order, asked in batches."""
        return self._find_each("eth_getTransactionReceipt", transaction_hashes, read_receipt)

    def find_mined(self, transaction_hashes: Sequence[bytes]) -> list[Mined | None]:
        """What became of several transactions, in their order; None while it is in no block."""
        return self._find_each("eth_getTransactionReceipt", transaction_hashes, read_mined)

    def logs(
        self,
        addresses: Sequence[bytes],
        first: int,
        last: int,
        *,
        topics: Sequence[Sequence[bytes] | None] = (),
    ) -> list[Log]:
        """The logs of these contracts in blocks `first` to `last`, in chain order.

        `topics[i]` lists what the i-th topic may be; None, or beyond the list, means anything.  A
        range that the node or our own limit finds too wide is asked in halves.
        """
        try:
            answer = self.ask("eth_getLogs", _filter(addresses, first, last, topics))
        except (NodeRefused, AnswerTooLarge) as error:
            wide = isinstance(error, AnswerTooLarge) or is_range_too_wide(error.reason)
            if first >= last or not wide:
                raise
            middle = (first + last) // 2
            before = self.logs(addresses, first, middle, topics=topics)
            return before + self.logs(addresses, middle + 1, last, topics=topics)
        logs = sorted(read_logs(answer), key=lambda log: (log.block_number, log.log_index))
        strays = (x.address not in addresses or not first <= x.block_number <= last for x in logs)
        if any(strays):
            raise nonsense("eth_getLogs", "a log that was not asked for")
        return logs

    def _find_each(
        self,
        method: str,
        transaction_hashes: Sequence[bytes],
        read: Callable[[object, bytes], Found],
    ) -> list[Found | None]:
        """What `read` makes of the answer about each transaction; None where there is none."""
        answers = self._read_many(method, [[to_hex(each)] for each in transaction_hashes])
        return [
            None if answer is None else read(answer, wanted)
            for wanted, answer in zip(transaction_hashes, answers, strict=True)
        ]

    def ask(self, method: str, *question: object) -> object:
        """The answer to one question, as the node wrote it; raises NodeRefused."""
        return self._eth.plain(method, [question])[0]

    def _read_many(self, method: str, questions: Sequence[Sequence[object]]) -> Iterator[object]:
        """One method's answers, from as many exchanges as batches are needed."""
        for start in range(0, len(questions), _BATCH):
            yield from self._eth.plain(method, questions[start : start + _BATCH])

    def transaction_count(
        self, account: bytes, tag: Literal["latest", "pending"] = "latest"
    ) -> int:
        """The account's next nonce, with or without what waits."""
        with self._asking() as eth:
            count = eth.get_transaction_count(eth.checksummed(account), tag)
            return _quantity(count, "transaction count")

    def balance(self, account: bytes) -> int:
        """What the account can pay with; wei."""
        with self._asking() as eth:
            return _quantity(eth.get_balance(eth.checksummed(account), "latest"), "balance")

    def code(self, address: bytes, tag: BlockTag = "latest") -> bytes:
        """The runtime code of a contract; empty for an account without code."""
        with self._asking() as eth:
            return _bytes(eth.get_code(eth.checksummed(address), tag), "code")

    def call(self, to: bytes, data: bytes, tag: BlockTag = "latest") -> bytes:
        """What a view answers; raises CallReverted with the contract's own error data."""
        try:
            with self._asking() as eth:
                return _bytes(eth.call({"to": eth.checksummed(to), "data": data}, tag), "call")
        except NodeRefused as error:
            raise _reverted(error) from None

    def estimate_gas(self, to: bytes, data: bytes, *, sender: bytes) -> int:
        """The gas that a transaction would use on top of what waits; raises CallReverted."""
        try:
            with self._asking() as eth:
                question: TxParams = {
                    "from": eth.checksummed(sender),
                    "to": eth.checksummed(to),
                    "data": data,
                }
                return _quantity(eth.estimate_gas(question, "pending"), "gas")
        except NodeRefused as error:
            raise _reverted(error) from None

    def fees(self) -> Fees:
        """What the chain asks now.

        A node may want more than the newest block did: Besu drops without a word what pays less
        than its own least price, and says that price only by eth_gasPrice.
        """
        base_fee = newest_block(self).base_fee or 0
        try:
            tip = read_quantity(self.ask("eth_maxPriorityFeePerGas"), "priority fee")
        except NodeRefused:  # a chain without EIP-1559 asks one price
            tip = 0
        price = read_quantity(self.ask("eth_gasPrice"), "gas price")
        return Fees(base_fee=base_fee, priority_fee=max(tip, price - base_fee))

    # ------------------------------------------------------------ about the node

    def program(self) -> str:
        """What it calls itself, as `besu/v25.11.0/linux-x86_64/…`; "unknown" when it does not."""
        try:
            return str(self.ask("web3_clientVersion")).partition("\n")[0][:_LONGEST_NAME]
        except NodeRefused:
            return "unknown"

    def is_syncing(self) -> bool:
        """Whether it says that it is still catching up with its chain."""
        return self.ask("eth_syncing") is not False

    def run(self, code: bytes) -> bytes:
        """What code that creates a contract would leave, tried without a transaction."""
        try:
            return read_bytes(self.ask("eth_call", {"data": to_hex(code)}, "latest"), "call")
        except NodeRefused as error:
            raise _reverted(error) from None

    # ------------------------------------------------------------ sending

    def send_raw(self, raw: bytes) -> SendAnswer:
        """Hands a signed transaction to the node and classifies what it says.

        One that cannot take it now, as with a full pool, raises ChainUnavailable: the same bytes
        may be sent again later.
        """
        wanted = keccak256(raw)
        try:
            answer = self.ask("eth_sendRawTransaction", to_hex(raw))
        except NodeRefused as error:
            outcome = classify_refusal(error.reason)
            if outcome is SendOutcome.NOT_NOW:
                raise
            return SendAnswer(
                outcome=outcome,
                transaction_hash=wanted,
                reason=error.reason,
            )
        if read_bytes(answer, "transaction hash") != wanted:
            raise nonsense("eth_sendRawTransaction", "another transaction's hash")
        return SendAnswer(outcome=SendOutcome.ACCEPTED, transaction_hash=wanted, reason="")


# ---------------------------------------------------------------- web3's answers, checked


def _quantity(value: object, field: str) -> int:
    if type(value) is not int or value < 0:
        raise nonsense(field, "not a quantity")
    return value


def _bytes(value: object, field: str) -> bytes:
    if not isinstance(value, bytes):
        raise nonsense(field, "not bytes")
    return bytes(value)


# ---------------------------------------------------------------- questions and refusals


def _filter(
    addresses: Sequence[bytes], first: int, last: int, topics: Sequence[Sequence[bytes] | None]
) -> dict[str, object]:
    """The question of eth_getLogs."""
    question: dict[str, object] = {
        "address": [to_hex(address) for address in addresses],
        "fromBlock": hex(first),
        "toBlock": hex(last),
    }
    if topics:
        question["topics"] = [
            None if choices is None else [to_hex(choice) for choice in choices]
            for choices in topics
        ]
    return question


def _reverted(error: NodeRefused) -> Exception:
    """CallReverted when the contract said no; the node's own refusal otherwise."""
    data = error.data
    if isinstance(data, dict):  # some nodes wrap it once more
        data = data.get("data")
    if isinstance(data, str):
        data = data.removeprefix("Reverted ")
        if _HEX.fullmatch(data):
            return CallReverted(error.reason, data=bytes.fromhex(data[2:]))
    return CallReverted(error.reason, data=b"") if is_reverted(error.reason) else error
