"""Packages by scan where they are used and where they lie: the gate first, then what was done."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import circumstances, door_of, once
from api.pages.asking import Asking, go_to
from api.pages.boxes import own_unit, trouble, what_is_meant
from api.pages.lists import Column, listing
from api.pages.screens import READS, Screen
from api.pages.shots import CARDS, Run, Seen, is_over, run_of, said_of_gate, scan_on, unchecked
from api.pages.words import N_
from ledger.domain.callers import Scope
from ledger.domain.custody.gates import Gate, Word
from ledger.domain.custody.lines import Deed
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput
from ledger.steps.accepting.scanning import Scan, report
from ledger.steps.answering.packages import OnShelf, ask_all, shelf

SCANS = frozenset({Scope.SCAN})
_OF_USE = ("case", "inside", "reason", "key")
#: what the indicator within a package showed
INSIDE = ("pass", "fail")
_MOST_ON_SHELF = 2000
_SHELF = (
    Column(name="package", label="package", link="link"),
    Column(name="set", label="set"),
    Column(name="expires", label="expires"),
    Column(name="stage", label="state", kind="state"),
    Column(name="overlays", label="remarks", kind="word"),
    Column(name="seen", label="seen here", kind="word"),
    Column(name="since", label="since", kind="moment"),
)


def _report(asking: Asking, scans: Sequence[Scan]) -> str:
    """What was scanned → accepted, once; the digest of its first report."""
    unit = own_unit(asking)

    def work(tx: Connection) -> str:
        receipts, _ = report(
            asking.instance, tx, asking.caller, unit, scans, door_of(asking), circumstances(asking)
        )
        return to_hex(receipts[0].digest) if receipts else ""

    return once(asking, [asdict(each) for each in scans], work)


# ---------------------------------------------------------------- use


def show_use(asking: Asking) -> Mapping[str, object]:
    """What is about to be used, and of each package whether it may be."""
    unit, run, filled = own_unit(asking), run_of(asking), asking.filled
    with asking.instance.database.reading() as tx:
        found = what_is_meant(tx, [shot.said for shot in run.shots])
        names = list(dict.fromkeys(each.package for each in found if each.package))
        answers = ask_all(asking.instance, tx, Gate.USE, names, unit=unit)
    told = {each.package: said_of_gate(each, asking.words) for each in answers}
    return {
        "run": run,
        "seen": [told.get(each.package) or trouble(each, asking) for each in found],
        "against": [each.package for each in answers if each.word is not Word.YES],
        "unchecked": unchecked(answers),
        "count": len(names),
        "inside": INSIDE,
        "cards": CARDS,
        "key": filled.get("key") or secrets.token_hex(16),
        "done": filled.get("done"),
    }


def do_use(asking: Asking) -> Response:
    """A package more, or all of them used in the case."""
    if not is_over(asking):
        return scan_on(asking, _OF_USE)
    filled, run, shown = asking.filled, run_of(asking), show_use(asking)
    if not run.shots:
        raise InvalidInput("is missing", field="scan", rule="a package at least")
    reason = filled.get("reason") or None
    if shown["against"] and reason is None:
        raise InvalidInput(
            "is not entered",
            field="reason",
            rule="what is used although the gate does not say that it may be has a reason",
            remedy="leave it unused, or state the reason; it is kept",
        )
    inside = filled.get("inside")
    scans = [
        Scan(
            act=deed,
            said=shot.said,
            basis="scanned",
            case=filled.get("case") or None if deed is Deed.USED else None,
            outcome=f"inner indicator: {inside}"
            if inside in INSIDE and deed is Deed.USED
            else None,
            reason=reason,
        )
        for shot in run.shots
        for deed in (*(Deed(mark) for mark in dict.fromkeys(shot.marks)), Deed.USED)
    ]
    return go_to(f"/use?done={_report(asking, scans)}")


# ---------------------------------------------------------------- shelf


def show_shelf(asking: Asking) -> Mapping[str, object] | Response:
    """What a unit has, by the last day of use; what is recalled, and what nobody saw there."""
    unit, run, words, now = own_unit(asking), run_of(asking), asking.words, asking.instance.clock()
    with asking.instance.database.reading() as tx:
        lying = shelf(tx, asking.caller, unit, limit=_MOST_ON_SHELF)
        seen = _on_shelf(tx, asking, run, {each.package: each for each in lying})
    today, names = now.date().isoformat(), {each.name for each in seen}
    rows = [
        {
            **asdict(each),
            "overlays": ", ".join(words.say(word.replace("_", " ")) for word in each.overlays),
            "seen": "yes" if each.is_seen else "no",
            "link": f"/packages/{each.package}",
        }
        for each in lying
    ]
    found = listing(asking, _SHELF, rows, most=_MOST_ON_SHELF)
    if isinstance(found, Response):
        return found
    return {
        "listing": found,
        "run": run,
        "seen": seen,
        "cards": CARDS,
        "left": [each.package for each in lying if each.package not in names],
        "recalled": [each.package for each in lying if "recalled" in each.overlays],
        "expired": [e.package for e in lying if e.expires is not None and e.expires < today],
        "key": asking.filled.get("key") or secrets.token_hex(16),
        "done": asking.filled.get("done"),
        "now": now,
    }


def _on_shelf(tx: Connection, asking: Asking, run: Run, lying: Mapping[str, OnShelf]) -> list[Seen]:
    """What was scanned of a shelf: here as recorded, here against the records, or unknown."""
    words, found = asking.words, list[Seen]()
    for what in what_is_meant(tx, [shot.said for shot in run.shots]):
        name = what.package
        if name is None:
            found.append(trouble(what, asking))
            continue
        tone, told = "good", words.say("here")
        if name not in lying:
            tone, told = "bad", words.say("the records do not have it here: both are asked")
        elif "recalled" in lying[name].overlays:
            tone, told = "bad", words.say("recalled: take it off the shelf")
        found.append(Seen(name=name, tone=tone, told=told, link=f"/packages/{name}"))
    return found


def do_shelf(asking: Asking) -> Response:
    """A package more, or all that were scanned found here."""
    if not is_over(asking):
        return scan_on(asking, ("key",))
    scans = [
        Scan(act=deed, said=shot.said, basis="scanned")
        for shot in run_of(asking).shots
        for deed in (*(Deed(mark) for mark in dict.fromkeys(shot.marks)), Deed.FOUND)
    ]
    if not scans:
        raise InvalidInput("is missing", field="scan", rule="a package at least")
    return go_to(f"/shelf?done={_report(asking, scans)}")


SCREENS = (
    Screen(
        path="/use",
        template="use.html",
        title=N_("Use"),
        show=show_use,
        do=do_use,
        menu=N_("Custody"),
        scopes=SCANS,
    ),
    Screen(
        path="/shelf",
        template="shelf.html",
        title=N_("Shelf"),
        show=show_shelf,
        do=do_shelf,
        menu=N_("Custody"),
        scopes=READS,
    ),
)
