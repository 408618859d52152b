"""What one unit asks of another, and by when; the time until it is answered is an indicator."""

from __future__ import annotations

from ledger.domain.acts.vocabulary import (
    Field,
    Given,
    Moment,
    Named,
    OneOf,
    Words,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right

ACT = witness(
    name="Request",
    kind=12,
    doc="What one unit asks of another, and by when.",
    right=Right.REPORT,
    command="request make",
    shows_facts=True,
    about=Field("request", Named("anything"), given=Given.NEVER, required=True),
    fields=(
        Field("to", Named("unit"), "the unit that is asked", is_argument=True),
        Field(
            "what",
            OneOf(("packages", "transport", "asset", "record", "other")),
            "what is asked for",
        ),
        Field("text", Words(1000), "in words"),
        optional_field("wanted_by", Moment(is_signed=False), "by when"),
        optional_field("answers", Words(66), "digest of the request that this one answers"),
    ),
    says="a unit asked another for something",
)  # fmt: skip
