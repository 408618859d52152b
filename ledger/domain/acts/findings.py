"""An answer about duties is sent to its holders to be heard, and published some days later."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

from ledger.domain.acts.rules import captured_at
from ledger.domain.acts.terms import SUBJECT as TERMS
from ledger.domain.acts.terms import document_of
from ledger.domain.acts.vocabulary import (
    UINT32,
    Choice,
    Facts,
    Field,
    Fixed,
    Given,
    Hash,
    Message,
    Moment,
    Named,
    Records,
    View,
    Whole,
    optional_field,
    word,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.duties.terms import Terms, default_terms, parse_terms
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import InvalidInput, Refused


class Stage(IntEnum):
    """Where an answer is."""

    HEARD = 1
    PUBLISHED = 2


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """What is published was sent to its holders before, unchanged, and their time is over."""
    if facts["stage"] == "heard":
        if facts["hearing_until"] is None:
            raise InvalidInput(
                "is not entered", field="hearing_until", rule="holders are told until when"
            )
        earliest = captured_at(facts) + _agreed(records, captured_at(facts)).duration("hearing")
        if datetime.fromisoformat(str(facts["hearing_until"])) < earliest:
            raise InvalidInput(
                f"is {facts['hearing_until']}",
                field="hearing_until",
                rule=f"holders are heard as long as the terms say, until {instant_text(earliest)} "
                "at least",
            )
        return
    if not any(word(message, "replaces")):
        raise Refused(
            "nobody was heard",
            field="replaces",
            rule="an answer goes to every holder some days before it is published",
            remedy="record it as heard first, and name that statement",
        )
    before = records.facts_of(word(message, "replaces"))
    if before.get("answer") != facts["answer"]:
        raise Refused(
            "is another answer than the one that was heard",
            field="answer",
            rule="what is published is what was heard",
        )
    until = str(before["hearing_until"])
    if instant_text(captured_at(facts)) < until:
        raise Refused(
            f"its holders may answer until {until}",
            field="stage",
            rule="an answer is published when the time to be heard is over",
        )


def _agreed(records: Records, moment: datetime) -> Terms:
    """The version of the terms that held at a moment."""
    facts = next(records.facts_about(TERMS, "Terms"), None)
    while facts is not None:
        terms, before = parse_terms(document_of(facts)), facts["supersedes"]
        if terms.holds_from <= moment:
            return terms
        facts = None if before is None else records.facts_of(bytes.fromhex(str(before)))
    return default_terms()


ACT = witness(
    name="Findings",
    kind=14,
    doc="An answer about duties: heard by its holders, then published.",
    right=Right.REPORT,
    retention="sterilisation",
    command="findings record",
    shows_facts=True,
    amendment_needs_reason=False,
    about=Field("incident", Named("anything"), "what it answers: an incident", is_argument=True),
    packs=("answer",),
    fields=(
        Field("answer", Named("anything"), "SHA-256 of the answer", is_argument=True),
        Field("stage", Choice(Stage, is_signed=False), "heard, then published"),
        optional_field(
            "hearing_until", Moment(is_signed=False), "until when its holders may answer"
        ),
        Field("as_of", Moment(is_signed=False), "the moment for which it holds"),
        optional_field(
            "block",
            Whole(0, UINT32, None),
            "the block up to which it was computed: up to it, it is computed again",
        ),
        Field("engine", Whole(1, UINT32, None), "version of the rule engine"),
        Field("rules_sha256", Hash(), "of the rule set"),
        Field(
            "is", Fixed("a computation, no unit's statement"), given=Given.NEVER, path="statement"
        ),
    ),
    says="an answer about duties was given: a computation, no unit's statement",
    record_rules=record_rules,
)
