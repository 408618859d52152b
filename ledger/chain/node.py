"""Chain → domain: an Ethereum node, asked through web3; its answers leave in our own shapes.

web3 formats an answer and is lenient about it (a number stays what it is, null stays null), so
every field is checked on its way into our shapes, and an odd answer is ChainUnavailable.

Source: EIP-1474 and the Ethereum JSON-RPC specification (execution-apis).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self

from ledger.chain.plain_answers import read_block, read_logs, read_transaction
from ledger.chain.transport import AnswerTooLarge, Limits, NodeRefused, Transport
from ledger.domain.chain_reader import Block, BlockTag, CallReverted, Receipt, Transaction
from ledger.domain.errors import ChainUnavailable
from ledger.domain.events import Log
from ledger.domain.hashing import keccak256
from ledger.domain.identifiers import to_hex

if TYPE_CHECKING:
    from ledger.chain.provider import NodeEth
    from ledger.chain.web3_library import TxParams

_HASH_BYTES = 32
_BATCH = 50  # what our own gateway takes at once, and every public node
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


class SendOutcome(StrEnum):
    """What a node said to a signed transaction."""

    ACCEPTED = "accepted"
    #: it waits there already, or is mined
    ALREADY_KNOWN = "already_known"
    #: another transaction with this nonce is mined
    NONCE_TOO_LOW = "nonce_too_low"
    #: one with a lower nonce is missing
    NONCE_TOO_HIGH = "nonce_too_high"
    #: it pays less than the block or the transaction that it replaces asks
    UNDERPRICED = "underpriced"
    #: never, as it stands
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAnswer:
    """The classified answer to `send_raw`."""

    outcome: SendOutcome
    #: Keccak-256 of the raw bytes
    transaction_hash: bytes
    #: the node's own words; empty when accepted
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """Where a transaction is, and whether it did anything."""

    block_number: int
    #: False when it was mined and reverted
    succeeded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What a transaction must pay to be mined next; wei per gas."""

    #: of the latest block; 0 where there is none
    base_fee: int
    #: the tip that the node proposes
    priority_fee: int


