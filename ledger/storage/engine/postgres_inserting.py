"""Many inserts → PostgreSQL in one question; imported where its driver is loaded."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg.errors import UniqueViolation
from sqlalchemy import Connection

from ledger.domain.errors import Conflict
from ledger.storage.engine.failures import conceal, explain
from ledger.storage.engine.inserting import Insert, end


def insert_all(tx: Connection, inserts: Sequence[Insert]) -> None:
    """Run them in their order, without waiting for the answer of one before the next is sent.

    Raises Conflict, which ends the transaction, and StorageUnavailable.
    Source: PostgreSQL's pipeline mode, https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html
    """
    driver = tx.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("the driver is psycopg")
    try:
        with driver.pipeline(), driver.cursor() as cursor:
            for each in inserts:
                cursor.executemany(each.statement.encode(), each.values)
    except UniqueViolation as error:
        conceal(error)
        end(tx)
        words = {each.table: each.taken for each in inserts}
        raise Conflict(words[error.diag.table_name or inserts[0].table]) from error
    except psycopg.Error as error:
        conceal(error)
        told = explain(error)
        if told is None:
            raise
        raise told from error
