"""What a package's cycle allows: its decision, its results, and recalls of its machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ledger.domain.acts.decisions import DecisionState

#: so many biological passes in a row put a suspended machine back to service
PASSES_TO_RETURN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleStanding:
    """How a package's cycle stands, as far as it is known."""

    id: bytes
    #: as people call it: `2240/2241`, machine and number
    name: str
    state: DecisionState
    #: results that failed or are invalid, whatever was decided
    bad: tuple[str, ...] = ()
    #: whether a standing order recalls its range
    is_ordered_back: bool = False
    #: whether it was released although its machine was suspended
    released_while_suspended: bool = False
    #: whether the chain has something about it that is not readable here
    is_part_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A recall that was ordered for a machine's range of numbers."""

    digest: bytes
    epoch: int
    first: int
    last: int
    #: our own order of acceptance
    sequence: int
    #: Unix seconds, as it was signed
    at: int = 0
    #: the highest epoch and number of the machine that were opened by then
    highest: tuple[int, int] = (0, 0)
    #: whether it ended with what was found; it is in force until then and stays so for its cycles
    has_ended: bool = False

    def covers(self, epoch: int, number: int) -> bool:
        """Whether a cycle of the machine is in its range."""
        return epoch == self.epoch and self.first <= number <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class BiologicalResult:
    """What was read of one cycle of a machine."""

    epoch: int
    number: int
    #: of the cycle's opening, in our own order of acceptance
    opened: int
    #: Unix seconds: when that happened, as far as it is said, else when it was signed
    ran: int
    #: of the result
    sequence: int
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A machine out of release, from an order until it passed three times in a row."""

    order: bytes
    #: sequences of the order, and of the pass that ended it; None while it lasts
    since: int
    until: int | None
    #: passes in a row so far
    passes: int = 0


def suspensions(orders: Iterable[Order], results: Sequence[BiologicalResult]) -> list[Suspension]:
    """The suspensions of one machine; cycles that were opened after an order count, in their order.

    A number below the highest that was open by then ran before it, however late it is entered; so
    did what was opened before it by its own word.
    A result that is neither pass nor fail yet says nothing; a fail begins the count anew.
    """
    return [_suspension(order, results) for order in orders]


def _suspension(order: Order, results: Sequence[BiologicalResult]) -> Suspension:
    after = [
        each
        for each in results
        if each.opened > order.sequence
        and each.ran >= order.at
        and (each.epoch, each.number) > order.highest
        and not order.covers(each.epoch, each.number)
    ]
    newest = {(each.epoch, each.number): each for each in sorted(after, key=lambda r: r.sequence)}
    told = [each for _, each in sorted(newest.items()) if each.word in {"pass", "fail", "invalid"}]
    row: list[BiologicalResult] = []
    for each in told:
        row = [*row, each] if each.word == "pass" else []
        if len(row) == PASSES_TO_RETURN:
            until = max(result.sequence for result in row)
            return Suspension(
                order=order.digest, since=order.sequence, until=until, passes=len(row)
            )
    return Suspension(order=order.digest, since=order.sequence, until=None, passes=len(row))


def suspended(found: Iterable[Suspension]) -> Suspension | None:
    """The suspension that lasts, the oldest first; None where the machine is in service."""
    return next((each for each in found if each.until is None), None)
