"""Several at the same moment, each with a connection of its own, on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.words import Right, UnitRole
from ledger.domain.custody.lines import Deed
from ledger.domain.custody.printing import PrintState
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import Conflict, Refused
from ledger.readings import read_file
from ledger.steps.accepting.assembling import Assembly, assemble
from ledger.steps.accepting.printing import sent, tell
from ledger.steps.accepting.recalling import RecallRequest, order_recall
from ledger.steps.accepting.scanning import Scan, report
from ledger.steps.accepting.submit import record_with_held_keys
from ledger.steps.answering.packages import where
from ledger.steps.reading.imports import Import, keep_reading
from ledger.storage.engine.database import Database, _lock_number
from ledger.storage.operations import list_latest_operations
from ledger.storage.packages import list_lines
from tests import making
from tests.house import AT_A_DOOR, CENTRE, MEMBER, SERIAL, House, build_house
from tests.meeting import meanwhile
from tests.steps.importing import LOG, became, imported
from tests.steps.test_packages import differences

SCANNERS = 16
RECALL = RecallRequest(equipment=SERIAL, first=1, last=1, cause="water", reason="hard")


@pytest.fixture
def house(postgresql_database: Database, tmp_path: Path) -> House:
    """Two packages of one released cycle at the centre."""
    house = build_house(postgresql_database, tmp_path)
    house.enrol(CENTRE, "Desk", Right.SCAN | Right.DISPATCH)
    house.enrol(MEMBER, "Ward", Right.SCAN | Right.RECEIVE)
    pack(house, "Q01", "Q02")
    house.open(1)
    lines = [
        {"owner": "member", "package_class": 1, "quantity": 1, "package": f"1/{serial}"}
        for serial in ("Q01", "Q02")
    ]
    house.say("LoadDeclaration", cycle=f"{SERIAL}/1", lines=lines)
    house.end(1)
    house.say(
        "CycleDecision", cycle=f"{SERIAL}/1", decision="release", results={"physical": "pass"},
        shares=[{"owner": "member", "package_class": 1, "delta": 2}],
    )  # fmt: skip
    return house


def pack(house: House, *serials: str) -> None:
    with house.instance.database.transaction() as tx:
        wanted = Assembly(set=None, serials=serials, expires="2027-05-01")
        assemble(house.instance, tx, house.caller, CENTRE, wanted, AT_A_DOOR)


def scan(house: House, *scans: Scan) -> None:
    with house.instance.database.transaction() as tx:
        report(house.instance, tx, house.caller, CENTRE, scans, AT_A_DOOR)


def send(house: House, slip: str = "4711", **more: object) -> None:
    house.say(
        "Dispatch", unit="centre", slip=slip, receiver="member", taker="member", purpose="clean",
        basis="scanned", lines=[{"assembler": "centre", "package": "Q01"}], **more,
    )  # fmt: skip


@contextmanager
def exclusive_locks(house: House) -> Iterator[list[set[int]]]:
    """The locks that nobody shares, call by call."""
    calls: list[set[int]] = []

    def note(_c: object, _cursor: object, statement: str, given: Any, *_rest: object) -> None:
        if "pg_advisory_xact_lock" in statement:
            pairs = zip(given["numbers"], given["shared"], strict=True)
            calls.append({number for number, is_shared in pairs if not is_shared})

    engine = house.instance.database._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield calls
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_dispatch_that_meets_a_recall_waits_for_it_and_hears_of_it(house: House) -> None:
    database = house.instance.database
    with database.transaction() as tx:
        order_recall(house.instance, tx, house.caller, RECALL, AT_A_DOOR)
        other = meanwhile(database, lambda: send(house))
    with pytest.raises(Conflict, match="the gate says by now no: recalled"):
        other.result()
    with house.instance.database.reading() as tx:
        assert list_latest_operations(tx, kind="Dispatch", limit=1) == []


def test_a_recall_order_waits_for_a_dispatch_that_is_being_accepted_and_reaches_it(
    house: House,
) -> None:
    values: dict[str, object] = {
        "unit": "centre", "slip": "4711", "receiver": "member", "taker": "member",
        "purpose": "clean", "basis": "scanned",
        "lines": [{"assembler": "centre", "package": "Q01"}],
    }  # fmt: skip
    with house.instance.database.transaction() as tx:
        house.say_in(tx, "Dispatch", **values)
        # the order alone, as a device signs it
        order = {"equipment": SERIAL, "epoch": 1, "first": 1, "last": 1, "cause": "water"}
        other = meanwhile(house.instance.database, lambda: house.say("RecallOrder", **order))
    other.result()
    with house.instance.database.reading() as tx:
        stands = where(tx, house.caller, "1/Q01")
    assert (stands.stage, stands.overlays) == ("offered", ("recalled",))


def test_what_is_accepted_together_is_locked_in_one_call(house: House) -> None:
    """Two that lock one after the other wait for each other; who locks at once only waits."""
    database, instance, caller = house.instance.database, house.instance, house.caller

    def scans(tx: Any) -> None:
        lines = [
            Scan(act=Deed.ISSUED, said="1/Q01", performer="Li"),
            Scan(act=Deed.WET, said="1/Q02", performer="Wu"),
        ]
        assert len(report(instance, tx, caller, CENTRE, lines, AT_A_DOOR)[0]) == 2

    def packs(tx: Any) -> None:
        wanted = Assembly(set=None, serials=["Q03", "Q04"], expires="2027-05-01")
        assemble(instance, tx, caller, CENTRE, wanted, AT_A_DOOR)

    def prints(tx: Any) -> None:
        sent(instance, tx, caller, CENTRE, ["1/Q01", "1/Q02"], again=True)
        state = PrintState.PRINTED
        tell(instance, tx, caller, CENTRE, state, ["1/Q02", "1/Q01"], AT_A_DOOR)

    def recalls(tx: Any) -> None:
        assert order_recall(instance, tx, caller, RECALL, AT_A_DOOR).notices

    for act in (scans, packs, prints, recalls):
        with exclusive_locks(house) as calls, database.transaction() as tx:
            act(tx)
            told = list_latest_operations(tx, kind="ScanReport", limit=9)
        first, *later = [each for each in calls if each]
        # what a report is about is random, and nobody else's
        own = {_lock_number(report.subject) for report in told}
        assert set().union(*later) - own <= first, act.__name__


def test_of_two_who_bring_the_same_paper_log_one_is_told_and_nothing_is_reported_twice(
    house: House,
) -> None:
    line = Scan(act=Deed.OPENED, said="1/Q01", basis="imported", happened_text="about 13:00")
    with house.instance.database.transaction() as tx:
        report(house.instance, tx, house.caller, CENTRE, [line], AT_A_DOOR)
        other = meanwhile(house.instance.database, lambda: scan(house, line))
    with pytest.raises(Conflict, match="something was reported of these packages meanwhile"):
        other.result()
    scan(house, line)
    with house.instance.database.reading() as tx:
        found = [each.deed for each in list_lines(tx, "1/Q01")]
    assert found.count(Deed.OPENED) == 1


def test_of_two_who_pack_under_one_serial_one_is_told(house: House) -> None:
    with house.instance.database.transaction() as tx:
        wanted = Assembly(set=None, serials=["Q09"], expires="2027-05-01")
        assemble(house.instance, tx, house.caller, CENTRE, wanted, AT_A_DOOR)
        other = meanwhile(house.instance.database, lambda: pack(house, "Q09"))
    with pytest.raises(Conflict, match="1/Q09 names a package already"):
        other.result()


def test_of_two_codes_at_once_that_look_alike_one_is_taken(house: House) -> None:
    first, second = (
        making.admission(
            number,
            key=house.key(code),
            authority=house.authority,
            code=code,
            name="Ward",
            roles=UnitRole.USER,
            administrator_name=f"Chief {number}",
        )
        for number, code in ((3, "ward"), (4, "w\u0430rd"))
    )
    with house.instance.database.transaction() as tx:
        record_with_held_keys(house.instance, tx, house.caller, first)
        other = meanwhile(house.instance.database, lambda: house.record(second))
    with pytest.raises(Conflict, match="another unit has the code 'ward'"):
        other.result()


def test_who_brings_a_file_while_another_does_waits_and_finds_it_kept(house: House) -> None:
    file = read_file(LOG, filename="DAC.Log")
    with house.instance.database.transaction() as tx:
        assert keep_reading(
            house.instance, tx, file, LOG, filename="DAC.Log", unit=CENTRE, source="uploaded"
        )
        other = meanwhile(house.instance.database, lambda: imported(house))
    assert not other.result().is_new
    assert set(became(other.result()).values()) == {Import.RECORDED}


def test_a_release_waits_for_a_result_that_is_being_entered_and_sees_it(house: House) -> None:
    house.complete(2)
    draft = making.result(house.cycle(2), Result.BIOLOGICAL, ResultWord.FAIL, signer=house.operator)
    with house.instance.database.transaction() as tx:
        record_with_held_keys(house.instance, tx, house.caller, draft)
        other = meanwhile(house.instance.database, lambda: house.decide(2))
    with pytest.raises(Refused, match="biological did not pass"):
        other.result()


def test_a_release_waits_for_a_recall_of_its_machine_and_sees_it(house: House) -> None:
    house.complete(2)
    with house.instance.database.transaction() as tx:
        order_recall(house.instance, tx, house.caller, RECALL, AT_A_DOOR)
        other = meanwhile(house.instance.database, lambda: house.decide(2))
    with pytest.raises(Refused, match="suspended"):
        other.result()


def test_who_tells_of_a_package_waits_for_who_takes_a_line_of_it_back(house: House) -> None:
    pack(house, "Q03")
    scan(house, Scan(act=Deed.MISSING, said="1/Q03"))
    with house.instance.database.transaction() as tx:
        (missing,) = list_latest_operations(tx, kind="ScanReport", limit=1)
        back = f"{to_hex(missing.digest)}:0"
        line = {"act": "not_so", "basis": "typed", "takes_back": back, "reason": "?"}
        house.say_in(tx, "ScanReport", unit="centre", lines=[line])
        stored = Scan(act=Deed.STORED, said="1/Q03")
        other = meanwhile(house.instance.database, lambda: scan(house, stored))
    other.result()
    with house.instance.database.reading() as tx:
        assert where(tx, house.caller, "1/Q03").out_of_order == ("stored after assembled",)
    assert differences(house) == []


def test_sixteen_scanners_take_the_same_box_and_one_has_it(house: House) -> None:
    send(house)
    start = threading.Barrier(SCANNERS)

    def take(_number: int) -> str:
        start.wait()
        try:
            house.say(
                "TakeOver", unit="member", consignment="centre/4711", outcome="kept", rest="scanned"
            )
        except (Conflict, Refused) as error:
            return type(error).__name__
        return "has it"

    with ThreadPoolExecutor(SCANNERS) as pool:
        answers = list(pool.map(take, range(SCANNERS)))
    assert answers.count("has it") == 1
    with house.instance.database.reading() as tx:
        assert len(list_latest_operations(tx, kind="TakeOver", limit=SCANNERS)) == 1
        stands = where(tx, house.caller, "1/Q01")
    assert (stands.holder, stands.stage, stands.out_of_order) == ("member", "stored", ())
