"""A unit's administrator revokes a key, for ever."""

from __future__ import annotations

from dataclasses import replace

from ledger.domain.acts.vocabulary import (
    Act,
    Field,
    Message,
    Named,
    Recorded,
    View,
    integer,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, Right
from ledger.domain.errors import Conflict, NotFound
from ledger.domain.subjects.states import SignerState


def _signer(message: Message, view: View) -> SignerState:
    signer = view.find(SignerState, word(message, "signer"))
    if signer is None or signer.unit != integer(message, "unit"):
        raise NotFound("no such signer of this unit", field="signer")
    return signer


def rules(message: Message, view: View) -> None:
    """As UnitRegistry._revoke."""
    if _signer(message, view).is_revoked:
        raise Conflict(
            "the signer is revoked already", field="signer", rule="a key is revoked once, for good"
        )


def effect(revocation: Recorded, view: View) -> None:
    """The key acts no more."""
    signer = _signer(revocation.message, view)
    view.put(replace(signer, revocation=revocation.digest))


ACT = Act(
    name="SignerRevocation",
    doc="A unit's administrator revokes a key, for ever; what it signed before stays.",
    about="signer",
    contract=Contract.UNIT_REGISTRY,
    function="revokeSigners",
    event="SignerRevoked",
    right=Right.ADMINISTER,
    command="signer revoke",
    needs_reason=True,
    fields=(
        unit_field(),
        Field("signer", Named("signer"), "name or id", is_argument=True),
    ),
    says=lambda _: "a key was revoked",
    ends="signer",
    rules=rules,
    effect=effect,
    needs=lambda message, view: [_signer(message, view).enrolment],
)
