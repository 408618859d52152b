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
    Given,
    Message,
    Moment,
    Name,
    Recorded,
    View,
    Whole,
    custody_field,
    integer,
    key_field,
    word,
)
from ledger.domain.acts.words import Contract, Custody, Party, Right, UnitRole
from ledger.domain.callers import Scope
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
    schema="unit/1",
    parties=(Party.AUTHORITY, Party.NEW_KEY),
    right=None,
    scope=Scope.AUTHORITY,
    command="unit admit",
    fields=(
        Field(
            name="unit",
            of=Whole(1, UINT32),
            path="",
            help="the unit's number in the group",
            is_argument=True,
        ),
        Field(name="code", of=Name(40), help="short name, unique in the group"),
        Field(name="name", of=Name(), help="full name"),
        Field(name="roles", of=Flags(UnitRole, "uint16"), option="role", help="what it is"),
        Field(
            name="administrator_name",
            of=Name(),
            given=Given.OPTIONAL,
            is_personal=True,
            help="who administers the unit",
        ),
        key_field("administrator"),
        custody_field(),
        Field(
            name="valid_until",
            of=Moment(),
            given=Given.OPTIONAL,
            path="",
            help="no expiry when left out",
        ),
    ),
    says=lambda _: "the unit and its first administrator were admitted",
    also=lambda message: word(message, "administrator"),
    complete=complete,
    rules=rules,
    record_rules=common.require_not_over,
    effect=effect,
)
