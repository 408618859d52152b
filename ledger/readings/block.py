"""The lines of one printed cycle, taken one by one; damage is said and nothing is repaired."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from ledger.domain.machines.readings import (
    MachineClaim,
    Phase,
    PhaseKind,
    PhaseResult,
    PressureBasis,
    PrintedExtreme,
    PrintedTime,
    Programme,
    Remark,
    RemarkKind,
    Sample,
    Statement,
)
from ledger.readings.printout import Form, Take, TakenLine
from ledger.readings.text import Line, escape
from ledger.readings.units import (
    BAR_PER_UNIT,
    BASIS_OF_UNIT,
    celsius_of,
    is_absurd_pressure,
    is_absurd_temperature,
    is_no_pressure,
    is_no_value,
)

__all__ = ["Block", "remark"]

_DAY_SECONDS: Final = 86_400
#: The logger's clock and the machine's may differ by this much, summer time included.
_CLOCK_DISAGREEMENT: Final = timedelta(hours=2)
_DEGREE_SIGN: Final = "°"
#: The groups of a line of values that are temperatures.
_PROBES: Final = frozenset({"t1", "t2", "t3", "t4"})
_LEAP: Final = "the time does not rise, or leaps"
_WITHOUT_BODY: Final = frozenset({Take.HEADER, Take.LAYOUT, Take.STATEMENT, Take.RESULT})


def remark(line: Line, why: str, kind: RemarkKind, *, last_line: int | None = None) -> Remark:
    """Return a remark on `line`, its text escaped."""
    return Remark(
        line=line.number,
        last_line=line.number if last_line is None else last_line,
        text=escape(line.text.strip(" \t")),
        why=why,
        kind=kind,
    )


def _seconds_of(text: str) -> int:
    """Hours, minutes and, where there are any, seconds of a day."""
    hours, minutes, *seconds = (int(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + sum(seconds)


@dataclass(slots=True)
class _Interruption:
    """The logger's own lines within an unfinished cycle."""

    line: int
    logged_at: datetime | None = None  #: the last date that the logger wrote, its own clock


@dataclass(slots=True)
class _Clock:
    """The machine's clock within one cycle: seconds since its first readable time."""

    counts_from_start: bool
    first_of_day: int | None = None
    elapsed: int = 0

    def elapsed_at(self, text: str) -> int:
        """The seconds from the cycle's first time to `text`, across midnight if need be."""
        if self.counts_from_start:
            *hours, minutes, seconds = (int(part) for part in text.split(":"))
            return sum(hours) * 3600 + minutes * 60 + seconds
        if self.first_of_day is None:
            return 0
        return (_seconds_of(text) - self.first_of_day) % _DAY_SECONDS

    def step_to(self, text: str) -> int:
        """The seconds from the last accepted time to `text`; a step back is a day's leap."""
        if self.counts_from_start:
            return (self.elapsed_at(text) - self.elapsed) % (10 * _DAY_SECONDS)
        return (self.elapsed_at(text) - self.elapsed) % _DAY_SECONDS

    def accept(self, text: str) -> Decimal:
        """Move to `text` and return the elapsed seconds."""
        self.elapsed += self.step_to(text)
        if self.first_of_day is None and not self.counts_from_start:
            self.first_of_day = _seconds_of(text)
        return Decimal(self.elapsed)


