"""The group's agreement as a document: prices, deadlines, thresholds, formula, catalogue."""

from __future__ import annotations

from ledger.domain.acts.vocabulary import (
    Field,
    Message,
    Named,
    WitnessMode,
    WitnessScope,
    Words,
    word,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.callers import Scope


def says(message: Message) -> str:
    """`terms were published: 4f2a…`."""
    return f"terms were published: {word(message, 'content').hex()[:16]}"


ACT = witness(
    name="Terms",
    kind=15,
    doc="That a version of the terms is agreed: the hash of its document.",
    schema="terms/1",
    right=None,
    scope=Scope.AUTHORITY,
    command="terms publish",
    on_chain=WitnessScope.AUTHORITY,
    mode=WitnessMode.STATE,
    shows_facts=True,
    about=Field(name="terms", of=Named("terms"), help="which terms: `group`", is_argument=True),
    packs=("document",),
    fields=(
        Field(
            name="document",
            of=Named("hash"),
            help="SHA-256 of the document's bytes",
            is_argument=True,
        ),
        Field(name="version", of=Words(100), help="what people call this version"),
    ),
    says=says,
)
