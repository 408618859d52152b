"""Facts about the worker: it starts, sends, survives its chain's death, and stops when asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.chain.node import Node
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Conflict, Inconsistent, NotFound
from ledger.domain.outbox.operation_states import OperationState
from ledger.settings import Settings
from ledger.steps.answering.status import WorkerState, status
from ledger.steps.instance import Instance, open_instance
from ledger.steps.starting.chains import reading_chain
from ledger.steps.starting.leasing import LEASE, _machine, try_lease
from ledger.steps.starting.link import CHAIN_FILE
from ledger.steps.worker import run_worker, serve_chain
from ledger.storage.index import find_cursor, set_cursor
from ledger.storage.leases import find_lease, take_lease
from ledger.storage.operations import get_operation
from tests.faults.proofs import anvils_of
from tests.steps.hospital import Hospital

S = OperationState
PATIENCE_SECONDS = 60


@pytest.fixture
def instance(tmp_path: Path, database_address: str) -> Iterator[Instance]:
    """A new home."""
    opened = open_instance(Settings(home=tmp_path / "home", database_url=database_address))
    yield opened
    opened.close()


@contextmanager
def working(instance: Instance) -> Iterator[threading.Event]:
    """A worker in a thread; leaving asks it to stop and waits."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            run_worker(instance, stop)
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds, or the test's patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_deployed(instance: Instance) -> bool:
    try:
        instance.deployment()
    except NotFound:
        return False
    return (instance.settings.run_folder / CHAIN_FILE).exists()


def accepted(instance: Instance, link: object) -> list[Digest]:
    hospital = Hospital(instance=instance, link=link)  # type: ignore[arg-type]
    return [hospital.admit(1), hospital.register(1, "S1"), *hospital.run_cycle("S1", 1)]


def all_final(instance: Instance, digests: list[Digest]) -> bool:
    with instance.database.reading() as tx:
        return {get_operation(tx, digest).state for digest in digests} == {S.FINAL}


def test_a_new_home_gets_contracts_a_file_for_people_and_a_door_to_its_chain(
    instance: Instance,
) -> None:
    with working(instance):
        wait_for(lambda: is_deployed(instance))
        address = json.loads((instance.settings.run_folder / CHAIN_FILE).read_text())
        with Node(address["rpc"]) as node:
            assert node.chain_id() == instance.deployment().chain_id
        assert address["pid"] == os.getpid()
        assert (instance.settings.home / "deployment.json").exists()
    assert not (instance.settings.run_folder / CHAIN_FILE).exists()


def test_what_is_accepted_becomes_final_without_being_asked(instance: Instance) -> None:
    with working(instance):
        wait_for(lambda: is_deployed(instance))
        digests = accepted(instance, None)
        wait_for(lambda: all_final(instance, digests))
        wait_for(lambda: status(instance).lag == 0)
        seen = status(instance)
    assert seen.chain is not None
    assert (seen.worker, seen.waits, seen.halted) == (WorkerState.RUNS, None, None)
    assert seen.counts[S.FINAL] == 7
    assert seen.oldest_owed is None
    assert seen.stuck == ()


def test_a_killed_chain_comes_back_with_the_same_blocks(instance: Instance) -> None:
    with working(instance):
        wait_for(lambda: is_deployed(instance))
        first = accepted(instance, None)
        wait_for(lambda: all_final(instance, first))
        with reading_chain(instance) as node:
            before = node.block("latest")
        (its_chain,) = anvils_of(instance)
        os.kill(its_chain, signal.SIGKILL)
        hospital = Hospital(instance=instance, link=None)  # type: ignore[arg-type]
        hospital.admit(2)
        second = hospital.admit(3)
        wait_for(lambda: all_final(instance, [second]))
        assert before is not None
        with reading_chain(instance) as node:
            assert node.block(before.number) == before


def test_a_changed_final_block_halts_the_worker_and_the_status_says_why(
    instance: Instance,
) -> None:
    with working(instance):
        wait_for(lambda: is_deployed(instance))
        digests = accepted(instance, None)
        wait_for(lambda: all_final(instance, digests))
        wait_for(lambda: status(instance).lag == 0)
    with instance.database.transaction() as tx:
        cursor = find_cursor(tx)
        assert cursor is not None
        set_cursor(tx, replace(cursor, hash=bytes(32)))
    with pytest.raises(Inconsistent):
        run_worker(instance, threading.Event())
    seen = status(instance)
    assert seen.worker is WorkerState.HALTED
    assert seen.halted is not None
    assert "rebuild" in (seen.halted.remedy or "")


def test_the_chain_alone_is_served_for_reading(instance: Instance) -> None:
    with working(instance):
        wait_for(lambda: is_deployed(instance))
        with pytest.raises(Conflict):
            serve_chain(instance, threading.Event(), ready=lambda _: None)
    urls: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=serve_chain, args=(instance, stop), kwargs={"ready": urls.append}
    )
    thread.start()
    wait_for(lambda: bool(urls))
    with Node(urls[0]) as node:
        assert node.genesis_hash() == instance.deployment().genesis_hash
    stop.set()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_the_lease_is_given_back_when_the_worker_stops(instance: Instance) -> None:
    with working(instance):
        wait_for(lambda: is_deployed(instance))
    with instance.database.reading() as tx:
        lease = find_lease(tx, LEASE)
    assert lease is not None
    assert lease.holder is None


def test_a_worker_whose_lease_is_taken_stops(instance: Instance) -> None:
    with working(instance) as stop:
        wait_for(lambda: is_deployed(instance))
        with instance.database.transaction() as tx:
            lease = find_lease(tx, LEASE)
            assert lease is not None
            later = lease.expires_at + timedelta(seconds=1)
            assert take_lease(tx, LEASE, "another", later, 600) == lease.epoch + 1
        hospital = Hospital(instance=instance, link=None)  # type: ignore[arg-type]
        digest = hospital.admit(1)
        wait_for(lambda: not (instance.settings.run_folder / CHAIN_FILE).exists())
        assert not stop.is_set()
    with instance.database.reading() as tx:
        assert get_operation(tx, digest).state is S.OWED


def test_a_living_holder_is_waited_for(instance: Instance) -> None:
    with instance.database.transaction() as tx:
        take_lease(tx, LEASE, "another machine 1", instance.clock(), 600)
    assert try_lease(instance, "us") is None
    with working(instance) as stop:
        stop.set()
    assert not is_deployed(instance)


def test_a_dead_holder_of_this_machine_is_not_waited_for(instance: Instance) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with instance.database.transaction() as tx:
        take_lease(tx, LEASE, f"{_machine()} {child.pid}", instance.clock(), 600)
    assert try_lease(instance, "us") == 2
