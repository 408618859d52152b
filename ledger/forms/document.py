"""Account → PDF for people: A4, in either language, PDF/A-3 with the account's own bytes inside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from ledger.domain.encoding.hashing import sha256
from ledger.domain.statement.periods import parse_period
from ledger.forms.sheets import (
    Cell,
    Plain,
    Reader,
    Sheet,
    money_text,
    rate_text,
    sheets_of,
    unit_in,
)
from ledger.forms.typesetting import set_pdf
from ledger.forms.words import words_in

#: columns that a page leaves out: programs have them in the other forms
_LEFT_OUT = frozenset({"trace", "digest", "answer", "owner", "done"})
#: how one comes from the other
_STEPS = (
    ("", "brought_forward"),
    ("+", "credits"),
    ("−", "debits"),
    ("+", "paid"),
    ("−", "received"),
    ("=", "balance"),
    ("−", "disputed"),
    ("=", "due"),
)
_WIDE = frozenset({"service", "definition", "sources", "why"})


def pdf_of(account: Plain, indicators: Plain, data: bytes, reader: Reader) -> bytes:
    """The PDF; `data` is the account's canonical bytes, which it holds as an attachment.

    Raises Inconsistent when it cannot be set, or the setter warns of anything.
    """
    form = form_of(account, indicators, data, reader)
    return set_pdf("statement.typ", form, account=data.decode())


def _money(amount: int, account: Plain) -> str:
    return money_text(amount, account, thousands=",")


def form_of(account: Plain, indicators: Plain, data: bytes, reader: Reader) -> dict[str, Any]:
    """All that a page for people shows, in the reader's words: paper and screen place the same."""
    words = words_in(reader.language)
    moment = datetime.fromisoformat(account["closing"]["time"])
    unit = None if reader.unit is None else unit_in(account, reader.unit)
    return {
        "words": words,
        "language": reader.language.value,
        "title": words["group_title" if unit is None else "title"],
        "heading": words["all_units"] if unit is None else reader.full_name(),
        "days": _days(account),
        "period": account["period"],
        "currency": account["terms"]["currency"],
        "date": [moment.year, moment.month, moment.day],
        "headline": None if unit is None else _headline(unit, account, words),
        "steps": []
        if unit is None
        else [
            {"sign": sign, "label": words[n], "amount": _money(unit[n], account)}
            for sign, n in _STEPS
        ],
        "bars": list(_bars(account, unit, reader)),
        "bars_title": words["net" if unit is None else "contributed"]
        + ("" if unit is None else f" / {words['used']}"),
        "bars_left": words["debits"] if unit is None else words["used"],
        "bars_right": words["credits"] if unit is None else words["contributed"],
        "trend": [] if unit is None else [_in_trend(each, account) for each in unit["trend"]],
        "sheets": [
            _shown(sheet, account, reader)
            for sheet in sheets_of(account, indicators, reader)
            if unit is None or sheet.name != "units"
        ],
        "basis": list(_basis(account, indicators, data, reader)),
        "check": words["check"].format(block=account["closing"]["block"], hash=sha256(data).hex()),
        "attachment": f"account-{account['period']}.json",
    }


def _days(account: Plain) -> str:
    """`2026-11-01 – 2026-11-30, UTC+08:00`."""
    period, minutes = parse_period(account["period"]), account["terms"]["offset_seconds"] // 60
    last = (date(period.plus(1).year, period.plus(1).month, 1) - timedelta(days=1)).isoformat()
    hours, rest = divmod(abs(minutes), 60)
    return f"{period}-01 – {last}, UTC{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def _in_trend(each: Plain, account: Plain) -> dict[str, Any]:
    return {
        **each,
        "contributed_text": _money(each["contributed"], account),
        "used_text": _money(each["used"], account),
    }


def _basis(
    account: Plain, indicators: Plain, data: bytes, reader: Reader
) -> Iterator[tuple[str, str]]:
    """What the figures rest on: what anybody needs to compute them again, and to compare."""
    closing = account["closing"]
    yield reader.word("closing"), f"{closing['block']}, {closing['time']}, {closing['hash']}"
    for each in account["terms"]["versions"]:
        text = f"{each['version']}, {each['valid_from']}, SHA-256 {each['document']}"
        yield reader.word("terms_version"), text
    yield reader.word("deployment"), account["deployment"]
    yield reader.word("account_hash"), f"SHA-256 {sha256(data).hex()}"
    yield reader.word("events_read"), str(account["events"])
    kinds = (f"{name} {count}" for name, count in indicators["rests_on"].items())
    yield reader.word("indicators_from"), ", ".join(kinds) or reader.word("not_recorded")


def _headline(unit: Plain, account: Plain, words: dict[str, str]) -> dict[str, Any]:
    due = unit["due"]
    says = "is_owed" if due > 0 else "owes" if due < 0 else "is_even"
    return {
        "says": words[says],
        "sign": due,
        "amount": _money(abs(due), account),
        "disputed": _money(unit["disputed"], account) if unit["disputed"] else None,
    }


def _bars(account: Plain, unit: Plain | None, reader: Reader) -> list[dict[str, Any]]:
    """Of the group, each unit's net; of a unit, what it used and contributed, by group of lines."""
    if unit is None:
        return [
            _bar(reader.name(e["unit"]), max(-e["net"], 0), max(e["net"], 0), account)
            for e in account["units"]
        ]
    used: dict[str, int] = {}
    given: dict[str, int] = {}
    for place in unit["lines"]:
        line = account["lines"][place]
        side = used if line["consumer"] == unit["unit"] else given
        if line["provider"] != line["consumer"]:
            side[line["group"]] = side.get(line["group"], 0) + line["amount"]
    return [
        _bar(reader.word(group), used.get(group, 0), given.get(group, 0), account)
        for group in sorted({*used, *given})
    ]


def _bar(label: str, left: int, right: int, account: Plain) -> dict[str, Any]:
    return {
        "label": label,
        "left": max(left, 0),
        "right": max(right, 0),
        "left_text": _money(left, account) if left else "",
        "right_text": _money(right, account) if right else "",
    }


def _title(name: str, account: Plain, reader: Reader) -> str:
    """Of who pays whom, by which rule."""
    rule = f": {reader.word('rule_' + account['terms']['rule'])}" if name == "settlement" else ""
    return reader.word(name) + rule


def _shown(sheet: Sheet, account: Plain, reader: Reader) -> dict[str, Any]:
    shown = [n for n, (name, _) in enumerate(sheet.columns) if name not in _LEFT_OUT]
    # a column that is empty in every row says nothing
    shown = [n for n in shown if any(row[n] not in {None, ""} for row in sheet.rows)]
    columns = [sheet.columns[n] for n in shown]
    return {
        "name": sheet.name,
        "title": _title(sheet.name, account, reader),
        "names": [name for name, _ in columns],
        "columns": [reader.word(name) for name, _ in columns],
        "widths": [2 if name in _WIDE else 0 for name, _ in columns],
        "right": [kind is not Cell.TEXT or name == "price" for name, kind in columns],
        "rows": [
            [_cell(sheet.columns[n][1], row[n], account) for n in shown] for row in sheet.rows
        ],
    }


def _cell(kind: Cell, value: str | int | None, account: Plain) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # without a place to break, a hash would push the others off the page
        return value if len(value) < 30 or " " in value else f"{value[:14]}…"  # noqa: PLR2004
    if kind is Cell.MONEY:
        return _money(value, account)
    return rate_text(value) if kind is Cell.RATE else f"{value:,}"
