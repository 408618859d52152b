"""Bytes + chain → report: the whole verification, without a database."""

from __future__ import annotations

from datetime import datetime

from ledger.domain.chain.deployment import Deployment
from ledger.domain.errors import InvalidInput
from ledger.domain.subjects.folding import SUBJECTS
from ledger.domain.subjects.states import UnitState
from ledger.evidence.belonging import by_digest
from ledger.evidence.claims import list_claims, list_node_alone
from ledger.evidence.cycle import read_cycle
from ledger.evidence.format import parse_evidence
from ledger.evidence.offline import Checked, SignatureVerifier, verify_offline
from ledger.evidence.onchain import EventReader, OnChain, verify_on_chain
from ledger.evidence.report import Report
from ledger.evidence.timeline import list_happenings, text_of


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
    happenings = list_happenings(checked, on_chain.times)
    node_alone = list_node_alone(checked, deployment)
    unit = _unit(checked)
    return Report(
        verified=is_trusted and not node_alone,
        is_trusted=is_trusted,
        node_alone=node_alone,
        fingerprint=deployment.fingerprint(),
        deployment=deployment.name,
        subject=checked.evidence.subject,
        unit=unit,
        unit_name=_unit_name(checked, unit),
        checked_at=now,
        timeline=happenings,
        cycle=read_cycle(checked, happenings),
        claims=list_claims(checked, on_chain, deployment, happenings, now),
    )


def _unit(checked: Checked) -> int | None:
    """The unit whose subject it is."""
    subject = checked.evidence.subject
    if subject.type == "unit":
        return int.from_bytes(subject.id)
    if subject.type in SUBJECTS:
        state = checked.view.find(SUBJECTS[subject.type], subject.id)
        found: int | None = getattr(state, "unit", None)
        return found
    itself = by_digest(checked.evidence.operations).get(subject.id)
    return None if itself is None else itself.unit or None


def _unit_name(checked: Checked, number: int | None) -> str | None:
    unit = checked.view.find(UnitState, number)
    admission = None if unit is None else by_digest(checked.ordered).get(unit.admission)
    return None if admission is None else text_of(admission.facts.get("name"))
