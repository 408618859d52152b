"""Accepted records → what people read of a cycle: what happened in order, and three verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from ledger.domain.acts.cycle_ending import TOLD
from ledger.domain.acts.vocabulary import Recorded
from ledger.domain.callers import Caller
from ledger.domain.custody.gates import Reason
from ledger.domain.encoding.identifiers import ZERO_DIGEST, CycleId, Digest, to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import Inconsistent
from ledger.domain.machines.numbering import Numbering
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.folding import Memory, apply
from ledger.domain.subjects.states import CycleState
from ledger.steps.accepting.reading_back import read_facts_of, read_operation
from ledger.steps.accepting.resolving import nothing_called, resolve_cycle, resolve_machine
from ledger.steps.answering.standings import Cycles
from ledger.steps.answering.view import View
from ledger.storage import directory, operations, readings, records
from ledger.storage.numbers import numberings_of

_PEOPLE = ("performer", "checker", "enterer", "on_behalf_of")
_VERDICT = "verdict."


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One accepted act on a cycle."""

    act: str
    #: its name, as the acts' declarations have it
    kind: str
    digest: str
    #: as the printout or the person gave it; None when not entered
    happened: str | None
    #: RFC 3339
    signed_at: str
    accepted_at: str
    #: owed, sent, mined, final, stuck, refused or expired
    state: OperationState
    signer: str
    #: None when not entered, erased, or not the reader's to see
    signer_name: str | None
    people: Mapping[str, str] | None
    facts: Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountView:
    """Packages of one class."""

    package_class: int
    declared: int
    released: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """The digests that the next act replaces or judges; None where there is none."""

    opening: str
    ending: str | None
    load: str | None
    decision: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleView(View):
    """One cycle as its records tell it."""

    id: str
    unit: int
    equipment: str
    machine_name: str | None
    machine_serial: str
    epoch: int
    number: int
    #: which numbers before it are missing, and whether it is late
    numbering: Numbering
    #: the decided state, or voided
    state: str
    current: Current
    #: the machine's own word, None before the end
    machine_verdict: Mapping[str, FieldValue] | None
    #: ours, against the profile it names, None before the end
    computed_verdict: Mapping[str, FieldValue] | None
    #: a person's, None while undecided
    decision: Mapping[str, FieldValue] | None
    counts: tuple[CountView, ...]
    timeline: tuple[TimelineEntry, ...]
    #: what is to be known of the ending's reading, and what further readings say against it
    remarks: tuple[str, ...]
    #: SHA-256 of the files that report this cycle
    readings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleLine(View):
    """One cycle in a list."""

    id: str
    unit: int
    machine_name: str | None
    machine_serial: str
    epoch: int
    number: int
    started: str | None
    outcome: str | None
    verdict: str | None
    profile: str | None
    #: the decided state, or voided
    state: str
    #: which numbers before it are missing, and whether it is late
    numbering: Numbering
    #: where the least advanced of its operations stands
    chain: OperationState
    #: pass it as `before` to read on
    cursor: int

    @property
    def name(self) -> str:
        """As any command takes it, whatever the machine's epoch is now."""
        return f"{self.machine_serial}/{self.epoch}/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAct:
    """An accepted operation with its record."""

    row: operations.OperationRow
    recorded: Recorded
    facts: Mapping[str, FieldValue]
    personal: Mapping[str, FieldValue] | None


