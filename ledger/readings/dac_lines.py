"""The lines of a DAC Universal's German printout, and of the program that logged it, as tables.

Source: the printouts of a real machine in tests/data/dacuniversal. Only what was seen there is
known here; everything else stays unread.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ledger.domain.machines.readings import PhaseKind, PhaseResult
from ledger.readings.text import Line, has_stray

__all__ = [
    "CLOCK_LIMIT_SECONDS",
    "MODEL",
    "PHASES",
    "PHASE_ORDER",
    "PROGRAMME_FORM",
    "RESULTS",
    "SAMPLE_LIMIT_SECONDS",
    "SUSPECT",
    "ClassifiedLine",
    "Kind",
    "classify",
]

MODEL: Final = "DAC Universal"

_TIME: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
#: A degree sign, or what is left of one: up to three characters that are no letter, digit or slash.
_DEGREE: Final = "[^A-Za-z0-9/]{0,3}"
_LONGEST_LINE: Final = 200
_SHORTEST_LINE: Final = 4


class Kind(StrEnum):
    """What a line is."""

    MODEL = "model"
    SERIAL = "serial"
    PROGRAMME = "programme"
    LID = "lid"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    RULE = "rule"
    PHASE_CAPTION = "phase caption"
    PHASE = "phase"
    SAMPLE_CAPTION = "sample caption"
    SAMPLE = "sample"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    DURATION = "duration"
    FAULT = "fault"
    FAILURE = "failure"
    ABORT = "abort"
    LOGGER = "logger"
    BLANK = "blank"
    CUT = "cut"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedLine:
    """A line, what it is, and its parts."""

    line: Line
    kind: Kind
    parts: tuple[str, ...]  #: the pattern's groups, "" for a group that took no part


#: No machine prints a leading zero: one is damage.
_NUMBER_PAIR: Final = r"(-?(?:0|[1-9][0-9]{0,3})\.[0-9])\s+(-?(?:0|[1-9][0-9]{0,2})\.[0-9]{2})"

#: Widths matter: a value whose width is fixed cannot be cut without being noticed.
_MACHINE: Final = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.SAMPLE, rf"({_TIME})\s+{_NUMBER_PAIR}"),
        (Kind.PHASE, rf"([A-Z][A-Za-z]*(?: [A-Za-z]+)*)\s+({_TIME})\s+(\S{{1,12}})"),
        (Kind.PHASE, r"([A-Z][A-Za-z]*(?: [A-Za-z]+)*)(\s)\s+(Deaktiviert)"),
        (Kind.RULE, "-{20,40}"),
        (Kind.MODEL, rf"([^A-Za-z0-9]{{0,8}}){MODEL}"),
        (Kind.SERIAL, r"Serien Nr:\s+([0-9A-Za-z\-]{1,20})"),
        (Kind.PROGRAMME, r"Programm:\s+(\S.{0,40})"),
        (Kind.LID, r"Deckel:\s+(\S.{0,40})"),
        (Kind.NUMBER, r"Zyklus:\s+([0-9]{1,7})"),
        (Kind.DATE, r"Dat\.\(T-M-J\)\s+([0-9]{2}-[0-9]{2}-[0-9]{4})"),
        (Kind.TIME, rf"Zeit\(H-M-S\)\s+({_TIME})"),
        (Kind.PHASE_CAPTION, r"Phase:\s+Uhrzeit:\s+Erg:"),
        (Kind.SAMPLE_CAPTION, rf"Uhrzeit:\s+{_DEGREE}C:\s+bar:"),
        (Kind.MAXIMUM, rf"Maximum\s+{_NUMBER_PAIR}"),
        (Kind.MINIMUM, rf"Minimum\s+{_NUMBER_PAIR}"),
        (Kind.DURATION, r"Dauer \(m-s\)\s+([0-9]{2})-([0-5][0-9])"),
        (Kind.FAULT, r"Error code\s+([0-9]{1,4})"),
        (Kind.FAILURE, "Fehler!"),
        (Kind.ABORT, "Abbruch Sterilisation"),
    )
)

_PORT: Final = r"(?:COM[0-9]{1,3}|System\.IO\.Ports\.SerialPort\.PortName)"
_US_DATE: Final = rf"([0-9]{{2}}/[0-9]{{2}}/[0-9]{{4}} {_TIME})"
_OE: Final = "[^ -~]{1,3}|[?]"  # an o umlaut in whatever encoding
#: What the logging program writes about itself; its date, where there is one, is the group.
_LOGGER: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"([0-9]{{2}}\.[0-9]{{2}}\.[0-9]{{4}} {_TIME})",
        "(?:===)?-{12}",
        r"System\.Management\.Automation\.PSEventJob",
        rf"{_PORT} konnte nicht ge(?:{_OE})ffnet werden!!",
        rf"{_PORT} erfolgreich ge(?:{_OE})ffnet(?: {_US_DATE})?\.",
        rf"Es wird nun versucht alle [0-9]{{1,4}} Sekunden den Port zu (?:{_OE})ffnen\.\.\.",
        r"Eingangsschleife (?:verlassen|jetzt kommt die Dauerwarteschlange\.\.\.)",
        rf"Es wurde erkannt, dass der Port am {_US_DATE} unerwartet geschlossen wurde!",
    )
)

#: Kinds whose parts are checked for damage one by one, so that stray bytes may stand in the line.
_MAY_HOLD_STRAY: Final = frozenset({Kind.MODEL, Kind.PROGRAMME, Kind.SAMPLE_CAPTION})
#: Kinds whose value has no fixed width: directly before a break, the value may be cut.
_VARIABLE: Final = frozenset({Kind.SERIAL, Kind.PROGRAMME, Kind.LID, Kind.NUMBER, Kind.FAULT})

#: "Universal/134°C/3min": name, degrees, what stands for the degree sign, minutes.
PROGRAMME_FORM: Final = re.compile(
    rf"([A-Za-z][A-Za-z \-]{{0,29}})/([0-9]{{2,3}})({_DEGREE})C/([0-9]{{1,3}})min"
)

#: An unread line with one of these may have reported a failure.
SUSPECT: Final = re.compile("FEHL|Fehl|Error|Abbruch")

#: The phases in the order in which the machine prints them, each at most once a cycle.
PHASES: Final = {
    "Start": PhaseKind.START,
    "Dichtheitspruefung": PhaseKind.LEAK_TEST,
    "Innenreinigung": PhaseKind.INNER_CLEANING,
    "Schmierung": PhaseKind.LUBRICATION,
    "Aussenreinigung": PhaseKind.OUTER_CLEANING,
    "Back flush": PhaseKind.BACK_FLUSH,
    "Beginn Haltezeit": PhaseKind.HOLD_BEGIN,
    "Sterilisation": PhaseKind.STERILISATION_END,
    "Ausblasen": PhaseKind.BLOW_OUT,
    "Prozessende": PhaseKind.PROCESS_END,
    "Bestaetigung": PhaseKind.CONFIRMATION,
    "Zyklusende": PhaseKind.CYCLE_END,
}
PHASE_ORDER: Final = {kind: place for place, kind in enumerate(PHASES.values())}

RESULTS: Final = {
    "Ok": PhaseResult.OK,
    "FEHL": PhaseResult.FAILED,
    "Deaktiviert": PhaseResult.DEACTIVATED,
}

#: Longest plausible step of the machine's clock to a phase line, seconds. The confirmation waits
#: for a person, who may come the next morning.
CLOCK_LIMIT_SECONDS: Final = {
    PhaseKind.CONFIRMATION: 18 * 3600,
    PhaseKind.CYCLE_END: 18 * 3600,
    None: 2 * 3600,
}
#: The same for a sample; the machine prints one every 30 s.
SAMPLE_LIMIT_SECONDS: Final = 600


def classify(lines: tuple[Line, ...]) -> tuple[ClassifiedLine, ...]:
    """Say what each line is; a value that may be cut becomes `Kind.CUT`, with its kind as part."""
    found = [_classify_line(line) for line in lines]
    following = [*found[1:], None]
    return tuple(
        _as_cut(each) if each.kind in _VARIABLE and _may_be_cut(each, after) else each
        for each, after in zip(found, following, strict=True)
    )


def _may_be_cut(each: ClassifiedLine, after: ClassifiedLine | None) -> bool:
    if after is None:
        return not each.line.terminated
    return after.kind is Kind.LOGGER


def _as_cut(each: ClassifiedLine) -> ClassifiedLine:
    return ClassifiedLine(line=each.line, kind=Kind.CUT, parts=(each.kind.value,))


def _classify_line(line: Line) -> ClassifiedLine:
    text = line.text.strip(" \t")
    if not text:
        return ClassifiedLine(line=line, kind=Kind.BLANK, parts=())
    if _SHORTEST_LINE <= len(text) <= _LONGEST_LINE:
        found = _find_machine_line(line, text) or _find_logger_line(line, text)
        if found is not None:
            return found
    return ClassifiedLine(line=line, kind=Kind.UNREAD, parts=())


def _find_machine_line(line: Line, text: str) -> ClassifiedLine | None:
    stray = has_stray(text)
    for kind, pattern in _MACHINE:
        match = pattern.fullmatch(text)
        if match is not None and (not stray or kind in _MAY_HOLD_STRAY):
            return ClassifiedLine(line=line, kind=kind, parts=match.groups(default=""))
    return None


def _find_logger_line(line: Line, text: str) -> ClassifiedLine | None:
    for pattern in _LOGGER:
        match = pattern.fullmatch(text)
        if match is not None:
            return ClassifiedLine(line=line, kind=Kind.LOGGER, parts=match.groups(default=""))
    return None
