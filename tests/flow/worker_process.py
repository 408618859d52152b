"""A worker as a process of its own: python -m tests.flow.worker_process HOME DATABASE_URL."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from ledger.settings import Settings
from ledger.steps.instance import open_instance
from ledger.steps.worker import run_worker


def main(home: str, database_url: str) -> None:
    """Until SIGTERM."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    instance = open_instance(Settings(home=Path(home), database_url=database_url))
    try:
        run_worker(instance, stop)
    finally:
        instance.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