#: First match wins. Words of geth, Besu, Nethermind, Erigon, reth and anvil.
_SEND_REFUSALS: tuple[tuple[SendOutcome, re.Pattern[str]], ...] = tuple(
    (outcome, re.compile(words, re.IGNORECASE))
    for outcome, words in (
        (SendOutcome.ALREADY_KNOWN, r"already[ _]?(known|imported|exists)|known transaction"),
        (SendOutcome.NONCE_TOO_LOW, r"nonce[ _](is[ _])?too[ _]low|old ?nonce|nonce .*lower than"),
        (
            SendOutcome.NONCE_TOO_HIGH,
            r"nonce[ _](is[ _])?too[ _](high|distant)|nonce[ _-]?gap|exceeds next nonce",
        ),
        (
            SendOutcome.UNDERPRICED,
            r"underpriced|(gas[ _]price|fee)[ _]?(is[ _])?(too[ _]?low|below)|max ?fee.*less than",
        ),
    )
)
_POOL_FULL = re.compile(r"pool[ _](is[ _])?full|rate limit|too many requests", re.IGNORECASE)
_RANGE_TOO_WIDE = re.compile(r"range|results|too (many|large|wide)|limit|size", re.IGNORECASE)
_REVERTED = re.compile(r"revert", re.IGNORECASE)


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
            ) from error

    # ------------------------------------------------------------ reading

    def chain_id(self) -> int:
        """The chain's number (EIP-155)."""
        with self._asking() as eth:
            return _quantity(eth.chain_id, "chainId")

    def genesis_hash(self) -> bytes:
        """The hash of block 0; 32 bytes."""
        block = self.block(0)
        if block is None:
            raise ChainUnavailable(f"{self.name} does not have block 0")
        return block.hash

    def block(self, tag: BlockTag) -> Block | None:
        """The block at a height or tag; None when the node does not have it."""
        with self._asking() as eth:
            answer = eth.find_block(tag)
        return None if answer is None else _block(answer)

    def blocks(self, first: int, last: int) -> list[Block | None]:
        """The blocks of these heights, in batches; None for one that the node does not have."""
        return [
            None if answer is None else read_block(answer)
            for answer in self._read_many(
                "eth_getBlockByNumber", [[hex(height), False] for height in range(first, last + 1)]
            )
        ]

    def transactions(self, transaction_hashes: Sequence[bytes]) -> list[Transaction | None]:
        """Several transactions in their order, in batches; None for one that is not known."""
        answers = self._read_many(
            "eth_getTransactionByHash", [[to_hex(each)] for each in transaction_hashes]
        )
        found = [None if answer is None else read_transaction(answer) for answer in answers]
        for wanted, transaction in zip(transaction_hashes, found, strict=True):
            if transaction is not None and transaction.hash != wanted:
                raise _nonsense("eth_getTransactionByHash", "another transaction")
        return found

    def _read_many(self, method: str, questions: Sequence[Sequence[object]]) -> Iterator[object]:
        """One method's answers, from as many exchanges as batches are needed."""
        for start in range(0, len(questions), _BATCH):
            with self._asking() as eth:
                answers = eth.plain(method, questions[start : start + _BATCH])
            yield from answers

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
            with self._asking() as eth:
                answer = eth.plain("eth_getLogs", [[_filter(addresses, first, last, topics)]])[0]
        except (NodeRefused, AnswerTooLarge) as error:
            wide = isinstance(error, AnswerTooLarge) or _RANGE_TOO_WIDE.search(error.reason)
            if first >= last or not wide:
                raise
            middle = (first + last) // 2
            before = self.logs(addresses, first, middle, topics=topics)
            return before + self.logs(addresses, middle + 1, last, topics=topics)
        logs = sorted(read_logs(answer), key=lambda log: (log.block_number, log.log_index))
        strays = (x.address not in addresses or not first <= x.block_number <= last for x in logs)
        if any(strays):
            raise _nonsense("eth_getLogs", "a log that was not asked for")
        return logs

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """The receipt of a mined transaction; None when there is none."""
        return self.receipts([transaction_hash])[0]

    def receipts(self, transaction_hashes: Sequence[bytes]) -> list[Receipt | None]:
        """The receipts of several transactions in their order, asked in batches."""
        found: list[Receipt | None] = []
        for start in range(0, len(transaction_hashes), _BATCH):
            part = transaction_hashes[start : start + _BATCH]
            with self._asking() as eth:
                answers = eth.find_receipts(part)
            for wanted, answer in zip(part, answers, strict=True):
                receipt = None if answer is None else _receipt(answer)
                if receipt is not None and receipt.transaction_hash != wanted:
                    raise _nonsense("eth_getTransactionReceipt", "another transaction's receipt")
                found.append(receipt)
        return found

    def find_mined(self, transaction_hashes: Sequence[bytes]) -> list[Mined | None]:
        """What became of several transactions, in their order; None while it is in no block."""
        found: list[Mined | None] = []
        for start in range(0, len(transaction_hashes), _BATCH):
            part = transaction_hashes[start : start + _BATCH]
            with self._asking() as eth:
                answers = eth.plain("eth_getTransactionReceipt", [[to_hex(each)] for each in part])
            found += [
                None if answer is None else _mined(answer, wanted)
                for wanted, answer in zip(part, answers, strict=True)
            ]
        return found

    def transaction(self, transaction_hash: bytes) -> Transaction | None:
        """A transaction that is mined or waits; None when the node does not know it."""
        with self._asking() as eth:
            answer = eth.find_transaction(transaction_hash)
        transaction = None if answer is None else _transaction(answer)
        if transaction is not None and transaction.hash != transaction_hash:
            raise _nonsense("eth_getTransactionByHash", "another transaction")
        return transaction

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
        """What the chain asks now."""
        block = self.block("latest")
        if block is None:
            raise ChainUnavailable(f"{self.name} has no latest block")
        with self._asking() as eth:
            try:
                tip = _quantity(eth.proposed_tip(), "priority fee")
            except NodeRefused:  # a chain without EIP-1559 asks one price
                tip = max(_quantity(eth.gas_price, "gas price") - (block.base_fee or 0), 0)
        return Fees(base_fee=block.base_fee or 0, priority_fee=tip)

    # ------------------------------------------------------------ sending

    def send_raw(self, raw: bytes) -> SendAnswer:
        """Hands a signed transaction to the node and classifies what it says.

        A full pool raises ChainUnavailable: the same bytes may be sent again later.
        """
        wanted = keccak256(raw)
        try:
            with self._asking() as eth:
                answer = eth.plain("eth_sendRawTransaction", [[to_hex(raw)]])[0]
        except NodeRefused as error:
            if _POOL_FULL.search(error.reason):
                raise
            return SendAnswer(
                outcome=classify_refusal(error.reason),
                transaction_hash=wanted,
                reason=error.reason,
            )
        if _plain_bytes(answer, "transaction hash") != wanted:
            raise _nonsense("eth_sendRawTransaction", "another transaction's hash")
        return SendAnswer(outcome=SendOutcome.ACCEPTED, transaction_hash=wanted, reason="")


def classify_refusal(reason: str) -> SendOutcome:
    """What a node means by refusing a transaction; REJECTED for a reason that we do not know."""
    return next(
        (outcome for outcome, words in _SEND_REFUSALS if words.search(reason)),
        SendOutcome.REJECTED,
    )


# ---------------------------------------------------------------- answers → shapes


def _nonsense(field: str, what: str) -> ChainUnavailable:
    return ChainUnavailable(
        f"the node's answer is {what}", field=field, remedy="Ask another node of the same chain."
    )


def _quantity(value: object, field: str) -> int:
    if type(value) is not int or value < 0:
        raise _nonsense(field, "not a quantity")
    return value


def _bytes(value: object, field: str, size: int | None = None) -> bytes:
    if not isinstance(value, bytes):
        raise _nonsense(field, "not bytes")
    if size is not None and len(value) != size:
        raise _nonsense(field, f"not {size} bytes")
    return bytes(value)


