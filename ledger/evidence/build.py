"""What a step read from the database → an evidence file that has passed its own verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import SignerId, signer_id
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.operations import Kind, Operation, Party
from ledger.domain.records.commitments import FieldValue, prove, record_root
from ledger.domain.records.records import SUITE
from ledger.evidence.facts import describe
from ledger.evidence.offline import SignatureVerifier, verify_offline
from ledger.evidence.parse import parse_evidence
from ledger.evidence.rights import signers_of
from ledger.evidence.selection import Disclosed, Selection, select
from ledger.evidence.shape import (
    CYCLE_KINDS,
    SUPPORT_KINDS,
    BlockReference,
    ChainReference,
    Evidence,
    EvidenceOperation,
    HiddenPart,
    OpenedPart,
    Part,
    ProvenPart,
    RecordEvidence,
    Subject,
    part_root,
)
from ledger.evidence.support import needed_support
from ledger.evidence.write import evidence_to_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSource:
    """One part of a record as it is stored; fields and secret are None after erasure."""

    #: 32 bytes
    root: bytes
    fields: Mapping[str, FieldValue] | None
    #: 32 bytes
    secret: bytes | None

    def __repr__(self) -> str:
        """Never shows a secret."""
        return "PartSource(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSource:
    """One final operation with its record, signatures and place on the chain."""

    kind: Kind
    message: Mapping[str, Value]
    #: exactly the parties of the kind
    signatures: Mapping[Party, bytes]
    #: ERC-7913 bytes of the key of every party but the authority
    keys: Mapping[Party, bytes]
    facts: PartSource
    personal: PartSource
    place: ChainReference


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSources:
    """Everything that a file may be made of."""

    #: all operations of the cycle, in any order
    operations: Sequence[OperationSource]
    #: the unit's operations of the registry, in any order; more than needed does no harm
    registry: Sequence[OperationSource]
    #: the last block that the index holds
    as_of: BlockReference
    #: raw readings of the cycle's endings
    readings: Sequence[bytes] = ()


def build_evidence(
    subject: Subject,
    deployment: Deployment,
    sources: EvidenceSources,
    *,
    disclose: Selection,
    verify_signature: SignatureVerifier,
) -> bytes:
    """The file, checked by the verification's offline part before it is handed out.

    Raises InvalidInput when a pattern of `disclose` matches nothing or the file would be too long,
    and VerificationFailed when the sources do not hold together: then no file exists.
    """
    operations = _in_order(_entries(sources.operations, CYCLE_KINDS, deployment))
    if not operations:
        raise InvalidInput(
            "the cycle has no operation on the chain",
            field="cycle",
            rule="evidence is of what the chain has recorded",
            remedy="wait until its operations are final: steriledger status",
        )
    registry = _entries(sources.registry, SUPPORT_KINDS, deployment)
    needed = needed_support(subject, [entry for entry, _ in operations], [e for e, _ in registry])
    wanted = {entry.digest for entry in needed}
    support = _in_order([pair for pair in registry if pair[0].digest in wanted])
    shown = _disclose([*operations, *support], disclose)
    evidence = Evidence(
        suite=SUITE,
        as_of=sources.as_of,
        deployment=deployment,
        subject=subject,
        keys=_keys([*operations, *support]),
        operations=tuple(shown[: len(operations)]),
        support=tuple(shown[len(operations) :]),
        attachments=tuple(dict.fromkeys(sources.readings)) if disclose.attach_readings else (),
    )
    data = evidence_to_bytes(evidence)
    again = parse_evidence(data)
    verify_offline(again, deployment, verify_signature=verify_signature)
    return data


_Pair = tuple[EvidenceOperation, OperationSource]


def _entries(
    sources: Sequence[OperationSource], kinds: tuple[str, ...], deployment: Deployment
) -> list[_Pair]:
    pairs = []
    for source in sources:
        if source.kind.name not in kinds:
            continue
        operation = Operation(
            kind=source.kind,
            message=source.message,
            domain=deployment.domain_of(source.kind.contract),
        )
        entry = EvidenceOperation(
            operation=operation,
            digest=operation.digest,
            signatures=source.signatures,
            record=None,
            place=source.place,
        )
        pairs.append((entry, source))
    return pairs


def _in_order(pairs: Sequence[_Pair]) -> list[_Pair]:
    return sorted(pairs, key=lambda pair: pair[0].place.position)


def _keys(pairs: Sequence[_Pair]) -> dict[SignerId, bytes]:
    keys = {}
    for entry, source in pairs:
        for party, signer in signers_of(entry).items():
            key = source.keys.get(party)
            if key is None or signer_id(key) != signer:
                raise VerificationFailed(
                    f"the key of the {party.value} of {describe(entry)} is missing"
                )
            keys[signer] = key
    return keys


# ---------------------------------------------------------------- what is shown


def _disclose(pairs: Sequence[_Pair], selection: Selection) -> list[EvidenceOperation]:
    records = [
        (source.kind.schema, source.facts.fields or {}, source.personal.fields or {})
        for _, source in pairs
    ]
    chosen = select(records, selection)
    return [
        replace(entry, record=_record(entry, source, shown))
        for (entry, source), shown in zip(pairs, chosen, strict=True)
    ]


def _record(
    entry: EvidenceOperation, source: OperationSource, shown: Disclosed
) -> RecordEvidence | None:
    """As much of a record as was chosen; its stored roots are compared with what was signed."""
    if record_root(source.facts.root, source.personal.root) != entry.operation.message["record"]:
        raise VerificationFailed(
            f"the stored record of {describe(entry)} is not the one that was signed"
        )
    if not shown.facts and not shown.personal:
        return None
    return RecordEvidence(
        facts=_part(source.facts, shown.facts), personal=_part(source.personal, shown.personal)
    )


def _part(source: PartSource, paths: Sequence[str]) -> Part:
    if not paths or source.fields is None or source.secret is None:
        return HiddenPart(root=source.root)
    part: Part
    if len(paths) == len(source.fields):
        part = OpenedPart(secret=source.secret, fields=source.fields)
    else:
        part = ProvenPart(proof=prove(source.secret, source.fields, paths))
    if part_root(part) != source.root:
        raise VerificationFailed("a stored record does not lead to its own commitment")
    return part
