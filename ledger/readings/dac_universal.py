"""A DAC Universal's German printout, and the program that logs it, as tables.

Source: the printouts of a real machine in tests/data/dacuniversal. Only what was seen there is
known here; everything else stays unread.
"""

import re
from typing import Final

from ledger.domain.machines.readings import PhaseKind, PhaseResult
from ledger.readings.printout import NAMING_HEADER, TIME, Form, Take, rules

__all__ = ["FORM"]

#: A degree sign, or what is left of one: up to three characters that are no letter, digit or slash.
_DEGREE: Final = "[^A-Za-z0-9/]{0,3}"
#: No machine prints a leading zero: one is damage.
_CELSIUS: Final = r"-?(?:0|[1-9][0-9]{0,3})\.[0-9]"
_BAR: Final = r"-?(?:0|[1-9][0-9]{0,2})\.[0-9]{2}"
_EXTREME: Final = rf"\s+(?P<celsius>{_CELSIUS})\s+(?P<bar>{_BAR})"
_PHASE: Final = "(?P<phase>[A-Z][A-Za-z]*(?: [A-Za-z]+)*)"

_PORT: Final = r"(?:COM[0-9]{1,3}|System\.IO\.Ports\.SerialPort\.PortName)"
_US_DATE: Final = rf"(?P<logged>[0-9]{{2}}/[0-9]{{2}}/[0-9]{{4}} {TIME})"
_OE: Final = "(?:[^ -~]{1,3}|[?])"  # an o umlaut in whatever encoding

#: Widths matter: a value whose width is fixed cannot be cut without being noticed.
_RULES: Final = (
    *rules(Take.SAMPLE, rf"(?P<time>{TIME})\s+(?P<t1>{_CELSIUS})\s+(?P<p>{_BAR})"),
    *rules(
        Take.PHASE,
        rf"{_PHASE}\s+(?P<time>{TIME})\s+(?P<word>\S{{1,12}})",
        rf"{_PHASE}\s\s+(?P<word>Deaktiviert)",
    ),
    *rules(Take.LAYOUT, "-{20,40}", r"Phase:\s+Uhrzeit:\s+Erg:"),
    *rules(
        Take.HEADER,
        "(?P<noise>[^A-Za-z0-9]{0,8})(?P<machine>DAC Universal)",
        may_hold_stray=True,
    ),
    *rules(
        Take.HEADER,
        r"Serien Nr:\s+(?P<serial>[0-9A-Za-z\-]{1,20})",
        r"Deckel:\s+(?P<lid>\S.{0,40})",
        r"Zyklus:\s+(?P<number>[0-9]{1,7})",
        may_be_cut=True,
    ),
    *rules(
        Take.HEADER,
        r"Programm:\s+(?P<programme>(?P<name>[A-Za-z][A-Za-z \-]{0,29})/(?P<celsius>[0-9]{2,3})"
        rf"(?P<sign>{_DEGREE})C/(?P<minutes>[0-9]{{1,3}})min)",
        may_be_cut=True,
        may_hold_stray=True,
    ),
    *rules(Take.HEADER, r"Programm:\s+(?P<programme>\S.{0,40})", may_be_cut=True),
    *rules(
        Take.HEADER,
        r"Dat\.\(T-M-J\)\s+(?P<date>[0-9]{2}-[0-9]{2}-[0-9]{4})",
        rf"Zeit\(H-M-S\)\s+(?P<time>{TIME})",
    ),
    *rules(Take.LAYOUT, rf"Uhrzeit:\s+{_DEGREE}C:\s+bar:", may_hold_stray=True),
    *rules(Take.MAXIMUM, rf"Maximum{_EXTREME}"),
    *rules(Take.MINIMUM, rf"Minimum{_EXTREME}"),
    *rules(Take.CLAIM, r"Dauer \(m-s\)\s+(?P<hold_minutes>[0-9]{2})-(?P<hold_seconds>[0-5][0-9])"),
    *rules(Take.FAULT, r"Error code\s+(?P<fault>[0-9]{1,4})", may_be_cut=True),
    *rules(Take.FAILURE, "Fehler!"),
    *rules(Take.ABORT, "Abbruch Sterilisation"),
    # What the logging program writes about itself.
    *rules(
        Take.LOGGER,
        rf"(?P<logged>[0-9]{{2}}\.[0-9]{{2}}\.[0-9]{{4}} {TIME})",
        "(?:===)?-{12}",
        r"System\.Management\.Automation\.PSEventJob",
        rf"{_PORT} konnte nicht ge{_OE}ffnet werden!!",
        rf"{_PORT} erfolgreich ge{_OE}ffnet(?: {_US_DATE})?\.",
        rf"Es wird nun versucht alle [0-9]{{1,4}} Sekunden den Port zu {_OE}ffnen\.\.\.",
        r"Eingangsschleife (?:verlassen|jetzt kommt die Dauerwarteschlange\.\.\.)",
        rf"Es wurde erkannt, dass der Port am {_US_DATE} unerwartet geschlossen wurde!",
        may_hold_stray=True,
    ),
)

FORM: Final = Form(
    name="dac-universal-printout-de",
    version="2",
    telling=re.compile(
        r"^[ \t]*[^A-Za-z0-9]{0,8}DAC Universal[ \t]*$|^Serien Nr:|^Dat\.\(T-M-J\) "
        r"|^Zeit\(H-M-S\) |^Zyklusende |^Phase: +Uhrzeit: +Erg:[ \t]*$"
        r"|^System\.Management\.Automation\.PSEventJob$|^COM[0-9]{1,3} (?:konnte|erfolgreich) "
        r"|^Es wurde erkannt, dass der Port am "
    ),
    rules=_RULES,
    date_formats=("%d-%m-%Y %H:%M:%S",),
    required=NAMING_HEADER,
    probes=("steam",),
    #: In the order in which the machine prints them, each at most once a cycle.
    phases={
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
    },
    is_ordered=True,
    essential=(PhaseKind.STERILISATION_END, PhaseKind.CYCLE_END),
    results={
        "Ok": PhaseResult.OK,
        "FEHL": PhaseResult.FAILED,
        "Deaktiviert": PhaseResult.DEACTIVATED,
    },
    suspect=re.compile("FEHL|Fehl|Error|Abbruch"),
    holds_only=True,
    # The confirmation waits for a person, who may come the next morning.
    longest_step={
        PhaseKind.CONFIRMATION: 18 * 3600,
        PhaseKind.CYCLE_END: 18 * 3600,
        None: 2 * 3600,
    },
)
