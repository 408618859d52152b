"""Boxes by scan: received sealed or line by line, sent past the gates, and carried on a trip."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import accept, choices_for, once
from api.pages.asking import Asking, go_to
from api.pages.custody import MOST_SHOWN, called, codes_of, moment_of, of_consignment
from api.pages.screens import Screen
from api.pages.shots import CARDS, Run, Seen, is_over, run_of, said_of_gate, scan_on, unchecked
from api.pages.words import N_
from ledger.domain.acts import package_lines
from ledger.domain.acts.words import Purpose
from ledger.domain.callers import Scope
from ledger.domain.custody.gates import Gate, Word
from ledger.domain.encoding.identifiers import UnitNumber, consignment_id, serial_hash
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import InvalidInput, NotFound, Refused
from ledger.domain.names import plain_name
from ledger.steps.accepting.labels import Meant, meant
from ledger.steps.accepting.resolving import resolve_consignment
from ledger.steps.answering.custody import (
    ConsignmentLine,
    ConsignmentView,
    list_consignments,
    show_consignment,
)
from ledger.steps.answering.packages import ask_all, numbering

MOVES = frozenset({Scope.CUSTODY})
#: kept from one scan of a box to the next
_OF_BOX = ("ticked", "count", "seals", "note", "asset_there", "previous", "key")
_OF_DISPATCH = (
    "slip", "receiver", "taker", "purpose", "boxes", "seals", "expected_by", "reason", "key",
)  # fmt: skip
#: purposes whose packages pass a gate
_GATED = frozenset({Purpose.CLEAN.name.lower(), Purpose.LOAN.name.lower()})


def own_unit(asking: Asking) -> int:
    """The unit whose people these are; raises Refused for whoever belongs to none."""
    unit = asking.caller.unit
    if unit is None:
        raise Refused("the authority handles nothing", field="unit", rule="a unit's own people")
    return unit


def what_is_meant(tx: Connection, said: Sequence[str]) -> list[Meant]:
    """The package that each shot means, or what is wrong with it."""
    return meant(tx, said, unit_number=lambda text: numbering(tx, text))


def trouble(what: Meant, asking: Asking) -> Seen:
    """Why a shot names no package, and what to do."""
    words = asking.words
    if what.candidates:
        told = words.say("fits {}: look at the label, and type the one").format(
            " · ".join(what.candidates)
        )
    else:
        why = "; ".join(words.sentence(each) for each in what.troubles)
        told = why or words.say("unknown code: scan again, or type it as unit/serial")
    return Seen(name=what.said[:60], tone="bad", told=told)


# ---------------------------------------------------------------- what comes


def show_receive(asking: Asking) -> Mapping[str, object] | Response:
    """The boxes that are on their way to one's unit, overdue ones first; a scan opens one."""
    unit, now, box = own_unit(asking), instant_text(asking.instance.clock()), asking.filled.get("q")
    told = None
    with asking.instance.database.reading() as tx:
        codes = codes_of(tx)
        lines = list_consignments(tx, asking.caller, of_unit=unit, open_only=True, limit=MOST_SHOWN)
        coming = [line for line in lines if line.receiver == unit]
        if box:
            path, told = _opened(tx, asking, box[:200], coming, codes)
            if path:
                return go_to(path)
    coming.sort(key=lambda line: (line.expected_by or "9", line.signed_at))
    return {"coming": coming, "codes": codes, "now": now, "told": told, "q": box}


def _opened(
    tx: Connection,
    asking: Asking,
    box: str,
    coming: Sequence[ConsignmentLine],
    codes: Mapping[int, str],
) -> tuple[str, str | None]:
    """The page of the box that was scanned, or what is to be said of it.

    Whom a box is for stands on its slip; a unit without a part in it reads no more than that.
    """
    name, _, receiver = box.partition(">")
    if receiver and receiver != codes[own_unit(asking)]:
        return "", _not_ours(asking, receiver)
    by_slip = [line.id for line in coming if line.slip == name]
    if len(by_slip) == 1:
        return f"/consignments/{by_slip[0]}/receive", None
    try:
        return (
            f"/consignments/{resolve_consignment(tx, asking.caller, name).id.hex()}/receive",
            None,
        )
    except (NotFound, InvalidInput) as error:
        words = asking.words
        told = [words.sentence(error.what), words.sentence(error.remedy or error.rule or "")]
        return "", "; ".join(each for each in told if each)


