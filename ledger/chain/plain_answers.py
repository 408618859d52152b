"""JSON-RPC answers as the node wrote them → blocks, transactions, receipts, logs in our own shapes.

web3 formats an answer field by field, which takes longer than everything that we do with a page of
a chain.  Each field is checked here; an odd one is ChainUnavailable.

Source: EIP-1474 and the Ethereum JSON-RPC specification (execution-apis).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ledger.domain.chain.chain_reader import Block, Receipt, Transaction
from ledger.domain.encoding.events import Log
from ledger.domain.errors import ChainUnavailable

_HASH_BYTES = 32
_ADDRESS_BYTES = 20
#: at most a 256-bit number
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """Where a transaction is, and whether it did anything."""

    block_number: int
    #: False when it was mined and reverted
    succeeded: bool


def nonsense(field: str, what: str) -> ChainUnavailable:
    """The error for an answer that no node gives."""
    return ChainUnavailable(
        f"the node's answer is {what}",
        field=field,
        remedy="Ask another node of the same chain.",
        rule="answers are those of the Ethereum JSON-RPC specification",
    )


def read_quantity(value: object, field: str) -> int:
    """A number in hexadecimal with its prefix."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise nonsense(field, "not a quantity")
    return int(value, 16)


def read_bytes(value: object, field: str, size: int | None = None) -> bytes:
    """Bytes in hexadecimal with their prefix."""
    if isinstance(value, str) and value[:2] == "0x":
        try:
            found = bytes.fromhex(value[2:])
        except ValueError:
            found = None
        # `fromhex` passes over blanks; then there are fewer bytes than digits say
        if found is not None and 2 * len(found) == len(value) - 2:
            if size is not None and len(found) != size:
                raise nonsense(field, f"not {size} bytes")
            return found
    raise nonsense(field, "not bytes")


def read_object(value: object, field: str) -> Mapping[str, object]:
    """An object of JSON."""
    if not isinstance(value, dict):
        raise nonsense(field, "not an object")
    return value


def read_list(value: object, field: str) -> list[object]:
    """A list of JSON."""
    if not isinstance(value, list):
        raise nonsense(field, "not a list")
    return value


def read_block(answer: object) -> Block:
    """A block with its transactions' hashes."""
    plain = read_object(answer, "block")
    base_fee = plain.get("baseFeePerGas")
    return Block(
        number=read_quantity(plain.get("number"), "block.number"),
        hash=read_bytes(plain.get("hash"), "block.hash", _HASH_BYTES),
        parent_hash=read_bytes(plain.get("parentHash"), "block.parentHash", _HASH_BYTES),
        timestamp=read_quantity(plain.get("timestamp"), "block.timestamp"),
        base_fee=None if base_fee is None else read_quantity(base_fee, "block.baseFeePerGas"),
        gas_limit=read_quantity(plain.get("gasLimit"), "block.gasLimit"),
        gas_used=read_quantity(plain.get("gasUsed"), "block.gasUsed"),
        transactions=tuple(
            read_bytes(item, "block.transactions", _HASH_BYTES)
            for item in read_list(plain.get("transactions"), "block.transactions")
        ),
    )


def read_transaction(answer: object, wanted: bytes) -> Transaction:
    """The transaction of that hash, mined or waiting."""
    plain = read_object(answer, "transaction")
    if read_bytes(plain.get("hash"), "transaction.hash") != wanted:
        raise nonsense("eth_getTransactionByHash", "another transaction")
    to, number, block = plain.get("to"), plain.get("blockNumber"), plain.get("blockHash")
    return Transaction(
        hash=wanted,
        sender=read_bytes(plain.get("from"), "transaction.from", _ADDRESS_BYTES),
        to=None if to is None else read_bytes(to, "transaction.to", _ADDRESS_BYTES),
        nonce=read_quantity(plain.get("nonce"), "transaction.nonce"),
        gas=read_quantity(plain.get("gas"), "transaction.gas"),
        data=read_bytes(plain.get("input"), "transaction.input"),
        block_number=None if number is None else read_quantity(number, "transaction.blockNumber"),
        block_hash=(
            None if block is None else read_bytes(block, "transaction.blockHash", _HASH_BYTES)
        ),
    )


def read_receipt(answer: object, wanted: bytes) -> Receipt:
    """The receipt of the transaction of that hash, with its logs."""
    plain, mined = _read_receipt(answer, wanted)
    created = plain.get("contractAddress")
    return Receipt(
        transaction_hash=wanted,
        transaction_index=read_quantity(plain.get("transactionIndex"), "receipt.transactionIndex"),
        block_number=mined.block_number,
        block_hash=read_bytes(plain.get("blockHash"), "receipt.blockHash", _HASH_BYTES),
        succeeded=mined.succeeded,
        gas_used=read_quantity(plain.get("gasUsed"), "receipt.gasUsed"),
        contract_address=(
            None
            if created is None
            else read_bytes(created, "receipt.contractAddress", _ADDRESS_BYTES)
        ),
        logs=tuple(read_logs(plain.get("logs"))),
    )


def read_mined(answer: object, wanted: bytes) -> Mined:
    """The same receipt without what lies beside: reading its logs takes longer than mining them."""
    return _read_receipt(answer, wanted)[1]


def _read_receipt(answer: object, wanted: bytes) -> tuple[Mapping[str, object], Mined]:
    plain = read_object(answer, "receipt")
    if read_bytes(plain.get("transactionHash"), "receipt.hash") != wanted:
        raise nonsense("eth_getTransactionReceipt", "another transaction's receipt")
    status = read_quantity(plain.get("status"), "receipt.status")
    if status not in {0, 1}:
        raise nonsense("receipt.status", "neither 0 nor 1")
    number = read_quantity(plain.get("blockNumber"), "receipt.blockNumber")
    return plain, Mined(block_number=number, succeeded=status == 1)


def read_logs(answer: object) -> list[Log]:
    """The logs of a range or of a receipt, in the node's own order."""
    logs = read_list(answer, "logs")
    words, addresses = _Known(_HASH_BYTES), _Known(_ADDRESS_BYTES)
    return [_read_log(item, words, addresses) for item in logs]


class _Known:
    """Bytes of one size that an answer repeats, such as the hash of a block, each read once."""

    __slots__ = ("_found", "_size")

    def __init__(self, size: int) -> None:
        self._found: dict[str, bytes] = {}
        self._size = size

    def read(self, value: object, field: str) -> bytes:
        """As `read_bytes`."""
        if not isinstance(value, str):
            return read_bytes(value, field, self._size)
        found = self._found.get(value)
        if found is None:
            found = self._found[value] = read_bytes(value, field, self._size)
        return found


def _read_log(answer: object, words: _Known, addresses: _Known) -> Log:
    plain = read_object(answer, "log")
    get, word = plain.get, words.read
    removed = get("removed")
    if removed is not None and removed is not False:
        raise nonsense("log", "one of a block that is no longer part of the chain")
    return Log(
        address=addresses.read(get("address"), "log.address"),
        topics=tuple(
            [word(topic, "log.topics") for topic in read_list(get("topics"), "log.topics")]
        ),
        data=read_bytes(get("data"), "log.data"),
        block_number=read_quantity(get("blockNumber"), "log.blockNumber"),
        block_hash=word(get("blockHash"), "log.blockHash"),
        transaction_hash=word(get("transactionHash"), "log.hash"),
        transaction_index=read_quantity(get("transactionIndex"), "log.transactionIndex"),
        log_index=read_quantity(get("logIndex"), "log.logIndex"),
    )
