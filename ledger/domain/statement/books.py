"""Events in chain order → months: lines, payments, balances, and what is disputed.

An event belongs to the month of its block.  Nothing is read but events and terms, so that whoever
has both computes the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from ledger.domain.acts.comment import Stance
from ledger.domain.acts.decisions import RELEASES, DecisionKind
from ledger.domain.acts.payment import PaymentSide
from ledger.domain.acts.resolution import ContestOutcome
from ledger.domain.acts.statement_answer import LINES
from ledger.domain.acts.vocabulary import integer, word
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.statement.agreement import Agreement, Group, Price, Versions
from ledger.domain.statement.carrying import Carrying
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
from ledger.domain.statement.disputing import Disputing, by_pair
from ledger.domain.statement.lines import Key, Line, Lines, Sum, What, price_of
from ledger.domain.statement.month import (
    Contest,
    Entry,
    LeftOut,
    Month,
    UnitMonth,
)
from ledger.domain.statement.periods import Period, parse_word, period_at
from ledger.domain.statement.settling import Ageing
from ledger.domain.statement.trips import Charge, Fee

#: One service or payment beyond these is a slip of somebody's fingers, and would keep the sums of
#: everybody from being written down: numbers in JSON end at 2**53.
LARGEST_QUANTITY, LARGEST_CHARGE, LARGEST_PAYMENT = 10**9, 10**11, 10**13
_ANSWERS = frozenset({Stance.AGREES, Stance.DISAGREES, Stance.WITHDRAWN})
#: found in half the time that the enumeration itself takes
_DECISIONS = {each.value: each for each in DecisionKind}


@dataclass(slots=True)
class _Service:
    """A service so far."""

    line: Sum
    quantity: int
    #: whether it is in a line; one whose use nobody confirmed is not
    counts: bool
    #: whether its consumer's word decides that
    is_unconfirmed: bool = False
    #: what it gives back of; None: it is a service like any
    resolution: Resolution | None = None

    @property
    def key(self) -> Key:
        """Of its line."""
        return self.line.key


@dataclass(frozen=True, slots=True)
class _Released:
    """What is alike of all cycles that were released in one month under the same terms."""

    of: Period
    version: int
    keeps_charge: bool
    #: by processor, payer, class and owner
    lines: dict[tuple[int, int, int, int], Sum] = field(default_factory=dict)


class Books:
    """The accounts of the group, as far as its events were read."""

    def __init__(self, documents: Sequence[Agreement]) -> None:
        """`documents` are all versions of the terms that were published, in any order."""
        offsets = {each.offset for each in documents}
        if len(offsets) != 1:
            raise InvalidInput(
                f"the versions name {len(offsets)} offsets from UTC",
                field="terms.offset_minutes",
                rule="the months of a group have one offset for ever",
            )
        (self.offset,) = offsets
        self.versions = Versions({each.document: each for each in documents})
        self.claims = Claims()
        self.months: dict[Period, Month] = {}
        self.period: Period | None = None
        self.lines = Lines()
        self._units: dict[int, bool] = {}
        self._cycles: dict[bytes, _Released] = {}
        self._released: dict[tuple[Period, int], _Released] = {}
        self._services: dict[bytes, _Service] = {}
        #: by month, provider, consumer, kind, class and version of the terms
        self._served: dict[tuple[Period, int, int, int, int, int], tuple[Sum, Price | None]] = {}
        #: services that their consumers disagree with
        self._refused: dict[bytes, _Service] = {}
        #: what was given back, by the resolution
        self._given: dict[bytes, tuple[Resolution, Key]] = {}
        self._carrying = Carrying(self)
        self._said: dict[tuple[bytes, int], Stance] = {}
        self._said_in: dict[tuple[bytes, int], bytes] = {}
        self._pairs: dict[tuple[int, int], int] = {}
        self._ageing: dict[int, Ageing] = {}
        self._disputing = Disputing(self.lines, self.claims, self.months, self.versions.published)
        self._left_out: list[LeftOut] = []
        self._receipts: list[Receipt] = []
        self._events = 0
        self._begins = self._ends = 0

    # ------------------------------------------------------------ reading

    def read(self, entry: Entry) -> None:
        """The next event; one of a later month closes those before it."""
        if self.period is None:
            self._open(period_at(entry.time, self.offset))
        while entry.time >= self._ends:
            self.close()
        self._events += 1
        reader = _READERS.get(entry.kind)
        if reader is not None:
            reader(self, entry)
        elif entry.kind in _CARRYING:
            _CARRYING[entry.kind](self._carrying, entry)

    def _open(self, period: Period) -> None:
        self.period = period
        self._begins, self._ends = period.begins(self.offset), period.ends(self.offset)

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

    @property
    def open_period(self) -> Period:
        """The month that is open; there is one once an event was read."""
        return cast("Period", self.period)

    def _counts_by_now(self, left_out: LeftOut) -> bool:
        """Whether it is a service that its consumer has confirmed since, within the month."""
        served = self._services.get(left_out.digest)
        return served is not None and served.counts

    def leave_out(self, entry: Entry, why: str) -> None:
        """Tell that an event is in no line, and why."""
        is_service = "consumer" in entry.message
        consumer = integer(entry.message, "consumer") if is_service else None
        self._left_out.append(
            LeftOut(
                digest=entry.digest, kind=entry.kind, unit=entry.unit, consumer=consumer, why=why
            )
        )

    def terms_at(self, moment: int) -> tuple[Agreement | None, int]:
        """The terms that hold at a moment, and their place from 1; 0 for none."""
        number = self.versions.number(moment)
        return self.versions.published[number - 1] if number else None, number

    def month_of(self, claimed: int) -> Period:
        """The month in which something happened, by its own word; never after its block's."""
        if not 0 < claimed < self._begins:
            return self.open_period
        return period_at(claimed, self.offset)

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
        cycle, kind = word(message, "cycle"), _DECISIONS[integer(message, "kind")]
        known = self._cycles.get(cycle)
        if known is None:
            if kind not in RELEASES:
                return
            terms, version = self.terms_at(entry.time)
            alike = self.month_of(integer(message, "signedAt")), version
            known = self._released.get(alike)
            if known is None:
                keeps_charge = terms is not None and not terms.are_recalls_credited
                known = self._released[alike] = _Released(*alike, keeps_charge)
            self._cycles[cycle] = known
        is_recall, unit, digest = kind is DecisionKind.RECALL, entry.unit, entry.digest
        shares: Any = message["shares"]
        for share in shares:
            delta = share["delta"]
            parts = unit, share["payer"], share["packageClass"], share["owner"]
            line = known.lines.get(parts) or self._line_of(known, parts)
            if is_recall:
                quantity = 0 if known.keeps_charge else delta
                self.lines.add(line, digest, quantity=quantity, recalled=-delta)
            else:
                self.lines.add(line, digest, quantity=delta, done=delta)

    def _line_of(self, known: _Released, parts: tuple[int, int, int, int]) -> Sum:
        unit, payer, package_class, owner = parts
        key = Key(
            known.of,
            unit,
            payer,
            Group.STERILISATION,
            What.QUANTITY,
            0,
            package_class,
            owner,
            known.version,
        )
        line = known.lines[parts] = self.lines.of(key)
        return line

    # ------------------------------------------------------------ services

    def service(self, entry: Entry) -> None:
        """A service, or a correction of one."""
        message = entry.message
        corrects = word(message, "corrects")
        if any(corrects):
            served = self._services.get(corrects)
            if served is None:
                self.leave_out(entry, "corrects_nothing_that_counts")
                return
            change = integer(message, "quantity")
            if served.resolution is not None and not _gives(served.resolution, change):
                self.leave_out(entry, "more_than_the_resolution_gives")
                return
            self._add_service(entry, served, change)
            return
        terms, version = self.terms_at(entry.time)
        claimed = integer(message, "happenedAt") or integer(message, "signedAt")
        consumer, kind = integer(message, "consumer"), integer(message, "kind")
        of, of_class = self.month_of(claimed), integer(message, "serviceClass")
        parts = of, entry.unit, consumer, kind, of_class, version
        found = self._served.get(parts)
        if found is None:
            catalogued = terms.catalogue.get(kind) if terms is not None else None
            group = Group.OTHER if catalogued is None else catalogued.group
            if group is Group.RESOLUTION:
                self._given_back(entry)
                return
            key = Key(of, entry.unit, consumer, group, What.QUANTITY, kind, of_class, 0, version)
            found = self._served[parts] = self.lines.of(key), price_of(key, terms)
        (line, price), key = found, found[0].key
        quantity, subject = integer(message, "quantity"), word(message, "subject")
        if quantity > LARGEST_QUANTITY or (price and price.of(quantity) > LARGEST_CHARGE):
            self.leave_out(entry, "too_large_to_be_meant")
            return
        # what was used of the group's equipment, its user had then, or confirms
        is_shared = key.group is Group.EQUIPMENT or subject in self._carrying.custody
        is_own = key.provider == key.consumer
        counts = is_own or not is_shared or self._carrying.was_with(subject, key.consumer, claimed)
        served = _Service(line, 0, counts, is_unconfirmed=not counts)
        self._services[entry.digest] = served
        self._add_service(entry, served, quantity)
        if not served.counts:
            self.leave_out(entry, "not_confirmed_by_the_consumer")

    def _add_service(self, entry: Entry, served: _Service, change: int) -> None:
        served.quantity += change
        if served.counts:
            # what is given back is no work
            done = 0 if served.key.group is Group.RESOLUTION else change
            self.lines.add(served.line, entry.digest, quantity=change, done=done)

    def _given_back(self, entry: Entry) -> None:
        """What a resolution gives back: a credit that names its original's month."""
        message = entry.message
        resolution = self.claims.resolutions.get(word(message, "subject"))
        quantity = integer(message, "quantity")
        if resolution is None:
            self.leave_out(entry, "names_no_resolution")
            return
        sides = integer(message, "consumer"), entry.unit
        is_theirs = (resolution.unit, resolution.contested_by) == sides
        is_upheld = resolution.outcome is ContestOutcome.UPHELD
        if not is_theirs or not is_upheld:
            self.leave_out(entry, "gives_this_unit_nothing")
            return
        if not _gives(resolution, quantity):
            self.leave_out(entry, "more_than_the_resolution_gives")
            return
        key = Key(
            resolution.period,
            entry.unit,
            resolution.unit,
            Group.RESOLUTION,
            What.QUANTITY,
            integer(message, "kind"),
            integer(message, "serviceClass"),
            0,
            0,
        )
        served = _Service(self.lines.of(key), 0, counts=True, resolution=resolution)
        self._services[entry.digest] = served
        self._given[resolution.digest] = resolution, key
        self._add_service(entry, served, quantity)

    def comment(self, entry: Entry) -> None:
        """What a consumer says of a service, and giver or receiver of a refusal."""
        stance = packed_numbers(entry.message)[0]
        said = entry.about, entry.unit
        if self._said_in.get(said) == word(entry.message, "replaces"):
            self._hear(entry, None)
            del self._said[said], self._said_in[said]
        if stance in _ANSWERS:
            self._said[said], self._said_in[said] = Stance(stance), entry.digest
            self._hear(entry, Stance(stance))

    def _hear(self, entry: Entry, stance: Stance | None) -> None:
        """What a consumer says of a service by now; None: nothing any more."""
        self._confirm(entry, is_confirmed=stance is Stance.AGREES)
        served = self._services.get(entry.about)
        if served is None or served.key.consumer != entry.unit or served.resolution is not None:
            return
        if stance is Stance.DISAGREES:
            self._refused[entry.about] = served
        else:
            self._refused.pop(entry.about, None)

    def _confirm(self, entry: Entry, *, is_confirmed: bool) -> None:
        """A consumer says that it used something, or takes that back."""
        served = self._services.get(entry.about)
        is_asked = served is not None and served.is_unconfirmed
        if served is None or not is_asked or entry.unit != served.key.consumer:
            return
        if served.counts != is_confirmed:
            change = served.quantity if is_confirmed else -served.quantity
            served.counts = is_confirmed
            self.lines.add(served.line, entry.about, quantity=change, done=change)

    def counts(self, service: bytes) -> bool:
        """Whether a service is in a line, and is more than what a resolution gives back."""
        served = self._services.get(service)
        return served is not None and served.counts and served.resolution is None

    def _refused_services(self) -> Iterator[tuple[bytes, Key, int]]:
        for digest, served in self._refused.items():
            if served.counts and served.key.provider != served.key.consumer:
                yield digest, served.key, served.quantity

    # ------------------------------------------------------------ publishing, answering, paying

    def publication(self, entry: Entry) -> None:
        """An account is published."""
        self._withdraw(entry)
        period = parse_word(entry.about)
        if period is None:
            self.leave_out(entry, "names_no_month")
            return
        terms, _ = self.terms_at(entry.time)
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
        self.claims.answer(
            Answer(
                digest=entry.digest,
                publication=entry.about,
                unit=entry.unit,
                lines=LINES.read(word(entry.message, "content")),
                time=entry.time,
            )
        )

    def resolution(self, entry: Entry) -> None:
        """One side of a contest says what became of it."""
        self._withdraw(entry)
        number, amount, *_ = packed_numbers(entry.message)
        outcome, answer = outcome_of(number), self.claims.answer_named(entry.about)
        publication = None if answer is None else self.claims.publication_named(answer.publication)
        if outcome is None or answer is None or publication is None:
            self.leave_out(entry, "names_no_contest")
            return
        others = self._other_sides(publication.period, answer.unit)
        sides = {others[n] for n in answer.lines if n in others}
        if entry.unit != answer.unit and entry.unit not in sides:
            self.leave_out(entry, "a_third_party")
            return
        self.claims.resolutions[entry.digest] = Resolution(
            digest=entry.digest,
            answer=entry.about,
            contested_by=answer.unit,
            period=publication.period,
            unit=entry.unit,
            outcome=outcome,
            amount=amount,
        )

    def payment(self, entry: Entry) -> None:
        """A payer paid; or a payee received what a payer paid, and the payment counts."""
        self._withdraw(entry)
        number, other, amount, _ = packed_numbers(entry.message)
        side = side_of(number)
        is_between = other in self._units and other != entry.unit
        is_between = is_between and 0 < amount <= LARGEST_PAYMENT
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
                self.leave_out(entry, "names_no_payment_to_this_unit")
            else:
                self._receipts.append(receipt)
        else:
            self.leave_out(entry, "is_no_payment")

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
        period = self.open_period
        fees = self._charge_trips(period)
        self._disputing.limit(self._given.values())
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
        refusals = self._carrying.refusals(self._ends, self._said)
        disputes = self._disputing.list_all(contests, refusals, self._refused_services())
        disputed = by_pair(disputes)
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
            refusals=refusals,
            disputes=disputes,
            left_out=[each for each in self._left_out if not self._counts_by_now(each)],
            publications=dict(self.claims.publications),
            further=list(self.claims.further),
            events=self._events,
        )
        self._left_out, self._receipts, self._events = [], [], 0
        self._open(period.plus(1))

    def _charge_trips(self, period: Period) -> list[Fee]:
        terms, number = self.terms_at(self._ends - 1)
        charges, fees = self._carrying.trips.close(
            period, terms, number, lambda version: self.versions.published[version - 1]
        )
        for charge in charges:
            self._add_charge(charge)
        for fee in fees:
            if fee.unused:
                line = self.lines.of(_unused(fee, period))
                self.lines.add(line, period.word, amount=fee.unused)
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
            self.lines.of(key),
            charge.leg.digest,
            quantity=charge.quantity,
            done=charge.quantity,
            amount=charge.amount,
        )
        if trip.fee is not None and trip.period != self.period and charge.amount:
            # what changes later of a trip under a fee, the fee's holder bears
            line = self.lines.of(_unused(trip.fee, trip.period))
            self.lines.add(line, charge.leg.digest, amount=-charge.amount)

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
        # what is given back after a contest is nobody's use, and nobody's work
        used = [
            line
            for line in own
            if line.key.consumer == unit and line.key.group is not Group.RESOLUTION
        ]
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
            open_lines = self.claims.open_lines(answer, publication, others)
            found.append(
                Contest(
                    answer=answer.digest,
                    publication=publication.digest,
                    period=publication.period,
                    unit=answer.unit,
                    lines=answer.lines,
                    open_lines=tuple(open_lines),
                    is_late=not self.claims.timely_lines(answer, publication),
                )
            )
        return found


def _gives(resolution: Resolution, quantity: int) -> bool:
    """Whether a resolution still gives so much; it is used from then on."""
    if not 0 <= resolution.used + quantity <= resolution.amount:
        return False
    resolution.used += quantity
    return True


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
    "Publication": Books.publication,
    "StatementAnswer": Books.answer,
    "Resolution": Books.resolution,
    "Payment": Books.payment,
}
#: The same of what is moved.
_CARRYING: Mapping[str, Callable[[Carrying, Entry], None]] = {
    "AssetRegistration": Carrying.asset,
    "Dispatch": Carrying.dispatch,
    "HandOver": Carrying.hand_over,
    "TakeOver": Carrying.take_over,
    "Disposition": Carrying.disposition,
    "ClosedUnitDisposition": Carrying.disposition,
}
#: The kinds of operation that the books read.
READ = frozenset({*_READERS, *_CARRYING})
