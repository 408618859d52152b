"""How much is asked of the database: what is known already is passed on, and no line asks alone."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, event

from ledger.domain.acts.words import Right
from ledger.domain.custody.lines import Deed
from ledger.steps.accepting.scanning import Scan, report
from ledger.storage.engine.database import Database
from tests.house import AT_A_DOOR, CENTRE, MEMBER, House, build_house

#: what a list of 256 lines becomes
_RECORDS = 2


def _noting(tx: Connection) -> list[str]:
    """The statements that are executed from now on."""
    asked: list[str] = []
    event.listen(tx, "before_cursor_execute", lambda *told: asked.append(str(told[2])))
    return asked


def test_a_hand_over_reads_its_consignment_once_before_it_waits_for_it_and_once_after(
    sqlite_database: Database, tmp_path: Path
) -> None:
    house = build_house(sqlite_database, tmp_path)
    for unit in (CENTRE, MEMBER):
        house.enrol(unit, f"Worker {unit}", Right.DISPATCH | Right.CARRY)
    lines = [{"assembler": "centre", "package": f"P{at}", "basis": "scanned"} for at in range(20)]
    house.say(
        "Dispatch", unit="centre", slip="7", receiver="member", purpose="soiled", taker="member",
        lines=lines,
    )  # fmt: skip
    house.say("TakeOver", unit="member", consignment="centre/7", outcome="carried")
    with house.instance.database.transaction() as tx:
        asked = _noting(tx)
        house.say_in(tx, "HandOver", unit="member", consignment="centre/7", taker="centre")

    assert sum("FROM idx_consignments" in each for each in asked) == 2
    assert len(asked) <= 40


def test_a_list_of_scans_asks_for_all_of_its_lines_at_once(
    sqlite_database: Database, tmp_path: Path
) -> None:
    house = build_house(sqlite_database, tmp_path)
    house.enrol(CENTRE, "Scanner", Right.SCAN)
    scans = [Scan(act=Deed.ISSUED, said=f"{CENTRE}/P{at}", reason="as agreed") for at in range(256)]
    _report(house, scans)

    asked = _report(house, scans)

    gates = sum("FROM units" in each and " IN (" in each for each in asked)
    assert gates == 1 + _RECORDS, "before the list is taken, and for each of its records"
    assert len(asked) <= 70


def _report(house: House, scans: list[Scan]) -> list[str]:
    with house.instance.database.transaction() as tx:
        asked = _noting(tx)
        receipts, _ = report(house.instance, tx, house.caller, CENTRE, scans, AT_A_DOOR)
    assert len(receipts) == _RECORDS
    return asked
