"""Requests about one cycle → drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ledger.domain.decisions import DecisionKind
from ledger.domain.drafts import Circumstances, Draft, hex_or_none, listed
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    CycleId,
    Digest,
    EquipmentId,
    cycle_id,
    signer_id,
)
from ledger.domain.errors import InvalidInput
from ledger.domain.operations import KINDS, Outcome, Party, Verdict
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import instant_text
from ledger.domain.rules import RELEASES

#: the contract's uint32
_MOST_PACKAGES = 2**32 - 1
#: The monitoring results that a decision states; what nobody entered is `not_entered`.
RESULT_NAMES = (
    "physical",
    "chemical_external",
    "chemical_internal",
    "lumen_pcd",
    "biological",
    "bowie_dick",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine of a cycle, as its cycles' records name it."""

    id: EquipmentId
    unit: int
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReference:
    """A cycle that was opened, and how its records name it."""

    machine: Machine
    epoch: int
    number: int

    @property
    def id(self) -> CycleId:
        """The cycle's id, as the contract computes it."""
        return cycle_id(self.machine.id, self.epoch, self.number)

    def facts(self) -> dict[str, FieldValue]:
        """The facts that every record of the cycle begins with."""
        return {
            "cycle": self.id.hex(),
            "equipment": self.machine.id.hex(),
            "machine.serial": self.machine.serial,
            "machine.epoch": self.epoch,
            "machine.number": self.number,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCycle:
    """A person declares that a cycle begins."""

    cycle: CycleReference
    programme: str | None
    #: the machine's claim of its start; None when not stated
    started_at: datetime | None
    #: whether the outcome was known already when the cycle was opened
    is_after_outcome: bool
    biological_indicator: bool | None
    holds_implant: bool | None
    #: ERC-7913 bytes of the key that signs
    signer: bytes
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingReference:
    """A reading that an ending rests on."""

    #: of the whole file, hexadecimal
    sha256: str
    #: of the cycle's own lines, hexadecimal
    content_sha256: str
    #: parser and version
    format: str
    #: gateway_signed, uploaded, typed or photo
    source: str
    #: lines of the cycle that could not be read
    unread_lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCycle:
    """What the machine reported at the end, and what we computed from it."""

    cycle: CycleReference
    outcome: Outcome
    verdict: Verdict
    #: the thermal check's facts, without their `verdict.` prefix; empty when not computed
    verdict_facts: Mapping[str, FieldValue]
    #: what the machine itself stated: fault code, programme, times as printed, extremes
    machine_facts: Mapping[str, FieldValue]
    started_at: datetime | None
    ended_at: datetime | None
    readings: Sequence[ReadingReference]
    replaces: Digest
    signer: bytes
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLine:
    """Packages of one owner, payer and class."""

    owner: int
    payer: int
    package_class: int
    quantity: int
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareLoad:
    """A person declares what lies in the chamber."""

    cycle: CycleReference
    lines: Sequence[LoadLine]
    replaces: Digest
    signer: bytes
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLine:
    """A released quantity, as a signed change."""

    owner: int
    payer: int
    package_class: int
    delta: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideCycle:
    """A person decides over the whole cycle."""

    cycle: CycleReference
    decision: DecisionKind
    ending: Digest
    load: Digest
    shares: Sequence[ShareLine]
    #: by name of RESULT_NAMES; those left out are `not_entered`
    results: Mapping[str, str]
    replaces: Digest
    signer: bytes
    circumstances: Circumstances = field(default_factory=Circumstances)


def draft_cycle_opening(request: OpenCycle) -> Draft:
    """OpenCycle → draft."""
    cycle = request.cycle
    return _draft(
        "CycleOpening",
        request,
        message={
            "equipment": cycle.machine.id,
            "unit": cycle.machine.unit,
            "epoch": cycle.epoch,
            "number": cycle.number,
            "startedAt": _seconds(request.started_at),
        },
        facts={
            "programme": request.programme,
            "timing": "after_outcome" if request.is_after_outcome else "before_outcome",
            "biological_indicator": request.biological_indicator,
            "holds_implant": request.holds_implant,
        },
    )


def draft_cycle_ending(request: EndCycle) -> Draft:
    """EndCycle → draft; raises InvalidInput when it ends before it starts."""
    if request.started_at and request.ended_at and request.ended_at < request.started_at:
        raise InvalidInput(
            f"{request.ended_at.isoformat()} is before the start {request.started_at.isoformat()}",
            field="ended_at",
            rule="a cycle ends after it starts",
        )
    readings: list[Mapping[str, FieldValue]] = [
        {
            "sha256": reading.sha256,
            "content_sha256": reading.content_sha256,
            "format": reading.format,
            "source": reading.source,
            "unread_lines": reading.unread_lines,
        }
        for reading in request.readings
    ]
    return _draft(
        "CycleEnding",
        request,
        message={
            **_subject(request.cycle),
            "outcome": int(request.outcome),
            "verdict": int(request.verdict),
            "endedAt": _seconds(request.ended_at),
            "replaces": request.replaces,
        },
        facts={
            **request.machine_facts,
            **{f"verdict.{name}": value for name, value in request.verdict_facts.items()},
            "outcome": request.outcome.name.lower(),
            "verdict.result": request.verdict.name.lower(),
            "started_utc": _utc(request.started_at),
            "ended_utc": _utc(request.ended_at),
            **listed("readings", readings),
            **_amendment(request.replaces, request.circumstances),
        },
    )


def draft_load_declaration(request: DeclareLoad) -> Draft:
    """DeclareLoad → draft, its totals summed by class."""
    totals: dict[int, int] = {}
    for index, line in enumerate(request.lines):
        if line.quantity < 0:
            raise InvalidInput(
                f"{line.quantity} packages", field=f"lines.{index}.quantity", rule="0 or more"
            )
        totals[line.package_class] = totals.get(line.package_class, 0) + line.quantity
    for package_class, quantity in totals.items():
        if quantity > _MOST_PACKAGES:
            raise InvalidInput(
                f"adds up to {quantity} packages of class {package_class}",
                field="lines",
                rule=f"at most {_MOST_PACKAGES} of a class",
            )
    lines: list[Mapping[str, FieldValue]] = [
        {
            "owner": line.owner,
            "payer": line.payer,
            "package_class": line.package_class,
            "description": line.description,
            "quantity": line.quantity,
        }
        for line in request.lines
    ]
    return _draft(
        "LoadDeclaration",
        request,
        message={
            **_subject(request.cycle),
            "totals": [
                {"packageClass": package_class, "quantity": totals[package_class]}
                for package_class in sorted(totals)
            ],
            "replaces": request.replaces,
        },
        facts={
            **listed("lines", lines),
            **_amendment(request.replaces, request.circumstances),
        },
    )


def draft_cycle_decision(request: DecideCycle) -> Draft:
    """DecideCycle → draft, its shares in the contract's order."""
    shares = sorted(request.shares, key=lambda s: (s.owner, s.payer, s.package_class))
    rows: list[Mapping[str, FieldValue]] = [
        {
            "owner": share.owner,
            "payer": share.payer,
            "package_class": share.package_class,
            "delta": share.delta,
        }
        for share in shares
    ]
    return _draft(
        "CycleDecision",
        request,
        message={
            **_subject(request.cycle),
            "kind": int(request.decision),
            "ending": request.ending,
            "load": request.load,
            "replaces": request.replaces,
            "shares": [
                {
                    "owner": share.owner,
                    "payer": share.payer,
                    "packageClass": share.package_class,
                    "delta": share.delta,
                }
                for share in shares
            ],
        },
        facts={
            "decision": request.decision.name.lower(),
            "scope": "whole_cycle",
            "judged_ending": hex_or_none(request.ending),
            "judged_load": hex_or_none(request.load),
            "supersedes": hex_or_none(request.replaces),
            **_results(request),
            **listed("shares", rows),
        },
    )


def _draft(
    kind: str,
    request: OpenCycle | EndCycle | DeclareLoad | DecideCycle,
    *,
    message: Mapping[str, object],
    facts: Mapping[str, FieldValue],
) -> Draft:
    return Draft(
        kind=KINDS[kind],
        unit=request.cycle.machine.unit,
        message={**message, "signedBy": signer_id(request.signer)},  # type: ignore[dict-item]
        facts={**request.cycle.facts(), **facts},
        personal={},
        keys={Party.SIGNER: request.signer},
        circumstances=request.circumstances,
    )


def _subject(cycle: CycleReference) -> dict[str, object]:
    return {"cycle": cycle.id, "unit": cycle.machine.unit}


def _amendment(replaces: Digest, circumstances: Circumstances) -> dict[str, FieldValue]:
    if replaces != ZERO_DIGEST and circumstances.reason is None:
        raise InvalidInput("is not entered", field="reason", rule="an amendment states its reason")
    return {"supersedes": hex_or_none(replaces)}


def _results(request: DecideCycle) -> dict[str, FieldValue]:
    unknown = sorted(set(request.results) - set(RESULT_NAMES))
    if unknown:
        raise InvalidInput(
            f"{', '.join(unknown)} is not a monitoring result",
            field="results",
            rule=f"one of {', '.join(RESULT_NAMES)}",
        )
    _require_consistent_results(request)
    return {f"results.{name}": request.results.get(name, "not_entered") for name in RESULT_NAMES}


def _require_consistent_results(request: DecideCycle) -> None:
    """A release does not contradict the results that it states.

    Source: WS 310.3-2016 §4.4: a load whose monitoring failed is not released.
    """
    if request.decision not in RELEASES:
        return
    failed = sorted(name for name, word in request.results.items() if word in {"fail", "invalid"})
    if failed:
        raise InvalidInput(
            f"{', '.join(failed)} did not pass",
            field="results",
            rule="a load with a failed or invalid monitoring result is not released",
            remedy="reject or hold it",
        )
    is_pending = request.results.get("biological") == "pending"
    if is_pending and request.decision is DecisionKind.RELEASE:
        raise InvalidInput(
            "is pending",
            field="results.biological",
            rule="a release before the biological result says so",
            remedy="decide release_biological_pending or emergency_release",
        )


def _seconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp())


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else instant_text(moment)
