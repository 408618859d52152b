"""Shown scans, consignments and recalls → a package's history, its ways, and what recalls said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ledger.domain.acts.vocabulary import integer, word
from ledger.domain.acts.words import Purpose
from ledger.domain.custody.lines import assembler
from ledger.domain.duties.case import Consignment, Deed, Event, How, Recall
from ledger.domain.duties.pages import Page
from ledger.domain.duties.terms import Terms, terms_at
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.records.commitments import FieldValue

#: A line's act → what was done; the others say nothing that a rule asks.
_DEEDS = {
    "received_soiled": Deed.SOILED_COUNTED,
    **{
        deed.value: deed
        for deed in (
            Deed.WASHED, Deed.ASSEMBLED, Deed.STORED, Deed.ISSUED, Deed.OPENED, Deed.USED,
            Deed.NOT_USED, Deed.DISCARDED, Deed.WET, Deed.DAMAGED, Deed.MISSING, Deed.FOUND,
        )
    },
}  # fmt: skip
_BASES = {
    "scanned": How.SCANNED, "counted": How.COUNTED, "ticked_off": How.TICKED, "typed": How.TYPED,
    "imported": How.IMPORTED, "inferred": How.INFERRED,
}  # fmt: skip
#: What a scan's outcome may say, part by part with `;` between them, and what it is.
OUTCOMES: dict[str, tuple[str, FieldValue]] = {
    "second person": ("second_person", True),
    "alone on shift": ("alone_on_shift", True),
    "a0 met": ("a0", "met"),
    "a0 not met": ("a0", "not_met"),
    "dry": ("dry", True),
    "intact": ("integrity", "intact"),
    "broken": ("integrity", "broken"),
    "indicator pass": ("indicator", "pass"),
    "indicator fail": ("indicator", "fail"),
    "label legible": ("label", "legible"),
    "label illegible": ("label", "illegible"),
    "conditions within": ("conditions", "within"),
    "conditions outside": ("conditions", "outside"),
    "not heat-sealed": ("heat_sealed", False),
    "seal test pass": ("seal_test", True),
    "seal test fail": ("seal_test", False),
    "closed": ("closed", True),
    "open": ("closed", False),
    "pretreated": ("pretreated", True),
    "not pretreated": ("pretreated", False),
    "special infection none": ("special_infection", "none"),
    "special infection declared": ("special_infection", "declared"),
}
_COLUMNS = (
    "act", "package", "basis", "happened", "happened_text", "outcome", "case", "expires",
    "takes_back",
)  # fmt: skip


def parse_outcome(text: str | None) -> dict[str, FieldValue]:
    """What an outcome says: `9/10; second person`; what is none of the words says nothing."""
    found: dict[str, FieldValue] = {}
    for part in (text or "").lower().split(";"):
        said = part.strip()
        count, slash, expected = said.partition("/")
        if slash and count.isdecimal() and expected.isdecimal():
            found |= {"count": int(count), "expected": int(expected)}
        elif said in OUTCOMES:
            name, value = OUTCOMES[said]
            found[name] = value
    return found


# ---------------------------------------------------------------- the package


def read_history(
    pages: list[Page], package: str, terms: tuple[Terms, ...]
) -> tuple[list[Event], bytes | None]:
    """What lines say of a package, and the cycle that it was loaded into last."""
    taken_back = set(_taken_back(pages))
    history: list[Event] = []
    cycle: bytes | None = None
    for page in pages:
        for number, line in page.lines().items():
            if line.get("package") != package or (page.said.digest, number) in taken_back:
                continue
            if page.kind == "ScanReport":
                history += _scanned(page, number, package, terms)
            elif page.kind == "LoadDeclaration":
                page.read_line(number, "package")
                history.append(page.event(Deed.LOADED))
                cycle = word(page.said.message, "cycle")
            elif page.kind == "CycleDecision":
                outcome = page.read_line(number, "package", "outcome")["outcome"]
                if outcome not in {"added", "waiting"}:
                    history.append(page.event(Deed.EXCLUDED))
    return history, cycle


def _taken_back(pages: list[Page]) -> Iterator[tuple[bytes, int]]:
    """Lines of which their own unit says that they are not so."""
    unit_of = {p.said.digest: integer(p.said.message, "unit") for p in pages}
    for page in pages:
        for number, line in page.lines().items():
            named = line.get("takes_back")
            if page.kind != "ScanReport" or named is None:
                continue
            page.read_line(number, "act", "takes_back")
            digest, _, at = str(named).partition(":")
            raw = bytes.fromhex(digest.removeprefix("0x"))
            if unit_of.get(raw) == integer(page.said.message, "unit") and at.isdecimal():
                yield raw, int(at)


def _scanned(page: Page, number: int, package: str, terms: tuple[Terms, ...]) -> Iterator[Event]:
    line = page.read_line(number, *_COLUMNS)
    deed = _DEEDS.get(str(line["act"]))  # None: of no duty by itself, such as an inspection
    told = parse_outcome(None if line["outcome"] is None else str(line["outcome"]))
    how = _BASES.get(str(line["basis"]), How.TYPED)
    event = page.event(deed or Deed.STORED, when=line["happened"])
    when = event.when
    if when is not None and line["happened"] is None and line["happened_text"] is not None:
        when = None  # said in words alone: `about 13:00`
    elif when is not None and when.how is not How.PAPER:
        when = replace(when, how=how)
    offset = terms_at(terms, event.at).offset
    expires = _last_moment(line["expires"], offset)
    facts = {**told, "case_token": line["case"], "expires_at": expires}
    event = replace(
        event, when=when, how=how, path=f"lines.{number}.",
        facts={name: value for name, value in facts.items() if value is not None},
    )  # fmt: skip
    own = event.unit == assembler(package)
    if own and told.get("dry") is True and deed in {None, Deed.STORED}:
        yield replace(event, deed=Deed.UNLOADED)
    elif own and deed is Deed.WET:
        yield replace(event, deed=Deed.UNLOADED, facts={"dry": False})
    elif deed is not None:
        yield event
    if "seal_test" in told:
        yield replace(event, deed=Deed.SEAL_TESTED, facts={"passed": told["seal_test"]})


def _last_moment(day: FieldValue, offset: timedelta) -> str | None:
    """The end of the last day of use, by the group's clocks."""
    if day is None:
        return None
    try:
        end = datetime.fromisoformat(f"{day}T00:00:00+00:00") + timedelta(days=1, seconds=-1)
    except ValueError:
        return None
    return instant_text(end - offset)


