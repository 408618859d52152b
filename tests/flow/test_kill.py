"""Killed at any moment and started again, the worker ends where it would have ended."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.cli.chains import reading_chain
from ledger.domain.errors import NotFound
from ledger.domain.identifiers import Digest
from ledger.domain.indexed import IndexedEvent
from ledger.domain.operation_states import OperationState
from ledger.domain.operations import KINDS
from ledger.settings import Settings
from ledger.steps.audit import audit
from ledger.steps.instance import Instance, open_instance
from ledger.storage.index import list_rows
from ledger.storage.journal import list_blocks
from ledger.storage.operations import count_by_state, get_operation
from tests.steps.hospital import Hospital

ROOT = Path(__file__).resolve().parents[2]
KILLS = 6
CYCLES = 9
PATIENCE_SECONDS = 90
ANNOUNCING = {kind.event for kind in KINDS.values()} - {"SignerEnrolled"}


@contextmanager
def worker(home: Path, database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process group of its own; nothing of it is left afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.flow.worker_process", str(home), database_url],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the whole group, and wait."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE_SECONDS)


def wait_for(process: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
    """Until it holds, while the worker lives."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, "the worker ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_deployed(instance: Instance) -> bool:
    try:
        instance.deployment()
    except NotFound:
        return False
    return True


def journal_hashes(instance: Instance) -> dict[int, bytes]:
    """The hashes of the blocks that were mined so far."""
    with instance.database.reading() as tx:
        rows = list_blocks(tx, limit=10_000)
    return {row.height: row.hash for row in rows if row.hash is not None}


def waiting(instance: Instance) -> int:
    """Accepted operations that are not final."""
    with instance.database.reading() as tx:
        counts = count_by_state(tx)
    return sum(n for state, n in counts.items() if state is not OperationState.FINAL)


@pytest.mark.timeout(300)
def test_every_accepted_operation_ends_final_exactly_once_whenever_the_worker_is_killed(
    tmp_path: Path, database_address: str
) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    sys.stdout.write(f"seed {seed}\n")  # shown when the test fails
    chance = random.Random(seed)
    home = tmp_path / "home"
    instance = open_instance(Settings(home=home, database_url=database_address))
    with worker(home, database_address) as process:
        # The first kill may hit the deployment itself.
        time.sleep(chance.uniform(0.3, 1.5))
        kill(process)
    with worker(home, database_address) as process:
        wait_for(process, lambda: is_deployed(instance))
        kill(process)
    hospital = Hospital(instance=instance, link=None)  # type: ignore[arg-type]
    digests: list[Digest] = [hospital.admit(1), hospital.register(1, "S1")]
    seen: dict[int, bytes] = {}
    numbers = iter(range(1, CYCLES + 1))
    for _ in range(KILLS):
        with worker(home, database_address) as process:
            for number in (next(numbers, None), next(numbers, None)):
                if number is not None:
                    digests += hospital.run_cycle("S1", number)
            time.sleep(chance.uniform(0.2, 2.0))
            kill(process)
        after = journal_hashes(instance)
        assert {height: after[height] for height in seen} == seen
        seen = after
    with worker(home, database_address) as process:
        wait_for(process, lambda: waiting(instance) == 0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert len(digests) == 2 + 4 * CYCLES
    _assert_final_exactly_once(instance, digests)
    assert {h: journal_hashes(instance)[h] for h in seen} == seen
    with reading_chain(instance) as node:
        report = audit(instance, node)
    assert [str(each) for each in report.differences] == []
    assert (report.owed, report.by_others) == ((), ())
    instance.close()


def _assert_final_exactly_once(instance: Instance, digests: list[Digest]) -> None:
    with instance.database.reading() as tx:
        states = {get_operation(tx, digest).state for digest in digests}
        events = Counter(
            event.digest for event in list_rows(tx, IndexedEvent) if event.event in ANNOUNCING
        )
    assert states == {OperationState.FINAL}
    assert {events[digest] for digest in digests} == {1}
