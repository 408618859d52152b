"""Custody's events → where shared things are, the trips of consignments, and what was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ledger.domain.acts import words
from ledger.domain.acts.comment import Stance
from ledger.domain.acts.custody import DispositionKind, TakeOutcome
from ledger.domain.acts.vocabulary import integer, word
from ledger.domain.statement.agreement import Agreement
from ledger.domain.statement.claims import DAY
from ledger.domain.statement.month import Entry, Refusal
from ledger.domain.statement.periods import Period, period_at
from ledger.domain.statement.trips import Consignment, Leg, Trip, Trips


class OpenBooks(Protocol):
    """What is asked of the books while a month is open."""

    #: of the group's months, seconds east of UTC
    offset: int

    @property
    def open_period(self) -> Period:
        """Give the month that is open."""

    def month_of(self, claimed: int) -> Period:
        """Give the month in which something happened by its own word; never a later one."""

    def terms_at(self, moment: int) -> tuple[Agreement | None, int]:
        """Give the terms that hold at a moment, and their place; 0 for none."""

    def leave_out(self, entry: Entry, why: str) -> None:
        """Tell that an event is in no line."""


class Carrying:
    """Shared things and consignments, as far as their events were read."""

    def __init__(self, books: OpenBooks) -> None:
        self._books = books
        #: by shared thing: since when who has it
        self.custody: dict[bytes, list[tuple[int, int]]] = {}
        self._owners: dict[bytes, int] = {}
        self._consignments: dict[bytes, Consignment] = {}
        self.trips = Trips(lambda each: each.payer(self._owners))
        self._refusals: dict[bytes, tuple[Entry, Consignment, int]] = {}

    def was_with(self, subject: bytes, unit: int, moment: int) -> bool:
        """Whether a unit had a shared thing at a moment; nobody had what is none."""
        had = [holder for since, holder in self.custody.get(subject, ()) if since <= moment]
        return bool(had) and had[-1] == unit

    def asset(self, entry: Entry) -> None:
        """A shared thing is its owner's, and in its owner's custody."""
        self._owners[entry.about] = entry.unit
        self.custody[entry.about] = [(0, entry.unit)]

    def dispatch(self, entry: Entry) -> None:
        """A consignment begins."""
        message = entry.message
        self._consignments[entry.about] = Consignment(
            giver=entry.unit,
            receiver=integer(message, "receiver"),
            purpose=words.Purpose(integer(message, "purpose")),
            packages=integer(message, "packages"),
            asset=word(message, "asset"),
        )

    def hand_over(self, entry: Entry) -> None:
        """The leg that it was on is over, and may have been diverted."""
        consignment = self._consignments.get(entry.about)
        if consignment is None or consignment.leg is None:
            return
        if integer(entry.message, "leg") == words.Leg.DIVERTED:
            consignment.leg.is_diverted = True
            self.trips.touch(consignment.leg.trip)
        consignment.leg = None

    def take_over(self, entry: Entry) -> None:
        """A carrier takes it on a trip, or somebody keeps it."""
        consignment = self._consignments.get(entry.about)
        if consignment is None:
            return
        outcome = TakeOutcome(integer(entry.message, "outcome"))
        refused = integer(entry.message, "refused")
        if outcome is TakeOutcome.CARRIED:
            self._carry(entry, consignment)
            return
        if outcome is TakeOutcome.REFUSED:
            # the whole box: it names no lines
            refused = refused or consignment.packages
        # a carrier that does not take it refuses no packages that it would pay for
        if refused and entry.unit == consignment.receiver:
            self._refusals[entry.digest] = entry, consignment, refused
        if outcome is TakeOutcome.REFUSED:
            return
        consignment.leg = None
        is_here = outcome is TakeOutcome.KEPT and consignment.asset in self.custody
        if is_here:
            since = integer(entry.message, "signedAt")
            self.custody[consignment.asset].append((since, entry.unit))

    def _carry(self, entry: Entry, consignment: Consignment) -> None:
        name = word(entry.message, "trip")
        if not any(name):
            self._books.leave_out(entry, "names_no_trip")
            return
        trip = self.trips.find(entry.unit, name)
        if trip is None:
            terms, version = self._books.terms_at(entry.time)
            trip = self.trips.begin(
                name,
                Trip(
                    carrier=entry.unit,
                    period=self._books.open_period,
                    of=self._books.month_of(integer(entry.message, "signedAt")),
                    version=version,
                ),
            )
            if terms is None or entry.unit not in terms.carriers:
                self._books.leave_out(entry, "no_price_for_this_carrier")
        consignment.leg = trip.legs.get(entry.about) or Leg(
            trip=trip, consignment=consignment, digest=entry.digest
        )
        trip.legs[entry.about] = consignment.leg
        self.trips.touch(trip)

    def disposition(self, entry: Entry) -> None:
        """It goes to another receiver."""
        consignment = self._consignments.get(entry.about)
        if consignment is None or integer(entry.message, "kind") != DispositionKind.REROUTE:
            return
        consignment.receiver = integer(entry.message, "receiver")
        if consignment.leg is not None:
            self.trips.touch(consignment.leg.trip)

    def refusals(self, now: int, said: Mapping[tuple[bytes, int], Stance]) -> list[Refusal]:
        """What receivers refused, with what the givers said to it; an agreement is told once."""
        terms, _ = self._books.terms_at(now - 1)
        days = 0 if terms is None else terms.refusal_days
        found: list[Refusal] = []
        for digest, (entry, consignment, packages) in list(self._refusals.items()):
            answer = said.get((digest, consignment.giver))
            if said.get((digest, entry.unit)) is Stance.WITHDRAWN:
                # who refused takes its word back
                del self._refusals[digest]
                continue
            if answer is Stance.AGREES:
                state = "agreed"
                del self._refusals[digest]
            elif answer is Stance.DISAGREES:
                state = "disagreed"
            else:
                state = "disputed" if entry.time + days * DAY < now else "unanswered"
            found.append(
                Refusal(
                    digest=digest,
                    consignment=entry.about,
                    giver=consignment.giver,
                    # who refused it, wherever it went since
                    receiver=entry.unit,
                    packages=packages,
                    state=state,
                    period=period_at(entry.time, self._books.offset),
                    is_clean=consignment.purpose is words.Purpose.CLEAN,
                )
            )
        return found
