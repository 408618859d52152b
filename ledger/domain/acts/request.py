"""What one unit asks of another, and by when; the time until it is answered is an indicator."""

from __future__ import annotations

from ledger.domain.acts.vocabulary import (
    Field,
    Given,
    Moment,
    Named,
    OneOf,
    WitnessMode,
    WitnessScope,
    Words,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope

ACT = witness(
    name="Request",
    kind=12,
    doc="What one unit asks of another, and by when.",
    schema="request/1",
    right=Right.REPORT,
    scope=Scope.REPORT,
    command="request make",
    on_chain=WitnessScope.ANYBODY,
    mode=WitnessMode.ENTRY,
    shows_facts=True,
    about=Field(name="request", of=Named("anything"), given=Given.NEVER, required=True),
    fields=(
        Field(name="to", of=Named("unit"), help="the unit that is asked", is_argument=True),
        Field(
            name="what", of=OneOf(("packages", "transport", "asset", "record", "other")),
            help="what is asked for",
        ),
        Field(name="text", of=Words(1000), help="in words"),
        Field(name="wanted_by", of=Moment(is_signed=False), given=Given.OPTIONAL, help="by when"),
        Field(
            name="answers",
            of=Words(66),
            given=Given.OPTIONAL,
            help="digest of the request that this one answers",
        ),
    ),
    says=lambda _message: "a unit asked another for something",
)  # fmt: skip
