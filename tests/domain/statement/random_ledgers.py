"""Random histories of a group, and a slow model of what each unit is owed for them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from random import Random
from typing import Any

from ledger.domain.acts.comment import Stance
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.payment import PaymentSide
from ledger.domain.acts.resolution import ContestOutcome
from ledger.domain.acts.vocabulary import word
from ledger.domain.acts.words import Purpose
from ledger.domain.statement.agreement import Agreement, Group, PerTrip, YearlyFee
from ledger.domain.statement.periods import period_at
from tests.domain.statement.chains import ZERO, Chain, agreement

UNITS = (1, 2, 3, 4, 10)
MONTHS = 3
#: the first month, in months since year 0
FIRST = 2026 * 12


def two_terms(random: Random) -> tuple[Agreement, Agreement]:
    """Odd prices, so that every rounding happens; the second holds from some day on."""

    def prices() -> dict[str, object]:
        return {
            "packages": [
                {"class": c, "name": {"en": str(c)}, "internal": random.randrange(5000), "per": per}
                for c, per in ((1, 1), (2, 7), (3, 10))
            ],
            "trips": [
                {"carrier": 1, "per_trip": random.randrange(30_000)},
                {
                    "carrier": 10,
                    "yearly_fee": random.randrange(500_000),
                    "cap": random.randrange(1, 20_000),
                    "holder": random.choice(UNITS[:-1]),
                },
            ],
            "services": [
                {"kind": 20, "class": 0, "internal": random.randrange(9000), "per": 60},
                {"kind": 30, "class": 1, "internal": 333, "per": 2},
            ],
            "tax": {"sterilisation": random.choice((0, 600)), "equipment": random.choice((0, 333))},
            "recalled": random.choice(("credited", "charged")),
        }

    later = f"2026-0{random.randrange(1, 4)}-{random.randrange(1, 28):02d}T00:00:00+08:00"
    return (
        agreement("one", prices=prices(), holds_from="2025-01-01T00:00:00+08:00"),
        agreement("two", prices=prices(), holds_from=later),
    )


@dataclass
class _Making:
    random: Random
    chain: Chain
    cycles: dict[str, dict[tuple[int, int, int], int]] = field(default_factory=dict)
    services: list[tuple[bytes, int, int, int]] = field(default_factory=list)
    boxes: list[tuple[bytes, int]] = field(default_factory=list)
    payments: list[tuple[bytes, int, int, int]] = field(default_factory=list)
    publications: list[bytes] = field(default_factory=list)
    answers: list[tuple[bytes, int]] = field(default_factory=list)
    upheld: list[tuple[bytes, int, int]] = field(default_factory=list)

    def unit(self) -> int:
        return self.random.choice(UNITS)

    def release(self) -> None:
        cycle = f"cycle {len(self.cycles)}"
        shares = {(self.unit(), self.unit(), self.random.randrange(1, 4)) for _ in range(3)}
        counts = {share: self.random.randrange(1, 40) for share in sorted(shares)}
        self.cycles[cycle] = counts
        self.chain.release(cycle, *((o, p, c, n) for (o, p, c), n in counts.items()))

    def change(self) -> None:
        if not self.cycles:
            return
        cycle = self.random.choice(sorted(self.cycles))
        share = self.random.choice(sorted(self.cycles[cycle]))
        delta = self.random.randrange(-self.cycles[cycle][share], 5)
        self.cycles[cycle][share] += delta
        kind = self.random.choice((DecisionKind.CORRECT, DecisionKind.RECALL))
        if delta > 0:
            kind = DecisionKind.CORRECT
        if delta:
            self.chain.decide(cycle, kind, (*share, delta))

    def serve(self) -> None:
        unit, consumer, quantity = self.unit(), self.unit(), self.random.randrange(1, 500)
        digest = self.chain.serve(unit, consumer, 20, quantity)
        self.chain.comment(consumer, digest, Stance.AGREES)
        self.services.append((digest, unit, consumer, quantity))

    def correct(self) -> None:
        if self.services:
            place = self.random.randrange(len(self.services))
            digest, unit, consumer, left = self.services[place]
            if left:
                back = self.random.randrange(1, left + 1)
                self.chain.serve(unit, consumer, 20, -back, corrects=digest)
                self.services[place] = digest, unit, consumer, left - back

    def fly(self) -> None:
        giver, receiver, carrier = self.unit(), self.unit(), self.random.choice((1, 10))
        slip = f"slip {len(self.chain.entries)}"
        box = self.chain.dispatch(slip, giver, receiver, self.random.choice(list(Purpose)))
        self.chain.carry(box, carrier, f"trip {self.random.randrange(4)}")
        self.boxes.append((box, carrier))

    def divert(self) -> None:
        if self.boxes:
            self.chain.divert(*self.boxes.pop(self.random.randrange(len(self.boxes))))

    def pay(self) -> None:
        payer, payee = self.random.sample(UNITS, 2)
        amount = self.random.randrange(1, 100_000)
        digest = self.chain.pay(payer, ZERO, PaymentSide.PAID, payee, amount)
        self.payments.append((digest, payer, payee, amount))

    def receive(self) -> None:
        if self.payments:
            digest, payer, payee, amount = self.random.choice(self.payments)
            part = self.random.randrange(1, amount + 1)
            self.chain.pay(payee, digest, PaymentSide.RECEIVED, payer, part)

    # ------------------------------------------------------------ what is disputed

    def publish(self) -> None:
        month = period_at(self.chain.now, 8 * 3600).plus(-1)
        self.publications.append(self.chain.publish(month))

    def contest(self) -> None:
        if self.publications:
            unit, publication = self.unit(), self.random.choice(self.publications)
            numbers = self.random.sample(range(1, 7), self.random.randrange(4))
            answer = self.chain.answer(unit, publication, *sorted(numbers))
            self.answers.append((answer, unit))

    def resolve(self) -> None:
        """Every unit says it, since only the other side of a line counts."""
        if self.answers:
            answer, contested_by = self.random.choice(self.answers)
            outcome = self.random.choice(list(ContestOutcome))
            for unit in UNITS:
                amount = self.random.randrange(200_000)
                digest = self.chain.resolve(unit, answer, outcome, amount)
                self.upheld.append((digest, contested_by, unit))

    def give_back(self) -> None:
        for digest, contested_by, unit in self.upheld:
            amount = self.random.randrange(1, 20_000)
            given = self.chain.serve(contested_by, unit, 99, amount, subject=digest)
            if self.random.randrange(2):
                back = -self.random.randrange(1, amount + 1)
                self.chain.serve(contested_by, unit, 99, back, corrects=given)

    def train(self) -> None:
        unit, consumer, quantity = self.unit(), self.unit(), self.random.randrange(1, 9)
        digest = self.chain.serve(unit, consumer, 30, quantity, service_class=1)
        self.services.append((digest, unit, consumer, quantity))

    def disagree(self) -> None:
        if self.services:
            digest, _, consumer, _ = self.random.choice(self.services)
            stance = self.random.choice((Stance.DISAGREES, Stance.DISAGREES, Stance.AGREES))
            self.chain.comment(consumer, digest, stance)

    def refuse(self) -> None:
        giver, receiver = self.random.sample(UNITS, 2)
        slip = f"slip {len(self.chain.entries)}"
        box = self.chain.dispatch(slip, giver, receiver, Purpose.CLEAN)
        refused = self.chain.keep(box, receiver, refused=self.random.randrange(1, 21))
        stance = self.random.choice((Stance.STATEMENT, Stance.DISAGREES, Stance.AGREES))
        self.chain.comment(giver, refused, stance)


def random_chain(
    seed: int, *, with_disputes: bool = False
) -> tuple[Chain, tuple[Agreement, Agreement]]:
    """Some thirty events over three months; with disputes, some sixty."""
    random = Random(seed)
    chain = Chain()
    terms = two_terms(random)
    making = _Making(random, chain)
    chain.at("2026-01-01 00:00").admit(*UNITS)
    chain.terms(terms[0])
    second = random.randrange(24)
    acts = [making.release, making.change, making.serve, making.correct]
    acts += [making.fly, making.fly, making.divert, making.pay, making.receive]
    steps = 24
    if with_disputes:
        acts += [making.publish, making.contest, making.contest, making.resolve, making.resolve]
        acts += [making.give_back, making.give_back, making.refuse]
        acts += [making.train, making.train, making.disagree]
        steps = 48
    for step in range(steps):
        chain.now += random.randrange(2 * MONTHS * 30 * 24 * 3600 // steps)
        if step == second:
            chain.terms(terms[1])
        random.choice(acts)()
    return chain, terms


# ---------------------------------------------------------------- the slow model


def month_of(seconds: int) -> int:
    """The month of a moment, in months since year 0."""
    local = datetime.fromtimestamp(seconds + 8 * 3600, UTC)
    return local.year * 12 + local.month - 1


@dataclass
class Slow:
    """What each unit is owed by the end of month `last`, computed from the beginning each time."""

    chain: Chain
    versions: tuple[Agreement, ...]
    last: int
    net: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.entries = [each for each in self.chain.entries if month_of(each.time) <= self.last]
        self._quantities()
        self._payments()
        self._transport()

    def move(self, provider: int, consumer: int, amount: int) -> None:
        self.net[provider] += amount
        self.net[consumer] -= amount

    def holds(self, moment: int) -> Agreement:
        documents = {each.document: each for each in self.versions}
        published = [
            (max(documents[document].valid_from, e.time), place, document)
            for place, e in enumerate(self.entries)
            if e.kind == "Terms"
            for document in [word(e.message, "content")]
        ]
        return documents[max(each for each in published if each[0] <= moment)[2]]

    def _quantities(self) -> None:
        totals: dict[Any, int] = defaultdict(int)
        first: dict[bytes, tuple[int, Agreement]] = {}
        for e in self.entries:
            m: Any = e.message
            if e.kind == "CycleDecision":
                of, terms = first.setdefault(e.about, (month_of(e.time), self.holds(e.time)))
                if m["kind"] == DecisionKind.RECALL and not terms.are_recalls_credited:
                    continue
                price = terms.packages
                for s in m["shares"]:
                    key = (of, terms.document, e.unit, s["payer"], s["owner"], s["packageClass"])
                    totals[(*key, price[s["packageClass"]], Group.STERILISATION)] += s["delta"]
            elif e.kind == "Service":
                own = m["corrects"] if any(m["corrects"]) else e.digest
                of, terms = first.setdefault(own, (month_of(e.time), self.holds(e.time)))
                key = (of, terms.document, e.unit, m["consumer"], 0, 0)
                totals[(*key, terms.services[20, 0], Group.EQUIPMENT)] += m["quantity"]
        documents = {each.document: each for each in self.versions}
        for (_, document, provider, consumer, _, _, price, group), quantity in totals.items():
            amount = round(Fraction(quantity * price.internal, price.per))
            points = documents[document].tax.get(group, 0)
            self.move(provider, consumer, amount + round(Fraction(amount * points, 10_000)))

    def _payments(self) -> None:
        paid: dict[bytes, list[int]] = {}
        for e in self.entries:
            if e.kind == "Payment":
                content: Any = e.message["content"]
                parts = [content[at : at + 8] for at in (0, 8, 16)]
                side, other, amount = (int.from_bytes(part, "big") for part in parts)
                if side == PaymentSide.PAID:
                    paid[e.digest] = [other, amount]
                else:
                    counted = min(amount, paid[e.about][1])
                    paid[e.about][1] -= counted
                    self.move(other, e.unit, counted)

    def _transport(self) -> None:
        boxes: dict[bytes, Any] = {}
        #: by carrier and trip: box → when it was added, when diverted
        trips: dict[Any, dict[bytes, list[int]]] = {}
        on: dict[bytes, Any] = {}
        for e in self.entries:
            if e.kind == "Dispatch":
                boxes[e.about] = {**e.message, "giver": e.unit}
            elif e.kind == "TakeOver":
                on[e.about] = e.unit, e.message["trip"]
                trips.setdefault(on[e.about], {})[e.about] = [e.time, 2**60]
            elif e.kind == "HandOver":
                trips[on[e.about]][e.about][1] = e.time
        for month in range(FIRST, self.last + 1):
            self._fly(month, boxes, trips)
        for (carrier, _), legs in trips.items():
            if carrier == 1:
                price = self.holds(min(added for added, _ in legs.values())).carriers[1]
                assert isinstance(price, PerTrip)
                self._share(carrier, legs, price.amount, boxes)

    def _fly(self, month: int, boxes: Any, trips: Any) -> None:
        year, index = divmod(month + 1, 12)
        end = int(datetime(year, index + 1, 1, tzinfo=UTC).timestamp()) - 8 * 3600
        fee = self.holds(end - 1).carriers[10]
        assert isinstance(fee, YearlyFee)
        due = fee.amount // 12 + (fee.amount % 12 if month % 12 == 0 else 0)
        own = [
            legs
            for (carrier, _), legs in trips.items()
            if carrier == 10 and month_of(min(added for added, _ in legs.values())) == month
        ]
        charged = [legs for legs in own if any(a < end and d >= end for a, d in legs.values())]
        charged.sort(key=lambda legs: min(added for added, _ in legs.values()))
        paid = 0
        for place, legs in enumerate(charged):
            cost = min(fee.cap, due // len(charged))
            if place == 0 and due // len(charged) < fee.cap:
                cost = min(fee.cap, cost + due % len(charged))
            paid += self._share(10, legs, cost, boxes)
        self.move(10, fee.holder, due - paid)

    def _share(self, carrier: int, legs: Any, cost: int, boxes: Any) -> int:
        charged = 0
        for place, (box, (_, diverted)) in enumerate(legs.items()):
            part = cost // len(legs) + (cost % len(legs) if place == 0 else 0)
            if diverted == 2**60:
                soiled = boxes[box]["purpose"] == Purpose.SOILED
                payer = boxes[box]["giver"] if soiled else boxes[box]["receiver"]
                self.move(carrier, payer, part)
                charged += part
        return charged
