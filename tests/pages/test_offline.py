"""What devices kept while nobody answered: recorded once and visibly late, or told why not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.pages import offline
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import parse_hex32, signer_id
from ledger.domain.encoding.moments import instant_text
from ledger.domain.records.records import fields_from_bytes
from ledger.doors.guard import Bounds
from ledger.steps.asking.accounts import create_account
from ledger.storage import operations, records
from tests.house import CENTRE, MEMBER
from tests.pages.conftest import Site
from tests.pages.group import BOX, OTHER, VAN, Group, people_and_packages, plain


@pytest.fixture
def group(site: Site) -> Group:
    """A group that a test may change."""
    return people_and_packages(site)


class Device:
    """A device of a unit's worker, with a clock of its own."""

    def __init__(self, group: Group, unit: int, *, ahead: timedelta = timedelta()) -> None:
        self.group, self.unit, self.ahead = group, unit, ahead
        self.items: list[dict[str, Any]] = []

    def now(self) -> str:
        return instant_text(self.group.api.house.clock() + self.ahead)

    def keep(self, path: str, *fields: tuple[str, str], said: tuple[str, ...] = ()) -> None:
        """A form, as kept.js keeps it; shots one minute apart."""
        number = len(self.items) + 1
        moments: dict[str, str] = {}
        for shot in said:
            moments[shot] = self.now()
            self.group.api.house.wait(minutes=1)
        pairs = [*(("said", shot) for shot in said), *fields, ("key", f"key-{self.unit}-{number}")]
        self.items.append(
            {
                "number": number, "path": path, "fields": pairs, "moments": moments,
                "captured": self.now(), "device": "ward 3", "person": f"Worker {self.unit}",
                "who": self.group.site.accounts[f"worker {self.unit}"], "unit": self.unit,
            }
        )  # fmt: skip

    def send(self, client: TestClient | None = None, **more: str) -> list[tuple[str, str]]:
        """All of it, as somebody who is signed in: state and what was told of each."""
        client = client or self.group.at(self.unit)
        form = client.get("/offline/known").json()["form"]
        body = {"form": form, "sent": self.now(), "items": json.dumps(self.items), **more}
        answer = client.post("/offline", data=body)
        assert answer.status_code == 200, plain(answer.text)
        return [
            (each["state"], each.get("link") or each.get("told")) for each in answer.json().values()
        ]


def recorded(group: Group, link: str) -> dict[str, object]:
    """Facts and people of the record that a link leads to."""
    with group.api.house.instance.database.reading() as tx:
        row = operations.find_operation(tx, parse_hex32(link.rpartition("=")[2], field="link"))
        assert row is not None
        record = records.get_record(tx, row.record_id)
    return {**fields_from_bytes(record.facts), **fields_from_bytes(record.personal or b"{}")}


def test_what_was_used_offline_keeps_both_times_and_is_recorded_once(group: Group) -> None:
    device = Device(group, CENTRE, ahead=timedelta(minutes=42))
    started = group.api.house.clock()
    device.keep("/use", ("case", "k-1"), ("step", "done"), said=("centre/Q01", "centre/Z9", "junk"))
    group.api.house.wait(hours=3)
    ((state, link),) = device.send()
    assert state == "recorded"
    again = group.at(CENTRE)
    with group.api.nothing_stored():
        assert device.send(again) == [(state, link)], "under another session than the first"
    lines = group.get("trace", package="centre/Q01")["lines"]
    assert lines[-1]["deed"] == "used"
    assert lines[-1]["said_at"] == instant_text(started), "by our clock, not by the device's"
    view = recorded(group, link)
    assert view["captured_at"] == instant_text(started + timedelta(hours=3, minutes=3))
    assert view["happened.source"] == "clock of the device, 2520 s ahead, set right"
    assert view["device"] == "ward 3, capture 1"
    assert [each["reason"] for each in group.get("against")["lines"]] == [
        "done while the server was away: nobody could ask the gate"
    ], "what nobody could ask is no reason to lose what happened"


