"""Rows and the frozen dataclasses that they become: one `Rows` per table, used by its module only.

A row's dataclass has one field per column, with the column's name.  Putting a statement together
takes four times as long as running it, so those by which a request finds rows are made once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    bindparam,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from ledger.domain.errors import NotFound
from ledger.storage.engine.inserting import insert_rows, values_of

__all__ = ["CHUNK", "Rows", "chunks", "grouped", "of_unit", "pairs", "upsert", "values_of"]

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    R = TypeVar("R", bound=DataclassInstance)
else:
    R = TypeVar("R")

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

#: how many values one `IN (…)` names; SQLite's own limit is 32,766
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Rows(Generic[R]):
    """One table and the dataclass of its rows."""

    table: Table
    row: type[R]
    #: what one row is, for sentences: "record", "operation"
    what: str

    def insert(self, tx: Connection, rows: Sequence[R]) -> None:
        """Insert all, in their order; a duplicate is Conflict, and ends the transaction."""
        insert_rows(tx, self.table, rows, taken=f"this {self.what} exists already")

    def select(self, *where: ColumnElement[bool]) -> Select[Any]:
        """The statement that reads this table's rows."""
        return select(self.table).where(true(), *where)

    def find(self, tx: Connection, *where: ColumnElement[bool]) -> R | None:
        """The one row that fits, or None."""
        return self._one(tx.execute(self.select(*where)).one_or_none())

    def find_by(self, tx: Connection, *, unit: int | None = None, **values: object) -> R | None:
        """The one row whose columns have these values, or None; with `unit`, only if it is its."""
        if unit is not None:
            values["unit"] = unit
        return self._one(tx.execute(_by(self.table, tuple(values)), values).one_or_none())

    def get_by(
        self, tx: Connection, *, name: object, unit: int | None = None, **values: object
    ) -> R:
        """The one row whose columns have these values; raises NotFound calling it `name`."""
        found = self.find_by(tx, unit=unit, **values)
        if found is None:
            raise self.not_found(name)
        return found

    def not_found(self, name: object) -> NotFound:
        """The error that says that no such row exists."""
        shown = "0x" + name.hex() if isinstance(name, bytes) else name
        return NotFound(f"there is no {self.what} {shown}")

    def read(self, tx: Connection, statement: Select[Any], **values: object) -> list[R]:
        """What a statement finds that selects all of this table's columns in their order."""
        make = _maker(self.table, self.row)
        return [make(each) for each in tx.execute(statement, values).all()]

    def list_in(
        self,
        tx: Connection,
        column: ColumnElement[Any],
        values: Iterable[object],
        *where: ColumnElement[bool],
        order: Sequence[ColumnElement[Any]] = (),
    ) -> list[R]:
        """The rows that fit and whose column has one of these values; in order, CHUNK by CHUNK."""
        return [
            row
            for part in chunks(values)
            for row in self.list(tx, column.in_(part), *where, order=order)
        ]

    def page(
        self,
        tx: Connection,
        *where: ColumnElement[bool],
        unit: int | None = None,
        after: object,
        limit: int | None,
    ) -> list[R]:
        """The rows that fit by their key, starting after one; with `unit`, only those of it."""
        key = list(self.table.primary_key)
        if unit is not None:
            where = (*where, self.table.c.unit == unit)
        if after is not None:
            beyond = tuple_(*key) > tuple_(*after) if isinstance(after, tuple) else key[0] > after
            where = (*where, beyond)
        return self.list(tx, *where, order=key, limit=limit)

    def list(
        self,
        tx: Connection,
        *where: ColumnElement[bool],
        order: Sequence[ColumnElement[Any]],
        limit: int | None = None,
    ) -> list[R]:
        """The rows that fit, in the given order, at most `limit` of them."""
        return self.read(tx, self.select(*where).order_by(*order).limit(limit))

    def row_of(self, found: Sequence[Any]) -> R:
        """The row with these values of the table's columns, in their order."""
        made: R = _maker(self.table, self.row)(found)
        return made

    def _one(self, found: Row[Any] | None) -> R | None:
        return None if found is None else self.row_of(found)


@cache
def _maker(table: Table, row: type[Any]) -> Callable[[Sequence[Any]], Any]:
    """How a row is made of its values, through its slots.

    A frozen dataclass's own way sets each field by name, which takes six times as long: more than
    all else of reading a row.
    """
    names = tuple(column.name for column in table.columns)
    if {each.name for each in fields(row)} != set(names) or hasattr(row, "__post_init__"):
        raise AssertionError(f"{row.__name__} is not the row of {table.name}")
    new, setters = object.__new__, tuple(getattr(row, name).__set__ for name in names)

    def make(found: Sequence[Any]) -> Any:  # noqa: ANN401 - a row of the class
        made = new(row)
        for put, value in zip(setters, found, strict=True):
            put(made, value)
        return made

    return make


@cache
def _by(table: Table, names: tuple[str, ...]) -> Select[Any]:
    return select(table).where(*(table.c[name] == bindparam(name) for name in names))


def of_unit(column: ColumnElement[Any], unit: int | None) -> ColumnElement[bool]:
    """Whose rows may be read: one unit's, or everybody's when `unit` is None."""
    return true() if unit is None else column == unit


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Lists of at most CHUNK values, in their order."""
    everything = list(values)
    for start in range(0, len(everything), CHUNK):
        yield everything[start : start + CHUNK]


def pairs(
    tx: Connection, found: Select[Any], column: ColumnElement[Any], values: Iterable[object]
) -> Iterator[tuple[Any, Any]]:
    """What a statement of two columns finds where the column has one of these values."""
    return (
        (first, second)
        for part in chunks(values)
        for first, second in tx.execute(found.where(column.in_(part))).all()
    )


def grouped(found: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """The second of each pair by the first, in their order."""
    groups: dict[K, list[V]] = {}
    for key, value in found:
        groups.setdefault(key, []).append(value)
    return groups


def upsert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT of a database's own dialect, which knows ON CONFLICT."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
