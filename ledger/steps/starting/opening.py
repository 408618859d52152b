"""Home → instance, for what runs by itself: a database server that is away is waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from ledger.domain.errors import StorageUnavailable
from ledger.settings import Settings
from ledger.steps.instance import Instance, open_instance

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0

log = structlog.get_logger("database")


def open_patiently(
    settings: Settings, stop: threading.Event, tell: Callable[[StorageUnavailable], None]
) -> Instance | None:
    """As `open_instance`, once the server answers; None when `stop` was set first.

    After a power failure the server may be reading its log again for minutes while we start.
    `tell` hears why we wait, once for each reason.  A file of ours is not waited for: nobody is
    about to bring it back.
    """
    pause, told = _FIRST_PAUSE_SECONDS, ""
    while not stop.is_set():
        try:
            return open_instance(settings)
        except StorageUnavailable as error:
            if settings.database_address.startswith("sqlite"):
                raise
            log.warning("database_not_ready", error=str(error))
            if error.what != told:
                told = error.what
                tell(error)
            stop.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return None
