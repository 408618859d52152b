"""What was provided → lines: quantity times price, rounded once, of one month at a time.

A line has a sum that goes on over the months: a month's line is the change of the rounded sum.  So
what is taken back later never comes to more than what was charged, and all of it to exactly that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from ledger.domain.statement.agreement import Agreement, Group, Price, rounded
from ledger.domain.statement.periods import Period

_WHOLE = 10_000


class What(StrEnum):
    """What a line is of its group."""

    QUANTITY = "quantity"
    TRIP_SHARE = "trip_share"
    UNUSED_CAPACITY = "unused_capacity"
    TAX = "tax"

    # as of Group
    __hash__ = str.__hash__


class Key(NamedTuple):
    """What is alike of all that one line sums up; lines stand in this order."""

    #: the month in which it happened, or in which what it corrects did
    of: Period
    provider: int
    consumer: int
    group: Group
    what: What
    #: the kind in the catalogue; 0 of packages and trips
    kind: int
    service_class: int
    #: the unit whose packages they are; 0 where none is
    owner: int
    #: the terms by which it is priced, by their place from 1; 0: there were none
    version: int


@dataclass(slots=True)
class Sum:
    """All of one key so far: one object, which whoever adds to it often keeps at hand."""

    key: Key
    quantity: int = 0
    #: what was done, which a recall does not take back
    done: int = 0
    #: what is charged by no price: shares of trips
    amount: int = 0
    #: those three as they were when the month began; None while the month adds nothing
    before: tuple[int, int, int] | None = None
    #: of the open month alone
    recalled: int = 0
    events: int = 0
    trace: hashlib._Hash = field(default_factory=hashlib.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a month."""

    key: Key
    quantity: int
    done: int
    recalled: int
    price: Price | None
    #: what the consumer owes the provider, smallest units; negative of a credit
    amount: int
    #: the same at the market reference; None without one
    market: int | None
    #: what was done, at the internal price
    worth: int
    events: int
    #: SHA-256 over the digests of its events in chain order
    trace: bytes

    @property
    def is_internal(self) -> bool:
        """Whether a unit did it for itself, and no money follows."""
        return self.key.provider == self.key.consumer

    def seen_by(self, unit: int) -> int:
        """What the unit is owed for it; negative where it owes."""
        if self.is_internal:
            return 0
        return self.amount if unit == self.key.provider else -self.amount


class Lines:
    """The sums of all lines, and what the open month adds to them."""

    def __init__(self) -> None:
        #: told of each event's part, by the line's key; whoever looks for one event asks for it
        self.watch: Callable[[Key, bytes], None] | None = None
        self._sums: dict[Key, Sum] = {}
        self._open: list[Sum] = []

    def of(self, key: Key) -> Sum:
        """The sum of a line, which begins with nothing."""
        total = self._sums.get(key)
        if total is None:
            total = self._sums[key] = Sum(key)
        return total

    def add(  # noqa: PLR0913 - the columns of a posting
        self,
        total: Sum,
        digest: bytes,
        *,
        quantity: int = 0,
        done: int = 0,
        recalled: int = 0,
        amount: int = 0,
    ) -> None:
        """One event's part."""
        if total.before is None:
            total.before = total.quantity, total.done, total.amount
            total.recalled, total.events, total.trace = 0, 0, hashlib.sha256()
            self._open.append(total)
        total.quantity += quantity
        total.done += done
        total.amount += amount
        total.recalled += recalled
        total.events += 1
        total.trace.update(digest)
        if self.watch is not None:
            self.watch(total.key, digest)

    def charged(self, key: Key, versions: list[Agreement], *, without: int = 0) -> int:
        """What a line comes to over all months, by now; `without` so much of its quantity."""
        if key.what is What.TAX:
            bases = (key._replace(what=what) for what in What if what is not What.TAX)
            return sum(self._taxed(base, versions, without) for base in bases)
        return self._amount(key, versions, without)

    def quantity(self, key: Key) -> int:
        """Its quantity over all months, by now."""
        total = self._sums.get(key)
        return 0 if total is None else total.quantity

    def list_keys(self, provider: int, consumer: int, group: Group) -> list[Key]:
        """What one unit did for another so far, of one group, in order."""
        wanted = provider, consumer, group
        return sorted(key for key in self._sums if key[1:4] == wanted)

    def _amount(self, key: Key, versions: list[Agreement], without: int) -> int:
        total = self._sums.get(key)
        if total is None or key.provider == key.consumer:
            return 0
        price = price_of(key, _terms_of(key, versions))
        return total.amount + (0 if price is None else price.of(total.quantity - without))

    def _taxed(self, key: Key, versions: list[Agreement], without: int) -> int:
        terms = _terms_of(key, versions)
        points = 0 if terms is None else terms.tax.get(key.group, 0)
        return _tax(self._amount(key, versions, without), points)

    def close(self, versions: list[Agreement]) -> list[Line]:
        """The month's lines in order; taxes stand behind what they are on."""
        found: list[Line] = []
        for total in sorted(self._open, key=lambda each: each.key):
            found += _lines(total, versions)
            total.before = None
        self._open = []
        return found


def _lines(total: Sum, versions: list[Agreement]) -> Iterator[Line]:
    key, now = total.key, (total.quantity, total.done, total.amount)
    before = now if total.before is None else total.before
    terms = _terms_of(key, versions)
    price = price_of(key, terms)
    amounts = [
        amount + (0 if price is None else price.of(quantity))
        for quantity, _, amount in (before, now)
    ]
    markets = [
        None if price is None else price.market_of(quantity) for quantity, *_ in (before, now)
    ]
    worths = [0 if price is None else price.of(done) for _, done, _ in (before, now)]
    line = Line(
        key=key,
        quantity=now[0] - before[0],
        done=now[1] - before[1],
        recalled=total.recalled,
        price=price,
        amount=amounts[1] - amounts[0],
        market=None if markets[0] is None or markets[1] is None else markets[1] - markets[0],
        worth=worths[1] - worths[0] if price is not None else amounts[1] - amounts[0],
        events=total.events,
        trace=total.trace.digest(),
    )
    yield line
    points = 0 if terms is None or line.is_internal else terms.tax.get(key.group, 0)
    tax = _tax(amounts[1], points) - _tax(amounts[0], points)
    if tax:
        yield Line(
            key=key._replace(what=What.TAX),
            quantity=0,
            done=0,
            recalled=0,
            price=None,
            amount=tax,
            market=None,
            worth=0,
            events=line.events,
            trace=line.trace,
        )


def _terms_of(key: Key, versions: list[Agreement]) -> Agreement | None:
    return versions[key.version - 1] if key.version else None


def _tax(amount: int, points: int) -> int:
    return rounded(amount * points, _WHOLE)


def price_of(key: Key, terms: Agreement | None) -> Price | None:
    """What a quantity costs; None where no terms say, and for what is charged by no quantity."""
    if key.group is Group.RESOLUTION:
        return Price(1)
    if terms is None or key.what is not What.QUANTITY:
        return None
    if key.group is Group.STERILISATION:
        return terms.packages.get(key.service_class)
    return terms.services.get((key.kind, key.service_class))
