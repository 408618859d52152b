"""The anvil child process: its parent alone reaches it, where the system allows that.

anvil executes its cheat calls for whoever reaches it.  It runs in a network of its own, where its
port is nobody's, and answers at a socket whose name is gone as soon as we hold it; everybody else
goes through `ledger.chain.gateway`.  Where the system gives it no network of its own, it listens on
loopback, which every account of the machine reaches: `open_because` says so.
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
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO

from ledger.chain.transport import SOCKET
from ledger.chain.unix_sockets import UnixSockets
from ledger.domain.errors import ChainUnavailable, NotFound

_READY = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_OPEN = "open: "
_CHILD = Path(__file__).with_name("anvil_child.py")
_NO_FOLDER = "it was given no folder for a socket"
_ONLY_LINUX = "only Linux gives a process a network of its own"
_KEPT_LINES = 100
_LONGEST_LINE = 500
_STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.005

#: numbers the children of this process: what led to an old one must not lead to a new one
_NUMBERS = count(1)


class AnvilProcess:
    """One running anvil; `start` answers when it listens."""

    def __init__(
        self,
        binary: Path,
        genesis: bytes,
        flags: Sequence[str],
        *,
        state: bytes | None = None,
        folder: Path | None = None,
    ) -> None:
        """Does not start it yet; `genesis` is the genesis file's content.

        With `state`, the JSON of a state that anvil dumped, it starts from there instead.  In
        `folder` stands its socket; without one it opens a port.
        """
        self._binary = binary
        self._first = ("--init", genesis) if state is None else ("--load-state", state)
        self._flags = tuple(flags)
        self._folder = folder
        self._number = next(_NUMBERS)
        self._socket = f"chain-{os.getpid()}-{self._number}.ipc"
        #: of the socket, once it answers
        self._handle: int | None = None
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="anvil", daemon=True)
        self._child: subprocess.Popen[str] | None = None
        self._port: int | None = None
        self._failure: OSError | None = None
        #: why every account of this machine reaches it; None when only its parent does
        self.open_because: str | None = _NO_FOLDER if folder is None else None

    def start(self, *, timeout_seconds: float) -> str:
        """Starts it, gives its address; raises NotFound without a binary, else ChainUnavailable."""
        if not self._binary.is_file():
            raise NotFound(
                f"there is no anvil at {self._binary}",
                field="anvil",
                remedy="Run the installation step that fetches the embedded chain.",
                rule="the embedded chain is anvil, our own child",
            )
        deadline = time.monotonic() + timeout_seconds
        # The thread that starts the child reads its output until it ends: it must outlive it.
        self._keeper.start()
        listening = self._ready.wait(timeout_seconds)
        if self._port is None or not self._answers(deadline):
            self.stop()
            words = self.last_words() if listening else f"silent for {timeout_seconds} s"
            raise ChainUnavailable(
                f"anvil did not start: {words}",
                field="anvil",
                rule="the embedded chain is anvil, our own child",
                remedy="look at these words of it, and at the machine's memory and disk",
            )
        atexit.register(self.stop)
        return self._address()

    def _address(self) -> str:
        """Its port, or its socket by a handle of ours, which has no place in any folder.

        The number tells one child from the next, whose handle may have the same number again.
        """
        if self._handle is None:
            return f"http://127.0.0.1:{self._port}"
        return f"{SOCKET}/proc/self/fd/{self._handle}#{self._number}"

    def _answers(self, deadline: float) -> bool:
        """Whether it takes connections; it says that it listens a moment before its socket does.

        Once the socket is ours to open, its name goes: nobody else finds it, however long the
        folder's path is, and nothing is left of it when we are killed.
        """
        if self._folder is None or self.open_because is not None:
            return True
        path = self._folder / self._socket
        while time.monotonic() < deadline and not self._ended.is_set():
            with suppress(FileNotFoundError):
                self._handle = self._handle or os.open(path, os.O_PATH)
                if UnixSockets(Path(f"/proc/self/fd/{self._handle}"), most=1).is_open():
                    path.unlink()
                    return True
            time.sleep(_LOOK_SECONDS)
        return False

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
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

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
        self._make_folder()
        if sys.platform == "linux":
            name = "" if self._folder is None else self._socket
            child = [sys.executable, "-I", "-S", str(_CHILD), str(os.getpid()), name]
            command = [*child, *command]
        return subprocess.Popen(  # noqa: S603 - our own binary with our own arguments
            command,
            # Where the socket stands: its name alone is short enough, however long the path is.
            cwd=self._folder or "/",
            env={"HOME": os.devnull, "PATH": os.defpath, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=(first.fileno(),),
            start_new_session=True,
        )

    def _make_folder(self) -> None:
        """Where the socket is to stand; without one, the port stays."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_left_over(self._folder)
        except OSError as error:
            self.open_because = f"the folder run of the home cannot be written ({error.strerror})"
        else:
            self.open_because = None if sys.platform == "linux" else _ONLY_LINUX
        if self.open_because is not None:
            self._folder = None

    def _drain(self, child: subprocess.Popen[str], first: IO[bytes]) -> None:
        stream = child.stdout
        if stream is None:
            return
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                self._lines.append(line.strip())
                if self._folder is not None and line.startswith(_OPEN) and not self._port:
                    self.open_because = line.removeprefix(_OPEN).strip()
                match = None if self._port else _READY.search(line)
                if match is not None:
                    first.truncate(0)  # it was read, and the child keeps it open
                    self._port = int(match[1])
                    self._ready.set()


def _remove_left_over(folder: Path) -> None:
    """The sockets of processes that were killed before they held them."""
    for each in folder.glob("chain-*-*.ipc"):
        owner = each.name.split("-")[1]
        if owner.isdecimal() and not _lives(int(owner)):
            each.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
