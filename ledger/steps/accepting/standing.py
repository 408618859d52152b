"""Database → the accepted state of a unit, a signer, a machine or a cycle."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from sqlalchemy import Connection

from ledger.domain.encoding.identifiers import CycleId, Digest, EquipmentId, SignerId
from ledger.domain.operations import find_kind, message_from_plain
from ledger.domain.subjects.accepted import (
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
from ledger.domain.subjects.indexed import IndexedSigner
from ledger.storage import directory, index, operations

WORD = 32


def unit_subject(number: int) -> bytes:
    """The 32 bytes under which operations about a unit are kept: its number."""
    return number.to_bytes(WORD, "big")


def read_operation(
    row: operations.OperationRow | operations.MessageRow | operations.OwedRow,
) -> Accepted:
    """A stored operation as the folds read it.

    Its bytes were canonical when they were stored, and the audit compares them with its digest.
    """
    return _read(row.digest, row.kind, row.message)


@lru_cache(maxsize=1024)
def _read(digest: Digest, kind: str, stored: bytes) -> Accepted:
    """The same bytes are read once: units, signers and machines are asked for again and again."""
    message = message_from_plain(find_kind(kind), json.loads(stored))
    return Accepted(digest=digest, kind=kind, message=MappingProxyType(message))


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands about some subjects, read in one question."""

    #: one entry for each subject that was asked for: KeyError for any other
    _rows: Mapping[bytes, Sequence[operations.MessageRow]]

    def unit(self, number: int) -> UnitState | None:
        """The unit as accepted here, or None."""
        return fold_unit(number, self._about(unit_subject(number)))

    def machine(self, equipment: EquipmentId) -> MachineState | None:
        """The machine as accepted here, or None."""
        return fold_machine(equipment, self._about(equipment))

    def cycle(self, cycle: CycleId) -> CycleState | None:
        """The cycle as accepted here, or None."""
        return fold_cycle(cycle, self._about(cycle))

    def first(self, kind: str, subject: bytes) -> Digest | None:
        """The first operation of that kind about a subject, or None."""
        return next((row.digest for row in self._rows[subject] if row.kind == kind), None)

    def _about(self, subject: bytes) -> list[Accepted]:
        return [read_operation(row) for row in self._rows[subject]]


def read_standing(tx: Connection, subjects: Iterable[bytes]) -> Standing:
    """What stands about a few subjects; an operation that was given up does not."""
    rows: dict[bytes, list[operations.MessageRow]] = {subject: [] for subject in subjects}
    for row in operations.list_messages(tx, tuple(rows)):
        rows[row.subject].append(row)
    return Standing(rows)


def find_unit_state(tx: Connection, number: int) -> UnitState | None:
    """The unit as accepted here, or None."""
    return read_standing(tx, [unit_subject(number)]).unit(number)


def find_signer_state(tx: Connection, signer: SignerId) -> SignerState | None:
    """The signer as accepted here or as the chain has it, or None; revoked where either says so."""
    return find_signer_among(tx, read_standing(tx, [signer]), signer)


def find_signer_among(tx: Connection, standing: Standing, signer: SignerId) -> SignerState | None:
    """The same, where what stands about the signer was read already."""
    found = directory.find_signer_and_revocation(tx, signer)
    if found is None:
        indexed = index.find(tx, IndexedSigner, signer)
        return None if indexed is None else _indexed_signer(indexed)
    row, revoked_on_chain = found
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
        revocation=standing.first("SignerRevocation", signer) or revoked_on_chain,
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
    return read_standing(tx, [equipment]).machine(equipment)


def find_cycle_state(tx: Connection, cycle: CycleId) -> CycleState | None:
    """The cycle as accepted here, or None."""
    return read_standing(tx, [cycle]).cycle(cycle)


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
