"""A database that an older program wrote is migrated, works on, and passes the audit."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from ledger.cli.chains import reading_chain
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import Inconsistent
from ledger.domain.outbox.operation_states import OperationState
from ledger.keys.vault import KEY_VARIABLE
from ledger.settings import Settings
from ledger.steps.auditing.audit import audit
from ledger.steps.instance import Instance, open_instance
from ledger.steps.starting.link import open_link
from ledger.storage.directory import get_cycle
from ledger.storage.engine.database import Database, open_database
from ledger.storage.engine.migrating import migration_config
from ledger.storage.engine.revision import find_revision
from ledger.storage.engine.schema import metadata
from ledger.storage.operations import count_by_state
from ledger.storage.readings import get_reading, list_reading_cycles, list_readings
from tests.data.upgrade.build import FOLDER, KEY
from tests.databases import BACKENDS, PostgresServer
from tests.steps.hospital import Hospital

OLDER = sorted(file.name.removesuffix(".db.gz") for file in FOLDER.glob("*.db.gz"))


def unpack(revision: str, file: Path) -> None:
    """The database of that revision, as a file."""
    file.write_bytes(gzip.decompress((FOLDER / f"{revision}.db.gz").read_bytes()))


@contextmanager
def older(revision: str, backend: str, home: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database as the program of that revision left it."""
    file = home / "steriledger.db"
    unpack(revision, file)
    if backend == "sqlite":
        yield f"sqlite:///{file}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.fresh() as address:
        with (
            closing(open_database(address)) as target,
            closing(open_database(f"sqlite:///{file}")) as source,
            source.reading() as rows,
            target.transaction() as tx,
        ):
            command.upgrade(migration_config(tx), revision)
            copy_as_it_is(rows, tx)
        yield address


def copy_as_it_is(source: Connection, target: Connection) -> None:
    """Every row, into the tables that the target has and not those of today."""
    tables = MetaData()
    tables.reflect(bind=target)
    for table in tables.sorted_tables:
        if table.name == "alembic_version":
            continue
        rows = source.execute(text(f"SELECT * FROM {table.name}")).mappings().all()  # noqa: S608
        if rows:
            target.execute(table.insert(), [dict(row) for row in rows])
        for column in table.primary_key:
            if column.server_default is not None:
                target.execute(
                    text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"),
                    {
                        "table": table.name,
                        "column": column.name,
                        "last": max(row[column.name] for row in rows),
                    },
                )


@pytest.fixture(params=[(revision, backend) for revision in OLDER for backend in BACKENDS])
def upgraded(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Instance]:
    """An instance of today's program on yesterday's database."""
    monkeypatch.setenv(KEY_VARIABLE, base64.b64encode(KEY).decode())
    revision, backend = request.param
    with older(revision, backend, tmp_path, request) as address:
        with closing(open_database(address)) as before, before.reading() as tx:
            assert find_revision(tx) == revision
        instance = open_instance(Settings(home=tmp_path, database_url=address))
        yield instance
        instance.close()


def test_every_revision_but_the_newest_has_a_database_to_upgrade_from(database: Database) -> None:
    with database.reading() as tx:
        scripts = ScriptDirectory.from_config(migration_config(tx))
    revisions = {step.revision for step in scripts.walk_revisions()}
    assert set(OLDER) == revisions - {scripts.get_current_head()}


def test_an_older_database_gets_the_schema_of_today(upgraded: Instance) -> None:
    with upgraded.database.reading() as tx:
        head = ScriptDirectory.from_config(migration_config(tx)).get_current_head()
        assert find_revision(tx) == head
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []


def test_an_older_database_passes_the_audit_and_its_operations_go_on(upgraded: Instance) -> None:
    with upgraded.database.reading() as tx:
        before = count_by_state(tx)
    assert before[OperationState.FINAL] == 7
    assert before[OperationState.OWED] == 2
    with reading_chain(upgraded) as node:
        report = audit(upgraded, node)
    assert [str(each) for each in report.differences] == []
    link = open_link(upgraded)
    try:
        hospital = Hospital(instance=upgraded, link=link)
        with upgraded.database.transaction() as tx:
            tx.execute(text("UPDATE leases SET holder = NULL"))
        hospital.settle(hospital.writer())
        after = audit(upgraded, link.node)
    finally:
        link.stop()
    assert [str(each) for each in after.differences] == []
    with upgraded.database.reading() as tx:
        assert count_by_state(tx)[OperationState.FINAL] == 9


@pytest.mark.parametrize("upgraded", [("0002", each) for each in BACKENDS], indirect=True)
def test_a_reading_of_before_stays_with_its_unit_and_its_cycle(upgraded: Instance) -> None:
    with upgraded.database.reading() as tx:
        (line,) = list_readings(tx)
        kept = get_reading(tx, line.sha256, unit=1)
        (part,) = list_reading_cycles(tx, line.sha256, unit=1)
        assert part.cycle is not None
        cycle = get_cycle(tx, part.cycle, unit=1)
    assert (kept.filename, sha256(kept.raw)) == ("printout.csv", line.sha256)
    assert (part.serial, part.number) == ("S1", cycle.number)


def test_a_newer_database_is_named_as_such(sqlite_database: Database) -> None:
    with sqlite_database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Inconsistent, match="revision 9999, and this program knows up to") as caught:
        sqlite_database.migrate()
    assert "newer" in str(caught.value)
