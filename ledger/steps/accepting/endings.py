"""Reading → what opens and ends its cycle, nothing added to what the machine said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.vocabulary import CycleReference
from ledger.domain.acts.words import Outcome, Verdict
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.machines.clocks import Neighbour, can_be_right, clock_notices
from ledger.domain.machines.comparing import Comparison
from ledger.domain.machines.profiles import Profile, profile_for
from ledger.domain.machines.readings import CycleReading, PrintedTime, ReadingFile, RemarkKind
from ledger.domain.machines.serials import is_serial_of
from ledger.domain.machines.thermal import check
from ledger.domain.machines.verdicts import ThermalVerdict, evidence_of
from ledger.readings import read_file, utc_from_local
from ledger.steps.accepting.profiles import known_profiles
from ledger.steps.accepting.reading_back import read_facts
from ledger.storage import directory, operations, readings

_UNREAD = frozenset({RemarkKind.UNREAD, RemarkKind.REFUSED, RemarkKind.CUT})
#: What a reader of the record must know, beside what the outcome's own reasons say.
_TO_BE_KNOWN = frozenset({RemarkKind.CLOCK, RemarkKind.CONFLICT, RemarkKind.REFUSED})
#: characters of a text in a record
_LONGEST = 4000


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
    profiles: Sequence[Profile]
    #: when the file came in
    arrived_at: datetime
    #: bar absolute, as a person says it where the file does not
    ambient_bar: Decimal | None = None
    #: what a reader must know of it, in sentences
    notices: tuple[str, ...] = ()


def reported_of(  # noqa: PLR0913 - a cycle of a file, its machine, and what a person adds
    tx: Connection,
    file: ReadingFile,
    cycle: CycleReading,
    machine: directory.EquipmentRow,
    *,
    source: str,
    zone: str | None,
    profile: str | None,
    arrived_at: datetime,
    ambient_bar: Decimal | None = None,
) -> Reported:
    """A cycle of a file; where a person names no zone or profile, its machine's registration does.

    The file's own zone comes first.
    """
    row = operations.get_operation(tx, machine.digest)
    registered = read_facts(tx, row)

    def known(name: str) -> str | None:
        return None if registered[name] is None else str(registered[name])

    return Reported(
        file=file,
        cycle=cycle,
        source=source,
        zone=cycle.zone or zone or known("clock_zone"),
        profile=profile,
        usual_profile=known("profile"),
        profiles=known_profiles(tx),
        arrived_at=arrived_at,
        ambient_bar=ambient_bar,
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
    reported = reported_of(
        tx,
        file,
        cycle,
        machine,
        source=row.source,
        zone=zone,
        profile=profile,
        arrived_at=row.uploaded_at,
    )
    return replace(reported, notices=(*assigned_by_a_person(cycle), *clock_notices_of(reported)))


def assigned_by_a_person(cycle: CycleReading, *, epoch: int | None = None) -> tuple[str, ...]:
    """What a person said of a reading that does not say it itself."""
    missing = [
        name
        for name, value in (("machine", cycle.serial), ("cycle", cycle.number))
        if value is None
    ]
    found = []
    if missing:
        named = " and its ".join(missing)
        found.append(f"the reading does not name its {named}: a person assigned it")
    if epoch is not None:
        found.append(f"a person said that it is of counter epoch {epoch}")
    return tuple(found)


def clock_notices_of(
    reported: Reported, before: Neighbour | None = None, after: Neighbour | None = None
) -> tuple[str, ...]:
    """What is to be said of the machine's clock, beside the nearest cycles by number."""
    first = reported.cycle.first
    return clock_notices(
        reported.cycle,
        moment_in(first, reported.zone),
        no_moment=_why_no_moment(first, reported.zone),
        arrived_at=reported.arrived_at,
        before=before,
        after=after,
    )


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
        fits = read == recorded or is_serial_of(str(read), str(recorded))
        if read is not None and not fits:
            raise InvalidInput(
                f"it reports the {name} {read}, the cycle has {recorded}",
                field="reading",
                rule="a reading ends the cycle that it reports",
            )


