"""Report → plain lines for a person, or JSON for a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import rfc8785

from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.operations import Party
from ledger.domain.records.commitments import FieldValue
from ledger.domain.visible import visible
from ledger.evidence.report import Act, Claim, Report, Who
from ledger.evidence.timeline import custody_word

REPORT_FORMAT = "steriledger-report/1"

#: What is printed of a machine's word, a computed verdict and a decision: path → words.
_MACHINE_LINES: Mapping[str, str] = {
    "programme": "programme",
    "started": "started, as printed",
    "ended": "ended, as printed",
    "machine.hold_seconds": "hold, seconds",
    "machine.minimum_celsius": "lowest temperature in the hold, °C",
    "machine.maximum_celsius": "highest temperature in the hold, °C",
    "machine.minimum_bar": "lowest pressure in the hold, bar",
    "machine.maximum_bar": "highest pressure in the hold, bar",
    "pressure_basis": "pressure basis",
    "fault_code": "the machine's own code",
}
_COMPUTED_LINES: Mapping[str, str] = {
    "verdict.profile": "profile",
    "verdict.profile_source": "source of the profile",
    "verdict.band_low_celsius": "band from, °C",
    "verdict.band_high_celsius": "band to, °C",
    "verdict.minimum_celsius": "lowest temperature, °C",
    "verdict.maximum_celsius": "highest temperature, °C",
    "verdict.hold_seconds": "hold, seconds",
    "verdict.hold_required_seconds": "hold required, seconds",
    "verdict.f0_minutes": "F0, minutes",
    "verdict.f0_reference_celsius": "F0 reference, °C",
    "verdict.reasons": "reasons",
}
_RESULT_LINES: Mapping[str, str] = {
    "results.physical": "physical",
    "results.chemical_external": "chemical, outside",
    "results.chemical_internal": "chemical, inside",
    "results.lumen_pcd": "lumen or PCD",
    "results.biological": "biological",
    "results.bowie_dick": "Bowie-Dick",
}


# ---------------------------------------------------------------- for a person


def report_lines(report: Report) -> list[str]:
    """The report in English, a line each; nothing in a record can add a line or move the cursor."""
    return [visible(line) for line in _lines(report)]


def _lines(report: Report) -> list[str]:
    subject = report.subject
    unit = (
        f"unit {report.unit}"
        if report.unit_name is None
        else (f"unit {report.unit} ({report.unit_name})")
    )
    return [
        *_headline(report),
        "",
        f"Cycle {subject.number} of counter epoch {subject.epoch}, {unit}",
        f"  cycle      {to_hex(subject.cycle)}",
        f"  equipment  {to_hex(subject.equipment)}",
        "",
        "What happened",
        *(line for act in report.timeline for line in _act_lines(act)),
        "",
        *_verdict_lines(report),
        "",
        "What this rests on, and what it does not prove",
        *(line for claim in report.claims for line in _claim_lines(claim)),
    ]


def _headline(report: Report) -> Iterator[str]:
    fingerprint, at = to_hex(report.fingerprint), _stamp(report.checked_at)
    if report.verified:
        yield f"Verified at {at}, against your deployment file."
    elif report.is_trusted:
        yield f"Checked at {at}, against your deployment file; not proven."
    else:
        yield f"Checked at {at}, against the file's own deployment only."
    if report.is_trusted:
        yield f"  deployment {report.deployment.name}, fingerprint {fingerprint}"
    else:
        yield f"  Everything below rests on the fingerprint {fingerprint}."
        yield "  Compare it with the one that the group gave you by another way."
    if report.node_alone:
        yield "  This has nothing but the word of the node that was asked:"
        yield from (f"    {each}" for each in report.node_alone)


def _act_lines(act: Act) -> Iterator[str]:
    yield f"  block {act.block}, {_stamp(act.mined_at)}: {act.what}"
    if act.printed is not None:
        yield f"    time as printed  {act.printed}"
    yield f"    signed at        {_stamp(act.signed_at)}"
    for who in act.who:
        yield f"    signed by        {_who(who)}"
    for path, value in act.personal.items():
        yield f"    {path:<16} {_shown(value)}"


def _who(who: Who) -> str:
    if who.signer is None or who.custody is None:
        return "the authority"
    name = "" if who.name is None else f" ({who.name})"
    role = "" if who.party is Party.SIGNER else f", as {who.party.value.replace('_', ' ')}"
    return f"{to_hex(who.signer)}{name}, key held by {custody_word(who.custody)}{role}"


def _verdict_lines(report: Report) -> Iterator[str]:
    yield "Three verdicts, each by another"
    if report.machine is None or report.computed is None:
        yield "  machine   the cycle has no ending"
    else:
        yield f"  machine   {_words(report.machine.outcome)}"
        yield from _fact_lines(report.machine.facts, _MACHINE_LINES)
        yield f"  computed  {_words(report.computed.result)}"
        yield from _fact_lines(report.computed.facts, _COMPUTED_LINES)
        yield from _further_lines(report.computed.facts, _COMPUTED_LINES)
    if report.decision is None:
        yield "  person    nobody has decided"
        return
    decision = report.decision
    yield f"  person    {_words(decision.decision)}; the cycle is {_words(decision.state)}"
    yield from (f"    decided by {_who(who)}" for who in decision.act.who)
    yield from _fact_lines(decision.act.facts, _RESULT_LINES)


def _fact_lines(facts: Mapping[str, FieldValue], lines: Mapping[str, str]) -> Iterator[str]:
    for path, words in lines.items():
        if path in facts:
            shown = _shown(facts[path])
            yield f"    {words}: {_words(shown) if path in _RESULT_LINES else shown}"
    hidden = sum(path not in facts for path in lines)
    if hidden:
        yield f"    {hidden} further values are not shown"


def _further_lines(facts: Mapping[str, FieldValue], known: Mapping[str, str]) -> Iterator[str]:
    for path, value in facts.items():
        if path not in known and value is not None:
            yield f"    {path.split('.')[-1].replace('_', ' ')}: {_shown(value)}"


def _claim_lines(claim: Claim) -> Iterator[str]:
    yield f"  {claim.statement}"
    yield f"    rests on: {claim.rests_on}"
    yield f"    does not prove: {claim.does_not_prove}"


def _shown(value: FieldValue) -> str:
    if value is None:
        return "not entered"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _words(text: str) -> str:
    return text.replace("_", " ")


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


# ---------------------------------------------------------------- for a program


def report_to_json(report: Report) -> bytes:
    """The report as RFC 8785 JSON; times are RFC 3339 in UTC."""
    return rfc8785.dumps(report_to_plain(report))  # type: ignore[arg-type]


def report_to_plain(report: Report) -> dict[str, object]:
    """The same as plain JSON values."""
    subject = report.subject
    return {
        "format": REPORT_FORMAT,
        "verified": report.verified,
        "node_alone": list(report.node_alone),
        "fingerprint": to_hex(report.fingerprint),
        "deployment": report.deployment.name,
        "checked_at": _stamp(report.checked_at),
        "subject": {
            "cycle": to_hex(subject.cycle),
            "equipment": to_hex(subject.equipment),
            "epoch": subject.epoch,
            "number": subject.number,
            "unit": report.unit,
            "unit_name": report.unit_name,
        },
        "timeline": [_act_plain(act) for act in report.timeline],
        "machine": None
        if report.machine is None
        else {"outcome": report.machine.outcome, "facts": dict(report.machine.facts)},
        "computed": None
        if report.computed is None
        else {"result": report.computed.result, "facts": dict(report.computed.facts)},
        "decision": None
        if report.decision is None
        else {
            "decision": report.decision.decision,
            "state": report.decision.state,
            "operation": to_hex(report.decision.act.digest),
        },
        "claims": [
            {
                "about": claim.about,
                "statement": claim.statement,
                "rests_on": claim.rests_on,
                "does_not_prove": claim.does_not_prove,
            }
            for claim in report.claims
        ],
    }


def _act_plain(act: Act) -> dict[str, object]:
    return {
        "kind": act.kind,
        "operation": to_hex(act.digest),
        "what": act.what,
        "who": [_who_plain(who) for who in act.who],
        "printed": act.printed,
        "captured_at": None if act.captured_at is None else _stamp(act.captured_at),
        "signed_at": _stamp(act.signed_at),
        "mined_at": _stamp(act.mined_at),
        "block": act.block,
        "facts": dict(act.facts),
        "personal": dict(act.personal),
    }


def _who_plain(who: Who) -> dict[str, object]:
    return {
        "party": who.party.value,
        "signer": None if who.signer is None else to_hex(who.signer),
        "custody": None if who.custody is None else custody_word(who.custody),
        "name": who.name,
    }
