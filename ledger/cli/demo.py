"""The main job on real printouts, from an empty home to evidence that somebody else can check."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.cycles import print_cycle
from ledger.cli.evidence import print_report, read_deployment
from ledger.cli.launching import start_all, stop_on_signals
from ledger.cli.options import local_caller, opened
from ledger.cli.printing import console, print_table, say
from ledger.cli.running import ChainOption, FinalityOption, environment, overrides_chain
from ledger.domain.visible import visible

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.domain.callers import Caller
    from ledger.domain.cycle_acts import LoadLine
    from ledger.domain.drafts import Circumstances, Draft
    from ledger.domain.operations import Duty
    from ledger.evidence.report import Report
    from ledger.steps.accepting.deciding import DecisionRequest
    from ledger.steps.instance import Instance
    from ledger.steps.reading.imports import ImportReport

#: The centre is unit 1; the figures of the group are those of docs/architecture.md.
CENTRE = 1
_UNITS: Sequence[tuple[int, str, str]] = (
    (1, "CENTRE", "Lead hospital, sterile supply centre"),
    (2, "EAST", "East Community Hospital"),
    (3, "WEST", "West Community Hospital"),
    (4, "NORTH", "North Community Hospital"),
    (5, "SOUTH", "South Community Hospital"),
    (6, "RIVER", "Riverside Clinic"),
    (7, "HILL", "Hillside Clinic"),
    (8, "LAKE", "Lakeside Clinic"),
    (9, "PORT", "Harbour Dental Clinic"),
)
#: Not the default of the other commands: the demonstration's units belong into no real ledger.
DEMO_HOME = Path("steriledger-demo")
_SERIAL = "601362"
_SHOWN = 13
_ABORTED = 14
_HANDPIECES = 1
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.05


DemoHomeOption = Annotated[Path, typer.Option("--home", help="Folder of the demonstration.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signers:
    """ERC-7913 keys of the centre's people."""

    operator: bytes
    releaser: bytes


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit when the job is done.")] = False,
    log: Annotated[
        Path | None, typer.Option(help="Printout to read; the real one of tests/data by default.")
    ] = None,
    chain: ChainOption = None,
    finality: FinalityOption = None,
    *,
    home: DemoHomeOption = DEMO_HOME,
) -> None:
    """Run the main job on a real sterilizer's printouts, then stay up until Ctrl-C.

    A second run finds its records again and changes nothing.
    """
    from ledger.running.processes import Instance as Processes

    os.environ.update(overrides_chain(chain, finality))
    stop = stop_on_signals()
    printouts = log or _default_log()
    with Processes(
        home=home, environment=environment(), log=home / "run" / "log", tell=say
    ) as processes:
        with _step("Starting the chain, the worker and the API"):
            api, rpc = start_all(processes)
        with opened(home) as instance:
            _run(instance, printouts, rpc)
        say("")
        say("✓ All of it held.")
        if once:
            return
        say(f"Chain (read only): {rpc}")
        say(f"Ready: {api}")
        processes.watch(stop)


def _run(instance: Instance, printouts: Path, rpc: str) -> None:
    with _step("Admitting the centre and eight member units, each with its administrator"):
        _admit_units(instance)
    with _step("Registering the sterilizer and enrolling the centre's people"):
        signers = _register(instance)
    with _step(f"Reading {printouts.name} and recording its cycles"):
        report = _import(instance, printouts)
    completed = _completed(report)
    with _step(f"Declaring the loads of {len(completed)} passed cycles, and releasing them"):
        for number in completed:
            _declare_and_release(instance, number, signers)
    with _step("Waiting until the chain has everything"):
        _wait_until_final(instance)
    _print_import(report)
    _show_refused_release(instance, rpc, signers)
    _show_cycle(instance)
    _show_evidence(instance, rpc)


@contextmanager
def _step(words: str) -> Iterator[None]:
    from rich.text import Text

    started = time.monotonic()
    with console().status(Text(visible(f"{words} …"))):
        yield
    say(f"✓ {words} ({time.monotonic() - started:.1f} s)")


def _default_log() -> Path:
    from ledger.domain.errors import NotFound

    path = Path(__file__).resolve().parents[2] / "tests" / "data" / "dacuniversal" / "DAC.Log"
    if not path.is_file():
        raise NotFound(f"there is no {path}", field="--log", remedy="name a printout: --log FILE")
    return path


# ---------------------------------------------------------------- records


def _told(performer: str | None = None) -> Circumstances:
    from ledger.domain.drafts import Circumstances, People

    people = People(performer=performer, enterer=local_caller().person)
    return Circumstances(people=people, authenticated_by="local")


def _record(instance: Instance, tx: Connection, draft: Draft) -> None:
    from ledger.steps.accepting.submit import record_with_held_keys

    record_with_held_keys(instance, tx, local_caller(), draft)


