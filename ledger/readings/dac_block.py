"""The lines of one DAC Universal cycle → a `CycleReading`, damage said and nothing repaired."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ledger.domain.machines.readings import (
    Phase,
    PhaseKind,
    PhaseResult,
    PrintedExtreme,
    PrintedTime,
    Programme,
    Remark,
    RemarkKind,
    Sample,
)
from ledger.readings.bounds import is_absurd_pressure, is_absurd_temperature
from ledger.readings.dac_lines import (
    CLOCK_LIMIT_SECONDS,
    MODEL,
    PHASE_ORDER,
    PHASES,
    PROGRAMME_FORM,
    RESULTS,
    SAMPLE_LIMIT_SECONDS,
    SUSPECT,
    ClassifiedLine,
    Kind,
)
from ledger.readings.text import Line, escape

__all__ = ["HEADER_KINDS", "Block", "remark"]

#: Kinds of the header, each at most once a cycle.
HEADER_KINDS: Final = frozenset(
    {Kind.MODEL, Kind.SERIAL, Kind.PROGRAMME, Kind.LID, Kind.NUMBER, Kind.DATE, Kind.TIME}
)
#: What may still follow a cycle's end line and belong to it.
_TRAILER_KINDS: Final = frozenset({Kind.RULE, Kind.FAULT, Kind.FAILURE, Kind.ABORT})

_DAY_SECONDS: Final = 86_400
#: The logger's clock and the machine's may differ by this much, summer time included.
_CLOCK_DISAGREEMENT: Final = timedelta(hours=2)
_DEGREE_SIGN: Final = "°"


def remark(line: Line, why: str, kind: RemarkKind, *, last_line: int | None = None) -> Remark:
    """Return a remark on `line`, its text escaped."""
    return Remark(
        line=line.number,
        last_line=line.number if last_line is None else last_line,
        text=escape(line.text.strip(" \t")),
        why=why,
        kind=kind,
    )


def _seconds_of_day(text: str) -> int:
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + seconds


@dataclass(slots=True)
class _Interruption:
    """The logger's own lines within an unfinished cycle."""

    line: int
    logged_at: datetime | None = None  #: the last date that the logger wrote, its own clock


@dataclass(slots=True)
class _Clock:
    """The machine's clock within one cycle: seconds since its first readable time."""

    first_of_day: int | None = None
    elapsed: int = 0

    def step_to(self, text: str) -> int:
        """Return the seconds from the last accepted time to `text`, across midnight if need be."""
        if self.first_of_day is None:
            return 0
        return (_seconds_of_day(text) - self.first_of_day - self.elapsed) % _DAY_SECONDS

    def accept(self, text: str) -> Decimal:
        """Move to `text` and return the elapsed seconds."""
        self.elapsed += self.step_to(text)
        if self.first_of_day is None:
            self.first_of_day = _seconds_of_day(text)
        return Decimal(self.elapsed)


