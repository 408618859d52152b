"""Whoever holds a consignment gives it on: one half of a change of hands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger.domain.acts import moving
from ledger.domain.acts.custody import Step
from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    Facts,
    Field,
    Hash,
    Message,
    Named,
    OneOf,
    View,
    Words,
    integer,
    optional_field,
    unit_field,
)
from ledger.domain.acts.words import Contract, Leg, Right
from ledger.domain.callers import Scope
from ledger.domain.custody.lines import Deed, PackageLine
from ledger.domain.custody.travelling import all_of


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its place among the steps."""
    return moving.numbered(values)


def rules(message: Message, view: View) -> None:
    """As CustodyLedger._handOver."""
    state = moving.require_step(Step.HAND_OVER, message, view)
    moving.require_taker(message, view, but_not=state.holder, field="taker")


def says(message: Message) -> str:
    """`unit 5 gave it on to unit 2, after a diverted leg`."""
    diverted = integer(message, "leg") == Leg.DIVERTED
    return (
        f"unit {integer(message, 'unit')} gave it on to unit {integer(message, 'taker')}"
        f"{', after a diverted leg' if diverted else ''}"
    )


def moved_lines(
    message: Message, facts: Facts, sent: Sequence[PackageLine]
) -> Iterator[PackageLine]:
    """Everything in it is offered to the next."""
    return all_of(
        sent,
        Deed.HANDED_OVER,
        step=integer(message, "step"),
        reason=facts["reason"],
        to_unit=integer(message, "taker"),
        outcome=None if facts["left_at"] is None else f"left at {facts['left_at']}"[:100],
    )


ACT = Act(
    name="HandOver",
    doc="Whoever holds a consignment gives it on; it is theirs until the other side takes it over.",
    about="consignment",
    contract=Contract.CUSTODY_LEDGER,
    function="handOver",
    event="HandedOver",
    right=Right.CARRY,
    right_in=lambda message, view: moving.right_of(Step.HAND_OVER, message, view),
    other_scope=Scope.CUSTODY,
    retention="sterilisation",
    gas=90_000,
    command="consignment hand-over",
    shows_facts=True,
    fields=(
        moving.consignment_field(),
        unit_field(),
        Field("taker", Named("unit"), "the unit that takes it next"),
        optional_field(
            "leg",
            Choice(Leg),
            "how the leg went that ends here",
            default=Leg.AS_PLANNED,
            required=True,
        ),
        *moving.turn_fields("it"),
        *moving.parcel_fields(seals=Words(), says="the numbers of their seals"),
        optional_field(
            "left_at", Words(), "where it was left unattended; nobody has taken it over then"
        ),
        optional_field(
            "resealed",
            Words(),
            "why it was opened on the leg and sealed anew; the seals are the new ones",
        ),
        optional_field(
            "transport_log",
            OneOf(("none", "within", "outside")),
            "how the leg's log lies to its limits; none: the vehicle keeps no log",
        ),
        optional_field("log_sha256", Hash(), "SHA-256 of the log's file"),
        moving.guest_field(),
        moving.retold_field(),
    ),
    says=says,
    complete=complete,
    rules=rules,
    needs=moving.admissions,
    effect=lambda recorded, view: moving.apply_step(Step.HAND_OVER, recorded, view),
    moved_lines=moved_lines,
    lines_stay=True,
)
