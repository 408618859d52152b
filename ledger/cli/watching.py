"""A folder that a logger writes into → its files imported, each when it has settled."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ledger.cli.incoming import Failures, batches, files_in
from ledger.cli.launching import stop_on_signals
from ledger.cli.printing import say
from ledger.domain.errors import NotFound, SteriLedgerError
from ledger.domain.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.cli.importing import Brought, Importer
    from ledger.steps.reading.imports import ImportOptions, ImportReport

#: seconds without a change after which a record that has no end gets none any more
_GIVEN_UP = 3600


class _State(NamedTuple):
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Watched:
    """What was seen of a folder's files."""

    #: as they were at the last look
    seen: dict[Path, _State] = field(default_factory=dict)
    #: as they were when they were imported
    done: dict[Path, _State] = field(default_factory=dict)
    #: those whose last cycle had no end then
    waiting: set[Path] = field(default_factory=set)

    def settled(self, paths: Iterable[Path], now: float) -> list[tuple[Path, bool]]:
        """The files to import now, and whether each may still grow.

        A file has settled when it is as it was at the last look; `now` in seconds.
        """
        states = {path: state for path in paths if (state := _state(path)) is not None}
        before, self.seen = self.seen, states
        found = []
        for path, state in states.items():
            is_growing = now - state.mtime_ns / 1e9 < _GIVEN_UP
            is_over = path in self.waiting and not is_growing
            if before.get(path) == state and (self.done.get(path) != state or is_over):
                found.append((path, is_growing))
        return found

    def finish(self, path: Path, *, is_waiting: bool) -> None:
        """A file was imported, or refused, as it was seen."""
        self.done[path] = self.seen[path]
        self.waiting.discard(path)
        if is_waiting:
            self.waiting.add(path)


def _state(path: Path) -> _State | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _State(found.st_size, found.st_mtime_ns)


def watch_folder(
    importer: Importer, folder: Path, options: ImportOptions, *, every: float, as_json: bool
) -> None:
    """Import what comes into a folder until a signal asks to stop.

    Each file when it has settled, and again when it has grown; what was recorded is known then.
    Raises NotFound for a folder that is not there at the start.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}", field="--watch")
    stop, watched, told = stop_on_signals(), Watched(), _Teller(as_json=as_json)
    told.tell({"watching": str(folder)}, f"watching {folder} every {every:g} s; Ctrl-C stops")
    while not stop.is_set():
        _look(importer, folder, options, watched, told, stop)
        stop.wait(every)
    told.tell({"stopped": str(folder)}, "stopped")


def _look(
    importer: Importer,
    folder: Path,
    options: ImportOptions,
    watched: Watched,
    told: _Teller,
    stop: threading.Event,
) -> None:
    failures: Failures = []
    try:
        settled = watched.settled(_files(folder, failures), time.time())
        for is_growing in (False, True):
            paths = [path for path, grows in settled if grows is is_growing]
            for batch in batches(paths):
                if stop.is_set():
                    return
                brought = importer.bring(batch, replace(options, is_growing=is_growing))
                told.tell_brought(brought)
                finish(watched, batch, brought, is_growing=is_growing)
        told.tell_once([f"{path}: not imported. {error}" for path, error in failures])
    except SteriLedgerError as error:
        # What is wrong with the folder or the database passes, or is told again when it changes.
        told.tell_once([str(error)])


def _files(folder: Path, failures: Failures) -> list[Path]:
    try:
        return files_in(folder, failures)
    except NotFound:
        if folder.is_dir():
            return []
        raise


def finish(watched: Watched, batch: list[Path], brought: Brought, *, is_growing: bool) -> None:
    """Note of each file of a batch whether it waits for the end of its newest cycle."""
    from ledger.steps.reading.imports import Import

    waiting = {
        report.filename
        for report in brought.reports
        if any(each.what is Import.WAITING for each in report.cycles)
    }
    for path in batch:
        # what does not grow any more waits for nothing, and is told once
        watched.finish(path, is_waiting=is_growing and visible(path.name) in waiting)


@dataclass(slots=True)
class _Teller:
    """Says what happens, a line each."""

    as_json: bool
    #: what was said of the folder last
    last: list[str] = field(default_factory=list)

    def tell(self, plain: dict[str, object], *lines: str) -> None:
        """The same for programs or for people."""
        now = datetime.now().astimezone()
        if self.as_json:
            say(json.dumps({"at": now.isoformat(timespec="seconds"), **plain}, ensure_ascii=False))
            return
        for line in lines:
            say(f"{now:%H:%M:%S} {line}")

    def tell_brought(self, brought: Brought) -> None:
        """What became of some files."""
        for report in brought.reports:
            self.tell(report.to_plain(), *_lines(report))
        for path, error in brought.failures:
            plain: dict[str, object] = {"file": str(path), "error": str(error)}
            self.tell(plain, f"{path.name}: not imported. {error}")

    def tell_once(self, lines: list[str]) -> None:
        """What goes on to be so, said when it changes."""
        if lines != self.last:
            for line in lines:
                self.tell({"error": line}, line)
        self.last = lines


def _lines(report: ImportReport) -> list[str]:
    counts = Counter(each.what.value for each in report.cycles)
    became = ", ".join(f"{count} {what}" for what, count in counts.items())
    said = [
        f"  {each.name}: {each.what.value}. {sentence}"
        for each in report.cycles
        for sentence in ((each.why,) if each.why else ()) + each.notes
    ]
    return [f"{report.filename}: {became}", *said]
