"""A driver's complaint → one of our errors in words, where it is not a fault of the program."""

from __future__ import annotations

import sqlite3
from copy import copy

import psycopg
from psycopg import errors as pg

from ledger.domain.errors import SteriLedgerError, StorageUnavailable

_TRY_AGAIN = "nothing was stored; try again"
_FREE_SPACE = "nothing was stored; free space where the database lives, then try again"
_MAKE_WRITABLE = "nothing was stored; let the program write to the database and its folder"

# Primary result codes: https://www.sqlite.org/rescode.html
_SQLITE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: ("another process held the database too long", _TRY_AGAIN),
    sqlite3.SQLITE_LOCKED: ("another connection held a table too long", _TRY_AGAIN),
    sqlite3.SQLITE_FULL: ("the disk is full", _FREE_SPACE),
    sqlite3.SQLITE_READONLY: ("the database is read-only", _MAKE_WRITABLE),
    sqlite3.SQLITE_PERM: ("the database may not be accessed", _MAKE_WRITABLE),
    sqlite3.SQLITE_CANTOPEN: (
        "the database file cannot be opened",
        "check that its folder exists and may be written",
    ),
    sqlite3.SQLITE_IOERR: ("the disk failed while the database used it", "check the disk"),
    sqlite3.SQLITE_CORRUPT: (
        "the database file is damaged",
        "stop, keep the file, and restore the last backup",
    ),
    sqlite3.SQLITE_NOTADB: ("the file is not a database", "check the address of the database"),
}

_POSTGRES: tuple[tuple[tuple[type[psycopg.Error], ...], str, str], ...] = (
    ((pg.DiskFull,), "the database server's disk is full", _FREE_SPACE),
    ((pg.ReadOnlySqlTransaction,), "the database is read-only here", _MAKE_WRITABLE),
    (
        (pg.LockNotAvailable, pg.DeadlockDetected, pg.SerializationFailure, pg.QueryCanceled),
        "another transaction was in the way too long",
        _TRY_AGAIN,
    ),
    ((pg.TooManyConnections,), "the database server takes no more connections", _TRY_AGAIN),
    (
        (pg.DataCorrupted, pg.IndexCorrupted),
        "the database server reports damaged data",
        "stop, and restore the last backup",
    ),
)


def explain(error: BaseException | None) -> SteriLedgerError | None:
    """What an error of a statement means for the caller; None for a fault of the program.

    An error of our own, raised by a column's type, comes out as it went in, unwrapped.
    """
    if isinstance(error, SteriLedgerError):
        return copy(error)
    if isinstance(error, sqlite3.Error):
        return _explain_sqlite(error)
    if isinstance(error, psycopg.Error):
        return _explain_postgres(error)
    return None


def _explain_sqlite(error: sqlite3.Error) -> StorageUnavailable | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    found = _SQLITE.get(code & 0xFF)
    return None if found is None else StorageUnavailable(found[0], remedy=found[1])


def _explain_postgres(error: psycopg.Error) -> StorageUnavailable | None:
    for kinds, what, remedy in _POSTGRES:
        if isinstance(error, kinds):
            return StorageUnavailable(what, remedy=remedy)
    # psycopg gives no finer class to a refused, lost or never made connection.
    if isinstance(error, psycopg.OperationalError):
        return StorageUnavailable(
            "the database server does not answer, or does not let us in",
            remedy="nothing was stored; check that it runs, and its address, user and password",
        )
    return None
