"""What the machine reported at the end: a kept reading, or facts typed from a printout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ledger.domain.acts import rules as common
from ledger.domain.acts.verdict_facts import VERDICT_FACTS
from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    Facts,
    Field,
    Given,
    Hash,
    Lines,
    Measured,
    Message,
    Moment,
    OneOf,
    Profile,
    ReadingPart,
    Recorded,
    Records,
    Stated,
    View,
    Whole,
    Words,
    Zone,
    cycle_field,
    integer,
    optional_field,
    replaces_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, Outcome, Right, Verdict
from ledger.domain.callers import Scope
from ledger.domain.encoding.moments import seconds_text
from ledger.domain.errors import InvalidInput
from ledger.domain.records.schemas import FieldRule, decimal, text


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """An ending states the machine's own word."""
    if values.get("outcome") is None:
        raise InvalidInput(
            "is missing", field="outcome", rule="an ending is read from a reading or typed"
        )
    return values


def rules(message: Message, view: View) -> None:
    """As CycleLedger._end."""
    common.require_current(message, common.named_cycle(message, view).ending, what="an ending")


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """What a person typed does not end before it starts; a machine's own clock may say anything."""
    ended = integer(message, "endedAt")
    if "readings.0.sha256" in facts or ended == 0:
        return
    typed = facts["started_utc"]
    starts = [common.named_cycle(message, view).started_at]
    if typed is not None:
        starts.append(int(datetime.fromisoformat(str(typed)).timestamp()))
    if ended < max(starts):
        raise InvalidInput(
            f"{seconds_text(ended)} is before the start, {seconds_text(max(starts))}",
            field="ended_at",
            rule="a cycle ends after it starts",
        )


def effect(ending: Recorded, view: View) -> None:
    """The cycle with the machine's word and ours."""
    message = ending.message
    view.put(
        replace(
            common.named_cycle(message, view),
            ending=ending.digest,
            outcome=Outcome(integer(message, "outcome")),
            verdict=Verdict(integer(message, "verdict")),
            ended_at=integer(message, "endedAt"),
        )
    )


def says(message: Message) -> str:
    """`the cycle ended: the machine says completed, the computed verdict is passed`."""
    outcome = Outcome(integer(message, "outcome")).name.lower()
    verdict = Verdict(integer(message, "verdict")).name.lower()
    again = "the ending was amended" if any(word(message, "replaces")) else "the cycle ended"
    return f"{again}: the machine says {outcome}, the computed verdict is {verdict}"


#: The readings that a record rests on.
READINGS = Lines(
    {
        "sha256": Hash(),
        "content_sha256": Hash(),
        "format": Words(60),
        "source": OneOf(("gateway_signed", "uploaded", "typed", "photo")),
        "unread_lines": Whole(0, 100_000, None),
    }
)
#: What a reading tells beside the facts that a person could type; nothing that was read is dropped.
TOLD: Mapping[str, FieldRule] = {
    #: the cycle's name as printed, where it is not a number alone
    "label": text(120),
    "further_fault_codes": text(400),
    #: why the machine's word is not completed
    "outcome_reasons": text(4000),
    #: what is missing or damaged
    "incomplete_because": text(4000),
    #: what a reader must know of the machine's clock, of its other cycles and of who assigned it
    "remarks": text(4000),
    "temperature_unit": text(20),
    "pressure_unit": text(20),
    #: bar absolute, as the file or a person said it
    "ambient_bar": decimal("0", "2"),
    "machine.f0_minutes": decimal("0", "1000000000"),
    "machine.a0_seconds": decimal("0", "1000000000"),
}


def _typed(name: str, of: Words | Whole | Measured | OneOf, path: str, text: str = "") -> Field:
    return optional_field(name, of, text, path=path)


ACT = Act(
    name="CycleEnding",
    doc="What the machine reported at the end: a kept reading, or facts typed from a printout.",
    about="cycle",
    contract=Contract.CYCLE_LEDGER,
    function="endCycles",
    event="CycleEnded",
    right=Right.RESULT,
    other_scope=Scope.END,
    retention="sterilisation",
    gas=65_000,
    command="cycle end",
    shows_facts=True,
    fields=(
        cycle_field(),
        unit_field(),
        optional_field(
            "outcome",
            Choice(Outcome),
            "the machine's own word; left out where a reading says it",
            required=True,
        ),
        Field(
            "verdict",
            Choice(Verdict),
            given=Given.NEVER,
            default=Verdict.NOT_COMPUTED,
            path="verdict.result",
        ),
        optional_field(
            "ended_at", Moment(), "when it ended by the machine's clock", path="ended_utc"
        ),
        replaces_field("ending"),
        optional_field(
            "started_at",
            Moment(is_signed=False),
            "when it started by the machine's clock",
            path="started_utc",
        ),
        Field("verdict_facts", Stated(VERDICT_FACTS), given=Given.NEVER, path="verdict"),
        _typed("started", Words(60), "started", "the start as printed"),
        _typed("ended", Words(60), "ended", "the end as printed"),
        _typed("fault_code", Words(60), "fault_code", "as the machine shows it"),
        _typed("programme", Words(), "programme", "as the machine names it"),
        _typed(
            "hold_seconds",
            Whole(0, 86400, None),
            "machine.hold_seconds",
            "how long it held, as printed",
        ),
        _typed(
            "minimum_celsius",
            Measured("-50", "400"),
            "machine.minimum_celsius",
            "lowest temperature while it held, as printed",
        ),
        _typed(
            "maximum_celsius",
            Measured("-50", "400"),
            "machine.maximum_celsius",
            "highest temperature while it held, as printed",
        ),
        _typed(
            "minimum_bar",
            Measured("0", "20"),
            "machine.minimum_bar",
            "lowest pressure while it held, as printed",
        ),
        _typed(
            "maximum_bar",
            Measured("0", "20"),
            "machine.maximum_bar",
            "highest pressure while it held, as printed",
        ),
        _typed(
            "pressure_basis",
            OneOf(("absolute", "gauge")),
            "pressure_basis",
            "what the printed pressures count from",
        ),
        Field("told", Stated(TOLD), given=Given.NEVER, path=""),
        Field("readings", READINGS, given=Given.NEVER, default=()),
        optional_field(
            "reading",
            ReadingPart(),
            "a kept reading that says all of it, with our verdict against a named profile",
            path="",
        ),
        optional_field(
            "profile",
            Profile(),
            "of a reading: the profile to judge it against; else its machine's",
            path="",
        ),
        optional_field(
            "zone", Zone(), "of a reading: the zone of its clock; else its machine's", path=""
        ),
    ),
    says=says,
    parent=common.machine_of_cycle,
    complete=complete,
    rules=rules,
    record_rules=record_rules,
    effect=effect,
    # The decision judged what is amended here, so it reaches the chain first.
    after=lambda message, view: [common.named_cycle(message, view).decision],
)
