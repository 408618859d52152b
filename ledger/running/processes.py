"""The processes of one instance: started, watched, started again, and stopped together."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

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
_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 30.0
#: who ran so long is started again at once
_LONG_RUN_SECONDS = 60.0
_ORPHAN_SECONDS = 1.0
#: a log that is longer than this when an instance starts is put aside
LONGEST_LOG_BYTES = 10 * 1024 * 1024
#: how much of its end is looked through for a process's last words
_LAST_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1
#: names the process that started this one
_PARENT = "STERILEDGER_PARENT"


@dataclass(kw_only=True)
class _Child:
    name: str
    arguments: Sequence[str]
    #: what it writes when it is ready
    ready_file: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    started_at: float = 0.0
    next_start: float = 0.0
    #: bytes of the log that are older than this process
    log_start: int = 0
    #: whether it is to be told when it says that it is ready
    is_awaited: bool = False


@dataclass(kw_only=True)
class Instance:
    """One home's worker and API, as children of this process."""

    home: Path
    #: environment of the children
    environment: Mapping[str, str]
    log: Path
    #: told in words what happens to the children
    tell: Callable[[str], None]
    _children: list[_Child] = field(default_factory=list)
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
            self._lock = None
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
        """Stop the children and give the home back."""
        self.stop()
        if self._lock is not None:
            os.close(self._lock)

    def start(self, name: str, *arguments: str, ready_file: str) -> None:
        """Start `steriledger <arguments>` and keep it running."""
        path = self.home / "run" / ready_file
        child = _Child(name=name, arguments=arguments, ready_file=path)
        self._children.append(child)
        self._spawn(child)

    def wait_ready(self, name: str, *, seconds: float) -> Mapping[str, object]:
        """What the child wrote when it was ready; raises when it ended or takes longer."""
        answer = self.find_ready(name, seconds=seconds, stop=Event())
        if answer is None:
            raise ChainUnavailable(
                f"the {name} was not ready after {seconds:.0f} s", remedy=f"look into {self.log}"
            )
        return answer

    def find_ready(self, name: str, *, seconds: float, stop: Event) -> Mapping[str, object] | None:
        """The same, or None when it takes longer or `stop` is set; told once it is ready then."""
        child = next(each for each in self._children if each.name == name)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stop.is_set():
            with suppress(OSError, ValueError):
                answer: Mapping[str, object] = json.loads(child.ready_file.read_text("utf-8"))
                return answer
            code = None if child.process is None else child.process.poll()
            if code is not None:
                raise _error_of(child, code, self.log)
            stop.wait(_PAUSE_SECONDS)
        child.is_awaited = True
        return None

    def watch(self, stop: Event) -> None:
        """Keep the children running until `stop`; raises Inconsistent when one needs a person."""
        while not stop.wait(0.2):
            for child in self._children:
                self._revive(child)

    def stop(self) -> None:
        """End every child, the last started first."""
        for child in reversed(self._children):
            process = child.process
            if process is None or process.poll() is not None:
                continue
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            child.ready_file.unlink(missing_ok=True)

    def _revive(self, child: _Child) -> None:
        process = child.process
        if process is None:
            if time.monotonic() >= child.next_start:
                child.is_awaited = True
                self._spawn(child)
            return
        code = process.poll()
        if code is None:
            self._tell_ready(child)
            return
        error = _error_of(child, code, self.log)
        if code == NEEDS_A_PERSON:
            raise error
        if time.monotonic() - child.started_at > _LONG_RUN_SECONDS:
            child.starts = 0
        pause = min(_LONGEST_PAUSE_SECONDS, 0.1 * 2 ** min(child.starts, 10))
        self.tell(f"{_sentence(error.what)} It starts again in {pause:.1f} s.")
        child.process, child.next_start = None, time.monotonic() + pause

    def _tell_ready(self, child: _Child) -> None:
        """Say it when one is ready at last, or again, since its address may be another."""
        if not child.is_awaited:
            return
        with suppress(OSError, ValueError):
            ready = json.loads(child.ready_file.read_text("utf-8"))
            child.is_awaited = False
            address = ready.get("url") or ready.get("rpc")
            again = "ready" if child.starts == 1 else "ready again"
            self.tell(f"The {child.name} is {again}: {address}")

    def _spawn(self, child: _Child) -> None:
        child.starts += 1
        child.started_at = time.monotonic()
        child.ready_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            child.log_start = log.tell()
            child.process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "ledger", *child.arguments, "--home", str(self.home)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self.environment, _PARENT: str(os.getpid())},
            )


def rotate_log(file: Path) -> bool:
    """Put a long log aside as FILE.1, in place of an older one; whether it was long enough.

    Only while nobody writes to it.
    """
    if not file.is_file() or file.stat().st_size <= LONGEST_LOG_BYTES:
        return False
    file.replace(file.with_name(f"{file.name}.1"))
    return True


# ---------------------------------------------------------------- why a process ended


def _error_of(child: _Child, code: int, log: Path) -> SteriLedgerError:
    """What ended a process, in the words with which it ended, or in those of its exit code."""
    look = f"read {log}"
    said = _last_line(child, log)
    if said is None:
        kind = Inconsistent if code == NEEDS_A_PERSON else ChainUnavailable
        return kind(f"the {child.name} {_how(code)}", remedy=look)
    kind = getattr(errors, str(said.get("kind")), ChainUnavailable)
    remedy = said.get("remedy")
    return kind(
        f"the {child.name} ended: {said.get('what')}",
        field=said.get("field"),
        rule=said.get("rule"),
        remedy=look if remedy is None else f"{remedy} ({look})",
    )


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def _last_line(child: _Child, log: Path) -> dict[str, str] | None:
    """The line with which this very process said why it ended, if it did."""
    with suppress(OSError), log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(child.log_start, size - _LAST_BYTES))
        for line in reversed(file.read().splitlines()):
            with suppress(ValueError):
                said = json.loads(line)
                if said.get("event") == ENDED and said.get("process") == child.arguments[0]:
                    return dict(said)
    return None


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."


# ---------------------------------------------------------------- in the process that was started


def die_with_parent() -> None:
    """End this process soon after the one that started it, however that one ended.

    On Linux the kernel says so at once; elsewhere, and besides, a thread looks every second.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if is_orphan():
        sys.exit(1)
    end_when_orphaned()


def end_when_orphaned(*, seconds: float = _ORPHAN_SECONDS) -> None:
    """Look every so often whether whoever started this process is gone, and then end it.

    Asked to stop first; what does not stop in time is killed.
    """

    def watch() -> None:
        while not is_orphan():
            time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_STOP_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def is_child() -> bool:
    """Whether `up` started this process; false for one that a person started."""
    return _PARENT in os.environ


def is_orphan() -> bool:
    """Whether the process that started us is gone; false for one that a person started."""
    return is_child() and str(os.getppid()) != os.environ[_PARENT]


def write_ready(file: Path, content: Mapping[str, object]) -> None:
    """Tell whoever waits that we are ready; whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(json.dumps({"pid": os.getpid(), **content}), "utf-8")
    draft.replace(file)