def _not_ours(asking: Asking, receiver: str) -> str:
    text = asking.words.say("this is for {}: leave it sealed, and tell whoever brought it")
    return text.format(receiver)


# ---------------------------------------------------------------- one box


@dataclass(slots=True, kw_only=True)
class _Tally:
    """A box's list beside what was scanned of it."""

    seen: list[Seen] = field(default_factory=list)
    #: as the take-over says them
    lines: list[dict[str, Any]] = field(default_factory=list)
    #: named packages that nobody scanned or ticked off yet
    open: list[str] = field(default_factory=list)
    #: lines that are counted: number, what it is, how many, and what was filled in
    counted: list[tuple[int, str, int, str]] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        """How many packages its lines tell so."""
        return sum(int(e.get("quantity", 1)) for e in self.lines if e["outcome"] == outcome)


def show_box(asking: Asking) -> Mapping[str, object]:
    """One box: taken in sealed with one tap, or line by line with what is wrong with it."""
    unit = own_unit(asking)
    with asking.instance.database.reading() as tx:
        view = show_consignment(tx, asking.caller, asking.path("consignment"))
        values = of_consignment(tx, asking, view)
        run = run_of(asking)
        tally = _tally(tx, asking, view, run)
        codes = codes_of(tx)
    is_ours = unit in {view.receiver, view.giver}
    return {
        **values,
        "title": called(view, codes),
        "run": run,
        "tally": tally,
        "cards": CARDS,
        "told": None if is_ours else _not_ours(asking, codes.get(view.receiver, "?")),
        "key": asking.filled.get("key") or secrets.token_hex(16),
        "previous": asking.filled.get("previous") or view.latest,
    }


def do_box(asking: Asking) -> Response:
    """A scan more, or the box taken in."""
    step = asking.filled.get("step")
    if not is_over(asking) and step != "sealed":
        return scan_on(asking, _OF_BOX)
    consignment, filled = asking.path("consignment"), asking.filled
    with asking.instance.database.reading() as tx:
        view = show_consignment(tx, asking.caller, consignment)
        tally = _tally(tx, asking, view, run_of(asking))
    said: dict[str, Any] = {"rest": "inferred", "seals": "intact"}
    if step != "sealed":
        _require_counted(tally)
        said = {"lines": tally.lines, "basis": "scanned"}
        if filled.get("seals"):
            said["seals"] = filled.get("seals")
    is_without = filled.get("asset_there") == "no" and step != "sealed"
    values = {
        "consignment": consignment,
        "outcome": "kept_without_asset" if is_without else "kept",
        "previous": filled.get("previous") or None,
        **said,
    }
    digest = once(asking, values, lambda tx: accept(tx, asking, "TakeOver", **values))
    return go_to(f"/consignments/{consignment}?done={digest}")


def _require_counted(tally: _Tally) -> None:
    for number, name, _, filled in tally.counted:
        if not (filled.isascii() and filled.isdecimal() and len(filled) <= 5):  # noqa: PLR2004 - 16 bits
            raise InvalidInput(
                f"{name} is not counted",
                field=f"count.{number}",
                rule="a whole number, 0 where there is none of it",
            )


def _tally(tx: Connection, asking: Asking, view: ConsignmentView, run: Run) -> _Tally:
    """What the giver's list names and what was scanned → line by line, as it would be recorded."""
    dispatch = next((s.entry.facts for s in view.steps if s.kind == "Dispatch"), {})
    sent = list(package_lines.lines_in(dispatch)) if view.lines is not None else []
    named = {f"{e['assembler']}/{e['package']}": e for e in sent if e.get("package")}
    tally, filled = _Tally(), asking.filled
    note, told = filled.get("note"), dict[str, dict[str, Any]]()
    for what, shot in zip(what_is_meant(tx, [s.said for s in run.shots]), run.shots, strict=True):
        tally.seen.append(_line(asking, what, shot.marks, named, told, note))
    for name in filled.all("ticked"):
        if name in named and name not in told:
            told[name] = _said(name, "accepted", "ticked_off", "")
    tally.open = [name for name in named if name not in told]
    missing = [_said(name, "missing", "scanned", note) for name in tally.open]
    tally.lines = [*told.values(), *missing]
    counted = [(number, e) for number, e in enumerate(sent) if not e.get("package")]
    for number, line in counted:
        text = filled.get(f"count.{number}")
        called_so = asking.words.say("class {}").format(line.get("package_class"))
        name = str(line.get("set") or line.get("basket") or called_so)
        tally.counted.append((number, name, int(line["quantity"]), text))
        tally.lines += _counted(line, int(text) if text.isdecimal() else 0, note)
    return tally


