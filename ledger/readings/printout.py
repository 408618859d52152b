"""A machine's printout, described as tables → its cycles, damage said and nothing repaired.

A form says which lines its machine prints, and what each of them tells: the named groups of its
patterns are the vocabulary in docs/readings.md. Only what the tables know is taken; everything else
stays unread and is reported.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ledger.domain.machines.readings import PhaseKind, PhaseResult, PressureBasis
from ledger.readings.text import DecodedText, Line, has_stray

__all__ = [
    "NO_VALUE",
    "PAGE",
    "TIME",
    "Form",
    "Rule",
    "Take",
    "TakenLine",
    "classify",
    "is_telling",
    "rules",
]

TIME: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
#: Where a value stands, what a machine prints when the probe gives none.
NO_VALUE: Final = r"-{2,8}|\*{2,8}|#{2,8}|[Ee]rr(?:or)?|9999(?:[.,]9)?"
#: The number of a page, alone or behind a title.
PAGE: Final = (
    r"(?i:page|pag\.?|pagina|seite|blatt)\s*:?\s*[0-9]{1,3}(?:\s*(?:/|of|de|von)\s*[0-9]{1,3})?"
)
_LONGEST_LINE: Final = 200
_HOUR: Final = 3600


class Take(StrEnum):
    """What is taken from a line."""

    #: fields of the header, by the names of the pattern's groups
    HEADER = "header"
    #: nothing: a ruling, a caption, a place for a signature
    LAYOUT = "layout"
    PHASE = "phase"
    #: a line of values, which may name its phase too
    SAMPLE = "sample"
    #: values of further probes that belong to the line above
    MORE = "more values"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    #: what the machine says of its hold, F0 or A0
    CLAIM = "claim"
    #: a further value with its name, kept as printed
    STATEMENT = "statement"
    #: the machine's word on the whole cycle, which does not end the record
    RESULT = "result"
    FAULT = "fault"
    FAILURE = "failure"
    ABORT = "abort"
    #: the machine's end line, with its word on the cycle
    END = "end"
    #: what the program that logs the machine writes about itself
    LOGGER = "logger"
    BLANK = "blank"
    #: a value that may be cut
    CUT = "cut"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of line: the whole of it, blanks around it left out."""

    take: Take
    pattern: re.Pattern[str]
    #: the result that the line states, where the machine prints no word for it
    result: PhaseResult | None = None
    #: whether it is the first line of a printout
    begins: bool = False
    #: whether its value has no fixed width: directly before a break it may be cut
    may_be_cut: bool = False
    #: whether the pattern itself says where damage may stand
    may_hold_stray: bool = False


def rules(take: Take, *patterns: str, **more: object) -> tuple[Rule, ...]:
    """Rules that differ by their patterns alone."""
    return tuple(Rule(take=take, pattern=re.compile(each), **more) for each in patterns)  # type: ignore[arg-type]


#: The header of a whole printout that names its machine, and what each field of it is called.
NAMING_HEADER: Final[Mapping[str, str]] = {
    "machine": "model",
    "serial": "serial",
    "programme": "programme",
    "number": "number",
    "date": "date",
    "time": "time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """All that is known of one machine's printouts."""

    name: str  #: kept in the record
    version: str  #: raised with every change that can read the same bytes otherwise
    telling: re.Pattern[str]  #: found in a line that only this machine, or its logger, writes
    rules: tuple[Rule, ...]  #: the first that fits is taken
    date_formats: tuple[str, ...]  #: of the header's `date` and `time`, joined by one blank
    required: Mapping[str, str]  #: header fields of a whole printout, and what they are called
    probes: tuple[str, ...]  #: in the order of the groups t1, t2, …
    temperature_unit: str = "°C"
    pressure_unit: str = "bar"
    pressure_basis: PressureBasis = PressureBasis.ABSOLUTE
    is_captioned: bool = False  #: whether a caption's `unit` tells that of the pressures
    folds_accents: bool = False  #: whether letters with accents count as those without
    highest_bar: int = 10  #: a higher pressure is damage
    phases: Mapping[str, PhaseKind] = field(default_factory=dict)  #: by printed name
    is_ordered: bool = False  #: whether each phase comes once, in the order of `phases`
    essential: tuple[PhaseKind, ...] = ()  #: without their lines a cycle is not completed
    results: Mapping[str, PhaseResult] = field(default_factory=dict)  #: by printed word
    trailer: frozenset[Take] = frozenset({Take.LAYOUT, Take.FAULT, Take.FAILURE, Take.ABORT})
    suspect: re.Pattern[str]  #: found in an unread line that may report a failure
    has_pages: bool = False  #: whether a page's header may be without the cycle's number
    counts_from_start: bool = False  #: times of values are minutes and seconds since the start
    holds_only: bool = False  #: whether its values are those of the hold, as its extremes are
    backstep_seconds: int = 0  #: how far a line may be printed before the one above it
    longest_step: Mapping[PhaseKind | None, int] = field(
        default_factory=lambda: {None: 2 * _HOUR}
    )  #: s to a phase's line; None: any other
    longest_sample_step: int = 600  #: s from one line of values to the next


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenLine:
    """A line, what is taken from it, and the groups of its rule."""

    line: Line
    take: Take
    rule: Rule | None = None
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The line without the blanks around it."""
        return self.line.text.strip(" \t")

    @property
    def is_of_header(self) -> bool:
        """Whether it tells a field of the header, readable or cut."""
        return self.rule is not None and self.rule.take is Take.HEADER


def is_telling(form: Form, text: DecodedText) -> bool:
    """Whether any line can only be this machine's, or its logger's."""
    return any(form.telling.search(line.text) for line in text.lines)


def classify(form: Form, lines: tuple[Line, ...]) -> tuple[TakenLine, ...]:
    """Say what each line is; a value that may be cut becomes `Take.CUT`."""
    found = [_classify_line(form, line) for line in lines]
    following = [*found[1:], None]
    return tuple(
        TakenLine(line=each.line, take=Take.CUT, rule=each.rule)
        if each.rule is not None and each.rule.may_be_cut and _may_be_cut(each, after)
        else each
        for each, after in zip(found, following, strict=True)
    )


def _may_be_cut(each: TakenLine, after: TakenLine | None) -> bool:
    if after is None:
        return not each.line.terminated
    return after.take is Take.LOGGER


def _classify_line(form: Form, line: Line) -> TakenLine:
    text = line.text.strip(" \t\x0c")
    if not text:
        return TakenLine(line=line, take=Take.BLANK)
    if len(text) <= _LONGEST_LINE:
        stray = has_stray(text)
        plain = _without_accents(text) if form.folds_accents else text
        for rule in form.rules:
            if stray and not rule.may_hold_stray:
                continue
            match = rule.pattern.fullmatch(plain)
            if match is not None:
                groups = {
                    name: each if name == "phase" else text[match.start(name) : match.end(name)]
                    for name, each in match.groupdict().items()
                    if each is not None
                }
                return TakenLine(line=line, take=rule.take, rule=rule, groups=groups)
    return TakenLine(line=line, take=Take.UNREAD)


def _without_accents(text: str) -> str:
    """Each letter without its accent, in its own place: other letters and signs stay."""
    return "".join(
        unicodedata.normalize("NFD", each)[0] if each.isalpha() else each for each in text
    )