@dataclass(slots=True)
class Block:
    """A cycle while its lines are being read.

    `offer` takes one line or answers False, which closes the block.
    """

    form: Form
    first: Line
    remarks: list[Remark]
    clock: _Clock = field(init=False)
    header: dict[str, str] = field(default_factory=dict)
    phases: list[Phase] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    extremes: dict[Take, PrintedExtreme] = field(default_factory=dict)
    claim: MachineClaim = field(default_factory=MachineClaim)
    statements: list[Statement] = field(default_factory=list)
    result: tuple[PhaseResult, str] | None = None  #: a word on the whole cycle beside its end line
    fault_codes: list[str] = field(default_factory=list)
    failure_lines: list[int] = field(default_factory=list)
    abort_line: int | None = None
    read: list[int] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  #: the texts of lines that gave nothing
    damage: list[str] = field(default_factory=list)
    damaged_lines: list[int] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    clock_faults: list[Line] = field(default_factory=list)  #: whose times do not rise, or leap
    started: PrintedTime | None = None
    ended: PrintedTime | None = None
    programme: Programme | None = None
    interruption: _Interruption | None = None
    in_body: bool = False
    pressures_ended: bool = False  #: whether a caption within the cycle names another basis
    failed_probes: set[int] = field(default_factory=set)  #: places whose lack the machine printed
    last_order: int = -1
    last_sample_elapsed: Decimal | None = None

    def __post_init__(self) -> None:
        self.clock = _Clock(counts_from_start=self.form.counts_from_start)

    # ---------------------------------------------------------------- taking lines

    @property
    def has_ended(self) -> bool:
        """Whether the cycle's end line was read."""
        return self.find_phase(PhaseKind.CYCLE_END) is not None

    def offer(self, each: TakenLine) -> bool:
        """Take `each` and return True, or return False when it cannot belong to this cycle."""
        if each.take is Take.BLANK:
            return True
        if self.has_ended:
            return each.take in self.form.trailer and self._take(each)
        if each.take is Take.LOGGER:
            return self._interrupt(each)
        if self._begins_another(each):
            return False
        return self._take(each) if self.interruption is None else self._resume(each)

    def _begins_another(self, each: TakenLine) -> bool:
        if each.rule is not None and each.rule.begins:
            return bool(self.header) or self.in_body
        if each.take is not Take.HEADER:
            return False
        return self.in_body or not self.header.keys().isdisjoint(each.groups)

    def repeats(self, page: Sequence[TakenLine], next_time: str | None) -> bool:
        """Whether a header is this cycle's own, printed again on another page.

        It is where nothing in it differs, and the next time that is printed goes on from here.
        """
        if not self.in_body or self.has_ended or self.interruption is not None:
            return False
        if any(each.take is Take.CUT for each in page):
            return False
        if next_time is not None and (
            self.clock.step_to(next_time) > self.form.longest_step.get(None, 0)
        ):
            return False
        fields = {name: escape(text.strip(" \t")) for each in page if each.is_of_header
                  for name, text in each.groups.items()}  # fmt: skip
        return fields.items() <= self.header.items() and (
            self.form.has_pages or "number" in fields or "label" in fields
        )

    def take_page(self, page: Sequence[TakenLine]) -> None:
        """The lines of a repeated header: what is known already is not kept twice."""
        known = {(each.name, each.value) for each in self.statements}
        for each in page:
            again = each.take is Take.STATEMENT and _statement_of(each) in known
            if each.take is Take.BLANK:
                continue
            if again or each.is_of_header:
                self._read(each)
            else:
                self._take(each)

    def _take(self, each: TakenLine) -> bool:
        taken = _HANDLERS[each.take](self, each)
        if taken and each.take not in _WITHOUT_BODY | {Take.UNREAD, Take.CUT}:
            self.in_body = True
        return taken

    def _read(self, each: TakenLine) -> bool:
        self.read.append(each.line.number)
        return True

    def _say(self, each: TakenLine, why: str, kind: RemarkKind) -> None:
        self.remarks.append(remark(each.line, why, kind))

    # ---------------------------------------------------------------- interruptions

    def _interrupt(self, each: TakenLine) -> bool:
        if self.interruption is None:
            self.interruption = _Interruption(line=each.line.number)
            self.damage.append(f"the logger's own lines interrupt it at line {each.line.number}")
        self.interruption.logged_at = _logged_at(each.groups) or self.interruption.logged_at
        self._say(each, "written by the logging program within a cycle", RemarkKind.LOGGER)
        return True

    def _resume(self, each: TakenLine) -> bool:
        if each.take in {Take.UNREAD, Take.CUT}:
            return self._report_while_interrupted(each)
        return self._continues(each) and self._take(each)

    def _report_while_interrupted(self, each: TakenLine) -> bool:
        """An unread line after the logger's: whose it is cannot be said, but it may matter."""
        self._say(each, "not understood; nothing was taken from it", RemarkKind.UNREAD)
        self._doubt_if_suspect(each)
        return True

    def _continues(self, each: TakenLine) -> bool:
        """Whether a line after an interruption is surely this cycle's: by order, step and date."""
        time = each.groups.get("time") if each.take in {Take.SAMPLE, Take.PHASE} else None
        if time is None or not self._date_agrees(time):
            return False
        if self._step_fits(each, time):
            self.interruption = None
            return True
        return False

    def _step_fits(self, each: TakenLine, time: str) -> bool:
        if each.take is Take.SAMPLE:
            return self.clock.step_to(time) <= self.form.longest_sample_step
        kind = self.form.phases.get(each.groups["phase"])
        in_order = kind is not None and self._order_of(kind) > self.last_order
        return in_order and self.clock.step_to(time) <= self.form.longest_step[None]

    def _date_agrees(self, time: str) -> bool:
        at = self.local_at(Decimal(self.clock.elapsed + self.clock.step_to(time)))
        logged = None if self.interruption is None else self.interruption.logged_at
        return at is None or logged is None or abs(at - logged) <= _CLOCK_DISAGREEMENT

    # ---------------------------------------------------------------- header

    def take_header(self, each: TakenLine) -> bool:
        """Fields by the names of the pattern's groups, each as printed."""
        groups = dict(each.groups)
        if groups.pop("noise", "").strip():
            self._say(each, "stray characters before the machine's name", RemarkKind.DAMAGED)
        if groups.pop("sign", _DEGREE_SIGN) != _DEGREE_SIGN:
            self._say(each, "the degree sign is damaged", RemarkKind.DAMAGED)
        if "programme" in groups and "celsius" in groups:
            self.programme = Programme(
                name=groups.pop("name"),
                nominal_celsius=int(groups.pop("celsius")),
                nominal_hold_minutes=int(groups.pop("minutes")),
            )
        self.header.update({name: escape(value.strip(" \t")) for name, value in groups.items()})
        taken = self._read(each)
        self.started = self._clock_time(each, "date", "time", self.started)
        self.ended = self._clock_time(each, "ended_date", "ended_time", self.ended)
        if not self.form.counts_from_start and self.clock.first_of_day is None:
            time = self.header.get("time")
            if time is not None:
                self.clock.accept(time)
        return taken

    @property
    def clock_name(self) -> str:
        """Whose clock the times are of."""
        return f"the clock of {self.header.get('machine', 'the machine')}"

    def _clock_time(
        self, each: TakenLine, date: str, time: str, known: PrintedTime | None
    ) -> PrintedTime | None:
        """A date and a time of the header, once both are known and this line tells one of them."""
        if each.groups.keys().isdisjoint({date, time}):
            return known
        if date not in self.header or time not in self.header:
            return known
        text = f"{self.header[date]} {self.header[time]}"
        for form in self.form.date_formats:
            with suppress(ValueError):
                local = datetime.strptime(text, form)  # noqa: DTZ007
                return PrintedTime(text=text, local=local, utc=None)
        why = f"{self.clock_name} shows {text}, which is not in the calendar"
        self._say(each, why, RemarkKind.CLOCK)
        self.damage.append(why)
        return None

    # ---------------------------------------------------------------- body

    def take_layout(self, each: TakenLine) -> bool:
        """A ruling or a caption; a caption may tell the unit of the pressures."""
        unit, degrees = each.groups.get("unit"), each.groups.get("degrees")
        before = self.pressure_basis if self.pressure_unit and self.samples else None
        if unit is not None and before is not None and BASIS_OF_UNIT.get(unit) is not before:
            why = f"the pressures count from elsewhere from here on ({unit}), so none was taken"
            self._say(each, why, RemarkKind.REFUSED)
            self.damage.append(f"line {each.line.number}: {why}")
            self.pressures_ended = True
            unit = None
        for name, text in (("unit", unit), ("degrees", degrees)):
            earlier = self.header.get(name)
            if text is not None and self.samples and earlier not in {None, text}:
                why = f"the values are in {text} from here on, and were in {earlier}"
                self._say(each, why, RemarkKind.NOTE)
            if text is not None:
                self.header[name] = text
        return self._read(each)

    def take_phase(self, each: TakenLine) -> bool:
        """One line of the phases; False if it must be another cycle's."""
        name, time = each.groups["phase"].strip(), each.groups.get("time")
        kind = self.form.phases.get(name)
        if self.form.is_ordered and not self._is_next(each, kind):
            return False
        if kind is None and self.form.is_ordered:
            self._say(each, "a phase of an unknown name", RemarkKind.NOTE)
        elapsed = None if time is None else self._accept_time(each, kind, time)
        self._append_phase(each, name, kind, time, elapsed)
        return self._read(each)

    def _is_next(self, each: TakenLine, kind: PhaseKind | None) -> bool:
        if kind is None:
            return True
        if self._order_of(kind) <= self.last_order:
            self.doubts.append(
                f"another cycle's lines follow without a header at line {each.line.number}"
            )
            return False
        self.last_order = self._order_of(kind)
        return True

    def _order_of(self, kind: PhaseKind) -> int:
        return list(self.form.phases.values()).index(kind)

    def take_end(self, each: TakenLine) -> bool:
        """The machine's end line."""
        time = each.groups.get("time")
        kind = PhaseKind.CYCLE_END
        elapsed = None if time is None else self._accept_time(each, kind, time)
        self._append_phase(each, each.groups.get("phase", each.text), kind, time, elapsed)
        return self._read(each)

    def take_result(self, each: TakenLine) -> bool:
        """The machine's word on the whole cycle, elsewhere than in its end line."""
        self.result = (_result_of(each), each.text)
        return self._read(each)

    def _append_phase(
        self,
        each: TakenLine,
        name: str,
        kind: PhaseKind | None,
        time: str | None,
        elapsed: Decimal | None,
    ) -> None:
        word = each.groups.get("word", "")
        result = self.form.results.get(word, PhaseResult.UNKNOWN) if word else _result_of(each)
        if word and result is PhaseResult.UNKNOWN:
            self._say(each, "a result of an unknown word", RemarkKind.UNREAD)
            unread = f"the result in line {each.line.number} could not be read"
            self.doubts.append(unread)
            self.damage.append(unread)
        self.phases.append(
            Phase(
                line=each.line.number,
                name=name,
                kind=kind,
                time_text=time,
                local=None if elapsed is None else self.local_at(elapsed),
                elapsed_seconds=elapsed,
                result_text=word or (each.text if kind is PhaseKind.CYCLE_END else ""),
                result=result,
            )
        )

    def _accept_time(self, each: TakenLine, kind: PhaseKind | None, text: str) -> Decimal | None:
        limit = self.form.longest_step.get(kind, self.form.longest_step[None])
        if self.clock.step_to(text) <= limit:
            return self.clock.accept(text)
        self._say(each, f"{_LEAP}; it was left out", RemarkKind.REFUSED)
        self.damage.append(f"the time in line {each.line.number} does not rise, or leaps")
        self.clock_faults.append(each.line)
        return None

    def take_sample(self, each: TakenLine) -> bool:
        """The values of one time, kept out when the time or a value cannot be right."""
        time = each.groups["time"]
        backstep = self.clock.step_to(time) - _DAY_SECONDS
        if self.samples and -self.form.backstep_seconds <= backstep < 0:
            words = f"printed {-backstep} s before the line above it; the point was left out"
            self._say(each, words, RemarkKind.NOTE)
            return self._read(each)
        celsius, bar = self._celsius(each), self._bar(each)
        if any(value is not None and not is_absurd_temperature(value) for value in celsius):
            celsius = self._without_absurd(each, celsius)
        why = self._fault_of_sample(each, celsius, bar)
        if why is not None:
            self._say(each, f"{why}; the point was left out", RemarkKind.REFUSED)
            return self._damaged(each, f"line {each.line.number}: {why}")
        elapsed = self.clock.accept(time)
        self.last_sample_elapsed = elapsed
        self._report_failed_probes(each)
        self.samples.append(
            Sample(
                line=each.line.number,
                time_text=time,
                local=self.local_at(elapsed),
                elapsed_seconds=elapsed,
                celsius=celsius,
                bar=bar,
                printed=_printed(each.groups),
            )
        )
        phase = each.groups.get("phase", "").strip()
        if phase:
            self._append_phase(each, phase, self.form.phases.get(phase), time, elapsed)
        return self._read(each)

    def take_more(self, each: TakenLine) -> bool:
        """Values of further probes, printed below the line whose time they have."""
        celsius = self._celsius(each)
        last = self.samples[-1] if self.samples else None
        if last is None or last.line != max(self.read, default=0):
            return self.take_unread(each)
        if any(value is not None and is_absurd_temperature(value) for value in celsius):
            self._say(each, "the temperature is absurd; it was left out", RemarkKind.REFUSED)
            return self._damaged(each, f"line {each.line.number}: the temperature is absurd")
        self._report_failed_probes(each)
        both = zip(last.celsius, celsius, strict=True)
        self.samples[-1] = replace(
            last,
            celsius=tuple(new if old is None else old for old, new in both),
            printed=(*last.printed, *_printed(each.groups)),
        )
        return self._read(each)

    def _without_absurd(
        self, each: TakenLine, celsius: tuple[Decimal | None, ...]
    ) -> tuple[Decimal | None, ...]:
        """The values of the probes that work, where another one shows what cannot be."""
        kept = []
        for place, value in enumerate(celsius):
            absurd = value is not None and is_absurd_temperature(value)
            if absurd:
                self.failed_probes.add(place)
                why = f"the temperature of {self.form.probes[place]} is absurd; it was left out"
                self._say(each, why, RemarkKind.REFUSED)
            kept.append(None if absurd else value)
        return tuple(kept)

    def _report_failed_probes(self, each: TakenLine) -> None:
        """Say where the machine itself prints that it has no value."""
        for name, text in each.groups.items():
            if name == "p":
                if self._is_no_pressure(text):
                    self._say_no_value(each, "pressure")
            elif name in _PROBES and is_no_value(text):
                place = int(name.removeprefix("t")) - 1
                self.failed_probes.add(place)
                why = f"no {self.form.probes[place]}; none was filled in"
                self._say(each, why, RemarkKind.UNREAD)

    def _celsius(self, each: TakenLine) -> tuple[Decimal | None, ...]:
        texts = [each.groups.get(f"t{place}") for place in range(1, len(self.form.probes) + 1)]
        return tuple(self._celsius_of(text) for text in texts)

    def _celsius_of(self, text: str | None) -> Decimal | None:
        if text is None or is_no_value(text):
            return None
        return celsius_of(_decimal(text), self.temperature_unit)

    def _bar(self, each: TakenLine) -> Decimal | None:
        """The pressure; None where the caption that tells its unit could not be read."""
        unit, text = self.pressure_unit, each.groups.get("p")
        if unit is None or text is None or self._is_no_pressure(text) or self.pressures_ended:
            return None
        return _decimal(text) * BAR_PER_UNIT[unit]

    def _is_no_pressure(self, text: str) -> bool:
        unit = self.pressure_unit
        if unit is None:
            return is_no_value(text)
        return is_no_pressure(text, unit, is_gauge=self.pressure_basis is PressureBasis.GAUGE)

    @property
    def temperature_unit(self) -> str:
        """The unit that this printout's caption names, else the one that the form knows."""
        return self.header.get("degrees", self.form.temperature_unit)

    @property
    def pressure_unit(self) -> str | None:
        """The unit that the form knows, or that this printout's caption names with its basis."""
        if not self.form.is_captioned:
            return self.form.pressure_unit
        unit = self.header.get("unit")
        return unit if unit in BASIS_OF_UNIT else None

    @property
    def pressure_basis(self) -> PressureBasis:
        """From where the pressures count."""
        return BASIS_OF_UNIT.get(self.pressure_unit or "", self.form.pressure_basis)

    def _fault_of_sample(
        self, each: TakenLine, celsius: tuple[Decimal | None, ...], bar: Decimal | None
    ) -> str | None:
        """Return what is impossible about a point, or None."""
        step = self.clock.step_to(each.groups["time"])
        limit = self.form.longest_sample_step
        if self.last_sample_elapsed is None:
            limit = self.form.longest_step[None]
        if step > limit:
            self.clock_faults.append(each.line)
            return _LEAP
        if self.last_sample_elapsed == self.clock.elapsed + step:
            return "the time is that of the point before"
        if self.form.is_ordered and self.last_order >= self._order_of(PhaseKind.STERILISATION_END):
            return "it stands after the end of sterilising"
        if any(value is not None and is_absurd_temperature(value) for value in celsius):
            return "the temperature is absurd"
        highest = Decimal(self.form.highest_bar)
        is_gauge = self.pressure_basis is PressureBasis.GAUGE
        if bar is not None and is_absurd_pressure(bar, is_gauge=is_gauge, highest=highest):
            return "the pressure is absurd"
        return None

    # ---------------------------------------------------------------- what the machine says

    def take_extreme(self, each: TakenLine) -> bool:
        """The machine's own maximum or minimum."""
        celsius, bar = _decimal(each.groups["celsius"]), each.groups.get("bar")
        pressure = None if bar is None else _decimal(bar)
        highest = Decimal(self.form.highest_bar)
        if is_absurd_temperature(celsius) or (
            pressure is not None and is_absurd_pressure(pressure, is_gauge=False, highest=highest)
        ):
            self._say(each, "an absurd value; it was left out", RemarkKind.REFUSED)
            return self._damaged(each, f"line {each.line.number}: an absurd value")
        if each.take in self.extremes:
            return self.take_unread(each)
        self.extremes[each.take] = PrintedExtreme(
            line=each.line.number, temperature_celsius=celsius, pressure_bar=pressure
        )
        return self._read(each)

    def take_claim(self, each: TakenLine) -> bool:
        """The machine's hold, F0 or A0; of a figure that it prints as it grows, the last."""
        groups = each.groups
        if "hold_minutes" in groups and self.claim.seconds is not None:
            return self.take_unread(each)
        self.claim = replace(self.claim, **self._claimed(groups))
        if "value" in groups:
            return self.take_statement(each)
        return self._read(each)

    def _claimed(self, groups: Mapping[str, str]) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        if "hold_minutes" in groups:
            found["seconds"] = Decimal(
                int(groups["hold_minutes"]) * 60 + int(groups["hold_seconds"])
            )
        if "f0_minutes" in groups:
            found["f0_minutes"] = _minutes(groups["f0_minutes"], groups.get("f0_seconds", "0"))
        if "a0" in groups:
            found["a0_seconds"] = _decimal(groups["a0"])
        for group, name in (
            ("hold_from", "begin_elapsed_seconds"),
            ("hold_until", "end_elapsed_seconds"),
        ):
            if group in groups:
                found[name] = Decimal(self.clock.elapsed_at(groups[group]))
        return found

    def take_statement(self, each: TakenLine) -> bool:
        """A further value with its name."""
        name, value = _statement_of(each)
        self.statements.append(Statement(line=each.line.number, name=name, value=value))
        if any(is_no_value(word) for word in value.split()):
            self._say_no_value(each, name)
        return self._read(each)

    def _say_no_value(self, each: TakenLine, name: str) -> None:
        self._say(each, f"no {name}; none was filled in", RemarkKind.UNREAD)
        self.damage.append(f"line {each.line.number} has no {name}")

    def take_fault(self, each: TakenLine) -> bool:
        """A fault code; the machine may print it several times."""
        code = each.groups["fault"]
        self.failure_lines.append(each.line.number)
        if code not in self.fault_codes:
            self.fault_codes.append(code)
        return self._read(each)

    def take_failure(self, each: TakenLine) -> bool:
        """A line that says that something failed, or that the cycle was cancelled."""
        self.failure_lines.append(each.line.number)
        if each.take is Take.ABORT:
            self.abort_line = each.line.number
        return self._read(each)

    # ---------------------------------------------------------------- what could not be read

    def take_unread(self, each: TakenLine) -> bool:
        """A line within the cycle that was not understood."""
        self._say(each, "not understood; nothing was taken from it", RemarkKind.UNREAD)
        self._doubt_if_suspect(each)
        return self._damaged(each, f"line {each.line.number} could not be read")

    def _doubt_if_suspect(self, each: TakenLine) -> None:
        if self.form.suspect.search(each.text) or any(
            each.text.startswith(name[:5]) for name in self.form.phases
        ):
            self.doubts.append(
                f"line {each.line.number} could not be read and may report a failure"
            )

    def _damaged(self, each: TakenLine, what: str) -> bool:
        """Keep that a line of this cycle gave nothing; it still counts for the digest."""
        self.damage.append(what)
        self.damaged_lines.append(each.line.number)
        self.unread.append(escape(each.text))
        return True

    def take_cut(self, each: TakenLine) -> bool:
        """A value of no fixed width directly before a break: it may be cut, so it is not taken."""
        self._say(
            each,
            "the record breaks off after this line; the value may be cut and was not taken",
            RemarkKind.CUT,
        )
        if each.rule is not None and each.rule.take is Take.FAULT:
            self.failure_lines.append(each.line.number)
        return self._damaged(each, f"line {each.line.number} may be cut")

    # ---------------------------------------------------------------- what is known so far

    @property
    def last_line(self) -> int:
        """The last line from which something was taken, or that was reported as damaged."""
        return max([*self.read, *self.damaged_lines], default=self.first.number)

    def find_phase(self, kind: PhaseKind) -> Phase | None:
        """Return the phase of that kind, or None if its line was not read."""
        return next((phase for phase in self.phases if phase.kind is kind), None)

    def local_at(self, elapsed: Decimal) -> datetime | None:
        """The machine's local time at `elapsed` seconds; None without a readable start."""
        return (
            None if self.started is None else self.started.local + timedelta(seconds=int(elapsed))
        )


