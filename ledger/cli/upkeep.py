"""Whether all is well: status, audit, rebuild."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from ledger.cli.chains import reading_chain
from ledger.cli.failing import DOES_NOT_HOLD
from ledger.cli.maintaining import existing
from ledger.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from ledger.cli.printing import answer, console, print_pairs, print_table, say
from ledger.domain.operation_states import OperationState

if TYPE_CHECKING:
    from ledger.steps.status import ChainStatus, Status


def status(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Show how the chain, the outbox and the index stand, in one screen.

    Exit code 1: something is stuck, or the worker cannot go on.
    """
    from ledger.steps.status import status as read_status

    with existing(home) as instance:
        now = read_status(instance)
    answer(asdict(now), as_json=as_json, human=lambda: _print_status(now))
    if now.stuck or (now.chain is not None and now.chain.halted is not None):
        raise typer.Exit(DOES_NOT_HOLD)


def _print_status(now: Status) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for line in _lines(now):
        table.add_row(line.name, Text(line.words, style=_STYLES[line.mood]))
    console().print(table)
    if now.stuck:
        _print_stuck(now)


def _print_stuck(now: Status) -> None:
    count = now.counts[OperationState.STUCK]
    shown = now.stuck[:_MOST_STUCK]
    say("")
    say(f"Stuck: {count} {'needs' if count == 1 else 'need'} a person")
    print_table(
        ["digest", "kind", "waits", "why"],
        [[_short(s.digest), s.kind, _age(s.waited_seconds), s.reason] for s in shown],
    )
    if count > len(shown):
        say(f"… and {count - len(shown)} more: steriledger operation list --state stuck")
    say("See one:   steriledger operation show DIGEST")
    say("Then:      steriledger operation retry DIGEST")
    say("or:        steriledger operation refuse DIGEST --reason WHY")


class _Mood(StrEnum):
    PLAIN = "plain"
    GOOD = "good"
    WAITS = "waits"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the status; the words say it, the colour repeats it."""

    name: str
    words: str
    mood: _Mood = _Mood.PLAIN


def _lines(now: Status) -> Iterator[_Line]:
    if now.fingerprint is None:
        yield _Line("deployment", "none yet: steriledger up makes it", _Mood.WAITS)
    else:
        yield _Line("deployment", f"{_short(now.fingerprint)} on chain {now.chain_id}")
    if now.chain is None:
        yield _Line("worker", "never ran here", _Mood.WAITS)
    else:
        yield _worker_line(now, now.chain)
        yield _Line("chain head", f"block {now.chain.height}, {_age(now.head_age_seconds)} old")
        yield _follower_line(now, now.chain)
    yield _Line("finality", now.finality)
    for state, count in now.counts.items():
        if count or state in _ALWAYS_SHOWN:
            yield _Line(state.value, str(count), _mood_of(state, count))
    yield _oldest_line(now)
    held = ", ".join(f"{who.name.lower()} {count}" for who, count in now.custody.items() if count)
    yield _Line("keys held by", held or "nobody yet")


def _worker_line(now: Status, chain: ChainStatus) -> _Line:
    if chain.halted is not None and now.lease is None:
        return _Line("worker", f"halted, needs a person: {chain.halted}", _Mood.BAD)
    if chain.halted is not None:
        return _Line("worker", f"runs and cannot go on: {chain.halted}", _Mood.BAD)
    seen = f"last seen {_age(now.heartbeat_age_seconds)} ago"
    if now.lease is None:
        return _Line("worker", f"does not run, {seen}", _Mood.BAD)
    if (now.heartbeat_age_seconds or 0) > _SILENT_SECONDS:
        return _Line("worker", f"runs and is silent, {seen}", _Mood.WAITS)
    return _Line("worker", f"runs, {seen}", _Mood.GOOD)


def _follower_line(now: Status, chain: ChainStatus) -> _Line:
    words = f"block {chain.indexed}, {now.lag} final blocks behind"
    return _Line("follower", words, _Mood.WAITS if now.lag else _Mood.GOOD)


def _mood_of(state: OperationState, count: int) -> _Mood:
    return _MOODS.get(state, _Mood.PLAIN) if count else _Mood.PLAIN


def _oldest_line(now: Status) -> _Line:
    oldest = now.oldest_owed
    if oldest is None:
        return _Line("oldest owed", "nothing is owed")
    why = "" if oldest.reason is None else f": {oldest.reason}"
    waits = f"{oldest.kind} {_short(oldest.digest)} waits {_age(oldest.waited_seconds)}{why}"
    return _Line("oldest owed", waits, _Mood.WAITS)


def _short(digest: bytes) -> str:
    """Enough of a digest to tell it from the others; --json has all of it."""
    return "0x" + digest.hex()[:12]


def _age(seconds: int | None) -> str:
    """Seconds in the two largest units that they fill."""
    if seconds is None:
        return "unknown"
    for size, unit, smaller, name in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // smaller} {name}"
    return f"{seconds} s"


_UNITS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
#: a worker that did not say for so long that it lives is worth a look
_SILENT_SECONDS = 60
#: how many stuck operations fit beneath the rest of the screen
_MOST_STUCK = 5
_ALWAYS_SHOWN = frozenset(
    {OperationState.OWED, OperationState.FINAL, OperationState.REFUSED, OperationState.STUCK}
)
_STYLES = {_Mood.PLAIN: "", _Mood.GOOD: "green", _Mood.WAITS: "yellow", _Mood.BAD: "bold red"}
_MOODS = {
    OperationState.OWED: _Mood.WAITS,
    OperationState.SENT: _Mood.WAITS,
    OperationState.MINED: _Mood.WAITS,
    OperationState.FINAL: _Mood.GOOD,
    OperationState.REFUSED: _Mood.BAD,
    OperationState.STUCK: _Mood.BAD,
}


def audit(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Compare records, index, chain and running heads, both ways, and name every difference.

    Exit code 1: something differs.
    """
    from ledger.steps.audit import audit as run_audit

    with existing(home) as instance, reading_chain(instance, whole_journal=True) as node:
        report = run_audit(instance, node)

    def human() -> None:
        for line in report.lines():
            say(line)

    answer(report.to_plain(), as_json=as_json, human=human)
    if report.difference_count:
        raise typer.Exit(DOES_NOT_HOLD)


def rebuild(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Drop the index and build it again from the chain: the rows come out identical."""
    from ledger.steps.rebuild import rebuild as run_rebuild

    with existing(home) as instance, reading_chain(instance, whole_journal=True) as node:
        report = run_rebuild(instance, node)
    answer(
        asdict(report),
        as_json=as_json,
        human=lambda: print_pairs((k.replace("_", " "), v) for k, v in asdict(report).items()),
    )
