"""The rows that a recorded cycle left, so that a bare application can insert their like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import Column, Connection, Table, select, type_coerce
from sqlalchemy.types import TypeDecorator

from ledger.domain.encoding.identifiers import Digest
from ledger.storage.directory import cycles
from ledger.storage.operations import (
    OperationRow,
    get_operation,
    operation_dependencies,
    operation_signatures,
    operation_states,
    operations,
    receipts,
)
from ledger.storage.records import record_secrets, records

#: `[table, {column: value}]`; bytes as `{"hex": …}`, others as JSON has them
Row: TypeAlias = tuple[str, dict[str, Any]]

#: numbers that the database gives
_GIVEN = {("operations", "sequence"), ("operation_states", "id")}


def rows_of(tx: Connection, digests: Sequence[Digest]) -> list[list[Row]]:
    """For each operation the rows that its acceptance inserted, in the order of insertion."""
    return [_rows_of(tx, get_operation(tx, digest)) for digest in digests]


def _rows_of(tx: Connection, operation: OperationRow) -> list[Row]:
    wanted: list[tuple[Table, Column[Any], object]] = [
        (records, records.c.id, operation.record_id),
        (record_secrets, record_secrets.c.record_id, operation.record_id),
        (operations, operations.c.digest, operation.digest),
        (operation_states, operation_states.c.digest, operation.digest),
        (operation_signatures, operation_signatures.c.digest, operation.digest),
        (operation_dependencies, operation_dependencies.c.digest, operation.digest),
        (receipts, receipts.c.digest, operation.digest),
    ]
    if operation.kind == "CycleOpening":
        wanted.append((cycles, cycles.c.id, operation.subject))
    return [row for table, column, key in wanted for row in _stored(tx, table, column, key)]


def _stored(tx: Connection, table: Table, column: Column[Any], key: object) -> list[Row]:
    columns = [type_coerce(each, _plain(each)).label(each.name) for each in table.columns]
    found = tx.execute(select(*columns).where(column == key)).mappings()
    return [
        (
            table.name,
            {
                name: {"hex": value.hex()} if isinstance(value, bytes) else value
                for name, value in row.items()
                if (table.name, name) not in _GIVEN
            },
        )
        for row in found
    ]


def _plain(column: Column[Any]) -> Any:  # noqa: ANN401 - a type of the database
    """The column's type without our reading of it."""
    kind = column.type
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind
