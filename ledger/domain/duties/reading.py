"""Operations, as far as they are shown → the case that is judged; and which fields were read.

The same operations make the same case wherever they are read: in the instance that keeps the whole
records, and by a verifier that is shown only the fields that were read there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ledger.domain.acts.comment import Stance
from ledger.domain.acts.terms import document_of
from ledger.domain.acts.vocabulary import integer, word
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.custody.lines import assembler, package_subject
from ledger.domain.duties.case import Area, Case, Consignment, Cycle, Deed, Event, SubjectKind
from ledger.domain.duties.cycles import read_cycles
from ledger.domain.duties.handling import (
    read_asset,
    read_consignments,
    read_history,
    read_recalls,
)
from ledger.domain.duties.pages import Page, Said, word_of
from ledger.domain.duties.terms import Terms, parse_terms, published
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput, SteriLedgerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, and for which moment."""

    kind: SubjectKind
    #: a package by its name `UNIT/SERIAL`; all else by 0x and the digits of its id
    subject: str
    as_of: datetime
    #: also what was known at that time
    then: datetime | None = None

    @property
    def id(self) -> bytes:
        """32 bytes; raises InvalidInput for what is no id."""
        if self.kind is SubjectKind.PACKAGE:
            return package_subject(self.subject)
        try:
            return bytes.fromhex(self.subject.removeprefix("0x"))
        except ValueError:
            raise InvalidInput(
                f"{self.subject[:80]!r} is no id", field="subject", rule="0x and 64 digits"
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A case, and the fields of each operation that it was read from, by digest."""

    case: Case
    #: as it was known at the moment that was asked for; None where nothing of it was, or nobody did
    before: Case | None = None
    used: Mapping[bytes, frozenset[str]]


def read_case(
    question: Question,
    said: Iterable[Said],
    *,
    block: int,
    custody_of: Callable[[bytes], str],
    hidden: Collection[bytes] = (),
) -> Read:
    """The case that a question asks for; raises InvalidInput where nothing of it is shown.

    `custody_of` says who holds a signer's key, by its id; `hidden` are the operations whose records
    are kept elsewhere, or not for the eyes of who asks.
    """
    ordered = sorted({each.digest: each for each in said}.values(), key=lambda s: (s.block, s.log))
    pages = [
        Page(said=each, custody=custody_of(word(each.message, "signedBy")))
        if "signedBy" in each.message
        else Page(said=each, custody="authority")
        for each in ordered
    ]
    case, before = _case(question, pages, block, hidden), None
    if question.then is not None:
        known = [page for page in pages if page.known <= question.then]
        asked = replace(question, as_of=min(question.as_of, question.then))
        with suppress(InvalidInput):  # nothing of it was known then
            before = _case(asked, known, block, hidden)
    used = {p.said.digest: frozenset(p.used) for p in pages if p.used}
    return Read(case=case, before=before, used=used)


def _case(question: Question, pages: list[Page], block: int, hidden: Collection[bytes]) -> Case:
    standing = list(_standing(pages))
    terms = tuple(_terms(standing))
    parts = _PARTS[question.kind](question, standing, terms)
    had = parts.pop("known_to_have_had", set())
    case = Case(
        kind=question.kind,
        as_of=question.as_of,
        block=block,
        units=_units(standing, "code"),
        names=_units(standing, "name"),
        closed={
            integer(p.said.message, "unit"): p.known for p in standing if p.kind == "UnitClosure"
        },
        terms=terms,
        shifts=tuple(_events(standing, "Shift", Deed.SHIFT, "begun_at", "ended_at")),
        outages=tuple(_events(standing, "Outage", Deed.OUTAGE, "begun_at", "ended_at")),
        maintenance=tuple(
            _events(
                standing,
                "Maintenance",
                Deed.MAINTAINED,
                "work",
                "next_due",
                "outcome",
                when="done_at",
            )
        ),
        comments=tuple(_comments(standing)),
        unreadable=frozenset(
            area
            for page in pages
            if page.said.digest in hidden
            for area in _AREAS.get(page.kind, ())
        ),
        **parts,
    )
    return _without_strangers(case, had)


#: What is said of it by whoever looks at it; other deeds are the reporter's own.
_SAID_OF_IT = frozenset({
    Deed.WET, Deed.DAMAGED, Deed.MISSING, Deed.FOUND, Deed.NOT_USED, Deed.DISCARDED,
    Deed.LOOKED_AT,
})  # fmt: skip


def _without_strangers(case: Case, had: set[int]) -> Case:
    """What a unit says of it that is not known to have had it is a third party's statement."""
    moved = tuple(_own_steps(each) for each in case.consignments)
    own = tuple(e for e in case.history if e.deed not in _SAID_OF_IT)
    known = replace(case, history=own, consignments=moved).concerned | had
    theirs = [e for e in case.history if e.deed in _SAID_OF_IT and e.unit not in known]
    history = tuple(e for e in case.history if e not in theirs)
    for before, after in zip(case.consignments, moved, strict=True):
        theirs += [step for step in before.steps if step not in after.steps]
    return replace(case, history=history, consignments=moved, strangers=tuple(theirs))


def _own_steps(moved: Consignment) -> Consignment:
    """Without the logs of units that had no part in it."""
    parties = {moved.giver, moved.receiver}
    parties |= {step.unit for step in moved.steps if step.deed is not Deed.TRANSPORT_LOG}
    steps = tuple(s for s in moved.steps if s.unit in parties)
    return replace(moved, steps=steps)


#: What is not known where the record of such an operation is not readable.
_AREAS: Mapping[str, tuple[Area, ...]] = {
    **dict.fromkeys(("CycleOpening", "CycleEnding", "CycleDecision", "ResultEntry"), (Area.CYCLE,)),
    "ScanReport": (Area.PACKAGE, Area.USE, Area.CYCLE),
    **dict.fromkeys(("Dispatch", "HandOver", "TakeOver"), (Area.TRANSPORT,)),
    **dict.fromkeys(("RecallOrder", "RecallNotice", "RecallAnswer"), (Area.RECALL, Area.CYCLE)),
    "Shift": (Area.SHIFTS,),
    "Terms": (Area.TERMS,),
    "Maintenance": (Area.MACHINE, Area.CYCLE),
    "TransportLog": (Area.TRANSPORT,),
    "AssetReport": (Area.PACKAGE, Area.USE),
}
#: Kinds whose later operations follow the earlier ones, and take nothing of them back.
_STAYING = frozenset({"CycleDecision", "RecallOrder", "RecallAnswer", "Terms"})


def _standing(pages: list[Page]) -> Iterator[Page]:
    """What was not replaced, nor said of a cycle before its opening was taken back."""
    replaced = {word(p.said.message, "replaces") for p in pages if "replaces" in p.said.message}
    voided = {p.subject: n for n, p in enumerate(pages) if p.kind == "CycleVoid"}
    for number, page in enumerate(pages):
        is_current = page.said.digest not in replaced or page.kind in _STAYING
        if is_current and number >= voided.get(page.subject, -1):
            yield page


# ---------------------------------------------------------------- what is asked about


def _nothing(question: Question) -> InvalidInput:
    return InvalidInput(
        f"names no {question.kind.value} whose operations are here",
        field="subject",
        rule="a package by UNIT/SERIAL, all else by its id",
    )


def _of_cycle(
    question: Question, pages: list[Page], terms: tuple[Terms, ...], *, named: bytes | None = None
) -> dict[str, Any]:
    """A cycle with the others of its machine and epoch, and the recalls of that machine."""
    del terms
    cycles = {cycle.id: cycle for cycle in read_cycles(pages)}
    own = cycles.pop((named or question.id).hex(), None)
    if own is None:
        raise _nothing(question)
    return {
        "id": own.id,
        "name": own.name,
        "cycle": own,
        "series": tuple(each for each in cycles.values() if _is_beside(each, own)),
        "recalls": tuple(
            r for r in read_recalls(pages) if (r.machine, r.epoch) == (own.machine.id, own.epoch)
        ),
    }


def _is_beside(each: Cycle, own: Cycle) -> bool:
    return (each.machine.id, each.epoch) == (own.machine.id, own.epoch)


def _of_package(question: Question, pages: list[Page], terms: tuple[Terms, ...]) -> dict[str, Any]:
    """A package: what lines say of it, its cycle, and the consignments that it was in."""
    moved = tuple(read_consignments(pages, terms, package=question.subject))
    parties = {assembler(question.subject), *(s.unit for c in moved for s in _own_steps(c).steps)}
    history, cycle = read_history(pages, question.subject, terms, parties)
    if not history and not moved:
        raise _nothing(question)
    of_cycle = {} if cycle is None else _of_cycle(question, pages, terms, named=cycle)
    return {
        **of_cycle,
        "id": question.id.hex(),
        "name": question.subject,
        "history": tuple(history),
        "consignments": moved,
        "owner": 0,
        "known_to_have_had": {assembler(question.subject)},
    }


def _of_asset(question: Question, pages: list[Page], terms: tuple[Terms, ...]) -> dict[str, Any]:
    """An asset: what was reported of it, and the consignments that it travelled in."""
    history = list(read_asset(pages, question.id))
    moved = tuple(read_consignments(pages, terms, asset=question.id))
    known = next((e for e in history if e.deed is Deed.REGISTERED), None)
    if not history and not moved:
        raise _nothing(question)
    code = None if known is None else known.fact("code")
    return {
        "id": question.id.hex(),
        "name": str(code or question.id.hex()[:8]),
        "history": tuple(history),
        "consignments": moved,
        "owner": 0 if known is None else known.unit,
        "is_loaner": known is not None and known.fact("kind") == "loaner_set",
        "known_to_have_had": set(),
    }


def _of_consignment(
    question: Question, pages: list[Page], terms: tuple[Terms, ...]
) -> dict[str, Any]:
    found = [c for c in read_consignments(pages, terms) if c.id == question.id.hex()]
    if not found:
        raise _nothing(question)
    return {"id": found[0].id, "name": found[0].name, "consignments": tuple(found)}


def _of_recall(question: Question, pages: list[Page], terms: tuple[Terms, ...]) -> dict[str, Any]:
    del terms
    found = [r for r in read_recalls(pages) if r.id == to_hex(question.id)]
    if not found:
        raise _nothing(question)
    own = found[0]
    cycles = tuple(
        c for c in read_cycles(pages) if (c.machine.id, c.epoch) == (own.machine, own.epoch)
    )
    name = f"{own.first}–{own.last}"
    return {"id": own.id, "name": name, "recalls": (own,), "series": cycles}


_PARTS: Mapping[SubjectKind, Callable[..., dict[str, Any]]] = {
    SubjectKind.CYCLE: _of_cycle,
    SubjectKind.PACKAGE: _of_package,
    SubjectKind.CONSIGNMENT: _of_consignment,
    SubjectKind.ASSET: _of_asset,
    SubjectKind.RECALL: _of_recall,
}
#: What may be asked about.
ASKED = tuple(kind.value for kind in _PARTS)


# ---------------------------------------------------------------- what is around it


def _units(pages: list[Page], called: str) -> dict[int, str]:
    """The codes or names of units, from their admissions."""
    found = {}
    for page in pages:
        if page.kind == "UnitAdmission" and (code := page.get(called)) is not None:
            found[integer(page.said.message, "unit")] = str(code)
    return found


def _terms(pages: list[Page]) -> Iterator[Terms]:
    for page in pages:
        if page.kind != "Terms":
            continue
        lines = [p for p in page.said.facts if p.startswith("lines.")]
        try:
            terms = parse_terms(document_of({path: page.get(path) for path in lines}))
        except SteriLedgerError:
            continue  # published past our rules: it is no document that anybody can go by
        source = page.source()
        yield published(terms, known=source.known, operation=source.operation)


def _events(
    pages: list[Page], kind: str, deed: Deed, *paths: str, when: str = "begun_at"
) -> Iterator[Event]:
    for page in pages:
        if page.kind == kind:
            event = page.event(deed, *paths, when=page.get(when))
            about = {"signer": to_hex(page.subject), "asset": page.subject.hex()}
            yield replace(event, facts={**event.facts, **about})


def _comments(pages: list[Page]) -> Iterator[Event]:
    for page in pages:
        if page.kind == "Comment":
            stance = word_of(Stance, packed_numbers(page.said.message)[0])
            event = page.event(Deed.COMMENTED, "text", stance=stance)
            if stance != Stance.WITHDRAWN.name.lower():
                yield replace(event, facts={**event.facts, "about": to_hex(page.subject)})
