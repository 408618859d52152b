"""What units declared and did not replace: outages, and sets with their versions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.domain.acts.vocabulary import word
from ledger.domain.callers import Caller
from ledger.domain.custody.lines import set_subject
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.records.commitments import Fields
from ledger.steps.accepting.reading_back import read_facts, read_facts_of, read_operation
from ledger.storage import operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One declaration that stands."""

    digest: str
    unit: int
    #: Unix seconds
    signed_at: int
    facts: Fields


def list_declared(tx: Connection, caller: Caller, kind: str, *, limit: int = 500) -> list[Declared]:
    """The declarations of a kind that the caller may read and that stand, newest first."""
    rows = operations.list_latest_operations(tx, unit=caller.readable_unit, kind=kind, limit=limit)
    rows = [row for row in rows if row.state not in GIVEN_UP]
    replaced = {word(read_operation(row).message, "replaces") for row in rows}
    rows = [row for row in rows if row.digest not in replaced]
    facts = read_facts_of(tx, rows)
    return [
        Declared(
            digest=to_hex(row.digest),
            unit=row.unit,
            signed_at=row.signed_at,
            facts=facts[row.digest],
        )
        for row in rows
    ]


def find_definition(tx: Connection, set_name: str) -> Fields:
    """A set's newest count sheet; empty where nobody defined it."""
    rows = operations.list_by_subject(tx, set_subject(set_name), standing=True)
    defined = [row for row in rows if row.kind == "SetDefinition"]
    if not defined:
        return {}
    return read_facts(tx, defined[-1])
