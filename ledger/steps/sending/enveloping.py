"""Calls → signed transactions, kept before any node sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.chain.transactions import Envelope, Price, Relayer
from ledger.storage.transactions import (
    NewTransaction,
    TransactionRow,
    TransactionState,
    count_attempts,
    find_highest_nonce,
    insert_transaction,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one transaction does."""

    #: the contract; 20 bytes
    to: bytes
    data: bytes
    #: limit
    gas: int
    #: the contract's function
    kind: str
    #: the operations that it carries, in their order
    digests: Sequence[bytes] = ()


def sign_and_keep(  # noqa: PLR0913 - calls, and what an account pays for them
    tx: Connection,
    relayer: Relayer,
    calls: Sequence[Call],
    *,
    chain_id: int,
    next_nonce: int,
    price: Price,
    at: datetime,
) -> list[TransactionRow]:
    """Sign a transaction for each call, under nonces that follow each other, and keep them.

    The first nonce is `next_nonce`, the account's next as the chain has it, or the one after what
    was signed before and not dropped.  Raises Conflict when another writer was faster.
    """
    account = relayer.address
    highest = find_highest_nonce(tx, chain_id=chain_id, account=account)
    first = next_nonce if highest is None else max(highest + 1, next_nonce)
    attempts = count_attempts(tx, chain_id=chain_id, account=account, since=first)
    rows = []
    for nonce, call in enumerate(calls, start=first):
        attempt = attempts.get(nonce, 0)
        signed = relayer.sign(
            Envelope(
                chain_id=chain_id,
                nonce=nonce,
                to=call.to,
                data=call.data,
                gas=call.gas,
                price=price.of_attempt(attempt),
            )
        )
        new = NewTransaction(
            chain_id=chain_id,
            account=account,
            nonce=nonce,
            attempt=attempt,
            hash=signed.hash,
            raw=signed.raw,
            kind=call.kind,
            state=TransactionState.SIGNED,
            created_at=at,
        )
        rows.append(insert_transaction(tx, new, call.digests))
    return rows
