"""File → readings, and the cycles that they report, opened and ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from ledger.domain.callers import Caller
from ledger.domain.cycle_acts import (
    CycleReference,
    EndCycle,
    draft_cycle_ending,
    draft_cycle_opening,
)
from ledger.domain.drafts import People
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import ZERO_DIGEST, CycleId, Digest, parse_hex32, to_hex
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused, VerificationFailed
from ledger.domain.machines.profiles import get_profile
from ledger.domain.machines.readings import CycleReading, ReadingFile
from ledger.domain.operations import Duty
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import fields_from_bytes
from ledger.readings import read_file, zone_named
from ledger.steps.accepting.resolving import (
    current_epoch,
    find_machine_by_serial,
    machine_of,
    reference_of,
    resolve_signer,
)
from ledger.steps.accepting.standing import find_cycle_state
from ledger.steps.accepting.submit import record_with_held_keys
from ledger.steps.asking.idempotency import NamedRequest, begin
from ledger.steps.instance import Instance
from ledger.steps.reading.arrivals import sign_arrival
from ledger.steps.reading.endings import Reported, ending_of, moment_of, opening_of
from ledger.storage import directory, operations, readings, records

#: How far the clocks of two devices that report one cycle may stand apart.
SAME_START = timedelta(minutes=10)


class Import(StrEnum):
    """What became of one cycle of a file."""

    #: opened (unless it was open) and ended
    RECORDED = "recorded"
    #: the very same lines were recorded before
    KNOWN = "already recorded"
    #: kept beside the reading that the ending rests on; a person decides whether to amend
    ATTACHED = "attached"
    #: kept as a reading; no registered machine or no number fits
    UNMATCHED = "not matched"
    #: kept as a reading; a rule keeps it out of the ledger
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What the person who imports adds to a file."""

    #: for a machine whose registration names none
    zone: str | None = None
    profile: str | None = None
    #: who ran the machine, as far as the person who imports knows
    people: People = field(default_factory=People)
    source: str = "uploaded"
    authenticated_by: str = "none"
    #: name or id of the signer who opens and ends; None: the only one that fits
    signer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCycle:
    """One cycle of an imported file."""

    reading: CycleReading
    what: Import
    #: None while it is not matched
    cycle: CycleId | None
    #: why, in words, where it was not recorded
    why: str | None
    #: digests accepted now, in order
    digests: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """One imported file."""

    file: ReadingFile
    filename: str
    #: False when these very bytes were kept before
    is_new: bool
    cycles: tuple[ImportedCycle, ...]


def import_file(  # noqa: PLR0913 - a file, who brings it, and what is added to it
    instance: Instance,
    caller: Caller,
    data: bytes,
    *,
    filename: str,
    unit: int,
    options: ImportOptions,
    request: NamedRequest | None = None,
) -> ImportReport:
    """File → reading kept as it is; each matched cycle opened and ended in its own transaction.

    Raises InvalidInput for a file that no parser understands; then nothing is stored.  A cycle that
    a rule keeps out is reported, and the others go on.  A file and its cycles are known by their
    content: a `request` that died on the way goes on where it ended.  Raises Conflict, with nothing
    stored, when its key named another request.
    """
    caller.require_unit(unit)
    if options.zone is not None:
        zone_named(options.zone)
    if options.profile is not None:
        get_profile(options.profile)
    file = read_file(data, filename=filename)

    with instance.database.transaction() as tx:
        if request is not None:
            begin(instance, tx, request)
        is_new = keep_reading(
            instance, tx, file, data, filename=filename, unit=unit, source=options.source
        )
    cycles = tuple(
        _import_cycle(instance, caller, file, cycle, unit=unit, options=options)
        for cycle in file.cycles
    )
    return ImportReport(file=file, filename=filename, is_new=is_new, cycles=cycles)


def keep_reading(  # noqa: PLR0913 - a file and what is known of it
    instance: Instance,
    tx: Connection,
    file: ReadingFile,
    data: bytes,
    *,
    filename: str,
    unit: int,
    source: str,
) -> bool:
    """Keep a file's bytes and its cycles; False when the unit kept these bytes before."""
    digest = bytes.fromhex(file.sha256)
    if readings.find_head(tx, digest, unit=unit) is not None:
        return False
    row = readings.ReadingRow(
        sha256=digest,
        raw=data,
        filename=filename,
        format=f"{file.format_name}/{file.format_version}",
        source=source,
        unit=unit,
        uploaded_at=instance.clock(),
    )
    readings.insert_reading(
        tx,
        row,
        [
            readings.ReadingCycleRow(
                unit=unit,
                reading=digest,
                ordinal=cycle.ordinal,
                content_sha256=bytes.fromhex(cycle.content_sha256),
                serial=cycle.serial,
                number=cycle.number,
                cycle=None,
                facts=summary_of(cycle),
            )
            for cycle in file.cycles
        ],
    )
    sign_arrival(instance.vault, tx, row)
    return True


