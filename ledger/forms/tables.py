"""Sheets → CSV and XLSX: cells as they are typed, and nothing in them that a program would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime

from xlsxwriter import Workbook

from ledger.forms.sheets import Cell, Plain, Reader, Sheet, money_text, rate_text

#: With these a spreadsheet program takes text for a formula.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_WIDEST = 60


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
    return f"'{value}" if value.startswith(_DANGEROUS) else value


def xlsx_of(sheets: Sequence[Sheet], account: Plain, reader: Reader) -> bytes:
    """A workbook with a sheet for each table; the same account makes the same bytes."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = Workbook(out, options)
    book.set_properties({"created": datetime.fromisoformat(account["closing"]["time"])})
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    one = account["terms"]["smallest_in_one"]
    digits = len(str(one)) - 1
    formats = {
        Cell.MONEY: book.add_format({"num_format": f"#,##0{'.' if digits else ''}{'0' * digits}"}),
        Cell.WHOLE: book.add_format({"num_format": "#,##0"}),
        Cell.RATE: book.add_format({"num_format": "0.00%"}),
        Cell.TEXT: None,
    }
    scale = {Cell.MONEY: one, Cell.WHOLE: 1, Cell.RATE: 10_000}
    for sheet in sheets:
        page = book.add_worksheet(reader.word(sheet.name)[:31])
        page.freeze_panes(1, 0)
        for column, (name, kind) in enumerate(sheet.columns):
            page.write_string(0, column, reader.word(name), head)
            longest = max((len(str(row[column] or "")) for row in sheet.rows), default=0)
            page.set_column(column, column, min(max(longest, 8) + 4, _WIDEST))
            for place, row in enumerate(sheet.rows, start=1):
                value = row[column]
                if isinstance(value, str):
                    page.write_string(place, column, value)
                elif value is not None:
                    page.write_number(place, column, value / scale[kind], formats[kind])
    book.close()
    return out.getvalue()
