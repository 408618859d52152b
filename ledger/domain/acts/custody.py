"""The steps of a consignment, as one table: who may take which, from which state, to which.

The same table stands in contracts/CustodyLedger.sol.  A unit takes a step in the parts that it has
in the consignment: giver, receiver, holder, taker; it may have several.  What happened is never
refused for what it was, only for being of somebody else, out of turn, or over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from ledger.domain.acts.words import Right


class ConsignmentStatus(IntEnum):
    """How a consignment stands; the numbers are the contract's own."""

    #: waits at its holder for the taker
    OFFERED = 1
    HELD = 2
    RECEIVED = 3
    CANCELLED = 4
    LOST = 5
    #: the giver has it again
    RETURNED = 6

    @property
    def is_over(self) -> bool:
        """Whether nothing follows any more."""
        return self in _OVER


class Part(IntFlag):
    """What a unit is to a consignment; the bits are the contract's own."""

    GIVER = 1
    RECEIVER = 2
    HOLDER = 4
    #: to whom the holder offers it
    TAKER = 8


class TakeOutcome(IntEnum):
    """What a take-over says; the numbers are the contract's own."""

    CARRIED = 1
    #: taken in by the receiver, or back by the giver
    KEPT = 2
    #: the same, but the asset that was to be in it is not: it stays its last custodian's
    KEPT_WITHOUT_ASSET = 3
    #: refused whole: it stays where it is
    REFUSED = 4


class DispositionKind(IntEnum):
    """What is decided or found about a consignment; the numbers are the contract's own."""

    CANCEL = 1
    REROUTE = 2
    LOST = 3
    FOUND = 4


class Step(IntEnum):
    """Every step after the dispatch; the contract's own places in its table."""

    HAND_OVER = 0
    CARRY = 1
    KEEP = 2
    KEEP_WITHOUT_ASSET = 3
    REFUSE = 4
    CANCEL = 5
    REROUTE = 6
    LOSE = 7
    FIND = 8


_NONE = Part(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to take a step."""

    #: parts that the unit must have, and those that it must not
    needs: Part
    lacks: Part = _NONE
    start: frozenset[ConsignmentStatus]
    #: None: as it was
    end: ConsignmentStatus | None
    #: what the signer must be allowed
    right: Right


_P, _S = Part, ConsignmentStatus
_OVER = frozenset({_S.RECEIVED, _S.CANCELLED, _S.RETURNED})
_HERE = frozenset({_S.OFFERED, _S.HELD})
_OPEN = _HERE | {_S.LOST}
_OFFERED = frozenset({_S.OFFERED})
_LOST = frozenset({_S.LOST})

_KEEP = (
    Row(needs=_P.RECEIVER, start=_OPEN, end=_S.RECEIVED, right=Right.RECEIVE),
    Row(
        needs=_P.GIVER,
        lacks=_P.HOLDER,
        start=_OPEN,
        end=_S.RETURNED,
        right=Right.RECEIVE,
    ),
)

#: The rows of a step in the order in which they are tried: the first whose parts fit is the one.
STEPS: Mapping[Step, tuple[Row, ...]] = {
    Step.HAND_OVER: (
        Row(needs=_P.HOLDER | _P.GIVER, start=_HERE, end=_S.OFFERED, right=Right.DISPATCH),
        Row(needs=_P.HOLDER, start=_HERE, end=_S.OFFERED, right=Right.CARRY),
    ),
    Step.CARRY: (Row(needs=_P.TAKER, start=_OFFERED, end=_S.HELD, right=Right.CARRY),),
    Step.KEEP: _KEEP,
    Step.KEEP_WITHOUT_ASSET: _KEEP,
    Step.REFUSE: (
        Row(needs=_P.RECEIVER, start=_OFFERED, end=_S.HELD, right=Right.RECEIVE),
        Row(needs=_P.TAKER, start=_OFFERED, end=_S.HELD, right=Right.CARRY),
    ),
    Step.CANCEL: (
        Row(needs=_P.GIVER | _P.HOLDER, start=_HERE, end=_S.CANCELLED, right=Right.DISPATCH),
    ),
    Step.REROUTE: (Row(needs=_P.GIVER, start=_OPEN, end=None, right=Right.DISPATCH),),
    Step.LOSE: (
        Row(needs=_P.GIVER, lacks=_P.HOLDER, start=_HERE, end=_S.LOST, right=Right.DISPATCH),
        Row(needs=_P.HOLDER, lacks=_P.GIVER, start=_HERE, end=_S.LOST, right=Right.CARRY),
    ),
    Step.FIND: (
        Row(needs=_P.GIVER, lacks=_P.HOLDER, start=_LOST, end=_S.HELD, right=Right.DISPATCH),
        Row(needs=_P.HOLDER, lacks=_P.GIVER, start=_LOST, end=_S.HELD, right=Right.CARRY),
    ),
}


def find_row(step: Step, parts: Part) -> Row | None:
    """How a unit in these parts takes a step; None where it is not its to take."""
    fitting = (r for r in STEPS[step] if r.needs in parts and not r.lacks & parts)
    return next(fitting, None)
