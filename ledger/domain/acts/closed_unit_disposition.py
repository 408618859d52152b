"""The authority decides about a consignment whose giver is closed."""

from __future__ import annotations

from dataclasses import replace

from ledger.domain.acts import disposition
from ledger.domain.acts.moving import admissions, require_consignment
from ledger.domain.acts.vocabulary import Given, Message, View, integer
from ledger.domain.acts.words import Party
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Refused
from ledger.domain.subjects.states import UnitState


def rules(message: Message, view: View) -> None:
    """As CustodyLedger._disposeForClosed: in the giver's place, once it is closed."""
    unit = view.find(UnitState, integer(message, "unit"))
    if unit is None or not unit.is_closed:
        raise Refused(
            f"unit {integer(message, 'unit')} is not closed",
            field="unit",
            rule="the authority decides for a giver that is closed; any other decides itself",
        )
    giver = require_consignment(message, view).giver
    if giver != unit.number:
        raise Refused(f"unit {giver} gave it", field="unit", rule="the giver that is closed")
    disposition.rules(message, view)


def needs(message: Message, view: View) -> tuple[Digest, ...]:
    """The closure, and the admission of whom it names."""
    unit = view.find(UnitState, integer(message, "unit"))
    return (*admissions(message, view), *(() if unit is None else (unit.closure,)))


ACT = replace(
    disposition.ACT,
    name="ClosedUnitDisposition",
    doc="The authority cancels or re-routes a consignment whose giver is closed, or says where it "
    "is.",
    function="disposeForClosed",
    event="DisposedForClosed",
    parties=(Party.AUTHORITY,),
    right=None,
    right_in=None,
    other_scope=None,
    command="consignment dispose-for-closed",
    fields=tuple(
        replace(each, given=Given.ALWAYS, help="the giver that is closed")
        if each.name == "unit"
        else each
        for each in disposition.FIELDS
    ),
    rules=rules,
    needs=needs,
)
