"""Everything in a machine's range of numbers is held at once, until it is found."""

from __future__ import annotations

from enum import IntEnum

from ledger.domain.acts.vocabulary import (
    UINT32,
    Choice,
    Facts,
    Field,
    Given,
    MachineNamed,
    Message,
    OneOf,
    Records,
    View,
    Whole,
    WitnessScope,
    Words,
    optional_field,
    word,
)
from ledger.domain.acts.witnessing import packed_numbers, witness
from ledger.domain.acts.words import Right
from ledger.domain.errors import InvalidInput

CAUSES = ("biological", "chemical", "physical", "machine", "water", "packaging", "other")
_NUMBER = 2**53 - 1
#: of one recall: some years of a machine; what is in it is folded package by package
MOST_NUMBERS = 5_000


class RecallStage(IntEnum):
    """Where a recall is."""

    ORDERED = 1
    #: with what was found, of how many; its cycles stay recalled
    ENDED = 2


def says(message: Message) -> str:
    """`a recall was ordered: numbers 2240 to 2244 of epoch 1`."""
    epoch, first, last, stage = packed_numbers(message)
    verb = "was ordered" if stage == RecallStage.ORDERED else "ended"
    return f"a recall {verb}: numbers {first} to {last} of epoch {epoch}"


def require_range(first: int, last: int) -> None:
    """Raise InvalidInput for a range that does not ascend, or is more than anybody orders back."""
    if last < first:
        raise InvalidInput(
            f"ends at {last}", field="last", rule="a range ascends: first to last number"
        )
    if last - first >= MOST_NUMBERS:
        raise InvalidInput(
            f"ends {last - first + 1} numbers after it begins",
            field="last",
            rule=f"at most {MOST_NUMBERS} numbers a recall",
            remedy="order it back in several parts",
        )


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """The range ascends; an end names the order that it ends, and says what was found."""
    _, first, last, stage = packed_numbers(message)
    require_range(first, last)
    ends = stage == RecallStage.ENDED
    if ends != any(word(message, "replaces")):
        raise InvalidInput(
            "does not fit",
            field="replaces",
            rule="an end names the order that it ends, and an order names none",
        )
    if not ends:
        return
    order = records.facts_of(word(message, "replaces"))
    if any(order[name] != facts[name] for name in ("epoch", "first", "last")):
        raise InvalidInput(
            "is another range", field="first", rule="an end repeats the range of its order"
        )
    if facts["found"] is None or facts["asked"] is None:
        raise InvalidInput(
            "is not entered", field="found", rule="an end says found, and of how many"
        )


ACT = witness(
    name="RecallOrder",
    kind=4,
    doc="Everything in a machine's range of numbers is held at once, until it is found.",
    right=Right.DECIDE,
    retention="sterilisation",
    command="recall state",
    on_chain=WitnessScope.OWN_MACHINE,
    shows_facts=True,
    about=Field("equipment", MachineNamed(), "id, serial number or name", is_argument=True),
    packs=("epoch", "first", "last", "stage"),
    fields=(
        Field("epoch", Whole(1, UINT32, None), "of its counter", given=Given.STANDING),
        Field("first", Whole(1, _NUMBER, None), "first number of the range"),
        Field("last", Whole(1, _NUMBER, None), "last number of the range"),
        optional_field(
            "stage",
            Choice(RecallStage),
            "ordered, or ended with what was found",
            default=RecallStage.ORDERED,
            required=True,
        ),
        Field("cause", OneOf(CAUSES), "what made it necessary"),
        optional_field("cause_text", Words(1000), "in words"),
        optional_field("found", Whole(0, UINT32, None), "at its end"),
        optional_field("asked", Whole(0, UINT32, None), "of so many"),
    ),
    says=says,
    record_rules=record_rules,
)
