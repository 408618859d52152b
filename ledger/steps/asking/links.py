"""A link that is handed to somebody → what it opens, as long as it holds; only its hash is kept."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Connection

from ledger.domain.errors import NotFound
from ledger.steps.asking.tokens import hash_of, secret_text
from ledger.steps.instance import Instance
from ledger.storage import accounts as stored


class LinkPurpose(StrEnum):
    """What a link is for, as its address says it."""

    #: a person chooses password and one-time code; once
    ACCOUNT = "account"
    #: a session without them; made on this machine alone
    SESSION = "session"
    #: a tablet becomes a station; once
    STATION = "station"
    #: one unit's records, read only
    INSPECTION = "inspection"


LIFETIMES = {
    LinkPurpose.ACCOUNT: timedelta(days=3),
    LinkPurpose.SESSION: timedelta(hours=12),
    LinkPurpose.STATION: timedelta(hours=1),
    LinkPurpose.INSPECTION: timedelta(hours=24),
}
ONCE = frozenset({LinkPurpose.ACCOUNT, LinkPurpose.STATION})


def make_link(
    instance: Instance,
    tx: Connection,
    purpose: LinkPurpose,
    *,
    account: str | None = None,
    unit: int | None = None,
) -> str:
    """The path of a new link; it is shown this once."""
    text = secret_text(instance)
    stored.insert_link(
        tx,
        stored.LinkRow(
            text_hash=hash_of(text),
            purpose=purpose.value,
            account=account,
            unit=unit,
            expires_at=instance.clock() + LIFETIMES[purpose],
        ),
    )
    return f"/link/{purpose.value}/{text}"


def find_link(instance: Instance, tx: Connection, purpose: str, text: str) -> stored.LinkRow:
    """What a link is about; raises NotFound, in the same words whatever is wrong with it."""
    row = stored.find_link(tx, hash_of(text)) if text.isascii() else None
    is_over = row is None or row.purpose != purpose or row.expires_at <= instance.clock()
    if row is None or is_over or row.used_at is not None:
        raise _over()
    return row


def use_link(instance: Instance, tx: Connection, row: stored.LinkRow) -> None:
    """Note the use of one that may be used once; raises NotFound when somebody was faster."""
    if row.purpose in ONCE and not stored.use_link(tx, row.text_hash, instance.clock()):
        raise _over()


def _over() -> NotFound:
    return NotFound(
        "this link does not hold",
        field="link",
        rule="a link holds for a while, and some of them once",
        remedy="ask whoever gave it to you for a new one",
    )