def _line(  # noqa: PLR0913, PLR0917 - a shot, its box, and what was told so far
    asking: Asking,
    what: Meant,
    marks: Sequence[str],
    named: Mapping[str, object],
    told: dict[str, dict[str, Any]],
    note: str,
) -> Seen:
    words, name = asking.words, what.package
    if name is None:
        return trouble(what, asking)
    if name in told:
        return Seen(name=name, tone="warn", told=words.say("scanned before: counts once"))
    reason = ", ".join(marks) + (f": {note}" if marks and note else "")
    outcome = "extra" if name not in named else "refused" if marks else "accepted"
    told[name] = _said(name, outcome, "scanned", reason or (note if outcome == "extra" else ""))
    shown = {
        "accepted": words.say("in the list"),
        "refused": ", ".join(words.say(each) for each in marks),
        "extra": words.say("not expected: no line of the list names it"),
    }[outcome]
    return Seen(name=name, tone="good" if outcome == "accepted" else "bad", told=shown)


def _said(name: str, outcome: str, basis: str, reason: str) -> dict[str, Any]:
    assembler, _, serial = name.partition("/")
    line = {"outcome": outcome, "assembler": int(assembler), "package": serial, "basis": basis}
    return {**line, "reason": reason} if reason else line


def _counted(line: Mapping[str, Any], count: int, note: str) -> Iterator[dict[str, Any]]:
    """So many of what is only counted: accepted, beyond what was sent extra, below it missing."""
    naming = {
        name: line[name] for name in ("set", "basket", "package_class", "cycle") if line.get(name)
    }
    sent = int(line["quantity"])
    for outcome, quantity in (
        ("accepted", min(count, sent)),
        ("extra", count - sent),
        ("missing", sent - count),
    ):
        if quantity > 0:
            reason = {"reason": note} if note and outcome != "accepted" else {}
            yield {"outcome": outcome, **naming, "quantity": quantity, "basis": "counted", **reason}


# ---------------------------------------------------------------- what goes


def show_dispatch(asking: Asking) -> Mapping[str, object]:
    """Where it goes, what is in it, and what the gate says of each package."""
    unit, run, filled = own_unit(asking), run_of(asking), asking.filled
    with asking.instance.database.reading() as tx:
        found = what_is_meant(tx, [shot.said for shot in run.shots])
        names = list(dict.fromkeys(each.package for each in found if each.package))
        gated = filled.get("purpose") in _GATED
        answers = ask_all(asking.instance, tx, Gate.DISPATCH, names, unit=unit) if gated else []
        told = {each.package: said_of_gate(each, asking.words) for each in answers}
        units = choices_for(tx, asking)["unit"]
    sent = asking.words.say("in the box")
    seen = [
        trouble(each, asking)
        if each.package is None
        else told.get(each.package) or Seen(name=each.package, tone="good", told=sent)
        for each in found
    ]
    return {
        "run": run,
        "seen": seen,
        "units": units,
        "others": [each for each in units if each[0] != str(unit)],
        "purposes": [each.name.lower() for each in Purpose],
        "cards": CARDS,
        "count": len(names),
        "against": [each.package for each in answers if each.word is Word.NO],
        "unchecked": unchecked(answers),
        "key": filled.get("key") or secrets.token_hex(16),
    }


