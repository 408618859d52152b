"""What a unit says to a published account: acknowledged, or contested line by line."""

from __future__ import annotations

from ledger.domain.acts.vocabulary import (
    Field,
    Message,
    Named,
    Numbers,
    WitnessMode,
    Words,
    lines_field,
    optional_field,
    word,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right

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
    right=Right.SETTLE,
    command="statement answer",
    mode=WitnessMode.STATE,
    shows_facts=True,
    about=Field(
        "publication",
        Named("operation", kinds=("Publication",)),
        "digest of the publication",
        is_argument=True,
    ),
    packs=("lines",),
    fields=(
        lines_field(
            LINES, "a line that is contested, by its number; none: the statement is acknowledged"
        ),
        optional_field("proposal", Words(1000), "what would be right"),
    ),
    says=says,
)
