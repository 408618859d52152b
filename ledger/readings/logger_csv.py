"""The CSV export of a HOBO-style logger → one reading that knows neither steriliser nor cycle.

Known from public descriptions of such exports; the samples in tests/data/forms are our own. Columns
are named with their units and the logger's own serial number; the last ones hold marks, such as the
end of the file. Which machine and which cycle it was put into, a person says.
"""

import re
from typing import Final

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.readings import (
    CycleOutcome,
    CycleReading,
    PressureBasis,
    Remark,
    RemarkKind,
)
from ledger.readings.sealing import sealed
from ledger.readings.stamps import parse_stamp, printed
from ledger.readings.table import Column, Row, Table, cells_of, remark_on
from ledger.readings.text import DecodedText, Line, escape
from ledger.readings.units import BAR_PER_UNIT, BASIS_OF_UNIT, TEMPERATURE_UNITS

__all__ = ["parse", "recognise"]

_TIME: Final = re.compile(r"Date[ -]Time(?:, ?(?:GMT|UTC) ?(?P<offset>[+-][0-9]{2}:[0-9]{2}))?")
_TEMPERATURE: Final = re.compile(
    r"(?P<name>(?:Temp|[A-Z]-Type|Temperature)[^,]*), ?\*?Â?(?P<unit>[^ (,]{1,4})(?: .*|\(.*|,.*)?"
)
_PRESSURE: Final = re.compile(
    r"(?P<name>(?:(?:Abs|Gauge) )?Pres[^,]*), ?"
    r"(?P<unit>[A-Za-z]{2,5}(?:\([a-z]{1,3}\)| abs| rel)?)(?: .*|\(.*|,.*)?"
)
#: From where the pressures of a column count, if its name says it.
_NAMED_BASIS: Final = {"Abs": PressureBasis.ABSOLUTE, "Gauge": PressureBasis.GAUGE}
#: How many filled lines may stand above the columns: a title, a serial number, the battery.
_LONGEST_PREAMBLE: Final = 10
_SERIAL: Final = re.compile(r"LGR S/N: ?([0-9A-Za-z\-]{1,20})")
_LABEL: Final = re.compile(r"LBL: ?([^)]{1,40})\)")
_END_MARK: Final = "End Of File"
_CUT: Final = "the last line has no line end: it may be cut and was not taken"


def recognise(text: DecodedText) -> bool:
    """Whether one of the first filled lines is such an export's column line."""
    return _column_line(text) is not None


def _column_line(text: DecodedText) -> Line | None:
    filled = [line for line in text.lines if line.text.strip()]
    filled = filled[: _LONGEST_PREAMBLE + 1]
    return next(
        (
            line
            for line in filled
            if any(_TIME.fullmatch(cell.strip('" \t')) for cell in _rough_cells(line))
        ),
        None,
    )


def _rough_cells(line: Line) -> list[str]:
    """The cells, where a quoted comma does not part them; of a line that may be anything."""
    return re.findall(r'"[^"]*"|[^,;\t]+', line.text)


def parse(text: DecodedText) -> tuple[tuple[CycleReading, ...], tuple[Remark, ...]]:
    """The one reading and its remarks; raise `InvalidInput` with the line and the rule."""
    head = _column_line(text)
    if head is None:
        raise InvalidInput("no column line", field="columns", rule="a column is named Date Time")
    separator = "\t" if "\t" in head.text else ";" if ";" in head.text else ","
    names = cells_of(head, separator)
    time_at, offset = next(
        (at, match["offset"]) for at, name in enumerate(names) if (match := _TIME.fullmatch(name))
    )
    temperatures, pressures = _columns(names, _TEMPERATURE), _columns(names, _PRESSURE)
    above = {line.text.strip() for line in text.lines if line.number <= head.number}
    rows, remarks, again, ended = [], [], [], False
    known = {column.place for column in (*temperatures, *pressures)}
    others = [at for at in range(time_at + 1, len(names)) if at not in known]
    below = [line for line in text.lines if line.number > head.number]
    measured = [at for at in others if _is_measured(below, at, separator)]
    marks = [at for at in others if at not in measured]
    remarks += [
        remark_on(head, f"the column {escape(names[at], limit=60)} is not known; nothing was taken "
                "from it", RemarkKind.NOTE)
        for at in measured
    ]  # fmt: skip
    pressure = next((each for each in pressures if _basis_of(names[each.place], each)), None)
    remarks += [
        remark_on(head, f"the column {escape(names[each.place], limit=60)} was left out: one "
                "pressure is taken, whose name says absolute or gauge", RemarkKind.REFUSED)
        for each in pressures if each is not pressure
    ]  # fmt: skip
    for line in below:
        if not line.text.strip(" \t,;"):
            continue
        if line.text.strip() in above:  # the head again, on another page
            again.append(line.number)
            continue
        if not line.terminated:
            remarks.append(remark_on(line, _CUT, RemarkKind.CUT))
            continue
        cells = cells_of(line, separator)
        cells += ("",) * (len(names) - len(cells))
        found = [_short(names[at]) for at in marks if cells[at]]
        if found:
            remarks.append(
                remark_on(line, "the logger marks: " + ", ".join(found), RemarkKind.NOTE)
            )
            ended = ended or _END_MARK in found
        values = (*temperatures, *([] if pressure is None else [pressure]))
        if not found or any(cells[column.place] for column in values):
            stamp = parse_stamp(line, cells[time_at], name="time", american=True)
            rows.append(Row(line=line, cells=cells, stamp=stamp))
    basis = None if pressure is None else _basis_of(names[pressure.place], pressure)
    table = Table(
        rows=_filled(rows),
        temperatures=temperatures,
        pressure=pressure,
        basis=basis,
        zone=offset or "+00:00",
    )
    return _reading(head, names, table, remarks, again, offset, ended=ended)


