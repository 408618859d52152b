"""Priced too low → the same call again, under the same nonce, for more: so often and no dearer.

Whichever attempt at a nonce is mined settles it; the nonce lets only one be.  A replacement is
stored before it is handed over, like every transaction, and its predecessor is kept: a receipt of
either is looked for.

Source: EIP-1559; geth's rule that a replacement raises both fees by a tenth at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from ledger.chain.node import Node
from ledger.chain.transactions import Price, Relayer, read_envelope
from ledger.domain.clocks import has_passed
from ledger.domain.encoding.identifiers import to_hex
from ledger.steps.instance import Instance
from ledger.steps.sending.enveloping import sign_and_keep
from ledger.steps.sending.settle import mark_repriced
from ledger.steps.starting.leasing import HeldLease
from ledger.storage.engine.database import after_commit
from ledger.storage.transactions import (
    TransactionRow,
    TransactionState,
    list_attempts,
    list_carried,
)

#: how long an attempt waits before another pays more
WAIT = timedelta(minutes=1)
#: transactions for one nonce, those that the node refused included
MAX_ATTEMPTS = 8
#: wei per gas; above it a person decides
MAX_FEE = 500 * 10**9

log = structlog.get_logger("writer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repricing:
    """Who signs again, and under which lease."""

    instance: Instance
    relayer: Relayer
    lease: HeldLease

    def replace_cheap(self, node: Node, pending: Sequence[TransactionRow]) -> list[TransactionRow]:
        """Replacements of those that waited and pay less than the chain asks now, stored.

        In the order of nonces; each is to be handed over.  Raises LeaseLost and ChainUnavailable.
        """
        waited = [row for row in pending if self._waited(row)]
        if not waited:
            return []
        fees = node.fees()
        asked = Price.asked(fees)
        least = replace(asked, max_fee=fees.base_fee + fees.priority_fee)
        cheap = [row for row in waited if _is_cheap(row, least)]
        if not cheap:
            return []
        with self.instance.database.transaction() as tx:
            self.lease.require(tx)
            stored = [self._replace(tx, row, asked) for row in cheap]
        return [row for row in stored if row is not None]

    def _waited(self, row: TransactionRow) -> bool:
        is_sent = row.state is TransactionState.SENT
        return is_sent and has_passed(WAIT, row.created_at, self.instance.clock())

    def _replace(self, tx: Connection, row: TransactionRow, asked: Price) -> TransactionRow | None:
        """The next attempt; None after enough, soon after the last, and when it costs too much."""
        attempts = list_attempts(tx, chain_id=row.chain_id, account=row.account, nonce=row.nonce)
        now = self.instance.clock()
        if len(attempts) >= MAX_ATTEMPTS or not has_passed(WAIT, attempts[-1].created_at, now):
            return None
        paid = max((read_envelope(each.raw).price for each in attempts), key=_by_max_fee)
        price = raised_price(paid, asked)
        if price.max_fee > MAX_FEE:
            return None
        new = sign_and_keep(
            tx,
            self.relayer,
            replace(read_envelope(row.raw), price=price),
            attempt=len(attempts),
            kind=row.kind,
            at=self.instance.clock(),
            digests=list_carried(tx, [row.id]).get(row.id, []),
        )
        mark_repriced(tx, new, row, new.created_at)
        after_commit(
            tx,
            partial(
                log.info,
                "repriced",
                transaction=to_hex(new.hash),
                instead_of=to_hex(row.hash),
                attempt=new.attempt,
                max_fee=price.max_fee,
            ),
        )
        return new


def _is_cheap(row: TransactionRow, least: Price) -> bool:
    """Whether a next block may do without it."""
    price = read_envelope(row.raw).price
    return price.max_fee < least.max_fee or price.priority_fee < least.priority_fee


def _by_max_fee(price: Price) -> int:
    return price.max_fee


def raised_price(before: Price, asked: Price) -> Price:
    """What the chain asks, and more than an eighth above what was paid before, in both fees."""
    priority_fee = max(asked.priority_fee, before.priority_fee + before.priority_fee // 8 + 1)
    max_fee = max(asked.max_fee, before.max_fee + before.max_fee // 8 + 1, priority_fee)
    return Price(max_fee=max_fee, priority_fee=priority_fee)
