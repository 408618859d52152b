"""Killed at any named point and started again, the ledger ends where it would have ended."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import crashing
from ledger.domain.errors import InvalidInput
from ledger.steps.following.reowing import is_begun
from ledger.steps.instance import Instance
from ledger.steps.starting.leasing import LEASE
from ledger.steps.starting.link import EmbeddedLink, open_link
from ledger.storage.leases import release_lease
from ledger.storage.operations import list_to_send
from tests.faults.children import Home
from tests.faults.conftest import accept_a_dozen
from tests.faults.proofs import (
    accepted,
    is_deployed,
    mined_hashes,
    opened,
    require_no_chain,
    require_unchanged,
    require_whole,
    waiting,
)
from tests.fingerprint import index_fingerprint
from tests.steps.hospital import Hospital
from tests.steps.test_send import RefusingLink, set_link

ROOT = Path(__file__).resolve().parents[2]
KILLED = -signal.SIGKILL

#: passed when a home starts for the first time
AT_FIRST = {
    "home.written",
    "home.made",
    "deploy.planned",
    "deploy.created",
    "deploy.stored",
    "deploy.drafted",
    # the block that creates the contracts
    "chain.offered",
    "chain.journalled",
    "chain.sealed",
    "chain.confirmed",
}
#: passed by an API that accepts; tests/faults/test_dead_answers.py dies there
WHEN_ACCEPTING = {"accept.written", "storage.committed"}
#: passed by a rebuild
WHEN_REBUILDING = {"rebuild.cleared", "rebuild.followed"}
#: passed by a worker that has something to send
AT_WORK = (
    crashing.POINTS
    - WHEN_ACCEPTING
    - WHEN_REBUILDING
    - {name for name in AT_FIRST if name[:5] != "chain"}
)
#: what must have happened before a point can be passed
BEFORE = {"chain.recovered": "chain.journalled"}
#: passed by a worker that checks what came back before it sends it again
WHEN_CHECKING = {"send.shown"}
#: later passages, where something is under way already
LATER = ["settle.mined:2", "storage.committed:6"]
LATER_WHEN_CHECKING = ["send.chosen:2", "send.signed:3", "send.stored:2", "send.shown:3"]


@pytest.mark.parametrize("point", sorted(AT_WORK - WHEN_CHECKING) + LATER)
def test_a_worker_killed_on_the_way_to_the_chain_loses_and_repeats_nothing(
    point: str, home: Home
) -> None:
    kill_on_the_way(point, home)


@pytest.mark.parametrize("point", sorted(WHEN_CHECKING) + LATER_WHEN_CHECKING)
def test_a_worker_killed_while_it_checks_what_came_back_loses_and_repeats_nothing(
    point: str, home: Home
) -> None:
    with opened(home) as instance:
        refuse_once(instance)
    kill_on_the_way(point, home)


def refuse_once(instance: Instance) -> None:
    """Everything that is owed went out, and came back since the node did not take it."""
    link = open_link(instance)
    assert isinstance(link, EmbeddedLink)
    writer = Hospital(instance=instance, link=link).writer("refused")
    set_link(writer, RefusingLink(chain=link.chain))
    writer.step()
    link.stop()
    with instance.database.transaction() as tx:
        release_lease(tx, LEASE, writer.lease.holder, writer.lease.epoch)
        assert all(row.came_back for row in list_to_send(tx, limit=100))


def kill_on_the_way(point: str, home: Home) -> None:
    """A dozen owed operations, a worker killed there, and another that ends its work."""
    crashes = [BEFORE[point], point] if point in BEFORE else [point]
    with opened(home) as instance:
        digests, seen = accepted(instance), mined_hashes(instance)
        assert len(digests) == waiting(instance) == 12
        for each in crashes:
            dead = home.start("worker", crash_at=each)
            assert dead.wait() == KILLED, dead.words()
            require_no_chain(instance)
            require_unchanged(seen, mined_hashes(instance))
            seen = mined_hashes(instance)
        worker = home.start("worker")
        worker.wait_for(lambda: waiting(instance) == 0)
        assert worker.stop() == 0
        require_whole(instance, digests, hashes=seen)
        require_no_chain(instance)


@pytest.mark.parametrize("point", sorted(AT_FIRST))
def test_a_first_start_killed_anywhere_ends_with_one_set_of_contracts(
    point: str, new_home: Home
) -> None:
    dead = new_home.start("worker", crash_at=point)
    assert dead.wait() == KILLED, dead.words()
    with opened(new_home) as instance:
        seen = mined_hashes(instance)
        worker = new_home.start("worker")
        worker.wait_for(lambda: is_deployed(instance))
        accept_a_dozen(Hospital(instance=instance, link=None))  # type: ignore[arg-type]
        worker.wait_for(lambda: waiting(instance) == 0)
        assert worker.stop() == 0
        assert (new_home.folder / "deployment.json").is_file()
        require_whole(instance, accepted(instance), hashes=seen)


@pytest.mark.parametrize("instead", ["worker", "rebuild"])
@pytest.mark.parametrize("point", [*sorted(WHEN_REBUILDING), "follow.indexed", "follow.committed"])
def test_a_rebuild_killed_anywhere_is_finished_by_whoever_follows_next(
    point: str, instead: str, home: Home
) -> None:
    with opened(home) as instance:
        digests = accepted(instance)
        settle(home, instance)
        before, seen = fingerprint(instance), mined_hashes(instance)
        dead = home.start("rebuild", crash_at=point)
        assert dead.wait() == KILLED, dead.words()
        assert is_begun(instance)
        require_no_chain(instance)
        again = home.start(instead)
        if instead == "worker":
            again.wait_for(lambda: not is_begun(instance))
            again.process.terminate()
        assert again.wait() == 0, again.words()
        assert not is_begun(instance)
        assert fingerprint(instance) == before
        require_whole(instance, digests, hashes=seen)


def settle(home: Home, instance: Instance) -> None:
    worker = home.start("worker")
    worker.wait_for(lambda: waiting(instance) == 0)
    assert worker.stop() == 0


def fingerprint(instance: Instance) -> bytes:
    with instance.database.reading() as tx:
        return index_fingerprint(tx)


# ---------------------------------------------------------------- the table


def test_every_point_of_the_table_is_killed_at() -> None:
    assert AT_WORK | AT_FIRST | WHEN_ACCEPTING | WHEN_REBUILDING == crashing.POINTS


def test_every_point_of_the_table_stands_at_one_place_and_no_other_does() -> None:
    assert Counter(points_in("ledger", "api")) == Counter(crashing.POINTS)


def points_in(*folders: str) -> Iterator[str]:
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "crash_point":
                yield ast.literal_eval(node.args[0])


@pytest.mark.parametrize("text", ["nowhere", "chain.sealed:0", "chain.sealed:x", "chain.sealed:-1"])
def test_a_crash_point_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        crashing.arm(text)
    assert caught.value.field == crashing.VARIABLE


@pytest.mark.parametrize("text,code", [("chain.sealed:2", KILLED), ("chain.sealed:3", 0), ("", 0)])
def test_the_environment_names_a_point_and_its_passage(text: str, code: int) -> None:
    program = (
        "from ledger.crashing import crash_point as at; at('chain.sealed'); at('chain.sealed')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, crashing.VARIABLE: text},
        check=False,
    )
    assert ran.returncode == code
