"""Report → plain lines for a person, or JSON for a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, cast

from ledger.domain.acts.words import Party
from ledger.domain.custody.lines import package_subject
from ledger.domain.encoding.canonical import Plain
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.records.commitments import FieldValue
from ledger.domain.visible import visible
from ledger.evidence.belonging import packages_by_line
from ledger.evidence.report import Claim, CycleReading, EnteredResult, Happening, Report, Who

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
    "machine.f0_minutes": "the machine's own F0, minutes",
    "machine.a0_seconds": "the machine's own A0, seconds",
    "fault_code": "the machine's own code",
    "further_fault_codes": "further codes",
    "label": "the cycle's name, as printed",
    "outcome_reasons": "why so",
    "incomplete_because": "what is missing or damaged",
    "remarks": "remarks",
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
_RESULTS: Mapping[str, str] = {
    "physical": "physical",
    "chemical_external": "chemical, outside",
    "chemical_internal": "chemical, inside",
    "lumen_pcd": "lumen or PCD",
    "biological": "biological",
    "bowie_dick": "Bowie-Dick",
}


# ---------------------------------------------------------------- for a person


def report_lines(report: Report) -> list[str]:
    """The report in English, a line each; nothing in a record can add a line or move the cursor."""
    return [visible(line) for line in _lines(report)]


def _lines(report: Report) -> list[str]:
    return [
        *_headline(report),
        "",
        *_subject_lines(report),
        "",
        "What happened",
        *(line for each in report.timeline for line in _happening_lines(each, report)),
        "",
        *([] if report.cycle is None else [*_verdict_lines(report.cycle), ""]),
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
        yield f"  deployment {report.deployment}, fingerprint {fingerprint}"
    else:
        yield f"  Everything below rests on the fingerprint {fingerprint}."
        yield "  Compare it with the one that the group gave you by another way."
    if report.node_alone:
        yield "  This has nothing but the word of the node that was asked:"
        yield from (f"    {each}" for each in report.node_alone)


def _called(report: Report) -> str:
    """A package by the name that the file shows, anything else by its id."""
    named = {
        name
        for each in report.timeline
        if each.is_own
        for name in packages_by_line(each.facts).values()
        if package_subject(name) == report.subject.id
    }
    return named.pop() if named else to_hex(report.subject.id)


def _subject_lines(report: Report) -> Iterator[str]:
    subject, cycle = report.subject, report.cycle
    name = "" if report.unit_name is None else f" ({report.unit_name})"
    unit = "" if report.unit is None else f", unit {report.unit}{name}"
    if cycle is None:
        yield f"{subject.type.capitalize()} {_called(report)}{unit}"
        return
    yield f"Cycle {cycle.number} of counter epoch {cycle.epoch}{unit}"
    yield f"  cycle      {to_hex(subject.id)}"
    yield f"  equipment  {to_hex(cycle.equipment)}"
    if not cycle.is_open:
        yield "  Its opening was taken back: no cycle of this number stands."


def _happening_lines(each: Happening, report: Report) -> Iterator[str]:
    by = "" if each.unit in {0, report.unit} else f" (unit {each.unit})"
    yield f"  block {each.block}, {_stamp(each.mined_at)}: {each.what}{by}"
    if each.printed is not None:
        yield f"    time as printed  {each.printed}"
    if each.facts.get("reasons") is not None:
        yield f"    {'why':<16} {_shown(each.facts['reasons'])}"
    yield f"    signed at        {_stamp(each.signed_at)}"
    for who in each.who:
        yield f"    signed by        {_who(who)}"
    for path, value in each.personal.items():
        yield f"    {path:<16} {_shown(value)}"


def _who(who: Who) -> str:
    if who.signer is None:
        return "the authority"
    name = "" if who.name is None else f" ({who.name})"
    held = "" if who.custody is None else f", key held by {who.custody.name.lower()}"
    role = "" if who.party is Party.SIGNER else f", as {who.party.value.replace('_', ' ')}"
    return f"{to_hex(who.signer)}{name}{held}{role}"


def _verdict_lines(cycle: CycleReading) -> Iterator[str]:
    yield "Three verdicts, each by another"
    if cycle.machine is None or cycle.computed is None:
        yield "  machine   the cycle has no ending"
    else:
        yield f"  machine   {_words(cycle.machine.outcome)}"
        yield from _fact_lines(cycle.machine.facts, _MACHINE_LINES)
        yield f"  computed  {_words(cycle.computed.result)}"
        yield from _fact_lines(cycle.computed.facts, _COMPUTED_LINES)
        yield from _further_lines(cycle.computed.facts, _COMPUTED_LINES)
    if cycle.decision is None:
        yield "  person    nobody has decided"
    else:
        decision = cycle.decision
        yield f"  person    {_words(decision.decision)}; the cycle is {_words(decision.state)}"
        yield from (f"    decided by {_who(who)}" for who in decision.who)
    if cycle.results:
        yield "  results that people entered"
        for name, words in _RESULTS.items():
            yield f"    {words}: {_result(cycle.results.get(name))}"


def _result(result: EnteredResult | None) -> str:
    if result is None:
        return "not shown"
    if result.word is None:
        return "not entered"
    return f"{_words(result.word)}, in block {result.block}"


def _fact_lines(facts: Mapping[str, FieldValue], lines: Mapping[str, str]) -> Iterator[str]:
    yield from (f"    {words}: {_shown(facts[path])}" for path, words in lines.items()
                if path in facts)  # fmt: skip
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


def report_to_plain(report: Report) -> dict[str, Plain]:
    """The report as plain JSON values: members by their names, times as RFC 3339 in UTC."""
    return {"format": REPORT_FORMAT, **_members(report)}


def _members(value: object) -> dict[str, Plain]:
    named = fields(cast("Any", value))
    return {each.name: _plain(getattr(value, each.name)) for each in named}


def _plain(value: object) -> Plain:
    match value:
        case bytes():
            return to_hex(value)
        case datetime():
            return _stamp(value)
        case Enum():
            return value.name.lower()
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case tuple():
            return [_plain(each) for each in value]
    return _members(value) if is_dataclass(value) else cast("Plain", value)
