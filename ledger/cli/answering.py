"""A question to a home, or a change of it → the answer: what most commands by hand are made of.

Such a command says its own options, asks one step, and returns what it found; `--home` and `--json`
are added here, and the home is opened, closed and answered for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import typer

from ledger.cli.failing import DOES_NOT_HOLD
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    existing,
    local_caller,
    opened,
)
from ledger.cli.printing import answer, print_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.domain.callers import Caller
    from ledger.steps.instance import Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """The opened home that a command asks, and who is at the keyboard."""

    instance: Instance
    tx: Connection
    caller: Caller

    def number_of(self, unit: str) -> int:
        """The unit that somebody named by its number or code; raises InvalidInput or NotFound."""
        from ledger.steps.answering.packages import numbering

        return numbering(self.tx, unit)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found: for programs, and for people."""

    plain: object
    human: Callable[[], None]
    #: exit code 1 when it is False
    holds: bool = True

    def give(self, *, as_json: bool) -> None:
        """Print it; raises Exit when what was asked about does not hold."""
        answer(self.plain, as_json=as_json, human=self.human)
        if not self.holds:
            raise typer.Exit(DOES_NOT_HOLD)


class _HasPlain(Protocol):
    def to_plain(self) -> object:
        """As JSON values."""


V = TypeVar("V", bound=_HasPlain)
_Command: TypeAlias = Callable[..., Answer]
_Opens: TypeAlias = "Callable[[Path], AbstractContextManager[Instance]]"


def table_of(
    views: Sequence[V], columns: Sequence[str], cells: Callable[[V], Sequence[object]]
) -> Answer:
    """Several of one sort: a list of them, or a table with a row for each."""
    plain = [view.to_plain() for view in views]
    return Answer(plain, lambda: print_table(columns, map(cells, views)))


def rows_of(rows: Iterable[Mapping[str, object]], *columns: str) -> Answer:
    """The same of rows that are JSON values already, of which these columns are shown."""
    listed = list(rows)
    return Answer(
        listed, lambda: print_table(columns, [[row[name] for name in columns] for row in listed])
    )


def reads(command: _Command, *, opens: _Opens = opened) -> Callable[..., None]:
    """A command that asks one snapshot of the home's database."""
    return _at_home(command, opens, is_change=False)


def writes(command: _Command, *, opens: _Opens = opened) -> Callable[..., None]:
    """A command that is one transaction; it is answered once that is committed."""
    return _at_home(command, opens, is_change=True)


#: The same of a home that is there already.
reads_existing = partial(reads, opens=existing)
writes_existing = partial(writes, opens=existing)


def _at_home(command: _Command, opens: _Opens, *, is_change: bool) -> Callable[..., None]:
    @wraps(command)
    def run(*, home: Path, as_json: bool, **typed: Any) -> None:  # noqa: ANN401 - its own options
        with opens(home) as instance:
            database = instance.database
            with database.transaction() if is_change else database.reading() as tx:
                found = command(Here(instance=instance, tx=tx, caller=local_caller()), **typed)
        found.give(as_json=as_json)

    _, *own = inspect.signature(command, eval_str=True).parameters.values()
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        *(each.replace(kind=keyword) for each in own),
        inspect.Parameter("home", keyword, default=DEFAULT_HOME, annotation=HomeOption),
        inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption),
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
