"""Accepted ending → the readings that it rests on, attached to its cycle."""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.domain.accepted import word
from ledger.domain.identifiers import Digest
from ledger.domain.records import fields_from_bytes
from ledger.steps.accepted import read_operation
from ledger.storage import operations, readings, records


def attach_readings(tx: Connection, digest: Digest) -> None:
    """Say of each reading that an accepted ending names which cycle it reports.

    Any other operation has no readings, and a reading that is not kept here stays a hash.  Raises
    Conflict when one of them reports another cycle already.
    """
    row = operations.get_operation(tx, digest)
    if row.kind != "CycleEnding":
        return
    cycle = word(read_operation(row).message, "cycle")
    facts = fields_from_bytes(records.get_record(tx, row.record_id).facts)
    index = 0
    while f"readings.{index}.sha256" in facts:
        _attach(
            tx,
            bytes.fromhex(str(facts[f"readings.{index}.sha256"])),
            bytes.fromhex(str(facts[f"readings.{index}.content_sha256"])),
            cycle,
            row.unit,
        )
        index += 1


def _attach(tx: Connection, sha256: bytes, content: bytes, cycle: bytes, unit: int) -> None:
    for part in readings.list_reading_cycles(tx, sha256, unit=unit):
        if part.content_sha256 == content:
            readings.attach_cycle(tx, sha256, part.ordinal, cycle)