def _admit_units(instance: Instance) -> None:
    from ledger.domain.operations import Custody, UnitRole
    from ledger.domain.registry_acts import AdmitUnit, draft_unit_admission
    from ledger.steps.accepting.signing import make_held_key
    from ledger.storage.directory import find_unit

    for number, code, name in _UNITS:
        with instance.database.transaction() as tx:
            if find_unit(tx, number) is not None:
                continue
            roles = UnitRole.USER | UnitRole.PROCESSOR if number == CENTRE else UnitRole.USER
            request = AdmitUnit(
                number=number,
                code=code,
                name=name,
                roles=roles,
                administrator=make_held_key(instance, tx, label=f"administrator of unit {number}"),
                administrator_name=f"Administrator of {code}",
                custody=Custody.SERVER,
                circumstances=_told(),
            )
            authority = instance.deployment_in(tx).authority
            _record(instance, tx, draft_unit_admission(request, authority=authority))


def _register(instance: Instance) -> _Signers:
    from ledger.domain.operations import Duty, EquipmentKind
    from ledger.domain.registry_acts import RegisterEquipment, draft_equipment_registration
    from ledger.steps.accepting.resolving import resolve_signer
    from ledger.storage.directory import find_equipment_by_serial

    with instance.database.transaction() as tx:
        signs = resolve_signer(tx, local_caller(), CENTRE, Duty.ADMINISTER, None)
        if find_equipment_by_serial(tx, CENTRE, _SERIAL) is None:
            request = RegisterEquipment(
                unit=CENTRE,
                name="DAC 1",
                model="DAC Universal",
                serial=_SERIAL,
                kind=EquipmentKind.STERILIZER,
                epoch=1,
                clock_zone="Europe/Berlin",
                profile="en-285-134",
                administrator=signs.signer,
                circumstances=_told(),
            )
            _record(instance, tx, draft_equipment_registration(request))
    cycle = Duty.OPEN | Duty.LOAD | Duty.RESULT
    return _Signers(
        operator=_enrol(instance, "Operator Li", cycle, signs.signer),
        releaser=_enrol(instance, "Releaser Wang", Duty.DECIDE, signs.signer),
    )


def _enrol(instance: Instance, name: str, duties: Duty, administrator: bytes) -> bytes:
    from ledger.domain.operations import Custody
    from ledger.domain.registry_acts import EnrolSigner, draft_signer_enrolment
    from ledger.steps.accepting.signing import make_held_key
    from ledger.storage.directory import list_signers

    with instance.database.transaction() as tx:
        known = [s.signer for s in list_signers(tx, unit=CENTRE) if s.name == name]
        if known:
            return known[0]
        key = make_held_key(instance, tx, label=name)
        request = EnrolSigner(
            unit=CENTRE,
            key=key,
            name=name,
            duties=duties,
            custody=Custody.SERVER,
            valid_from=int(instance.clock().timestamp()),
            valid_until=0,
            administrator=administrator,
            circumstances=_told(),
        )
        _record(instance, tx, draft_signer_enrolment(request))
    return key


def _import(instance: Instance, printouts: Path) -> ImportReport:
    from ledger.domain.drafts import People
    from ledger.steps.reading.imports import ImportOptions, import_file

    return import_file(
        instance,
        local_caller(),
        printouts.read_bytes(),
        filename=printouts.name,
        unit=CENTRE,
        options=ImportOptions(
            people=People(performer="Operator Li", enterer=local_caller().person),
            authenticated_by="local",
            signer="Operator Li",
        ),
    )


def _completed(report: ImportReport) -> list[int]:
    from ledger.domain.machines.readings import CycleOutcome

    return [
        each.reading.number
        for each in report.cycles
        if each.reading.outcome is CycleOutcome.COMPLETED and each.reading.number is not None
    ]


def _load_lines(number: int) -> list[LoadLine]:
    """Handpieces of three units, different from cycle to cycle."""
    from ledger.domain.cycle_acts import LoadLine

    members = [2 + (number + step) % 8 for step in range(2)]
    return [
        LoadLine(
            owner=unit,
            payer=unit,
            package_class=_HANDPIECES,
            quantity=2,
            description="dental handpieces",
        )
        for unit in (CENTRE, *members)
    ]


