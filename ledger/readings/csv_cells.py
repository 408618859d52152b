"""The cells of the CSV form → numbers, times and points, or a refusal with line and rule."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NoReturn

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.readings import (
    PressureBasis,
    PrintedTime,
    Programme,
    Remark,
    RemarkKind,
    Sample,
)
from ledger.readings.bounds import (
    HIGHEST_BAR,
    HIGHEST_CELSIUS,
    LOWEST_BAR,
    LOWEST_CELSIUS,
    is_absurd_pressure,
    is_absurd_temperature,
)
from ledger.readings.text import Line, escape
from ledger.readings.zones import utc_from_local, zone_named

__all__ = [
    "Moment",
    "Point",
    "Row",
    "empty_cell",
    "parse_decimal",
    "parse_point",
    "parse_programme",
    "parse_time",
    "refuse",
    "samples_of",
    "seconds_between",
    "utc_of",
]

#: No gauge shows less than a vacuum; one digit of the last place is left for its error.
_LOWEST_GAUGE_BAR: Final = Decimal("-1.1")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,6})?")
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)"
    r"(Z|[+-][0-9]{2}:[0-5][0-9])?"
)
_PROGRAMME: Final = re.compile(r"([^/]{1,40})/([0-9]{2,3})[ ]?°C/([0-9]{1,3})[ ]?min")
_TIME_RULE: Final = "ISO 8601 with seconds, e.g. 2026-03-01T08:30:00 or 2026-03-01T08:30:00+01:00"


def refuse(line: Line | int, what: str, *, name: str, rule: str) -> NoReturn:
    """Raise `InvalidInput` that names the line, the field and the rule."""
    number = line if isinstance(line, int) else line.number
    raise InvalidInput(f"line {number}: {what}", field=name, rule=rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A data line's cells: time, temperature, and pressure where there is that column."""

    line: Line
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One measured point, before its place within the cycle is known."""

    line: int  #: line number, from 1
    text: str  #: the time as printed
    local: datetime  #: naive local time
    utc: datetime  #: aware UTC
    temperature_celsius: Decimal  #: °C
    pressure_bar: Decimal | None  #: bar on the file's basis; None if not measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment(PrintedTime):
    """A printed time whose zone is known."""

    utc: datetime


def utc_of(time: PrintedTime | None) -> datetime | None:
    """Return the moment in UTC, or None where no time was given."""
    return None if time is None else time.utc


def parse_time(line: Line, text: str, *, zone: str, name: str) -> Moment:
    """Return an ISO 8601 time; without an offset it is local to `zone`."""
    match = _TIME.fullmatch(text)
    if match is None:
        refuse(line, f"{escape(text, limit=60)!r} is no time", name=name, rule=_TIME_RULE)
    try:
        local = datetime.fromisoformat(match[1])
        if match[2] is None:
            utc = utc_from_local(local, zone=zone, field=name)
        else:
            offset = "+00:00" if match[2] == "Z" else match[2]
            utc = local.replace(tzinfo=zone_named(offset, field=name)).astimezone(UTC)
    except (ValueError, OverflowError):
        refuse(line, f"{text} is not in the calendar", name=name, rule=_TIME_RULE)
    except InvalidInput as error:
        refuse(line, error.what, name=name, rule=error.rule or _TIME_RULE)
    return Moment(text=text, local=local, utc=utc)


def parse_decimal(line: Line, text: str, *, name: str) -> Decimal:
    """Return a plain decimal; no exponent, sign of infinity or thousands separator is accepted."""
    if _DECIMAL.fullmatch(text) is None:
        refuse(
            line,
            f"{escape(text, limit=60)!r} is no number",
            name=name,
            rule="digits, with a point before at most 6 decimals",
        )
    return Decimal(text)


def parse_point(
    row: Row, time: Moment, basis: PressureBasis | None, factor: Decimal | None
) -> Point:
    """Return the row's point; `factor` turns its pressure into bar, None where there is none."""
    temperature = parse_decimal(row.line, row.cells[1], name="temperature")
    if is_absurd_temperature(temperature):
        refuse(
            row.line,
            f"{temperature} °C",
            name="temperature",
            rule=f"{LOWEST_CELSIUS} to {HIGHEST_CELSIUS} °C",
        )
    cell = "" if factor is None else row.cells[2]
    pressure = None if factor is None or not cell else _pressure(row, cell, basis, factor)
    return Point(
        line=row.line.number,
        text=row.cells[0],
        local=time.local,
        utc=time.utc,
        temperature_celsius=temperature,
        pressure_bar=pressure,
    )


def _pressure(row: Row, cell: str, basis: PressureBasis | None, factor: Decimal) -> Decimal:
    bar = parse_decimal(row.line, cell, name="pressure") * factor
    lowest = _LOWEST_GAUGE_BAR if basis is PressureBasis.GAUGE else LOWEST_BAR
    if is_absurd_pressure(bar, lowest=lowest):
        refuse(
            row.line,
            f"{bar} bar {basis or ''}".rstrip(),
            name="pressure",
            rule=f"{lowest} to {HIGHEST_BAR} bar",
        )
    return bar


def samples_of(points: list[Point], started: PrintedTime | None) -> tuple[Sample, ...]:
    """Return the points with seconds since the printed start, else since the first point."""
    origin = utc_of(started) or points[0].utc
    return tuple(
        Sample(
            line=point.line,
            time_text=point.text,
            local=point.local,
            elapsed_seconds=seconds_between(origin, point.utc),
            temperature_celsius=point.temperature_celsius,
            pressure_bar=point.pressure_bar,
        )
        for point in points
    )


def seconds_between(start: datetime, end: datetime) -> Decimal:
    """Return exact seconds, without a float in between."""
    span = end - start
    whole = span.days * 86_400 + span.seconds
    return Decimal(whole) + Decimal(span.microseconds) / 1_000_000


def empty_cell(row: Row, empty: list[str]) -> Remark:
    """Return the remark on a row that lacks values."""
    return Remark(
        line=row.line.number,
        last_line=row.line.number,
        text=escape(row.line.text),
        why=f"no {' and no '.join(empty)}; none was filled in",
        kind=RemarkKind.UNREAD,
    )


def parse_programme(text: str | None) -> Programme | None:
    """Return the parts of `name/134°C/4min`, or None for another form."""
    match = None if text is None else _PROGRAMME.fullmatch(text)
    if match is None:
        return None
    return Programme(
        name=match[1], nominal_celsius=int(match[2]), nominal_hold_minutes=int(match[3])
    )
