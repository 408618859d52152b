"""Account and indicators → sheets of typed cells, which every tabular form writes as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ledger.forms.words import Language, say

Plain = Mapping[str, Any]


class Cell(Enum):
    """How the cells of a column are written."""

    TEXT = auto()
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

    def name(self, unit: int | None) -> str:
        """`M1`, or the number of a unit without a name."""
        return "" if unit is None else self.names.get(unit, str(unit))

    def word(self, key: str) -> str:
        """A word in the reader's language."""
        return say(key, self.language)


def sheets_of(account: Plain, indicators: Plain, reader: Reader) -> list[Sheet]:
    """The tables of an account, for the group or for one unit of it."""
    found = [
        _of_units("units", _SUMS, account, reader),
        _lines(account, reader),
        _of_units("value", _VALUES, account, reader),
        _ageing(account, reader),
        _fees(account, reader),
        _settlement(account, reader),
        _payments(account, reader),
        _contests(account, reader),
        _left_out(account, reader),
        _indicators(indicators, reader),
        _review(indicators, reader),
    ]
    return [each for each in found if each.rows]


def unit_in(account: Plain, unit: int) -> Plain:
    """A unit's part of an account."""
    return next(each for each in account["units"] if each["unit"] == unit)  # type: ignore[no-any-return]


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
    marks += [reader.word("adjustment")] if line["is_adjustment"] else []
    marks += [] if line["is_priced"] else [reader.word("no_price")]
    return f"{text} ({', '.join(marks)})" if marks else text


def _named(rows: Sequence[Plain], key: str, number: int, reader: Reader) -> str:
    names = next((row["name"] for row in rows if row[key] == number), {})
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

_SUMS = (
    "brought_forward", "credits", "debits", "net", "paid", "received", "balance", "disputed", "due",
)  # fmt: skip
_VALUES = ("contribution_value", "used", "market_of_used", "saving")


def _of_units(name: str, sums: Sequence[str], account: Plain, reader: Reader) -> Sheet:
    return Sheet(
        name=name,
        columns=[("unit", Cell.TEXT), *((each, Cell.MONEY) for each in sums)],
        rows=[
            [reader.name(each["unit"]), *(each[name] for name in sums)]
            for each in account["units"]
            if reader.unit in {None, each["unit"]}
        ],
    )


def _ageing(account: Plain, reader: Reader) -> Sheet:
    ages = range(len(account["units"][0]["ageing"]))
    return Sheet(
        name="ageing",
        columns=[("unit", Cell.TEXT), *((f"age_{place}", Cell.MONEY) for place in ages)],
        rows=[
            [reader.name(each["unit"]), *each["ageing"]]
            for each in account["units"]
            if reader.unit in {None, each["unit"]} and any(each["ageing"])
        ],
    )


def _lines(account: Plain, reader: Reader) -> Sheet:
    return Sheet(
        name="lines",
        columns=[
            ("line", Cell.WHOLE),
            ("of", Cell.TEXT),
            ("provider", Cell.TEXT),
            ("consumer", Cell.TEXT),
            ("service", Cell.TEXT),
            ("owner", Cell.TEXT),
            ("quantity", Cell.WHOLE),
            ("done", Cell.WHOLE),
            ("recalled", Cell.WHOLE),
            ("price", Cell.TEXT),
            ("amount", Cell.MONEY),
            ("market", Cell.MONEY),
            ("events", Cell.WHOLE),
            ("trace", Cell.TEXT),
        ],
        rows=[
            [
                number,
                line["of"],
                reader.name(line["provider"]),
                reader.name(line["consumer"]),
                service_text(line, account, reader),
                reader.name(line["owner"] or None),
                line["quantity"],
                line["done"],
                line["recalled"],
                price_text(line, account, reader),
                seen_amount(line, reader.unit),
                line["market"],
                line["events"],
                line["trace"],
            ]
            for number, line in numbered_lines(account, reader.unit)
        ],
    )


def _fees(account: Plain, reader: Reader) -> Sheet:
    names = ("charged_trips", "uncharged_trips", "each", "unused_capacity")
    kinds = (Cell.WHOLE, Cell.WHOLE, Cell.MONEY, Cell.MONEY)
    return Sheet(
        name="fees",
        columns=[
            ("carrier", Cell.TEXT),
            ("fee_due", Cell.MONEY),
            *zip(names, kinds, strict=True),
        ],
        rows=[
            [reader.name(fee["carrier"]), fee["due"], *(fee[name] for name in names)]
            for fee in account["fees"]
        ],
    )


