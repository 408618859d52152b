"""Operations → the registry's operations that they rest on, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from ledger.domain.encoding.identifiers import Digest, SignerId
from ledger.domain.operations import Party
from ledger.domain.subjects.accepted import word
from ledger.evidence.cycle import equipment_of
from ledger.evidence.rights import signers_of
from ledger.evidence.shape import EvidenceOperation, Subject

_GRANTS = frozenset({"UnitAdmission", "SignerEnrolment", "RecoveryProposal"})
_MACHINE = frozenset({"EquipmentRegistration", "EquipmentChange"})


def needed_support(
    subject: Subject,
    operations: Sequence[EvidenceOperation],
    candidates: Iterable[EvidenceOperation],
) -> list[EvidenceOperation]:
    """Those of `candidates` that the cycle's operations rest on, in the chain's order.

    The unit's admission; the enrolment of every key that signed one of them, and so on up to the
    admission; every revocation of such a key; the machine's registration and its changes before
    the opening; erasures of what the file holds.
    """
    found: list[EvidenceOperation] = []
    rest = list(candidates)
    opened = min(entry.place.position for entry in operations)
    while True:
        held = [*operations, *found]
        signers = {signer for entry in held for signer in signers_of(entry).values()}
        digests = {entry.digest for entry in held}
        new = [e for e in rest if _is_needed(e, subject, opened, signers, digests)]
        if not new:
            return sorted(found, key=lambda entry: entry.place.position)
        found += new
        taken = {entry.digest for entry in new}
        rest = [entry for entry in rest if entry.digest not in taken]


def _is_needed(
    entry: EvidenceOperation,
    subject: Subject,
    opened: tuple[int, int],
    signers: AbstractSet[SignerId],
    digests: AbstractSet[Digest],
) -> bool:
    kind, message = entry.operation.kind.name, entry.operation.message
    if kind == "UnitAdmission":
        return True
    if kind in _GRANTS:
        return signers_of(entry)[Party.NEW_KEY] in signers
    if kind == "SignerRevocation":
        return word(message, "signer") in signers
    if kind in _MACHINE:
        return equipment_of(entry) == subject.equipment and entry.place.position < opened
    return kind == "RecordErasure" and word(message, "subject") in digests
