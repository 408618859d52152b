"""Which readings arrived, each signed: one that is lost or changed afterwards is missed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.storage.engine.columns import ThirtyTwo
from ledger.storage.engine.rows import Rows
from ledger.storage.engine.tables import table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalRow:
    """The home's word that a unit brought a reading."""

    #: SHA-256 of its bytes
    reading: ThirtyTwo
    unit: int
    #: RFC 8785: what is kept of it beside its bytes
    payload: bytes
    #: Ed25519 over the payload, by the home's receipt key
    signature: bytes


arrivals = table_of("arrivals", ArrivalRow, key=("reading", "unit"))


_arrivals = Rows(arrivals, ArrivalRow, "arrival of reading")


def insert_arrival(tx: Connection, arrival: ArrivalRow) -> None:
    """Keep the word; raises Conflict when this reading of the unit has arrived before."""
    _arrivals.insert(tx, [arrival])


def arrivals_of(
    tx: Connection, readings_of_units: Iterable[tuple[int, bytes]]
) -> dict[tuple[int, bytes], ArrivalRow]:
    """The arrivals of those of the named readings that have one, by unit and hash."""
    wanted = set(readings_of_units)
    hashes = {reading for _, reading in wanted}
    rows = _arrivals.list(tx, arrivals.c.reading.in_(hashes), order=())
    return {key: row for row in rows if (key := (row.unit, row.reading)) in wanted}


def list_arrivals(
    tx: Connection, *, after: tuple[bytes, int] | None = None, limit: int = 100
) -> list[ArrivalRow]:
    """Arrivals by hash and unit, starting after `after`."""
    return _arrivals.page(tx, after=after, limit=limit)
