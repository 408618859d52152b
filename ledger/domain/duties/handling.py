"""Shown scans, consignments and recalls → a package's history, its ways, and what recalls said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ledger.domain.acts.comment import Stance
from ledger.domain.acts.custody import DispositionKind
from ledger.domain.acts.package_decision import PackageDecisionKind
from ledger.domain.acts.recall_order import RecallStage
from ledger.domain.acts.transport_log import LOGGED
from ledger.domain.acts.vocabulary import integer, word
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.acts.words import AssetKind, Purpose
from ledger.domain.custody import lines
from ledger.domain.custody.counting import LINE_DEEDS
from ledger.domain.custody.lines import assembler
from ledger.domain.custody.outcomes import parse_outcome
from ledger.domain.duties.case import Consignment, Deed, Event, How, Recall, When
from ledger.domain.duties.pages import Page, word_of
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
#: The same of what a decision says of single packages.
_DECIDED = {
    lines.Deed.LEFT_OUT: Deed.EXCLUDED,
    lines.Deed.WAITING: Deed.WAITING,
    lines.Deed.ADDED: Deed.ADDED,
}
_DECIDED_OF_PACKAGES = {
    "hold": Deed.HELD, "lift": Deed.LIFTED, "exclude": Deed.EXCLUDED, "recall": Deed.RECALLED,
    "reprocess": Deed.REPROCESS,
}  # fmt: skip
_DISPOSED = {int(DispositionKind.LOST): Deed.MISSING, int(DispositionKind.FOUND): Deed.FOUND}
_BASES = {
    "scanned": How.SCANNED, "counted": How.COUNTED, "ticked_off": How.TICKED, "typed": How.TYPED,
    "imported": How.IMPORTED, "inferred": How.INFERRED,
}  # fmt: skip
_COLUMNS = (
    "act", "package", "basis", "happened", "happened_text", "outcome", "case", "expires",
    "takes_back", "against",
)  # fmt: skip


# ---------------------------------------------------------------- the package


def read_history(
    pages: list[Page], package: str, terms: tuple[Terms, ...], parties: Collection[int]
) -> tuple[list[Event], bytes | None]:
    """What lines say of a package, and the cycle that it was loaded into last.

    A load or decision of a unit that had it counts before one of a unit that only names it.
    """
    taken_back = set(_taken_back(pages))
    deciding = _deciding(pages, package, parties)
    history: list[Event] = []
    cycle: bytes | None = None
    for page in pages:
        for number, line in page.lines().items():
            if line.get("package") != package or (page.said.digest, number) in taken_back:
                continue
            if page.kind == "ScanReport":
                history += _scanned(page, number, terms)
            elif page.said.digest in deciding:
                history += _decided(page, number)
                is_load = page.kind == "LoadDeclaration"
                cycle = word(page.said.message, "cycle") if is_load else cycle
    sent = [
        page.event(Deed.DISPATCHED) for page in pages
        if page.kind == "Dispatch" and any(_name(each) == package for each in page.lines().values())
    ]  # fmt: skip
    history += _short_of_receipts(pages, package)
    return list(_with_unloading(history, sent, assembler(package))), cycle


def _decided(page: Page, number: int) -> Iterator[Event]:
    """What one line of a load or a decision says."""
    if page.kind == "LoadDeclaration":
        needed = page.read_line(number, "package", "programme_required")
        loaded = page.event(Deed.LOADED, programme_required=needed["programme_required"])
        yield replace(loaded, path=f"lines.{number}.")
    elif page.kind == "CycleDecision":
        outcome = page.read_line(number, "package", "outcome")["outcome"]
        told = LINE_DEEDS.get(str(outcome))
        if told is not None:
            yield page.event(_DECIDED[told])
    elif page.kind == "PackageDecision":
        page.read_line(number, "package")
        decided = word_of(PackageDecisionKind, packed_numbers(page.said.message)[0])
        if decided is not None:
            yield page.event(_DECIDED_OF_PACKAGES[decided])


def _short_of_receipts(pages: list[Page], package: str) -> Iterator[Event]:
    """What was not in its box, as whoever opened that saw; and what was lost with its box."""
    boxes = {
        page.subject for page in pages
        if page.kind == "Dispatch" and any(_name(each) == package for each in page.lines().values())
    }  # fmt: skip
    for page in pages:
        if page.kind == "TakeOver" and _of_package(page, package).get("of_package") == "missing":
            yield page.event(Deed.MISSING)
        elif page.kind == "Disposition" and page.subject in boxes:
            told = _disposed(page)
            if told is not None:
                yield page.event(told)


def _disposed(page: Page) -> Deed | None:
    """That a whole consignment is lost, or found again."""
    return _DISPOSED.get(integer(page.said.message, "kind"))


def _deciding(pages: list[Page], package: str, parties: Collection[int]) -> frozenset[bytes]:
    """The loads and decisions that count: of units that had it, where one of them loaded it."""
    loaders = {
        integer(page.said.message, "unit")
        for page in pages
        if page.kind == "LoadDeclaration"
        and any(line.get("package") == package for line in page.lines().values())
    } & set(parties)
    return frozenset(
        page.said.digest
        for page in pages
        if not loaders or integer(page.said.message, "unit") in loaders
    )


#: After these it is no longer as it was unloaded.
_LEAVING = frozenset({Deed.DISPATCHED, Deed.ISSUED, Deed.OPENED, Deed.USED})


def _with_unloading(history: list[Event], sent: list[Event], own: int) -> Iterator[Event]:
    """Whether it was dry is of its unloading while its assembler still had it."""
    left = min((e.at for e in (*sent, *history) if e.deed in _LEAVING), default=None)
    for event in history:
        is_there = event.unit == own and (left is None or event.at <= left)
        if is_there and event.deed is Deed.WET:
            yield replace(event, deed=Deed.UNLOADED, facts={"dry": False})
        elif is_there and event.deed in {Deed.STORED, Deed.UNLOADED} and event.fact("dry") is True:
            yield replace(event, deed=Deed.UNLOADED)
        elif event.deed is not Deed.UNLOADED:
            yield event


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


def _scanned(page: Page, number: int, terms: tuple[Terms, ...]) -> Iterator[Event]:
    line = page.read_line(number, *_COLUMNS)
    # an inspection, a label and a basket are of no duty by themselves; they may say that it was dry
    deed = _DEEDS.get(str(line["act"]), Deed.UNLOADED)
    told = parse_outcome(None if line["outcome"] is None else str(line["outcome"]))
    how = _BASES.get(str(line["basis"]), How.TYPED)
    event = page.event(deed, when=line["happened"])
    when = event.when
    if when is not None and line["happened"] is None and line["happened_text"] is not None:
        when = None  # said in words alone: `about 13:00`
    elif when is not None and when.how is not How.PAPER:
        when = replace(when, how=how)
    expires = _last_moment(line["expires"], terms_at(terms, event.at))
    facts = {**told, "case_token": line["case"], "expires_at": expires, "against": line["against"],
             "case_kept_back": f"lines.{number}.case" not in page.said.facts or None}  # fmt: skip
    yield replace(
        event, when=when, how=how, path=f"lines.{number}.",
        facts={name: value for name, value in facts.items() if value is not None},
    )  # fmt: skip
    if "seal_test" in told:
        yield replace(
            event, deed=Deed.SEAL_TESTED, when=when, how=how, facts={"passed": told["seal_test"]}
        )


def _last_moment(day: FieldValue, terms: Terms) -> str | None:
    """The end of the last day of use, by the group's clocks."""
    if day is None:
        return None
    try:
        end = datetime.fromisoformat(f"{day}T00:00:00+00:00") + timedelta(days=1, seconds=-1)
        return instant_text(end - terms.offset)
    except (ValueError, OverflowError):
        return None


