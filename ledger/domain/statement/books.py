"""Events in chain order → months: lines, payments, balances, and what is disputed.

An event belongs to the month of its block.  Nothing is read but events and terms, so that whoever
has both computes the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from ledger.domain.acts import words
from ledger.domain.acts.comment import Stance
from ledger.domain.acts.custody import DispositionKind, TakeOutcome
from ledger.domain.acts.decisions import RELEASES, DecisionKind
from ledger.domain.acts.payment import PaymentSide
from ledger.domain.acts.resolution import ContestOutcome
from ledger.domain.acts.statement_answer import LINES
from ledger.domain.acts.vocabulary import Message, integer, items, word
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.statement.agreement import Agreement, Group, Versions
from ledger.domain.statement.claims import (
    DAY,
    Answer,
    Claims,
    Payment,
    Publication,
    Receipt,
    Resolution,
    outcome_of,
    side_of,
)
from ledger.domain.statement.lines import Key, Line, Lines, What
from ledger.domain.statement.periods import Period, parse_word, period_at
from ledger.domain.statement.settling import Ageing
from ledger.domain.statement.trips import Charge, Consignment, Fee, Leg, Trip, Trips

_ANSWERS = frozenset({Stance.AGREES, Stance.DISAGREES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One operation that the chain recorded, and where."""

    digest: Digest
    kind: str
    #: 32 bytes: what it is about
    about: bytes
    unit: int
    message: Message
    block: int
    #: Unix seconds of its block
    time: int
    #: index of its event within the block
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An event that is in no line, and why."""

    digest: bytes
    kind: str
    unit: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Packages that a receiver refused, and what the giver said to it."""

    digest: bytes
    consignment: bytes
    giver: int
    receiver: int
    packages: int
    #: agreed, disagreed, unanswered, or disputed once the agreed days are over
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Lines of an earlier month that a unit contests."""

    answer: bytes
    publication: bytes
    period: Period
    unit: int
    lines: tuple[int, ...]
    #: those of which nothing became yet; none when it came after the agreed days
    open_lines: tuple[int, ...]
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitMonth:
    """One unit's account in one month; amounts are owed to it when positive."""

    unit: int
    is_closed: bool
    brought_forward: int
    #: what others owe it for the month's lines, and what it owes others
    credits: int
    debits: int
    net: int
    #: confirmed by both sides
    paid: int
    received: int
    balance: int
    disputed: int
    #: the balance less what is disputed
    due: int
    ageing: tuple[int, ...]
    #: what it did for others, at the internal price, by group
    contributed: Mapping[Group, int]
    used: int
    #: what it used and has a market reference, at that; and how much less it paid
    market_of_used: int
    saving: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One month of the group."""

    period: Period
    lines: Sequence[Line]
    fees: Sequence[Fee]
    units: Sequence[UnitMonth]
    #: what the second unit owes the first, over all months, by the books of the two
    pairs: Mapping[tuple[int, int], int]
    disputed_pairs: Mapping[tuple[int, int], int]
    #: payments that both sides told, and those that the payee has not, with what is left of them
    confirmed: Sequence[Receipt]
    waiting: Sequence[Payment]
    contests: Sequence[Contest]
    refusals: Sequence[Refusal]
    left_out: Sequence[LeftOut]
    #: publications that stand at its end, by month, and further ones that contradict
    publications: Mapping[Period, Publication]
    further: Sequence[Publication]
    events: int

    def lines_of(self, unit: int) -> list[Line]:
        """A unit's lines in the order of their numbers, which begin with 1."""
        return [line for line in self.lines if unit in (line.key.provider, line.key.consumer)]


@dataclass(slots=True)
class _Service:
    """A service so far."""

    key: Key
    subject: bytes
    quantity: int
    #: whether it is in a line; one whose use nobody confirmed is not
    counts: bool


