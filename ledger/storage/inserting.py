"""Many rows of one table → the database in one statement, past what is done for single rows.

The values are converted by the columns' own types, as for any other statement.  SQLite runs one
statement for each row without asking again; PostgreSQL takes all rows as one array a column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

from ledger.storage.rows import conflict_when_taken

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: rows of one statement
_ROWS = 5000

_Convert = Callable[[Any, Dialect], Any]


def insert_many(tx: Connection, table: Table, rows: Sequence[DataclassInstance]) -> None:
    """Insert rows whose dataclass has the table's columns; a duplicate is Conflict."""
    with conflict_when_taken(tx, f"this row of {table.name} exists already"):
        for start in range(0, len(rows), _ROWS):
            _insert(tx, table, rows[start : start + _ROWS])


def _insert(tx: Connection, table: Table, rows: Sequence[DataclassInstance]) -> None:
    columns = _columns(table, rows, tx.dialect)
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql(_sqlite(table), list(zip(*columns, strict=True)))
    else:
        tx.exec_driver_sql(_postgresql(table), tuple(columns))


def _columns(
    table: Table, rows: Sequence[DataclassInstance], dialect: Dialect
) -> list[list[object]]:
    """The stored values, column by column."""
    found: list[list[object]] = []
    for get, convert in _reading(table):
        values = list(map(get, rows))
        # equal values are stored alike, and those of most columns are few
        if convert is not None:
            stored = {value: convert(value, dialect) for value in set(values)}
            values = [stored[value] for value in values]
        found.append(values)
    return found


@cache
def _reading(table: Table) -> tuple[tuple[Callable[[object], Any], _Convert | None], ...]:
    """How each column's value is taken from a row, and what makes it a stored one."""
    return tuple(
        (
            attrgetter(column.name),
            column.type.process_bind_param if isinstance(column.type, TypeDecorator) else None,
        )
        for column in table.columns
    )


@cache
def _sqlite(table: Table) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' for _ in table.columns)})"  # noqa: S608 - our own names


@cache
def _postgresql(table: Table) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    kinds = (_kind(column.type) for column in table.columns)
    arrays = ", ".join(f"%b::{kind}[]" for kind in kinds)
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608 - the same


def _kind(kind: Any) -> str:  # noqa: ANN401 - a type of whichever column

    return str(kind.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
