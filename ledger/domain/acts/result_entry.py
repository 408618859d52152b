"""A monitoring result of a cycle, entered when it is read: often days later, by another person."""

from __future__ import annotations

from enum import IntEnum

from ledger.domain.acts.vocabulary import (
    Choice,
    Field,
    Moment,
    OneOf,
    Photo,
    WitnessScope,
    Words,
    cycle_field,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right


class Result(IntEnum):
    """Which monitoring result; the words are those of RESULT_NAMES."""

    PHYSICAL = 1
    CHEMICAL_EXTERNAL = 2
    CHEMICAL_INTERNAL = 3
    LUMEN_PCD = 4
    BIOLOGICAL = 5
    BOWIE_DICK = 6


class ResultWord(IntEnum):
    """How it stands; the words are those of RESULT_WORDS, but for not_entered."""

    NOT_REQUIRED = 1
    PENDING = 2
    PASS = 3
    FAIL = 4
    INVALID = 5


ACT = witness(
    name="ResultEntry",
    kind=1,
    doc="A monitoring result of a cycle, entered when it is read.",
    right=Right.RESULT,
    retention="sterilisation",
    command="result enter",
    on_chain=WitnessScope.OWN_CYCLE,
    shows_facts=True,
    about=cycle_field(),
    packs=("result", "word"),
    fields=(
        Field("result", Choice(Result), "which result", is_argument=True),
        Field("word", Choice(ResultWord), "how it stands", is_argument=True),
        optional_field("indicator", Words(), "maker, kind and lot"),
        optional_field("incubated_at", Moment(is_signed=False), "when its incubation began"),
        optional_field("read_at", Moment(is_signed=False), "when it was read"),
        optional_field("control", OneOf(("pass", "fail")), "whether the control grew as it has to"),
        optional_field("photo_sha256", Photo(), "a photo of the strip or vial", option="photo"),
    ),
    says="a result was entered: {result} {word}",
)