def _is_measured(lines: list[Line], at: int, separator: str) -> bool:
    """Whether a column holds numbers, and thus no marks."""
    cells = (cells_of(line, separator) for line in lines if line.text.strip())
    return any(len(row) > at and re.fullmatch(r"-?[0-9]+(?:[.,][0-9]+)?", row[at]) for row in cells)


def _basis_of(name: str, column: Column) -> PressureBasis | None:
    """From where the pressures count, as the unit or the column's name says; None: neither does."""
    return BASIS_OF_UNIT.get(column.unit) or _NAMED_BASIS.get(name.split(" ", maxsplit=1)[0])


def _filled(rows: list[Row]) -> list[Row]:
    if not rows:
        raise InvalidInput(
            "no line holds a value", field="row", rule="a reading has at least one measured point"
        )
    return rows


def _columns(names: tuple[str, ...], pattern: re.Pattern[str]) -> list[Column]:
    known = TEMPERATURE_UNITS if pattern is _TEMPERATURE else BAR_PER_UNIT
    found = []
    for place, name in enumerate(names):
        match = pattern.fullmatch(name)
        if match is not None and match["unit"] in known:
            label = _LABEL.search(name)
            found.append(
                Column(place=place, name=label[1] if label else match["name"], unit=match["unit"])
            )
    return found


def _reading(  # noqa: PLR0913, PLR0917 - what stands in the file, part by part
    head: Line,
    names: tuple[str, ...],
    table: Table,
    remarks: list[Remark],
    again: list[int],
    offset: str | None,
    *,
    ended: bool,
) -> tuple[tuple[CycleReading, ...], tuple[Remark, ...]]:
    rows = table.rows
    samples = table.samples()
    remarks = sorted([*table.remarks, *remarks], key=lambda each: each.line)
    incomplete = [*table.gaps, *(each.why for each in remarks if each.kind is RemarkKind.CUT)]
    if any(_short(name) == _END_MARK for name in names) and not ended:
        incomplete.append("the logger's mark of the end of the file is missing")
    logger = next((match[1] for name in names if (match := _SERIAL.search(name))), None)
    at = {row.line.number: utc for row, utc in zip(rows, table.utc_of_rows(), strict=True)}
    stamps = {row.line.number: row.stamp for row in rows}
    first, last = (
        printed(stamps[each.line], None if offset is None else at[each.line])
        for each in (samples[0], samples[-1])
    )
    cycle = CycleReading(
        ordinal=1,
        first_line=1,
        last_line=rows[-1].line.number,
        machine="logger" if logger is None else f"logger {logger}",
        serial=None,
        number=None,
        programme_text=None,
        first=first,
        last=last,
        zone=offset,
        probes=tuple(column.name for column in table.temperatures),
        samples=samples,
        temperature_unit=table.temperatures[0].unit if table.temperatures else None,
        pressure_unit=None if table.pressure is None else table.pressure.unit,
        pressure_basis=None if table.pressure is None else table.basis,
        outcome=CycleOutcome.UNKNOWN,
        outcome_reasons=("a logger has no verdict on the cycle",),
        incomplete_because=tuple(incomplete),
        is_ended=ended,
        lines_read=(*range(1, head.number + 1), *again, *(each.line for each in samples)),
        remarks=tuple(remarks),
    )
    unread = [each.text for each in remarks if each.kind is RemarkKind.CUT]
    return (sealed(cycle, unread),), tuple(remarks)


def _short(name: str) -> str:
    """A mark's name without the logger's number."""
    return name.split(" (", maxsplit=1)[0]
