"""What is only kept for a while is dropped, by the minute or by the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ledger.steps.accepting.photographing import WAITS_FOR
from ledger.steps.accepting.prepare import VALID_FOR
from ledger.steps.asking.idempotency import forget_old_requests
from ledger.steps.asking.sessions import forget_old_sessions
from ledger.steps.instance import Instance
from ledger.storage.drafts import delete_expired_drafts
from ledger.storage.photos import delete_waiting

#: how often what was prepared and expired is dropped
EVERY = timedelta(minutes=1)
#: how often old answers are looked for, which takes a look at all of them
ANSWERS_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """How many rows went."""

    #: prepared operations that nobody signed in time
    drafts: int
    #: answers kept for requests that might come again
    requests: int
    #: sessions that ended long ago
    sessions: int
    #: photos that no record ever named
    photos: int


def keep_house(instance: Instance, *, answers: bool = True) -> Dropped:
    """Drop expired drafts and, if asked for, old answers, in one transaction."""
    with instance.database.transaction() as tx:
        return Dropped(
            drafts=delete_expired_drafts(tx, instance.clock(), VALID_FOR),
            requests=forget_old_requests(instance, tx) if answers else 0,
            sessions=forget_old_sessions(instance, tx) if answers else 0,
            photos=delete_waiting(tx, instance.clock() - WAITS_FOR) if answers else 0,
        )
