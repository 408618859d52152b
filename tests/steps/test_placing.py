"""What an accepted operation waits for, and what becomes of a place whose operation was refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.domain.acts.words import Custody, EquipmentState, Right, UnitRole
from ledger.domain.drafts import Circumstances
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
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
from ledger.domain.registry_acts import (
    ProposeRecovery,
    VetoRecovery,
    draft_recovery_proposal,
    draft_recovery_veto,
)
from ledger.domain.subjects.indexed import IndexedOperation, IndexedSigner
from ledger.steps.accepting.standing import (
    find_cycle_state,
    find_machine_state,
    find_signer_state,
    find_unit_state,
)
from ledger.steps.sending.vacating import retract
from ledger.storage import directory, index, operations
from ledger.storage.engine.database import Database
from tests.house import CENTRE, CYCLE_DUTIES, MEMBER, Changes, House, build_house
from tests.steps.test_submit import change, close, line, load, revoke, share, state_of, told


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre with a sterilizer, and a member."""
    return build_house(database, tmp_path)


def waits(house: House, digest: Digest) -> set[Digest]:
    """What an operation waits for."""
    with house.instance.database.reading() as tx:
        return {row.predecessor for row in operations.list_dependencies(tx, [digest])}


def everything_before(house: House, digest: Digest) -> set[Digest]:
    """What an operation waits for, and what that waits for."""
    found: set[Digest] = set()
    left = waits(house, digest)
    while left:
        found |= left
        left = set().union(*(waits(house, each) for each in left)) - found
    return found


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
        return retract(tx, digest)


# ------------------------------------------------------------------------------ order


def test_an_opening_comes_after_the_one_before_it_its_machine_and_its_signer(house: House) -> None:
    first = house.open(1).digest
    second = house.open(2).digest
    with house.instance.database.reading() as tx:
        machine = find_machine_state(tx, house.equipment)
        signer = find_signer_state(tx, signer_id(house.operator))
    assert machine is not None
    assert signer is not None
    assert waits(house, second) == {first, machine.current, signer.enrolment}


def test_a_decision_comes_after_all_that_it_judges_and_the_units_it_names(house: House) -> None:
    opening = house.open(1).digest
    load = house.declare(1).digest
    ending = house.end(1).digest
    decided = house.decide(1).digest
    with house.instance.database.reading() as tx:
        units = [find_unit_state(tx, number) for number in (CENTRE, MEMBER)]
    admissions = {unit.admission for unit in units if unit is not None}
    assert len(admissions) == 2
    assert {opening, load, ending} | admissions <= waits(house, decided)


def test_an_amendment_comes_after_the_decision_that_judged_what_it_amends(house: House) -> None:
    house.complete(1)
    decided = house.decide(1).digest
    before = state_of(house, 1)
    ending = house.end(1, replaces=before.ending, circumstances=told()).digest
    declared = load(house, 1, line(10), replaces=before.load, circumstances=told()).digest
    assert {decided, before.ending} <= waits(house, ending)
    assert {decided, before.load} <= waits(house, declared)


def test_a_revocation_comes_after_everything_that_its_signer_signed(house: House) -> None:
    signed = [house.open(1).digest, house.declare(1).digest, house.end(1).digest]
    revoked = revoke(house, CENTRE, house.operator).digest
    assert set(signed) <= waits(house, revoked)


def test_a_revocation_does_not_wait_for_what_the_chain_has(house: House) -> None:
    digest = house.open(1).digest
    steps = (OperationState.OWED, OperationState.MINED, OperationState.FINAL)
    with house.instance.database.transaction() as tx:
        for state, then in pairwise(steps):
            operations.move_operation(tx, digest, then, house.clock(), expected=[state])
    assert digest not in waits(house, revoke(house, CENTRE, house.operator).digest)


def test_a_closure_comes_after_the_unit_s_own_acts_and_the_shares_that_name_it(
    house: House,
) -> None:
    house.complete(1)
    decided = house.decide(1).digest
    enrolled = house.enrol(MEMBER, "Somebody", Right.OPEN)
    with house.instance.database.reading() as tx:
        signer = find_signer_state(tx, signer_id(enrolled))
    assert signer is not None
    assert {decided, signer.enrolment} <= waits(house, close(house, MEMBER).digest)


def test_a_change_of_a_machine_comes_after_its_openings_and_before_the_next(house: House) -> None:
    house.open(1)
    second = house.open(2).digest
    changed = change(house, EquipmentState.IN_SERVICE, 2).digest
    reference = replace(house.cycle(1), epoch=2)
    opened = house.open(1, cycle=reference).digest
    assert second in waits(house, changed)
    assert changed in waits(house, opened)
    assert {house.cycle(1).id, reference.id} == {
        cycle_id_of(house.equipment, epoch, 1) for epoch in (1, 2)
    }


# ------------------------------------------------------------------------------ refused


def test_what_needed_a_refused_operation_is_named_and_what_only_followed_goes_on(
    house: House,
) -> None:
    opening = house.open(1).digest
    needs_it = [house.declare(1).digest, house.end(1).digest, house.decide(1).digest]
    later = house.open(2).digest
    before = waits(house, opening)
    assert set(refuse(house, opening)) == set(needs_it)
    assert opening not in waits(house, later)
    assert before <= waits(house, later)


def test_the_order_around_a_refused_opening_stays(house: House) -> None:
    first = house.open(1).digest
    second = house.open(2).digest
    changed = change(house, EquipmentState.OUT_OF_SERVICE, 1).digest
    assert refuse(house, second) == []
    assert first in everything_before(house, changed)


