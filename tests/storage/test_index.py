from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from sqlalchemy import LargeBinary, type_coerce
from sqlalchemy.types import TypeDecorator

from ledger.domain.acts.words import (
    Contract,
    Custody,
    EquipmentKind,
    EquipmentState,
    Outcome,
    Party,
    Right,
    UnitRole,
    Verdict,
)
from ledger.domain.encoding.identifiers import CycleId, EquipmentId, SignerId
from ledger.domain.errors import Conflict, Inconsistent, InvalidInput, NotFound
from ledger.storage import index
from ledger.storage.engine.columns import metadata
from ledger.storage.engine.database import Database
from ledger.storage.fingerprint import index_fingerprint
from tests.storage.examples import digest, word

MACHINE = EquipmentId(word("machine"))
CYCLE = CycleId(word("cycle"))


def an_operation(number: int, *, unit: int = 1, height: int = 5) -> index.IndexedOperation:
    return index.IndexedOperation(
        digest=digest(number),
        kind="CycleOpening",
        unit=unit,
        subject=CYCLE,
        message=b"{}",
        record=word("record"),
        height=height,
        block_hash=word("block"),
        timestamp=1_772_625_600,
        tx_hash=word("tx"),
        position=number,
        head=word("head"),
    )


#: One row of every table.
ROWS: list[Any] = [
    index.Cursor(
        height=5,
        hash=word("h"),
        parent=word("p"),
        registry_head=word("r"),
        ledger_head=word("l"),
    ),
    index.IndexedEvent(
        height=5,
        log_index=0,
        tx_hash=word("tx"),
        tx_index=0,
        contract=Contract.CYCLE_LEDGER,
        event="CycleOpened",
        digest=digest(1),
        body=b"{}",
    ),
    an_operation(1),
    index.IndexedSignature(
        digest=digest(1), party=Party.SIGNER, signer=b"s" * 20, signature=b"x" * 65
    ),
    index.IndexedUnit(number=1, roles=UnitRole.PROCESSOR, state=1, digest=digest(2)),
    index.IndexedSigner(
        id=SignerId(word("signer")),
        unit=1,
        signer=b"s" * 20,
        duties=Right.OPEN | Right.DECIDE,
        custody=Custody.SERVER,
        valid_from=0,
        valid_until=2**64 - 1,
        state=1,
        enrolled_by=digest(2),
    ),
    index.IndexedEquipment(
        id=MACHINE,
        unit=1,
        serial=word("serial"),
        kind=EquipmentKind.STERILIZER,
        epoch=1,
        state=EquipmentState.IN_SERVICE,
        current=digest(3),
        last_number=2**63,
    ),
    index.IndexedCycle(
        id=CYCLE,
        equipment=MACHINE,
        unit=1,
        epoch=1,
        number=17,
        opening=digest(1),
        outcome=Outcome.COMPLETED,
        verdict=Verdict.PASSED,
        state=0,
        started_at=1_772_625_600,
        ended_at=0,
    ),
    index.IndexedTotal(cycle=CYCLE, package_class=1, declared=10, released=0),
    index.IndexedShare(
        digest=digest(1), line=0, cycle=CYCLE, owner=1, payer=2, package_class=1, delta=-3
    ),
    index.IndexedGap(equipment=MACHINE, epoch=1, first=13, last=16, digest=digest(1)),
]


def key_of(row: Any) -> list[Any]:
    return [getattr(row, column.name) for column in index.TABLES[type(row)].primary_key]


def fill(database: Database, rows: Sequence[Any]) -> None:
    with database.transaction() as tx:
        for row in rows:
            index.put(tx, [row])


def fingerprint(database: Database) -> bytes:
    with database.reading() as tx:
        return index_fingerprint(tx)


