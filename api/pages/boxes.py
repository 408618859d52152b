"""Boxes by scan: received sealed or line by line, sent past the gates, and carried on a trip."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import accept, choices_for, once, record, to_be_signed
from api.pages.asking import Asking, Filled, go_to
from api.pages.custody import MOST_LOOKED, MOST_SHOWN, called, codes_of, dispatch_of, of_consignment
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
from api.pages.words import N_, Words
from ledger.domain.acts import package_lines
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.words import Purpose
from ledger.domain.callers import Scope
from ledger.domain.custody.gates import Gate, Word
from ledger.domain.encoding.identifiers import (
    ConsignmentId,
    UnitNumber,
    consignment_id,
    serial_hash,
)
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.names import plain_name
from ledger.steps.accepting.resolving import resolve_consignment
from ledger.steps.answering.custody import (
    ConsignmentLine,
    ConsignmentView,
    list_consignments,
    show_consignment,
)

MOVES = frozenset({Scope.CUSTODY})
_OF_DISPATCH = (
    "slip", "receiver", "taker", "purpose", "boxes", "seals", "expected_by", "reason", "key",
)  # fmt: skip
#: purposes whose packages pass a gate
_GATED = frozenset({Purpose.CLEAN.name.lower(), Purpose.LOAN.name.lower()})
#: what may be wrong with a line, each with a photo of its own
EXCEPTIONS = ("missing", "wet", "damaged", "extra")
#: digits of the most that a list counts
_DIGITS = 5


def open_ones(tx: Connection, asking: Asking) -> list[ConsignmentLine]:
    """What is not over and is one's unit's affair, of the newest that the group sent."""
    return list_consignments(
        tx,
        asking.caller,
        of_unit=own_unit(asking),
        open_only=True,
        limit=MOST_SHOWN,
        looks=MOST_LOOKED,
    )


def coming(tx: Connection, asking: Asking) -> dict[str, ConsignmentLine]:
    """The boxes on their way to one's unit, by what stands on their slips."""
    codes = codes_of(tx)
    return {
        f"{giver}/{line.slip}".casefold(): line
        for line in open_ones(tx, asking)
        if line.receiver == asking.caller.unit
        for giver in (codes[line.giver], line.giver)
    }


def previous_of(asking: Asking, latest: str) -> dict[str, str]:
    """What a step follows; what has happened follows whatever was told first."""
    return {} if asking.captured is not None else {"previous": latest}


# ---------------------------------------------------------------- what comes


def show_receive(asking: Asking) -> Mapping[str, object] | Response:
    """The boxes that are on their way to one's unit, overdue ones first; a scan opens one."""
    box, told = asking.filled.get("q")[:200], ""
    with asking.instance.database.reading() as tx:
        codes = codes_of(tx)
        coming = [e for e in open_ones(tx, asking) if e.receiver == asking.caller.unit]
        if box:
            path, told = _opened(tx, asking, box, coming, codes)
            if path:
                return go_to(path)
    coming.sort(key=lambda line: (line.expected_by or "9", line.signed_at))
    now = instant_text(asking.instance.clock())
    return {
        "coming": coming, "codes": codes, "now": now, "told": told, "q": box, "looked": MOST_LOOKED,
    }  # fmt: skip


def _opened(
    tx: Connection,
    asking: Asking,
    box: str,
    coming: Sequence[ConsignmentLine],
    codes: Mapping[int, str],
) -> tuple[str, str]:
    """The page of the box that was scanned, or what is to be said of it.

    Whom a box is for stands on its slip; a unit without a part in it reads no more than that.
    """
    name, _, receiver = box.partition(">")
    if receiver and receiver != codes[own_unit(asking)]:
        return "", _not_ours(asking, receiver)
    found = [line.id for line in coming if line.slip == name]
    try:
        if len(found) != 1:
            found = [resolve_consignment(tx, asking.caller, name).id.hex()]
    except (NotFound, InvalidInput) as error:
        told = (error.what, error.remedy or error.rule or "")
        return "", "; ".join(asking.words.sentence(each) for each in told if each)
    return f"/consignments/{found[0]}/receive", ""


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

    def count(self, *outcomes: str) -> int:
        """How many packages its lines tell so."""
        return sum(int(e.get("quantity", 1)) for e in self.lines if e["outcome"] in outcomes)


