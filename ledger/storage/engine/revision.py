"""Which revision the database's schema has: by its number alone, without the migrations."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

#: what the last of the migrations makes
NEWEST = "0005"

#: Alembic's own
_TABLE = "alembic_version"


def find_revision(tx: Connection) -> str | None:
    """The schema's revision; None in a database without one."""
    if not inspect(tx).has_table(_TABLE):
        return None
    return tx.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar_one_or_none()  # noqa: S608
