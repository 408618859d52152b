"""What a unit says to something that stands: a statement, an agreement, a dispute."""

from __future__ import annotations

from enum import IntEnum

from ledger.domain.acts.vocabulary import (
    Choice,
    Field,
    Given,
    Hash,
    Message,
    Named,
    WitnessMode,
    WitnessScope,
    Words,
)
from ledger.domain.acts.witnessing import packed_numbers, witness
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope


class Stance(IntEnum):
    """What a comment is; none of them is about responsibility."""

    STATEMENT = 1
    AGREES = 2
    DISAGREES = 3
    SEEN = 4
    WITHDRAWN = 5


def says(message: Message) -> str:
    """`a unit commented: disagrees`."""
    return f"a unit commented: {Stance(packed_numbers(message)[0]).name.lower()}"


ACT = witness(
    name="Comment",
    kind=2,
    doc="What a unit says to something that stands: a statement, an agreement, a dispute.",
    schema="comment/1",
    right=Right.REPORT,
    scope=Scope.REPORT,
    command="comment",
    on_chain=WitnessScope.ANYBODY,
    mode=WitnessMode.ENTRY,
    shows_facts=True,
    about=Field(
        name="about",
        of=Named("anything"),
        help="digest of an operation, or id of a cycle or machine",
        is_argument=True,
    ),
    packs=("stance",),
    fields=(
        Field(name="stance", of=Choice(Stance), help="what it is", is_argument=True),
        Field(name="text", of=Words(1000), given=Given.OPTIONAL, help="in words"),
        Field(name="photo_sha256", of=Hash(), given=Given.OPTIONAL, help="SHA-256 of a picture"),
    ),
    says=says,
)
