"""One holder is told what it has of a recalled range; sent is not reached."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.domain.acts.vocabulary import (
    DIGEST,
    Facts,
    Field,
    Lines,
    MachineNamed,
    Message,
    Moment,
    Named,
    OneOf,
    PackageNamed,
    Records,
    View,
    WitnessScope,
    Words,
    lines_field,
    optional_field,
    word,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.custody.lines import BASES, Deed, PackageLine, rows_of, text_or_none
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import InvalidInput

#: How a notice may have reached its receiver; `sent` has not.
REACHED_BY = ("sent", "opened", "call_confirmed", "signed_paper")


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """It names an order of the same machine."""
    order = records.facts_of(word(message, "content"))
    if order["record.schema"] != "recall-order/1" or order["equipment"] != facts["equipment"]:
        raise InvalidInput(
            "is no recall of this machine", field="order", rule="the digest of a recall's order"
        )


def package_lines(message: Message, facts: Facts) -> Iterator[PackageLine]:
    """A row for each package that is asked for."""
    for number, line in rows_of(facts):
        yield PackageLine(
            package=str(line["package"]),
            line=number,
            deed=Deed.ASKED_BACK,
            thread=word(message, "content"),
            to_unit=int(str(facts["to"])),
            outcome=text_or_none(line["basis"]),
        )


ACT = witness(
    name="RecallNotice",
    kind=5,
    doc="One holder is told what it has of a recalled range.",
    right=Right.DECIDE,
    retention="sterilisation",
    command="recall notice",
    on_chain=WitnessScope.OWN_MACHINE,
    shows_facts=True,
    about=Field("equipment", MachineNamed(), "id, serial number or name", is_argument=True),
    packs=("order",),
    fields=(
        Field("order", DIGEST, "digest of the recall's order"),
        Field("to", Named("unit"), "the unit that is told"),
        optional_field(
            "reached_by",
            OneOf(REACHED_BY),
            "how it reached them; sent is not reached",
            default="sent",
            required=True,
        ),
        optional_field("reached_at", Moment(is_signed=False), "when it reached them"),
        optional_field("person", Words(), "who heard", is_personal=True),
        lines_field(
            Lines(
                {"package": PackageNamed(), "basis": OneOf(BASES)},
                optional=frozenset({"basis"}),
            ),
            "PACKAGE[:BASIS], how it is known that they have it",
        ),
    ),
    says="a holder was told of a recall",
    needs=lambda message, _view: [Digest(word(message, "content"))],
    record_rules=record_rules,
    package_lines=package_lines,
)
