"""What a transport's loggers showed, brought later: temperature, shock, route.

The carrier's own record is its log; what another unit says of one stands beside it.
"""

from __future__ import annotations

from datetime import datetime

from ledger.domain.acts import moving
from ledger.domain.acts.vocabulary import (
    Facts,
    Field,
    Hash,
    Message,
    Moment,
    OneOf,
    Records,
    View,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from ledger.domain.errors import InvalidInput

#: what a vehicle may log
LOGGED = ("temperature", "shock", "route")
#: how a log lies to its limits; none: the vehicle keeps no such log
LIES = ("none", "within", "outside")


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """It says something of one log at least, and begins before it ends."""
    if all(facts[name] is None for name in LOGGED):
        raise InvalidInput(
            "is not entered", field=LOGGED[0], rule=f"one at least of {', '.join(LOGGED)}"
        )
    begun, ended = (datetime.fromisoformat(str(facts[n])) for n in ("begun_at", "ended_at"))
    if ended < begun:
        raise InvalidInput("ends before it begins", field="ended_at", rule="begun, then ended")


ACT = witness(
    name="TransportLog",
    kind=22,
    doc="What a transport's loggers showed: temperature, shock, route.",
    right=Right.CARRY,
    other_scope=Scope.CUSTODY,
    retention="sterilisation",
    command="consignment log",
    shows_facts=True,
    about=moving.consignment_field(),
    fields=(
        Field("begun_at", Moment(is_signed=False), "the log's first reading"),
        Field("ended_at", Moment(is_signed=False), "its last reading"),
        *(
            optional_field(
                name,
                OneOf(LIES),
                f"how the {name} log lies to its limits; none: the vehicle keeps none",
            )
            for name in LOGGED
        ),
        optional_field("log_sha256", Hash(), "SHA-256 of the log's file"),
    ),
    says="a transport log was brought",
    record_rules=record_rules,
)