def judge(reported: Reported) -> ThermalVerdict | None:
    """Our verdict against the reading's profile; None when it has none."""
    profile = profile_of(reported)
    if profile is None:
        return None
    return check(evidence_of(reported.cycle, ambient_bar=reported.ambient_bar), profile)


def profile_of(reported: Reported) -> Profile | None:
    """What a reading is judged against; None when nobody says."""
    return profile_for(
        reported.cycle,
        named=reported.profile,
        usual=reported.usual_profile,
        profiles=reported.profiles,
    )


def moment_in(printed: PrintedTime | None, zone: str | None) -> datetime | None:
    """The UTC moment of a printed time; None when its zone is unknown or it names no one moment."""
    if printed is None or printed.utc is not None or zone is None:
        return None if printed is None else printed.utc
    try:
        return utc_from_local(printed.local, zone=zone)
    except InvalidInput:
        # The hour that a clock shows twice, or skips, in spring and autumn: the printed text stays.
        return None


def _why_no_moment(printed: PrintedTime | None, zone: str | None) -> str | None:
    if printed is None or printed.utc is not None or zone is None:
        return None
    try:
        utc_from_local(printed.local, zone=zone)
    except InvalidInput as error:
        return error.what
    return None


def moment_of(printed: PrintedTime | None, reported: Reported) -> datetime | None:
    """The moment that a record states: none where the machine's clock cannot be right."""
    moment = moment_in(printed, reported.zone)
    if moment is None or not can_be_right(moment, arrived_at=reported.arrived_at):
        return None
    return moment


def opening_of(reported: Reported) -> dict[str, Any]:
    """The opening that nobody recorded in time: it says that the outcome was known."""
    cycle = reported.cycle
    return {
        "programme": cycle.programme_text,
        "started_at": moment_of(cycle.started, reported),
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
        "started_at": moment_of(cycle.started, reported),
        "ended_at": moment_of(cycle.ended, reported),
        "told": _told(reported),
        "readings": [_line(reported)],
        "happened": _happened(reported, cycle.ended),
        **_printed(cycle),
    }


def entry_of(reported: Reported, found: Comparison, ending: Digest) -> dict[str, Any]:
    """A further reading of the cycle, as it stands beside the ending's."""
    verdict = found.verdict
    facts = {} if verdict is None else verdict.facts()
    return {
        "beside": found.beside,
        "ending": ending,
        "told": {
            "outcome": reported.cycle.outcome.value,
            "reasons": _sentences(found.reasons),
            "remarks": _sentences(reported.notices),
            "verdict.result": None if verdict is None else verdict.verdict.value,
        },
        "verdict_facts": {name: value for name, value in facts.items() if name != "verdict"},
        "readings": [_line(reported)],
        "happened": _happened(reported, reported.cycle.started),
    }


def _told(reported: Reported) -> dict[str, str | None]:
    """All that was read and has no field of its own."""
    cycle, verdict = reported.cycle, judge(reported)
    ambient = cycle.ambient_pressure_bar or reported.ambient_bar
    remarks = [each.why for each in cycle.remarks if each.kind in _TO_BE_KNOWN]
    return {
        "label": cycle.label,
        "further_fault_codes": ", ".join(cycle.further_fault_codes) or None,
        "outcome_reasons": _sentences(cycle.outcome_reasons),
        "incomplete_because": _sentences(cycle.incomplete_because),
        "remarks": _sentences((*reported.notices, *remarks)),
        "temperature_unit": cycle.temperature_unit,
        "pressure_unit": cycle.pressure_unit,
        "ambient_bar": None if verdict is None else _text(ambient),
        "machine.f0_minutes": _text(cycle.claim.f0_minutes),
        "machine.a0_seconds": _text(cycle.claim.a0_seconds),
    }


def _sentences(each: Sequence[str]) -> str | None:
    """Sentences as one text, as long as a record takes; None for none."""
    text = "; ".join(dict.fromkeys(each))
    return (text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…") or None


def _happened(reported: Reported, printed: PrintedTime | None) -> dict[str, Any]:
    return {
        "text": None if printed is None else printed.text,
        "zone": reported.zone,
        "utc": moment_of(printed, reported),
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
