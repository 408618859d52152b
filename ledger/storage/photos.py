"""Photos of what was found, and which records name them.

A photo belongs to the unit that brought it.  Until a record names it, it waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Index, exists, func, select

from ledger.storage.engine.columns import ThirtyTwo
from ledger.storage.engine.rows import Rows, grouped, of_unit
from ledger.storage.engine.tables import table_of
from ledger.storage.operations import operations


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRow:
    """One picture, as it was drawn anew."""

    unit: int
    #: of `picture`
    sha256: ThirtyTwo
    #: JPEG
    picture: bytes
    kept_at: datetime


photos = table_of("photos", PhotoRow, Index(None, "kept_at"), key=("unit", "sha256"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRecordRow:
    """That a record names a photo of its unit."""

    #: digest of the operation
    operation: ThirtyTwo
    sha256: ThirtyTwo
    unit: int


photo_records = table_of(
    "photo_records", PhotoRecordRow, Index(None, "unit", "sha256"), key=("operation", "sha256")
)


_photos = Rows(photos, PhotoRow, "photo")
_named = Rows(photo_records, PhotoRecordRow, "photo of record")
_is_named = exists().where(
    photo_records.c.unit == photos.c.unit, photo_records.c.sha256 == photos.c.sha256
)


def insert_photo(tx: Connection, photo: PhotoRow) -> None:
    """Keep a photo; raises Conflict when its unit kept it before."""
    _photos.insert(tx, [photo])


def touch_photo(tx: Connection, unit: int, sha256: bytes, now: datetime) -> bool:
    """Whether the unit kept it before; then it waits from now on."""
    c = photos.c
    found = tx.execute(
        photos.update().where(c.unit == unit, c.sha256 == sha256).values(kept_at=now)
    )
    return found.rowcount > 0


def kept_among(tx: Connection, unit: int, hashes: Iterable[bytes]) -> set[bytes]:
    """Those of the hashes that are photos which the unit brought."""
    c = photos.c
    found = select(c.sha256).where(c.unit == unit, c.sha256.in_(list(hashes)))
    return set(tx.execute(found).scalars())


def count_waiting(tx: Connection, unit: int) -> int:
    """How many photos of a unit no record names."""
    found = select(func.count()).where(photos.c.unit == unit, ~_is_named)
    return int(tx.execute(found).scalar_one())


def insert_photo_records(tx: Connection, rows: Iterable[PhotoRecordRow]) -> None:
    """Say which photos a record names."""
    _named.insert(tx, list(rows))


def list_photos_of(tx: Connection, operations_: Iterable[bytes]) -> dict[bytes, list[bytes]]:
    """The hashes of the photos that are kept of these operations' records, by digest."""
    c = photo_records.c
    rows = _named.list_in(tx, c.operation, operations_, order=[c.operation, c.sha256])
    return grouped((row.operation, row.sha256) for row in rows)


def find_photo(
    tx: Connection, operation: bytes, sha256: bytes, *, unit: int | None = None
) -> bytes | None:
    """The picture that a record names, as far as the record is that unit's; None where it is not.

    Without `unit` the record may be anybody's.
    """
    c, named = photos.c, photo_records.c
    found = (
        select(c.picture)
        .join(photo_records, (named.unit == c.unit) & (named.sha256 == c.sha256))
        .join(operations, operations.c.digest == named.operation)
        .where(named.operation == operation, c.sha256 == sha256)
        .where(of_unit(operations.c.unit, unit))
    )
    return tx.execute(found).scalar_one_or_none()


def list_photos(
    tx: Connection, *, after: tuple[int, bytes] | None = None, limit: int = 100
) -> list[PhotoRow]:
    """Photos by unit and hash, starting after `after`."""
    return _photos.page(tx, after=after, limit=limit)


def erase_photos(tx: Connection, operation: bytes) -> int:
    """Forget the photos of a record, but for those that another one names; returns how many."""
    c, named = photos.c, photo_records.c
    rows = _named.list(tx, named.operation == operation, order=())
    tx.execute(photo_records.delete().where(named.operation == operation))
    return sum(
        tx.execute(
            photos.delete().where(c.unit == row.unit, c.sha256 == row.sha256, ~_is_named)
        ).rowcount
        for row in rows
    )


def delete_waiting(tx: Connection, before: datetime) -> int:
    """Drop what no record named and was brought before then; returns how many."""
    return tx.execute(photos.delete().where(photos.c.kept_at < before, ~_is_named)).rowcount
