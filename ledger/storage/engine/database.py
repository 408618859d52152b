"""The database: one address, transactions that write, and snapshots that read.

SQLite: WAL, synchronous FULL, foreign keys on, ten seconds of patience for a lock; a transaction
takes the write lock when it begins (BEGIN IMMEDIATE), so writers queue and never meet halfway.
Those of one process queue for its one writing connection: SQLite itself keeps no queue, it lets who
waits sleep and try again, and the unlucky wait for seconds.
PostgreSQL: READ COMMITTED for writing, with `lock_subjects` where two writers must not interleave;
REPEATABLE READ READ ONLY for reading.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from ledger.crashing import crash_point
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import Inconsistent, InvalidInput, StorageUnavailable
from ledger.storage.engine.failures import conceal, explain
from ledger.storage.engine.revision import NEWEST, find_revision, is_current

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


class Database:
    """A database of this program; `open_database` and `open_scratch` make one."""

    def __init__(self, url: str, *, is_scratch: bool = False) -> None:
        self._url = _parse_url(url)
        pragmas = _SCRATCH if is_scratch else _PRAGMAS
        engines = _open_sqlite(self._url, pragmas) if self.is_sqlite else _open_postgres(self._url)
        self._engine, self._snapshot, self._asking = engines

    def __repr__(self) -> str:
        """The address without its password."""
        return f"Database({self._url.render_as_string(hide_password=True)!r})"

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database, where writers are serialised."""
        return self._url.get_backend_name() == "sqlite"

    @contextmanager
    def transaction(self, *, is_told: bool = True) -> Iterator[Connection]:
        """All that is written inside is stored together at the end, or nothing when it raises.

        `is_told` is False for what no caller is told of, such as counts of requests.

        Raises StorageUnavailable when the database does not take it.
        """
        afterwards: list[Callable[[], None]] = []
        with _pool_patience(), self._engine.begin() as tx:
            if self.is_sqlite:
                tx.exec_driver_sql("BEGIN IMMEDIATE")
            info = tx.info  # asked for now: a connection that dies inside has none any more
            info[_AFTERWARDS] = afterwards
            try:
                yield tx
            finally:
                info.pop(_AFTERWARDS, None)
            if not tx.in_transaction():
                raise Inconsistent(
                    "the transaction ended before what was to be written with it",
                    rule="whoever meets a conflict lets its transaction end",
                )
        if is_told:
            crash_point("storage.committed")
        for act in afterwards:
            # What is durable stays told as accepted, also when the log's disk is full.
            with suppress(OSError, ValueError):
                act()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view, whatever is written meanwhile; writing in it fails."""
        with _pool_patience(), self._snapshot.begin() as tx:
            if self.is_sqlite:
                tx.exec_driver_sql("BEGIN DEFERRED")
            yield tx

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """For one question: each sees what is committed by then; writing in it fails."""
        with _pool_patience(), self._asking.connect() as tx:
            yield tx

    def is_untouched(self) -> bool:
        """Whether no program of ours ever wrote to it; a file that is not there is not made."""
        if self.is_sqlite and not Path(self._url.database or "").exists():
            return True
        with self.reading() as tx:
            return find_revision(tx) is None

    def migrate(self) -> None:
        """Bring the schema to this version, in one transaction; does nothing when it is there.

        Two processes may call it at once.  Raises Inconsistent when the schema is of a version
        that this program does not know.
        """
        with self.reading() as tx:
            if find_revision(tx) == NEWEST and is_current(tx):
                return
        from ledger.storage.engine.migrating import upgrade  # noqa: PLC0415 - Alembic weighs 9 MiB

        with self.transaction() as tx:
            upgrade(tx)

    def close(self) -> None:
        """Close every connection."""
        for engine in (self._engine, self._snapshot, self._asking):
            engine.dispose()


def open_database(url: str) -> Database:
    """The database at `sqlite:////absolute/path.db` or `postgresql://user@host/name`.

    Connects when it is first used.  Raises InvalidInput for any other address.
    """
    return Database(url)


def open_scratch(file: Path) -> Database:
    """A database that nobody needs after a crash: it is written without waiting for the disk."""
    return Database(f"sqlite:///{file}", is_scratch=True)


def after_commit(tx: Connection, act: Callable[[], None]) -> None:
    """Do this once what the transaction writes is durable, and never when it is taken back.

    `tx` is a `Database.transaction`.
    """
    tx.info[_AFTERWARDS].append(act)


def lock_subjects(tx: Connection, keys: Iterable[bytes], *, shared: Iterable[bytes] = ()) -> None:
    """Hold these subjects (cycle, equipment, unit …) until the transaction ends.

    Whoever holds a `shared` one only reads it: others may read it too, and nobody changes it.
    PostgreSQL: one advisory lock per distinct key, in an order that all writers share, so that they
    wait for each other and never deadlock.  Name all subjects of a transaction in one call.
    SQLite: nothing to do, since a transaction holds the only write lock from its beginning.
    """
    if tx.dialect.name == "sqlite":
        return
    wanted = dict.fromkeys(map(_lock_number, shared), True) | dict.fromkeys(
        map(_lock_number, keys), False
    )
    ordered = sorted(wanted)
    tx.execute(_LOCK, {"numbers": ordered, "shared": [wanted[number] for number in ordered]})


#: In the order of the arrays: a function that locks is called for each row as it comes.
_LOCK = text(
    "SELECT CASE WHEN wanted.shared THEN pg_advisory_xact_lock_shared(wanted.number)"
    " ELSE pg_advisory_xact_lock(wanted.number) END"
    " FROM unnest(CAST(:numbers AS bigint[]), CAST(:shared AS boolean[]))"
    " AS wanted (number, shared)"
)


def _lock_number(key: bytes) -> int:
    return int.from_bytes(sha256(key)[:8], "big", signed=True)


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


def _open_sqlite(url: URL, pragmas: Sequence[str]) -> tuple[Engine, Engine, Engine]:
    """Engines that write, read, and ask single questions."""
    patience = BUSY_TIMEOUT_MS / 1000
    writing = _sqlite(url, pragmas, pool_size=1, max_overflow=0, pool_timeout=patience)
    reading = _sqlite(url, (*pragmas, "query_only = ON"))
    return writing, reading, reading


def _sqlite(url: URL, pragmas: Sequence[str], **pool: float) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
        hide_parameters=True,  # an error's text goes into the log; rows hold names
        **pool,
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # None: the driver begins no transaction of its own; `Database` does.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(engine, "connect", prepare)
    event.listen(engine, "handle_error", _replace_error, retval=True)
    return engine


_PRAGMAS = (
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    # what was erased is overwritten with zeros
    "secure_delete = ON",
)
#: 16 MiB of pages in memory: its rows are added in the order of digests, that is everywhere
_SCRATCH = ("journal_mode = WAL", "synchronous = OFF", "cache_size = -16384")


def _open_postgres(url: URL) -> tuple[Engine, Engine, Engine]:
    """Engines that write, read, and ask single questions; the last two cannot write."""
    writing = _postgres(url, _OPTIONS)
    reading = _postgres(url, f"{_OPTIONS} -c default_transaction_read_only=on")
    snapshot = reading.execution_options(isolation_level="REPEATABLE READ")
    return writing, snapshot, reading.execution_options(isolation_level="AUTOCOMMIT")


def _postgres(url: URL, options: str) -> Engine:
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        connect_args={
            "application_name": "steriledger",
            "connect_timeout": 10,
            "options": options,
        },
        hide_parameters=True,
    )
    event.listen(engine, "checkout", partial(_verify_alive, engine.dialect.loaded_dbapi.Error))
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "handle_error", _replace_error, retval=True)
    return engine


_OPTIONS = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=120s"
#: A connection that was idle for longer is asked whether it still lives before it is used again.
_TRUSTED_SECONDS = 0.1
_USED_AT = "steriledger_used_at"


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _verify_alive(
    driver_error: type[Exception],
    connection: Any,  # noqa: ANN401 - the driver's, not loaded with us
    record: ConnectionPoolEntry,
    _proxy: object,
) -> None:
    """Have the pool replace a connection that died while it was idle."""
    used_at = record.info.get(_USED_AT)
    if used_at is None or time.monotonic() - used_at < _TRUSTED_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except driver_error as error:
        raise DisconnectionError from error


def _replace_error(context: ExceptionContext) -> BaseException | None:
    conceal(context.original_exception, context.sqlalchemy_exception)
    return explain(context.original_exception)


@contextmanager
def _pool_patience() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise StorageUnavailable(
            "no connection to the database became free in time", remedy="try again"
        ) from error
