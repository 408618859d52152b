"""Sent → mined: what became of the transactions that are under way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.chain.node import Node
from ledger.crashing import crash_point
from ledger.domain.chain_reader import ChainReader, Receipt
from ledger.domain.identifiers import Digest, to_hex
from ledger.domain.indexed import IndexedOperation
from ledger.domain.operation_states import OperationState
from ledger.storage import index
from ledger.storage.index import find_cursor
from ledger.storage.operations import (
    list_by_digests,
    list_operations,
    move_operation,
    move_operations,
)
from ledger.storage.transactions import (
    TransactionRow,
    TransactionState,
    list_carried,
    list_transactions_of,
    move_transaction,
)

#: how often an operation goes out before a person has to look
MAX_SENDS = 5

#: signed or sent, and not known to be mined
PENDING = (TransactionState.SIGNED, TransactionState.SENT)
_ON_CHAIN = (TransactionState.MINED, TransactionState.FINAL)
_PAGE = 1000

_S = OperationState


def read_receipts(node: Node, rows: Sequence[TransactionRow]) -> list[Receipt | None]:
    """The receipts of stored transactions, in their order."""
    receipts = node.receipts([row.hash for row in rows])
    if any(receipts):
        crash_point("settle.asked")
    return receipts


def mark_sent(tx: Connection, row: TransactionRow) -> None:
    """The node has the transaction."""
    move_transaction(tx, row.hash, TransactionState.SENT, expected=PENDING)
    crash_point("settle.sent")


def mark_mined(tx: Connection, row: TransactionRow, receipt: Receipt, at: datetime) -> int:
    """The transaction is in a block; returns how many operations are with it.

    One that was mined and reverted recorded nothing: its operations are owed again, or stuck when
    that happened too often.
    """
    digests = _in_state(tx, row, {_S.SENT, _S.STUCK})
    # When the follower was faster, no later block comes back to this transaction.
    is_final = not digests and _is_indexed(tx, receipt)
    move_transaction(
        tx,
        row.hash,
        TransactionState.FINAL if is_final else TransactionState.MINED,
        expected=PENDING,
        block_height=receipt.block_number,
    )
    if not receipt.succeeded:
        give_back(tx, row, at, reason=f"its transaction {to_hex(row.hash)} was mined and reverted")
        return 0
    move_operations(
        tx, digests, _S.MINED, at, expected=[_S.SENT, _S.STUCK], transaction_hash=row.hash
    )
    crash_point("settle.mined")
    return len(digests)


def _is_indexed(tx: Connection, receipt: Receipt) -> bool:
    cursor = find_cursor(tx)
    return cursor is not None and receipt.block_number <= cursor.height


def mark_unmined(tx: Connection, row: TransactionRow, at: datetime) -> None:
    """The block of a mined transaction was replaced: the same bytes are sent again."""
    move_transaction(tx, row.hash, TransactionState.SENT, expected=[TransactionState.MINED])
    digests = _in_state(tx, row, {_S.MINED})
    reason = f"block {row.block_height} was replaced"
    move_operations(tx, digests, _S.OWED, at, expected=[_S.MINED], reason=reason)
    move_operations(tx, digests, _S.SENT, at, expected=[_S.OWED], transaction_hash=row.hash)


def mark_dropped(tx: Connection, rows: Iterable[TransactionRow], at: datetime, why: str) -> None:
    """These will never be mined: their operations are owed again, or stuck."""
    for row in rows:
        move_transaction(tx, row.hash, TransactionState.DROPPED, expected=PENDING)
        give_back(tx, row, at, reason=why)


def take_back_lost(tx: Connection, source: ChainReader, at: datetime) -> int:
    """Final operations that a whole index does not have are owed again; returns how many.

    Their transactions are dropped where the chain has no receipt: the nonces are free again.
    """
    lost, after = list[Digest](), 0
    while page := list_operations(tx, states=[_S.FINAL], after=after, limit=_PAGE):
        lost += [r.digest for r in page if index.find(tx, IndexedOperation, r.digest) is None]
        after = page[-1].sequence
    carrying = {row.hash: row for each in lost for row in list_transactions_of(tx, each)}
    for row in carrying.values():
        if row.state in _ON_CHAIN and source.receipt(row.hash) is None:
            move_transaction(tx, row.hash, TransactionState.DROPPED, expected=_ON_CHAIN)
    reason = "the final block that held it is no longer part of the chain"
    move_operations(tx, lost, _S.OWED, at, expected=[_S.FINAL], reason=reason)
    return len(lost)


def give_back(tx: Connection, row: TransactionRow, at: datetime, *, reason: str) -> None:
    """The operations of a transaction that recorded nothing are owed again, but not for ever."""
    for digest in _in_state(tx, row, {_S.SENT}):
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
        late = _in_state(tx, row, {_S.SENT})
        reason = (
            f"transaction {to_hex(row.hash)} was handed over and is not mined; "
            "look at the relayer's balance, its nonce and the chain's fees"
        )
        move_operations(tx, late, _S.STUCK, at, expected=[_S.SENT], reason=reason)


def _in_state(tx: Connection, row: TransactionRow, states: set[OperationState]) -> list[Digest]:
    carried = list_carried(tx, [row.id]).get(row.id, [])
    return [each.digest for each in list_by_digests(tx, carried) if each.state in states]
