"""Bodies about cycles → drafts."""

from __future__ import annotations

from dataclasses import replace

from api import bodies
from api.drafting import Desk, digest_of, seconds
from ledger.domain.cycle_acts import (
    CycleReference,
    DeclareLoad,
    EndCycle,
    LoadLine,
    OpenCycle,
    ShareLine,
    draft_cycle_ending,
    draft_cycle_opening,
    draft_load_declaration,
)
from ledger.domain.decisions import DecisionKind
from ledger.domain.drafts import Draft
from ledger.domain.encoding.identifiers import parse_hex32
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.machines.profiles import get_profile
from ledger.domain.machines.readings import CycleReading, ReadingFile
from ledger.domain.operations import Duty, Outcome, Verdict
from ledger.domain.rules import require_cycle
from ledger.domain.subjects.accepted import CycleState
from ledger.readings import read_file, zone_named
from ledger.steps.accepting.deciding import DecisionRequest, draft_decision
from ledger.steps.accepting.resolving import (
    current_epoch,
    machine_of,
    resolve_machine,
    resolve_reference,
)
from ledger.steps.accepting.standing import find_cycle_state
from ledger.steps.reading.endings import ending_of
from ledger.steps.reading.imports import ImportOptions, reported_of
from ledger.storage import directory, readings

#: The facts of an ending that a person types, and that a reading would state itself.
_TYPED = (
    "outcome",
    "started_at",
    "ended_at",
    "started",
    "ended",
    "fault_code",
    "programme",
    "hold_seconds",
    "minimum_celsius",
    "maximum_celsius",
    "minimum_bar",
    "maximum_bar",
    "pressure_basis",
)


def cycle_opening(desk: Desk, body: bodies.CycleOpening) -> Draft:
    """Body → draft."""
    unit = desk.own_unit(body.unit)
    machine = resolve_machine(desk.tx, desk.caller, body.equipment)
    epoch = current_epoch(desk.tx, machine.id) if body.epoch is None else body.epoch
    return draft_cycle_opening(
        OpenCycle(
            cycle=CycleReference(machine=machine_of(machine), epoch=epoch, number=body.number),
            programme=body.programme,
            started_at=body.started_at,
            is_after_outcome=body.timing == "after_outcome",
            biological_indicator=body.biological_indicator,
            holds_implant=body.holds_implant,
            signer=desk.signer_key(unit, Duty.OPEN, body.signer),
            circumstances=desk.circumstances(body),
        )
    )


def cycle_ending(desk: Desk, body: bodies.CycleEnding) -> Draft:
    """Body → draft, from a kept reading or from typed facts, never from both."""
    if body.reading is None:
        return _typed_ending(desk, body)
    typed = [name for name in _TYPED if getattr(body, name) is not None]
    typed += [] if body.happened == bodies.Happened() else ["happened"]
    if typed:
        raise InvalidInput(
            "is given beside a reading",
            field=typed[0],
            rule="a reading states its own facts; what it does not say is typed in another ending",
        )
    return _read_ending(desk, body, body.reading)


def load_declaration(desk: Desk, body: bodies.LoadDeclaration) -> Draft:
    """Body → draft; every owner and payer is a unit of the group."""
    unit = desk.own_unit(body.unit)
    cycle = _own_cycle(desk, body.cycle)
    lines = [
        LoadLine(
            owner=owner,
            payer=payer,
            package_class=line.package_class,
            quantity=line.quantity,
            description=line.description,
        )
        for line, (owner, payer) in zip(
            body.lines, desk.parties_of(body.lines, field="lines"), strict=True
        )
    ]
    return draft_load_declaration(
        DeclareLoad(
            cycle=cycle,
            lines=lines,
            replaces=digest_of(body.replaces, field="replaces"),
            signer=desk.signer_key(unit, Duty.LOAD, body.signer),
            circumstances=desk.circumstances(body),
        )
    )


def cycle_decision(desk: Desk, body: bodies.CycleDecision) -> Draft:
    """Body → draft; what was judged is named by the body, never filled in."""
    unit = desk.own_unit(body.unit)
    shares = [
        ShareLine(owner=owner, payer=payer, package_class=share.package_class, delta=share.delta)
        for share, (owner, payer) in zip(
            body.shares, desk.parties_of(body.shares, field="shares"), strict=True
        )
    ]
    return draft_decision(
        desk.tx,
        desk.caller,
        DecisionRequest(
            cycle=body.cycle,
            decision=DecisionKind[body.decision.upper()],
            shares=shares,
            results=body.results.model_dump(),
            signer_key=desk.signer_key(unit, Duty.DECIDE, body.signer),
            ending=digest_of(body.ending, field="ending"),
            load=digest_of(body.load, field="load"),
            replaces=digest_of(body.replaces, field="replaces"),
            circumstances=desk.circumstances(body),
        ),
    )


