"""What is shown of a cycle, to whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from ledger.domain.acts.words import EquipmentState, Right
from ledger.domain.callers import Caller, Scope
from ledger.domain.drafts import Circumstances, People
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput, NotFound, Refused
from ledger.steps.accepting.resolving import (
    resolve_cycle,
    resolve_machine,
    resolve_signer,
    resolve_unit,
)
from ledger.steps.answering.showing import CycleView, list_cycles, show_cycle
from ledger.storage.engine.database import Database
from tests.house import CENTRE, CYCLE_RIGHTS, MEMBER, SERIAL, House, build_house
from tests.steps.test_placing import refuse
from tests.steps.test_submit import change, revoke

NAMED = Circumstances(people=People(performer="Zhang Wei", checker="Li Na"))
READERS = {
    "own unit": Caller(person="A", unit=CENTRE, scopes=frozenset({Scope.READ_UNIT})),
    "auditor": Caller(person="B", unit=MEMBER, scopes=frozenset({Scope.READ_ALL})),
    "member": Caller(person="C", unit=MEMBER, scopes=frozenset({Scope.READ_UNIT})),
    "nobody": Caller(person="D", unit=CENTRE, scopes=frozenset({Scope.OPEN})),
}


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre with a sterilizer, and a member."""
    return build_house(database, tmp_path)


def shown(house: House, text: str, reader: Caller | None = None) -> CycleView:
    """What a reader is shown."""
    with house.instance.database.reading() as tx:
        return show_cycle(tx, reader or house.caller, text)


def test_the_three_verdicts_stand_apart_and_what_is_missing_is_none(house: House) -> None:
    house.open(1)
    view = shown(house, f"{SERIAL}/1")
    assert (view.machine_verdict, view.computed_verdict, view.decision) == (None, None, None)
    house.declare(1)
    house.end(1)
    house.decide(1, results={"physical": "pass"})
    view = shown(house, f"{SERIAL}/1/1")
    assert view.machine_verdict is not None
    assert view.computed_verdict is not None
    assert view.decision is not None
    assert view.machine_verdict["outcome"] == "completed"
    assert view.computed_verdict["result"] == "not_computed"
    assert view.decision["results.biological"] == "not_entered"
    assert [entry.act for entry in view.timeline] == [
        "the cycle was opened",
        "the load was declared: 10 of class 1",
        "the cycle ended: the machine says completed, the computed verdict is not_computed",
        "a person decided: release, +10 packages in 2 shares",
    ]


def test_names_are_shown_to_the_own_unit_and_to_no_other(house: House) -> None:
    house.open(1, circumstances=NAMED)
    name = house.cycle(1).id.hex()
    own = shown(house, name, READERS["own unit"]).timeline[0]
    assert own.people == {"performer": "Zhang Wei", "checker": "Li Na"}
    assert own.signer_name == "Operator"
    other = shown(house, name, READERS["auditor"])
    assert other.timeline[0].people is None
    assert other.timeline[0].signer_name is None
    assert "Zhang" not in repr(other)
    assert "Li Na" not in repr(other)


@pytest.mark.parametrize("text", ["id", f"{SERIAL}/1"])
def test_a_cycle_of_another_unit_does_not_exist_for_a_member(house: House, text: str) -> None:
    house.open(1)
    name = house.cycle(1).id.hex() if text == "id" else text
    with pytest.raises(NotFound):
        shown(house, name, READERS["member"])
    with pytest.raises(Refused, match="read_unit"):
        shown(house, name, READERS["nobody"])


def test_the_list_is_newest_first_and_read_on_by_its_cursor(house: House) -> None:
    for number in range(1, 6):
        house.open(number)
    house.end(3)
    with house.instance.database.reading() as tx:
        first = list_cycles(tx, house.caller, limit=2)
        rest = list_cycles(tx, house.caller, before=first[-1].cursor)
        assert list_cycles(tx, READERS["member"]) == []
    assert [line.number for line in first] == [5, 4]
    assert [line.number for line in rest] == [3, 2, 1]
    assert [line.outcome for line in rest] == ["completed", None, None]


def test_a_longer_list_asks_the_database_no_more_often(house: House) -> None:
    asked: list[int] = []
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    for number in range(1, 10):
        house.complete(number)
        statements = 0
        with house.instance.database.reading() as tx:
            event.listen(tx, "before_cursor_execute", count)
            assert len(list_cycles(tx, house.caller)) == number
        asked.append(statements)
    assert len(set(asked)) == 1
    assert asked[0] > 0


