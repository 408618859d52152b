"""What a door asks for an act: its own fields, who signs it, and how it came to be.

Every door asks the same, and spells it in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from ledger.domain.acts.vocabulary import (
    Act,
    CycleNamed,
    Field,
    Given,
    MachineNamed,
    Moment,
    Named,
    OneOf,
    Parts,
    Signing,
    Switch,
    Words,
    Zone,
    optional_field,
)
from ledger.domain.acts.words import Party, Right
from ledger.domain.records.schemas import AUTHENTICATION_WORDS


def as_declared(_act: Act, name: str) -> str:
    """A field as its act spells it."""
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """All in which one door differs from another."""

    #: how whoever comes through it was known, unless they say more
    authenticated_by: str
    #: whether what a person judged may be left out, and is then what stands: a program names it
    takes_what_stands: bool
    #: an act, and a field with what is within it, `lines.0.owner` → as this door spells it
    spell: Callable[[Act, str], str] = as_declared


_REASON = optional_field("reason", Words(1000), "why, in words")
#: How an act came to be; what is left out is recorded as not entered.
CIRCUMSTANCES = (
    optional_field("performer", Words(), "who did it, as your unit names them"),
    optional_field("checker", Words(), "who checked it"),
    optional_field("enterer", Words(), "who entered it; whoever asks when left out"),
    optional_field("on_behalf_of", Words(), "for whom it was done"),
    optional_field(
        "happened",
        Parts(
            (
                optional_field("text", Words(100), "when it happened, as printed or said"),
                optional_field("zone", Zone(), "the zone of that text"),
                optional_field("utc", Moment(), "the moment itself"),
                optional_field("source", Words(100), "whose clock it is"),
            )
        ),
        "when the act happened",
    ),
    optional_field("device", Words(), "what it was entered with"),
    optional_field(
        "authenticated_by", OneOf(AUTHENTICATION_WORDS), "how whoever entered it was known"
    ),
    _REASON,
    optional_field("legal_hold", Switch(), "whether the record is kept beyond its retention"),
    optional_field(
        "signed_at", Moment(), "when the signers sign; now when left out, never in the future"
    ),
)
_UNIT = optional_field(
    "unit",
    Named("unit"),
    "the unit that acts, by number or code; your own, or the one that it is about",
)
_SIGNER_HELP = "name or id, or 0x and the bytes of a key that is held elsewhere"


@cache
def asked(act: Act) -> tuple[Field, ...]:
    """All that a door asks, in order: the act's own fields, unit, signers, circumstances."""
    own = tuple(each for each in act.fields if each.given is not Given.NEVER)
    unit = () if any(each.name == "unit" for each in own) or not signs(act) else (_UNIT,)
    told = tuple(
        replace(each, given=Given.ALWAYS) if each is _REASON and act.needs_reason else each
        for each in CIRCUMSTANCES
    )
    return (*own, *unit, *signs(act).values(), *told)


@cache
def signs(act: Act) -> Mapping[Party, Field]:
    """The field that names who signs as each party; the authority and a new key need none."""
    administers = act.right is Right.ADMINISTER
    signer = optional_field(
        "administrator" if administers else "signer",
        Signing(),
        f"who signs: {_SIGNER_HELP}; left out: your own key, or the only one here that may",
    )
    countersigner = Field("countersigner", Signing(), f"who signs as well: {_SIGNER_HELP}")
    named = {Party.SIGNER: signer, Party.COUNTERSIGNER: countersigner}
    return {party: named[party] for party in act.parties if party in named}


def names_its_unit(act: Act) -> bool:
    """Whether the acting unit follows from what is named: a machine, a cycle, an operation."""
    return not signs(act) or any(
        isinstance(each.of, MachineNamed | CycleNamed)
        or each.of == Named("equipment")
        or (each.of == Named("asset") and act.about == "asset" and each.given is Given.ALWAYS)
        or is_subject(each)
        for each in asked(act)
    )


def is_subject(field: Field) -> bool:
    """Whether a field names the operation that an act is about."""
    return field.of == Named("operation") and field.given is Given.ALWAYS


def name_of(act: Act, place: str) -> str:
    """A place as rules and schemas name it → the field, and what is within it: `lines.0.owner`.

    Rules name members of the message, schemas paths of the record; what is neither stays.
    """
    names = _names(act)
    head, rest = place, ""
    while head not in names:
        cut = max(head.rfind("."), head.rfind("["))
        if cut <= 0:
            return place
        head, rest = head[:cut], head[cut:] + rest
    return names[head] + re.sub(r"\[([0-9]+)\]", r".\1", rest)


@cache
def _names(act: Act) -> Mapping[str, str]:
    members = {Party.SIGNER: "signedBy", Party.COUNTERSIGNER: "countersignedBy"}
    names = {"signedAt": "signed_at"}
    names |= {members[party]: field.name for party, field in signs(act).items()}
    for each in asked(act):
        names |= {at: each.name for at in (each.signed_as, each.record_root) if at}
    return names | {each.name: each.name for each in asked(act)}
