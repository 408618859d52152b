"""Rows: what is inserted comes back, and a conflict ends its transaction."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import InvalidRequestError

from ledger.domain.acts.words import Custody, Right
from ledger.domain.encoding.identifiers import Digest, SignerId
from ledger.domain.errors import Conflict, Inconsistent, StorageUnavailable
from ledger.storage.directory import (
    SignerRow,
    UnitRow,
    find_equipment,
    insert_unit,
    list_equipment_called,
    list_signers,
    list_units,
    signers,
)
from ledger.storage.engine.database import Database, after_commit
from ledger.storage.engine.inserting import insert_rows
from ledger.storage.settings import insert_setting, put_setting, settings

UNIT = UnitRow(number=1, code="CSSD", name="Centre", digest=Digest(bytes(32)))


def names_in(tx: Connection) -> list[str]:
    names = tx.execute(select(settings.c.name).order_by(settings.c.name)).scalars()
    return [name for name in names if not name.endswith("_schema")]


def insert_settings(database: Database, *names: str) -> None:
    with database.transaction() as tx:
        for name in names:
            insert_setting(tx, name, b"")


def test_a_conflict_takes_back_all_that_its_transaction_wrote(database: Database) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "before", b"")
    with pytest.raises(Conflict, match="this setting exists already"):
        insert_settings(database, "first", "before")
    with database.reading() as tx:
        assert names_in(tx) == ["before"]


def test_a_conflict_that_is_passed_over_ends_the_transaction_all_the_same(
    database: Database,
) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "before", b"")
    told: list[str] = []
    with pytest.raises(Inconsistent, match="ended before"):
        _pass_over_a_conflict(database, told)
    assert told == []
    with database.reading() as tx:
        assert names_in(tx) == ["before"]


def test_nothing_is_written_after_a_conflict(database: Database) -> None:
    with pytest.raises(InvalidRequestError, match="closed transaction"):
        _go_on_after_a_conflict(database)
    with database.reading() as tx:
        assert names_in(tx) == []


def _pass_over_a_conflict(database: Database, told: list[str]) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "first", b"")
        after_commit(tx, lambda: told.append("stored"))
        with pytest.raises(Conflict):
            insert_setting(tx, "before", b"")


def _go_on_after_a_conflict(database: Database) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "first", b"")
        with pytest.raises(Conflict):
            insert_setting(tx, "first", b"")
        insert_setting(tx, "second", b"")


@pytest.mark.parametrize(
    "twice, words", [("setting", "this setting exists"), ("unit", "this unit exists")]
)
def test_a_conflict_names_what_is_taken_and_leaves_nothing(
    database: Database, twice: str, words: str
) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "setting", b"")
        insert_unit(tx, replace(UNIT, number=9))
    with pytest.raises(Conflict, match=words):
        _insert_twice(database, twice)
    with database.reading() as tx:
        assert names_in(tx) == ["setting"]
        assert [row.number for row in list_units(tx)] == [9]


def _insert_twice(database: Database, name: str) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "before", b"")
        insert_setting(tx, name, b"")
        insert_unit(tx, replace(UNIT, code=UNIT.code if name == "unit" else "other"))
        insert_setting(tx, "after", b"")


def test_a_connection_that_is_lost_while_much_is_inserted_is_told_and_replaced(
    postgresql_database: Database,
) -> None:
    with pytest.raises(StorageUnavailable, match="does not answer"):
        _lose_the_connection(postgresql_database)
    with postgresql_database.transaction() as tx:
        insert_setting(tx, "again", b"")
    with postgresql_database.reading() as tx:
        assert names_in(tx) == ["again"]


def _lose_the_connection(database: Database) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "first", b"")
        number = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with database.transaction() as other:
            other.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
        insert_setting(tx, "second", b"")


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9])
def test_rows_come_back_as_they_were_inserted_however_many(database: Database, count: int) -> None:
    rows = [
        SignerRow(
            id=SignerId(bytes([number]) * 32),
            unit=number,
            signer=b"" if number == 1 else bytes(300),
            name=None if number % 2 else f'{number}\'s "key" \\ {{1,2}} ünïcode, 名',
            rights=Right.OPEN | Right.LOAD if number % 3 else Right(0),
            custody=Custody.SERVER,
            valid_from=0,
            valid_until=2**64 - number,
            digest=Digest(bytes(32)),
        )
        for number in range(1, count + 1)
    ]
    with database.transaction() as tx:
        insert_rows(tx, signers, rows, taken="taken")
    with database.reading() as tx:
        assert list_signers(tx) == rows


def test_one_question_sees_what_is_committed_and_writes_nothing(database: Database) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "first", b"")
    with database.asking() as tx:
        assert names_in(tx) == ["first"]
        with database.transaction() as other:
            insert_setting(other, "second", b"")
        assert names_in(tx) == ["first", "second"]
    with pytest.raises(StorageUnavailable, match="read-only"), database.asking() as tx:
        put_setting(tx, "third", b"")
    with database.reading() as tx:
        assert names_in(tx) == ["first", "second"]


def test_what_is_looked_for_under_no_value_is_not_found(database: Database) -> None:
    with database.reading() as tx:
        assert find_equipment(tx, b"\0" * 32, unit=1) is None
        assert list_equipment_called(tx, "", unit=None) == []
