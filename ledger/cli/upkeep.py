"""Whether all is well: status, audit, rebuild."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ledger.cli.chains import reading_chain
from ledger.cli.failing import DOES_NOT_HOLD
from ledger.cli.options import DEFAULT_HOME, HomeOption, JsonOption, opened
from ledger.cli.printing import answer, print_pairs, print_table, say

if TYPE_CHECKING:
    from ledger.steps.status import Status


def status(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Show how the chain, the outbox and the index stand.

    Exit code 1: something is stuck and needs a person.
    """
    from ledger.steps.status import status as read_status

    with opened(home) as instance:
        now = read_status(instance)
    answer(asdict(now), as_json=as_json, human=lambda: _print_status(now))
    if now.stuck or (now.chain is not None and now.chain.halted is not None):
        raise typer.Exit(DOES_NOT_HOLD)


def _print_status(now: Status) -> None:
    print_pairs(_status_pairs(now))
    if now.stuck:
        say("")
        say("Stuck: each needs a person")
        print_table(
            ["digest", "kind", "waits", "why"],
            [["0x" + s.digest.hex(), s.kind, _age(s.waited_seconds), s.reason] for s in now.stuck],
        )


def _status_pairs(now: Status) -> Iterator[tuple[str, object]]:
    from ledger.domain.identifiers import to_hex

    yield "deployment", "none yet" if now.fingerprint is None else to_hex(now.fingerprint)
    yield "finality", now.finality
    if now.chain is None:
        yield "chain", "no worker ran here yet"
    else:
        yield "chain head", f"block {now.chain.height}, {_age(now.head_age_seconds)} old"
        yield "follower", f"block {now.chain.indexed}, {now.lag} final blocks behind"
        yield "worker", _worker_words(now)
    for state, count in now.counts.items():
        if count or state.value in _ALWAYS_SHOWN:
            yield f"operations {state.value}", count
    yield "oldest owed", _oldest_words(now)
    held = ", ".join(f"{who.name.lower()} {count}" for who, count in now.custody.items() if count)
    yield "valid keys held by", held or "nobody yet"


def _worker_words(now: Status) -> str:
    if now.chain is not None and now.chain.halted is not None:
        return f"halted, needs a person: {now.chain.halted}"
    seen = f"last seen {_age(now.heartbeat_age_seconds)} ago"
    return f"runs, {seen}" if now.lease is not None else f"does not run, {seen}"


def _oldest_words(now: Status) -> str:
    oldest = now.oldest_owed
    if oldest is None:
        return "nothing is owed"
    why = "" if oldest.reason is None else f": {oldest.reason}"
    return f"{oldest.kind} {'0x' + oldest.digest.hex()}, {_age(oldest.waited_seconds)}{why}"


def _age(seconds: int | None) -> str:
    """Seconds in the two largest units that they fill."""
    if seconds is None:
        return "unknown"
    for size, unit, smaller, name in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // smaller} {name}"
    return f"{seconds} s"


_UNITS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
_ALWAYS_SHOWN = frozenset({"owed", "final", "refused", "stuck"})


def audit(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Compare records, index, chain and running heads, both ways, and name every difference.

    Exit code 1: something differs.
    """
    from ledger.steps.audit import audit as run_audit

    with opened(home) as instance, reading_chain(instance) as node:
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

    with opened(home) as instance, reading_chain(instance) as node:
        report = run_rebuild(instance, node)
    answer(
        asdict(report),
        as_json=as_json,
        human=lambda: print_pairs((k.replace("_", " "), v) for k, v in asdict(report).items()),
    )
