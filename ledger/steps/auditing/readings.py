"""Kept readings → parsed again, and compared with their cycles and with what was signed of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import InvalidInput, SteriLedgerError
from ledger.domain.machines.serials import is_serial_of
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import fields_from_bytes
from ledger.readings import read_file
from ledger.readings.files import FORMATS
from ledger.steps.auditing.evidence import Evidence
from ledger.steps.reading.imports import clock_time, curve_of, summary_of
from ledger.storage import directory
from ledger.storage.operations import OperationRow
from ledger.storage.readings import (
    ReadingCycleRow,
    ReadingRow,
    find_reading,
    get_reading,
    list_reading_cycles,
    list_readings,
)

_READINGS_PAGE = 100
#: in the bytes of a record that names one
_NAMES_A_READING = b'"readings.0.sha256"'


def check_readings(evidence: Evidence) -> None:
    """Every reading has the bytes that its hash names, and the cycles that are in them."""
    after: bytes | None = None
    while True:
        page = list_readings(evidence.ours, after=after, limit=_READINGS_PAGE)
        for head in page:
            row = get_reading(evidence.ours, head.sha256, unit=head.unit)
            evidence.findings.checked["readings"] += 1
            is_whole = evidence.findings.compare(
                "readings", row.sha256, "raw", expected=row.sha256, found=sha256(row.raw)
            )
            if is_whole:
                _check_cycles(evidence, row)
        if len(page) < _READINGS_PAGE:
            return
        after = page[-1].sha256


def _check_cycles(evidence: Evidence, row: ReadingRow) -> None:
    """Parsed again, by the same version of the parser, the file says the same."""
    findings = evidence.findings
    try:
        file = read_file(row.raw, filename=row.filename)
    except SteriLedgerError as error:
        findings.note("readings", row.sha256, "raw", expected=row.format, found=str(error))
        return
    if not _is_of(row.format, file.format_name):
        findings.note(
            "readings",
            row.sha256,
            "format",
            expected=f"{file.format_name}/{file.format_version}",
            found=row.format,
        )
        return
    if f"{file.format_name}/{file.format_version}" != row.format:
        return  # an earlier version read it otherwise; what was read then is what was signed
    stored = {
        each.ordinal: each for each in list_reading_cycles(evidence.ours, row.sha256, unit=row.unit)
    }
    expected = {each.ordinal: each for each in file.cycles}
    findings.compare(
        "reading_cycles",
        row.sha256,
        "ordinal",
        expected=tuple(sorted(expected)),
        found=tuple(sorted(stored)),
    )
    for ordinal in sorted(set(expected) & set(stored)):
        findings.checked["reading_cycles"] += 1
        ours, cycle = stored[ordinal], expected[ordinal]
        for column, right, found in (
            ("content_sha256", bytes.fromhex(cycle.content_sha256), ours.content_sha256),
            ("serial", cycle.serial, ours.serial),
            ("number", cycle.number, ours.number),
            ("began", clock_time(cycle.first), ours.began),
            ("ended", clock_time(cycle.last), ours.ended),
            ("curve_sha256", curve_of(cycle), ours.curve_sha256),
            ("facts", summary_of(cycle), ours.facts),
        ):
            findings.compare(
                "reading_cycles", (row.sha256, ordinal), column, expected=right, found=found
            )
        _check_attached(evidence, ours)


def _is_of(stored: str, name: str) -> bool:
    """Whether a stored format names this parser, in the version of today or an earlier one."""
    known = {form.name: int(form.version) for form in FORMATS}
    earlier = (f"{name}/{version}" for version in range(1, known[name] + 1))
    return stored in earlier


def _check_attached(evidence: Evidence, row: ReadingCycleRow) -> None:
    """The cycle that a read cycle is attached to has its machine and its number."""
    if row.cycle is None:
        return
    cycle = directory.find_cycle(evidence.ours, row.cycle)
    machine = None if cycle is None else directory.find_equipment(evidence.ours, cycle.equipment)
    # what the reading does not say of itself, a person said
    found = (
        None
        if cycle is None or machine is None
        else (_printed_as(row.serial, machine.serial), None if row.number is None else cycle.number)
    )
    evidence.findings.compare(
        "reading_cycles",
        (row.reading, row.ordinal),
        "cycle",
        expected=(row.serial, row.number),
        found=found,
    )


def _printed_as(printed: str | None, registered: str) -> str | None:
    """The serial number as a reading prints it; None where it prints none."""
    if printed is None or is_serial_of(printed, registered):
        return printed
    return registered


# ---------------------------------------------------------------- what was signed of a reading


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A reading as an ending's record names it."""

    sha256: bytes
    content_sha256: bytes
    format: FieldValue
    source: FieldValue


def check_named_readings(evidence: Evidence, row: OperationRow, facts: bytes | None) -> None:
    """The readings that an operation rests on are kept, as its facts say, and attached to it."""
    if facts is None or _NAMES_A_READING not in facts:
        return
    try:
        named = list(_named(fields_from_bytes(facts)))
    except (InvalidInput, ValueError, KeyError):
        return  # told of the record itself
    for each in named:
        _check_named(evidence, row, each)


def _named(facts: Mapping[str, FieldValue]) -> Iterator[_Named]:
    place = 0
    while f"readings.{place}.sha256" in facts:
        start = f"readings.{place}."
        yield _Named(
            sha256=_bytes(facts[f"{start}sha256"]),
            content_sha256=_bytes(facts[f"{start}content_sha256"]),
            format=facts[f"{start}format"],
            source=facts[f"{start}source"],
        )
        place += 1


def _bytes(value: FieldValue) -> bytes:
    return bytes.fromhex(str(value).removeprefix("0x"))


def _check_named(evidence: Evidence, row: OperationRow, named: _Named) -> None:
    findings = evidence.findings
    reading = find_reading(evidence.ours, named.sha256, unit=row.unit)
    if reading is None:
        findings.note("readings", named.sha256, "row", expected="a row", found=None)
        return
    for column, expected, found in (
        ("format", named.format, reading.format),
        ("source", named.source, reading.source),
    ):
        findings.compare("readings", named.sha256, column, expected=expected, found=found)
    cycles = [
        each
        for each in list_reading_cycles(evidence.ours, named.sha256, unit=row.unit)
        if each.content_sha256 == named.content_sha256
    ]
    if row.subject not in {each.cycle for each in cycles}:
        findings.note(
            "reading_cycles",
            (named.sha256, *(each.ordinal for each in cycles)),
            "cycle",
            expected=row.subject,
            found=tuple(each.cycle for each in cycles),
        )