@dataclass(slots=True)
class Block:
    """A cycle while its lines are being read.

    `offer` takes one line or answers False, which closes the block.
    """

    first: Line
    remarks: list[Remark]
    header: dict[Kind, str] = field(default_factory=dict)
    phases: list[Phase] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    extremes: dict[Kind, PrintedExtreme] = field(default_factory=dict)
    hold_seconds: Decimal | None = None
    fault_codes: list[str] = field(default_factory=list)
    failure_lines: list[int] = field(default_factory=list)
    abort_line: int | None = None
    read: list[int] = field(default_factory=list)
    normalised: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    damaged_lines: list[int] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    clock: _Clock = field(default_factory=_Clock)
    started: PrintedTime | None = None
    programme: Programme | None = None
    interruption: _Interruption | None = None
    in_body: bool = False
    last_order: int = -1
    last_sample_elapsed: Decimal | None = None

    # ---------------------------------------------------------------- taking lines

    @property
    def has_ended(self) -> bool:
        """Whether the cycle's end line was read."""
        return any(phase.kind is PhaseKind.CYCLE_END for phase in self.phases)

    def offer(self, each: ClassifiedLine) -> bool:
        """Take `each` and return True, or return False when it cannot belong to this cycle."""
        if each.kind is Kind.BLANK:
            return True
        if self.has_ended:
            return each.kind in _TRAILER_KINDS and self._take(each)
        if each.kind is Kind.LOGGER:
            return self._interrupt(each)
        if self._begins_another(each):
            return False
        return self._take(each) if self.interruption is None else self._resume(each)

    def _begins_another(self, each: ClassifiedLine) -> bool:
        return each.kind in HEADER_KINDS and (self.in_body or each.kind in self.header)

    def _take(self, each: ClassifiedLine) -> bool:
        taken = _HANDLERS[each.kind](self, each)
        if taken and each.kind not in HEADER_KINDS | {Kind.UNREAD, Kind.CUT}:
            self.in_body = True
        return taken

    def _read(self, each: ClassifiedLine, normalised: str | None = None) -> bool:
        self.read.append(each.line.number)
        text = " ".join(each.line.text.split()) if normalised is None else normalised
        self.normalised.append(text)
        return True

    def _say(self, each: ClassifiedLine, why: str, kind: RemarkKind) -> None:
        self.remarks.append(remark(each.line, why, kind))

    # ---------------------------------------------------------------- interruptions

    def _interrupt(self, each: ClassifiedLine) -> bool:
        if self.interruption is None:
            self.interruption = _Interruption(line=each.line.number)
            self.damage.append(f"the logger's own lines interrupt it at line {each.line.number}")
        self.interruption.logged_at = _logged_at(each.parts) or self.interruption.logged_at
        self._say(each, "written by the logging program within a cycle", RemarkKind.LOGGER)
        return True

    def _resume(self, each: ClassifiedLine) -> bool:
        if each.kind in {Kind.UNREAD, Kind.CUT}:
            return self._report_while_interrupted(each)
        return self._continues(each) and self._take(each)

    def _report_while_interrupted(self, each: ClassifiedLine) -> bool:
        """An unread line after the logger's: whose it is cannot be said, but it may matter."""
        self._say(each, "not understood; nothing was taken from it", RemarkKind.UNREAD)
        self._doubt_if_suspect(each)
        return True

    def _continues(self, each: ClassifiedLine) -> bool:
        """Whether a line after an interruption is surely this cycle's: by order, step and date."""
        time = _time_of(each)
        if time is None or not self._date_agrees(time):
            return False
        if self._step_fits(each, time):
            self.interruption = None
            return True
        return False

    def _step_fits(self, each: ClassifiedLine, time: str) -> bool:
        limit = CLOCK_LIMIT_SECONDS[None]
        if each.kind is Kind.SAMPLE:
            limit = SAMPLE_LIMIT_SECONDS
        kind = PHASES.get(each.parts[0])
        in_order = each.kind is Kind.SAMPLE or (
            kind is not None and PHASE_ORDER[kind] > self.last_order
        )
        return in_order and self.clock.step_to(time) <= limit

    def _date_agrees(self, time: str) -> bool:
        at = self._local(Decimal(self.clock.elapsed + self.clock.step_to(time)))
        logged = None if self.interruption is None else self.interruption.logged_at
        return at is None or logged is None or abs(at - logged) <= _CLOCK_DISAGREEMENT

    # ---------------------------------------------------------------- header

    def take_model(self, each: ClassifiedLine) -> bool:
        """The first line; serial noise before the name is known damage."""
        self.header[Kind.MODEL] = MODEL
        if each.parts[0].strip():
            self._say(each, "stray characters before the machine's name", RemarkKind.DAMAGED)
        return self._read(each, MODEL)

    def take_header_field(self, each: ClassifiedLine) -> bool:
        """Serial, lid, number, date or time: the value as printed."""
        self.header[each.kind] = escape(each.parts[0].strip(" \t"))
        taken = self._read(each)
        if each.kind in {Kind.DATE, Kind.TIME}:
            self._start(each)
        return taken

    def _start(self, each: ClassifiedLine) -> None:
        date, time = self.header.get(Kind.DATE), self.header.get(Kind.TIME)
        if time is not None and self.clock.first_of_day is None:
            self.clock.accept(time)
        if date is None or time is None:
            return
        try:
            local = datetime.strptime(f"{date} {time}", "%d-%m-%Y %H:%M:%S")  # noqa: DTZ007
        except ValueError:
            self._say(each, "the printed date is not in the calendar", RemarkKind.REFUSED)
            self.damage.append(f"the printed date {date} is not in the calendar")
            return
        self.started = PrintedTime(text=f"{date} {time}", local=local, utc=None)

    def take_programme(self, each: ClassifiedLine) -> bool:
        """The programme's name; its degree sign is often damaged."""
        text = each.parts[0].strip(" \t")
        form = PROGRAMME_FORM.fullmatch(text)
        if form is None:
            if not text.isprintable():
                return self.take_unread(each)
            self._say(each, "a programme name of an unknown form", RemarkKind.NOTE)
            self.header[Kind.PROGRAMME] = escape(text)
            return self._read(each)
        if form[3] != _DEGREE_SIGN:
            self._say(each, "the degree sign is damaged", RemarkKind.DAMAGED)
        self.header[Kind.PROGRAMME] = escape(text)
        self.programme = Programme(
            name=form[1], nominal_celsius=int(form[2]), nominal_hold_minutes=int(form[4])
        )
        return self._read(each, f"Programm: {form[1]}/{form[2]}C/{form[4]}min")

    # ---------------------------------------------------------------- body

    def take_layout(self, each: ClassifiedLine) -> bool:
        """A ruling or a caption: it carries no value."""
        self.read.append(each.line.number)
        return True

    def take_phase(self, each: ClassifiedLine) -> bool:
        """One line of the phase table; False if it must be another cycle's."""
        name, time_text, word = each.parts
        kind = PHASES.get(name)
        if kind is not None and PHASE_ORDER[kind] <= self.last_order:
            self.doubts.append(
                f"another cycle's lines follow without a header at line {each.line.number}"
            )
            return False
        if kind is None:
            self._say(each, "a phase of an unknown name", RemarkKind.NOTE)
        else:
            self.last_order = PHASE_ORDER[kind]
        self._append_phase(each, kind, time_text.strip() or None, word)
        return self._read(each)

    def _append_phase(
        self, each: ClassifiedLine, kind: PhaseKind | None, time_text: str | None, word: str
    ) -> None:
        result = RESULTS.get(word, PhaseResult.UNKNOWN)
        if result is PhaseResult.UNKNOWN:
            self._say(each, "a result of an unknown word", RemarkKind.UNREAD)
            unread = f"the result in line {each.line.number} could not be read"
            self.doubts.append(unread)
            self.damage.append(unread)
        elapsed = None if time_text is None else self._accept_phase_time(each, kind, time_text)
        self.phases.append(
            Phase(
                line=each.line.number,
                name=each.parts[0],
                kind=kind,
                time_text=time_text,
                local=None if elapsed is None else self._local(elapsed),
                elapsed_seconds=elapsed,
                result_text=word,
                result=result,
            )
        )

    def _accept_phase_time(
        self, each: ClassifiedLine, kind: PhaseKind | None, text: str
    ) -> Decimal | None:
        limit = CLOCK_LIMIT_SECONDS.get(kind, CLOCK_LIMIT_SECONDS[None])
        if self.clock.step_to(text) <= limit:
            return self.clock.accept(text)
        self._say(each, "the time does not rise, or leaps; it was left out", RemarkKind.REFUSED)
        self.damage.append(f"the time in line {each.line.number} does not rise, or leaps")
        return None

    def take_sample(self, each: ClassifiedLine) -> bool:
        """One measured point, kept out when its time or a value cannot be right."""
        time_text, temperature, pressure = each.parts
        why = self._fault_of_sample(time_text, Decimal(temperature), Decimal(pressure))
        if why is not None:
            self._say(each, f"{why}; the point was left out", RemarkKind.REFUSED)
            return self._damaged(each, f"line {each.line.number}: {why}")
        elapsed = self.clock.accept(time_text)
        self.last_sample_elapsed = elapsed
        self.samples.append(
            Sample(
                line=each.line.number,
                time_text=time_text,
                local=self._local(elapsed),
                elapsed_seconds=elapsed,
                temperature_celsius=Decimal(temperature),
                pressure_bar=Decimal(pressure),
            )
        )
        return self._read(each)

    def _fault_of_sample(
        self, time_text: str, temperature: Decimal, pressure: Decimal
    ) -> str | None:
        """Return what is impossible about a point, or None."""
        step = self.clock.step_to(time_text)
        if step > SAMPLE_LIMIT_SECONDS and self.last_sample_elapsed is not None:
            return "the time does not rise, or leaps"
        if step > CLOCK_LIMIT_SECONDS[None]:
            return "the time does not rise, or leaps"
        if self.last_sample_elapsed == self.clock.elapsed + step:
            return "the time is that of the point before"
        if self.last_order >= PHASE_ORDER[PhaseKind.STERILISATION_END]:
            return "it stands after the end of sterilising"
        if is_absurd_temperature(temperature):
            return "the temperature is absurd"
        return "the pressure is absurd" if is_absurd_pressure(pressure) else None

    def take_extreme(self, each: ClassifiedLine) -> bool:
        """The machine's own maximum or minimum."""
        temperature, pressure = (Decimal(part) for part in each.parts)
        if is_absurd_temperature(temperature) or is_absurd_pressure(pressure):
            self._say(each, "an absurd value; it was left out", RemarkKind.REFUSED)
            return self._damaged(each, f"line {each.line.number}: an absurd value")
        if each.kind in self.extremes:
            return self.take_unread(each)
        self.extremes[each.kind] = PrintedExtreme(
            line=each.line.number, temperature_celsius=temperature, pressure_bar=pressure
        )
        return self._read(each)

    def take_duration(self, each: ClassifiedLine) -> bool:
        """The machine's own holding time, minutes and seconds."""
        if self.hold_seconds is not None:
            return self.take_unread(each)
        minutes, seconds = (int(part) for part in each.parts)
        self.hold_seconds = Decimal(minutes * 60 + seconds)
        return self._read(each)

    def take_fault(self, each: ClassifiedLine) -> bool:
        """A fault code; the machine may print it several times."""
        code = each.parts[0]
        self.failure_lines.append(each.line.number)
        if code not in self.fault_codes:
            self.fault_codes.append(code)
        return self._read_failure(each)

    def take_failure(self, each: ClassifiedLine) -> bool:
        """`Fehler!`, or `Abbruch Sterilisation`."""
        self.failure_lines.append(each.line.number)
        if each.kind is Kind.ABORT:
            self.abort_line = each.line.number
        return self._read_failure(each)

    def _read_failure(self, each: ClassifiedLine) -> bool:
        """Read a failure's line; after a failed end line it repeats what is known already."""
        self.read.append(each.line.number)
        if not self.end_says(PhaseResult.FAILED):
            self.normalised.append(" ".join(each.line.text.split()))
        return True

    def take_unread(self, each: ClassifiedLine) -> bool:
        """A line within the cycle that was not understood."""
        self._say(each, "not understood; nothing was taken from it", RemarkKind.UNREAD)
        self._doubt_if_suspect(each)
        return self._damaged(each, f"line {each.line.number} could not be read")

    def _doubt_if_suspect(self, each: ClassifiedLine) -> None:
        text = each.line.text.strip(" \t")
        if SUSPECT.search(text) or any(text.startswith(name[:5]) for name in PHASES):
            self.doubts.append(
                f"line {each.line.number} could not be read and may report a failure"
            )

    def _damaged(self, each: ClassifiedLine, what: str) -> bool:
        """Keep that a line of this cycle gave nothing; it still counts for the digest."""
        self.damage.append(what)
        self.damaged_lines.append(each.line.number)
        self.normalised.append(escape(" ".join(each.line.text.split())))
        return True

    def take_cut(self, each: ClassifiedLine) -> bool:
        """A value of no fixed width directly before a break: it may be cut, so it is not taken."""
        self._say(
            each,
            "the record breaks off after this line; the value may be cut and was not taken",
            RemarkKind.CUT,
        )
        if each.parts[0] == Kind.FAULT:
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

    def end_says(self, result: PhaseResult) -> bool:
        """Whether the end line was read and shows that result."""
        end = self.find_phase(PhaseKind.CYCLE_END)
        return end is not None and end.result is result

    def _local(self, elapsed: Decimal) -> datetime | None:
        return (
            None if self.started is None else self.started.local + timedelta(seconds=int(elapsed))
        )


