"""A unit's administrator registers a machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.domain.acts.vocabulary import (
    UINT32,
    Act,
    Choice,
    Field,
    Given,
    Message,
    Name,
    Named,
    OneOf,
    Profile,
    Recorded,
    Serial,
    Switch,
    View,
    Whole,
    Zone,
    integer,
    optional_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, EquipmentKind, EquipmentState, Right
from ledger.domain.encoding.identifiers import EquipmentId, UnitNumber, equipment_id, serial_hash
from ledger.domain.errors import Conflict
from ledger.domain.names import plain_name
from ledger.domain.subjects.states import MachineState, Word32


def registered(message: Message) -> EquipmentId:
    """The machine that a registration brings."""
    return equipment_id(UnitNumber(integer(message, "unit")), word(message, "serial"))


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The machine's id, which follows from its unit and serial number."""
    serial = values.get("serial")
    if serial is None:
        return values
    unit = UnitNumber(values["unit"])
    return {**values, "equipment": equipment_id(unit, serial_hash(plain_name(serial)))}


def rules(message: Message, view: View) -> None:
    """As UnitRegistry._register."""
    if view.find(MachineState, registered(message)) is not None:
        raise Conflict(
            "a machine of this serial number is registered already",
            field="serial",
            rule="a serial number names one machine of the unit",
            remedy="look at: steriledger equipment list",
        )


def effect(registration: Recorded, view: View) -> None:
    """The machine, in service."""
    message = registration.message
    view.put(
        MachineState(
            id=registered(message),
            unit=integer(message, "unit"),
            serial=Word32(word(message, "serial")),
            kind=EquipmentKind(integer(message, "kind")),
            first_epoch=integer(message, "epoch"),
            epoch=integer(message, "epoch"),
            state=EquipmentState.IN_SERVICE,
            registration=registration.digest,
            current=registration.digest,
        )
    )


ACT = Act(
    name="EquipmentRegistration",
    doc="A unit's administrator registers a machine.",
    about="equipment",
    contract=Contract.UNIT_REGISTRY,
    function="registerEquipment",
    event="EquipmentRegistered",
    other_schema="equipment/1",
    right=Right.ADMINISTER,
    command="equipment register",
    shows_facts=True,
    fields=(
        unit_field(),
        # Its id follows from unit and serial number; the record says it, the message does not.
        Field("equipment", Named("equipment"), given=Given.NEVER, member=""),
        Field("name", Name(), "what the staff call it", is_argument=True),
        optional_field("model", Name(), "maker and model"),
        Field("serial", Serial(), "the maker's serial number, as it prints it"),
        Field("kind", Choice(EquipmentKind), "what it is"),
        optional_field("epoch", Whole(1, UINT32), "counter epoch", default=1, required=True),
        optional_field(
            "clock_zone", Zone(), "the zone that its own clock is set to, such as Asia/Shanghai"
        ),
        optional_field(
            "profile", Profile(), "the profile that its cycles are judged against; see profile list"
        ),
        optional_field(
            "process",
            OneOf(("steam", "ethylene_oxide", "hydrogen_peroxide", "formaldehyde", "dry_heat")),
            "by what it sterilises",
        ),
        optional_field(
            "pre_vacuum",
            Switch(),
            "whether it draws a vacuum first, so that each day begins with a Bowie-Dick test",
        ),
    ),
    says=lambda _: "the machine was registered",
    subject=registered,
    complete=complete,
    rules=rules,
    effect=effect,
)
