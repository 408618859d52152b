"""A picture → kept for its unit, named by a record, and read by whoever may read that record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.vocabulary import Facts
from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.readings.photos import redraw
from ledger.steps.instance import Instance
from ledger.storage import photos

#: so many photos are kept of one record
MOST_OF_A_RECORD = 4
#: so many photos of a unit wait for their record at once
MOST_WAITING = 200
#: a device keeps for a week what it did not send yet
WAITS_FOR = timedelta(days=8)
#: whoever may record what a photo can be of
BRINGS = frozenset({Scope.CUSTODY, Scope.SCAN, Scope.REPORT, Scope.DECIDE, Scope.RESULT})
#: how a fact is called that names a photo
_NAMES = frozenset({"photo", "photo_sha256"})


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was drawn anew, in the place of the hash that a record will have."""

    drawn: bytes

    def __repr__(self) -> str:
        """Not its bytes."""
        return f"Picture({len(self.drawn)} bytes)"


def with_hashes(instance: Instance, tx: Connection, unit: int, given: Any) -> Any:  # noqa: ANN401
    """The same values with each picture kept for a unit, and its hash in its place."""
    if isinstance(given, Picture):
        return put_photo(instance, tx, unit, given.drawn).hex()
    if isinstance(given, dict):
        return {name: with_hashes(instance, tx, unit, each) for name, each in given.items()}
    if isinstance(given, list):
        return [with_hashes(instance, tx, unit, each) for each in given]
    return given


def keep_photo(instance: Instance, caller: Caller, data: bytes, *, field: str = "photo") -> bytes:
    """A picture drawn anew and kept for the caller's unit → its SHA-256, for a record to name.

    The same again is kept once.  Raises InvalidInput, Refused, and Conflict when too many wait.
    """
    if not caller.scopes & BRINGS:
        raise Refused(
            "your account records nothing that a photo is of",
            field="token",
            rule=f"one of {', '.join(sorted(BRINGS))}",
        )
    if caller.unit is None:
        raise Refused("a photo is a unit's", field="unit", rule="a unit's own people")
    # outside the transaction: it takes longer than everything within
    picture = redraw(data, field=field)
    with instance.database.transaction() as tx:
        return put_photo(instance, tx, caller.unit, picture, field=field)


def put_photo(
    instance: Instance, tx: Connection, unit: int, picture: bytes, *, field: str = "photo"
) -> bytes:
    """A picture that was drawn anew → kept for a unit; its SHA-256."""
    digest, now = sha256(picture), instance.clock()
    if photos.touch_photo(tx, unit, digest, now):
        return digest
    if photos.count_waiting(tx, unit) >= MOST_WAITING:
        raise Conflict(
            f"{MOST_WAITING} photos of your unit wait for their record",
            field=field,
            rule="a photo belongs to a record, and is dropped after a week without one",
            remedy="record what they are of",
        )
    photos.insert_photo(tx, photos.PhotoRow(unit=unit, sha256=digest, picture=picture, kept_at=now))
    return digest


def photos_in(facts: Facts) -> Iterator[bytes]:
    """The hashes of the photos that a record names, each once."""
    named = (
        str(value)
        for path, value in facts.items()
        if value is not None and path.rpartition(".")[2] in _NAMES
    )
    return (bytes.fromhex(each) for each in dict.fromkeys(named))


def require_few(count: int) -> None:
    """Raise InvalidInput for more photos than a record has: before the first is drawn anew."""
    if count > MOST_OF_A_RECORD:
        raise InvalidInput(
            f"names {count} photos",
            field="photo",
            rule=f"a record has at most {MOST_OF_A_RECORD} photos",
            remedy="leave some out, or record in two steps",
        )


def attach_photos(tx: Connection, digest: bytes, facts: Facts, *, unit: int) -> None:
    """Say which of a unit's photos a record names; one that is not kept here stays a hash.

    Raises InvalidInput when they are too many.
    """
    hashes = list(photos_in(facts))
    kept = photos.kept_among(tx, unit, hashes) if hashes else set()
    require_few(len(kept))
    photos.insert_photo_records(
        tx,
        [photos.PhotoRecordRow(operation=digest, sha256=each, unit=unit) for each in sorted(kept)],
    )


def read_photo(tx: Connection, caller: Caller, operation: bytes, digest: bytes) -> bytes:
    """The picture; raises NotFound unless the caller may read the record that names it.

    The record is the caller's unit's, or a step that its consignment or asset shows to the caller.
    """
    found = photos.find_photo(tx, operation, digest, unit=caller.readable_unit)
    if found is None and _is_shown(tx, caller, operation, digest):
        found = photos.find_photo(tx, operation, digest)
    if found is None:
        raise NotFound("there is no such photo", field="photo")
    return found


def _is_shown(tx: Connection, caller: Caller, operation: bytes, digest: bytes) -> bool:
    """Whether a page of a consignment or an asset shows the caller the fact that names it."""
    from ledger.steps.answering.custody import shown_facts  # noqa: PLC0415 - it reads what we write

    facts = shown_facts(tx, caller, operation)
    return facts is not None and digest in set(photos_in(facts))
