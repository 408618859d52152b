"""The process of `steriledger up`: it starts the services, watches them, and weighs little.

`python -m ledger.cli.launching HOME`; `up` becomes this once it has read its options, since it
lives as long as the instance and needs nothing that reads a command line.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from ledger.cli.failing import report_failure
from ledger.cli.printing import say
from ledger.domain.errors import ChainUnavailable, SteriLedgerError
from ledger.running.processes import Instance, rotate_log

#: under the run folder: where the chain and the API say how to reach them
CHAIN_FILE = "chain.json"
API_FILE = "api.json"
_START_SECONDS = 120.0
#: after that long the API is worth telling, whatever the chain does
_CHAIN_SECONDS = 20.0
_NOT_YET = (
    "The chain is not there yet: steriledger status says what is waited for.",
    "What is recorded meanwhile is sent when the chain is there.",
)


def launch(home: Path) -> None:
    """Run an instance until SIGINT or SIGTERM; its settings are in the environment."""
    stop = stop_on_signals()
    with Instance(
        home=home, environment=os.environ, log=home / "run" / "log", tell=say
    ) as processes:
        api, chain = start_all(processes, stop)
        if not stop.is_set():
            for line in _NOT_YET if chain is None else (f"Chain (read only): {chain}",):
                say(line)
            say(f"Deployment file:   {home / 'deployment.json'}")
            say(f"Log:               {home / 'run' / 'log'}")
            first = first_link(processes, stop)
            if first is not None:
                say(f"First sign-in:     {first}")
            say(f"Ready: {api}")
        processes.watch(stop)


def start_all(
    processes: Instance, stop: threading.Event, *, chain_seconds: float = _CHAIN_SECONDS
) -> tuple[str | None, str | None]:
    """Start the worker and the API side by side; the addresses of the API and of the chain.

    None for what is not there yet; both are there soon where nothing is away.
    """
    rotate_log(processes.log)
    processes.start("worker", "worker", ready_file=CHAIN_FILE)
    processes.start("API", "serve", ready_file=API_FILE)
    api = processes.wait_ready("API", seconds=_START_SECONDS, stop=stop)
    chain = processes.wait_ready("worker", seconds=chain_seconds, stop=stop)
    if api is None and not stop.is_set():
        raise ChainUnavailable(
            f"the API was not ready after {_START_SECONDS:.0f} s",
            remedy=f"look into {processes.log}",
        )
    return None if api is None else str(api["url"]), None if chain is None else str(chain["rpc"])


def start_worker(
    processes: Instance, stop: threading.Event, *, chain_seconds: float = _CHAIN_SECONDS
) -> tuple[None, str | None]:
    """Start the worker alone; no API, and the address of the chain."""
    rotate_log(processes.log)
    processes.start("worker", "worker", ready_file=CHAIN_FILE)
    chain = processes.wait_ready("worker", seconds=chain_seconds, stop=stop)
    return None, None if chain is None else str(chain["rpc"])


def first_link(processes: Instance, stop: threading.Event) -> str | None:
    """Where the first administrator begins; None once somebody can sign in."""
    said = processes.wait_ready("API", seconds=_START_SECONDS, stop=stop)
    return None if said is None or not said.get("first") else f"{said['url']}{said['first']}"


def stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:  # noqa: ARG001 - the signature is Python's
        # By a thread of its own: what this interrupts may hold the event's lock, and would never
        # let go of it.
        threading.Thread(target=stop.set, daemon=True).start()

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    return stop


def become_launcher(home: Path, environment: dict[str, str]) -> None:
    """Replace this process by the launcher; does not return."""
    sys.stdout.flush()
    command = [sys.executable, "-m", "ledger.cli.launching", str(home)]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own program


if __name__ == "__main__":
    try:
        launch(Path(sys.argv[1]))
    except SteriLedgerError as error:
        sys.exit(report_failure(error, as_json=False))
    except BrokenPipeError:
        sys.stderr.close()
