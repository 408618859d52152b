"""What an accepted operation waits for, and what becomes of a place whose operation was refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from ledger.domain.acts.words import Custody, EquipmentState, Right, UnitRole
from ledger.domain.drafts import Circumstances
from ledger.domain.encoding.identifiers import (
    Digest,
    SignerId,
    UnitNumber,
    equipment_id,
    serial_hash,
    signer_id,
)
from ledger.domain.encoding.identifiers import cycle_id as cycle_id_of
from ledger.domain.errors import Conflict, NotFound, Refused
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.states import (
    CycleState,
    MachineState,
    ProposalState,
    SignerState,
    UnitState,
)
from ledger.steps.accepting.standing import Accepted
from ledger.steps.sending.vacating import vacate
from ledger.storage import directory, index, operations
from ledger.storage.engine.database import Database
from tests import making
from tests.house import CENTRE, CYCLE_RIGHTS, MEMBER, Changes, House, build_house
from tests.steps.test_submit import (
    change,
    close,
    enter,
    line,
    load,
    machine_of,
    revoke,
    share,
    state_of,
    told,
    void,
)

S = TypeVar("S")


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre with a sterilizer, and a member."""
    return build_house(database, tmp_path)


def waits(house: House, digest: Digest) -> dict[Digest, bool]:
    """What an operation waits for, and whether it needs it."""
    with house.instance.database.reading() as tx:
        rows = operations.list_dependencies(tx, [digest])
    return {row.predecessor: row.needed for row in rows}


def needs(house: House, digest: Digest) -> set[Digest]:
    """What an operation is refused with."""
    return {predecessor for predecessor, needed in waits(house, digest).items() if needed}


def follows(house: House, digest: Digest) -> set[Digest]:
    """What only comes first."""
    return set(waits(house, digest)) - needs(house, digest)


def refuse(house: House, digest: Digest) -> list[Digest]:
    """The chain refused it."""
    with house.instance.database.transaction() as tx:
        operations.move_operation(
            tx,
            digest,
            OperationState.REFUSED,
            house.clock(),
            expected=[OperationState.OWED],
            reason="the contract says so",
        )
        return vacate(tx, digest)


# ------------------------------------------------------------------------------ order


def standing(house: House, cls: type[S], *key: object) -> S:
    """A state as accepted."""
    with house.instance.database.reading() as tx:
        state = Accepted(tx).find(cls, *key)
    assert state is not None
    return state


def enrolment_of(house: House, key: bytes) -> Digest:
    """The operation that brought a key."""
    return standing(house, SignerState, signer_id(key)).enrolment


def test_an_opening_needs_its_machine_and_its_signer_and_no_other_opening(house: House) -> None:
    first = house.open(5).digest
    for number in (6, 4):
        opened = house.open(number).digest
        assert first not in waits(house, opened)
        assert waits(house, opened) == {
            machine_of(house).current: True,
            enrolment_of(house, house.operator): True,
        }


def test_a_decision_needs_all_that_it_judges_and_the_units_it_names(house: House) -> None:
    opening = house.open(1).digest
    load = house.declare(1).digest
    ending = house.end(1).digest
    decided = house.decide(1).digest
    admissions = {standing(house, UnitState, number).admission for number in (CENTRE, MEMBER)}
    assert len(admissions) == 2
    assert {opening, load, ending} | admissions <= needs(house, decided)


def test_an_amendment_needs_what_it_amends_and_follows_the_decision(
    house: House,
) -> None:
    house.complete(1)
    decided = house.decide(1).digest
    before = state_of(house, 1)
    ending = house.end(1, replaces=before.ending, circumstances=told()).digest
    declared = load(house, 1, line(10), replaces=before.load, circumstances=told()).digest
    for amendment, amended in ((ending, before.ending), (declared, before.load)):
        assert amended in needs(house, amendment)
        assert follows(house, amendment) == {decided}


def test_a_revocation_follows_everything_that_its_signer_signed(house: House) -> None:
    signed = [house.open(1).digest, house.declare(1).digest, house.end(1).digest]
    revoked = revoke(house, CENTRE, house.operator).digest
    assert follows(house, revoked) == set(signed)
    assert enrolment_of(house, house.operator) in needs(house, revoked)


