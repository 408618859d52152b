"""Which revision the database's schema has: by its number alone, without the migrations."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

#: what the last of the migrations makes
NEWEST = "0001"

#: the settings that hold what the tables were made from
INDEX_SETTING = "index_schema"
KEPT_SETTING = "kept_schema"

#: Alembic's own
_TABLE = "alembic_version"


def find_revision(tx: Connection) -> str | None:
    """The schema's revision; None in a database without one."""
    if not inspect(tx).has_table(_TABLE):
        return None
    return tx.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar_one_or_none()  # noqa: S608


def is_current(tx: Connection) -> bool:
    """Whether the tables are what this program's definitions say, those of the index included."""
    from ledger.storage.engine import schema  # noqa: PLC0415 - it imports every table
    from ledger.storage.settings import find_setting  # noqa: PLC0415 - the same

    return (
        find_setting(tx, INDEX_SETTING) == schema.index_fingerprint()
        and find_setting(tx, KEPT_SETTING) == schema.kept_fingerprint()
    )
