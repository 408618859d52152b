"""Accepted operation → what it adds beside itself: names, what a reading reports, and packages.

The directory says what things are called here; its rows follow from
what was signed and recorded alone, so that the audit can ask for them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection

from ledger.domain.acts import asset_registration
from ledger.domain.acts.cycle_opening import opened
from ledger.domain.acts.dispatch import dispatched
from ledger.domain.acts.equipment_registration import registered
from ledger.domain.acts.vocabulary import Facts, Recorded, integer, word
from ledger.domain.acts.words import AssetKind, EquipmentKind
from ledger.domain.encoding.identifiers import EquipmentId
from ledger.domain.subjects.folding import Memory, apply
from ledger.domain.subjects.states import SignerState
from ledger.steps.accepting.attaching import NAMING_READINGS, attach_readings
from ledger.steps.accepting.naming import require_own_code, require_own_look, require_own_serial
from ledger.steps.accepting.telling import tell
from ledger.storage import directory

DirectoryRow = (
    directory.UnitRow
    | directory.SignerRow
    | directory.EquipmentRow
    | directory.CycleRow
    | directory.ConsignmentRow
    | directory.AssetRow
)


def rows_of(recorded: Recorded, facts: Facts, personal: Facts | None) -> list[DirectoryRow]:
    """The rows that an operation enters; `personal` is None once it was erased."""
    entered = _ROWS.get(recorded.act.name)
    return [] if entered is None else list(entered(recorded, facts, personal or {}))


def enter(tx: Connection, recorded: Recorded, facts: Facts, personal: Facts | None) -> None:
    """Keep what an operation enters; raises Conflict where a name is taken."""
    for row in rows_of(recorded, facts, personal):
        if isinstance(row, directory.UnitRow):
            require_own_code(tx, row.code)
            directory.insert_unit(tx, row)
        elif isinstance(row, directory.SignerRow):
            require_own_look(tx, row.unit, row.name)
            directory.insert_signer(tx, row)
        elif isinstance(row, directory.EquipmentRow):
            require_own_serial(tx, row.unit, row.serial)
            directory.insert_equipment(tx, row)
        elif isinstance(row, directory.ConsignmentRow):
            directory.insert_consignment(tx, row)
        elif isinstance(row, directory.AssetRow):
            directory.insert_asset(tx, row)
        elif directory.find_cycle(tx, row.id) is None:
            # a number that was opened before, by mistake, has its row already
            directory.insert_cycle(tx, row)
    if recorded.act.name in NAMING_READINGS:
        attach_readings(tx, recorded.message, facts, unit=integer(recorded.message, "unit"))
    tell(tx, recorded, facts)


def _unit(recorded: Recorded, facts: Facts, personal: Facts) -> Sequence[DirectoryRow]:
    return (
        directory.UnitRow(
            number=integer(recorded.message, "unit"),
            code=str(facts["code"]),
            name=str(facts["name"]),
            digest=recorded.digest,
        ),
        *_signer(recorded, facts, personal),
    )


def _signer(recorded: Recorded, facts: Facts, personal: Facts) -> Sequence[DirectoryRow]:  # noqa: ARG001
    memory = Memory()
    apply(recorded, memory)
    return signer_rows(recorded, memory, personal)


def signer_rows(
    recorded: Recorded, memory: Memory, personal: Facts
) -> Sequence[directory.SignerRow]:
    """The key that an operation brings, as the one reducer has it."""
    state = memory.find(SignerState, word(recorded.message, recorded.act.key_member))
    if state is None:
        raise AssertionError(recorded.act.name)
    name = personal.get("signer_name") or personal.get("administrator_name")
    return (
        directory.SignerRow(
            id=state.id,
            unit=state.unit,
            signer=state.signer,
            name=None if name is None else str(name),
            rights=state.rights,
            custody=state.custody,
            valid_from=state.valid_from,
            valid_until=state.valid_until,
            digest=recorded.digest,
        ),
    )


def _equipment(recorded: Recorded, facts: Facts, personal: Facts) -> Sequence[DirectoryRow]:  # noqa: ARG001
    message, model = recorded.message, facts["model"]
    return (
        directory.EquipmentRow(
            id=registered(message),
            unit=integer(message, "unit"),
            name=str(facts["name"]),
            model=None if model is None else str(model),
            serial=str(facts["serial"]),
            kind=EquipmentKind(integer(message, "kind")),
            digest=recorded.digest,
        ),
    )


def _cycle(recorded: Recorded, facts: Facts, personal: Facts) -> Sequence[DirectoryRow]:  # noqa: ARG001
    message = recorded.message
    return (
        directory.CycleRow(
            id=opened(message),
            equipment=EquipmentId(word(message, "equipment")),
            unit=integer(message, "unit"),
            epoch=integer(message, "epoch"),
            number=integer(message, "number"),
            digest=recorded.digest,
        ),
    )


def _consignment(recorded: Recorded, facts: Facts, personal: Facts) -> Sequence[DirectoryRow]:  # noqa: ARG001
    return (
        directory.ConsignmentRow(
            id=dispatched(recorded.message),
            unit=integer(recorded.message, "unit"),
            slip=str(facts["slip"]),
            digest=recorded.digest,
        ),
    )


def _asset(recorded: Recorded, facts: Facts, personal: Facts) -> Sequence[DirectoryRow]:  # noqa: ARG001
    message = recorded.message
    return (
        directory.AssetRow(
            id=asset_registration.registered(message),
            unit=integer(message, "unit"),
            name=str(facts["name"]),
            code=str(facts["code"]),
            kind=AssetKind(integer(message, "kind")),
            digest=recorded.digest,
        ),
    )


#: What some kinds enter; the others enter nothing.
_ROWS: Mapping[str, Callable[[Recorded, Facts, Facts], Sequence[DirectoryRow]]] = {
    "UnitAdmission": _unit,
    "SignerEnrolment": _signer,
    "EquipmentRegistration": _equipment,
    "CycleOpening": _cycle,
    "Dispatch": _consignment,
    "AssetRegistration": _asset,
}
ENTERING = frozenset(_ROWS)
