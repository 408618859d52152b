"""Act → its command: what a person types of it, as the act declares it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import singledispatch
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.acting import record
from ledger.cli.files import picture_of
from ledger.cli.options import DEFAULT_HOME, HomeOption, JsonOption, WaitOption, parse_moment
from ledger.domain.acts import asking
from ledger.domain.acts.asking import Door
from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    Each,
    Field,
    Flags,
    Given,
    Lines,
    Measured,
    Moment,
    NewKey,
    Numbers,
    OneOf,
    Parts,
    Photo,
    ReadingPart,
    Signing,
    Sort,
    Switch,
    Whole,
    Zone,
)
from ledger.domain.errors import InvalidInput

PrepareOption = Annotated[
    Path | None,
    typer.Option(
        "--prepare",
        metavar="FILE",
        help="Write what has to be signed elsewhere into this new file, and sign nothing here; "
        "then: operation submit.",
    ),
]
#: How the command line says that there is none of what a person judged.
NONE = "none"
#: What a value looks like where its type does not say it.
_METAVARS: Mapping[type[Sort], str] = {
    Moment: "MOMENT",
    Zone: "ZONE",
    Measured: "DECIMAL",
    ReadingPart: "SHA256[:ORDINAL]",
    Photo: "FILE",
    Each: "NAME=WORD",
    Signing: "SIGNER",
    NewKey: "0x…",
}
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")


def command_of(act: Act, name: str) -> Any:
    """The command of an act, by its name within its group."""

    def command(**typed: Any) -> None:
        record(
            act,
            values_of(act, typed),
            COMMAND_LINE,
            home=typed["home"],
            as_json=typed["as_json"],
            wait=typed["wait"],
            prepare_to=typed["prepare_to"],
        )

    parameters = [parameter for each in _options(act) for parameter in each.parameters()]
    parameters += [
        _keyword("prepare_to", PrepareOption, None),
        _keyword("home", HomeOption, DEFAULT_HOME),
        _keyword("as_json", JsonOption, default=False),
        _keyword("wait", WaitOption, 0),
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__ = act.doc
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name)(command)
    return typer.main.get_command(alone)


def values_of(act: Act, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, by the names of the act's fields, in plain form; raises InvalidInput."""
    return {each.field.name: each.read(typed) for each in _options(act) if each.is_said(typed)}


def _options(act: Act) -> list[_Option]:
    needs_unit = not asking.names_its_unit(act)
    return [
        _Option(each, is_required=each.name == "unit" and needs_unit) for each in asking.asked(act)
    ]


def spell(act: Act, place: str) -> str:
    """A field, and what is within it, as they are typed: `lines.2.owner` → `--line 3 owner`."""
    name, *within = place.split(".")
    field = next((each for each in asking.asked(act) if each.name == name), None)
    if field is None:
        return place
    if isinstance(field.of, Parts) and within:
        return _dashed(f"{name}_{within[0]}")
    if isinstance(field.of, Lines) and within and within[0].isdigit():
        within[0] = str(int(within[0]) + 1)
    if isinstance(field.of, ReadingPart):
        within = []
    return " ".join([_spelled(field), *within])


#: Whoever types decides on what they see: what is left out of that is what stands.
COMMAND_LINE = Door(authenticated_by="local", takes_what_stands=True, spell=spell)


class _Option:
    """One field as options or as an argument of a command."""

    def __init__(self, field: Field, *, is_required: bool = False) -> None:
        self.field = field
        self._is_required = is_required or field.given is Given.ALWAYS

    def parameters(self) -> list[inspect.Parameter]:
        """As the command takes it."""
        field, sort = self.field, self.field.of
        if isinstance(sort, Parts):
            return [each for part in self._parts() for each in part.parameters()]
        kind = type_of(sort)
        if field.is_argument:
            told: Any = typer.Argument(metavar=field.name.upper(), help=_help(field))
        else:
            told = typer.Option(
                _declared(field), help=_help(field), metavar=_METAVARS.get(type(sort))
            )
        if self._is_required:
            return [_keyword(field.name, Annotated[kind, told])]
        return [_keyword(field.name, Annotated[kind | None, told], None)]

    def _parts(self) -> list[_Option]:
        """An option for each part of a field that has several."""
        field, sort = self.field, self.field.of
        parts = sort.parts if isinstance(sort, Parts) else ()
        return [_Option(replace(each, name=f"{field.name}_{each.name}")) for each in parts]

    def is_said(self, typed: Mapping[str, Any]) -> bool:
        """Whether anything of it was typed."""
        said = (typed[each.name] for each in self.parameters())
        return any(each is not None and each not in ((), []) for each in said)

    def read(self, typed: Mapping[str, Any]) -> Any:
        """What was typed, in plain form; raises InvalidInput."""
        field, sort = self.field, self.field.of
        if isinstance(sort, Parts):
            return {
                each.field.name.removeprefix(f"{field.name}_"): each.read(typed)
                for each in self._parts()
                if each.is_said(typed)
            }
        said = typed[field.name]
        if field.given is Given.JUDGED and said == NONE:
            return None
        return read(sort, said, _spelled(field), field)


