"""The rules of each kind over states alone: what keeps an operation out, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ledger.domain.acts import rules
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.decisions import DecisionKind, DecisionState
from ledger.domain.acts.words import EquipmentState, Outcome, Right, Verdict
from ledger.domain.encoding.identifiers import ZERO_DIGEST, signer_id
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused, SteriLedgerError
from ledger.domain.subjects.folding import Memory, apply, complete_recovery, touched
from ledger.domain.subjects.states import (
    ErasureState,
    MachineState,
    ProposalState,
    ServiceState,
    ShareState,
    SignerState,
    WitnessState,
)
from tests.group import (
    ADMINISTRATOR,
    CENTRE,
    MACHINE,
    MEMBER,
    NOW,
    OPERATOR,
    Story,
)


@pytest.fixture
def story() -> Story:
    """A centre with an administrator, an operator and a machine, and a member."""
    return Story.begun()


def refused(story: Story, kind: str, error: type[SteriLedgerError], /, **values: Any) -> str:
    """The error's sentence; nothing changed."""
    before = story.states()
    with pytest.raises(error) as caught:
        story.tell(kind, **values)
    assert story.states() == before
    return str(caught.value)


# ---------------------------------------------------------------- who may sign


def test_a_signer_acts_for_its_own_unit_with_its_rights_within_its_time(story: Story) -> None:
    opening: dict[str, Any] = {"number": 1}
    refused(story, "CycleOpening", NotFound, **opening, signedBy=b"\x99" * 32)
    refused(story, "CycleOpening", Refused, **opening, signedBy=signer_id(ADMINISTRATOR))
    refused(story, "CycleOpening", Refused, **opening, unit=MEMBER)
    story.tell("CycleOpening", **opening)
    story.tell("SignerRevocation", signer=signer_id(OPERATOR))
    assert "revoked" in refused(story, "CycleOpening", Refused, number=2)


def test_a_key_has_a_beginning_and_an_end(story: Story) -> None:
    late = b"\x31" * 20
    story.tell(
        "SignerEnrolment", key=late, rights=Right.OPEN, validFrom=NOW + 10, validUntil=NOW + 20
    )
    for signed_at in (NOW + 9, NOW + 21):
        refused(
            story, "CycleOpening", Refused, number=1, signedBy=signer_id(late), signedAt=signed_at
        )
    story.tell("CycleOpening", number=1, signedBy=signer_id(late), signedAt=NOW + 15)


def test_nothing_is_signed_in_the_future_or_at_no_time(story: Story) -> None:
    ahead = NOW + rules.SKEW_SECONDS
    refused(story, "CycleOpening", InvalidInput, number=1, signedAt=ahead + 1)
    refused(story, "CycleOpening", InvalidInput, number=1, signedAt=0)
    story.tell("CycleOpening", number=1, signedAt=ahead)


def test_a_closed_unit_no_longer_acts(story: Story) -> None:
    story.tell("UnitClosure", unit=CENTRE)
    assert "closed" in refused(story, "CycleOpening", Refused, number=1)
    refused(story, "UnitClosure", Refused, unit=CENTRE)


def test_a_key_is_enrolled_once_for_ever(story: Story) -> None:
    refused(story, "SignerEnrolment", Conflict, key=OPERATOR)
    refused(story, "UnitAdmission", Conflict, unit=9, key=ADMINISTRATOR)
    refused(story, "RecoveryProposal", Conflict, unit=CENTRE, key=OPERATOR)


def test_an_erasure_has_two_signers(story: Story) -> None:
    signer = signer_id(OPERATOR)
    refused(story, "RecordErasure", InvalidInput, subject=b"\5" * 32, countersignedBy=signer)


# ---------------------------------------------------------------- the registry


