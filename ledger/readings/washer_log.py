"""A washer-disinfector's English batch log: steps with nominal and actual values, and A0.

Known from public descriptions of such logs; the samples in tests/data/forms are our own. The log
holds no curve, so that what was reached is the machine's own claim throughout.
"""

import re
from typing import Final

from ledger.domain.machines.readings import PhaseResult
from ledger.readings.printout import NAMING_HEADER, PAGE, TIME, Form, Take, rules

__all__ = ["FORM"]

_FAILING: Final = "failure|fault|error|alarm|abort|cancel|interrupt|stopped"
_DATE: Final = "[0-9]{2}[.][0-9]{2}[.][0-9]{2,4}"
_STEP: Final = r"[0-9]{1,2}\.[0-9]{1,2}"

_RULES: Final = (
    *rules(Take.PHASE, rf"(?P<step>{_STEP})\s+(?P<time>{TIME})\s+(?P<phase>[A-Za-z].{{0,40}})"),
    *rules(
        Take.CLAIM,
        rf"(?P<name>{_STEP}\s+A[0₀][ -][Vv]alue)\s+"
        r"(?P<value>nom\.\s*[0-9]+\s+act\.\s*(?P<a0>[0-9]+(?:[.,][0-9]{1,2})?))",
    ),
    *rules(
        Take.STATEMENT,
        rf"(?P<name>{_STEP}(?:\s+[a-zA-Z][a-z0-9₀A-Z -]{{2,30}}?)?)\s+"
        r"(?P<value>(?:nom|min|max|act)\.\s*[0-9*#-].*)",
        may_hold_stray=True,
    ),
    *rules(
        Take.LAYOUT,
        rf"\S.{{0,30}}batch do[ck]umentation(?:\s+{_DATE}\s+{TIME})?",
        PAGE,
        "[-=_]{8,80}",
    ),
    *rules(
        Take.HEADER,
        r"operation company\s*:\s*(?P<site>\S.{0,60})",
        r"machine type\s*:\s*(?P<machine>\S.{0,40})",
        r"machine no\s*\.\s*:\s*(?P<serial>[0-9A-Za-z\-]{1,20})",
        r"charge no\s*\.\s*:\s*(?P<number>[0-9]{1,9})",
        r"program name\s*:\s*(?P<programme>\S.{0,60})",
        may_be_cut=True,
    ),
    *rules(
        Take.HEADER,
        rf"program start\s*:\s*(?P<time>{TIME})\s+(?P<date>{_DATE})",
        rf"program end\s*:\s*(?P<ended_time>{TIME})\s+(?P<ended_date>{_DATE})",
    ),
    *rules(
        Take.RESULT,
        r"program cycle\s*:\s*(?i:program(?:me)? without (?:failure|fault|error)s?)[.!]?",
        result=PhaseResult.OK,
    ),
    *rules(Take.RESULT, rf"program cycle\s*:.*(?i:{_FAILING}).*", result=PhaseResult.FAILED),
    *rules(Take.RESULT, r"program cycle\s*:\s*\S.*", result=PhaseResult.UNKNOWN),
    *rules(
        Take.END,
        r"(?i:signature|released?(?: by)?|approved?(?: by)?)\b.*",
        result=None,
    ),
    *rules(
        Take.STATEMENT,
        r"(?P<name>(?i:(?:number of )?(?:failure|fault|error|alarm)s?))\s*:\s*"
        r"(?P<value>0+|(?i:none|no))",
    ),
    *rules(Take.FAULT, rf"(?i:{_FAILING})\s*(?:no\.?)?\s*:?\s*(?P<fault>[0-9]{{1,4}})\b.*"),
    *rules(Take.FAILURE, f"(?i:.*(?:{_FAILING}).*)"),
    *rules(Take.STATEMENT, r"(?P<name>[a-z][a-z0-9./ ]{2,30}?)\s*:\s*(?P<value>\S.{0,60})"),
)

FORM: Final = Form(
    name="washer-disinfector-log-en",
    version="2",
    telling=re.compile(r"batch do[ck]umentation|^machine no\s*\.\s*:|^charge no\.\s*:"),
    rules=_RULES,
    date_formats=("%d.%m.%y %H:%M:%S", "%d.%m.%Y %H:%M:%S"),
    required=NAMING_HEADER,
    probes=(),
    trailer=frozenset({Take.LAYOUT, Take.END, Take.STATEMENT, Take.FAULT, Take.FAILURE}),
    suspect=re.compile(f"(?i){_FAILING}"),
    has_pages=True,
)
