"""Carriers' take-overs → what each consignment pays of the trips that it was on.

A trip's cost is shared in equal parts by the consignments on it; what does not divide goes to the
first in chain order.  A part whose leg was diverted is paid by nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ledger.domain.acts.words import Purpose
from ledger.domain.statement.agreement import Agreement, PerTrip, YearlyFee
from ledger.domain.statement.periods import Period

_MONTHS = 12


@dataclass(slots=True, kw_only=True)
class Consignment:
    """What one unit sends another, as far as its transport is charged."""

    giver: int
    receiver: int
    purpose: Purpose
    asset: bytes
    packages: int = 0
    #: the leg that it is on; None while nobody carries it
    leg: Leg | None = None

    def payer(self, owners: Mapping[bytes, int]) -> int:
        """Who pays its transport; `owners` by asset."""
        if self.purpose is Purpose.SOILED:
            return self.giver
        if self.purpose is Purpose.LOAN and owners.get(self.asset) == self.receiver:
            return self.giver
        return self.receiver


@dataclass(slots=True, kw_only=True)
class Leg:
    """One consignment on one trip."""

    trip: Trip
    consignment: Consignment
    #: digest of the take-over that names the trip
    digest: bytes
    is_diverted: bool = False
    #: who pays for it so far, and what; None: nobody
    charged: tuple[int, int] | None = None


@dataclass(slots=True, kw_only=True)
class Trip:
    """One flight or tour."""

    carrier: int
    #: the month of its first take-over's block, and the one in which that was signed
    period: Period
    of: Period
    #: the terms by which it is priced, by their place from 1; 0: there were none
    version: int
    #: by consignment, in chain order
    legs: dict[bytes, Leg] = field(default_factory=dict)
    #: what a trip under a yearly fee came to when its month was closed, and that fee
    cost: int | None = None
    fee: Fee | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A part of a trip's cost, or a change of it."""

    leg: Leg
    payer: int
    amount: int
    #: 1 where the payer is charged for the first time, -1 where it is charged no longer
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """A month under a yearly fee, as a statement explains it."""

    carrier: int
    version: int
    terms: YearlyFee
    #: what is due for the month
    due: int
    #: trips that somebody pays for, and that nobody does
    charged_trips: int
    uncharged_trips: int
    #: what one of them came to, and what the first of them came to beside it
    each: int
    remainder: int
    #: what is left to the holder of the contract
    unused: int


class Trips:
    """All trips, and those that the open month touched."""

    def __init__(self, payer: Callable[[Consignment], int]) -> None:
        self._payer = payer
        self._trips: dict[tuple[int, bytes], Trip] = {}
        self._touched: dict[int, Trip] = {}

    def find(self, carrier: int, name: bytes) -> Trip | None:
        """The carrier's trip of that name."""
        return self._trips.get((carrier, name))

    def begin(self, name: bytes, trip: Trip) -> Trip:
        """The first take-over of a trip."""
        self._trips[trip.carrier, name] = trip
        return trip

    def touch(self, trip: Trip) -> None:
        """Something about it changed."""
        self._touched[id(trip)] = trip

    def close(
        self,
        period: Period,
        terms: Agreement | None,
        number: int,
        version: Callable[[int], Agreement],
    ) -> tuple[list[Charge], list[Fee]]:
        """What the month's trips are charged, and each yearly fee; `terms` hold at its end."""
        touched, self._touched = list(self._touched.values()), {}
        owed = {
            carrier: (number, fee)
            for carrier, fee in (terms.carriers if terms else {}).items()
            if isinstance(fee, YearlyFee)
        }
        # a fee under which the month's trips began is due for it, whatever was agreed since
        for trip in touched:
            fee = version(trip.version).carriers.get(trip.carrier) if trip.version else None
            if trip.period == period and isinstance(fee, YearlyFee):
                owed.setdefault(trip.carrier, (trip.version, fee))
        fees: list[Fee] = []
        for carrier, (place, fee) in sorted(owed.items()):
            own = [t for t in touched if t.carrier == carrier and not _is_per_trip(t, version)]
            fees.append(self._fee(period, carrier, place, fee, own))
        charges: list[Charge] = []
        for trip in touched:
            cost = trip.cost
            if cost is None and trip.version:
                price = version(trip.version).carriers.get(trip.carrier)
                cost = price.amount if isinstance(price, PerTrip) else None
            # a trip that the terms have no price for is told with nothing charged
            charges += self._charges(trip, cost or 0)
        return charges, [_complete(fee, charges) for fee in fees]

    def _fee(
        self, period: Period, carrier: int, number: int, fee: YearlyFee, own: list[Trip]
    ) -> Fee:
        new = [trip for trip in own if trip.period == period]
        charged = [t for t in new if any(not leg.is_diverted for leg in t.legs.values())]
        due = fee.amount // _MONTHS + (fee.amount % _MONTHS if period.month == 1 else 0)
        share = due // len(charged) if charged else 0
        each = min(share, fee.cap)
        # a capped trip costs the cap, so nothing is left over for the first
        remainder = due - share * len(charged) if charged and share < fee.cap else 0
        remainder = min(remainder, fee.cap - each) if charged else 0
        for place, trip in enumerate(charged):
            trip.cost = each + (remainder if place == 0 else 0)
        for trip in new:
            trip.cost = trip.cost or 0
        found = Fee(
            carrier=carrier,
            version=number,
            terms=fee,
            due=due,
            charged_trips=len(charged),
            uncharged_trips=len(new) - len(charged),
            each=each,
            remainder=remainder,
            unused=due,
        )
        for trip in new:
            trip.fee = found
        return found

    def _charges(self, trip: Trip, cost: int) -> Iterator[Charge]:
        part, rest = divmod(cost, len(trip.legs))
        for place, leg in enumerate(trip.legs.values()):
            amount = part + (rest if place == 0 else 0)
            wanted = None if leg.is_diverted else (self._payer(leg.consignment), amount)
            if leg.charged == wanted:
                continue
            changes: dict[int, Charge] = {}
            for sign, told in ((-1, leg.charged), (1, wanted)):
                if told is not None:
                    payer, part_paid = told
                    before = changes.get(payer)
                    changes[payer] = Charge(
                        leg=leg,
                        payer=payer,
                        amount=sign * part_paid + (before.amount if before else 0),
                        quantity=sign + (before.quantity if before else 0),
                    )
            yield from (changes[payer] for payer in sorted(changes))
            leg.charged = wanted


def _is_per_trip(trip: Trip, version: Callable[[int], Agreement]) -> bool:
    """Whether a trip began under a price of its own."""
    if not trip.version:
        return False
    return isinstance(version(trip.version).carriers.get(trip.carrier), PerTrip)


def _complete(fee: Fee, charges: Iterable[Charge]) -> Fee:
    """With what its own trips left of it."""
    charged = sum(each.amount for each in charges if each.leg.trip.fee is fee)
    return replace(fee, unused=fee.due - charged)
