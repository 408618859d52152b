"""Two sides in turns → the ratio of each; and what the kernel says about memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

_KIB = 1024


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_seconds() -> float:
    """Processor time of the processes that this one started and that have ended, by now."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """The ratio of each two neighbours: what slows a machine down slows both."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def percentile(values: Iterable[float], share: float) -> float:
    """The value that a share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(100 * share) // 100) - 1)]


def peak_mib(pid: int) -> float:
    """The most memory that a living process ever had resident, in MiB (Linux)."""
    return _status_kib(pid, "VmHWM:") / _KIB


def resident_mib(pids: Iterable[int]) -> float:
    """The memory that living processes have resident, pages they share counted for each, in MiB."""
    return sum(_status_kib(pid, "VmRSS:") for pid in pids) / _KIB


def process_tree(pid: int) -> list[int]:
    """A process and everything below it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += map(int, (task / "children").read_text("ascii").split())
    return found


def _status_kib(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0  # a process that has ended but was not waited for has no memory
