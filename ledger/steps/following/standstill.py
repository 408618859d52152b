"""Transactions wait, and the chain makes no block: said in words, since nobody refused anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.domain.chain.chain_reader import Block
from ledger.domain.errors import ChainUnavailable
from ledger.storage.transactions import TransactionRow

#: longer than any chain of a group takes for a block, also without its next proposer
STANDS_AFTER = timedelta(seconds=30)


class Standstill(ChainUnavailable):
    """The chain answers and makes no block."""

    def __init__(self, head: Block, *, waiting: int, since: datetime, now: datetime) -> None:
        super().__init__(
            f"the chain has made no block after {head.number} for "
            f"{(now - since).total_seconds():.0f} s, and {waiting} transactions wait for one",
            field="chain",
            rule="more than two thirds of the validators make a block; fewer make none",
            remedy="ask the units whose validators are away to start them; nothing is lost, and "
            "what waits goes on by itself",
        )
        self.since = since


@dataclass(slots=True, kw_only=True)
class Heads:
    """Since when the chain's newest block is the newest."""

    _hash: bytes = b""
    _since: datetime | None = None

    def see(self, head: Block, waiting: Sequence[TransactionRow], now: datetime) -> None:
        """Raise Standstill when something waited too long for the next block.

        A chain that makes no empty blocks stands still while nothing waits.
        """
        if self._since is None or head.hash != self._hash:
            self._hash, self._since = head.hash, now
        if not waiting:
            return
        since = max(self._since, min(row.created_at for row in waiting))
        if now - since >= STANDS_AFTER:
            raise Standstill(head, waiting=len(waiting), since=since, now=now)
