"""Rows → a list that a reader filters, sorts, links to and takes away as CSV or XLSX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from api.pages.asking import Asking
from ledger.forms.tables import MOMENT_FORMAT, Table, Value, plain_csv, workbook_of

#: rows that one page shows
SHOWN = 200
#: as what a list is taken away
FILES = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    name: str
    #: in English; translated where it is shown
    label: str
    #: text, word (translated), number, moment, day or state
    kind: str = "text"
    #: the row's value that the cell leads to; empty: to nothing
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a reader asked to see of a list."""

    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    #: how many fit in all
    count: int
    #: what the rows have to hold
    search: str
    #: by which column; a minus before it: downwards
    sort: str
    #: whether older rows were not even looked at
    is_cut: bool
    path: str
    #: what else the address says
    kept: Mapping[str, str]

    def address(self, **changes: str) -> str:
        """The address of this list with something changed."""
        asked = {"q": self.search, "sort": self.sort, **self.kept, **changes}
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"{self.path}?{query}" if query else self.path

    def sorted_by(self, name: str) -> str:
        """What sorts by a column, the other way round where it does already."""
        return self.address(sort=f"-{name}" if self.sort == name else name)

    def direction(self, name: str) -> str:
        """For the column's heading: ascending, descending or none."""
        return {name: "ascending", f"-{name}": "descending"}.get(self.sort, "none")


def listing(
    asking: Asking,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    *,
    most: int | None = None,
    keeps: Sequence[str] = (),
) -> Listing | Response:
    """The list as it was asked for, or the whole of it as a file.

    `most` is how many rows were looked at, so that a list that reaches it says that it is cut;
    `keeps` names what else the address holds.
    """
    search, sort = asking.filled.get("q")[:200], asking.filled.get("sort")[:60]
    found = [row for row in rows if _holds(asking, columns, row, search.casefold())]
    name = sort.removeprefix("-")
    if any(column.name == name for column in columns):
        found.sort(key=lambda row: _order(row.get(name)), reverse=sort.startswith("-"))
    form = asking.filled.get("format")
    if form in FILES:
        table = _table(asking, columns, found)
        return file_of(asking, table, table.title, form)
    return Listing(
        columns=columns,
        rows=found[:SHOWN],
        count=len(found),
        search=search,
        sort=sort,
        is_cut=most is not None and len(rows) >= most,
        path=asking.request.url.path,
        kept={each: asking.filled.get(each) for each in keeps},
    )


def text_of(asking: Asking, column: Column, row: Mapping[str, Any]) -> str:
    """What a cell says to this reader."""
    value, words = row.get(column.name), asking.words
    if value is None or value == "":
        return ""
    if column.kind == "moment":
        return words.moment(value)
    if column.kind in {"word", "state"}:
        return words.say(str(value).replace("_", " "))
    return str(value)


def _holds(asking: Asking, columns: Sequence[Column], row: Mapping[str, Any], search: str) -> bool:
    """Whether every word that is looked for stands somewhere in a row."""
    whole = " ".join(text_of(asking, column, row) for column in columns).casefold()
    return all(word in whole for word in search.split())


def _order(value: object) -> tuple[int, float, str]:
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, int | float):
        return 1, float(value), ""
    return 2, 0.0, str(value).casefold()


def file_of(asking: Asking, table: Table, name: str, form: str) -> Response:
    """A table to be taken away: CSV with a mark that tells spreadsheets that it is UTF-8, or XLSX.

    Nothing in it is a formula.
    """
    if form == "xlsx":
        now = asking.instance.clock().replace(tzinfo=None)
        return taken_away(workbook_of([table], now), f"{name}.xlsx", XLSX)
    return taken_away(plain_csv(table), f"{name}.csv", "text/csv; charset=utf-8")


def taken_away(content: bytes, name: str, media: str) -> Response:
    """A file that a browser keeps under a name."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-")
    return Response(
        content,
        media_type=media,
        headers={"Content-Disposition": f'attachment; filename="{plain}"'},
    )


def _table(asking: Asking, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> Table:
    name = asking.request.url.path.strip("/").replace("/", "-") or "list"
    return Table(
        title=name,
        columns=[(asking.words.label(each.label), _SHOWN_AS.get(each.kind)) for each in columns],
        rows=[[_typed(asking, each, row) for each in columns] for row in rows],
    )


_SHOWN_AS = {"moment": MOMENT_FORMAT, "number": "#,##0"}


def _typed(asking: Asking, column: Column, row: Mapping[str, Any]) -> Value:
    """A cell as spreadsheets count with it: numbers, and moments by the reader's clock."""
    value, text = row.get(column.name), text_of(asking, column, row)
    if column.kind == "number" and isinstance(value, int | float):
        return value
    if column.kind == "moment" and value:
        return asking.words.clock(value).replace(tzinfo=None)
    return text
