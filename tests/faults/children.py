"""The program's own processes, `worker`, `serve` and `rebuild`, as children that a test may kill.

They are forked from a server that has imported the program already: starting one costs
milliseconds, and what runs is what the commands of these names run.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from api import serve
from ledger import crashing
from ledger.cli.launching import stop_on_signals
from ledger.running.logs import configure_logs
from ledger.running.processes import write_ready
from ledger.settings import Settings
from ledger.steps.following.rebuild import rebuild
from ledger.steps.instance import Instance, open_instance
from ledger.steps.starting.chains import reading_chain
from ledger.steps.starting.opening import open_patiently
from ledger.steps.worker import run_worker

#: under the run folder: where the API answers
API_FILE = "api.json"
PATIENCE_SECONDS = 90
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process of a home."""

    command: str
    process: ForkServerProcess
    #: what it wrote to stdout and stderr
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process.pid is not None
        return self.process.pid

    def kill(self) -> int:
        """SIGKILL, unless it is dead already; its exit code."""
        self.process.kill()
        return self.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code, or SIGKILL's when it takes too long."""
        self.process.terminate()
        self.process.join(PATIENCE_SECONDS)
        return self.kill()

    def wait(self) -> int:
        """Until it ended; its exit code."""
        self.process.join(PATIENCE_SECONDS)
        code = self.process.exitcode
        assert code is not None, f"the {self.command} goes on:\n{self.words()}"
        return code

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Until the condition holds, while the process lives."""
        wait_until(condition, self.process.is_alive, self.words)

    def words(self) -> str:
        """The last that it wrote."""
        return self.log.read_text(errors="replace")[-4000:]


@dataclass(slots=True, kw_only=True)
class Home:
    """A home whose processes a test starts and kills."""

    folder: Path
    #: empty: SQLite in the home
    database_url: str = ""
    #: empty: the embedded chain
    chain_url: str = ""
    finality: str = "journal"
    requests_per_minute: int = 1_000_000
    _children: list[Child] = field(default_factory=list)

    def start(self, command: str, *, crash_at: str | None = None) -> Child:
        """One of the program's commands; with a crash point it kills itself there.

        The API looks for its crash point from its first request on.
        """
        environment = {
            "STERILEDGER_DATABASE_URL": self.database_url,
            "STERILEDGER_CHAIN_URL": self.chain_url,
            "STERILEDGER_FINALITY": self.finality,
            "STERILEDGER_REQUESTS_PER_MINUTE": str(self.requests_per_minute),
            "STERILEDGER_SNAPSHOT_BLOCKS": "1",
        }
        log = self.folder.with_name(f"{self.folder.name}-{command}-{len(self._children)}.log")
        process = _CONTEXT.Process(
            target=_run, args=(command, self.folder, environment, crash_at, log), daemon=True
        )
        process.start()
        child = Child(command=command, process=process, log=log)
        self._children.append(child)
        return child

    def end(self) -> None:
        """Nothing of it runs any more."""
        for child in self._children:
            if child.process.exitcode is None:
                child.kill()


@contextmanager
def housing(
    folder: Path, database_url: str = "", *, chain_url: str = "", finality: str = "journal"
) -> Iterator[Home]:
    """A home; what still runs in it at the end is killed."""
    home = Home(folder=folder, database_url=database_url, chain_url=chain_url, finality=finality)
    try:
        yield home
    finally:
        home.end()


def wait_until(
    condition: Callable[[], bool],
    alive: Callable[[], bool] = lambda: True,
    words: Callable[[], str] = lambda: "",
) -> None:
    """Until it holds; fails when it no longer can, or the test's patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert alive(), f"it ended by itself:\n{words()}"
        assert time.monotonic() < deadline, f"waited in vain:\n{words()}"
        time.sleep(0.02)


def _run(
    command: str, home: Path, environment: Mapping[str, str], crash_at: str | None, log: Path
) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(output, number)
    os.environ.update(environment)
    configure_logs("info", process=command)
    {"worker": _work, "serve": _serve, "rebuild": _rebuild}[command](Settings(home=home), crash_at)


def _work(settings: Settings, crash_at: str | None) -> None:
    crashing.arm(crash_at)
    stop = stop_on_signals()
    with closing(_opened(settings, stop)) as instance:
        run_worker(instance, stop)


def _opened(settings: Settings, stop: threading.Event) -> Instance:
    instance = open_patiently(settings, stop, lambda _error: None)
    assert instance is not None
    return instance


def _rebuild(settings: Settings, crash_at: str | None) -> None:
    crashing.arm(crash_at)
    with (
        closing(open_instance(settings)) as instance,
        reading_chain(instance, whole_journal=True) as node,
    ):
        rebuild(instance, node)


def _serve(settings: Settings, crash_at: str | None) -> None:
    def ready(url: str) -> None:
        crashing.arm(crash_at)
        write_ready(settings.run_folder / API_FILE, {"url": url})

    with closing(_opened(settings, threading.Event())) as instance:
        serve.run(instance, "127.0.0.1", 0, ready)
