"""Which operations belong into a file: those of its subject, and those that they rest on.

An operation is of a subject when it is about it, brings it, is it, or is about one of the
subject's operations: an erasure of one, a comment on one.  It is of a package when a shown line of
its record names that, or when it is about the cycle or the consignment of one that does.

It rests on what its rules read, as `touched` declares it (who acts, with which key, on which
machine), and on what its message names; those rest on others in turn, up to the admissions that the
authority signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from ledger.domain.acts.vocabulary import Named, unit_subject, word
from ledger.domain.custody.lines import package_subject
from ledger.domain.encoding.identifiers import ZERO_DIGEST
from ledger.domain.records.commitments import FieldValue
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
    found, _ = belonging_to(subject, candidates)
    return found


def belonging_to(
    subject: bytes, candidates: Iterable[EvidenceOperation]
) -> tuple[list[EvidenceOperation], AbstractSet[bytes]]:
    """The same, and the ids by which they belong: of the subject, its operations, its threads."""
    rest = [(entry, subjects_of(entry) | named_packages(entry)) for entry in candidates]
    found, ids, given = list[EvidenceOperation](), {subject}, set[bytes]()
    while new := [
        (e, about) for e, about in rest if e.digest == subject or not ids.isdisjoint(about)
    ]:
        found += [entry for entry, _ in new]
        given |= {entry.digest for entry, _ in new}
        ids |= given
        for entry, about in new:
            if subject in about and entry.act.about in _THREADS:
                ids.add(entry.act.subject_of(entry.message))
        rest = [pair for pair in rest if pair[0].digest not in given]
    return sorted(found, key=lambda entry: entry.position), ids


#: what a package goes through together with others
_THREADS = frozenset({"cycle", "consignment"})


def named_packages(entry: EvidenceOperation) -> frozenset[bytes]:
    """The packages that the shown lines of its record name; 32 bytes each."""
    return frozenset(package_subject(name) for name in packages_by_line(entry.facts).values())


def packages_by_line(facts: Mapping[str, FieldValue]) -> Mapping[str, str]:
    """The package that each shown line names, by the line's path: `lines.3`."""
    found: dict[str, str] = {}
    for path, value in facts.items():
        if path.startswith("lines.") and path.endswith(".package") and value is not None:
            line = path.removesuffix(".package")
            assembler = facts.get(f"{line}.assembler")
            found[line] = str(value) if assembler is None else f"{assembler}/{value}"
    return found


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
