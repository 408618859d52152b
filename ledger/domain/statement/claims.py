"""Publications, answers, resolutions and payments → what is disputed, and what was paid.

What others than the two sides of a line say about it is told, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ledger.domain.acts.payment import PaymentSide
from ledger.domain.acts.resolution import ContestOutcome
from ledger.domain.statement.periods import Period

DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """That an account was published."""

    digest: bytes
    period: Period
    #: SHA-256 of the account's canonical bytes
    account: bytes
    #: Unix seconds of its block
    time: int
    #: until when its lines may be contested
    contest_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a unit says to its statement; no lines: it acknowledges it."""

    digest: bytes
    publication: bytes
    unit: int
    lines: tuple[int, ...]
    time: int


@dataclass(slots=True, kw_only=True)
class Resolution:
    """What became of a contest, by one of its two sides."""

    digest: bytes
    answer: bytes
    #: the unit that contested, and the month whose lines
    contested_by: int
    period: Period
    unit: int
    outcome: ContestOutcome
    #: the most that its unit gives back
    amount: int
    #: what services that name it came to
    used: int = 0
    #: as much of that as is beyond what its lines come to by now, and so is not given back
    beyond: int = 0


@dataclass(slots=True, kw_only=True)
class Payment:
    """That a payer paid; it counts once the payee received it."""

    digest: bytes
    payer: int
    payee: int
    amount: int
    period: Period | None
    received: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """That a payee received a payment, and how much of it counted."""

    digest: bytes
    payment: bytes
    payer: int
    payee: int
    #: negative where the payee takes its word back
    amount: int


@dataclass(slots=True)
class Claims:
    """All that was said about published accounts."""

    #: the first of each month counts
    publications: dict[Period, Publication] = field(default_factory=dict)
    #: further ones, which contradict it or repeat it
    further: list[Publication] = field(default_factory=list)
    #: the current answer, by publication and unit
    answers: dict[tuple[bytes, int], Answer] = field(default_factory=dict)
    #: every answer by its digest, and the one that it followed
    answered: dict[bytes, tuple[Answer, Answer | None]] = field(default_factory=dict)
    resolutions: dict[bytes, Resolution] = field(default_factory=dict)
    payments: dict[bytes, Payment] = field(default_factory=dict)
    receipts: dict[bytes, Receipt] = field(default_factory=dict)

    def publish(self, publication: Publication) -> None:
        """An account is published; a second one of the same month only stands beside it."""
        if publication.period in self.publications:
            self.further.append(publication)
        else:
            self.publications[publication.period] = publication

    def withdraw(self, digest: bytes) -> None:
        """A publication, resolution or payment was taken back by who made it."""
        self.resolutions.pop(digest, None)
        self.payments.pop(digest, None)
        self.further = [each for each in self.further if each.digest != digest]
        for period, each in list(self.publications.items()):
            if each.digest == digest:
                del self.publications[period]
                later = [p for p in self.further if p.period == period]
                if later:
                    self.publications[period] = later[0]
                    self.further.remove(later[0])

    def publication_named(self, digest: bytes) -> Publication | None:
        """The publication that counts, by its digest."""
        return next((p for p in self.publications.values() if p.digest == digest), None)

    def answer(self, answer: Answer) -> None:
        """The latest answer stands."""
        key = answer.publication, answer.unit
        self.answered[answer.digest] = answer, self.answers.get(key)
        self.answers[key] = answer

    def answer_named(self, digest: bytes) -> Answer | None:
        """An answer, by its digest."""
        found = self.answered.get(digest)
        return None if found is None else found[0]

    def contesting(self, answer: Answer, number: int) -> Iterator[Answer]:
        """The answers that contest a line without a break, the latest first."""
        each: Answer | None = answer
        while each is not None and number in each.lines:
            yield each
            each = self.answered[each.digest][1]

    def receive(
        self, digest: bytes, *, about: bytes, unit: int, payer: int, amount: int
    ) -> Receipt | None:
        """What a payee's word counts for: at most what is left of the payment that it names."""
        payment = self.payments.get(about)
        if payment is None or (payment.payee, payment.payer) != (unit, payer):
            return None
        counted = min(amount, payment.amount - payment.received)
        payment.received += counted
        receipt = Receipt(digest=digest, payment=about, payer=payer, payee=unit, amount=counted)
        self.receipts[digest] = receipt
        return receipt

    def unreceive(self, digest: bytes) -> Receipt | None:
        """A payee takes its word back."""
        receipt = self.receipts.pop(digest, None)
        if receipt is not None and receipt.payment in self.payments:
            self.payments[receipt.payment].received -= receipt.amount
        return receipt

    def waiting(self) -> list[Payment]:
        """The payments that are not confirmed in full, each with what is left of it."""
        return [
            replace(each, amount=each.amount - each.received, received=0)
            for each in self.payments.values()
            if each.received < each.amount
        ]

    def contests(self) -> Iterator[tuple[Publication, Answer]]:
        """The answers that contest lines of an account that counts, in the order of the months."""
        for period in sorted(self.publications):
            publication = self.publications[period]
            for (named, _), answer in sorted(self.answers.items()):
                if named == publication.digest and answer.lines:
                    yield publication, answer

    def timely_lines(self, answer: Answer, publication: Publication) -> list[int]:
        """The lines of a contest that were contested in time, by this answer or one before."""
        until = publication.contest_until
        return [n for n in answer.lines if any(a.time <= until for a in self.contesting(answer, n))]

    def open_lines(
        self, answer: Answer, publication: Publication, others: Mapping[int, int]
    ) -> list[int]:
        """The lines contested in time that nothing became of; `others`: each line's other side.

        Who contested withdraws alone and the other side gives back alone; settling takes both.
        """

        def is_over(number: int) -> bool:
            named = {each.digest for each in self.contesting(answer, number)}
            said = {(r.unit, r.outcome) for r in self.resolutions.values() if r.answer in named}
            sides = answer.unit, others[number]
            return (
                (answer.unit, ContestOutcome.WITHDRAWN) in said
                or (others[number], ContestOutcome.UPHELD) in said
                or all((side, ContestOutcome.SETTLED) in said for side in sides)
            )

        timely = self.timely_lines(answer, publication)
        return [n for n in timely if n in others and not is_over(n)]


def side_of(number: int) -> PaymentSide | None:
    """Who speaks in a payment; None for a number that stands for nobody."""
    return PaymentSide(number) if number in list(PaymentSide) else None


def outcome_of(number: int) -> ContestOutcome | None:
    """What became of a contest; None for a number that stands for nothing."""
    return ContestOutcome(number) if number in list(ContestOutcome) else None