# ---------------------------------------------------------------- its ways


def read_consignments(
    pages: list[Page],
    terms: tuple[Terms, ...],
    *,
    package: str | None = None,
    asset: bytes | None = None,
) -> Iterator[Consignment]:
    """Every consignment; with `package` or `asset` those alone that it was in.

    Of a package's, only its own lines are read.
    """
    of: dict[bytes, list[Page]] = {}
    for page in pages:
        of.setdefault(page.subject, []).append(page)
    for sent in (p for p in pages if p.kind == "Dispatch"):
        message = sent.said.message
        named = [n for n, line in sent.lines().items() if _name(line) == package]
        for number in named if package is not None else ():
            sent.read_line(number, "assembler", "package", "basis")
        if (package is None or named) and (asset is None or word(message, "asset") == asset):
            about = of[sent.subject]
            yield Consignment(
                id=sent.subject.hex(),
                name=str(sent.get("slip") or sent.subject.hex()[:8]),
                giver=integer(message, "unit"),
                receiver=_receivers(sent, about)[-1],
                purpose=Purpose(integer(message, "purpose")).name.lower(),
                steps=tuple(_steps(sent, about, terms, package)),
            )


#: What both sides say of an asset.
_STATED = ("condition", "condition_is", "instruments")


def _name(line: Mapping[str, FieldValue]) -> str:
    return f"{line.get('assembler')}/{line.get('package')}"