def _settlement(account: Plain, reader: Reader) -> Sheet:
    return Sheet(
        name="settlement",
        columns=[("payer", Cell.TEXT), ("payee", Cell.TEXT), ("amount", Cell.MONEY)],
        rows=[
            [reader.name(each["payer"]), reader.name(each["payee"]), each["amount"]]
            for each in account["settlement"]["payments"]
            if reader.unit in {None, each["payer"], each["payee"]}
        ],
    )


def _payments(account: Plain, reader: Reader) -> Sheet:
    return Sheet(
        name="payments",
        columns=[
            ("payer", Cell.TEXT),
            ("payee", Cell.TEXT),
            ("amount", Cell.MONEY),
            ("state", Cell.TEXT),
            ("event", Cell.TEXT),
        ],
        rows=[
            [
                reader.name(each["payer"]),
                reader.name(each["payee"]),
                each["amount"],
                reader.word(state),
                each["event"],
            ]
            for state in ("confirmed", "not_confirmed")
            for each in account["payments"][state]
            if reader.unit in {None, each["payer"], each["payee"]}
        ],
    )


def _contests(account: Plain, reader: Reader) -> Sheet:
    return Sheet(
        name="contests",
        columns=[
            ("unit", Cell.TEXT),
            ("of", Cell.TEXT),
            ("lines", Cell.TEXT),
            ("open", Cell.TEXT),
            ("event", Cell.TEXT),
        ],
        rows=[
            [
                reader.name(each["unit"]),
                each["of"],
                ", ".join(map(str, each["lines"])),
                ", ".join(map(str, each["open"])),
                each["event"],
            ]
            for each in account["contests"]
            if reader.unit in {None, each["unit"]}
        ],
    )


def _left_out(account: Plain, reader: Reader) -> Sheet:
    return Sheet(
        name="left_out",
        columns=[(n, Cell.TEXT) for n in ("unit", "kind", "why", "event")],
        rows=[
            [reader.name(each["unit"]), each["kind"], each["why"].replace("_", " "), each["event"]]
            for each in account["left_out"]
            if reader.unit in {None, each["unit"]}
        ],
    )


def _is_for(of: str | None, reader: Reader) -> bool:
    return reader.unit is None or of in {None, f"unit {reader.unit}"} or str(of).startswith("0x")


def _about(of: str | None, reader: Reader) -> str:
    number = (of or "").removeprefix("unit ")
    return reader.name(int(number)) if number.isdigit() else of or ""


def _indicators(indicators: Plain, reader: Reader) -> Sheet:
    return Sheet(
        name="indicators",
        columns=[
            ("name", Cell.TEXT),
            ("about", Cell.TEXT),
            ("numerator", Cell.WHOLE),
            ("denominator", Cell.WHOLE),
            ("rate", Cell.RATE),
            ("colour", Cell.TEXT),
            ("sources", Cell.TEXT),
        ],
        rows=[
            [
                reader.word(row["name"]),
                _about(row["of"], reader),
                row["numerator"],
                row["denominator"],
                row["basis_points"],
                reader.word(row.get("colour") or ""),
                ", ".join(row["sources"]),
            ]
            for row in indicators["indicators"]
            if _is_for(row["of"], reader)
        ],
    )


def _review(indicators: Plain, reader: Reader) -> Sheet:
    return Sheet(
        name="review",
        columns=[
            ("dimension", Cell.TEXT),
            ("name", Cell.TEXT),
            ("about", Cell.TEXT),
            ("numerator", Cell.WHOLE),
            ("denominator", Cell.WHOLE),
            ("definition", Cell.TEXT),
            ("sources", Cell.TEXT),
        ],
        rows=[
            [
                reader.word(row["dimension"]),
                reader.word(row["indicator"]),
                _about(row["of"], reader) if row["is_recorded"] else reader.word("not_recorded"),
                row["numerator"],
                row["denominator"],
                reader.word(row["definition"]),
                ", ".join(row["sources"]),
            ]
            for row in indicators["review"]
            if _is_for(row["of"], reader)
        ],
    )
