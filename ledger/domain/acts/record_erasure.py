"""Two signers of a unit erase the personal fields of a record whose retention is over."""

from __future__ import annotations

from datetime import datetime

from ledger.domain.acts.rules import captured_at
from ledger.domain.acts.vocabulary import (
    Act,
    Facts,
    Field,
    Given,
    Message,
    Moment,
    Named,
    Recorded,
    Records,
    View,
    Words,
    integer,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, Party, Right
from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Conflict, Refused
from ledger.domain.records.retention import retention_ended
from ledger.domain.subjects.states import ErasureState


def rules(message: Message, view: View) -> None:
    """As UnitRegistry._erase; that both may erase is everybody's rule."""
    if view.find(ErasureState, word(message, "subject"), integer(message, "unit")) is not None:
        raise Conflict(
            "its erasure was asked for already", field="subject", rule="one record is erased once"
        )


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """Nothing is erased before its retention has elapsed, or under legal hold."""
    erased = records.facts_of(word(message, "subject"))
    if erased["legal_hold"]:
        raise Refused(
            "the record is under legal hold",
            field="subject",
            rule="a record under legal hold is not erased",
        )
    if records.is_held(word(message, "subject")):
        raise Refused(
            "an incident names it in its trace",
            field="subject",
            rule="what an incident is about is kept until the incident is withdrawn",
        )
    ended = retention_ended(erased)
    if captured_at(facts) < datetime.fromisoformat(ended):
        raise Refused(
            f"the record is retained until {ended}",
            field="subject",
            rule=f"retention class {erased['retention_class']}; see docs/trust.md",
        )


def effect(erasure: Recorded, view: View) -> None:
    """The record's personal fields are to be erased."""
    message = erasure.message
    view.put(
        ErasureState(
            subject=Digest(word(message, "subject")),
            unit=integer(message, "unit"),
            erasure=erasure.digest,
        )
    )


ACT = Act(
    name="RecordErasure",
    doc="Two signers of a unit erase the personal fields of a record whose retention is over.",
    about="operation",
    contract=Contract.UNIT_REGISTRY,
    function="eraseRecords",
    event="RecordErased",
    other_schema="erasure/1",
    parties=(Party.SIGNER, Party.COUNTERSIGNER),
    right=Right.ERASE,
    other_scope=Scope.ADMINISTER,
    command="record erase",
    needs_reason=True,
    fields=(
        unit_field(),
        Field(
            "subject",
            Named("operation"),
            "digest of the operation whose record it is",
            is_argument=True,
        ),
        Field("subject_record", Words(32), given=Given.NEVER),
        Field("retention_ended", Moment(is_signed=False), given=Given.NEVER),
    ),
    says=lambda _: "the personal fields of a record were erased",
    rules=rules,
    record_rules=record_rules,
    effect=effect,
)
