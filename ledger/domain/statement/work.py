"""Events in chain order → the counts that indicators are made of, month by month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from ledger.domain.acts.custody import TakeOutcome
from ledger.domain.acts.take_over import COUNTS
from ledger.domain.acts.vocabulary import Message, integer, items, word
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.statement.month import Entry
from ledger.domain.statement.periods import Period, period_at


@dataclass(slots=True)
class Tally:
    """The counts of one month; every count with the number of events behind it."""

    #: packages by machine, as the loads of its cycles declare them
    declared: Counter[bytes] = field(default_factory=Counter)
    #: quantities by shared thing: used by its provider itself, and by others
    own_use: Counter[bytes] = field(default_factory=Counter)
    shared_use: Counter[bytes] = field(default_factory=Counter)
    #: consignments by receiver: dispatched to it, kept by it, and kept with a difference
    dispatched: Counter[int] = field(default_factory=Counter)
    received: Counter[int] = field(default_factory=Counter)
    differing: Counter[int] = field(default_factory=Counter)
    #: by carrier: consignments that its trips brought, and those within the agreed time
    brought: Counter[int] = field(default_factory=Counter)
    on_time: Counter[int] = field(default_factory=Counter)
    #: packages that were asked for and found, by the unit that answers a recall
    asked: Counter[int] = field(default_factory=Counter)
    found: Counter[int] = field(default_factory=Counter)
    #: events behind them, by kind of operation
    events: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class _Journey:
    packages: int
    carrier: int = 0
    carried_at: int = 0


@dataclass(slots=True)
class _Served:
    subject: bytes
    is_own: bool
    quantity: int = 0
    #: as much of it as stands in a tally
    told: int = 0


class Work:
    """What was done, counted; the same events as the books read, and a few more."""

    def __init__(
        self,
        offset: int,
        within: Callable[[int, int], int | None],
        counts: Callable[[bytes], bool],
    ) -> None:
        """`within` gives a carrier's agreed seconds at a moment; None where nothing is agreed.

        `counts` says whether a service is in a line of the account by now.
        """
        self.months: dict[Period, Tally] = {}
        #: the month of the last event
        self._begins = self._ends = 0
        self._tally = Tally()
        self._offset, self._within, self._counts = offset, within, counts
        self._served: dict[bytes, _Served] = {}
        self._machines: dict[bytes, bytes] = {}
        self._loads: dict[bytes, int] = {}
        self._journeys: dict[bytes, _Journey] = {}
        self._answers: dict[tuple[bytes, int], tuple[int, int]] = {}

    def read(self, entry: Entry) -> None:
        """The next event."""
        reader = _READERS.get(entry.kind)
        if reader is not None:
            if not self._begins <= entry.time < self._ends:
                period = period_at(entry.time, self._offset)
                self._begins, self._ends = (at(self._offset) for at in (period.begins, period.ends))
                self._tally = self.months.setdefault(period, Tally())
            tally = self._tally
            tally.events[entry.kind] += 1
            reader(self, tally, entry, entry.message)

    def opening(self, tally: Tally, entry: Entry, message: Message) -> None:  # noqa: ARG002
        """A cycle of a machine."""
        self._machines[entry.about] = word(message, "equipment")

    def load(self, tally: Tally, entry: Entry, message: Message) -> None:
        """What a cycle holds; an amendment counts by what it changes."""
        total = sum(cast("int", each["quantity"]) for each in items(message, "totals"))
        before = self._loads.get(entry.about, 0)
        self._loads[entry.about] = total
        tally.declared[self._machines.get(entry.about, b"")] += total - before

    def service(self, tally: Tally, entry: Entry, message: Message) -> None:
        """A shared thing was used, or less or more of it than was said."""
        original = word(message, "corrects")
        subject = word(message, "subject")
        if not any(original) and any(subject):
            original = entry.digest
            is_own = integer(message, "consumer") == entry.unit
            self._served[original] = _Served(subject, is_own=is_own)
        if original in self._served:
            self._served[original].quantity += integer(message, "quantity")
            self._tell(tally, original)

    def comment(self, tally: Tally, entry: Entry, message: Message) -> None:  # noqa: ARG002
        """Its use is confirmed, or no longer."""
        if entry.about in self._served:
            self._tell(tally, entry.about)

    def _tell(self, tally: Tally, service: bytes) -> None:
        """What changed of a service since it was told last."""
        served = self._served[service]
        now = served.quantity if self._counts(service) else 0
        uses = tally.own_use if served.is_own else tally.shared_use
        uses[served.subject] += now - served.told
        served.told = now

    def dispatch(self, tally: Tally, entry: Entry, message: Message) -> None:
        """A consignment is on its way."""
        self._journeys[entry.about] = _Journey(packages=integer(message, "packages"))
        tally.dispatched[integer(message, "receiver")] += 1

    def take_over(self, tally: Tally, entry: Entry, message: Message) -> None:
        """A carrier took it, or somebody kept it: with what differences, and how long it took."""
        journey, outcome = self._journeys.get(entry.about), TakeOutcome(integer(message, "outcome"))
        if journey is None or outcome is TakeOutcome.REFUSED:
            return
        at = integer(message, "signedAt")
        if outcome is TakeOutcome.CARRIED:
            journey.carrier, journey.carried_at = entry.unit, at
            return
        # it is over, unless only the asset is still on its way
        if outcome is TakeOutcome.KEPT:
            del self._journeys[entry.about]
        seen, inferred, refused, extra = (integer(message, name) for name in COUNTS)
        tally.received[entry.unit] += 1
        tally.differing[entry.unit] += bool(refused or extra or seen + inferred != journey.packages)
        within = self._within(journey.carrier, entry.time) if journey.carrier else None
        if within is not None:
            tally.brought[journey.carrier] += 1
            tally.on_time[journey.carrier] += at - journey.carried_at <= within

    def recall_answer(self, tally: Tally, entry: Entry, message: Message) -> None:
        """What was found of what was asked for; a later answer counts by what it changes."""
        found, asked, *_ = packed_numbers(message)
        before = self._answers.get((entry.about, entry.unit), (0, 0))
        self._answers[entry.about, entry.unit] = found, asked
        tally.found[entry.unit] += found - before[0]
        tally.asked[entry.unit] += asked - before[1]


_READERS: Mapping[str, Callable[[Work, Tally, Entry, Message], None]] = {
    "CycleOpening": Work.opening,
    "LoadDeclaration": Work.load,
    "Service": Work.service,
    "Comment": Work.comment,
    "Dispatch": Work.dispatch,
    "TakeOver": Work.take_over,
    "RecallAnswer": Work.recall_answer,
}
#: The kinds of operation that are counted.
COUNTED = frozenset(_READERS)
