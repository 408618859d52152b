"""Transactions under way → mined, taken back, or given to the node again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from ledger.chain.node import SendAnswer, SendOutcome
from ledger.steps.chain import Link, is_taken
from ledger.steps.instance import Instance
from ledger.steps.leasing import HeldLease
from ledger.steps.settle import (
    PENDING,
    mark_dropped,
    mark_late,
    mark_mined,
    mark_sent,
    mark_unmined,
    read_receipts,
)
from ledger.storage.transactions import TransactionRow, TransactionState, list_transactions

#: how many transactions may wait to be mined before new ones are signed
WINDOW = 16
#: a transaction that is not mined is handed over again after this
RESEND = timedelta(seconds=15)
#: and its operations need a person after this
PATIENCE = timedelta(minutes=10)
#: after a refusal by a node of others; twice as long after each more
FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_MANY = 1000


@dataclass(slots=True, kw_only=True)
class UnderWay:
    """What was signed and is not final, and the chain that shall take it."""

    instance: Instance
    link: Link
    lease: HeldLease
    _handed_over: dict[bytes, datetime] = field(default_factory=dict)
    #: hash of the newest block for which replaced ones were looked for
    _latest: bytes = b""
    #: nothing new is sent before, since the node refused what it was given
    _pause_ends: datetime = _LONG_AGO
    _pause: timedelta = FIRST_PAUSE

    def is_pausing(self) -> bool:
        """Whether a node of others refused a transaction a short while ago."""
        return self.instance.clock() < self._pause_ends

    def settle(self) -> int:
        """Look for what is mined, take back what no longer is, hand over what still waits."""
        self._find_replaced_blocks()
        mined = self.find_mined()
        waiting = self._due(self.pending())
        if waiting:
            self.hand_over(waiting)
            mined += self.find_mined()
        return mined

    def pending(self) -> list[TransactionRow]:
        """What is signed or sent, and not known to be mined; in the order of nonces."""
        with self.instance.database.reading() as tx:
            return list_transactions(tx, states=PENDING, limit=2 * WINDOW)

    def find_mined(self) -> int:
        """Look for receipts; returns how many operations are in blocks now."""
        rows = self.pending()
        mined = [
            (row, receipt)
            for row, receipt in zip(rows, read_receipts(self.link.node, rows), strict=True)
            if receipt is not None
        ]
        if not mined:
            return 0
        with self.instance.database.transaction() as tx:
            self.lease.require(tx)
            return sum(
                mark_mined(tx, row, receipt, self.instance.clock()) for row, receipt in mined
            )

    def _find_replaced_blocks(self) -> None:
        """Looked for once for every new head of the chain; never on one that seals at once."""
        if self.link.seals_at_once:
            return
        latest = self.link.node.block("latest")
        if latest is None or latest.hash == self._latest:
            return
        with self.instance.database.reading() as tx:
            rows = list_transactions(tx, states=[TransactionState.MINED], limit=_MANY)
        receipts = read_receipts(self.link.node, rows)
        gone = [
            row
            for row, receipt in zip(rows, receipts, strict=True)
            if receipt is None or not receipt.succeeded or receipt.block_number != row.block_height
        ]
        if gone:
            with self.instance.database.transaction() as tx:
                self.lease.require(tx)
                for row in gone:
                    mark_unmined(tx, row, self.instance.clock())
                    self._handed_over.pop(row.hash, None)
        self._latest = latest.hash

    def _due(self, rows: Sequence[TransactionRow]) -> list[TransactionRow]:
        """What is handed over now: on a chain of others, not in every round."""
        now = self.instance.clock()
        last = [self._handed_over.get(row.hash) for row in rows]
        if self.link.seals_at_once or any(at is None or at + RESEND <= now for at in last):
            return list(rows)
        return []

    def hand_over(self, rows: Sequence[TransactionRow]) -> None:
        """Give transactions to the node, and write down what it says to each."""
        now = self.instance.clock()
        answers = self.link.deliver([row.raw for row in rows], int(now.timestamp()))
        self._handed_over.update((row.hash, now) for row in rows)
        with self.instance.database.transaction() as tx:
            self.lease.require(tx)
            for place, (row, answer) in enumerate(zip(rows, answers, strict=False)):
                if not is_taken(answer):
                    self._not_taken(tx, rows[place:], answer)
                    continue
                self._pause = FIRST_PAUSE
                if not self.link.seals_at_once or len(answers) == len(rows):
                    mark_sent(tx, row)
            self._give_up_waiting(tx, rows)

    def _not_taken(
        self, tx: Connection, rows: Sequence[TransactionRow], answer: SendAnswer
    ) -> None:
        """The node refuses the first of these; without it the others cannot be mined either.

        A nonce that is used up may be our own success: whether the node knows the transaction, in a
        block or waiting for one, decides.  What a node of others refuses for another reason is
        signed again later, each time twice as late.
        """
        if answer.outcome is SendOutcome.NONCE_TOO_LOW:
            if self.link.node.transaction(rows[0].hash) is not None:
                return
        elif not self.link.seals_at_once:
            self._pause_ends = self.instance.clock() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        why = f"the node does not take its transaction: {answer.reason or answer.outcome}"
        mark_dropped(tx, rows, self.instance.clock(), why)

    def _give_up_waiting(self, tx: Connection, rows: Sequence[TransactionRow]) -> None:
        """Operations of a transaction that nobody mines need a person; it stays valid."""
        now = self.instance.clock()
        late = {row.id for row in rows if row.created_at + PATIENCE <= now}
        if late and not self.link.seals_at_once:
            mark_late(tx, [row for row in rows if row.id in late], now)
