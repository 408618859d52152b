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
    Words,
    lines_field,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right

WHAT = (
    "infection", "not_sterile", "damaged", "wet", "missing", "expired", "other", "withdrawn",
)  # fmt: skip
SUBJECTS = ("package", "cycle", "consignment", "asset")

ACT = witness(
    name="Incident",
    kind=13,
    doc="Something went wrong; records of its trace are held from then on.",
    right=Right.REPORT,
    retention="sterilisation",
    command="incident report",
    about=Field("incident", Named("anything"), given=Given.NEVER, required=True),
    fields=(
        Field(
            "what", OneOf(WHAT),
            "what was seen, not why; withdrawn: it takes back the one that it replaces",
        ),
        Field("subject_kind", OneOf(SUBJECTS), "what it is about"),
        Field("subject", SubjectNamed(), "its id, or as people call it"),
        optional_field("seen_at", Moment(is_signed=False), "when seen"),
        optional_field("text", Words(1000), "in words, without names"),
        optional_field(
            "case_token", Words(64), "random token of the case; never a hospital number",
            is_personal=True,
        ),
        lines_field(
            Lines({"subject": SubjectNamed()}),
            "SUBJECT: what else its trace names; its records are held as well", option="hold",
        ),
    ),
    says="an incident was reported",
)  # fmt: skip
