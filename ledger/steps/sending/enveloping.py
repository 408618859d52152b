"""Envelope → a signed transaction, kept before any node sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.chain.transactions import Envelope, Relayer
from ledger.storage.transactions import (
    NewTransaction,
    TransactionRow,
    TransactionState,
    insert_transaction,
)


def sign_and_keep(  # noqa: PLR0913 - an envelope, and what it is to us
    tx: Connection,
    relayer: Relayer,
    envelope: Envelope,
    *,
    attempt: int,
    kind: str,
    at: datetime,
    digests: Sequence[bytes] = (),
) -> TransactionRow:
    """Sign an envelope and keep it with the operations that it carries, in their order.

    Raises Conflict when this attempt at the nonce is kept already: another writer was faster.
    """
    signed = relayer.sign(envelope)
    return insert_transaction(
        tx,
        NewTransaction(
            chain_id=envelope.chain_id,
            account=relayer.address,
            nonce=envelope.nonce,
            attempt=attempt,
            hash=signed.hash,
            raw=signed.raw,
            kind=kind,
            state=TransactionState.SIGNED,
            created_at=at,
        ),
        digests,
    )
