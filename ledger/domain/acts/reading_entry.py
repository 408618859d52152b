"""A further reading of a cycle, held against the one that its ending rests on."""

from __future__ import annotations

from ledger.domain.acts.cycle_ending import READINGS
from ledger.domain.acts.verdict_facts import VERDICT_FACTS
from ledger.domain.acts.vocabulary import (
    DIGEST,
    Choice,
    Field,
    Given,
    Profile,
    ReadingPart,
    Stated,
    WitnessScope,
    Zone,
    cycle_field,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Beside, Right
from ledger.domain.callers import Scope
from ledger.domain.records.schemas import choice, text

ACT = witness(
    name="ReadingEntry",
    kind=20,
    doc="A further reading of a cycle, held against the one that its ending rests on.",
    right=Right.RESULT,
    other_scope=Scope.END,
    retention="sterilisation",
    command="cycle reading",
    on_chain=WitnessScope.OWN_CYCLE,
    shows_facts=True,
    about=cycle_field(),
    packs=("beside",),
    fields=(
        Field("beside", Choice(Beside), given=Given.NEVER),
        Field("ending", DIGEST, given=Given.NEVER, path="judged_ending"),
        Field(
            "told",
            Stated(
                {
                    "outcome": choice("completed", "aborted", "unknown"),
                    "reasons": text(4000),
                    "remarks": text(4000),
                    "verdict.result": choice("passed", "failed", "not_enough_data", "not_computed"),
                }
            ),
            given=Given.NEVER,
            path="",
        ),
        Field("verdict_facts", Stated(VERDICT_FACTS), given=Given.NEVER, path="verdict"),
        Field("readings", READINGS, given=Given.NEVER, default=()),
        Field("reading", ReadingPart(), "a kept reading of the same cycle", path=""),
        optional_field(
            "profile", Profile(), "the profile to judge it against; else its machine's", path=""
        ),
        optional_field("zone", Zone(), "the zone of its clock; else its machine's", path=""),
    ),
    says="a further reading was added: {beside}",
)
