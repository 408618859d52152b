"""Labels: drawn and read back, sent to a printer, confirmed by scan; and paper for outages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import circumstances, door_of, once
from api.pages.asking import Asking, go_to, package_page
from api.pages.lists import taken_away
from api.pages.papers import PDF, Kit, command_labels, kit_print
from api.pages.screens import screen
from api.pages.shots import (
    Seen,
    is_over,
    named,
    on_page,
    own_unit,
    require_named,
    run_of,
    told_of,
)
from api.pages.words import N_
from ledger.domain.callers import Scope
from ledger.domain.custody.labelling import Label, Symbol, plain_label
from ledger.domain.custody.printing import MOST_OF_ROLL, TOLD, PrintState
from ledger.domain.errors import InvalidInput, NotFound
from ledger.forms.papers import MEDIA, STOCKS, Labels, file_of, pdf_of
from ledger.steps.accepting.printing import list_prints, list_rolls, reserve, sent, tell
from ledger.steps.answering.labelling import labels_sent
from ledger.steps.answering.packages import unit_names

SCANS = frozenset({Scope.SCAN})
#: what somebody says became of a label
_TOLD = {
    PrintState.PRINTED: N_("it came out"),
    PrintState.NOT_PRINTED: N_("it did not come out"),
    PrintState.NOT_KNOWN: N_("not known"),
}
_MOST_OPEN = 500
_MOST_PAGES = 20
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")


def show_labels(asking: Asking) -> Mapping[str, object]:
    """What is to be labelled, and the labels of which nobody told yet what became of them."""
    run, unit = run_of(asking), own_unit(asking)
    with asking.instance.database.reading() as tx:
        found = named(tx, run)
        prints = list_prints(tx, asking.caller, unit, open_only=True, limit=_MOST_OPEN)
        told = _told_of(tx, asking, unit)
    plain = asking.words.say(N_("its label is to be printed"))
    seen = told_of(
        asking,
        found,
        lambda name: Seen(name=name, tone="good", told=plain, link=package_page(name)),
    )
    return {
        **on_page(asking, run),
        "seen": seen,
        "prints": prints,
        "sent": [each for each in prints if each.state == PrintState.SENT],
        "states": _TOLD,
        "told": told,
        "stocks": STOCKS,
    }


def do_labels(asking: Asking) -> Mapping[str, object] | Response:
    """A package more; labels sent; a printed one confirmed by its scan; or told by a tap."""
    step = asking.filled.get("step")
    if step == "confirm":
        # the scan of a label says which it is
        return _tell(asking, PrintState.PRINTED, asking.filled.raw("printed"))
    if step in TOLD:
        return _tell(asking, PrintState(step), asking.filled.get("package"))
    if not is_over(asking):
        return show_labels(asking)
    unit, run = own_unit(asking), run_of(asking)
    if not run.shots:
        raise InvalidInput("is missing", field="scan", rule="a package at least")

    def work(tx: Connection) -> str:
        found = named(tx, run)
        require_named(found)
        names = list(dict.fromkeys(each.package or "" for each in found))
        again = asking.filled.get("again") == "yes"
        sent(asking.instance, tx, asking.caller, unit, names, again=again)
        # what is not read back as it stands there is not sent
        _drawn(asking, labels_sent(tx, asking.caller, unit, names), "roll", "pdf")
        return "sent"

    once(asking, [each.said for each in run.shots], work)
    return go_to("/labels")


def _tell(asking: Asking, state: PrintState, package: str) -> Response:
    unit, instance = own_unit(asking), asking.instance

    def work(tx: Connection) -> str:
        door, how = door_of(asking), circumstances(asking)
        _, prints = tell(instance, tx, asking.caller, unit, state, [package], door, how)
        return prints[0].package

    return go_to(f"/labels?{urlencode({'told': once(asking, (state.value, package), work)})}")


def _told_of(tx: Connection, asking: Asking, unit: int) -> tuple[str, str] | None:
    """What was told of a package's newest label: as it is recorded, whatever an address says."""
    name = asking.filled.get("told")
    found = list_prints(tx, asking.caller, unit, after=(name, 0)) if name else []
    own = [each for each in found if each.package == name]
    state = PrintState(own[-1].state) if own else PrintState.SENT
    return (name, _TOLD[state]) if state in _TOLD else None


