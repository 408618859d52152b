"""Owed → stuck: signed so far ahead of the chain's clock that a person has to look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from ledger.domain.acts.rules import SKEW_SECONDS
from ledger.domain.acts.vocabulary import integer
from ledger.domain.chain.chain_reader import newest_block
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.encoding.moments import instant_text
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.sending.owed import Owed
from ledger.steps.starting.link import Link
from ledger.storage.operations import move_operation

#: what the contract takes within this time waits for it; beyond, a clock was wrong
PATIENCE = timedelta(minutes=10)


def find_early(owed: Iterable[Owed], link: Link, now: datetime) -> dict[Digest, datetime]:
    """What the contract does not take yet → from when on it does.

    The contract's clock is the next block's time: ours, or the chain's where that is ahead.
    """
    ends = {each.row.digest: integer(each.message, "signedAt") - SKEW_SECONDS for each in owed}
    ours = int(now.timestamp())
    early = {digest: at for digest, at in ends.items() if at > ours}
    if early:
        theirs = newest_block(link.node).timestamp
        early = {digest: at for digest, at in early.items() if at > theirs}
    return {digest: datetime.fromtimestamp(at, UTC) for digest, at in early.items()}


def set_aside(tx: Connection, early: Mapping[Digest, datetime], now: datetime) -> int:
    """What is further ahead than is waited for is stuck, with what a person can do; how many."""
    found = [digest for digest, since in early.items() if since - now > PATIENCE]
    for digest in found:
        reason = (
            f"it was signed by a clock that was ahead: the contract takes it from "
            f"{instant_text(early[digest])} on; refuse it and record it anew, or try again then"
        )
        move_operation(
            tx,
            digest,
            OperationState.STUCK,
            now,
            expected=[OperationState.OWED],
            reason=reason,
        )
    return len(found)
