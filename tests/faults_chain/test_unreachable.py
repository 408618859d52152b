"""A chain that is away: records are accepted as before, and all of them arrive when it is back."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ledger.domain.outbox.operation_states import OperationState
from ledger.running.metrics import Metrics
from ledger.settings import Settings
from ledger.steps.answering.status import TROUBLE_AFTER, WorkerState, status
from ledger.steps.instance import Instance, open_instance
from ledger.steps.starting.leasing import LEASE
from ledger.storage.leases import find_lease, release_lease, renew_lease
from ledger.storage.operations import count_by_state, list_operations
from tests.cli.conftest import typed
from tests.faults_chain.group import PATIENCE_SECONDS, Group, wait_for, working
from tests.faults_chain.proxy import broken_off, http_error

S = OperationState
RECORDS = 200
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for long in a test."""
    monkeypatch.setattr("ledger.steps.worker._LONGEST_PAUSE_SECONDS", 0.2)


def counts(group: Group) -> dict[OperationState, int]:
    with group.instance.database.reading() as tx:
        return {state: n for state, n in count_by_state(tx).items() if n}


@pytest.mark.usefixtures("_impatient")
def test_hundreds_of_records_that_are_accepted_while_the_chain_is_away_all_arrive(
    group: Group,
) -> None:
    group.give_back_lease()
    already = counts(group)[S.FINAL]
    group.proxy.add(broken_off)
    with working(group.instance) as ended:
        for number in range(1, RECORDS + 1):
            group.hospital.accept(group.hospital.opening("S1", number))
        assert counts(group) == {S.FINAL: already, S.OWED: RECORDS}
        group.node.endpoint.ask("evm_setIntervalMining", 1)
        group.proxy.heal()
        wait_for(lambda: counts(group) == {S.FINAL: already + RECORDS})
        group.node.endpoint.ask("evm_setIntervalMining", 0)
    assert ended == []
    with group.instance.database.reading() as tx:
        accepted = [row.digest for row in list_operations(tx, limit=10_000)]
    assert sorted(group.recorded()) == sorted(accepted)
    rows = group.transactions()
    assert len({row.nonce for row in rows}) == len(rows)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("act", [broken_off, http_error])
def test_a_chain_that_stays_away_is_said_in_the_status_until_it_is_back(
    group: Group, act: object
) -> None:
    group.give_back_lease()
    with working(group.instance) as ended:
        wait_for(lambda: status(group.instance).worker is WorkerState.RUNS)
        group.proxy.add(act)  # type: ignore[arg-type]
        wait_for(lambda: "did not answer" in trouble(group))
        now = status(half_a_minute_on(group.instance))
        assert (now.worker, now.halted) == (WorkerState.WAITS, None)
        group.proxy.heal()
        wait_for(lambda: trouble(group) == "")
        assert status(group.instance).worker is WorkerState.RUNS
    assert ended == []


@pytest.mark.usefixtures("_impatient")
def test_a_worker_that_is_stopped_while_its_chain_is_away_leaves_no_halt(group: Group) -> None:
    group.give_back_lease()
    with working(group.instance) as ended:
        wait_for(lambda: status(group.instance).worker is WorkerState.RUNS)
        group.proxy.add(broken_off)
        wait_for(lambda: trouble(group) != "")
    assert ended == []
    now = status(group.instance)
    assert (now.worker, now.waits, now.halted) == (WorkerState.STOPPED, None, None)
    assert scraped(group.instance) == {"halted": 0, "waiting": 0, "has_lease": 0}


@pytest.mark.usefixtures("_impatient")
def test_a_worker_that_starts_before_its_chain_waits_for_it(group: Group) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.give_back_lease()
    group.proxy.add(broken_off)
    with working(group.instance) as ended:
        wait_for(lambda: sum(group.proxy.asked.values()) > 6)
        group.node.mines_by_itself(True)
        group.proxy.heal()
        wait_for(lambda: group.hospital.state(opening) is S.MINED)
    assert ended == []


