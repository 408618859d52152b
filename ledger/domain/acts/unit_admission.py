"""The authority admits a unit together with its first administrator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import (
    UINT32,
    Act,
    Field,
    Flags,
    Message,
    Moment,
    Name,
    Recorded,
    View,
    Whole,
    custody_field,
    integer,
    key_field,
    optional_field,
    word,
)
from ledger.domain.acts.words import Contract, Custody, Party, Right, UnitRole
from ledger.domain.encoding.identifiers import SignerId
from ledger.domain.errors import Conflict, InvalidInput
from ledger.domain.names import plain_name
from ledger.domain.subjects.states import SignerState, UnitState


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A code does not read as a number, or two units could be meant by one text."""
    code = plain_name(str(values["code"]))
    if code.isdigit():
        raise InvalidInput(
            f"{code!r} reads as a unit's number",
            field="code",
            rule="a name, such as EAST",
        )
    if not all(sign.isalnum() or sign in "-_." for sign in code):
        raise InvalidInput(
            f"{code!r} is no code",
            field="code",
            rule="one short word of letters, digits, points and hyphens, since it stands in the "
            "names of what the unit packs and sends: EAST/4711",
        )
    if not values["roles"]:
        raise InvalidInput("names no role", field="roles", rule="a unit has at least one role")
    return values


def rules(message: Message, view: View) -> None:
    """As UnitRegistry._admit."""
    number = integer(message, "unit")
    if number == 0:
        raise InvalidInput("0 stands for the authority", field="unit", rule="from 1 upwards")
    if view.find(UnitState, number) is not None:
        raise Conflict(
            f"unit {number} is admitted already", field="unit", remedy="choose a free number"
        )
    common.require_flags(message, "roles", UnitRole)
    common.require_validity(message, valid_from=integer(message, "signedAt"))


def effect(admission: Recorded, view: View) -> None:
    """The unit, and the key that administers it from the time at which the authority signed."""
    message = admission.message
    number = integer(message, "unit")
    view.put(
        UnitState(
            number=number, roles=UnitRole(integer(message, "roles")), admission=admission.digest
        )
    )
    view.put(
        SignerState(
            id=SignerId(word(message, "administrator")),
            unit=number,
            signer=admission.new_key,
            rights=Right.ADMINISTER,
            custody=Custody(integer(message, "custody")),
            valid_from=integer(message, "signedAt"),
            valid_until=integer(message, "validUntil"),
            enrolment=admission.digest,
        )
    )


ACT = Act(
    name="UnitAdmission",
    doc="The authority admits a unit together with its first administrator.",
    about="unit",
    contract=Contract.UNIT_REGISTRY,
    function="admitUnits",
    event="UnitAdmitted",
    other_schema="unit/1",
    parties=(Party.AUTHORITY, Party.NEW_KEY),
    right=None,
    command="unit admit",
    fields=(
        Field(
            "unit", Whole(1, UINT32), "the unit's number in the group", path="", is_argument=True
        ),
        Field("code", Name(40), "short name, unique in the group"),
        Field("name", Name(), "full name"),
        Field("roles", Flags(UnitRole, "uint16"), "what it is", option="role"),
        optional_field("administrator_name", Name(), "who administers the unit", is_personal=True),
        key_field("administrator"),
        custody_field(),
        optional_field("valid_until", Moment(), "no expiry when left out", path=""),
    ),
    says=lambda _: "the unit and its first administrator were admitted",
    also=lambda message: word(message, "administrator"),
    complete=complete,
    rules=rules,
    record_rules=common.require_not_over,
    effect=effect,
)
