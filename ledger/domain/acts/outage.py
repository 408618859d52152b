"""A unit declares that it could not record: from when, until when, and what was down."""

from __future__ import annotations

from ledger.domain.acts.vocabulary import (
    Facts,
    Field,
    Given,
    Message,
    Moment,
    Named,
    OneOf,
    Records,
    View,
    Words,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.errors import InvalidInput

WHAT = ("system", "network", "power", "scanner", "other")


def require_ascending(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """It ends after it begins."""
    begun, ended = str(facts["begun_at"]), facts["ended_at"]
    if ended is not None and str(ended) < begun:
        raise InvalidInput(f"is before {begun}", field="ended_at", rule="it ends after it begins")


ACT = witness(
    name="Outage",
    kind=8,
    doc="A unit declares that it could not record for a while.",
    right=Right.REPORT,
    retention="sterilisation",
    command="outage declare",
    shows_facts=True,
    about=Field("outage", Named("anything"), given=Given.NEVER, required=True),
    fields=(
        Field("begun_at", Moment(is_signed=False), "since when"),
        optional_field("ended_at", Moment(is_signed=False), "until when"),
        Field("what", OneOf(WHAT), "what was down"),
        optional_field("text", Words(1000), "in words"),
    ),
    says="a unit declared an outage",
    record_rules=require_ascending,
)