def take_labels(asking: Asking) -> Response:
    """The labels that are sent, or one of them, as a file; each drawn code was read back."""
    unit, stock, form = own_unit(asking), asking.filled.get("stock"), asking.path("form")
    if form not in MEDIA or stock not in STOCKS:
        raise NotFound("there is nothing at this address", field="path")
    wanted = asking.filled.all("package")
    symbol = Symbol.QR if asking.filled.get("symbol") == Symbol.QR else Symbol.DATAMATRIX
    with asking.instance.database.reading() as tx:
        if not wanted:
            prints = list_prints(tx, asking.caller, unit, open_only=True, limit=_MOST_OPEN)
            wanted = [each.package for each in prints if each.state == PrintState.SENT]
        made = labels_sent(tx, asking.caller, unit, wanted, symbol)
    return _drawn(asking, made, stock, form)


def _drawn(asking: Asking, made: list[Label], stock: str, form: str) -> Response:
    if not made:
        raise NotFound("no label is sent", field="package", remedy="scan a package first")
    data = file_of(Labels(stock=stock, labels=made), form, asking.instance.clock().date())
    return taken_away(data, f"labels.{form}", MEDIA[form])


# ---------------------------------------------------------------- anything else that is scanned


def take_plain(asking: Asking) -> Response:
    """Labels of a set, a basket, an asset or a badge: its code, and what people call it."""
    own_unit(asking)
    stock, form = asking.filled.get("stock"), asking.path("form")
    if form not in MEDIA or stock not in STOCKS:
        raise NotFound("there is nothing at this address", field="path")
    code, title = asking.filled.get("code"), asking.filled.get("title")
    made = command_labels() if stock == "cards" else [plain_label(code, title or code)]
    return _drawn(asking, made, stock, form)


# ---------------------------------------------------------------- paper for outages


def show_paper(asking: Asking) -> Mapping[str, object]:
    """The unit's rolls of reserved serials, and the kit of each that goes on paper."""
    unit = own_unit(asking)
    with asking.instance.database.reading() as tx:
        rolls = list_rolls(tx, asking.caller, unit)
    return {"rolls": list(reversed(rolls)), "most": MOST_OF_ROLL}


def do_paper(asking: Asking) -> Response:
    """A new roll: with its kit, or for what is packed at the bench."""
    unit, count = own_unit(asking), _count(asking, "count", 42, MOST_OF_ROLL)

    for_paper = asking.filled.get("use") != "bench"

    def work(tx: Connection) -> str:
        instance, caller = asking.instance, asking.caller
        return str(reserve(instance, tx, caller, unit, count, for_paper=for_paper).roll)

    return go_to(f"/paper?done={once(asking, ('roll', count, for_paper), work)}")


def take_kit(asking: Asking) -> Response:
    """The whole kit of a roll as one PDF."""
    unit = own_unit(asking)
    with asking.instance.database.reading() as tx:
        rolls = list_rolls(tx, asking.caller, unit)
        code = unit_names(tx, [unit]).get(unit, str(unit))
    wanted = asking.path("roll")
    roll = next((each for each in rolls if each.for_paper and str(each.roll) == wanted), None)
    if roll is None:
        raise NotFound("there is no such roll", field="roll", rule="one of your unit's")
    kit = Kit(
        unit=code,
        number=unit,
        roll=roll,
        pages=_count(asking, "pages", 4, _MOST_PAGES),
        slips=_count(asking, "slips", 4, _MOST_PAGES),
        made_on=asking.instance.clock().date(),
    )
    name = f"paper-kit-{code}-R{roll.roll}-{asking.words.language}.pdf"
    return taken_away(pdf_of(kit_print(asking.words, kit)), name, PDF)


def _count(asking: Asking, name: str, default: int, most: int) -> int:
    text = asking.filled.get(name)
    if not text:
        return default
    if _NUMBER.fullmatch(text) is None or int(text) > most:
        raise InvalidInput("is no number", field=name, rule=f"1 to {most}")
    return int(text)


_MENU = N_("Custody")
SCREENS = (
    screen(
        "/labels", N_("Labels"), "labels.html", show_labels, do_labels, menu=_MENU, scopes=SCANS,
        is_scanned=True,
    ),
    screen("/labels/plain/{form}", N_("Labels"), "problem.html", take_plain, scopes=SCANS),
    screen("/labels/sent/{form}", N_("Labels"), "problem.html", take_labels, scopes=SCANS),
    screen(
        "/paper", N_("Paper for outages"), "paper_kits.html", show_paper, do_paper,
        menu=_MENU, scopes=SCANS,
    ),
    screen("/paper/{roll}", N_("Paper for outages"), "problem.html", take_kit, scopes=SCANS),
)  # fmt: skip
