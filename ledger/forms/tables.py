"""Sheets → CSV and XLSX: cells as they are typed, and nothing in them that a program would run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from xlsxwriter import Workbook

from ledger.forms.sheets import Cell, Plain, Reader, Sheet, money_text, rate_text

#: With these a spreadsheet program takes text for a formula.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_WIDEST = 60
#: what no sheet's title may hold
_NO_TITLE = re.compile(r"[\[\]:*?/\\]")


def csv_of(sheet: Sheet, account: Plain, reader: Reader) -> bytes:
    """One sheet as RFC 4180 with a byte order mark, so that spreadsheets read Chinese."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([reader.word(name) for name, _ in sheet.columns])
    for row in sheet.rows:
        writer.writerow(_texts(sheet, row, account))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _texts(sheet: Sheet, row: Sequence[str | int | None], account: Plain) -> list[str]:
    return [
        _text(kind, value, account) for (_, kind), value in zip(sheet.columns, row, strict=True)
    ]


def _text(kind: Cell, value: str | int | None, account: Plain) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        if kind is Cell.MONEY:
            return money_text(value, account)
        return rate_text(value) if kind is Cell.RATE else str(value)
    return harmless(value)


def xlsx_of(sheets: Sequence[Sheet], account: Plain, reader: Reader) -> bytes:
    """A workbook with a sheet for each table; the same account makes the same bytes."""
    one = account["terms"]["smallest_in_one"]
    digits = len(str(one)) - 1
    formats = {
        Cell.MONEY: f"#,##0{'.' if digits else ''}{'0' * digits}",
        Cell.WHOLE: "#,##0",
        Cell.RATE: "0.00%",
    }
    scale = {Cell.MONEY: one, Cell.RATE: 10_000}
    tables = [
        Table(
            title=reader.word(sheet.name),
            columns=[(reader.word(name), formats.get(kind)) for name, kind in sheet.columns],
            rows=[
                [
                    value / scale.get(kind, 1) if isinstance(value, int) else value
                    for (_, kind), value in zip(sheet.columns, row, strict=True)
                ]
                for row in sheet.rows
            ],
        )
        for sheet in sheets
    ]
    return workbook_of(tables, datetime.fromisoformat(account["closing"]["time"]))


# ---------------------------------------------------------------- any table


Value: TypeAlias = str | float | datetime | None
#: how a cell shows a moment
MOMENT_FORMAT = "yyyy-mm-dd hh:mm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One sheet of a workbook."""

    title: str
    #: what stands above a column, and how its numbers are shown
    columns: Sequence[tuple[str, str | None]]
    #: text, numbers, moments by the reader's clock without a zone, or None
    rows: Sequence[Sequence[Value]]


def workbook_of(tables: Sequence[Table], created: datetime) -> bytes:
    """A workbook: its cells are typed, and no text in it is a formula or a link."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = Workbook(out, options)
    book.set_properties({"created": created})
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    known = {form for table in tables for _, form in table.columns if form is not None}
    formats = {form: book.add_format({"num_format": form}) for form in sorted(known)}
    for table in tables:
        page = book.add_worksheet(_NO_TITLE.sub(" ", table.title)[:31])
        page.freeze_panes(1, 0)
        for column, (label, form) in enumerate(table.columns):
            page.write_string(0, column, label, head)
            longest = max((len(str(row[column] or "")) for row in table.rows), default=0)
            page.set_column(column, column, min(max(longest, 8) + 4, _WIDEST))
            for place, row in enumerate(table.rows, start=1):
                _write(page, place, column, row[column], formats.get(form or ""))
    book.close()
    return out.getvalue()


def _write(page: Any, place: int, column: int, value: Value, form: object) -> None:  # noqa: ANN401 - it has no types
    if isinstance(value, str):
        page.write_string(place, column, value)
    elif isinstance(value, datetime):
        page.write_datetime(place, column, value, form)
    elif value is not None:
        page.write_number(place, column, value, form)


def plain_csv(table: Table) -> bytes:
    """A table as RFC 4180 with a byte order mark; its cells are text that no program runs."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([label for label, _ in table.columns])
    for row in table.rows:
        writer.writerow([harmless(_plain(value)) for value in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _plain(value: Value) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)


def harmless(text: str) -> str:
    """Text with a mark before what a spreadsheet program would take for a formula."""
    return f"'{text}" if text.startswith(_DANGEROUS) else text
