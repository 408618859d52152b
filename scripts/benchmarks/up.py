"""The running program: how soon it is ready, what it weighs, how soon it answers --help."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ledger.domain.outbox.operation_states import OperationState
from ledger.settings import Settings
from ledger.steps.instance import Instance, open_instance
from ledger.storage.operations import count_by_state
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.group import RECORDS_PER_CYCLE, Members
from scripts.benchmarks.turns import process_tree, resident_mib, seconds

ROOT = Path(__file__).resolve().parents[2]
_RECORDS = 10_000
_MACHINES = 10
_PAGE_OF_CYCLES = 50
_PATIENCE_SECONDS = 60.0
_SETTLING_SECONDS = 1800.0
_PROGRAM = (sys.executable, "-m", "ledger")


def measure_up(size: Size) -> Figures:
    """A new home's first start, then the next one; its processes' memory after 10,000 records.

    The records are accepted beside it, as another process's are, while its worker sends and indexes
    them; memory is read when all are final: the launcher, the worker, the API and anvil, pages that
    they share counted for each.  That takes minutes and is done once.
    """
    first, again = [], []
    for _ in range(size.repeats):
        with tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder:
            home = Path(folder) / "home"
            with _running(home) as (_, ready):
                first.append(ready)
            with _running(home) as (_, ready):
                again.append(ready)
    help_seconds = [seconds(_help) for _ in range(size.repeats + 1)][1:]
    memory, records = _memory(size)
    return {
        "up/first_start": Figure.median(first),
        "up/start": Figure.median(again),
        "up/memory": Figure.once(memory),
        "up/memory_records": Figure.once(records),
        "up/help": Figure.median(help_seconds),
    }


def _help() -> None:
    subprocess.run([*_PROGRAM, "--help"], stdout=subprocess.DEVNULL, cwd=ROOT, check=True)


def _memory(size: Size) -> tuple[float, int]:
    """Resident memory in MiB, and after how many records."""
    cycles = size.of(_RECORDS // RECORDS_PER_CYCLE, least=10)
    with tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder:
        home = Path(folder) / "home"
        with (
            _running(home) as (process, _),
            closing(open_instance(Settings(home=home))) as instance,
        ):
            members = Members(instance=instance)
            members.found(_MACHINES)
            for start in range(0, cycles, _PAGE_OF_CYCLES):
                members.record_cycles(min(_PAGE_OF_CYCLES, cycles - start))
            records = _wait_until_final(instance)
            return resident_mib(process_tree(process.pid)), records


def _wait_until_final(instance: Instance) -> int:
    """How many operations are final, once all are."""
    deadline = time.monotonic() + _SETTLING_SECONDS
    while time.monotonic() < deadline:
        with instance.database.reading() as tx:
            counts = count_by_state(tx)
        if sum(counts.values()) == counts[OperationState.FINAL]:
            return counts[OperationState.FINAL]
        time.sleep(0.5)
    raise RuntimeError(f"after {_SETTLING_SECONDS:.0f} s not all records are final")


@contextmanager
def _running(home: Path) -> Iterator[tuple[subprocess.Popen[str], float]]:
    """`steriledger up` and the seconds until it said that it is ready; stopped afterwards."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [*_PROGRAM, "up", "--home", str(home)],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, _wait_until_ready(process, start)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=_PATIENCE_SECONDS)


def _wait_until_ready(process: subprocess.Popen[str], start: float) -> float:
    if process.stdout is None:
        raise RuntimeError("the program has no output")
    for line in process.stdout:
        if line.startswith("Ready"):
            return time.perf_counter() - start
    raise RuntimeError("steriledger up ended before it was ready")
