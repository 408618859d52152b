"""A CSV of scans, or a paper log → scans, line by line; its times may be as vague as they were.

Columns by name, in any order: `act`, `package` or `code`, and what else a scan has.  A paper log
says who did it in `performer`, and its form's number in `paper`.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, tzinfo
from typing import Any

from ledger.domain.custody.lines import BASES, SCANNED, Deed, day_or_none
from ledger.domain.errors import InvalidInput
from ledger.readings import zone_named
from ledger.steps.accepting.scanning import Scan

#: What a paper form asks, in its order.
PAPER_COLUMNS = (
    "paper",
    "time",
    "act",
    "package",
    "set",
    "performer",
    "outcome",
    "case",
    "reason",
)
_MOST_BYTES = 4 * 1024 * 1024
_MOST_ROWS = 20_000
_PLAIN = frozenset({field.name for field in fields(Scan)} - {"act", "said", "happened", "line"})
_KNOWN = _PLAIN | {"act", "package", "code", "time", "paper"}


def template() -> str:
    """The paper form's columns as a CSV that people fill in later."""
    return ",".join(PAPER_COLUMNS) + "\r\n"


def parse_list(data: bytes, *, zone: str, basis: str, day: str | None = None) -> list[Scan]:
    """The scans of a CSV; raises InvalidInput naming the line, from 0 below the columns' names.

    UTF-8, or UTF-16 with its mark; between the cells commas, semicolons or tabs, as spreadsheets
    write them.  `zone`: that of times without one; `day` (ISO 8601): of times of a day only.
    """
    text = text_of(data)
    if day is not None and day_or_none(day) is None:
        raise InvalidInput(f"{day[:40]!r} is no day", field="day", rule="ISO 8601, as 2026-11-03")
    head = text.partition("\n")[0]
    between = max(",;\t", key=head.count)
    try:
        named, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=between)
    except (csv.Error, ValueError):
        named, rows = [], []
    names = [_cell(name).lower() for name in named]
    unknown = sorted(set(names) - _KNOWN)
    if unknown or "act" not in names:
        raise InvalidInput(
            f"has the columns {', '.join(unknown)[:200]}" if unknown else "has no column act",
            field="file",
            rule=f"columns among {', '.join(sorted(_KNOWN))}",
        )
    if len(rows) > _MOST_ROWS:
        raise InvalidInput("has too many lines", field="file", rule=f"at most {_MOST_ROWS}")
    scans = [*_scans(names, rows, zone=zone_named(zone), basis=basis, day=day)]
    if not scans:
        raise InvalidInput("has no lines", field="file", rule="a line for each scan")
    return scans


def text_of(data: bytes) -> str:
    """The text of a CSV; raises InvalidInput."""
    if len(data) > _MOST_BYTES:
        raise InvalidInput(f"has {len(data)} bytes", field="file", rule=f"at most {_MOST_BYTES}")
    try:
        return data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(
            "is not UTF-8",
            field="file",
            rule="CSV in UTF-8",
            remedy="in a spreadsheet, save it as CSV UTF-8",
        ) from None


_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _scans(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    zone: tzinfo,
    basis: str,
    day: str | None,
) -> Iterator[Scan]:
    for number, row in enumerate(rows):
        at = f"lines.{number}"
        cells = [_cell(text) for text in row]
        if not any(cells):
            continue
        if len(cells) != len(names):
            raise InvalidInput("has another number of cells", field=at, rule="a cell a column")
        given = {name: text for name, text in zip(names, cells, strict=True) if text}
        yield replace(_scan(given, at, zone=zone, basis=basis, day=day), line=number + 1)


def _cell(text: str) -> str:
    """A cell without what a spreadsheet puts around it to keep it as text: `="0123"`."""
    bare = text.strip()
    return bare[2:-1].strip() if bare.startswith('="') and bare.endswith('"') else bare


def _scan(given: Mapping[str, str], at: str, *, zone: tzinfo, basis: str, day: str | None) -> Scan:
    act = given.get("act", "").lower().replace(" ", "_")
    if act not in SCANNED:
        raise InvalidInput(
            f"{given.get('act', '')[:40]!r} is unknown",
            field=f"{at}.act",
            rule=f"one of {', '.join(SCANNED)}",
        )
    known_by = given.get("basis", basis)
    if known_by not in BASES:
        raise InvalidInput(
            f"{known_by[:40]!r} is unknown", field=f"{at}.basis", rule=f"one of {', '.join(BASES)}"
        )
    happened, text = moment_of(given.get("time"), zone=zone, day=day)
    plain = {name: value for name, value in given.items() if name in _PLAIN}
    if given.get("paper"):
        # the form's own number stays with the time that it states
        text = f"{text or 'no time'}, form {given['paper']}"
    texts: dict[str, Any] = {**plain, "basis": known_by, "happened_text": text}
    return Scan(
        **texts,
        act=Deed(act),
        said=given.get("package") or given.get("code"),
        happened=happened,
    )


def moment_of(
    text: str | None, *, zone: tzinfo, day: str | None
) -> tuple[datetime | None, str | None]:
    """A time as it was written → the moment where it is one, and the words.

    `about 13:00` and `morning` are kept as they are, with the moment that they name where there is
    one: a person read the clock so.
    """
    if text is None:
        return None, None
    bare = text.lower().removeprefix("about").removeprefix("ca.").removeprefix("~").strip()
    # an hour of one digit, and the colon of an input method for Chinese
    bare = re.sub(r"(?<![0-9])([0-9])(?=:[0-9]{2})", r"0\1", bare.replace("：", ":"))
    for candidate in (bare, f"{day}T{bare}" if day else bare):
        if ":" not in candidate:
            # a day is no moment
            continue
        try:
            moment = datetime.fromisoformat(candidate.upper().replace(" ", "T"))
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)), text
    return None, text
