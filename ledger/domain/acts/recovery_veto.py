"""A unit's administrator, whose key is not lost, stops a recovery."""

from __future__ import annotations

from dataclasses import replace

from ledger.domain.acts.rules import RECOVERY_DELAY_SECONDS, captured_at
from ledger.domain.acts.vocabulary import (
    Act,
    Facts,
    Field,
    Message,
    Named,
    Recorded,
    Records,
    View,
    integer,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, Right
from ledger.domain.encoding.moments import seconds_text
from ledger.domain.errors import Conflict, NotFound, Refused
from ledger.domain.subjects.states import ProposalState


def _proposal(message: Message, view: View) -> ProposalState:
    proposal = view.find(ProposalState, word(message, "proposal"))
    if proposal is None or proposal.unit != integer(message, "unit"):
        raise NotFound("no such proposal for this unit", field="proposal")
    return proposal


def rules(message: Message, view: View) -> None:
    """As UnitRegistry._veto, but for the seven days, which the chain counts by its own clock."""
    if any(_proposal(message, view).veto):
        raise Conflict("it is vetoed already", field="proposal", rule="one veto ends a recovery")


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """The seven days begin when the chain has the proposal, whenever the veto is signed."""
    proposal = _proposal(message, view)
    until = proposal.proposed_at + RECOVERY_DELAY_SECONDS
    if proposal.proposed_at and captured_at(facts).timestamp() > until:
        raise Refused(
            f"the proposal could be vetoed until {seconds_text(until)}",
            field="proposal",
            rule="a veto comes within seven days",
            remedy="revoke the new administrator's key, if the unit still has another",
        )


def effect(veto: Recorded, view: View) -> None:
    """The proposal leads nowhere."""
    view.put(replace(_proposal(veto.message, view), veto=veto.digest))


ACT = Act(
    name="RecoveryVeto",
    doc="A unit's administrator, whose key is not lost, stops a recovery.",
    about="proposal",
    contract=Contract.UNIT_REGISTRY,
    function="vetoRecoveries",
    event="RecoveryVetoed",
    right=Right.ADMINISTER,
    command="unit veto",
    fields=(
        unit_field(),
        Field("proposal", Named("operation"), "digest of the proposal", is_argument=True),
    ),
    says=lambda _: "a recovery was vetoed",
    rules=rules,
    record_rules=record_rules,
    effect=effect,
)
