"""Rows and the frozen dataclasses that they become: one `Rows` per table, used by its module only.

A row's dataclass has one field per column, with the column's name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import psycopg
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from ledger.domain.errors import Conflict, NotFound

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    R = TypeVar("R", bound=DataclassInstance)
else:
    R = TypeVar("R")

T = TypeVar("T")

#: how many values one `IN (…)` names; SQLite's own limit is 32,766
CHUNK = 1000

_SQLITE_TAKEN = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}


@dataclass(frozen=True, slots=True)
class Rows(Generic[R]):
    """One table and the dataclass of its rows."""

    table: Table
    row: type[R]
    #: what one row is, for sentences: "record", "operation"
    what: str

    def insert(self, tx: Connection, rows: Sequence[R]) -> None:
        """Insert all, in their order; a duplicate is Conflict and leaves the transaction usable."""
        if not rows:
            return
        with conflict_when_taken(tx, f"this {self.what} exists already"):
            tx.execute(self.table.insert(), [values_of(row) for row in rows])

    def select(self, *where: ColumnElement[bool]) -> Select[Any]:
        """The statement that reads this table's rows."""
        return select(self.table).where(true(), *where)

    def find(self, tx: Connection, *where: ColumnElement[bool]) -> R | None:
        """The one row that fits, or None."""
        found = tx.execute(self.select(*where)).mappings().one_or_none()
        return None if found is None else self.row(**_named(found))

    def get(self, tx: Connection, *where: ColumnElement[bool], name: object) -> R:
        """The one row that fits; raises NotFound naming it."""
        found = self.find(tx, *where)
        if found is None:
            raise self.not_found(name)
        return found

    def not_found(self, name: object) -> NotFound:
        """The error that says that no such row exists."""
        shown = "0x" + name.hex() if isinstance(name, bytes) else name
        return NotFound(f"there is no {self.what} {shown}")

    def list(
        self,
        tx: Connection,
        *where: ColumnElement[bool],
        order: Sequence[ColumnElement[Any]],
        limit: int | None = None,
    ) -> list[R]:
        """The rows that fit, in the given order, at most `limit` of them."""
        statement = self.select(*where).order_by(*order).limit(limit)
        return [self.row(**_named(found)) for found in tx.execute(statement).mappings()]


def values_of(row: DataclassInstance) -> dict[str, Any]:
    """Column values of a row's dataclass, by name."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


def _named(found: RowMapping) -> dict[str, Any]:
    return {str(name): value for name, value in found.items()}


def of_unit(column: ColumnElement[Any], unit: int | None) -> ColumnElement[bool]:
    """Whose rows may be read: one unit's, or everybody's when `unit` is None."""
    return true() if unit is None else column == unit


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Lists of at most CHUNK values, in their order."""
    everything = list(values)
    for start in range(0, len(everything), CHUNK):
        yield everything[start : start + CHUNK]


def upsert(tx: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT of this database's own dialect, which knows ON CONFLICT."""
    return sqlite.insert(table) if tx.dialect.name == "sqlite" else postgresql.insert(table)


@contextmanager
def conflict_when_taken(tx: Connection, what: str) -> Iterator[None]:
    """Turn a broken uniqueness constraint into Conflict; the transaction stays usable.

    Any other error passes without going back to the savepoint: where SQLite has ended the whole
    transaction by itself (a full disk), going back would fail and hide the cause.
    """
    savepoint = tx.begin_nested()
    try:
        yield
    except IntegrityError as error:
        if not _is_taken(error.orig):
            raise
        savepoint.rollback()
        raise Conflict(what) from error
    savepoint.commit()


def _is_taken(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.IntegrityError):
        return error.sqlite_errorname in _SQLITE_TAKEN
    return isinstance(error, psycopg.errors.UniqueViolation)
