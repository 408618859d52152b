"""Backup → a home that can be started, or nothing.

The chain is no part of a backup: the embedded one grows again from the journal, to the same hashes,
when the home is started; the group's own is asked.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection

from ledger.domain.errors import Conflict, Inconsistent, InvalidInput, NotFound, Refused
from ledger.domain.outbox.operation_states import OperationState
from ledger.keys.vault import (
    KEY_FILE_NAME,
    KEY_FILE_VARIABLE,
    KEY_PURPOSE,
    KEY_VARIABLE,
    Vault,
    load_vault,
    sync_folder,
)
from ledger.settings import Settings
from ledger.steps.accepting.prepare import DRAFT_PURPOSE
from ledger.steps.accepting.submit import FACTS_PURPOSE, PERSONAL_PURPOSE
from ledger.steps.asking.accounts import CODE_PURPOSE
from ledger.steps.keeping.backup import DATABASE_NAME, FORMAT, MANIFEST_NAME, Manifest, hash_file
from ledger.steps.starting.leasing import LEASE
from ledger.storage.engine.copying import close_file, copy_rows, require_empty, verify_file
from ledger.storage.engine.database import open_database
from ledger.storage.engine.encrypted import Secret, list_encrypted
from ledger.storage.leases import find_lease, release_lease

_MOST_MANIFEST_BYTES = 1 << 20
_PIECE = 1 << 20
_PURPOSES: Mapping[Secret, str] = {
    Secret.KEY: KEY_PURPOSE,
    Secret.FACTS: FACTS_PURPOSE,
    Secret.PERSONAL: PERSONAL_PURPOSE,
    Secret.DRAFT: DRAFT_PURPOSE,
    Secret.CODE: CODE_PURPOSE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a backup was restored to."""

    home: Path
    manifest: Manifest
    #: how many secrets the vault key opened: all that there are
    opened: int


def restore(
    settings: Settings,
    file: Path,
    *,
    key_file: Path | None,
    environment: Mapping[str, str] = os.environ,
) -> Restored:
    """Restore a backup into the home that `settings` names, which is empty or not there.

    The key comes from `key_file`, which is then copied into the home, or from the environment.
    Raises Conflict for a home or database that is not empty, InvalidInput for a file that is no
    backup, Inconsistent for a damaged one or another key; then nothing is left behind.
    """
    home = settings.home.absolute()
    _require_vacant(home)
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".steriledger-restore-", dir=home.parent) as folder:
        staged = Path(folder) / "home"
        staged.mkdir(mode=0o700)
        copy = staged / "steriledger.db"
        manifest = _unpack(file, copy)
        vault = _vault(staged, key_file, environment)
        opened = _prepare(copy, vault)
        if settings.database_url:
            _fill(settings.database_url, copy)
            copy.unlink()
        _move(staged, home)
    return Restored(home=home, manifest=manifest, opened=opened)


def _require_vacant(home: Path) -> None:
    if home.is_dir() and not any(home.iterdir()):
        return
    if home.exists():
        raise Conflict(
            f"{home} is not empty",
            field="home",
            rule="a backup is restored into an empty home",
            remedy="name another folder: --home",
        )


# ---------------------------------------------------------------- the archive


def _unpack(file: Path, copy: Path) -> Manifest:
    """The database of a backup, whose hash is the manifest's."""
    with _opened(file) as archive:
        manifest = _manifest(archive)
        member = _find(archive, DATABASE_NAME)
        if member.size != manifest.size:
            raise _damaged(f"{DATABASE_NAME} has {member.size} bytes, not {manifest.size}")
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as written, _reading(archive, member) as source:
            shutil.copyfileobj(source, written, _PIECE)
    if hash_file(copy) != manifest.sha256:
        raise _damaged(f"{DATABASE_NAME} does not have the hash that its manifest names")
    verify_file(copy)
    return manifest


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    if file.exists() and not file.is_file():
        raise InvalidInput(f"{file} is a folder, a pipe or a device", field="FILE", rule=FORMAT)
    try:
        with tarfile.open(file, "r:") as archive:
            yield archive
    except FileNotFoundError:
        raise NotFound(f"there is no {file}", field="FILE") from None
    except (tarfile.TarError, EOFError) as error:
        raise InvalidInput(
            f"{file} is no backup, or is cut off: {error}", field="FILE", rule=FORMAT
        ) from error
    except OSError as error:
        raise Refused(
            f"{file} cannot be read: {error.strerror or error}",
            field="FILE",
            remedy="name the file of a backup that this account may read",
        ) from error