def test_every_index_table_has_a_row_class_and_the_examples_cover_them() -> None:
    tables = {name for name in metadata.tables if name.startswith("idx_")}
    assert {table.name for table in index.TABLES.values()} == tables
    assert {type(row) for row in ROWS} == set(index.TABLES)
    for cls, table in index.TABLES.items():
        assert {field.name for field in fields(cls)} == set(table.columns.keys())


def test_every_kind_of_row_comes_back_as_it_was(database: Database) -> None:
    fill(database, ROWS)
    with database.reading() as tx:
        for row in ROWS:
            assert index.get(tx, type(row), *key_of(row)) == row
            assert index.list_rows(tx, type(row)) == [row]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_row_is_put_once(sqlite_database: Database, row: Any) -> None:
    fill(sqlite_database, [row])
    with pytest.raises(Conflict), sqlite_database.transaction() as tx:
        index.put(tx, [row])
    with sqlite_database.reading() as tx:
        assert index.list_rows(tx, type(row)) == [row]


def test_a_row_is_replaced_whole_and_only_where_it_is(database: Database) -> None:
    total = index.IndexedTotal(cycle=CYCLE, package_class=1, declared=10, released=0)
    other = replace(total, package_class=2)
    fill(database, [total, other])
    with database.transaction() as tx:
        index.replace(tx, replace(total, released=4))
    with pytest.raises(Inconsistent, match="no row to change"), database.transaction() as tx:
        index.replace(tx, replace(total, package_class=3))
    with database.reading() as tx:
        found = index.list_rows(tx, index.IndexedTotal, cycle=CYCLE)
    assert found == [replace(total, released=4), other]


def test_rows_are_removed_by_their_columns(database: Database) -> None:
    total = index.IndexedTotal(cycle=CYCLE, package_class=1, declared=10, released=0)
    elsewhere = replace(total, cycle=CycleId(word("elsewhere")))
    fill(database, [total, replace(total, package_class=2), elsewhere])
    with database.transaction() as tx:
        assert index.remove(tx, index.IndexedTotal, cycle=CYCLE) == 2
        assert index.list_rows(tx, index.IndexedTotal) == [elsewhere]


def test_what_is_not_there_is_none_or_not_found(database: Database) -> None:
    with database.reading() as tx:
        assert index.find(tx, index.IndexedCycle, CYCLE) is None
        assert index.find_cursor(tx) is None
        with pytest.raises(NotFound, match=CYCLE.hex()):
            index.get(tx, index.IndexedCycle, CYCLE)
        with pytest.raises(InvalidInput, match="has 1 parts") as caught:
            index.find(tx, index.IndexedShare, digest(1))
    assert caught.value.rule == "idx_shares: digest, line"


def test_the_cursor_is_one_row_that_moves(database: Database) -> None:
    first = ROWS[0]
    with database.transaction() as tx:
        index.set_cursor(tx, first)
        index.set_cursor(tx, replace(first, height=6))
    with database.reading() as tx:
        assert index.list_rows(tx, index.Cursor) == [replace(first, height=6)]


def test_pages_of_rows_follow_their_keys(database: Database) -> None:
    rows = [
        index.IndexedShare(
            digest=digest(n), line=line, cycle=CYCLE, owner=1, payer=1, package_class=1, delta=1
        )
        for n in (1, 2)
        for line in (0, 1, 2)
    ]
    fill(database, rows)
    seen: list[index.IndexedShare] = []
    with database.reading() as tx:
        after: Sequence[object] | None = None
        while page := index.list_rows(tx, index.IndexedShare, after=after, limit=4):
            seen += page
            after = key_of(page[-1])
    assert seen == sorted(rows, key=lambda row: (row.digest, row.line))


def test_operations_are_read_in_the_chains_order_and_by_unit(database: Database) -> None:
    late = an_operation(0, unit=2, height=6)
    fill(database, [an_operation(3), late, an_operation(1)])
    ordered = [an_operation(1), an_operation(3), late]
    with database.reading() as tx:
        assert index.list_operations_about(tx, CYCLE) == ordered
        assert index.list_operations_about(tx, CYCLE, unit=2) == [late]
        assert index.list_operations_from(tx) == ordered
        assert index.list_operations_from(tx, after=(5, 1), limit=1) == [an_operation(3)]
        assert index.list_rows(tx, index.IndexedOperation, unit=2) == [late]
        assert len(index.list_rows(tx, index.IndexedOperation, unit=None)) == 3


