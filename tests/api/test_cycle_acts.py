"""The acts of a cycle over HTTP: each success with what it stores, each refusal with nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ledger.domain.acts.words import Right
from ledger.domain.encoding.identifiers import to_hex
from ledger.evidence.shape import Subject
from ledger.keys.receipts import verify_receipt
from ledger.storage.operations import get_receipt
from tests.api.kit import ACTING, CENTRE, MEMBER, SERIAL, Api

CYCLE = f"{SERIAL}/17"
LINES = [
    {"owner": CENTRE, "package_class": 1, "quantity": 5},
    {"owner": "member", "payer": CENTRE, "package_class": 1, "quantity": 5},
]
SHARES = [
    {"owner": CENTRE, "package_class": 1, "delta": 5},
    {"owner": MEMBER, "payer": CENTRE, "package_class": 1, "delta": 5},
]


def test_a_cycle_is_opened_loaded_ended_and_released_in_four_calls(api: Api) -> None:
    opened = api.open_cycle(17, programme="134 °C", started_at="2026-11-21T12:50:00+01:00")
    assert opened["kind"] == "cycle-opening"
    api.record("load-declaration", api.operator, cycle=CYCLE, lines=LINES)
    ended = api.record(
        "cycle-ending",
        api.operator,
        cycle=CYCLE,
        outcome="completed",
        ended_at="2026-11-21T12:30:00Z",
        minimum_celsius="134.1",
        performer="Anna",
    )
    view = api.get(f"/v1/cycles/{CYCLE}", api.operator).json()
    judged = view["current"]
    assert judged["ending"] == ended["digest"]
    assert view["machine_verdict"]["minimum_celsius"] == "134.1"
    assert view["computed_verdict"]["result"] == "not_computed"
    api.record(
        "cycle-decision",
        api.operator,
        cycle=CYCLE,
        decision="release",
        ending=judged["ending"],
        load=judged["load"],
        replaces=None,
        shares=SHARES,
        results={"physical": "pass"},
    )
    view = api.get(f"/v1/cycles/{CYCLE}", api.operator).json()
    assert view["state"] == "released"
    assert view["counts"] == [{"package_class": 1, "declared": 10, "released": 10}]
    assert view["decision"]["results.biological"] == "not_entered"
    assert [entry["act"] for entry in view["timeline"]] == [
        "the cycle was opened",
        "the load was declared: 10 of class 1",
        "the cycle ended: the machine says completed, the computed verdict is not_computed",
        "a person decided: release, +10 packages in 2 shares",
    ]  # fmt: skip
    assert view["timeline"][2]["people"] == {"performer": "Anna", "enterer": "Operator"}


def test_a_record_call_answers_a_receipt_that_verifies(api: Api) -> None:
    answer = api.post(
        "/v1/operations/cycle-opening", api.operator, json={"equipment": SERIAL, "number": 17}
    )
    assert answer.status_code == 201
    receipt = answer.json()
    assert answer.headers["Location"] == f"/v1/operations/{receipt['digest']}"
    verify_receipt(
        bytes.fromhex(receipt["key"][2:]),
        receipt["payload"].encode(),
        bytes.fromhex(receipt["signature"][2:]),
    )
    assert json.loads(receipt["payload"]) == receipt["promise"]
    assert api.get(answer.headers["Location"] + "/receipt", api.operator).json() == receipt
    operation = api.get(answer.headers["Location"], api.operator).json()
    assert (operation["state"], operation["chain"]) == ("owed", None)
    assert [state["state"] for state in operation["history"]] == ["owed"]
    assert operation["record"]["facts"]["timing"] == "before_outcome"
    assert operation["record"]["personal"]["enterer"] == "Operator"


def test_operations_are_listed_by_kind_and_state_and_page(api: Api) -> None:
    digests = [api.open_cycle(number)["digest"] for number in (17, 18, 19)]
    path = "/v1/operations?kind=cycle-opening&state=owed&limit=2"
    first = api.get(path, api.operator).json()["operations"]
    assert [line["digest"] for line in first] == digests[:2]
    rest = api.get(f"{path}&after={first[-1]['cursor']}", api.operator).json()["operations"]
    assert [line["digest"] for line in rest] == digests[2:]
    assert api.get("/v1/operations?state=final", api.operator).json() == {"operations": []}


def test_cycles_are_listed_newest_first_and_by_machine(api: Api) -> None:
    for number in (17, 18, 19):
        api.open_cycle(number)
    listed = api.get("/v1/cycles?limit=2", api.operator).json()["cycles"]
    assert [line["number"] for line in listed] == [19, 18]
    before = listed[-1]["cursor"]
    rest = api.get(f"/v1/cycles?before={before}", api.operator).json()["cycles"]
    assert [line["number"] for line in rest] == [17]
    of_machine = f"/v1/cycles?equipment={SERIAL}"
    named = api.get(f"{of_machine}&limit=2", api.operator).json()["cycles"]
    assert named == listed
    rest = api.get(f"{of_machine}&before={before}", api.operator).json()["cycles"]
    assert [line["number"] for line in rest] == [17]
    assert api.get("/v1/cycles?equipment=nowhere", api.operator).status_code == 404


def test_a_cycle_is_read_by_id_by_number_and_by_epoch_and_number(api: Api) -> None:
    api.open_cycle(17)
    by_number = api.get(f"/v1/cycles/{CYCLE}", api.operator).json()
    assert api.get(f"/v1/cycles/{SERIAL}/1/17", api.operator).json() == by_number
    assert api.get(f"/v1/cycles/0x{by_number['id']}", api.operator).json() == by_number
    assert api.get(f"/v1/cycles/{SERIAL}/18", api.operator).status_code == 404
    assert api.get("/v1/cycles/17", api.operator).json()["field"] == "cycle"


def test_evidence_is_refused_until_the_cycle_is_final(lite: Api) -> None:
    lite.open_cycle(17)
    problem = lite.get(f"/v1/evidence/cycle/{CYCLE}", lite.operator).json()
    assert (problem["status"], problem["type"]) == (422, "urn:steriledger:problem:refused")
    assert problem["rule"] == "evidence proves what is final"


def test_evidence_comes_as_a_file_with_what_was_chosen(
    lite: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[tuple[object, object, object]] = []

    def export(_: object, tx: object, caller: object, of: Subject, **options: object) -> bytes:
        chosen.append((of, options["disclose"], options["attach_readings"]))
        return b"{}"

    monkeypatch.setattr("api.routes.evidence.export_evidence", export)
    lite.open_cycle(17)
    path = f"/v1/evidence/cycle/{CYCLE}"
    answer = lite.get(
        f"{path}?disclose=verdict.*&disclose=personal:performer&readings=true", lite.operator
    )
    assert answer.content == b"{}"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="cycle-')
    lite.get(path, lite.operator)
    shown = lite.get(f"/v1/cycles/{CYCLE}", lite.operator).json()["id"]
    cycle = Subject(type="cycle", id=bytes.fromhex(shown.removeprefix("0x")))
    assert chosen == [(cycle, ["verdict.*", "personal:performer"], True), (cycle, None, False)]


def test_the_current_load_is_amended_with_a_reason(api: Api) -> None:
    api.open_cycle(17)
    first = api.record("load-declaration", api.operator, cycle=CYCLE, lines=LINES)
    amendment: dict[str, Any] = {"cycle": CYCLE, "lines": LINES[:1], "replaces": first["digest"]}
    problem = api.refused("load-declaration", api.operator, **amendment)
    assert problem["field"] == "reason"
    api.record("load-declaration", api.operator, **amendment, reason="one tray was forgotten")
    view = api.get(f"/v1/cycles/{CYCLE}", api.operator).json()
    assert view["counts"] == [{"package_class": 1, "declared": 5, "released": 0}]
    problem = api.refused("load-declaration", api.operator, cycle=CYCLE, lines=LINES)
    assert (problem["status"], problem["field"]) == (409, "replaces")


OPENING: dict[str, Any] = {"equipment": SERIAL, "number": 20}
BAD_OPENINGS: list[tuple[dict[str, Any], int, str]] = [
    ({"equipment": "nowhere"}, 404, "equipment"),
    ({"number": 0}, 422, "number"),
    ({"number": 2**53}, 422, "number"),
    ({"number": "20"}, 422, "number"),
    ({"number": True}, 422, "number"),
    ({"number": 20.0}, 422, "number"),
    ({"epoch": 2}, 422, "epoch"),
    ({"unit": 99}, 404, "unit"),
    ({"unit": MEMBER}, 404, "unit"),
    ({"unit": "nobody"}, 404, "unit"),
    ({"unit": 2**32}, 422, "unit"),
    ({"unit": "9" * 30}, 404, "unit"),
    ({"unit": True}, 422, "unit"),
    ({"signed_at": "2026-11-21T12:10:00Z"}, 422, "signed_at"),
    ({"signed_at": "2026-11-21T12:00:00"}, 422, "signed_at"),
    ({"signed_at": 1700000000}, 422, "signed_at"),
    ({"signed_at": "0001-01-01T00:00:00+14:00"}, 422, "signed_at"),
    ({"started_at": "yesterday"}, 422, "started_at"),
    ({"programme": "a\u0000b"}, 422, "programme"),
    ({"programme": " blank "}, 422, "programme"),
    ({"programme": "x" * 201}, 422, "programme"),
    ({"programme": ""}, 422, "programme"),
    ({"surprise": 1}, 422, "surprise"),
    ({"holds_implant": "yes"}, 422, "holds_implant"),
    ({"authenticated_by": "magic"}, 422, "authenticated_by"),
    ({"happened": {"zone": "Mars/Olympus"}}, 422, "happened.zone"),
    ({"signer": "Nobody"}, 404, "signer"),
]


@pytest.mark.parametrize("change,status,field", BAD_OPENINGS)
def test_a_bad_opening_names_its_field_and_stores_nothing(
    still: Api, change: dict[str, Any], status: int, field: str
) -> None:
    problem = still.refused("cycle-opening", still.operator, **{**OPENING, **change})
    assert (problem["status"], problem["field"]) == (status, field)
    assert problem["detail"]


def test_a_number_that_is_open_already_is_a_conflict(api: Api) -> None:
    api.open_cycle(17)
    problem = api.refused("cycle-opening", api.operator, equipment=SERIAL, number=17)
    assert problem["status"] == 409


BAD_ENDINGS: list[tuple[dict[str, Any], int, str]] = [
    ({"outcome": None}, 422, "outcome"),
    ({"outcome": "fine"}, 422, "outcome"),
    ({"cycle": f"{SERIAL}/99"}, 404, "cycle"),
    ({"ended_at": "2026-11-21T11:00:00Z"}, 422, "ended_at"),
    (
        {"started_at": "2026-11-21T11:55:00Z", "ended_at": "2026-11-21T11:54:59Z"},
        422,
        "ended_at",
    ),
    ({"maximum_celsius": "4000"}, 422, "maximum_celsius"),
    ({"minimum_celsius": "-273.15"}, 422, "minimum_celsius"),
    ({"maximum_celsius": "NaN"}, 422, "maximum_celsius"),
    ({"maximum_celsius": 134.0}, 422, "maximum_celsius"),
    ({"maximum_bar": "99"}, 422, "maximum_bar"),
    ({"profile": "en-285-134"}, 422, "profile"),
    ({"reading": {"sha256": "00" * 32}}, 422, "outcome"),
    ({"outcome": None, "reading": {"sha256": "00" * 32, "ordinal": 1}}, 404, "reading.sha256"),
    (
        {"outcome": None, "reading": {"sha256": "00" * 32, "ordinal": 1}, "profile": "best"},
        422,
        "profile",
    ),
    ({"reading": {"sha256": "0", "ordinal": 1}}, 422, "reading.sha256"),
    ({"reading": {"sha256": "00" * 32, "ordinal": 0}}, 422, "reading.ordinal"),
]


@pytest.mark.parametrize("change,status,field", BAD_ENDINGS)
def test_a_bad_ending_names_its_field_and_stores_nothing(
    still: Api, change: dict[str, Any], status: int, field: str
) -> None:
    ending = {"cycle": CYCLE, "outcome": "completed", **change}
    problem = still.refused("cycle-ending", still.operator, **ending)
    assert (problem["status"], problem["field"]) == (status, field)


BAD_LINES: list[tuple[object, int, str]] = [
    ([], 422, "lines"),
    ([{"owner": 99, "package_class": 1, "quantity": 1}], 404, "lines.0.owner"),
    ([{"owner": 1, "payer": "x", "package_class": 1, "quantity": 1}], 404, "lines.0.payer"),
    ([{"owner": 1, "package_class": 0, "quantity": 1}], 422, "lines.0.package_class"),
    ([{"owner": 1, "package_class": 1, "quantity": -1}], 422, "lines.0.quantity"),
    ([{"owner": 1, "package_class": 1, "quantity": 0}], 422, "lines"),
    ([{"owner": 1, "package_class": 1}], 422, "lines.0.quantity"),
    ([{"owner": 1, "package_class": n, "quantity": 1} for n in range(1, 66)], 422, "lines"),
    ("all", 422, "lines"),
]


@pytest.mark.parametrize("lines,status,field", BAD_LINES)
def test_a_bad_load_names_its_line_and_stores_nothing(
    still: Api, lines: object, status: int, field: str
) -> None:
    problem = still.refused("load-declaration", still.operator, cycle=CYCLE, lines=lines)
    assert problem["status"] == status
    assert problem["field"].startswith(field)


def share(delta: int, **change: object) -> dict[str, object]:
    return {"owner": CENTRE, "package_class": 1, "delta": delta, **change}


BAD_DECISIONS: list[tuple[dict[str, Any], int, str]] = [
    ({"shares": [share(11)]}, 422, "shares.0"),
    ({"shares": [share(5), share(5)]}, 422, "shares.1"),
    ({"shares": [share(-1)]}, 422, "shares.0"),
    ({"shares": [share(0)]}, 422, "shares.0"),
    ({"shares": []}, 422, "shares"),
    ({"shares": [share(1, package_class=2)]}, 422, "shares.0"),
    ({"shares": [share(1, owner=99)]}, 404, "shares.0.owner"),
    ({"decision": "lift"}, 422, "decision"),
    ({"decision": "approve"}, 422, "decision"),
    ({"ending": None}, 409, "ending"),
    ({"ending": "0x" + "11" * 32}, 409, "ending"),
    ({"load": None}, 409, "load"),
    ({"replaces": "0x" + "11" * 32}, 409, "replaces"),
    ({"results": {"physical": "fail"}}, 422, "results"),
    ({"results": {"physical": "good"}}, 422, "results.physical"),
    ({"results": {"biological": "pending"}}, 422, "results.biological"),
    ({"results": {"taste": "pass"}}, 422, "results.taste"),
]


@pytest.mark.parametrize("change,status,field", BAD_DECISIONS)
def test_a_bad_decision_names_its_field_and_stores_nothing(
    still: Api, change: dict[str, Any], status: int, field: str
) -> None:
    decision = {**still.judged, "decision": "release", "shares": [share(10)], **change}
    problem = still.refused("cycle-decision", still.operator, **decision)
    assert (problem["status"], problem["field"]) == (status, field)


def test_a_decision_says_what_it_judges_even_where_there_is_nothing(lite: Api) -> None:
    lite.open_cycle(17)
    decision: dict[str, Any] = {"cycle": CYCLE, "decision": "hold", "reason": "noise"}
    problem = lite.refused("cycle-decision", lite.operator, **decision)
    assert problem["field"] == "ending"
    assert {error["field"] for error in problem["errors"]} == {"ending", "load", "replaces"}
    nothing = {"ending": None, "load": None, "replaces": None}
    lite.record("cycle-decision", lite.operator, **decision, **nothing)
    assert lite.get(f"/v1/cycles/{CYCLE}", lite.operator).json()["state"] == "held"


def test_a_release_without_a_declared_load_is_refused(lite: Api) -> None:
    lite.open_cycle(17)
    ended = lite.record("cycle-ending", lite.operator, cycle=CYCLE, outcome="completed")
    problem = lite.refused(
        "cycle-decision",
        lite.operator,
        cycle=CYCLE,
        decision="release",
        ending=ended["digest"],
        load=None,
        replaces=None,
        shares=[share(1)],
    )
    assert (problem["status"], problem["type"]) == (422, "urn:steriledger:problem:refused")
    assert problem["rule"] == "not declared is not zero"


def test_an_aborted_cycle_is_not_released(lite: Api) -> None:
    lite.open_cycle(17)
    lite.record("load-declaration", lite.operator, cycle=CYCLE, lines=LINES)
    lite.record("cycle-ending", lite.operator, cycle=CYCLE, outcome="aborted", fault_code="A15")
    current = lite.get(f"/v1/cycles/{CYCLE}", lite.operator).json()["current"]
    problem = lite.refused(
        "cycle-decision",
        lite.operator,
        cycle=CYCLE,
        decision="release",
        ending=current["ending"],
        load=current["load"],
        replaces=None,
        shares=SHARES,
    )
    assert (problem["status"], problem["field"]) == (422, "decision")


def test_a_load_with_an_implant_is_released_only_after_the_biological_pass(api: Api) -> None:
    judged = api.finished_cycle(17, holds_implant=True, biological_indicator=True)
    release = {**judged, "decision": "release", "shares": [share(10)]}
    for word in ("not_entered", "not_required"):
        problem = api.refused(
            "cycle-decision", api.operator, **release, results={"biological": word}
        )
        assert problem["status"] == 422
        assert "implant" in problem["detail"] + problem["rule"]
    api.record("cycle-decision", api.operator, **release, results={"biological": "pass"})


def test_whoever_lacks_the_right_signs_nothing(lite: Api) -> None:
    opener = lite.house.enrol(CENTRE, "Opener", Right.OPEN)
    token = lite.token(CENTRE, *ACTING, person="Opener", signer=opener)
    lite.record("cycle-opening", token, equipment=SERIAL, number=17)
    problem = lite.refused("load-declaration", token, cycle=CYCLE, lines=LINES)
    assert (problem["status"], problem["field"]) == (422, "signer")
    assert "load" in problem["detail"]


def test_a_revoked_signer_signs_nothing(lite: Api) -> None:
    lite.record("signer-revocation", lite.administrator, signer="Operator", reason="left the house")
    problem = lite.refused("cycle-opening", lite.operator, equipment=SERIAL, number=17)
    assert (problem["status"], problem["detail"]) == (422, "the signer is revoked")


def test_an_expired_signer_signs_nothing(lite: Api) -> None:
    until = lite.house.clock.now + timedelta(seconds=60)
    shift = lite.house.enrol(CENTRE, "Shift", Right.OPEN, valid_until=until)
    token = lite.token(CENTRE, *ACTING, person="Shift", signer=shift)
    lite.house.clock.advance(seconds=61)
    problem = lite.refused("cycle-opening", token, equipment=SERIAL, number=17)
    assert problem["status"] == 422
    assert "expired" in problem["detail"]


def test_nobody_signs_with_the_key_of_a_colleague(lite: Api) -> None:
    lite.house.enrol(CENTRE, "Colleague", Right.OPEN)
    with lite.nothing_stored():
        answer = lite.post(
            "/v1/operations/cycle-opening",
            lite.operator,
            json={"equipment": SERIAL, "number": 17, "signer": "Colleague"},
        )
    assert answer.json()["detail"] == "this key is not yours"


def test_the_receipt_is_kept_as_it_was_given(api: Api) -> None:
    receipt = api.open_cycle(17)
    with api.house.instance.database.reading() as tx:
        row = get_receipt(tx, bytes.fromhex(receipt["digest"][2:]))
    assert receipt["payload"] == row.payload.decode()
    assert receipt["signature"] == to_hex(row.signature)
