"""A washer-steriliser's German printout: vacuum pulses, two probes, F0 and an end sentence.

Known from public descriptions of such printouts; the samples in tests/data/forms are our own.
Values stand where the machine passes from phase to phase, and each minute while it sterilises; the
second probe's value stands on the line below.
"""

import re
from typing import Final

from ledger.domain.machines.readings import PhaseKind, PhaseResult
from ledger.readings.printout import NAMING_HEADER, NO_VALUE, PAGE, Form, Take, rules

__all__ = ["FORM"]

_CELSIUS: Final = r"-?[0-9]{1,3}[.,][0-9]"
_PRESSURE: Final = rf"-?[0-9]{{1,5}}|-?[0-9]{{1,2}}[.,][0-9]{{2,3}}|{NO_VALUE}"
_UNIT: Final = r"m?bar[ag]|[mkMh]?Pa[ag]|(?:m?bar|[mkMh]?Pa)\((?:a|g|abs|rel)\)|psi[ag]"
_DEGREES: Final = r"\s*[^A-Za-z0-9]{0,3}C"
_FAILING: Final = "St(?:oe|ö|[^ -~]{1,3})rung|Fehler|Alarm|Abbruch|abgebrochen|nicht bestanden"

_RULES: Final = (
    *rules(
        Take.SAMPLE,
        rf"(?P<time>(?:[0-9]{{1,2}}:(?=[0-5]))?[0-9]{{1,3}}:[0-5][0-9])\s+"
        rf"(?:(?P<phase>\S.{{0,30}}?)\s{{2,}})?(?P<p>{_PRESSURE})\s+"
        rf"(?P<t1>{_CELSIUS}|{NO_VALUE})(?:\s+(?P<t2>{_CELSIUS}|{NO_VALUE}))?",
    ),
    *rules(Take.MORE, rf"(?P<t2>{_CELSIUS}|{NO_VALUE})"),
    *rules(Take.END, "(?i:PROGRAMM KORREKT BEENDET)[.!]?", result=PhaseResult.OK),
    *rules(
        Take.END,
        "(?i:PROGRAMM ABGEBROCHEN)[.!]?",
        "(?i:(?:PROGRAMM|ZYKLUS|CHARGE)(?: BEENDET)? NICHT BESTANDEN)[.!]?",
        result=PhaseResult.FAILED,
    ),
    # It ends a leak test as it should, and any other programme as it should not.
    *rules(Take.END, "(?i:PROGRAMM BEENDET NICHT STERIL)[.!]?", result=PhaseResult.UNKNOWN),
    *rules(
        Take.LAYOUT,
        "[-=]{8,80}",
        "Freigabe.*",
        PAGE,
        "(?:Datum|Unterschrift).*",
        f"Keine prozessrelevante (?:{_FAILING}).*",
    ),
    *rules(
        Take.LAYOUT,
        rf"Zeit\s+Phase\s.*\s(?P<unit>{_UNIT})\s+T[0-9]{_DEGREES}(?:\s+T[0-9]{_DEGREES})?",
        rf"m:s\s+\S.*?(?:\s+T[0-9]{_DEGREES})?",
        may_hold_stray=True,
    ),
    *rules(Take.HEADER, rf"(?P<title>\S.{{0,40}}CHARGEN-DOKUMENTATION)(?:\s+{PAGE})?", begins=True),
    *rules(
        Take.HEADER,
        r"Maschinen-Typ\s*:\s*(?P<machine>\S.*?)(?:\s+Nr\.?\s*:\s*(?P<serial>[0-9A-Za-z\-]{1,20}))?",
        r"Laufende Nr\.?\s*:\s*(?P<number>[0-9]{1,9})",
        may_be_cut=True,
    ),
    *rules(
        Take.HEADER,
        r"Programm\s*:\s*(?P<programme>\S.{0,60})",
        may_be_cut=True,
        may_hold_stray=True,
    ),
    *rules(
        Take.HEADER,
        r"Programmstart\s*:\s*(?P<date>[0-9]{2}\.[0-9]{2}\.[0-9]{4})\s*/?\s*"
        "(?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)",
    ),
    *rules(
        Take.MINIMUM,
        rf"Min\. Sterilisiertemp\.\s+(?P<celsius>{_CELSIUS}){_DEGREES}",
        may_hold_stray=True,
    ),
    *rules(
        Take.MAXIMUM,
        rf"Max\. Sterilisiertemp\.\s+(?P<celsius>{_CELSIUS}){_DEGREES}",
        may_hold_stray=True,
    ),
    *rules(
        Take.CLAIM,
        r"Zeit .{1,5}ber Soll\S* Kammer\s+"
        "(?P<hold_minutes>[0-9]{1,3}):(?P<hold_seconds>[0-5][0-9]) ?m:s",
        r"F0-Wert(?: \S+)?\s+(?P<f0_minutes>[0-9]{1,4}[.,][0-9]{1,2}) ?min",
    ),
    *rules(
        Take.STATEMENT,
        r"(?P<name>(?:Stoerung|Störung|Fehler|Alarm)(?:en|e)?)\s*:\s*(?P<value>0+|(?i:keiner?))",
    ),
    *rules(Take.FAULT, rf"(?i:{_FAILING})\s*(?:Nr\.?)?\s*:?\s*(?P<fault>[0-9]{{1,4}})\b.*"),
    *rules(Take.FAILURE, f"(?i:.*(?:{_FAILING}).*)"),
    *rules(
        Take.STATEMENT,
        r"(?P<name>Sollwerte\s*:\s*\S.*?)\s{2,}(?P<value>\S.{0,40})",
        r"(?P<name>[A-Z][A-Za-z\-]+)\s*:\s*(?P<value>\S.{0,60})",
        r"(?P<name>[A-Z][A-Za-zäöü. ]{3,40}?)\s+(?P<value>[<>]?\s*[0-9].{0,30})",
        may_hold_stray=True,
    ),
    *rules(Take.LAYOUT, r"[A-Z][A-Za-z\-]+\s*:"),
)

FORM: Final = Form(
    name="washer-steriliser-printout-de",
    version="2",
    telling=re.compile("CHARGEN-DOKUMENTATION|^PROGRAMM KORREKT BEENDET|Luftnachweisg"),
    rules=_RULES,
    date_formats=("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"),
    required=NAMING_HEADER,
    probes=("T2", "T3"),
    is_captioned=True,
    phases={
        "Sterilisation": PhaseKind.HOLD_BEGIN,
        "Nachvakuum": PhaseKind.STERILISATION_END,
        "Programm Ende": PhaseKind.PROCESS_END,
    },
    suspect=re.compile(f"(?i){_FAILING}|BEENDET"),
    counts_from_start=True,
    longest_sample_step=2 * 3600,
)
