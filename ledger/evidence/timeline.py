"""Checked operations → what happened, in order, in the acts' own words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from ledger.domain.acts.vocabulary import Act, Message, integer
from ledger.domain.acts.words import Custody, Party
from ledger.domain.encoding.identifiers import SignerId
from ledger.domain.errors import VerificationFailed
from ledger.domain.records.commitments import FieldValue
from ledger.domain.subjects.states import ProposalState, SignerState
from ledger.evidence.belonging import by_digest
from ledger.evidence.offline import Checked
from ledger.evidence.report import Happening, Who
from ledger.evidence.shape import EvidenceOperation


def list_happenings(checked: Checked, times: Mapping[int, int]) -> tuple[Happening, ...]:
    """Every operation of the file; `times` is Unix seconds by height."""
    own = by_digest(checked.evidence.operations)
    return tuple(
        _happening(entry, checked, times[entry.place.block], is_own=entry.digest in own)
        for entry in checked.ordered
    )


def moment(seconds: int) -> datetime:
    """Aware, in UTC; raises VerificationFailed for what no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise VerificationFailed(f"{seconds} is no time that a calendar has") from None


def text_of(value: FieldValue | None) -> str | None:
    """A shown text; None when it was not entered or is not shown."""
    return value if isinstance(value, str) else None


def says(act: Act, message: Message) -> str:
    """An operation in words; what a statement packs may stand for nothing, since anybody packs."""
    try:
        return act.says(message)
    except ValueError:
        return f"a {act.name} that says nothing known"


def custody_of(checked: Checked, signer: SignerId) -> tuple[Custody, EvidenceOperation] | None:
    """Who holds a key, and by which operation it came; None when the file does not tell."""
    state = checked.view.find(SignerState, signer)
    for entry in checked.ordered:
        proposal = checked.view.find(ProposalState, entry.digest)
        if state is not None and state.enrolment == entry.digest:
            return state.custody, entry
        if state is None and proposal is not None and proposal.signer == signer:
            return proposal.custody, entry
    return None


def _happening(
    entry: EvidenceOperation, checked: Checked, mined_at: int, *, is_own: bool
) -> Happening:
    facts = entry.facts
    captured = text_of(facts.get("captured_at"))
    signers = entry.signers
    return Happening(
        kind=entry.act.name,
        operation=entry.digest,
        is_own=is_own,
        unit=entry.unit,
        what=says(entry.act, entry.message),
        who=tuple(_who(party, signers.get(party), checked) for party in entry.act.parties),
        printed=text_of(facts.get("ended") or facts.get("happened.text")),
        captured_at=None if captured is None else datetime.fromisoformat(captured),
        signed_at=moment(integer(entry.message, "signedAt")),
        mined_at=moment(mined_at),
        block=entry.place.block,
        facts=facts,
        personal=entry.people,
    )


def _who(party: Party, signer: SignerId | None, checked: Checked) -> Who:
    if signer is None:
        return Who(party=party, signer=None, custody=None, name=None)
    found = custody_of(checked, signer)
    if found is None:
        return Who(party=party, signer=signer, custody=None, name=None)
    custody, enrolment = found
    names = [each.recorded_as for each in enrolment.act.fields if each.is_personal]
    name = next((text_of(enrolment.people.get(str(path))) for path in names), None)
    return Who(party=party, signer=signer, custody=custody, name=name)