def show_box(asking: Asking) -> Mapping[str, object]:
    """One box: taken in sealed with one tap, or line by line with what is wrong with it."""
    unit, run = own_unit(asking), run_of(asking)
    with asking.instance.database.reading() as tx:
        view = show_consignment(tx, asking.caller, asking.path("consignment"))
        values, tally, codes = (
            of_consignment(tx, asking, view),
            _tally(tx, asking, view),
            codes_of(tx),
        )
    is_ours = unit in {view.receiver, view.giver}
    return {
        **values,
        **on_page(asking, run),
        "title": called(view, codes),
        "tally": tally,
        "told": "" if is_ours else _not_ours(asking, codes.get(view.receiver, "?")),
        "previous": asking.filled.get("previous") or view.latest,
    }


def do_box(asking: Asking) -> Mapping[str, object] | Response:
    """A scan more, or the box taken in."""
    consignment, filled = asking.path("consignment"), asking.filled
    values: dict[str, Any] = {"rest": "inferred", "seals": "intact", "outcome": "kept"}
    if filled.get("step") != "sealed":
        if not is_over(asking):
            return show_box(asking)
        with asking.instance.database.reading() as tx:
            tally = _tally(tx, asking, show_consignment(tx, asking.caller, consignment))
        _require_counted(tally)
        outcome = "kept_without_asset" if filled.get("asset_there") == "no" else "kept"
        values = {"lines": tally.lines, "basis": "scanned", "outcome": outcome}
        said = ("seals", "condition_is")
        values |= {name: filled.get(name) for name in said if filled.get(name)}
        if filled.get("instruments"):
            values["instruments"] = _count_of(filled.get("instruments"))
            if values["instruments"] is None:
                raise InvalidInput("is no count", field="instruments", rule="a whole number")
    values["consignment"] = consignment
    if asking.captured is None:
        values["previous"] = filled.get("previous") or None
    if asking.by:
        return to_be_signed(asking, "TakeOver", f"/consignments/{consignment}", **values)
    digest = once(asking, values, lambda tx: accept(tx, asking, "TakeOver", **values))
    return go_to(f"/consignments/{consignment}?done={digest}")


def _require_counted(tally: _Tally) -> None:
    for number, name, _, filled in tally.counted:
        if _count_of(filled) is None:
            raise InvalidInput(
                f"{name} is not counted",
                field=f"count.{number}",
                rule="a whole number, 0 where there is none of it",
            )


def _count_of(text: str) -> int | None:
    is_count = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) if is_count else None


def _tally(tx: Connection, asking: Asking, view: ConsignmentView) -> _Tally:
    """What the giver's list names and what was scanned → line by line, as it would be recorded."""
    dispatch = dispatch_of(view)
    sent = list(package_lines.lines_in(dispatch)) if view.lines is not None else []
    names = [f"{e['assembler']}/{e['package']}" for e in sent if e.get("package")]
    tally, filled, words, run = _Tally(), asking.filled, asking.words, run_of(asking)
    note, told = filled.get("note"), dict[str, dict[str, Any]]()
    for what, shot in zip(named(tx, run), run.shots, strict=True):
        tell = _teller(words, shot.marks, names, told, note)
        tally.seen += told_of(asking, [what], tell)
    for name in filled.all("ticked"):
        if name in names and name not in told:
            told[name] = _said(name, "accepted", "ticked_off", "")
    tally.open = [name for name in names if name not in told]
    photos = {each: filled.get(f"photo.{each}") for each in EXCEPTIONS}
    tally.lines = [*told.values(), *(_said(e, "missing", "scanned", note) for e in tally.open)]
    for number, line in enumerate(sent):
        if not line.get("package"):
            text = filled.get(f"count.{number}")
            what_it_is = words.say("class {}").format(line.get("package_class"))
            name = str(line.get("set") or line.get("basket") or what_it_is)
            tally.counted.append((number, name, int(line["quantity"]), text))
            tally.lines += _counted(line, _count_of(text) or 0, note)
    for line in tally.lines:
        found = next((photos[e] for e in _wrong_with(line) if photos.get(e)), "")
        if found:
            line["photo"] = found
    return tally


