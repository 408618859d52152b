"""Chain → a second index, and its rows beside those of the first, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, select, type_coerce
from sqlalchemy.types import TypeDecorator

from ledger.domain.chain.deployment import Deployment
from ledger.domain.errors import Inconsistent
from ledger.steps.auditing.differences import Findings
from ledger.steps.following.follow import RANGE, Progress, Source, index_next
from ledger.storage import index
from ledger.storage.engine.database import Database

_PAGE = 500
#: how many operations are indexed at a time, as far as whole blocks can be chosen for it
_PORTION = 2000


def derive_index(  # noqa: PLR0913 - from where, into what, and how far
    fresh: Database,
    source: Source,
    deployment: Deployment,
    findings: Findings,
    *,
    finality: str,
    until: int | None,
) -> Progress | None:
    """Index the chain into a second database up to a height; None when it contradicts itself.

    What keeps it from being indexed is a difference like any other.  Full blocks are indexed a few
    at a time: memory does not grow with the chain.
    """
    with fresh.reading() as tx:
        cursor = index.find_cursor(tx)
    height, blocks = deployment.deployed_at if cursor is None else cursor.height, 1
    while True:
        reach = height + blocks if until is None else min(until, height + blocks)
        try:
            progress = index_next(fresh, source, deployment, finality=finality, until=reach)
        except Inconsistent as error:
            findings.note(
                "chain", "events", error.field or "events", expected="events that agree with each "
                "other and with the contracts' heads", found=str(error),
            )  # fmt: skip
            return None
        aim = progress.final if until is None else min(until, progress.final)
        if progress.height >= aim:
            return progress
        height = progress.height
        fitting = blocks * _PORTION // max(progress.operations, 1)
        blocks = max(min(fitting, 2 * blocks, RANGE), 1)


def compare_indexes(ours: Connection, fresh: Connection, findings: Findings) -> None:
    """Every row of every index table, in the order of its key.

    Stored values are compared as they are: one that no enumeration knows is a difference too.
    """
    for table in index.TABLES.values():
        fresh_rows, our_rows = _pages(fresh, table), _pages(ours, table)
        for right, stored in zip_longest(fresh_rows, our_rows, fillvalue=()):
            if right != stored:
                _compare_rows(
                    findings,
                    table,
                    _keyed(table, _rest(right, fresh_rows)),
                    _keyed(table, _rest(stored, our_rows)),
                )
                break
            findings.checked[table.name] += len(right)


def _compare_rows(
    findings: Findings, table: Table, fresh: Iterator[_Row], ours: Iterator[_Row]
) -> None:
    names = table.columns.keys()
    for key, right, stored in _merged(fresh, ours):
        findings.checked[table.name] += 1
        if right is None:
            findings.note(table.name, key, "row", expected=None, found="a row")
        elif stored is None:
            findings.note(table.name, key, "row", expected="a row", found=None)
        else:
            for name, expected, found in zip(names, right, stored, strict=True):
                findings.compare(table.name, key, name, expected=expected, found=found)


_Values = tuple[object, ...]
#: a row's key and its values
_Row = tuple[tuple[Any, ...], _Values]


def _pages(tx: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    """The stored values of every row in the order of the key, streamed in pages of one size."""
    columns = [_stored(column) for column in table.columns]
    order = [_stored(column) for column in table.primary_key]
    result = tx.execute(select(*columns).order_by(*order), execution_options={"yield_per": _PAGE})
    yield from result.partitions()


def _rest(page: Sequence[Row[Any]], pages: Iterable[Sequence[Row[Any]]]) -> Iterator[Row[Any]]:
    return chain(page, chain.from_iterable(pages))


def _keyed(table: Table, rows: Iterable[Row[Any]]) -> Iterator[_Row]:
    """Key and stored values of each row."""
    places = [at for at, column in enumerate(table.columns) if column.primary_key]
    for row in rows:
        yield tuple([row[at] for at in places]), tuple(row)


def _stored(column: Column[Any]) -> ColumnElement[Any]:
    """The column as the database holds it, without our reading of it."""
    kind = column.type
    plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    return type_coerce(column, plain)


def _merged(
    expected: Iterator[_Row], found: Iterator[_Row]
) -> Iterator[tuple[tuple[Any, ...], _Values | None, _Values | None]]:
    """Both in the order of their keys, side by side."""
    left, right = next(expected, None), next(found, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            assert left is not None  # noqa: S101 - one of the two is there
            yield left[0], left[1], None
            left = next(expected, None)
        elif left is None or right[0] < left[0]:
            yield right[0], None, right[1]
            right = next(found, None)
        else:
            yield left[0], left[1], right[1]
            left, right = next(expected, None), next(found, None)
