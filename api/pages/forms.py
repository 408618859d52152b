"""Act → the form that people fill in, and a filled form → what the act's body would say.

The fields are those that the act declares (ledger/domain/acts/asking.py), as bodies and options
are made of them; each sort of field has its control here, and its way back to plain form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import singledispatch
from typing import Any

from api.pages.asking import Filled
from api.pages.words import Words, spoken
from ledger.domain.acts import asking
from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    Each,
    Field,
    Flags,
    Given,
    Lines,
    MachineNamed,
    Measured,
    Moment,
    Named,
    Numbers,
    OneOf,
    Parts,
    Photo,
    Profile,
    ReadingPart,
    Signing,
    Sort,
    Switch,
    Whole,
)
from ledger.domain.acts.vocabulary import (
    Words as WordsSort,
)

#: lines that a form shows empty, for more
SPARE_LINES = 2
#: of a line's number
_DIGITS = 6
_LONG = 200
#: what the session says itself: who entered it, how they were known, and when they sign
_OF_THE_SESSION = frozenset({"enterer", "authenticated_by", "signed_at"})
#: fields about who signs and how it came about: below the rest, and seldom opened
_BESIDE = frozenset(each.name for each in asking.CIRCUMSTANCES)

Option = tuple[str, str]
#: what there is to choose from, by what a field names: unit, equipment, signer, profile
Choices = Mapping[str, Sequence[Option]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control of a form."""

    name: str
    #: the field's name; said in words where it is shown
    label: str
    #: which control: text, long, number, decimal, moment, select, flags, hidden, group, lines
    kind: str
    help: str = ""
    value: str = ""
    #: of `flags`
    chosen: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    is_required: bool = False
    #: of `group`
    parts: tuple[Control, ...] = ()
    #: of `lines`: the controls of each line
    lines: tuple[tuple[Control, ...], ...] = ()
    #: what is wrong with it; empty: nothing
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What controls are made from."""

    filled: Filled
    choices: Choices
    words: Words
    errors: Mapping[str, str] = field(default_factory=dict)
    #: whether whoever fills it in acts for several units, and so says for which
    asks_unit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form of an act."""

    act: Act
    controls: tuple[Control, ...]
    #: how it came about
    beside: tuple[Control, ...]

    @property
    def takes_photos(self) -> bool:
        """Whether a picture may be chosen on it."""
        columns = (each for c in self.controls for line in c.lines for each in line)
        return any(each.kind == "photo" for each in (*self.controls, *columns))

    @property
    def has_error_beside(self) -> bool:
        """Whether something of those that are closed is wrong."""
        return any(
            control.error or any(part.error for part in control.parts) for control in self.beside
        )


def form_of(act: Act, desk: Desk) -> Form:
    """The controls of an act, filled with what was filled in already."""
    main: list[Control] = []
    beside: list[Control] = []
    signing = {each.name for each in asking.signs(act).values()}
    for each in _asked(act):
        is_optional = each.given is not Given.ALWAYS
        if each.name == "unit" and is_optional and not desk.asks_unit:
            continue
        is_beside = is_optional and each.name in _BESIDE | signing
        (beside if is_beside else main).append(_control(each, each.name, desk))
    return Form(act=act, controls=tuple(main), beside=tuple(beside))


def values_of(act: Act, filled: Filled, words: Words) -> dict[str, Any]:
    """What was filled in, in plain form by the names of the act's fields, as a body says it.

    What is empty is left out; what a person judged is None where the form says that there was none.
    """
    values: dict[str, Any] = {}
    for each in _asked(act):
        found = plain(each.of, each.name, filled, words)
        if found is not None:
            values[each.name] = found
        elif each.given is Given.JUDGED and filled.has(each.name):
            values[each.name] = None
    return values


def place_of(act: Act, filled: Filled, place: str) -> str:
    """A field, and what is within it, as a body says it → the name of its control.

    A body has no empty lines, and a form may.
    """
    name, _, rest = place.partition(".")
    number, _, column = rest.partition(".")
    lines = _numbers(name, filled) if number.isdecimal() else []
    if number.isdecimal() and int(number) < len(lines):
        return ".".join(filter(None, (name, str(lines[int(number)]), column)))
    known = {each.name: each for each in _asked(act)}
    return (
        place if name in known and isinstance(known[name].of, Parts | Each | ReadingPart) else name
    )


def _asked(act: Act) -> list[Field]:
    return [each for each in asking.asked(act) if each.name not in _OF_THE_SESSION]