def trouble(group: Group) -> str:
    """What the status says is waited for."""
    waits = status(group.instance).waits
    return "" if waits is None else waits.reason


def half_a_minute_on(instance: Instance) -> Instance:
    """The instance as the clock goes on, with its lease kept meanwhile."""
    with instance.database.transaction() as tx:
        lease = find_lease(tx, LEASE)
        assert lease is not None
        assert lease.holder is not None
        renew_lease(tx, LEASE, lease.holder, lease.epoch, instance.clock(), 3600)
    return replace(instance, clock=lambda: instance.clock() + TROUBLE_AFTER)


def scraped(instance: Instance) -> dict[str, float]:
    """What the metrics say of the worker."""
    families = text_string_to_metric_families(Metrics(instance).render().decode())
    samples = {each.name: each.samples[0].value for each in families if each.samples}
    names = ("halted", "waiting", "has_lease")
    return {name: samples[f"steriledger_worker_{name}"] for name in names}


# ---------------------------------------------------------------- from an empty home


@dataclass(frozen=True)
class Home:
    """An empty home whose chain is nowhere, and the program on it."""

    folder: Path
    #: nobody listens there
    chain_url: str

    @property
    def settings(self) -> Settings:
        """Those of every process of the home."""
        return Settings(home=self.folder, chain_url=self.chain_url, finality="instant")

    def status(self) -> tuple[int, str]:
        """The exit code and the words, on one line, of the command."""
        ran = typed("status", "--home", str(self.folder))
        return ran.code, " ".join(ran.out.split())

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that waits for its chain; killed in the end if it still lives."""
        process = subprocess.Popen(
            [sys.executable, "-m", "ledger", "worker", "--home", str(self.folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(lambda: "worker starts, waits" in self.status()[1])
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """The port is bound, so that nobody else listens there either."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setenv("STERILEDGER_CHAIN_URL", url)
        monkeypatch.setenv("STERILEDGER_FINALITY", "instant")
        monkeypatch.setenv("COLUMNS", "200")
        yield Home(tmp_path / "home", url)


def test_a_worker_on_an_empty_home_says_what_it_waits_for(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with home.worker() as worker:
        code, words = home.status()
        assert code == 0
        assert "did not answer" in words
        with monkeypatch.context() as impatient:
            # half a minute, as a chain that stays away shows above
            impatient.setattr("ledger.steps.answering.status.TROUBLE_AFTER", timedelta(0))
            code, words = home.status()
            with closing(open_instance(home.settings)) as instance:
                assert scraped(instance) == {"halted": 0, "waiting": 1, "has_lease": 1}
        assert code == 1
        assert "worker runs and cannot go on, waits " in words
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE_SECONDS) == 0
    code, words = home.status()
    assert code == 0
    assert "worker does not run, last seen" in words
    assert "waited" not in words


def test_a_worker_that_was_killed_while_it_waited_on_an_empty_home_is_no_halt(home: Home) -> None:
    with home.worker() as worker:
        worker.kill()
        worker.wait(PATIENCE_SECONDS)
    with closing(open_instance(home.settings)) as instance:
        later = replace(instance, clock=lambda: instance.clock() + timedelta(minutes=1))
        assert status(later).worker is WorkerState.VANISHED
        with instance.database.transaction() as tx:
            lease = find_lease(tx, LEASE)
            assert lease is not None
            release_lease(tx, LEASE, lease.holder or "", lease.epoch)
        now = status(instance)
        assert (now.worker, now.halted) == (WorkerState.STOPPED, None)
        assert scraped(instance) == {"halted": 0, "waiting": 0, "has_lease": 0}
    code, words = home.status()
    assert code == 0
    assert "worker does not run, last seen" in words
    assert "s ago, waited" in words
    with home.worker():
        assert "worker starts, waits" in home.status()[1]
