"""What was done to a machine or an asset, and when it is due again."""

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
    name="Maintenance",
    kind=10,
    doc="What was done to a machine or an asset, and when it is due again.",
    schema="maintenance/1",
    right=Right.REPORT,
    scope=Scope.REPORT,
    retention="sterilisation",
    command="maintenance report",
    on_chain=WitnessScope.ANYBODY,
    mode=WitnessMode.ENTRY,
    shows_facts=True,
    about=Field(
        name="asset", of=Named("anything"), help="id of the machine or asset", is_argument=True
    ),
    fields=(
        Field(
            name="work",
            of=OneOf(("maintenance", "calibration", "repair", "move")),
            help="after a repair or move three biological passes come first",
        ),
        Field(name="done_at", of=Moment(is_signed=False), help="when it was done"),
        Field(name="next_due", of=Moment(is_signed=False), given=Given.OPTIONAL, help="due again"),
        Field(
            name="outcome",
            of=OneOf(("fit_for_use", "not_fit_for_use")),
            help="how it was found afterwards",
        ),
        Field(name="text", of=Words(1000), given=Given.OPTIONAL, help="in words"),
        Field(
            name="document_sha256", of=Words(64), given=Given.OPTIONAL, help="SHA-256 of the report"
        ),
    ),
    says=lambda _message: "a machine or asset was maintained",
)