def _receivers(sent: Page, pages: Iterable[Page]) -> list[int]:
    """To whom it was to go, and to whom it was re-routed since."""
    return [
        integer(sent.said.message, "receiver"),
        *(
            integer(page.said.message, "receiver")
            for page in pages
            if page.kind in {"Disposition", "ClosedUnitDisposition"}
            and integer(page.said.message, "kind") == DispositionKind.REROUTE
        ),
    ]


def _steps(
    sent: Page, pages: Iterable[Page], terms: tuple[Terms, ...], package: str | None
) -> Iterator[Event]:
    seals, about = sent.get("seals"), list(pages)
    receivers = set(_receivers(sent, about))
    giver = integer(sent.said.message, "unit")
    away = sent.event(
        Deed.DISPATCHED, "closed", "pretreated", "special_infection", *_STATED, seal=seals
    )
    yield replace(away, facts={**away.facts, **_basis_of(sent, package)})
    for page in about:
        if page.kind == "HandOver":
            taker = integer(page.said.message, "taker")
            if page.get("leg") == "diverted":
                yield page.event(Deed.DIVERTED)
            if page.get("resealed"):
                seals = page.get("seals")  # from here on these are the ones that are intact
                yield page.event(Deed.RESEALED, seal=seals)
            if page.get("transport_log"):
                yield page.event(Deed.TRANSPORT_LOG, "transport_log")
            if taker in receivers:
                yield page.event(Deed.ARRIVED, "left_at", to=taker)
            else:
                yield page.event(Deed.HANDED_OVER)
        elif page.kind == "Disposition" and (told := _disposed(page)) is not None:
            yield page.event(told)
        elif page.kind == "TransportLog":
            yield _log(page)
        elif page.kind == "TakeOver":
            yield from _taken(page, seals, giver, terms, package)


def _log(page: Page) -> Event:
    """What loggers showed, from the first reading to the last, whenever it was brought."""
    event = page.event(Deed.TRANSPORT_LOG, *LOGGED)
    begun, ended = page.get("begun_at"), page.get("ended_at")
    if begun is None or ended is None:
        return replace(event, when=None)
    first, last = (datetime.fromisoformat(str(each)) for each in (begun, ended))
    return replace(event, when=When(first=first, last=last, how=How.TYPED))


