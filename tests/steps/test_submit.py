"""What is accepted, what is kept out, and that nothing of it stays."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.words import (
    EquipmentState,
    Outcome,
    Right,
    UnitRole,
    Verdict,
)
from ledger.domain.callers import Caller, Scope
from ledger.domain.drafts import Circumstances, People
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, EquipmentId, signer_id
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused, SteriLedgerError
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.records.records import Record, Secrets, commit, fields_from_bytes
from ledger.domain.subjects.states import CycleState, MachineState, WitnessState
from ledger.keys.receipts import verify_receipt
from ledger.steps.accepting.standing import Accepted
from ledger.steps.accepting.submit import FACTS_PURPOSE, PERSONAL_PURPOSE, Receipt
from ledger.storage import operations, records
from ledger.storage.engine.database import Database
from tests import making
from tests.house import CENTRE, CYCLE_RIGHTS, MEMBER, SERIAL, Changes, House, build_house

RELEASE = DecisionKind.RELEASE
PENDING = DecisionKind.RELEASE_BIOLOGICAL_PENDING
LONG_AGO = datetime(2016, 1, 1, tzinfo=UTC)
ONCE = datetime(2033, 5, 18, tzinfo=UTC)
STALE = Digest(b"\5" * 32)


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre with a sterilizer, and a member."""
    return build_house(database, tmp_path)


Line = tuple[int, int, int, int]


def revoke(house: House, unit: int, key: bytes) -> Receipt:
    """Revoke a key."""
    return house.record(
        making.revocation(unit, signer=signer_id(key), administrator=house.administrators[unit])
    )


def machine_of(house: House) -> MachineState:
    """The centre's machine as accepted."""
    with house.instance.database.reading() as tx:
        machine = Accepted(tx).find(MachineState, house.equipment)
    assert machine is not None
    return machine


def change(house: House, state: EquipmentState, epoch: int, **changes: Changes) -> Receipt:
    """Change the centre's machine."""
    given = {"replaces": machine_of(house).current, "state": state, "epoch": epoch, **changes}
    administrator = house.administrators[CENTRE]
    return house.record(making.change(house.cycle(1).machine, administrator=administrator, **given))


def close(house: House, unit: int) -> Receipt:
    """Close a unit."""
    return house.record(making.closure(unit, authority=house.authority))


def load(house: House, number: int, *lines: Line, **changes: Changes) -> Receipt:
    """Declare a load line by line."""
    return house.record(making.load(house.cycle(number), lines, signer=house.operator, **changes))


def void(house: House, number: int, **changes: Changes) -> Receipt:
    """Take a cycle's opening back."""
    given = {"signer": house.operator, **changes}
    if "opening" not in given:
        given["opening"] = state_of(house, number).opening
    return house.record(making.void(house.cycle(number), **given))


def enter(
    house: House,
    number: int,
    which: Result = Result.BIOLOGICAL,
    how: ResultWord = ResultWord.PASS,
    **changes: Changes,
) -> Receipt:
    """Enter a monitoring result on its own."""
    given = {"signer": house.operator, **changes}
    return house.record(making.result(house.cycle(number), which, how, **given))


def line(quantity: int, *, owner: int = CENTRE, package_class: int = 1) -> Line:
    """Packages of one class that their owner pays for."""
    return owner, owner, package_class, quantity


def share(delta: int, *, owner: int = CENTRE, package_class: int = 1) -> Line:
    """A released quantity that its owner pays for."""
    return owner, owner, package_class, delta


def told(**changes: Changes) -> Circumstances:
    """Circumstances with a reason."""
    return Circumstances(reason="as it was", **changes)


def state_of(house: House, number: int) -> CycleState:
    """The cycle as accepted."""
    with house.instance.database.reading() as tx:
        state = Accepted(tx).find(CycleState, house.cycle(number).id)
    assert state is not None
    return state


# ------------------------------------------------------------------------------ what is refused

Attempt = Callable[[House], object]


def _admit(house: House, number: int = 7, **changes: Changes) -> object:
    given = {"key": house.key("administrator"), **changes}
    return lambda: house.record(making.admission(number, authority=house.authority, **given))


def _enrol(house: House, **changes: Changes) -> object:
    administrator = house.administrators[CENTRE]
    given = {"key": house.key("somebody"), "rights": Right.OPEN, **changes}
    return lambda: house.record(making.enrolment(CENTRE, administrator=administrator, **given))


def _register(house: House, serial: str = "S-2", **changes: Changes) -> object:
    administrator = house.administrators[CENTRE]
    return lambda: house.record(
        making.registration(CENTRE, serial, administrator=administrator, **changes)
    )


