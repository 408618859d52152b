"""Paths → files to be read, and what of them is no file that can be."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from ledger.cli.files import read_file
from ledger.domain.errors import InvalidInput, NotFound, SteriLedgerError

#: bytes of files that are held together, so that their cycles are recorded by number
_BATCH_BYTES = 2_097_152
_DIGITS = re.compile(r"([0-9]+)")

Failures: TypeAlias = "list[tuple[Path, SteriLedgerError]]"


def files_in(path: Path, failures: Failures) -> list[Path]:
    """The file itself, or the files directly in a folder, `cycle-9` before `cycle-10`.

    Hidden files are left out; what else cannot be read is added to `failures`.  Raises NotFound for
    nothing at all, and InvalidInput for what is no file.
    """
    if not path.is_dir():
        require_file(path)
        return [path]
    try:
        found = sorted(path.iterdir(), key=_natural)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}", field="FILE") from None
    files = []
    for each in found:
        if each.name.startswith("."):
            continue
        try:
            require_file(each)
        except (InvalidInput, NotFound) as error:
            failures.append((each, error))
        else:
            files.append(each)
    if not files and not failures:
        raise NotFound(f"there is no file in the folder {path}", field="FILE")
    return files


def require_file(path: Path) -> None:
    """Raises NotFound for nothing, and InvalidInput for a folder, a pipe or a device."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise NotFound(f"there is no file {path}: {error.strerror}", field="FILE") from None
    if stat.S_ISDIR(mode):
        raise InvalidInput(
            f"{path} is a folder in a folder, and is not looked into",
            field="FILE",
            rule="a folder's own files are imported",
            remedy=f"name it too: steriledger import {path}",
        )
    if not stat.S_ISREG(mode):
        raise InvalidInput(
            f"{path} is a pipe or a device",
            field="FILE",
            rule="a reading is a file, and is kept as it is",
            remedy="write it into a file and import that",
        )


def read_bytes(path: Path) -> bytes:
    """A file of at most the size that a reading may have; raises InvalidInput."""
    from ledger.readings import MAX_FILE_BYTES

    data = read_file(path, MAX_FILE_BYTES, field="FILE")
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"{path} has {path.stat().st_size:,} bytes",
            field="FILE",
            rule=f"a reading has at most {MAX_FILE_BYTES:,} bytes",
            remedy="export a shorter time, or cut the file between two cycles",
        )
    return data


def batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """The files in order, as many together as are held at once."""
    batch: list[Path] = []
    total = 0
    for path in paths:
        size = path.stat().st_size if path.exists() else 0
        if batch and total + size > _BATCH_BYTES:
            yield batch
            batch, total = [], 0
        batch.append(path)
        total += size
    if batch:
        yield batch


def _natural(path: Path) -> list[tuple[int, str]]:
    """Numbers within a name count as numbers."""
    parts = _DIGITS.split(path.name)
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]
