"""Node → a chain that is read in pages, and how high it is final."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ledger.chain.node import Mined
from ledger.domain.chain.chain_reader import Block, ChainReader, Transaction, newest_block
from ledger.domain.chain.finality import parse_finality
from ledger.domain.encoding.events import Log


class Source(ChainReader, Protocol):
    """A chain that can be read in pages."""

    def blocks(self, first: int, last: int) -> list[Block | None]:
        """Read the blocks of these heights in their order; None for one that is not there."""

    def logs(self, addresses: Sequence[bytes], first: int, last: int) -> list[Log]:
        """Read all logs of these contracts in blocks `first` to `last`, in chain order."""

    def transactions(self, transaction_hashes: Sequence[bytes]) -> list[Transaction | None]:
        """Read several transactions in their order; None for one that the node does not know."""

    def find_mined(self, transaction_hashes: Sequence[bytes]) -> list[Mined | None]:
        """Ask in which blocks transactions are, in their order; None for one that is in none."""


def final_height(source: Source, policy: str) -> int:
    """The highest block that is final by a policy, now."""
    rule = parse_finality(policy)
    latest = newest_block(source)
    finalized = source.block("finalized") if rule.asks_node else None
    return rule.height(
        latest=latest.number, finalized=None if finalized is None else finalized.number
    )
