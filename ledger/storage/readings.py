"""Readings as they came in, byte for byte, and the cycles that were found in them.

A reading belongs to the unit that brought it.  Two units that bring the same bytes have a row each,
and neither learns of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, ForeignKeyConstraint, Index, Select, exists, func, select, true

from ledger.domain.encoding.identifiers import CycleId
from ledger.domain.errors import Conflict
from ledger.storage.directory import cycles
from ledger.storage.engine.columns import ThirtyTwo
from ledger.storage.engine.rows import Rows, of_unit
from ledger.storage.engine.tables import table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """One file or message, as it arrived."""

    unit: int
    #: of `raw`
    sha256: ThirtyTwo
    raw: bytes
    filename: str
    #: the parser that understood it
    format: str
    #: gateway-signed, uploaded, typed or photo
    source: str
    uploaded_at: datetime


readings = table_of(
    "readings",
    ReadingRow,
    Index(None, "sha256", "unit"),
    Index(None, "unit", "uploaded_at"),
    key=("unit", "sha256"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingHead:
    """The same without its bytes."""

    unit: int
    sha256: bytes
    #: how many bytes it has
    size: int
    filename: str
    format: str
    source: str
    uploaded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingCycleRow:
    """One cycle that a reading reports."""

    unit: int
    reading: ThirtyTwo
    #: its place in the reading, from 0
    ordinal: int
    #: of the cycle's own lines: the same cycle in two files has it twice
    content_sha256: ThirtyTwo
    #: the machine's serial number; None when it could not be read
    serial: str | None
    #: the machine's own number; None when it could not be read
    number: int | None
    #: the cycle that it was attached to; None while it is none
    cycle: CycleId | None
    #: the first and the last time that it shows, by the device's own clock as if that were UTC
    began: datetime | None
    ended: datetime | None
    #: of its values alone; None for too few
    curve_sha256: ThirtyTwo | None
    #: RFC 8785
    facts: bytes


reading_cycles = table_of(
    "reading_cycles",
    ReadingCycleRow,
    ForeignKeyConstraint(["unit", "reading"], ["readings.unit", "readings.sha256"]),
    Index(None, "content_sha256"),
    Index(None, "curve_sha256"),
    Index(None, "cycle"),
    Index(None, "unit", "began"),
    key=("unit", "reading", "ordinal"),
)


#: No cycle is longer.
_LONGEST = timedelta(days=1)
#: The earliest moment that a time can hold.
_FIRST = datetime.min.replace(tzinfo=UTC)
#: More than so many are not named anyway.
_MOST_BESIDE = 20

_readings = Rows(readings, ReadingRow, "reading")
_cycles = Rows(reading_cycles, ReadingCycleRow, "cycle of a reading")


def insert_reading(tx: Connection, reading: ReadingRow, cycles: Sequence[ReadingCycleRow]) -> None:
    """Keep a reading with its cycles; raises Conflict when its unit kept these bytes before."""
    _readings.insert(tx, [reading])
    _cycles.insert(tx, cycles)


def find_reading(tx: Connection, sha256: bytes, *, unit: int | None = None) -> ReadingRow | None:
    """The reading with that hash that the unit kept, or None.

    Without `unit` it is that of the lowest number among the units that kept these bytes.
    """
    found = _readings.list(
        tx,
        readings.c.sha256 == sha256,
        of_unit(readings.c.unit, unit),
        order=[readings.c.unit],
        limit=1,
    )
    return found[0] if found else None


def get_reading(tx: Connection, sha256: bytes, *, unit: int | None = None) -> ReadingRow:
    """The same; raises NotFound also when only another unit kept it."""
    found = find_reading(tx, sha256, unit=unit)
    if found is None:
        raise _readings.not_found(sha256)
    return found


def find_head(tx: Connection, sha256: bytes, *, unit: int | None = None) -> ReadingHead | None:
    """What `find_reading` finds, without its bytes."""
    found = _heads(
        tx,
        _select_heads().where(readings.c.sha256 == sha256, of_unit(readings.c.unit, unit)).limit(1),
    )
    return found[0] if found else None


def list_readings(
    tx: Connection, *, unit: int | None = None, after: bytes | None = None, limit: int = 100
) -> list[ReadingHead]:
    """Readings by hash, starting after `after`, without their bytes.

    Where several units kept the last one, all of theirs are in the list, so it may be longer.
    """
    page = _heads(
        tx,
        _select_heads()
        .where(
            true() if after is None else readings.c.sha256 > after, of_unit(readings.c.unit, unit)
        )
        .limit(limit),
    )
    if len(page) < limit or not page or unit is not None:
        return page
    last = page[-1]
    more = (readings.c.sha256 == last.sha256, readings.c.unit > last.unit)
    return page + _heads(tx, _select_heads().where(*more))


def heads_of(
    tx: Connection, keys: Iterable[tuple[int, bytes]]
) -> dict[tuple[int, bytes], ReadingHead]:
    """Those of the readings with these units and hashes that are kept, without their bytes.

    They are asked for by their hashes alone: for two columns at once SQLite reads the whole table.
    """
    wanted = set(keys)
    hashes = {sha256 for _, sha256 in wanted}
    heads = _heads(tx, _select_heads().where(readings.c.sha256.in_(hashes)))
    return {key: head for head in heads if (key := (head.unit, head.sha256)) in wanted}


def _select_heads() -> Select[Any]:
    c = readings.c
    columns = (c.unit, c.sha256, func.length(c.raw), c.filename, c.format, c.source, c.uploaded_at)
    return select(*columns).order_by(c.sha256, c.unit)


def _heads(tx: Connection, statement: Select[Any]) -> list[ReadingHead]:
    return [
        ReadingHead(
            unit=unit,
            sha256=sha256,
            size=size,
            filename=filename,
            format=form,
            source=source,
            uploaded_at=uploaded_at,
        )
        for unit, sha256, size, filename, form, source, uploaded_at in tx.execute(statement)
    ]


def find_reading_cycle(
    tx: Connection, reading: bytes, ordinal: int, *, unit: int
) -> ReadingCycleRow | None:
    """One cycle of a unit's reading, or None."""
    return _cycles.find_by(tx, reading=reading, ordinal=ordinal, unit=unit)


