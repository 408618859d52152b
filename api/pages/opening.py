"""A cycle opened before its outcome, with what goes in; and a test's result, when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import accept, once, record
from api.pages.asking import Asking, Filled, go_to
from api.pages.cycles import machine_of
from api.pages.screens import READS, screen
from api.pages.shots import Seen, is_over, on_page, own_unit, run_of
from api.pages.words import N_
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.words import BAD_RESULTS, RESULT_NAMES, EquipmentState
from ledger.domain.callers import Scope
from ledger.domain.custody.standing import suspended
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.subjects.states import MachineState
from ledger.steps.accepting.loading import load_scanned, packages_in
from ledger.steps.accepting.recalled import suspensions_of
from ledger.steps.accepting.resolving import resolve_cycle
from ledger.steps.accepting.standing import Accepted
from ledger.steps.answering.surveying import Surveyed, range_behind, survey

_SAID = ("number", "programme", "biological_indicator", "holds_implant", "flash", "started_at")
#: digits of the highest class, and of a machine's own number
_DIGITS = 15
#: what a recall names as its cause where a result did not pass
_CAUSES = {"biological": "biological", "physical": "physical", "bowie_dick": "machine"}


# ---------------------------------------------------------------- open


def show_opening(asking: Asking) -> Mapping[str, object]:
    """One machine: its next number, whether it is suspended, and what was scanned into it."""
    run, unit = run_of(asking), own_unit(asking)
    with asking.instance.database.reading() as tx:
        machine = machine_of(tx, asking, asking.path("equipment"))
        asking.caller.require_unit(machine.unit)
        state = Accepted(tx).find(MachineState, machine.id)
        if state is None or state.state is EquipmentState.RETIRED:
            raise NotFound("there is no such machine", field="equipment")
        cycles = survey(tx, asking.caller, machine=machine.id) if asking.may(*READS) else []
        is_suspended = suspended(suspensions_of(tx, machine.id)) is not None
        found = [(each.said, packages_in(tx, unit, each.said)) for each in run.shots]
    running = [each for each in cycles if each.state.epoch == state.epoch]
    return {
        **on_page(asking, run),
        "title": machine.name or machine.serial,
        "machine": machine,
        "is_in_service": state.state is EquipmentState.IN_SERVICE,
        "state": state.state.name.lower(),
        "is_suspended": is_suspended,
        "epoch": state.epoch,
        "next": max((each.state.number for each in running), default=0) + 1,
        "open": [each for each in running if not any(each.state.ending)],
        "seen": [_seen(asking, said, [row.name for row in rows]) for said, rows in found],
        "packages": len({row.name for _, rows in found for row in rows}),
    }


def _seen(asking: Asking, said: str, names: list[str]) -> Seen:
    if not names:
        told = asking.words.say(N_("leads to no package of yours: undo it, or say what lies in it"))
        return Seen(name=said[:60], tone="bad", told=told)
    return Seen(name=said, tone="good", told=", ".join(names))


def do_opening(asking: Asking) -> Mapping[str, object] | Response:
    """A basket more, or the cycle opened, and its load declared where anything was scanned."""
    if not is_over(asking):
        return show_opening(asking)
    unit, filled, run = own_unit(asking), asking.filled, run_of(asking)
    with asking.instance.database.reading() as tx:
        machine = machine_of(tx, asking, asking.path("equipment"))
    number = _whole(asking, "number")
    said: dict[str, Any] = {name: filled.get(name) for name in _SAID if filled.get(name)}
    for name in ("biological_indicator", "holds_implant", "flash"):
        if name in said:
            said[name] = said[name] == "yes"
    if "started_at" in said:
        try:
            said["started_at"] = asking.words.local(said["started_at"])
        except (ValueError, OverflowError):
            raise InvalidInput("is no moment", field="started_at", rule="a day, a time") from None
    said |= {"equipment": machine.id.hex(), "number": number}
    if filled.get("late") == "yes":
        said["timing"] = "after_outcome"
    kind = _whole(asking, "package_class") if filled.get("package_class") else None

    def work(tx: Connection) -> str:
        state = Accepted(tx).find(MachineState, machine.id)
        epoch = state.epoch if state is not None else 1
        lines = load_scanned(tx, unit, [each.said for each in run.shots], kind)
        digest = accept(tx, asking, "CycleOpening", epoch=epoch, **said)
        if lines:
            asking.caller.require_scope(Scope.LOAD)
            cycle = f"{machine.serial}/{epoch}/{number}"
            digest = accept(tx, asking, "LoadDeclaration", cycle=cycle, lines=lines, replaces=None)
        return digest

    digest = once(asking, (said, run.said, kind), work)
    return go_to(f"/cycles?done={digest}")


def _whole(asking: Asking, name: str) -> int:
    text = asking.filled.get(name)
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS and int(text)):
        raise InvalidInput("is no number", field=name, rule="a whole number, from 1")
    return int(text)


# ---------------------------------------------------------------- a test's result


def show_result(asking: Asking) -> Mapping[str, object]:
    """One cycle whose result is read: what is due, and what was entered before."""
    with asking.instance.database.reading() as tx:
        each = _surveyed(tx, asking)[1]
    return {
        "title": f"{each.machine.name or each.machine.serial} {each.state.number}",
        "each": each,
        "results": RESULT_NAMES,
        "chosen": asking.filled.get("result") or ("biological" if each.is_due else ""),
    }


def _surveyed(tx: Connection, asking: Asking) -> tuple[list[Surveyed], Surveyed]:
    cycle = resolve_cycle(tx, asking.caller, asking.path("cycle"))
    cycles = survey(tx, asking.caller, machine=cycle.equipment)
    found = next((each for each in cycles if each.state.id == cycle.id), None)
    if found is None:
        raise NotFound("there is no such cycle", field="cycle")
    return cycles, found


def do_result(asking: Asking) -> Response:
    """A result entered; one that did not pass leads to the recall with its range filled in."""
    filled = asking.filled
    result, word = filled.get("result"), filled.get("word")
    with asking.instance.database.reading() as tx:
        cycles, each = _surveyed(tx, asking)
    after = "/due"
    if word == "fail" and word in BAD_RESULTS and result in RESULT_NAMES:
        first, last = range_behind(cycles, each, result)
        cause = _CAUSES.get(result, "chemical")
        asked = {"equipment": each.machine.id.hex(), "first": first, "last": last, "cause": cause}
        after = f"/recalls?{urlencode(asked)}"
    pairs = [(name, text) for name in filled.names() for text in filled.all(name)]
    pairs = [pair for pair in pairs if pair[0] not in {"cycle", "next"}]
    pairs += [("cycle", each.state.id.hex()), ("next", after)]
    return record(replace(asking, filled=Filled(pairs)), ACTS["ResultEntry"])


SCREENS = (
    screen(
        "/cycles/open/{equipment}", N_("Open a cycle"), "opening.html", show_opening, do_opening,
        scopes=frozenset({Scope.OPEN}), is_scanned=True,
    ),
    screen(
        "/due/{cycle}", N_("Enter the result"), "result.html", show_result, do_result,
        scopes=frozenset({Scope.RESULT}),
    ),
)  # fmt: skip
