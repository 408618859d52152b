"""A snapshot of the embedded chain's state: a file that shortens a replay and is never needed.

The journal alone says what the chain is.  The snapshot is sealed, so that whoever does not have the
home's key can neither read nor write one; what does not open, or does not lead to the journal's
hashes, is passed over for the genesis.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.crashing import crash_point
from ledger.domain.errors import Inconsistent

_NAME = re.compile(r"state-(\d{12})-([0-9a-f]{64})\.sealed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The chain after one block, in a file."""

    height: int
    #: 32 bytes, of the block
    hash: bytes

    @property
    def name(self) -> str:
        """Its file's, and what the seal binds the content to."""
        return f"state-{self.height:012d}-{self.hash.hex()}.sealed"


def list_snapshots(folder: Path) -> list[Snapshot]:
    """What a folder holds, by name alone, the highest first; nothing where there is no folder."""
    if not folder.is_dir():
        return []
    found = [_NAME.fullmatch(path.name) for path in folder.iterdir()]
    read = [Snapshot(height=int(each[1]), hash=bytes.fromhex(each[2])) for each in found if each]
    return sorted(read, key=lambda each: each.height, reverse=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFolder:
    """Where a home keeps its snapshot."""

    folder: Path
    #: blocks until it is taken anew, at least
    every: int
    #: (content, name) → sealed content
    seal: Callable[[bytes, str], bytes]
    #: (sealed content, name) → content; raises Inconsistent for anything else
    unseal: Callable[[bytes, str], bytes]

    def find(self) -> Snapshot | None:
        """What is there, by name alone; the newest, where a crash left two."""
        return next(iter(list_snapshots(self.folder)), None)

    def read(self, snapshot: Snapshot) -> bytes:
        """The state as anvil loads it, JSON; raises Inconsistent when the file is damaged."""
        try:
            sealed = (self.folder / snapshot.name).read_bytes()
            return gzip.decompress(self.unseal(sealed, snapshot.name))
        except (OSError, EOFError, zlib.error) as error:
            raise Inconsistent(
                f"the snapshot {snapshot.name} cannot be read: {error}",
                field="snapshot",
                rule="a snapshot is whole and sealed with the home's key",
                remedy="nothing: the journal is played from its beginning",
            ) from None

    def write(self, snapshot: Snapshot, packed: bytes) -> None:
        """Keep a state, JSON within gzip, whole or not at all, in place of the one before."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = [*self.folder.glob("state-*"), *self.folder.glob(".state-*")]
        draft = self.folder / f".{snapshot.name}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self.seal(packed, snapshot.name))
            file.flush()
            os.fsync(file.fileno())
        crash_point("snapshot.drafted")
        draft.replace(self.folder / snapshot.name)
        for path in before:
            if path.name != snapshot.name:
                path.unlink(missing_ok=True)

    def drop(self, snapshot: Snapshot) -> None:
        """Remove one; the journal has all that it had."""
        (self.folder / snapshot.name).unlink(missing_ok=True)
