"""During a shift a shared key signs for whoever is on it; after its end it signs for nobody."""

from __future__ import annotations

from ledger.domain.acts.outage import require_ascending
from ledger.domain.acts.vocabulary import (
    Field,
    Moment,
    Named,
    Whole,
    Words,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right

ACT = witness(
    name="Shift",
    kind=9,
    doc="A unit says during which shift a shared key is used; its end replaces its beginning.",
    right=Right.REPORT,
    retention="sterilisation",
    command="shift report",
    shows_facts=True,
    amendment_needs_reason=False,
    about=Field("key", Named("signer"), "the shared key", is_argument=True),
    fields=(
        Field("begun_at", Moment(is_signed=False), "when it began"),
        optional_field("ended_at", Moment(is_signed=False), "when it ended"),
        optional_field("people", Whole(1, 1000, None), "how many were on it; 1: alone on shift"),
        optional_field(
            "team", Words(500), "who was on it, as your unit names them", is_personal=True
        ),
    ),
    says="a unit reported a shift",
    record_rules=require_ascending,
)
