"""Running instance → one file: a copy of its database as of one moment, with a manifest.

The file is a tar archive of `manifest.json` and `database.sqlite`, whatever database it was taken
from.  The vault key is not in it: whoever finds the file alone can open none of its secrets.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import rfc8785
from sqlalchemy import Connection

from ledger.domain.chain.deployment import parse_deployment
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.outbox.operation_states import OperationState
from ledger.keys.vault import (
    KEY_FILE_NAME,
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    key_id_of,
    load_vault,
    sync_folder,
)
from ledger.settings import Settings
from ledger.steps.instance import DEPLOYMENT_SETTING, Instance
from ledger.storage.engine.copying import close_file, copy_to_file, verify_file
from ledger.storage.engine.database import open_database
from ledger.storage.engine.encrypted import list_encrypted
from ledger.storage.engine.revision import find_revision
from ledger.storage.index import find_cursor
from ledger.storage.journal import find_last_block
from ledger.storage.operations import count_by_state
from ledger.storage.settings import find_setting, put_setting

FORMAT = "steriledger-backup/1"
MANIFEST_NAME = "manifest.json"
DATABASE_NAME = "database.sqlite"
#: names among the settings when the last one was made
BACKED_UP_SETTING = "backed_up_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup says of itself."""

    #: when the copy was begun
    created_at: datetime
    #: the schema's revision, such as "0002"
    schema: str
    #: SHA-256 of the deployment; 32 bytes
    fingerprint: bytes
    chain_id: int
    #: height of the last indexed block; None before the first
    indexed: int | None
    #: height of the embedded chain's last block; None when the chain is the group's
    journal: int | None
    #: how many operations stood in each state
    operations: Mapping[OperationState, int]
    #: which vault keys open its secrets, 8 bytes each; they tell nothing of the keys
    key_ids: tuple[bytes, ...]
    #: of the database's copy
    size: int
    #: of the database's copy; 32 bytes
    sha256: bytes

    def to_bytes(self) -> bytes:
        """RFC 8785 bytes."""
        return rfc8785.dumps(
            {
                "format": FORMAT,
                "created_at": instant_text(self.created_at),
                "schema": self.schema,
                "deployment": to_hex(self.fingerprint),
                "chain_id": self.chain_id,
                "indexed": self.indexed,
                "journal": self.journal,
                "operations": {state.value: n for state, n in self.operations.items()},
                "key_ids": [key_id.hex() for key_id in self.key_ids],
                "members": {DATABASE_NAME: {"bytes": self.size, "sha256": self.sha256.hex()}},
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was made."""

    file: Path
    size: int
    manifest: Manifest


def backup(instance: Instance, target: Path) -> Backup:
    """Copy the instance, which may run meanwhile, to a new file, or into a folder.

    What is accepted while it runs is in it or not, whole.  The file is there whole or not at all,
    and only its owner reads it.  Raises NotFound for a home without contracts, Conflict when the
    file exists, Refused when it cannot be written.
    """
    moment = instance.clock()
    file = _file_of(target, moment)
    if file.exists():
        raise Conflict(f"{file} exists", field="FILE", remedy="name a new file, or a folder")
    try:
        with tempfile.TemporaryDirectory(prefix=".steriledger-backup-", dir=file.parent) as folder:
            copy, draft = Path(folder) / DATABASE_NAME, Path(folder) / "backup.tar"
            copy_to_file(instance.database, copy)
            manifest = _describe(copy, moment)
            _pack(draft, manifest, copy)
            size = draft.stat().st_size
            draft.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        raise Refused(
            f"{file} cannot be written: {error.strerror or error}",
            field="FILE",
            remedy="look at the folder's rights and room",
        ) from error
    with instance.database.transaction() as tx:
        put_setting(tx, BACKED_UP_SETTING, instant_text(moment).encode())
    return Backup(file=file, size=size, manifest=manifest)


def last_backup(tx: Connection) -> datetime | None:
    """When the last backup was made from here, or None."""
    found = find_setting(tx, BACKED_UP_SETTING)
    return None if found is None else datetime.fromisoformat(found.decode())


def write_key(
    settings: Settings, target: Path, *, environment: Mapping[str, str] = os.environ
) -> None:
    """Copy the vault key into a new file that only its owner reads.

    Raises NotFound when there is no key, Conflict when the file exists.
    """
    load_vault(settings.home, encrypted_rows_exist=True, environment=environment)
    path = environment.get(KEY_FILE_VARIABLE, settings.home / KEY_FILE_NAME)
    text = environment.get(KEY_VARIABLE) or Path(path).read_text("ascii")
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{target} exists", field="--with-key", remedy="name a new file") from None
    except OSError as error:
        raise Refused(
            f"{target} cannot be written: {error.strerror}",
            field="--with-key",
            remedy="look at the folder's rights and room",
        ) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text.strip() + "\n")
        file.flush()
        os.fsync(file.fileno())


def hash_file(file: Path) -> bytes:
    """SHA-256; 32 bytes."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def _file_of(target: Path, moment: datetime) -> Path:
    if target.is_dir():
        return target / f"steriledger-{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar"
    if target.suffix != ".tar":
        raise InvalidInput(
            f"there is no folder {target}",
            field="FILE",
            rule="a folder that is there, or the name of a new file, which ends in .tar",
            remedy=f"make the folder first, or name the file {target.name}.tar",
        )
    if not target.parent.is_dir():
        raise InvalidInput(
            f"there is no folder {target.parent}", field="FILE", remedy="make it first"
        )
    return target


def _describe(copy: Path, moment: datetime) -> Manifest:
    """Read the facts from the copy itself, so that they are of its moment."""
    with closing(open_database(f"sqlite:///{copy}")) as database, database.reading() as tx:
        facts = _facts(tx, moment)
    close_file(copy)
    verify_file(copy)
    return replace(facts, size=copy.stat().st_size, sha256=hash_file(copy))


def _facts(tx: Connection, moment: datetime) -> Manifest:
    body = find_setting(tx, DEPLOYMENT_SETTING)
    if body is None:
        raise NotFound(
            "this home has no contracts yet: there is nothing to keep",
            field="home",
            remedy="name the home of the instance: --home",
        )
    deployment = parse_deployment(body)
    cursor, block = find_cursor(tx), find_last_block(tx)
    return Manifest(
        created_at=moment,
        schema=find_revision(tx) or "",
        fingerprint=deployment.fingerprint(),
        chain_id=deployment.chain_id,
        indexed=None if cursor is None else cursor.height,
        journal=None if block is None else block.height,
        operations=count_by_state(tx),
        key_ids=tuple(sorted({key_id_of(sealed) for _, _, sealed in list_encrypted(tx)})),
        size=0,
        sha256=b"",
    )


def _pack(draft: Path, manifest: Manifest, copy: Path) -> None:
    """The archive; the same manifest and copy make the same bytes."""
    body = manifest.to_bytes()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
            archive.addfile(_member(MANIFEST_NAME, len(body)), BytesIO(body))
            with copy.open("rb") as opened:
                archive.addfile(_member(DATABASE_NAME, manifest.size), opened)
        file.flush()
        os.fsync(file.fileno())


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member
