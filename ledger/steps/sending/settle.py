"""Sent → mined: what became of the transactions that are under way."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from sqlalchemy import Connection

from ledger.chain.node import Mined, Node
from ledger.crashing import crash_point
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.outbox.operation_states import OperationState
from ledger.storage.index import find_cursor
from ledger.storage.operations import (
    list_states,
    move_carried,
    move_operation,
    move_operations,
    states_of,
)
from ledger.storage.transactions import (
    TransactionRow,
    TransactionState,
    list_carried,
    list_transactions,
    list_transactions_of,
    move_transaction,
    move_transactions,
    newest_carriers,
)

#: how often an operation goes out before a person has to look
MAX_SENDS = 5

#: signed or sent, and not known to be mined
PENDING = (TransactionState.SIGNED, TransactionState.SENT)
_ON_CHAIN = (TransactionState.MINED, TransactionState.FINAL)
_PAGE = 1000

_S = OperationState


def find_mined(node: Node, rows: Sequence[TransactionRow]) -> list[Mined | None]:
    """What became of stored transactions, in their order; None while one is in no block."""
    found = node.find_mined([row.hash for row in rows])
    if any(found):
        crash_point("settle.asked")
    return found


def mark_sent(tx: Connection, hashes: Sequence[bytes]) -> None:
    """The node has these transactions."""
    if hashes:
        move_transactions(tx, hashes, TransactionState.SENT, expected=PENDING)
        crash_point("settle.sent")


def mark_mined(tx: Connection, found: Sequence[tuple[TransactionRow, Mined]], at: datetime) -> int:
    """These transactions are in blocks; returns how many operations are with them.

    One that was mined and reverted recorded nothing: its operations are owed again, or stuck when
    that happened too often.
    """
    signed = [row.hash for row, _ in found if row.state is TransactionState.SIGNED]
    mark_sent(tx, signed)
    succeeded = [row.id for row, mined in found if mined.succeeded]
    moved = move_carried(tx, succeeded, _S.MINED, at, expected=[_S.SENT, _S.STUCK])
    moving, cursor = set(moved.values()), find_cursor(tx)
    indexed = -1 if cursor is None else cursor.height
    for row, mined in found:
        # When the follower was faster, no later block comes back to this transaction.
        is_final = row.hash not in moving and mined.block_number <= indexed
        move_transaction(
            tx,
            row.hash,
            TransactionState.FINAL if is_final else TransactionState.MINED,
            expected=PENDING,
            block_height=mined.block_number,
        )
        if not mined.succeeded:
            reason = f"its transaction {to_hex(row.hash)} was mined and reverted"
            owe_again(tx, row, at, reason=reason)
        crash_point("settle.mined")
    return len(moved)


def mark_unmined(tx: Connection, row: TransactionRow, at: datetime) -> None:
    """The block of a mined transaction was replaced: the same bytes are sent again."""
    move_transaction(tx, row.hash, TransactionState.SENT, expected=[TransactionState.MINED])
    reason, digests = f"block {row.block_height} was replaced", recorded_by(tx, row)
    move_operations(tx, digests, _S.OWED, at, expected=[_S.MINED], reason=reason)
    move_operations(tx, digests, _S.SENT, at, expected=[_S.OWED], transaction_hash=row.hash)


def recorded_by(tx: Connection, row: TransactionRow) -> list[Digest]:
    """The operations that are mined, as far as we know, by this transaction and no other."""
    return [
        digest
        for digest in _in_state(tx, row, {_S.MINED})
        if list_states(tx, digest)[-1].transaction_hash == row.hash
    ]


def mark_dropped(tx: Connection, rows: Sequence[TransactionRow], at: datetime, why: str) -> None:
    """These will not be mined: their nonces are used again, their operations are owed or stuck."""
    for row in rows:
        move_transaction(tx, row.hash, TransactionState.DROPPED, expected=PENDING)
        owe_again(tx, row, at, reason=why)


def drop_lying(tx: Connection, digest: Digest, at: datetime, why: str) -> None:
    """A person gives up the transaction that carries an operation and lies at the node.

    Its nonce is used again, for what the chain asks then; should the node mine it all the same, the
    follower finds that.  What waits behind it cannot go without it, so all of it is owed again.
    """
    lying = [row.nonce for row in list_transactions_of(tx, digest) if row.state in PENDING]
    for row in list_transactions(tx, states=PENDING, limit=_PAGE) if lying else ():
        if row.nonce >= min(lying):
            move_transaction(tx, row.hash, TransactionState.DROPPED, expected=PENDING)
            carried = _sent_with(tx, row, {_S.SENT, _S.STUCK})
            move_operations(tx, carried, _S.OWED, at, expected=[_S.SENT, _S.STUCK], reason=why)


def owe_again(tx: Connection, row: TransactionRow, at: datetime, *, reason: str) -> None:
    """The operations of a transaction that recorded nothing are owed again, but not for ever."""
    for digest in _sent_with(tx, row, {_S.SENT}):
        times = len(list_transactions_of(tx, digest))
        stays = times < MAX_SENDS
        move_operation(
            tx,
            digest,
            _S.OWED if stays else _S.STUCK,
            at,
            expected=[_S.SENT],
            reason=reason if stays else f"sent {times} times; the last time: {reason}",
        )


def mark_late(tx: Connection, rows: Sequence[TransactionRow], at: datetime) -> None:
    """Their operations need a person; the transactions stay valid and may still be mined."""
    for row in rows:
        reason = (
            f"transaction {to_hex(row.hash)}, attempt {row.attempt + 1} at nonce {row.nonce}, was "
            "handed over and is not mined; "
            "look at the relayer's balance, its nonce and the chain's price, "
            "then: steriledger operation retry"
        )
        late = _sent_with(tx, row, {_S.SENT})
        move_operations(tx, late, _S.STUCK, at, expected=[_S.SENT], reason=reason)


def _sent_with(
    tx: Connection, row: TransactionRow, states: AbstractSet[OperationState]
) -> list[Digest]:
    """The operations in these states that this transaction carries, and no later one."""
    waiting = _in_state(tx, row, states)
    newest = newest_carriers(tx, waiting)
    return [digest for digest in waiting if newest[digest] == row.id]


def _in_state(
    tx: Connection, row: TransactionRow, states: AbstractSet[OperationState]
) -> list[Digest]:
    carried = list_carried(tx, [row.id]).get(row.id, [])
    found = states_of(tx, carried)
    return [digest for digest in carried if found[digest] in states]
