"""Recalls: what one would reach, all of it held at once, who was told, and what was found."""

from __future__ import annotations

import secrets
from collections.abc import Container, Mapping
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import accept, choices_for, circumstances, door_of, once, seconded
from api.pages.asking import Asking, go_to, number_of
from api.pages.lists import FILES, file_of
from api.pages.papers import pdf_answer, recall_sheet
from api.pages.screens import screen
from api.pages.shots import Seen, is_over, named, on_page, own_unit, run_of, told_of
from api.pages.words import N_
from ledger.domain.acts.recall_answer import ANSWERS
from ledger.domain.acts.recall_order import CAUSES
from ledger.domain.callers import Scope
from ledger.domain.custody.recalls import Found, Reached
from ledger.domain.encoding.identifiers import Digest, parse_hex32, to_hex
from ledger.domain.errors import InvalidInput
from ledger.forms.papers import Grid, Sheet
from ledger.forms.tables import Table
from ledger.steps.accepting.recalling import RecallRequest, end_recall, order_recall
from ledger.steps.answering.packages import unit_names
from ledger.steps.answering.recalls import RecallView, Told, list_recalls, show_recall
from ledger.storage import operations

_MOST_NUMBERS = 16
#: what a holder is asked for
_ASKED = frozenset({Found.TO_FIND, Found.IN_TRANSIT, Found.MISSING})


#: each is read whole
_MOST_SHOWN = 20


def show_recalls(asking: Asking) -> Mapping[str, object]:
    """The recalls that concern the reader; whoever may order one fills in its range here."""
    with asking.instance.database.reading() as tx:
        views = list_recalls(
            tx, asking.caller, before=number_of(asking.filled.get("before")), limit=_MOST_SHOWN
        )
        machines = choices_for(tx, asking)["equipment"] if asking.may(Scope.DECIDE) else []
    return {
        "views": views,
        "older": views[-1].cursor if len(views) == _MOST_SHOWN else None,
        "machines": machines,
        "causes": CAUSES,
        "mock": None,
        "key": asking.filled.get("key") or secrets.token_hex(16),
    }


def do_recalls(asking: Asking) -> Mapping[str, object] | Response:
    """A range → what it would reach, or everything in it held now, and each holder told."""
    asking.caller.require_scope(Scope.DECIDE)
    filled = asking.filled
    request = RecallRequest(
        equipment=filled.get("equipment"),
        first=_number(asking, "first"),
        last=_number(asking, "last"),
        cause=filled.get("cause"),
        reason=filled.get("reason"),
        is_mock=filled.get("step") != "order",
    )
    if request.is_mock:
        with asking.instance.database.reading() as tx:
            done = order_recall(asking.instance, tx, asking.caller, request, door_of(asking))
            values = of_recall(tx, asking, done.view)
        return {**show_recalls(asking), "mock": values}
    if request.cause not in CAUSES or not request.reason:
        name = "cause" if request.cause not in CAUSES else "reason"
        raise InvalidInput("is missing", field=name, rule="why it is ordered back")
    told = circumstances(asking)
    if filled.get("checker"):
        told["checker"] = filled.get("checker")
    told |= seconded(asking)

    def work(tx: Connection) -> str:
        instance, caller = asking.instance, asking.caller
        return str(order_recall(instance, tx, caller, request, door_of(asking), told).view.order)

    order = once(asking, request, work)
    return go_to(f"/recalls/{order}?done={order}")


def _number(asking: Asking, name: str) -> int:
    text = asking.filled.get(name)
    if not (text.isascii() and text.isdecimal() and len(text) < _MOST_NUMBERS and int(text)):
        raise InvalidInput("is no number", field=name, rule="a number of the machine, from 1")
    return int(text)


def of_recall(tx: Connection, asking: Asking, view: RecallView) -> dict[str, Any]:
    """What pages show of a recall, or of what one would reach."""
    units = {u for each in view.reached for u in (each.holder, each.used_by, each.seen_by) if u}
    own = next((each for each in view.units if each.unit == asking.caller.unit), None)
    return {"view": view, "names": unit_names(tx, units), "own": own}


def show_one(asking: Asking) -> Mapping[str, object] | Response:
    """One recall: by holder, who was told and reached, what was found, and each package."""
    with asking.instance.database.reading() as tx:
        view = show_recall(tx, asking.caller, asking.path("order"))
        values = of_recall(tx, asking, view)
        # which duties were done is asked by whoever reads its order
        order = Digest(parse_hex32(asking.path("order"), field="order"))
        read = operations.find_operation(tx, order, unit=asking.caller.readable_unit)
    form, name = asking.filled.get("format"), f"recall-{view.machine}-{view.first}-{view.last}"
    sheet = recall_sheet(asking.words, view, values["names"])
    if form == "pdf":
        return pdf_answer(asking, sheet, name)
    if form in FILES:
        return file_of(asking, _packages(sheet), name, form)
    return {
        **values,
        "title": f"{view.machine} {view.first}–{view.last}",
        "may_ask": read is not None,
        "may_end": not view.has_ended and asking.may(Scope.DECIDE),
        "done": asking.recorded,
        "key": secrets.token_hex(16),
    }


