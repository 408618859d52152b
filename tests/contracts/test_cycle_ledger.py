"""Each act on the cycle ledger: once accepted, and its main refusals, against the artifacts."""

from __future__ import annotations

import pytest
from eth_account import Account

from tests.contracts.world import DECIDE, OPEN, Value, World, cycle_id, signer_id
from tests.contracts.world import Operation as Signed

COMPLETED, ABORTED, UNKNOWN = 1, 2, 3
PASSED, FAILED = 1, 2
RELEASE, PENDING, EMERGENCY, REJECT, HOLD, LIFT, RECALL, CORRECT = range(1, 9)
NONE = bytes(32)
#: Where these stand in what getCycle returns.
STATE, OUTCOME, VERDICT, ENDING, LOAD, DECISION = 2, 3, 4, 6, 7, 8


def share(delta: int, owner: int = 1, payer: int = 1, package_class: int = 7) -> dict[str, int]:
    """Return a share as typed data."""
    return {"owner": owner, "payer": payer, "packageClass": package_class, "delta": delta}


def total(package_class: int, quantity: int) -> dict[str, int]:
    """Return one declared total as typed data."""
    return {"packageClass": package_class, "quantity": quantity}


def opened(world: World) -> bytes:
    """Open cycle 1 of a new sterilizer; return its id."""
    equipment = world.staff()
    world.send(world.opening(equipment, 1))
    return cycle_id(equipment, 1, 1)


def ended(world: World, cycle: bytes, **values: Value) -> Signed:
    """End the cycle as completed and passed, unless said otherwise."""
    values = {"outcome": COMPLETED, "verdict": PASSED, "endedAt": 0, **values}
    operation = world.by_operator("CycleEnding", cycle, **values)
    world.send(operation)
    return operation


def loaded(world: World, cycle: bytes, **values: Value) -> Signed:
    """Declare ten packages of class 7, unless said otherwise."""
    values = {"totals": [total(7, 10)], **values}
    operation = world.by_operator("LoadDeclaration", cycle, **values)
    world.send(operation)
    return operation


def decision(world: World, cycle: bytes, kind: int, **values: Value) -> Signed:
    """Return a decision over the cycle's current digests, not sent."""
    stored = world.ledger.functions.getCycle(cycle).call()
    values = {
        "kind": kind,
        "ending": stored[ENDING],
        "load": stored[LOAD],
        "replaces": stored[DECISION],
        "shares": [],
        **values,
    }
    return world.by_operator("CycleDecision", cycle, **values)


def test_an_opened_cycle_is_found_under_its_computed_id(world: World) -> None:
    equipment = world.staff()
    operation = world.opening(equipment, 13, startedAt=1_700_000_000)
    event = world.event(world.ledger, "CycleOpened", world.send(operation))
    cycle = cycle_id(equipment, 1, 13)
    assert (event["about"], event["operation"]["number"]) == (cycle, 13)
    assert event["head"] == world.heads()[1]
    stored = world.ledger.functions.getCycle(cycle).call()
    assert stored == (operation.digest[:23], 1, 0, 0, 0, 0, NONE, NONE, NONE)


def test_an_opening_sent_twice_is_recorded_once(world: World) -> None:
    operation = world.opening(world.staff(), 1)
    world.send(operation)
    head = world.heads()
    assert world.send(operation)["logs"] == []
    assert world.heads() == head


def test_a_number_below_the_latest_is_opened_late_but_none_twice(world: World) -> None:
    equipment = world.staff()
    world.send(world.opening(equipment, 13))
    late = world.opening(equipment, 12)
    world.send(late)
    stored = world.ledger.functions.getCycle(cycle_id(equipment, 1, 12)).call()
    assert stored[:2] == (late.digest[:23], 1)
    same = world.opening(equipment, 13)
    refusal = world.refusal(same)
    assert refusal == ["AlreadyRecorded", same.digest, "cycle", cycle_id(equipment, 1, 13)]


def test_a_voided_opening_frees_its_number_and_stays_void(world: World) -> None:
    equipment = world.staff()
    first = world.opening(equipment, 1)
    world.send(first)
    cycle = cycle_id(equipment, 1, 1)
    void = world.by_operator("CycleVoid", cycle, opening=first.digest)
    event = world.event(world.ledger, "CycleVoided", world.send(void))
    assert (event["about"], event["operation"]["opening"]) == (cycle, first.digest)
    head = world.heads()
    assert world.send(first)["logs"] == world.send(void)["logs"] == []
    assert world.heads() == head
    late = world.by_operator("CycleEnding", cycle, outcome=1, verdict=1, endedAt=0)
    assert world.refusal(late) == ["Unknown", late.digest, "cycle", cycle]
    second = world.opening(equipment, 1)
    world.send(second)
    assert world.ledger.functions.getCycle(cycle).call()[:2] == (second.digest[:23], 1)


