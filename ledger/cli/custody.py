"""Consignments and assets: listed and shown; what is recorded of them are acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.acts import ActGroup
from ledger.cli.answering import Answer, Here, reads, table_of
from ledger.cli.printing import print_pairs, print_table, say, say_heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.steps.answering.custody import AssetView, ConsignmentView, StepView

consignment = typer.Typer(
    cls=ActGroup, no_args_is_help=True, help="What one unit sends another, in hand-overs."
)
asset = typer.Typer(
    cls=ActGroup, no_args_is_help=True, help="Shared things with one custodian each."
)


@consignment.command("list")
@reads
def list_consignments(
    here: Here,
    which: Annotated[
        str | None, typer.Option("--unit", help="Only those that this unit has a part in.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    before: Annotated[int | None, typer.Option(help="Read on from a line's cursor.")] = None,
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Only what is not over.")] = False,
) -> Answer:
    """List consignments, newest first."""
    from ledger.steps.answering.custody import list_consignments as read_consignments

    lines = read_consignments(
        here.tx,
        here.caller,
        of_unit=None if which is None else here.number_of(which),
        open_only=open_only,
        before=before,
        limit=limit,
    )
    return table_of(
        lines,
        ["consignment", "for", "has it", "offered to", "packages", "asset", "purpose", "state"],
        lambda line: [
            f"{line.giver}/{line.slip or line.id[:12]}",
            line.receiver,
            line.holder,
            line.taker or "nobody",
            line.packages,
            line.asset or "none",
            line.purpose,
            line.status,
        ],
    )


@consignment.command("show")
@reads
def show_consignment(
    here: Here,
    which: Annotated[
        str,
        typer.Argument(metavar="CONSIGNMENT", help="GIVER/SLIP as on the box, EAST/4711; or id."),
    ],
) -> Answer:
    """Show one consignment: who has it, what became of each line, and every step."""
    from ledger.steps.answering.custody import show_consignment as read_consignment

    view = read_consignment(here.tx, here.caller, which)
    return Answer(view.to_plain(), lambda: print_consignment(view))


@asset.command("list")
@reads
def list_assets(here: Here) -> Answer:
    """List assets: whose they are, and who has them."""
    from ledger.steps.answering.custody import list_assets as read_assets

    return table_of(
        read_assets(here.tx, here.caller),
        ["code", "name", "kind", "owner", "custodian", "state", "travels in"],
        lambda v: [
            *(v.code, v.name, v.kind, v.owner, v.custodian, v.state),
            v.travels_in or "nothing",
        ],
    )


@asset.command("show")
@reads
def show_asset(
    here: Here, which: Annotated[str, typer.Argument(metavar="ASSET", help="Code, name or id.")]
) -> Answer:
    """Show one asset with every change of hands."""
    from ledger.steps.answering.custody import show_asset as read_asset

    view = read_asset(here.tx, here.caller, which)
    return Answer(view.to_plain(), lambda: print_asset(view))


def print_consignment(view: ConsignmentView) -> None:
    """One consignment in words."""
    say(f"Consignment {view.slip or view.id[:12]} of unit {view.giver} to unit {view.receiver}")
    print_pairs(
        [
            ("id", view.id),
            ("where", view.where),
            ("state", view.status),
            ("purpose", view.purpose),
            ("packages sent", view.packages),
            ("asset", view.asset or "none"),
        ]
    )
    if view.counts is not None:
        counts = view.counts
        print_pairs(
            [
                ("accepted, seen", counts.accepted_seen),
                ("accepted, not seen", counts.accepted_inferred),
                ("refused", counts.refused),
                ("missing", counts.missing),
                ("extra", counts.extra),
            ]
        )
    if view.lines:
        say_heading("Line by line")
        print_table(
            ["what", "sent", "known by", "became", "of it", "known by", "reason", "action"],
            [
                [
                    each.names,
                    "not sent" if each.sent is None else each.sent,
                    each.sent_basis or "",
                    each.outcome,
                    each.quantity or "",
                    each.basis or "",
                    each.reason or "",
                    each.action or "",
                ]
                for each in view.lines
            ],
        )
    _print_steps(view.steps)


def print_asset(view: AssetView) -> None:
    """One asset in words."""
    say(f"{view.name}, {view.kind.replace('_', ' ')} of unit {view.owner}")
    print_pairs(
        [
            ("id", view.id),
            ("code", view.code),
            ("state", view.state.replace("_", " ")),
            ("custodian", view.custodian),
            ("travels in", view.travels_in or "nothing"),
        ]
    )
    _print_steps(view.steps)


def _print_steps(steps: Sequence[StepView]) -> None:
    say_heading("What happened, in order")
    print_table(
        ["step", "happened", "signed", "signer", "done by", "chain"],
        [
            [
                each.entry.act,
                each.entry.happened,
                each.entry.signed_at,
                each.entry.signer_name or each.entry.signer[:12],
                (each.entry.people or {}).get("performer"),
                each.standing or each.entry.state.value,
            ]
            for each in steps
        ],
    )
    answers = [(each.entry.act, said) for each in steps for said in each.answers]
    if answers:
        say_heading("What was answered to it, which says nothing about responsibility")
        print_table(
            ["to", "unit", "says", "in words"],
            [[act, said.unit, said.stance, said.text or ""] for act, said in answers],
        )
