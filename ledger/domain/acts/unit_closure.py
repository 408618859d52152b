"""The authority closes a unit; its history stays."""

from __future__ import annotations

from dataclasses import replace

from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import Act, Field, Message, Named, Recorded, View, integer
from ledger.domain.acts.words import Contract, Party
from ledger.domain.subjects.states import UnitState


def rules(message: Message, view: View) -> None:
    """As UnitRegistry._close."""
    number = integer(message, "unit")
    common.require_open_unit(view.find(UnitState, number), number)


def effect(closure: Recorded, view: View) -> None:
    """The unit acts no more."""
    number = integer(closure.message, "unit")
    unit = common.require_known_unit(view.find(UnitState, number), number, field="unit")
    view.put(replace(unit, closure=closure.digest))


ACT = Act(
    name="UnitClosure",
    doc="The authority closes a unit; its history stays.",
    about="unit",
    contract=Contract.UNIT_REGISTRY,
    function="closeUnits",
    event="UnitClosed",
    parties=(Party.AUTHORITY,),
    right=None,
    command="unit close",
    needs_reason=True,
    fields=(Field("unit", Named("unit"), "number or code", path="", is_argument=True),),
    says=lambda _: "the unit was closed",
    ends="unit",
    rules=rules,
    effect=effect,
)
