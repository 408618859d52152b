"""Two at the same moment on PostgreSQL: the second begins when the first holds its locks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import text

from ledger.storage.engine.database import Database

T = TypeVar("T")

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def meanwhile(database: Database, act: Callable[[], T]) -> Future[T]:
    """`act` on a connection of its own, once it waits for a lock that somebody holds."""
    pool = ThreadPoolExecutor(1)
    other = pool.submit(act)
    pool.shutdown(wait=False)
    while not other.done():
        with database.asking() as tx:
            if tx.execute(_WAITING).scalar_one():
                return other
    raise AssertionError(f"it did not wait: {other.result()}")
