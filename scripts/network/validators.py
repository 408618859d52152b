"""Homes → running validators that a test may kill, stop, empty and start again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ledger.chain.node import Node
from ledger.chain.transport import Limits
from ledger.domain.errors import ChainUnavailable
from scripts.network.building import node_program
from scripts.network.founding import CHAIN, COIN, found

#: of four, one may be away
VALIDATORS = 4
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_LAST_WORDS = 2000
#: one question, soon answered or not at all
QUICK = Limits(timeout_seconds=2.0, attempts=1)

#: Runs in the child before the node: the kernel kills it when the thread that started it ends.
_DIE_WITH_PARENT = (
    "import ctypes, os, signal, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)


@dataclass(kw_only=True)
class Validator:
    """One validator; its ports stay the same when it starts again."""

    program: Path
    home: Path
    #: for its peers, for its own commands, for us
    ports: tuple[int, int, int]
    #: the other validators: id@host:port
    peers: str = ""
    #: pause after a block; block times are whole seconds, and shorter ones would repeat
    commit_seconds: float = 1.0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its JSON-RPC answers."""
        return f"http://127.0.0.1:{self.ports[2]}"

    @property
    def is_started(self) -> bool:
        """Whether it was started, and not ended by us."""
        return self._process is not None

    @property
    def is_running(self) -> bool:
        """Whether its process lives, paused or not."""
        return self._process is not None and self._process.poll() is None

    def address(self) -> str:
        """Its id and place, as its peers name it."""
        shown = subprocess.run(
            [self.program, "comet", "show-node-id", "--home", self.home],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return f"{shown.stdout.strip()}@127.0.0.1:{self.ports[0]}"

    def start(self) -> None:
        """Start its process; it may take seconds until it answers."""
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, self.program, "start",
                 "--home", self.home, "--chain-id", CHAIN, "--log_no_color"],
                env={**os.environ, **self._settings()},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def _settings(self) -> dict[str, str]:
        """What stands in no file, so that a home can be moved: the node reads its environment."""
        peers, commands, questions = self.ports
        return {
            "EVMD_P2P_LADDR": f"tcp://127.0.0.1:{peers}",
            "EVMD_P2P_PERSISTENT_PEERS": self.peers,
            "EVMD_P2P_ADDR_BOOK_STRICT": "false",
            "EVMD_P2P_ALLOW_DUPLICATE_IP": "true",
            "EVMD_P2P_PEX": "false",
            "EVMD_RPC_LADDR": f"tcp://127.0.0.1:{commands}",
            "EVMD_RPC_PPROF_LADDR": "",
            "EVMD_CONSENSUS_TIMEOUT_COMMIT": f"{self.commit_seconds}s",
            "EVMD_CONSENSUS_TIMEOUT_PROPOSE": "1s",
            "EVMD_CONSENSUS_TIMEOUT_PREVOTE": "500ms",
            "EVMD_CONSENSUS_TIMEOUT_PRECOMMIT": "500ms",
            "EVMD_MINIMUM_GAS_PRICES": f"0{COIN}",
            "EVMD_PRUNING": "nothing",
            "EVMD_API_ENABLE": "false",
            "EVMD_GRPC_ENABLE": "false",
            "EVMD_GRPC_WEB_ENABLE": "false",
            "EVMD_JSON_RPC_ENABLE": "true",
            "EVMD_JSON_RPC_API": "eth,net,web3",
            "EVMD_JSON_RPC_ADDRESS": f"127.0.0.1:{questions}",
            "EVMD_JSON_RPC_WS_ADDRESS": "127.0.0.1:0",
            "EVMD_JSON_RPC_METRICS_ADDRESS": "127.0.0.1:0",
            "EVMD_JSON_RPC_ENABLE_INDEXER": "false",  # with it a node ends minutes after SIGTERM
        }

    def kill(self) -> None:
        """SIGKILL, as when its machine loses power."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: its connections stay open, and it says nothing any more."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Where it was paused."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM, then SIGKILL."""
        self.resume()
        try:
            self._end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.kill()

    def empty(self) -> None:
        """Everything but its keys is lost, as when a disk is replaced; while it does not run."""
        shutil.rmtree(self.home / "data")
        subprocess.run(
            [self.program, "comet", "unsafe-reset-all", "--home", self.home],
            capture_output=True, check=True,
        )  # fmt: skip

    def height(self) -> int | None:
        """Of its newest block; None when it does not answer."""
        with suppress(ChainUnavailable), Node(self.url, limits=QUICK) as node:
            block = node.block("latest")
            return None if block is None else block.number
        return None

    def block_hash(self, height: int) -> bytes | None:
        """Of its block there; None when it has none."""
        with Node(self.url, limits=QUICK) as node:
            block = node.block(height)
        return None if block is None else block.hash

    def last_words(self) -> str:
        """The end of its log."""
        return (self.home / "log").read_text("utf-8", "replace")[-_LAST_WORDS:]

    def _end(self, number: signal.Signals) -> None:
        self._signal(number)
        if self._process is not None:
            self._process.wait(_STOP_SECONDS)
        self._process = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)


@dataclass(kw_only=True)
class Network:
    """The validators of one chain."""

    validators: Sequence[Validator]

    @property
    def urls(self) -> list[str]:
        """Of every validator."""
        return [each.url for each in self.validators]

    def start(self) -> None:
        """Those that do not run."""
        for each in self.validators:
            if not each.is_running:
                each.start()

    def stop(self) -> None:
        """All of them."""
        for each in self.validators:
            each.stop()

    def height(self) -> int:
        """The highest of those that answer; 0 when none does."""
        return max((each.height() or 0 for each in self.validators), default=0)

    def wait_for_blocks(self, count: int = 2, *, seconds: float = _START_SECONDS) -> None:
        """Until every validator that was started has so many more than the highest has now.

        Raises RuntimeError with a validator's last words.
        """
        wanted, deadline = self.height() + count, time.monotonic() + seconds
        while late := self._below(wanted):
            if time.monotonic() > deadline or not all(each.is_running for each in late):
                raise RuntimeError(
                    f"{len(late)} validators do not reach block {wanted}:\n{late[0].last_words()}"
                )
            time.sleep(0.2)

    def _below(self, height: int) -> list[Validator]:
        return [v for v in self.validators if v.is_started and (v.height() or 0) < height]


@contextmanager
def running_network(folder: Path, *, commit_seconds: float = 1.0) -> Iterator[Network]:
    """Four validators whose homes lie in the folder; founded there when it has none yet."""
    program = node_program()
    homes = [folder / f"unit-{number}" for number in range(1, VALIDATORS + 1)]
    if not all(home.is_dir() for home in homes):
        folder.mkdir(parents=True, exist_ok=True)
        found(program, homes)
    ports = free_ports(3 * VALIDATORS)
    validators = [
        Validator(
            program=program,
            home=home,
            ports=(ports[3 * place], ports[3 * place + 1], ports[3 * place + 2]),
            commit_seconds=commit_seconds,
        )
        for place, home in enumerate(homes)
    ]
    addresses = [each.address() for each in validators]
    for each, own in zip(validators, addresses, strict=True):
        each.peers = ",".join(other for other in addresses if other != own)
    network = Network(validators=validators)
    try:
        network.start()
        network.wait_for_blocks()
        yield network
    finally:
        network.stop()


def free_ports(count: int) -> list[int]:
    """Ports that the system chooses; nobody else is given them while they are looked for."""
    with ExitStack() as stack:
        bound = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in bound:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in bound]
