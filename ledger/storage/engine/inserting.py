"""Rows → the database, past what SQLAlchemy does for a statement that nobody wrote before.

The values are converted by the columns' own types, as for any other statement.  SQLite runs one
statement for each row without asking again; PostgreSQL takes many rows as one array a column.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeDecorator, TypeEngine

from ledger.domain.errors import Conflict

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: rows of one statement
_ROWS = 5000
#: from so many on, arrays cost PostgreSQL less than a round trip of their own for each row
_WORTH_ARRAYS = 8

#: unique_violation; https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES_TAKEN = "23505"
_SQLITE_TAKEN = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}

#: names, on a connection, the inserts that wait for each other
_WAITING = "steriledger_waiting"

_Convert = Callable[[Any, Dialect], Any]


@dataclass(frozen=True, slots=True)
class Insert:
    """One statement, and the values of each time that it runs."""

    table: str
    statement: str
    values: Sequence[Sequence[object]]
    #: what a duplicate means, in words
    taken: str


def insert_rows(
    tx: Connection, table: Table, rows: Sequence[DataclassInstance], *, taken: str
) -> None:
    """Insert rows of one dataclass, whose fields are columns of the table, in their order.

    A duplicate is Conflict in the words of `taken`, and ends the transaction.
    """
    waiting = tx.info.get(_WAITING)
    inserts = [
        _insert(tx.dialect, table, rows[start : start + _ROWS], taken)
        for start in range(0, len(rows), _ROWS)
    ]
    if waiting is None:
        _run(tx, inserts)
    else:
        waiting += inserts


@contextmanager
def together(tx: Connection) -> Iterator[None]:
    """What is inserted inside goes out at the end, in its order: PostgreSQL is asked but once.

    What is read inside does not see it yet.
    """
    waiting: list[Insert] = []
    info = tx.info  # asked for now: a connection that dies inside has none any more
    info[_WAITING] = waiting
    try:
        yield
    finally:
        del info[_WAITING]
    _run(tx, waiting)


def _run(tx: Connection, inserts: Sequence[Insert]) -> None:
    if len(inserts) > 1 and tx.dialect.name != "sqlite":
        from ledger.storage.engine.postgres_inserting import insert_all  # noqa: PLC0415 - 10 MiB

        insert_all(tx, inserts)
        return
    for each in inserts:
        with conflict_when_taken(tx, each.taken):
            tx.exec_driver_sql(each.statement, each.values)


@contextmanager
def conflict_when_taken(tx: Connection, what: str) -> Iterator[None]:
    """Turn a broken uniqueness constraint into Conflict, and end the transaction.

    What it wrote before is gone, and going on with it fails: a conflict is never passed over.
    """
    try:
        yield
    except IntegrityError as error:
        if not _is_taken(error.orig):
            raise
        end(tx)
        raise Conflict(what) from error


def end(tx: Connection) -> None:
    """Take back what a transaction wrote; it takes nothing more."""
    under_way = tx.get_transaction()
    if under_way is not None:
        under_way.rollback()


def _is_taken(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.IntegrityError):
        return error.sqlite_errorname in _SQLITE_TAKEN
    return getattr(error, "sqlstate", None) == _POSTGRES_TAKEN


def _insert(
    dialect: Dialect, table: Table, rows: Sequence[DataclassInstance], taken: str
) -> Insert:
    row = type(rows[0])
    columns = _columns(table, rows, dialect)
    is_sqlite = dialect.name == "sqlite"
    if is_sqlite or len(rows) < _WORTH_ARRAYS:
        statement = _one_by_one(table, row, "?" if is_sqlite else "%s")
        return Insert(table.name, statement, list(zip(*columns, strict=True)), taken)
    return Insert(table.name, _by_arrays(table, row), [tuple(columns)], taken)


def _columns(
    table: Table, rows: Sequence[DataclassInstance], dialect: Dialect
) -> list[list[object]]:
    """The stored values, column by column."""
    found: list[list[object]] = []
    for get, convert in _reading(table, type(rows[0])):
        values = list(map(get, rows))
        if convert is not None:
            values = [convert(value, dialect) for value in values]
        found.append(values)
    return found


@cache
def _reading(
    table: Table, row: type[DataclassInstance]
) -> tuple[tuple[Callable[[object], Any], _Convert | None], ...]:
    """How each column's value is taken from a row, and what makes it a stored one."""
    return tuple((attrgetter(name), _converter(table.c[name].type)) for name in names_of(row))


def _converter(kind: TypeEngine[Any]) -> _Convert | None:
    return kind.process_bind_param if isinstance(kind, TypeDecorator) else None


@cache
def names_of(row: type[DataclassInstance]) -> tuple[str, ...]:
    """The fields of a dataclass, in their order."""
    return tuple(field.name for field in fields(row))


@cache
def _one_by_one(table: Table, row: type[DataclassInstance], mark: str) -> str:
    names = names_of(row)
    return f"{_into(table, names)} VALUES ({', '.join(mark for _ in names)})"


@cache
def _by_arrays(table: Table, row: type[DataclassInstance]) -> str:
    names = names_of(row)
    arrays = ", ".join(f"%b::{_kind(table.c[name].type)}[]" for name in names)
    return f"{_into(table, names)} SELECT * FROM unnest({arrays})"  # noqa: S608 - our own names


def _into(table: Table, names: Sequence[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table.name} ({quoted})"


def _kind(kind: TypeEngine[Any]) -> str:
    return str(kind.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