def _import_cycle(  # noqa: PLR0913 - one cycle of one file, and what is added to it
    instance: Instance,
    caller: Caller,
    file: ReadingFile,
    cycle: CycleReading,
    *,
    unit: int,
    options: ImportOptions,
) -> ImportedCycle:
    def record() -> ImportedCycle:
        with instance.database.transaction() as tx:
            return _record_cycle(instance, tx, caller, file, cycle, unit=unit, options=options)

    try:
        try:
            return record()
        except Conflict:  # with the same upload, at the same time: once more, it is known
            return record()
    except (InvalidInput, NotFound, Conflict, Refused, VerificationFailed) as error:
        return ImportedCycle(reading=cycle, what=Import.REFUSED, cycle=None, why=str(error))


def _record_cycle(  # noqa: PLR0913 - one cycle of one file, and what is added to it
    instance: Instance,
    tx: Connection,
    caller: Caller,
    file: ReadingFile,
    cycle: CycleReading,
    *,
    unit: int,
    options: ImportOptions,
) -> ImportedCycle:
    if cycle.serial is None or cycle.number is None:
        why = "the file does not show the machine's serial number or the cycle's number"
        return ImportedCycle(reading=cycle, what=Import.UNMATCHED, cycle=None, why=why)
    machine = find_machine_by_serial(tx, caller, cycle.serial)
    if machine is None or machine.unit != unit:
        why = f"unit {unit} registered no machine of serial number {cycle.serial}"
        return ImportedCycle(reading=cycle, what=Import.UNMATCHED, cycle=None, why=why)
    reference = CycleReference(
        machine=machine_of(machine), epoch=current_epoch(tx, machine.id), number=cycle.number
    )
    state = find_cycle_state(tx, reference.id)
    reported = reported_of(tx, file, cycle, machine, options)
    if state is not None and state.ending != ZERO_DIGEST:
        return _attach(tx, reported, reference, state.ending)
    digests = []
    if state is None:
        opener = resolve_signer(tx, caller, unit, Duty.OPEN, options.signer)
        draft = draft_cycle_opening(opening_of(reported, reference, signer=opener.signer))
        digests.append(record_with_held_keys(instance, tx, caller, draft).digest)
    ender = resolve_signer(tx, caller, unit, Duty.RESULT, options.signer)
    draft = draft_cycle_ending(ending_of(reported, reference, signer=ender.signer))
    digests.append(record_with_held_keys(instance, tx, caller, draft).digest)
    return ImportedCycle(
        reading=cycle,
        what=Import.RECORDED,
        cycle=reference.id,
        why=None,
        digests=tuple(digests),
    )


def reported_of(
    tx: Connection,
    file: ReadingFile,
    cycle: CycleReading,
    machine: directory.EquipmentRow,
    options: ImportOptions,
) -> Reported:
    """A cycle of a file with the zone and profile of its machine, where none is named."""
    facts = _registration_facts(tx, machine)
    zone, profile = facts["clock_zone"], facts["profile"]
    return Reported(
        file=file,
        cycle=cycle,
        source=options.source,
        zone=options.zone or (None if zone is None else str(zone)),
        profile=options.profile,
        usual_profile=None if profile is None else str(profile),
        people=options.people,
        authenticated_by=options.authenticated_by,
    )