def test_what_was_packed_offline_keeps_its_serial_and_the_day_on_which_it_was_packed(
    group: Group,
) -> None:
    device = Device(group, CENTRE)
    group.api.record(
        "set-definition", group.tokens[CENTRE], set="HIP", version=1, instruments=37,
        material="textile",
    )  # fmt: skip
    packed = group.api.house.clock()
    for serial in ("R7", "R8", "R7"):
        device.keep("/bench/assemble", ("q", "HIP"), ("serial", serial), ("step", "done"))
    group.api.house.wait(days=2)
    states = device.send()
    assert [state for state, _ in states] == ["recorded", "recorded", "refused"], states
    view = recorded(group, states[0][1].partition("&packed")[0])
    assert view["happened.utc"] == instant_text(packed)
    assert view["lines.0.expires"] == (packed + timedelta(days=7)).date().isoformat()
    assert group.get("where", package="centre/R8")["stage"] == "assembled"


def test_both_halves_written_offline_are_joined_by_giver_and_slip(group: Group) -> None:
    giver, taker, keeper = (Device(group, unit) for unit in (CENTRE, VAN, MEMBER))
    giver.keep(
        "/dispatch", ("receiver", str(MEMBER)), ("taker", str(VAN)), ("purpose", "clean"),
        ("slip", "4711"), ("step", "done"), said=("centre/Q01", "centre/Q02"),
    )  # fmt: skip
    taker.keep("/trip", ("box", f"{BOX}:"), ("trip", "T-1"), ("step", "take"))
    taker.keep("/trip", ("box", f"{BOX}:"), ("stop", str(MEMBER)), ("step", "hand"))
    keeper.keep("/receive", ("slip_code", f"{BOX}>member"), ("step", "done"), said=("centre/Q01",))
    told = keeper.send()
    assert told[0][0] == "waiting", "its dispatch is told later"
    assert "no dispatch of centre/4711 is known here" in told[0][1]
    assert [state for state, _ in giver.send()] == ["recorded"]
    assert [state for state, _ in taker.send()] == ["recorded", "recorded"]
    assert [state for state, _ in keeper.send()] == ["recorded"]
    view = group.get(f"consignments/{BOX}")
    assert view["status"] == "received"
    assert [each["kind"] for each in view["steps"]] == [
        "Dispatch", "TakeOver", "HandOver", "TakeOver",
    ]  # fmt: skip
    assert {each["outcome"] for each in view["lines"]} == {"accepted", "missing"}


def test_what_is_refused_is_told_with_its_reason_and_spoils_nothing_else(group: Group) -> None:
    group.send()
    first, second = Device(group, MEMBER), Device(group, MEMBER)
    for device in (first, second):
        device.keep("/receive", ("slip_code", BOX), ("step", "sealed"))
    second.items[0]["fields"][-1] = ("key", "another-tablets")
    second.keep("/shelf", ("step", "done"), said=("centre/Q01",))
    assert first.send()[0][0] == "recorded"
    (refused, seen) = second.send()
    assert refused[0] == "refused"
    assert "the consignment is received" in refused[1]
    assert seen[0] == "recorded"


