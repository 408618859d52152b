"""How often somebody asked within the minute that runs."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from http import HTTPStatus

from ledger.doors.guard import Unacceptable

_WINDOW_SECONDS = 60


class Counter:
    """Counts by name in whole minutes; each name begins anew with the next one."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._window = -1
        self._counts: dict[tuple[str, ...], int] = {}

    def require(self, limit: int, *name: str, times: int = 1) -> None:
        """Count some; raises Unacceptable beyond the limit.  The first name is what is counted."""
        wait = self.hit(limit, *name, times=times)
        if wait:
            raise too_many(name[0], limit, wait)

    def hit(self, limit: int, *name: str, times: int = 1) -> int:
        """Count some; 0 while it is within the limit, else the seconds until it is again."""
        now = self._clock()
        with self._lock:
            count = self._count(now, name) + times
            self._counts[name] = count
        return 0 if count <= limit else _left(now)

    def wait(self, limit: int, *name: str) -> int:
        """What `hit` would say to one more, without counting it."""
        now = self._clock()
        with self._lock:
            count = self._count(now, name)
        return 0 if count < limit else _left(now)

    def _count(self, now: float, name: tuple[str, ...]) -> int:
        window = int(now // _WINDOW_SECONDS)
        if window != self._window:
            self._window, self._counts = window, {}
        return self._counts.get(name, 0)


def too_many(what: str, limit: int, wait: int) -> Unacceptable:
    """What somebody is told who asks too often."""
    return Unacceptable(
        f"too many requests of this {what}",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        field=what,
        rule=f"at most {limit} a minute",
        remedy=f"wait {wait} seconds",
        headers={"Retry-After": str(wait)},
    )


def _left(now: float) -> int:
    """Whole seconds until the next minute begins."""
    return math.ceil((now // _WINDOW_SECONDS + 1) * _WINDOW_SECONDS - now)
