"""What a person decides of named packages of a cycle: hold, lift, exclude, recall, reprocess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum

from ledger.domain.acts.vocabulary import (
    Choice,
    Facts,
    Field,
    Lines,
    Message,
    PackageNamed,
    Records,
    View,
    WitnessScope,
    Words,
    cycle_field,
    word,
)
from ledger.domain.acts.witnessing import packed_numbers, witness
from ledger.domain.acts.words import Right
from ledger.domain.custody.counting import require_lines_of_load
from ledger.domain.custody.lines import Deed, PackageLine, rows_of, text_or_none
from ledger.domain.encoding.identifiers import ZERO_DIGEST
from ledger.domain.errors import InvalidInput
from ledger.domain.subjects.states import CycleState


class PackageDecisionKind(IntEnum):
    """What is decided of packages."""

    HOLD = 1
    LIFT = 2
    EXCLUDE = 3
    RECALL = 4
    REPROCESS = 5


_DEEDS: Mapping[PackageDecisionKind, Deed] = {
    PackageDecisionKind.HOLD: Deed.HELD,
    PackageDecisionKind.LIFT: Deed.LIFTED,
    PackageDecisionKind.EXCLUDE: Deed.EXCLUDED,
    PackageDecisionKind.RECALL: Deed.RECALLED,
    PackageDecisionKind.REPROCESS: Deed.REPROCESS,
}


def _kind(message: Message) -> PackageDecisionKind:
    return PackageDecisionKind(packed_numbers(message)[0])


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:
    """It names packages of its own cycle's load."""
    cycle = view.find(CycleState, word(message, "about"))
    if cycle is None or cycle.load == ZERO_DIGEST:
        raise InvalidInput(
            "has no declared load",
            field="cycle",
            rule="a decision names packages of its own load",
            remedy="declare the load: steriledger cycle load",
        )
    require_lines_of_load(records.facts_of(cycle.load), facts)


def package_lines(message: Message, facts: Facts) -> Iterator[PackageLine]:
    """A row for each named package."""
    for number, line in rows_of(facts):
        yield PackageLine(
            package=str(line["package"]),
            line=number,
            deed=_DEEDS[_kind(message)],
            thread=word(message, "about"),
            reason=text_or_none(line["reason"]) or text_or_none(facts["reason"]),
        )


ACT = witness(
    name="PackageDecision",
    kind=3,
    doc="What a person decides of named packages of a cycle.",
    right=Right.DECIDE,
    retention="sterilisation",
    command="package decide",
    on_chain=WitnessScope.OWN_CYCLE,
    shows_facts=True,
    needs_reason=True,
    about=cycle_field(),
    packs=("decision",),
    fields=(
        Field("decision", Choice(PackageDecisionKind), "what is decided", is_argument=True),
        Field(
            "lines",
            Lines(
                {"package": PackageNamed(), "reason": Words(500)},
                fewest=1,
                optional=frozenset({"reason"}),
            ),
            "PACKAGE[:REASON]",
            option="line",
        ),
    ),
    says="a person decided of packages: {decision}",
    record_rules=record_rules,
    package_lines=package_lines,
)