def test_a_revocation_does_not_wait_for_what_the_chain_has(house: House) -> None:
    digest = house.open(1).digest
    steps = (OperationState.OWED, OperationState.MINED, OperationState.FINAL)
    with house.instance.database.transaction() as tx:
        for state, then in pairwise(steps):
            operations.move_operation(tx, digest, then, house.clock(), expected=[state])
    assert digest not in waits(house, revoke(house, CENTRE, house.operator).digest)


def test_a_closure_follows_the_unit_s_own_acts_and_the_shares_that_name_it(
    house: House,
) -> None:
    house.complete(1)
    decided = house.decide(1).digest
    enrolled = house.enrol(MEMBER, "Somebody", Right.OPEN)
    closed = close(house, MEMBER).digest
    assert {decided, enrolment_of(house, enrolled)} <= follows(house, closed)


def test_an_opening_needs_the_change_that_began_its_epoch_and_no_change_waits_for_openings(
    house: House,
) -> None:
    before = house.open(1).digest
    changed = change(house, EquipmentState.IN_SERVICE, 2).digest
    reference = replace(house.cycle(1), epoch=2)
    opened = house.open(1, cycle=reference).digest
    assert before not in waits(house, changed)
    assert changed in needs(house, opened)
    assert {house.cycle(1).id, reference.id} == {
        cycle_id_of(house.equipment, epoch, 1) for epoch in (1, 2)
    }


def test_a_late_opening_of_an_earlier_epoch_is_accepted(house: House) -> None:
    change(house, EquipmentState.IN_SERVICE, 3)
    house.open(7)
    assert state_of(house, 7).epoch == 1


def test_a_result_needs_its_opening_and_a_void_follows_what_was_said_of_the_cycle(
    house: House,
) -> None:
    opening = house.open(1).digest
    entered = enter(house, 1).digest
    voided = void(house, 1).digest
    assert opening in needs(house, entered)
    assert opening in needs(house, voided)
    assert follows(house, voided) == {entered}


def test_an_opening_after_a_void_needs_that_void(house: House) -> None:
    house.open(1)
    voided = void(house, 1).digest
    assert voided in needs(house, house.open(1).digest)


# ------------------------------------------------------------------------------ refused


def test_what_needed_a_refused_operation_is_named_and_what_only_followed_goes_on(
    house: House,
) -> None:
    opening = house.open(1).digest
    needs_it = [
        house.declare(1).digest,
        house.end(1).digest,
        enter(house, 1).digest,
        house.decide(1).digest,
    ]
    other = house.open(2).digest
    revoked = revoke(house, CENTRE, house.operator).digest
    before = waits(house, opening)
    assert set(refuse(house, opening)) == set(needs_it)
    assert opening not in waits(house, revoked)
    assert set(before) <= set(waits(house, revoked))
    assert other in follows(house, revoked)


def test_a_refused_void_takes_the_opening_after_it_along(house: House) -> None:
    first = house.open(1).digest
    voided = void(house, 1).digest
    second = house.open(1).digest
    assert refuse(house, voided) == [second]
    refuse(house, second)
    assert state_of(house, 1).opening == first


def test_a_revocation_outlives_the_refusal_of_what_its_signer_signed(house: House) -> None:
    opening = house.open(1).digest
    revoked = revoke(house, CENTRE, house.operator).digest
    assert refuse(house, opening) == []
    assert opening not in waits(house, revoked)


def test_a_corrected_opening_takes_the_place_of_a_refused_one(house: House) -> None:
    first = house.open(1).digest
    refuse(house, first)
    with house.instance.database.reading() as tx:
        assert Accepted(tx).find(CycleState, house.cycle(1).id) is None
    second = house.open(1, programme="134").digest
    assert second != first
    with house.instance.database.reading() as tx:
        assert directory.get_cycle(tx, house.cycle(1).id).digest == second


def test_a_corrected_admission_takes_the_place_of_a_refused_one(house: House) -> None:
    house.admit(3, "third", UnitRole.USER)
    administrator = house.administrators[3]
    refuse(house, standing(house, UnitState, 3).admission)
    with house.instance.database.reading() as tx:
        assert Accepted(tx).find(UnitState, 3) is None
        assert Accepted(tx).find(SignerState, signer_id(administrator)) is None
        assert directory.find_unit(tx, 3) is None
    house.admit(3, "third", UnitRole.USER)


