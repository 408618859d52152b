"""Packages, consignments and assets: who has what and how sure that is, now and as known then."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.asking import Asking, package_page
from api.pages.bar import custody_bar
from api.pages.lists import Column, listing
from api.pages.papers import pdf_answer, slip_sheet
from api.pages.photos import links_of
from api.pages.screens import screen
from api.pages.shots import said_of_gate
from api.pages.signing_in import qr_code
from api.pages.words import N_
from ledger.domain.acts.comment import Stance
from ledger.domain.custody.gates import Gate
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.records.commitments import FieldValue
from ledger.steps.answering.custody import (
    ConsignmentView,
    LineView,
    StepView,
    list_consignments,
    show_asset,
    show_consignment,
)
from ledger.steps.answering.packages import (
    Standing,
    gate,
    known_at,
    readable_packages,
    reader_of,
    trace,
)
from ledger.storage import directory

MOST_SHOWN = 500
#: of the newest consignments of the group
MOST_LOOKED = 3000
_CONSIGNMENTS = (
    Column(name="called", label="consignment", link="link"),
    Column(name="giver", label="from"),
    Column(name="receiver", label="receiver"),
    Column(name="holder", label="with"),
    Column(name="purpose", label="purpose", kind="word"),
    Column(name="packages", label="packages", kind="number"),
    Column(name="status", label="state", kind="state"),
    Column(name="expected_by", label="expected by", kind="moment"),
    Column(name="signed_at", label="latest step", kind="moment"),
)
_PACKAGE = re.compile(r"package (.+) of unit (\d+)")
OPEN = frozenset({"offered", "held", "lost"})
#: what the other side answers to a step
_ANSWERS = {
    Stance.AGREES: N_("I agree with the count"),
    Stance.DISAGREES: N_("I disagree"),
    Stance.SEEN: N_("Seen"),
}


def codes_of(tx: Connection) -> dict[int, str]:
    """What units are called, by number."""
    return {each.number: each.code for each in directory.list_units(tx, limit=1000)}


def moment_of(asking: Asking, name: str) -> datetime | None:
    """A moment that the address names, by the reader's clock; raises InvalidInput."""
    text = asking.filled.get(name)
    try:
        return asking.words.local(text) if text else None
    except (ValueError, OverflowError):
        raise InvalidInput("is no moment", field=name, rule="a day and a time") from None


# ---------------------------------------------------------------- a package


def show_package(asking: Asking) -> Mapping[str, object]:
    """One package: where it is, who had it, and what was said of it; or as it was known then."""
    said = f"{asking.path('unit')}/{asking.path('serial')}"
    at, caller = moment_of(asking, "at"), asking.caller
    is_known_then = asking.filled.get("as") != "now"
    now = asking.instance.clock()
    with asking.instance.database.reading() as tx:
        view = trace(tx, caller, said)
        own, answer = codes_of(tx).get(caller.unit or 0), None
        is_carrier = reader_of(tx, caller).is_carrier
        if at is not None:
            known = known_at(tx, at) if is_known_then else None
            try:
                view = trace(tx, caller, said, at=int(at.timestamp()), known=known)
            except NotFound:
                return {
                    "title": said,
                    "view": None,
                    "may_ask": not is_carrier,
                    "at": at,
                    "is_known_then": is_known_then,
                }
        elif caller.unit is not None:
            found = gate(asking.instance, tx, caller, Gate.USE, said, unit=caller.unit)
            answer = said_of_gate(found, asking.words)
    stands, reads_all = view.standing, caller.readable_unit is None
    return {
        "title": stands.package,
        "view": view,
        "stands": stands,
        # who only had it reads nothing of what is said where it is now
        "is_unseen": (reads_all or own in {stands.holder, stands.owner}) and _is_unseen(stands),
        "bar": custody_bar(view, asking.words, at or now),
        "own": own,
        "reads_all": reads_all,
        "answer": answer,
        # whoever only carried it asks about the consignment
        "may_ask": not is_carrier,
        "at": at,
        "is_known_then": is_known_then,
    }


def _is_unseen(stands: Standing) -> bool:
    """Whether nobody where it is has said that they had it before their eyes."""
    is_there = stands.last_seen_by == stands.holder
    return stands.holder is not None and not (
        is_there and (stands.last_seen_at or "") >= (stands.since or "")
    )


# ---------------------------------------------------------------- consignments


def show_consignments(asking: Asking) -> Mapping[str, object] | Response:
    """The consignments that the reader has or had a part in."""
    open_only = asking.filled.get("open") == "yes"
    with asking.instance.database.reading() as tx:
        codes = codes_of(tx)
        lines = list_consignments(
            tx, asking.caller, open_only=open_only, limit=MOST_SHOWN, looks=MOST_LOOKED
        )
    rows = [
        {
            **line.to_plain(),
            "called": f"{codes.get(line.giver, line.giver)}/{line.slip or line.id[:8]}",
            "giver": codes.get(line.giver),
            "receiver": codes.get(line.receiver),
            "holder": codes.get(line.holder),
            "link": f"/consignments/{line.id}",
        }
        for line in lines
    ]
    found = listing(asking, _CONSIGNMENTS, rows, most=MOST_SHOWN, keeps=("open",))
    if isinstance(found, Response):
        return found
    return {"listing": found, "open_only": open_only, "looked": MOST_LOOKED}


