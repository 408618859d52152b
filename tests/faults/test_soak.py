"""A seeded schedule of kills: worker, chain and API die at random while people record.

`make soak ROUNDS=300 SEED=7` runs the long form; the seed is printed when it fails.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from ledger import crashing
from ledger.domain.encoding.identifiers import Digest
from ledger.steps.instance import Instance
from tests.faults.callers import Person
from tests.faults.children import Child, Home, wait_until
from tests.faults.conftest import Ward
from tests.faults.proofs import (
    accepted,
    anvils_of,
    mined_hashes,
    opened,
    require_no_chain,
    require_unchanged,
    require_whole,
    waiting,
)

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "4"))
SEED = int(os.environ.get("SOAK_SEED") or int.from_bytes(os.urandom(4), "big"))
#: a round goes on for so long at most, in one of three after the next block
ROUND_SECONDS = 1.5


@dataclass(slots=True, kw_only=True)
class Processes:
    """The worker and the API of a home, started again whenever they are dead."""

    home: Home
    worker: Child
    api: Child

    def revive(self, chance: random.Random) -> None:
        """Start what is dead; sometimes with a point at which it will kill itself."""
        if not self.worker.process.is_alive():
            self.worker = self.home.start("worker", crash_at=trap(chance))
        if not self.api.process.is_alive():
            self.api = self.home.start("serve", crash_at=trap(chance))

    def wait_for_block(self, instance: Instance) -> None:
        """Until one more is mined, or one of the two is dead."""
        height = len(mined_hashes(instance))

        def is_over() -> bool:
            alive = self.worker.process.is_alive() and self.api.process.is_alive()
            return not alive or len(mined_hashes(instance)) > height

        wait_until(is_over)

    def end(self) -> None:
        """Kill both and start both anew, with no trap."""
        self.worker.kill()
        self.api.kill()
        self.worker, self.api = self.home.start("worker"), self.home.start("serve")


def trap(chance: random.Random) -> str | None:
    """Nothing, or a random point at a random passage."""
    point = chance.choice(sorted(crashing.POINTS))
    return f"{point}:{chance.randint(1, 8)}" if chance.random() < 0.5 else None


@dataclass(slots=True, kw_only=True)
class Nurse:
    """Somebody who records whole cycles, one after the other, whatever happens."""

    person: Person
    digests: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def work(self) -> None:
        """Until told to stop."""
        try:
            for number in range(100, 1_000_000):
                if self.person.stop.is_set():
                    return
                with suppress(TimeoutError):
                    self.person.run_cycle("S1", number, self.digests.append)
        except BaseException as error:  # noqa: BLE001 - raised again by `working`
            self.errors.append(error)


@contextmanager
def working(nurse: Nurse) -> Iterator[None]:
    """The nurse at work; leaving lets the request under way end."""
    thread = threading.Thread(target=nurse.work)
    thread.start()
    try:
        yield
    finally:
        nurse.person.stop.set()
        thread.join()
    if nurse.errors:
        raise nurse.errors[0]


def strike(chance: random.Random, processes: Processes, instance: Instance) -> None:
    """Kill one of the three, or two, or all."""
    victims = chance.sample(["worker", "chain", "api"], k=chance.choice([1, 1, 1, 2, 3]))
    if "chain" in victims:
        for pid in anvils_of(instance):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if "worker" in victims:
        processes.worker.kill()
    if "api" in victims:
        processes.api.kill()


@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_random_kills_of_worker_chain_and_api_lose_and_repeat_nothing(ward: Ward) -> None:
    sys.stdout.write(f"seed {SEED}\n")  # shown when the test fails
    chance = random.Random(SEED)
    home, nurse = ward.home, Nurse(person=ward.person)
    with opened(home) as instance:
        first = accepted(instance)
        processes = Processes(home=home, worker=home.start("worker"), api=home.start("serve"))
        seen = mined_hashes(instance)
        with working(nurse):
            for _ in range(ROUNDS):
                if chance.random() < 1 / 3:
                    processes.wait_for_block(instance)
                time.sleep(chance.uniform(0, ROUND_SECONDS))
                strike(chance, processes, instance)
                processes.revive(chance)
                after = mined_hashes(instance)
                require_unchanged(seen, after)
                seen = after
            processes.end()
            recorded = len(nurse.digests)
            wait_until(lambda: len(nurse.digests) > recorded or bool(nurse.errors))
        processes.worker.wait_for(lambda: waiting(instance) == 0)
        digests = accepted(instance)
        told = [Digest(bytes.fromhex(text[2:])) for text in nurse.digests]
        # Everything that somebody was told is there, in that order, and nothing that nobody asked.
        assert digests[: len(first)] == first
        assert digests[len(first) :][: len(told)] == told
        assert len(digests) - len(first) - len(told) <= 1
        require_whole(instance, digests, hashes=seen)
        sys.stdout.write(f"{ROUNDS} rounds, {len(digests)} operations, {len(seen)} blocks\n")
        assert (processes.worker.stop(), processes.api.stop()) == (0, 0)
        require_no_chain(instance)
