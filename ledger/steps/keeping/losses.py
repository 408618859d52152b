"""What lies beside a database → what the database has lost.

A database whose end is missing agrees with itself: a write-ahead log that was deleted after a kill,
an old copy that was put back.  Nothing in it tells.  What was seen of it before does: the worker
writes down how far it had come, the chain's snapshots carry their block's height and hash, the log
names every operation that was accepted, and people hold receipts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import rfc8785
from sqlalchemy import Connection

from ledger.chain.snapshots import list_snapshots
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import RESTORE_BACKUP, Inconsistent
from ledger.settings import Settings
from ledger.steps.instance import Instance
from ledger.steps.starting.belonging import REACHED_FILE, SNAPSHOT_FOLDER
from ledger.storage.journal import find_last_mined, list_hashes
from ledger.storage.operations import known_digests, list_latest_operations

#: what the services and the commands log to, under the run folder
LOG_FILE = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Something that the database had and has no more."""

    #: of which table, as an audit names differences
    table: str
    #: height or digest
    row: int | Digest
    #: the block's hash; None for an operation
    hash: bytes | None
    #: the block's hash that stands there instead; None where nothing does
    found: bytes | None
    #: who knows of it
    witness: str

    def __str__(self) -> str:
        """In words."""
        if self.hash is None:
            return f"operation {_named(self.row)}, which {self.witness} names"
        instead = "nothing" if self.found is None else to_hex(self.found)
        block = f"block {_named(self.row)} as {to_hex(self.hash)}"
        return f"{block}, which {self.witness} names; there is {instead}"


def note_reached(instance: Instance, tx: Connection) -> None:
    """Write down, beside the database, how far it has come; a full disk is no harm."""
    block = find_last_mined(tx) if instance.settings.is_embedded else None
    newest = list_latest_operations(tx, limit=1)
    mined = None if block is None else {"height": block.height, "hash": to_hex(block.hash or b"")}
    plain = {"block": mined, "operation": to_hex(newest[0].digest) if newest else None}
    file = instance.settings.run_folder / REACHED_FILE
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with draft.open("wb") as opened:
            opened.write(rfc8785.dumps(plain) + b"\n")  # type: ignore[arg-type]
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What lies beside the database at one moment."""

    #: height, hash, who says so
    blocks: tuple[tuple[int, bytes, str], ...]
    operations: tuple[tuple[Digest, str], ...]
    #: how long the log's files were, by inode: `up` puts a long one aside under another name
    log_bytes: Mapping[int, int]


def look_beside(settings: Settings) -> Seen:
    """What is beside the database; raises Inconsistent for a note that cannot be read.

    Look before the database is asked: what it says is then never older than this.
    """
    blocks = [
        (each.height, each.hash, f"the snapshot {SNAPSHOT_FOLDER}/{each.name}")
        for each in list_snapshots(settings.home / SNAPSHOT_FOLDER)
    ]
    block, operation = _read_note(settings.run_folder / REACHED_FILE)
    witness = f"{settings.run_folder.name}/{REACHED_FILE}"
    if block is not None:
        blocks.append((*block, witness))
    return Seen(
        blocks=tuple(blocks) if settings.is_embedded else (),
        operations=() if operation is None else ((operation, witness),),
        log_bytes={found.st_ino: found.st_size for found in map(os.stat, log_files(settings))},
    )


def log_files(settings: Settings) -> list[Path]:
    """Those that are there, the older one first."""
    names = (f"{LOG_FILE}.1", LOG_FILE)
    return [file for name in names if (file := settings.run_folder / name).is_file()]


def _read_note(file: Path) -> tuple[tuple[int, bytes] | None, Digest | None]:
    """The block and the operation of the worker's note; nothing where there is none."""
    if not file.exists():
        return None, None
    try:
        plain = json.loads(file.read_bytes())
        block, operation = plain["block"], plain["operation"]
        return (
            None if block is None else (int(block["height"]), bytes.fromhex(block["hash"][2:])),
            None if operation is None else Digest(bytes.fromhex(operation[2:])),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise Inconsistent(
            f"{file} cannot be read",
            field="home",
            rule="the worker writes there how far the database has come",
            remedy="look at the disk; then move the file away: the worker writes it again",
        ) from None


def require_nothing_lost(instance: Instance) -> None:
    """Raise Inconsistent, which names it, when the database has lost what it had."""
    seen = look_beside(instance.settings)
    with instance.database.reading() as tx:
        losses = list(find_losses(seen, tx))
    if losses:
        raise Inconsistent(
            "the database has lost what it had: it lacks " + "; ".join(map(str, losses)),
            field="database",
            rule="what was accepted or mined stays",
            remedy="put its newest files back, steriledger.db-wal with them, or "
            f"{RESTORE_BACKUP}; steriledger audit names the operations that are missing. To go on "
            f"with less for good, move {SNAPSHOT_FOLDER} and run out of the home",
        )


def find_losses(seen: Seen, tx: Connection) -> Iterator[Loss]:
    """What was seen and is not in the database."""
    for height, block_hash, witness in seen.blocks:
        held = list_hashes(tx, first=height, last=height).get(height)
        if held != block_hash:
            yield Loss(
                table="journal_blocks", row=height, hash=block_hash, found=held, witness=witness
            )
    for digest, witness in seen.operations:
        if not known_digests(tx, [digest]):
            yield Loss(table="operations", row=digest, hash=None, found=None, witness=witness)


def _named(row: int | Digest) -> str:
    return str(row) if isinstance(row, int) else to_hex(row)
