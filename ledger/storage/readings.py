"""Readings as they came in, byte for byte, and the cycles that were found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    select,
    true,
)

from ledger.domain.errors import Conflict
from ledger.domain.identifiers import CycleId
from ledger.storage.columns import Bytes32, UtcTime, metadata
from ledger.storage.rows import Rows, of_unit

readings = Table(
    "readings",
    metadata,
    Column("sha256", Bytes32, primary_key=True),
    Column("raw", LargeBinary, nullable=False),
    Column("filename", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("unit", BigInteger, nullable=False),
    Column("uploaded_at", UtcTime, nullable=False),
    Index(None, "unit", "uploaded_at"),
)

reading_cycles = Table(
    "reading_cycles",
    metadata,
    Column("reading", Bytes32, ForeignKey("readings.sha256"), primary_key=True),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("content_sha256", Bytes32, nullable=False),
    Column("serial", Text),
    Column("number", BigInteger),
    Column("cycle", Bytes32),
    Column("facts", LargeBinary, nullable=False),
    Index(None, "content_sha256"),
    Index(None, "cycle"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """One file or message, as it arrived."""

    #: of `raw`
    sha256: bytes
    raw: bytes
    filename: str
    #: the parser that understood it
    format: str
    #: gateway-signed, uploaded, typed or photo
    source: str
    unit: int
    uploaded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingCycleRow:
    """One cycle that a reading reports."""

    reading: bytes
    #: its place in the reading, from 0
    ordinal: int
    #: of the cycle's own lines: the same cycle in two files has it twice
    content_sha256: bytes
    #: the machine's serial number; None when it could not be read
    serial: str | None
    #: the machine's own number; None when it could not be read
    number: int | None
    #: the cycle that it was attached to; None while it is none
    cycle: CycleId | None
    #: RFC 8785
    facts: bytes


_readings = Rows(readings, ReadingRow, "reading")
_cycles = Rows(reading_cycles, ReadingCycleRow, "cycle of a reading")


def insert_reading(tx: Connection, reading: ReadingRow, cycles: Sequence[ReadingCycleRow]) -> None:
    """Keep a reading with its cycles; raises Conflict when these bytes were kept before."""
    _readings.insert(tx, [reading])
    _cycles.insert(tx, cycles)


def find_reading(tx: Connection, sha256: bytes, *, unit: int | None = None) -> ReadingRow | None:
    """The reading with that hash, or None; with `unit`, only if it is that unit's."""
    return _readings.find(tx, readings.c.sha256 == sha256, of_unit(readings.c.unit, unit))


def get_reading(tx: Connection, sha256: bytes, *, unit: int | None = None) -> ReadingRow:
    """The reading with that hash; raises NotFound also when it is another unit's."""
    return _readings.get(
        tx, readings.c.sha256 == sha256, of_unit(readings.c.unit, unit), name=sha256
    )


def list_readings(
    tx: Connection, *, unit: int | None = None, after: bytes | None = None, limit: int = 100
) -> list[ReadingRow]:
    """Readings by hash, starting after `after`."""
    return _readings.list(
        tx,
        true() if after is None else readings.c.sha256 > after,
        of_unit(readings.c.unit, unit),
        order=[readings.c.sha256],
        limit=limit,
    )


def find_reading_cycle(
    tx: Connection, reading: bytes, ordinal: int, *, unit: int | None = None
) -> ReadingCycleRow | None:
    """One cycle of a reading, or None."""
    c = reading_cycles.c
    return _cycles.find(tx, c.reading == reading, c.ordinal == ordinal, _of_unit(unit))


def get_reading_cycle(
    tx: Connection, reading: bytes, ordinal: int, *, unit: int | None = None
) -> ReadingCycleRow:
    """One cycle of a reading; raises NotFound also when it is another unit's."""
    found = find_reading_cycle(tx, reading, ordinal, unit=unit)
    if found is None:
        raise _cycles.not_found(f"{ordinal} in 0x{reading.hex()}")
    return found


def list_reading_cycles(
    tx: Connection, reading: bytes, *, unit: int | None = None
) -> list[ReadingCycleRow]:
    """The cycles of a reading, in their order."""
    c = reading_cycles.c
    return _cycles.list(tx, c.reading == reading, _of_unit(unit), order=[c.ordinal])


def list_cycles_with_content(
    tx: Connection, content_sha256: bytes, *, unit: int | None = None
) -> list[ReadingCycleRow]:
    """Every place where these very lines were read."""
    c = reading_cycles.c
    return _cycles.list(
        tx, c.content_sha256 == content_sha256, _of_unit(unit), order=[c.reading, c.ordinal]
    )


def list_cycles_attached(
    tx: Connection, cycle: bytes, *, unit: int | None = None
) -> list[ReadingCycleRow]:
    """The readings of one cycle of the ledger."""
    c = reading_cycles.c
    return _cycles.list(tx, c.cycle == cycle, _of_unit(unit), order=[c.reading, c.ordinal])


def attach_cycle(tx: Connection, reading: bytes, ordinal: int, cycle: bytes) -> None:
    """Say which cycle of the ledger a read cycle is; the same answer again changes nothing.

    Raises NotFound, and Conflict when it was attached to another cycle.
    """
    c = reading_cycles.c
    changed = tx.execute(
        reading_cycles.update()
        .where(c.reading == reading, c.ordinal == ordinal)
        .where(c.cycle.is_(None) | (c.cycle == cycle))
        .values(cycle=cycle)
    )
    if changed.rowcount:
        return
    row = get_reading_cycle(tx, reading, ordinal)
    attached = (row.cycle or b"").hex()
    raise Conflict(f"cycle {ordinal} of this reading is attached to cycle 0x{attached}")


def _of_unit(unit: int | None) -> ColumnElement[bool]:
    if unit is None:
        return true()
    own = select(readings.c.sha256).where(readings.c.unit == unit)
    return reading_cycles.c.reading.in_(own)
