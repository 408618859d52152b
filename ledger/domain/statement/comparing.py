"""Two accounts of one month → where they first differ, and the event that one of them lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.domain.encoding.hashing import sha256

_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first place at which two accounts differ."""

    #: `lines[3].amount`
    path: str
    computed: object
    given: object
    #: the place in `lines` where it is one that was computed; None elsewhere
    line: int | None = None
    #: the hash of its events in the line that was given; empty where there is none
    trace: str = ""


def find_difference(computed: Mapping[str, Any], given: Mapping[str, Any]) -> Difference | None:
    """The first one; lines are compared before what is summed up of them.  None: there is none."""
    for path, ours, theirs in _differences("lines", computed.get("lines"), given.get("lines")):
        number = path.removeprefix("lines[").partition("]")[0]
        place = int(number) if number.isdigit() else len(computed["lines"])
        line = place if place < len(computed["lines"]) else None
        return Difference(
            path=path, computed=ours, given=theirs, line=line, trace=_trace(given, place)
        )
    for path, ours, theirs in _differences("", computed, given):
        return Difference(path=path, computed=ours, given=theirs)
    return None


def _trace(given: Mapping[str, Any], place: int) -> str:
    lines = given.get("lines")
    line = lines[place] if isinstance(lines, list) and place < len(lines) else None
    return str(line.get("trace")) if isinstance(line, dict) else ""


def _differences(path: str, ours: Any, theirs: Any) -> Iterator[tuple[str, object, object]]:  # noqa: ANN401 - JSON
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in sorted({*ours, *theirs}):
            below = f"{path}.{name}" if path else name
            yield from _differences(below, ours.get(name, _ABSENT), theirs.get(name, _ABSENT))
    elif isinstance(ours, list) and isinstance(theirs, list):
        for place, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from _differences(f"{path}[{place}]", one, other)
        if len(ours) != len(theirs):
            place = min(len(ours), len(theirs))
            one, other = (each[place] if place < len(each) else _ABSENT for each in (ours, theirs))
            yield f"{path}[{place}]", _shown(one), _shown(other)
    elif ours != theirs or type(ours) is not type(theirs):
        yield path, _shown(ours), _shown(theirs)


def _shown(value: object) -> object:
    return "not there" if value is _ABSENT else value


def find_missing(digests: Sequence[bytes], trace: str) -> bytes | None:
    """The first event of a line that an account with this trace lacks.

    `digests` are the line's events in chain order.  None where it has another one in between, and
    so is about other events altogether.
    """
    for count in range(len(digests)):
        if sha256(b"".join(digests[:count])).hex() == trace:
            return digests[count]
    return None