def test_an_opening_that_something_follows_is_not_voided(world: World) -> None:
    equipment = world.staff()
    opening = world.opening(equipment, 1)
    world.send(opening)
    cycle = cycle_id(equipment, 1, 1)
    ending = ended(world, cycle)
    void = world.by_operator("CycleVoid", cycle, opening=opening.digest)
    number = int.from_bytes(ending.digest)
    assert world.refusal(void) == ["NotAllowed", void.digest, "ending", number]


def test_a_key_without_the_right_cannot_open(world: World) -> None:
    equipment = world.staff()
    decider = Account.create()
    world.enrol(decider, DECIDE)
    operation = world.opening(equipment, 1, signedBy=signer_id(decider))
    refusal = world.refusal(operation)
    assert refusal == ["RightMissing", operation.digest, signer_id(decider), OPEN, DECIDE]


def test_an_ended_cycle_carries_its_outcome_and_verdict(world: World) -> None:
    cycle = opened(world)
    operation = ended(world, cycle, outcome=ABORTED, verdict=3)
    stored = world.ledger.functions.getCycle(cycle).call()
    assert (stored[ENDING], stored[OUTCOME], stored[VERDICT]) == (operation.digest, ABORTED, 3)


def test_an_ending_is_amended_only_by_naming_the_current_one(world: World) -> None:
    cycle = opened(world)
    first = ended(world, cycle, outcome=UNKNOWN)
    blind = world.by_operator("CycleEnding", cycle, outcome=COMPLETED, verdict=PASSED, endedAt=0)
    assert world.refusal(blind) == ["NotCurrent", blind.digest, "replaces", NONE, first.digest]
    second = ended(world, cycle, replaces=first.digest)
    assert world.ledger.functions.getCycle(cycle).call()[ENDING] == second.digest
    assert world.send(first)["logs"] == []
    assert world.ledger.functions.getCycle(cycle).call()[ENDING] == second.digest


def test_a_cycle_that_nobody_opened_cannot_end(world: World) -> None:
    world.staff()
    operation = world.by_operator(
        "CycleEnding", b"\x09" * 32, outcome=COMPLETED, verdict=PASSED, endedAt=0
    )
    assert world.refusal(operation) == ["Unknown", operation.digest, "cycle", b"\x09" * 32]


def test_a_declared_load_carries_its_totals(world: World) -> None:
    cycle = opened(world)
    operation = loaded(world, cycle, totals=[total(7, 10), total(9, 2)])
    assert world.ledger.functions.getCycle(cycle).call()[LOAD] == operation.digest
    assert world.ledger.functions.getTotal(cycle, 7).call() == [10, 0]
    assert world.ledger.functions.getTotal(cycle, 9).call() == [2, 0]


def test_an_amended_load_lists_every_class_ever_declared(world: World) -> None:
    cycle = opened(world)
    first = loaded(world, cycle, totals=[total(7, 10), total(9, 2)])
    values: dict[str, Value] = {"totals": [total(9, 3)], "replaces": first.digest}
    partial = world.by_operator("LoadDeclaration", cycle, **values)
    assert world.refusal(partial) == ["OutOfRange", partial.digest, "known classes", 1, 2, 2]
    loaded(world, cycle, totals=[total(7, 0), total(9, 3)], replaces=first.digest)
    assert world.ledger.functions.getTotal(cycle, 7).call() == [0, 0]


def test_a_released_cycle_counts_its_shares(world: World) -> None:
    cycle = opened(world)
    other = Account.create()
    world.admit(2, other)
    ended(world, cycle)
    loaded(world, cycle)
    operation = decision(world, cycle, RELEASE, shares=[share(4), share(3, owner=2, payer=1)])
    receipt = world.send(operation)
    event = world.event(world.ledger, "CycleDecided", receipt)
    assert [each["delta"] for each in event["operation"]["shares"]] == [4, 3]
    assert world.ledger.functions.getCycle(cycle).call()[STATE] == 1
    assert world.ledger.functions.getTotal(cycle, 7).call() == [10, 7]
    assert world.ledger.functions.getCycle(cycle).call()[DECISION] == operation.digest