# ---------------------------------------------------------------- its ways


def read_consignments(
    pages: list[Page], terms: tuple[Terms, ...], *, package: str | None = None
) -> Iterator[Consignment]:
    """Every consignment; with `package` those alone that it was in, and of their lines its own."""
    of: dict[bytes, list[Page]] = {}
    for page in pages:
        of.setdefault(page.subject, []).append(page)
    for sent in (p for p in pages if p.kind == "Dispatch"):
        message = sent.said.message
        named = [n for n, line in sent.lines().items() if _name(line) == package]
        for number in named if package is not None else ():
            sent.read_line(number, "assembler", "package")
        if package is None or named:
            yield Consignment(
                id=sent.subject.hex(),
                name=str(sent.get("slip") or sent.subject.hex()[:8]),
                giver=integer(message, "unit"),
                receiver=integer(message, "receiver"),
                purpose=Purpose(integer(message, "purpose")).name.lower(),
                steps=tuple(_steps(sent, of[sent.subject], terms)),
            )


def _name(line: Mapping[str, FieldValue]) -> str:
    return f"{line.get('assembler')}/{line.get('package')}"


def _steps(sent: Page, pages: Iterable[Page], terms: tuple[Terms, ...]) -> Iterator[Event]:
    seals = sent.get("seals")
    receiver = integer(sent.said.message, "receiver")
    yield replace(sent.event(Deed.DISPATCHED), facts={"seal": seals})
    for page in pages:
        if page.kind == "HandOver":
            if page.get("leg") == "diverted":
                yield page.event(Deed.DIVERTED)
            if integer(page.said.message, "taker") == receiver:
                yield page.event(Deed.ARRIVED)
        elif page.kind == "TakeOver":
            outcome, found = page.get("outcome"), page.get("seals")
            seal = seals if found == "intact" else found
            facts = {
                "seal": seal,
                "boxes": page.get("boxes"),
                "count": page.get("counts.seen") or None,
            }
            if outcome == "carried":
                event = page.event(Deed.TAKEN_OVER)
                kind = terms_at(terms, event.at).document["unit_classes"].get(str(event.unit))
                facts["vehicle"] = "drone" if kind == "drone_carrier" else "van"
                yield replace(event, facts=facts)
            elif outcome in {"kept", "kept_without_asset"}:
                yield replace(page.event(Deed.RECEIVED), facts=facts)


# ---------------------------------------------------------------- recalls


def read_recalls(pages: list[Page]) -> Iterator[Recall]:
    """Every order that was not taken back, with its notices and answers."""
    for order in (p for p in pages if p.kind == "RecallOrder" and p.get("stage") == "ordered"):
        first, last = order.get("first"), order.get("last")
        if isinstance(first, int) and isinstance(last, int):
            yield Recall(
                id=to_hex(order.said.digest),
                order=order.event(Deed.ORDERED, "first", "last"),
                machine=order.subject.hex(),
                first=first,
                last=last,
                steps=tuple(_told(order.said.digest, pages)),
            )


def read_seen(pages: list[Page], deed: Deed, about: Page) -> Iterator[Event]:
    """Who says that they saw an operation."""
    for page in pages:
        if page.kind == "Comment" and page.subject == about.said.digest:
            seen = page.event(deed, "stance")
            if seen.fact("stance") == "seen":
                yield replace(seen, facts={**seen.facts, "to": seen.unit})


def _told(order: bytes, pages: list[Page]) -> Iterator[Event]:
    for page in pages:
        if page.kind == "RecallNotice" and word(page.said.message, "content") == order:
            yield page.event(Deed.NOTICED, "to")
            to = int(str(page.get("to") or 0))
            yield from (e for e in read_seen(pages, Deed.REACHED, page) if e.unit == to)
            if page.get("reached_by") not in {None, "sent"}:
                reached = page.event(Deed.REACHED, "reached_by", when=page.get("reached_at"))
                yield replace(reached, unit=to)
        elif page.kind == "RecallAnswer" and page.subject == order:
            answer = page.event(Deed.ANSWERED, "found", "asked")
            yield replace(answer, unit=integer(page.said.message, "unit"))
            yield replace(answer, deed=Deed.REACHED)
