"""Cycles: open one, bring its printout, look at it, decide over it, and what is due."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import choices_for, record, title_of
from api.pages.asking import Asking, go_to
from api.pages.curve import drawing
from api.pages.lists import Column, listing
from api.pages.screens import READS, Screen
from api.pages.words import N_
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.decisions import RELEASES
from ledger.domain.acts.words import BAD_RESULTS, RESULT_NAMES, EquipmentState
from ledger.domain.callers import Scope
from ledger.domain.custody.standing import suspended
from ledger.domain.drafts import People
from ledger.domain.encoding.identifiers import parse_hex32
from ledger.domain.errors import InvalidInput, NotFound, Refused
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.states import MachineState
from ledger.steps.accepting.recalled import suspensions_of
from ledger.steps.accepting.resolving import resolve_cycle, resolve_machine
from ledger.steps.accepting.standing import Accepted
from ledger.steps.answering.curves import curves_of
from ledger.steps.answering.showing import CycleView, list_cycles, show_cycle
from ledger.steps.answering.surveying import by_lot, gaps_of, survey
from ledger.steps.reading.imports import ImportOptions, import_file
from ledger.storage import directory

MOST_CYCLES = 500
_COLUMNS = (
    Column(name="called", label="cycle", link="link"),
    Column(name="machine", label="machine"),
    Column(name="started", label="started"),
    Column(name="outcome", label="machine's word", kind="word"),
    Column(name="verdict", label="computed", kind="word"),
    Column(name="state", label="decision", kind="state"),
    Column(name="chain", label="proof", kind="word"),
)
_WAITING = frozenset({OperationState.OWED, OperationState.SENT, OperationState.MINED})


def show_list(asking: Asking) -> Mapping[str, object] | Response:
    """The newest cycles."""
    machine = asking.filled.get("machine") or None
    with asking.instance.database.reading() as tx:
        lines = list_cycles(tx, asking.caller, equipment=machine, limit=MOST_CYCLES)
        machines = directory.list_equipment(tx, unit=asking.caller.readable_unit, limit=1000)
    rows = [
        {
            **asdict(line),
            "called": f"{line.machine_serial}/{line.number}",
            "machine": line.machine_name or line.machine_serial,
            "link": f"/cycles/{line.id}",
        }
        for line in lines
    ]
    found = listing(asking, _COLUMNS, rows, most=MOST_CYCLES, keeps=("machine",))
    if isinstance(found, Response):
        return found
    return {
        "listing": found,
        "machines": machines,
        "machine": machine or "",
        "done": asking.recorded,
    }


def show_one(asking: Asking) -> Mapping[str, object]:
    """One cycle: curve, three verdicts, what happened, and how its proof stands."""
    with asking.instance.database.reading() as tx:
        view = show_cycle(tx, asking.caller, asking.path("cycle"))
        return {**_shown(tx, asking, view), "done": asking.recorded}


def _shown(tx: Connection, asking: Asking, view: CycleView) -> dict[str, object]:
    curves = curves_of(tx, bytes.fromhex(view.id), unit=view.unit, verdict=view.computed_verdict)
    is_own = asking.caller.unit in {None, view.unit}
    return {
        "title": f"{view.machine_serial}/{view.number}",
        "view": view,
        "called": f"{view.machine_serial}/{view.epoch}/{view.number}",
        "unit": directory.get_unit(tx, view.unit),
        "units": _names(tx),
        "curves": [(curve, drawing(curve, asking.words)) for curve in curves],
        "results": results_of(view),
        "is_late": any(e.facts.get("timing") == "after_outcome" for e in view.timeline),
        "waits": [each for each in view.timeline if each.state in _WAITING],
        "stuck": [each for each in view.timeline if each.state is OperationState.STUCK],
        "load": load_of(view),
        "is_own": is_own,
        "titles": {name: title_of(act) for name, act in ACTS.items()},
        "result_names": RESULT_NAMES,
    }


def _names(tx: Connection) -> dict[int, str]:
    return {each.number: each.code for each in directory.list_units(tx, limit=1000)}


def results_of(view: CycleView) -> dict[str, str]:
    """The newest word for each result, of those that were entered."""
    found: dict[str, str] = {}
    for entry in view.timeline:
        if entry.kind == "ResultEntry":
            found[str(entry.facts["result"])] = str(entry.facts["word"])
        elif entry.kind == "CycleDecision":
            stated = {n: str(entry.facts.get(f"results.{n}", "not_entered")) for n in RESULT_NAMES}
            found |= {name: word for name, word in stated.items() if word != "not_entered"}
    return found


def load_of(view: CycleView) -> list[dict[str, object]]:
    """The lines of the load that stands."""
    entry = next((e for e in view.timeline if e.digest == view.current.load), None)
    if entry is None:
        return []
    count = len({path.split(".")[1] for path in entry.facts if path.startswith("lines.")})
    columns = ("owner", "payer", "package_class", "quantity", "package", "description")
    return [
        {column: entry.facts.get(f"lines.{number}.{column}") for column in columns}
        for number in range(count)
    ]


# ---------------------------------------------------------------- unload and decide


def show_decide(asking: Asking) -> Mapping[str, object]:
    """What a person judges on one page, and the buttons with which they decide."""
    asking.caller.require_scope(Scope.DECIDE)
    with asking.instance.database.reading() as tx:
        view = show_cycle(tx, asking.caller, asking.path("cycle"))
        asking.caller.require_unit(view.unit)
        values = _shown(tx, asking, view)
    known = results_of(view)
    return {
        **values,
        "key": secrets.token_hex(16),
        "known": known,
        "missing": missing(view, known),
        "may_result": asking.may(Scope.RESULT),
    }


def do_decide(asking: Asking) -> Response:
    """The decision; packages are named for a release alone."""
    if asking.filled.get("decision") not in {kind.name.lower() for kind in RELEASES}:
        asking.filled = asking.filled.without("shares")
    return record(asking, ACTS["CycleDecision"])


def missing(view: CycleView, known: Mapping[str, str]) -> list[str]:
    """What keeps a release off, in words, as far as it is plain before anybody tries."""
    found = []
    if view.current.ending is None:
        found.append(N_("the cycle has not ended: bring its printout, or type its end"))
    elif view.machine_verdict is not None and view.machine_verdict["outcome"] != "completed":
        found.append(N_("by the machine's own word it was not completed"))
    if view.computed_verdict is not None and view.computed_verdict.get("result") == "failed":
        found.append(N_("its readings failed the named profile"))
    if view.current.load is None:
        found.append(N_("its load is not declared"))
    if any(word in BAD_RESULTS for word in known.values()):
        found.append(N_("a monitoring result did not pass"))
    return found


# ---------------------------------------------------------------- open


def show_open(asking: Asking) -> Mapping[str, object] | Response:
    """The machines of one's unit, each with the number that would be next, and its state.

    A scan of a machine goes on to its own page.
    """
    asking.caller.require_scope(Scope.OPEN)
    said = asking.filled.get("q")
    with asking.instance.database.reading() as tx:
        if said:
            return go_to(f"/cycles/open/{resolve_machine(tx, asking.caller, said).id.hex()}")
        rows = directory.list_equipment(tx, unit=asking.caller.unit, limit=200)
        accepted = Accepted(tx)
        machines = []
        for row in rows:
            state = accepted.find(MachineState, row.id)
            if state is None or state.state is EquipmentState.RETIRED:
                continue
            newest = (
                list_cycles(tx, asking.caller, equipment=row.id.hex(), limit=20)
                if asking.may(*READS)
                else []
            )
            numbers = [line.number for line in newest if line.epoch == state.epoch]
            machines.append(
                {
                    "row": row,
                    "is_in_service": state.state is EquipmentState.IN_SERVICE,
                    "state": state.state.name.lower(),
                    "is_suspended": suspended(suspensions_of(tx, row.id)) is not None,
                    "epoch": state.epoch,
                    "next": max(numbers, default=0) + 1,
                }
            )
    return {
        "machines": machines,
        "chosen": asking.filled.get("machine"),
        "key": secrets.token_hex(16),
    }


# ---------------------------------------------------------------- printouts


def show_upload(asking: Asking) -> Mapping[str, object]:
    """Where a printout is brought."""
    asking.caller.require_scope(Scope.END)
    with asking.instance.database.reading() as tx:
        return {"choices": choices_for(tx, asking), "report": None}


def do_upload(asking: Asking) -> Mapping[str, object]:
    """A printout → kept, and each cycle in it opened and ended; what became of each."""
    caller, filled = asking.caller, asking.filled
    caller.require_scope(Scope.END)
    if caller.unit is None:
        raise Refused("the authority has no machines", field="unit", rule="a unit's own people")
    name, data = filled.files.get("file", ("", b""))
    if not data:
        raise InvalidInput("is missing", field="file", rule="a printout of a machine")
    if not 1 <= len(name) <= 200 or not name.isprintable():  # noqa: PLR2004 - as at the API's door
        raise InvalidInput("is not a name", field="file", rule="1 to 200 printable characters")
    way = "none" if asking.session is None else asking.session.way
    options = ImportOptions(
        zone=filled.get("zone") or None,
        profile=filled.get("profile") or None,
        people=People(enterer=caller.person, performer=filled.get("performer") or None),
        authenticated_by=way,
    )
    report = import_file(
        asking.instance, caller, data, filename=name, unit=caller.unit, options=options
    )
    return {**show_upload(asking), "report": report}


# ---------------------------------------------------------------- tests due


def show_due(asking: Asking) -> Mapping[str, object] | Response:
    """Indicators whose result is not there, results that did not pass, and numbers never opened.

    A scan of the cycle's name, as it stands on a vial, goes on to where its result is entered.
    """
    said = asking.filled.get("q")
    with asking.instance.database.reading() as tx:
        if said and asking.may(Scope.RESULT):
            return go_to(f"/due/{resolve_cycle(tx, asking.caller, said).id.hex()}")
        cycles = survey(tx, asking.caller)
    due = [each for each in cycles if each.is_due]
    bad = [
        (each, {name: word for name, word in each.results.items() if word in BAD_RESULTS})
        for each in cycles
    ]
    undecided = [each for each in cycles if each.waits]
    return {
        "due": due,
        "bad": [(each, words) for each, words in bad if words],
        "undecided": undecided,
        "gaps": gaps_of(cycles),
        "lots": by_lot(cycles),
        "done": asking.recorded,
    }


def machine_of(tx: Connection, asking: Asking, text: str) -> directory.EquipmentRow:
    """A machine that the caller may read, by its id; raises NotFound."""
    row = directory.find_equipment(
        tx, parse_hex32(text, field="equipment"), unit=asking.caller.readable_unit
    )
    if row is None:
        raise NotFound("there is no such machine", field="equipment")
    return row


SCREENS = (
    Screen(
        path="/cycles/open",
        template="open.html",
        title=N_("Open a cycle"),
        show=show_open,
        menu=N_("Centre"),
        scopes=frozenset({Scope.OPEN}),
    ),
    Screen(
        path="/readings",
        template="readings.html",
        title=N_("Bring a printout"),
        show=show_upload,
        do=do_upload,
        menu=N_("Centre"),
        scopes=frozenset({Scope.END}),
    ),
    Screen(
        path="/cycles",
        template="cycles.html",
        title=N_("Cycles"),
        show=show_list,
        menu=N_("Centre"),
        scopes=READS,
    ),
    Screen(
        path="/due",
        template="due.html",
        title=N_("Tests due and gaps"),
        show=show_due,
        menu=N_("Centre"),
        scopes=READS,
    ),
    Screen(
        path="/cycles/{cycle}/decide",
        template="decide.html",
        title=N_("Unload and decide"),
        show=show_decide,
        do=do_decide,
        takes_photos=True,
        scopes=frozenset({Scope.DECIDE}),
    ),
    Screen(
        path="/cycles/{cycle}",
        template="cycle.html",
        title=N_("Cycle"),
        show=show_one,
        scopes=READS,
    ),
)
