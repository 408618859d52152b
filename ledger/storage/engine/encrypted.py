"""What the database holds encrypted, and so whether it already rests on a vault key."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, select

from ledger.storage.accounts import accounts
from ledger.storage.drafts import drafts
from ledger.storage.keys import keys
from ledger.storage.records import record_secrets

_BATCH = 500


class Secret(StrEnum):
    """What is encrypted."""

    KEY = "key"
    FACTS = "facts"
    PERSONAL = "personal"
    DRAFT = "draft"
    CODE = "one-time code"


def has_encrypted_rows(tx: Connection) -> bool:
    """Whether any row was encrypted: then a vault key exists, and a new one would not open it."""
    return any(
        tx.execute(select(1).select_from(table).limit(1)).first() is not None
        for table in (keys, record_secrets, drafts)
    )


def list_encrypted(tx: Connection) -> Iterator[tuple[Secret, str, bytes]]:
    """Every ciphertext: what it is, the row that it was encrypted for, and its bytes."""
    s = record_secrets.c
    for row in _read(tx, keys.c.signer_id, keys.c.private_key):
        yield Secret.KEY, row[0].hex(), row[1]
    for row in _read(tx, s.record_id, s.facts_secret):
        yield Secret.FACTS, row[0], row[1]
    for row in _read(tx, s.record_id, s.personal_secret):
        yield Secret.PERSONAL, row[0], row[1]
    for row in _read(tx, drafts.c.digest, drafts.c.body):
        yield Secret.DRAFT, row[0].hex(), row[1]
    for row in _read(tx, accounts.c.id, accounts.c.code_secret):
        yield Secret.CODE, row[0], row[1]


def _read(tx: Connection, row: Column[Any], column: Column[Any]) -> Iterator[Any]:
    """Pairs of a row's name and its ciphertext, where there is one."""
    yield from tx.execute(
        select(row, column).where(column.is_not(None)), execution_options={"yield_per": _BATCH}
    )
