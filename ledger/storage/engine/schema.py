"""Every table of the database: importing this module fills `metadata`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table

from ledger.domain.encoding.hashing import sha256
from ledger.storage import (
    accounts,
    arrivals,
    contacts,
    directory,
    drafts,
    index_tables,
    journal,
    keys,
    labels,
    leases,
    operations,
    packages,
    photos,
    readings,
    records,
    settings,
    tokens,
    transactions,
)
from ledger.storage.engine.columns import metadata

#: the modules that define tables
MODULES = (
    accounts,
    arrivals,
    contacts,
    directory,
    drafts,
    index_tables,
    journal,
    keys,
    labels,
    leases,
    operations,
    packages,
    photos,
    readings,
    records,
    settings,
    tokens,
    transactions,
)

__all__ = ["MODULES", "index_fingerprint", "kept_tables", "metadata"]


def kept_tables() -> list[Table]:
    """The tables that are kept for ever, in the order in which they may be created."""
    return [table for table in metadata.sorted_tables if not _is_index(table)]


def index_tables_of() -> list[Table]:
    """The tables that the chain fills, and that are made anew when their definition changed."""
    return [table for table in metadata.sorted_tables if _is_index(table)]


def index_fingerprint() -> bytes:
    """Changes with any definition of a table of the index."""
    return _fingerprint(index_tables_of())


def kept_fingerprint() -> bytes:
    """Changes with any definition of a table that is kept."""
    return _fingerprint(kept_tables())


def _fingerprint(tables: Sequence[Table]) -> bytes:
    lines = [
        f"{table.name}.{column.name} {column.type!r} {column.nullable} {column.primary_key}"
        for table in tables
        for column in table.columns
    ]
    lines += sorted(
        f"{index.name} {[column.name for column in index.columns]} {index.unique}"
        for table in tables
        for index in table.indexes
    )
    return sha256("\n".join(lines).encode())


def _is_index(table: Table) -> bool:
    return table.name.startswith("idx_")
