"""A steam steriliser's Portuguese printout from its controller: one pressure, up to four probes.

Known from public descriptions of such printouts; the samples in tests/data/forms are our own. The
printout names no serial number: a person says which machine printed it.
"""

import re
from typing import Final

from ledger.domain.machines.readings import PhaseKind, PhaseResult
from ledger.readings.printout import NO_VALUE, PAGE, TIME, Form, Take, rules

__all__ = ["FORM"]

_VALUE: Final = r"-?[0-9]{1,4}[.,][0-9]{1,3}"
_PRESSURE: Final = rf"-?[0-9]{{1,4}}(?:[.,][0-9]{{1,3}})?|{NO_VALUE}"
_PROBES: Final = "".join(rf"(?:\s+(?P<t{place}>{_VALUE}|{NO_VALUE}))?" for place in (2, 3, 4))
_UNIT: Final = r"[a-zA-Z]{2,5}(?:\([a-zA-Z]{1,3}\))?"
#: Words of an event that failed, or may have.
_FAILING: Final = (
    "ALARME|FALHA|FALTA|ERRO|EMERGENCIA|CANCELAD|ABORTAD|INTERROMPID|REPROVAD|NAO CONFORME"
)

_RULES: Final = (
    *rules(
        Take.SAMPLE,
        rf"(?P<time>{TIME})\s+(?P<p>{_PRESSURE})\s+(?P<t1>{_VALUE}|{NO_VALUE}){_PROBES}",
    ),
    *rules(
        Take.CLAIM,
        r"F0:\s*(?P<f0_minutes>[0-9]{1,4}):(?P<f0_seconds>[0-5][0-9])",
        r"F0:\s*(?P<f0_minutes>[0-9]{1,4}[.,][0-9]{1,2})(?: ?min\.?)?",
        rf"ESTERILIZACAO - INICIO:\s*(?P<hold_from>{TIME})",
        rf"ESTERILIZACAO - FIM:\s*(?P<hold_until>{TIME})",
    ),
    *rules(Take.END, rf"(?:FIM|FINAL) DE CICLO\s+(?P<time>{TIME})", result=PhaseResult.OK),
    *rules(
        Take.END,
        rf"CICLO (?:CANCELADO|ABORTADO)(?:\s+(?P<time>{TIME}))?",
        result=PhaseResult.FAILED,
    ),
    *rules(
        Take.LAYOUT,
        "[-=_]{8,80}",
        r"HORA\s+PT1(?:\s+TE[1-9]){1,4}",
        rf"(?P<unit>{_UNIT})(?:\s+[^A-Za-z0-9]{{0,2}}o?C){{1,4}}",
        rf"(?P<unit>{_UNIT})\s+(?P<degrees>[°o]?F)(?:\s+[°o]?F){{0,3}}",
        PAGE,
        r"(?:OPER|SUP|RESP)\.?\s*:\s*_*",
    ),
    *rules(Take.HEADER, "(?:= ){2,}(?P<machine>[A-Z](?: ?[A-Z0-9]){2,30})(?: =){2,}", begins=True),
    *rules(
        Take.HEADER,
        "= (?P<site>[^=]{1,40}) =",
        rf"DATA:\s*(?P<date>[0-9]{{2}}/[0-9]{{2}}/[0-9]{{4}})\s+HORA:\s*(?P<time>{TIME})",
    ),
    *rules(
        Take.HEADER,
        "NUMERO DE CICLOS:\\s*(?P<number>[0-9]{1,9})",
        r"(?:NUMERO|N[o.°º]{0,2}) ?(?:DE )?SERIE:\s*(?P<serial>[0-9A-Za-z\-/]{1,20})",
        r"PROGRAMA\s+(?P<programme>[0-9]{1,3}:\s*\S.{0,60})",
        may_be_cut=True,
    ),
    *rules(Take.MINIMUM, rf"T\. MIN\. ESTER\.:\s*(?P<celsius>{_VALUE}) \S{{0,2}}C(?:\s+{TIME})?"),
    *rules(Take.MAXIMUM, rf"T\. MAX\. ESTER\.:\s*(?P<celsius>{_VALUE}) \S{{0,2}}C(?:\s+{TIME})?"),
    *rules(
        Take.STATEMENT, r"(?P<name>(?:ALARME|FALHA|ERRO)S?)\s*:\s*(?P<value>0+|NENHUMA?|NAO HA)"
    ),
    *rules(Take.FAULT, r"(?:ALARME|FALHA|ERRO)\s*(?:N\S{0,2})?\s*:?\s*(?P<fault>[0-9]{1,4})\b.*"),
    *rules(Take.FAILURE, rf"(?:{TIME}\s+)?.*(?:{_FAILING}).*"),
    *rules(
        Take.PHASE,
        rf"(?P<time>{TIME})\s+(?P<phase>[A-Z][A-Z0-9: ]{{3,59}})",
        "(?P<phase>[A-Z][A-Z ]{3,59})",
    ),
    *rules(Take.STATEMENT, r"(?P<name>[A-Z][^:]{2,40}):\s*(?P<value>\S.{0,60})"),
)

FORM: Final = Form(
    name="plc-steriliser-printout-pt",
    version="2",
    telling=re.compile(r"^\s*NUMERO DE CICLOS:|^\s*HORA\s+PT1\s+TE1|^[0-9:]{8} OPERACAO [0-9]: "),
    rules=_RULES,
    date_formats=("%d/%m/%Y %H:%M:%S",),
    required={"number": "number", "programme": "programme", "date": "date", "time": "time"},
    probes=("TE1", "TE2", "TE3", "TE4"),
    is_captioned=True,
    folds_accents=True,
    phases={"INICIO TEMPO DE ESTERILIZACAO": PhaseKind.HOLD_BEGIN},
    trailer=frozenset(Take) - {Take.HEADER, Take.UNREAD, Take.CUT, Take.LOGGER},
    suspect=re.compile(f"(?i){_FAILING}|ALARM"),
    backstep_seconds=2,
    longest_sample_step=3600,
)
