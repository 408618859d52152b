"""Evidence → what holds without a chain: digests, commitments, signatures, rights, the cycle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Protocol, TypeAlias

from ledger.domain.chain.deployment import Deployment, Role
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import SignerId, signer_id, to_hex
from ledger.domain.errors import SteriLedgerError, VerificationFailed
from ledger.domain.operations import Party
from ledger.domain.records.records import SUITE
from ledger.evidence.cycle import CycleHistory, verify_cycle
from ledger.evidence.facts import describe, verify_record
from ledger.evidence.rights import Grant, signers_of, verify_rights
from ledger.evidence.shape import (
    Evidence,
    EvidenceOperation,
    in_chain_order,
    shown_facts,
)
from ledger.evidence.support import needed_support
from ledger.evidence.taken import verify_terms


class SignatureVerifier(Protocol):
    """As ledger.keys.signers.verify_signature: None, or VerificationFailed."""

    def __call__(
        self, signer: bytes, digest: bytes, signature: bytes, *, verifiers: Mapping[bytes, str]
    ) -> None:
        """Raise unless `signature` is over `digest` by the ERC-7913 `signer`."""


#: (signer, digest, signature) → None, or an error of our tree
SignatureCheck: TypeAlias = Callable[[bytes, bytes, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Evidence that holds together; the chain was not asked yet."""

    evidence: Evidence
    history: CycleHistory
    grants: Mapping[SignerId, Grant]


def verify_offline(
    evidence: Evidence, deployment: Deployment, *, verify_signature: SignatureVerifier
) -> Checked:
    """Everything that needs no chain: all but the signatures of an authority that is a contract.

    Raises VerificationFailed at the first thing that does not hold.
    """
    _verify_deployment(evidence, deployment)
    if evidence.suite != SUITE:
        raise VerificationFailed(f"{evidence.suite!r} is unknown", field="suite", rule=SUITE)
    ordered = in_chain_order(evidence)
    _verify_order(evidence, ordered)
    for entry in ordered:
        verify_terms(entry)
    history = verify_cycle(evidence)
    grants = verify_rights(ordered)
    _verify_nothing_idle(evidence)
    _verify_keys(evidence, ordered)
    check = _bind_signatures(deployment, verify_signature)
    for entry in ordered:
        verify_record(entry, evidence.subject, history.serial)
        _verify_signatures(entry, evidence.keys, check)
        if Party.AUTHORITY in entry.signatures and not deployment.is_authority_a_contract:
            _verify_party(entry, Party.AUTHORITY, deployment.authority, check)
    _verify_attachments(evidence)
    return Checked(evidence=evidence, history=history, grants=grants)


def _verify_deployment(evidence: Evidence, deployment: Deployment) -> None:
    if evidence.deployment != deployment:
        raise VerificationFailed(
            f"the file is of the deployment {to_hex(evidence.deployment.fingerprint())}, "
            f"not of the one that you trust, {to_hex(deployment.fingerprint())}",
            field="deployment",
            remedy="ask the group for its deployment file by a way that you trust",
        )


def _verify_order(evidence: Evidence, ordered: Sequence[EvidenceOperation]) -> None:
    for entries in (evidence.operations, evidence.support):
        for before, after in pairwise(entries):
            if before.place.position >= after.place.position:
                raise VerificationFailed(
                    f"{describe(after)} stands after a later one",
                    rule="operations stand in the order of the chain",
                )
    if len({entry.digest for entry in ordered}) != len(ordered):
        raise VerificationFailed("one operation stands twice in the file")
    if len({entry.place.position for entry in ordered}) != len(ordered):
        raise VerificationFailed("two operations claim one place on the chain")
    if ordered[-1].place.block.number > evidence.as_of.number:
        raise VerificationFailed(
            "an operation lies after the block up to which the file claims to be complete",
            field="asOf",
        )


def _verify_nothing_idle(evidence: Evidence) -> None:
    needed = needed_support(evidence.subject, evidence.operations, evidence.support)
    digests = {entry.digest for entry in needed}
    idle = [entry for entry in evidence.support if entry.digest not in digests]
    if idle:
        raise VerificationFailed(
            f"nothing in the file rests on {describe(idle[0])}", field="support"
        )


def _verify_keys(evidence: Evidence, ordered: Sequence[EvidenceOperation]) -> None:
    for identifier, key in evidence.keys.items():
        if signer_id(key) != identifier:
            raise VerificationFailed(
                f"the key {to_hex(key)} does not have the id {to_hex(identifier)}", field="keys"
            )
    used = {signer for entry in ordered for signer in signers_of(entry).values()}
    if used != set(evidence.keys):
        odd = sorted(used ^ set(evidence.keys))
        raise VerificationFailed(
            f"the key {to_hex(odd[0])} is missing, or nothing was signed with it", field="keys"
        )


def _verify_signatures(
    entry: EvidenceOperation, keys: Mapping[SignerId, bytes], check: SignatureCheck
) -> None:
    for party, signer in signers_of(entry).items():
        _verify_party(entry, party, keys[signer], check)


def _verify_party(
    entry: EvidenceOperation, party: Party, key: bytes, check: SignatureCheck
) -> None:
    """Raise VerificationFailed unless `party` signed the operation with `key`."""
    try:
        check(key, entry.digest, entry.signatures[party])
    except SteriLedgerError as error:
        raise VerificationFailed(
            f"the signature of the {party.value} of {describe(entry)} does not hold: {error.what}",
            rule=error.rule,
        ) from None


def _bind_signatures(deployment: Deployment, verify_signature: SignatureVerifier) -> SignatureCheck:
    """The verifier with the signature contracts that the deployment allows."""
    roles = (Role.P256_VERIFIER, Role.WEBAUTHN_VERIFIER)
    verifiers = {deployment.contracts[role].address: role.value for role in roles}
    return partial(verify_signature, verifiers=verifiers)


def _verify_attachments(evidence: Evidence) -> None:
    stated = {
        value
        for entry in evidence.operations
        for path, value in shown_facts(entry).items()
        if path.startswith("readings.") and path.endswith(".sha256")
    }
    for index, raw in enumerate(evidence.attachments):
        if sha256(raw).hex() not in stated:
            raise VerificationFailed(
                "is not a reading that a shown fact names by its SHA-256",
                field=f"attachments[{index}]",
            )
    if len(set(evidence.attachments)) != len(evidence.attachments):
        raise VerificationFailed("one reading is attached twice", field="attachments")
