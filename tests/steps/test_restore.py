"""A backup comes back whole, or not at all."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from ledger.domain.errors import Conflict, Inconsistent, InvalidInput, NotFound, SteriLedgerError
from ledger.settings import Settings
from ledger.steps.accepting.prepare import prepare
from ledger.steps.keeping.backup import BACKED_UP_SETTING, Backup, backup
from ledger.steps.keeping.restore import restore
from ledger.steps.starting.leasing import LEASE
from ledger.storage.engine.database import Database, open_database
from ledger.storage.engine.schema import metadata
from ledger.storage.leases import find_lease, take_lease
from tests.databases import PostgresServer
from tests.house import House, build_house

KEY = b"\7" * 32


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A group with a cycle, and a prepared operation."""
    house = build_house(database, tmp_path / "home")
    house.complete(1)
    with database.transaction() as tx:
        take_lease(tx, LEASE, "somebody", house.clock(), 600)
    return house


@pytest.fixture
def made(house: House, tmp_path: Path) -> Backup:
    """A backup of it."""
    return backup(house.instance, tmp_path / "backup.tar")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Its key."""
    return write_key_file(tmp_path / "key", KEY)


def write_key_file(file: Path, key: bytes) -> Path:
    file.write_bytes(base64.b64encode(key))
    file.chmod(0o600)
    return file


def everything(tx: Connection) -> dict[str, list[Any]]:
    """Every row as it is stored, but for who holds the lease and when a backup was made."""
    found = {}
    for name in metadata.tables:
        columns = "name, epoch" if name == "leases" else "*"
        # the backup notes when it was made, afterwards
        where = f" WHERE name <> '{BACKED_UP_SETTING}'" if name == "settings" else ""
        rows = tx.execute(text(f'SELECT {columns} FROM "{name}"{where}')).all()  # noqa: S608
        found[name] = sorted(repr([plain(value) for value in row]) for row in rows)
    return found


def plain(value: object) -> object:
    """As both databases say it."""
    if isinstance(value, bool):
        return int(value)
    return bytes(value) if isinstance(value, memoryview) else value


def stored(database: Database) -> dict[str, list[Any]]:
    with database.reading() as tx:
        return everything(tx)


def repack(file: Path, changed: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same backup with another manifest."""
    with tarfile.open(file) as archive, tarfile.open(changed, "w") as target:
        for member in archive.getmembers():
            source = archive.extractfile(member)
            assert source is not None
            body = source.read()
            if member.name == "manifest.json":
                told = json.loads(body)
                change(told)
                body = json.dumps(told).encode()
                member.size = len(body)
            target.addfile(member, io.BytesIO(body))
    return changed


def refused(tmp_path: Path, file: Path, key_file: Path | None) -> SteriLedgerError:
    """The error of a restore that leaves nothing behind."""
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SteriLedgerError) as caught:
        restore(Settings(home=tmp_path / "restored"), file, key_file=key_file, environment={})
    assert sorted(tmp_path.iterdir()) == before
    return caught.value


def test_every_row_comes_back_into_sqlite(
    house: House, made: Backup, key_file: Path, tmp_path: Path
) -> None:
    restored = restore(
        Settings(home=tmp_path / "restored"), made.file, key_file=key_file, environment={}
    )
    assert restored.manifest == made.manifest
    address = f"sqlite:///{tmp_path / 'restored' / 'steriledger.db'}"
    with closing(open_database(address)) as database:
        assert stored(database) == stored(house.instance.database)
        with database.reading() as tx:
            lease = find_lease(tx, LEASE)
    assert lease is not None
    assert lease.holder is None
    names = {"steriledger.db", "vault.key"}
    assert {file.name for file in (tmp_path / "restored").iterdir()} == names


