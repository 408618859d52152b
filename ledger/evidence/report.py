"""What a verification found, as a value: nothing in it is a judgement of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import SignerId
from ledger.domain.operations import Custody, Party
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
class Act:
    """One operation of the file."""

    kind: str
    digest: bytes
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
    act: Act


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
    deployment: Deployment
    subject: Subject
    #: number of the unit that processed, and its name when shown
    unit: int
    unit_name: str | None
    checked_at: datetime
    #: everything that happened, in the chain's order
    timeline: tuple[Act, ...]
    #: None when the cycle has no ending
    machine: MachinesWord | None
    computed: ComputedVerdict | None
    #: None when nobody has decided
    decision: PersonsDecision | None
    claims: tuple[Claim, ...]
