"""The documented CSV form → one cycle; anything that is not exactly that form is refused.

Unlike a printout, such a file is written on purpose: damage in it is an error to be corrected
where it was written. An empty cell alone is accepted: the device had no value there.
The form is described in docs/readings.md.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Final

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.readings import (
    CycleOutcome,
    CycleReading,
    PressureBasis,
    PrintedTime,
    Remark,
    RemarkKind,
)
from ledger.readings.bounds import (
    LONGEST_CYCLE_SECONDS,
)
from ledger.readings.csv_cells import (
    Moment,
    Point,
    Row,
    empty_cell,
    parse_decimal,
    parse_point,
    parse_programme,
    parse_time,
    refuse,
    samples_of,
    seconds_between,
    utc_of,
)
from ledger.readings.text import DecodedText, Line, escape, has_stray
from ledger.readings.zones import zone_named

__all__ = ["OPTIONAL_KEYS", "REQUIRED_KEYS", "parse", "recognise"]

REQUIRED_KEYS: Final = (
    "machine",
    "serial",
    "cycle",
    "programme",
    "zone",
    "temperature unit",
    "pressure unit",
    "pressure basis",
)
OPTIONAL_KEYS: Final = (
    "outcome",
    "fault",
    "started",
    "ended",
    "hold started",
    "hold ended",
    "hold seconds",
    "ambient pressure",
    "samples",
)

_BAR_PER_UNIT: Final = {
    "bar": Decimal(1),
    "kPa": Decimal("0.01"),
    "mbar": Decimal("0.001"),
    "none": None,
}
_BASES: Final = {
    "absolute": PressureBasis.ABSOLUTE,
    "gauge": PressureBasis.GAUGE,
    "none": None,
}

#: Possessive: no blank is tried twice, so a line of a million blanks takes no longer than another.
_HEADER: Final = re.compile(r"#[ \t]*+([a-z]++(?: ++[a-z]++)*+)[ \t]*+:[ \t]*+(.*)")
_COLUMNS: Final = ("time,temperature,pressure", "time,temperature")
_COUNT: Final = re.compile("[0-9]{1,10}")
_LONGEST_VALUE: Final = 120


def recognise(text: DecodedText) -> bool:
    """Whether the first line that is not blank is a header line or the column line."""
    first = next((line.text.strip(" \t") for line in text.lines if line.text.strip(" \t")), "")
    return _HEADER.fullmatch(first) is not None or first.lower().startswith("time,")


def parse(text: DecodedText) -> tuple[tuple[CycleReading, ...], tuple[Remark, ...]]:
    """Return the one cycle and the remarks; raise `InvalidInput` with the line and the rule."""
    _refuse_damage(text)
    lines = tuple(line for line in text.lines if line.text.strip(" \t"))
    header, columns, data = _split(lines)
    tail = None if not data or data[-1].terminated else data[-1]
    whole = data if tail is None else data[:-1]
    rows = _rows(columns, whole)
    cycle = _Cycle(header=header, columns=columns, rows=rows, tail=tail).read()
    return (cycle,), cycle.remarks


def _refuse_damage(text: DecodedText) -> None:
    for number in text.undecodable[:1]:
        refuse(
            number,
            f"holds bytes that are not {text.encoding}",
            name="encoding",
            rule="a CSV reading is valid UTF-8, or UTF-16 with a byte order mark",
        )
    for line in text.lines:
        if has_stray(line.text):
            refuse(
                line,
                f"holds control characters: {escape(line.text, limit=60)}",
                name="encoding",
                rule="a CSV reading holds printable characters only",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """A header value and the line on which it stands."""

    line: Line
    text: str


def _split(lines: tuple[Line, ...]) -> tuple[dict[str, _Value], Line, tuple[Line, ...]]:
    """Return the header by key, the column line, and the lines after it."""
    header: dict[str, _Value] = {}
    for place, line in enumerate(lines):
        text = line.text.strip(" \t")
        if not text.startswith("#"):
            return header, line, lines[place + 1 :]
        key, value = _header_line(line, text)
        if key in header:
            refuse(line, f"{key!r} is given twice", name=key, rule="each key once")
        header[key] = value
    raise InvalidInput(
        "the file has no column line",
        field="columns",
        rule=f"after the header comes the line {_COLUMNS[0]}",
    )


def _header_line(line: Line, text: str) -> tuple[str, _Value]:
    match = _HEADER.fullmatch(text)
    known = (*REQUIRED_KEYS, *OPTIONAL_KEYS)
    if match is None or match[1] not in known:
        refuse(
            line,
            f"{escape(text, limit=60)} is no known header line",
            name="header",
            rule="a header line is '# key: value' with a key of: " + ", ".join(known),
        )
    if len(match[2]) > _LONGEST_VALUE:
        refuse(
            line,
            "the value is too long",
            name=match[1],
            rule=f"at most {_LONGEST_VALUE} characters",
        )
    return match[1], _Value(line=line, text=match[2].strip(" \t"))


def _rows(line: Line, data: tuple[Line, ...]) -> tuple[Row, ...]:
    columns = line.text.strip(" \t")
    if columns not in _COLUMNS:
        refuse(
            line,
            f"the columns are {escape(columns, limit=60)}",
            name="columns",
            rule="the column line is " + " or ".join(_COLUMNS),
        )
    width = columns.count(",") + 1
    rows = tuple(
        Row(line=each, cells=tuple(cell.strip(" \t") for cell in each.text.split(",")))
        for each in data
    )
    for row in rows:
        if len(row.cells) != width:
            refuse(
                row.line,
                f"{len(row.cells)} cells instead of {width}",
                name="row",
                rule=f"each line has the columns {columns}, decimals with a point, no quotes",
            )
    return rows


@dataclass(slots=True, kw_only=True)
class _Cycle:
    """Header and rows → a cycle."""

    header: dict[str, _Value]
    columns: Line
    rows: tuple[Row, ...]
    tail: Line | None  #: a last line without a line end: it may be cut and is not taken

    def read(self) -> CycleReading:
        """Check everything and return the cycle."""
        self._check_keys()
        zone = self._zone()
        started, ended = self._time("started", zone), self._time("ended", zone)
        points, remarks, gaps = self._points(zone)
        samples = samples_of(points, started)
        self._check_span(started, ended, points)
        self._check_count()
        remarks.extend(self._cut_remarks())
        incomplete = (
            *self._missing(),
            *gaps,
            *(each.why for each in remarks if each.kind is RemarkKind.CUT),
        )
        outcome, reasons = self._outcome(incomplete)
        first = min(value.line.number for value in self.header.values())
        basis, _ = self._pressure()
        programme = self.header["programme"].text or None
        return CycleReading(
            ordinal=1,
            first_line=first,
            last_line=(self.tail or self.rows[-1].line).number,
            machine=self.header["machine"].text or None,
            serial=self.header["serial"].text or None,
            number=self._number(),
            programme_text=programme,
            programme=parse_programme(programme),
            lid=None,
            started=started,
            ended=ended,
            zone=zone,
            phases=(),
            samples=samples,
            pressure_basis=basis,
            ambient_pressure_bar=self._ambient(),
            printed_maximum=None,
            printed_minimum=None,
            printed_hold_seconds=self._seconds("hold seconds"),
            printed_hold_begin=self._elapsed("hold started", zone, started, points),
            printed_hold_end=self._elapsed("hold ended", zone, started, points),
            outcome=outcome,
            outcome_reasons=reasons,
            fault_code=self._optional("fault"),
            further_fault_codes=(),
            incomplete_because=incomplete,
            content_sha256=self._digest(),
            lines_read=self._lines_read(points),
            remarks=tuple(sorted(remarks, key=lambda each: each.line)),
        )

    # ---------------------------------------------------------------- header

    def _check_keys(self) -> None:
        missing = [key for key in REQUIRED_KEYS if key not in self.header]
        if missing:
            raise InvalidInput(
                "the header lacks " + ", ".join(missing),
                field=missing[0],
                rule="the header names each of: " + ", ".join(REQUIRED_KEYS),
            )
        if not self.rows:
            raise InvalidInput(
                "no line follows the columns: there is no cycle in the file",
                field="row",
                rule="a reading has at least one measured point",
            )
        unit = self.header["temperature unit"]
        if unit.text not in {"°C", "C"}:
            refuse(
                unit.line,
                f"{unit.text!r} is not a supported unit",
                name="temperature unit",
                rule="temperatures are in °C",
            )
        self._pressure()

    def _optional(self, key: str) -> str | None:
        value = self.header.get(key)
        return None if value is None or not value.text else value.text

    def _zone(self) -> str:
        value = self.header["zone"]
        zone_named(value.text)
        return value.text

    def _number(self) -> int | None:
        value = self.header["cycle"]
        if not value.text:
            return None
        if _COUNT.fullmatch(value.text) is None:
            refuse(
                value.line,
                f"{value.text!r} is no cycle number",
                name="cycle",
                rule="digits only, or empty where the device does not know it",
            )
        return int(value.text)

    def _pressure(self) -> tuple[PressureBasis | None, Decimal | None]:
        """Return the basis and the factor to bar; both None where no pressure is measured."""
        unit, basis = self.header["pressure unit"], self.header["pressure basis"]
        if unit.text not in _BAR_PER_UNIT:
            refuse(
                unit.line,
                f"{unit.text!r} is not a supported unit",
                name="pressure unit",
                rule="one of: " + ", ".join(_BAR_PER_UNIT),
            )
        if basis.text not in _BASES:
            refuse(
                basis.line,
                f"{basis.text!r} is not a basis",
                name="pressure basis",
                rule="one of: " + ", ".join(_BASES),
            )
        if (unit.text == "none") != (basis.text == "none"):
            refuse(
                basis.line,
                "unit and basis contradict each other",
                name="pressure basis",
                rule="both are none, or neither",
            )
        has_column = "pressure" in self.columns.text
        if unit.text == "none" and has_column:
            refuse(
                unit.line,
                "there is a pressure column without a unit",
                name="pressure unit",
                rule="without pressures the columns are time,temperature",
            )
        if unit.text != "none" and not has_column:
            refuse(
                unit.line,
                "there is a pressure unit without a pressure column",
                name="pressure unit",
                rule="without pressures the unit and basis are none",
            )
        return _BASES[basis.text], _BAR_PER_UNIT[unit.text]

    def _ambient(self) -> Decimal | None:
        value = self.header.get("ambient pressure")
        _, factor = self._pressure()
        if value is None or not value.text:
            return None
        bar = parse_decimal(value.line, value.text, name="ambient pressure")
        bar = bar if factor is None else bar * factor
        if not Decimal("0.4") <= bar <= Decimal("1.2"):
            refuse(
                value.line,
                f"{bar} bar is no air pressure",
                name="ambient pressure",
                rule="0.4 to 1.2 bar absolute, in the file's pressure unit",
            )
        return bar

    def _seconds(self, key: str) -> Decimal | None:
        value = self.header.get(key)
        if value is None or not value.text:
            return None
        seconds = parse_decimal(value.line, value.text, name=key)
        if not 0 <= seconds <= LONGEST_CYCLE_SECONDS:
            refuse(value.line, f"{seconds} s", name=key, rule="0 to 86400 seconds (24 h)")
        return seconds

    def _time(self, key: str, zone: str) -> PrintedTime | None:
        value = self.header.get(key)
        if value is None or not value.text:
            return None
        return parse_time(value.line, value.text, zone=zone, name=key)

    def _outcome(self, incomplete: tuple[str, ...]) -> tuple[CycleOutcome, tuple[str, ...]]:
        stated = self._optional("outcome") or CycleOutcome.UNKNOWN.value
        if stated not in set(CycleOutcome):
            refuse(
                self.header["outcome"].line,
                f"{stated!r} is no outcome",
                name="outcome",
                rule="one of: " + ", ".join(CycleOutcome),
            )
        fault = self._optional("fault")
        if stated == CycleOutcome.COMPLETED:
            against = (*incomplete, *((f"the header names fault {fault}",) if fault else ()))
            return (CycleOutcome.UNKNOWN, against) if against else (CycleOutcome.COMPLETED, ())
        why = "the header says so" if self._optional("outcome") else "the header does not say"
        return CycleOutcome(stated), (why,)

    def _missing(self) -> tuple[str, ...]:
        return tuple(
            f"the header's {key} is empty"
            for key in ("machine", "serial", "cycle", "programme")
            if not self.header[key].text
        )

    # ---------------------------------------------------------------- rows

    def _points(self, zone: str) -> tuple[list[Point], list[Remark], list[str]]:
        basis, factor = self._pressure()
        points: list[Point] = []
        remarks: list[Remark] = []
        gaps: list[str] = []
        for row, time in zip(self.rows, self._times(zone), strict=True):
            cells = zip(("temperature", "pressure"), row.cells[1:], strict=False)
            empty = [name for name, cell in cells if not cell]
            if empty:
                remarks.append(empty_cell(row, empty))
                gaps.append(f"line {row.line.number} has no {' and no '.join(empty)}")
            if row.cells[1]:
                points.append(parse_point(row, time, basis, factor))
        if not points:
            raise InvalidInput(
                "no line holds a temperature",
                field="temperature",
                rule="a reading has at least one measured point",
            )
        return points, remarks, gaps

    def _times(self, zone: str) -> list[Moment]:
        times = [parse_time(row.line, row.cells[0], zone=zone, name="time") for row in self.rows]
        for row, before, after in zip(self.rows[1:], times, times[1:], strict=False):
            if after.utc <= before.utc:
                refuse(
                    row.line,
                    f"{after.text} does not come after the time before it",
                    name="time",
                    rule="times rise strictly",
                )
        return times

    def _check_span(
        self, started: PrintedTime | None, ended: PrintedTime | None, points: list[Point]
    ) -> None:
        start = utc_of(started) or points[0].utc
        end = utc_of(ended) or points[-1].utc
        if end < start:
            refuse(
                self.header["ended" if ended else "started"].line,
                "the end is before the start",
                name="ended" if ended else "started",
                rule="a cycle ends after it starts",
            )
        if (end - start).total_seconds() > LONGEST_CYCLE_SECONDS:
            refuse(
                points[-1].line,
                "the cycle is longer than a day",
                name="ended" if ended else "time",
                rule="a cycle lasts at most 86400 seconds (24 h)",
            )
        outside = [each for each in points if not start <= each.utc <= end]
        if outside:
            refuse(
                outside[0].line,
                f"{outside[0].text} is outside the cycle",
                name="time",
                rule="every point lies between started and ended",
            )
        self._check_hold()

    def _check_hold(self) -> None:
        zone = self._zone()
        begin, end = (
            utc_of(self._time("hold started", zone)),
            utc_of(self._time("hold ended", zone)),
        )
        if begin is not None and end is not None and end < begin:
            refuse(
                self.header["hold ended"].line,
                "the hold's end is before its start",
                name="hold ended",
                rule="a hold ends after it starts",
            )

    def _elapsed(
        self, key: str, zone: str, started: PrintedTime | None, points: list[Point]
    ) -> Decimal | None:
        at = utc_of(self._time(key, zone))
        if at is None:
            return None
        seconds = seconds_between(utc_of(started) or points[0].utc, at)
        if abs(seconds) > LONGEST_CYCLE_SECONDS:
            refuse(
                self.header[key].line,
                "it lies more than a day from the cycle",
                name=key,
                rule="the hold lies within the cycle",
            )
        return seconds

    def _check_count(self) -> None:
        count = self.header.get("samples")
        if count is None or not count.text:
            return
        found = len(self.rows) + (self.tail is not None)
        if _COUNT.fullmatch(count.text) is None or int(count.text) != found:
            refuse(
                count.line,
                f"{count.text} lines are announced, {found} follow",
                name="samples",
                rule="samples counts the lines after the columns",
            )

    def _cut_remarks(self) -> list[Remark]:
        if self.tail is None:
            return []
        return [
            Remark(
                line=self.tail.number,
                last_line=self.tail.number,
                text=escape(self.tail.text),
                why="the last line has no line end: it may be cut and was not taken",
                kind=RemarkKind.CUT,
            )
        ]

    def _digest(self) -> str:
        """Hash header and rows by meaning: order of keys, blanks and line ends do not count."""
        head = sorted(f"{key}: {value.text}" for key, value in self.header.items())
        body = [",".join(row.cells) for row in self.rows]
        if self.tail is not None:
            body.append(self.tail.text.strip(" \t"))
        return sha256("\n".join([*head, *body]).encode()).hexdigest()

    def _lines_read(self, points: list[Point]) -> tuple[int, ...]:
        head = [value.line.number for value in self.header.values()]
        return (*head, self.columns.number, *(point.line for point in points))