def test_every_row_comes_back_into_postgresql_which_goes_on_counting(
    house: House, made: Backup, key_file: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    with postgres.fresh() as address:
        target = Settings(home=tmp_path / "restored", database_url=address)
        restore(target, made.file, key_file=key_file, environment={})
        with closing(open_database(address)) as database:
            assert stored(database) == stored(house.instance.database)
            assert [file.name for file in target.home.iterdir()] == ["vault.key"]
            moved = House(
                instance=type(house.instance)(
                    settings=target,
                    database=database,
                    vault=house.instance.vault,
                    clock=house.clock,
                ),
                clock=house.clock,
                caller=house.caller,
                authority=house.authority,
                administrators=house.administrators,
                operator=house.operator,
                equipment=house.equipment,
            )
            moved.open(2)
            with pytest.raises(Conflict, match="not empty"):
                restore(
                    Settings(home=tmp_path / "third", database_url=address),
                    made.file,
                    key_file=key_file,
                    environment={},
                )
    assert not (tmp_path / "third").exists()


def test_the_key_may_come_from_the_environment_and_stays_there(
    made: Backup, tmp_path: Path
) -> None:
    environment = {"STERILEDGER_KEY": base64.b64encode(KEY).decode()}
    restored = restore(
        Settings(home=tmp_path / "restored"), made.file, key_file=None, environment=environment
    )
    assert [file.name for file in restored.home.iterdir()] == ["steriledger.db"]


def test_a_backup_without_its_key_is_not_restored(made: Backup, tmp_path: Path) -> None:
    error = refused(tmp_path, made.file, None)
    assert isinstance(error, InvalidInput)
    assert error.field == "--key-file"


def test_another_key_is_refused(made: Backup, tmp_path: Path) -> None:
    error = refused(tmp_path, made.file, write_key_file(tmp_path / "other", b"\x08" * 32))
    assert isinstance(error, Inconsistent)
    assert "another key" in error.what


def test_a_secret_that_the_key_does_not_open_is_found_wherever_it_is(
    house: House, key_file: Path, tmp_path: Path
) -> None:
    with house.instance.database.transaction() as tx:
        tx.execute(
            text("UPDATE record_secrets SET personal_secret = facts_secret WHERE record_id = "
                 "(SELECT max(record_id) FROM record_secrets)")
        )  # fmt: skip
    file = backup(house.instance, tmp_path / "changed.tar").file
    error = refused(tmp_path, file, key_file)
    assert isinstance(error, Inconsistent)
    assert "record personal" in error.what


def test_a_home_with_anything_in_it_is_left_alone(
    made: Backup, key_file: Path, tmp_path: Path
) -> None:
    home = tmp_path / "restored"
    home.mkdir()
    (home / "note").write_text("mine")
    with pytest.raises(Conflict, match="not empty"):
        restore(Settings(home=home), made.file, key_file=key_file, environment={})
    assert [file.name for file in home.iterdir()] == ["note"]


def test_an_empty_folder_is_a_home(made: Backup, key_file: Path, tmp_path: Path) -> None:
    (tmp_path / "restored").mkdir()
    restore(Settings(home=tmp_path / "restored"), made.file, key_file=key_file, environment={})
    assert (tmp_path / "restored" / "steriledger.db").is_file()


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_one_changed_byte_of_the_copy_is_noticed(
    lite: Backup, key_file: Path, tmp_path: Path, place: int, flip: int
) -> None:
    content = bytearray(lite.file.read_bytes())
    start = content.index(b"SQLite format 3\0")
    content[start + place % lite.manifest.size] ^= flip
    changed = tmp_path / "changed.tar"
    changed.write_bytes(content)
    error = refused(tmp_path, changed, key_file)
    assert isinstance(error, Inconsistent)
    assert "hash" in error.what


@pytest.fixture
def lite(sqlite_database: Database, tmp_path: Path) -> Backup:
    """A backup of a house on SQLite."""
    house = build_house(sqlite_database, tmp_path / "home")
    return backup(house.instance, tmp_path / "backup.tar")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95])
def test_a_backup_that_is_cut_off_is_refused(
    lite: Backup, key_file: Path, tmp_path: Path, share: float
) -> None:
    content = lite.file.read_bytes()
    cut = tmp_path / "cut.tar"
    cut.write_bytes(content[: int(len(content) * share)])
    assert isinstance(refused(tmp_path, cut, key_file), InvalidInput | Inconsistent)


def test_what_is_no_backup_is_refused(lite: Backup, key_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.tar"
    other.write_bytes(b"not an archive " * 100)
    assert isinstance(refused(tmp_path, other, key_file), InvalidInput)
    with tarfile.open(other, "w") as archive:
        archive.add(lite.file, "manifest.json")
    assert isinstance(refused(tmp_path, other, key_file), InvalidInput)
    assert isinstance(refused(tmp_path, tmp_path / "nothing", key_file), NotFound)


@pytest.mark.parametrize(
    "name,value",
    [
        ("format", "steriledger-backup/2"),
        ("created_at", "yesterday"),
        ("operations", []),
        ("operations", {"melted": 1}),
        ("members", {}),
        ("key_ids", 3),
        ("deployment", None),
    ],
)
def test_a_manifest_of_another_form_is_refused(
    lite: Backup, key_file: Path, tmp_path: Path, name: str, value: object
) -> None:
    changed = repack(lite.file, tmp_path / "changed.tar", lambda told: told.update({name: value}))
    assert isinstance(refused(tmp_path, changed, key_file), InvalidInput)


def test_a_backup_of_a_newer_program_is_not_restored(
    sqlite_database: Database, key_file: Path, tmp_path: Path
) -> None:
    house = build_house(sqlite_database, tmp_path / "home")
    with sqlite_database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    file = backup(house.instance, tmp_path / "backup.tar").file
    error = refused(tmp_path, file, key_file)
    assert isinstance(error, Inconsistent)
    assert "9999" in error.what


def test_a_prepared_operation_is_kept(house: House, key_file: Path, tmp_path: Path) -> None:
    house.open(2)
    with house.instance.database.transaction() as tx:
        prepare(house.instance, tx, house.caller, house.ending(2))
    file = backup(house.instance, tmp_path / "backup.tar").file
    restored = restore(
        Settings(home=tmp_path / "restored"), file, key_file=key_file, environment={}
    )
    with house.instance.database.reading() as tx:
        secrets = tx.execute(text("SELECT count(*) FROM record_secrets")).scalar_one()
        keys = tx.execute(text("SELECT count(*) FROM keys")).scalar_one()
    assert restored.opened == keys + 2 * secrets + 1
