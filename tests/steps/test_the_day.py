"""A day of the group and what follows from it: where each package was, and what a recall finds.

Times and names are those of the demonstration; made up, no real hospital, person or patient.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.acts.words import Right, UnitRole
from ledger.domain.custody.fold import fold
from ledger.domain.custody.gates import Gate
from ledger.domain.custody.lines import Deed
from ledger.steps.accepting.assembling import Assembly, assemble
from ledger.steps.accepting.reading_back import read_operation
from ledger.steps.accepting.recalling import Recalled, RecallRequest, order_recall
from ledger.steps.accepting.resolving import parties_named_by
from ledger.steps.accepting.scanning import Scan, report
from ledger.steps.answering.custody import list_consignments
from ledger.steps.answering.packages import Question, ask_all, gate, holdings, trace, where
from ledger.steps.answering.recalls import RecallView, show_recall
from ledger.steps.reading.scan_lists import parse_list
from ledger.storage import operations, packages
from ledger.storage.engine.database import Database
from tests.house import AT_A_DOOR, CENTRE, SERIAL, Clock, House, build_house

M1, M2, M3, M5, VAN = 11, 12, 13, 15, 20
CODES = {M1: "M1", M2: "M2", M3: "M3", M5: "M5", VAN: "V1"}
Q = tuple(f"Q{number:02d}" for number in range(1, 25))
W = tuple(f"W{number:02d}" for number in range(1, 21))


def at(day: int, time: str) -> datetime:
    """A time of November 2026, in UTC."""
    hours, minutes = time.split(":")
    return datetime(2026, 11, day, int(hours), int(minutes), tzinfo=UTC)


class Day:
    """What the people of the day say."""

    def __init__(self, house: House) -> None:
        self.house = house

    def pack(self, *serials: str, expires: str = "2027-05-01") -> None:
        with self.house.instance.database.transaction() as tx:
            packed = Assembly(set=None, serials=serials, expires=expires, happened=at(2, "18:00"))
            assemble(self.house.instance, tx, self.house.caller, CENTRE, packed, AT_A_DOOR)

    def sterilise(self, number: int, owners: dict[str, str], *lines: dict[str, str]) -> None:
        """A cycle of the centre, loaded with packages and released with its indicator pending."""
        house, name = self.house, f"{SERIAL}/{number}"
        house.open(number, biological_indicator=True)
        house.say(
            "LoadDeclaration", cycle=name, happened={"utc": at(3, "07:30")},
            lines=[
                {"owner": owner, "package_class": 1, "quantity": 1, "package": f"1/{serial}"}
                for serial, owner in owners.items()
            ],
        )  # fmt: skip
        house.end(number)
        out = {line["package"].removeprefix("1/") for line in lines}
        shares: dict[str, int] = {}
        for serial, owner in owners.items():
            shares[owner] = shares.get(owner, 0) + (serial not in out)
        house.say(
            "CycleDecision", cycle=name, decision="release_biological_pending",
            shares=[
                {"owner": owner, "package_class": 1, "delta": count}
                for owner, count in shares.items() if count
            ],
            results={"physical": "pass", "biological": "pending"}, lines=list(lines),
        )  # fmt: skip

    def send(self, slip: str, to: int, *serials: str, when: datetime, **more: object) -> None:
        self.house.say(
            "Dispatch", unit=CENTRE, slip=slip, receiver=to, taker=VAN, purpose="clean",
            happened={"utc": when},
            lines=[
                {"assembler": CENTRE, "package": serial, "quantity": 1, "basis": "scanned"}
                for serial in serials
            ],
            **more,
        )  # fmt: skip

    def carry(self, slip: str, to: int, when: datetime) -> None:
        """The van takes it and gives it on."""
        box = f"centre/{slip}"
        self.house.say(
            "TakeOver", unit=VAN, consignment=box, outcome="carried", happened={"utc": when}
        )
        self.house.say("HandOver", unit=VAN, consignment=box, taker=to, happened={"utc": when})

    def receive(self, slip: str, unit: int, basis: str, when: datetime) -> None:
        self.house.say(
            "TakeOver", unit=unit, consignment=f"centre/{slip}", outcome="kept", rest=basis,
            happened={"utc": when},
        )  # fmt: skip

    def scan(self, unit: int, deed: Deed, *serials: str, when: datetime, **more: Any) -> list[str]:
        scans = [
            Scan(act=deed, said=f"1/{serial}", basis="scanned", happened=when, **more)
            for serial in serials
        ]
        with self.house.instance.database.transaction() as tx:
            _, looks = report(self.house.instance, tx, self.house.caller, unit, scans, AT_A_DOOR)
        return [each.text() for each in looks]

    def recall(self) -> Recalled:
        wanted = RecallRequest(
            equipment=SERIAL, first=2240, last=2244, cause="biological",
            reason="the biological indicator of 2241 grew",
        )  # fmt: skip
        with self.house.instance.database.transaction() as tx:
            return order_recall(self.house.instance, tx, self.house.caller, wanted, AT_A_DOOR)

    def answer(self, order: str, unit: int, found: int, asked: int, *missing: str) -> None:
        with self.house.instance.database.reading() as tx:
            view = show_recall(tx, self.house.caller, order)
        named = [
            each.package for each in view.reached
            if each.holder == unit and each.found in {"to_find", "in_transit"}
        ]  # fmt: skip
        assert len(named) == asked
        self.house.say(
            "RecallAnswer", unit=unit, order=order, found=found, asked=asked,
            lines=[
                {"package": name, "outcome": "not_found" if name[2:] in missing else "found"}
                for name in named
            ],
        )  # fmt: skip

    def view(self, order: str) -> RecallView:
        with self.house.instance.database.reading() as tx:
            return show_recall(tx, self.house.caller, order)


@pytest.fixture
def day(sqlite_database: Database, tmp_path: Path) -> Day:
    """Tuesday 3 November up to the afternoon."""
    clock = Clock(now=at(3, "18:00"))
    house = build_house(sqlite_database, tmp_path, clock=clock)
    house.enrol(CENTRE, "Desk", Right.SCAN | Right.ANSWER | Right.DISPATCH | Right.RECEIVE)
    for number, code in CODES.items():
        house.admit(number, code, UnitRole.CARRIER if number == VAN else UnitRole.USER)
        house.enrol(
            number, f"Desk {code}",
            Right.SCAN | Right.ANSWER | Right.RECEIVE | Right.CARRY | Right.DISPATCH | Right.REPORT,
        )  # fmt: skip
    told = Day(house)
    told.pack(*Q, *W)
    owners = {s: CODES[M1 if n < 8 else M2 if n < 16 else M3] for n, s in enumerate(Q)}
    told.sterilise(2241, owners)
    told.sterilise(2243, dict.fromkeys(W, "centre"))
    told.send("K1", M1, *Q[:8], when=at(3, "10:15"))
    told.send("K2", M2, *Q[8:16], when=at(3, "10:05"))
    told.send("K3", M3, *Q[16:], when=at(3, "11:00"))
    told.carry("K1", M1, at(3, "10:20"))
    told.carry("K2", M2, at(3, "13:30"))
    told.carry("K3", M3, at(3, "11:10"))
    told.receive("K1", M1, "scanned", at(3, "10:50"))
    told.receive("K2", M2, "inferred", at(3, "14:50"))
    told.receive("K3", M3, "scanned", at(3, "11:25"))
    told.scan(M2, Deed.STORED, *(s for s in Q[8:16] if s != "Q13"), when=at(3, "15:30"))
    told.scan(M1, Deed.USED, "Q01", "Q02", "Q03", when=at(3, "15:00"), case="k-m1")
    told.scan(M3, Deed.USED, "Q17", "Q18", when=at(3, "15:10"), case="k-m3")
    told.scan(CENTRE, Deed.USED, *W[:6], when=at(3, "16:00"), case="k-l")
    told.scan(M3, Deed.DAMAGED, "Q20", when=at(3, "11:40"), outcome="torn")
    house.say(
        "Dispatch", unit=M3, slip="K8", receiver=CENTRE, taker=CENTRE, purpose="return",
        happened={"utc": at(3, "12:00")},
        lines=[{"assembler": CENTRE, "package": "Q20", "quantity": 1, "basis": "scanned"}],
    )  # fmt: skip
    house.say(
        "TakeOver", unit=CENTRE, consignment="M3/K8", outcome="kept", rest="scanned",
        happened={"utc": at(3, "14:00")},
    )  # fmt: skip
    return told


def test_who_held_a_package_at_each_moment(day: Day) -> None:
    with day.house.instance.database.reading() as tx:
        view = trace(tx, day.house.caller, "centre/Q20")
        assert [(each.unit, each.since[11:16]) for each in view.holdings] == [
            ("centre", "18:00"), ("V1", "11:10"), ("M3", "11:25"), ("centre", "14:00"),
        ]  # fmt: skip
        assert "damaged" in view.standing.overlays
        noon = int(at(3, "12:30").timestamp())
        held = holdings(day.house.instance, tx, day.house.caller, M1, at=noon)
        assert held.count == 8
        before = int(at(3, "10:00").timestamp())
        assert holdings(day.house.instance, tx, day.house.caller, M1, at=before).count == 0


def test_what_was_held_as_known_then_is_what_the_lines_of_then_say(day: Day) -> None:
    with day.house.instance.database.reading() as tx:
        names = [row.name for row in packages.list_packages(tx, limit=1000)]
        lines = packages.list_lines_of(tx, names)
        newest = packages.newest_sequence(tx)
        for known in (newest // 3, newest // 2, newest - 3, newest):
            for moment in (None, int(at(3, "11:20").timestamp()), int(at(3, "12:30").timestamp())):
                folded = [fold(each, lines[each], at=moment, known=known) for each in names]
                for unit in (CENTRE, M1, M3):
                    had = [(each.name, each.basis) for each in folded if each.holder == unit]
                    held = holdings(
                        day.house.instance, tx, day.house.caller, unit, at=moment, known=known,
                        after="1/Q03", limit=5,
                    )  # fmt: skip
                    page = [(each["package"], each["basis"]) for each in held.packages]
                    assert held.count == len(had)
                    assert page == [each for each in had if each[0] > "1/Q03"][:5]


def test_a_unit_lists_every_consignment_that_names_it_and_no_other(day: Day) -> None:
    with day.house.instance.database.reading() as tx:
        all_of_them = list_consignments(tx, day.house.caller, limit=1000)
        named = {
            each.id: set[int]().union(
                *(
                    parties_named_by(read_operation(row))
                    for row in operations.list_by_subject(tx, bytes.fromhex(each.id))
                )
            )
            for each in all_of_them
        }
        for unit in CODES:
            mine = list_consignments(tx, day.house.caller, of_unit=unit, looks=1000)
            assert mine == [each for each in all_of_them if unit in named[each.id]]
        assert len(list_consignments(tx, day.house.caller, of_unit=VAN, looks=2)) <= 2


def test_a_box_that_was_not_opened_is_inferred_until_somebody_looks(day: Day) -> None:
    with day.house.instance.database.reading() as tx:
        assert where(tx, day.house.caller, "centre/Q13").last_seen_by == "centre"
        assert where(tx, day.house.caller, "centre/Q12").last_seen_by == "M2"


def test_the_recall_finds_32_of_33_and_cannot_exclude_one(day: Day) -> None:
    day.house.wait(hours=39, minutes=10)
    day.house.say("ResultEntry", cycle=f"{SERIAL}/2241", result="biological", word="fail")
    with day.house.instance.database.reading() as tx:
        seen = gate(
            day.house.instance, tx, day.house.caller, Gate.USE, "centre/Q04", unit=M1
        ).text()
    assert seen.startswith(f"no: cycle {SERIAL}/2241: biological did not pass")
    done = day.recall()
    assert done.decided == {2241: "recalled", 2243: "recalled"}
    assert done.notices == 4
    order = done.view.order
    assert order is not None
    assert (done.view.packages, done.view.used, done.view.to_find) == (44, 11, 33)
    assert {name: counts.get("used", 0) for name, counts in done.view.by_holder.items()} == {
        "centre": 6, "M1": 3, "M2": 0, "M3": 2,
    }  # fmt: skip
    for unit, found, asked, *missing in (
        (CENTRE, 15, 15), (M1, 5, 5), (M2, 7, 8, "Q13"), (M3, 5, 5),
    ):  # fmt: skip
        day.answer(order, int(unit), int(found), int(asked), *map(str, missing))
    view = day.view(order)
    assert (view.found, view.to_find, view.cannot_be_excluded) == (32, 33, ("1/Q13",))
    assert view.passes == 0, "the machine is suspended"
    cases = {each.package: each.case for each in view.reached if each.used_by is not None}
    assert (cases["1/Q02"], cases["1/W01"]) == ("k-m1", "k-l")


def test_an_expired_package_on_paper_is_recorded_late_and_visibly(day: Day) -> None:
    day.pack("E05", expires="2026-11-01")
    day.sterilise(2250, {"E05": "M5"})
    day.send("K9", M5, "E05", when=at(3, "08:00"), reason="sent by mistake")
    day.carry("K9", M5, at(3, "08:10"))
    day.receive("K9", M5, "scanned", at(3, "08:30"))
    form = (
        b"paper,time,act,package,performer,case,reason\n"
        b"17,13:30,used,centre/E05,Nurse Li,k-m5,\n"
        b"17,about 14:00,discarded,centre/E05,Nurse Wu,,\n"
    )
    scans = parse_list(form, zone="UTC", basis="imported", day="2026-11-03")
    with day.house.instance.database.transaction() as tx:
        receipts, looks = report(
            day.house.instance, tx, day.house.caller, M5, scans, AT_A_DOOR,
            {"authenticated_by": "paper"},
        )  # fmt: skip
    assert looks[0].text().startswith("1/E05: used; no: expired on 2026-11-01; ")
    assert len(receipts) == 2, "a record states one person"
    with day.house.instance.database.reading() as tx:
        view = trace(tx, day.house.caller, "centre/E05")
    used = next(line for line in view.lines if line.deed == "used")
    assert (used.basis, used.at) == ("imported", "2026-11-03T13:30:00Z")
    assert used.said_at == "13:30, form 17"
    # the same form again adds nothing
    with day.house.instance.database.transaction() as tx:
        again, looks = report(day.house.instance, tx, day.house.caller, M5, scans, AT_A_DOOR)
    assert (again, {each.is_repeated for each in looks}) == ([], {True})


def test_a_package_expires_with_the_day_of_the_group_s_clocks(day: Day) -> None:
    """The last day of use ends at midnight, +08:00, which is 16:00 by UTC."""
    day.pack("E06", expires="2026-11-03")
    said = []
    with day.house.instance.database.reading() as tx:
        for moment in (at(3, "15:59"), at(3, "16:00")):
            (answer,) = ask_all(
                day.house.instance, tx,
                [Question(gate=Gate.USE, said="centre/E06", at=int(moment.timestamp()))],
                unit=CENTRE,
            )  # fmt: skip
            said.append("expired on 2026-11-03" in answer.text())
    assert said == [False, True]


def test_an_implants_load_is_taken_in_by_a_correction_after_its_pass(day: Day) -> None:
    house = day.house
    day.pack("A01", "A02", "A03", "A04")
    house.open(5103, biological_indicator=True, holds_implant=True)
    named = [f"1/A0{n}" for n in range(1, 5)]
    house.say(
        "LoadDeclaration", cycle=f"{SERIAL}/5103",
        lines=[{"owner": "centre", "package_class": 1, "quantity": 1, "package": n} for n in named],
    )  # fmt: skip
    house.end(5103)
    share = {"owner": "centre", "package_class": 1}
    house.say(
        "CycleDecision", cycle=f"{SERIAL}/5103", decision="emergency_release",
        reason="class 5 in the PCD passed; asked by the theatre", results={"physical": "pass"},
        shares=[{**share, "delta": 1}],
        lines=[{"package": name, "outcome": "waiting"} for name in named[1:]],
    )  # fmt: skip

    def says(serial: str) -> str:
        with house.instance.database.reading() as tx:
            return gate(house.instance, tx, house.caller, Gate.USE, serial, unit=CENTRE).text()

    assert says("1/A01") == "yes: released early in an emergency"
    assert says("1/A02") == "no: waits for a later decision; released early in an emergency"
    house.say("ResultEntry", cycle=f"{SERIAL}/5103", result="biological", word="pass")
    house.say("CycleDecision", cycle=f"{SERIAL}/5103", decision="release")
    house.say(
        "CycleDecision", cycle=f"{SERIAL}/5103", decision="correct", reason="the result is here",
        shares=[{**share, "delta": 3}],
        lines=[{"package": name, "outcome": "added"} for name in named[1:]],
    )  # fmt: skip
    assert says("1/A02") == "yes"
