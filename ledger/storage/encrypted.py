"""Whether the database already rests on a vault key."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ledger.storage.drafts import drafts
from ledger.storage.keys import keys
from ledger.storage.records import record_secrets


def has_encrypted_rows(tx: Connection) -> bool:
    """Whether any row was encrypted: then a vault key exists, and a new one would not open it."""
    return any(
        tx.execute(select(1).select_from(table).limit(1)).first() is not None
        for table in (keys, record_secrets, drafts)
    )