def _taken(
    page: Page, seals: FieldValue, giver: int, terms: tuple[Terms, ...], package: str | None
) -> Iterator[Event]:
    outcome, found = page.get("outcome"), page.get("seals")
    facts = {
        "seal": seals or found if found == "intact" else found,
        "boxes": page.get("boxes"),
        "count": page.get("counts.seen") or None,
        **page.facts("automatic", *_STATED),
    }
    if outcome == "carried":
        event = page.event(Deed.TAKEN_OVER)
        kind = terms_at(terms, event.at).document["unit_classes"].get(str(event.unit))
        facts["vehicle"] = "drone" if kind == "drone_carrier" else "van"
        yield replace(event, facts=facts)
    elif outcome in {"kept", "kept_without_asset"}:
        is_back = integer(page.said.message, "unit") == giver
        event = page.event(Deed.TAKEN_BACK if is_back else Deed.RECEIVED)
        yield replace(event, facts={**facts, **_of_package(page, package)})
    elif outcome == "refused":
        yield page.event(Deed.REFUSED)


def _basis_of(sent: Page, package: str | None) -> dict[str, FieldValue]:
    """How its giver knew that the package was in it."""
    for number, line in sent.lines().items() if package is not None else ():
        if _name(line) == package:
            return {"basis": sent.get(f"lines.{number}.basis")}
    return {}


def _of_package(page: Page, package: str | None) -> dict[str, FieldValue]:
    """What a receipt says of the package that is asked about."""
    for number, line in page.lines().items() if package is not None else ():
        if _name(line) == package:
            read = page.read_line(number, "assembler", "package", "outcome", "basis")
            return {"of_package": read["outcome"], "basis": read["basis"]}
    return {}


# ---------------------------------------------------------------- assets

#: What somebody reports of an asset → what was done.
_OF_ASSETS = {
    "used": Deed.USED, "looked_at": Deed.LOOKED_AT, "damaged": Deed.DAMAGED, "short": Deed.MISSING,
    "found": Deed.FOUND,
}  # fmt: skip


def read_asset(pages: list[Page], asset: bytes) -> Iterator[Event]:
    """Its registration, and what was reported of it."""
    for page in pages:
        if page.subject != asset:
            continue
        if page.kind == "AssetRegistration":
            kind = AssetKind(integer(page.said.message, "kind")).name.lower()
            yield page.event(Deed.REGISTERED, "code", kind=kind)
        elif page.kind == "AssetReport":
            deed = _OF_ASSETS.get(str(page.get("what")))
            if deed is not None:
                event = page.event(deed, *_STATED)
                expected = page.get("instruments_expected")
                yield replace(event, facts={**event.facts, "expected": expected})


# ---------------------------------------------------------------- recalls


def read_recalls(pages: list[Page]) -> Iterator[Recall]:
    """Every order that was not taken back, with its notices and answers."""
    for page in (p for p in pages if p.kind == "RecallOrder"):
        epoch, first, last, stage = packed_numbers(page.said.message)
        if stage == RecallStage.ORDERED:
            order = page.event(Deed.ORDERED, first=first, last=last)
            yield Recall(
                id=to_hex(page.said.digest),
                order=order,
                machine=page.subject.hex(),
                epoch=epoch,
                first=first,
                last=last,
                steps=tuple(_told(page.said.digest, order.at, pages)),
            )


def _told(order: bytes, ordered: datetime, pages: list[Page]) -> Iterator[Event]:
    told: dict[bytes, int] = {}
    for page in pages:
        message, unit = page.said.message, integer(page.said.message, "unit")
        if page.kind == "RecallNotice" and word(message, "content") == order:
            to = int(str(page.get("to") or 0))
            yield page.event(Deed.NOTICED, "to")
            told[page.said.digest] = to
            if page.get("reached_by") not in {None, "sent"}:
                reached = page.event(Deed.REACHED, "reached_by", when=page.get("reached_at"))
                yield replace(reached, unit=to)
        elif page.kind == "Comment" and told.get(page.subject) == unit:
            if packed_numbers(message)[0] == Stance.SEEN:
                yield page.event(Deed.REACHED)
        elif page.kind == "RecallAnswer" and page.subject == order:
            found, asked, *_ = packed_numbers(message)
            answer = page.event(Deed.ANSWERED, found=found, asked=asked)
            yield answer
            # who answers was reached before, and nobody says when
            since = When(first=min(ordered, answer.at), last=answer.at, how=How.INFERRED)
            yield replace(answer, deed=Deed.REACHED, when=since)
