"""Packages and recalls over HTTP, for each kind of reader."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from tests.api.kit import CENTRE, MEMBER, SERIAL, Api

Plain = dict[str, Any]
TODAY = "2026-11-21T12:00:00Z"


@pytest.fixture
def desk(api: Api) -> str:
    """A token of somebody at the centre who packs and scans."""
    signer = api.house.enrol(CENTRE, "Desk", Right.SCAN)
    return api.token(CENTRE, Scope.SCAN, Scope.READ_UNIT, person="Desk", signer=signer)


def packed(api: Api, desk: str, *serials: str) -> list[Plain]:
    body = {"serials": list(serials), "expires": "2027-05-01"}
    answer = api.post("/v1/packages", desk, json=body)
    assert answer.status_code == 200, answer.text
    found: list[Plain] = answer.json()["packages"]
    return found


def released(api: Api, number: int, *serials: str) -> None:
    api.open_cycle(number)
    cycle = f"{SERIAL}/{number}"
    lines = [
        {"owner": MEMBER, "package_class": 1, "quantity": 1, "package": f"centre/{serial}"}
        for serial in serials
    ]
    api.record("load-declaration", api.operator, cycle=cycle, lines=lines)
    api.record("cycle-ending", api.operator, cycle=cycle, outcome="completed")
    judged = api.get(f"/v1/cycles/{cycle}", api.operator).json()["current"]
    api.record(
        "cycle-decision", api.operator, cycle=cycle, decision="release",
        ending=judged["ending"], load=judged["load"], replaces=None,
        shares=[{"owner": MEMBER, "package_class": 1, "delta": len(serials)}],
        results={"physical": "pass"},
    )  # fmt: skip


def gate(api: Api, token: str, package: str, **more: str) -> Plain:
    answer = api.get("/v1/gate", token, params={"package": package, "gate": "use", **more})
    assert answer.status_code == 200, answer.text
    found: Plain = answer.json()
    return found


def test_a_package_is_packed_found_by_its_label_used_and_traced(api: Api, desk: str) -> None:
    (made,) = packed(api, desk, "Q01")
    released(api, 1, "Q01")
    assert gate(api, desk, made["code"])["answer"] == "yes"
    scans = {"lines": [{"act": "used", "said": made["code"], "basis": "scanned", "case": "k1"}]}
    with api.nothing_stored():
        preview = api.post("/v1/scans?preview=true", desk, json=scans).json()
    assert preview["lines"][0]["package"] == "1/Q01"
    assert len(api.post("/v1/scans", desk, json=scans).json()["operations"]) == 1
    again = gate(api, desk, "centre/Q01", language="zh")
    assert (again["answer"], again["reasons"][0]["text"]) == ("no", "已使用")
    story = api.get("/v1/trace", desk, params={"package": "centre/Q01"}).json()
    assert [line["deed"] for line in story["lines"]] == ["assembled", "labelled", "loaded", "used"]
    assert story["standing"]["case"] == "k1"


def test_an_owner_reads_that_it_was_used_and_not_in_which_case(api: Api, desk: str) -> None:
    packed(api, desk, "Q01")
    released(api, 1, "Q01")
    lines = [{"act": "used", "said": "centre/Q01", "case": "k1"}]
    api.post("/v1/scans", desk, json={"lines": lines})
    story = api.get("/v1/trace", api.member, params={"package": "centre/Q01"}).json()
    assert story["standing"]["used_by"] == "centre"
    assert story["standing"]["case"] is None
    assert "k1" not in str(story)
    auditor = api.get("/v1/trace", api.auditor, params={"package": "centre/Q01"}).json()
    assert auditor["standing"]["case"] == "k1"


def test_a_package_of_another_unit_is_unknown_in_the_words_of_none(api: Api, desk: str) -> None:
    packed(api, desk, "Q01")
    for path in ("/v1/trace", "/v1/where"):
        there, nowhere = (
            api.get(path, api.member, params={"package": f"centre/{serial}"})
            for serial in ("Q01", "Q77")
        )
        assert there.status_code == nowhere.status_code == 404
        assert there.json()["detail"].replace("Q01", "…") == (
            nowhere.json()["detail"].replace("Q77", "…")
        )
    held = api.get("/v1/holdings", api.member, params={"unit": "centre"})
    assert held.status_code == 404


def test_what_a_list_of_scans_says_wrong_keeps_all_of_it_out(api: Api, desk: str) -> None:
    packed(api, desk, "Q01")
    lines = [{"act": "stored", "said": "centre/Q01"}, {"act": "stored", "said": "AAAAA\tBBBBB"}]
    with api.nothing_stored():
        answer = api.post("/v1/scans", desk, json={"lines": lines})
    assert (answer.status_code, answer.json()["field"]) == (422, "lines.1")


@pytest.mark.parametrize(
    "path, params, field",
    [
        ("/v1/findings/package/Q01", {"as_of": "9999-12-31T23:59:59-23:00"}, "as_of"),
        ("/v1/findings/package/Q01", {"then": "0001-01-01T00:00:00+23:00"}, "then"),
        ("/v1/findings/signed/1", {"since": "9999-12-31T23:59:59Z", "until": TODAY}, "since"),
        ("/v1/holdings", {"unit": "a\0b"}, "unit"),
    ],
)  # fmt: skip
def test_what_no_calendar_and_no_database_holds_is_refused(
    api: Api, desk: str, path: str, params: Plain, field: str
) -> None:
    answer = api.get(path, desk, params=params)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize("zone", ["U1/", "none", "../UTC", "+99:00"])
def test_a_zone_that_there_is_not_packs_nothing(api: Api, desk: str, zone: str) -> None:
    body = {"serials": ["Q01"], "material": "crepe_paper", "zone": zone}
    with api.nothing_stored():
        answer = api.post("/v1/packages", desk, json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "zone")


def test_a_recall_is_ordered_in_one_call_and_read_by_whom_it_concerns(api: Api, desk: str) -> None:
    packed(api, desk, "Q01", "Q02")
    released(api, 1, "Q01", "Q02")
    body = {
        "equipment": SERIAL, "first": 1, "last": 2, "cause": "biological", "reason": "BI grew",
    }  # fmt: skip
    with api.nothing_stored():
        mock = api.post("/v1/recalls", api.operator, json={**body, "is_mock": True}).json()
    assert (mock["packages"], mock["order"]) == (2, None)
    done = api.post("/v1/recalls", api.operator, json=body).json()
    assert (done["decided"], done["notices"]) == ({"1": "recalled"}, 1)
    assert gate(api, desk, "centre/Q01")["reasons"][0]["reason"] == "recalled"
    mine = api.get(f"/v1/recalls/{done['order']}", api.member).json()
    assert mine["packages"] == 2, "they are the member's"
    stranger = api.house.enrol(MEMBER, "Answers", Right.ANSWER)
    token = api.token(MEMBER, Scope.ANSWER, Scope.READ_UNIT, signer=stranger)
    api.record(
        "recall-answer", token, order=done["order"], found=0, asked=2, replaces=None,
    )  # fmt: skip
    (listed,) = api.get("/v1/recalls", api.operator).json()["recalls"]
    assert [each["name"] for each in listed["units"]] == ["centre", "member"]


def test_counted_packages_are_at_best_of_a_cycle(api: Api) -> None:
    api.open_cycle(3)
    params = {"cycle": f"{SERIAL}/3", "gate": "use"}
    answer = api.get("/v1/gate", api.operator, params=params).json()
    assert answer["answer"] == "no"
    assert [each["reason"] for each in answer["reasons"]] == ["not_released", "counted_only"]


def test_the_paper_form_and_a_sets_sheet_are_given_out(api: Api, desk: str) -> None:
    assert api.get("/v1/scans/paper-form", desk).text.startswith("paper,time,act,package")
    api.record(
        "set-definition", desk, set="HIP", version=1, instruments=2,
        lines=[{"count": 2, "instrument": "Kocher clamp"}],
    )  # fmt: skip
    sheet = api.get("/v1/sets", desk, params={"set": "HIP"}).json()
    assert (sheet["set"], sheet["lines.0.instrument"]) == ("1/HIP", "Kocher clamp")


def test_a_roll_is_reserved_and_what_became_of_a_label_is_told(api: Api, desk: str) -> None:
    roll = api.post("/v1/labels/rolls", desk, json={"count": 2}).json()
    assert roll["serials"] == ["R1.001", "R1.002"]
    assert api.get("/v1/labels/rolls", desk).json()["rolls"] == [roll]
    packed(api, desk, "R1.001")
    body = {"packages": ["centre/R1.001"], "printer": "Z1"}
    (label,) = api.post("/v1/labels/prints", desk, json=body).json()["labels"]
    assert (label["issue"], label["state"]) == (1, "sent")
    drawn = {"packages": ["centre/R1.001"], "form": "zpl"}
    answer = api.post("/v1/labels/drawn", desk, json=drawn)
    assert answer.content.startswith(b"^XA^PW480^LL320")
    assert 'filename="labels.zpl"' in answer.headers["content-disposition"]
    assert api.post("/v1/labels/drawn", desk, json=drawn | {"form": "pdf"}).content[:4] == b"%PDF"
    for state in ("not_known", "printed"):
        body = {"packages": [label["code"]], "state": state}
        told = api.post("/v1/labels/prints/told", desk, json=body).json()
        assert (told["operations"], told["labels"][0]["state"]) == ([], state)
    assert api.get("/v1/labels/prints?undecided=true", desk).json() == {"labels": []}
    assert len(api.get("/v1/labels/prints", desk).json()["labels"]) == 1


def test_a_basket_is_filled_and_read_by_its_code(api: Api, desk: str) -> None:
    packed(api, desk, "Q01")
    line = {"act": "put_in", "said": "centre/Q01", "basket": "SL1BK797"}
    assert api.post("/v1/scans", desk, json={"lines": [line]}).status_code == 200
    params = {"basket": "SL1BK797"}
    assert [
        e["package"] for e in api.get("/v1/baskets", desk, params=params).json()["packages"]
    ] == ["1/Q01"]
    # whose it is not learns nothing of it
    assert api.get("/v1/baskets", api.member, params=params).json()["packages"] == []
