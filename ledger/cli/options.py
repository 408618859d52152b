"""What the commands share: their options, the opened home, and who is at the keyboard."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer._click.globals import get_current_context  # typer's own click: no public name

from ledger.domain.errors import InvalidInput, SteriLedgerError

if TYPE_CHECKING:
    from ledger.domain.callers import Caller
    from ledger.settings import Settings
    from ledger.steps.instance import Instance

HomeOption = Annotated[
    Path,
    typer.Option(
        "--home", envvar="STERILEDGER_HOME", help="Folder that holds all state of this instance."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait", min=0, help="Seconds to wait until the chain has it; 0 returns at once."
    ),
]
UnitOption = Annotated[str, typer.Option("--unit", help="Unit number or code.")]
SignerOption = Annotated[
    str | None,
    typer.Option(
        "--signer", help="Who signs: name or id; left out when only one held key has the right."
    ),
]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Why, in words.")]
PerformerOption = Annotated[
    str | None, typer.Option("--performer", help="Who did it, as your unit names them.")
]

DEFAULT_HOME = Path("steriledger-home")


def settings_of(home: Path) -> Settings:
    """The settings of a home, the rest from the environment; raises InvalidInput."""
    from pydantic import ValidationError

    from ledger.settings import Settings

    try:
        return Settings(home=home)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            first["msg"],
            field="STERILEDGER_" + "_".join(str(part) for part in first["loc"]).upper(),
            rule="see docs/operations.md",
        ) from None


@contextmanager
def opened(home: Path) -> Iterator[Instance]:
    """An instance on a home, closed afterwards."""
    from ledger.running.logs import log_to_file
    from ledger.steps.instance import open_instance

    settings = settings_of(home)
    log_to_file(settings.log_level, settings.run_folder / "log")
    instance = open_instance(settings)
    if instance.is_played:
        _tell_played()
    try:
        yield instance
    except SteriLedgerError as error:
        error.field = _as_typed(error.field)
        raise
    finally:
        instance.close()


def _as_typed(field: str | None) -> str | None:
    """A field as the command that runs takes it: `office` → `--office`; others as they are."""
    context = get_current_context(silent=True)
    for each in () if context is None else context.command.params:
        if each.name == field and each.param_type_name == "option":
            return each.opts[0]
    return field


@cache
def _tell_played() -> None:
    """Once in a process, beside what it answers."""
    from ledger.cli.printing import note

    note("played clock: this home is a demonstration, and its times are made up")


def local_caller() -> Caller:
    """Whoever runs the command: who can read the home may act for every unit in it."""
    from ledger.domain.callers import local_administrator

    return local_administrator(getpass.getuser())
