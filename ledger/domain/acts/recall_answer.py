"""What a unit found of what it was asked for; a later answer names the one that it replaces."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.domain.acts.vocabulary import (
    UINT32,
    Facts,
    Field,
    Lines,
    Message,
    Named,
    OneOf,
    PackageNamed,
    Records,
    View,
    Whole,
    WitnessMode,
    Words,
    lines_field,
    word,
)
from ledger.domain.acts.witnessing import packed_numbers, witness
from ledger.domain.acts.words import Right
from ledger.domain.custody.lines import Deed, PackageLine, rows_of, text_or_none
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import InvalidInput

ANSWERS = ("found", "not_found", "used", "sent_on", "reprocessed")


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """It answers an order; it finds no more than it was asked for, and its lines say the same."""
    order = records.facts_of(word(message, "about"))
    if order["record.schema"] != "recall-order/1":
        raise InvalidInput("is no recall", field="order", rule="the digest of a recall's order")
    found, asked, *_ = packed_numbers(message)
    if found > asked:
        raise InvalidInput(f"is {found} of {asked}", field="found", rule="at most what was asked")
    told = [line["outcome"] for _, line in rows_of(facts)]
    if told and (told.count("found") != found or len(told) > asked):
        raise InvalidInput(
            f"is {found} of {asked}, but its lines find {told.count('found')} of {len(told)}",
            field="found",
            rule="the lines name what was found, one by one",
        )


def package_lines(message: Message, facts: Facts) -> Iterator[PackageLine]:
    """A row for each package that is answered for."""
    for number, line in rows_of(facts):
        yield PackageLine(
            package=str(line["package"]),
            line=number,
            deed=Deed.ANSWERED,
            thread=word(message, "about"),
            basis="scanned" if line["outcome"] == "found" else None,
            outcome=text_or_none(line["outcome"]),
            reason=text_or_none(line["reason"]),
        )


ACT = witness(
    name="RecallAnswer",
    kind=6,
    doc="What a unit found of what it was asked for.",
    right=Right.ANSWER,
    retention="sterilisation",
    command="recall answer",
    mode=WitnessMode.STATE,
    shows_facts=True,
    about=Field("order", Named("anything"), "digest of the recall's order", is_argument=True),
    packs=("found", "asked"),
    fields=(
        Field("found", Whole(0, UINT32, None), "packages found"),
        Field("asked", Whole(0, UINT32, None), "of so many that were asked for"),
        lines_field(
            Lines(
                {"package": PackageNamed(), "outcome": OneOf(ANSWERS), "reason": Words(500)},
                optional=frozenset({"reason"}),
            ),
            "PACKAGE:OUTCOME[:REASON]",
        ),
    ),
    says="a unit answered a recall: found {found} of {asked}",
    needs=lambda message, _view: [Digest(word(message, "about"))],
    record_rules=record_rules,
    package_lines=package_lines,
)