def test_a_unit_is_admitted_once_with_roles_that_there_are(story: Story) -> None:
    refused(story, "UnitAdmission", Conflict, unit=CENTRE, key=b"\x41" * 20)
    for roles in (0, 64):
        refused(story, "UnitAdmission", InvalidInput, unit=9, key=b"\x41" * 20, roles=roles)
    refused(story, "UnitAdmission", InvalidInput, unit=9, key=b"\x41" * 20, validUntil=NOW)


def test_a_signer_has_rights_that_there_are(story: Story) -> None:
    for bits in (0, sum(Right) + 1 << 1):
        refused(story, "SignerEnrolment", InvalidInput, key=b"\x42" * 20, rights=bits)


def test_a_machine_is_registered_once_and_never_comes_back_from_retirement(story: Story) -> None:
    refused(story, "EquipmentRegistration", Conflict)
    registered = story.digest_of("EquipmentRegistration")
    refused(story, "EquipmentChange", Conflict, replaces=b"\7" * 32)
    refused(story, "EquipmentChange", InvalidInput, replaces=registered, epoch=0)
    retired = story.tell("EquipmentChange", replaces=registered, state=EquipmentState.RETIRED)
    machine = story.find(MachineState, MACHINE)
    assert (machine.state, machine.epoch, machine.first_epoch) == (EquipmentState.RETIRED, 2, 1)
    refused(story, "EquipmentChange", Refused, replaces=retired, epoch=3)


def test_a_recovery_ends_by_a_veto_or_gives_the_unit_an_administrator(story: Story) -> None:
    key = b"\x43" * 20
    proposal = story.tell("RecoveryProposal", unit=CENTRE, key=key)
    refused(story, "RecoveryVeto", NotFound, proposal=b"\1" * 32)
    complete_recovery(proposal, story.view)
    signer = story.find(SignerState, signer_id(key))
    assert (signer.unit, signer.rights, signer.enrolment) == (CENTRE, Right.ADMINISTER, proposal)
    assert story.find(ProposalState, proposal).is_completed


def test_one_veto_ends_a_recovery(story: Story) -> None:
    proposal = story.tell("RecoveryProposal", unit=CENTRE, key=b"\x44" * 20)
    veto = story.tell("RecoveryVeto", proposal=proposal)
    assert story.find(ProposalState, proposal).veto == veto
    refused(story, "RecoveryVeto", Conflict, proposal=proposal)


# ---------------------------------------------------------------- cycles


def test_a_number_is_opened_once_in_any_order(story: Story) -> None:
    for number in (5, 3, 9):
        story.tell("CycleOpening", number=number)
    assert "open already" in refused(story, "CycleOpening", Conflict, number=3)
    assert story.cycle(3).opening != story.cycle(5).opening


def test_a_cycle_belongs_to_an_epoch_that_the_machine_has_had(story: Story) -> None:
    story.tell("EquipmentChange", replaces=story.digest_of("EquipmentRegistration"), epoch=2)
    story.tell("CycleOpening", number=5, epoch=1)
    story.tell("CycleOpening", number=5, epoch=2)
    for epoch in (0, 3):
        refused(story, "CycleOpening", Refused, number=6, epoch=epoch)


def test_a_machine_out_of_service_may_still_open_cycles(story: Story) -> None:
    registered = story.digest_of("EquipmentRegistration")
    story.tell("EquipmentChange", replaces=registered, state=EquipmentState.OUT_OF_SERVICE)
    story.tell("CycleOpening", number=1, epoch=2)


def test_an_opening_with_nothing_after_it_is_taken_back_and_its_number_free_again(
    story: Story,
) -> None:
    opening = story.tell("CycleOpening", number=4)
    refused(story, "CycleVoid", Conflict, number=4, opening=b"\1" * 32)
    void = story.tell("CycleVoid", number=4, opening=opening)
    assert (story.cycle(4).opening, story.cycle(4).voided) == (ZERO_DIGEST, void)
    refused(story, "CycleEnding", NotFound, number=4)
    refused(story, "CycleVoid", NotFound, number=4, opening=opening)
    again = story.tell("CycleOpening", number=4, startedAt=7)
    assert (story.cycle(4).opening, story.cycle(4).voided) == (again, void)


