"""Status → one screen of 80 by 24 for people, however much is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Console
from rich.text import Text

from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.visible import visible
from ledger.steps.answering.status import ChainStatus, Status, WaitingOperation, WorkerState
from ledger.steps.answering.trouble import Trouble

#: lines of the screen, less the one that the shell then writes its prompt on
ROWS = 23
#: how many stuck operations are shown where there is room for them
MOST_STUCK = 5
_NAME_WIDTH = 14
_REASON_LINES = 2
_TROUBLE_LINES = 3
#: hexadecimal digits that tell a hash from the others; --json has all of it
_DIGITS = 12
_LONG_HEX = re.compile(r"\b0x[0-9a-fA-F]{44,}\b")


class _Mood(StrEnum):
    """How a word stands, as a style; the word says it, the colour repeats it."""

    PLAIN = ""
    GOOD = "green"
    WAITS = "yellow"
    BAD = "bold red"


@dataclass(frozen=True, slots=True)
class _Line:
    """One name, and words that fill at most so many lines."""

    name: str
    words: Text
    most: int = 1


def screen(now: Status, console: Console) -> list[Text]:
    """The lines to print: at most 23 on a screen that is at least 80 wide."""
    top = [each for line in _lines(now) for each in _folded(line, console)]
    return top if not now.stuck else [*top, *_stuck(now, console, room=ROWS - len(top))]


def _lines(now: Status) -> Iterator[_Line]:
    if now.fingerprint is None:
        yield _line("deployment", "none yet: steriledger up makes it", _Mood.WAITS)
    else:
        chain = f"on chain {now.chain_id}, finality {now.finality}"
        yield _line("deployment", f"{short(now.fingerprint)} {chain}")
    if now.clock is not None:
        yield _line("clock", now.clock.reason, _Mood.BAD, most=_REASON_LINES)
        yield _line("what to do", now.clock.remedy or "", _Mood.BAD, most=_REASON_LINES)
    yield from _worker_lines(now)
    if now.chain is not None:
        yield _line("chain head", f"block {now.chain.height}, {_old(now.head_age_seconds)}")
        if now.chain.asked is not None:
            yield _asked_line(now.chain)
        mood = _Mood.WAITS if now.lag else _Mood.GOOD
        yield _line("follower", f"block {now.chain.indexed}, {now.lag} final blocks behind", mood)
        if now.chain.open_because is not None:
            why = f"every account of this machine reaches it: {now.chain.open_because}"
            yield _line("chain", why, _Mood.WAITS, most=_REASON_LINES)
    yield _Line("operations", _counts(now), _REASON_LINES)
    yield _oldest_line(now)
    held = ", ".join(f"{who.name.lower()} {count}" for who, count in now.custody.items() if count)
    yield _line("keys held by", held or "nobody yet")


def _asked_line(chain: ChainStatus) -> _Line:
    """Which node of the group's chain is asked, and why others cannot be."""
    others = "".join(f"; not {name}: {why}" for name, why in chain.passed_over.items())
    mood = _Mood.WAITS if others else _Mood.GOOD
    return _line("asks", f"{chain.asked}{others}", mood, most=_REASON_LINES)


def _worker_lines(now: Status) -> Iterator[_Line]:
    words, mood = _WORKER[now.worker]
    trouble = now.halted if now.worker is WorkerState.HALTED else now.waits or now.halted
    if now.worker is WorkerState.RUNS and trouble is not None:
        mood = _Mood.WAITS
    reason = "" if trouble is None else f": {shortened(trouble.reason)}"
    yield _line("worker", words + _worker_times(now) + reason, mood, most=_TROUBLE_LINES)
    if trouble is not None and trouble.remedy is not None:
        yield _line("what to do", trouble.remedy, mood, most=_REASON_LINES)


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
        return f", waits {_since(now, now.waits)}"
    if now.worker is WorkerState.STARTS:
        return "" if now.halted is None else " after one halted"
    return seen


def _since(now: Status, trouble: Trouble) -> str:
    return age(max(int((now.at - trouble.since).total_seconds()), 0))


def _counts(now: Status) -> Text:
    """What stands where; the states that matter most also when nothing is there."""
    shown = [
        Text(f"{count} {state.value}", style=_MOODS.get(state, _Mood.PLAIN) if count else "")
        for state, count in now.counts.items()
        if count or state in _ALWAYS_SHOWN
    ]
    return Text(", ").join(shown)


def _oldest_line(now: Status) -> _Line:
    oldest = now.oldest_owed
    if oldest is None:
        return _line("oldest owed", "nothing is owed")
    why = "" if oldest.reason is None else f": {shortened(oldest.reason)}"
    words = f"{oldest.kind} {short(oldest.digest)} {_waits(oldest)}{why}"
    return _line("oldest owed", words, _Mood.WAITS, most=_REASON_LINES)


# ---------------------------------------------------------------- what is stuck


