"""The authority proposes a new administrator for a unit whose administrator lost the key."""

from __future__ import annotations

from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import (
    Act,
    Field,
    Given,
    Message,
    Moment,
    Name,
    Named,
    OneOf,
    Recorded,
    View,
    custody_field,
    integer,
    key_field,
    optional_field,
    word,
)
from ledger.domain.acts.words import Contract, Custody, Party
from ledger.domain.encoding.identifiers import SignerId
from ledger.domain.subjects.states import ProposalState, UnitState


def rules(message: Message, view: View) -> None:
    """As UnitRegistry._propose; that the key is new is everybody's rule."""
    number = integer(message, "unit")
    common.require_open_unit(view.find(UnitState, number), number)
    common.require_validity(message, valid_from=integer(message, "signedAt"))


def effect(proposal: Recorded, view: View) -> None:
    """The proposal, which may be vetoed for seven days."""
    message = proposal.message
    view.put(
        ProposalState(
            digest=proposal.digest,
            unit=integer(message, "unit"),
            signer=SignerId(word(message, "signer")),
            new_key=proposal.new_key,
            custody=Custody(integer(message, "custody")),
            signed_at=integer(message, "signedAt"),
            valid_until=integer(message, "validUntil"),
            proposed_at=proposal.mined_at,
        )
    )


ACT = Act(
    name="RecoveryProposal",
    doc="The authority proposes a new administrator for a unit whose administrator lost the key.",
    about="signer",
    contract=Contract.UNIT_REGISTRY,
    function="proposeRecoveries",
    event="RecoveryProposed",
    parties=(Party.AUTHORITY, Party.NEW_KEY),
    right=None,
    command="unit recover",
    needs_reason=True,
    fields=(
        Field("unit", Named("unit"), "number or code", path="", is_argument=True),
        Field(
            "name",
            Name(),
            "how the unit names the new administrator",
            path="signer_name",
            required=False,
            is_personal=True,
        ),
        key_field("signer"),
        Field("rights", OneOf(("administer",)), given=Given.NEVER, default="administer"),
        custody_field(),
        optional_field("valid_until", Moment(), "no expiry when left out", path=""),
    ),
    says=lambda _: "the authority proposed a new administrator",
    rules=rules,
    record_rules=common.require_not_over,
    effect=effect,
)
