"""Operations, as far as they are shown → the case that is judged; and which fields were read.

The same operations make the same case wherever they are read: in the instance that keeps the whole
records, and by a verifier that is shown only the fields that were read there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ledger.domain.acts.comment import Stance
from ledger.domain.acts.terms import document_of
from ledger.domain.acts.vocabulary import Act, Facts, Message, integer, word
from ledger.domain.acts.words import RESULT_NAMES
from ledger.domain.duties.case import (
    Case,
    Cycle,
    Deed,
    Event,
    How,
    Machine,
    Source,
    SubjectKind,
    When,
)
from ledger.domain.duties.terms import Terms, parse_terms, published
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import InvalidInput, SteriLedgerError
from ledger.domain.machines.profiles import HoldProfile, get_profile
from ledger.domain.records.commitments import FieldValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One final operation, with as much of its record as is shown."""

    digest: bytes
    act: Act
    message: Message
    facts: Facts
    block: int
    log: int
    #: Unix seconds of its block
    mined_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, and for which moment."""

    kind: SubjectKind
    #: 32 bytes
    id: bytes
    as_of: datetime
    #: also what was known at that time
    then: datetime | None = None


@dataclass(slots=True)
class _Page:
    """An operation while it is read; it remembers which fields were looked at."""

    said: Said
    custody: str
    used: set[str] = field(default_factory=set)

    def get(self, path: str) -> FieldValue:
        """A fact; None where it was not entered or is not shown."""
        if path in self.said.facts:
            self.used.add(path)
        return self.said.facts.get(path)

    def facts(self, *paths: str) -> dict[str, FieldValue]:
        """Several of them, by the last part of their names."""
        return {path: self.get(path) for path in paths}

    @property
    def kind(self) -> str:
        return self.said.act.name

    @property
    def subject(self) -> bytes:
        return self.said.act.subject_of(self.said.message)

    def source(self) -> Source:
        """Who says it, and since when it could be known."""
        message = self.said.message
        return Source(
            operation=to_hex(self.said.digest),
            kind=self.kind,
            unit=integer(message, "unit"),
            block=self.said.block,
            log=self.said.log,
            known=datetime.fromtimestamp(self.said.mined_at, UTC),
            signer=to_hex(word(message, "signedBy")),
            custody=self.custody,
        )

    def event(
        self,
        deed: Deed,
        *paths: str,
        when: FieldValue = None,
        printed: bool = False,
        **more: FieldValue,
    ) -> Event:
        """The event that it tells; without a time of its own, when it was signed."""
        how = How.PRINTED if printed else How.TYPED
        if self.get("authenticated_by") == "paper":
            how = How.PAPER
        told = when or self.get("happened.utc")
        signed = datetime.fromtimestamp(integer(self.said.message, "signedAt"), UTC)
        moment = signed if told is None else datetime.fromisoformat(str(told))
        return Event(
            deed=deed,
            unit=integer(self.said.message, "unit"),
            when=When(first=moment, last=moment, how=how),
            source=self.source(),
            facts={**self.facts(*paths), **more},
            how=how,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A case, and the fields of each operation that it was read from, by digest."""

    case: Case
    used: Mapping[bytes, frozenset[str]]


def read_case(
    question: Question, said: Iterable[Said], *, block: int, custody_of: Callable[[bytes], str]
) -> Read:
    """The case about a cycle; raises InvalidInput where nothing of it is shown.

    `custody_of` says who holds a signer's key, by its id.
    """
    ordered = sorted({each.digest: each for each in said}.values(), key=lambda s: (s.block, s.log))
    pages = [
        _Page(said=each, custody=custody_of(bytes(each.message.get("signedBy", b""))))  # type: ignore[arg-type]
        for each in ordered
    ]
    standing = list(_standing(pages))
    cycles = {cycle.id: cycle for cycle in _cycles(standing)}
    own = cycles.pop(question.id.hex(), None)
    if own is None or question.kind is not SubjectKind.CYCLE:
        raise InvalidInput(
            "names no cycle whose operations are here", field="subject", rule="a cycle by its id"
        )
    case = Case(
        kind=question.kind,
        id=own.id,
        name=own.name,
        as_of=question.as_of,
        block=block,
        units=_units(standing),
        terms=tuple(_terms(standing)),
        cycle=own,
        series=tuple(
            each
            for each in cycles.values()
            if each.machine.id == own.machine.id
            and each.opened.fact("machine.epoch") == own.opened.fact("machine.epoch")
        ),
        shifts=tuple(_events(standing, "Shift", Deed.SHIFT, "begun_at", "ended_at")),
        outages=tuple(
            _events(standing, "Outage", Deed.OUTAGE, "begun_at", "ended_at", when="begun_at")
        ),
        maintenance=tuple(
            _events(standing, "Maintenance", Deed.MAINTAINED, "work", "next_due", when="done_at")
        ),
        comments=tuple(_comments(standing)),
    )
    return Read(case=case, used={p.said.digest: frozenset(p.used) for p in pages if p.used})


