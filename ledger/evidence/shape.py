"""What an evidence file holds, once it is parsed: frozen, and free of any judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import CycleId, Digest, EquipmentId, SignerId
from ledger.domain.operations import Operation, Party
from ledger.domain.records.commitments import (
    FieldValue,
    SubtreeProof,
    proven_root,
    record_root,
    subtree_root,
)

FORMAT = "steriledger-evidence/1"
MAX_FILE_BYTES = 1024 * 1024
#: objects and lists inside each other; the format itself needs seven
MAX_DEPTH_OF_NESTING = 8
MAX_OPERATIONS = 256
MAX_SUPPORT = 1024
MAX_KEYS = 1024
#: an RSA-4096 key with its verifier has about 1,100 bytes
MAX_KEY_BYTES = 4096
#: a passkey's signature with its client data has about 700 bytes
MAX_SIGNATURE_BYTES = 4096
MAX_PATH = 200
MAX_ATTACHMENTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The cycle that the file is about."""

    cycle: CycleId
    equipment: EquipmentId
    #: the counter epoch
    epoch: int
    #: the machine's own number
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockReference:
    """One block of one history."""

    number: int
    #: 32 bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReference:
    """Where the chain announced an operation."""

    block: BlockReference
    #: 32 bytes
    transaction: bytes
    #: of the announcing event, counted through the block
    log_index: int

    @property
    def position(self) -> tuple[int, int]:
        """Ascends in the order of the chain."""
        return self.block.number, self.log_index


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenPart:
    """A part of a record of which nothing is shown, or which was erased."""

    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPart:
    """A part of a record that is shown whole: its secret replaces every salt and position."""

    #: 32 bytes
    secret: bytes
    fields: Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenPart:
    """A part of a record of which some fields are shown."""

    proof: SubtreeProof


Part: TypeAlias = HiddenPart | OpenedPart | ProvenPart


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvidence:
    """As much of one record as the file shows."""

    facts: Part
    personal: Part

    def root(self) -> bytes:
        """The commitment that the parts lead to; raises VerificationFailed or InvalidInput."""
        return record_root(part_root(self.facts), part_root(self.personal))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceOperation:
    """One signed operation with its record and its place on the chain."""

    operation: Operation
    #: of `operation`; computed once, never read from the file
    digest: Digest
    #: exactly the parties of the kind
    signatures: Mapping[Party, bytes]
    #: None when nothing of the record is shown
    record: RecordEvidence | None
    place: ChainReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One evidence file."""

    #: the algorithms, see ledger.domain.records.records
    suite: str
    #: the head that the exporter had followed; complete up to here
    as_of: BlockReference
    #: the file's own copy, which proves nothing about itself
    deployment: Deployment
    subject: Subject
    #: ERC-7913 bytes of every signer but the authority
    keys: Mapping[SignerId, bytes]
    #: the operations of the cycle, in the chain's order
    operations: tuple[EvidenceOperation, ...]
    #: the registry's operations that they rest on, in the chain's order
    support: tuple[EvidenceOperation, ...]
    #: raw readings, whose SHA-256 are facts
    attachments: tuple[bytes, ...]


def part_root(part: Part) -> bytes:
    """The root of one part; raises VerificationFailed or InvalidInput when it is malformed."""
    if isinstance(part, HiddenPart):
        return part.root
    if isinstance(part, OpenedPart):
        return subtree_root(part.secret, part.fields)
    return proven_root(part.proof)


def shown_fields(part: Part) -> Mapping[str, FieldValue]:
    """The fields of one part that the file shows."""
    if isinstance(part, HiddenPart):
        return {}
    if isinstance(part, OpenedPart):
        return part.fields
    return {field.path: field.value for field in part.proof.shown}


def shown_facts(operation: EvidenceOperation) -> Mapping[str, FieldValue]:
    """The facts of an operation's record that the file shows."""
    return {} if operation.record is None else shown_fields(operation.record.facts)


def shown_people(operation: EvidenceOperation) -> Mapping[str, FieldValue]:
    """The personal fields of an operation's record that the file shows."""
    return {} if operation.record is None else shown_fields(operation.record.personal)


def in_chain_order(evidence: Evidence) -> list[EvidenceOperation]:
    """All operations of the file, as the chain recorded them."""
    return sorted((*evidence.support, *evidence.operations), key=lambda entry: entry.place.position)


#: The kinds of the cycle itself, and those that it may rest on.
CYCLE_KINDS = ("CycleOpening", "CycleEnding", "LoadDeclaration", "CycleDecision")
SUPPORT_KINDS = (
    "UnitAdmission",
    "SignerEnrolment",
    "SignerRevocation",
    "RecoveryProposal",
    "EquipmentRegistration",
    "EquipmentChange",
    "RecordErasure",
)
