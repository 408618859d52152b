"""Account and indicators → sheets of typed cells, which every tabular form writes as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeAlias

from ledger.forms.words import Language, say

Plain = Mapping[str, Any]


class Cell(Enum):
    """How the cells of a column are written."""

    TEXT = auto()
    #: text: a unit by its name, a word in the reader's language, several words or numbers
    UNIT = auto()
    WORD = auto()
    LIST = auto()
    WHOLE = auto()
    #: whole smallest units, shown in the currency
    MONEY = auto()
    #: basis points, shown in percent
    RATE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table of a form."""

    name: str
    columns: Sequence[tuple[str, Cell]]
    #: text, whole numbers, or None for what is not there
    rows: Sequence[Sequence[str | int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom a form is made."""

    language: Language
    #: None: the whole group
    unit: int | None = None
    #: what units are called
    names: Mapping[int, str]
    #: the same in full, where it is known
    full_names: Mapping[int, str] = field(default_factory=dict)
    #: what machines and assets are called, by their ids as 0x and digits
    things: Mapping[str, str] = field(default_factory=dict)

    def name(self, unit: int | None) -> str:
        """`M1`, or the number of a unit without a name."""
        return "" if unit is None else self.names.get(unit, str(unit))

    def full_name(self) -> str:
        """Of the unit that it is for: `M1 · East Community Hospital`."""
        unit = self.unit or 0
        names = dict.fromkeys([self.name(unit), self.full_names.get(unit, "")])
        return " · ".join(name for name in names if name)

    def word(self, key: str) -> str:
        """A word in the reader's language."""
        return say(key, self.language)


def unit_in(account: Plain, unit: int) -> Plain:
    """A unit's part of an account."""
    return next(each for each in account["units"] if each["unit"] == unit)


def numbered_lines(account: Plain, unit: int | None) -> Iterator[tuple[int, Plain]]:
    """The lines with their numbers, which begin with 1; of a unit, its own numbers."""
    lines = account["lines"]
    places = range(len(lines)) if unit is None else unit_in(account, unit)["lines"]
    return ((number, lines[place]) for number, place in enumerate(places, start=1))


def money_text(amount: int, account: Plain, *, thousands: str = "") -> str:
    """`-1166.00`, from whole smallest units; with a sign between `thousands` for people."""
    one = account["terms"]["smallest_in_one"]
    whole, part = divmod(abs(amount), one)
    digits = len(str(one)) - 1
    text = f"{whole:,}".replace(",", thousands) + (f".{part:0{digits}d}" if digits else "")
    return f"-{text}" if amount < 0 else text


def rate_text(basis_points: int) -> str:
    """`38.46 %`."""
    whole, part = divmod(abs(basis_points), 100)
    return f"{'-' if basis_points < 0 else ''}{whole}.{part:02d} %"


def seen_amount(line: Plain, unit: int | None) -> int:
    """A line's amount; for one unit, what it is owed."""
    amount: int = line["amount"]
    return -amount if unit is not None and line["consumer"] == unit else amount


def service_text(line: Plain, account: Plain, reader: Reader) -> str:
    """`B2`, `ultrasound`, `share of trips`; what sort of line it is behind it."""
    what, group = line["what"], line["group"]
    if what in {"trip_share", "unused_capacity"}:
        text = reader.word("trip_share" if what == "trip_share" else "unused")
    elif group == "sterilisation":
        text = _named(account["terms"]["packages"], "class", line["class"], reader)
    else:
        text = _named(account["terms"]["catalogue"], "kind", line["kind"], reader)
        text += f" {line['class']}" if line["class"] else ""
    marks = [reader.word("tax")] if what == "tax" else []
    marks += [reader.word("own_use")] if line["provider"] == line["consumer"] else []
    marks += [reader.word("adjustment")] if line["is_adjustment"] else []
    marks += [] if line["is_priced"] else [reader.word("no_price")]
    return f"{text} ({', '.join(marks)})" if marks else text


def _named(rows: Sequence[Plain], key: str, number: int, reader: Reader) -> str:
    names: Plain = next((row["name"] for row in rows if row[key] == number), {})
    found = names.get(reader.language.value) or next(iter(names.values()), None)
    return f"{key} {number}" if found is None else str(found)


def price_text(line: Plain, account: Plain, reader: Reader) -> str:
    """`21.00`, or `50.00 per 60`."""
    price = line["price"]
    if price is None:
        return ""
    text = money_text(price["internal"], account)
    return text if price["per"] == 1 else f"{text} {reader.word('per')} {price['per']}"


# ---------------------------------------------------------------- the tables

Column: TypeAlias = tuple[str, Cell]
_UNIT, _WORD, _TEXT = Cell.UNIT, Cell.WORD, Cell.TEXT


def _columns(names: str, kind: Cell) -> tuple[Column, ...]:
    return tuple((name, kind) for name in names.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Where a sheet's rows are from; a column is the row's member of that name."""

    name: str
    rows: Callable[[Plain, Plain, Reader], Iterable[Plain]]
    columns: Sequence[Column]


def sheets_of(account: Plain, indicators: Plain, reader: Reader) -> list[Sheet]:
    """The tables of an account, for the group or for one unit of it; those with rows."""
    return [each for each in every_sheet(account, indicators, reader) if each.rows]


def every_sheet(account: Plain, indicators: Plain, reader: Reader) -> list[Sheet]:
    """The same, also those without rows: a program that reads one finds its columns."""
    return [_sheet(table, account, indicators, reader) for table in _TABLES]


def _sheet(table: _Table, account: Plain, indicators: Plain, reader: Reader) -> Sheet:
    rows = [row for row in table.rows(account, indicators, reader) if _is_for(row, reader)]
    written = {Cell.UNIT: Cell.TEXT, Cell.WORD: Cell.TEXT, Cell.LIST: Cell.TEXT}
    return Sheet(
        name=table.name,
        columns=[(name, written.get(kind, kind)) for name, kind in table.columns],
        rows=[[_value(row.get(n), kind, reader) for n, kind in table.columns] for row in rows],
    )


def _is_for(row: Plain, reader: Reader) -> bool:
    """Whether a row is the reader's: it names their unit, or no unit."""
    named = {row[name] for name in _PARTIES if row.get(name) is not None}
    return reader.unit is None or not named or reader.unit in named


#: Members of a row that name the units that it is about.
_PARTIES = ("unit", "payer", "payee", "provider", "consumer", "giver", "receiver")


def _value(value: Any, kind: Cell, reader: Reader) -> str | int | None:  # noqa: ANN401 - JSON
    if value is None:
        return None
    if kind is Cell.UNIT:
        return reader.name(value)
    if kind is Cell.WORD:
        return reader.word(str(value))
    if kind is Cell.LIST:
        return ", ".join(map(str, value))
    return value  # type: ignore[no-any-return]


def _line_rows(account: Plain, _indicators: Plain, reader: Reader) -> Iterator[Plain]:
    for number, line in numbered_lines(account, reader.unit):
        yield {
            **line,
            "line": number,
            "service": service_text(line, account, reader),
            "owner": line["owner"] or None,
            "price": price_text(line, account, reader),
            "amount": seen_amount(line, reader.unit),
        }


def _age_rows(account: Plain, _indicators: Plain, _reader: Reader) -> Iterator[Plain]:
    for each in account["units"]:
        if any(each["ageing"]):
            yield {**each, **{f"age_{n}": amount for n, amount in enumerate(each["ageing"])}}


def _fee_rows(account: Plain, _indicators: Plain, _reader: Reader) -> Iterator[Plain]:
    return ({**each, "fee_due": each["due"]} for each in account["fees"])


def _payment_rows(account: Plain, _indicators: Plain, _reader: Reader) -> Iterator[Plain]:
    for state, rows in account["payments"].items():
        yield from ({**each, "state": state} for each in rows)


def _dispute_rows(account: Plain, _indicators: Plain, reader: Reader) -> Iterator[Plain]:
    for each in account["disputes"]:
        yield {**each, "amount": seen_amount(each, reader.unit)}


def _indicator_rows(_account: Plain, indicators: Plain, reader: Reader) -> Iterator[Plain]:
    return (_about(row, reader) for row in indicators["indicators"])


def _review_rows(_account: Plain, indicators: Plain, reader: Reader) -> Iterator[Plain]:
    return (_about(row, reader) for row in indicators["review"])


def _about(row: Plain, reader: Reader) -> Plain:
    """With the unit that it is of, where it is of one; else what it is of in words."""
    number = str(row["of"]).removeprefix("unit ")
    if number.isdigit():
        return {**row, "unit": int(number), "about": reader.name(int(number))}
    of = row["of"] or reader.word("not_recorded")
    return {**row, "about": reader.things.get(of, of)}


_TABLES = (
    _Table(
        name="units",
        rows=lambda account, *_: account["units"],
        columns=(
            ("unit", _UNIT),
            *_columns("brought_forward credits debits net paid received balance", Cell.MONEY),
            *_columns("disputed due", Cell.MONEY),
        ),
    ),
    _Table(
        name="lines",
        rows=_line_rows,
        columns=(
            ("line", Cell.WHOLE),
            ("of", _TEXT),
            *_columns("provider consumer", _UNIT),
            ("service", _TEXT),
            ("owner", _UNIT),
            *_columns("quantity done recalled", Cell.WHOLE),
            ("price", _TEXT),
            *_columns("amount market", Cell.MONEY),
            ("events", Cell.WHOLE),
            ("trace", _TEXT),
        ),
    ),
    _Table(
        name="value",
        rows=lambda account, *_: account["units"],
        columns=(
            ("unit", _UNIT),
            *_columns("contribution_value used market_of_used saving", Cell.MONEY),
        ),
    ),
    _Table(
        name="ageing",
        rows=_age_rows,
        columns=(("unit", _UNIT), *_columns("age_0 age_1 age_2 age_3 age_4", Cell.MONEY)),
    ),
    _Table(
        name="fees",
        rows=_fee_rows,
        columns=(
            ("carrier", _UNIT),
            ("fee_due", Cell.MONEY),
            *_columns("charged_trips uncharged_trips", Cell.WHOLE),
            *_columns("each unused", Cell.MONEY),
        ),
    ),
    _Table(
        name="settlement",
        rows=lambda account, *_: account["settlement"]["payments"],
        columns=(*_columns("payer payee", _UNIT), ("amount", Cell.MONEY)),
    ),
    _Table(
        name="payments",
        rows=_payment_rows,
        columns=(
            *_columns("payer payee", _UNIT),
            ("amount", Cell.MONEY),
            ("state", _WORD),
            ("digest", _TEXT),
        ),
    ),
    _Table(
        name="contests",
        rows=lambda account, *_: account["contests"],
        columns=(
            ("unit", _UNIT),
            ("period", _TEXT),
            *_columns("lines open_lines", Cell.LIST),
            ("answer", _TEXT),
        ),
    ),
    _Table(
        name="disputes",
        rows=_dispute_rows,
        columns=(
            ("why", _WORD),
            *_columns("provider consumer", _UNIT),
            ("amount", Cell.MONEY),
            ("event", _TEXT),
        ),
    ),
    _Table(
        name="refusals",
        rows=lambda account, *_: account["refusals"],
        columns=(
            *_columns("giver receiver", _UNIT),
            ("packages", Cell.WHOLE),
            ("state", _WORD),
            ("digest", _TEXT),
        ),
    ),
    _Table(
        name="left_out",
        rows=lambda account, *_: (
            {**each, "event": each["digest"]} for each in account["left_out"]
        ),
        columns=(
            *_columns("unit consumer", _UNIT),
            *_columns("kind why", _WORD),
            ("event", _TEXT),
        ),
    ),
    _Table(
        name="indicators",
        rows=_indicator_rows,
        columns=(
            ("name", _WORD),
            ("about", _TEXT),
            *_columns("numerator denominator", Cell.WHOLE),
            ("basis_points", Cell.RATE),
            ("colour", _WORD),
            ("sources", Cell.LIST),
        ),
    ),
    _Table(
        name="review",
        rows=_review_rows,
        columns=(
            *_columns("dimension indicator", _WORD),
            ("about", _TEXT),
            *_columns("numerator denominator", Cell.WHOLE),
            ("definition", _WORD),
            ("sources", Cell.LIST),
        ),
    ),
)
