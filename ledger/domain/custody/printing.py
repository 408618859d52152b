"""Labels on their way to paper: rolls of serials for outages, and what became of a printing.

Printing is an uncertain act: what was sent to a printer was printed, or not, or nobody knows.
What nobody knows, a person decides, once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from ledger.domain.errors import Conflict

#: a roll's serials end in three digits
MOST_OF_ROLL = 999
_RESERVED = re.compile(r"R([1-9][0-9]{0,5})\.([0-9]{3})")


class PrintState(StrEnum):
    """What became of a label that was sent to a printer."""

    SENT = "sent"
    PRINTED = "printed"
    #: the printer did not say, or was not reached afterwards
    NOT_KNOWN = "not_known"
    NOT_PRINTED = "not_printed"


P = PrintState

#: state → what may follow it; what is decided stays
FOLLOWS: Mapping[PrintState, frozenset[PrintState]] = {
    P.SENT: frozenset({P.PRINTED, P.NOT_KNOWN, P.NOT_PRINTED}),
    P.NOT_KNOWN: frozenset({P.PRINTED, P.NOT_PRINTED}),
    P.PRINTED: frozenset(),
    P.NOT_PRINTED: frozenset(),
}
#: What may be said of a label that was sent.
TOLD = (P.PRINTED, P.NOT_KNOWN, P.NOT_PRINTED)
#: A label of these may lie somewhere, and nobody decided yet.
OPEN = frozenset({P.SENT, P.NOT_KNOWN})


def require_following(package: str, before: PrintState, after: PrintState) -> None:
    """Raise Conflict where a printing in one state cannot come to be in the other."""
    if after not in FOLLOWS[before]:
        raise Conflict(
            f"the label of {package} is {before.value.replace('_', ' ')} already",
            field="package",
            rule="what became of a printing is decided once",
            remedy="print another one if it is needed: that voids the label before",
        )


def reserved_serials(roll: int, count: int) -> list[str]:
    """The serial texts of a unit's roll, `R7.001` to `R7.050`: each fits on a label of ours."""
    return [f"R{roll}.{number:03d}" for number in range(1, count + 1)]


def roll_of(serial: str) -> tuple[int, int] | None:
    """The roll that a serial text would be of, and its place there; None for any other text."""
    match = _RESERVED.fullmatch(serial)
    return None if match is None else (int(match[1]), int(match[2]))
