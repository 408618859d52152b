"""Operations that final blocks record → final, and the transactions that carried them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.domain.encoding.identifiers import Digest
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.steps.following.overruled import overrule
from ledger.storage.operations import list_by_digests, move_operations, states_of
from ledger.storage.transactions import (
    TransactionState,
    list_carried,
    list_transactions,
    move_transaction,
)

_MANY = 10_000
_REFUSED = OperationState.REFUSED
_WAITING = frozenset(
    {OperationState.OWED, OperationState.SENT, OperationState.STUCK, OperationState.MINED}
)


def finalise(
    tx: Connection, recorded: Sequence[IndexedOperation], height: int, at: datetime
) -> None:
    """Operations that the range records become final, whoever relayed them."""
    places = {operation.digest: operation.tx_hash for operation in recorded}
    ours = {row.digest: row for row in list_by_digests(tx, places)}
    refused = [ours[each] for each in places if each in ours and ours[each].state is _REFUSED]
    overruled = overrule(tx, refused, places, at)
    rows = [row for row in ours.values() if row.state in _WAITING]
    unmined: dict[bytes, list[Digest]] = {}
    for row in rows:
        if row.state is not OperationState.MINED:
            unmined.setdefault(places[row.digest], []).append(row.digest)
    for transaction_hash, digests in unmined.items():
        move_operations(
            tx,
            digests,
            OperationState.MINED,
            at,
            expected=_WAITING - {OperationState.MINED},
            transaction_hash=transaction_hash,
        )
    everything = [row.digest for row in (*rows, *overruled)]
    move_operations(tx, everything, OperationState.FINAL, at, expected=[OperationState.MINED])
    _finalise_transactions(tx, height)


def _finalise_transactions(tx: Connection, height: int) -> None:
    """What was mined up to there is final, unless the block that held it was replaced.

    Then an operation that it carries is mined and not final: the writer looks for it again.
    """
    rows = [
        row
        for row in list_transactions(tx, states=[TransactionState.MINED], limit=_MANY)
        if row.block_height is not None and row.block_height <= height
    ]
    carried = list_carried(tx, [row.id for row in rows])
    states = states_of(tx, {digest for digests in carried.values() for digest in digests})
    for row in rows:
        if OperationState.MINED not in {states.get(each) for each in carried.get(row.id, [])}:
            move_transaction(
                tx,
                row.hash,
                TransactionState.FINAL,
                expected=[TransactionState.MINED],
                block_height=row.block_height,
            )
