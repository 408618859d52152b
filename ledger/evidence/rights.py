"""Operations in chain order → who was allowed to sign them, up to the authority.

The rules are contracts/UnitRegistry.sol's: a unit is admitted by the authority with its first
administrator; administrators enrol and revoke keys; revocation is judged by the chain's order,
expiry against `signedAt`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ledger.domain.encoding.identifiers import SignerId
from ledger.domain.errors import VerificationFailed
from ledger.domain.operations import Custody, Duty, Party
from ledger.domain.subjects.accepted import integer, word
from ledger.evidence.facts import describe
from ledger.evidence.shape import EvidenceOperation

#: The member of a message that names the signer of each party; the authority has no signer id.
_NEW_KEY: Mapping[str, str] = {
    "UnitAdmission": "administrator",
    "SignerEnrolment": "signer",
    "RecoveryProposal": "signer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a key was allowed to do, and by which operation."""

    signer: SignerId
    unit: int
    duties: Duty
    custody: Custody
    #: Unix seconds
    valid_from: int
    #: Unix seconds; 0 means no expiry
    valid_until: int
    granted_by: EvidenceOperation
    #: the operation that ended it, as far as the file holds it
    revoked_by: EvidenceOperation | None = None


def signers_of(entry: EvidenceOperation) -> Mapping[Party, SignerId]:
    """Who signs an operation, the authority left out."""
    names = {
        Party.SIGNER: "signedBy",
        Party.COUNTERSIGNER: "countersignedBy",
        Party.NEW_KEY: _NEW_KEY.get(entry.operation.kind.name, ""),
    }
    return {
        party: SignerId(word(entry.operation.message, names[party]))
        for party in entry.operation.kind.parties
        if party is not Party.AUTHORITY
    }


def verify_rights(ordered: Sequence[EvidenceOperation]) -> Mapping[SignerId, Grant]:
    """Every key's right; raises VerificationFailed at the first operation that had none.

    `ordered` is all operations of a file, as the chain recorded them.
    """
    grants: dict[SignerId, Grant] = {}
    for entry in ordered:
        _verify_unit(entry, ordered[0])
        for party, signer in signers_of(entry).items():
            if party is not Party.NEW_KEY:
                _verify_right(entry, grants.get(signer))
        _verify_two_signers(entry)
        _apply(entry, grants)
    return grants


def _verify_unit(entry: EvidenceOperation, first: EvidenceOperation) -> None:
    unit, expected = (integer(e.operation.message, "unit") for e in (entry, first))
    if first.operation.kind.name != "UnitAdmission":
        raise VerificationFailed(
            "the file does not begin with the unit's admission by the authority",
            field="support",
            rule="every right goes back to an admission",
        )
    if unit != expected:
        raise VerificationFailed(f"{describe(entry)} is of unit {unit}, the others of {expected}")


def _verify_right(entry: EvidenceOperation, grant: Grant | None) -> None:
    name, message = describe(entry), entry.operation.message
    duty = entry.operation.kind.duty
    if grant is None:
        raise VerificationFailed(
            f"the file does not show that the key which signed {name} was enrolled before it",
            field="support",
            rule="every signer is enrolled by an administrator, up to the unit's admission",
        )
    if grant.revoked_by is not None:
        block = grant.revoked_by.place.block.number
        raise VerificationFailed(
            f"the key which signed {name} was revoked in block {block}",
            rule="revocation is terminal, in the order of the chain",
        )
    if duty is None or duty not in grant.duties:
        raise VerificationFailed(
            f"the key which signed {name} was not enrolled for that", rule=f"duty {duty!r}"
        )
    signed_at = integer(message, "signedAt")
    if signed_at < grant.valid_from or (grant.valid_until and signed_at > grant.valid_until):
        raise VerificationFailed(
            f"the key which signed {name} was not valid when it signed",
            rule="signedAt lies within the key's validity",
        )


def _verify_two_signers(entry: EvidenceOperation) -> None:
    signers = list(signers_of(entry).values())
    if len(set(signers)) != len(signers):
        raise VerificationFailed(f"one key signed {describe(entry)} in two parts")


def _apply(entry: EvidenceOperation, grants: dict[SignerId, Grant]) -> None:
    kind, message = entry.operation.kind.name, entry.operation.message
    if kind == "SignerRevocation":
        _revoke(entry, grants)
    elif kind == "SignerEnrolment":
        _grant(
            entry,
            grants,
            duties=Duty(integer(message, "duties")),
            valid_from=integer(message, "validFrom"),
        )
    elif kind in _NEW_KEY:
        _grant(entry, grants, duties=Duty.ADMINISTER, valid_from=integer(message, "signedAt"))


def _grant(
    entry: EvidenceOperation, grants: dict[SignerId, Grant], *, duties: Duty, valid_from: int
) -> None:
    message = entry.operation.message
    signer = signers_of(entry)[Party.NEW_KEY]
    if signer in grants:
        raise VerificationFailed(f"{describe(entry)} enrols a key that was enrolled already")
    grants[signer] = Grant(
        signer=signer,
        unit=integer(message, "unit"),
        duties=duties,
        custody=Custody(integer(message, "custody")),
        valid_from=valid_from,
        valid_until=integer(message, "validUntil"),
        granted_by=entry,
    )


def _revoke(entry: EvidenceOperation, grants: dict[SignerId, Grant]) -> None:
    signer = SignerId(word(entry.operation.message, "signer"))
    grant = grants.get(signer)
    if grant is None or grant.revoked_by is not None:
        raise VerificationFailed(f"{describe(entry)} revokes a key that is not enrolled")
    grants[signer] = replace(grant, revoked_by=entry)
