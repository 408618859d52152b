"""A service that one unit provided to another, with its quantity; or a correction of one.

What it costs stands in the terms, and the account is computed from both.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.domain.acts import resolution
from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import (
    Act,
    Facts,
    Field,
    Message,
    Moment,
    Named,
    Recorded,
    Records,
    View,
    Whole,
    Words,
    integer,
    optional_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, Right
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.errors import InvalidInput, NotFound, Refused
from ledger.domain.subjects.states import ServiceState, UnitState, WitnessState, Word32

#: The largest quantity; the contract's int48, which JSON numbers hold exactly.
MOST = 2**47 - 1
_RESOLUTION = 0 if resolution.ACT.witness is None else resolution.ACT.witness.kind


def is_correction(message: Message) -> bool:
    """Whether it corrects a service."""
    return any(word(message, "corrects"))


def subject_of(message: Message) -> bytes:
    """What it was about; of a correction, the service that it corrects."""
    return word(message, "corrects" if is_correction(message) else "subject")


def rules(message: Message, view: View) -> None:
    """As ContributionLedger._recordService."""
    quantity, consumer = integer(message, "quantity"), integer(message, "consumer")
    if is_correction(message):
        _require_correction(message, view, quantity)
        return
    if quantity <= 0:
        raise InvalidInput(
            f"is {quantity}",
            field="quantity",
            rule="a service has a positive quantity",
            remedy="to take a service back, name it in `corrects`",
        )
    common.require_open_unit(view.find(UnitState, consumer), consumer, field="consumer")


def _require_correction(message: Message, view: View, quantity: int) -> None:
    served = view.find(ServiceState, word(message, "corrects"))
    if served is None or served.is_correction:
        raise NotFound(
            "names no service", field="corrects", rule="a correction names the service itself"
        )
    if served.series != _series(message):
        raise Refused(
            "that service has another provider, consumer, kind, class or subject",
            field="corrects",
            rule="a correction repeats whom and what it corrects, and changes the quantity alone",
        )
    left = served.left + quantity
    if quantity == 0 or not 0 <= left <= served.quantity:
        raise Refused(
            f"{served.left} are left and {quantity:+d} make {left}",
            field="quantity",
            rule=f"what is left stays between 0 and the {served.quantity} that were recorded",
        )


def _series(message: Message) -> tuple[int, int, int, int, bytes]:
    numbers = (integer(message, name) for name in ("unit", "consumer", "kind", "serviceClass"))
    unit, consumer, kind, service_class = numbers
    return unit, consumer, kind, service_class, word(message, "subject")


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """What a resolution gives back is said by the unit that contested, of the one that gives."""
    named = view.find(WitnessState, word(message, "subject"))
    if named is None or named.kind != _RESOLUTION:
        return
    answer = view.find(WitnessState, named.about)
    sides = integer(message, "unit"), integer(message, "consumer")
    if answer is not None and sides != (answer.unit, named.unit):
        raise Refused(
            f"that resolution gives unit {sides[0]} nothing of unit {sides[1]}'s",
            field="subject",
            rule="what is given back is recorded by the unit that contested, of the one that gives",
            remedy=f"let unit {answer.unit} record it, with unit {named.unit} as consumer",
        )


def effect(recorded: Recorded, view: View) -> None:
    """A service with its quantity; a correction changes what is left."""
    message, corrects = recorded.message, Digest(word(recorded.message, "corrects"))
    unit, consumer, kind, service_class, subject = _series(message)
    quantity = integer(message, "quantity")
    view.put(
        ServiceState(
            digest=recorded.digest,
            unit=unit,
            consumer=consumer,
            kind=kind,
            service_class=service_class,
            quantity=quantity,
            left=0 if is_correction(message) else quantity,
            subject=Word32(subject),
            happened_at=integer(message, "happenedAt"),
            corrects=corrects,
        )
    )
    served = view.find(ServiceState, corrects) if is_correction(message) else None
    if served is not None:
        view.put(replace(served, left=served.left + quantity))


def needs(message: Message, view: View) -> list[Digest]:
    """The admission of the unit that is served."""
    consumer = view.find(UnitState, message["consumer"])
    return [] if consumer is None else [consumer.admission]


def says(message: Message) -> str:
    """`unit 1 served unit 2: 90 of kind 7, class 1`."""
    what = "corrected a service to" if is_correction(message) else "served"
    unit, consumer, kind, service_class, _ = _series(message)
    return (
        f"unit {unit} {what} unit {consumer}: {integer(message, 'quantity')} of kind "
        f"{kind}, class {service_class}"
    )


ACT = Act(
    name="Service",
    doc="A service that one unit provided to another, with its quantity; or a correction of one.",
    about="subject",
    contract=Contract.CONTRIBUTION_LEDGER,
    function="recordServices",
    event="ServiceRecorded",
    right=Right.SETTLE,
    gas=110_000,
    command="service record",
    has_many=True,
    shows_facts=True,
    fields=(
        unit_field(),
        Field(
            "consumer",
            Named("unit"),
            "the unit that used it, by number or code; your own for your own use",
            is_argument=True,
        ),
        Field(
            "kind",
            Whole(1, 2**16 - 1, "uint16"),
            "the kind's number in the terms' catalogue",
            is_argument=True,
        ),
        optional_field(
            "service_class",
            Whole(0, 2**16 - 1, "uint16"),
            "the class within the kind",
            default=0,
            required=True,
        ),
        Field(
            "quantity",
            Whole(-MOST - 1, MOST, "int48"),
            "in the kind's own unit; of a correction, the signed change",
        ),
        optional_field(
            "subject",
            Named("anything"),
            "what it was about: an asset, a resolution",
            default=ZERO_DIGEST,
        ),
        optional_field("happened_at", Moment(), "when it happened"),
        optional_field(
            "corrects",
            Named("service"),
            "digest of the service that this one corrects",
            default=ZERO_DIGEST,
        ),
        optional_field("description", Words(400), "in words"),
    ),
    says=says,
    subject=subject_of,
    rules=rules,
    record_rules=record_rules,
    effect=effect,
    needs=needs,
)
