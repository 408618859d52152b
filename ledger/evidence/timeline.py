"""Checked operations → what happened, in order, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from ledger.domain.decisions import DecisionKind
from ledger.domain.encoding.identifiers import SignerId
from ledger.domain.errors import VerificationFailed
from ledger.domain.operations import Custody, EquipmentState, Outcome, Party, Verdict
from ledger.domain.records.commitments import FieldValue
from ledger.domain.subjects.accepted import integer, items
from ledger.evidence.offline import Checked
from ledger.evidence.report import Act, Who
from ledger.evidence.rights import Grant, signers_of
from ledger.evidence.shape import (
    EvidenceOperation,
    in_chain_order,
    shown_facts,
    shown_people,
)


def list_acts(checked: Checked, times: Mapping[int, int]) -> tuple[Act, ...]:
    """Every operation of the file as an act; `times` is Unix seconds by height."""
    return tuple(
        _act(entry, checked.grants, times[entry.place.block.number])
        for entry in in_chain_order(checked.evidence)
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


def _act(entry: EvidenceOperation, grants: Mapping[SignerId, Grant], mined_at: int) -> Act:
    facts = shown_facts(entry)
    captured = text_of(facts.get("captured_at"))
    return Act(
        kind=entry.operation.kind.name,
        digest=entry.digest,
        what=_what(entry),
        who=_who(entry, grants),
        printed=text_of(facts.get("ended") or facts.get("happened.text")),
        captured_at=None if captured is None else datetime.fromisoformat(captured),
        signed_at=moment(integer(entry.operation.message, "signedAt")),
        mined_at=moment(mined_at),
        block=entry.place.block.number,
        facts=facts,
        personal=shown_people(entry),
    )


def _who(entry: EvidenceOperation, grants: Mapping[SignerId, Grant]) -> tuple[Who, ...]:
    signers = signers_of(entry)
    return tuple(
        _one(party, signers[party], grants[signers[party]])
        if party in signers
        else Who(party=party, signer=None, custody=None, name=None)
        for party in entry.operation.kind.parties
    )


def _one(party: Party, signer: SignerId, grant: Grant) -> Who:
    people = shown_people(grant.granted_by)
    name = people.get("signer_name") or people.get("administrator_name")
    return Who(party=party, signer=signer, custody=grant.custody, name=text_of(name))


# ---------------------------------------------------------------- in words


def _what(entry: EvidenceOperation) -> str:
    kind, message = entry.operation.kind.name, entry.operation.message
    if kind == "CycleEnding":
        outcome = outcome_word(integer(message, "outcome"))
        verdict = verdict_word(integer(message, "verdict"))
        again = "the ending was amended" if any(_bytes(message["replaces"])) else "the cycle ended"
        return f"{again}: the machine says {outcome}, the computed verdict is {verdict}"
    if kind == "LoadDeclaration":
        totals = ", ".join(
            f"{total['quantity']!r} of class {total['packageClass']!r}"
            for total in items(message, "totals")
        )
        return f"the load was declared: {totals}"
    if kind == "CycleDecision":
        return f"a person decided: {decision_word(integer(message, 'kind'))}{_shares(entry)}"
    if kind == "EquipmentChange":
        state = EquipmentState(integer(message, "state")).name.lower().replace("_", " ")
        return f"the machine was changed: {state}, counter epoch {integer(message, 'epoch')}"
    return _WORDS[kind]


_WORDS: Mapping[str, str] = {
    "UnitAdmission": "the unit and its first administrator were admitted",
    "SignerEnrolment": "a key was enrolled",
    "SignerRevocation": "a key was revoked",
    "RecoveryProposal": "the authority proposed a new administrator",
    "EquipmentRegistration": "the machine was registered",
    "RecordErasure": "the personal fields of a record were erased",
    "CycleOpening": "the cycle was opened",
}


def _shares(entry: EvidenceOperation) -> str:
    shares = items(entry.operation.message, "shares")
    count = sum(share["delta"] for share in shares if isinstance(share["delta"], int))
    return f", {count:+d} packages in {len(shares)} shares" if shares else ""


def outcome_word(value: int) -> str:
    """The machine's own word."""
    return _word(Outcome, value)


def verdict_word(value: int) -> str:
    """The computed verdict."""
    return _word(Verdict, value)


def decision_word(value: int) -> str:
    """A person's decision."""
    return _word(DecisionKind, value)


def custody_word(custody: Custody) -> str:
    """Who holds a key."""
    return custody.name.lower()


def _word(of: type[Outcome | Verdict | DecisionKind], value: int) -> str:
    try:
        return of(value).name.lower()
    except ValueError:
        raise VerificationFailed(f"{value} is no {of.__name__}") from None


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