def test_what_the_chain_refused_is_listed_no_more(house: House) -> None:
    digest = house.open(1).digest
    house.open(2)
    refuse(house, digest)
    with house.instance.database.reading() as tx:
        assert [line.number for line in list_cycles(tx, house.caller)] == [2]
    with pytest.raises(NotFound):
        shown(house, f"{SERIAL}/1")


def test_a_number_means_the_cycle_of_the_machine_s_present_epoch(house: House) -> None:
    house.open(1)
    change(house, EquipmentState.IN_SERVICE, 2)
    with pytest.raises(NotFound):
        shown(house, f"{SERIAL}/1")
    assert shown(house, f"{SERIAL}/1/1").number == 1
    house.open(1, cycle=replace(house.cycle(1), epoch=2))
    assert shown(house, f"{SERIAL}/1").epoch == 2


@pytest.mark.parametrize(
    "text, error",
    [
        ("13", InvalidInput),
        ("", InvalidInput),
        (f"{SERIAL}/x", InvalidInput),
        (f"{SERIAL}/-1", InvalidInput),
        (f"{SERIAL}/" + "9" * 5000, InvalidInput),
        (f"{SERIAL}/9999999999999999", NotFound),
        (f"{SERIAL}/9999999999/1", NotFound),
        ("nothing/1", NotFound),
        ("0" * 64, NotFound),
        ("g" * 64, InvalidInput),
    ],
)
def test_a_name_that_is_no_cycle_says_so(house: House, text: str, error: type[Exception]) -> None:
    with house.instance.database.reading() as tx, pytest.raises(error) as caught:
        resolve_cycle(tx, house.caller, text)
    assert getattr(caught.value, "field", None) in {"cycle", "equipment", None}


@pytest.mark.parametrize("text", ["9" * 5000, "9999999999", "0", "", "²", "nobody"])
def test_a_unit_that_does_not_exist_is_not_found(house: House, text: str) -> None:
    with house.instance.database.reading() as tx, pytest.raises(NotFound) as caught:
        resolve_unit(tx, text)
    assert caught.value.field == "unit"


def test_a_machine_answers_to_its_id_serial_number_and_name(house: House) -> None:
    with house.instance.database.reading() as tx:
        found = {
            resolve_machine(tx, house.caller, text).id
            for text in (house.equipment.hex(), SERIAL, f"Sterilizer {SERIAL}")
        }
        assert found == {house.equipment}
        with pytest.raises(NotFound):
            resolve_machine(tx, READERS["member"], SERIAL)


def test_two_machines_of_one_name_are_told_apart_by_their_id(house: House) -> None:
    house.register(MEMBER, SERIAL)
    with house.instance.database.reading() as tx:
        with pytest.raises(InvalidInput, match="by its id"):
            resolve_machine(tx, house.caller, SERIAL)
        assert resolve_machine(tx, READERS["own unit"], SERIAL).unit == CENTRE


def test_without_a_name_the_only_held_signer_that_still_acts_signs(house: House) -> None:
    revoke(house, CENTRE, house.operator)
    second = house.enrol(CENTRE, "Second", CYCLE_RIGHTS)
    with house.instance.database.reading() as tx:
        assert resolve_signer(tx, house.caller, CENTRE, Right.OPEN, None).signer == second
    house.enrol(CENTRE, "Third", CYCLE_RIGHTS)
    with house.instance.database.reading() as tx:
        with pytest.raises(InvalidInput, match="Second, Third"):
            resolve_signer(tx, house.caller, CENTRE, Right.OPEN, None)
        assert resolve_signer(tx, house.caller, CENTRE, Right.OPEN, "Second").signer == second
        with pytest.raises(NotFound, match="no key"):
            resolve_signer(tx, house.caller, MEMBER, Right.OPEN, None)


def test_a_decision_by_the_cycle_s_id_is_the_same_as_by_its_number(house: House) -> None:
    house.complete(1)
    identifier = to_hex(house.cycle(1).id)
    house.say("CycleDecision", cycle=identifier, decision="hold")
    assert shown(house, f"{SERIAL}/1").state == "held"