def _control(each: Field, name: str, desk: Desk) -> Control:
    made = control(each.of, each, name, desk)
    made = replace(made, error=desk.errors.get(name, ""))
    if each.given is Given.JUDGED and not made.error:
        return replace(made, kind="hidden", options=())
    return made


def _start(each: Field, name: str, kind: str, desk: Desk, **more: Any) -> Control:
    default = each.default if isinstance(each.default, str) else ""
    if each.default is not None and hasattr(each.default, "name"):
        default = str(each.default.name).lower()
    return Control(
        name=name,
        label=each.name,
        kind=kind,
        help=each.help,
        value=desk.filled.get(name) if desk.filled.has(name) else default,
        is_required=each.given is Given.ALWAYS,
        **more,
    )


def _words(words: Sequence[str]) -> tuple[Option, ...]:
    return tuple((word, spoken(word)) for word in words)


# ---------------------------------------------------------------- sort → control


@singledispatch
def control(sort: Sort, each: Field, name: str, desk: Desk) -> Control:
    """The control of a sort of field."""
    return _start(each, name, "text", desk)


@control.register
def _(sort: WordsSort, each: Field, name: str, desk: Desk) -> Control:
    return _start(each, name, "long" if sort.longest > _LONG else "text", desk)


@control.register
def _(sort: Profile, each: Field, name: str, desk: Desk) -> Control:
    return _start(each, name, "select", desk, options=tuple(desk.choices["profile"]))


@control.register
def _(sort: Choice | OneOf, each: Field, name: str, desk: Desk) -> Control:
    return _start(each, name, "select", desk, options=_words(sort.words))


@control.register
def _(sort: Flags, each: Field, name: str, desk: Desk) -> Control:
    chosen = tuple(desk.filled.all(name))
    return _start(each, name, "flags", desk, options=_words(sort.words), chosen=chosen)


@control.register
def _(sort: Photo, each: Field, name: str, desk: Desk) -> Control:
    return _start(each, name, "photo", desk)


@control.register
def _(sort: Switch, each: Field, name: str, desk: Desk) -> Control:
    return _start(each, name, "select", desk, options=(("yes", "yes"), ("no", "no")))


@control.register
def _(sort: Whole, each: Field, name: str, desk: Desk) -> Control:
    return _start(each, name, "number", desk)


@control.register
def _(sort: Numbers, each: Field, name: str, desk: Desk) -> Control:
    """Several boxes, or several numbers with commas between them."""
    value = ", ".join(desk.filled.all(name))
    return replace(_start(each, name, "text", desk), value=value)


@control.register
def _(sort: Measured, each: Field, name: str, desk: Desk) -> Control:
    return _start(each, name, "decimal", desk)


@control.register
def _(sort: Moment, each: Field, name: str, desk: Desk) -> Control:
    return _start(each, name, "moment", desk)


@control.register
def _(sort: Named, each: Field, name: str, desk: Desk) -> Control:
    options = tuple(desk.choices.get(sort.what, ()))
    return _start(each, name, "select" if options else "text", desk, options=options)


@control.register
def _(sort: MachineNamed, each: Field, name: str, desk: Desk) -> Control:
    return _start(each, name, "select", desk, options=tuple(desk.choices["equipment"]))


@control.register
def _(sort: Signing, each: Field, name: str, desk: Desk) -> Control:
    return _start(each, name, "select", desk, options=tuple(desk.choices["signer"]))


@control.register
def _(sort: Parts, each: Field, name: str, desk: Desk) -> Control:
    parts = tuple(_control(part, f"{name}.{part.name}", desk) for part in sort.parts)
    return _start(each, name, "group", desk, parts=parts)


@control.register
def _(sort: ReadingPart, each: Field, name: str, desk: Desk) -> Control:
    parts = (
        _start(Field(name="sha256", of=sort, given=Given.OPTIONAL), f"{name}.sha256", "text", desk),
        _start(
            Field(name="ordinal", of=sort, given=Given.OPTIONAL), f"{name}.ordinal", "number", desk
        ),
    )
    return _start(each, name, "group", desk, parts=parts)


@control.register
def _(sort: Each, each: Field, name: str, desk: Desk) -> Control:
    options = _words(sort.words)
    parts = tuple(
        Control(
            name=f"{name}.{part}",
            label=part,
            kind="select",
            value=desk.filled.get(f"{name}.{part}") or sort.absent,
            options=options,
            is_required=True,
            error=desk.errors.get(f"{name}.{part}", ""),
        )
        for part in sort.names
    )
    return _start(each, name, "group", desk, parts=parts)