def test_what_is_wrong_with_one_capture_is_told_of_it_alone(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device(group, CENTRE, ahead=timedelta(minutes=42))
    for _ in range(4):
        device.keep("/shelf", ("step", "done"), said=("centre/Q01",))
    early, long, loop, good = device.items
    early["captured"] = "0001-01-01T00:00:00Z"
    long["device"] = "x" * 201
    loop["path"] = "/use"
    good |= {"person": "P" * 200, "device": "d" * 200, "number": 7}

    def fails(_asking: object) -> None:
        raise ZeroDivisionError

    broken = [
        (pattern, replace(page, do=fails) if page.path == "/use" else page)
        for pattern, page in offline.KEPT
    ]
    monkeypatch.setattr(offline, "KEPT", broken)
    told = device.send()
    assert [state for state, _ in told] == ["refused", "refused", "waiting", "recorded"]
    assert "is no moment" in told[0][1]
    assert "200 characters" in told[1][1]
    assert recorded(group, told[3][1])["device"] == "d" * 189 + ", capture 7"


def test_a_device_sends_no_more_than_twenty_at_once(group: Group) -> None:
    client = group.at(CENTRE)
    form = client.get("/offline/known").json()["form"]
    for items in (json.dumps([{}] * 21), "[" * 50_000):
        body = {"form": form, "sent": instant_text(group.api.house.clock()), "items": items}
        assert client.post("/offline", data=body).status_code == 422


def test_twenty_long_runs_come_in_at_once(group: Group) -> None:
    client = group.at(CENTRE)
    form = client.get("/offline/known").json()["form"]
    shots = [["said", f"centre/{each:030}"] for each in range(125)]
    more = {"moments": {said: instant_text(group.api.house.clock()) for _, said in shots}}
    items = [{"number": each, "path": "/nowhere", "fields": shots, **more} for each in range(1, 21)]
    body = {"form": form, "sent": instant_text(group.api.house.clock()), "items": json.dumps(items)}
    answer = client.post("/offline", data=body)
    assert int(answer.request.headers["content-length"]) > Bounds().body_bytes
    assert len(answer.json()) == 20


def colleague_of(group: Group) -> TestClient:
    """A second worker of the centre, signed in."""
    house = group.api.house
    key = house.enrol(CENTRE, "Colleague", Right.SCAN)
    with house.instance.database.transaction() as tx:
        account, _ = create_account(
            house.instance, tx, house.caller, login="li", person="Colleague Li", unit=CENTRE,
            scopes=(Scope.SCAN, Scope.READ_UNIT), signer=signer_id(key),
        )  # fmt: skip
    group.site.accounts["colleague"] = account
    return group.site.signed_in("colleague")


def test_somebody_of_the_same_unit_sends_what_another_cannot_any_more(group: Group) -> None:
    group.api.house.wait(minutes=1)
    device = Device(group, CENTRE)
    device.keep("/shelf", ("step", "done"), said=("centre/Q01",))
    administrator = group.api.administrator
    group.api.record("signer-revocation", administrator, signer="Worker 1", reason="left")
    (told,) = device.send()
    assert told[0] == "refused"
    assert "revoked" in told[1]
    colleague = colleague_of(group)
    assert device.send(colleague)[0][0] == "refused", "unless they say so"
    stranger = group.at(OTHER)
    with group.api.nothing_stored():
        (foreign,) = device.send(stranger, for_others="yes")
    assert "somebody else captured it" in foreign[1]
    ((state, link),) = device.send(colleague, for_others="yes")
    assert state == "recorded"
    view = recorded(group, link)
    assert view["performer"] == f"Worker {CENTRE}"
    assert view["enterer"] == "Colleague Li"


def test_a_device_may_keep_what_its_unit_reads_and_no_more(group: Group) -> None:
    group.send("4711", "Q01")
    known = group.at(MEMBER).get("/offline/known").json()
    assert known["packages"] == {}
    assert known["code"] == "member"
    own = group.at(CENTRE).get("/offline/known").json()
    assert set(own["packages"]) == {"1/Q02", "1/Q03"}
    assert group.site.client.get("/offline/known").status_code == 303
    shell = group.at(CENTRE).get("/offline").text
    assert "Worker" not in shell
    assert group.site.client.get("/offline").text == shell, "no word of anybody is on it"


def test_a_page_where_things_are_scanned_and_no_other_may_use_a_camera(group: Group) -> None:
    client = group.at(CENTRE)
    scans, reads = client.get("/use").headers, client.get("/recalls").headers
    assert "'wasm-unsafe-eval'" in scans["content-security-policy"]
    assert "camera=(self)" in scans["permissions-policy"]
    assert "wasm" not in reads["content-security-policy"]
    assert "camera=()" in reads["permissions-policy"]
