"""Files → readings, and the cycles that they report, opened and ended by their numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import CycleReference
from ledger.domain.acts.words import Beside, Party, Right
from ledger.domain.callers import Caller
from ledger.domain.drafts import Circumstances, Draft, People, draft
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import ZERO_DIGEST, CycleId, Digest, to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused, VerificationFailed
from ledger.domain.machines.profiles import get_profile
from ledger.domain.machines.readings import CycleReading, PrintedTime, ReadingFile
from ledger.domain.machines.serials import machines_called
from ledger.domain.names import plain_name
from ledger.domain.subjects.states import CycleState
from ledger.readings import read_file, zone_named
from ledger.steps.accepting.drafting import require_near, standing_values
from ledger.steps.accepting.endings import (
    Reported,
    assigned_by_a_person,
    clock_notices_of,
    ending_of,
    entry_of,
    moment_of,
    opening_of,
    reported_of,
)
from ledger.steps.accepting.further_readings import hold_against
from ledger.steps.accepting.profiles import known_profiles
from ledger.steps.accepting.resolving import resolve_machine, resolve_signer
from ledger.steps.accepting.standing import Accepted
from ledger.steps.accepting.submit import record_with_held_keys
from ledger.steps.asking.idempotency import NamedRequest, begin
from ledger.steps.instance import Instance
from ledger.steps.reading.arrivals import sign_arrival
from ledger.steps.reading.placing import Place, in_order, oddities_of, place_of
from ledger.storage import directory, readings
from ledger.storage.engine.database import lock_subjects
from ledger.storage.numbers import numberings_of


class Import(StrEnum):
    """What became of one cycle of a file."""

    #: opened (unless it was open) and ended
    RECORDED = "recorded"
    #: the very same lines were recorded before
    KNOWN = "already recorded"
    #: kept beside the reading that the ending rests on; nothing in it speaks against that
    ATTACHED = "attached"
    #: the same, and it holds all of the recorded reading and more; a person decides to amend
    HOLDS_MORE = "holds more"
    #: the same, and it contradicts the recorded reading; a person decides what that means
    CONTRADICTS = "contradicts"
    #: the last of a log that goes on: imported when its end is there
    WAITING = "not whole yet"
    #: kept as a reading; no registered machine or no number fits
    UNMATCHED = "not matched"
    #: kept as a reading; a rule keeps it out of the ledger
    REFUSED = "refused"


_BESIDE = {
    Beside.AGREES: Import.ATTACHED,
    Beside.HOLDS_LESS: Import.ATTACHED,
    Beside.HOLDS_MORE: Import.HOLDS_MORE,
    Beside.CONTRADICTS: Import.CONTRADICTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What the person who imports adds to a file."""

    #: for a machine whose registration names none
    zone: str | None = None
    profile: str | None = None
    #: bar absolute, where the file does not say it
    ambient_bar: Decimal | None = None
    #: name, serial number or id, and the cycle's number, of a reading that does not tell them
    machine: str | None = None
    number: int | None = None
    #: counter epoch of the file's cycles, where their numbers and times do not tell it
    epoch: int | None = None
    #: whether a file may go on: its unfinished newest cycle waits, even where it is the only one
    is_growing: bool = False
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
    cycle: CycleId | None = None
    #: why, in words, where it was not recorded
    why: str | None = None
    #: what a reader must know of it, recorded or not
    notices: tuple[str, ...] = ()
    #: digests accepted now, in order
    digests: tuple[Digest, ...] = ()

    @property
    def name(self) -> str:
        """The cycle as its reading calls it."""
        number, label = self.reading.number, self.reading.label
        name = label or ("?" if number is None else number)
        return f"cycle {name} (reading {self.reading.ordinal})"

    @property
    def notes(self) -> tuple[str, ...]:
        """All that belongs beside the outcome, in sentences."""
        codes = ", ".join(self.reading.further_fault_codes)
        return (
            *self.reading.outcome_reasons,
            *self.reading.incomplete_because,
            *((f"further fault codes: {codes}",) if codes else ()),
            *self.notices,
        )

    def to_plain(self) -> dict[str, Any]:
        """As JSON values."""
        reading = self.reading
        return {
            "ordinal": reading.ordinal,
            "number": reading.number,
            "label": reading.label,
            "serial": reading.serial,
            "started": None if reading.started is None else reading.started.text,
            "ended": None if reading.ended is None else reading.ended.text,
            "samples": len(reading.samples),
            "outcome": reading.outcome.value,
            "outcome_reasons": list(reading.outcome_reasons),
            "fault_code": reading.fault_code,
            "further_fault_codes": list(reading.further_fault_codes),
            "incomplete_because": list(reading.incomplete_because),
            "content_sha256": reading.content_sha256,
            "what": self.what.value,
            "why": self.why,
            "notices": list(self.notices),
            "cycle": None if self.cycle is None else self.cycle.hex(),
            "operations": [to_hex(digest) for digest in self.digests],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """One imported file."""

    file: ReadingFile
    filename: str
    #: False when these very bytes were kept before
    is_new: bool
    cycles: tuple[ImportedCycle, ...]

    def to_plain(self) -> dict[str, Any]:
        """As JSON values."""
        file = self.file
        return {
            "file": self.filename,
            "sha256": file.sha256,
            "format": f"{file.format_name}/{file.format_version}",
            "encoding": file.encoding,
            "new": self.is_new,
            "lines": file.line_count,
            "cycles": [each.to_plain() for each in self.cycles],
            "remarks": [
                {
                    "line": remark.line,
                    "last_line": remark.last_line,
                    "kind": remark.kind.value,
                    "text": remark.text,
                    "why": remark.why,
                }
                for remark in file.remarks
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file whose bytes are kept, before its cycles are recorded."""

    file: ReadingFile
    filename: str
    is_new: bool
    arrived_at: datetime


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
    """One file → its report; see `keep_file` and `record_files`."""
    kept = keep_file(
        instance, caller, data, filename=filename, unit=unit, options=options, request=request
    )
    (report,) = record_files(instance, caller, [kept], unit=unit, options=options)
    return report


def keep_file(  # noqa: PLR0913 - a file, who brings it, and what is added to it
    instance: Instance,
    caller: Caller,
    data: bytes,
    *,
    filename: str,
    unit: int,
    options: ImportOptions,
    request: NamedRequest | None = None,
) -> KeptFile:
    """File → reading kept as it is.

    Raises InvalidInput for a file that no parser understands; then nothing is stored.  A file and
    its cycles are known by their content: a `request` that died on the way goes on where it ended.
    Raises Conflict, with nothing stored, when its key named another request.
    """
    caller.require_unit(unit)
    if options.zone is not None:
        zone_named(options.zone)
    file = read_file(data, filename=filename)

    with instance.database.transaction() as tx:
        if options.profile is not None:
            get_profile(options.profile, profiles=known_profiles(tx))
        if request is not None:
            begin(instance, tx, request)
        is_new = keep_reading(
            instance, tx, file, data, filename=filename, unit=unit, source=options.source
        )
        head = readings.find_head(tx, bytes.fromhex(file.sha256), unit=unit)
    return KeptFile(
        file=file,
        filename=filename,
        is_new=is_new,
        arrived_at=instance.clock() if head is None else head.uploaded_at,
    )


def record_files(
    instance: Instance,
    caller: Caller,
    files: Sequence[KeptFile],
    *,
    unit: int,
    options: ImportOptions,
) -> list[ImportReport]:
    """Kept files → each matched cycle opened and ended, in the order of the machines' numbers.

    Each in its own transaction: one that a rule keeps out is reported, and the others go on.
    """
    found: dict[tuple[int, int], ImportedCycle] = {}
    cycles = [(at, cycle) for at, kept in enumerate(files) for cycle in kept.file.cycles]
    for at, cycle in in_order(cycles, arrived_at=instance.clock()):
        importing = _Importing(
            instance=instance,
            caller=caller,
            kept=files[at],
            cycle=cycle,
            unit=unit,
            options=options,
        )
        found[at, cycle.ordinal] = importing.once()
    return [
        ImportReport(
            file=kept.file,
            filename=kept.filename,
            is_new=kept.is_new,
            cycles=tuple(found[at, cycle.ordinal] for cycle in kept.file.cycles),
        )
        for at, kept in enumerate(files)
    ]


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
    # Others may bring the same file at this moment: who waited finds it kept.
    lock_subjects(tx, [digest])
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
                began=clock_time(cycle.first),
                ended=clock_time(cycle.last),
                curve_sha256=curve_of(cycle),
                facts=summary_of(cycle),
            )
            for cycle in file.cycles
        ],
    )
    sign_arrival(instance.vault, tx, row)
    return True


def clock_time(printed: PrintedTime | None) -> datetime | None:
    """A printed time as the device's own clock shows it, as if that were UTC."""
    return None if printed is None else printed.local.replace(tzinfo=UTC)


def curve_of(cycle: CycleReading) -> bytes | None:
    """The digest of a cycle's values alone."""
    return None if cycle.curve_sha256 is None else bytes.fromhex(cycle.curve_sha256)


# ---------------------------------------------------------------- one cycle


#: how often a cycle is tried that others record at the same time
_TRIES = 3


@dataclass(slots=True, kw_only=True)
class _Importing:
    """One cycle of one file, and what is added to it."""

    instance: Instance
    caller: Caller
    kept: KeptFile
    cycle: CycleReading
    unit: int
    options: ImportOptions

    @property
    def _named(self) -> str:
        """The cycle of the file, as the command line names a reading."""
        return f"{self.kept.file.sha256}:{self.cycle.ordinal}"

    def once(self) -> ImportedCycle:
        """What became of the cycle."""
        try:
            for _ in range(_TRIES - 1):
                with suppress(Conflict):  # somebody may have recorded the same meanwhile
                    return self._tried()
            return self._tried()
        except (InvalidInput, NotFound, Conflict, Refused, VerificationFailed) as error:
            return ImportedCycle(reading=self.cycle, what=Import.REFUSED, why=str(error))

    def _tried(self) -> ImportedCycle:
        with self.instance.database.transaction() as tx:
            return self._record(tx)

    def _record(self, tx: Connection) -> ImportedCycle:
        # Others may bring the same lines at this moment: who waited finds them recorded.
        lock_subjects(tx, [bytes.fromhex(self.cycle.content_sha256)])
        known = self._known(tx)
        if known is not None:
            return known
        if self._goes_on():
            why = (
                "the log goes on: the cycle is imported when its end is there; if it never comes: "
                f"steriledger cycle end CYCLE --reading {self._named}"
            )
            return ImportedCycle(reading=self.cycle, what=Import.WAITING, why=why)
        found = self._machine_and_number(tx)
        if isinstance(found, str):
            return ImportedCycle(reading=self.cycle, what=Import.UNMATCHED, why=found)
        machine, number = found
        reported = self._reported(tx, machine)
        start, epoch = moment_of(self.cycle.first, reported), self.options.epoch
        place = place_of(tx, machine, number, start, epoch=epoch, printed=self.cycle.serial)
        if self.cycle.number is None and place.state is None:
            require_near(tx, place.reference)
        if place.state is not None and place.state.ending != ZERO_DIGEST:
            return self._beside(tx, reported, place.reference, place.state.ending)
        return self._new(tx, machine, reported, place)

    def _known(self, tx: Connection) -> ImportedCycle | None:
        """A cycle is known by its content, whatever the epoch."""
        content = bytes.fromhex(self.cycle.content_sha256)
        for row in readings.list_attached_with(tx, content, of="content", unit=self.unit):
            state = Accepted(tx).find(CycleState, row.cycle)
            if row.cycle is not None and state is not None and state.ending != ZERO_DIGEST:
                self._attach(tx, row.cycle)
                return ImportedCycle(reading=self.cycle, what=Import.KNOWN, cycle=row.cycle)
        return None

    def _goes_on(self) -> bool:
        """Whether it is the unfinished newest one of a log, whichever way that is sorted."""
        cycles = self.kept.file.cycles
        if self.cycle.is_ended or not (self.options.is_growing or len(cycles) > 1):
            return False
        starts = [each.first.local for each in cycles if each.first is not None]
        if self.cycle.first is None or len(starts) < len(cycles):
            return self.cycle is cycles[-1]
        return self.cycle.first.local == max(starts)

    def _machine_and_number(self, tx: Connection) -> tuple[directory.EquipmentRow, int] | str:
        """Which machine's cycle it is; in words, why nobody can tell."""
        machine = self._machine(tx)
        if isinstance(machine, str):
            return machine
        number, named = self.cycle.number, self.options.number
        if number is not None and named not in {None, number}:
            raise InvalidInput(
                f"the reading reports number {number}, not {named}",
                field="number",
                rule="a number is said for a reading that does not tell it",
            )
        if number is None and named is not None and len(self.kept.file.cycles) > 1:
            raise InvalidInput(
                "the file has several cycles", field="number", rule="it names one of one"
            )
        number = named if number is None else number
        if number is not None:
            return machine, number
        label = "" if self.cycle.label is None else f" ({self.cycle.label} is a name)"
        return f"the file does not show the cycle's number{label}; {self._how_to_assign()}"

    def _machine(self, tx: Connection) -> directory.EquipmentRow | str:
        serial, named = self.cycle.serial, self.options.machine
        if named is not None:
            machine = resolve_machine(tx, self.caller, named)
            if machine.unit == self.unit and (
                serial is None or machines_called(serial, None, [machine])
            ):
                return machine
            raise InvalidInput(
                f"the reading reports the serial number {serial}, {named} has {machine.serial}",
                field="machine",
                rule="a machine is said for a reading that does not tell it",
            )
        if serial is None:
            return f"the file does not show the machine's serial number; {self._how_to_assign()}"
        fits = machines_called(
            serial,
            self.cycle.machine,
            directory.list_equipment_numbered(tx, plain_name(serial), unit=self.unit),
        )
        if len(fits) == 1:
            return fits[0]
        if not fits:
            return (
                f"unit {self.unit} registered no machine of serial number {serial}; register it, "
                "then import the file again: steriledger equipment register"
            )
        names = ", ".join(each.serial for each in fits)
        return f"several machines have the serial number {serial}: {names}; say which: --machine"

    def _how_to_assign(self) -> str:
        machine = " --machine MACHINE" if self.cycle.serial is None else ""
        number = " --number NUMBER" if self.cycle.number is None else ""
        return (
            f"say it: steriledger import FILE{machine}{number}, or steriledger cycle end CYCLE "
            f"--reading {self._named}"
        )

    def _reported(self, tx: Connection, machine: directory.EquipmentRow) -> Reported:
        reported = reported_of(
            tx,
            self.kept.file,
            self.cycle,
            machine,
            source=self.options.source,
            zone=self.options.zone,
            profile=self.options.profile,
            arrived_at=self.kept.arrived_at,
            ambient_bar=self.options.ambient_bar,
        )
        return replace(reported, notices=assigned_by_a_person(self.cycle, epoch=self.options.epoch))

    def _new(
        self,
        tx: Connection,
        machine: directory.EquipmentRow,
        reported: Reported,
        place: Place,
    ) -> ImportedCycle:
        """A cycle that was not ended: opened, unless it was, and ended."""
        reference = place.reference
        notices = (
            *reported.notices,
            *clock_notices_of(reported, place.before, place.after),
            *oddities_of(tx, machine, self.cycle, reference.id),
        )
        reported = replace(reported, notices=notices)
        digests = []
        if place.state is None:
            opening = {
                "equipment": reference.machine,
                "epoch": reference.epoch,
                "number": reference.number,
                **opening_of(reported),
            }
            digests.append(self._accept(tx, "CycleOpening", opening))
        ending = {"cycle": reference, "replaces": ZERO_DIGEST, **ending_of(reported)}
        digests.append(self._accept(tx, "CycleEnding", ending))
        return ImportedCycle(
            reading=self.cycle,
            what=Import.RECORDED,
            cycle=reference.id,
            # not recorded: what is missing today may come tomorrow
            notices=(*notices, *numberings_of(tx, [reference.id])[reference.id].sentences),
            digests=tuple(digests),
        )

    def _beside(
        self, tx: Connection, reported: Reported, reference: CycleReference, ending: Digest
    ) -> ImportedCycle:
        """A further reading of a cycle that ended, held against the one that was recorded."""
        reported, found = hold_against(tx, reported, ending)
        entry = {"cycle": reference, "reading": reported, **entry_of(reported, found, ending)}
        digest = self._accept(tx, "ReadingEntry", entry)
        what = _BESIDE[found.beside]
        name = f"{reference.machine.serial}/{reference.epoch}/{reference.number}"
        amend = f"to amend: steriledger cycle end {name} --reading {self._named} --reason WHY"
        why = {
            Import.HOLDS_MORE: "; ".join(
                (*(found.reasons or ("it holds all of the recorded reading and more",)), amend)
            ),
            Import.CONTRADICTS: "; ".join((*found.reasons, amend)),
        }
        return ImportedCycle(
            reading=self.cycle,
            what=what,
            cycle=reference.id,
            why=why.get(what, "the cycle ended already with another reading, and this one agrees"),
            notices=reported.notices,
            digests=(digest,),
        )

    def _attach(self, tx: Connection, cycle: CycleId) -> None:
        sha256 = bytes.fromhex(self.kept.file.sha256)
        readings.attach_cycle(tx, sha256, self.cycle.ordinal, cycle, unit=self.unit)

    def _accept(self, tx: Connection, kind: str, values: dict[str, Any]) -> Digest:
        act, happened = ACTS[kind], values.pop("happened")
        right = act.right or Right(0)
        signer = resolve_signer(tx, self.caller, self.unit, right, self.options.signer)
        told = Circumstances(
            people=self.options.people,
            happened_text=happened["text"],
            happened_zone=happened["zone"],
            happened_utc=None if happened["utc"] is None else instant_text(happened["utc"]),
            happened_source=happened["source"],
            authenticated_by=self.options.authenticated_by,
        )
        made: Draft = draft(
            act,
            values | standing_values(Accepted(tx), act, values, unit=self.unit),
            unit=self.unit,
            keys={Party.SIGNER: signer.signer},
            circumstances=told,
        )
        return record_with_held_keys(self.instance, tx, self.caller, made).digest


# ---------------------------------------------------------------- what lists show


def summary_of(cycle: CycleReading) -> bytes:
    """What lists show of a cycle without reading its file again."""
    return canonical(
        {
            "machine": cycle.machine,
            "programme": cycle.programme_text,
            "started": None if cycle.started is None else cycle.started.text,
            "ended": None if cycle.ended is None else cycle.ended.text,
            "outcome": cycle.outcome.value,
            "outcome_reasons": list(cycle.outcome_reasons),
            "fault_code": cycle.fault_code,
            "further_fault_codes": list(cycle.further_fault_codes),
            "label": cycle.label,
            "samples": len(cycle.samples),
            "incomplete_because": list(cycle.incomplete_because),
        }
    )


def summary_from_bytes(data: bytes) -> dict[str, object]:
    """The inverse of the summary that is kept with a reading."""
    summary: dict[str, object] = json.loads(data)
    return summary
