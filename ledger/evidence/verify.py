"""Bytes + chain → report: the whole verification, without a database."""

from __future__ import annotations

from datetime import datetime

from ledger.domain.chain.deployment import Deployment
from ledger.domain.errors import InvalidInput
from ledger.domain.subjects.accepted import integer
from ledger.evidence.claims import list_claims, list_node_alone
from ledger.evidence.offline import Checked, SignatureVerifier, verify_offline
from ledger.evidence.onchain import EventReader, OnChain, verify_on_chain
from ledger.evidence.parse import parse_evidence
from ledger.evidence.report import (
    Act,
    ComputedVerdict,
    MachinesWord,
    PersonsDecision,
    Report,
)
from ledger.evidence.shape import EvidenceOperation, in_chain_order, shown_facts
from ledger.evidence.timeline import (
    decision_word,
    list_acts,
    outcome_word,
    text_of,
    verdict_word,
)

_MACHINE_FACTS = frozenset(
    {"fault_code", "programme", "started", "ended", "started_utc", "ended_utc", "pressure_basis"}
)


def verify_evidence(
    data: bytes,
    chain: EventReader,
    deployment: Deployment | None,
    *,
    verify_signature: SignatureVerifier,
    now: datetime,
) -> Report:
    """The report on a file that holds in every part.

    `deployment` is what the reader trusts, from outside the file; None uses the file's own copy,
    and the report then says `verified=False` and the fingerprint that it rests on; so it does where
    a right in the file has nothing but the node's word.  Raises
    VerificationFailed at the first thing that does not hold, ChainUnavailable without an answer.
    """
    if now.tzinfo is None:
        raise InvalidInput("has no zone", field="now", rule="times are aware")
    evidence = parse_evidence(data)
    trusted = evidence.deployment if deployment is None else deployment
    checked = verify_offline(evidence, trusted, verify_signature=verify_signature)
    on_chain = verify_on_chain(checked, trusted, chain)
    return _report(checked, on_chain, trusted, is_trusted=deployment is not None, now=now)


def _report(
    checked: Checked, on_chain: OnChain, deployment: Deployment, *, is_trusted: bool, now: datetime
) -> Report:
    acts = list_acts(checked, on_chain.times)
    node_alone = list_node_alone(checked, deployment)
    return Report(
        verified=is_trusted and not node_alone,
        is_trusted=is_trusted,
        node_alone=node_alone,
        fingerprint=deployment.fingerprint(),
        deployment=deployment,
        subject=checked.evidence.subject,
        unit=integer(checked.history.opening.operation.message, "unit"),
        unit_name=_unit_name(checked),
        checked_at=now,
        timeline=acts,
        machine=_machine(checked.history.ending),
        computed=_computed(checked.history.ending),
        decision=_decision(checked, acts),
        claims=list_claims(checked, on_chain, deployment, acts, now),
    )


def _unit_name(checked: Checked) -> str | None:
    admission = in_chain_order(checked.evidence)[0]
    return text_of(shown_facts(admission).get("name"))


def _machine(ending: EvidenceOperation | None) -> MachinesWord | None:
    if ending is None:
        return None
    facts = {
        path: value
        for path, value in shown_facts(ending).items()
        if path.startswith("machine.") or path in _MACHINE_FACTS
    }
    return MachinesWord(
        outcome=outcome_word(integer(ending.operation.message, "outcome")), facts=facts
    )


def _computed(ending: EvidenceOperation | None) -> ComputedVerdict | None:
    if ending is None:
        return None
    facts = {
        path: value
        for path, value in shown_facts(ending).items()
        if path.startswith("verdict.") and path != "verdict.result"
    }
    return ComputedVerdict(
        result=verdict_word(integer(ending.operation.message, "verdict")), facts=facts
    )


def _decision(checked: Checked, acts: tuple[Act, ...]) -> PersonsDecision | None:
    entry = checked.history.decision
    if entry is None:
        return None
    return PersonsDecision(
        decision=decision_word(integer(entry.operation.message, "kind")),
        state=checked.history.state.word,
        act=next(act for act in acts if act.digest == entry.digest),
    )
