"""Packages by scan where they are used and where they lie: the gate first, then what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import circumstances, door_of, once
from api.pages.asking import Asking, go_to, package_page
from api.pages.lists import Column, listing
from api.pages.screens import screen
from api.pages.shots import (
    Run,
    Seen,
    check,
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
from ledger.domain.custody.gates import Gate
from ledger.domain.custody.lines import Deed
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput
from ledger.steps.accepting.scanning import Scan, report
from ledger.steps.answering.packages import OnShelf, agreed_offset, shelf

SCANS = frozenset({Scope.SCAN})
#: what the indicator within a package showed
INSIDE = ("pass", "fail", "missing")
_MOST_ON_SHELF = 2000
_SHELF = (
    Column(name="package", label="package", link="link"),
    Column(name="set", label="set"),
    Column(name="expires", label="expires", kind="day"),
    Column(name="stage", label="state", kind="state"),
    Column(name="overlays", label="remarks", kind="word"),
    Column(name="seen", label="seen here", kind="word"),
    Column(name="since", label="since", kind="moment"),
)


def scans_of(asking: Asking, run: Run, each: Scan) -> list[Scan]:
    """The same of every shot of a run, and what cards said of it."""
    captured = asking.captured

    def happened(shot: str) -> datetime | None:
        return None if captured is None else captured.moments.get(shot, captured.at)

    return [
        replace(each, said=shot.said, happened=happened(shot.said))
        if deed is each.act
        else Scan(act=deed, said=shot.said, basis=each.basis, happened=happened(shot.said))
        for shot in run.shots
        for deed in (*map(Deed, dict.fromkeys(shot.marks)), each.act)
    ]


def reported(tx: Connection, asking: Asking, scans: Sequence[Scan]) -> str:
    """Scans → accepted; the digest of the first report, empty where all was reported before."""
    receipts, _ = report(
        asking.instance, tx, asking.caller, own_unit(asking), scans, door_of(asking),
        circumstances(asking),
    )  # fmt: skip
    return to_hex(receipts[0].digest) if receipts else ""


def _report(asking: Asking, run: Run, each: Scan) -> str:
    """The same of every package of a run, and what cards said of it → accepted, once; a digest."""
    scans = scans_of(asking, run, each)
    if not scans:
        raise InvalidInput("is missing", field="scan", rule="a package at least")
    return once(asking, [asdict(each) for each in scans], lambda tx: reported(tx, asking, scans))


# ---------------------------------------------------------------- use


def show_use(asking: Asking) -> Mapping[str, object]:
    """What is about to be used, and of each package whether it may be."""
    run = run_of(asking)
    with asking.instance.database.reading() as tx:
        checked = check(tx, asking, run, Gate.USE)
    return {**on_page(asking, run), "checked": checked, "inside": INSIDE}


def do_use(asking: Asking) -> Mapping[str, object] | Response:
    """A package more, or all of them used in the case."""
    if not is_over(asking):
        return show_use(asking)
    filled, run = asking.filled, run_of(asking)
    reason, inside = filled.get("reason") or None, filled.get("inside")
    with asking.instance.database.reading() as tx:
        if asking.captured is None:
            require_named(named(tx, run))
        checked = check(tx, asking, run, Gate.USE)
    if checked.against and reason is None and asking.captured is not None:
        # it has happened, and nobody could ask the gate then
        reason = asking.captured.reason
    if checked.against and reason is None:
        raise InvalidInput(
            "is not entered",
            field="reason",
            rule="what is used although the gate does not say that it may be has a reason",
            remedy="leave it unused, or state the reason; it is kept",
        )
    used = Scan(
        act=Deed.USED,
        basis="scanned",
        case=filled.get("case") or None,
        outcome=f"indicator {inside}" if inside in INSIDE else None,
        reason=reason,
    )
    return go_to(f"/use?done={_report(asking, run, used)}")


# ---------------------------------------------------------------- shelf


def show_shelf(asking: Asking) -> Mapping[str, object] | Response:
    """What a unit has, by the last day of use; what is recalled, and what nobody saw there."""
    unit, run, words, now = own_unit(asking), run_of(asking), asking.words, asking.instance.clock()
    with asking.instance.database.reading() as tx:
        lying = shelf(tx, asking.caller, unit, limit=_MOST_ON_SHELF)
        seen = _on_shelf(tx, asking, run, {each.package: each for each in lying})
        today = (now + agreed_offset(tx)).date().isoformat()
    names = {each.name for each in seen}
    rows = [
        {
            **asdict(each),
            "overlays": ", ".join(words.say(word.replace("_", " ")) for word in each.overlays),
            "seen": "yes" if each.is_seen else "no",
            "link": package_page(each.package),
        }
        for each in lying
    ]
    found = listing(asking, _SHELF, rows, most=_MOST_ON_SHELF)
    if isinstance(found, Response):
        return found
    return {
        "listing": found,
        **on_page(asking, run),
        "seen": seen,
        "left": [each.package for each in lying if each.package not in names],
        "recalled": [each.package for each in lying if "recalled" in each.overlays],
        "expired": [e.package for e in lying if e.expires is not None and e.expires < today],
        "now": now,
    }


def _on_shelf(tx: Connection, asking: Asking, run: Run, lying: Mapping[str, OnShelf]) -> list[Seen]:
    """What was scanned of a shelf: here as recorded, here against the records, or unknown."""

    def tell(name: str) -> Seen:
        tone, told = "good", asking.words.say("here")
        if name not in lying:
            tone, told = "bad", asking.words.say("the records do not have it here: both are asked")
        elif "recalled" in lying[name].overlays:
            tone, told = "bad", asking.words.say("recalled: take it off the shelf")
        return Seen(name=name, tone=tone, told=told, link=package_page(name))

    return told_of(asking, named(tx, run), tell)


def do_shelf(asking: Asking) -> Mapping[str, object] | Response:
    """A package more, or all that were scanned found here."""
    if not is_over(asking):
        return show_shelf(asking)
    found = Scan(act=Deed.FOUND, basis="scanned")
    return go_to(f"/shelf?done={_report(asking, run_of(asking), found)}")


SCREENS = (
    screen(
        "/use", N_("Use"), "use.html", show_use, do_use,
        menu=N_("Custody"), scopes=SCANS, is_scanned=True,
    ),
    screen(
        "/shelf", N_("Shelf"), "shelf.html", show_shelf, do_shelf,
        menu=N_("Custody"), is_scanned=True,
    ),
)  # fmt: skip