def _teller(
    words: Words,
    marks: Sequence[str],
    names: Container[str],
    told: dict[str, dict[str, Any]],
    note: str,
) -> Callable[[str], Seen]:
    """What a shot does to the lines that are told, and what the page says of it."""

    def tell(name: str) -> Seen:
        if name in told:
            return Seen(name=name, tone="warn", told=words.say("scanned before: counts once"))
        outcome = "extra" if name not in names else "refused" if marks else "accepted"
        reasons = [", ".join(marks), note if outcome != "accepted" else ""]
        told[name] = _said(name, outcome, "scanned", ": ".join(filter(None, reasons)))
        shown = {
            "accepted": words.say("in the list"),
            "refused": ", ".join(words.say(each) for each in marks),
            "extra": words.say("not expected: no line of the list names it"),
        }[outcome]
        return Seen(name=name, tone="good" if outcome == "accepted" else "bad", told=shown)

    return tell


def _wrong_with(line: Mapping[str, Any]) -> Sequence[str]:
    """Which of the exceptions a line tells; none for what is as it was sent."""
    marks = str(line.get("reason", "")).partition(":")[0].split(", ")
    return marks if line["outcome"] == "refused" else [line["outcome"]]


def _said(name: str, outcome: str, basis: str, reason: str) -> dict[str, Any]:
    assembler, _, serial = name.partition("/")
    line = {"outcome": outcome, "assembler": int(assembler), "package": serial, "basis": basis}
    return {**line, "reason": reason} if reason else line


def _counted(line: Mapping[str, Any], count: int, note: str) -> Iterator[dict[str, Any]]:
    """So many of what is only counted: accepted, beyond what was sent extra, below it missing."""
    naming = {n: line[n] for n in ("set", "basket", "package_class", "cycle") if line.get(n)}
    sent = int(line["quantity"])
    found = {"accepted": min(count, sent), "extra": count - sent, "missing": sent - count}
    for outcome, quantity in found.items():
        if quantity > 0:
            reason = {"reason": note} if note and outcome != "accepted" else {}
            yield {"outcome": outcome, **naming, "quantity": quantity, "basis": "counted", **reason}


# ---------------------------------------------------------------- what goes


def show_dispatch(asking: Asking) -> Mapping[str, object]:
    """Where it goes, what is in it, and what the gate says of each package."""
    unit, run = own_unit(asking), run_of(asking)
    purpose = asking.filled.get("purpose")
    gate = Gate.DISPATCH if purpose in _GATED else None
    with asking.instance.database.reading() as tx:
        checked = check(tx, asking, run, gate, is_chosen=bool(purpose))
        units = choices_for(tx, asking)["unit"]
    return {
        **on_page(asking, run),
        "checked": checked,
        "against": [name for name, word in checked.against.items() if word is Word.NO],
        "units": units,
        "others": [each for each in units if each[0] != str(unit)],
        "purposes": [each.name.lower() for each in Purpose],
    }


def under_slip(asking: Asking, unit: int) -> ConsignmentId:
    """The box that is sent, by the slip number that was filled in; raises InvalidInput."""
    number = plain_name(asking.filled.get("slip"))
    if not number:
        raise InvalidInput(
            "is not entered", field="slip", rule="each box goes under a slip number of its sender"
        )
    return consignment_id(UnitNumber(unit), serial_hash(number))


