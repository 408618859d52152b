"""Terms: the group's deadlines, thresholds and hours; shown, and published by the authority."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.acting import record
from ledger.cli.acts import ActGroup
from ledger.cli.files import read_file
from ledger.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from ledger.cli.printing import answer, print_table

terms = typer.Typer(
    cls=ActGroup, no_args_is_help=True, help="The group's terms: deadlines, thresholds, hours."
)


@terms.command("publish")
def publish(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The document, as JSON.")],
    wait: Annotated[float, typer.Option(help="Wait so many seconds until it is on the chain.")] = 0,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Publish a version of the terms as the authority."""
    from ledger.cli.commands import COMMAND_LINE
    from ledger.domain.acts.catalogue import find_act
    from ledger.domain.acts.terms import parts_of
    from ledger.domain.duties.terms import MAX_TERMS_BYTES, parse_terms
    from ledger.steps.settling.computing import read_terms

    data = read_file(file, MAX_TERMS_BYTES, field="FILE")
    parsed = parse_terms(data)
    read_terms(data, name=file.name)
    values = {"document": "0x" + parsed.sha256, "lines": parts_of(parsed)}
    record(
        find_act("Terms"),
        values,
        COMMAND_LINE,
        home=home,
        as_json=as_json,
        wait=wait,
        prepare_to=None,
    )


@terms.command("defaults")
def defaults(*, as_json: JsonOption = False) -> None:
    """Show what holds until something else is published, each value with its source."""
    from ledger.domain.duties.terms import default_terms

    document = default_terms().document
    tables = [("durations", "seconds"), ("thresholds", "value")]
    answer(
        document,
        as_json=as_json,
        human=lambda: print_table(
            ["name", "value", "unit", "source"],
            [
                [name, each[member], "s" if member == "seconds" else "", each["source"]]
                for table, member in tables
                for name, each in document[table].items()
            ],
        ),
    )
