"""That money was paid, by the payer; or that it was received, by the payee."""

from __future__ import annotations

from enum import IntEnum

from ledger.domain.acts.vocabulary import (
    Choice,
    Field,
    Message,
    Named,
    Whole,
    Words,
    optional_field,
)
from ledger.domain.acts.witnessing import packed_numbers, witness
from ledger.domain.acts.words import Right


class PaymentSide(IntEnum):
    """Who speaks: a payment counts when both have."""

    PAID = 1
    RECEIVED = 2


def says(message: Message) -> str:
    """`a unit paid 1000 to unit 2`."""
    side, other, amount, _ = packed_numbers(message)
    way = "paid" if side == PaymentSide.PAID else "received"
    return f"a unit {way} {amount}, the other side is unit {other}"


ACT = witness(
    name="Payment",
    kind=19,
    doc="That money was paid, by the payer; or that it was received, by the payee.",
    right=Right.SETTLE,
    command="statement pay",
    shows_facts=True,
    about=Field(
        "publication",
        Named("operation", kinds=("Publication", "Payment")),
        "digest of the publication that is paid; of what was received, of the payment",
        is_argument=True,
    ),
    packs=("side", "other", "amount"),
    fields=(
        Field("side", Choice(PaymentSide), "who speaks", is_argument=True),
        Field("other", Named("unit"), "the other side", is_argument=True),
        Field("amount", Whole(1, 2**53 - 1), "in the currency's smallest unit", is_argument=True),
        optional_field(
            "reference", Words(100), "the bank's reference, as both sides can find it again"
        ),
    ),
    says=says,
)
