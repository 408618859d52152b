"""Signed transactions: envelopes around operations, kept before they are sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Table,
    UniqueConstraint,
    func,
    select,
    true,
)

from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Conflict
from ledger.storage.engine.columns import Bytes32, ThirtyTwo, metadata
from ledger.storage.engine.inserting import conflict_when_taken
from ledger.storage.engine.rows import Rows, grouped, pairs, values_of
from ledger.storage.engine.tables import table_of


class TransactionState(StrEnum):
    """Where a transaction stands."""

    #: signed and stored, not yet handed to the chain
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    #: given up, because the node refused it or a person did: its nonce is used again
    DROPPED = "dropped"


transaction_operations = Table(
    "transaction_operations",
    metadata,
    Column("transaction_id", BigInteger, ForeignKey("transactions.id"), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", Bytes32, ForeignKey("operations.digest"), nullable=False),
    Index(None, "digest"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTransaction:
    """A transaction as it was signed."""

    chain_id: int
    #: 20 bytes
    account: bytes
    nonce: int
    #: 0 for the first transaction of a nonce
    attempt: int
    hash: ThirtyTwo
    raw: bytes
    #: what it does: the contract function, or "deployment"
    kind: str
    state: TransactionState
    created_at: datetime
    block_height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRow(NewTransaction):
    """A stored transaction."""

    id: int


transactions = table_of(
    "transactions",
    TransactionRow,
    UniqueConstraint("hash"),
    UniqueConstraint("chain_id", "account", "nonce", "attempt"),
    Index(None, "state", "id"),
    key=("id",),
    is_numbered=True,
)


_transactions = Rows(transactions, TransactionRow, "transaction")


def insert_transaction(
    tx: Connection, transaction: NewTransaction, digests: Sequence[bytes] = ()
) -> TransactionRow:
    """Keep a signed transaction and the operations that it carries, in order; return its row.

    Raises Conflict when the hash, or this attempt at the account's nonce, exists already: another
    writer was faster.
    """
    with conflict_when_taken(
        tx, f"attempt {transaction.attempt} at nonce {transaction.nonce} exists already"
    ):
        number: int = tx.execute(
            transactions.insert().values(values_of(transaction)).returning(transactions.c.id)
        ).scalar_one()
    if digests:
        tx.execute(
            transaction_operations.insert(),
            [
                {"transaction_id": number, "position": position, "digest": digest}
                for position, digest in enumerate(digests)
            ],
        )
    return TransactionRow(**values_of(transaction), id=number)


def move_transaction(
    tx: Connection,
    transaction_hash: bytes,
    to: TransactionState,
    *,
    expected: Collection[TransactionState],
    block_height: int | None = None,
) -> None:
    """Move a transaction to another state and set the height of its block (None clears it).

    Raises NotFound, and Conflict when it is not in an `expected` state.
    """
    changed = tx.execute(
        transactions.update()
        .where(transactions.c.hash == transaction_hash, transactions.c.state.in_(expected))
        .values(state=to, block_height=block_height)
    )
    if changed.rowcount:
        return
    row = get_transaction(tx, transaction_hash)
    raise Conflict(
        f"transaction 0x{transaction_hash.hex()} is {row.state}",
        rule=f"it moves to {to} from {' or '.join(sorted(expected))}",
    )


def move_transactions(
    tx: Connection,
    hashes: Collection[bytes],
    to: TransactionState,
    *,
    expected: Collection[TransactionState],
) -> None:
    """Move several transactions that are in no block, all or none; see `move_transaction`."""
    c = transactions.c
    changed = tx.execute(
        transactions.update()
        .where(c.hash.in_(hashes), c.state.in_(expected))
        .values(state=to, block_height=None)
    )
    if changed.rowcount != len(set(hashes)):
        raise Conflict(
            f"of {len(set(hashes))} transactions, {changed.rowcount} may move to {to}",
            rule=f"it moves to {to} from {' or '.join(sorted(expected))}",
        )


def get_transaction(tx: Connection, transaction_hash: bytes) -> TransactionRow:
    """The transaction of that hash; raises NotFound."""
    return _transactions.get_by(tx, hash=transaction_hash, name=transaction_hash)


def list_transactions(
    tx: Connection,
    *,
    states: Collection[TransactionState] | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[TransactionRow]:
    """Transactions by id, starting after `after`."""
    which = true() if states is None else transactions.c.state.in_(states)
    return _transactions.page(tx, which, after=after, limit=limit)


def list_transactions_of(tx: Connection, digest: bytes) -> list[TransactionRow]:
    """Every transaction that carried an operation, by id."""
    carried = select(transaction_operations.c.transaction_id).where(
        transaction_operations.c.digest == digest
    )
    return _transactions.list(tx, transactions.c.id.in_(carried), order=[transactions.c.id])


def list_carried(tx: Connection, transaction_ids: Iterable[int]) -> dict[int, list[Digest]]:
    """The operations of each of these transactions, in their order."""
    c = transaction_operations.c
    carried = select(c.transaction_id, c.digest).order_by(c.transaction_id, c.position)
    return grouped(pairs(tx, carried, c.transaction_id, transaction_ids))


def newest_carriers(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, int]:
    """The id of the last transaction that was signed for each of these operations, if any was."""
    c = transaction_operations.c
    newest = select(c.digest, func.max(c.transaction_id)).group_by(c.digest)
    return dict(pairs(tx, newest, c.digest, digests))


def count_attempts(tx: Connection, *, chain_id: int, account: bytes, since: int) -> dict[int, int]:
    """How many transactions were signed for each nonce from `since` on that has any."""
    c = transactions.c
    counted = tx.execute(
        select(c.nonce, func.count())
        .where(c.chain_id == chain_id, c.account == account, c.nonce >= since)
        .group_by(c.nonce)
    )
    return {row[0]: row[1] for row in counted}


def find_highest_nonce(tx: Connection, *, chain_id: int, account: bytes) -> int | None:
    """The highest nonce that was signed for an account and not dropped, or None."""
    highest: int | None = tx.execute(
        select(func.max(transactions.c.nonce)).where(
            transactions.c.chain_id == chain_id,
            transactions.c.account == account,
            transactions.c.state != TransactionState.DROPPED,
        )
    ).scalar_one()
    return highest