def test_a_corrected_enrolment_and_registration_take_the_place_of_refused_ones(
    house: House,
) -> None:
    key = house.enrol(CENTRE, "Somebody", CYCLE_RIGHTS)
    machine = house.register(CENTRE, "S-2")
    refuse(house, enrolment_of(house, key))
    refuse(house, standing(house, MachineState, machine).registration)
    with pytest.raises(NotFound):
        house.open(1, signer=key)
    assert house.register(CENTRE, "S-2") == machine


def test_a_refused_amendment_leaves_the_one_before_current(house: House) -> None:
    house.complete(1)
    before = state_of(house, 1).load
    amended = load(house, 1, line(12), replaces=before, circumstances=told()).digest
    refuse(house, amended)
    state = state_of(house, 1)
    assert (state.load, state.counts[1].declared) == (before, 10)
    house.decide(1, shares=(share(10),))


# ------------------------------------------------------------------------------ what the chain says


def indexed_signer(key: bytes, **changes: Changes) -> SignerState:
    """An administrator of the member as the chain has it."""
    state = SignerState(
        id=SignerId(signer_id(key)),
        unit=MEMBER,
        signer=key,
        rights=Right.ADMINISTER,
        custody=Custody.SERVER,
        valid_from=0,
        valid_until=0,
        enrolment=Digest(b"\6" * 32),
    )
    return replace(state, **changes)


def test_an_administrator_whom_a_recovery_made_may_act(house: House) -> None:
    key = house.key("recovered")
    with house.instance.database.transaction() as tx:
        index.put(tx, [indexed_signer(key)])
    house.administrators[MEMBER] = key
    machine = house.register(MEMBER, "M-1")
    assert machine == equipment_id(UnitNumber(MEMBER), serial_hash("M-1"))


def test_a_revocation_that_somebody_else_relayed_counts_here(house: House) -> None:
    row = indexed_signer(
        house.operator, unit=CENTRE, rights=CYCLE_RIGHTS, revocation=Digest(b"\5" * 32)
    )
    with house.instance.database.transaction() as tx:
        index.put(tx, [row])
    with house.nothing_stored(), pytest.raises(Refused, match="revoked"):
        house.open(1)


def propose(house: House, key: bytes) -> Digest:
    """Propose a new administrator of the member."""
    return house.record(making.proposal(MEMBER, key=key, authority=house.authority)).digest


def veto(house: House, proposal: Digest, **changes: Changes) -> Digest:
    """Veto it as the administrator whose key is not lost."""
    administrator = house.administrators[MEMBER]
    drafted = making.veto(MEMBER, proposed=proposal, administrator=administrator, **changes)
    return house.record(drafted).digest


def test_a_veto_comes_after_its_proposal_and_only_once(house: House) -> None:
    proposal = propose(house, house.key("new"))
    assert proposal in needs(house, veto(house, proposal))
    with house.nothing_stored(), pytest.raises(Conflict, match="vetoed already"):
        veto(house, proposal)


def test_a_veto_comes_within_seven_days_of_the_block_that_holds_the_proposal(house: House) -> None:
    proposal = propose(house, house.key("new"))
    state = standing(house, ProposalState, proposal)
    mined_at = int(house.clock().timestamp())
    with house.instance.database.transaction() as tx:
        index.put(tx, [replace(state, proposed_at=mined_at, new_key=b"\7" * 20)])
    house.clock.advance(days=7, seconds=1)
    for signed_at in (None, mined_at):
        told = Circumstances(signed_at=signed_at)
        with house.nothing_stored(), pytest.raises(Refused, match="seven days"):
            veto(house, proposal, circumstances=told)
    house.clock.advance(seconds=-1)
    veto(house, proposal)


def test_a_key_is_proposed_once(house: House) -> None:
    key = house.key("new")
    propose(house, key)
    with house.nothing_stored(), pytest.raises(Conflict, match="proposed before"):
        propose(house, key)


def test_nothing_is_vetoed_that_nobody_proposed(house: House) -> None:
    with house.nothing_stored(), pytest.raises(NotFound, match="no such proposal"):
        veto(house, Digest(b"\5" * 32))
