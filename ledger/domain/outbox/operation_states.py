"""The life of an operation between its acceptance and the chain, as a table of allowed moves.

`ledger.steps.sending` draws it, and says what makes each move.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ledger.domain.errors import Inconsistent


class OperationState(StrEnum):
    """Where an operation stands."""

    #: shown to its signers, not yet signed by all of them
    PREPARED = "prepared"
    #: accepted, with a receipt; the chain has not been told
    OWED = "owed"
    #: in a transaction that was handed to the chain
    SENT = "sent"
    #: in a block that may still be replaced
    MINED = "mined"
    #: in a block that will not be replaced
    FINAL = "final"
    #: never signed by all of its signers in time
    EXPIRED = "expired"
    #: the chain's rules say no, whatever is sent again
    REFUSED = "refused"
    #: needs a person, and its last state row says why
    STUCK = "stuck"


_S = OperationState

#: From each state, the states that may follow.  owed → mined and stuck → mined: somebody else
#: relayed it.  mined → owed: its block was replaced.  final → owed: a rebuild found that the
#: chain lost its block, which was final.  refused → mined: a final block records it all the same.
MOVES: Mapping[OperationState, frozenset[OperationState]] = {
    _S.PREPARED: frozenset({_S.OWED, _S.EXPIRED}),
    _S.OWED: frozenset({_S.SENT, _S.MINED, _S.REFUSED, _S.STUCK}),
    _S.SENT: frozenset({_S.MINED, _S.OWED, _S.REFUSED, _S.STUCK}),
    _S.MINED: frozenset({_S.FINAL, _S.OWED}),
    _S.STUCK: frozenset({_S.OWED, _S.MINED, _S.REFUSED}),
    _S.FINAL: frozenset({_S.OWED}),
    _S.EXPIRED: frozenset(),
    _S.REFUSED: frozenset({_S.MINED}),
}

#: States in which an operation no longer claims its place: another may be accepted there.
GIVEN_UP = frozenset({_S.REFUSED, _S.EXPIRED})

#: States in which an accepted operation still waits for the chain.
WAITING = frozenset({_S.OWED, _S.SENT, _S.MINED, _S.STUCK})


def verify_move(before: OperationState, after: OperationState) -> None:
    """Raise Inconsistent unless the table allows the move: only our own code asks for one."""
    if after not in MOVES[before]:
        allowed = ", ".join(sorted(MOVES[before])) or "nothing: it is the end"
        raise Inconsistent(
            f"an operation does not move from {before} to {after}",
            rule=f"{before} is followed by {allowed}",
        )