def show_cycle(tx: Connection, caller: Caller, text: str) -> CycleView:
    """One cycle that the caller may read, named by id or as `machine/number`; raises NotFound."""
    readable = caller.readable_unit
    cycle = resolve_cycle(tx, caller, text)
    if readable is not None and readable != cycle.unit:
        raise nothing_called("cycle", repr(text))
    acts = acts_about(tx, cycle.id)
    state = folded(cycle.id, [act.recorded for act in acts if act.row.state not in GIVEN_UP])
    machine = directory.get_equipment(tx, cycle.equipment)
    by_digest = {act.row.digest: act for act in acts}
    ending = by_digest.get(state.ending)
    decision = by_digest.get(state.decision)
    shows_people = caller.unit is None or caller.unit == cycle.unit
    return CycleView(
        id=cycle.id.hex(),
        unit=cycle.unit,
        equipment=cycle.equipment.hex(),
        machine_name=machine.name,
        machine_serial=machine.serial,
        epoch=cycle.epoch,
        number=cycle.number,
        numbering=numberings_of(tx, [cycle.id]).get(cycle.id, Numbering()),
        state=_state_word(state),
        current=Current(
            opening=to_hex(state.opening),
            ending=_hex(state.ending),
            load=_hex(state.load),
            decision=_hex(state.decision),
        ),
        machine_verdict=None if ending is None else _machine_verdict(ending.facts),
        computed_verdict=None if ending is None else _computed_verdict(ending.facts),
        decision=None if decision is None else _decision(decision.facts),
        counts=tuple(
            CountView(package_class=number, declared=count.declared, released=count.released)
            for number, count in sorted(state.counts.items())
        ),
        timeline=tuple(timeline_entry(tx, act, shows_people=shows_people) for act in acts),
        remarks=(
            *(() if ending is None else _remarks(ending, acts)),
            *((Reason.NOT_READABLE.en,) if Cycles(tx).has_unread(cycle.id) else ()),
        ),
        readings=tuple(row.reading.hex() for row in readings.list_cycles_attached(tx, cycle.id)),
    )


