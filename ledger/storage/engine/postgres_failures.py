"""PostgreSQL's complaint → one of our errors in words; imported where its driver is loaded."""

from __future__ import annotations

import psycopg
from psycopg import errors as pg

from ledger.domain.errors import RESTORE_BACKUP, InvalidInput, SteriLedgerError, StorageUnavailable
from ledger.storage.engine.failures import FREE_SPACE, MAKE_WRITABLE, TRY_AGAIN

_POSTGRES: tuple[tuple[tuple[type[psycopg.Error], ...], str, str], ...] = (
    ((pg.DiskFull,), "the database server's disk is full", FREE_SPACE),
    ((pg.ReadOnlySqlTransaction,), "the database is read-only here", MAKE_WRITABLE),
    (
        (pg.LockNotAvailable, pg.DeadlockDetected, pg.SerializationFailure, pg.QueryCanceled),
        "another transaction was in the way too long",
        TRY_AGAIN,
    ),
    ((pg.TooManyConnections,), "the database server takes no more connections", TRY_AGAIN),
    (
        (pg.DataCorrupted, pg.IndexCorrupted),
        "the database server reports damaged data",
        f"stop, and {RESTORE_BACKUP}",
    ),
)


def conceal_rows(error: BaseException | None) -> None:
    """Leave of an error's text what happened; PostgreSQL adds the row, which may hold names."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary is not None:
        error.args = (error.diag.message_primary,)


def explain_postgres(error: BaseException | None) -> SteriLedgerError | None:
    """What an error of a statement means for the caller; None for a fault of the program."""
    # No text of PostgreSQL's holds the character NUL, which JSON and addresses may name.
    if isinstance(error, psycopg.DataError) and "NUL" in str(error):
        return InvalidInput(
            "a text holds the character NUL", field="text", rule="text without control characters"
        )
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