def _address(value: object, field: str) -> bytes:
    """web3 gives addresses as text with a checksum."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise _nonsense(field, "not an address")
    return bytes.fromhex(value[2:])


def _object(value: object, field: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _nonsense(field, "not an object")
    return value


def _list(value: object, field: str) -> list[object]:
    if not isinstance(value, list):
        raise _nonsense(field, "not a list")
    return value


def _block(answer: object) -> Block:
    plain = _object(answer, "block")
    base_fee = plain.get("baseFeePerGas")
    return Block(
        number=_quantity(plain.get("number"), "block.number"),
        hash=_bytes(plain.get("hash"), "block.hash", _HASH_BYTES),
        parent_hash=_bytes(plain.get("parentHash"), "block.parentHash", _HASH_BYTES),
        timestamp=_quantity(plain.get("timestamp"), "block.timestamp"),
        base_fee=None if base_fee is None else _quantity(base_fee, "block.baseFeePerGas"),
        gas_limit=_quantity(plain.get("gasLimit"), "block.gasLimit"),
        gas_used=_quantity(plain.get("gasUsed"), "block.gasUsed"),
        transactions=tuple(
            _bytes(item, "block.transactions", _HASH_BYTES)
            for item in _list(plain.get("transactions"), "block.transactions")
        ),
    )


def _transaction(answer: object) -> Transaction:
    plain = _object(answer, "transaction")
    to, number, block = plain.get("to"), plain.get("blockNumber"), plain.get("blockHash")
    return Transaction(
        hash=_bytes(plain.get("hash"), "transaction.hash", _HASH_BYTES),
        sender=_address(plain.get("from"), "transaction.from"),
        to=None if to is None else _address(to, "transaction.to"),
        nonce=_quantity(plain.get("nonce"), "transaction.nonce"),
        gas=_quantity(plain.get("gas"), "transaction.gas"),
        data=_bytes(plain.get("input"), "transaction.input"),
        block_number=None if number is None else _quantity(number, "transaction.blockNumber"),
        block_hash=None if block is None else _bytes(block, "transaction.blockHash", _HASH_BYTES),
    )


def _receipt(answer: object) -> Receipt:
    plain = _object(answer, "receipt")
    created = plain.get("contractAddress")
    return Receipt(
        transaction_hash=_bytes(plain.get("transactionHash"), "receipt.hash", _HASH_BYTES),
        transaction_index=_quantity(plain.get("transactionIndex"), "receipt.transactionIndex"),
        block_number=_quantity(plain.get("blockNumber"), "receipt.blockNumber"),
        block_hash=_bytes(plain.get("blockHash"), "receipt.blockHash", _HASH_BYTES),
        succeeded=_succeeded(plain.get("status")),
        gas_used=_quantity(plain.get("gasUsed"), "receipt.gasUsed"),
        contract_address=None if created is None else _address(created, "receipt.contractAddress"),
        logs=tuple(_logs(plain.get("logs"))),
    )


def _mined(answer: object, wanted: bytes) -> Mined:
    plain = _object(answer, "receipt")
    if _plain_bytes(plain.get("transactionHash"), "receipt.hash") != wanted:
        raise _nonsense("eth_getTransactionReceipt", "another transaction's receipt")
    return Mined(
        block_number=_plain_quantity(plain.get("blockNumber"), "receipt.blockNumber"),
        succeeded=_succeeded(_plain_quantity(plain.get("status"), "receipt.status")),
    )


def _plain_quantity(value: object, field: str) -> int:
    """EIP-1474: hexadecimal with a prefix."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise _nonsense(field, "not a quantity")
    return int(value, 16)


def _plain_bytes(value: object, field: str) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise _nonsense(field, "not bytes")
    return bytes.fromhex(value[2:])


def _succeeded(status: object) -> bool:
    number = _quantity(status, "receipt.status")
    if number not in {0, 1}:
        raise _nonsense("receipt.status", "neither 0 nor 1")
    return number == 1


def _logs(answer: object) -> list[Log]:
    return [_log(item) for item in _list(answer, "logs")]


def _log(answer: object) -> Log:
    plain = _object(answer, "log")
    removed = plain.get("removed")
    if removed is not None and removed is not False:
        raise _nonsense("log", "one of a block that is no longer part of the chain")
    return Log(
        address=_address(plain.get("address"), "log.address"),
        topics=tuple(
            _bytes(topic, "log.topics", _HASH_BYTES)
            for topic in _list(plain.get("topics"), "log.topics")
        ),
        data=_bytes(plain.get("data"), "log.data"),
        block_number=_quantity(plain.get("blockNumber"), "log.blockNumber"),
        block_hash=_bytes(plain.get("blockHash"), "log.blockHash", _HASH_BYTES),
        transaction_hash=_bytes(plain.get("transactionHash"), "log.hash", _HASH_BYTES),
        transaction_index=_quantity(plain.get("transactionIndex"), "log.transactionIndex"),
        log_index=_quantity(plain.get("logIndex"), "log.logIndex"),
    )


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
    return CallReverted(error.reason, data=b"") if _REVERTED.search(error.reason) else error
