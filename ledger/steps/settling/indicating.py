"""Records of outages and requests → the indicators that no event shows: availability, response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection

from ledger.domain.records.commitments import FieldValue
from ledger.domain.statement.indicators import Entered
from ledger.domain.statement.periods import Period
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.domain.subjects.states import WitnessState
from ledger.steps.accepting.reading_back import read_facts
from ledger.storage import index, operations

_MINUTE = 60
Read = tuple[IndexedOperation, Mapping[str, FieldValue]]


def entered_in(tx: Connection, period: Period, offset: int, below: int) -> list[Entered]:
    """What the records of this home say of a month; of blocks below a height alone."""
    outages, requests = (list(_records(tx, kind, below)) for kind in ("Outage", "Request"))
    begins, ends = period.begins(offset), period.ends(offset)
    return [*_availability(outages, begins, ends), *_response(requests, begins, ends)]


def _records(tx: Connection, kind: str, below: int) -> Iterator[Read]:
    for row in index.list_rows(tx, IndexedOperation, kind=kind):
        held = operations.find_operation(tx, row.digest) if row.height < below else None
        if held is not None and not _is_replaced(tx, row.digest, below):
            yield row, read_facts(tx, held)


def _is_replaced(tx: Connection, digest: bytes, below: int) -> bool:
    said = index.find(tx, WitnessState, digest)
    later = None if said is None else index.find(tx, IndexedOperation, said.replaced_by)
    return later is not None and later.height < below


def _availability(outages: list[Read], begins: int, ends: int) -> Iterator[Entered]:
    """Minutes without a declared outage, of all minutes; an outage without an end lasts."""
    for unit in sorted({row.unit for row, _ in outages}):
        spans, told = [], []
        for row, facts in outages:
            since = max(_seconds(facts["begun_at"]) or begins, begins)
            until = min(_seconds(facts["ended_at"]) or ends, ends)
            if row.unit == unit and since < until:
                spans.append((since, until))
                told.append(row)
        if told:
            whole, down = (ends - begins) // _MINUTE, covered(spans) // _MINUTE
            yield _entered("availability", unit, max(whole - down, 0), whole, told)


def covered(spans: Iterable[tuple[int, int]]) -> int:
    """Seconds that any of the spans covers; what two of them cover counts once."""
    total, end = 0, 0
    for since, until in sorted(spans):
        total += max(until - max(since, end), 0)
        end = max(end, until)
    return total


def _response(requests: list[Read], begins: int, ends: int) -> Iterator[Entered]:
    """Requests that the asked unit answered by when they were wanted, of all that say by when."""
    answered: dict[tuple[str, int], int] = {}
    for row, facts in requests:
        if facts["answers"] is not None:
            name = str(facts["answers"]).removeprefix("0x")
            key = name, row.unit
            answered[key] = min(answered.get(key, row.timestamp), row.timestamp)
    own = [
        (row, int(str(facts["to"])), wanted)
        for row, facts in requests
        if (wanted := _seconds(facts["wanted_by"])) and begins <= row.timestamp < ends
    ]
    for unit in sorted({asked for _, asked, _ in own}):
        told = [(row, wanted) for row, asked, wanted in own if asked == unit]
        met = [
            1 for row, wanted in told
            if answered.get((row.digest.hex(), unit), wanted + 1) <= wanted
        ]  # fmt: skip
        yield _entered("response_time", unit, len(met), len(told), [row for row, _ in told])


def _entered(
    name: str, unit: int, numerator: int, denominator: int, told: list[IndexedOperation]
) -> Entered:
    return Entered(
        name=name,
        unit=unit,
        numerator=numerator,
        denominator=denominator,
        commitments=[row.record for row in told],
        reader=told[0].kind,
        entered_by=", ".join(f"unit {number}" for number in sorted({row.unit for row in told})),
        source="docs/statement.md",
    )


def _seconds(value: FieldValue) -> int | None:
    return None if value is None else int(datetime.fromisoformat(str(value)).timestamp())
