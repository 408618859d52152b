"""What a step read from the database → an evidence file that has passed its own verification."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from ledger.domain.acts.vocabulary import Act, Message
from ledger.domain.acts.words import Party
from ledger.domain.chain.deployment import Deployment
from ledger.domain.custody.lines import package_subject
from ledger.domain.encoding.identifiers import SignerId, signer_id
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.operations import digest
from ledger.domain.records.commitments import FieldValue, prove, record_root
from ledger.domain.records.records import SUITE
from ledger.evidence.belonging import operations_of, packages_by_line, support_of
from ledger.evidence.format import evidence_to_bytes, parse_evidence
from ledger.evidence.offline import SignatureVerifier, verify_offline
from ledger.evidence.selection import Selection, select
from ledger.evidence.shape import (
    PACKAGE,
    BlockReference,
    ChainReference,
    Evidence,
    EvidenceOperation,
    HiddenPart,
    OpenedPart,
    Part,
    RecordEvidence,
    Subject,
    part_root,
)


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
class RecordSource:
    """A stored record."""

    facts: PartSource
    personal: PartSource


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSource:
    """One final operation with its record, signatures and place on the chain."""

    act: Act
    message: Message
    #: exactly the parties of the kind
    signatures: Mapping[Party, bytes]
    #: ERC-7913 bytes of the key of every party but the authority
    keys: Mapping[Party, bytes]
    #: None where it is not kept here, or not for the eyes of who asks
    record: RecordSource | None
    place: ChainReference


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSources:
    """Everything that a file may be made of."""

    #: the operations that these 32 bytes name, are the subjects of, or are brought by; in any
    #: order, and more than these does no harm
    find: Callable[[AbstractSet[bytes]], Iterable[OperationSource]]
    #: the last block that the index holds
    as_of: BlockReference
    #: a raw reading by its SHA-256 in hexadecimal digits; None where there is none
    find_reading: Callable[[str], bytes | None] = lambda _sha256: None


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
    operations, support, known = _gather(subject, deployment, sources)
    package = subject.id if subject.type == PACKAGE else None
    shown = _disclose([*operations, *support], known, disclose, package)
    evidence = Evidence(
        suite=SUITE,
        as_of=sources.as_of,
        deployment=deployment,
        subject=subject,
        keys=_keys([*operations, *support], known),
        operations=tuple(shown[: len(operations)]),
        support=tuple(shown[len(operations) :]),
        attachments=(),
    )
    if disclose.attach_readings:
        readings = _readings(evidence, known, sources.find_reading)
        evidence = replace(evidence, attachments=readings)
    data = evidence_to_bytes(evidence)
    verify_offline(parse_evidence(data), deployment, verify_signature=verify_signature)
    return data


def _gather(
    subject: Subject, deployment: Deployment, sources: EvidenceSources
) -> tuple[list[EvidenceOperation], list[EvidenceOperation], Mapping[bytes, OperationSource]]:
    """The subject's operations, those that they rest on, and what all were read from, by digest.

    They are asked for until nothing is missing.
    """
    known: dict[bytes, OperationSource] = {}
    entries: dict[bytes, EvidenceOperation] = {}
    asked: set[bytes] = set()
    wanted = {subject.id}
    operations: list[EvidenceOperation] = []
    support: list[EvidenceOperation] = []
    while new := wanted - asked:
        asked |= new
        for source in sources.find(new):
            entry = _entry(source, deployment, opened=subject.type == PACKAGE)
            entries[entry.digest], known[entry.digest] = entry, source
        operations = operations_of(subject.id, entries.values())
        own = {entry.digest for entry in operations}
        others = [entry for entry in entries.values() if entry.digest not in own]
        support, references = support_of(operations, others)
        wanted |= {entry.digest for entry in (*operations, *support)}
        wanted |= references.named | references.subjects.keys()
    if not operations:
        raise InvalidInput(
            "the chain has nothing about it",
            field=subject.type,
            rule="evidence is of what the chain has recorded",
            remedy="wait until its operations are final: steriledger status",
        )
    return operations, support, known


def _entry(source: OperationSource, deployment: Deployment, *, opened: bool) -> EvidenceOperation:
    """The operation; `opened`: with its facts, by which a package's operations are found."""
    domain = deployment.domain_of(source.act.contract)
    return EvidenceOperation(
        act=source.act,
        message=source.message,
        digest=digest(source.act, source.message, domain),
        signatures=source.signatures,
        record=_opened(source.record) if opened else None,
        place=source.place,
    )


