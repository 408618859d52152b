"""Labels at the keyboard: serials reserved, labels sent to a printer, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.answering import Answer, Here, reads, table_of, writes
from ledger.cli.evidence import write_whole
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    PerformerOption,
    SignerOption,
    UnitOption,
    local_caller,
    one_of,
    opened,
)
from ledger.cli.packages import circumstances
from ledger.cli.printing import say
from ledger.domain.errors import InvalidInput

if TYPE_CHECKING:
    from ledger.domain.custody.labelling import Label, Symbol
    from ledger.steps.accepting.printing import Print

label = typer.Typer(no_args_is_help=True, help="Labels: drawn, printed, and reserved serials.")

_OUTPUT_HELP = "The file to write: .pdf or .zpl."
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help=_OUTPUT_HELP)]
StockOption = Annotated[
    str, typer.Option(help="roll (60 × 40 mm), or sheet (A4, 21 labels of 63.5 × 38.1 mm).")
]
SymbolOption = Annotated[str, typer.Option(help="datamatrix or qr, for codes of our own scheme.")]
PackagesArgument = Annotated[
    list[str], typer.Argument(metavar="PACKAGE…", help="UNIT/SERIAL, or a code.")
]


@label.command("reserve")
@writes
def reserve_serials(
    here: Here,
    unit: UnitOption,
    count: Annotated[int, typer.Option(help="How many serials.")] = 50,
    *,
    bench: Annotated[
        bool, typer.Option("--bench", help="On no paper: proposed where something is packed.")
    ] = False,
) -> Answer:
    """Reserve a roll of serials, for paper and for labels that are printed beforehand."""
    from ledger.steps.accepting.printing import reserve

    number = here.number_of(unit)
    roll = reserve(here.instance, here.tx, here.caller, number, count, for_paper=not bench)
    return Answer(
        roll.to_plain(),
        lambda: say(f"Roll {roll.roll}: {roll.serials[0]} to {roll.serials[-1]}"),
    )


@label.command("rolls")
@reads
def show_rolls(here: Here, unit: UnitOption) -> Answer:
    """List a unit's rolls, and how many of their serials are used."""
    from ledger.steps.accepting.printing import list_rolls

    return table_of(
        list_rolls(here.tx, here.caller, here.number_of(unit)),
        ["serials", "used", "reserved", "by"],
        lambda each: [
            f"{each.serials[0]} to {each.serials[-1]}",
            f"{len(each.used)} of {len(each.serials)}",
            each.reserved_at,
            each.reserved_by,
        ],
    )


