"""What the commands share: their options, the opened home, and who is at the keyboard."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer._click.globals import get_current_context  # typer's own click: no public name

from ledger.domain.errors import InvalidInput, NotFound, SteriLedgerError

if TYPE_CHECKING:
    from ledger.chain.node import Node
    from ledger.domain.callers import Caller, Scope
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
#: of a token or an account: what it may do, and whose key signs for its person
ScopesOption = Annotated[
    list[str],
    typer.Option(
        "--scope",
        help="open, load, end, result, decide, scan, custody, answer, report, settle, "
        "read_unit, read_all, administer, authority; repeatable.",
    ),
]
OwnKeyOption = Annotated[
    str | None,
    typer.Option("--signer", help="The held key that signs for this person: name or id."),
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
        with as_typed():
            yield instance
    finally:
        instance.close()


def require_existing(home: Path) -> None:
    """Raise NotFound where no instance is, before anything is made there."""
    if not settings_of(home).database_url and not (home / "steriledger.db").is_file():
        raise NotFound(
            f"there is no instance in {home}",
            field="--home",
            remedy="name its folder: --home, or STERILEDGER_HOME",
        )


@contextmanager
def existing(home: Path) -> Iterator[Instance]:
    """The instance of a home; raises NotFound where none is, and creates nothing."""
    require_existing(home)
    with opened(home) as instance:
        yield instance


@contextmanager
def as_typed() -> Iterator[None]:
    """Let a refusal name its field as it was typed."""
    try:
        yield
    except SteriLedgerError as error:
        error.field = _as_typed(error.field)
        raise


def _as_typed(field: str | None) -> str | None:
    """A field as the command that runs takes it; one that no option gives stays as it is.

    `office` → `--office`, `lines.0.quantity` → `--line 1 quantity`; of what a file or the words
    behind the command give, `line 1`.
    """
    context = get_current_context(silent=True)
    if context is None or field is None:
        return field
    head, *rest = field.split(".")
    named = [each for each in context.command.params if each.name == head]
    spelled = named[0].opts[0] if named and named[0].param_type_name == "option" else head
    if not rest or not rest[0].isdecimal():
        return spelled if named else field
    spelled = spelled if spelled != head else head.removesuffix("s")
    number, *column = rest
    return " ".join((spelled, str(int(number) + 1), *column))


@cache
def _tell_played() -> None:
    """Once in a process, beside what it answers."""
    from ledger.cli.printing import note

    note("played clock: this home is a demonstration, and its times are made up")


def trusted_node(rpc: str) -> Node:
    """The chain endpoint that somebody brings to check with; raises InvalidInput."""
    from ledger.chain.node import Node

    try:
        return Node(rpc)
    except InvalidInput as error:
        error.field = "--rpc"
        raise


def parse_moment(said: str, option: str) -> datetime:
    """A moment with its zone as somebody typed it; raises InvalidInput."""
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidInput(
            f"{said[:40]!r} is not a moment",
            field=option,
            rule="ISO 8601 with zone, such as 2026-11-03T14:10:00+08:00",
        )
    return found


def one_of(said: str, known: Iterable[str], option: str) -> str:
    """A word that was typed, which is one of those known; raises InvalidInput."""
    if said not in (words := list(known)):
        raise InvalidInput(
            f"{said[:60]!r} is unknown", field=option, rule=f"one of {', '.join(words)}"
        )
    return said


def scopes_of(said: Iterable[str]) -> list[Scope]:
    """The scopes that were typed; raises InvalidInput."""
    from ledger.domain.callers import Scope

    unknown = sorted(set(said) - {known.value for known in Scope})
    if unknown:
        raise InvalidInput(
            f"{', '.join(unknown)} is unknown",
            field="--scope",
            rule=f"one of {', '.join(known.value for known in Scope)}",
        )
    return [Scope(each) for each in said]


def local_caller() -> Caller:
    """Whoever runs the command: who can read the home may act for every unit in it."""
    from ledger.domain.callers import local_administrator

    return local_administrator(getpass.getuser())
