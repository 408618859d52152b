"""Instance → whether it can take requests: its database answers and has this version's schema."""

from __future__ import annotations

from ledger.domain.errors import StorageUnavailable
from ledger.steps.instance import Instance
from ledger.storage.engine.revision import NEWEST, find_revision


def require_ready(instance: Instance) -> None:
    """Raise StorageUnavailable unless the database answers and has the newest schema."""
    with instance.database.reading() as tx:
        current = find_revision(tx)
    if current != NEWEST:
        raise StorageUnavailable(
            "the schema of the database is of another version",
            remedy="start this version once, which migrates it: steriledger up",
        )
