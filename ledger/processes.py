"""The processes of one instance: started, watched, started again, and stopped together."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from ledger.domain.errors import ChainUnavailable, Conflict, Inconsistent

#: The exit code of a process that found an inconsistency: starting it again would not help.
NEEDS_A_PERSON = 70
_STOP_SECONDS = 10.0
_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1


@dataclass(kw_only=True)
class _Child:
    name: str
    arguments: Sequence[str]
    #: what it writes when it is ready
    ready_file: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    next_start: float = 0.0


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
        """Take the home for this process; raises Conflict when another one runs it."""
        run = self.home / "run"
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
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
        path.unlink(missing_ok=True)
        child = _Child(name=name, arguments=arguments, ready_file=path)
        self._children.append(child)
        self._spawn(child)

    def wait_ready(self, name: str, *, seconds: float) -> Mapping[str, object]:
        """What the child wrote when it was ready; raises when it ended or takes longer."""
        child = next(each for each in self._children if each.name == name)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(OSError, ValueError):
                answer: Mapping[str, object] = json.loads(child.ready_file.read_text("utf-8"))
                return answer
            code = None if child.process is None else child.process.poll()
            if code is not None:
                raise _ended(child, code, self.log)
            time.sleep(_PAUSE_SECONDS)
        raise ChainUnavailable(
            f"the {name} was not ready after {seconds:.0f} s", remedy=f"look into {self.log}"
        )

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
        if process is not None:
            code = process.poll()
            if code is None:
                return
            if code == NEEDS_A_PERSON:
                raise _ended(child, code, self.log)
            pause = min(_LONGEST_PAUSE_SECONDS, 0.1 * 2 ** min(child.starts, 10))
            self.tell(f"The {child.name} ended with code {code}; it starts again in {pause:.1f} s.")
            child.process, child.next_start = None, time.monotonic() + pause
        elif time.monotonic() >= child.next_start:
            self._spawn(child)

    def _spawn(self, child: _Child) -> None:
        child.starts += 1
        with self.log.open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "ledger", *child.arguments, "--home", str(self.home)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self.environment, "STERILEDGER_PARENT": str(os.getpid())},
            )


def _ended(child: _Child, code: int, log: Path) -> Inconsistent | ChainUnavailable:
    words = f"the {child.name} ended with code {code}: {_last_words(log)}"
    if code == NEEDS_A_PERSON:
        return Inconsistent(words, remedy=f"nothing is lost; read {log} before you start it again")
    return ChainUnavailable(words, remedy=f"look into {log}")


def _last_words(log: Path) -> str:
    with suppress(OSError):
        lines = log.read_text("utf-8", errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-3:])
    return "no log"


def die_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it dies (Linux only).

    Elsewhere an orphan ends at its next look at `is_orphan`.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if is_orphan():
        sys.exit(1)


def is_orphan() -> bool:
    """Whether the process that started us is gone; false for one that a person started."""
    parent = os.environ.get("STERILEDGER_PARENT")
    return parent is not None and os.getppid() != int(parent)


def write_ready(file: Path, content: Mapping[str, object]) -> None:
    """Tell whoever waits that we are ready; whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(json.dumps({"pid": os.getpid(), **content}), "utf-8")
    draft.replace(file)
