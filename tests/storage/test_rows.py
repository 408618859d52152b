"""Rows: statements that are made once, and savepoints around one insert or many."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from ledger.domain.errors import Conflict, StorageUnavailable
from ledger.storage.database import Database
from ledger.storage.directory import find_equipment, list_equipment_called
from ledger.storage.rows import together
from ledger.storage.settings import insert_setting, list_settings, put_setting


def names_in(tx: Connection) -> list[str]:
    return [row.name for row in list_settings(tx)]


def insert_together(tx: Connection, *names: str) -> None:
    with together(tx):
        for name in names:
            insert_setting(tx, name, b"")


def test_a_conflict_takes_back_all_that_was_inserted_together(database: Database) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "before", b"")
        with pytest.raises(Conflict, match="this setting exists already"):
            insert_together(tx, "first", "before")
        insert_setting(tx, "after", b"")
    with database.reading() as tx:
        assert names_in(tx) == ["after", "before"]


def test_what_was_inserted_together_stays(database: Database) -> None:
    with database.transaction() as tx:
        insert_together(tx, "first", "second")
    with database.reading() as tx:
        assert names_in(tx) == ["first", "second"]


def test_a_conflict_of_one_insert_takes_back_that_one(database: Database) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "first", b"")
        with pytest.raises(Conflict):
            insert_setting(tx, "first", b"")
        insert_setting(tx, "second", b"")
    with database.reading() as tx:
        assert names_in(tx) == ["first", "second"]


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
