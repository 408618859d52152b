"""Instance → whether it can take requests: its database answers and has this version's schema."""

from __future__ import annotations

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger.domain.errors import StorageUnavailable
from ledger.steps.instance import Instance
from ledger.storage.database import migration_config


def require_ready(instance: Instance) -> None:
    """Raise StorageUnavailable unless the database answers and has the newest schema."""
    with instance.database.reading() as tx:
        newest = set(ScriptDirectory.from_config(migration_config(tx)).get_heads())
        current = set(MigrationContext.configure(tx).get_current_heads())
    if current != newest:
        raise StorageUnavailable(
            "the schema of the database is of another version",
            remedy="start this version once, which migrates it: steriledger up",
        )
