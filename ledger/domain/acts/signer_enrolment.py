"""A unit's administrator enrols a key."""

from __future__ import annotations

from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import (
    Act,
    Field,
    Flags,
    Message,
    Moment,
    Name,
    Recorded,
    View,
    custody_field,
    integer,
    key_field,
    optional_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, Custody, Party, Right
from ledger.domain.encoding.identifiers import SignerId
from ledger.domain.subjects.states import SignerState


def rules(message: Message, view: View) -> None:  # noqa: ARG001 - of the message alone
    """As UnitRegistry._enrol; that the key is new and the administrator's right are everybody's."""
    common.require_flags(message, "rights", Right)
    common.require_validity(message, valid_from=integer(message, "validFrom"))


def effect(enrolment: Recorded, view: View) -> None:
    """The key acts for the unit."""
    message = enrolment.message
    view.put(
        SignerState(
            id=SignerId(word(message, "signer")),
            unit=integer(message, "unit"),
            signer=enrolment.new_key,
            rights=Right(integer(message, "rights")),
            custody=Custody(integer(message, "custody")),
            valid_from=integer(message, "validFrom"),
            valid_until=integer(message, "validUntil"),
            enrolment=enrolment.digest,
        )
    )


ACT = Act(
    name="SignerEnrolment",
    doc="A unit's administrator enrols a key.",
    about="signer",
    contract=Contract.UNIT_REGISTRY,
    function="enrolSigners",
    event="SignerEnrolled",
    other_schema="signer/1",
    parties=(Party.SIGNER, Party.NEW_KEY),
    right=Right.ADMINISTER,
    command="signer enrol",
    fields=(
        unit_field(),
        Field(
            "name",
            Name(),
            "how the unit names the person or station",
            path="signer_name",
            required=False,
            is_personal=True,
            is_argument=True,
        ),
        key_field("signer"),
        Field("rights", Flags(Right, "uint32"), "what it may do", option="right"),
        custody_field(),
        optional_field("valid_from", Moment(), "at once when left out", path=""),
        optional_field("valid_until", Moment(), "no expiry when left out", path=""),
    ),
    says=lambda _: "a key was enrolled",
    rules=rules,
    record_rules=common.require_not_over,
    effect=effect,
)