def do_dispatch(asking: Asking) -> Response:
    """A scan more, or the box sealed and sent."""
    if not is_over(asking):
        return scan_on(asking, _OF_DISPATCH)
    unit, filled = own_unit(asking), asking.filled
    with asking.instance.database.reading() as tx:
        found = what_is_meant(tx, [shot.said for shot in run_of(asking).shots])
    unknown = [each.said for each in found if each.package is None]
    if unknown:
        raise InvalidInput(
            f"{', '.join(unknown)[:80]} names no package",
            field="scan",
            rule="what is sent is named",
            remedy="undo it, and scan it again or type it as unit/serial",
        )
    lines = [
        dict(zip(("assembler", "package"), (int(head), serial), strict=True))
        for head, _, serial in (
            name.partition("/") for name in dict.fromkeys(each.package or "" for each in found)
        )
    ]
    expected = moment_of(asking, "expected_by")
    given = {name: filled.get(name) for name in ("slip", "purpose", "seals", "reason")}
    for name in ("receiver", "taker", "boxes"):
        given[name] = filled.get(name)
    required = ("slip", "receiver", "purpose", "taker")
    missing = next((name for name in required if not given[name]), None)
    if missing:
        raise InvalidInput("is missing", field=missing, rule="what is written on the slip")
    values: dict[str, Any] = {name: text for name, text in given.items() if text}
    if "boxes" in values:
        values["boxes"] = _whole(values["boxes"], "boxes")
    values |= {"lines": lines, "basis": "scanned"}
    if expected is not None:
        values["expected_by"] = expected
    digest = once(asking, values, lambda tx: accept(tx, asking, "Dispatch", **values))
    identifier = consignment_id(UnitNumber(unit), serial_hash(plain_name(given["slip"])))
    return go_to(f"/consignments/{identifier.hex()}/slip?done={digest}")


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= len(text) <= 5):  # noqa: PLR2004 - 10,000
        raise InvalidInput("is no number", field=name, rule="a whole number")
    return int(text)


# ---------------------------------------------------------------- on the way


def show_trip(asking: Asking) -> Mapping[str, object]:
    """What is offered to a carrier, and what it has, stop by stop."""
    unit = own_unit(asking)
    with asking.instance.database.reading() as tx:
        codes = codes_of(tx)
        lines = list_consignments(tx, asking.caller, of_unit=unit, open_only=True, limit=MOST_SHOWN)
    held = [line for line in lines if line.holder == unit and line.status != "lost"]
    stops: dict[int, list[ConsignmentLine]] = {}
    for line in held:
        if line.taker is None and line.giver != unit:
            stops.setdefault(line.receiver, []).append(line)
    return {
        "offered": [line for line in lines if line.taker == unit and line.status == "offered"],
        "stops": stops,
        "waiting": [line for line in held if line.taker not in {None, unit}],
        "codes": codes,
        "now": instant_text(asking.instance.clock()),
        "done": asking.filled.get("done"),
        "key": secrets.token_hex(16),
    }


def do_trip(asking: Asking) -> Response:
    """All boxes of a form taken, or all of one stop handed over: each its own step, or none."""
    filled = asking.filled
    boxes = [each.partition(":")[::2] for each in filled.all("box")]
    is_taking = filled.get("step") == "take"
    trip, left_at = filled.get("trip"), filled.get("left_at")

    def work(tx: Connection) -> str:
        digest = ""
        for box, previous in boxes:
            values: dict[str, Any] = {"consignment": box, "previous": previous}
            if is_taking:
                values |= {"outcome": "carried"} | ({"trip": trip} if trip else {})
                digest = accept(tx, asking, "TakeOver", **values)
            else:
                values |= {"taker": filled.get("stop")} | ({"left_at": left_at} if left_at else {})
                digest = accept(tx, asking, "HandOver", **values)
        return digest

    if not boxes:
        raise InvalidInput("is missing", field="box", rule="a box at least")
    return go_to(f"/trip?done={once(asking, (filled.get('step'), boxes, trip, left_at), work)}")


SCREENS = (
    Screen(
        path="/receive",
        template="receive.html",
        title=N_("Receive"),
        show=show_receive,
        menu=N_("Custody"),
        scopes=MOVES,
    ),
    Screen(
        path="/consignments/{consignment}/receive",
        template="box.html",
        title=N_("Receive"),
        show=show_box,
        do=do_box,
        scopes=MOVES,
    ),
    Screen(
        path="/dispatch",
        template="dispatch.html",
        title=N_("Dispatch"),
        show=show_dispatch,
        do=do_dispatch,
        menu=N_("Custody"),
        scopes=MOVES,
    ),
    Screen(
        path="/trip",
        template="trip.html",
        title=N_("Trip"),
        show=show_trip,
        do=do_trip,
        menu=N_("Custody"),
        scopes=MOVES,
    ),
)
