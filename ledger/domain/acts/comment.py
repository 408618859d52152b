"""What a unit says to something that stands: a statement, an agreement, a dispute."""

from __future__ import annotations

from enum import IntEnum

from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import (
    Choice,
    Facts,
    Field,
    Message,
    Named,
    Photo,
    Records,
    View,
    Words,
    integer,
    optional_field,
    word,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Custody, Right
from ledger.domain.errors import Refused
from ledger.domain.subjects.states import SignerState, WitnessState

#: the kinds of statements that only a person with the right to answer accepts
_ANSWERED = frozenset({13, 14})


class Stance(IntEnum):
    """What a comment is; none of them is about responsibility."""

    STATEMENT = 1
    AGREES = 2
    DISAGREES = 3
    SEEN = 4
    WITHDRAWN = 5


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """An incident or a finding is accepted with the right to answer, never by a station key."""
    about = view.find(WitnessState, word(message, "about"))
    if about is None or about.kind not in _ANSWERED or facts["stance"] != "agrees":
        return
    signer = common.require_signer(
        view.find(SignerState, word(message, "signedBy")),
        unit=integer(message, "unit"),
        right=Right.ANSWER,
        signed_at=integer(message, "signedAt"),
    )
    if signer.custody is Custody.STATION:
        raise Refused(
            "is a station's key",
            field="signedBy",
            rule="who accepts an incident or a finding for a unit signs with a key of their own",
        )


ACT = witness(
    name="Comment",
    kind=2,
    doc="What a unit says to something that stands: a statement, an agreement, a dispute.",
    right=Right.REPORT,
    command="comment",
    shows_facts=True,
    about=Field(
        "about",
        Named("anything"),
        "digest of an operation, or id of a cycle or machine",
        is_argument=True,
    ),
    packs=("stance",),
    fields=(
        Field("stance", Choice(Stance), "what it is", is_argument=True),
        optional_field("text", Words(1000), "in words"),
        optional_field("photo_sha256", Photo(), "a photo of it", option="photo"),
    ),
    says="a unit commented: {stance}",
    record_rules=record_rules,
)