def test_no_more_is_released_than_was_declared(world: World) -> None:
    cycle = opened(world)
    ended(world, cycle)
    loaded(world, cycle)
    operation = decision(world, cycle, RELEASE, shares=[share(11)])
    assert world.refusal(operation) == ["OutOfRange", operation.digest, "released", 11, 0, 10]


def test_a_cycle_is_not_released_before_it_ended_completed_and_loaded(world: World) -> None:
    cycle = opened(world)
    operation = decision(world, cycle, RELEASE, shares=[share(1)])
    assert world.refusal(operation) == ["NotAllowed", operation.digest, "outcome", 0]
    aborted = ended(world, cycle, outcome=ABORTED)
    operation = decision(world, cycle, RELEASE, shares=[share(1)])
    assert world.refusal(operation) == ["NotAllowed", operation.digest, "outcome", ABORTED]
    failed = ended(world, cycle, verdict=FAILED, replaces=aborted.digest)
    operation = decision(world, cycle, RELEASE, shares=[share(1)])
    assert world.refusal(operation) == ["NotAllowed", operation.digest, "verdict", FAILED]
    ended(world, cycle, replaces=failed.digest)
    operation = decision(world, cycle, RELEASE, shares=[share(1)])
    assert world.refusal(operation) == ["NotAllowed", operation.digest, "load", 0]


def test_a_decision_names_the_digests_it_judges(world: World) -> None:
    cycle = opened(world)
    first = ended(world, cycle)
    loaded(world, cycle)
    judged = decision(world, cycle, RELEASE, shares=[share(1)])
    second = ended(world, cycle, verdict=FAILED, replaces=first.digest)
    refusal = world.refusal(judged)
    assert refusal == ["NotCurrent", judged.digest, "ending", first.digest, second.digest]


def test_a_digest_that_is_not_recorded_yet_is_waited_for(world: World) -> None:
    cycle = opened(world)
    early = decision(world, cycle, HOLD, ending=b"\x08" * 32)
    assert world.refusal(early) == ["NotYetRecorded", early.digest, "ending", b"\x08" * 32]


@pytest.mark.parametrize("kind", [LIFT, RECALL, CORRECT])
def test_an_undecided_cycle_cannot_be_lifted_recalled_or_corrected(world: World, kind: int) -> None:
    operation = decision(world, opened(world), kind)
    assert world.refusal(operation) == ["NotAllowed", operation.digest, "cycle", 0]


def test_a_pending_release_is_held_lifted_released_and_recalled(world: World) -> None:
    cycle = opened(world)
    ended(world, cycle)
    loaded(world, cycle)
    states = []
    for kind, shares in [
        (PENDING, [share(5)]),
        (HOLD, []),
        (LIFT, []),
        (RELEASE, []),
        (RECALL, [share(-5)]),
    ]:
        world.send(decision(world, cycle, kind, shares=shares))
        states.append(world.ledger.functions.getCycle(cycle).call()[STATE])
    assert states == [2, 7, 2, 1, 9]
    assert world.ledger.functions.getTotal(cycle, 7).call() == [10, 0]


def test_packages_move_between_owners_of_a_fully_released_load(world: World) -> None:
    cycle = opened(world)
    world.admit(2, Account.create())
    ended(world, cycle)
    loaded(world, cycle)
    world.send(decision(world, cycle, RELEASE, shares=[share(4), share(6, owner=2)]))
    world.send(decision(world, cycle, CORRECT, shares=[share(6), share(-6, owner=2)]))
    assert world.ledger.functions.getTotal(cycle, 7).call() == [10, 10]


def test_packages_of_a_closed_unit_are_recalled_but_none_are_added(world: World) -> None:
    cycle = opened(world)
    world.admit(2, Account.create())
    ended(world, cycle)
    loaded(world, cycle)
    world.send(decision(world, cycle, RELEASE, shares=[share(4), share(3, owner=2)]))
    world.send(world.operation("UnitClosure", unit=2))
    more = decision(world, cycle, CORRECT, shares=[share(1, owner=2)])
    assert world.refusal(more) == ["NotAllowed", more.digest, "unit", 2]
    world.send(decision(world, cycle, RECALL, shares=[share(-4), share(-3, owner=2)]))
    assert world.ledger.functions.getTotal(cycle, 7).call() == [10, 0]