def show_one(asking: Asking) -> Mapping[str, object]:
    """One consignment: who has it, what became of each line, every step and what others say."""
    with asking.instance.database.reading() as tx:
        view = show_consignment(tx, asking.caller, asking.path("consignment"))
        values = of_consignment(tx, asking, view)
        # who only waits for a package has no page of it yet
        named = [found.expand(r"\2/\1") for found in map(_package_of, view.lines or ()) if found]
        pages = {package_page(name) for name in readable_packages(tx, asking.caller, named)}
        lines = [
            (name, link if link in pages else "", line) for name, link, line in values["lines"]
        ]
        return {**values, "lines": lines, "done": asking.recorded}


def of_consignment(tx: Connection, asking: Asking, view: ConsignmentView) -> dict[str, Any]:
    """What several pages show of a consignment."""
    codes, unit = codes_of(tx), asking.caller.unit
    latest = next((s for s in reversed(view.steps) if s.counts), None)
    photos = shown_photos(tx, view.steps)
    return {
        "photos": photos,
        "photo_of": {link.rpartition("/")[2]: link for each in photos.values() for link in each},
        "title": called(view, codes),
        "view": view,
        "lines": [_named(line, codes) for line in view.lines or ()],
        "codes": codes,
        "sent": dispatch_of(view),
        "left_at": None if latest is None else latest.entry.facts.get("left_at"),
        "is_open": view.status in OPEN,
        "receives": unit == view.receiver and view.status in OPEN,
        "takes": unit == view.taker and view.status == "offered",
        "holds": unit == view.holder and view.status in OPEN,
        "gives": unit == view.giver,
        "stances": {each.name.lower(): text for each, text in _ANSWERS.items()},
        "waits": any(s.entry.state in {"owed", "sent", "mined"} for s in view.steps),
    }


def shown_photos(tx: Connection, steps: Sequence[StepView]) -> dict[str, list[str]]:
    """The addresses of the photos of each step, as far as its facts are shown."""
    kept = links_of(tx, [each.entry.digest for each in steps])
    found = {}
    for each in steps:
        told = set(map(str, each.entry.facts.values()))
        links = kept.get(each.entry.digest, ())
        found[each.entry.digest] = [link for link in links if link.rpartition("/")[2] in told]
    return found


def called(view: ConsignmentView, codes: Mapping[int, str]) -> str:
    """As it stands on the box: `EAST/4711`."""
    return f"{codes.get(view.giver, view.giver)}/{view.slip or view.id[:8]}"


def _package_of(line: LineView) -> re.Match[str] | None:
    return _PACKAGE.fullmatch(line.names)


def _named(line: LineView, codes: Mapping[int, str]) -> tuple[str, str, LineView]:
    """A line as it stands on labels, and the page of the package that it names."""
    found = _package_of(line)
    if found is None:
        return line.names, "", line
    unit, serial = int(found[2]), found[1]
    return f"{codes.get(unit, unit)}/{serial}", package_page(f"{unit}/{serial}"), line


def dispatch_of(view: ConsignmentView) -> Mapping[str, FieldValue]:
    """How it was sent: what the chain refused was told again, and the newest that counts holds."""
    steps = (s for s in reversed(view.steps) if s.kind == "Dispatch" and s.counts)
    return next((step.entry.facts for step in steps), {})


def show_slip(asking: Asking) -> Mapping[str, object] | Response:
    """What goes on the box: from, for, what is in it, its seals, and a code that is scanned."""
    with asking.instance.database.reading() as tx:
        view = show_consignment(tx, asking.caller, asking.path("consignment"))
        values = of_consignment(tx, asking, view)
        receiver = codes_of(tx).get(view.receiver)
    sheet = slip_sheet(asking.words, values, receiver)
    if asking.filled.get("format") == "pdf":
        return pdf_answer(asking, sheet, f"slip-{sheet.title}")
    return {**values, "sheet": sheet, "drawing": qr_code(str(sheet.code))}


# ---------------------------------------------------------------- an asset


def show_one_asset(asking: Asking) -> Mapping[str, object]:
    """One asset, who has it, and every change of hands."""
    with asking.instance.database.reading() as tx:
        view = show_asset(tx, asking.caller, asking.path("asset"))
        return {
            "title": view.name,
            "view": view,
            "codes": codes_of(tx),
            "photos": shown_photos(tx, view.steps),
        }


SCREENS = (
    screen("/packages/{unit}/{serial}", N_("Package"), "package.html", show_package),
    screen(
        "/consignments",
        N_("Consignments"), "consignments.html", show_consignments, menu=N_("Custody"),
    ),
    screen("/consignments/{consignment}", N_("Consignment"), "consignment.html", show_one),
    screen("/consignments/{consignment}/slip", N_("Slip"), "slip.html", show_slip),
    screen("/assets/{asset}", N_("Asset"), "asset.html", show_one_asset),
)  # fmt: skip
