"""Database → the accepted state of a unit, a signer, a machine or a cycle."""

from __future__ import annotations

import json

from sqlalchemy import Connection

from ledger.domain.accepted import (
    Accepted,
    CycleState,
    MachineState,
    SignerState,
    UnitState,
    fold_cycle,
    fold_machine,
    fold_unit,
    integer,
)
from ledger.domain.identifiers import CycleId, Digest, EquipmentId, SignerId
from ledger.domain.indexed import IndexedSigner
from ledger.domain.operations import find_kind, message_from_plain
from ledger.storage import directory, index, operations

WORD = 32


def unit_subject(number: int) -> bytes:
    """The 32 bytes under which operations about a unit are kept: its number."""
    return number.to_bytes(WORD, "big")


def read_operation(row: operations.OperationRow) -> Accepted:
    """A stored operation as the folds read it.

    Its bytes were canonical when they were stored, and the audit compares them with its digest.
    """
    message = message_from_plain(find_kind(row.kind), json.loads(row.message))
    return Accepted(digest=row.digest, kind=row.kind, message=message)


def find_unit_state(tx: Connection, number: int) -> UnitState | None:
    """The unit as accepted here, or None."""
    return fold_unit(number, _standing(tx, unit_subject(number)))


def find_signer_state(tx: Connection, signer: SignerId) -> SignerState | None:
    """The signer as accepted here or as the chain has it, or None; revoked where either says so."""
    row = directory.find_signer(tx, signer)
    indexed = index.find(tx, IndexedSigner, signer)
    if row is None:
        return None if indexed is None else _indexed_signer(indexed)
    revocation = next(
        (o.digest for o in _standing(tx, signer) if o.kind == "SignerRevocation"),
        None if indexed is None else indexed.revoked_by,
    )
    return SignerState(
        id=row.id,
        unit=row.unit,
        key=row.signer,
        name=row.name or "",
        duties=int(row.duties),
        custody=int(row.custody),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        enrolment=row.digest,
        revocation=revocation,
    )


def _indexed_signer(row: IndexedSigner) -> SignerState:
    """A signer that the chain has and nobody enrolled here: an administrator after a recovery."""
    return SignerState(
        id=row.id,
        unit=row.unit,
        key=row.signer,
        name="",
        duties=int(row.duties),
        custody=int(row.custody),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        enrolment=row.enrolled_by,
        revocation=row.revoked_by,
    )


def find_machine_state(tx: Connection, equipment: EquipmentId) -> MachineState | None:
    """The machine as accepted here, or None."""
    return fold_machine(equipment, _standing(tx, equipment))


def find_cycle_state(tx: Connection, cycle: CycleId) -> CycleState | None:
    """The cycle as accepted here, or None."""
    return fold_cycle(cycle, _standing(tx, cycle))


def find_latest_opening(
    tx: Connection, equipment: EquipmentId, epoch: int
) -> tuple[Digest, int] | None:
    """The newest opening of a machine in an epoch, and its number; None when there is none."""
    row = operations.latest_by_parent(tx, equipment, "CycleOpening")
    if row is None:
        return None
    message = read_operation(row).message
    if integer(message, "epoch") != epoch:
        return None
    return row.digest, integer(message, "number")


def _standing(tx: Connection, subject: bytes) -> list[Accepted]:
    return [read_operation(row) for row in operations.list_by_subject(tx, subject, standing=True)]
