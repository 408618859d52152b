"""What belongs into a set: its count sheet and version."""

from __future__ import annotations

from ledger.domain.acts.load_declaration import PACKAGE_CLASS
from ledger.domain.acts.vocabulary import (
    Facts,
    Field,
    Lines,
    Message,
    OneOf,
    Records,
    SetNamed,
    Switch,
    View,
    Whole,
    Words,
    lines_field,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.custody.expiry import materials
from ledger.domain.custody.labelling import plain_gtin
from ledger.domain.custody.lines import rows_of
from ledger.domain.errors import InvalidInput

OWNED_BY = ("unit", "pool", "supplier")


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """A GTIN is one: no label is made of another; what is listed is in the set."""
    if facts["gtin"] is not None:
        plain_gtin(str(facts["gtin"]))
    listed = sum(int(str(line["count"])) for _, line in rows_of(facts))
    instruments = facts["instruments"]
    if listed > int(str(instruments)):
        raise InvalidInput(
            f"count {listed}, and {instruments} are stated",
            field="lines",
            rule="a count sheet lists no more than the set holds",
        )


ACT = witness(
    name="SetDefinition",
    kind=11,
    doc="What belongs into a set: its count sheet and version.",
    right=Right.SCAN,
    retention="sterilisation",
    command="set define",
    shows_facts=True,
    about=Field("set", SetNamed(), "NAME of a set of your own, or UNIT/NAME", is_argument=True),
    packs=("version", "instruments"),
    fields=(
        Field("version", Whole(1, 2**31 - 1, None), "of its count sheet"),
        Field("instruments", Whole(0, 10_000, None), "how many it holds"),
        optional_field("title", Words(), "what people call it"),
        optional_field(
            "owned_by",
            OneOf(OWNED_BY),
            "a supplier's is a loaner, never used as delivered",
            default="unit",
        ),
        optional_field("package_class", PACKAGE_CLASS, "when packed"),
        optional_field("material", OneOf(materials()), "in which it is packed"),
        optional_field(
            "gtin",
            Words(14),
            "its GTIN, where the unit has a GS1 prefix: its packages get GS1 labels",
        ),
        optional_field("holds_implant", Switch(), "whether there is an implant in it"),
        lines_field(
            Lines({"count": Whole(1, 1000, None), "instrument": Words()}), "COUNT:INSTRUMENT"
        ),
    ),
    says="a set was defined: version {version}, {instruments} instruments",
    record_rules=record_rules,
)