def do_dispatch(asking: Asking) -> Mapping[str, object] | Response:
    """A scan more, or the box sealed and sent: the form of the act, with what was scanned."""
    if not is_over(asking):
        return show_dispatch(asking)
    unit, filled = own_unit(asking), asking.filled
    with asking.instance.database.reading() as tx:
        found = named(tx, run_of(asking))
        require_named(found)
        is_gated = filled.get("purpose") in _GATED
        checked = check(tx, asking, run_of(asking), Gate.DISPATCH if is_gated else None)
    slip = under_slip(asking, unit)
    pairs: list[tuple[str, object]] = [(name, filled.get(name)) for name in _OF_DISPATCH]
    if asking.captured is not None and checked.against and not filled.get("reason"):
        # it has gone, and nobody could ask the gate then
        pairs.append(("reason", asking.captured.reason))
    pairs += [("basis", "scanned"), ("next", f"/consignments/{slip.hex()}/slip")]
    for at, name in enumerate(dict.fromkeys(each.package or "" for each in found)):
        assembler, _, serial = name.partition("/")
        pairs += [(f"lines.{at}.assembler", assembler), (f"lines.{at}.package", serial)]
    return record(replace(asking, filled=Filled(pairs)), ACTS["Dispatch"])


# ---------------------------------------------------------------- on the way


def show_trip(asking: Asking) -> Mapping[str, object]:
    """What is offered to a carrier, and what it has, stop by stop."""
    unit = own_unit(asking)
    with asking.instance.database.reading() as tx:
        codes, lines = codes_of(tx), open_ones(tx, asking)
    held = [line for line in lines if line.holder == unit and line.status != "lost"]
    stops: dict[int, list[ConsignmentLine]] = {}
    for line in held:
        if line.taker is None and unit not in {line.giver, line.receiver}:
            stops.setdefault(line.receiver, []).append(line)
    return {
        **on_page(asking, Run(())),
        # what is for one's own unit is received, not carried
        "offered": [
            line
            for line in lines
            if line.taker == unit and line.status == "offered" and line.receiver != unit
        ],
        "stops": stops,
        "waiting": [line for line in held if line.taker not in {None, unit}],
        "codes": codes,
        "now": instant_text(asking.instance.clock()),
        "looked": MOST_LOOKED,
    }


def do_trip(asking: Asking) -> Response:
    """All boxes of a form taken, or all of one stop handed over: each its own step, or none."""
    filled = asking.filled
    boxes = [each.rpartition(":")[::2] for each in filled.all("box")]
    if not boxes:
        raise InvalidInput("is missing", field="box", rule="a box at least")
    kind = "TakeOver" if filled.get("step") == "take" else "HandOver"
    said = {"outcome": "carried", "trip": filled.get("trip")}
    if kind == "HandOver":
        said = {"taker": filled.get("stop"), "left_at": filled.get("left_at")}
    said = {name: text for name, text in said.items() if text}

    def work(tx: Connection) -> str:
        steps = [
            accept(tx, asking, kind, consignment=box, **said, **previous_of(asking, previous))
            for box, previous in boxes
        ]
        return steps[-1]

    return go_to(f"/trip?done={once(asking, (kind, boxes, said), work)}")


_MENU = N_("Custody")
SCREENS = (
    screen(
        "/receive",
        N_("Receive"), "receive.html", show_receive, menu=_MENU, scopes=MOVES, is_scanned=True,
    ),
    screen(
        "/consignments/{consignment}/receive",
        N_("Receive"), "box.html", show_box, do_box, scopes=MOVES, is_scanned=True,
        takes_photos=True,
    ),
    screen(
        "/dispatch",
        N_("Dispatch"), "dispatch.html", show_dispatch, do_dispatch, menu=_MENU, scopes=MOVES,
        is_scanned=True,
    ),
    screen(
        "/trip", N_("Trip"), "trip.html", show_trip, do_trip,
        menu=_MENU, scopes=MOVES, is_scanned=True,
    ),
)  # fmt: skip