def _keyword(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> Any:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _spelled(field: Field) -> str:
    return field.name.upper() if field.is_argument else _dashed(field.option or field.name)


def _dashed(name: str) -> str:
    return "--" + name.replace("_", "-")


def _declared(field: Field) -> str:
    option = _spelled(field)
    return f"{option}/--no-{option[2:]}" if isinstance(field.of, Switch) else option


def _help(field: Field) -> str:
    """What it is, which words it may be, and what it is when it is left out."""
    told = [field.help.replace("null:", f"{NONE}:")] if field.help else []
    told += words_of(field.of)
    if isinstance(field.of, Moment):
        told.append("ISO 8601 with zone")
    if isinstance(field.of, Lines | Each | Flags | Numbers):
        told.append("repeatable")
    if field.given in {Given.STANDING, Given.JUDGED}:
        told.append("left out: as it stands")
    text = "; ".join(told) or field.name.replace("_", " ")
    return f"{text[0].upper()}{text[1:]}."


def words_of(sort: Sort) -> list[str]:
    """The words that a value may be, in words."""
    if isinstance(sort, Each):
        return [f"{', '.join(sort.names)} = {', '.join(sort.words)}"]
    return [", ".join(sort.words)] if isinstance(sort, Choice | OneOf | Flags) else []


# ---------------------------------------------------------------- by the sort of a field


def type_of(sort: Sort) -> Any:
    """The type as which the command line takes a value; several are typed one by one."""
    if isinstance(sort, Lines | Each | Flags):
        return list[str]
    if isinstance(sort, Numbers):
        return list[int]
    return int if isinstance(sort, Whole) else bool if isinstance(sort, Switch) else str


@singledispatch
def read(sort: Sort, said: Any, option: str, field: Field) -> Any:
    """What was typed at an option → plain form; most is that already.  Raises InvalidInput."""
    return said


@read.register
def _(sort: Moment, said: str, option: str, field: Field) -> datetime:
    return parse_moment(said, option)


@read.register
def _(sort: Photo, said: str, option: str, field: Field) -> Any:
    """A picture's file; or the SHA-256 of a photo, kept here or elsewhere."""
    return picture_of(said, option)


@read.register
def _(sort: Lines, said: list[str], option: str, field: Field) -> Any:
    return [_line(sort, text, option, field) for text in said]


def _line(sort: Lines, text: str, option: str, field: Field) -> dict[str, Any]:
    """One line, its columns with colons between them; the last may hold colons itself."""
    parts = text.split(":", len(sort.columns) - 1)
    parts += [""] * (len(sort.columns) - len(parts))
    line: dict[str, Any] = {}
    for (name, column), part in zip(sort.columns.items(), parts, strict=True):
        is_free = name in sort.optional | sort.follows
        is_wrong = isinstance(column, Whole) and _WHOLE.fullmatch(part) is None
        if not (part == "" and is_free) and (part == "" or is_wrong):
            raise InvalidInput(f"{text[:80]!r} is not understood", field=option, rule=field.help)
        if part:
            is_whole = isinstance(column, Whole)
            line[name] = int(part) if is_whole else read(column, part, option, field)
        else:
            line[name] = None
    return line


@read.register
def _(sort: Each, said: list[str], option: str, field: Field) -> Any:
    found: dict[str, str] = {}
    for text in said:
        name, separator, word = text.partition("=")
        if not separator or name in found:
            raise InvalidInput(
                f"{text[:80]!r} is not understood", field=option, rule="NAME=WORD, each name once"
            )
        found[name] = word
    return found


@read.register
def _(sort: ReadingPart, said: str, option: str, field: Field) -> Any:
    sha256, _, ordinal = said.partition(":")
    if ordinal and not _WHOLE.fullmatch(ordinal):
        raise InvalidInput(
            f"{said[:80]!r} is not understood", field=option, rule="SHA256 or SHA256:ORDINAL"
        )
    return {"sha256": sha256, "ordinal": int(ordinal) if ordinal else None}
