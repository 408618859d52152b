"""What a machine's log said, line by line: values as printed, and what could not be read.

Nothing here is inferred. A value that the log does not hold, or holds damaged, is `None`
and a `Remark` says why.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

__all__ = [
    "CycleOutcome",
    "CycleReading",
    "MachineClaim",
    "Phase",
    "PhaseKind",
    "PhaseResult",
    "PressureBasis",
    "PrintedExtreme",
    "PrintedTime",
    "Programme",
    "ReadingFile",
    "Remark",
    "RemarkKind",
    "Sample",
    "Statement",
]


class RemarkKind(StrEnum):
    """Why a line is reported."""

    #: A line that the logging program wrote about itself.
    LOGGER = "logger line"
    #: A line that was not understood; nothing was taken from it.
    UNREAD = "unread"
    #: Known damage; the value was taken and the damage is said.
    DAMAGED = "damaged"
    #: A number beyond every plausible value, or a time that does not rise; it was left out.
    REFUSED = "refused value"
    #: A line that belongs to a machine's printout but stands outside any cycle.
    OUTSIDE = "outside a cycle"
    #: The record breaks off, or was interrupted.
    CUT = "cut"
    #: The same cycle again; kept once.
    DUPLICATE = "duplicate"
    #: Two statements that cannot both be true; both are kept.
    CONFLICT = "conflict"
    #: A time that the machine's clock cannot have shown, or that names no one moment.
    CLOCK = "clock"
    #: Something that a reader should know although nothing is wrong.
    NOTE = "note"


class CycleOutcome(StrEnum):
    """The machine's own verdict on its cycle, as printed."""

    COMPLETED = "completed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


class PhaseKind(StrEnum):
    """A phase of the machine's programme, named the same for every machine."""

    START = "start"
    LEAK_TEST = "leak test"
    INNER_CLEANING = "inner cleaning"
    LUBRICATION = "lubrication"
    OUTER_CLEANING = "outer cleaning"
    BACK_FLUSH = "back flush"
    HOLD_BEGIN = "hold begin"
    STERILISATION_END = "sterilisation end"
    BLOW_OUT = "blow out"
    PROCESS_END = "process end"
    CONFIRMATION = "confirmation"
    CYCLE_END = "cycle end"


class PhaseResult(StrEnum):
    """What the machine printed beside a phase."""

    OK = "ok"
    FAILED = "failed"
    DEACTIVATED = "deactivated"
    UNKNOWN = "unknown"
    NOT_PRINTED = "not printed"


