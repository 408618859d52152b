"""Answers → tables for people, or JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from ledger.domain.visible import visible, visible_json

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

#: Words that say how something stands, and how they are coloured; the word always stands beside it.
_COLOURS: Mapping[str, str] = {
    "passed": "green",
    "completed": "green",
    "released": "green",
    "final": "green",
    "pass": "green",
    "failed": "red",
    "aborted": "red",
    "rejected": "red",
    "recalled": "red",
    "refused": "red",
    "stuck": "red",
    "fail": "red",
    "owed": "yellow",
    "sent": "yellow",
    "mined": "yellow",
    "not_enough_data": "yellow",
    "not enough data": "yellow",
    "unknown": "yellow",
    "undecided": "yellow",
    "held": "yellow",
}


_WIDTH_OF_A_PIPE = 160


@cache
def console() -> Console:
    """The output stream; colours only on a terminal."""
    from rich.console import Console

    # A pipe or a file has no width of its own; tables keep to one line a row there.
    width = None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
    return Console(highlight=False, width=width)


def print_json(value: object) -> None:
    """One JSON document on the output stream."""
    document = json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    print(visible_json(document))


def say(sentence: str) -> None:
    """One line of plain words, whatever is in them."""
    print(visible(sentence), flush=True)


def say_heading(words: str) -> None:
    """The words above what belongs together, after an empty line."""
    say("")
    say(words)


def note(sentence: str) -> None:
    """The same beside the answer, so that a program that reads it is not disturbed."""
    print(visible(sentence), file=sys.stderr, flush=True)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "Nothing yet."
) -> None:
    """A table; cells that hold a known state are coloured."""
    from rich.table import Table

    listed = list(rows)
    if not listed:
        say(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in listed:
        table.add_row(*map(_cell, row))
    console().print(table)


def print_laid_out(part: RenderableType) -> None:
    """What was laid out already, of visible words."""
    console().print(part)


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values beneath each other."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(visible(name)), _cell(value))
    console().print(table)


def shown(value: object) -> str:
    """A value in words; what nobody entered is said."""
    if value is None:
        return "not entered"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return visible(str(value))


def _cell(value: object) -> Text:
    """A value, coloured where it is a known state."""
    from rich.text import Text

    words = shown(value)
    return Text(words, style=_COLOURS.get(words, ""))


def answer(value: object, *, as_json: bool, human: Callable[[], None]) -> None:
    """The same answer for programs or for people."""
    if as_json:
        print_json(value)
    else:
        human()


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat is not None else str(value)