@pytest.mark.parametrize("after", ["CycleEnding", "LoadDeclaration"])
def test_an_opening_that_something_rests_on_stays(story: Story, after: str) -> None:
    opening = story.tell("CycleOpening", number=4)
    story.tell(after, number=4)
    refused(story, "CycleVoid", Refused, number=4, opening=opening)


def test_an_amendment_names_what_it_replaces(story: Story) -> None:
    story.tell("CycleOpening", number=1)
    first = story.tell("CycleEnding", number=1)
    refused(story, "CycleEnding", Conflict, number=1)
    refused(story, "CycleEnding", Conflict, number=1, replaces=b"\1" * 32)
    story.tell("CycleEnding", number=1, replaces=first, outcome=Outcome.ABORTED)
    assert story.cycle(1).outcome is Outcome.ABORTED


def totals(*pairs: tuple[int, int]) -> list[dict[str, int]]:
    return [{"packageClass": c, "quantity": q} for c, q in pairs]


def test_a_load_names_each_class_once_and_keeps_what_was_released(story: Story) -> None:
    story.tell("CycleOpening", number=1)
    for wrong in (totals(), totals((2, 1), (1, 1)), totals((1, 1), (1, 2)), totals((1, 0))):
        refused(story, "LoadDeclaration", InvalidInput, number=1, totals=wrong)
    load = story.tell("LoadDeclaration", number=1, totals=totals((1, 5), (2, 5)))
    story.tell("CycleEnding", number=1)
    story.release(1, delta=5)
    refused(story, "LoadDeclaration", InvalidInput, number=1, replaces=load, totals=totals((1, 5)))
    less = totals((1, 4), (2, 5))
    refused(story, "LoadDeclaration", Refused, number=1, replaces=load, totals=less)


def test_a_release_judges_a_completed_ending_that_did_not_fail_and_a_load(story: Story) -> None:
    story.tell("CycleOpening", number=1)
    with pytest.raises(Refused, match="has not ended"):
        story.release(1)
    ending = story.tell("CycleEnding", number=1)
    with pytest.raises(Refused, match="load is not declared"):
        story.release(1)
    story.tell("LoadDeclaration", number=1)
    failed = story.tell("CycleEnding", number=1, replaces=ending, verdict=Verdict.FAILED)
    with pytest.raises(Refused, match="failed the named profile"):
        story.release(1)
    story.tell("CycleEnding", number=1, replaces=failed, outcome=Outcome.ABORTED)
    with pytest.raises(Refused, match="aborted"):
        story.release(1)


def test_a_decision_names_what_it_judges_and_moves_the_counts(story: Story) -> None:
    story.complete(1)
    refused(story, "CycleDecision", Conflict, number=1, ending=b"\1" * 32, load=story.cycle(1).load)
    decision = story.release(1, delta=4)
    cycle = story.cycle(1)
    assert (cycle.state, cycle.decision) == (DecisionState.RELEASED, decision)
    assert (cycle.counts[1].declared, cycle.counts[1].released) == (10, 4)
    share = story.find(ShareState, decision, 0)
    assert (share.owner, share.payer, share.delta) == (CENTRE, CENTRE, 4)
    with pytest.raises(Refused, match="does not follow"):
        story.release(1)


def test_packages_are_added_for_open_units_and_taken_back_from_closed_ones(story: Story) -> None:
    story.complete(1)
    story.release(1, delta=4, owner=MEMBER)
    story.tell("UnitClosure", unit=MEMBER)
    with pytest.raises(Refused, match="is closed"):
        story.decide(1, DecisionKind.CORRECT, delta=1, owner=MEMBER)
    story.decide(1, DecisionKind.CORRECT, delta=-1, owner=MEMBER)
    with pytest.raises(NotFound, match="not admitted"):
        story.decide(1, DecisionKind.CORRECT, delta=1, owner=77)


