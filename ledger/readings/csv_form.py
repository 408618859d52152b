"""The documented CSV form → one cycle; anything that is not that form is refused.

Unlike a printout, such a file is written on purpose: damage in it is an error to be corrected
where it was written. An empty cell is accepted, the device had no value there; and so is a clock
that was wrong, which nobody can correct afterwards. The form is described in docs/readings.md.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.readings import (
    CycleOutcome,
    CycleReading,
    MachineClaim,
    PressureBasis,
    PrintedTime,
    Programme,
    Remark,
    RemarkKind,
    Sample,
)
from ledger.readings.sealing import sealed
from ledger.readings.stamps import Stamp, parse_stamp, printed
from ledger.readings.table import (
    Column,
    Row,
    Table,
    cells_of,
    parse_decimal,
    refuse,
    remark_on,
    seconds_between,
)
from ledger.readings.text import SAVE_AS_UTF8, DecodedText, Line, escape, has_stray
from ledger.readings.units import (
    BAR_PER_PLAIN_UNIT,
    BAR_PER_UNIT,
    BASIS_OF_UNIT,
    LONGEST_CYCLE_SECONDS,
    TEMPERATURE_UNITS,
)
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
    "f0 minutes",
    "a0 seconds",
    "ambient pressure",
    "samples",
)
#: Without them nobody knows whose record it is; the record itself is whole.
_IDENTITY: Final = ("serial", "cycle")
_BASES: Final = {
    "absolute": PressureBasis.ABSOLUTE,
    "gauge": PressureBasis.GAUGE,
    "none": None,
}

#: Possessive: no blank is tried twice, so a line of a million blanks takes no longer than another.
_HEADER: Final = re.compile(r"#[ \t]*+([a-z0-9]++(?: ++[a-z]++)*+)[ \t]*+:[ \t]*+(.*)")
_PROGRAMME: Final = re.compile(r"([^/]{1,40})/([0-9]{2,3})[ ]?[°º]C/([0-9]{1,3})[ ]?min")
_TEMPERATURE: Final = re.compile(r"temp(erature)?\b.*|te?[0-9]{0,2}|temp[0-9]{0,2}")
_PRESSURE: Final = re.compile(r"press(ure)?\b.*|pt?[0-9]{0,2}")
_COUNT: Final = re.compile("[0-9]{1,10}")
_NUMBER: Final = re.compile("[0-9]{1,15}")
_LONGEST_VALUE: Final = 120
_COLUMNS_RULE: Final = (
    "the column line begins with time, then names temperatures (temperature, T1, T2, …) and at "
    "most one pressure (pressure, P), for instance time,temperature,pressure"
)


def recognise(text: DecodedText) -> bool:
    """Whether the first line that is not blank is a header line or the column line."""
    first = next((line.text.strip(" \t") for line in text.lines if line.text.strip(" \t")), "")
    return _HEADER.fullmatch(first) is not None or re.match("time[,;\t]", first.lower()) is not None


def parse(text: DecodedText) -> tuple[tuple[CycleReading, ...], tuple[Remark, ...]]:
    """Return the one cycle and the remarks; raise `InvalidInput` with the line and the rule."""
    _refuse_damage(text)
    lines = tuple(line for line in text.lines if line.text.strip(" ,;\t"))
    header, columns, data = _split(lines)
    tail = None if not data or data[-1].terminated else data[-1]
    whole = data if tail is None else data[:-1]
    cycle = _Cycle(header=header, columns=columns, data=whole, tail=tail).read()
    return (cycle,), cycle.remarks


def _refuse_damage(text: DecodedText) -> None:
    for number in text.undecodable[:1]:
        refuse(
            number,
            f"holds bytes that are not {text.encoding}, nor any code page that is known here",
            name="encoding",
            rule="a CSV reading is UTF-8, UTF-16, windows-1252, cp850, GB 2312, Big5 or Shift-JIS",
            remedy=SAVE_AS_UTF8,
        )
    for line in text.lines:
        if has_stray(line.text):
            refuse(
                line,
                f"holds control characters: {escape(line.text, limit=60)}",
                name="encoding",
                rule="a CSV reading holds printable characters only",
                remedy=SAVE_AS_UTF8,
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
        if not text.startswith(("#", '"#')):
            return header, line, lines[place + 1 :]
        key, value = _header_line(line, text)
        if key in header:
            refuse(line, f"{key!r} is given twice", name=key, rule="each key once")
        header[key] = value
    raise InvalidInput(
        "the file has no column line", field="columns", rule="after the header, " + _COLUMNS_RULE
    )


def _header_line(line: Line, text: str) -> tuple[str, _Value]:
    """A key and its value; a spreadsheet may have put quotes around it, or separators after it."""
    match = _HEADER.fullmatch(text.strip('"').rstrip(";,\t "))
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


@dataclass(slots=True, kw_only=True)
class _Cycle:
    """Header and rows → a cycle."""

    header: dict[str, _Value]
    columns: Line
    data: tuple[Line, ...]
    tail: Line | None  #: a last line without a line end: it may be cut and is not taken

    def read(self) -> CycleReading:
        """Check everything and return the cycle."""
        self._check_keys()
        table = self._table()
        samples = table.samples()
        started, ended = self._start_and_end(table)
        first, last = self._span(table, started, ended, samples)
        self._check_count()
        remarks = [*table.remarks, *self._columns_left_out(), *self._cut(), *self._clock(table)]
        damage = (
            *table.gaps,
            *(each.why for each in remarks if each.kind in {RemarkKind.CUT, RemarkKind.REFUSED}),
        )
        outcome, reasons = self._outcome(damage)
        programme = self.header["programme"].text or None
        number, label = self._number()
        fault = self._optional("fault")
        cycle = CycleReading(
            ordinal=1,
            first_line=min(value.line.number for value in self.header.values()),
            last_line=(self.tail or self.data[-1]).number,
            machine=self.header["machine"].text or None,
            serial=self.header["serial"].text or None,
            number=number,
            label=label,
            programme_text=programme,
            programme=_programme_of(programme),
            started=started,
            ended=ended,
            first=first,
            last=last,
            zone=self.header["zone"].text,
            probes=tuple(column.name for column in table.temperatures),
            samples=samples,
            temperature_unit=table.temperatures[0].unit if table.temperatures else None,
            pressure_unit=None if table.pressure is None else table.pressure.unit,
            pressure_basis=None if table.pressure is None else table.basis,
            ambient_pressure_bar=self._ambient(),
            claim=self._claim(table),
            outcome=outcome,
            outcome_reasons=reasons,
            fault_code=fault,
            incomplete_because=(*self._missing(), *damage),
            is_ended=ended is not None or self._optional("outcome") in {"completed", "aborted"},
            lines_read=self._lines_read(samples),
            remarks=tuple(sorted(remarks, key=lambda each: each.line)),
        )
        return sealed(cycle, [] if self.tail is None else [self.tail.text])

    # ---------------------------------------------------------------- header

    def _check_keys(self) -> None:
        missing = [key for key in REQUIRED_KEYS if key not in self.header]
        if missing:
            raise InvalidInput(
                "the header lacks " + ", ".join(missing),
                field=missing[0],
                rule="the header names each of: " + ", ".join(REQUIRED_KEYS),
            )
        if not self.data:
            raise InvalidInput(
                "no line follows the columns: there is no cycle in the file",
                field="row",
                rule="a reading has at least one measured point",
            )
        zone_named(self.header["zone"].text)
        self._one_of("temperature unit", [*TEMPERATURE_UNITS, "none"])
        if self.header["pressure unit"].text not in BASIS_OF_UNIT:
            self._one_of("pressure unit", [*BAR_PER_PLAIN_UNIT, "psia", "psig", "none"])
        self._one_of("pressure basis", list(_BASES))
        unit, basis = self.header["pressure unit"], self.header["pressure basis"]
        if (unit.text == "none") != (basis.text == "none"):
            refuse(
                basis.line,
                "unit and basis contradict each other",
                name="pressure basis",
                rule="both are none, or neither",
            )
        named = BASIS_OF_UNIT.get(unit.text)
        if named not in {None, _BASES[basis.text]}:
            refuse(
                basis.line,
                f"{unit.text} is not {basis.text}",
                name="pressure basis",
                rule="a unit that names its basis, such as psig or bar(a), has the same basis here",
                remedy="ask the device's manual which of the two is right",
            )

    def _one_of(self, key: str, known: list[str]) -> None:
        value = self.header[key]
        if value.text not in known:
            refuse(
                value.line,
                f"{value.text!r} is not known",
                name=key,
                rule="one of: " + ", ".join(known),
            )

    def _optional(self, key: str) -> str | None:
        value = self.header.get(key)
        return None if value is None or not value.text else value.text

    def _number(self) -> tuple[int | None, str | None]:
        """The cycle's number and, where its name is not a number alone, that name."""
        text = self.header["cycle"].text
        if not text:
            return None, None
        return (int(text), None) if _NUMBER.fullmatch(text) else (None, text)

    def _ambient(self) -> Decimal | None:
        text = self._optional("ambient pressure")
        if text is None:
            return None
        value = self.header["ambient pressure"]
        factor = BAR_PER_UNIT.get(self.header["pressure unit"].text, Decimal(1))
        bar = parse_decimal(value.line, text, name="ambient pressure") * factor
        if not Decimal("0.4") <= bar <= Decimal("1.2"):
            refuse(
                value.line,
                f"{bar} bar is no air pressure",
                name="ambient pressure",
                rule="0.4 to 1.2 bar absolute, in the file's pressure unit",
            )
        return bar

    def _decimal(self, key: str, highest: int) -> Decimal | None:
        text = self._optional(key)
        if text is None:
            return None
        line = self.header[key].line
        number = parse_decimal(line, text, name=key)
        if not 0 <= number <= highest:
            refuse(line, text, name=key, rule=f"0 to {highest}")
        return number

    def _stamp(self, key: str) -> Stamp | None:
        text = self._optional(key)
        return None if text is None else parse_stamp(self.header[key].line, text, name=key)

    def _outcome(self, damage: tuple[str, ...]) -> tuple[CycleOutcome, tuple[str, ...]]:
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
            against = (*damage, *((f"the header names fault {fault}",) if fault else ()))
            if against:
                return CycleOutcome.UNKNOWN, ("the header says completed", *against)
            return CycleOutcome.COMPLETED, ()
        why = "the header says so" if self._optional("outcome") else "the header does not say"
        return CycleOutcome(stated), (why,)

    def _missing(self) -> tuple[str, ...]:
        return tuple(
            f"the header's {key} is empty"
            for key in ("machine", *_IDENTITY, "programme")
            if not self.header[key].text
        )

    # ---------------------------------------------------------------- columns and rows

    def _names(self) -> tuple[tuple[str, ...], str]:
        """The columns' names, and what separates them."""
        text = self.columns.text
        separator = next((each for each in (";", "\t") if each in text), ",")
        names = cells_of(self.columns, separator)
        if not names or names[0].lower() != "time" or len(names) == 1:
            refuse(
                self.columns,
                f"the columns are {escape(text, limit=60)}",
                name="columns",
                rule=_COLUMNS_RULE,
            )
        return names, separator

    def _placed(self, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
        names, _ = self._names()
        return [(at, name) for at, name in enumerate(names) if pattern.fullmatch(name.lower())]

    def _table(self) -> Table:
        names, separator = self._names()
        temperatures, pressures = self._placed(_TEMPERATURE), self._placed(_PRESSURE)
        unit = self.header["pressure unit"].text
        if len(pressures) > 1:
            refuse(self.columns, "two pressures", name="columns", rule=_COLUMNS_RULE)
        if unit != "none" and not pressures:
            refuse(
                self.header["pressure unit"].line,
                "there is a pressure unit without a pressure column",
                name="pressure unit",
                rule="without pressures the unit and basis are none",
            )
        celsius = self.header["temperature unit"].text
        if (celsius == "none") == bool(temperatures):
            refuse(
                self.header["temperature unit"].line,
                "unit and columns of the temperatures contradict each other",
                name="temperature unit",
                rule="none where there is no temperature column, and only there",
            )
        return Table(
            rows=[self._row(line, separator, len(names)) for line in self.data],
            temperatures=[Column(place=at, name=name, unit=celsius) for at, name in temperatures],
            pressure=None
            if unit == "none"
            else Column(place=pressures[0][0], name=pressures[0][1], unit=unit),
            basis=_BASES[self.header["pressure basis"].text],
            zone=self.header["zone"].text,
            started=self._stamp("started"),
        )

    def _row(self, line: Line, separator: str, width: int) -> Row:
        cells = cells_of(line, separator)
        if len(cells) != width:
            refuse(
                line,
                f"{len(cells)} cells instead of {width}",
                name="row",
                rule="each line has a cell for each column; decimals with a comma need ; or tabs "
                "between the cells",
            )
        return Row(line=line, cells=cells, stamp=parse_stamp(line, cells[0], name="time"))

    def _columns_left_out(self) -> list[Remark]:
        """A remark for each column from which nothing was taken."""
        names, _ = self._names()
        taken = {0, *(at for at, _ in self._placed(_TEMPERATURE))}
        without_unit = self.header["pressure unit"].text == "none"
        pressures = {at for at, _ in self._placed(_PRESSURE)}
        found = []
        for at, name in enumerate(names):
            if at in taken or (at in pressures and not without_unit):
                continue
            why = (
                f"the header names no unit for the column {name}, so nothing was taken from it"
                if at in pressures
                else f"the column {name} is not known; nothing was taken from it"
            )
            kind = RemarkKind.REFUSED if at in pressures else RemarkKind.NOTE
            found.append(remark_on(self.columns, why, kind))
        return found

    # ---------------------------------------------------------------- times

    def _start_and_end(self, table: Table) -> tuple[PrintedTime | None, PrintedTime | None]:
        start, end = self._stamp("started"), self._stamp("ended")
        started = None if start is None else printed(start, table.utc[0])
        if end is None:
            return started, None
        return started, self._near(table, end)

    def _near(self, table: Table, stamp: Stamp) -> PrintedTime:
        """A time of the header beside the rows: its moment is as sure as theirs."""
        alone = Table(
            rows=[Row(line=stamp.line, cells=(), stamp=each) for each in (
                *(row.stamp for row in table.rows), stamp)],
            temperatures=(), pressure=None, basis=None, zone=table.zone,
        )  # fmt: skip
        return printed(stamp, alone.utc[-1])

    def _span(
        self,
        table: Table,
        started: PrintedTime | None,
        ended: PrintedTime | None,
        samples: tuple[Sample, ...],
    ) -> tuple[PrintedTime, PrintedTime]:
        """The first and the last time of the record; every sample lies between start and end."""
        at = {row.line.number: printed(row.stamp, utc)
              for row, utc in zip(table.rows, table.utc_of_rows(), strict=True)}  # fmt: skip
        first, last = started or at[samples[0].line], ended or at[samples[-1].line]
        if _seconds(first, last) < 0:
            refuse(
                self.header["ended" if ended else "started"].line,
                "the end is before the start",
                name="ended" if ended else "started",
                rule="a cycle ends after it starts",
            )
        if _seconds(first, last) > LONGEST_CYCLE_SECONDS:
            refuse(
                samples[-1].line,
                "the cycle is longer than a day",
                name="ended" if ended else "time",
                rule="a cycle lasts at most 86400 seconds (24 h)",
            )
        for sample in samples:
            time = at[sample.line]
            if _seconds(first, time) < 0 or _seconds(time, last) < 0:
                refuse(
                    sample.line,
                    f"{sample.time_text} is outside the cycle",
                    name="time",
                    rule="every point lies between started and ended",
                )
        return first, last

    def _claim(self, table: Table) -> MachineClaim:
        begin, end = self._elapsed("hold started", table), self._elapsed("hold ended", table)
        if begin is not None and end is not None and end < begin:
            refuse(
                self.header["hold ended"].line,
                "the hold's end is before its start",
                name="hold ended",
                rule="a hold ends after it starts",
            )
        return MachineClaim(
            begin_elapsed_seconds=begin,
            end_elapsed_seconds=end,
            seconds=self._decimal("hold seconds", LONGEST_CYCLE_SECONDS),
            f0_minutes=self._decimal("f0 minutes", 1_000_000),
            a0_seconds=self._decimal("a0 seconds", 1_000_000_000),
        )

    def _elapsed(self, key: str, table: Table) -> Decimal | None:
        stamp = self._stamp(key)
        if stamp is None:
            return None
        start = table.started or table.rows[0].stamp
        seconds = _seconds(printed(start, table.utc[0]), self._near(table, stamp))
        if abs(seconds) > LONGEST_CYCLE_SECONDS:
            refuse(
                self.header[key].line,
                "it lies more than a day from the cycle",
                name=key,
                rule="the hold lies within the cycle",
            )
        return seconds

    def _clock(self, table: Table) -> list[Remark]:
        if table.no_moment is None:
            return []
        device = self.header["machine"].text or "the device"
        why = (
            f"{table.no_moment}: the clock of {device} names no one moment, so none is recorded; "
            "with an offset in each time, for instance +01:00, it would"
        )
        return [remark_on(table.rows[0].line, why, RemarkKind.CLOCK)]

    # ---------------------------------------------------------------- the end of the file

    def _check_count(self) -> None:
        text = self._optional("samples")
        if text is None:
            return
        found = len(self.data) + (self.tail is not None)
        if _COUNT.fullmatch(text) is None or int(text) != found:
            refuse(
                self.header["samples"].line,
                f"{text} lines are announced, {found} follow",
                name="samples",
                rule="samples counts the lines after the columns",
            )

    def _cut(self) -> list[Remark]:
        if self.tail is None:
            return []
        why = "the last line has no line end: it may be cut and was not taken"
        return [remark_on(self.tail, why, RemarkKind.CUT)]

    def _lines_read(self, samples: tuple[Sample, ...]) -> tuple[int, ...]:
        head = [value.line.number for value in self.header.values()]
        return (*head, self.columns.number, *(sample.line for sample in samples))


def _seconds(start: PrintedTime, end: PrintedTime) -> Decimal:
    """By moments where both are known, else by the device's own clock."""
    if start.utc is not None and end.utc is not None:
        return seconds_between(start.utc, end.utc)
    return seconds_between(start.local, end.local)


def _programme_of(text: str | None) -> Programme | None:
    """Return the parts of `name/134°C/4min`, or None for another form."""
    match = None if text is None else _PROGRAMME.fullmatch(text)
    if match is None:
        return None
    return Programme(
        name=match[1], nominal_celsius=int(match[2]), nominal_hold_minutes=int(match[3])
    )
