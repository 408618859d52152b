"""What a unit says to a published account: acknowledged, or contested line by line."""

from __future__ import annotations

from ledger.domain.acts.vocabulary import (
    Field,
    Given,
    Message,
    Named,
    Numbers,
    WitnessMode,
    WitnessScope,
    Words,
    word,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope

#: The lines of a unit's statement that it contests; none: it acknowledges the statement.
LINES = Numbers()


def says(message: Message) -> str:
    """`a unit contested lines 3, 7 of its statement`."""
    lines = LINES.read(word(message, "content"))
    if not lines:
        return "a unit acknowledged its statement"
    return f"a unit contested lines {', '.join(map(str, lines))} of its statement"


ACT = witness(
    name="StatementAnswer",
    kind=17,
    doc="What a unit says to a published account: acknowledged, or contested line by line.",
    schema="statement-answer/1",
    right=Right.SETTLE,
    scope=Scope.SETTLE,
    command="statement answer",
    on_chain=WitnessScope.ANYBODY,
    mode=WitnessMode.STATE,
    shows_facts=True,
    about=Field(
        name="publication",
        of=Named("operation", kinds=("Publication",)),
        help="digest of the publication",
        is_argument=True,
    ),
    packs=("lines",),
    fields=(
        Field(
            name="lines",
            of=LINES,
            given=Given.OPTIONAL,
            default=(),
            option="line",
            help="a line that is contested, by its number; none: the statement is acknowledged",
        ),
        Field(name="proposal", of=Words(1000), given=Given.OPTIONAL, help="what would be right"),
    ),
    says=says,
)