def test_a_revocation_outlives_the_refusal_of_what_its_signer_signed(house: House) -> None:
    opening = house.open(1).digest
    revoked = revoke(house, CENTRE, house.operator).digest
    assert refuse(house, opening) == []
    assert opening not in waits(house, revoked)


def test_a_corrected_opening_takes_the_place_of_a_refused_one(house: House) -> None:
    first = house.open(1).digest
    refuse(house, first)
    with house.instance.database.reading() as tx:
        assert find_cycle_state(tx, house.cycle(1).id) is None
    second = house.open(1, programme="134").digest
    assert second != first
    with house.instance.database.reading() as tx:
        assert directory.get_cycle(tx, house.cycle(1).id).digest == second


def test_a_corrected_admission_takes_the_place_of_a_refused_one(house: House) -> None:
    house.admit(3, "third", UnitRole.USER)
    with house.instance.database.reading() as tx:
        unit = find_unit_state(tx, 3)
    assert unit is not None
    administrator = house.administrators[3]
    refuse(house, unit.admission)
    with house.instance.database.reading() as tx:
        assert find_unit_state(tx, 3) is None
        assert find_signer_state(tx, signer_id(administrator)) is None
        assert directory.find_unit(tx, 3) is None
    house.admit(3, "third", UnitRole.USER)


def test_a_corrected_enrolment_and_registration_take_the_place_of_refused_ones(
    house: House,
) -> None:
    key = house.enrol(CENTRE, "Somebody", CYCLE_DUTIES)
    machine = house.register(CENTRE, "S-2")
    with house.instance.database.reading() as tx:
        signer, registered = find_signer_state(tx, signer_id(key)), find_machine_state(tx, machine)
    assert signer is not None
    assert registered is not None
    refuse(house, signer.enrolment)
    refuse(house, registered.current)
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


def indexed_signer(key: bytes, **changes: Changes) -> IndexedSigner:
    """An administrator of the member as the chain has it."""
    row = IndexedSigner(
        id=SignerId(signer_id(key)),
        unit=MEMBER,
        signer=key,
        duties=Right.ADMINISTER,
        custody=Custody.SERVER,
        valid_from=0,
        valid_until=0,
        state=1,
        enrolled_by=Digest(b"\6" * 32),
    )
    return replace(row, **changes)


def test_an_administrator_whom_a_recovery_made_may_act(house: House) -> None:
    key = house.key("recovered")
    with house.instance.database.transaction() as tx:
        index.put(tx, [indexed_signer(key)])
    house.administrators[MEMBER] = key
    machine = house.register(MEMBER, "M-1")
    assert machine == equipment_id(UnitNumber(MEMBER), serial_hash("M-1"))


def test_a_revocation_that_somebody_else_relayed_counts_here(house: House) -> None:
    row = indexed_signer(
        house.operator, unit=CENTRE, duties=CYCLE_DUTIES, revoked_by=Digest(b"\5" * 32)
    )
    with house.instance.database.transaction() as tx:
        index.put(tx, [row])
    with house.nothing_stored(), pytest.raises(Refused, match="revoked"):
        house.open(1)


def propose(house: House, key: bytes) -> Digest:
    """Propose a new administrator of the member."""
    request = ProposeRecovery(
        unit=MEMBER, key=key, name="New", custody=Custody.SERVER, circumstances=told()
    )
    return house.record(draft_recovery_proposal(request, authority=house.authority)).digest


def veto(house: House, proposal: Digest) -> Digest:
    """Veto it as the administrator whose key is not lost."""
    request = VetoRecovery(
        unit=MEMBER,
        proposal=proposal,
        administrator=house.administrators[MEMBER],
        circumstances=Circumstances(),
    )
    return house.record(draft_recovery_veto(request)).digest


def test_a_veto_comes_after_its_proposal_and_only_once(house: House) -> None:
    proposal = propose(house, house.key("new"))
    assert proposal in waits(house, veto(house, proposal))
    with house.nothing_stored(), pytest.raises(Conflict, match="vetoed already"):
        veto(house, proposal)


def test_a_veto_comes_within_seven_days_of_the_block_that_holds_the_proposal(house: House) -> None:
    proposal = propose(house, house.key("new"))
    with house.instance.database.transaction() as tx:
        row = operations.get_operation(tx, proposal)
        index.put(
            tx,
            [
                IndexedOperation(
                    digest=proposal,
                    kind=row.kind,
                    unit=MEMBER,
                    subject=row.subject,
                    message=row.message,
                    record=b"\1" * 32,
                    height=1,
                    block_hash=b"\1" * 32,
                    timestamp=int(house.clock().timestamp()),
                    tx_hash=b"\1" * 32,
                    position=0,
                    head=b"\1" * 32,
                )
            ],
        )
    house.clock.advance(days=7, seconds=1)
    with house.nothing_stored(), pytest.raises(Refused, match="seven days"):
        veto(house, proposal)
    house.clock.advance(seconds=-1)
    veto(house, proposal)


def test_a_key_is_proposed_once(house: House) -> None:
    key = house.key("new")
    propose(house, key)
    with house.nothing_stored(), pytest.raises(Conflict, match="proposed before"):
        propose(house, key)


def test_nothing_is_vetoed_that_nobody_proposed(house: House) -> None:
    with house.nothing_stored(), pytest.raises(NotFound, match="no such proposal"):
        veto(house, ZERO_DIGEST)
