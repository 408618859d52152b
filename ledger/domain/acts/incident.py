"""Something went wrong: it is asked what was done, and nothing of it is erased meanwhile.

What it is about is random and kept in the record: nobody reads from the chain what happened to
whom.  A package holds its cycle and its consignments with it, and a cycle its packages.
"""

from __future__ import annotations

from ledger.domain.acts.vocabulary import (
    Field,
    Given,
    Lines,
    Moment,
    Named,
    OneOf,
    SubjectNamed,
    WitnessMode,
    WitnessScope,
    Words,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope

WHAT = (
    "infection", "not_sterile", "damaged", "wet", "missing", "expired", "other", "withdrawn",
)  # fmt: skip
SUBJECTS = ("package", "cycle", "consignment", "asset")

ACT = witness(
    name="Incident",
    kind=13,
    doc="Something went wrong; records of its trace are held from then on.",
    schema="incident/1",
    right=Right.REPORT,
    scope=Scope.REPORT,
    retention="sterilisation",
    command="incident report",
    on_chain=WitnessScope.ANYBODY,
    mode=WitnessMode.ENTRY,
    about=Field(name="incident", of=Named("anything"), given=Given.NEVER, required=True),
    fields=(
        Field(
            name="what",
            of=OneOf(WHAT),
            help="what was seen, not why; withdrawn: it takes back the one that it replaces",
        ),
        Field(name="subject_kind", of=OneOf(SUBJECTS), help="what it is about"),
        Field(name="subject", of=SubjectNamed(), help="its id, or as people call it"),
        Field(name="seen_at", of=Moment(is_signed=False), given=Given.OPTIONAL, help="when seen"),
        Field(name="text", of=Words(1000), given=Given.OPTIONAL, help="in words, without names"),
        Field(
            name="case_token", of=Words(64), given=Given.OPTIONAL, is_personal=True,
            help="random token of the case; never a hospital number",
        ),
        Field(
            name="lines",
            of=Lines({"subject": SubjectNamed()}),
            given=Given.OPTIONAL,
            default=(),
            option="hold",
            help="SUBJECT: what else its trace names; its records are held as well",
        ),
    ),
    says=lambda _message: "an incident was reported",
)  # fmt: skip