def _standing(pages: list[_Page]) -> Iterator[_Page]:
    """What was not replaced, nor said of a cycle before its opening was taken back."""
    replaced = {bytes(p.said.message.get("replaces", b"")) for p in pages}  # type: ignore[arg-type]
    voided = {p.subject: n for n, p in enumerate(pages) if p.kind == "CycleVoid"}
    for number, page in enumerate(pages):
        is_current = page.said.digest not in replaced or page.kind == "CycleDecision"
        if is_current and number >= voided.get(page.subject, -1):
            yield page


def _units(pages: list[_Page]) -> dict[int, str]:
    """The codes of units, from their admissions."""
    found = {}
    for page in pages:
        if page.kind == "UnitAdmission" and (code := page.get("code")) is not None:
            found[integer(page.said.message, "unit")] = str(code)
    return found


def _terms(pages: list[_Page]) -> Iterator[Terms]:
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
    pages: list[_Page], kind: str, deed: Deed, *paths: str, when: str = "begun_at"
) -> Iterator[Event]:
    for page in pages:
        if page.kind != kind:
            continue
        about = page.subject
        event = page.event(deed, *paths, when=page.get(when))
        yield replace(
            event, facts={**event.facts, "signer": to_hex(about), "asset": about.hex()}
        )  # fmt: skip


def _comments(pages: list[_Page]) -> Iterator[Event]:
    for page in pages:
        if page.kind == "Comment":
            event = page.event(Deed.COMMENTED, "stance", "text")
            if event.fact("stance") != Stance.WITHDRAWN.name.lower():
                yield replace(event, facts={**event.facts, "about": to_hex(page.subject)})


# ---------------------------------------------------------------- cycles


def _cycles(pages: list[_Page]) -> Iterator[Cycle]:
    machines = {p.subject: p for p in pages if p.kind == "EquipmentRegistration"}
    of: dict[bytes, list[_Page]] = {}
    for page in pages:
        of.setdefault(page.subject, []).append(page)
    for opening in (p for p in pages if p.kind == "CycleOpening"):
        yield _cycle(opening, of[opening.subject], machines)


def _cycle(opening: _Page, pages: list[_Page], machines: Mapping[bytes, _Page]) -> Cycle:
    message = opening.said.message
    equipment = word(message, "equipment")
    ended = next((p for p in reversed(pages) if p.kind == "CycleEnding"), None)
    return Cycle(
        id=opening.subject.hex(),
        number=integer(message, "number"),
        machine=_machine(equipment, integer(message, "unit"), machines.get(equipment), opening),
        opened=opening.event(
            Deed.CYCLE_OPENED,
            "programme", "biological_indicator", "holds_implant", "machine.state", "machine.epoch",
            when=_moment(integer(message, "startedAt")),
        ),
        ended=None if ended is None else _ending(ended),
        results=tuple(_results(pages)),
        decisions=tuple(
            p.event(Deed.DECIDED, "decision", "reason") for p in pages if p.kind == "CycleDecision"
        ),
    )  # fmt: skip


def _moment(seconds: int) -> str | None:
    return instant_text(datetime.fromtimestamp(seconds, UTC)) if seconds else None


def _ending(page: _Page) -> Event:
    """The machine's own print where there is one, our verdict on it, and the profile."""
    printed = page.get("verdict.sample_count") is not None
    verdict = page.get("verdict.result")
    return page.event(
        Deed.CYCLE_ENDED,
        "outcome", "programme",
        when=_moment(integer(page.said.message, "endedAt")),
        printed=printed,
        verdict=verdict,
        profile=page.get("verdict.profile"),
    )  # fmt: skip


def _results(pages: list[_Page]) -> Iterator[Event]:
    """What was entered when it was read, and what a decision stated of itself."""
    for page in pages:
        if page.kind == "ResultEntry":
            yield page.event(
                Deed.RESULT, "result", "word", "read_at", "incubated_at", "control",
                when=page.get("read_at"),
            )  # fmt: skip
        elif page.kind == "CycleDecision":
            for name in RESULT_NAMES:
                stated = page.get(f"results.{name}")
                if stated not in {None, "not_entered"}:
                    event = page.event(Deed.RESULT)
                    yield replace(event, facts={"result": name, "word": stated})


def _machine(equipment: bytes, unit: int, registered: _Page | None, opening: _Page) -> Machine:
    """As it was registered; its process follows from the profile that it is judged by."""
    serial = str(opening.get("machine.serial") or equipment.hex()[:8])
    profile = None if registered is None else registered.get("profile")
    return Machine(id=equipment.hex(), name=serial, unit=unit, process=_process(profile))


def _process(profile: FieldValue) -> str | None:
    try:
        found = None if profile is None else get_profile(str(profile))
    except InvalidInput:
        return None  # a profile of the group's own
    is_steam = isinstance(found, HoldProfile) and found.saturation_tolerance_kelvin is not None
    return "steam" if is_steam else None
