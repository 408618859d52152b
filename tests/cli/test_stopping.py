"""A process that is asked to stop stops, whatever it does at that moment."""

from __future__ import annotations

import subprocess
import sys

#: a signal that comes while the process asks its event, and so holds the lock of it
ASKED = """
import signal
from ledger.cli.launching import stop_on_signals

stop = stop_on_signals()
with stop._cond:
    signal.raise_signal(signal.SIGTERM)
assert stop.wait(60)
"""


def test_a_signal_that_interrupts_the_look_at_the_event_stops_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED], timeout=100, check=False)
    assert done.returncode == 0
