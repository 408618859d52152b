"""The schema, brought to this program's revision.  Imported only when there is something to do."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import Inconsistent
from ledger.storage.engine.revision import INDEX_SETTING, KEPT_SETTING, NEWEST, find_revision
from ledger.storage.engine.schema import (
    index_fingerprint,
    index_tables_of,
    kept_fingerprint,
    metadata,
)
from ledger.storage.settings import find_setting, put_setting

_LOCK = int.from_bytes(sha256(b"steriledger.migrate.v1")[:8], "big", signed=True)


def upgrade(tx: Connection) -> None:
    """Apply what is missing, within the caller's transaction; two processes may do so at once.

    Raises Inconsistent when the schema is of a revision that this program does not know.
    """
    if tx.dialect.name != "sqlite":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    try:
        command.upgrade(migration_config(tx), "head")
    except CommandError as error:
        raise Inconsistent(
            f"the schema of the database cannot be upgraded: it is of revision "
            f"{find_revision(tx)}, and this program knows up to {NEWEST}",
            rule="a database is read by the program that migrated it, or by a newer one",
            remedy="run the version of SteriLedger that last migrated it, or a newer one",
        ) from error
    if find_setting(tx, KEPT_SETTING) != kept_fingerprint():
        raise Inconsistent(
            "the database was made by an unreleased version with other tables",
            rule="before the first release there is one schema and no way from another",
            remedy="start with another home",
        )
    if find_setting(tx, INDEX_SETTING) != index_fingerprint():
        make_index_anew(tx)


def make_index_anew(tx: Connection) -> None:
    """Drop the index and create its tables as this program has them; the follower fills them."""
    tables = index_tables_of()
    metadata.drop_all(tx, tables=tables)
    metadata.create_all(tx, tables=tables)
    put_setting(tx, INDEX_SETTING, index_fingerprint())


def migration_config(tx: Connection) -> Config:
    """Alembic's settings for the packaged migrations, working on `tx`."""
    config = Config()
    config.set_main_option("script_location", "ledger.storage:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = tx
    return config
