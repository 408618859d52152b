"""What became of a contest; the amounts that follow from it are services that name it."""

from __future__ import annotations

from enum import IntEnum

from ledger.domain.acts.vocabulary import (
    Choice,
    Field,
    Named,
    Whole,
    Words,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right


class ContestOutcome(IntEnum):
    """What became of a contest."""

    #: the unit that signs gives back what the amount says
    UPHELD = 1
    #: both sides let the lines stand as they are
    SETTLED = 2
    #: the unit that contested no longer does
    WITHDRAWN = 3


ACT = witness(
    name="Resolution",
    kind=18,
    doc="What became of a contest; the amounts that follow from it are services that name it.",
    right=Right.SETTLE,
    command="statement resolve",
    shows_facts=True,
    about=Field(
        "answer",
        Named("operation", kinds=("StatementAnswer",)),
        "digest of the answer that contests",
        is_argument=True,
    ),
    packs=("outcome", "amount"),
    fields=(
        Field("outcome", Choice(ContestOutcome), "what became of it", is_argument=True),
        optional_field(
            "amount",
            Whole(0, 2**53 - 1),
            "the most that the signing unit gives back, in the currency's smallest unit",
            default=0,
            required=True,
        ),
        optional_field("agreement", Words(1000), "in words"),
    ),
    says="a contest was {outcome}",
)
