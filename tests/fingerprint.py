"""Index → one hash, equal exactly when two indexes hold the same rows."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785
from sqlalchemy import Column, ColumnElement, Connection, Table, Text, select, type_coerce
from sqlalchemy.types import TypeDecorator, TypeEngine

from ledger.storage.index import TABLES


def index_fingerprint(tx: Connection) -> bytes:
    """SHA-256 over every index table by name and every row by primary key; 32 bytes.

    Each row is hashed as RFC 8785 of [table, [values in the order of columns]], bytes as
    hexadecimal and numbers as text; so no two different indexes write the same bytes.  Computed
    from the stored values, equal for SQLite and PostgreSQL.
    """
    state = hashlib.sha256()
    for table in sorted(TABLES.values(), key=lambda table: table.name):
        _add(tx, table, state)
    return state.digest()


def _add(tx: Connection, table: Table, state: hashlib._Hash) -> None:
    columns = [type_coerce(column, _stored(column.type)) for column in table.columns]
    order = [_ordering(tx, column) for column in table.primary_key]
    result = tx.execute(select(*columns).order_by(*order), execution_options={"yield_per": 1000})
    for row in result:
        state.update(rfc8785.dumps([table.name, [_plain(value) for value in row]]))


def _ordering(tx: Connection, column: Column[Any]) -> ColumnElement[Any]:
    """The stored value, text by its bytes whatever the database's own collation is."""
    stored = type_coerce(column, _stored(column.type))
    if not isinstance(stored.type, Text):
        return stored
    return stored.collate("BINARY" if tx.dialect.name == "sqlite" else "C")


def _stored(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


def _plain(value: object) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)
