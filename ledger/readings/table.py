"""The columns and rows of a table → samples; a cell that cannot be taken is said and left out."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, NoReturn

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.readings import PressureBasis, Remark, RemarkKind, Sample
from ledger.readings.stamps import Stamp, moments
from ledger.readings.text import Line, escape
from ledger.readings.units import (
    BAR_PER_UNIT,
    LONGEST_CYCLE_SECONDS,
    TEMPERATURE_UNITS,
    celsius_of,
    is_absurd_pressure,
    is_absurd_temperature,
    is_no_pressure,
    is_no_value,
)

__all__ = ["Column", "Row", "Table", "cells_of", "parse_decimal", "refuse", "seconds_between"]

_DECIMAL: Final = re.compile(r"-?[0-9]{1,6}(?:[.,][0-9]{1,6})?")
#: A longer step from one row to the next is a clock that was set.
_LEAP_SECONDS: Final = 6 * 3600


def refuse(line: Line | int, what: str, *, name: str, rule: str, remedy: str = "") -> NoReturn:
    """Raise `InvalidInput` that names the line, the field and the rule."""
    number = line if isinstance(line, int) else line.number
    raise InvalidInput(f"line {number}: {what}", field=name, rule=rule, remedy=remedy or None)


def remark_on(line: Line, why: str, kind: RemarkKind) -> Remark:
    """A remark on one line, its text escaped."""
    return Remark(
        line=line.number, last_line=line.number, text=escape(line.text), why=why, kind=kind
    )


def cells_of(line: Line, separator: str) -> tuple[str, ...]:
    """The cells of a line, quotes around them taken off."""
    try:
        (row,) = csv.reader([line.text], delimiter=separator, strict=True)
    except (csv.Error, ValueError):
        refuse(line, "the quotes do not match", name="row", rule="a quoted cell ends with a quote")
    return tuple(cell.strip(" \t") for cell in row)


def parse_decimal(line: Line, text: str, *, name: str) -> Decimal:
    """Return a plain decimal; no exponent, sign of infinity or thousands separator is accepted."""
    if _DECIMAL.fullmatch(text) is None:
        refuse(
            line,
            f"{escape(text, limit=60)!r} is no number",
            name=name,
            rule="digits, with a point or a comma before at most 6 decimals",
        )
    return Decimal(text.replace(",", "."))


def seconds_between(start: datetime, end: datetime) -> Decimal:
    """Return exact seconds, without a float in between."""
    span = end - start
    whole = span.days * 86_400 + span.seconds
    return Decimal(whole) + Decimal(span.microseconds) / 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of values."""

    place: int  #: of its cell in a row, from 0
    name: str  #: as printed
    unit: str  #: as printed, one of those that units.py knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table, with its time."""

    line: Line
    cells: tuple[str, ...]
    stamp: Stamp


