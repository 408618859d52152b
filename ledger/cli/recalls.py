"""Recalls at the keyboard: ordered, looked at, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.acts import ActGroup
from ledger.cli.answering import Answer, Here, reads, table_of, writes
from ledger.cli.options import PerformerOption, SignerOption
from ledger.cli.packages import circumstances
from ledger.cli.printing import print_pairs, print_table, say, say_heading

if TYPE_CHECKING:
    from ledger.steps.answering.recalls import RecallView

recall = typer.Typer(cls=ActGroup, no_args_is_help=True, help="Recalls of a machine's cycles.")

OrderArgument = Annotated[str, typer.Argument(metavar="ORDER", help="Digest of its order.")]
MustReason = Annotated[str, typer.Option("--reason", help="Why, in words.")]


@recall.command("order")
@writes
def order(
    here: Here,
    equipment: Annotated[str, typer.Argument(metavar="MACHINE", help="Name, serial or id.")],
    first: Annotated[int, typer.Option(help="First number of the range.")],
    last: Annotated[int, typer.Option(help="Last number of the range.")],
    cause: Annotated[
        str,
        typer.Option(help="biological, chemical, physical, machine, water, packaging, other."),
    ],
    reason: MustReason,
    epoch: Annotated[int | None, typer.Option(help="Counter epoch; the current one.")] = None,
    performer: PerformerOption = None,
    signer: SignerOption = None,
    *,
    mock: Annotated[
        bool, typer.Option("--mock", help="Look at its reach, and change nothing.")
    ] = False,
    no_notices: Annotated[
        bool, typer.Option("--no-notices", help="Tell the holders later.")
    ] = False,
) -> Answer:
    """Order a machine's range back in one call: order, decision for each cycle, notices.

    Everything in the range is held at once, and the machine is suspended until three biological
    passes in a row.
    """
    from ledger.cli.commands import COMMAND_LINE
    from ledger.steps.accepting.recalling import RecallRequest, order_recall

    request = RecallRequest(
        equipment=equipment,
        first=first,
        last=last,
        cause=cause,
        reason=reason,
        epoch=epoch,
        is_mock=mock,
        notifies=not no_notices,
    )
    told = circumstances(performer=performer, signer=signer)
    done = order_recall(here.instance, here.tx, here.caller, request, COMMAND_LINE, told)

    def human() -> None:
        for number, what in done.decided.items():
            say(f"Cycle {number}: {what}.")
        say(f"{done.notices} holders told." if done.order else "A mock: nothing was changed.")
        print_recall(done.view)

    plain = {**done.view.to_plain(), "decided": dict(done.decided), "notices": done.notices}
    return Answer(plain, human)


@recall.command("show")
@reads
def show(here: Here, which: OrderArgument) -> Answer:
    """Show a recall: its reach by holder, who was reached, what was found of how many."""
    from ledger.steps.answering.recalls import show_recall

    view = show_recall(here.tx, here.caller, which)
    return Answer(view.to_plain(), lambda: print_recall(view))


@recall.command("list")
@reads
def list_all(
    here: Here,
    before: Annotated[int | None, typer.Option(help="Read on before this cursor.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20,
) -> Answer:
    """List recalls, newest first."""
    from ledger.steps.answering.recalls import list_recalls

    return table_of(
        list_recalls(here.tx, here.caller, before=before, limit=limit),
        ["order", "machine", "numbers", "cause", "found", "of", "ended"],
        lambda v: [
            *(v.order, v.machine, f"{v.first} to {v.last}", v.cause),
            *(v.found, v.to_find, v.has_ended),
        ],
    )


@recall.command("end")
@writes
def end(
    here: Here,
    which: OrderArgument,
    reason: MustReason,
    performer: PerformerOption = None,
    signer: SignerOption = None,
) -> Answer:
    """End a recall with what was found, of how many; its cycles stay recalled."""
    from ledger.cli.commands import COMMAND_LINE
    from ledger.steps.accepting.recalling import end_recall

    told = circumstances(performer=performer, signer=signer)
    _, view = end_recall(here.instance, here.tx, here.caller, which, reason, COMMAND_LINE, told)
    return Answer(view.to_plain(), lambda: print_recall(view))


def print_recall(view: RecallView) -> None:
    """A recall in words."""
    say(
        f"Recall of {view.machine}, numbers {view.first} to {view.last}"
        + (", ended" if view.has_ended else "")
    )
    suspended = (
        None
        if view.passes is None
        else (f"suspended: {view.passes} of {view.passes_needed} biological passes in a row")
    )
    none = "no package that is named" if view.counted_only else "none"
    print_pairs(
        (name, value)
        for name, value in [
            ("order", view.order or "a mock"),
            ("cause", view.cause),
            ("packages", view.packages),
            ("used before", view.used),
            ("to find", view.to_find),
            ("found", view.found),
            (
                "only counted",
                f"{view.counted_only}: nobody can say where" if view.counted_only else None,
            ),
            ("cannot be excluded", ", ".join(view.cannot_be_excluded) or none),
            ("numbers never opened", view.gaps),
            ("machine", suspended or "may release"),
        ]
        if value is not None
    )
    say_heading("By holder")
    print_table(
        ["unit", "what"],
        [
            [unit, ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in counts.items() if n)]
            for unit, counts in view.by_holder.items()
        ],
    )
    if view.units:
        say_heading("Who was told")
        print_table(
            ["unit", "asked for", "reached by", "reached", "found", "of", "answered"],
            [
                [t.name, t.asked, t.reached_by, t.reached_at, t.found, t.answered_of, t.answered_at]
                for t in view.units
            ],
        )
