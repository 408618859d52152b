"""Log lines: an event name and fields; JSON unless a person watches.

The services write to their error stream, which `up` turns into the file run/log under the home; a
single command appends to the same file, so that an operation's digest finds every line about it.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from ledger.domain.visible import visible, visible_json

_FIRST = ("timestamp", "level", "process", "logger", "event", "request_id", "digest")
_state: dict[str, bool] = {}


def configure_logs(level: str, *, process: str) -> None:
    """Say once how this service logs; `level` is debug, info, warning or error."""
    _configure(level, process=process, write=_to_stderr, is_watched=sys.stderr.isatty())
    # Warnings and errors of libraries become lines like ours.
    logging.captureWarnings(capture=True)
    logging.basicConfig(level=logging.WARNING, handlers=[_Foreign()], force=True)
    _state["is_service"] = True


def log_to_file(level: str, file: Path) -> None:
    """Let a single command append its lines to a file; in a service this changes nothing."""
    if "is_service" not in _state:
        _configure(level, process="command", write=_appender(file), is_watched=False)


def _configure(level: str, *, process: str, write: Callable[[str], None], is_watched: bool) -> None:
    def name(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    shown: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if is_watched
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            name,
            structlog.stdlib.add_logger_name,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _order,
            *([_visible_values] if is_watched else []),
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=lambda *names: _Lines(str(names[0]) if names else "", write),
        cache_logger_on_first_use=False,
    )


class _Lines:
    """Writes each line in one piece, so that two processes never mix theirs."""

    def __init__(self, name: str, write: Callable[[str], None]) -> None:
        self.name = name
        self._write = write

    def msg(self, line: str) -> None:
        """Write one line, whatever its level."""
        self._write(line + "\n")

    debug = info = warning = error = critical = msg


def _to_stderr(text: str) -> None:
    # A log that cannot be written, as on a full disk, stops nothing.
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _appender(file: Path) -> Callable[[str], None]:
    def append(text: str) -> None:
        with suppress(OSError):  # for the same reason
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as lines:
                lines.write(text)

    return append


def _to_json(event: object, **_: object) -> str:
    return visible_json(json.dumps(event, ensure_ascii=False, default=str))


def _visible_values(
    _: object, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """For the eyes of whoever watches; the lines of an exception stay lines."""
    return {
        name: "\n".join(map(visible, str(value).split("\n")))
        if name == "exception"
        else visible(str(value))
        for name, value in event.items()
    }


def _order(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    first = {name: event[name] for name in _FIRST if name in event}
    return {**first, **event}


class _Foreign(logging.Handler):
    """What libraries say, in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        structlog.get_logger(record.name).log(
            record.levelno, record.getMessage(), exc_info=record.exc_info
        )
