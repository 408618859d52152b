"""Which operations belong into a file: those of its subject, and those that they rest on.

An operation is of a subject when it is about it, brings it, is it, or is about one of the
subject's operations: an erasure of one, a comment on one.  It rests on what its rules read, as
`touched` declares it (who acts, with which key, on which machine), and on what its message names;
those rest on others in turn, up to the admissions that the authority signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from ledger.domain.acts.vocabulary import Named, unit_subject, word
from ledger.domain.encoding.identifiers import ZERO_DIGEST
from ledger.domain.subjects.folding import SUBJECTS, touched
from ledger.domain.subjects.states import WitnessState
from ledger.evidence.shape import EvidenceOperation

#: Where an operation stands: block, and event within it.
Position: TypeAlias = tuple[int, int]


def subjects_of(entry: EvidenceOperation) -> frozenset[bytes]:
    """What an operation is about, and what it brings beside that; 32 bytes each."""
    also = entry.act.also_of(entry.message)
    about = entry.act.subject_of(entry.message)
    return frozenset({about, also} if also else {about})


def operations_of(
    subject: bytes, candidates: Iterable[EvidenceOperation]
) -> list[EvidenceOperation]:
    """Those of `candidates` that are of the subject, in the chain's order."""
    rest = [(entry, subjects_of(entry)) for entry in candidates]
    found, ids = list[EvidenceOperation](), {subject}
    while new := [e for e, about in rest if e.digest == subject or not ids.isdisjoint(about)]:
        found += new
        ids |= {entry.digest for entry in new}
        rest = [pair for pair in rest if pair[0].digest not in ids]
    return sorted(found, key=lambda entry: entry.position)


_WITH_STATE = frozenset(SUBJECTS.values())


@dataclass(slots=True)
class References:
    """What operations rest on."""

    #: subjects, each with the place of the last operation that reads its state
    subjects: dict[bytes, Position] = field(default_factory=dict)
    #: operations that are named by their digests
    named: set[bytes] = field(default_factory=set)

    def add(self, entry: EvidenceOperation) -> None:
        """Remember what one operation rests on."""
        for cls, (key, *_) in touched(entry.act, entry.message):
            about = unit_subject(key) if isinstance(key, int) else cast("bytes", key)
            if cls in _WITH_STATE:
                last = self.subjects.get(about, entry.position)
                self.subjects[about] = max(last, entry.position)
            elif cls is WitnessState:
                self.named.add(about)
        for each in entry.act.fields:
            if each.signed_as and isinstance(each.of, Named) and each.of.what == "operation":
                self.named.add(word(entry.message, each.signed_as))
        self.named.discard(ZERO_DIGEST)


def support_of(
    operations: Sequence[EvidenceOperation], candidates: Iterable[EvidenceOperation]
) -> tuple[list[EvidenceOperation], References]:
    """Those of `candidates` that the operations rest on, in order; and what all of them rest on."""
    rest = [(entry, subjects_of(entry)) for entry in candidates]
    found, references = list[EvidenceOperation](), References()
    for entry in operations:
        references.add(entry)
    held: set[bytes] = {entry.digest for entry in operations}
    while new := [entry for entry, about in rest if _is_needed(entry, about, references, held)]:
        for entry in new:
            references.add(entry)
        found += new
        held |= {entry.digest for entry in new}
        rest = [pair for pair in rest if pair[0].digest not in held]
    return sorted(found, key=lambda entry: entry.position), references


def _is_needed(
    entry: EvidenceOperation,
    subjects: AbstractSet[bytes],
    references: References,
    held: AbstractSet[bytes],
) -> bool:
    """Whether it is named, made what is rested on, ended it, or is about an operation of the file.

    Statements change no state but that of others of their kind, which they name.
    """
    if entry.digest in references.named:
        return True
    if entry.act.witness is not None:
        return False
    return not held.isdisjoint(subjects) or any(
        each in references.subjects
        and (bool(entry.act.ends) or entry.position < references.subjects[each])
        for each in subjects
    )


def by_digest(entries: Iterable[EvidenceOperation]) -> Mapping[bytes, EvidenceOperation]:
    """The operations by their digests."""
    return {entry.digest: entry for entry in entries}