def _operator(rights: Right = CYCLE_RIGHTS, **validity: datetime) -> Attempt:
    """Open a cycle with a signer of the centre made for it."""

    def attempt(house: House) -> object:
        key = house.enrol(CENTRE, "Special", rights, **validity)
        return lambda: house.open(1, signer=key)

    return attempt


def _foreign_operator(house: House) -> object:
    key = house.enrol(MEMBER, "Of the member", CYCLE_RIGHTS)
    return lambda: house.open(1, signer=key)


def _revoked_operator(house: House) -> object:
    revoke(house, CENTRE, house.operator)
    return lambda: house.open(1)


def _stranger(house: House) -> object:
    key = house.key("nobody enrolled it")
    return lambda: house.open(1, signer=key)


def _expired_operator(house: House) -> object:
    until = house.clock() + timedelta(seconds=10)
    key = house.enrol(CENTRE, "Short", CYCLE_RIGHTS, valid_until=until)
    house.clock.advance(seconds=11)
    return lambda: house.open(1, signer=key)


def _unknown_machine(house: House) -> object:
    cycle = house.cycle(1)
    other = replace(cycle, machine=replace(cycle.machine, id=EquipmentId(b"\7" * 32)))
    return lambda: house.open(1, cycle=other)


def _on_a_machine(state: EquipmentState) -> Attempt:
    """Release a complete cycle that was opened on a machine in that state."""

    def attempt(house: House) -> object:
        change(house, state, 1)
        house.complete(1, machine_state=state)
        return lambda: house.decide(1)

    return attempt


def _after(number: int, act: Callable[[House], object]) -> Attempt:
    """After a cycle of that number is complete."""

    def attempt(house: House) -> object:
        house.complete(number)
        return lambda: act(house)

    return attempt


def _released(act: Callable[[House], object]) -> Attempt:
    """After cycle 1 was released."""

    def attempt(house: House) -> object:
        house.complete(1)
        house.decide(1)
        return lambda: act(house)

    return attempt


def _opened(act: Callable[[House], object]) -> Attempt:
    """After cycle 1 was opened."""

    def attempt(house: House) -> object:
        house.open(1)
        return lambda: act(house)

    return attempt


def _ended_as(**ending: Changes) -> Attempt:
    """Release a loaded cycle that ended like that."""

    def attempt(house: House) -> object:
        house.open(1)
        house.declare(1)
        house.end(1, **ending)
        return lambda: house.decide(1)

    return attempt


def _opened_as(
    *, results: dict[str, str], kind: DecisionKind = RELEASE, **opening: Changes
) -> Attempt:
    """Release a complete cycle that was opened like that."""

    def attempt(house: House) -> object:
        house.complete(1, **opening)
        return lambda: house.decide(1, kind, results=results)

    return attempt


def _decided(
    *earlier: tuple[DecisionKind, dict[str, str]],
    results: dict[str, str],
    shares: Sequence[Line] = (),
) -> Attempt:
    """Release a cycle after earlier decisions."""

    def attempt(house: House) -> object:
        house.complete(1)
        for kind, words in earlier:
            house.decide(1, kind, results=words)
        return lambda: house.decide(1, RELEASE, shares=shares, results=results)

    return attempt


def _lifted_after_failing(house: House) -> object:
    house.complete(1)
    house.decide(1)
    house.decide(1, DecisionKind.HOLD)
    ending = state_of(house, 1).ending
    house.end(1, verdict=Verdict.FAILED, replaces=ending, circumstances=told())
    return lambda: house.decide(1, DecisionKind.LIFT)


def _corrected_after_failing(house: House) -> object:
    house.complete(1)
    house.decide(1, shares=(share(4),))
    ending = state_of(house, 1).ending
    house.end(1, outcome=Outcome.ABORTED, replaces=ending, circumstances=told())
    return lambda: house.decide(1, DecisionKind.CORRECT, shares=(share(1),))


def _lifted_with_a_failed_result(house: House) -> object:
    house.complete(1)
    house.decide(1)
    house.decide(1, DecisionKind.HOLD, results={"biological": "fail"})
    return lambda: house.decide(1, DecisionKind.LIFT)


def _entered(*entries: tuple[str, str]) -> Attempt:
    """Release a complete cycle after results were entered on their own."""

    def attempt(house: House) -> object:
        house.complete(1)
        for which, how in entries:
            enter(house, 1, Result[which], ResultWord[how])
        return lambda: house.decide(1)

    return attempt


def _replaced_twice(house: House) -> object:
    house.open(1)
    first = enter(house, 1).digest
    enter(house, 1, replaces=first, circumstances=told())
    return lambda: enter(house, 1, replaces=first, circumstances=told())


