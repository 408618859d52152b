"""What the duties of one question are judged by, in the field's words; rules read nothing else.

A case is made once, of operations as far as they are shown (reading.py).  It holds no person's
name: who signed is a key, and whose key it is a unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from ledger.domain.duties.terms import Terms, terms_at
from ledger.domain.records.commitments import FieldValue

# ---------------------------------------------------------------- how something is known


class How(StrEnum):
    """How a time or a thing is known."""

    PRINTED = "printed"
    SCANNED = "scanned"
    COUNTED = "counted"
    TICKED = "ticked"
    TYPED = "typed"
    IMPORTED = "imported"
    PAPER = "paper"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """When something happened: one moment, or from a first to a last one (`about`, `morning`)."""

    first: datetime
    last: datetime
    how: How

    @property
    def is_about(self) -> bool:
        """Whether it is no one moment."""
        return self.first != self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The operation that says it."""

    #: its digest, 0x and digits
    operation: str
    kind: str
    #: whose key signed; 0 for the authority
    unit: int
    #: where it stands on the chain
    block: int
    log: int
    #: since when it could be known: the time of its block
    known: datetime
    #: when it was signed, by the signer's own clock
    signed: datetime
    #: the signer's id, and who holds the key: server, station, device, hardware, authority
    signer: str
    custody: str

    @property
    def place(self) -> tuple[int, int]:
        """Ascends in the order of the chain."""
        return self.block, self.log


class Deed(StrEnum):
    """What was done or seen."""

    # the package
    SOILED_COUNTED = "soiled_counted"
    WASHED = "washed"
    ASSEMBLED = "assembled"
    SEAL_TESTED = "seal_tested"
    LOADED = "loaded"
    UNLOADED = "unloaded"
    EXCLUDED = "excluded"
    WAITING = "waiting"
    ADDED = "added"
    HELD = "held"
    LIFTED = "lifted"
    RECALLED = "recalled"
    REPROCESS = "reprocess"
    STORED = "stored"
    ISSUED = "issued"
    OPENED = "opened"
    USED = "used"
    NOT_USED = "not_used"
    DISCARDED = "discarded"
    WET = "wet"
    DAMAGED = "damaged"
    MISSING = "missing"
    FOUND = "found"
    # the asset
    REGISTERED = "registered"
    LOOKED_AT = "looked_at"
    # its way
    DISPATCHED = "dispatched"
    TAKEN_OVER = "taken_over"
    DIVERTED = "diverted"
    RESEALED = "resealed"
    TRANSPORT_LOG = "transport_log"
    ARRIVED = "arrived"
    HANDED_OVER = "handed_over"
    RECEIVED = "received"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"
    # its cycle
    CYCLE_OPENED = "cycle_opened"
    CYCLE_ENDED = "cycle_ended"
    RESULT = "result"
    DECIDED = "decided"
    # recall
    ORDERED = "ordered"
    NOTICED = "noticed"
    REACHED = "reached"
    ANSWERED = "answered"
    # around it
    COMMENTED = "commented"
    SHIFT = "shift"
    OUTAGE = "outage"
    MAINTAINED = "maintained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, as one operation tells it."""

    deed: Deed
    #: who did it or saw it, as recorded
    unit: int
    #: None: nobody said when
    when: When | None
    source: Source
    #: what else is said of it, by the names of the record's fields
    facts: Mapping[str, FieldValue] = field(default_factory=dict)
    #: where in the record those fields begin: `lines.3.`
    path: str = ""
    #: how it is known
    how: How = How.TYPED

    @property
    def at(self) -> datetime:
        """Its latest moment; without one, since when it could be known."""
        return self.source.known if self.when is None else self.when.last

    @property
    def order(self) -> tuple[datetime, int, int]:
        """By happening, then by the chain; never by entry."""
        return (self.at, *self.source.place)

    def fact(self, name: str) -> FieldValue:
        """What it says of that; None where nobody entered it."""
        return self.facts.get(name)

    def moment(self, name: str) -> datetime | None:
        """A fact that is a moment."""
        value = self.facts.get(name)
        return None if value is None else datetime.fromisoformat(str(value))

    def number(self, name: str) -> int | None:
        """A fact that is a whole number."""
        value = self.facts.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


