"""What a verification found, as a value: nothing in it is a judgement of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.domain.acts.words import Custody, Party
from ledger.domain.encoding.identifiers import EquipmentId, SignerId
from ledger.domain.records.commitments import FieldValue
from ledger.evidence.shape import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """One signature's author, as far as the file tells."""

    party: Party
    #: None for the authority, which the deployment names
    signer: SignerId | None
    #: None for the authority
    custody: Custody | None
    #: how the unit names the key's holder; None when the file does not show it
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One operation of the file."""

    kind: str
    #: its digest
    operation: bytes
    #: whether it is about the subject, rather than what that rests on
    is_own: bool
    #: who acted, or was acted for by the authority; 0 for the authority's own statements
    unit: int
    #: in words
    what: str
    who: tuple[Who, ...]
    #: the time as a printout or a person gave it; None when not entered or not shown
    printed: str | None
    #: when it reached this software; None when not shown
    captured_at: datetime | None
    signed_at: datetime
    #: the block's own time
    mined_at: datetime
    block: int
    #: the fields of the record that the file shows
    facts: Mapping[str, FieldValue]
    personal: Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinesWord:
    """What the machine itself said of its cycle."""

    #: completed, aborted or unknown
    outcome: str
    #: the facts shown of what it printed
    facts: Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedVerdict:
    """What software computed from the reading, against a named profile."""

    #: passed, failed, not_enough_data or not_computed
    result: str
    #: the facts shown: profile, band, hold, F0 and its reference
    facts: Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonsDecision:
    """What a person decided, and how the cycle stands after it."""

    #: release, reject, recall …
    decision: str
    #: as the sequence of decisions leaves the cycle
    state: str
    #: digest of the operation
    operation: bytes
    who: tuple[Who, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredResult:
    """The newest word on a monitoring result that the file shows."""

    #: pass, fail, pending …; None where nobody entered one
    word: str | None
    #: the block of the operation that says so; None where nobody entered one
    block: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReading:
    """A cycle, with three verdicts that are never mixed."""

    equipment: EquipmentId
    #: the counter epoch
    epoch: int
    #: the machine's own number
    number: int
    #: False when its opening was taken back
    is_open: bool
    #: None when the cycle has no ending
    machine: MachinesWord | None
    computed: ComputedVerdict | None
    #: None when nobody has decided
    decision: PersonsDecision | None
    #: by the names of RESULT_NAMES; one that is hidden is left out
    results: Mapping[str, EnteredResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence, what it rests on, and what it does not prove."""

    #: a word to sort by: facts, source, custody, lateness, finality, completeness, hidden …
    about: str
    statement: str
    rests_on: str
    does_not_prove: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The answer of a verification that found nothing wrong."""

    #: False when the deployment came from the file itself, or when something rests on `node_alone`
    verified: bool
    #: whether the deployment came from the reader
    is_trusted: bool
    #: what would be false if the node that was asked lied: no signature in the file says it
    node_alone: tuple[str, ...]
    #: of the deployment that everything rests on
    fingerprint: bytes
    #: its name
    deployment: str
    subject: Subject
    #: number of the unit whose subject it is, and its name when shown; None for what is nobody's
    unit: int | None
    unit_name: str | None
    checked_at: datetime
    #: everything that happened, in the chain's order
    timeline: tuple[Happening, ...]
    #: None when the subject is no cycle
    cycle: CycleReading | None
    claims: tuple[Claim, ...]
