"""Many objects at once → Python's collector of cycles waits until they are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_later() -> Iterator[None]:
    """Leave objects that refer to each other in circles for later.

    A range of blocks, or a month of events, makes many objects, none of these among them, and keeps
    them.  For that many Python would search the whole process, libraries included, several times.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collecting:
            gc.enable()