def reading_of(  # noqa: PLR0913 - a reading, a cycle, and what a person adds
    tx: Connection,
    caller: Caller,
    cycle: directory.CycleRow,
    text: str,
    options: ImportOptions,
    *,
    key: bytes,
    replaces: Digest = ZERO_DIGEST,
    reason: str | None = None,
) -> EndCycle:
    """The ending of a cycle by a kept reading, named `sha256` or `sha256:ordinal`.

    Raises NotFound for an unknown or foreign reading, and Conflict when it reports another cycle.
    """
    digest, _, ordinal = text.partition(":")
    caller.require_unit(cycle.unit)
    row = readings.get_reading(tx, parse_hex32(digest, field="reading"), unit=cycle.unit)
    file = read_file(row.raw, filename=row.filename)
    found = _chosen(file, cycle, ordinal)
    machine = directory.get_equipment(tx, cycle.equipment)
    if (found.serial, found.number) != (machine.serial, cycle.number):
        raise Conflict(
            f"the reading reports cycle {found.number} of machine {found.serial}",
            field="reading",
            rule=f"this is cycle {cycle.number} of machine {machine.serial}",
        )
    readings.attach_cycle(tx, row.sha256, found.ordinal, cycle.id, unit=row.unit)
    return ending_of(
        reported_of(tx, file, found, machine, replace(options, source=row.source)),
        reference_of(tx, cycle),
        signer=key,
        replaces=replaces,
        reason=reason,
    )


def _chosen(file: ReadingFile, cycle: directory.CycleRow, ordinal: str) -> CycleReading:
    """The cycle of a file by its ordinal, or the one with the cycle's number."""
    fits = [
        each
        for each in file.cycles
        if (str(each.ordinal) == ordinal if ordinal else each.number == cycle.number)
    ]
    if len(fits) != 1:
        raise NotFound(
            f"the file reports {len(fits)} cycles that fit",
            field="reading",
            remedy=f"name one: SHA256:ORDINAL, ordinals from 1 to {len(file.cycles)}",
        )
    return fits[0]


def _registration_facts(
    tx: Connection, machine: directory.EquipmentRow
) -> dict[str, str | int | bool | None]:
    operation = operations.get_operation(tx, machine.digest)
    return fields_from_bytes(records.get_record(tx, operation.record_id).facts)


def _attach(
    tx: Connection, reported: Reported, reference: CycleReference, ending: Digest
) -> ImportedCycle:
    operation = operations.get_operation(tx, ending)
    facts = fields_from_bytes(records.get_record(tx, operation.record_id).facts)
    cycle = reported.cycle
    if cycle.started is not None and _is_other_start(reported, facts):
        raise Conflict(
            f"cycle {reference.number} of this machine was recorded with the start "
            f"{facts['started']}, this file says {cycle.started.text}",
            field="number",
            rule="a machine's number names one cycle within a counter epoch",
            remedy="if the counter was reset, change the machine's epoch first: "
            "steriledger equipment change --epoch",
        )
    _attach_reading(tx, reported.file, cycle, reference)
    is_known = facts.get("readings.0.content_sha256") == cycle.content_sha256
    return ImportedCycle(
        reading=cycle,
        what=Import.KNOWN if is_known else Import.ATTACHED,
        cycle=reference.id,
        why=None
        if is_known
        else f"the cycle ended already with another reading; to amend, replace {to_hex(ending)}",
    )


def _is_other_start(reported: Reported, facts: Mapping[str, FieldValue]) -> bool:
    """Whether a reading began at another time than the ended cycle, as far as both say so.

    Where both moments are known, two clocks may differ by SAME_START; else the text decides.
    """
    printed = reported.cycle.started
    if printed is None or facts["started"] is None or facts["started"] == printed.text:
        return False
    moment = moment_of(printed, reported.cycle.zone or reported.zone)
    recorded = facts["started_utc"]
    if moment is None or recorded is None:
        return True
    return abs(moment - datetime.fromisoformat(str(recorded))) > SAME_START


def _attach_reading(
    tx: Connection, file: ReadingFile, cycle: CycleReading, reference: CycleReference
) -> None:
    readings.attach_cycle(
        tx,
        bytes.fromhex(file.sha256),
        cycle.ordinal,
        reference.id,
        unit=reference.machine.unit,
    )


def summary_of(cycle: CycleReading) -> bytes:
    """What lists show of a cycle without reading its file again."""
    return canonical(
        {
            "machine": cycle.machine,
            "programme": cycle.programme_text,
            "started": None if cycle.started is None else cycle.started.text,
            "ended": None if cycle.ended is None else cycle.ended.text,
            "outcome": cycle.outcome.value,
            "fault_code": cycle.fault_code,
            "samples": len(cycle.samples),
            "incomplete_because": list(cycle.incomplete_because),
        }
    )


def summary_from_bytes(data: bytes) -> dict[str, object]:
    """The inverse of the summary that is kept with a reading."""
    summary: dict[str, object] = json.loads(data)
    return summary
