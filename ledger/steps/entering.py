"""Accepted operation → what it adds beside itself: names, and the cycle that a reading reports.

The directory says what units, signers, machines and cycles are called here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from ledger.domain.accepted import integer, word
from ledger.domain.errors import Conflict
from ledger.domain.identifiers import (
    EquipmentId,
    SignerId,
    UnitNumber,
    cycle_id,
    equipment_id,
)
from ledger.domain.operations import Custody, Duty, EquipmentKind, Party
from ledger.domain.records import Record
from ledger.steps.attaching import attach_readings
from ledger.steps.prepare import Prepared
from ledger.storage import directory


def _enter_unit(tx: Connection, prepared: Prepared) -> None:
    message, record = prepared.operation.message, prepared.record
    number, code = integer(message, "unit"), _required(record, "code")
    if directory.find_unit_by_code(tx, code) is not None:
        raise Conflict(
            f"another unit has the code {code!r}",
            field="code",
            rule="a code names one unit of the group",
            remedy="choose another short name",
        )
    directory.insert_unit(
        tx,
        directory.UnitRow(
            number=number,
            code=code,
            name=_required(record, "name"),
            digest=prepared.operation.digest,
        ),
    )
    directory.insert_signer(
        tx,
        directory.SignerRow(
            id=SignerId(word(message, "administrator")),
            unit=number,
            signer=prepared.keys[Party.NEW_KEY],
            name=_text(record, "administrator_name"),
            duties=Duty.ADMINISTER,
            custody=Custody(integer(message, "custody")),
            # as the contract counts it
            valid_from=integer(message, "signedAt"),
            valid_until=integer(message, "validUntil"),
            digest=prepared.operation.digest,
        ),
    )


def _enter_signer(tx: Connection, prepared: Prepared) -> None:
    message = prepared.operation.message
    directory.insert_signer(
        tx,
        directory.SignerRow(
            id=SignerId(word(message, "signer")),
            unit=integer(message, "unit"),
            signer=prepared.keys[Party.NEW_KEY],
            name=_text(prepared.record, "signer_name"),
            duties=Duty(integer(message, "duties")),
            custody=Custody(integer(message, "custody")),
            valid_from=integer(message, "validFrom"),
            valid_until=integer(message, "validUntil"),
            digest=prepared.operation.digest,
        ),
    )


def _enter_equipment(tx: Connection, prepared: Prepared) -> None:
    message, record = prepared.operation.message, prepared.record
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
            digest=prepared.operation.digest,
        ),
    )


def _enter_cycle(tx: Connection, prepared: Prepared) -> None:
    message = prepared.operation.message
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
            digest=prepared.operation.digest,
        ),
    )


#: What some kinds add; the others add nothing.
ENTER: Mapping[str, Callable[[Connection, Prepared], None]] = {
    "UnitAdmission": _enter_unit,
    "SignerEnrolment": _enter_signer,
    "EquipmentRegistration": _enter_equipment,
    "CycleOpening": _enter_cycle,
    "CycleEnding": attach_readings,
}


def _text(record: Record, path: str) -> str | None:
    value = record.facts.get(path) if path in record.facts else (record.personal or {})[path]
    return None if value is None else str(value)


def _required(record: Record, path: str) -> str:
    return str(record.facts[path])
