"""Whether all is well: status, audit, rebuild."""

from __future__ import annotations

from dataclasses import asdict

import typer

from ledger.cli.chains import reading_chain
from ledger.cli.failing import DOES_NOT_HOLD
from ledger.cli.maintaining import existing
from ledger.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from ledger.cli.printing import answer, console, print_pairs, say


def status(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Show how the chain, the outbox and the index stand, in one screen.

    Exit code 1: something is stuck, or the worker cannot go on.
    """
    from ledger.cli.screen import screen
    from ledger.steps.answering.status import WorkerState
    from ledger.steps.answering.status import status as read_status

    def human() -> None:
        for line in screen(now, console()):
            console().print(line, no_wrap=True, overflow="ignore", crop=False)

    with existing(home) as instance:
        now = read_status(instance)
    answer(asdict(now), as_json=as_json, human=human)
    if now.stuck or now.worker in {WorkerState.WAITS, WorkerState.HALTED, WorkerState.VANISHED}:
        raise typer.Exit(DOES_NOT_HOLD)


def audit(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Compare records, index, chain and running heads, both ways, and name every difference.

    Exit code 1: something differs.
    """
    from ledger.steps.auditing.audit import audit as run_audit

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
    from ledger.steps.answering.trouble import TroubleKind, take_back_trouble
    from ledger.steps.following.rebuild import rebuild as run_rebuild

    with existing(home) as instance, reading_chain(instance, whole_journal=True) as node:
        report = run_rebuild(instance, node)
        with instance.database.transaction() as tx:  # the person has looked
            take_back_trouble(tx, TroubleKind.HALTED)
    rebuilt = asdict(report)
    del rebuilt["is_rebuilding"]
    answer(
        rebuilt,
        as_json=as_json,
        human=lambda: print_pairs((k.replace("_", " "), v) for k, v in rebuilt.items()),
    )
