"""Status → one screen of 80 by 24 for people, however much is wrong with the worker."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.visible import visible
from ledger.steps.answering.status import Status, WaitingOperation, WorkerState

#: how many stuck operations are shown, the oldest first
MOST_STUCK = 3
#: characters of a reason: two lines, and three of what the worker has to say and advises
_REASON = 126
_TROUBLE = 180
#: hexadecimal digits that tell a hash from the others; --json has all of it
_DIGITS = 12
_LONG_HEX = re.compile(r"\b0x[0-9a-fA-F]{44,}\b")

_S = OperationState
#: how a word stands, as a style; the word says it, the colour repeats it
_GOOD, _WAITS, _BAD = "green", "yellow", "bold red"
_STATES = {
    _S.OWED: _WAITS,
    _S.SENT: _WAITS,
    _S.MINED: _WAITS,
    _S.FINAL: _GOOD,
    _S.REFUSED: _BAD,
    _S.STUCK: _BAD,
}
#: shown also when nothing is there
_ALWAYS_SHOWN = frozenset({_S.OWED, _S.FINAL, _S.REFUSED, _S.STUCK})
_WORKER = {
    WorkerState.STARTS: ("starts", _WAITS),
    WorkerState.RUNS: ("runs", _GOOD),
    WorkerState.SILENT: ("runs and is silent", _WAITS),
    WorkerState.WAITS: ("runs and cannot go on", _BAD),
    WorkerState.HALTED: ("halted, needs a person", _BAD),
    WorkerState.VANISHED: ("was killed, or can write nothing", _BAD),
    WorkerState.STOPPED: ("does not run", _BAD),
}
_UNITS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def screen(now: Status) -> Iterator[RenderableType]:
    """What to print, one beneath the other."""
    table = Table.grid(padding=(0, 1))
    table.add_column(style="bold", width=13)
    table.add_column(overflow="fold")
    for name, words in _lines(now):
        table.add_row(name, words)
    yield table
    if now.stuck:
        yield from _stuck(now)


def _lines(now: Status) -> Iterator[tuple[str, Text]]:
    if now.fingerprint is None:
        yield "deployment", Text("none yet: steriledger up makes it", _WAITS)
    else:
        chain = f"on chain {now.chain_id}, finality {now.finality}"
        yield "deployment", Text(f"{short(now.fingerprint)} {chain}")
    if now.clock is not None:
        yield "clock", Text(shortened(now.clock.reason, _REASON), _BAD)
        yield "what to do", Text(visible(now.clock.remedy or ""), _BAD)
    yield from _worker_lines(now)
    if now.chain is not None:
        head = now.head_age_seconds
        old = "dated ahead of this clock" if head is None else f"{age(head)} old"
        yield "chain head", Text(f"block {now.chain.height}, {old}")
        if now.chain.asked is not None:
            yield "asks", Text(now.chain.asked, _WAITS if now.chain.passed_over else _GOOD)
            for name, why in now.chain.passed_over.items():
                yield "", Text(shortened(f"not {name}: {why}", _REASON), _WAITS)
        words = f"block {now.chain.indexed}, {now.lag} final blocks behind"
        yield "follower", Text(words, _WAITS if now.lag else _GOOD)
        if now.chain.open_because is not None:
            why = f"every account of this machine reaches it: {now.chain.open_because}"
            yield "chain", Text(shortened(why, _REASON), _WAITS)
    yield (
        "operations",
        Text(", ").join(
            Text(f"{count} {state.value}", _STATES.get(state, "") if count else "")
            for state, count in now.counts.items()
            if count or state in _ALWAYS_SHOWN
        ),
    )
    oldest = now.oldest_owed
    yield "oldest owed", Text("nothing is owed") if oldest is None else _waiting(oldest, _WAITS)
    held = ", ".join(f"{who.name.lower()} {count}" for who, count in now.custody.items() if count)
    yield "keys held by", Text(held or "nobody yet")


def _worker_lines(now: Status) -> Iterator[tuple[str, Text]]:
    words, style = _WORKER[now.worker]
    trouble = now.halted if now.worker is WorkerState.HALTED else now.waits or now.halted
    if now.worker is WorkerState.RUNS and trouble is not None:
        style = _WAITS
    reason = "" if trouble is None else f": {shortened(trouble.reason, _TROUBLE)}"
    yield "worker", Text(words + _worker_times(now) + reason, style)
    if trouble is not None and trouble.remedy is not None:
        yield "what to do", Text(shortened(trouble.remedy, _TROUBLE), style)


def _worker_times(now: Status) -> str:
    """Since when it waits, or when it was last seen."""
    seen = ", last seen ahead of this clock"
    if now.heartbeat_age_seconds is not None:
        seen = f", last seen {age(now.heartbeat_age_seconds)} ago"
    if now.worker is WorkerState.HALTED:
        return ""
    if not now.has_been_seen:
        return "" if now.lease is not None else ", and none ran here yet"
    if now.worker in {WorkerState.STOPPED, WorkerState.VANISHED}:
        return seen if now.waits is None else f"{seen}, waited"
    if now.waits is not None:
        return f", waits {age(max(int((now.at - now.waits.since).total_seconds()), 0))}"
    if now.worker is WorkerState.STARTS:
        return "" if now.halted is None else " after one halted"
    return seen


def _stuck(now: Status) -> Iterator[RenderableType]:
    """Some of the oldest, and the commands, each on a line that can be copied whole."""
    count = now.counts[_S.STUCK]
    verb = "needs" if count == 1 else "need"
    yield Text(f"\nStuck: {count} {verb} a person, the oldest first", "bold")
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    for each in now.stuck[:MOST_STUCK]:
        table.add_row("", _waiting(each, _BAD))
    yield table
    if count > MOST_STUCK:
        more = count - MOST_STUCK
        yield Text(f"… and {more} more: steriledger operation list --state stuck")
    yield Text("The whole reason:  steriledger operation show DIGEST")
    yield Text("Then:  steriledger operation retry DIGEST  or  refuse DIGEST --reason WHY")


def _waiting(operation: WaitingOperation, style: str) -> Text:
    """An operation, how long it waits, and what for."""
    seconds = operation.waited_seconds
    waits = "is dated ahead of this clock" if seconds is None else f"waits {age(seconds)}"
    why = "" if operation.reason is None else f": {operation.reason}"
    words = f" {operation.kind}, {waits}{why}"
    return Text.assemble((short(operation.digest), style), shortened(words, _REASON))


# ---------------------------------------------------------------- words


def short(digest: bytes) -> str:
    """Enough of a digest to tell it from the others; --json has all of it."""
    return "0x" + digest.hex()[:_DIGITS]


def shortened(words: str, most: int | None = None) -> str:
    """The words, visible, with every hash cut to what tells it from others, and at most so many."""
    cut = _LONG_HEX.sub(lambda found: found[0][: 2 + _DIGITS] + "…", visible(words))
    return cut if most is None or len(cut) <= most else cut[: most - 1].rstrip() + "…"


def age(seconds: int) -> str:
    """Seconds in the two largest units that they fill."""
    for size, unit, smaller, name in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // smaller} {name}"
    return f"{seconds} s"
