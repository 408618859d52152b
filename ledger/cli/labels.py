"""Labels at the keyboard: serials reserved, labels sent to a printer, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    PerformerOption,
    SignerOption,
    UnitOption,
    local_caller,
    opened,
)
from ledger.cli.packages import circumstances
from ledger.cli.printing import answer, print_table, say

if TYPE_CHECKING:
    from ledger.steps.accepting.printing import Print

label = typer.Typer(no_args_is_help=True, help="Labels: reserved serials, and what was printed.")

PackagesArgument = Annotated[
    list[str], typer.Argument(metavar="PACKAGE…", help="UNIT/SERIAL, or a code.")
]


@label.command("reserve")
def reserve_serials(
    unit: UnitOption,
    count: Annotated[int, typer.Option(help="How many serials.")] = 50,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Reserve a roll of serials, for paper and for labels that are printed beforehand."""
    from ledger.steps.accepting.printing import reserve
    from ledger.steps.answering.packages import numbering

    with opened(home) as instance, instance.database.transaction() as tx:
        roll = reserve(instance, tx, local_caller(), numbering(tx, unit), count)
    answer(
        roll.to_plain(),
        as_json=as_json,
        human=lambda: say(f"Roll {roll.roll}: {roll.serials[0]} to {roll.serials[-1]}"),
    )


@label.command("rolls")
def show_rolls(
    unit: UnitOption, *, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False
) -> None:
    """List a unit's rolls, and how many of their serials are used."""
    from ledger.steps.accepting.printing import list_rolls
    from ledger.steps.answering.packages import numbering

    with opened(home) as instance, instance.database.reading() as tx:
        rolls = list_rolls(tx, local_caller(), numbering(tx, unit))
    answer(
        [each.to_plain() for each in rolls],
        as_json=as_json,
        human=lambda: print_table(
            ["serials", "used", "reserved", "by"],
            [
                [
                    f"{each.serials[0]} to {each.serials[-1]}",
                    f"{len(each.used)} of {len(each.serials)}",
                    each.reserved_at,
                    each.reserved_by,
                ]
                for each in rolls
            ],
        ),
    )


@label.command("send")
def send_labels(
    packages: PackagesArgument,
    unit: UnitOption,
    printer: Annotated[str | None, typer.Option(help="Which printer.")] = None,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="A label is on each already, printed elsewhere.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Say that labels go to a printer now: what is to be printed on each.

    What became of them is told with: steriledger label tell.
    """
    from ledger.steps.accepting.printing import sent
    from ledger.steps.answering.packages import numbering

    with opened(home) as instance, instance.database.transaction() as tx:
        number = numbering(tx, unit)
        prints = sent(instance, tx, local_caller(), number, packages, again=again, printer=printer)
    _print(prints, as_json=as_json)


@label.command("tell")
def tell_printing(
    state: Annotated[
        str, typer.Argument(metavar="STATE", help="printed, not_known or not_printed.")
    ],
    packages: PackagesArgument,
    unit: UnitOption,
    performer: PerformerOption = None,
    signer: SignerOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Tell what became of labels that were sent; it is decided once.

    A reprint that was printed voids the label before.
    """
    from ledger.cli.commands import COMMAND_LINE
    from ledger.domain.custody.printing import TOLD, PrintState
    from ledger.domain.errors import InvalidInput
    from ledger.steps.accepting.printing import tell
    from ledger.steps.answering.packages import numbering

    if state not in TOLD:
        raise InvalidInput(
            f"{state[:40]!r} is unknown", field="STATE", rule=f"one of {', '.join(TOLD)}"
        )
    told = circumstances(performer=performer, signer=signer)
    with opened(home) as instance, instance.database.transaction() as tx:
        number = numbering(tx, unit)
        _, prints = tell(
            instance, tx, local_caller(), number, PrintState(state), packages, COMMAND_LINE, told
        )
    _print(prints, as_json=as_json)


@label.command("list")
def show_prints(
    unit: UnitOption,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    *,
    undecided: Annotated[
        bool, typer.Option("--undecided", help="Only those that nobody decided.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List the labels that a unit sent to printers, and what became of each."""
    from ledger.steps.accepting.printing import list_prints
    from ledger.steps.answering.packages import numbering

    with opened(home) as instance, instance.database.reading() as tx:
        number = numbering(tx, unit)
        prints = list_prints(tx, local_caller(), number, open_only=undecided, limit=limit)
    _print(prints, as_json=as_json)


def _print(prints: Sequence[Print], *, as_json: bool) -> None:
    answer(
        [each.to_plain() for each in prints],
        as_json=as_json,
        human=lambda: print_table(
            ["package", "label", "code", "is", "since", "by"],
            [[e.package, e.issue, e.code, e.state.replace("_", " "), e.at, e.by] for e in prints],
        ),
    )
