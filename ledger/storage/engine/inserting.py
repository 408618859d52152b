"""Rows → the database, and the error that says that one of them is there already."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.exc import IntegrityError

from ledger.domain.errors import Conflict

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: unique_violation; https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES_TAKEN = "23505"
_SQLITE_TAKEN = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}


def insert_rows(
    tx: Connection, table: Table, rows: Sequence[DataclassInstance], *, taken: str
) -> None:
    """Insert rows of one dataclass, whose fields are columns of the table, in their order.

    A duplicate is Conflict in the words of `taken`, and ends the transaction.
    """
    if rows:
        with conflict_when_taken(tx, taken):
            tx.execute(_insert(table), [values_of(row) for row in rows])


@cache
def _insert(table: Table) -> Insert:
    """Made once: putting a statement together takes longer than running it."""
    return table.insert()


def values_of(row: DataclassInstance) -> dict[str, Any]:
    """Column values of a row's dataclass, by name."""
    return {name: getattr(row, name) for name in _names_of(type(row))}


@cache
def _names_of(row: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(row))


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
        under_way = tx.get_transaction()
        if under_way is not None:
            under_way.rollback()
        raise Conflict(what) from error


def _is_taken(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.IntegrityError):
        return error.sqlite_errorname in _SQLITE_TAKEN
    return getattr(error, "sqlstate", None) == _POSTGRES_TAKEN