# ---------------------------------------------------------------- what events belong to


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A sterilizer."""

    id: str
    name: str
    unit: int
    #: steam, ethylene_oxide, hydrogen_peroxide; None: nobody says
    process: str | None = None
    #: whether it draws a vacuum first; None: nobody says
    is_pre_vacuum: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One run of a sterilizer."""

    id: str
    #: of the machine's counter
    epoch: int = 1
    number: int
    machine: Machine
    opened: Event
    ended: Event | None = None
    #: in any order
    results: tuple[Event, ...] = ()
    #: in the chain's order
    decisions: tuple[Event, ...] = ()
    #: the units whose packages were released in it
    owners: frozenset[int] = frozenset()

    @property
    def unit(self) -> int:
        """Whose it is."""
        return self.machine.unit

    @property
    def name(self) -> str:
        """As people call it."""
        return f"{self.machine.name}/{self.number}"

    @property
    def ran_at(self) -> datetime:
        """When it ran: its end, or when it was opened."""
        return self.opened.at if self.ended is None else self.ended.at

    def result(self, name: str) -> Event | None:
        """The newest entry of one result, by the chain; None where it is not entered.

        A failure stands beside whatever is entered later, until its own entry is replaced.
        """
        found = [
            r for r in self.results if r.fact("result") == name and r.fact("word") in ENTERED_WORDS
        ]
        failed = [r for r in found if r.fact("word") == "fail"]
        return max(failed or found, key=lambda r: r.source.place, default=None)

    def word(self, name: str) -> str | None:
        """How that result stands."""
        entry = self.result(name)
        return None if entry is None else str(entry.fact("word"))

    @property
    def has_biological(self) -> bool | None:
        """Whether a biological indicator was in it; None where nobody says."""
        if self.word("biological") in {"pending", "pass", "fail", "invalid"}:
            return True
        said = self.opened.fact("biological_indicator")
        return said if isinstance(said, bool) else None