@control.register
def _(sort: Lines, each: Field, name: str, desk: Desk) -> Control:
    filled = len(_numbers(name, desk.filled))
    count = max(filled + SPARE_LINES, SPARE_LINES + 1)
    lines = tuple(
        tuple(_column(sort, column, f"{name}.{number}.{column}", desk) for column in sort.columns)
        for number in range(min(count, sort.most))
    )
    return replace(_start(each, name, "lines", desk, lines=lines), help="")


def _column(sort: Lines, column: str, name: str, desk: Desk) -> Control:
    """A column of one line; nothing is required of a line that stays empty."""
    made = Field(name=column, of=sort.columns[column], given=Given.OPTIONAL)
    return _control(made, name, desk)


def _numbers(name: str, filled: Filled) -> list[int]:
    """The numbers of the lines in which something was filled in."""
    start = f"{name}."
    said = set()
    for each in filled.names():
        number, _, column = each.removeprefix(start).partition(".")
        is_number = number.isascii() and number.isdecimal() and len(number) <= _DIGITS
        if each.startswith(start) and is_number and column and filled.get(each):
            said.add(int(number))
    return sorted(said)


# ---------------------------------------------------------------- control → plain form


@singledispatch
def plain(sort: Sort, name: str, filled: Filled, words: Words) -> Any:
    """What was filled in, in plain form; None for nothing.

    What is not of its sort stays as it was typed: the body's own rule says what is wrong with it.
    """
    return filled.get(name) or None


@plain.register
def _(sort: Flags, name: str, filled: Filled, words: Words) -> Any:
    return [each for each in filled.all(name) if each] or None


@plain.register
def _(sort: Switch, name: str, filled: Filled, words: Words) -> Any:
    said = filled.get(name)
    return {"yes": True, "no": False, "": None}.get(said, said)


@plain.register
def _(sort: Whole, name: str, filled: Filled, words: Words) -> Any:
    return _whole(filled.get(name))


@plain.register
def _(sort: Numbers, name: str, filled: Filled, words: Words) -> Any:
    said = re.split(r"[\s,，、]+", ",".join(filled.all(name)))
    return [_whole(each) for each in said if each] or None


@plain.register
def _(sort: Named, name: str, filled: Filled, words: Words) -> Any:
    said = filled.get(name)
    return (_whole(said) if sort.what == "unit" else said) or None


@plain.register
def _(sort: Moment, name: str, filled: Filled, words: Words) -> Any:
    said = filled.get(name)
    if not said:
        return None
    try:
        return words.local(said).astimezone().isoformat()
    except (ValueError, OverflowError):
        return said


@plain.register
def _(sort: Parts, name: str, filled: Filled, words: Words) -> Any:
    found = {part.name: plain(part.of, f"{name}.{part.name}", filled, words) for part in sort.parts}
    return {part: value for part, value in found.items() if value is not None} or None


@plain.register
def _(sort: ReadingPart, name: str, filled: Filled, words: Words) -> Any:
    sha256, ordinal = filled.get(f"{name}.sha256"), _whole(filled.get(f"{name}.ordinal"))
    return {"sha256": sha256, "ordinal": ordinal} if sha256 else None


@plain.register
def _(sort: Each, name: str, filled: Filled, words: Words) -> Any:
    said = {part: filled.get(f"{name}.{part}") for part in sort.names}
    return {part: word for part, word in said.items() if word not in {"", sort.absent}} or None


@plain.register
def _(sort: Lines, name: str, filled: Filled, words: Words) -> Any:
    lines = []
    for number in _numbers(name, filled):
        found = {
            column: plain(of, f"{name}.{number}.{column}", filled, words)
            for column, of in sort.columns.items()
        }
        lines.append({column: value for column, value in found.items() if value is not None})
    return lines or None


def _whole(said: str) -> int | str | None:
    is_number = said.removeprefix("-").isdecimal() and said.isascii() and len(said) <= 20  # noqa: PLR2004
    return int(said) if is_number else said or None


# ---------------------------------------------------------------- plain form → what a control shows


def shown(value: object, words: Words) -> str:
    """How a value that stands is filled into its control."""
    if isinstance(value, datetime):
        return words.typed(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return "0x" + value.hex() if any(value) else ""
    name: Callable[[], str] | str | None = getattr(value, "name", None)
    return str(name).lower() if name is not None else str(value)
