"""Which readings arrived, each signed: one that is lost or changed afterwards is missed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, tuple_

from ledger.storage.columns import Bytes32, metadata
from ledger.storage.readings import ReadingHead, list_unsigned
from ledger.storage.rows import Rows

arrivals = Table(
    "arrivals",
    metadata,
    Column("unit", BigInteger, primary_key=True, autoincrement=False),
    Column("reading", Bytes32, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalRow:
    """The home's word that a unit brought a reading."""

    unit: int
    #: SHA-256 of its bytes
    reading: bytes
    #: RFC 8785: what is kept of it beside its bytes
    payload: bytes
    #: Ed25519 over the payload, by the home's receipt key
    signature: bytes


_arrivals = Rows(arrivals, ArrivalRow, "arrival of reading")


def insert_arrival(tx: Connection, arrival: ArrivalRow) -> None:
    """Keep the word; raises Conflict when this reading of the unit has arrived before."""
    _arrivals.insert(tx, [arrival])


def arrivals_of(
    tx: Connection, readings_of_units: Iterable[tuple[int, bytes]]
) -> dict[tuple[int, bytes], ArrivalRow]:
    """The arrivals of those of the named readings that have one, by unit and hash."""
    key = tuple_(arrivals.c.unit, arrivals.c.reading)
    rows = _arrivals.list(tx, key.in_(list(readings_of_units)), order=())
    return {(row.unit, row.reading): row for row in rows}


def list_arrivals(
    tx: Connection, *, after: tuple[int, bytes] | None = None, limit: int = 100
) -> list[ArrivalRow]:
    """Arrivals by unit and hash, starting after `after`."""
    key = arrivals.c.unit, arrivals.c.reading
    beyond = () if after is None else (tuple_(*key) > tuple_(*after),)
    return _arrivals.list(tx, *beyond, order=key, limit=limit)


def list_without_arrival(tx: Connection, *, limit: int) -> list[ReadingHead]:
    """The first readings, by hash and unit, of which nobody signed that they arrived."""
    return list_unsigned(tx, arrivals, limit=limit)