def _packages(sheet: Sheet) -> Table:
    """Each package of it, as a table to be taken away."""
    listed = [each for each in sheet.sections if isinstance(each, Grid)][-1]
    columns = [(each, None) for each in listed.columns]
    return Table(title=listed.heading, columns=columns, rows=listed.rows)


def do_one(asking: Asking) -> Response:
    """Its notice seen on the unit's own device, or the whole of it ended."""
    order, filled = asking.path("order"), asking.filled

    def see(tx: Connection) -> str:
        view = show_recall(tx, asking.caller, order)
        own = of_recall(tx, asking, view)["own"]
        notices = own.notices if isinstance(own, Told) else ()
        if not notices:
            raise InvalidInput(
                "nobody sent your unit a notice of it",
                field="order",
                rule="a unit says that it saw what it was sent",
            )
        said = [accept(tx, asking, "Comment", about=each, stance="seen") for each in notices]
        return said[-1]

    def end(tx: Connection) -> str:
        asking.caller.require_scope(Scope.DECIDE)
        told = circumstances(asking)
        reason = filled.get("reason")
        door = door_of(asking)
        receipt, _ = end_recall(asking.instance, tx, asking.caller, order, reason, door, told)
        return to_hex(receipt.digest)

    is_end = filled.get("step") == "end"
    if is_end and not filled.get("reason"):
        raise InvalidInput("is missing", field="reason", rule="why it ends")
    digest = once(asking, (order, is_end, filled.get("reason")), end if is_end else see)
    return go_to(f"/recalls/{order}?done={digest}")


# ---------------------------------------------------------------- what was found


def _asked(asking: Asking, view: RecallView) -> list[Reached]:
    """The packages that the unit is asked for: with it, as far as anybody knows, or answered by it.

    An answer that is told again without one of them would take back what was said of it.
    """
    unit = own_unit(asking)
    return [
        each
        for each in view.reached
        if each.answered_by == unit or (each.holder == unit and each.found in _ASKED)
    ]


def show_answer(asking: Asking) -> Mapping[str, object]:
    """What a unit is asked for, and what was found of it by scan."""
    run = run_of(asking)
    with asking.instance.database.reading() as tx:
        view = show_recall(tx, asking.caller, asking.path("order"))
        values = of_recall(tx, asking, view)
        asked = [each.package for each in _asked(asking, view)]
        seen = told_of(asking, named(tx, run), lambda name: _found(asking, name, asked))
    found = {each.name for each in seen if each.tone == "good"}
    return {
        **values,
        "title": f"{view.machine} {view.first}–{view.last}",
        **on_page(asking, run),
        "seen": seen,
        "asked": asked,
        "found": [each for each in asked if each in found],
        "left": [each for each in asked if each not in found],
        "answers": [each for each in ANSWERS if each != "found"],
    }


def _found(asking: Asking, name: str, asked: Container[str]) -> Seen:
    if name in asked:
        return Seen(name=name, tone="good", told=asking.words.say("found: set it aside"))
    return Seen(name=name, tone="warn", told=asking.words.say("is not asked for"))


def do_answer(asking: Asking) -> Mapping[str, object] | Response:
    """A scan more, or the answer: found so many of what was asked, line by line."""
    if not is_over(asking):
        return show_answer(asking)
    order, shown = asking.path("order"), show_answer(asking)
    own, lines = shown["own"], []
    found, left = _texts(shown["found"]), _texts(shown["left"])
    for name in left:
        outcome = asking.filled.get(f"answer.{name}")
        if outcome not in ANSWERS:
            raise InvalidInput(
                f"{name} is not answered", field="answer", rule="what became of each"
            )
        lines.append({"package": name, "outcome": outcome})
    if not found and not lines:
        raise InvalidInput(
            "nothing that is here is asked for", field="lines", rule="a package at least"
        )
    lines = [*({"package": name, "outcome": "found"} for name in found), *lines]
    values = {
        "order": order,
        "found": sum(line["outcome"] == "found" for line in lines),
        "asked": len(lines),
        "lines": lines,
        "replaces": own.answer if isinstance(own, Told) else None,
        "reason": asking.filled.get("reason") or None,
    }
    digest = once(asking, values, lambda tx: accept(tx, asking, "RecallAnswer", **values))
    return go_to(f"/recalls/{order}?done={digest}")


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


SCREENS = (
    screen(
        "/recalls", N_("Recalls"), "recalls.html", show_recalls, do_recalls, menu=N_("Custody")
    ),
    screen("/recalls/{order}", N_("Recall"), "recall.html", show_one, do_one),
    screen(
        "/recalls/{order}/answer",
        N_("Answer a recall"), "recall_answer.html", show_answer, do_answer,
        scopes=frozenset({Scope.ANSWER}), is_scanned=True,
    ),
)  # fmt: skip