def get_reading_cycle(
    tx: Connection, reading: bytes, ordinal: int, *, unit: int
) -> ReadingCycleRow:
    """One cycle of a unit's reading; raises NotFound."""
    found = find_reading_cycle(tx, reading, ordinal, unit=unit)
    if found is None:
        raise _cycles.not_found(f"{ordinal} in 0x{reading.hex()}")
    return found


def list_reading_cycles(tx: Connection, reading: bytes, *, unit: int) -> list[ReadingCycleRow]:
    """The cycles of a unit's reading, in their order."""
    c = reading_cycles.c
    return _cycles.list(tx, c.unit == unit, c.reading == reading, order=[c.ordinal])


def list_cycles_attached(
    tx: Connection, cycle: bytes, *, unit: int | None = None
) -> list[ReadingCycleRow]:
    """The readings of one cycle of the ledger."""
    c = reading_cycles.c
    return _cycles.list(tx, c.cycle == cycle, of_unit(c.unit, unit), order=[c.reading, c.ordinal])


def list_attached_between(
    tx: Connection, equipment: bytes, start: datetime, end: datetime, *, unit: int
) -> list[ReadingCycleRow]:
    """The read cycles of one machine that overlap a time by the device's own clock."""
    c = reading_cycles.c
    machines = select(cycles.c.id).where(cycles.c.equipment == equipment)
    return _cycles.list(
        tx,
        c.unit == unit,
        c.began < end,
        c.began > start - min(_LONGEST, start - _FIRST),
        c.ended > start,
        c.cycle.in_(machines),
        order=[c.began, c.reading],
        limit=_MOST_BESIDE,
    )


def has_unplaced(  # noqa: PLR0913 - a machine, a number and a span of time
    tx: Connection, serial: str, below: int, *, since: datetime, until: datetime, unit: int
) -> bool:
    """Whether a read cycle of that machine with a lower number is no cycle's, of that time."""
    c, other = reading_cycles.c, reading_cycles.alias().c
    is_placed = exists().where(
        other.content_sha256 == c.content_sha256, other.unit == unit, other.cycle.is_not(None)
    )
    found = select(c.ordinal).where(
        c.unit == unit,
        c.serial == serial,
        c.number < below,
        c.began > since,
        c.began < until,
        c.cycle.is_(None),
        ~is_placed,
    )
    return tx.execute(found.limit(1)).first() is not None


def list_attached_with(
    tx: Connection, digest: bytes, *, of: Literal["content", "curve"], unit: int
) -> list[ReadingCycleRow]:
    """The attached cycles of this very content, or with these very values, whenever they ran."""
    c = reading_cycles.c
    return _cycles.list(
        tx,
        c[f"{of}_sha256"] == digest,
        c.unit == unit,
        c.cycle.is_not(None),
        order=[c.reading, c.ordinal],
        limit=_MOST_BESIDE,
    )


def attach_cycle(tx: Connection, reading: bytes, ordinal: int, cycle: bytes, *, unit: int) -> None:
    """Say which cycle of the ledger a read cycle is; the same answer again changes nothing.

    Raises NotFound, and Conflict when it was attached to another cycle.
    """
    c = reading_cycles.c
    changed = tx.execute(
        reading_cycles.update()
        .where(c.unit == unit, c.reading == reading, c.ordinal == ordinal)
        .where(c.cycle.is_(None) | (c.cycle == cycle))
        .values(cycle=cycle)
    )
    if changed.rowcount:
        return
    row = get_reading_cycle(tx, reading, ordinal, unit=unit)
    attached = (row.cycle or b"").hex()
    raise Conflict(f"cycle {ordinal} of this reading is attached to cycle 0x{attached}")
