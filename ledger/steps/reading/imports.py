"""File → readings, and the cycles that they report, opened and ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import CycleReference
from ledger.domain.acts.words import Party, Right
from ledger.domain.callers import Caller
from ledger.domain.drafts import Circumstances, Draft, People, draft
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import ZERO_DIGEST, CycleId, Digest, to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused, VerificationFailed
from ledger.domain.machines.profiles import get_profile
from ledger.domain.machines.readings import CycleReading, ReadingFile
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.states import CycleState
from ledger.readings import read_file, zone_named
from ledger.steps.accepting.drafting import standing_values
from ledger.steps.accepting.endings import Reported, ending_of, moment_of, opening_of, reported_of
from ledger.steps.accepting.resolving import (
    current_epoch,
    find_machine_by_serial,
    machine_of,
    resolve_signer,
)
from ledger.steps.accepting.standing import Accepted
from ledger.steps.accepting.submit import record_with_held_keys
from ledger.steps.asking.idempotency import NamedRequest, begin
from ledger.steps.instance import Instance
from ledger.steps.reading.arrivals import sign_arrival
from ledger.storage import operations, readings, records

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
    state = Accepted(tx).find(CycleState, reference.id)
    reported = reported_of(
        tx,
        file,
        cycle,
        machine,
        source=options.source,
        zone=options.zone,
        profile=options.profile,
    )
    if state is not None and state.ending != ZERO_DIGEST:
        return _attach(tx, reported, reference, state.ending)
    acts: list[Draft] = []
    if state is None or not state.is_open:
        opening = {
            "equipment": reference.machine,
            "number": reference.number,
            **opening_of(reported),
        }
        acts.append(_draft(tx, caller, "CycleOpening", opening, unit=unit, options=options))
    ending = {"cycle": reference, "replaces": ZERO_DIGEST, **ending_of(reported)}
    acts.append(_draft(tx, caller, "CycleEnding", ending, unit=unit, options=options))
    digests = [record_with_held_keys(instance, tx, caller, each).digest for each in acts]
    return ImportedCycle(
        reading=cycle,
        what=Import.RECORDED,
        cycle=reference.id,
        why=None,
        digests=tuple(digests),
    )


def _draft(  # noqa: PLR0913 - an act, who does it, and what is added to it
    tx: Connection,
    caller: Caller,
    kind: str,
    values: dict[str, Any],
    *,
    unit: int,
    options: ImportOptions,
) -> Draft:
    act, happened = ACTS[kind], values.pop("happened")
    signer = resolve_signer(tx, caller, unit, act.right or Right(0), options.signer)
    told = Circumstances(
        people=options.people,
        happened_text=happened["text"],
        happened_zone=happened["zone"],
        happened_utc=None if happened["utc"] is None else instant_text(happened["utc"]),
        happened_source=happened["source"],
        authenticated_by=options.authenticated_by,
    )
    return draft(
        act,
        values | standing_values(tx, act, values, unit=unit),
        unit=unit,
        keys={Party.SIGNER: signer.signer},
        circumstances=told,
    )


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
    moment = moment_of(printed, reported.zone)
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
