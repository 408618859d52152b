"""Accepted operation → what it adds beside itself: names, and the cycle that a reading reports.

The directory says what units, signers, machines and cycles are called here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.domain.encoding.identifiers import (
    Digest,
    EquipmentId,
    SignerId,
    UnitNumber,
    cycle_id,
    equipment_id,
)
from ledger.domain.operations import Custody, Duty, EquipmentKind, Party
from ledger.domain.records.records import Record
from ledger.domain.subjects.accepted import Message, integer, word
from ledger.steps.accepting.attaching import attach_readings
from ledger.steps.accepting.naming import require_own_code, require_own_look
from ledger.storage import directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an operation says of itself when it is entered."""

    digest: Digest
    message: Message
    record: Record
    #: ERC-7913 bytes of the key that signs in each party
    keys: Mapping[Party, bytes]


def _enter_unit(tx: Connection, entry: Entry) -> None:
    message, record = entry.message, entry.record
    number, code = integer(message, "unit"), _required(record, "code")
    require_own_code(tx, code)
    directory.insert_unit(
        tx,
        directory.UnitRow(
            number=number,
            code=code,
            name=_required(record, "name"),
            digest=entry.digest,
        ),
    )
    directory.insert_signer(
        tx,
        directory.SignerRow(
            id=SignerId(word(message, "administrator")),
            unit=number,
            signer=entry.keys[Party.NEW_KEY],
            name=_text(record, "administrator_name"),
            duties=Duty.ADMINISTER,
            custody=Custody(integer(message, "custody")),
            # as the contract counts it
            valid_from=integer(message, "signedAt"),
            valid_until=integer(message, "validUntil"),
            digest=entry.digest,
        ),
    )


def _enter_signer(tx: Connection, entry: Entry) -> None:
    message = entry.message
    require_own_look(tx, integer(message, "unit"), _text(entry.record, "signer_name"))
    directory.insert_signer(
        tx,
        directory.SignerRow(
            id=SignerId(word(message, "signer")),
            unit=integer(message, "unit"),
            signer=entry.keys[Party.NEW_KEY],
            name=_text(entry.record, "signer_name"),
            duties=Duty(integer(message, "duties")),
            custody=Custody(integer(message, "custody")),
            valid_from=integer(message, "validFrom"),
            valid_until=integer(message, "validUntil"),
            digest=entry.digest,
        ),
    )


def _enter_equipment(tx: Connection, entry: Entry) -> None:
    message, record = entry.message, entry.record
    unit = integer(message, "unit")
    directory.insert_equipment(
        tx,
        directory.EquipmentRow(
            id=equipment_id(UnitNumber(unit), word(message, "serial")),
            unit=unit,
            name=_required(record, "name"),
            model=_text(record, "model"),
            serial=_required(record, "serial"),
            kind=EquipmentKind(integer(message, "kind")),
            digest=entry.digest,
        ),
    )


def _enter_cycle(tx: Connection, entry: Entry) -> None:
    message = entry.message
    equipment = EquipmentId(word(message, "equipment"))
    epoch, number = integer(message, "epoch"), integer(message, "number")
    directory.insert_cycle(
        tx,
        directory.CycleRow(
            id=cycle_id(equipment, epoch, number),
            equipment=equipment,
            unit=integer(message, "unit"),
            epoch=epoch,
            number=number,
            digest=entry.digest,
        ),
    )


def _attach(tx: Connection, entry: Entry) -> None:
    attach_readings(tx, entry.message, entry.record)


#: What some kinds add; the others add nothing.
ENTER: Mapping[str, Callable[[Connection, Entry], None]] = {
    "UnitAdmission": _enter_unit,
    "SignerEnrolment": _enter_signer,
    "EquipmentRegistration": _enter_equipment,
    "CycleOpening": _enter_cycle,
    "CycleEnding": _attach,
}


def _text(record: Record, path: str) -> str | None:
    """None where nobody entered it, and where it was erased."""
    if path in record.facts:
        value = record.facts[path]
    else:
        value = None if record.personal is None else record.personal[path]
    return None if value is None else str(value)


def _required(record: Record, path: str) -> str:
    return str(record.facts[path])
