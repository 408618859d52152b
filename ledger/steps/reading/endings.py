"""Reading → the requests that open and end its cycle, nothing added to what the machine said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ledger.domain.cycle_acts import CycleReference, EndCycle, OpenCycle, ReadingReference
from ledger.domain.drafts import Circumstances, People
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.errors import InvalidInput
from ledger.domain.machines.profiles import Profile, default_profiles, profile_for
from ledger.domain.machines.readings import (
    CycleReading,
    PrintedTime,
    ReadingFile,
    RemarkKind,
)
from ledger.domain.machines.thermal import check
from ledger.domain.machines.verdicts import ThermalVerdict, evidence_of
from ledger.domain.operations import Outcome, Verdict
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import instant_text
from ledger.readings import utc_from_local

#: Facts of a verdict that the record's schema does not have.
_UNRECORDED = frozenset(
    {
        "verdict",
        "profile_kind",
        "profile_sha256",
        "probe_count",
        "machine_f0_minutes",
        "machine_a0_seconds",
    }
)
_UNREAD = frozenset({RemarkKind.UNREAD, RemarkKind.REFUSED, RemarkKind.CUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One cycle of one file, with what the caller adds to it."""

    file: ReadingFile
    cycle: CycleReading
    #: uploaded, typed, photo or gateway_signed
    source: str
    #: the zone of the machine's clock; None when nobody says
    zone: str | None
    people: People
    authenticated_by: str
    #: the profile that a person named for this reading
    profile: str | None = None
    #: the machine's; None, without the other, computes no verdict
    usual_profile: str | None = None
    #: those that may be named
    profiles: Sequence[Profile] = field(default_factory=default_profiles)


def judge(reported: Reported) -> ThermalVerdict | None:
    """Our verdict against the reading's profile; None when it has none."""
    profile = profile_for(
        reported.cycle,
        named=reported.profile,
        usual=reported.usual_profile,
        profiles=reported.profiles,
    )
    return None if profile is None else check(evidence_of(reported.cycle), profile)


def moment_of(printed: PrintedTime | None, zone: str | None) -> datetime | None:
    """The UTC moment of a printed time; None when its zone is unknown or it names no one moment."""
    if printed is None:
        return None
    if printed.utc is not None:
        return printed.utc
    if zone is None:
        return None
    try:
        return utc_from_local(printed.local, zone=zone)
    except InvalidInput:
        # The hour that a clock shows twice, or skips, in spring and autumn: the printed text stays.
        return None


def opening_of(reported: Reported, cycle: CycleReference, *, signer: bytes) -> OpenCycle:
    """The opening that nobody recorded in time: it says that the outcome was known."""
    return OpenCycle(
        cycle=cycle,
        programme=reported.cycle.programme_text,
        started_at=moment_of(reported.cycle.started, _zone(reported)),
        is_after_outcome=True,
        biological_indicator=None,
        holds_implant=None,
        signer=signer,
        circumstances=_circumstances(reported, reported.cycle.started),
    )


def ending_of(
    reported: Reported,
    cycle: CycleReference,
    *,
    signer: bytes,
    replaces: Digest = ZERO_DIGEST,
    reason: str | None = None,
) -> EndCycle:
    """The ending that a reading reports, with the machine's word and ours beside each other."""
    verdict = judge(reported)
    facts = {} if verdict is None else verdict.facts()
    return EndCycle(
        cycle=cycle,
        outcome=Outcome[reported.cycle.outcome.name],
        verdict=Verdict.NOT_COMPUTED if verdict is None else Verdict[verdict.verdict.name],
        verdict_facts={name: value for name, value in facts.items() if name not in _UNRECORDED},
        machine_facts=_machine_facts(reported.cycle),
        started_at=moment_of(reported.cycle.started, _zone(reported)),
        ended_at=moment_of(reported.cycle.ended, _zone(reported)),
        readings=(_reference(reported),),
        replaces=replaces,
        signer=signer,
        circumstances=_circumstances(reported, reported.cycle.ended, reason=reason),
    )


def _zone(reported: Reported) -> str | None:
    return reported.cycle.zone or reported.zone


def _circumstances(
    reported: Reported, printed: PrintedTime | None, *, reason: str | None = None
) -> Circumstances:
    moment = moment_of(printed, _zone(reported))
    return Circumstances(
        people=reported.people,
        happened_text=None if printed is None else printed.text,
        happened_zone=_zone(reported),
        happened_utc=None if moment is None else instant_text(moment),
        happened_source="the machine's own clock, as printed",
        authenticated_by=reported.authenticated_by,
        reason=reason,
    )


def _machine_facts(cycle: CycleReading) -> dict[str, FieldValue]:
    low, high = cycle.printed_minimum, cycle.printed_maximum
    return {
        "fault_code": cycle.fault_code,
        "programme": cycle.programme_text,
        "started": None if cycle.started is None else cycle.started.text,
        "ended": None if cycle.ended is None else cycle.ended.text,
        "machine.hold_seconds": _whole(cycle.claim.seconds),
        "machine.minimum_celsius": None if low is None else str(low.temperature_celsius),
        "machine.maximum_celsius": None if high is None else str(high.temperature_celsius),
        "machine.minimum_bar": None if low is None else _text(low.pressure_bar),
        "machine.maximum_bar": None if high is None else _text(high.pressure_bar),
        "pressure_basis": None if cycle.pressure_basis is None else cycle.pressure_basis.value,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _whole(seconds: Decimal | None) -> int | None:
    return None if seconds is None or seconds != int(seconds) else int(seconds)


def _reference(reported: Reported) -> ReadingReference:
    file, cycle = reported.file, reported.cycle
    return ReadingReference(
        sha256=file.sha256,
        content_sha256=cycle.content_sha256,
        format=f"{file.format_name}/{file.format_version}",
        source=reported.source,
        unread_lines=sum(
            remark.last_line - remark.line + 1 for remark in cycle.remarks if remark.kind in _UNREAD
        ),
    )