class Books:
    """The accounts of the group, as far as its events were read."""

    def __init__(self, documents: Sequence[Agreement]) -> None:
        """`documents` are all versions of the terms that were published, in any order."""
        offsets = {each.offset for each in documents}
        if len(offsets) != 1:
            raise InvalidInput(
                f"the versions name {len(offsets)} offsets from UTC",
                field="terms.prices.offset",
                rule="the months of a group have one offset for ever",
            )
        (self.offset,) = offsets
        self.versions = Versions({each.document: each for each in documents})
        self.claims = Claims()
        self.months: dict[Period, Month] = {}
        self.period: Period | None = None
        self.lines = Lines()
        self._units: dict[int, bool] = {}
        self._cycles: dict[bytes, tuple[Period, int]] = {}
        self._services: dict[bytes, _Service] = {}
        self._owners: dict[bytes, int] = {}
        self._custody: dict[bytes, list[tuple[int, int]]] = {}
        self._consignments: dict[bytes, Consignment] = {}
        self._trips = Trips(lambda each: each.payer(self._owners))
        self._refusals: dict[bytes, tuple[Entry, Consignment, int]] = {}
        self._said: dict[tuple[bytes, int], Stance] = {}
        self._pairs: dict[tuple[int, int], int] = {}
        self._ageing: dict[int, Ageing] = {}
        self._left_out: list[LeftOut] = []
        self._receipts: list[Receipt] = []
        self._events = 0
        self._begun: int | None = None
        self._ends = 0

    # ------------------------------------------------------------ reading

    def read(self, entry: Entry) -> None:
        """The next event; one of a later month closes those before it."""
        if self.period is None:
            self.period = period_at(entry.time, self.offset)
            self._ends = self.period.ends(self.offset)
        while entry.time >= self._ends:
            self.close()
        self._events += 1
        reader = _READERS.get(entry.kind)
        if reader is not None:
            reader(self, entry)

    def close_until(self, period: Period) -> Month:
        """The month, with all before it closed; raises InvalidInput before the first event."""
        if period in self.months:
            return self.months[period]
        if self.period is None or period < self.period:
            raise InvalidInput(
                f"there is no event before the end of {period}",
                field="period",
                rule="a month has an account from the first one with an event on",
            )
        while self.period <= period:
            self.close()
        return self.months[period]

    def terms_of(self, period: Period) -> Agreement:
        """The terms that hold at a month's end; raises NotFound where there are none."""
        terms = self.versions.find(period.ends(self.offset) - 1)
        if terms is None:
            raise NotFound(
                f"no terms hold at the end of {period}",
                field="terms",
                rule="an account is computed by the terms that the authority published",
                remedy="publish them: steriledger terms publish",
            )
        return terms

    def seconds_within(self, carrier: int, moment: int) -> int | None:
        """How long a carrier may take by the terms of a moment; None where nothing is agreed."""
        terms = self.versions.find(moment)
        return None if terms is None else terms.within.get(carrier)

    def _leave_out(self, entry: Entry, why: str) -> None:
        self._left_out.append(
            LeftOut(digest=entry.digest, kind=entry.kind, unit=entry.unit, why=why)
        )

    def _terms_at(self, moment: int) -> tuple[Agreement | None, int]:
        terms = self.versions.find(moment)
        return terms, 0 if terms is None else self.versions.number(terms)

    def _month_of(self, claimed: int) -> Period:
        """The month in which something happened, by its own word; never after its block's."""
        period = cast("Period", self.period)
        return min(period, period_at(claimed, self.offset)) if claimed else period

    # ------------------------------------------------------------ units and terms

    def admission(self, entry: Entry) -> None:
        """A unit of the group."""
        self._units[integer(entry.message, "unit")] = False

    def closure(self, entry: Entry) -> None:
        """It acts no more; its account goes on."""
        self._units[integer(entry.message, "unit")] = True

    def terms(self, entry: Entry) -> None:
        """A version of the terms."""
        document = word(entry.message, "content")
        self.versions.publish(document, block_time=entry.time, block=entry.block)

    # ------------------------------------------------------------ sterilisation

    def decision(self, entry: Entry) -> None:
        """Packages that were released, or taken back, by owner, payer and class."""
        message = entry.message
        cycle, kind = word(message, "cycle"), DecisionKind(integer(message, "kind"))
        known = self._cycles.get(cycle)
        if known is None:
            if kind not in RELEASES:
                return
            _, version = self._terms_at(entry.time)
            known = self._month_of(integer(message, "signedAt")), version
            self._cycles[cycle] = known
        of, version = known
        terms = self.versions.published[version - 1] if version else None
        keeps_charge = terms is not None and not terms.are_recalls_credited
        for share in items(message, "shares"):
            owner, payer, package_class, delta = (
                cast("int", share[n]) for n in ("owner", "payer", "packageClass", "delta")
            )
            is_recall = kind is DecisionKind.RECALL
            self.lines.add(
                Key(
                    of,
                    entry.unit,
                    payer,
                    Group.STERILISATION,
                    What.QUANTITY,
                    0,
                    package_class,
                    owner,
                    version,
                ),
                entry.digest,
                quantity=0 if is_recall and keeps_charge else delta,
                done=0 if is_recall else delta,
                recalled=-delta if is_recall else 0,
            )

    # ------------------------------------------------------------ services

    def service(self, entry: Entry) -> None:
        """A service, or a correction of one."""
        message = entry.message
        corrects = word(message, "corrects")
        if any(corrects):
            served = self._services.get(corrects)
            if served is None:
                self._leave_out(entry, "corrects_nothing_that_counts")
                return
            self._add_service(entry, served, integer(message, "quantity"))
            return
        terms, version = self._terms_at(entry.time)
        kind = integer(message, "kind")
        catalogued = terms.catalogue.get(kind) if terms is not None else None
        if catalogued is not None and catalogued.group is Group.RESOLUTION:
            self._given_back(entry)
            return
        claimed = integer(message, "happenedAt") or integer(message, "signedAt")
        key = Key(
            self._month_of(claimed),
            entry.unit,
            integer(message, "consumer"),
            Group.OTHER if catalogued is None else catalogued.group,
            What.QUANTITY,
            kind,
            integer(message, "serviceClass"),
            0,
            version,
        )
        subject = word(message, "subject")
        served = _Service(key, subject, 0, self._is_confirmed(key, subject, claimed))
        self._services[entry.digest] = served
        self._add_service(entry, served, integer(message, "quantity"))
        if not served.counts:
            self._leave_out(entry, "not_confirmed_by_the_consumer")

    def _is_confirmed(self, key: Key, subject: bytes, moment: int) -> bool:
        """Whether a shared thing was in the consumer's custody; what is none needs no word."""
        if subject not in self._custody or key.provider == key.consumer:
            return True
        had = [unit for since, unit in self._custody[subject] if since <= moment]
        return bool(had) and had[-1] == key.consumer

    def _add_service(self, entry: Entry, served: _Service, change: int) -> None:
        served.quantity += change
        if served.counts:
            self.lines.add(served.key, entry.digest, quantity=change, done=change)

    def _given_back(self, entry: Entry) -> None:
        """What a resolution gives back: a credit that names its original's month."""
        message = entry.message
        resolution = self.claims.resolutions.get(word(message, "subject"))
        answer = None if resolution is None else self.claims.answer_named(resolution.answer)
        publication = None if answer is None else self.claims.publication_named(answer.publication)
        quantity = integer(message, "quantity")
        if resolution is None or answer is None or publication is None:
            self._leave_out(entry, "names_no_resolution")
            return
        is_theirs = (resolution.unit, answer.unit) == (integer(message, "consumer"), entry.unit)
        is_upheld = resolution.outcome is ContestOutcome.UPHELD
        if not is_theirs or not is_upheld or resolution.used + quantity > resolution.amount:
            self._leave_out(entry, "more_than_the_resolution_gives")
            return
        resolution.used += quantity
        key = Key(
            publication.period,
            entry.unit,
            resolution.unit,
            Group.RESOLUTION,
            What.QUANTITY,
            integer(message, "kind"),
            integer(message, "serviceClass"),
            0,
            0,
        )
        served = _Service(key, resolution.digest, 0, counts=True)
        self._services[entry.digest] = served
        self._add_service(entry, served, quantity)

    def comment(self, entry: Entry) -> None:
        """A consumer confirms a service; a giver answers a refusal."""
        stance = packed_numbers(entry.message)[0]
        if stance not in list(_ANSWERS):
            return
        self._said[entry.about, entry.unit] = Stance(stance)
        served = self._services.get(entry.about)
        if served is None or served.counts or stance != Stance.AGREES:
            return
        if entry.unit == served.key.consumer:
            served.counts = True
            self.lines.add(served.key, entry.digest, quantity=served.quantity, done=served.quantity)

    # ------------------------------------------------------------ custody and transport

    def asset(self, entry: Entry) -> None:
        """A shared thing is its owner's, and in its owner's custody."""
        self._owners[entry.about] = entry.unit
        self._custody[entry.about] = [(0, entry.unit)]

    def dispatch(self, entry: Entry) -> None:
        """A consignment begins."""
        message = entry.message
        self._consignments[entry.about] = Consignment(
            giver=entry.unit,
            receiver=integer(message, "receiver"),
            purpose=words.Purpose(integer(message, "purpose")),
            asset=word(message, "asset"),
        )

    def hand_over(self, entry: Entry) -> None:
        """The leg that it was on is over, and may have been diverted."""
        consignment = self._consignments.get(entry.about)
        if consignment is None or consignment.leg is None:
            return
        if integer(entry.message, "leg") == words.Leg.DIVERTED:
            consignment.leg.is_diverted = True
            self._trips.touch(consignment.leg.trip)
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
        if refused:
            self._refusals[entry.digest] = entry, consignment, refused
        if outcome is TakeOutcome.REFUSED:
            return
        consignment.leg = None
        is_here = outcome is TakeOutcome.KEPT and consignment.asset in self._custody
        if is_here:
            since = integer(entry.message, "signedAt")
            self._custody[consignment.asset].append((since, entry.unit))

    def _carry(self, entry: Entry, consignment: Consignment) -> None:
        name = word(entry.message, "trip")
        if not any(name):
            self._leave_out(entry, "names_no_trip")
            return
        trip = self._trips.find(entry.unit, name)
        if trip is None:
            terms, version = self._terms_at(entry.time)
            trip = self._trips.begin(
                name,
                Trip(
                    carrier=entry.unit,
                    period=cast("Period", self.period),
                    of=self._month_of(integer(entry.message, "signedAt")),
                    version=version,
                ),
            )
            if terms is None or entry.unit not in terms.carriers:
                self._leave_out(entry, "no_price_for_this_carrier")
        consignment.leg = trip.legs.get(entry.about) or Leg(
            trip=trip, consignment=consignment, digest=entry.digest
        )
        trip.legs[entry.about] = consignment.leg
        self._trips.touch(trip)

    def disposition(self, entry: Entry) -> None:
        """It goes to another receiver."""
        consignment = self._consignments.get(entry.about)
        if consignment is None or integer(entry.message, "kind") != DispositionKind.REROUTE:
            return
        consignment.receiver = integer(entry.message, "receiver")
        if consignment.leg is not None:
            self._trips.touch(consignment.leg.trip)

    # ------------------------------------------------------------ publishing, answering, paying

    def publication(self, entry: Entry) -> None:
        """An account is published."""
        self._withdraw(entry)
        period = parse_word(entry.about)
        if period is None:
            self._leave_out(entry, "names_no_month")
            return
        terms, _ = self._terms_at(entry.time)
        days = 0 if terms is None else terms.contest_days
        self.claims.publish(
            Publication(
                digest=entry.digest,
                period=period,
                account=word(entry.message, "content"),
                time=entry.time,
                contest_until=entry.time + days * DAY,
            )
        )

    def answer(self, entry: Entry) -> None:
        """A unit acknowledges its statement, or contests lines of it; the latest answer stands."""
        self.claims.answers[entry.about, entry.unit] = Answer(
            digest=entry.digest,
            publication=entry.about,
            unit=entry.unit,
            lines=LINES.read(word(entry.message, "content")),
            time=entry.time,
        )

    def resolution(self, entry: Entry) -> None:
        """One side of a contest says what became of it."""
        self._withdraw(entry)
        number, amount, *_ = packed_numbers(entry.message)
        outcome, answer = outcome_of(number), self.claims.answer_named(entry.about)
        publication = None if answer is None else self.claims.publication_named(answer.publication)
        if outcome is None or answer is None or publication is None:
            self._leave_out(entry, "names_no_contest")
            return
        others = self._other_sides(publication.period, answer.unit)
        sides = {others[n] for n in answer.lines if n in others}
        if entry.unit != answer.unit and entry.unit not in sides:
            self._leave_out(entry, "a_third_party")
            return
        self.claims.resolutions[entry.digest] = Resolution(
            digest=entry.digest,
            answer=entry.about,
            unit=entry.unit,
            outcome=outcome,
            amount=amount,
        )

    def payment(self, entry: Entry) -> None:
        """A payer paid; or a payee received what a payer paid, and the payment counts."""
        self._withdraw(entry)
        number, other, amount, _ = packed_numbers(entry.message)
        side = side_of(number)
        is_between = amount > 0 and other in self._units and other != entry.unit
        if side is PaymentSide.PAID and is_between:
            publication = self.claims.publication_named(entry.about)
            self.claims.payments[entry.digest] = Payment(
                digest=entry.digest,
                payer=entry.unit,
                payee=other,
                amount=amount,
                period=None if publication is None else publication.period,
            )
        elif side is PaymentSide.RECEIVED and is_between:
            receipt = self.claims.receive(
                entry.digest, about=entry.about, unit=entry.unit, payer=other, amount=amount
            )
            if receipt is None:
                self._leave_out(entry, "names_no_payment_to_this_unit")
            else:
                self._receipts.append(receipt)
        else:
            self._leave_out(entry, "is_no_payment")

    def _withdraw(self, entry: Entry) -> None:
        replaced = word(entry.message, "replaces")
        if any(replaced):
            self.claims.withdraw(replaced)
            receipt = self.claims.unreceive(replaced)
            if receipt is not None:
                self._receipts.append(replace(receipt, digest=entry.digest, amount=-receipt.amount))

    def _other_sides(self, period: Period, unit: int) -> dict[int, int]:
        """The other side of each of a unit's lines, by the line's number; none of internal ones."""
        month = self.months.get(period)
        return {
            number: line.key.consumer if line.key.provider == unit else line.key.provider
            for number, line in enumerate([] if month is None else month.lines_of(unit), start=1)
            if not line.is_internal
        }

    # ------------------------------------------------------------ closing

    def close(self) -> None:
        """The month is over."""
        period = cast("Period", self.period)
        fees = self._charge_trips(period)
        lines = self.lines.close(self.versions.published)
        for line in lines:
            # the terms may name a unit as a carrier or a holder that nobody admitted
            self._units.setdefault(line.key.provider, False)
            self._units.setdefault(line.key.consumer, False)
        before = {unit: self._balance(unit) for unit in self._units}
        for line in lines:
            if line.amount and not line.is_internal:
                self._book(line.key.provider, line.key.consumer, line.amount, period)
        for receipt in self._receipts:
            self._book(receipt.payer, receipt.payee, receipt.amount, period)
        contests = self._contests()
        disputed = self._disputed(contests)
        self.months[period] = Month(
            period=period,
            lines=lines,
            fees=fees,
            units=[
                self._unit_month(unit, period, lines, before[unit], disputed)
                for unit in sorted(self._units)
            ],
            pairs={pair: amount for pair, amount in sorted(self._pairs.items()) if amount},
            disputed_pairs=disputed,
            confirmed=self._receipts,
            waiting=self.claims.waiting(),
            contests=contests,
            refusals=self._open_refusals(self._ends),
            left_out=self._left_out,
            publications=dict(self.claims.publications),
            further=list(self.claims.further),
            events=self._events,
        )
        self._left_out, self._receipts, self._events = [], [], 0
        self.period = period.plus(1)
        self._ends = self.period.ends(self.offset)

    def _charge_trips(self, period: Period) -> list[Fee]:
        terms, number = self._terms_at(self._ends - 1)
        charges, fees = self._trips.close(
            period, terms, number, lambda version: self.versions.published[version - 1]
        )
        for charge in charges:
            self._add_charge(charge)
        for fee in fees:
            if fee.unused:
                self.lines.add(_unused(fee, period), period.word, amount=fee.unused)
        return fees

    def _add_charge(self, charge: Charge) -> None:
        trip = charge.leg.trip
        key = Key(
            trip.of,
            trip.carrier,
            charge.payer,
            Group.TRANSPORT,
            What.TRIP_SHARE,
            0,
            0,
            0,
            trip.version,
        )
        self.lines.add(
            key,
            charge.leg.digest,
            quantity=charge.quantity,
            done=charge.quantity,
            amount=charge.amount,
        )
        if trip.fee is not None and trip.period != self.period and charge.amount:
            # what changes later of a trip under a fee, the fee's holder bears
            key = _unused(trip.fee, trip.period)
            self.lines.add(key, charge.leg.digest, amount=-charge.amount)

    def _book(self, creditor: int, debtor: int, amount: int, period: Period) -> None:
        """The debtor owes the creditor more; a unit that nobody admitted has an account as well."""
        low, high = sorted((creditor, debtor))
        change = amount if creditor == low else -amount
        self._pairs[low, high] = self._pairs.get((low, high), 0) + change
        for unit, owed in ((creditor, amount), (debtor, -amount)):
            self._ageing.setdefault(unit, Ageing()).add(period, owed)

    def _balance(self, unit: int) -> int:
        ageing = self._ageing.get(unit)
        return 0 if ageing is None else ageing.balance

    def _unit_month(
        self,
        unit: int,
        period: Period,
        lines: Sequence[Line],
        before: int,
        disputed: Mapping[tuple[int, int], int],
    ) -> UnitMonth:
        own = [each for each in lines if not each.is_internal and unit in each.key[1:3]]
        seen = [line.seen_by(unit) for line in own]
        used = [line for line in own if line.key.consumer == unit]
        referenced = [(line.market, line.amount) for line in used if line.market is not None]
        contributed: dict[Group, int] = {}
        for line in own:
            if line.key.provider == unit and line.worth:
                group = line.key.group
                contributed[group] = contributed.get(group, 0) + line.worth
        ageing = self._ageing.setdefault(unit, Ageing())
        contested = sum(a if unit == p[0] else -a for p, a in disputed.items() if unit in p)
        return UnitMonth(
            unit=unit,
            is_closed=self._units[unit],
            brought_forward=before,
            credits=sum(amount for amount in seen if amount > 0),
            debits=-sum(amount for amount in seen if amount < 0),
            net=sum(seen),
            paid=sum(r.amount for r in self._receipts if r.payer == unit),
            received=sum(r.amount for r in self._receipts if r.payee == unit),
            balance=ageing.balance,
            disputed=contested,
            due=ageing.balance - contested,
            ageing=tuple(ageing.buckets(period)),
            contributed=contributed,
            used=sum(line.amount for line in used),
            market_of_used=sum(market for market, _ in referenced),
            saving=sum(market - amount for market, amount in referenced),
        )

    def _contests(self) -> list[Contest]:
        found: list[Contest] = []
        for publication, answer in self.claims.contests():
            others = self._other_sides(publication.period, answer.unit)
            is_late = answer.time > publication.contest_until
            open_lines = [] if is_late else self.claims.open_lines(answer, others)
            found.append(
                Contest(
                    answer=answer.digest,
                    publication=publication.digest,
                    period=publication.period,
                    unit=answer.unit,
                    lines=answer.lines,
                    open_lines=tuple(open_lines),
                    is_late=is_late,
                )
            )
        return found

    def _disputed(self, contests: Sequence[Contest]) -> dict[tuple[int, int], int]:
        """What is disputed between two units: owed to the first when positive.

        A line counts once, also where both sides contest it.
        """
        lines: dict[tuple[Period, Key], Line] = {}
        for contest in contests:
            own = self.months[contest.period].lines_of(contest.unit) if contest.open_lines else []
            for number in contest.open_lines:
                lines[contest.period, own[number - 1].key] = own[number - 1]
        found: dict[tuple[int, int], int] = {}
        for line in lines.values():
            low, high = sorted((line.key.provider, line.key.consumer))
            found[low, high] = found.get((low, high), 0) + line.seen_by(low)
        return {pair: amount for pair, amount in sorted(found.items()) if amount}

    def _open_refusals(self, now: int) -> list[Refusal]:
        terms, _ = self._terms_at(now - 1)
        days = 0 if terms is None else terms.refusal_days
        found: list[Refusal] = []
        for digest, (entry, consignment, packages) in self._refusals.items():
            said = self._said.get((digest, consignment.giver))
            if said is Stance.AGREES:
                state = "agreed"
            elif said is Stance.DISAGREES:
                state = "disagreed"
            else:
                state = "disputed" if entry.time + days * DAY < now else "unanswered"
            found.append(
                Refusal(
                    digest=digest,
                    consignment=entry.about,
                    giver=consignment.giver,
                    receiver=consignment.receiver,
                    packages=packages,
                    state=state,
                )
            )
        return found


def _unused(fee: Fee, period: Period) -> Key:
    """The line of what trips leave of a fee."""
    return Key(
        period,
        fee.carrier,
        fee.terms.holder,
        Group.TRANSPORT,
        What.UNUSED_CAPACITY,
        0,
        0,
        0,
        fee.version,
    )


#: What each kind of operation means to the books; what is not here means nothing to them.
_READERS: Mapping[str, Callable[[Books, Entry], None]] = {
    "UnitAdmission": Books.admission,
    "UnitClosure": Books.closure,
    "Terms": Books.terms,
    "CycleDecision": Books.decision,
    "Service": Books.service,
    "Comment": Books.comment,
    "AssetRegistration": Books.asset,
    "Dispatch": Books.dispatch,
    "HandOver": Books.hand_over,
    "TakeOver": Books.take_over,
    "Disposition": Books.disposition,
    "ClosedUnitDisposition": Books.disposition,
    "Publication": Books.publication,
    "StatementAnswer": Books.answer,
    "Resolution": Books.resolution,
    "Payment": Books.payment,
}
#: The kinds of operation that the books read.
READ = frozenset(_READERS)
