"""The anvil child process: started on a port of its own choice, and gone when we are.

anvil executes its cheat calls for whoever reaches it: it listens on loopback only, without CORS,
and everybody else goes through `ledger.chain.gateway`.
"""

from __future__ import annotations

import atexit
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from ledger.domain.errors import ChainUnavailable, NotFound

_READY = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_KEPT_LINES = 100
_LONGEST_LINE = 500
_STOP_SECONDS = 5.0

#: Runs in the child before anvil: the kernel kills it when the thread that started it ends
#: (prctl PR_SET_PDEATHSIG = 1, which survives execve). Not preexec_fn: that forks with threads.
_DIE_WITH_PARENT = (
    "import ctypes, os, signal, sys\n"
    "ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))\n"
    "if os.getppid() != int(sys.argv[1]): os._exit(1)\n"
    "os.execv(sys.argv[2], sys.argv[2:])\n"
)


class AnvilProcess:
    """One running anvil; `start` answers when it listens."""

    def __init__(
        self, binary: Path, genesis: bytes, flags: Sequence[str], *, state: bytes | None = None
    ) -> None:
        """Does not start it yet; `genesis` is the genesis file's content.

        With `state`, the JSON of a state that anvil dumped, it starts from there instead.
        """
        self._binary = binary
        self._first = ("--init", genesis) if state is None else ("--load-state", state)
        self._flags = tuple(flags)
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="anvil", daemon=True)
        self._child: subprocess.Popen[str] | None = None
        self._port: int | None = None
        self._failure: OSError | None = None

    def start(self, *, timeout_seconds: float) -> str:
        """Starts it and gives its URL; raises NotFound without a binary, else ChainUnavailable."""
        if not self._binary.is_file():
            raise NotFound(
                f"there is no anvil at {self._binary}",
                field="anvil",
                remedy="Run the installation step that fetches the embedded chain.",
                rule="the embedded chain is anvil, our own child",
            )
        # The thread that starts the child reads its output until it ends: it must outlive it.
        self._keeper.start()
        listening = self._ready.wait(timeout_seconds)
        if self._port is None:
            self.stop()
            words = self.last_words() if listening else f"silent for {timeout_seconds} s"
            raise ChainUnavailable(
                f"anvil did not start: {words}",
                field="anvil",
                rule="the embedded chain is anvil, our own child",
                remedy="look at these words of it, and at the machine's memory and disk",
            )
        atexit.register(self.stop)
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The child's process id, once started."""
        return None if self._child is None else self._child.pid

    def is_running(self) -> bool:
        """Whether the child lives."""
        # poll() alone says None while the thread waits for the same child; that one ends first.
        child = self._child
        return child is not None and not self._ended.is_set() and child.poll() is None

    def last_words(self) -> str:
        """What it printed last, for an error; at most a few lines."""
        if self._failure is not None:
            return str(self._failure)
        return " / ".join(list(self._lines)[-5:]) or "no output"

    def stop(self) -> None:
        """Ends the child and waits for it; safe to call twice."""
        atexit.unregister(self.stop)
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                child.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if self._keeper.is_alive():
            self._keeper.join(_STOP_SECONDS)

    def _keep(self) -> None:
        # A file without a name: whoever is killed, and whenever, nothing is left on the disk.
        with tempfile.TemporaryFile() as first:
            try:
                self._child = self._spawn(first)
            except OSError as error:
                self._failure = error
                self._ready.set()
                return
            self._drain(self._child, first)
            self._ended.set()
            self._child.wait()
        self._ready.set()

    def _spawn(self, first: IO[bytes]) -> subprocess.Popen[str]:
        flag, content = self._first
        self._first = flag, b""  # a state has many megabytes
        first.write(content)
        first.seek(0)
        command = [str(self._binary), flag, f"/dev/fd/{first.fileno()}", *self._flags]
        if sys.platform == "linux":
            shim = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid())]
            command = [*shim, *command]
        return subprocess.Popen(  # noqa: S603 - our own binary with our own arguments
            command,
            cwd="/",
            env={"HOME": os.devnull, "PATH": os.defpath, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=(first.fileno(),),
            start_new_session=True,
        )

    def _drain(self, child: subprocess.Popen[str], first: IO[bytes]) -> None:
        stream = child.stdout
        if stream is None:
            return
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                self._lines.append(line.strip())
                match = None if self._port else _READY.search(line)
                if match is not None:
                    first.truncate(0)  # it was read, and the child keeps it open
                    self._port = int(match[1])
                    self._ready.set()
