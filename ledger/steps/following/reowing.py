"""Index begun anew → what was final and is on the chain no more is owed again.

That it is still to be looked for is written down with the deletion of the index, and done with it
by whoever reaches the final height next: the rebuild itself, another one, or a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.crashing import crash_point
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import Conflict
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.steps.instance import Instance
from ledger.steps.sending.settle import PENDING, mark_dropped
from ledger.steps.starting.source import Source
from ledger.storage import index
from ledger.storage.index import clear_index, find_cursor
from ledger.storage.operations import list_operations, move_operations
from ledger.storage.settings import find_setting, put_setting, remove_setting
from ledger.storage.transactions import (
    TransactionState,
    list_transactions,
    list_transactions_of,
    move_transaction,
)

#: Names when the index was dropped, from then until everything that the chain lost is owed again.
REBUILD_SETTING = "rebuild"

#: more than may wait at once
_MANY = 1000
_ON_CHAIN = (TransactionState.MINED, TransactionState.FINAL)

_S = OperationState


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


def owe_lost(instance: Instance, source: Source, height: int) -> int:
    """What an index that is whole up to `height` lacks is owed again; returns how many operations.

    Raises Conflict, with nothing changed, when the index was dropped once more meanwhile.
    """
    crash_point("rebuild.followed")
    with instance.database.transaction() as tx:
        if not remove_setting(tx, REBUILD_SETTING):
            return 0
        _require_index(tx, height)
        lost = _list_lost(tx)
        if lost:
            _drop_carriers(tx, source, lost)
            reason = "the final block that held it is no longer part of the chain"
            now = instance.clock()
            move_operations(tx, lost, _S.OWED, now, expected=[_S.FINAL], reason=reason)
            _sign_again(tx, source, now)
    return len(lost)


def _list_lost(tx: Connection) -> list[Digest]:
    """Final operations that a whole index does not have."""
    lost, after = list[Digest](), 0
    while page := list_operations(tx, states=[_S.FINAL], after=after, limit=_MANY):
        lost += [r.digest for r in page if index.find(tx, IndexedOperation, r.digest) is None]
        after = page[-1].sequence
    return lost


def _drop_carriers(tx: Connection, source: Source, lost: Sequence[Digest]) -> None:
    """What carried them and has no receipt any more: the nonces are free again."""
    carrying = {row.hash: row for each in lost for row in list_transactions_of(tx, each)}
    for row in carrying.values():
        if row.state in _ON_CHAIN and source.receipt(row.hash) is None:
            move_transaction(tx, row.hash, TransactionState.DROPPED, expected=_ON_CHAIN)


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
