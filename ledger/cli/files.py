"""Files that a person names → their bytes: whole files alone, and no more of them than is read."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from ledger.domain.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.steps.accepting.photographing import Picture


def read_file(file: Path, longest: int, *, field: str) -> bytes:
    """The file, and at most one byte more than `longest`, so that a huge one is refused unread.

    Raises InvalidInput when it cannot be read, or is none: a pipe or a device would be waited for.
    """
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


def picture_of(said: str, option: str) -> Picture | str:
    """A picture's file → drawn anew, to be kept with its record; a SHA-256 is itself.

    Raises InvalidInput for what is no picture.
    """
    from pathlib import Path

    from ledger.readings.photos import MOST_BYTES, redraw
    from ledger.steps.accepting.photographing import Picture

    if re.fullmatch(r"(0x)?[0-9a-f]{64}", said):
        return said
    return Picture(redraw(read_file(Path(said), MOST_BYTES, field=option), field=option))
