"""The database: one address, transactions that write, and snapshots that read.

SQLite: WAL, synchronous FULL, foreign keys on, ten seconds of patience for a lock; a transaction
takes the write lock when it begins (BEGIN IMMEDIATE), so writers queue and never meet halfway.
PostgreSQL: READ COMMITTED for writing, with `lock_subjects` where two writers must not interleave;
REPEATABLE READ READ ONLY for reading.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import (
    Connection,
    Engine,
    ExceptionContext,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger.crashing import crash_point
from ledger.domain.errors import Inconsistent, InvalidInput, StorageUnavailable
from ledger.domain.hashing import sha256
from ledger.storage.failures import explain

#: how long a writer waits for another before it gives up
BUSY_TIMEOUT_MS = 10_000

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
#: names, on a connection, what is to be done after the commit
_AFTERWARDS = "steriledger_afterwards"
_MIGRATION_LOCK = int.from_bytes(sha256(b"steriledger.migrate.v1")[:8], "big", signed=True)


class Database:
    """A database of this program; `open_database` makes one."""

    def __init__(self, url: str) -> None:
        self._url = _parse_url(url)
        self._engine = _make_engine(self._url)
        self._writing = self._engine.execution_options(steriledger_write=True)
        self._snapshot = self._engine.execution_options(
            steriledger_write=False, **_snapshot_options(self.is_sqlite)
        )

    def __repr__(self) -> str:
        """The address without its password."""
        return f"Database({self._url.render_as_string(hide_password=True)!r})"

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database, where writers are serialised."""
        return self._url.get_backend_name() == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All that is written inside is stored together at the end, or nothing when it raises.

        Raises StorageUnavailable when the database does not take it.
        """
        afterwards: list[Callable[[], None]] = []
        with _pool_patience(), self._writing.begin() as tx:
            tx.info[_AFTERWARDS] = afterwards
            try:
                yield tx
            finally:
                tx.info.pop(_AFTERWARDS, None)
        crash_point("storage.committed")
        for act in afterwards:
            # What is durable stays told as accepted, also when the log's disk is full.
            with suppress(OSError, ValueError):
                act()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view, whatever is written meanwhile; writing in it fails."""
        with _pool_patience(), self._snapshot.begin() as tx:
            yield tx

    def migrate(self) -> None:
        """Bring the schema to this version, in one transaction; does nothing when it is there.

        Two processes may call it at once.  Raises Inconsistent when the schema is of a version
        that this program does not know.
        """
        with self.transaction() as tx:
            if not self.is_sqlite:
                tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config = migration_config(tx)
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                newest = ScriptDirectory.from_config(config).get_current_head()
                raise Inconsistent(
                    f"the schema of the database cannot be upgraded: it is of revision "
                    f"{', '.join(schema_revisions(tx))}, and this program knows up to {newest}",
                    rule="a database is read by the program that migrated it, or by a newer one",
                    remedy="run the version of SteriLedger that last migrated it, or a newer one",
                ) from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_database(url: str) -> Database:
    """The database at `sqlite:////absolute/path.db` or `postgresql://user@host/name`.

    Connects when it is first used.  Raises InvalidInput for any other address.
    """
    return Database(url)


def after_commit(tx: Connection, act: Callable[[], None]) -> None:
    """Do this once what the transaction writes is durable, and never when it is taken back.

    `tx` is a `Database.transaction`.
    """
    tx.info[_AFTERWARDS].append(act)


def schema_revisions(tx: Connection) -> tuple[str, ...]:
    """The revision that the database's schema has; nothing for an empty database."""
    return MigrationContext.configure(tx).get_current_heads()


def migration_config(tx: Connection) -> Config:
    """Alembic's settings for the packaged migrations, working on `tx`."""
    config = Config()
    config.set_main_option("script_location", "ledger.storage:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = tx
    return config


def lock_subjects(tx: Connection, keys: Iterable[bytes]) -> None:
    """Hold these subjects (cycle, equipment, unit …) until the transaction ends.

    PostgreSQL: one advisory lock per distinct key, in an order that all writers share, so that they
    wait for each other and never deadlock.  Name all subjects of a transaction in one call.
    SQLite: nothing to do, since a transaction holds the only write lock from its beginning.
    """
    if tx.dialect.name == "sqlite":
        return
    numbers = {int.from_bytes(sha256(key)[:8], "big", signed=True) for key in keys}
    for number in sorted(numbers):
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": number})


def _parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
        driver = _DRIVERS[parsed.drivername]
    except (ArgumentError, KeyError, ValueError):
        raise InvalidInput(
            "is not the address of a database",
            field="database",
            rule="sqlite:////absolute/path.db or postgresql://user@host/name",
        ) from None
    if driver == "sqlite+pysqlite" and parsed.database in {None, "", ":memory:"}:
        raise InvalidInput(
            "names no file", field="database", rule="a ledger is kept in a file, not in memory"
        )
    return parsed.set(drivername=driver)


def _make_engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
            hide_parameters=True,  # an error's text goes into the log; rows hold names
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(
            url,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            connect_args=_POSTGRES,
            hide_parameters=True,
        )
    event.listen(engine, "handle_error", _replace_error, retval=True)
    return engine


_POSTGRES = {
    "application_name": "steriledger",
    "connect_timeout": 10,
    "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=120s",
}


def _snapshot_options(sqlite: bool) -> dict[str, Any]:  # noqa: FBT001
    if sqlite:
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # None: the driver begins no transaction of its own; `_begin_sqlite` does.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        # what was erased is overwritten with zeros
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(tx: Connection) -> None:
    write = tx.get_execution_options()["steriledger_write"]
    tx.exec_driver_sql(f"PRAGMA query_only = {'OFF' if write else 'ON'}")
    tx.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN DEFERRED")


def _replace_error(context: ExceptionContext) -> BaseException | None:
    # The pool replaces a connection that died meanwhile once it sees the driver's own error.
    return None if context.is_pre_ping else explain(context.original_exception)


@contextmanager
def _pool_patience() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise StorageUnavailable(
            "no connection to the database became free in time", remedy="try again"
        ) from error
