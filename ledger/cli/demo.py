"""The main job on real printouts, from an empty home to evidence that somebody else can check."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.domain.drafts import Draft
    from ledger.evidence.report import Report
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
_OPERATOR, _RELEASER = "Operator Li", "Releaser Wang"
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.05


DemoHomeOption = Annotated[Path, typer.Option("--home", help="Folder of the demonstration.")]


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
        _register(instance)
    with _step(f"Reading {printouts.name} and recording its cycles"):
        report = _import(instance, printouts)
    completed = _completed(report)
    with _step(f"Declaring the loads of {len(completed)} passed cycles, and releasing them"):
        for number in completed:
            _declare_and_release(instance, number)
    with _step("Waiting until the chain has everything"):
        _wait_until_final(instance)
    _print_import(report)
    _show_refused_release(instance, rpc)
    _show_cycle(instance)
    _show_evidence(instance, rpc)


@contextmanager
def _step(words: str) -> Iterator[None]:
    started = time.monotonic()
    with console().status(f"{words} …"):
        yield
    say(f"✓ {words} ({time.monotonic() - started:.1f} s)")


def _default_log() -> Path:
    from ledger.domain.errors import NotFound

    path = Path(__file__).resolve().parents[2] / "tests" / "data" / "dacuniversal" / "DAC.Log"
    if not path.is_file():
        raise NotFound(f"there is no {path}", field="--log", remedy="name a printout: --log FILE")
    return path


# ---------------------------------------------------------------- records


def _draft(instance: Instance, tx: Connection, kind: str, values: dict[str, object]) -> Draft:
    from ledger.cli.commands import COMMAND_LINE
    from ledger.domain.acts.catalogue import find_act
    from ledger.steps.accepting.drafting import make_draft

    return make_draft(instance, tx, local_caller(), find_act(kind), values, COMMAND_LINE)


def _record(instance: Instance, tx: Connection, act: str, **values: object) -> None:
    from ledger.steps.accepting.submit import record_with_held_keys

    record_with_held_keys(instance, tx, local_caller(), _draft(instance, tx, act, values))


def _admit_units(instance: Instance) -> None:
    from ledger.storage.directory import find_unit

    for number, code, name in _UNITS:
        with instance.database.transaction() as tx:
            if find_unit(tx, number) is None:
                _record(
                    instance,
                    tx,
                    "UnitAdmission",
                    unit=number,
                    code=code,
                    name=name,
                    roles=["user", "processor"] if number == CENTRE else ["user"],
                    administrator_name=f"Administrator of {code}",
                )


def _register(instance: Instance) -> None:
    from ledger.storage.directory import find_equipment_by_serial

    with instance.database.transaction() as tx:
        if find_equipment_by_serial(tx, CENTRE, _SERIAL) is None:
            _record(
                instance,
                tx,
                "EquipmentRegistration",
                unit=CENTRE,
                name="DAC 1",
                model="DAC Universal",
                serial=_SERIAL,
                kind="sterilizer",
                clock_zone="Europe/Berlin",
                profile="en-285-134",
            )
    _enrol(instance, _OPERATOR, "open", "load", "result")
    _enrol(instance, _RELEASER, "decide")


def _enrol(instance: Instance, name: str, *rights: str) -> None:
    from ledger.storage.directory import list_signers

    with instance.database.transaction() as tx:
        if all(signer.name != name for signer in list_signers(tx, unit=CENTRE)):
            _record(instance, tx, "SignerEnrolment", unit=CENTRE, name=name, rights=rights)


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
            people=People(performer=_OPERATOR, enterer=local_caller().person),
            authenticated_by="local",
            signer=_OPERATOR,
        ),
    )


def _completed(report: ImportReport) -> list[int]:
    from ledger.domain.machines.readings import CycleOutcome

    return [
        each.reading.number
        for each in report.cycles
        if each.reading.outcome is CycleOutcome.COMPLETED and each.reading.number is not None
    ]


def _lines(number: int, counted_as: str, **more: object) -> list[dict[str, object]]:
    """Handpieces of three units, different from cycle to cycle."""
    members = [2 + (number + step) % 8 for step in range(2)]
    return [
        {"owner": unit, "package_class": _HANDPIECES, counted_as: 2, **more}
        for unit in (CENTRE, *members)
    ]


def _declare_and_release(instance: Instance, number: int) -> None:
    from ledger.domain.encoding.identifiers import ZERO_DIGEST
    from ledger.domain.subjects.states import CycleState
    from ledger.steps.accepting.resolving import resolve_reference
    from ledger.steps.accepting.standing import Accepted

    name = f"{_SERIAL}/{number}"
    with instance.database.transaction() as tx:
        cycle = resolve_reference(tx, local_caller(), name)
        state = Accepted(tx).find(CycleState, cycle.id)
        if state is not None and state.decision != ZERO_DIGEST:
            return
        if state is not None and state.load == ZERO_DIGEST:
            _record(
                instance,
                tx,
                "LoadDeclaration",
                cycle=name,
                lines=_lines(number, "quantity", description="dental handpieces"),
                signer=_OPERATOR,
                performer=_OPERATOR,
            )
        _record(instance, tx, "CycleDecision", **_release(number))


def _release(number: int) -> dict[str, object]:
    return {
        "cycle": f"{_SERIAL}/{number}",
        "decision": "release",
        "shares": _lines(number, "delta"),
        "results": {"physical": "pass", "biological": "not_required"},
        "signer": _RELEASER,
        "performer": _RELEASER,
    }


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


def _show_refused_release(instance: Instance, rpc: str) -> None:
    """The aborted cycle cannot be released: not by our rules, and not on the chain without them."""
    from ledger.domain.errors import Inconsistent, Refused
    from ledger.steps.sending.trying import try_on_chain

    say("")
    say(f"Releasing the aborted cycle {_ABORTED}")
    try:
        with instance.database.transaction() as tx:
            _record(instance, tx, "CycleDecision", **_release(_ABORTED))
    except Refused as error:
        say(f"  here: {error.what}")
    else:
        raise Inconsistent("an aborted cycle was released")
    with instance.database.transaction() as tx:
        draft = _draft(instance, tx, "CycleDecision", _release(_ABORTED))
        refusal = try_on_chain(instance, tx, local_caller(), draft, rpc=rpc)
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
