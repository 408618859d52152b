"""Stored operations → where each belongs and what it waited for, recomputed from its message."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    Digest,
    EquipmentId,
    UnitNumber,
    cycle_id,
    equipment_id,
)
from ledger.domain.operations import Kind
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.subjects.accepted import integer, items, word
from ledger.steps.accepting.standing import read_operation, unit_subject
from ledger.steps.auditing.beside import Beside, find_openings
from ledger.steps.auditing.evidence import Evidence
from ledger.storage.operations import MessageRow, OperationRow

_Message = Mapping[str, Value]

#: The member that names what an operation is about; the other kinds name it by several members.
_SUBJECTS: Mapping[str, str] = {
    "SignerEnrolment": "signer",
    "SignerRevocation": "signer",
    "EquipmentChange": "equipment",
    "RecoveryProposal": "signer",
    "RecoveryVeto": "proposal",
    "RecordErasure": "subject",
    "CycleEnding": "cycle",
    "LoadDeclaration": "cycle",
    "CycleDecision": "cycle",
}
#: Members that name an operation which has to come first.
_REFERENCES = ("replaces", "ending", "load", "proposal")
_SIGNERS = ("signedBy", "countersignedBy")


def check_place(
    evidence: Evidence, row: OperationRow, kind: Kind, message: _Message, beside: Beside
) -> None:
    """Subject, parent and what it replaces follow from the message; so does what it waited for."""
    opening = _find_opening(evidence, message, row, beside)
    for column, expected, found in (
        ("subject", _subject(kind.name, message), row.subject),
        ("parent", _parent(kind.name, message, opening), row.parent),
        ("replaces", message.get("replaces", ZERO_DIGEST), row.replaces),
    ):
        evidence.findings.compare("operations", row.digest, column, expected=expected, found=found)
    waits = set(beside.waits.get(row.digest, ()))
    for predecessor in waits:
        _check_predecessor(evidence, row, predecessor, beside)
    if row.state not in GIVEN_UP:
        for missing in sorted(_needed(message, opening, beside) - waits):
            evidence.findings.note(
                "operation_dependencies", row.digest, "predecessor", expected=missing, found=None
            )


def _subject(kind: str, message: _Message) -> bytes:
    if kind == "EquipmentRegistration":
        return equipment_id(UnitNumber(integer(message, "unit")), word(message, "serial"))
    if kind == "CycleOpening":
        return cycle_id(
            EquipmentId(word(message, "equipment")),
            integer(message, "epoch"),
            integer(message, "number"),
        )
    if kind in _SUBJECTS:
        return word(message, _SUBJECTS[kind])
    return unit_subject(integer(message, "unit"))


def _parent(kind: str, message: _Message, opening: MessageRow | None) -> object:
    if kind == "CycleOpening":
        return message["equipment"]
    return None if opening is None else read_operation(opening).message["equipment"]


def _find_opening(
    evidence: Evidence, message: _Message, row: OperationRow, beside: Beside
) -> MessageRow | None:
    """The opening of the cycle that a message names, the standing one if there is one."""
    if "cycle" not in message:
        return None
    cycle = word(message, "cycle")
    if cycle == row.subject:
        return beside.openings.get(cycle)
    return find_openings(evidence.ours, {cycle}).get(cycle)


def _check_predecessor(
    evidence: Evidence, row: OperationRow, predecessor: Digest, beside: Beside
) -> None:
    """It is an operation of ours that was accepted earlier, or one that others recorded."""
    before = beside.sequences.get(predecessor)
    if before is not None:
        if before >= row.sequence:
            evidence.findings.note(
                "operations",
                row.digest,
                "sequence",
                expected=f"after {before}, which it waited for",
                found=row.sequence,
            )
        return
    if evidence.chain is not None and predecessor not in beside.recorded:
        evidence.findings.note(
            "operation_dependencies",
            (row.digest, predecessor),
            "predecessor",
            expected="an operation",
            found=predecessor,
        )


def _needed(message: _Message, opening: MessageRow | None, beside: Beside) -> set[Digest]:
    """What the message cannot be without, as far as one can tell afterwards.

    What only had to come first, such as the machine's earlier opening, is not among it.
    """
    needed = {Digest(word(message, name)) for name in _REFERENCES if name in message}
    needed |= {beside.enrolment(word(message, name)) for name in _SIGNERS if name in message}
    if opening is not None:
        needed.add(opening.digest)
    if "subject" in message:
        needed.add(Digest(word(message, "subject")))
    for share in items(message, "shares") if "shares" in message else ():
        for name in ("owner", "payer"):
            needed.add(beside.admission(share[name]))
    return needed - {ZERO_DIGEST}