class PressureBasis(StrEnum):
    """What a pressure is measured against."""

    ABSOLUTE = "absolute"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about one line, or a run of lines, that the reader of a record must know."""

    line: int  #: first line concerned, counted from 1; 0 concerns the whole file
    last_line: int  #: last line concerned; equal to `line` for a single line
    text: str  #: the line itself, control and undecodable bytes escaped, at most 120 characters
    why: str  #: one sentence
    kind: RemarkKind  #: how much it matters


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedTime:
    """A point in time as the machine printed it, on the machine's own clock."""

    text: str  #: exactly as printed, date and time joined by one blank; the time alone where no
    #: date stands beside it
    local: datetime  #: the same, naive: the machine's clock, whatever zone it was set to
    utc: datetime | None  #: aware UTC if the file itself names the zone, else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """The parts of a programme's printed name."""

    name: str  #: e.g. "Universal"
    nominal_celsius: int  #: nominal sterilising temperature, °C
    nominal_hold_minutes: int  #: nominal holding time, minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One line of the phase table."""

    line: int  #: line number, from 1
    name: str  #: as printed
    kind: PhaseKind | None  #: None for a name that is not known
    time_text: str | None  #: HH:MM:SS as printed; None where the machine prints no time
    local: datetime | None  #: naive local time; None without a date or with a refused time
    elapsed_seconds: Decimal | None  #: since the cycle's first readable time
    result_text: str  #: as printed
    result: PhaseResult  #: UNKNOWN when the printed word is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What all probes measured at one time: never computed, repaired or interpolated."""

    line: int  #: line number, from 1
    time_text: str  #: as printed
    local: datetime | None  #: naive local time; None when the cycle's date could not be read
    elapsed_seconds: Decimal  #: since the cycle's first readable time; rises strictly
    celsius: tuple[Decimal | None, ...]  #: °C, one for each of the cycle's probes; None: no value
    bar: Decimal | None  #: bar, on the cycle's pressure basis; None: no value
    printed: tuple[str, ...]  #: the values as printed, in the units that the cycle names


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedExtreme:
    """A maximum or minimum that the machine computed itself over its whole hold."""

    line: int  #: line number, from 1
    temperature_celsius: Decimal  #: °C
    pressure_bar: Decimal | None  #: bar; None where only the temperature is printed


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineClaim:
    """What the machine says of its own hold and effect: kept apart from what samples prove."""

    begin_elapsed_seconds: Decimal | None = None  #: printed begin, on the samples' elapsed scale
    end_elapsed_seconds: Decimal | None = None  #: printed end of sterilising, same scale
    seconds: Decimal | None = None  #: printed duration
    f0_minutes: Decimal | None = None  #: printed F0; how it was computed is not printed
    a0_seconds: Decimal | None = None  #: printed A0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One further value that the machine printed beside its samples."""

    line: int  #: line number, from 1
    name: str  #: as printed
    value: str  #: as printed, with its unit


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReading:
    """One cycle as one file tells it; what the file does not tell is empty."""

    ordinal: int  #: position in the file, from 1; a dropped duplicate takes no ordinal
    first_line: int  #: first line of the block
    last_line: int  #: last line of the block
    machine: str | None  #: model as printed
    serial: str | None  #: serial number as printed; None: cannot be matched automatically
    number: int | None  #: the machine's own cycle number; None: cannot be matched automatically
    label: str | None = None  #: the cycle's name as printed, where it is not a number alone
    programme_text: str | None  #: as printed, damage escaped
    programme: Programme | None = None  #: None when the text has another form
    lid: str | None = None  #: as printed; None where the machine has no such line
    started: PrintedTime | None = None  #: printed start
    ended: PrintedTime | None = None  #: printed end
    first: PrintedTime | None  #: the earliest time that the record shows, its start or a value's
    last: PrintedTime | None  #: the latest time that it shows
    zone: str | None  #: zone that the file itself names; None: the caller must supply one
    phases: tuple[Phase, ...] = ()  #: in printed order
    probes: tuple[str, ...]  #: the temperature probes' names, as printed
    samples: tuple[Sample, ...]  #: in rising time
    temperature_unit: str | None  #: as printed; None when no temperature was measured
    pressure_unit: str | None  #: as printed; None when no pressure was measured
    pressure_basis: PressureBasis | None  #: None when no pressure was measured
    ambient_pressure_bar: Decimal | None = None  #: bar absolute, if the file says it
    printed_maximum: PrintedExtreme | None = None  #: the machine's own maximum
    printed_minimum: PrintedExtreme | None = None  #: the machine's own minimum
    claim: MachineClaim = field(default_factory=MachineClaim)  #: its own hold, F0 and A0
    statements: tuple[Statement, ...] = ()  #: what else it printed, such as a leak rate
    outcome: CycleOutcome  #: the machine's own verdict
    outcome_reasons: tuple[str, ...]  #: why it is not "completed"; empty when it is
    fault_code: str | None = None  #: first fault code printed
    further_fault_codes: tuple[str, ...] = ()  #: other codes printed, in order, each once
    incomplete_because: tuple[str, ...]  #: what is missing or damaged; empty for a whole record
    is_ended: bool  #: whether the record itself shows that the cycle came to its end
    content_sha256: str = ""  #: hex digest over what was read, and over the text of what was not
    curve_sha256: str | None = None  #: hex digest over the samples alone; None for fewer than two
    lines_read: tuple[int, ...]  #: every line from which something was taken
    remarks: tuple[Remark, ...] = ()  #: the remarks that lie within this cycle

    @property
    def complete(self) -> bool:
        """Whether the whole record of the cycle was read, undamaged."""
        return not self.incomplete_because


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFile:
    """Everything that one file says, and everything that could not be read from it."""

    sha256: str  #: hex digest of the raw bytes
    size_bytes: int  #: length of the raw bytes
    format_name: str  #: the parser's name
    format_version: str  #: the parser's version; another version may read the file otherwise
    encoding: str  #: the encoding used
    encoding_basis: str  #: how it was decided
    line_count: int  #: lines in the file
    cycles: tuple[CycleReading, ...]  #: in file order; never empty
    remarks: tuple[Remark, ...]  #: all remarks in line order, those of the cycles included
