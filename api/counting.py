"""How often somebody asked within the minute that runs."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

_WINDOW_SECONDS = 60


class Counter:
    """Counts by name in whole minutes; each name begins anew with the next one."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._window = -1
        self._counts: dict[tuple[str, ...], int] = {}

    def hit(self, limit: int, *name: str) -> int:
        """Count one; 0 while it is within the limit, else the seconds until it is again."""
        now = self._clock()
        window = int(now // _WINDOW_SECONDS)
        with self._lock:
            if window != self._window:
                self._window, self._counts = window, {}
            count = self._counts.get(name, 0) + 1
            self._counts[name] = count
        return 0 if count <= limit else math.ceil((window + 1) * _WINDOW_SECONDS - now)
