"""A driver's complaint → one of our errors in words, where it is not a fault of the program."""

from __future__ import annotations

import sqlite3
import sys
from copy import copy

from ledger.domain.errors import RESTORE_BACKUP, SteriLedgerError, StorageUnavailable

TRY_AGAIN = "nothing was stored; try again"
FREE_SPACE = "nothing was stored; free space where the database lives, then try again"
MAKE_WRITABLE = "nothing was stored; let the program write to the database and its folder"

# Primary result codes: https://www.sqlite.org/rescode.html
_SQLITE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: ("another process held the database too long", TRY_AGAIN),
    sqlite3.SQLITE_LOCKED: ("another connection held a table too long", TRY_AGAIN),
    sqlite3.SQLITE_FULL: ("the disk is full", FREE_SPACE),
    sqlite3.SQLITE_READONLY: ("the database is read-only", MAKE_WRITABLE),
    sqlite3.SQLITE_PERM: ("the database may not be accessed", MAKE_WRITABLE),
    sqlite3.SQLITE_CANTOPEN: (
        "the database file cannot be opened",
        "check that its folder exists and may be written",
    ),
    sqlite3.SQLITE_IOERR: ("the disk failed while the database used it", "check the disk"),
    sqlite3.SQLITE_CORRUPT: (
        "the database file is damaged",
        f"stop, keep the file, and {RESTORE_BACKUP}",
    ),
    sqlite3.SQLITE_NOTADB: ("the file is not a database", "check the address of the database"),
}


def explain(error: BaseException | None) -> SteriLedgerError | None:
    """What an error of a statement means for the caller; None for a fault of the program.

    An error of our own, raised by a column's type, comes out as it went in, unwrapped.
    """
    if isinstance(error, SteriLedgerError):
        return copy(error)
    if isinstance(error, sqlite3.Error):
        return _explain_sqlite(error)
    # Where its driver was never loaded, no error is PostgreSQL's.
    if "psycopg" in sys.modules:
        from ledger.storage.engine.postgres_failures import explain_postgres  # noqa: PLC0415 - 10 MiB

        return explain_postgres(error)
    return None


def conceal(error: BaseException | None, wrapped: BaseException | None = None) -> None:
    """Take what a row holds out of a driver's error, and out of the library's words around it.

    Both are shown to whoever reads the log.  SQLite names tables and columns only.
    """
    if "psycopg" not in sys.modules:
        return
    from ledger.storage.engine.postgres_failures import conceal_rows  # noqa: PLC0415 - 10 MiB

    before = str(error)
    conceal_rows(error)
    if wrapped is not None:
        wrapped.args = tuple(
            each.replace(before, str(error)) if isinstance(each, str) else each
            for each in wrapped.args
        )


def _explain_sqlite(error: sqlite3.Error) -> StorageUnavailable | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    found = _SQLITE.get(code & 0xFF)
    return None if found is None else StorageUnavailable(found[0], remedy=found[1])
