"""Database → a copy in one SQLite file, taken while it runs; and the way back into either database.

Values are copied as they are stored, so that a row that no program can read is kept all the same.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnClause, Connection, Table, func, select, text
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.types import TypeDecorator, TypeEngine

from ledger.domain.errors import Conflict, Inconsistent
from ledger.storage.engine.columns import metadata
from ledger.storage.engine.database import Database, open_database
from ledger.storage.engine.revision import INDEX_SETTING, KEPT_SETTING
from ledger.storage.engine.schema import MODULES
from ledger.storage.settings import settings

_BATCH = 500

assert MODULES  # noqa: S101 - importing the schema is what fills `metadata`


def copy_to_file(database: Database, file: Path) -> None:
    """One consistent copy, as of one moment, in a new SQLite file that only its owner reads.

    Writers are not kept waiting.  The file is whole and durable on return.
    """
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    if database.is_sqlite:
        with database.reading() as tx, closing(sqlite3.connect(file)) as copy:
            source = tx.connection.driver_connection
            assert isinstance(source, sqlite3.Connection)  # noqa: S101 - what the driver is
            source.backup(copy)
    else:
        with closing(open_database(f"sqlite:///{file}")) as copied:
            copied.migrate()
            with database.reading() as tx, copied.transaction() as into:
                copy_rows(tx, into)


def close_file(file: Path) -> None:
    """Make a SQLite file that nobody has open a single one, without a log beside it; durable."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE").close()
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def verify_file(file: Path) -> None:
    """Raise Inconsistent unless every page, index and foreign key of a SQLite file holds."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            dangling = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise _damaged(str(error)) from error
    if found != "ok":
        raise _damaged(str(found))
    if dangling is not None:
        raise _damaged(f"a row of {dangling[0]} refers to none of {dangling[2]}")


def copy_rows(source: Connection, target: Connection) -> None:
    """Every row of every table, into empty tables of the same schema.

    Raises Conflict when one of them is not empty.
    """
    require_empty(target)
    target.execute(settings.delete())  # the source says from what its tables were made
    for each in metadata.sorted_tables:
        stored = named_table(each.name, *(_stored(column) for column in each.columns))
        rows = source.execute(
            select(*stored.columns), execution_options={"yield_per": _BATCH}
        ).mappings()
        for part in rows.partitions(_BATCH):
            target.execute(stored.insert(), [dict(row) for row in part])
        if target.dialect.name == "postgresql":
            _set_numbers(target, each)


def require_empty(tx: Connection) -> None:
    """Raise Conflict unless no table has a row but those that making the tables leaves."""
    made = settings.c.name.in_([INDEX_SETTING, KEPT_SETTING])
    for each in metadata.sorted_tables:
        rows = select(each).where(~made) if each is settings else select(each)
        if tx.execute(rows.limit(1)).first() is not None:
            raise Conflict(
                f"the database is not empty: {each.name} has rows",
                field="database",
                rule="a backup is restored into an empty database",
                remedy="create a new database and name it in STERILEDGER_DATABASE_URL",
            )


def _stored(column: ColumnClause[Any]) -> ColumnClause[Any]:
    kind: TypeEngine[Any] = column.type
    return named_column(
        column.name, kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    )


def _set_numbers(tx: Connection, table: Table) -> None:
    """PostgreSQL goes on counting behind the highest number that came with the rows."""
    for column in table.primary_key:
        serial = tx.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {"table": table.name, "column": column.name},
        ).scalar_one()
        highest = None if serial is None else tx.execute(select(func.max(column))).scalar_one()
        if highest is not None:
            tx.execute(
                text("SELECT setval(CAST(:serial AS regclass), :highest)"),
                {"serial": serial, "highest": highest},
            )


def _damaged(how: str) -> Inconsistent:
    return Inconsistent(f"the copy of the database is damaged: {how}", remedy="use another backup")
