from __future__ import annotations

import threading
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Inspector, inspect, text

from ledger.domain.errors import Inconsistent
from ledger.storage import index
from ledger.storage.engine.database import Database
from ledger.storage.engine.migrating import migration_config
from ledger.storage.engine.revision import NEWEST
from ledger.storage.engine.schema import metadata
from ledger.storage.settings import find_setting, insert_setting, put_setting


def catalogue(tx: Connection) -> dict[str, dict[str, Any]]:
    """Everything that the database says of its tables, but Alembic's own."""
    found: Inspector = inspect(tx)
    return {
        name: {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"], bool(c.get("default")))
                for c in found.get_columns(name)
            ],
            "key": found.get_pk_constraint(name),
            "foreign": ordered(found.get_foreign_keys(name)),
            "unique": ordered(found.get_unique_constraints(name)),
            "indexes": ordered(found.get_indexes(name)),
            "checks": ordered(found.get_check_constraints(name)),
            "numbered": is_numbered(tx, name),
        }
        for name in found.get_table_names()
        if name != "alembic_version"
    }


def ordered(entries: list[Any]) -> list[str]:
    return sorted(repr(plain(entry)) for entry in entries)


def plain(value: object) -> object:
    """The same, with SQL expressions as their text."""
    if isinstance(value, dict):
        return sorted((key, plain(inner)) for key, inner in value.items())
    return value if isinstance(value, list | bool | type(None)) else str(value)


def is_numbered(tx: Connection, table: str) -> bool:
    if tx.dialect.name != "sqlite":
        return False  # a BIGSERIAL shows as a column's default
    sql = tx.execute(
        text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"),
        {"name": table},
    ).scalar_one()
    return "AUTOINCREMENT" in sql


def test_the_schema_is_the_sum_of_the_migrations(empty_database: Database) -> None:
    empty_database.migrate()
    with empty_database.reading() as tx:
        migrated = catalogue(tx)
        differences = compare_metadata(MigrationContext.configure(tx), metadata)
    with empty_database.transaction() as tx:
        metadata.drop_all(tx)
        metadata.create_all(tx)
        declared = catalogue(tx)
    assert differences == []
    assert migrated == declared
    assert len(migrated) == len(metadata.tables)


def test_migrating_again_changes_nothing(empty_database: Database) -> None:
    empty_database.migrate()
    with empty_database.reading() as tx:
        before = catalogue(tx)
    empty_database.migrate()
    with empty_database.reading() as tx:
        assert catalogue(tx) == before


def test_two_processes_may_migrate_at_once(empty_database: Database) -> None:
    failures: list[BaseException] = []

    def migrate() -> None:
        try:
            empty_database.migrate()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with empty_database.reading() as tx:
        assert len(catalogue(tx)) == len(metadata.tables)


def test_a_schema_of_an_unknown_version_is_left_alone(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Inconsistent, match="cannot be upgraded") as caught:
        database.migrate()
    assert "newer" in str(caught.value.remedy)
    with database.reading() as tx:
        assert tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


def test_the_migrations_are_one_line_without_branches(database: Database) -> None:
    with database.reading() as tx:
        scripts = ScriptDirectory.from_config(migration_config(tx))
    revisions = [step.revision for step in scripts.walk_revisions()]
    assert scripts.get_heads() == [NEWEST]
    assert revisions == [f"{number:04}" for number in range(len(revisions), 0, -1)]


def test_tables_of_an_unreleased_program_are_left_alone(database: Database) -> None:
    for change in ("UPDATE settings SET value = :value", "DELETE FROM settings"):
        with database.transaction() as tx:
            tx.execute(text(f"{change} WHERE name = 'kept_schema'"), {"value": b"other"})
        with pytest.raises(Inconsistent, match="unreleased") as caught:
            database.migrate()
        assert "another home" in str(caught.value.remedy)


def test_an_index_of_other_states_is_made_anew_and_nothing_else(database: Database) -> None:
    with database.transaction() as tx:
        declared = catalogue(tx)
        index.set_cursor(tx, index.Cursor(height=5, hash=bytes(32), parent=bytes(32)))
        insert_setting(tx, "kept", b"kept")
        put_setting(tx, "index_schema", b"of another program")
        tx.execute(text("ALTER TABLE idx_units ADD COLUMN more TEXT"))
    database.migrate()
    with database.reading() as tx:
        assert catalogue(tx) == declared
        assert index.find_cursor(tx) is None
        assert find_setting(tx, "kept") == b"kept"
