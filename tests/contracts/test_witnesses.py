"""Statements of a kind: once accepted, and their main refusals, against the artifacts."""

from __future__ import annotations

from eth_account import Account

from tests.contracts.world import (
    ENTRY_OF_ANYBODY,
    OPEN,
    RESULT,
    STATE_OF_CYCLE,
    Operation,
    Value,
    World,
    cycle_id,
    signer_id,
)

NONE = bytes(32)


def opened(world: World) -> bytes:
    """Open cycle 1 of a new sterilizer; return its id."""
    equipment = world.staff()
    world.send(world.opening(equipment, 1))
    return cycle_id(equipment, 1, 1)


def statement(world: World, kind: int, about: bytes, **values: Value) -> Operation:
    """Return a statement by the operator, not sent."""
    given = {"unit": 1, "signedBy": signer_id(world.operator), "content": b"\x04" * 32, **values}
    return world.operation("Witness", kind=kind, about=about, **given)


def current(world: World, about: bytes) -> bytes:
    """The current statement of the kind that is a state."""
    return bytes(world.witnesses.functions.getCurrent(STATE_OF_CYCLE[0], about, 1).call())


def test_a_statement_about_a_cycle_is_current_until_another_names_it(world: World) -> None:
    cycle = opened(world)
    first = statement(world, STATE_OF_CYCLE[0], cycle)
    event = world.event(world.witnesses, "Witnessed", world.send(first))
    assert (event["digest"], event["about"], event["unit"]) == (first.digest, cycle, 1)
    assert event["head"] == world.heads()[3]
    assert current(world, cycle) == first.digest
    blind = statement(world, STATE_OF_CYCLE[0], cycle)
    assert world.refusal(blind) == ["NotCurrent", blind.digest, "replaces", NONE, first.digest]
    second = statement(world, STATE_OF_CYCLE[0], cycle, replaces=first.digest)
    world.send(second)
    assert current(world, cycle) == second.digest
    head = world.heads()
    assert world.send(first)["logs"] == world.send(second)["logs"] == []
    assert world.heads() == head


def test_entries_stand_side_by_side_and_one_replaces_the_one_that_it_names(world: World) -> None:
    world.staff()
    kind, about = ENTRY_OF_ANYBODY[0], b"\x09" * 32
    first, second = statement(world, kind, about), statement(world, kind, about)
    world.send(first)
    world.send(second)
    third = statement(world, kind, about, replaces=first.digest)
    world.send(third)
    standing = [
        world.witnesses.functions.isStanding(each.digest).call() for each in (first, second, third)
    ]
    assert standing == [False, True, True]
    again = statement(world, kind, about, replaces=first.digest)
    assert world.refusal(again) == ["NotCurrent", again.digest, "replaces", first.digest, NONE]
    early = statement(world, kind, about, replaces=b"\x08" * 32)
    assert world.refusal(early) == ["NotYetRecorded", early.digest, "replaces", b"\x08" * 32]


def test_only_its_own_unit_states_something_about_a_cycle(world: World) -> None:
    cycle = opened(world)
    head = Account.create()
    world.admit(2, head)
    other = Account.create()
    world.enrol(other, RESULT | OPEN, unit=2, signedBy=signer_id(head))
    by_other: dict[str, Value] = {"unit": 2, "signedBy": signer_id(other)}
    foreign = statement(world, STATE_OF_CYCLE[0], cycle, **by_other)
    assert world.refusal(foreign) == ["OfAnotherUnit", foreign.digest, "cycle", cycle, 1]
    world.send(statement(world, ENTRY_OF_ANYBODY[0], cycle, **by_other))
    nowhere = statement(world, STATE_OF_CYCLE[0], b"\x07" * 32)
    assert world.refusal(nowhere) == ["Unknown", nowhere.digest, "cycle", b"\x07" * 32]


def test_a_kind_that_was_not_deployed_and_a_key_without_its_right_are_refused(world: World) -> None:
    cycle = opened(world)
    unknown = statement(world, 3, cycle)
    assert world.refusal(unknown) == ["NotAllowed", unknown.digest, "kind", 3]
    opener = Account.create()
    world.enrol(opener, OPEN)
    signer = signer_id(opener)
    without = statement(world, STATE_OF_CYCLE[0], cycle, signedBy=signer)
    assert world.refusal(without) == ["RightMissing", without.digest, signer, RESULT, OPEN]
