"""Reading → what it is beside the one that its cycle's ending rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Conflict
from ledger.domain.machines.clocks import APART, can_be_right, clock_of, hours_apart
from ledger.domain.machines.comparing import Comparison, compare
from ledger.domain.machines.readings import CycleOutcome, CycleReading, PrintedTime
from ledger.domain.machines.verdicts import Verdict
from ledger.domain.records.commitments import FieldValue
from ledger.readings import read_file
from ledger.steps.accepting.endings import Reported, moment_in, profile_of
from ledger.steps.accepting.reading_back import read_facts
from ledger.storage import operations, readings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """What a cycle's ending says, and the reading that it rests on, if it rests on one."""

    facts: Mapping[str, FieldValue]
    reading: CycleReading | None
    format: str | None
    #: of its machine's clock
    zone: str | None


def hold_against(tx: Connection, reported: Reported, ending: Digest) -> tuple[Reported, Comparison]:
    """Compare a reading with the ending of its cycle, both judged by the reading's profile.

    Returns it with what is to be said of its clock.  Raises Conflict when it is another cycle's, by
    the times of both.
    """
    recorded = _ending_of(tx, ending)
    hours = _hours_apart(recorded, reported)
    if hours:
        reported = replace(reported, notices=(*reported.notices, _summer_time(reported, hours)))
    same_device = (
        hours == 0
        and recorded.reading is not None
        and recorded.reading.machine == reported.cycle.machine
        and recorded.format == reported.file.format_name
    )
    found = compare(
        recorded.reading,
        reported.cycle,
        profile_of(reported),
        same_device=same_device,
        outcome=CycleOutcome(str(recorded.facts["outcome"])),
        verdict=Verdict(str(recorded.facts["verdict.result"])),
    )
    return reported, found


def _ending_of(tx: Connection, ending: Digest) -> _Ending:
    operation = operations.get_operation(tx, ending)
    facts = read_facts(tx, operation)
    named = facts.get("readings.0.sha256")
    row = None
    if named is not None:
        row = readings.find_reading(tx, bytes.fromhex(str(named)), unit=operation.unit)
    if row is None:
        return _Ending(facts=facts, reading=None, format=None, zone=None)
    file = read_file(row.raw, filename=row.filename)
    content, number = facts["readings.0.content_sha256"], facts["machine.number"]
    same = [each for each in file.cycles if each.content_sha256 == content]
    numbered = [each for each in file.cycles if each.number in {number, None}]
    reading = next(iter(same or numbered), None)
    zone = facts["happened.zone"]
    return _Ending(
        facts=facts,
        reading=reading,
        format=file.format_name,
        zone=None if zone is None else str(zone),
    )


def _hours_apart(recorded: _Ending, reported: Reported) -> int | None:
    """How far the two clocks stand apart; None where they cannot be compared."""
    one, other = recorded.reading, reported.cycle
    spans = _span(one, recorded.zone), _span(other, reported.zone)
    if None in spans:
        return None
    (first, last), (start, end) = spans  # type: ignore[misc]
    if not all(_is_plausible(each, reported.arrived_at) for each in (first, start)):
        return None
    is_start_known = one is not None and one.started is not None and other.started is not None
    hours = hours_apart((first, last), (start, end), is_start_known=is_start_known)
    if hours is None or abs(hours) > 1:
        raise Conflict(
            f"the cycle was recorded with the start {first.text}, this reading says {start.text}",
            field="number",
            rule="a machine's number names one cycle within a counter epoch, and its readings "
            f"begin within {APART // timedelta(minutes=1)} minutes, or an hour of summer time",
            remedy=_likely_cause(hours),
        )
    return hours


def _likely_cause(hours: int | None) -> str:
    """What usually lies behind such a distance, and what to do about it."""
    if hours is not None:
        return f"{abs(hours)} hours apart: check the zone of the device that wrote it, say --zone"
    return (
        "check the number and the day that were typed into the device that wrote it; if the "
        "machine's counter was reset, change its epoch first: steriledger equipment change --epoch"
    )


def _span(cycle: CycleReading | None, zone: str | None) -> tuple[PrintedTime, PrintedTime] | None:
    if cycle is None or cycle.first is None or cycle.last is None:
        return None
    first, last = cycle.first, cycle.last
    return replace(first, utc=moment_in(first, zone)), replace(last, utc=moment_in(last, zone))


def _is_plausible(time: PrintedTime, arrived_at: datetime) -> bool:
    shown = time.utc or time.local.replace(tzinfo=arrived_at.tzinfo)
    return can_be_right(shown, arrived_at=arrived_at)


def _summer_time(reported: Reported, hours: int) -> str:
    later = "an hour behind" if hours > 0 else "an hour ahead of"
    return (
        f"{clock_of(reported.cycle)} is {later} the recorded reading's: one of the two is on "
        "summer time"
    )
