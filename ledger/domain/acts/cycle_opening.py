"""A person declares that a cycle begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import (
    UINT32,
    Act,
    Choice,
    Field,
    Given,
    MachineNamed,
    Message,
    Moment,
    Named,
    OneOf,
    Recorded,
    Switch,
    View,
    Whole,
    Words,
    integer,
    optional_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, EquipmentState, Right
from ledger.domain.encoding.identifiers import ZERO_DIGEST, CycleId, Digest, EquipmentId, cycle_id
from ledger.domain.errors import Conflict, Refused
from ledger.domain.records.commitments import MAX_SAFE_INTEGER
from ledger.domain.subjects.states import CycleState, MachineState

#: How far a typed number may lie above the highest without being asked about: a doubled scan.
MOST_LEFT_OUT = 1000


def opened(message: Message) -> CycleId:
    """The cycle that an opening brings."""
    equipment = EquipmentId(word(message, "equipment"))
    return cycle_id(equipment, integer(message, "epoch"), integer(message, "number"))


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The cycle's id, by which its later records name it."""
    machine = values["equipment"]
    return {**values, "cycle": cycle_id(machine.id, values["epoch"], values["number"])}


def rules(message: Message, view: View) -> None:
    """As CycleLedger._open: a number is opened once per machine and epoch, in any order.

    The machine's state is not asked: what ran, ran.  Whether its load may be released is another
    question, and CycleDecision asks it.
    """
    unit, epoch, number = (integer(message, name) for name in ("unit", "epoch", "number"))
    machine = common.require_machine(view.find(MachineState, word(message, "equipment")), unit=unit)
    if not machine.first_epoch <= epoch <= machine.epoch:
        raise Refused(
            f"the machine counts in epoch {machine.epoch}, not {epoch}",
            field="epoch",
            rule="a new epoch begins with an equipment change, when the counter was reset",
        )
    cycle = view.find(CycleState, opened(message))
    if cycle is not None and cycle.is_open:
        raise Conflict(
            f"cycle {number} of this machine is open already",
            field="number",
            rule="a machine has one cycle of each number in an epoch",
            remedy="add to that cycle; if it was opened by mistake, take it back: "
            "steriledger cycle void",
        )


def effect(opening: Recorded, view: View) -> None:
    """The cycle, undecided."""
    message = opening.message
    before = view.find(CycleState, opened(message))
    view.put(
        CycleState(
            id=opened(message),
            equipment=EquipmentId(word(message, "equipment")),
            unit=integer(message, "unit"),
            epoch=integer(message, "epoch"),
            number=integer(message, "number"),
            started_at=integer(message, "startedAt"),
            opening=opening.digest,
            voided=ZERO_DIGEST if before is None else before.voided,
        )
    )


def needs(message: Message, view: View) -> tuple[Digest, ...]:
    """The change that began the machine's epoch, and what took an earlier opening back."""
    machine = view.find(MachineState, word(message, "equipment"))
    cycle = view.find(CycleState, opened(message))
    voided = () if cycle is None or cycle.voided == ZERO_DIGEST else (cycle.voided,)
    return ((machine.current,) if machine is not None else ()) + voided


ACT = Act(
    name="CycleOpening",
    doc="A person declares that a cycle begins, before its outcome is known.",
    about="cycle",
    contract=Contract.CYCLE_LEDGER,
    function="openCycles",
    event="CycleOpened",
    right=Right.OPEN,
    retention="sterilisation",
    gas=105_000,
    command="cycle open",
    shows_facts=True,
    fields=(
        Field(
            "equipment", MachineNamed(), "the machine's id, serial number or name", is_argument=True
        ),
        unit_field(),
        Field("epoch", Whole(1, UINT32), given=Given.STANDING, path="machine.epoch"),
        Field(
            "number",
            Whole(1, MAX_SAFE_INTEGER, "uint64"),
            "the machine's own cycle number",
            path="machine.number",
            is_argument=True,
        ),
        optional_field(
            "leap",
            Switch(),
            f"the number is meant, though more than {MOST_LEFT_OUT} above the highest",
            path="",
        ),
        optional_field("started_at", Moment(), "the machine's start", path=""),
        Field("cycle", Named("cycle"), given=Given.NEVER, member=""),
        Field(
            "machine_state",
            Choice(EquipmentState, is_signed=False),
            given=Given.NEVER,
            path="machine.state",
            standing="state",
        ),
        optional_field("programme", Words(), "as the machine names it"),
        optional_field(
            "timing",
            OneOf(("before_outcome", "after_outcome")),
            "after_outcome: it was opened when its outcome was known already",
            default="before_outcome",
            required=True,
        ),
        optional_field(
            "biological_indicator",
            Switch(),
            "whether a biological indicator is in it",
            option="biological",
        ),
        optional_field("holds_implant", Switch(), "whether an implant is in it", option="implant"),
        optional_field(
            "flash",
            Switch(),
            "whether it is for use at once, unwrapped or nearly so, and never stored",
        ),
    ),
    says=lambda _: "the cycle was opened",
    subject=opened,
    parent=lambda message, _view: word(message, "equipment"),
    complete=complete,
    rules=rules,
    effect=effect,
    needs=needs,
)
