"""Transactions under way → mined, taken back, or given to the node again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from sqlalchemy import Connection

from ledger.chain.node import Mined, SendAnswer, SendOutcome
from ledger.domain.clocks import has_passed
from ledger.steps.instance import Instance
from ledger.steps.sending.settle import (
    PENDING,
    find_mined,
    mark_dropped,
    mark_late,
    mark_mined,
    mark_sent,
    mark_unmined,
    recorded_by,
)
from ledger.steps.starting.leasing import HeldLease
from ledger.steps.starting.link import Link, is_taken
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
    #: when the node refused what it was given, and how long nothing new is sent since
    _refused_at: datetime = _LONG_AGO
    _pause: timedelta = timedelta()
    _next_pause: timedelta = FIRST_PAUSE

    def is_pausing(self) -> bool:
        """Whether a node of others refused a transaction a short while ago."""
        return not has_passed(self._pause, self._refused_at, self.instance.clock())

    def settle(self) -> int:
        """Look for what is mined, take back what no longer is, hand over what still waits."""
        self._find_replaced_blocks()
        if not self.pending():
            return 0
        mined = self.find_mined()
        waiting = self._due(self.pending())
        if waiting:
            self.hand_over(waiting)
            mined += self.find_mined()
        return mined

    def pending(self) -> list[TransactionRow]:
        """What is signed or sent, and not known to be mined; in the order of nonces."""
        with self.instance.database.reading() as tx:
            rows = list_transactions(tx, states=PENDING, limit=2 * WINDOW)
        return sorted(rows, key=lambda row: row.nonce)

    def find_mined(self) -> int:
        """Look for receipts; returns how many operations are in blocks now."""
        rows = self.pending()
        found = [
            (row, mined)
            for row, mined in zip(rows, find_mined(self.link.node, rows), strict=True)
            if mined is not None
        ]
        if not found:
            return 0
        with self.instance.database.transaction() as tx:
            self.lease.require(tx)
            return mark_mined(tx, found, self.instance.clock())

    def _find_replaced_blocks(self) -> None:
        """Looked for once for every new head of the chain; never on one that seals at once."""
        if self.link.seals_at_once:
            return
        latest = self.link.node.block("latest")
        if latest is None or latest.hash == self._latest:
            return
        with self.instance.database.reading() as tx:
            rows = list_transactions(tx, states=[TransactionState.MINED], limit=_MANY)
        gone = [
            row
            for row, mined in zip(rows, find_mined(self.link.node, rows), strict=True)
            if self._is_gone(row, mined)
        ]
        if gone:
            with self.instance.database.transaction() as tx:
                self.lease.require(tx)
                for row in gone:
                    mark_unmined(tx, row, self.instance.clock())
                    self._handed_over.pop(row.hash, None)
        self._latest = latest.hash

    def _is_gone(self, row: TransactionRow, mined: Mined | None) -> bool:
        """Whether what we know of a mined transaction is no longer so.

        One that reverted already when we looked first recorded nothing, and that is still so.
        """
        if mined is None or mined.block_number != row.block_height:
            return True
        if mined.succeeded:
            return False
        with self.instance.database.reading() as tx:
            return bool(recorded_by(tx, row))

    def _due(self, rows: Sequence[TransactionRow]) -> list[TransactionRow]:
        """What is handed over now: on a chain of others, not in every round."""
        now = self.instance.clock()
        last = [self._handed_over.get(row.hash) for row in rows]
        if self.link.seals_at_once or any(at is None or has_passed(RESEND, at, now) for at in last):
            return list(rows)
        return []

    def hand_over(self, rows: Sequence[TransactionRow]) -> None:
        """Give transactions to the node, and write down what it says to each."""
        now = self.instance.clock()
        answers = self.link.deliver([row.raw for row in rows], int(now.timestamp()))
        self._handed_over.update((row.hash, now) for row in rows[: len(answers)])
        taken = list(takewhile(is_taken, answers))
        if taken:
            self._next_pause = FIRST_PAUSE
        if self.link.seals_at_once and len(taken) == len(rows):
            return  # they are in a block now; whoever looks for it stores both
        with self.instance.database.transaction() as tx:
            self.lease.require(tx)
            if not self.link.seals_at_once:
                mark_sent(tx, [row.hash for row in rows[: len(taken)]])
            if len(taken) < len(answers):
                self._not_taken(tx, rows[len(taken) :], answers[len(taken)])
            late = [row for row in rows if has_passed(PATIENCE, row.created_at, now)]
            if not self.link.seals_at_once:
                mark_late(tx, late, now)

    def _not_taken(
        self, tx: Connection, rows: Sequence[TransactionRow], answer: SendAnswer
    ) -> None:
        """The node refuses the first of these; without it the others cannot be mined either.

        A nonce that is used up may be our own success: whether the node knows the transaction, in a
        block or waiting for one, decides.  What a node of others refuses for another reason is
        signed again later, each time twice as late, for what the chain asks then.
        """
        if answer.outcome is SendOutcome.NONCE_TOO_HIGH and _lower_waits(tx, rows[0]):
            # Another node is asked now, or it forgot: what it was not given just now goes again.
            just_now = max(self._handed_over.values())
            self._handed_over = {h: at for h, at in self._handed_over.items() if at == just_now}
            return
        if answer.outcome is SendOutcome.NONCE_TOO_LOW:
            if self.link.node.transaction(rows[0].hash) is not None:
                return
        elif not self.link.seals_at_once:
            self._refused_at, self._pause = self.instance.clock(), self._next_pause
            self._next_pause = min(2 * self._pause, _LONGEST_PAUSE)
        why = f"the node does not take its transaction: {answer.reason or answer.outcome}"
        mark_dropped(tx, rows, self.instance.clock(), why)


def _lower_waits(tx: Connection, row: TransactionRow) -> bool:
    """Whether what a node misses below a nonce is ours, and waits."""
    pending = list_transactions(tx, states=PENDING, limit=2 * WINDOW)
    return any(each.nonce < row.nonce for each in pending)