@label.command("send")
def send_labels(
    packages: PackagesArgument,
    unit: UnitOption,
    printer: Annotated[str | None, typer.Option(help="Which printer.")] = None,
    output: OutputOption = None,
    stock: StockOption = "roll",
    symbol: SymbolOption = "datamatrix",
    *,
    again: Annotated[
        bool, typer.Option("--again", help="A label is on each already, printed elsewhere.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Say that labels go to a printer now, and draw them with --output: PDF, or ZPL.

    Each drawn code is read back first; where one is not, nothing was sent.
    What became of them is told with: steriledger label tell.
    """
    from ledger.steps.accepting.printing import sent
    from ledger.steps.answering.labelling import labels_sent
    from ledger.steps.answering.packages import numbering

    with opened(home) as instance, instance.database.transaction() as tx:
        number, caller = numbering(tx, unit), local_caller()
        prints = sent(instance, tx, caller, number, packages, again=again, printer=printer)
        drawn = None
        if output is not None:
            names = [each.package for each in prints]
            made = labels_sent(tx, caller, number, names, _symbol(symbol))
            drawn = _file(output, stock, made, instance.clock().date())
    # Whoever has a label has what is kept of it for sure.
    if output is not None and drawn is not None:
        write_whole(output, drawn)
    _shown(prints).give(as_json=as_json)


@label.command("draw")
def draw_labels(
    packages: PackagesArgument,
    unit: UnitOption,
    output: Annotated[Path, typer.Option("--output", "-o", help=_OUTPUT_HELP)],
    stock: StockOption = "roll",
    symbol: SymbolOption = "datamatrix",
    *,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Draw labels again that were sent, while nobody told what became of them."""
    from ledger.steps.accepting.meaning import meant
    from ledger.steps.answering.labelling import labels_sent
    from ledger.steps.answering.packages import numbering

    with opened(home) as instance, instance.database.reading() as tx:
        found = meant(tx, packages, unit_number=lambda text: numbering(tx, text))
        names = [each.require(field="PACKAGE") for each in found]
        number = numbering(tx, unit)
        made = labels_sent(tx, local_caller(), number, names, _symbol(symbol))
        write_whole(output, _file(output, stock, made, instance.clock().date()))


@label.command("plain")
def draw_plain(
    codes: Annotated[
        list[str],
        typer.Argument(metavar="CODE=TITLE…", help="A code, and what people call it."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help=_OUTPUT_HELP)],
    stock: Annotated[str, typer.Option(help="roll, sheet, or cards.")] = "roll",
    symbol: SymbolOption = "datamatrix",
    *,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Draw labels of whatever else is scanned: sets, baskets, assets, badges.

    Nothing is recorded: what such a code means stands where the thing is registered.
    """
    from ledger.domain.custody.labelling import plain_label

    made = [
        plain_label(code, title or code, symbol=_symbol(symbol))
        for code, _, title in (each.partition("=") for each in codes)
    ]
    with opened(home) as instance:
        write_whole(output, _file(output, stock, made, instance.clock().date()))


@label.command("kit")
def make_kit(
    unit: UnitOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The PDF to write.")],
    count: Annotated[int, typer.Option(help="Labels, each with a reserved serial.")] = 42,
    pages: Annotated[int, typer.Option(min=1, max=20, help="Pages of the log.")] = 4,
    slips: Annotated[int, typer.Option(min=1, max=20, help="Blank slips.")] = 4,
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    roll: Annotated[
        int | None, typer.Option(help="The kit of a roll that was reserved before.")
    ] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Write the whole paper kit for outages: how to, log, labels, command codes, blank slips.

    It reserves a roll of serials; the log's columns stand in the PDF as a CSV.
    """
    from api.pages.papers import Kit, kit_print
    from api.pages.words import LANGUAGES, Words
    from ledger.forms.papers import pdf_of
    from ledger.steps.accepting.printing import kit_of, reserve
    from ledger.steps.answering.packages import numbering, unit_names

    if language not in LANGUAGES:
        raise InvalidInput(f"{language[:10]!r} is unknown", field="--language", rule="zh or en")
    with opened(home) as instance, instance.database.transaction() as tx:
        number, caller = numbering(tx, unit), local_caller()
        if roll is None:
            chosen = reserve(instance, tx, caller, number, count)
        else:
            chosen = kit_of(tx, caller, number, roll)
        kit = Kit(
            unit=unit_names(tx, [number])[number],
            number=number,
            roll=chosen,
            pages=pages,
            slips=slips,
            made_on=instance.clock().date(),
        )
        made = pdf_of(kit_print(Words(language, instance.settings.zone), kit))
    # Whoever has a kit has its serials for sure.
    write_whole(output, made)
    say(f"Roll {chosen.roll}: {chosen.serials[0]} to {chosen.serials[-1]}, in {output}")


def _symbol(text: str) -> Symbol:
    from ledger.domain.custody.labelling import Symbol

    if text not in {Symbol.DATAMATRIX, Symbol.QR}:
        raise InvalidInput(f"{text[:40]!r} is unknown", field="--symbol", rule="datamatrix or qr")
    return Symbol(text)


def _file(output: Path, stock: str, made: Sequence[Label], day: date) -> bytes:
    from ledger.forms.papers import MEDIA, STOCKS, Labels, file_of

    form = output.suffix.removeprefix(".").lower()
    if form not in MEDIA:
        raise InvalidInput(
            f"{output.name[:40]!r} says no form", field="--output", rule="a name in .pdf or .zpl"
        )
    one_of(stock, STOCKS, "--stock")
    return file_of(Labels(stock=stock, labels=made), form, day)


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
    from ledger.steps.accepting.printing import tell
    from ledger.steps.answering.packages import numbering

    one_of(state, TOLD, "STATE")
    told = circumstances(performer=performer, signer=signer)
    with opened(home) as instance, instance.database.transaction() as tx:
        number = numbering(tx, unit)
        _, prints = tell(
            instance, tx, local_caller(), number, PrintState(state), packages, COMMAND_LINE, told
        )
    _shown(prints).give(as_json=as_json)


@label.command("list")
@reads
def show_prints(
    here: Here,
    unit: UnitOption,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    *,
    undecided: Annotated[
        bool, typer.Option("--undecided", help="Only those that nobody decided.")
    ] = False,
) -> Answer:
    """List the labels that a unit sent to printers, and what became of each."""
    from ledger.steps.accepting.printing import list_prints

    number = here.number_of(unit)
    return _shown(list_prints(here.tx, here.caller, number, open_only=undecided, limit=limit))


def _shown(prints: Sequence[Print]) -> Answer:
    return table_of(
        prints,
        ["package", "label", "code", "is", "since", "by"],
        lambda e: [e.package, e.issue, e.code, e.state.replace("_", " "), e.at, e.by],
    )
