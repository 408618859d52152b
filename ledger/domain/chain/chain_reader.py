"""What verification needs to read from a chain, and the shapes in which it comes.

`ledger.chain.node.Node` implements `ChainReader` over JSON-RPC; a test may do so over a dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from ledger.domain.encoding.events import Log
from ledger.domain.errors import ChainUnavailable, Refused

#: a height, or one of the names that a node understands
BlockTag: TypeAlias = int | Literal["latest", "finalized", "safe", "earliest", "pending"]


class CallReverted(Refused):
    """A contract refused a call; `data` is what it reverted with (selector and arguments)."""

    def __init__(self, what: str, *, data: bytes) -> None:
        super().__init__(what, field="call")
        self.data = data


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block's header as far as we need it, with the hashes of its transactions in order."""

    number: int
    #: 32 bytes
    hash: bytes
    #: 32 bytes
    parent_hash: bytes
    #: Unix seconds
    timestamp: int
    #: wei; None before EIP-1559
    base_fee: int | None
    gas_limit: int
    gas_used: int
    #: 32 bytes each, in the block's order
    transactions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction that the node knows; the place is None while it is not mined."""

    #: 32 bytes
    hash: bytes
    #: 20 bytes
    sender: bytes
    #: 20 bytes; None for one that creates a contract
    to: bytes | None
    nonce: int
    gas: int
    #: calldata, or the creation code
    data: bytes
    block_number: int | None
    #: 32 bytes
    block_hash: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a mined transaction."""

    #: 32 bytes
    transaction_hash: bytes
    transaction_index: int
    block_number: int
    #: 32 bytes
    block_hash: bytes
    #: False when it was mined and reverted
    succeeded: bool
    gas_used: int
    #: 20 bytes; only for a transaction that created a contract
    contract_address: bytes | None
    logs: tuple[Log, ...]


class ChainReader(Protocol):
    """A chain that can be read; every method raises ChainUnavailable when nobody answers."""

    def chain_id(self) -> int:
        """Ask for the chain's number."""

    def genesis_hash(self) -> bytes:
        """Ask for the hash of block 0; 32 bytes."""

    def block(self, tag: BlockTag) -> Block | None:
        """Read the block at a height or tag; None when the chain does not have it."""

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """Read the receipt of a mined transaction; None when there is none."""

    def transaction(self, transaction_hash: bytes) -> Transaction | None:
        """Read a transaction that is mined or waits; None when the node does not know it."""

    def code(self, address: bytes, tag: BlockTag = "latest") -> bytes:
        """Read the runtime code of a contract; empty for an account without code."""

    def call(self, to: bytes, data: bytes, tag: BlockTag = "latest") -> bytes:
        """Ask a view; raises CallReverted with what the contract said."""


def newest_block(chain: ChainReader) -> Block:
    """The newest block of a chain; raises ChainUnavailable for a node that has none."""
    block = chain.block("latest")
    if block is None:
        raise ChainUnavailable(
            "the node has no latest block",
            field="chain",
            rule="a chain has a newest block",
            remedy="wait until the node has caught up, or ask another node of the same chain",
        )
    return block
