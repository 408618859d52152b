"""Files that a person names → their bytes: whole files alone, and no more of them than is read."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_file(file: Path, longest: int, *, field: str) -> bytes:
    """The file, and at most one byte more than `longest`, so that a huge one is refused unread.

    Raises InvalidInput when it cannot be read, or is none: a pipe or a device would be waited for.
    """
    from ledger.domain.errors import InvalidInput

    try:
        # not blocking: to open a pipe would wait for whoever writes into it
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise InvalidInput(
                f"{file} is a folder, a pipe or a device",
                field=field,
                rule="a file that is there whole",
                remedy="write what comes through a pipe into a file first, and name that",
            )
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read(longest + 1)
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}", field=field) from None