def _opened(source: RecordSource | None) -> RecordEvidence | None:
    if source is None or source.facts.secret is None or source.facts.fields is None:
        return None
    facts = OpenedPart(secret=source.facts.secret, fields=source.facts.fields)
    return RecordEvidence(facts=facts, personal=HiddenPart(root=source.personal.root))


def _keys(
    entries: Sequence[EvidenceOperation], known: Mapping[bytes, OperationSource]
) -> dict[SignerId, bytes]:
    keys = {}
    for entry in entries:
        for party, signer in entry.signers.items():
            key = known[entry.digest].keys.get(party)
            if key is None or signer_id(key) != signer:
                raise VerificationFailed(f"the key of the {party.value} of {entry} is missing")
            keys[signer] = key
    return keys


# ---------------------------------------------------------------- what is shown


def _disclose(
    entries: Sequence[EvidenceOperation],
    known: Mapping[bytes, OperationSource],
    selection: Selection,
    package: bytes | None,
) -> list[EvidenceOperation]:
    found = [(entry, known[entry.digest].record) for entry in entries]
    kept = [(entry, record) for entry, record in found if record is not None]
    chosen = select(
        (
            (entry.act.schema, record.facts.fields or {}, record.personal.fields or {})
            for entry, record in kept
        ),
        selection,
    )
    shown = {
        entry.digest: _record(
            entry, record, _of_package(facts, record, package, selection), personal
        )
        for (entry, record), (facts, personal) in zip(kept, chosen, strict=True)
    }
    return [replace(entry, record=shown.get(entry.digest)) for entry in entries]


def _of_package(
    paths: Sequence[str], record: RecordSource, package: bytes | None, selection: Selection
) -> Sequence[str]:
    """Of a list only the lines that name the package, and what its members may not read hidden."""
    if package is None:
        return paths
    fields = record.facts.fields or {}
    own = {
        f"{line}."
        for line, name in packages_by_line(fields).items()
        if package_subject(name) == package
    }
    return [
        path
        for path in paths
        if (not path.startswith("lines.") or any(path.startswith(line) for line in own))
        and not (path.endswith(".case") and fields["record.unit"] not in selection.case_units)
    ]


def _record(
    entry: EvidenceOperation, source: RecordSource, facts: Sequence[str], personal: Sequence[str]
) -> RecordEvidence | None:
    """As much of a record as was chosen; its stored roots are compared with what was signed."""
    if record_root(source.facts.root, source.personal.root) != entry.message["record"]:
        raise VerificationFailed(f"the stored record of {entry} is not the one that was signed")
    if not facts and not personal:
        return None
    return RecordEvidence(
        facts=_part(source.facts, facts), personal=_part(source.personal, personal)
    )


def _part(source: PartSource, paths: Sequence[str]) -> Part:
    if not paths or source.fields is None or source.secret is None:
        return HiddenPart(root=source.root)
    part: Part
    if len(paths) == len(source.fields):
        part = OpenedPart(secret=source.secret, fields=source.fields)
    else:
        part = prove(source.secret, source.fields, paths)
    if part_root(part) != source.root:
        raise VerificationFailed("a stored record does not lead to its own commitment")
    return part


def _readings(
    evidence: Evidence,
    known: Mapping[bytes, OperationSource],
    find: Callable[[str], bytes | None],
) -> tuple[bytes, ...]:
    """The readings that the subject's records name, each of them by a fact that is shown."""
    readings: dict[bytes, None] = {}
    for entry in evidence.operations:
        record = known[entry.digest].record
        for path, value in ((record.facts.fields if record else None) or {}).items():
            raw = find(str(value)) if path.endswith(".sha256") else None
            if raw is None:
                continue
            if path not in entry.facts:
                raise InvalidInput(
                    f"the fact that names a reading of {entry} is not disclosed",
                    field="readings",
                    rule="a reading is attached where a shown fact names it",
                    remedy=f"disclose {entry.act.schema}:{path} as well",
                )
            readings[raw] = None
    return tuple(readings)
