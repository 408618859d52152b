"""What was done to a machine or an asset, and when it is due again."""

from __future__ import annotations

from ledger.domain.acts.vocabulary import (
    Field,
    Moment,
    Named,
    OneOf,
    Words,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right

ACT = witness(
    name="Maintenance",
    kind=10,
    doc="What was done to a machine or an asset, and when it is due again.",
    right=Right.REPORT,
    retention="sterilisation",
    command="maintenance report",
    shows_facts=True,
    about=Field("asset", Named("anything"), "id of the machine or asset", is_argument=True),
    fields=(
        Field(
            "work",
            OneOf(("maintenance", "calibration", "repair", "move")),
            "after a repair or move three biological passes come first",
        ),
        Field("done_at", Moment(is_signed=False), "when it was done"),
        optional_field("next_due", Moment(is_signed=False), "due again"),
        Field("outcome", OneOf(("fit_for_use", "not_fit_for_use")), "how it was found afterwards"),
        optional_field("text", Words(1000), "in words"),
        optional_field("document_sha256", Words(64), "SHA-256 of the report"),
    ),
    says="a machine or asset was maintained",
)
