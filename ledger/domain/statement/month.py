"""What the books take in, one event, and what they give out, one month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ledger.domain.acts.vocabulary import Message
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.statement.agreement import Group
from ledger.domain.statement.claims import Payment, Publication, Receipt
from ledger.domain.statement.lines import Line
from ledger.domain.statement.periods import Period
from ledger.domain.statement.trips import Fee


class Entry(NamedTuple):
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
    #: of a service, who used it and may have to confirm it
    consumer: int | None
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
    #: the month of its block
    period: Period
    #: whether they were sent as clean, which the giver is paid for
    is_clean: bool


class Disputed(StrEnum):
    """Why an amount is disputed, and so not due."""

    CONTESTED = "contested_line"
    #: its consumer disagrees with it
    SERVICE = "refused_service"
    #: their receiver refused them, and their giver did not agree in time
    PACKAGES = "refused_packages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """What is held back of one line, or of several refused packages."""

    why: Disputed
    provider: int
    consumer: int
    #: what the consumer would owe the provider
    amount: int
    #: the answer, service or take-over
    event: bytes


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
    disputes: Sequence[Dispute]
    left_out: Sequence[LeftOut]
    #: publications that stand at its end, by month, and further ones that contradict
    publications: Mapping[Period, Publication]
    further: Sequence[Publication]
    events: int

    def lines_of(self, unit: int) -> list[Line]:
        """A unit's lines in the order of their numbers, which begin with 1."""
        return [line for line in self.lines if unit in (line.key.provider, line.key.consumer)]
