"""A unit's administrator changes a machine's state or begins a counter epoch."""

from __future__ import annotations

from dataclasses import replace

from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import (
    UINT32,
    Act,
    Choice,
    Facts,
    Field,
    Given,
    Message,
    Named,
    Recorded,
    Records,
    View,
    Whole,
    integer,
    replaces_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, EquipmentState, Right
from ledger.domain.errors import Conflict, InvalidInput, Refused
from ledger.domain.subjects.states import MachineState


def _machine(message: Message, view: View) -> MachineState:
    return common.require_machine(
        view.find(MachineState, word(message, "equipment")), unit=integer(message, "unit")
    )


def rules(message: Message, view: View) -> None:
    """As UnitRegistry._change."""
    machine = _machine(message, view)
    if word(message, "replaces") != machine.current:
        raise Conflict(
            "the machine was changed meanwhile", field="replaces", remedy="look at it again"
        )
    if machine.state is EquipmentState.RETIRED:
        raise Refused("the machine is retired", field="equipment", rule="retirement is terminal")
    if integer(message, "epoch") < machine.epoch:
        raise InvalidInput(
            f"{integer(message, 'epoch')} is lower than {machine.epoch}",
            field="epoch",
            rule="counter epochs never go back",
        )


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """It changes something."""
    machine = _machine(message, view)
    if (integer(message, "state"), integer(message, "epoch")) == (machine.state, machine.epoch):
        raise InvalidInput(
            "nothing changes", field="state", rule="another state, or another counter epoch"
        )


def effect(change: Recorded, view: View) -> None:
    """The machine after it."""
    message = change.message
    view.put(
        replace(
            _machine(message, view),
            state=EquipmentState(integer(message, "state")),
            epoch=integer(message, "epoch"),
            current=change.digest,
        )
    )


def says(message: Message) -> str:
    """`the machine was changed: out of service, counter epoch 2`."""
    state = EquipmentState(integer(message, "state")).name.lower().replace("_", " ")
    return f"the machine was changed: {state}, counter epoch {integer(message, 'epoch')}"


ACT = Act(
    name="EquipmentChange",
    doc="A unit's administrator changes a machine's state or begins a counter epoch.",
    about="equipment",
    contract=Contract.UNIT_REGISTRY,
    function="changeEquipment",
    event="EquipmentChanged",
    right=Right.ADMINISTER,
    command="equipment change",
    shows_facts=True,
    needs_reason=True,
    fields=(
        Field("equipment", Named("equipment"), "name, serial number or id", is_argument=True),
        unit_field(),
        Field("state", Choice(EquipmentState), given=Given.STANDING),
        Field(
            "epoch",
            Whole(1, UINT32),
            "a new counter epoch, when the counter was reset",
            given=Given.STANDING,
        ),
        replaces_field("registration or change", standing="current"),
    ),
    says=says,
    rules=rules,
    record_rules=record_rules,
    effect=effect,
)