def _find(archive: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    try:
        member = archive.getmember(name)
    except KeyError:
        member = None
    if member is None or not member.isreg():
        raise InvalidInput(f"holds no {name}", field="FILE", rule=FORMAT)
    return member


@contextmanager
def _reading(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[IO[bytes]]:
    source = archive.extractfile(member)
    if source is None:
        raise InvalidInput(f"{member.name} is no file", field="FILE", rule=FORMAT)
    with source:
        yield source


def _manifest(archive: tarfile.TarFile) -> Manifest:
    member = _find(archive, MANIFEST_NAME)
    if member.size > _MOST_MANIFEST_BYTES:
        raise InvalidInput(f"{MANIFEST_NAME} is too long", field="FILE", rule=FORMAT)
    with _reading(archive, member) as source:
        body = source.read()
    try:
        return _parse(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput(
            f"{MANIFEST_NAME} is not understood: {error!r:.200}", field="FILE", rule=FORMAT
        ) from error


def _parse(plain: Any) -> Manifest:  # noqa: ANN401 - JSON, whose form is what is found out here
    if plain["format"] != FORMAT:
        raise ValueError(f"it has the format {plain['format']!r}")
    database = plain["members"][DATABASE_NAME]
    manifest = Manifest(
        created_at=datetime.fromisoformat(plain["created_at"]),
        schema=str(plain["schema"]),
        fingerprint=bytes.fromhex(plain["deployment"].removeprefix("0x")),
        chain_id=int(plain["chain_id"]),
        indexed=plain["indexed"],
        journal=plain["journal"],
        operations={OperationState(name): int(n) for name, n in plain["operations"].items()},
        key_ids=tuple(bytes.fromhex(each) for each in plain["key_ids"]),
        size=int(database["bytes"]),
        sha256=bytes.fromhex(database["sha256"]),
    )
    if len(manifest.sha256) != hashlib.sha256().digest_size:
        raise ValueError("the hash is not of SHA-256")
    return manifest


def _damaged(how: str) -> Inconsistent:
    return Inconsistent(f"the backup is damaged: {how}", remedy="use another backup")


# ---------------------------------------------------------------- the home


def _vault(staged: Path, key_file: Path | None, environment: Mapping[str, str]) -> Vault:
    """The vault, from the named file or the environment; a named file is copied into the home."""
    if key_file is not None:
        vault = load_vault(
            staged,
            encrypted_rows_exist=True,
            environment={KEY_FILE_VARIABLE: str(key_file)},
        )
        own = staged / KEY_FILE_NAME
        shutil.copyfile(key_file, own)
        own.chmod(0o600)
        return vault
    if KEY_VARIABLE not in environment and KEY_FILE_VARIABLE not in environment:
        raise InvalidInput(
            "is missing",
            field="--key-file",
            rule="a backup does not hold the vault key, which is kept apart from it",
            remedy=f"name the key's own copy, or set {KEY_FILE_VARIABLE}",
        )
    return load_vault(staged, encrypted_rows_exist=True, environment=environment)


def _prepare(copy: Path, vault: Vault) -> int:
    """Bring the copy to this program's schema, give the lease back, and open every secret."""
    with closing(open_database(f"sqlite:///{copy}")) as database:
        database.migrate()
        with database.transaction() as tx:
            lease = find_lease(tx, LEASE)
            if lease is not None and lease.holder is not None:
                release_lease(tx, LEASE, lease.holder, lease.epoch)
        with database.reading() as tx:
            opened = _open_all(tx, vault)
    close_file(copy)
    return opened


def _open_all(tx: Connection, vault: Vault) -> int:
    """How many secrets there are; raises Inconsistent for one that the key does not open."""
    opened = 0
    for what, row, sealed in list_encrypted(tx):
        vault.decrypt(sealed, purpose=_PURPOSES[what], row=row)
        opened += 1
    return opened


def _fill(database_url: str, copy: Path) -> None:
    with (
        closing(open_database(database_url)) as database,
        closing(open_database(f"sqlite:///{copy}")) as source,
    ):
        database.migrate()
        with database.reading() as tx:
            require_empty(tx)
        with source.reading() as rows, database.transaction() as tx:
            copy_rows(rows, tx)


def _move(staged: Path, home: Path) -> None:
    """The home is there whole or not at all."""
    try:
        staged.rename(home)  # onto an empty folder too
    except OSError as error:
        raise Conflict(
            f"{home} cannot be put in place: {error.strerror}",
            field="home",
            rule="a backup is restored into an empty home",
            remedy="name a folder that is empty or is not there yet",
        ) from error
    sync_folder(home.parent)