def list_cycles(
    tx: Connection,
    caller: Caller,
    *,
    equipment: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[CycleLine]:
    """The newest cycles that the caller may read, newest first; `before` is a line's cursor.

    `equipment` names one machine by id, serial number or name.  Raises NotFound when there is none.
    """
    # an auditor has a unit and reads every one's
    reader = replace(caller, unit=caller.readable_unit)
    openings = operations.list_latest_operations(
        tx,
        unit=reader.unit,
        kind="CycleOpening",
        parent=None if equipment is None else resolve_machine(tx, reader, equipment).id,
        before=before,
        limit=limit,
    )
    standing = [row for row in openings if row.state not in GIVEN_UP]
    rows: dict[bytes, list[operations.OperationRow]] = {row.subject: [] for row in standing}
    for row in operations.list_by_subjects(tx, rows):
        if row.state not in GIVEN_UP:
            rows[row.subject].append(row)
    # opened again after its opening was taken back: one line
    latest = {
        subject: max(row.sequence for row in each if row.kind == "CycleOpening")
        for subject, each in rows.items()
    }
    states = {
        subject: folded(CycleId(subject), map(read_operation, each))
        for subject, each in rows.items()
    }
    endings = _endings(tx, states, rows)
    numbered = numberings_of(tx, states)
    machines = {
        each: directory.get_equipment(tx, each) for each in {s.equipment for s in states.values()}
    }
    return [
        _line(
            row,
            states[row.subject],
            rows[row.subject],
            machines[states[row.subject].equipment],
            endings.get(row.subject, {}),
            numbered.get(CycleId(row.subject), Numbering()),
        )
        for row in standing
        if row.sequence == latest[row.subject]
    ]


def acts_about(tx: Connection, subject: bytes) -> list[ShownAct]:
    """Every accepted operation about a subject with its record, in the order of acceptance."""
    return shown_acts(tx, operations.list_by_subject(tx, subject))


def shown_acts(tx: Connection, rows: Sequence[operations.OperationRow]) -> list[ShownAct]:
    """Operations with their records."""
    acts = []
    stored = {each.id: each for each in records.list_by_ids(tx, [row.record_id for row in rows])}
    for row in rows:
        record = stored[row.record_id]
        personal = None if record.personal is None else fields_from_bytes(record.personal)
        acts.append(
            ShownAct(
                row=row,
                recorded=read_operation(row),
                facts=fields_from_bytes(record.facts),
                personal=personal,
            )
        )
    return acts


def folded(cycle: CycleId, recorded: Iterable[Recorded]) -> CycleState:
    """What was recorded of a cycle, folded; what is only said about it changes nothing."""
    memory = Memory()
    for each in recorded:
        if each.act.witness is None:
            apply(each, memory)
    state = memory.find(CycleState, cycle)
    if state is None:
        raise Inconsistent("a cycle stands in the directory that was never opened")
    return state


def _state_word(state: CycleState) -> str:
    return state.state.word if state.is_open else "voided"


def timeline_entry(tx: Connection, act: ShownAct, *, shows_people: bool) -> TimelineEntry:
    """An operation as people read it."""
    signed_by = act.recorded.message.get("signedBy")
    key = signed_by if isinstance(signed_by, bytes) else b""
    signer = directory.find_signer(tx, key) if any(key) else None
    people = None
    if shows_people and act.personal is not None:
        people = {name: str(act.personal[name]) for name in _PEOPLE if act.personal[name]}
    return TimelineEntry(
        act=act.recorded.act.says(act.recorded.message),
        kind=act.recorded.act.name,
        digest=to_hex(act.row.digest),
        happened=_text(act.facts, "happened.text"),
        signed_at=instant_text(datetime.fromtimestamp(act.row.signed_at, UTC)),
        accepted_at=instant_text(act.row.accepted_at),
        state=act.row.state,
        signer=to_hex(key) if any(key) else "the authority",
        signer_name=signer.name if signer is not None and shows_people else None,
        people=people,
        facts={name: value for name, value in act.facts.items() if value is not None},
    )


def _endings(
    tx: Connection,
    states: Mapping[bytes, CycleState],
    rows: Mapping[bytes, Sequence[operations.OperationRow]],
) -> dict[bytes, Mapping[str, FieldValue]]:
    """The facts of each cycle's current ending; those that have none are left out."""
    endings = [
        row
        for subject, state in states.items()
        for row in rows[subject]
        if row.digest == state.ending
    ]
    facts = read_facts_of(tx, endings)
    return {row.subject: facts[row.digest] for row in endings}


def _line(  # noqa: PLR0913, PLR0917 - a cycle, and all that its line shows
    opening: operations.OperationRow,
    state: CycleState,
    rows: Sequence[operations.OperationRow],
    machine: directory.EquipmentRow,
    ending: Mapping[str, FieldValue],
    numbered: Numbering,
) -> CycleLine:
    return CycleLine(
        id=state.id.hex(),
        unit=state.unit,
        machine_name=machine.name,
        machine_serial=machine.serial,
        epoch=state.epoch,
        number=state.number,
        started=_text(ending, "started"),
        outcome=_text(ending, "outcome"),
        verdict=_text(ending, "verdict.result"),
        profile=_text(ending, "verdict.profile"),
        state=_state_word(state),
        numbering=numbered,
        chain=min((row.state for row in rows), key=_PROGRESS.index),
        cursor=opening.sequence,
    )


_PROGRESS = [
    OperationState.STUCK,
    OperationState.PREPARED,
    OperationState.OWED,
    OperationState.SENT,
    OperationState.MINED,
    OperationState.FINAL,
]


def _machine_verdict(facts: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    names = ("outcome", "fault_code", "programme", "started", "ended")
    machine = {name: facts[name] for name in names}
    machine |= {
        name.removeprefix("machine."): value
        for name, value in facts.items()
        if name.startswith("machine.")
        and name.endswith(("_seconds", "_celsius", "_bar", "_minutes"))
    }
    told = (name for name in TOLD if name != "remarks" and not name.startswith("machine."))
    return machine | {name: facts[name] for name in told if facts.get(name) is not None}


def _remarks(ending: ShownAct, acts: Sequence[ShownAct]) -> tuple[str, ...]:
    """What the ending's reading makes known, and what the readings held against it say."""
    own = _text(ending.facts, "remarks")
    beside = [each for each in acts if each.facts.get("judged_ending") == ending.row.digest.hex()]
    against = [
        f"{each.recorded.act.says(each.recorded.message)}: {each.facts['reasons']}"
        for each in beside
        if each.facts.get("reasons") is not None
    ]
    return (*(() if own is None else own.split("; ")), *against)


def _computed_verdict(facts: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    return {
        name.removeprefix(_VERDICT): value
        for name, value in facts.items()
        if name.startswith(_VERDICT)
    }


def _decision(facts: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    names = ("decision", "reason", "scope")
    return {name: facts[name] for name in names} | {
        name: value for name, value in facts.items() if name.startswith("results.")
    }


def _text(facts: Mapping[str, FieldValue], name: str) -> str | None:
    value = facts.get(name)
    return None if value is None else str(value)


def _hex(digest: Digest) -> str | None:
    return None if digest == ZERO_DIGEST else to_hex(digest)
