"""One count for several processes: each takes a few requests at once from what all may have.

So most requests ask nobody, and together they never let more through than the limit.  What a
process took and nobody asked for is lost to the others until the minute ends.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ledger.domain.encoding.hashing import sha256
from ledger.doors.counting import too_many
from ledger.storage import counts
from ledger.storage.engine.database import Database

#: of a limit, the part that is taken at once
_SHARE = 50


@dataclass(slots=True)
class _Taken:
    """What this process may still let through of a name."""

    left: int
    #: when the minute ends, by this process's clock
    until: float


class SharedCounter:
    """Counts by name in the database's minutes; safe to use from several threads."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises StorageUnavailable when the database does not answer."""
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[bytes, _Taken] = {}
        self._sweep_at = 0.0
        with database.transaction(is_told=False) as tx:
            counts.make_counts(tx)

    def require(self, limit: int, *name: str, times: int = 1) -> None:
        """Count some; raises Unacceptable beyond the limit.  The first name is what is counted."""
        wait = self.hit(limit, *name, times=times)
        if wait:
            raise too_many(name[0], limit, wait)

    def hit(self, limit: int, *name: str, times: int = 1) -> int:
        """Count some; 0 while it is within the limit, else the seconds until it is again."""
        key = _key(name)
        with self._lock:
            taken = self._find(key)
            if taken is not None and taken.left >= times:
                taken.left -= times
                return 0
            if taken is not None and taken.left < 0:
                return self._seconds(taken)
        return self._take(key, limit, times)

    def wait(self, limit: int, *name: str) -> int:  # noqa: ARG002 - as a counter of one process
        """What `hit` would say to one more, as far as this process knows; nobody is asked."""
        with self._lock:
            taken = self._find(_key(name))
            return 0 if taken is None or taken.left >= 0 else self._seconds(taken)

    def _take(self, key: bytes, limit: int, times: int) -> int:
        """Take a share for all who ask next, as far as the limit goes."""
        share = max(times, limit // _SHARE)
        with self._database.transaction(is_told=False) as tx:
            count, seconds = counts.add_to_count(tx, key, share)
            if self._is_time_to_sweep():
                counts.drop_old_counts(tx)
        granted = share - max(count - limit, 0) - times
        taken = _Taken(left=granted, until=self._clock() + seconds)
        with self._lock:
            before = self._find(key)
            if before is not None and granted >= 0:  # another thread took a share meanwhile
                taken.left += max(before.left, 0)
            self._taken[key] = taken
        return 0 if granted >= 0 else self._seconds(taken)

    def _find(self, key: bytes) -> _Taken | None:
        taken = self._taken.get(key)
        return None if taken is None or taken.until <= self._clock() else taken

    def _seconds(self, taken: _Taken) -> int:
        return max(math.ceil(taken.until - self._clock()), 1)

    def _is_time_to_sweep(self) -> bool:
        """Once a minute, here and in the database."""
        with self._lock:
            now = self._clock()
            if now < self._sweep_at:
                return False
            self._sweep_at = now + counts.MINUTE
            self._taken = {k: each for k, each in self._taken.items() if each.until > now}
            return True


def _key(name: tuple[str, ...]) -> bytes:
    """Of one length, whatever a client calls itself; 32 bytes."""
    return sha256("\0".join(name).encode())
