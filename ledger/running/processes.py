"""The processes of one instance: started, watched, started again, and stopped together.

Each child holds one end of a pipe as its input, so that it sees when the process that started it is
gone, however that ended; it writes a file when it is ready, and prints why it ended.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import IO, Self

from ledger.domain import errors
from ledger.domain.errors import (
    ChainUnavailable,
    Conflict,
    Inconsistent,
    SteriLedgerError,
    StorageUnavailable,
)

#: The exit code of a process that found an inconsistency: starting it again would not help.
NEEDS_A_PERSON = 70
#: the event of the line with which a service says why it ended
ENDED = "ended"
#: more than the API gives to requests under way
_STOP_SECONDS = 25.0
_LOOK_SECONDS = 0.05
#: before a child that ended is started again; twice as long each time, until one is ready
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 30.0
#: a log that is longer than this when an instance starts is put aside
LONGEST_LOG_BYTES = 10 * 1024 * 1024
#: as much as we read of what a child printed
_MOST_PRINTED_BYTES = 65536
#: set for a child of ours
_SUPERVISED = "STERILEDGER_SUPERVISED"


@dataclass(kw_only=True)
class _Child:
    name: str
    #: the command of `steriledger` that it runs
    command: str
    #: what it writes when it is ready
    ready_file: Path
    process: subprocess.Popen[bytes]
    #: what it printed, a line each: what it waits for before it is ready, in the end why it ended
    printed: IO[bytes]
    #: the last of what it waits for that was passed on
    told: str = ""
    #: whether it is still to be said that it is ready
    is_awaited: bool = True
    pause_seconds: float = _FIRST_PAUSE_SECONDS
    #: when it is started again; None while it lives
    next_start: float | None = None


@dataclass(kw_only=True)
class Instance:
    """One home's worker and API, as children of this process."""

    home: Path
    #: environment of the children
    environment: Mapping[str, str]
    log: Path
    #: told in words what happens to the children
    tell: Callable[[str], None]
    _children: dict[str, _Child] = field(default_factory=dict)
    _lock: int | None = None

    def __enter__(self) -> Self:
        """Take the home for this process.

        Raises Conflict when another one runs it, StorageUnavailable when it cannot be written.
        """
        run = self.home / "run"
        try:
            # `parents` would give the home itself the mode that anybody can read
            for folder in (self.home, run):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageUnavailable(
                f"{self.home} cannot be written: {error.strerror}",
                field="home",
                rule="all state of an instance lies under its home",
                remedy="make it writable for whoever runs this, and start again",
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise Conflict(
                f"{self.home} is running already",
                field="home",
                rule="one instance per home",
                remedy="stop the other one, or choose another home: --home",
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the children, the last started first, and give the home back."""
        for child in reversed(self._children.values()):
            child.process.terminate()
            try:
                child.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            child.ready_file.unlink(missing_ok=True)
            child.printed.close()
            if child.process.stdin is not None:
                child.process.stdin.close()
        if self._lock is not None:
            os.close(self._lock)

    def start(self, name: str, command: str, *, ready_file: str) -> None:
        """Start `steriledger <command>` and keep it running."""
        path = self.home / "run" / ready_file
        process, printed = self._spawn(command, path)
        self._children[name] = _Child(
            name=name, command=command, ready_file=path, process=process, printed=printed
        )

    def wait_ready(self, name: str, *, seconds: float, stop: Event) -> Mapping[str, object] | None:
        """What the child wrote when it was ready; None when it takes longer or `stop` is set.

        One that says what it waits for is given all the time that takes.  Raises what ended it,
        when it ended.
        """
        child = self._children[name]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stop.is_set():
            ready = _read_ready(child)
            if ready is not None:
                child.is_awaited = False
                return ready
            code = child.process.poll()
            if code is not None:
                raise _error_of(child, code, self.log)
            if self._tell_wait(child):
                deadline = math.inf
            stop.wait(_LOOK_SECONDS)
        return None

    def watch(self, stop: Event) -> None:
        """Keep the children running until `stop`; raises Inconsistent when one needs a person."""
        while not stop.wait(_LOOK_SECONDS):
            for child in self._children.values():
                if child.next_start is not None:
                    self._start_again(child, child.next_start)
                elif child.process.poll() is not None:
                    self._meet_end(child, child.process.returncode)
                elif child.is_awaited:
                    self._tell_wait(child)
                    self._tell_ready(child)

    def _meet_end(self, child: _Child, code: int) -> None:
        error = _error_of(child, code, self.log)
        if code == NEEDS_A_PERSON:
            raise error
        sentence = error.what[:1].upper() + error.what[1:].rstrip(".")
        self.tell(f"{sentence}. It starts again in {child.pause_seconds:.1f} s.")
        child.next_start = time.monotonic() + child.pause_seconds
        child.pause_seconds = min(2 * child.pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _start_again(self, child: _Child, at: float) -> None:
        if time.monotonic() >= at:
            child.process, child.printed = self._spawn(child.command, child.ready_file)
            child.next_start, child.is_awaited, child.told = None, True, ""

    def _tell_wait(self, child: _Child) -> bool:
        """Pass on what one that is not ready waits for; whether there is news of that."""
        said = _last_said(child).get("waits", "")
        if said in {"", child.told}:
            return False
        child.told = said
        self.tell(f"The {child.name} waits: {said}")
        return True

    def _tell_ready(self, child: _Child) -> None:
        """Say it when one is ready at last, or again, since its address may be another."""
        ready = _read_ready(child)
        if ready is not None:
            child.is_awaited, child.pause_seconds = False, _FIRST_PAUSE_SECONDS
            self.tell(f"The {child.name} is ready: {ready.get('url') or ready.get('rpc')}")

    def _spawn(self, command: str, ready_file: Path) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        ready_file.unlink(missing_ok=True)
        printed = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "ledger", command, "--home", str(self.home)],
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=log,
                env={**self.environment, _SUPERVISED: "1"},
            )
        return process, printed


def rotate_log(file: Path) -> bool:
    """Put a long log aside as FILE.1, in place of an older one; whether it was long enough.

    Only while nobody writes to it.
    """
    if not file.is_file() or file.stat().st_size <= LONGEST_LOG_BYTES:
        return False
    file.replace(file.with_name(f"{file.name}.1"))
    return True


def _read_ready(child: _Child) -> Mapping[str, object] | None:
    with suppress(OSError, ValueError):
        ready: Mapping[str, object] = json.loads(child.ready_file.read_text("utf-8"))
        return ready
    return None


def _error_of(child: _Child, code: int, log: Path) -> SteriLedgerError:
    """What ended a process, in the words that it printed last, or in those of its exit code."""
    look = f"read {log}"
    said = _last_said(child)
    if "what" not in said:
        kind = Inconsistent if code == NEEDS_A_PERSON else ChainUnavailable
        how = f"ended with code {code}" if code >= 0 else f"was ended by {_signal_name(-code)}"
        return kind(f"the {child.name} {how}", remedy=look)
    kind = getattr(errors, said.get("kind", ""), ChainUnavailable)
    remedy = said.get("remedy")
    return kind(
        f"the {child.name} ended: {said['what']}",
        field=said.get("field"),
        rule=said.get("rule"),
        remedy=look if remedy is None else f"{remedy} ({look})",
    )


def _last_said(child: _Child) -> Mapping[str, str]:
    """The last line that it printed; nothing when it printed none, or has not finished it."""
    # Its place in the file is ours too: reading from where we like must not move it.
    printed = os.pread(child.printed.fileno(), _MOST_PRINTED_BYTES, 0)
    with suppress(ValueError, IndexError):
        said = json.loads(printed.splitlines()[-1])
        if isinstance(said, dict):
            return said
    return {}


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


# ---------------------------------------------------------------- in the process that was started


def is_child() -> bool:
    """Whether `up` started this process; false for one that a person started."""
    return _SUPERVISED in os.environ


def end_with_parent() -> None:
    """End this process when the one that started it is gone: that closes our input.

    Asked to stop first; what does not stop in time is killed.
    """

    def watch() -> None:
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_STOP_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    if is_child():
        threading.Thread(target=watch, name="parent", daemon=True).start()


def write_ready(file: Path, content: Mapping[str, object]) -> None:
    """Tell whoever waits that we are ready; whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(json.dumps({"pid": os.getpid(), **content}), "utf-8")
    draft.replace(file)