def _stuck(now: Status, console: Console, *, room: int) -> list[Text]:
    """As many of the oldest as fit beneath the rest; always one."""
    count = now.counts[OperationState.STUCK]
    verb = "needs" if count == 1 else "need"
    above = [Text(), Text(f"Stuck: {count} {verb} a person, the oldest first", style="bold")]
    # each on a line that holds its longest command, so that it can be copied whole
    below = [
        Text("The whole reason:  steriledger operation show DIGEST"),
        Text("Then:  steriledger operation retry DIGEST  or  refuse DIGEST --reason WHY"),
    ]
    room -= len(above) + len(below)
    blocks = [_block(each, console) for each in now.stuck[:MOST_STUCK]]
    fitting = _fitting(blocks, room, has_more=count > len(blocks))
    if not fitting:
        fitting = [blocks[0][: max(room - 1, 1)]]
    listed = [line for block in fitting for line in block]
    if count > len(fitting):
        more = f"… and {count - len(fitting)} more: steriledger operation list --state stuck"
        listed.append(Text(more))
    return [*above, *listed, *below]


def _block(stuck: WaitingOperation, console: Console) -> list[Text]:
    """A line that names it, then its reason."""
    head = Text(f"{short(stuck.digest)}  {stuck.kind}, {_waits(stuck)}")
    head.stylize(_Mood.BAD, 0, len(short(stuck.digest)))
    why = visible(shortened(stuck.reason or "no reason was kept"))
    reason = _cut(Text(why), console, 2, _REASON_LINES)
    return [head, *reason]


def _fitting(blocks: Sequence[list[Text]], room: int, *, has_more: bool) -> list[list[Text]]:
    """The first blocks that fit, with the line that says how many do not."""
    for number in range(len(blocks), 0, -1):
        lines = sum(map(len, blocks[:number]))
        if lines + (has_more or number < len(blocks)) <= room:
            return list(blocks[:number])
    return []


# ---------------------------------------------------------------- words and lines


def short(digest: bytes) -> str:
    """Enough of a digest to tell it from the others; --json has all of it."""
    return "0x" + digest.hex()[:_DIGITS]


def shortened(words: str) -> str:
    """The words with every hash cut to what tells it from the others."""
    return _LONG_HEX.sub(lambda found: found[0][: 2 + _DIGITS] + "…", words)


def _old(seconds: int | None) -> str:
    return "dated ahead of this clock" if seconds is None else f"{age(seconds)} old"


def _waits(waiting: WaitingOperation) -> str:
    seconds = waiting.waited_seconds
    return "is dated ahead of this clock" if seconds is None else f"waits {age(seconds)}"


def age(seconds: int) -> str:
    """Seconds in the two largest units that they fill."""
    for size, unit, smaller, name in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // smaller} {name}"
    return f"{seconds} s"


def _line(name: str, words: str, mood: _Mood = _Mood.PLAIN, *, most: int = 1) -> _Line:
    return _Line(name, Text(visible(words), style=mood.value), most)


def _folded(line: _Line, console: Console) -> list[Text]:
    """The line's words beside its name, and beneath each other."""
    first, *rest = _cut(line.words, console, _NAME_WIDTH, line.most)
    name = (line.name.ljust(_NAME_WIDTH), "bold")
    return [Text.assemble(name, first[_NAME_WIDTH:]), *rest]


def _cut(words: Text, console: Console, indent: int, most: int) -> list[Text]:
    """The words in at most so many lines, behind blanks; what does not fit ends in an ellipsis."""
    width = console.width - indent
    rows = list(words.wrap(console, width))
    if len(rows) > most:
        last = rows[most - 1]
        last.truncate(width - 1)
        last.rstrip()
        last.append("…")
    for row in rows[:most]:
        row.rstrip()
    return [Text(" " * indent) + row for row in rows[:most]]


_WORKER = {
    WorkerState.STARTS: ("starts", _Mood.WAITS),
    WorkerState.RUNS: ("runs", _Mood.GOOD),
    WorkerState.SILENT: ("runs and is silent", _Mood.WAITS),
    WorkerState.WAITS: ("runs and cannot go on", _Mood.BAD),
    WorkerState.HALTED: ("halted, needs a person", _Mood.BAD),
    WorkerState.VANISHED: ("was killed, or can write nothing", _Mood.BAD),
    WorkerState.STOPPED: ("does not run", _Mood.BAD),
}
_UNITS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
_ALWAYS_SHOWN = frozenset(
    {OperationState.OWED, OperationState.FINAL, OperationState.REFUSED, OperationState.STUCK}
)
_MOODS = {
    OperationState.OWED: _Mood.WAITS,
    OperationState.SENT: _Mood.WAITS,
    OperationState.MINED: _Mood.WAITS,
    OperationState.FINAL: _Mood.GOOD,
    OperationState.REFUSED: _Mood.BAD,
    OperationState.STUCK: _Mood.BAD,
}
