"""Reading → what opens and ends its cycle, nothing added to what the machine said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.vocabulary import CycleReference
from ledger.domain.acts.words import Outcome, Verdict
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.machines.profiles import Profile, default_profiles, profile_for
from ledger.domain.machines.readings import CycleReading, PrintedTime, ReadingFile, RemarkKind
from ledger.domain.machines.thermal import check
from ledger.domain.machines.verdicts import ThermalVerdict, evidence_of
from ledger.domain.records.records import fields_from_bytes
from ledger.readings import read_file, utc_from_local
from ledger.storage import directory, operations, readings, records

_UNREAD = frozenset({RemarkKind.UNREAD, RemarkKind.REFUSED, RemarkKind.CUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One cycle of one file, with what is known beside it."""

    file: ReadingFile
    cycle: CycleReading
    #: uploaded, typed, photo or gateway_signed
    source: str
    #: the zone of the machine's clock; None when nobody says
    zone: str | None
    #: the profile that a person named for this reading
    profile: str | None
    #: the machine's; None, without the other, computes no verdict
    usual_profile: str | None
    #: those that may be named
    profiles: Sequence[Profile] = field(default_factory=default_profiles)


def reported_of(  # noqa: PLR0913 - a cycle of a file, its machine, and what a person adds
    tx: Connection,
    file: ReadingFile,
    cycle: CycleReading,
    machine: directory.EquipmentRow,
    *,
    source: str,
    zone: str | None,
    profile: str | None,
) -> Reported:
    """A cycle of a file; where a person names no zone or profile, its machine's registration does.

    The file's own zone comes first.
    """
    row = operations.get_operation(tx, machine.digest)
    registered = fields_from_bytes(records.get_record(tx, row.record_id).facts)

    def known(name: str) -> str | None:
        return None if registered[name] is None else str(registered[name])

    return Reported(
        file=file,
        cycle=cycle,
        source=source,
        zone=cycle.zone or zone or known("clock_zone"),
        profile=profile,
        usual_profile=known("profile"),
    )


def kept_reading(
    tx: Connection,
    reference: CycleReference,
    named: Mapping[str, Any],
    *,
    zone: str | None,
    profile: str | None,
) -> Reported:
    """What a kept reading reports of a cycle: `named` has its `sha256`, and perhaps an `ordinal`.

    Without an ordinal it is the one with the cycle's number, or the only one.  Raises NotFound for
    an unknown or foreign reading, and InvalidInput when it reports another cycle.
    """
    unit = reference.machine.unit
    row = readings.find_reading(tx, named["sha256"], unit=unit)
    if row is None:
        raise NotFound(
            "no such reading of your unit",
            field="reading.sha256",
            remedy="bring it first: steriledger import, POST /v1/readings",
        )
    file = read_file(row.raw, filename=row.filename)
    cycle = _chosen(file, reference.number, named.get("ordinal"))
    _require_same_cycle(cycle, reference)
    machine = directory.get_equipment(tx, reference.machine.id, unit=unit)
    return reported_of(tx, file, cycle, machine, source=row.source, zone=zone, profile=profile)


def _chosen(file: ReadingFile, number: int, ordinal: int | None) -> CycleReading:
    if ordinal is not None:
        fits = [each for each in file.cycles if each.ordinal == ordinal]
    else:
        numbered = [each for each in file.cycles if each.number == number]
        fits = numbered or [each for each in file.cycles if each.number is None]
    if len(fits) != 1:
        raise NotFound(
            f"the reading reports {len(fits)} cycles that fit",
            field="reading.ordinal",
            rule=f"one of its cycles, 1 to {file.cycles[-1].ordinal}",
        )
    return fits[0]


def _require_same_cycle(cycle: CycleReading, reference: CycleReference) -> None:
    """What a reading says of its machine and number is the cycle's own.

    Where the machine prints neither, the person who names both says that they belong together.
    """
    pairs = (
        ("serial number", cycle.serial, reference.machine.serial),
        ("number", cycle.number, reference.number),
    )
    for name, read, recorded in pairs:
        if read is not None and read != recorded:
            raise InvalidInput(
                f"it reports the {name} {read}, the cycle has {recorded}",
                field="reading",
                rule="a reading ends the cycle that it reports",
            )


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


def opening_of(reported: Reported) -> dict[str, Any]:
    """The opening that nobody recorded in time: it says that the outcome was known."""
    cycle = reported.cycle
    return {
        "programme": cycle.programme_text,
        "started_at": moment_of(cycle.started, reported.zone),
        "timing": "after_outcome",
        "happened": _happened(reported, cycle.started),
    }


def ending_of(reported: Reported) -> dict[str, Any]:
    """The ending that a reading reports, with the machine's word and ours beside each other."""
    cycle, verdict = reported.cycle, judge(reported)
    facts = {} if verdict is None else verdict.facts()
    return {
        "outcome": Outcome[cycle.outcome.name],
        "verdict": Verdict.NOT_COMPUTED if verdict is None else Verdict[verdict.verdict.name],
        "verdict_facts": {name: value for name, value in facts.items() if name != "verdict"},
        "started_at": moment_of(cycle.started, reported.zone),
        "ended_at": moment_of(cycle.ended, reported.zone),
        "readings": [_line(reported)],
        "happened": _happened(reported, cycle.ended),
        **_printed(cycle),
    }


def _happened(reported: Reported, printed: PrintedTime | None) -> dict[str, Any]:
    return {
        "text": None if printed is None else printed.text,
        "zone": reported.zone,
        "utc": moment_of(printed, reported.zone),
        "source": "the machine's own clock, as printed",
    }


def _printed(cycle: CycleReading) -> dict[str, Any]:
    low, high = cycle.printed_minimum, cycle.printed_maximum
    return {
        "fault_code": cycle.fault_code,
        "programme": cycle.programme_text,
        "started": None if cycle.started is None else cycle.started.text,
        "ended": None if cycle.ended is None else cycle.ended.text,
        "hold_seconds": _whole(cycle.claim.seconds),
        "minimum_celsius": None if low is None else str(low.temperature_celsius),
        "maximum_celsius": None if high is None else str(high.temperature_celsius),
        "minimum_bar": None if low is None else _text(low.pressure_bar),
        "maximum_bar": None if high is None else _text(high.pressure_bar),
        "pressure_basis": None if cycle.pressure_basis is None else cycle.pressure_basis.value,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _whole(seconds: Decimal | None) -> int | None:
    return None if seconds is None or seconds != int(seconds) else int(seconds)


def _line(reported: Reported) -> dict[str, Any]:
    file, cycle = reported.file, reported.cycle
    return {
        "sha256": file.sha256,
        "content_sha256": cycle.content_sha256,
        "format": f"{file.format_name}/{file.format_version}",
        "source": reported.source,
        "unread_lines": sum(
            remark.last_line - remark.line + 1 for remark in cycle.remarks if remark.kind in _UNREAD
        ),
    }
