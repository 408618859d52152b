"""Records and their secrets: what was stated, and what makes its commitment unguessable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Index, UniqueConstraint

from ledger.domain.errors import Conflict
from ledger.storage.engine.columns import ThirtyTwo
from ledger.storage.engine.rows import Rows
from ledger.storage.engine.tables import table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """One accepted record."""

    #: 32 hexadecimal digits
    id: str
    schema: str
    suite: str
    unit: int
    #: RFC 8785
    facts: bytes
    #: RFC 8785; None after erasure
    personal: bytes | None
    facts_root: ThirtyTwo
    personal_root: ThirtyTwo
    root: ThirtyTwo
    personal_erased_at: datetime | None = None
    accepted_at: datetime


records = table_of(
    "records", RecordRow, UniqueConstraint("root"), Index(None, "unit", "id"), key=("id",)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSecretsRow:
    """The secrets of one record, as the vault encrypted them."""

    record_id: str
    facts_secret: bytes
    #: None after erasure
    personal_secret: bytes | None

    def __repr__(self) -> str:
        """Never shows a secret."""
        return f"RecordSecretsRow(record_id={self.record_id!r}, …)"


record_secrets = table_of(
    "record_secrets", RecordSecretsRow, key=("record_id",), references={"record_id": "records.id"}
)


_records = Rows(records, RecordRow, "record")
_secrets = Rows(record_secrets, RecordSecretsRow, "set of secrets for record")


def insert_record(tx: Connection, record: RecordRow, secrets: RecordSecretsRow) -> None:
    """Keep a record with its secrets; raises Conflict when its id or its root exists already."""
    _records.insert(tx, [record])
    _secrets.insert(tx, [secrets])


def get_record(tx: Connection, record_id: str, *, unit: int | None = None) -> RecordRow:
    """The record; raises NotFound also when it is another unit's."""
    return _records.get_by(tx, id=record_id, unit=unit, name=record_id)


def list_by_ids(tx: Connection, record_ids: Iterable[str]) -> list[RecordRow]:
    """Those of the named records that are stored here, by id."""
    return _records.list_in(tx, records.c.id, record_ids, order=[records.c.id])


def list_by_roots(tx: Connection, roots: Iterable[bytes]) -> list[RecordRow]:
    """The records that some on-chain commitments stand for, as far as they are stored here."""
    return _records.list_in(tx, records.c.root, roots)


def get_secrets(tx: Connection, record_id: str) -> RecordSecretsRow:
    """The encrypted secrets of a record; raises NotFound."""
    return _secrets.get_by(tx, record_id=record_id, name=record_id)


def list_records(
    tx: Connection, *, unit: int | None = None, after: str = "", limit: int = 100
) -> list[RecordRow]:
    """Records by id, starting after `after`."""
    return _records.page(tx, unit=unit, after=after, limit=limit)


def erase_personal(tx: Connection, record_id: str, at: datetime) -> None:
    """Forget the personal fields and the secret that could prove them; roots and facts stay.

    Raises NotFound, and Conflict when they were erased before.
    """
    row = get_record(tx, record_id)
    changed = tx.execute(
        records.update()
        .where(records.c.id == record_id, records.c.personal_erased_at.is_(None))
        .values(personal=None, personal_erased_at=at)
    )
    if changed.rowcount == 0:
        raise Conflict(
            f"the personal fields of record {record_id} were erased at {row.personal_erased_at}"
        )
    tx.execute(
        record_secrets.update()
        .where(record_secrets.c.record_id == record_id)
        .values(personal_secret=None)
    )