@dataclass(slots=True, kw_only=True)
class Table:
    """Rows, columns and a zone → samples, with what was left out of them and why."""

    rows: Sequence[Row]
    temperatures: Sequence[Column]
    pressure: Column | None
    basis: PressureBasis | None
    zone: str
    started: Stamp | None = None  #: from which seconds are counted; None: from the first row
    remarks: list[Remark] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)  #: what makes the record incomplete, in words
    utc: list[datetime | None] = field(default_factory=list)  #: of the start and of each row
    no_moment: str | None = None  #: why there is no UTC moment

    def __post_init__(self) -> None:
        """Place the times, and forget columns that are empty throughout."""
        stamps = [each.stamp for each in self.rows]
        if self.started is not None:
            stamps.insert(0, self.started)
        self.utc, self.no_moment = moments(stamps, self.zone)
        for column in (*self.temperatures, *([] if self.pressure is None else [self.pressure])):
            if not self._has_values(column):
                self._say(self.rows[0], f"no value in the column {column.name}", RemarkKind.NOTE)
                if any(row.cells[column.place] for row in self.rows):
                    self.gaps.append(f"{column.name} gave no value throughout")
        self.temperatures = [c for c in self.temperatures if self._has_values(c)]
        if self.pressure is not None and not self._has_values(self.pressure):
            self.pressure = None

    def _has_values(self, column: Column) -> bool:
        return any(self._value(row, column) for row in self.rows)

    def _value(self, row: Row, column: Column) -> str:
        """The cell as printed, empty too where the device writes that it has no value."""
        text = row.cells[column.place]
        if column is self.pressure:
            is_gauge = self.basis is PressureBasis.GAUGE
            return "" if is_no_pressure(text, column.unit, is_gauge=is_gauge) else text
        return "" if is_no_value(text) else text

    def _say(self, row: Row, why: str, kind: RemarkKind, last: Row | None = None) -> None:
        self.remarks.append(
            Remark(
                line=row.line.number,
                last_line=(last or row).line.number,
                text=escape(row.line.text),
                why=why,
                kind=kind,
            )
        )

    # ---------------------------------------------------------------- times

    def elapsed(self) -> list[Decimal]:
        """The seconds of each row since the start: by moments, or by the clock without them."""
        locals_ = [each.stamp.local for each in self.rows]
        if self.no_moment is None:
            known = [each for each in self.utc if each is not None]
            origin, times = known[0], known[-len(self.rows) :]
        else:
            origin = locals_[0] if self.started is None else self.started.local
            times = locals_
        return [seconds_between(origin, each) for each in times]

    def utc_of_rows(self) -> list[datetime | None]:
        """The moment of each row."""
        return self.utc[-len(self.rows) :]

    def _rising(self) -> list[tuple[Row, Decimal]]:
        """The rows whose times rise; a run that steps back or leaps is left out and reported."""
        kept: list[tuple[Row, Decimal]] = []
        run: list[Row] = []
        for row, at in zip(self.rows, self.elapsed(), strict=True):
            before = kept[-1][1] if kept else None
            if before is None or 0 < at - before <= _LEAP_SECONDS:
                self._report_run(run)
                kept.append((row, at))
            else:
                run.append(row)
        self._report_run(run)
        return kept

    def _report_run(self, run: list[Row]) -> None:
        if not run:
            return
        first, last = run[0], run[-1]
        why = (
            f"the device's own clock steps back or leaps to {first.stamp.text}: "
            f"{len(run)} lines have no place in the cycle and were left out"
        )
        self._say(first, why, RemarkKind.CLOCK, last)
        self.gaps.append(f"the clock steps back or leaps at line {first.line.number}")
        run.clear()

    # ---------------------------------------------------------------- values

    def samples(self) -> tuple[Sample, ...]:
        """The rows that hold a value, in rising time; raise `InvalidInput` where none does."""
        self._check_decimal_signs()
        samples = tuple(
            sample for row, at in self._rising() if (sample := self._sample(row, at)) is not None
        )
        if not samples:
            raise InvalidInput(
                "no line holds a value",
                field="temperature",
                rule="a reading has at least one measured point",
            )
        if samples[-1].elapsed_seconds - samples[0].elapsed_seconds > LONGEST_CYCLE_SECONDS:
            refuse(
                samples[-1].line,
                "the record is longer than a day",
                name="time",
                rule="a cycle lasts at most 86400 seconds (24 h)",
                remedy="keep the lines of one cycle in the file, and the rest in other files",
            )
        return samples

    def _check_decimal_signs(self) -> None:
        columns = [*self.temperatures, *([] if self.pressure is None else [self.pressure])]
        signs = {
            sign
            for row in self.rows
            for column in columns
            for sign in ".,"
            if sign in self._value(row, column)
        }
        if len(signs) > 1:
            row = next(r for r in self.rows if any("," in self._value(r, c) for c in columns))
            refuse(
                row.line,
                "some decimals have a point and some a comma",
                name="row",
                rule="one decimal sign throughout a file",
            )

    def _sample(self, row: Row, elapsed: Decimal) -> Sample | None:
        celsius = tuple(self._celsius(row, column) for column in self.temperatures)
        bar = None if self.pressure is None else self._bar(row, self.pressure)
        columns = [*self.temperatures, *([] if self.pressure is None else [self.pressure])]
        empty = [column.name for column in columns if not self._value(row, column)]
        if empty:
            missing = f"no {' and no '.join(empty)}"
            self._say(row, f"{missing}; none was filled in", RemarkKind.UNREAD)
            self.gaps.append(f"line {row.line.number} has {missing}")
        if bar is None and all(value is None for value in celsius):
            return None
        return Sample(
            line=row.line.number,
            time_text=row.stamp.text,
            local=row.stamp.local,
            elapsed_seconds=elapsed,
            celsius=celsius,
            bar=bar,
            printed=tuple(row.cells[column.place] for column in columns),
        )

    def _celsius(self, row: Row, column: Column) -> Decimal | None:
        text = self._value(row, column)
        if not text:
            return None
        celsius = celsius_of(parse_decimal(row.line, text, name="temperature"), column.unit)
        if is_absurd_temperature(celsius):
            refuse(
                row.line,
                f"{text} {column.unit} is no temperature of a steriliser",
                name="temperature",
                rule=f"-50 to 200 °C; the unit is one of {', '.join(TEMPERATURE_UNITS)}",
                remedy="check the unit that the header names",
            )
        return celsius

    def _bar(self, row: Row, column: Column) -> Decimal | None:
        text = self._value(row, column)
        if not text:
            return None
        bar = parse_decimal(row.line, text, name="pressure") * BAR_PER_UNIT[column.unit]
        if is_absurd_pressure(bar, is_gauge=self.basis is PressureBasis.GAUGE):
            refuse(
                row.line,
                f"{text} {column.unit} is no pressure of a steriliser",
                name="pressure",
                rule="0 to 25 bar, gauge from -1.1 bar",
                remedy="check the unit and the basis that the header names",
            )
        return bar
