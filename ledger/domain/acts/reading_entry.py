"""A further reading of a cycle, held against the one that its ending rests on."""

from __future__ import annotations

from ledger.domain.acts.cycle_ending import READINGS
from ledger.domain.acts.verdict_facts import VERDICT_FACTS
from ledger.domain.acts.vocabulary import (
    DIGEST,
    Choice,
    CycleNamed,
    Field,
    Given,
    Message,
    Profile,
    ReadingPart,
    Stated,
    WitnessMode,
    WitnessScope,
    Zone,
)
from ledger.domain.acts.witnessing import packed_numbers, witness
from ledger.domain.acts.words import Beside, Right
from ledger.domain.callers import Scope
from ledger.domain.records.schemas import choice, text


def says(message: Message) -> str:
    """`a further reading was added: contradicts`."""
    word = Beside(packed_numbers(message)[0]).name.lower().replace("_", " ")
    return f"a further reading was added: {word}"


ACT = witness(
    name="ReadingEntry",
    kind=20,
    doc="A further reading of a cycle, held against the one that its ending rests on.",
    schema="reading-entry/1",
    right=Right.RESULT,
    scope=Scope.END,
    retention="sterilisation",
    command="cycle reading",
    on_chain=WitnessScope.OWN_CYCLE,
    mode=WitnessMode.ENTRY,
    shows_facts=True,
    about=Field(
        name="cycle",
        of=CycleNamed(),
        help="id, machine/number or machine/epoch/number",
        is_argument=True,
    ),
    packs=("beside",),
    fields=(
        Field(name="beside", of=Choice(Beside), given=Given.NEVER),
        Field(name="ending", of=DIGEST, given=Given.NEVER, path="judged_ending"),
        Field(
            name="told",
            of=Stated(
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
        Field(name="verdict_facts", of=Stated(VERDICT_FACTS), given=Given.NEVER, path="verdict"),
        Field(name="readings", of=READINGS, given=Given.NEVER, default=()),
        Field(name="reading", of=ReadingPart(), path="", help="a kept reading of the same cycle"),
        Field(
            name="profile",
            of=Profile(),
            given=Given.OPTIONAL,
            path="",
            help="the profile to judge it against; else its machine's",
        ),
        Field(
            name="zone",
            of=Zone(),
            given=Given.OPTIONAL,
            path="",
            help="the zone of its clock; else its machine's",
        ),
    ),
    says=says,
)
