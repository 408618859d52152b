"""Operations that were prepared and wait for their signatures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Index, func, select

from ledger.domain.encoding.identifiers import Digest
from ledger.storage.engine.rows import Rows
from ledger.storage.engine.tables import table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """One prepared operation."""

    digest: Digest
    kind: str
    unit: int
    #: record, secrets and message, as the vault encrypted them
    body: bytes
    created_by: str
    created_at: datetime
    expires_at: datetime
    #: the token with which it was prepared; None for the local administrator
    token_id: str | None = None


drafts = table_of(
    "drafts",
    DraftRow,
    Index(None, "expires_at"),
    Index(None, "token_id"),
    Index(None, "unit"),
    key=("digest",),
)


_drafts = Rows(drafts, DraftRow, "draft")


def insert_draft(tx: Connection, row: DraftRow) -> None:
    """Keep a draft; raises Conflict when this digest is prepared already."""
    _drafts.insert(tx, [row])


def find_draft(tx: Connection, digest: bytes, *, unit: int | None = None) -> DraftRow | None:
    """The draft, or None; with `unit`, only if it is that unit's."""
    return _drafts.find_by(tx, digest=digest, unit=unit)


def list_drafts(tx: Connection, kind: str, *, unit: int) -> list[DraftRow]:
    """A unit's drafts of one kind, the newest first."""
    c = drafts.c
    return _drafts.list(tx, c.kind == kind, c.unit == unit, order=[c.created_at.desc()])


def delete_draft(tx: Connection, digest: bytes) -> None:
    """Drop a draft, because it was accepted or given up; raises NotFound."""
    if tx.execute(drafts.delete().where(drafts.c.digest == digest)).rowcount == 0:
        raise _drafts.not_found(digest)


def count_drafts(
    tx: Connection, *, unit: int | None = None, token_id: str | None = None, limit: int
) -> int:
    """How many drafts a unit or a token has, counted no further than the limit."""
    c = drafts.c
    whose = c.unit == unit if token_id is None else c.token_id == token_id
    some = select(c.digest).where(whose).limit(limit).subquery()
    found: int = tx.scalar(select(func.count()).select_from(some)) or 0
    return found


def delete_expired_drafts(tx: Connection, now: datetime, valid_for: timedelta) -> int:
    """Drop the drafts whose time is over; return how many.

    One that lasts longer than a draft that is made now was made by a clock that was ahead.
    """
    c = drafts.c
    over = (c.expires_at <= now) | (c.expires_at > now + valid_for)
    return tx.execute(drafts.delete().where(over)).rowcount
