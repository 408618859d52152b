"""Who may ask for what: tokens, scopes, units."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from api import access
from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.identifiers import Digest, signer_id
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.asking.tokens import (
    PREFIX,
    RENEWED_SECONDS,
    LiveTokens,
    UnknownToken,
    authenticate,
    create_token,
    list_tokens,
    revoke_token,
)
from ledger.steps.instance import Instance
from ledger.steps.sending.mending import retry_operation
from ledger.storage.engine.database import Database
from ledger.storage.operations import move_operation
from tests.api.kit import ACTING, CENTRE, MEMBER, SERIAL, Api, build_api

CYCLE = f"{SERIAL}/17"
UNAUTHENTICATED = "urn:steriledger:problem:unauthenticated"
FORBIDDEN = "urn:steriledger:problem:forbidden"


def ledger_routes(api: Api) -> list[tuple[str, str]]:
    paths = api.app.openapi()["paths"]
    return [
        (method.upper(), path.replace("{digest}", "0x" + "00" * 32).replace("{sha256}", "00" * 32))
        for path, operations in paths.items()
        for method in operations
        if path.startswith("/v1/")
    ]


def test_every_route_but_health_needs_a_token(sqlite_database: Database, tmp_path: Path) -> None:
    api = build_api(sqlite_database, tmp_path, failed_logins_per_minute=10**9)
    routes = ledger_routes(api)
    assert len(routes) > 40
    with api.client, api.nothing_stored():
        for method, path in routes:
            answer = api.send(method, path.replace("{cycle}", CYCLE), None, content=b"\xff{")
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
            assert answer.json()["type"] == UNAUTHENTICATED


def test_health_needs_no_token(api: Api) -> None:
    assert api.get("/health/live", None).json() == {"status": "live"}
    assert api.get("/health/ready", None).json() == {"status": "ready"}


def test_a_database_without_the_schema_is_not_ready_and_says_no_more(
    empty_database: Database, lite: Api, tmp_path: Path
) -> None:
    lite.app.state.instance = replace(lite.house.instance, database=empty_database)
    answer = lite.get("/health/ready", None)
    assert (answer.status_code, answer.json()["detail"]) == (503, "not ready")
    assert answer.headers["Retry-After"]
    assert str(tmp_path) not in answer.text
    assert lite.get("/health/live", None).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer slt_short",
        "Bearer " + PREFIX + "A" * 43,
        "Bearer " + "x" * 5000,
        "Bearer slt_" + "é" * 43,
        "bearer {token} {token}",
    ],
)
def test_a_header_without_a_valid_token_is_refused(still: Api, header: str) -> None:
    sent = header.format(token=still.operator) if "{" in header else header
    answer = still.get("/v1/cycles", None, headers={"Authorization": sent.encode("latin-1")})
    assert answer.status_code == 401


def test_expired_revoked_and_unknown_tokens_are_told_the_same(api: Api) -> None:
    revoked = api.token(CENTRE, Scope.READ_UNIT)
    with api.house.instance.database.transaction() as tx:
        caller = authenticate(api.house.instance, tx, revoked)
        assert caller.token_id is not None
        revoke_token(api.house.instance, tx, caller.token_id)
    expired = api.token(CENTRE, Scope.READ_UNIT, days=1)
    api.house.clock.advance(days=1)
    told = []
    for token in (revoked, expired, PREFIX + "A" * 43):
        answer = api.get("/v1/cycles", token)
        assert answer.status_code == 401
        told.append({**answer.json(), "request_id": ""})
    assert told[0] == told[1] == told[2]
    assert api.get("/v1/cycles", api.operator).status_code == 200


def test_a_token_is_kept_only_as_its_hash(lite: Api) -> None:
    with lite.house.instance.database.reading() as tx:
        rows = list_tokens(tx)
        shown = repr(rows)
    assert len(rows) == 5
    for text in (lite.operator, lite.authority):
        assert text not in shown
        assert text.removeprefix(PREFIX) not in shown
    assert {row.person for row in rows if row.unit == CENTRE} == {"Operator", "Administrator"}
    with lite.house.instance.database.reading() as tx:
        assert {row.unit for row in list_tokens(tx, unit=MEMBER)} == {MEMBER}


def test_a_revocation_keeps_its_first_date(api: Api) -> None:
    instance = api.house.instance
    token = api.token(CENTRE, Scope.READ_UNIT)
    with instance.database.transaction() as tx:
        name = str(authenticate(instance, tx, token).token_id)
        first = revoke_token(instance, tx, name)
    api.house.clock.advance(hours=1)
    with instance.database.transaction() as tx:
        assert revoke_token(instance, tx, name) == first
        with pytest.raises(NotFound):
            revoke_token(instance, tx, "nothing")
        with pytest.raises(UnknownToken):
            authenticate(instance, tx, token)


def test_a_token_that_no_rule_allows_is_not_made(lite: Api) -> None:
    house = lite.house
    of_member = signer_id(house.administrators[MEMBER])
    day, read = timedelta(days=1), [Scope.READ_UNIT]
    bad: list[tuple[type[Exception], dict[str, object]]] = [
        (InvalidInput, {"person": ""}),
        (InvalidInput, {"person": "line\x07break"}),
        (InvalidInput, {"scopes": []}),
        (InvalidInput, {"unit": None}),
        (InvalidInput, {"unit": None, "scopes": [Scope.AUTHORITY, Scope.READ_ALL]}),
        (InvalidInput, {"scopes": [Scope.AUTHORITY]}),
        (InvalidInput, {"lifetime": timedelta()}),
        (InvalidInput, {"lifetime": timedelta(days=10_000)}),
        (NotFound, {"unit": 99}),
        (NotFound, {"signer": of_member}),
        (NotFound, {"signer": bytes(32)}),
        (InvalidInput, {"unit": None, "scopes": [Scope.AUTHORITY], "signer": of_member}),
    ]
    fine = {"person": "A", "unit": CENTRE, "scopes": read, "lifetime": day}
    for error, change in bad:
        with (
            lite.nothing_stored(),
            pytest.raises(error),
            house.instance.database.transaction() as tx,
        ):
            create_token(house.instance, tx, **{**fine, **change})  # type: ignore[arg-type]


def test_a_scope_that_the_token_lacks_is_forbidden(lite: Api) -> None:
    reader = lite.token(CENTRE, Scope.READ_UNIT, signer=lite.house.operator)
    problem = lite.refused("cycle-opening", reader, equipment=SERIAL, number=17)
    assert (problem["status"], problem["type"]) == (403, FORBIDDEN)
    assert "'open'" in problem["detail"]
    problem = lite.refused(
        "unit-admission",
        lite.administrator,
        unit=3,
        code="x",
        name="X",
        roles=["user"],
        custody="server",
    )
    assert problem["status"] == 403
    writer = lite.token(CENTRE, Scope.OPEN, signer=lite.house.operator)
    for path in ("/v1/cycles", "/v1/operations", "/v1/signers", "/v1/status", "/v1/readings"):
        assert lite.get(path, writer).status_code == 403
    with lite.nothing_stored():
        answer = lite.post(
            "/v1/readings", reader, content=b"x", headers={"Content-Type": "text/plain"}
        )
    assert answer.status_code == 403


def test_another_units_records_do_not_exist(api: Api) -> None:
    digest = api.open_cycle(17)["digest"]
    upload = api.post(
        "/v1/readings?record=false",
        api.operator,
        content=Path("tests/data/csv/example.csv").read_bytes(),
        headers={"Content-Type": "text/csv"},
    ).json()
    cycle = api.get(f"/v1/cycles/{CYCLE}", api.operator).json()["id"]
    hidden = [
        f"/v1/operations/{digest}",
        f"/v1/operations/{digest}/receipt",
        f"/v1/cycles/{cycle}",
        f"/v1/cycles/{CYCLE}",
        f"/v1/evidence/cycle/{cycle}",
        f"/v1/readings/{upload['sha256']}",
        f"/v1/readings/{upload['sha256']}/raw",
        f"/v1/cycles?equipment={SERIAL}",
    ]
    for path in hidden:
        assert api.get(path, api.member).status_code == 404, path
    assert api.get("/v1/cycles", api.member).json() == {"cycles": []}
    assert api.get("/v1/readings", api.member).json() == {"readings": []}
    assert {
        line["unit"] for line in api.get("/v1/operations", api.member).json()["operations"]
    } == {MEMBER}
    assert api.get("/v1/equipment", api.member).json() == {"equipment": []}
    assert {each["unit"] for each in api.get("/v1/signers", api.member).json()["signers"]} == {
        MEMBER
    }
    assert api.get("/v1/status", api.member).json()["operations"]["owed"] == 1


def test_another_unit_acts_on_nothing_here(api: Api) -> None:
    api.open_cycle(17)
    cycle = api.get(f"/v1/cycles/{CYCLE}", api.operator).json()["id"]
    nothing = {"ending": None, "load": None, "replaces": None}
    for kind, body in (
        ("cycle-opening", {"equipment": SERIAL, "number": 18}),
        ("cycle-ending", {"cycle": cycle, "outcome": "completed"}),
        (
            "load-declaration",
            {"cycle": cycle, "lines": [{"owner": 2, "package_class": 1, "quantity": 1}]},
        ),
        ("cycle-decision", {"cycle": cycle, "decision": "hold", **nothing}),
        ("signer-revocation", {"signer": "Operator", "reason": "mischief"}),
        ("cycle-opening", {"unit": CENTRE, "equipment": SERIAL, "number": 18}),
    ):
        assert api.refused(kind, api.member, **body)["status"] == 404, kind


def test_another_unit_submits_nothing_that_was_prepared_here(api: Api) -> None:
    prepared = api.post(
        "/v1/operations/cycle-opening/prepare",
        api.operator,
        json={"equipment": SERIAL, "number": 17},
    ).json()
    with api.nothing_stored():
        for token, status in ((api.member, 404), (api.authority, 404), (api.auditor, 404)):
            answer = api.post(
                f"/v1/operations/{prepared['digest']}/submit", token, json={"held": ["signer"]}
            )
            assert answer.status_code == status


def test_an_operator_of_another_unit_signs_nothing_here(lite: Api) -> None:
    operator = "0x" + lite.house.operator.hex()
    problem = lite.post(
        "/v1/operations/equipment-registration/prepare",
        lite.member,
        json={"name": "M", "serial": "9", "kind": "sterilizer", "administrator": operator},
    ).json()
    assert (problem["status"], problem["field"]) == (422, "administrator")
    assert problem["rule"] == "a signer acts only for its own unit"


def test_an_auditor_reads_everything_but_no_names_of_people(api: Api) -> None:
    digest = api.open_cycle(17, performer="Anna")["digest"]
    operation = api.get(f"/v1/operations/{digest}", api.auditor).json()
    assert operation["record"]["facts"]["machine.number"] == 17
    assert operation["record"]["personal"] is None
    cycle = api.get("/v1/cycles", api.auditor).json()["cycles"][0]["id"]
    entry = api.get(f"/v1/cycles/{cycle}", api.auditor).json()["timeline"][0]
    assert (entry["people"], entry["signer_name"]) == (None, None)
    signers = api.get("/v1/signers", api.auditor).json()["signers"]
    names = {(each["unit"], each["name"]) for each in signers}
    assert names == {(CENTRE, None), (MEMBER, "Administrator member")}
    path = f"/v1/evidence/cycle/{cycle}?disclose=personal:performer"
    assert api.get(path, api.auditor).status_code == 403
    problem = api.refused("cycle-opening", api.auditor, equipment=SERIAL, number=18)
    assert problem["status"] == 403


def test_an_auditor_is_not_told_which_person_looked_after_an_operation(api: Api) -> None:
    digest = bytes.fromhex(api.open_cycle(17)["digest"][2:])
    house = api.house
    with house.instance.database.transaction() as tx:
        owed, stuck = [OperationState.OWED], OperationState.STUCK
        move_operation(tx, digest, stuck, house.clock(), expected=owed, reason="the fee rose")
    with house.instance.database.transaction() as tx:
        retry_operation(house.instance, tx, Digest(digest), person="Zhao Min", reason="paid by Li")
    path = f"/v1/operations/0x{digest.hex()}"
    for token, last in (
        (api.operator, "tried again by Zhao Min: paid by Li"),
        (api.auditor, "tried again by a person"),
    ):
        history = api.get(path, token).json()["history"]
        assert [state["reason"] for state in history] == [None, "the fee rose", last]


def test_every_unit_knows_the_units_of_the_group(lite: Api) -> None:
    for token in (lite.operator, lite.member, lite.auditor, lite.authority):
        units = lite.get("/v1/units", token).json()["units"]
        assert [(unit["number"], unit["code"]) for unit in units] == [(1, "centre"), (2, "member")]
    page = lite.get("/v1/units?after=1&limit=1", lite.member).json()["units"]
    assert [unit["number"] for unit in page] == [2]


def test_a_unit_reads_its_signers_machines_and_the_deployment(lite: Api) -> None:
    signers = lite.get("/v1/signers", lite.operator).json()["signers"]
    assert {(each["name"], each["custody"], each["is_revoked"]) for each in signers} == {
        ("Administrator centre", "server", False),
        ("Operator", "server", False),
    }
    machine = lite.get("/v1/equipment", lite.operator).json()["equipment"][0]
    assert (machine["serial"], machine["state"], machine["epoch"]) == (SERIAL, "in_service", 1)
    deployment = lite.get("/v1/deployment", lite.operator).json()
    fingerprint = lite.house.instance.deployment().fingerprint()
    assert deployment["fingerprint"] == "0x" + fingerprint.hex()
    assert deployment["deployment"]["chainId"] == 424242
    status = lite.get("/v1/status", lite.operator).json()
    assert (status["chain"], status["finality"], status["stuck"]) == (None, "journal", 0)
    assert status["operations"]["owed"] == 3


def test_the_authority_reads_no_units_records(lite: Api) -> None:
    for path in ("/v1/cycles", "/v1/operations", "/v1/signers", "/v1/readings", "/v1/status"):
        assert lite.get(path, lite.authority).status_code == 403


def test_one_token_may_ask_only_so_often(sqlite_database: Database, tmp_path: Path) -> None:
    api = build_api(sqlite_database, tmp_path, requests_per_minute=2)
    answers = [api.get("/v1/units", api.operator) for _ in range(3)]
    # The window may turn between two of them, never between all.
    assert {answer.status_code for answer in answers} <= {200, 429}
    more = [api.get("/v1/units", api.operator) for _ in range(3)]
    told = next(answer for answer in more + answers if answer.status_code == 429)
    assert told.json()["rule"] == "at most 2 a minute"
    assert 1 <= int(told.headers["Retry-After"]) <= 60
    assert api.get("/v1/units", api.member).status_code == 200


def test_failed_logins_are_counted_by_address_and_valid_tokens_still_pass(
    sqlite_database: Database, tmp_path: Path
) -> None:
    api = build_api(sqlite_database, tmp_path, failed_logins_per_minute=2)
    codes = [api.get("/v1/units", "slt_wrong").status_code for _ in range(6)]
    assert set(codes) == {401, 429}
    assert api.get("/v1/units", api.operator).status_code == 200


def test_who_asks_too_often_is_told_so_without_a_look_at_the_database(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def watched(instance: Instance, tx: Connection, text: str) -> Caller:
        looked.append(text)
        return authenticate(instance, tx, text)

    monkeypatch.setattr(access, "authenticate", watched)
    api = build_api(sqlite_database, tmp_path, failed_logins_per_minute=2, requests_per_minute=3)
    guesses = [PREFIX + f"{number:043}" for number in range(20)]
    codes = [api.get("/v1/units", guess).status_code for guess in guesses]
    # The window may turn once between them.
    assert codes.count(401) == len(looked) in {2, 4}
    assert set(codes) == {401, 429}
    looked.clear()
    codes = [api.get("/v1/units", api.operator).status_code for _ in range(20)]
    assert codes[0] == 200
    assert codes.count(200) == len(looked) in {3, 6}
    # A body is no way past it.
    answer = api.post("/v1/operations/cycle-opening", guesses[0], json={})
    assert answer.status_code in {401, 429}


def test_who_may_only_decide_rests_on_the_results_that_others_entered(lite: Api) -> None:
    judged = lite.finished_cycle(17)
    passed = dict.fromkeys(("physical", "chemical_external", "chemical_internal"), "pass")
    release = {
        "shares": [{"owner": CENTRE, "package_class": 1, "delta": 10}],
        "decision": "release",
    }
    signer = lite.house.operator
    decider = lite.token(CENTRE, Scope.DECIDE, Scope.READ_UNIT, signer=signer)
    problem = lite.refused("cycle-decision", decider, **judged, **release, results=passed)
    assert (problem["status"], problem["field"]) == (403, "token")
    assert "'result'" in problem["detail"]
    # Prepared by who may, it is not submitted by who may not.
    digest = lite.post(
        "/v1/operations/cycle-decision/prepare",
        lite.operator,
        json={**judged, **release, "results": passed},
    ).json()["digest"]
    with lite.nothing_stored():
        submitted = lite.post(f"/v1/operations/{digest}/submit", decider, json={"held": ["signer"]})
    assert (submitted.status_code, submitted.json()["field"]) == (403, "token")
    held = lite.record(
        "cycle-decision", lite.operator, **judged, decision="hold", reason="dry", results=passed
    )
    lifted = lite.record(
        "cycle-decision",
        decider,
        **{**judged, "replaces": held["digest"]},
        decision="lift",
        reason="dry",
    )
    lite.record("cycle-decision", decider, **{**judged, "replaces": lifted["digest"]}, **release)


def test_a_list_of_tokens_is_read_once_a_second_and_holds_what_holds(api: Api) -> None:
    house, now = api.house, [0.0]
    live = LiveTokens(house.instance, clock=lambda: now[0])
    assert not live.may_hold("slt_wrong")
    assert not live.may_hold(PREFIX + "A" * 43)
    assert live.may_hold(api.operator)
    late = api.token(CENTRE, Scope.OPEN, days=1)
    assert not live.may_hold(late)
    now[0] += RENEWED_SECONDS
    assert live.may_hold(late)
    with house.instance.database.transaction() as tx:
        revoke_token(house.instance, tx, str(authenticate(house.instance, tx, late).token_id))
    short = api.token(CENTRE, Scope.OPEN, days=1)
    house.clock.now += timedelta(days=1)
    now[0] += RENEWED_SECONDS
    assert [live.may_hold(each) for each in (late, short, api.operator)] == [False, False, True]


def test_only_allowed_hosts_are_answered(sqlite_database: Database, tmp_path: Path) -> None:
    api = build_api(sqlite_database, tmp_path, allowed_hosts=("ledger.example", "[::1]"))
    assert api.get("/health/live", None).status_code == 421
    for host in ("ledger.example", "Ledger.Example:8080", "[::1]:80"):
        assert api.get("/health/live", None, headers={"Host": host}).status_code == 200
    for host in ("evil.example", "ledger.example.evil", ""):
        answer = api.get("/health/live", None, headers={"Host": host})
        assert (answer.status_code, answer.json()["field"]) == (421, "Host")


def test_acting_tokens_name_a_signer_whose_key_is_held_here(lite: Api) -> None:
    bare = lite.token(CENTRE, *ACTING)
    with lite.nothing_stored():
        answer = lite.post(
            "/v1/operations/cycle-opening", bare, json={"equipment": SERIAL, "number": 17}
        )
    assert (answer.status_code, answer.json()["detail"]) == (422, "this key is not yours")
