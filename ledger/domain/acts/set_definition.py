"""What belongs into a set: its count sheet and version."""

from __future__ import annotations

from ledger.domain.acts.load_declaration import PACKAGE_CLASS
from ledger.domain.acts.vocabulary import (
    Facts,
    Field,
    Given,
    Lines,
    Message,
    OneOf,
    Records,
    SetNamed,
    Switch,
    View,
    Whole,
    WitnessMode,
    WitnessScope,
    Words,
)
from ledger.domain.acts.witnessing import packed_numbers, witness
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from ledger.domain.custody.expiry import materials
from ledger.domain.custody.labelling import plain_gtin
from ledger.domain.custody.lines import rows_of
from ledger.domain.errors import InvalidInput

OWNED_BY = ("unit", "pool", "supplier")


def says(message: Message) -> str:
    """`a set was defined: version 2, 37 instruments`."""
    version, instruments, *_ = packed_numbers(message)
    return f"a set was defined: version {version}, {instruments} instruments"


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """A GTIN is one: no label is made of another; what is listed is in the set."""
    if facts["gtin"] is not None:
        plain_gtin(str(facts["gtin"]))
    listed = sum(int(str(line["count"])) for _, line in rows_of(facts))
    _, instruments, *_ = packed_numbers(message)
    if listed > instruments:
        raise InvalidInput(
            f"count {listed}, and {instruments} are stated",
            field="lines",
            rule="a count sheet lists no more than the set holds",
        )


ACT = witness(
    name="SetDefinition",
    kind=11,
    doc="What belongs into a set: its count sheet and version.",
    schema="set-definition/1",
    right=Right.SCAN,
    scope=Scope.SCAN,
    retention="sterilisation",
    command="set define",
    on_chain=WitnessScope.ANYBODY,
    mode=WitnessMode.ENTRY,
    shows_facts=True,
    about=Field(
        name="set", of=SetNamed(), help="NAME of a set of your own, or UNIT/NAME", is_argument=True
    ),
    packs=("version", "instruments"),
    fields=(
        Field(name="version", of=Whole(1, 2**31 - 1, None), help="of its count sheet"),
        Field(name="instruments", of=Whole(0, 10_000, None), help="how many it holds"),
        Field(name="title", of=Words(), given=Given.OPTIONAL, help="what people call it"),
        Field(
            name="owned_by",
            of=OneOf(OWNED_BY),
            given=Given.OPTIONAL,
            default="unit",
            help="a supplier's is a loaner, never used as delivered",
        ),
        Field(name="package_class", of=PACKAGE_CLASS, given=Given.OPTIONAL, help="when packed"),
        Field(
            name="material",
            of=OneOf(materials()),
            given=Given.OPTIONAL,
            help="in which it is packed",
        ),
        Field(
            name="gtin",
            of=Words(14),
            given=Given.OPTIONAL,
            help="its GTIN, where the unit has a GS1 prefix: its packages get GS1 labels",
        ),
        Field(
            name="holds_implant",
            of=Switch(),
            given=Given.OPTIONAL,
            help="whether there is an implant in it",
        ),
        Field(
            name="lines",
            of=Lines({"count": Whole(1, 1000, None), "instrument": Words()}),
            given=Given.OPTIONAL,
            default=(),
            option="line",
            help="COUNT:INSTRUMENT",
        ),
    ),
    says=says,
    record_rules=record_rules,
)