def _declare_and_release(instance: Instance, number: int, signers: _Signers) -> None:
    from ledger.domain.cycle_acts import DeclareLoad, draft_load_declaration
    from ledger.domain.encoding.identifiers import ZERO_DIGEST
    from ledger.steps.accepting.deciding import draft_decision
    from ledger.steps.accepting.resolving import resolve_reference
    from ledger.steps.accepting.standing import find_cycle_state

    name = f"{_SERIAL}/{number}"
    with instance.database.transaction() as tx:
        cycle = resolve_reference(tx, local_caller(), name)
        state = find_cycle_state(tx, cycle.id)
        if state is not None and state.decision != ZERO_DIGEST:
            return
        if state is not None and state.load == ZERO_DIGEST:
            request = DeclareLoad(
                cycle=cycle,
                lines=_load_lines(number),
                replaces=ZERO_DIGEST,
                signer=signers.operator,
                circumstances=_told("Operator Li"),
            )
            _record(instance, tx, draft_load_declaration(request))
        _record(instance, tx, draft_decision(tx, local_caller(), _release(number, signers)))


def _release(number: int, signers: _Signers) -> DecisionRequest:
    from ledger.domain.cycle_acts import ShareLine
    from ledger.domain.decisions import DecisionKind
    from ledger.steps.accepting.deciding import DecisionRequest

    return DecisionRequest(
        cycle=f"{_SERIAL}/{number}",
        decision=DecisionKind.RELEASE,
        shares=[
            ShareLine(
                owner=line.owner,
                payer=line.payer,
                package_class=line.package_class,
                delta=line.quantity,
            )
            for line in _load_lines(number)
        ],
        results={"physical": "pass", "biological": "not_required"},
        signer_key=signers.releaser,
        circumstances=_told("Releaser Wang"),
    )


def _wait_until_final(instance: Instance) -> None:
    from ledger.domain.errors import ChainUnavailable
    from ledger.domain.outbox.operation_states import WAITING
    from ledger.storage.operations import count_by_state

    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with instance.database.reading() as tx:
            counts = count_by_state(tx)
        if not any(counts[state] for state in WAITING):
            return
        time.sleep(_PAUSE_SECONDS)
    raise ChainUnavailable(
        f"after {_PATIENCE_SECONDS:.0f} s the chain does not have everything",
        remedy="see: steriledger status",
    )


# ---------------------------------------------------------------- what is shown


def _print_import(report: ImportReport) -> None:
    say("")
    say(f"The printouts of {report.filename}, {report.file.line_count} lines")
    print_table(
        ["cycle", "started", "machine says", "fault", "in the ledger"],
        [
            [
                each.reading.number,
                None if each.reading.started is None else each.reading.started.text,
                each.reading.outcome.value,
                each.reading.fault_code or "",
                each.what.value,
            ]
            for each in report.cycles
        ],
    )


def _show_refused_release(instance: Instance, rpc: str, signers: _Signers) -> None:
    """The aborted cycle cannot be released: not by our rules, and not on the chain without them."""
    from ledger.domain.errors import Inconsistent, Refused
    from ledger.steps.accepting.deciding import draft_decision
    from ledger.steps.accepting.submit import record_with_held_keys
    from ledger.steps.sending.trying import try_on_chain

    say("")
    say(f"Releasing the aborted cycle {_ABORTED}")
    caller: Caller = local_caller()
    try:
        with instance.database.transaction() as tx:
            draft = draft_decision(tx, caller, _release(_ABORTED, signers))
            record_with_held_keys(instance, tx, caller, draft)
    except Refused as error:
        say(f"  here: {error.what}")
    else:
        raise Inconsistent("an aborted cycle was released")
    with instance.database.transaction() as tx:
        draft = draft_decision(tx, caller, _release(_ABORTED, signers))
        refusal = try_on_chain(instance, tx, caller, draft, rpc=rpc)
    if refusal is None:
        raise Inconsistent("the contract would release an aborted cycle")
    say(f"  by the contract, past our rules: {refusal}")


def _show_cycle(instance: Instance) -> None:
    from ledger.steps.answering.showing import show_cycle

    say("")
    with instance.database.reading() as tx:
        print_cycle(show_cycle(tx, local_caller(), f"{_SERIAL}/{_SHOWN}"))


def _show_evidence(instance: Instance, rpc: str) -> None:
    from ledger.steps.answering.exporting import export_evidence

    home = instance.settings.home
    with instance.database.reading() as tx:
        data = export_evidence(instance, tx, local_caller(), f"{_SERIAL}/{_SHOWN}")
    file = home / f"evidence-{_SHOWN}.json"
    file.write_bytes(data)
    say("")
    say(f"Evidence check of {file}, {len(data):,} bytes")
    print_report(_verify(data, home / "deployment.json", rpc))


def _verify(data: bytes, deployment: Path, rpc: str) -> Report:
    from ledger.chain.node import Node
    from ledger.evidence.verify import verify_evidence
    from ledger.keys.signers import verify_signature

    with Node(rpc) as node:
        return verify_evidence(
            data,
            node,
            read_deployment(deployment),
            verify_signature=verify_signature,
            now=datetime.now(UTC),
        )