def _result_of(each: TakenLine) -> PhaseResult:
    """The result that a line states by itself."""
    stated = None if each.rule is None else each.rule.result
    return PhaseResult.NOT_PRINTED if stated is None else stated


def _statement_of(each: TakenLine) -> tuple[str, str]:
    name, value = (escape(" ".join(each.groups[part].split())) for part in ("name", "value"))
    return name, value


def _printed(groups: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(text for name, text in groups.items() if name not in {"time", "phase"})


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def _minutes(minutes: str, seconds: str) -> Decimal:
    """Minutes as one number, or minutes and seconds, at two decimals."""
    return (_decimal(minutes) + Decimal(seconds) / 60).quantize(Decimal("0.01"), ROUND_FLOOR)


def _logged_at(groups: Mapping[str, str]) -> datetime | None:
    """Return the date in a logger's line, German or American, if it has one."""
    text = groups.get("logged")
    if text is None:
        return None
    form = "%d.%m.%Y %H:%M:%S" if "." in text else "%m/%d/%Y %H:%M:%S"
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return None


_HANDLERS: Final[dict[Take, Callable[[Block, TakenLine], bool]]] = {
    Take.HEADER: Block.take_header,
    Take.LAYOUT: Block.take_layout,
    Take.PHASE: Block.take_phase,
    Take.SAMPLE: Block.take_sample,
    Take.MORE: Block.take_more,
    Take.MAXIMUM: Block.take_extreme,
    Take.MINIMUM: Block.take_extreme,
    Take.CLAIM: Block.take_claim,
    Take.STATEMENT: Block.take_statement,
    Take.RESULT: Block.take_result,
    Take.FAULT: Block.take_fault,
    Take.FAILURE: Block.take_failure,
    Take.ABORT: Block.take_failure,
    Take.END: Block.take_end,
    Take.UNREAD: Block.take_unread,
    Take.CUT: Block.take_cut,
}
