"""Once a day: what is only kept for a while is dropped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ledger.steps.asking.idempotency import forget_old_requests
from ledger.steps.instance import Instance
from ledger.storage.drafts import delete_expired_drafts

EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """How many rows went."""

    #: prepared operations that nobody signed in time
    drafts: int
    #: answers kept for requests that might come again
    requests: int


def keep_house(instance: Instance) -> Dropped:
    """Drop expired drafts and old answers, in one transaction."""
    with instance.database.transaction() as tx:
        return Dropped(
            drafts=delete_expired_drafts(tx, instance.clock()),
            requests=forget_old_requests(instance, tx),
        )
