"""That the account of a period is published: the hash of the one object that follows from it."""

from __future__ import annotations

from ledger.domain.acts.vocabulary import (
    Field,
    Hash,
    Message,
    Moment,
    Named,
    Whole,
    WitnessScope,
    optional_field,
    word,
)
from ledger.domain.acts.witnessing import witness


def says(message: Message) -> str:
    """`the account of 2026-11 was published`."""
    period = word(message, "about").rstrip(b"\0").decode("ascii", "replace")
    return f"the account of {period} was published"


ACT = witness(
    name="Publication",
    kind=16,
    doc="That the group's account of a period is published; the first one of a period counts.",
    right=None,
    command="statement announce",
    on_chain=WitnessScope.AUTHORITY,
    shows_facts=True,
    about=Field("period", Named("period"), "the month, such as 2026-11", is_argument=True),
    packs=("account",),
    fields=(
        Field(
            "account", Named("hash"), "SHA-256 of the account's canonical bytes", is_argument=True
        ),
        optional_field("indicators", Hash(), "SHA-256 of the indicators' canonical bytes"),
        optional_field(
            "closing_block", Whole(1, 2**53 - 1, None), "the block that closed the period"
        ),
        optional_field("closing_hash", Hash(), "that block's hash"),
        optional_field("closing_time", Moment(is_signed=False), "that block's time"),
    ),
    says=says,
)
