"""Rows that the storage tests start from; each number gives rows of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from ledger.domain.acts.words import Contract
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.outbox.operation_states import OperationState
from ledger.storage.operations import NewOperation, get_operation, insert_operation
from ledger.storage.records import RecordRow, RecordSecretsRow, insert_record

NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


def word(text: str) -> bytes:
    """32 bytes that stand for a name."""
    return sha256(text.encode())


def digest(number: int) -> Digest:
    return Digest(word(f"operation {number}"))


def record(number: int, *, unit: int = 1) -> RecordRow:
    return RecordRow(
        id=f"{number:032x}",
        schema="cycle-opening/1",
        suite="sha256-keccak256-eip712/1",
        unit=unit,
        facts=b'{"a":1}',
        personal=b'{"performer":"Li"}',
        facts_root=word(f"facts {number}"),
        personal_root=word(f"personal {number}"),
        root=word(f"root {number}"),
        accepted_at=NOON,
    )


def secrets_of(row: RecordRow) -> RecordSecretsRow:
    return RecordSecretsRow(record_id=row.id, facts_secret=b"facts", personal_secret=b"personal")


def operation(
    number: int,
    *,
    unit: int = 1,
    kind: str = "CycleOpening",
    subject: bytes | None = None,
    parent: bytes | None = None,
    replaces: bytes = ZERO_DIGEST,
    state: OperationState = OperationState.OWED,
) -> NewOperation:
    return NewOperation(
        digest=digest(number),
        kind=kind,
        contract=Contract.CYCLE_LEDGER,
        unit=unit,
        subject=word(f"subject {number}") if subject is None else subject,
        parent=parent,
        replaces=replaces,
        record_id=f"{number:032x}",
        message=b"{}",
        signed_at=1_772_625_600,
        accepted_at=NOON,
        state=state,
    )


def accept(tx: Connection, new: NewOperation) -> int:
    """Store an operation with a record of the same number; return its sequence."""
    row = record(int(new.record_id, 16), unit=new.unit)
    insert_record(tx, row, secrets_of(row))
    insert_operation(tx, new)
    return get_operation(tx, new.digest).sequence