def _time_of(each: ClassifiedLine) -> str | None:
    if each.kind is Kind.SAMPLE:
        return each.parts[0]
    if each.kind is Kind.PHASE:
        return each.parts[1].strip() or None
    return None


def _logged_at(parts: tuple[str, ...]) -> datetime | None:
    """Return the date in a logger's line, German or American, if it has one."""
    text = next((part for part in parts if part), None)
    if text is None:
        return None
    form = "%d.%m.%Y %H:%M:%S" if "." in text else "%m/%d/%Y %H:%M:%S"
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return None


_HANDLERS: Final[dict[Kind, Callable[[Block, ClassifiedLine], bool]]] = {
    Kind.MODEL: Block.take_model,
    Kind.SERIAL: Block.take_header_field,
    Kind.LID: Block.take_header_field,
    Kind.NUMBER: Block.take_header_field,
    Kind.DATE: Block.take_header_field,
    Kind.TIME: Block.take_header_field,
    Kind.PROGRAMME: Block.take_programme,
    Kind.RULE: Block.take_layout,
    Kind.PHASE_CAPTION: Block.take_layout,
    Kind.SAMPLE_CAPTION: Block.take_layout,
    Kind.PHASE: Block.take_phase,
    Kind.SAMPLE: Block.take_sample,
    Kind.MAXIMUM: Block.take_extreme,
    Kind.MINIMUM: Block.take_extreme,
    Kind.DURATION: Block.take_duration,
    Kind.FAULT: Block.take_fault,
    Kind.FAILURE: Block.take_failure,
    Kind.ABORT: Block.take_failure,
    Kind.UNREAD: Block.take_unread,
    Kind.CUT: Block.take_cut,
}