# ------------------------------------------------------------------------------------ fingerprint


def test_clearing_empties_the_index_and_nothing_else(database: Database) -> None:
    empty = fingerprint(database)
    fill(database, ROWS)
    assert fingerprint(database) != empty
    with database.transaction() as tx:
        index.clear_index(tx)
    assert fingerprint(database) == empty


def test_the_fingerprint_does_not_depend_on_the_order_of_writing(database: Database) -> None:
    fill(database, ROWS)
    kept = fingerprint(database)
    with database.transaction() as tx:
        index.clear_index(tx)
    fill(database, ROWS[::-1])
    assert fingerprint(database) == kept


def test_both_databases_give_the_same_fingerprint(
    sqlite_database: Database, postgresql_database: Database
) -> None:
    parties = [
        index.IndexedSignature(digest=digest(2), party=party, signer=b"s", signature=b"x")
        for party in Party
    ]
    for database in (sqlite_database, postgresql_database):
        fill(database, [*ROWS, *parties])
    assert fingerprint(sqlite_database) == fingerprint(postgresql_database)


def test_every_column_counts_in_the_fingerprint(sqlite_database: Database) -> None:
    fill(sqlite_database, ROWS)
    seen = {fingerprint(sqlite_database)}
    changed = 0
    for table in index.TABLES.values():
        for column in table.columns:
            if column.primary_key:
                continue
            kind = column.type
            stored = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
            value = b"\x07" * 32 if isinstance(stored, LargeBinary) else "7"
            with sqlite_database.transaction() as tx:
                undo = tx.begin_nested()
                tx.execute(table.update().values({column: type_coerce(value, stored)}))
                seen.add(index_fingerprint(tx))
                undo.rollback()
            changed += 1
    assert len(seen) == changed + 1
    assert changed > 50


# ---------------------------------------------------------------- many rows at once


def cycles(count: int) -> list[index.IndexedCycle]:
    found = next(row for row in ROWS if isinstance(row, index.IndexedCycle))
    return [replace(found, id=CycleId(word(f"cycle {at}")), number=at) for at in range(count)]


def test_many_rows_are_written_found_and_changed_together(database: Database) -> None:
    rows = cycles(1500)
    totals = [
        index.IndexedTotal(cycle=row.id, package_class=1, declared=1, released=0) for row in rows
    ]
    changed = [replace(row, verdict=None, ended_at=2**64 - 1) for row in rows]
    with database.transaction() as tx:
        index.put(tx, rows)
        index.put(tx, totals)
        index.replace_many(tx, changed)
        places = [(row.id, 1) for row in rows]
        assert len(index.list_by_keys(tx, index.IndexedTotal, [*places, (word("none"), 1)])) == 1500
        found = index.list_by_keys(tx, index.IndexedCycle, [(row.id,) for row in rows])
    assert sorted(found, key=lambda row: row.number) == changed


def test_of_many_rows_one_that_is_there_already_takes_all_back(database: Database) -> None:
    rows = cycles(10)
    with database.transaction() as tx:
        index.put(tx, rows[5:6])
    with pytest.raises(Conflict), database.transaction() as tx:
        index.put(tx, rows)
    with database.reading() as tx:
        assert index.list_rows(tx, index.IndexedCycle) == rows[5:6]


def test_of_many_changes_one_of_a_missing_row_is_refused(database: Database) -> None:
    rows = cycles(3)
    with database.transaction() as tx:
        index.put(tx, rows[:2])
        with pytest.raises(Inconsistent):
            index.replace_many(tx, rows)
