"""Cycles: listed and shown; what is recorded of them are acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.acts import ActGroup
from ledger.cli.answering import Answer, Here, reads
from ledger.cli.printing import print_pairs, print_table, say, say_heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.steps.answering.showing import CycleLine, CycleView

cycle = typer.Typer(cls=ActGroup, no_args_is_help=True, help="Sterilisation cycles.")

CycleArgument = Annotated[
    str, typer.Argument(metavar="CYCLE", help="Id, or MACHINE/NUMBER such as 601362/13.")
]


@cycle.command("list")
@reads
def list_cycles(
    here: Here,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    before: Annotated[int | None, typer.Option(help="Read on from a line's cursor.")] = None,
    machine: Annotated[
        str | None, typer.Option(help="Only this machine's: name, serial number or id.")
    ] = None,
) -> Answer:
    """List cycles, newest first."""
    from ledger.steps.answering.showing import list_cycles as read_cycles

    lines = read_cycles(here.tx, here.caller, equipment=machine, before=before, limit=limit)
    return Answer([line.to_plain() for line in lines], lambda: _print_lines(lines))


def _print_lines(lines: Sequence[CycleLine]) -> None:
    print_table(
        ["cycle", "machine", "started", "machine says", "computed", "profile", "decided", "chain"],
        [
            [
                c.name,
                c.machine_name,
                c.started,
                c.outcome,
                c.verdict,
                c.profile,
                c.state,
                c.chain.value,
            ]
            for c in lines
        ],
    )
    for line in lines:
        for each in line.numbering.sentences:
            say(f"{line.name}: {each}")


@cycle.command("show")
@reads
def show_cycle(here: Here, which: CycleArgument) -> Answer:
    """Show one cycle: what happened in order, and three verdicts, never mixed."""
    from ledger.steps.answering.showing import show_cycle as read_cycle

    view = read_cycle(here.tx, here.caller, which)
    return Answer(view.to_plain(), lambda: print_cycle(view))


def print_cycle(view: CycleView) -> None:
    """One cycle in words."""
    say(f"Cycle {view.number} of {view.machine_name or 'machine'} (serial {view.machine_serial})")
    print_pairs(
        [
            ("id", view.id),
            ("unit", view.unit),
            ("counter epoch", view.epoch),
            ("state", view.state.replace("_", " ")),
        ]
    )
    for each in view.numbering.sentences:
        say(f"note: {each}")
    say_heading("What happened, in order")
    print_table(
        ["act", "happened", "signed", "signer", "performed by", "chain"],
        [
            [
                entry.act,
                entry.happened,
                entry.signed_at,
                entry.signer_name or entry.signer[:12] + "…",
                (entry.people or {}).get("performer"),
                entry.state.value,
            ]
            for entry in view.timeline
        ],
    )
    _print_verdicts(view)
    if view.counts:
        say_heading("Packages")
        print_table(
            ["class", "declared", "released"],
            [[c.package_class, c.declared, c.released] for c in view.counts],
        )


def _print_verdicts(view: CycleView) -> None:
    say_heading("The machine's own word")
    if view.machine_verdict is None:
        say("not entered")
    else:
        print_pairs((name.replace("_", " "), value) for name, value in view.machine_verdict.items())
    for each in view.remarks:
        say(f"note: {each}")
    say_heading("Computed from the reading")
    if view.computed_verdict is None:
        say("not entered")
    else:
        figures = view.computed_verdict
        print_pairs(
            (name.replace("_", " "), value)
            for name, value in sorted(figures.items(), key=lambda f: f[0] != "result")
            if value is not None
        )
    say_heading("A person's decision")
    if view.decision is None:
        say("undecided")
    else:
        print_pairs(
            (name.replace("_", " ").replace("results.", "result "), value)
            for name, value in view.decision.items()
        )