# ---------------------------------------------------------------- statements


def test_statements_of_a_cycle_are_its_own_unit_s_and_stand_beside_each_other(
    story: Story,
) -> None:
    story.tell("CycleOpening", number=1)
    first = story.tell("ResultEntry", number=1)
    second = story.tell("ResultEntry", number=1, signedAt=NOW + 1)
    refused(story, "ResultEntry", NotFound, number=2)
    third = story.tell("ResultEntry", number=1, replaces=first)
    assert story.find(WitnessState, first).replaced_by == third
    assert story.find(WitnessState, second).replaced_by == ZERO_DIGEST
    refused(story, "ResultEntry", Conflict, number=1, replaces=first)
    refused(story, "ResultEntry", Conflict, number=1, replaces=b"\1" * 32)
    comment = story.tell("Comment", about=story.cycle(1).id)
    refused(story, "ResultEntry", Conflict, number=1, replaces=comment)


def test_a_correction_of_a_service_leaves_at_least_nothing_and_at_most_what_there_was(
    story: Story,
) -> None:
    served: dict[str, Any] = {"consumer": MEMBER, "kind": 7}
    refused(story, "Service", InvalidInput, **served, quantity=0)
    refused(story, "Service", NotFound, consumer=9, kind=7, quantity=1)
    refused(story, "Service", NotFound, **served, quantity=-1, corrects=b"\1" * 32)
    service = story.tell("Service", **served, quantity=90)
    assert "-1" in refused(story, "Service", Refused, **served, quantity=-91, corrects=service)
    refused(story, "Service", Refused, **served, quantity=1, corrects=service)
    refused(story, "Service", Refused, **{**served, "kind": 8}, quantity=-1, corrects=service)
    correction = story.tell("Service", **served, quantity=-30, corrects=service)
    assert story.find(ServiceState, service).left == 60
    refused(story, "Service", NotFound, **served, quantity=-1, corrects=correction)
    story.tell("UnitClosure", unit=MEMBER)
    refused(story, "Service", Refused, **served, quantity=1)
    story.tell("Service", **served, quantity=-60, corrects=service)
    assert story.find(ServiceState, service).left == 0


# ---------------------------------------------------------------- the reducer


def test_every_state_that_an_operation_reads_or_changes_is_named_beforehand() -> None:
    # The index looks only for what `touched` names: what a kind forgets would not be stored.
    for recorded, states in Story.all_kinds():
        named = set(touched(recorded.act, recorded.message))
        view = Guarded(states, named)
        recorded.act.rules(recorded.message, view)
        apply(recorded, view)


#: what an operation brings under its own digest
_NEW = ShareState | ServiceState | WitnessState | ProposalState


class Guarded(Memory):
    """States of which only those that were named may be looked for."""

    def __init__(self, states: Mapping[Any, Any], named: set[Any]) -> None:
        super().__init__()
        self._states = dict(states)
        self._named = named

    def find(self, cls: type[Any], *key: object) -> Any:
        assert (cls, key) in self._named, (cls, key)
        return super().find(cls, *key)

    def put(self, state: Any) -> None:
        key = (type(state), state.key)
        assert key in self._named or isinstance(state, _NEW), key
        super().put(state)


def test_the_story_tells_every_kind() -> None:
    assert {recorded.act.name for recorded, _ in Story.all_kinds()} == set(ACTS)


def test_an_erasure_is_asked_for_once(story: Story) -> None:
    subject = story.digest_of("SignerEnrolment")
    erasure = story.tell("RecordErasure", subject=subject)
    assert story.find(ErasureState, subject, CENTRE).erasure == erasure
    refused(story, "RecordErasure", Conflict, subject=subject)
