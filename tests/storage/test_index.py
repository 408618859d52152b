from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from enum import IntEnum, IntFlag
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from sqlalchemy import Boolean, LargeBinary, type_coerce
from sqlalchemy.types import TypeDecorator

from ledger.domain.acts.words import (
    Contract,
    Party,
)
from ledger.domain.encoding.identifiers import ZERO_DIGEST, CycleId
from ledger.domain.errors import Conflict, Inconsistent, InvalidInput, NotFound
from ledger.domain.subjects.folding import STATES
from ledger.domain.subjects.indexed import IndexedHead, IndexedSignature
from ledger.domain.subjects.states import ClassCount, CycleState, ShareState, State
from ledger.storage import index
from ledger.storage.engine.columns import metadata
from ledger.storage.engine.database import Database
from tests.fingerprint import index_fingerprint
from tests.storage.examples import digest, word

CYCLE = CycleId(word("cycle"))


def an_operation(number: int, *, unit: int = 1, height: int = 5) -> index.IndexedOperation:
    return index.IndexedOperation(
        digest=digest(number),
        kind="CycleOpening",
        unit=unit,
        subject=CYCLE,
        also=word("also") if number == 1 else None,
        message=b"{}",
        new_key=b"k" * 20 if number == 1 else None,
        record=word("record"),
        height=height,
        block_hash=word("block"),
        timestamp=1_772_625_600,
        tx_hash=word("tx"),
        position=number,
        head=word("head"),
    )


def example(hint: Any, name: str) -> Any:
    """A value of a member of a state, not the one that it has by default."""
    parts = [each for each in get_args(hint) if each is not type(None)] or [hint]
    only = parts[0] if get_origin(hint) is UnionType else hint
    if get_origin(only) is not None:
        return {1: ClassCount(declared=10, released=4), 3: ClassCount(declared=2**32, released=0)}
    if isinstance(only, type) and issubclass(only, IntEnum | IntFlag):
        return list(only)[-1]
    if only is bool:
        return True
    if only is int:
        return -3 if name in {"delta", "quantity"} else 2**64 - 1
    return word(name)


def example_of(state: type[State]) -> Any:
    """A state with a value of its own in every member."""
    hints = get_type_hints(state)
    return state(**{each.name: example(hints[each.name], each.name) for each in fields(state)})  # type: ignore[arg-type]


#: One row of every table.
ROWS: list[Any] = [
    index.Cursor(height=5, hash=word("h"), parent=word("p")),
    IndexedHead(contract=Contract.CYCLE_LEDGER, head=word("head")),
    an_operation(1),
    IndexedSignature(digest=digest(1), party=Party.SIGNER, signer=b"s" * 20, signature=b"x" * 65),
    *map(example_of, STATES),
]
SHARE = ShareState(
    digest=digest(1), line=0, cycle=CYCLE, owner=1, payer=1, package_class=1, delta=10
)


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
    other = replace(SHARE, line=1)
    fill(database, [SHARE, other])
    with database.transaction() as tx:
        index.replace(tx, replace(SHARE, delta=-4))
    with pytest.raises(Inconsistent, match="no row to change"), database.transaction() as tx:
        index.replace(tx, replace(SHARE, line=2))
    with database.reading() as tx:
        found = index.list_rows(tx, ShareState, cycle=CYCLE)
    assert found == [replace(SHARE, delta=-4), other]


def test_rows_are_removed_by_their_columns(database: Database) -> None:
    elsewhere = replace(SHARE, line=2, cycle=CycleId(word("elsewhere")))
    fill(database, [SHARE, replace(SHARE, line=1), elsewhere])
    with database.transaction() as tx:
        assert index.remove(tx, ShareState, cycle=CYCLE) == 2
        assert index.list_rows(tx, ShareState) == [elsewhere]


def test_what_is_not_there_is_none_or_not_found(database: Database) -> None:
    with database.reading() as tx:
        assert index.find(tx, CycleState, CYCLE) is None
        assert index.find_cursor(tx) is None
        with pytest.raises(NotFound, match=CYCLE.hex()):
            index.get(tx, CycleState, CYCLE)
        with pytest.raises(InvalidInput, match="has 1 parts") as caught:
            index.find(tx, ShareState, digest(1))
    assert caught.value.rule == "idx_shares: digest, line"


def test_the_cursor_is_one_row_that_moves(database: Database) -> None:
    first = ROWS[0]
    with database.transaction() as tx:
        index.set_cursor(tx, first)
        index.set_cursor(tx, replace(first, height=6))
    with database.reading() as tx:
        assert index.list_rows(tx, index.Cursor) == [replace(first, height=6)]


def test_pages_of_rows_follow_their_keys(database: Database) -> None:
    rows = [replace(SHARE, digest=digest(n), line=line) for n in (1, 2) for line in (0, 1, 2)]
    fill(database, rows)
    seen: list[ShareState] = []
    with database.reading() as tx:
        after: Sequence[object] | None = None
        while page := index.list_rows(tx, ShareState, after=after, limit=4):
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
        IndexedSignature(digest=digest(2), party=party, signer=b"s", signature=b"x")
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
            value: object = b"\x07" * 32 if isinstance(stored, LargeBinary) else "7"
            if isinstance(stored, Boolean):
                value = False
            with sqlite_database.transaction() as tx:
                undo = tx.begin_nested()
                tx.execute(table.update().values({column: type_coerce(value, stored)}))
                seen.add(index_fingerprint(tx))
                undo.rollback()
            changed += 1
    assert len(seen) == changed + 1
    assert changed > 50


# ---------------------------------------------------------------- many rows at once


def cycles(count: int) -> list[CycleState]:
    found = example_of(CycleState)
    return [replace(found, id=CycleId(word(f"cycle {at}")), number=at) for at in range(count)]


def test_many_rows_are_written_found_and_changed_together(database: Database) -> None:
    rows = cycles(1500)
    shares = [replace(SHARE, digest=digest(at)) for at in range(1500)]
    changed = [replace(row, verdict=None, decision=ZERO_DIGEST, counts={}) for row in rows]
    with database.transaction() as tx:
        index.put(tx, rows)
        index.put(tx, shares)
        index.replace_many(tx, changed)
        places = [(share.digest, 0) for share in shares]
        assert len(index.list_by_keys(tx, ShareState, [*places, (word("none"), 0)])) == 1500
        found = index.list_by_keys(tx, CycleState, [(row.id,) for row in rows])
    assert sorted(found, key=lambda row: row.number) == changed


def test_of_many_rows_one_that_is_there_already_takes_all_back(database: Database) -> None:
    rows = cycles(10)
    with database.transaction() as tx:
        index.put(tx, rows[5:6])
    with pytest.raises(Conflict), database.transaction() as tx:
        index.put(tx, rows)
    with database.reading() as tx:
        assert index.list_rows(tx, CycleState) == rows[5:6]


def test_of_many_changes_one_of_a_missing_row_is_refused(database: Database) -> None:
    rows = cycles(3)
    with database.transaction() as tx:
        index.put(tx, rows[:2])
        with pytest.raises(Inconsistent):
            index.replace_many(tx, rows)
