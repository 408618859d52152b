"""What an evidence file holds, once it is parsed: frozen, and free of any judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ledger.domain.acts.rules import signers_of
from ledger.domain.acts.vocabulary import Act, Message, integer
from ledger.domain.acts.words import Party
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import Digest, SignerId
from ledger.domain.records.commitments import (
    FieldValue,
    SubtreeProof,
    proven_root,
    record_root,
    subtree_root,
)
from ledger.domain.subjects.folding import SUBJECTS

#: What a subject may be: what has a state, an operation, or whatever else statements are about.
OPERATION, ANYTHING = "operation", "about"
#: what records' lines name, and no event does
PACKAGE = "package"
SUBJECT_TYPES = (*SUBJECTS, OPERATION, PACKAGE, ANYTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the file is about."""

    #: one of SUBJECT_TYPES
    type: str
    #: 32 bytes, as its operations' events have them; a unit's are its number
    id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockReference:
    """One block of one history."""

    number: int
    #: 32 bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReference:
    """Where the chain announced an operation."""

    #: height
    block: int
    #: of the announcing event, counted through the block
    log_index: int

    @property
    def position(self) -> tuple[int, int]:
        """Ascends in the order of the chain."""
        return self.block, self.log_index


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


Part: TypeAlias = HiddenPart | OpenedPart | SubtreeProof


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

    act: Act
    message: Message
    #: computed once from message and deployment, never read from the file
    digest: Digest
    #: exactly the parties of the kind
    signatures: Mapping[Party, bytes]
    #: None when nothing of the record is shown
    record: RecordEvidence | None
    place: ChainReference

    @property
    def position(self) -> tuple[int, int]:
        """Ascends in the order of the chain."""
        return self.place.position

    @property
    def unit(self) -> int:
        """Who acted; 0 for the authority's statements."""
        return integer(self.message, "unit")

    @property
    def signers(self) -> Mapping[Party, SignerId]:
        """The ids of the keys that signed, the authority's left out."""
        return {p: SignerId(each) for p, each in signers_of(self.act, self.message).items()}

    @property
    def facts(self) -> Mapping[str, FieldValue]:
        """The facts of its record that the file shows."""
        return {} if self.record is None else shown_fields(self.record.facts)

    @property
    def people(self) -> Mapping[str, FieldValue]:
        """The personal fields of its record that the file shows."""
        return {} if self.record is None else shown_fields(self.record.personal)

    @property
    def is_whole(self) -> bool:
        """Whether every fact of its record is shown."""
        return self.record is not None and isinstance(self.record.facts, OpenedPart)

    def __str__(self) -> str:
        """Its kind and its place, in a sentence."""
        return f"the {self.act.name} in block {self.place.block}"


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
    #: ERC-7913 bytes of every signer but the authority, by id
    keys: Mapping[SignerId, bytes]
    #: the operations of the subject, in the chain's order
    operations: tuple[EvidenceOperation, ...]
    #: those that they rest on, in the chain's order
    support: tuple[EvidenceOperation, ...]
    #: raw documents, whose SHA-256 are facts
    attachments: tuple[bytes, ...]

    def in_chain_order(self) -> list[EvidenceOperation]:
        """All operations of the file, as the chain recorded them."""
        return sorted((*self.support, *self.operations), key=lambda entry: entry.position)


def part_root(part: Part) -> bytes:
    """The root of one part; raises VerificationFailed or InvalidInput when it is malformed."""
    if isinstance(part, HiddenPart):
        return part.root
    if isinstance(part, OpenedPart):
        return subtree_root(part.secret, part.fields)
    return proven_root(part)


def shown_fields(part: Part) -> Mapping[str, FieldValue]:
    """The fields of one part that the file shows."""
    if isinstance(part, HiddenPart):
        return {}
    if isinstance(part, OpenedPart):
        return part.fields
    return {field.path: field.value for field in part.shown}