RELEASING = frozenset({"release", "release_biological_pending", "emergency_release"})
#: what a receipt says of a package that its unit did not take
NOT_THERE = frozenset({"missing", "refused"})
ENTERED_WORDS = frozenset({"not_required", "pending", "pass", "fail", "invalid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Consignment:
    """What one unit sent another at one time, with both sides' steps."""

    id: str
    #: the giver's own slip
    name: str
    giver: int
    receiver: int
    #: clean, soiled, loan, return, recall
    purpose: str
    steps: tuple[Event, ...]

    def step(self, deed: Deed) -> Event | None:
        """The first step of that sort."""
        return next(self.all(deed), None)

    @property
    def delivered(self) -> Event | None:
        """The receipt, unless it says of the package that is asked about that it was not there."""
        receipt = self.step(Deed.RECEIVED)
        is_there = receipt is not None and receipt.fact("of_package") not in NOT_THERE
        return receipt if is_there else None

    def all(self, deed: Deed) -> Iterator[Event]:
        """Every step of that sort, in order of happening."""
        return iter(sorted((s for s in self.steps if s.deed is deed), key=lambda s: s.order))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """An order, whom it was told, and what they found."""

    id: str
    order: Event
    machine: str
    epoch: int = 1
    first: int
    last: int
    #: NOTICED (fact `to`), REACHED and ANSWERED (by the unit that was told)
    steps: tuple[Event, ...] = ()

    def covers(self, cycle: Cycle) -> bool:
        """Whether a cycle lies in its range."""
        is_counted_alike = (self.machine, self.epoch) == (cycle.machine.id, cycle.epoch)
        return is_counted_alike and self.first <= cycle.number <= self.last

    def notice_to(self, unit: int) -> Event | None:
        """The first notice to a unit."""
        found = (s for s in self.steps if s.deed is Deed.NOTICED and s.fact("to") == unit)
        return min(found, key=lambda s: s.order, default=None)

    def by(self, unit: int, deed: Deed) -> Event | None:
        """The first such step of a unit that was told."""
        found = (s for s in self.steps if s.deed is deed and s.unit == unit)
        return min(found, key=lambda s: s.order, default=None)

    @property
    def told(self) -> tuple[int, ...]:
        """The units that were sent a notice, as far as whoever asks may read to whom."""
        to = (s.number("to") for s in self.steps if s.deed is Deed.NOTICED)
        return tuple(sorted({each for each in to if each is not None}))


class Area(StrEnum):
    """What an instance may hold the records of."""

    PACKAGE = "package"
    CYCLE = "cycle"
    TRANSPORT = "transport"
    RECALL = "recall"
    USE = "use"
    MACHINE = "machine"
    SHIFTS = "shifts"
    TERMS = "terms"


class SubjectKind(StrEnum):
    """What was asked about."""

    PACKAGE = "package"
    CYCLE = "cycle"
    CONSIGNMENT = "consignment"
    ASSET = "asset"
    RECALL = "recall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that one question is judged by."""

    kind: SubjectKind
    #: its id, and as people call it
    id: str
    name: str
    #: the moment for which it is judged: what is due later is not due
    as_of: datetime
    #: the block up to which it is complete
    block: int
    #: units by number: their codes
    units: Mapping[int, str] = field(default_factory=dict)
    #: and their full names, as admitted
    names: Mapping[int, str] = field(default_factory=dict)
    #: when a receiver was closed for good, as far as it is shown
    closed: Mapping[int, datetime] = field(default_factory=dict)
    #: every version, with when the chain had it
    terms: tuple[Terms, ...]
    #: of the package or asset
    history: tuple[Event, ...] = ()
    #: what units say of it that are not known to have had it: shown, and nothing rests on it
    strangers: tuple[Event, ...] = ()
    cycle: Cycle | None = None
    #: the machine's other cycles, for what is asked of a day, a week, a repair
    series: tuple[Cycle, ...] = ()
    consignments: tuple[Consignment, ...] = ()
    recalls: tuple[Recall, ...] = ()
    shifts: tuple[Event, ...] = ()
    outages: tuple[Event, ...] = ()
    comments: tuple[Event, ...] = ()
    maintenance: tuple[Event, ...] = ()
    #: whose asset it is, 0 for a package; and whether it is a supplier's loaner
    owner: int = 0
    is_loaner: bool = False
    #: areas of which this instance does not hold the records
    unreadable: frozenset[Area] = frozenset()

    # ------------------------------------------------------------ asking

    def all(self, *deeds: Deed, unit: int | None = None) -> list[Event]:
        """The history's events of these sorts, in order of happening."""
        found = [e for e in self.history if e.deed in deeds and unit in {None, e.unit}]
        return sorted(found, key=lambda e: e.order)

    def first(self, *deeds: Deed, unit: int | None = None) -> Event | None:
        """The first of them."""
        return next(iter(self.all(*deeds, unit=unit)), None)

    def last(self, *deeds: Deed, unit: int | None = None) -> Event | None:
        """The last of them."""
        return next(iter(reversed(self.all(*deeds, unit=unit))), None)

    @property
    def run(self) -> list[Cycle]:
        """The machine's cycles by number, its own among them."""
        own = () if self.cycle is None else (self.cycle,)
        found = {each.number: each for each in (*self.series, *own)}
        return [found[number] for number in sorted(found)]

    def terms_at(self, moment: datetime) -> Terms:
        """The version that held then."""
        return terms_at(self.terms, moment)

    def day(self, moment: datetime) -> date:
        """The day of the group's calendar."""
        return (moment + self.terms_at(moment).offset).date()

    def clock(self, moment: datetime) -> str:
        """A moment as the group's clocks show it: `2026-11-03 11:40`."""
        return f"{moment + self.terms_at(moment).offset:%Y-%m-%d %H:%M}"

    def code(self, unit: int) -> str:
        """A unit as people call it."""
        return self.units.get(unit, str(unit)) if unit else "–"

    @property
    def concerned(self) -> frozenset[int]:
        """The units that have or had a part in it, or did something with it themselves."""
        cycles = () if self.cycle is None else (self.cycle,)
        found = {self.owner, *(each.unit for each in self.history)}
        for cycle in (*cycles, *(self.series if self.kind is SubjectKind.RECALL else ())):
            found |= {cycle.unit, *cycle.owners}
        for moved in self.consignments:
            found |= {moved.giver, moved.receiver, *(step.unit for step in moved.steps)}
        for recall in self.recalls:
            found |= {recall.order.unit, *recall.told}
        return frozenset(found - {0})

    def events(self) -> Iterator[Event]:
        """Every event, whatever it belongs to."""
        yield from _events(self)

    def in_order(self) -> Case:
        """The same, every list by happening and chain: an answer knows no order of entry."""
        ordered: Case = _ordered(self)
        return ordered

    def at_its_moment(self) -> Case:
        """The same without what happened and was recorded after the moment it is judged for."""
        cut: Case = _until(self, self.as_of)
        return cut


def _events(value: Any) -> Iterator[Event]:
    if isinstance(value, Event):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _events(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _events(getattr(value, each.name))


def _ordered(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(sorted(map(_ordered, value), key=_place))
    if isinstance(value, Case | Cycle | Consignment | Recall):
        return replace(value, **{f.name: _ordered(getattr(value, f.name)) for f in fields(value)})
    return value


def _place(value: Any) -> tuple[Any, ...]:
    """Where it stands among those of its sort."""
    if isinstance(value, Event):
        return value.order
    if isinstance(value, Terms):
        return value.holds_since, value.version
    return (value.number, value.id) if isinstance(value, Cycle) else (value.id,)


def _until(value: Any, moment: datetime) -> Any:
    """What is left of a value; None where nothing is."""
    if isinstance(value, Event):
        since = value.source.known if value.when is None else value.when.first
        return value if min(since, value.source.known).replace(microsecond=0) <= moment else None
    if isinstance(value, tuple):
        return tuple(cut for each in value if (cut := _until(each, moment)) is not None)
    if isinstance(value, Case | Cycle | Consignment | Recall):
        cut = {each.name: _until(getattr(value, each.name), moment) for each in fields(value)}
        # a cycle is what was opened, a recall what was ordered
        is_there = cut.get("opened", cut.get("order", value)) is not None
        return replace(value, **cut) if is_there else None
    return value


def earliest(events: Iterable[Event | None]) -> Event | None:
    """The first of them by happening."""
    return min((e for e in events if e is not None), key=lambda e: e.order, default=None)