def _own_cycle(desk: Desk, text: str) -> CycleReference:
    cycle = resolve_reference(desk.tx, desk.caller, text)
    desk.caller.require_unit(cycle.machine.unit)
    return cycle


def _typed_ending(desk: Desk, body: bodies.CycleEnding) -> Draft:
    if body.outcome is None:
        raise InvalidInput(
            "is missing", field="outcome", rule="an ending is read from a reading or typed"
        )
    for name in ("profile", "zone"):
        if getattr(body, name) is not None:
            raise InvalidInput(
                "is given without a reading",
                field=name,
                rule="a verdict is computed from a reading's samples",
            )
    unit = desk.own_unit(body.unit)
    cycle = _own_cycle(desk, body.cycle)
    _require_after_start(body, find_cycle_state(desk.tx, cycle.id), unit)
    return draft_cycle_ending(
        EndCycle(
            cycle=cycle,
            outcome=Outcome[body.outcome.upper()],
            verdict=Verdict.NOT_COMPUTED,
            verdict_facts={},
            machine_facts={
                "fault_code": body.fault_code,
                "programme": body.programme,
                "started": body.started,
                "ended": body.ended,
                "machine.hold_seconds": body.hold_seconds,
                "machine.minimum_celsius": body.minimum_celsius,
                "machine.maximum_celsius": body.maximum_celsius,
                "machine.minimum_bar": body.minimum_bar,
                "machine.maximum_bar": body.maximum_bar,
                "pressure_basis": body.pressure_basis,
            },
            started_at=body.started_at,
            ended_at=body.ended_at,
            readings=(),
            replaces=digest_of(body.replaces, field="replaces"),
            signer=desk.signer_key(unit, Duty.RESULT, body.signer),
            circumstances=desk.circumstances(body),
        )
    )


def _require_after_start(body: bodies.CycleEnding, cycle: CycleState | None, unit: int) -> None:
    """A typed end does not lie before the start that the opening stated."""
    state = require_cycle(cycle, unit=unit)
    if body.ended_at is not None and seconds(body.ended_at) < state.started_at:
        raise InvalidInput(
            f"{body.ended_at.isoformat()} is before the start that the opening states",
            field="ended_at",
            rule="a cycle ends after it starts",
        )


def _read_ending(desk: Desk, body: bodies.CycleEnding, part: bodies.ReadingPart) -> Draft:
    if body.profile is not None:
        get_profile(body.profile)
    if body.zone is not None:
        zone_named(body.zone)
    unit = desk.own_unit(body.unit)
    reference = _own_cycle(desk, body.cycle)
    file, source = _kept_reading(desk, part)
    cycle = _part_of(file, part.ordinal)
    _require_same_cycle(cycle, reference)
    options = ImportOptions(
        zone=body.zone,
        profile=body.profile,
        people=desk.people(body),
        source=source,
        authenticated_by=body.authenticated_by,
    )
    machine = directory.get_equipment(desk.tx, reference.machine.id, unit=unit)
    ending = ending_of(
        reported_of(desk.tx, file, cycle, machine, options),
        reference,
        signer=desk.signer_key(unit, Duty.RESULT, body.signer),
        replaces=digest_of(body.replaces, field="replaces"),
        reason=body.reason,
    )
    stated = desk.circumstances(body)
    return draft_cycle_ending(
        replace(
            ending,
            circumstances=replace(
                ending.circumstances,
                device=stated.device,
                legal_hold=stated.legal_hold,
                signed_at=stated.signed_at,
            ),
        )
    )


def _kept_reading(desk: Desk, part: bodies.ReadingPart) -> tuple[ReadingFile, str]:
    digest = parse_hex32(part.sha256, field="reading.sha256")
    row = readings.find_reading(desk.tx, digest, unit=desk.caller.unit)
    if row is None:
        raise NotFound(
            "no such reading of your unit",
            field="reading.sha256",
            remedy="upload it first: POST /v1/readings",
        )
    return read_file(row.raw, filename=row.filename), row.source


def _part_of(file: ReadingFile, ordinal: int) -> CycleReading:
    for cycle in file.cycles:
        if cycle.ordinal == ordinal:
            return cycle
    raise NotFound(
        f"the reading has no cycle {ordinal}",
        field="reading.ordinal",
        rule=f"1 to {file.cycles[-1].ordinal}",
    )


def _require_same_cycle(cycle: CycleReading, reference: CycleReference) -> None:
    """What a reading says of its machine and number is the cycle's own."""
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
