"""Index begun anew → what was final and is on the chain no more is owed again.

That it is still to be looked for is written down with the deletion of the index, and done with it
by whoever reaches the final height next: the rebuild itself, another one, or a worker.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ledger.crashing import crash_point
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import Conflict
from ledger.steps.instance import Instance
from ledger.steps.sending.settle import PENDING, mark_dropped, take_back_lost
from ledger.steps.starting.source import Source
from ledger.storage.index import clear_index, find_cursor
from ledger.storage.settings import find_setting, put_setting, remove_setting
from ledger.storage.transactions import list_transactions

#: Names when the index was dropped, from then until everything that the chain lost is owed again.
REBUILD_SETTING = "rebuild"

#: more than may wait at once
_MANY = 1000


def begin_anew(instance: Instance) -> None:
    """Drop the index, and write down what that owes."""
    with instance.database.transaction() as tx:
        put_setting(tx, REBUILD_SETTING, instant_text(instance.clock()).encode())
        clear_index(tx)
    crash_point("rebuild.cleared")


def is_begun(instance: Instance) -> bool:
    """Whether the index was dropped and the chain's losses are not known yet."""
    with instance.database.reading() as tx:
        return find_setting(tx, REBUILD_SETTING) is not None


def take_back(instance: Instance, source: Source, height: int) -> int:
    """What an index that is whole up to `height` lacks is owed again; returns how many operations.

    Raises Conflict, with nothing changed, when the index was dropped once more meanwhile.
    """
    crash_point("rebuild.followed")
    with instance.database.transaction() as tx:
        if not remove_setting(tx, REBUILD_SETTING):
            return 0
        _require_index(tx, height)
        lost = take_back_lost(tx, source, instance.clock())
        if lost:
            _sign_again(tx, source, instance.clock())
    return lost


def _sign_again(tx: Connection, source: Source, at: datetime) -> None:
    """What waits was signed after what the chain lost, whose nonces are free and come before."""
    waiting = list_transactions(tx, states=PENDING, limit=_MANY)
    found = source.find_mined([row.hash for row in waiting])
    never = [row for row, mined in zip(waiting, found, strict=True) if mined is None]
    mark_dropped(tx, never, at, "transactions before it are no longer part of the chain")


def _require_index(tx: Connection, height: int) -> None:
    cursor = find_cursor(tx)
    if cursor is None or cursor.height < height:
        raise Conflict(
            "somebody else dropped the index",
            field="idx_cursor",
            rule="one process at a time moves the index",
            remedy="wait until the other one is done",
        )
