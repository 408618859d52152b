"""The inbox: what others said and a unit has not answered yet, and its answers of one tap."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import to_hex
from ledger.steps.asking.accounts import RUNS_THE_INSTANCE
from ledger.storage.engine.database import Database
from tests.house import CENTRE, MEMBER, SERIAL, House, build_house
from tests.pages.kit import Door, press, read

PACKAGE = "1/Q01"
ACTS = (Scope.READ_UNIT, Scope.REPORT, Scope.ANSWER, Scope.SETTLE)


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """The centre sent the member a package, which came short of one."""
    house = build_house(database, tmp_path)
    rights = Right.DISPATCH | Right.RECEIVE | Right.SCAN | Right.REPORT | Right.ANSWER
    for unit in (CENTRE, MEMBER):
        house.enrol(unit, f"Worker {unit}", rights)
    house.say("ScanReport", unit=CENTRE, lines=[line("assembled", expires="2099-01-01")])
    lines = [{"assembler": CENTRE, "package": each} for each in ("Q01", "Q02")]
    house.say(
        "Dispatch", slip="4711", unit=CENTRE, receiver=MEMBER, taker=MEMBER, purpose="clean",
        basis="scanned", lines=lines, reason="as asked",
    )  # fmt: skip
    taken = [{"outcome": "accepted", "assembler": CENTRE, "package": "Q01", "basis": "scanned"}]
    house.say(
        "TakeOver", consignment="centre/4711", unit=MEMBER, outcome="kept", lines=taken,
        seals="broken",
    )  # fmt: skip
    return house


def line(act: str, **more: str) -> dict[str, str]:
    return {"act": act, "package": PACKAGE, "basis": "scanned", **more}


def enter(house: House, unit: int, name: str, right: Right) -> TestClient:
    key = house.enrol(unit, name, right)
    return Door.of(house.instance).enter(name, unit, *ACTS, key=key)


def titles(page: str) -> list[str]:
    return re.findall(r"<h2>([^<]+)</h2>", page.partition("<main")[2])


def test_what_differs_waits_for_the_other_side_until_it_says_something(house: House) -> None:
    centre = enter(house, CENTRE, "sender", Right.REPORT)
    page = read(centre, "/inbox")
    assert titles(page) == ["member differs about 1/4711"]
    assert "Missing: 1" in page
    assert "Seals: broken" in page
    link = re.search(r'href="(/consignments/[^"]+)"', page)
    assert link
    read(centre, link[1])
    until = house.clock() + timedelta(days=1)
    assert until.strftime("until %Y-%m-%d") in page
    assert titles(read(enter(house, MEMBER, "receiver", Right.REPORT), "/inbox")) == []
    house.clock.advance(minutes=5)
    where = press(centre, page, "Agree")
    assert where.startswith("/inbox?done=")
    assert "Recorded." in read(centre, where)
    assert titles(read(centre, "/inbox")) == []


def test_reports_requests_and_incidents_wait_by_their_deadlines(house: House) -> None:
    house.clock.advance(hours=1)
    house.say("ScanReport", unit=CENTRE, lines=[line("damaged")])
    soon = house.clock() + timedelta(hours=2)
    house.say(
        "Request", unit=CENTRE, to=MEMBER, what="packages", text="20 of set A", wanted_by=soon
    )  # fmt: skip
    told = {"what": "damaged", "subject_kind": "package", "subject": PACKAGE}
    house.say("Incident", unit=CENTRE, **told)
    member = enter(house, MEMBER, "nurse", Right.REPORT)
    page = read(member, "/inbox")
    assert titles(page) == [
        "centre asks you for something",
        f"centre reports package {PACKAGE}",
        f"centre opened an incident about {PACKAGE}",
    ]
    assert "20 of set A" in page
    house.clock.advance(hours=3)
    # who was away for hours signs in again
    member = enter(house, MEMBER, "another", Right.REPORT)
    page = read(member, "/inbox")
    assert "overdue" in page
    press(member, page, "Seen")
    assert len(titles(read(member, "/inbox"))) == 2


def test_who_handed_a_package_over_is_not_told_what_became_of_it(house: House) -> None:
    house.clock.advance(hours=1)
    house.say("ScanReport", unit=MEMBER, lines=[line("damaged")])
    page = read(enter(house, CENTRE, "sender", Right.REPORT), "/inbox")
    assert titles(page) == ["member differs about 1/4711"]


def test_a_recall_waits_until_it_is_opened_and_then_until_it_is_answered(house: House) -> None:
    house.complete(40)
    told = {"equipment": SERIAL, "epoch": 1}
    order = house.say("RecallOrder", **told, first=40, last=40, cause="biological")
    house.say(
        "RecallNotice", equipment=SERIAL, order=to_hex(order.digest), to=MEMBER,
        lines=[{"package": PACKAGE}],
    )  # fmt: skip
    member = enter(house, MEMBER, "answerer", Right.REPORT | Right.ANSWER)
    page = read(member, "/inbox")
    assert titles(page) == ["centre recalls packages: 1 are asked for"]
    house.clock.advance(minutes=5)
    press(member, page, "Seen")
    page = read(member, "/inbox")
    assert titles(page) == ["centre waits for what you found of 1 packages"]
    link = re.search(r'href="(/recalls/[^"]+/answer)"', page)
    assert link
    read(member, link[1])
    house.say(
        "RecallAnswer", unit=MEMBER, signer="answerer", order=to_hex(order.digest), found=0, asked=1
    )  # fmt: skip
    assert titles(read(member, "/inbox")) == []


def test_whoever_belongs_to_no_unit_has_an_empty_inbox(house: House) -> None:
    runner = Door.of(house.instance).enter("runner", None, *RUNS_THE_INSTANCE)
    assert "Nothing waits." in read(runner, "/inbox")


def test_what_was_said_long_ago_is_looked_for_further_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.steps.answering.inbox.MOST_LOOKED", 1)
    texts = ("the first", "the second", "the third")
    for text in texts:
        house.say("Request", unit=MEMBER, to=CENTRE, what="packages", text=text)
    centre = enter(house, CENTRE, "sender", Right.REPORT)
    at, seen = "/inbox", []
    for _ in texts:
        page = read(centre, at)
        seen += [text for text in texts if text in page]
        at = "/inbox?" + page.partition('href="/inbox?')[2].partition('"')[0]
    assert seen == list(reversed(texts))
    assert read(centre, "/inbox?before=TakeOver:0 x:1 Request:99999999").count("<h2>") >= 1
    assert "Nothing waits" in read(centre, "/inbox?before=Request:1")
