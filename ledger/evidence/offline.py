"""Evidence → what holds without a chain: belonging, signatures, the contracts' rules, records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from ledger.domain.acts.words import Party
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import SteriLedgerError, VerificationFailed
from ledger.domain.records.records import SUITE
from ledger.domain.subjects.folding import SUBJECTS, Memory
from ledger.evidence.belonging import References, named_packages, operations_of, support_of
from ledger.evidence.records import verify_record
from ledger.evidence.replay import Replayed, replay
from ledger.evidence.shape import ANYTHING, OPERATION, PACKAGE, Evidence, EvidenceOperation, Subject


class SignatureVerifier(Protocol):
    """As ledger.keys.signers.verify_signature: None, or VerificationFailed."""

    def __call__(
        self, signer: bytes, digest: bytes, signature: bytes, *, verifiers: Mapping[bytes, str]
    ) -> None:
        """Raise unless `signature` is over `digest` by the ERC-7913 `signer`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Evidence that holds together; the chain was not asked yet."""

    evidence: Evidence
    #: all operations of the file, in the chain's order
    ordered: Sequence[EvidenceOperation]
    #: what they rest on
    references: References
    replayed: Replayed

    @property
    def view(self) -> Memory:
        """The states that the operations leave behind."""
        return self.replayed.view


def verify_offline(
    evidence: Evidence, deployment: Deployment, *, verify_signature: SignatureVerifier
) -> Checked:
    """Everything that needs no chain: all but the signatures of an authority that is a contract.

    Raises VerificationFailed at the first thing that does not hold.
    """
    _require_deployment(evidence, deployment)
    if evidence.suite != SUITE:
        raise VerificationFailed(f"{evidence.suite!r} is unknown", field="suite", rule=SUITE)
    ordered = evidence.in_chain_order()
    _require_order(evidence, ordered)
    references = _require_belonging(evidence)
    _require_keys(evidence, ordered)
    for entry in ordered:
        _verify_signatures(entry, evidence, verify_signature)
    replayed = replay(ordered, evidence.keys)
    _require_type(evidence.subject, evidence.operations, replayed.view)
    for entry in ordered:
        verify_record(entry, replayed.view)
    _verify_attachments(evidence)
    return Checked(evidence=evidence, ordered=ordered, references=references, replayed=replayed)


def _require_deployment(evidence: Evidence, deployment: Deployment) -> None:
    if evidence.deployment != deployment:
        raise VerificationFailed(
            f"the file is of the deployment {to_hex(evidence.deployment.fingerprint())}, "
            f"not of the one that you trust, {to_hex(deployment.fingerprint())}",
            field="deployment",
            remedy="ask the group for its deployment file by a way that you trust",
        )


def _require_order(evidence: Evidence, ordered: Sequence[EvidenceOperation]) -> None:
    for entries in (evidence.operations, evidence.support):
        for before, after in pairwise(entries):
            if before.position >= after.position:
                raise VerificationFailed(
                    f"{after} stands after a later one",
                    rule="operations stand in the order of the chain",
                )
    if len({entry.digest for entry in ordered}) != len(ordered):
        raise VerificationFailed("one operation stands twice in the file")
    if len({entry.position for entry in ordered}) != len(ordered):
        raise VerificationFailed("two operations claim one place on the chain")
    if ordered[-1].place.block > evidence.as_of.number:
        raise VerificationFailed(
            "an operation lies after the block up to which the file claims to be complete",
            field="asOf",
        )


def _require_belonging(evidence: Evidence) -> References:
    """Each list holds what belongs there; whether something is missing, rules and chain tell."""
    own = operations_of(evidence.subject.id, (*evidence.operations, *evidence.support))
    support, references = support_of(evidence.operations, evidence.support)
    for name, held, belonging in (
        ("operations", evidence.operations, own),
        ("support", evidence.support, support),
    ):
        digests = {entry.digest for entry in belonging}
        strangers = [entry for entry in held if entry.digest not in digests]
        if strangers or len(belonging) != len(held):
            what = f"{strangers[0]} does not belong there" if strangers else "one is elsewhere"
            raise VerificationFailed(
                what,
                field=name,
                rule="operations are about the subject; support is what they rest on, no more",
            )
    return references


def _require_type(subject: Subject, operations: Sequence[EvidenceOperation], view: Memory) -> None:
    """The subject is what the file calls it."""
    number = int.from_bytes(subject.id)
    types = [
        name
        for name, cls in SUBJECTS.items()
        if view.find(cls, number if name == "unit" else subject.id) is not None
    ]
    if subject.id in {entry.digest for entry in operations}:
        types.append(OPERATION)
    if any(subject.id in named_packages(entry) for entry in operations):
        types.append(PACKAGE)
    if subject.type not in (types or [ANYTHING]):
        raise VerificationFailed(
            f"{to_hex(subject.id)} is not what the file calls it",
            field="subject.type",
            rule=" or ".join(types) or f"{ANYTHING}: something else that is spoken about",
        )


def _require_keys(evidence: Evidence, ordered: Sequence[EvidenceOperation]) -> None:
    used = {signer for entry in ordered for signer in entry.signers.values()}
    if used != evidence.keys.keys():
        odd = sorted(used ^ evidence.keys.keys())
        raise VerificationFailed(
            f"the key {to_hex(odd[0])} is missing, or nothing was signed with it", field="keys"
        )


def _verify_signatures(
    entry: EvidenceOperation, evidence: Evidence, verify_signature: SignatureVerifier
) -> None:
    deployment = evidence.deployment
    keys = {party: evidence.keys[signer] for party, signer in entry.signers.items()}
    if Party.AUTHORITY in entry.signatures and not deployment.is_authority_a_contract:
        keys[Party.AUTHORITY] = deployment.authority
    for party, key in keys.items():
        try:
            verify_signature(
                key, entry.digest, entry.signatures[party], verifiers=deployment.verifiers
            )
        except SteriLedgerError as error:
            raise VerificationFailed(
                f"the signature of the {party.value} of {entry} does not hold: {error.what}",
                rule=error.rule,
            ) from None


def _verify_attachments(evidence: Evidence) -> None:
    stated = {
        value
        for entry in evidence.operations
        for path, value in entry.facts.items()
        if path.endswith("sha256")
    }
    for index, raw in enumerate(evidence.attachments):
        if sha256(raw).hex() not in stated:
            raise VerificationFailed(
                "is nothing that a shown fact names by its SHA-256", field=f"attachments[{index}]"
            )
    if len(set(evidence.attachments)) != len(evidence.attachments):
        raise VerificationFailed("one document is attached twice", field="attachments")