def _closed_member(house: House) -> object:
    house.complete(1)
    close(house, MEMBER)
    return lambda: house.decide(1)


def _closed_centre(house: House) -> object:
    close(house, CENTRE)
    return lambda: house.open(1)


def _stale(name: str) -> Attempt:
    stale: dict[str, Any] = {name: STALE}
    return _after(1, lambda house: house.decide(1, **stale))


def _text(value: str) -> Attempt:
    return lambda house: lambda: house.open(1, circumstances=Circumstances(device=value))


def _later(minutes: int) -> Attempt:
    def attempt(house: House) -> object:
        signed_at = int(house.clock().timestamp()) + 60 * minutes
        return lambda: house.open(1, circumstances=Circumstances(signed_at=signed_at))

    return attempt


MANY = tuple(line(1, package_class=number) for number in range(1, 66))
BAD: dict[str, tuple[Attempt, type[SteriLedgerError], str, str]] = {
    # ---- units
    "unit number 0": (lambda h: _admit(h, 0), InvalidInput, "unit", "from 1"),
    "unit number beyond uint32": (
        lambda h: _admit(h, 2**32), InvalidInput, "record.unit", "4294967295"),
    "unit admitted twice": (lambda h: _admit(h, CENTRE), Conflict, "unit", "admitted"),
    "unit code taken": (lambda h: _admit(h, code="member"), Conflict, "code", "one unit"),
    "unit code that reads as a number": (
        lambda h: _admit(h, code="12"), InvalidInput, "code", "number"),
    "unit without a role": (lambda h: _admit(h, roles=UnitRole(0)), InvalidInput, "roles", "role"),
    "unit with an unknown role": (
        lambda h: _admit(h, roles=UnitRole.USER | 64), InvalidInput, "roles", "processor"),
    "administrator enrolled before": (
        lambda h: _admit(h, key=h.operator), Conflict, "key", "for ever"),
    "admission signed by another authority": (
        lambda h: lambda: h.record(making.closure(2, authority=h.operator)),
        Refused, "authority", "one authority"),
    "closure without a reason": (
        lambda h: lambda: h.record(making.closure(
            MEMBER, authority=h.authority, circumstances=Circumstances())),
        InvalidInput, "reason", "reason"),
    "act of a closed unit": (_closed_centre, Refused, "unit", "closed"),
    "share of a closed unit": (_closed_member, Refused, "shares[1].owner", "closed"),
    # ---- signers
    "no rights": (lambda h: _enrol(h, rights=Right(0)), InvalidInput, "rights", "one or more"),
    "unknown rights": (
        lambda h: _enrol(h, rights=Right.OPEN | 8192), InvalidInput, "rights", "administer"),
    "validity that is over": (
        lambda h: _enrol(h, valid_until=LONG_AGO), InvalidInput, "valid_until", "past"),
    "validity that ends first": (
        lambda h: _enrol(h, valid_from=ONCE, valid_until=ONCE - timedelta(seconds=1)),
        InvalidInput, "valid_until", "after it begins"),
    "key enrolled twice": (lambda h: _enrol(h, key=h.operator), Conflict, "key", "for ever"),
    "unknown signer revoked": (
        lambda h: lambda: revoke(h, CENTRE, b"\7" * 20), NotFound, "signer", "no such signer"),
    "signer without the right": (_operator(Right.LOAD), Refused, "signedBy", "right open"),
    "signer not yet valid": (
        _operator(valid_from=ONCE), Refused, "signedBy", "valid only from"),
    "expired signer": (_expired_operator, Refused, "signedBy", "expired"),
    "revoked signer": (_revoked_operator, Refused, "signedBy", "revoked"),
    "signer of another unit": (_foreign_operator, Refused, "signedBy", "own unit"),
    "key that nobody enrolled": (_stranger, NotFound, "signedBy", "enrol"),
    # ---- machines
    "machine registered twice": (
        lambda h: _register(h, f" {SERIAL} ", name="Second"), Conflict, "serial", "already"),
    "empty serial number": (
        lambda h: _register(h, "  ", name="Second"), InvalidInput, "serial", "serial"),
    "epoch 0": (lambda h: _register(h, epoch=0), InvalidInput, "epoch", "from 1"),
    "unknown machine": (_unknown_machine, NotFound, "equipment", "register"),
    "change of a retired machine": (
        lambda h: [change(h, EquipmentState.RETIRED, 1)]
        and (lambda: change(h, EquipmentState.IN_SERVICE, 1)),
        Refused, "equipment", "terminal"),
    "stale change": (
        lambda h: lambda: change(h, EquipmentState.IN_SERVICE, 2, replaces=STALE),
        Conflict, "replaces", "meanwhile"),
    "epoch that goes back": (
        lambda h: [change(h, EquipmentState.IN_SERVICE, 5)]
        and (lambda: change(h, EquipmentState.IN_SERVICE, 4)),
        InvalidInput, "epoch", "never go back"),
    # ---- openings
    "number 0": (lambda h: lambda: h.open(0), InvalidInput, "machine.number", "from 1"),
    "number that JSON does not hold": (
        lambda h: lambda: h.open(2**53), InvalidInput, "machine.number", "too large"),
    "second opening": (_opened(lambda h: h.open(1)), Conflict, "number", "open already"),
    "late number that was opened before": (
        lambda h: [h.open(5), h.open(4)] and (lambda: h.open(4)),
        Conflict, "number", "cycle void"),
    "epoch that has not begun": (
        lambda h: lambda: h.open(1, cycle=replace(h.cycle(1), epoch=2)),
        Refused, "epoch", "new epoch"),
    "signed in the future": (_later(6), InvalidInput, "signedAt", "300 seconds"),
    "signed at no time": (
        lambda h: lambda: h.open(1, circumstances=Circumstances(signed_at=0)),
        InvalidInput, "signedAt", "Unix seconds"),
    # ---- texts
    "text too long": (_text("x" * 201), InvalidInput, "device", "200"),
    "text with NUL": (_text("a\0b"), InvalidInput, "device", "printable"),
    "text with half a surrogate pair": (_text("a\ud800b"), InvalidInput, "device", "surrogate"),
    "text with a control character": (_text("a\x1b[2Jb"), InvalidInput, "device", "printable"),
    "text that turns its direction": (_text("a\u202eb"), InvalidInput, "device", "printable"),
    "blanks around": (_text(" a"), InvalidInput, "device", "no blanks"),
    "unknown authentication": (
        lambda h: lambda: h.open(1, circumstances=Circumstances(authenticated_by="trust")),
        InvalidInput, "authenticated_by", "one of badge"),
    # ---- endings
    # ---- voids
    "void without a reason": (
        _opened(lambda h: void(h, 1, circumstances=Circumstances())),
        InvalidInput, "reason", "states its reason"),
    "void of a cycle that was never opened": (
        lambda h: lambda: void(h, 1, opening=STALE), NotFound, "cycle", "no such cycle"),
    "void of another opening": (
        _opened(lambda h: void(h, 1, opening=STALE)), Conflict, "opening", "standing one"),
    "void of a cycle with a load": (
        lambda h: [h.open(1), h.declare(1)] and (lambda: void(h, 1)),
        Refused, "cycle", "nothing after it"),
    "void of a cycle that ended": (
        lambda h: [h.open(1), h.end(1)] and (lambda: void(h, 1)), Refused, "cycle", "ending"),
    "void of a decided cycle": (
        lambda h: [h.open(1), h.decide(1, DecisionKind.REJECT)] and (lambda: void(h, 1)),
        Refused, "cycle", "decision"),
    "load of a cycle that was taken back": (
        lambda h: [h.open(1), void(h, 1)] and (lambda: h.declare(1)),
        NotFound, "cycle", "no such cycle"),
    "ending of a cycle that was never opened": (
        lambda h: lambda: h.end(1), NotFound, "cycle", "no such cycle"),
    "end before start": (
        _opened(lambda h: h.end(1, started_at=h.clock(), ended_at=LONG_AGO)),
        InvalidInput, "ended_at", "ends after it starts"),
    "end before the start that the opening states": (
        lambda h: [h.open(1, started_at=h.clock())]
        and (lambda: h.end(1, ended_at=h.clock() - timedelta(seconds=1))),
        InvalidInput, "ended_at", "ends after it starts"),
    "amended end before the start that the opening states": (
        lambda h: [h.open(1, started_at=h.clock()), h.end(1)] and (lambda: h.end(
            1, ended_at=LONG_AGO, replaces=state_of(h, 1).ending, circumstances=told())),
        InvalidInput, "ended_at", "ends after it starts"),
    "second ending": (_after(1, lambda h: h.end(1)), Conflict, "replaces", "amend"),
    "amendment of another ending": (
        _after(1, lambda h: h.end(1, replaces=STALE, circumstances=told())),
        Conflict, "replaces", "current"),
    "amendment without a reason": (
        _after(1, lambda h: h.end(1, replaces=state_of(h, 1).ending)),
        InvalidInput, "reason", "states its reason"),
    "absurd temperature": (
        _opened(lambda h: h.end(1, maximum_celsius="4000")),
        InvalidInput, "machine.maximum_celsius", "from -50 to 400"),
    "unknown profile's verdict": (
        _opened(lambda h: h.end(1, verdict_facts={"colour": "red"})),
        InvalidInput, "verdict.colour", "schema"),
    # ---- loads
    "empty load": (_opened(lambda h: load(h, 1)), InvalidInput, "lines", "at least 1"),
    "negative quantity": (
        _opened(lambda h: load(h, 1, line(-1))), InvalidInput, "lines.0.quantity", "from 0"),
    "quantity beyond uint32": (
        _opened(lambda h: load(h, 1, line(2**32))), InvalidInput, "lines", "4294967295"),
    "quantities that add up beyond uint32": (
        _opened(lambda h: load(h, 1, *[(each, 1, 1, 2**31 - 1) for each in (1, 2)], (1, 2, 1, 2))),
        InvalidInput, "lines", "4294967295"),
    "nothing of a class": (
        _opened(lambda h: load(h, 1, line(0))), InvalidInput, "lines", "at least one"),
    "too many classes": (_opened(lambda h: load(h, 1, *MANY)), InvalidInput, "lines", "1 to 64"),
    "class 0": (
        _opened(lambda h: load(h, 1, line(1, package_class=0))),
        InvalidInput, "lines.0.package_class", "from 1"),
    "load of an unknown unit": (
        _opened(lambda h: load(h, 1, line(1, owner=9))), NotFound, "lines.0.owner", "admit"),
    "second load": (_after(1, lambda h: h.declare(1)), Conflict, "replaces", "amend"),
    "amendment that leaves out a class": (
        _after(1, lambda h: load(
            h, 1, line(1, package_class=2), replaces=state_of(h, 1).load, circumstances=told())),
        InvalidInput, "lines", "every class"),
    "amendment below what is released": (
        _released(lambda h: load(
            h, 1, line(9), replaces=state_of(h, 1).load, circumstances=told())),
        Refused, "lines", "never exceed"),
    # ---- decisions
    "release before the end": (
        lambda h: [h.open(1), h.declare(1)] and (lambda: h.decide(1)),
        Refused, "decision", "judges an ending"),
    "release of an aborted cycle": (
        _ended_as(outcome=Outcome.ABORTED), Refused, "decision", "sterilise the load again"),
    "release of an unknown outcome": (
        _ended_as(outcome=Outcome.UNKNOWN), Refused, "decision", "only a completed"),
    "release against a failed verdict": (
        _ended_as(verdict=Verdict.FAILED), Refused, "decision", "not released"),
    "release without a declared load": (
        lambda h: [h.open(1), h.end(1)] and (lambda: h.decide(1)),
        Refused, "decision", "not declared is not zero"),
    "release of nothing": (
        _after(1, lambda h: h.decide(1, shares=())), Refused, "shares", "at least one"),
    "release of more than was declared": (
        _after(1, lambda h: h.decide(1, shares=(share(11),))), Refused, "shares[0]", "0 to the 10"),
    "shares that add up to more": (
        _after(1, lambda h: h.decide(1, shares=(share(6), share(5, owner=MEMBER)))),
        Refused, "shares[1]", "0 to the 10"),
    "negative share in a release": (
        _after(1, lambda h: h.decide(1, shares=(share(-1),))), Refused, "shares[0]", "positive"),
    "share of a class that nobody declared": (
        _after(1, lambda h: h.decide(1, shares=(share(1, package_class=2),))),
        Refused, "shares[0]", "declares each class"),
    "share of an unknown unit": (
        _after(1, lambda h: h.decide(1, shares=(share(1, owner=9),))),
        NotFound, "shares[0].owner", "admit"),
    "the same share twice": (
        _after(1, lambda h: h.decide(1, shares=(share(1), share(1)))),
        InvalidInput, "shares[1]", "each once"),
    "decision on a stale ending": (_stale("ending"), Conflict, "ending", "judges"),
    "decision on a stale load": (_stale("load"), Conflict, "load", "judges"),
    "decision that replaces another one": (_stale("replaces"), Conflict, "replaces", "current"),
    "decision that does not follow": (
        _after(1, lambda h: h.decide(1, DecisionKind.LIFT)), Refused, "kind", "can take"),
    "lift to a release that its ending denies": (
        _lifted_after_failing, Refused, "decision", "not released"),
    "addition to a release that its ending denies": (
        _corrected_after_failing, Refused, "decision", "only a completed"),
    # ---- monitoring results
    "implant without a biological result": (
        _opened_as(holds_implant=True, results={}), Refused, "results.biological", "implant"),
    "implant with a pending biological result": (
        _opened_as(holds_implant=True, results={"biological": "pending"}, kind=PENDING),
        Refused, "results.biological", "implant"),
    "plain release with a pending biological result": (
        _opened_as(results={"biological": "pending"}),
        Refused, "results.biological", "release_biological_pending"),
    "indicator in the load and no result": (
        _opened_as(biological_indicator=True, results={}),
        Refused, "results.biological", "release_biological_pending"),
    "release with a failed result": (
        _opened_as(results={"chemical_internal": "fail"}), Refused, "results", "not released"),
    "release with an invalid result": (
        _opened_as(results={"biological": "invalid"}), Refused, "results", "not released"),
    "unknown result": (
        _opened_as(results={"smell": "pass"}), InvalidInput, "results", "physical"),
    "release from a machine that was out of service": (
        _on_a_machine(EquipmentState.OUT_OF_SERVICE), Refused, "decision", "not in service"),
    "release from a machine that was retired": (
        _on_a_machine(EquipmentState.RETIRED), Refused, "decision", "not in service"),
    "unknown word of a result": (
        _opened_as(results={"physical": "fine"}), InvalidInput, "results.physical", "one of"),
    "release after the pending one without the result": (
        _decided((PENDING, {"biological": "pending"}), results={}),
        Refused, "results.biological", "enter the pass"),
    "release after the pending one that never said so": (
        _decided((PENDING, {}), results={}), Refused, "results.biological", "not entered"),
    "release after a result that failed before": (
        _decided((DecisionKind.REJECT, {"chemical_internal": "fail"}), (DecisionKind.CORRECT, {}),
                 results={"physical": "pass"}, shares=(share(10),)),
        Refused, "results", "repeated test"),
    "lift after a result that failed": (
        _lifted_with_a_failed_result, Refused, "results", "repeated test"),
    "release after a result that was entered as failed": (
        _entered(("CHEMICAL_INTERNAL", "FAIL")), Refused, "results", "chemical_internal did not"),
    "release after a result that passed and then failed": (
        _entered(("BIOLOGICAL", "PASS"), ("BIOLOGICAL", "INVALID")),
        Refused, "results", "biological did not"),
    "release while a result is entered as pending": (
        _entered(("BIOLOGICAL", "PENDING")),
        Refused, "results.biological", "release_biological_pending"),
    "result of a cycle that was never opened": (
        lambda h: lambda: enter(h, 1), NotFound, "cycle", "no such cycle"),
    "result of a cycle that was taken back": (
        lambda h: [h.open(1), void(h, 1)] and (lambda: enter(h, 1)),
        NotFound, "cycle", "no such cycle"),
    "result that replaces none": (
        _opened(lambda h: enter(h, 1, replaces=STALE, circumstances=told())),
        Conflict, "replaces", "no statement"),
    "result that replaces one that was withdrawn": (
        _replaced_twice, Conflict, "replaces", "withdrawn already"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_a_rule_keeps_out_names_its_field_and_leaves_nothing(house: House, name: str) -> None:
    attempt, kind, field, words = BAD[name]
    act = attempt(house)
    assert callable(act)
    with house.nothing_stored(), pytest.raises(kind) as caught:
        act()
    assert type(caught.value) is kind
    assert caught.value.field == field, str(caught.value)
    assert words in str(caught.value)


# ------------------------------------------------------------------------------ what is accepted


def test_a_whole_cycle_is_accepted_and_stands_as_decided(house: House) -> None:
    house.complete(1)
    house.decide(1)
    state = state_of(house, 1)
    assert (state.state.word, state.outcome, state.verdict) == (
        "released", Outcome.COMPLETED, Verdict.NOT_COMPUTED,
    )  # fmt: skip
    assert (state.counts[1].declared, state.counts[1].released) == (10, 10)


@pytest.mark.parametrize(
    "kind, values",
    [
        ("StatementAnswer", {"field": "publication"}),
        ("Resolution", {"field": "answer", "outcome": "settled"}),
        ("Payment", {"field": "publication", "side": "paid", "other": MEMBER, "amount": 1}),
    ],
)
def test_what_names_no_accepted_operation_or_one_of_another_kind_never_waits_for_it(
    house: House, kind: str, values: dict[str, Any]
) -> None:
    house.enrol(CENTRE, "Settler", Right.SETTLE)
    opening = house.open(1).digest
    said = {name: value for name, value in values.items() if name != "field"} | {"unit": CENTRE}
    for digest, error in ((STALE, NotFound), (opening, InvalidInput)):
        with house.nothing_stored(), pytest.raises(error) as caught:
            house.say(kind, **{values["field"]: digest.hex()}, **said)
        assert caught.value.field == values["field"]


def test_lines_of_one_class_are_summed_and_kept_line_by_line(house: House) -> None:
    house.open(1)
    digest = load(
        house, 1, line(2), (CENTRE, MEMBER, 1, 3), line(4, owner=MEMBER), line(1, package_class=7)
    ).digest
    state = state_of(house, 1)
    assert {number: count.declared for number, count in state.counts.items()} == {1: 9, 7: 1}
    with house.instance.database.reading() as tx:
        row = operations.get_operation(tx, digest)
        facts = fields_from_bytes(records.get_record(tx, row.record_id).facts)
    assert [facts[f"lines.{n}.quantity"] for n in range(4)] == [2, 3, 4, 1]


def test_a_pending_release_is_completed_by_the_result_that_passed(house: House) -> None:
    house.complete(1, biological_indicator=True)
    house.decide(1, PENDING, results={"biological": "pending"})
    house.decide(1, RELEASE, shares=(), results={"biological": "pass"})
    assert state_of(house, 1).state.word == "released"


def test_an_implant_is_released_in_an_emergency_and_then_by_its_result(house: House) -> None:
    house.complete(1, holds_implant=True, biological_indicator=True)
    house.decide(1, DecisionKind.EMERGENCY_RELEASE, results={"biological": "pending"})
    house.decide(1, RELEASE, shares=(), results={"biological": "pass"})
    assert state_of(house, 1).state.word == "released"


def test_a_repeated_test_that_passed_sets_a_failed_result_right(house: House) -> None:
    house.complete(1)
    house.decide(1, DecisionKind.HOLD, results={"biological": "fail"})
    house.decide(1, DecisionKind.LIFT)
    house.decide(1, RELEASE, results={"biological": "pass"})
    assert state_of(house, 1).state.word == "released"


def test_a_result_entered_on_its_own_completes_a_pending_release(house: House) -> None:
    house.complete(1, biological_indicator=True)
    house.decide(1, PENDING)
    enter(house, 1)
    house.decide(1, RELEASE, shares=())
    assert state_of(house, 1).state.word == "released"


def test_a_result_that_was_entered_by_mistake_is_set_right_by_naming_it(house: House) -> None:
    house.complete(1)
    wrong = enter(house, 1, Result.BIOLOGICAL, ResultWord.FAIL).digest
    right = enter(house, 1, replaces=wrong, circumstances=told()).digest
    with house.instance.database.reading() as tx:
        replaced = Accepted(tx).find(WitnessState, wrong)
        standing = Accepted(tx).find(WitnessState, right)
    assert replaced is not None
    assert standing is not None
    assert (replaced.replaced_by, standing.replaced_by) == (right, ZERO_DIGEST)
    house.decide(1)
    assert state_of(house, 1).state.word == "released"


def test_results_and_comments_of_one_unit_stand_beside_each_other(house: House) -> None:
    house.enrol(CENTRE, "Reporter", Right.REPORT)
    house.open(1)
    digests = [enter(house, 1, each, ResultWord.PASS).digest for each in Result]
    with house.instance.database.reading() as tx:
        found = [Accepted(tx).find(WitnessState, digest) for digest in digests]
    assert [each is not None and each.replaced_by for each in found] == [ZERO_DIGEST] * len(Result)


def test_a_late_number_fills_its_gap_and_a_higher_one_leaves_another(house: House) -> None:
    for number in (7, 3, 9):
        house.complete(number)
        house.decide(number)
    assert [state_of(house, number).state.word for number in (3, 7, 9)] == ["released"] * 3


def test_a_void_frees_its_number_and_both_openings_stay_known(house: House) -> None:
    first = house.open(1).digest
    voided = void(house, 1).digest
    second = house.open(1).digest
    state = state_of(house, 1)
    assert (state.opening, state.voided) == (second, voided)
    with house.instance.database.reading() as tx:
        kept = [operations.get_operation(tx, each).state for each in (first, voided, second)]
    assert set(kept) == {OperationState.OWED}
    again = void(house, 1).digest
    assert state_of(house, 1).voided == again


def test_what_was_entered_of_an_opening_that_was_taken_back_says_nothing_of_the_next(
    house: House,
) -> None:
    house.open(1)
    enter(house, 1, Result.BIOLOGICAL, ResultWord.PASS)
    enter(house, 1, Result.CHEMICAL_INTERNAL, ResultWord.FAIL)
    void(house, 1)
    house.complete(1, biological_indicator=True)
    with house.nothing_stored(), pytest.raises(Refused, match="biological result is not entered"):
        house.decide(1)
    house.decide(1, PENDING)
    assert state_of(house, 1).state.word == "released_biological_pending"


def test_an_opening_does_not_ask_the_machine_s_state_and_its_record_states_it(house: House) -> None:
    change(house, EquipmentState.OUT_OF_SERVICE, 1)
    digest = house.open(1, machine_state=EquipmentState.OUT_OF_SERVICE).digest
    with house.instance.database.reading() as tx:
        row = operations.get_operation(tx, digest)
        facts = fields_from_bytes(records.get_record(tx, row.record_id).facts)
    assert facts["machine.state"] == "out_of_service"
    house.decide(1, DecisionKind.REJECT)
    assert state_of(house, 1).state.word == "rejected"


def test_what_nobody_entered_is_recorded_as_not_entered(house: House) -> None:
    house.complete(1)
    digest = house.decide(1, results={"physical": "pass"}).digest
    with house.instance.database.reading() as tx:
        row = operations.get_operation(tx, digest)
        facts = fields_from_bytes(records.get_record(tx, row.record_id).facts)
    assert facts["results.physical"] == "pass"
    assert facts["results.biological"] == "not_entered"


def test_a_receipt_verifies_with_the_key_of_the_deployment(house: House) -> None:
    receipt = house.open(1)
    deployment = house.instance.deployment()
    assert receipt.key == deployment.receipt_key
    verify_receipt(deployment.receipt_key, receipt.payload, receipt.signature)
    promise = json.loads(receipt.payload)
    assert promise["digest"] == "0x" + receipt.digest.hex()
    assert promise["deployment"] == "0x" + deployment.fingerprint().hex()


def test_every_commitment_follows_from_the_stored_bytes_and_secrets(house: House) -> None:
    house.complete(1, circumstances=Circumstances(people=People(performer="Zhang Wei")))
    house.decide(1)
    vault = house.instance.vault
    with house.instance.database.reading() as tx:
        rows = operations.list_operations(tx, limit=1000)
        assert len(rows) >= 8
        for row in rows:
            stored = records.get_record(tx, row.record_id)
            sealed = records.get_secrets(tx, row.record_id)
            assert stored.personal is not None
            assert sealed.personal_secret is not None
            secrets = Secrets(
                facts=vault.decrypt(sealed.facts_secret, purpose=FACTS_PURPOSE, row=stored.id),
                personal=vault.decrypt(
                    sealed.personal_secret, purpose=PERSONAL_PURPOSE, row=stored.id
                ),
            )
            record = Record(
                id=stored.id,
                schema=stored.schema,
                unit=stored.unit,
                facts=fields_from_bytes(stored.facts),
                personal=fields_from_bytes(stored.personal),
            )
            assert commit(record, secrets).root == stored.root
            assert json.loads(row.message)["record"] == "0x" + stored.root.hex()


def test_no_secret_is_shown_or_stored_in_clear(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    drawn: list[bytes] = []
    original = house.instance.randomness

    def remember(size: int) -> bytes:
        drawn.append(original(size))
        return drawn[-1]

    house.instance = replace(house.instance, randomness=remember)
    with caplog.at_level(logging.DEBUG):
        house.open(1)
    secrets = [each for each in drawn if len(each) == 32]
    assert len(secrets) == 2
    shown = (
        caplog.text + repr(house.instance) + repr(Secrets(facts=secrets[0], personal=secrets[1]))
    )
    with house.instance.database.reading() as tx:
        (row,) = operations.list_operations(tx, kind="CycleOpening")
        sealed = records.get_secrets(tx, row.record_id)
        kept = repr(records.get_record(tx, row.record_id)) + repr(row) + repr(sealed)
        stored = sealed.facts_secret + (sealed.personal_secret or b"")
    for secret in secrets:
        assert secret.hex() not in shown + kept
        assert repr(secret)[2:-1] not in shown + kept
        assert secret not in stored


# ------------------------------------------------------------------------------ who may ask


def test_a_caller_acts_only_with_the_scope_and_for_the_own_unit(house: House) -> None:
    for scopes, unit, kind in (
        ({Scope.LOAD}, CENTRE, Refused),
        ({Scope.OPEN}, MEMBER, NotFound),
    ):
        house.caller = Caller(person="Somebody", unit=unit, scopes=frozenset(scopes))
        with house.nothing_stored(), pytest.raises(kind):
            house.open(1)


def test_a_held_key_signs_only_for_its_own_person(house: House) -> None:
    house.caller = Caller(
        person="Somebody",
        unit=CENTRE,
        scopes=frozenset({Scope.OPEN}),
        signer=signer_id(house.administrators[CENTRE]),
    )
    with house.nothing_stored(), pytest.raises(Refused, match="not yours"):
        house.open(1)
    house.caller = replace(house.caller, signer=signer_id(house.operator))
    house.open(1)
