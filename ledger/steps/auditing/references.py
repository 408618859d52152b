"""Rows that name another row → that row, whatever the database allowed."""

from __future__ import annotations

from sqlalchemy import ForeignKey, exists, select

from ledger.steps.auditing.evidence import Stored
from ledger.storage.engine.schema import metadata


def check_references(evidence: Stored) -> None:
    """Every foreign key leads to a row; a restored or edited database may not have checked it."""
    for table in metadata.sorted_tables:
        for reference in sorted(table.foreign_keys, key=lambda each: each.parent.name):
            _check(evidence, reference)


def _check(evidence: Stored, reference: ForeignKey) -> None:
    named, column = reference.parent, reference.column
    keys = list(named.table.primary_key)
    lost = select(*keys, named.label("named")).where(
        named.is_not(None), ~exists().where(column == named)
    )
    for row in evidence.ours.execute(lost):
        evidence.findings.note(
            named.table.name,
            tuple(row[: len(keys)]),
            named.name,
            expected=f"a row of {column.table.name}",
            found=row.named,
        )
