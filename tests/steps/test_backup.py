"""One file holds a running instance, and only what it should."""

from __future__ import annotations

import base64
import json
import stat
import tarfile
import threading
from pathlib import Path

import pytest

from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.outbox.operation_states import OperationState
from ledger.keys.vault import KEY_FILE_VARIABLE, KEY_VARIABLE, Vault, load_vault
from ledger.settings import Settings
from ledger.steps.answering.status import status
from ledger.steps.auditing.audit import audit
from ledger.steps.instance import Instance, open_instance
from ledger.steps.keeping.backup import _pack, backup, write_key
from ledger.steps.keeping.restore import restore
from ledger.steps.starting.chains import reading_chain
from ledger.storage.engine.database import Database
from ledger.storage.journal import list_blocks
from ledger.storage.operations import count_by_state
from tests.house import House, build_house
from tests.steps.hospital import Hospital
from tests.steps.test_worker import is_deployed, wait_for, working

KEY = b"\7" * 32
S = OperationState


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A group whose contracts are on paper only."""
    return build_house(database, tmp_path / "home")


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def hashes(instance: Instance) -> dict[int, bytes | None]:
    with instance.database.reading() as tx:
        return {row.height: row.hash for row in list_blocks(tx, limit=10_000)}


@pytest.mark.timeout(240)
def test_a_backup_of_a_busy_instance_grows_into_the_same_chain_and_passes_the_audit(
    tmp_path: Path, database_address: str
) -> None:
    home, file = tmp_path / "home", tmp_path / "backup.tar"
    instance = open_instance(Settings(home=home, database_url=database_address))
    with working(instance):
        wait_for(lambda: is_deployed(instance))
        hospital = Hospital(instance=instance, link=None)  # type: ignore[arg-type]
        hospital.admit(1)
        hospital.register(1, "S1")
        enough = threading.Event()

        def work() -> None:
            number = 0
            while not enough.is_set():
                number += 1
                hospital.run_cycle("S1", number)

        busy = threading.Thread(target=work)
        busy.start()
        try:
            wait_for(lambda: status(instance).counts[S.FINAL] > 20)
            made = backup(instance, file)
            count = sum(status(instance).counts.values())
            wait_for(lambda: sum(status(instance).counts.values()) > count)
        finally:
            enough.set()
            busy.join()
    original = hashes(instance)
    instance.close()
    restored = restore(
        Settings(home=tmp_path / "second"), file, key_file=home / "vault.key", environment={}
    )
    second = open_instance(Settings(home=restored.home))
    with working(second):
        wait_for(lambda: is_deployed(second))
        wait_for(lambda: status(second).counts[S.FINAL] == sum(status(second).counts.values()))
        wait_for(lambda: status(second).lag == 0)
        with reading_chain(second) as node:
            report = audit(second, node)
    assert [str(each) for each in report.differences] == []
    assert second.deployment().fingerprint() == made.manifest.fingerprint
    assert sum(status(second).counts.values()) == sum(made.manifest.operations.values()) < count + 1
    assert made.manifest.indexed is not None
    kept = range(1, made.manifest.indexed + 1)
    assert [hashes(second)[height] for height in kept] == [original[height] for height in kept]
    second.close()


def test_a_backup_says_what_is_in_it(house: House, tmp_path: Path) -> None:
    made = backup(house.instance, tmp_path / "backup.tar")
    with house.instance.database.reading() as tx:
        counts = count_by_state(tx)
    assert made.manifest.operations == counts
    assert counts[S.OWED] == 4
    assert made.manifest.created_at == house.clock()
    assert made.manifest.fingerprint == house.instance.deployment().fingerprint()
    assert len(made.manifest.key_ids) == 1
    with tarfile.open(made.file) as archive:
        assert archive.getnames() == ["manifest.json", "database.sqlite"]
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        plain = json.load(manifest)
    assert plain["format"] == "steriledger-backup/1"
    assert plain["operations"]["owed"] == 4


def test_a_backup_is_its_owners_alone_and_leaves_nothing_beside_it(
    house: House, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    made = backup(house.instance, folder)
    assert made.file == folder / "steriledger-20261121T120000Z.tar"
    assert mode(made.file) == 0o600
    assert list(folder.iterdir()) == [made.file]
    assert made.size == made.file.stat().st_size


def test_the_vault_key_is_not_in_a_backup(house: House, tmp_path: Path) -> None:
    content = backup(house.instance, tmp_path / "backup.tar").file.read_bytes()
    assert KEY not in content
    assert base64.b64encode(KEY) not in content


def test_the_same_copy_makes_the_same_bytes(house: House, tmp_path: Path) -> None:
    manifest = backup(house.instance, tmp_path / "backup.tar").manifest
    (tmp_path / "copy").write_bytes(b"x" * manifest.size)
    for name in ("one", "two"):
        _pack(tmp_path / name, manifest, tmp_path / "copy")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_that_exists_is_not_replaced(house: House, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    file.write_text("precious")
    with pytest.raises(Conflict):
        backup(house.instance, file)
    assert file.read_text() == "precious"


@pytest.mark.parametrize("name", ["backups", "backups.d", "nightly.2026"])
def test_a_folder_that_is_missing_does_not_become_a_file(
    house: House, tmp_path: Path, name: str
) -> None:
    """The disk was not mounted: the next day's backup would find a file in the folder's place."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidInput) as raised:
        backup(house.instance, tmp_path / name)
    assert f"there is no folder {tmp_path / name}" in raised.value.what
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_is_not_there_is_named(house: House, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no folder"):
        backup(house.instance, tmp_path / "nowhere" / "backup.tar")


def test_an_unwritable_place_is_refused_in_words(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Refused, match="No space left on device"):
        backup(house.instance, tmp_path / "backup.tar")
    assert not list(tmp_path.glob("*.tar"))
    assert not list(tmp_path.glob(".steriledger-backup-*"))


def test_a_home_without_contracts_has_nothing_to_keep(database: Database, tmp_path: Path) -> None:
    instance = Instance(settings=Settings(home=tmp_path), database=database, vault=Vault(KEY))
    with pytest.raises(NotFound, match="no contracts"):
        backup(instance, tmp_path / "backup.tar")
    assert list(tmp_path.glob("*.tar")) == []


def test_the_key_is_copied_to_a_file_of_its_own(tmp_path: Path) -> None:
    load_vault(tmp_path, encrypted_rows_exist=False, environment={})
    settings, target = Settings(home=tmp_path), tmp_path / "key"
    write_key(settings, target, environment={})
    assert mode(target) == 0o600
    assert target.read_text() == (tmp_path / "vault.key").read_text()
    with pytest.raises(Conflict):
        write_key(settings, target, environment={})


@pytest.mark.parametrize("by_file", [True, False])
def test_a_key_from_the_environment_is_copied_too(tmp_path: Path, by_file: bool) -> None:
    text = base64.b64encode(KEY).decode()
    given = tmp_path / "given"
    given.write_text(text)
    given.chmod(0o600)
    environment = {KEY_FILE_VARIABLE: str(given)} if by_file else {KEY_VARIABLE: text}
    write_key(Settings(home=tmp_path), tmp_path / "key", environment=environment)
    assert (tmp_path / "key").read_text().strip() == text


def test_a_key_that_is_missing_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        write_key(Settings(home=tmp_path), tmp_path / "key", environment={})
    assert list(tmp_path.iterdir()) == []
