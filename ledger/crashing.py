"""Where a test ends this process as `kill -9` would, to prove that nothing is lost there.

Does nothing unless STERILEDGER_CRASH_AT names a point: `chain.journalled` ends the process when it
first gets there, `chain.journalled:3` at the third time.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import count

from ledger.domain.errors import InvalidInput

VARIABLE = "STERILEDGER_CRASH_AT"

#: Every point, in the order in which an operation passes them.
POINTS = frozenset(
    {
        # a home is made
        "home.written",  # keys and genesis, not committed
        "home.made",
        "lease.taken",
        "chain.launched",  # anvil listens; the journal is not replayed
        "chain.recovered",  # the last block, mined or not before, is mined again and not confirmed
        "deploy.planned",  # nonce and price of the creations are stored; nothing is sent
        "deploy.created",  # the contracts are on the chain; the database does not know them
        "deploy.stored",
        "deploy.drafted",  # deployment.json is written under its draft's name
        # an operation is accepted
        "accept.written",  # everything up to the receipt, not committed
        "storage.committed",  # any writing transaction; the caller was not told
        # owed → sent
        "send.chosen",  # chosen, nothing stored
        "send.signed",  # the round's transactions and their operations' state, not committed
        "send.stored",
        "send.shown",  # what came back is in the node's pool, for the next estimate
        # sent → in a block of the embedded chain
        "snapshot.drafted",  # a snapshot of its state is written under its draft's name
        "chain.offered",  # in the pool as the next block, nothing journalled
        "chain.journalled",
        "chain.sealed",  # mined, and its hash not confirmed
        "chain.confirmed",
        "settle.sent",  # marked as sent, not committed
        # in a block → mined
        "settle.asked",  # receipts are read, nothing stored
        "settle.mined",  # marked as mined, not committed
        "worker.sent",  # the writer's round is over, the follower's did not begin
        # mined → final
        "follow.read",  # a range of blocks is read and checked, nothing stored
        "follow.indexed",  # its rows and the cursor, not committed
        "follow.moved",  # with the operations' states, not committed
        "follow.committed",
        # the index is built anew
        "rebuild.cleared",  # it is empty; nothing is read
        "rebuild.followed",  # it is whole; what the chain lost is final still
    }
)


class _Trap:
    """One point, and after how many passages it ends the process."""

    def __init__(self, text: str) -> None:
        name, _, times = text.partition(":")
        if name not in POINTS or not (times or "1").isdecimal() or times == "0":
            raise InvalidInput(
                f"{text!r} is no crash point",
                field=VARIABLE,
                rule="a name of ledger/crashing.py, or name:3 for its third passage",
                remedy="take the variable away; it is for tests",
            )
        self.name = name
        self._last = int(times or 1)
        self._passages: Iterator[int] = count(1)

    def spring(self) -> None:
        """Count one passage; the last one does not return."""
        if next(self._passages) == self._last:
            os.kill(os.getpid(), signal.SIGKILL)


def _read(text: str | None) -> _Trap | None:
    return _Trap(text) if text else None


_armed = _read(os.environ.get(VARIABLE))


def arm(text: str | None) -> None:
    """Do from now on what STERILEDGER_CRASH_AT would have done; raises InvalidInput."""
    global _armed  # noqa: PLW0603 - one process has one trap
    _armed = _read(text)


def crash_point(name: str) -> None:
    """A point of the table: the process ends here when a test wants it to."""
    if _armed is not None and _armed.name == name:
        _armed.spring()
