"""During a shift a shared key signs for whoever is on it; after its end it signs for nobody."""

from __future__ import annotations

from ledger.domain.acts.outage import require_ascending
from ledger.domain.acts.vocabulary import (
    Field,
    Given,
    Moment,
    Named,
    Whole,
    WitnessMode,
    WitnessScope,
    Words,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope

ACT = witness(
    name="Shift",
    kind=9,
    doc="A unit says during which shift a shared key is used; its end replaces its beginning.",
    schema="shift/1",
    right=Right.REPORT,
    scope=Scope.REPORT,
    retention="sterilisation",
    command="shift report",
    on_chain=WitnessScope.ANYBODY,
    mode=WitnessMode.ENTRY,
    shows_facts=True,
    amendment_needs_reason=False,
    about=Field(name="key", of=Named("signer"), help="the shared key", is_argument=True),
    fields=(
        Field(name="begun_at", of=Moment(is_signed=False), help="when it began"),
        Field(
            name="ended_at", of=Moment(is_signed=False), given=Given.OPTIONAL, help="when it ended"
        ),
        Field(
            name="people",
            of=Whole(1, 1000, None),
            given=Given.OPTIONAL,
            help="how many were on it; 1: alone on shift",
        ),
        Field(
            name="team",
            of=Words(500),
            given=Given.OPTIONAL,
            is_personal=True,
            help="who was on it, as your unit names them",
        ),
    ),
    says=lambda _message: "a unit reported a shift",
    record_rules=require_ascending,
)
