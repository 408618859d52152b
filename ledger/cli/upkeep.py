"""Whether all is well: status, audit, rebuild."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.answering import Answer, Here, writes_existing
from ledger.cli.failing import DOES_NOT_HOLD
from ledger.cli.files import read_file
from ledger.cli.options import DEFAULT_HOME, HomeOption, JsonOption, existing
from ledger.cli.printing import answer, print_laid_out, print_pairs, say

clock = typer.Typer(no_args_is_help=True, help="This machine's clock.")

_MOST_RECEIPT_BYTES = 64 * 1024


def status(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Show how the chain, the outbox and the index stand, in one screen.

    Exit code 1: something is stuck, the worker cannot go on, or the clock cannot be right.
    """
    from ledger.cli.screen import screen
    from ledger.steps.answering.status import WorkerState
    from ledger.steps.answering.status import status as read_status

    def human() -> None:
        for part in screen(now):
            print_laid_out(part)

    with existing(home) as instance:
        now = read_status(instance)
    answer(asdict(now), as_json=as_json, human=human)
    bad = {WorkerState.WAITS, WorkerState.HALTED, WorkerState.VANISHED}
    if now.stuck or now.clock is not None or now.worker in bad:
        raise typer.Exit(DOES_NOT_HOLD)


@clock.command("confirm")
@writes_existing
def confirm(here: Here) -> Answer:
    """Say that this machine's clock is right now, whatever was dated by another one before.

    Nothing is accepted by a clock that lies far from what was accepted last; status says so.
    """
    from ledger.steps.accepting.clock import confirm_clock

    given = confirm_clock(here.instance, here.tx, person=here.caller.person)
    return Answer(
        {"clock": given.at, "newest": given.newest},
        lambda: say(f"The clock is right: it is {given.at:%Y-%m-%d %H:%M:%S} UTC."),
    )


def audit(
    *,
    receipt: Annotated[
        list[Path] | None,
        typer.Option(
            "--receipt",
            metavar="FILE",
            help="A receipt that somebody kept, as JSON: whether what it promises is here; "
            "repeatable.",
        ),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Compare records, index, chain and running heads, both ways, and name every difference.

    What lies in the home beside the database is asked too, for what the database has lost.
    Exit code 1: something differs.
    """
    from ledger.steps.auditing.audit import audit as run_audit
    from ledger.steps.auditing.losses import parse_receipt

    kept = [
        parse_receipt(str(file), read_file(file, _MOST_RECEIPT_BYTES, field="--receipt"))
        for file in receipt or ()
    ]
    from ledger.steps.starting.chains import reading_chain

    with existing(home) as instance, reading_chain(instance, whole_journal=True) as node:
        report = run_audit(instance, node, receipts=kept)

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
    from ledger.steps.starting.chains import reading_chain

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
