"""Every route against everybody who may ask: the table says who may, and the rest is refused."""

from __future__ import annotations

import hmac
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.terms import parts_of
from ledger.domain.acts.words import Right, UnitRole
from ledger.domain.callers import Scope
from ledger.domain.duties.terms import parse_terms
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import (
    UnitNumber,
    asset_id,
    consignment_id,
    parse_hex32,
    serial_hash,
    signer_id,
)
from ledger.steps.asking import tokens
from ledger.steps.asking.tokens import PREFIX, authenticate, revoke_token
from ledger.storage.engine.database import open_database
from ledger.storage.keys import KeyPurpose, list_keys
from tests.api.kit import CENTRE, MEMBER, SERIAL, Api, Plain, build_api
from tests.domain.statement.chains import document
from tests.house import CYCLE_RIGHTS

EVERYTHING = tuple(scope for scope in Scope if scope is not Scope.AUTHORITY)
UNKNOWN = "ab" * 32
BEGUN = "2026-01-01T06:00:00Z"
BEGINS: dict[str, str | int] = {"holds_from": "2100-01-01T00:00:00Z", "version": 1}
LATER = parse_terms(canonical({**document(), **BEGINS}))
#: neither the centre nor the member
THIRD, GONE = 9, 8
READ = frozenset({Scope.READ_UNIT})
CSV = Path("tests/data/csv/example.csv")

#: What a route needs besides a token; every scope of a row, or any other reading scope for READ.
READING_ROUTES = {
    "GET /v1/operations": READ,
    "GET /v1/operations/{digest}": READ,
    "GET /v1/operations/{digest}/receipt": READ,
    "GET /v1/readings": READ,
    "GET /v1/readings/{sha256}": READ,
    "GET /v1/readings/{sha256}/raw": READ,
    "GET /v1/cycles": READ,
    "GET /v1/cycles/{cycle}": READ,
    "GET /v1/consignments": READ,
    "GET /v1/consignments/{consignment}": READ,
    "GET /v1/assets": READ,
    "GET /v1/assets/{asset}": READ,
    "GET /v1/evidence/{type}/{subject}": READ,
    "GET /v1/findings/{kind}/{subject}": READ,
    "GET /v1/findings/{kind}/file/{subject}": READ,
    "GET /v1/findings/signed/{signer}": READ,
    "GET /v1/statements": READ,
    "GET /v1/statements/{period}": READ,
    "GET /v1/statements/{period}/said": READ,
    "GET /v1/signers": READ,
    "GET /v1/equipment": READ,
    "GET /v1/trace": READ,
    "GET /v1/where": READ,
    "GET /v1/baskets": READ,
    "GET /v1/gate": READ,
    "GET /v1/holdings": READ,
    "GET /v1/against": READ,
    "GET /v1/sets": READ,
    "GET /v1/recalls": READ,
    "GET /v1/recalls/{order}": READ,
    "GET /v1/scans/paper-form": frozenset[Scope](),
    "GET /v1/labels/rolls": READ,
    "GET /v1/labels/prints": READ,
    "GET /v1/status": READ,
    "GET /v1/units": frozenset[Scope](),
    "GET /v1/deployment": frozenset[Scope](),
    "POST /v1/readings": frozenset({Scope.END}),
    # any of those that record what a photo can be of: tests/steps/test_photos.py
    "POST /v1/photos": frozenset[Scope](),
    "GET /v1/operations/{digest}/photos/{sha256}": READ,
}
#: Acts that find their cycle by an id, which is reading.
NAMES_A_CYCLE = frozenset(
    {
        "cycle-ending",
        "load-declaration",
        "cycle-decision",
        "cycle-void",
        "result-entry",
        "package-decision",
        "reading-entry",
        "incident",
    }
)
SCOPE_OF_ACT = {
    "unit-admission": Scope.AUTHORITY,
    "unit-closure": Scope.AUTHORITY,
    "signer-enrolment": Scope.ADMINISTER,
    "signer-revocation": Scope.ADMINISTER,
    "equipment-registration": Scope.ADMINISTER,
    "equipment-change": Scope.ADMINISTER,
    "recovery-proposal": Scope.AUTHORITY,
    "recovery-veto": Scope.ADMINISTER,
    "record-erasure": Scope.ADMINISTER,
    "cycle-opening": Scope.OPEN,
    "cycle-ending": Scope.END,
    "cycle-void": Scope.OPEN,
    "load-declaration": Scope.LOAD,
    "cycle-decision": Scope.DECIDE,
    "result-entry": Scope.RESULT,
    "reading-entry": Scope.END,
    "comment": Scope.REPORT,
    **dict.fromkeys(
        ("outage", "shift", "maintenance", "request", "incident", "findings", "asset-report"),
        Scope.REPORT,
    ),
    "transport-log": Scope.CUSTODY,
    "terms": Scope.AUTHORITY,
    "publication": Scope.AUTHORITY,
    **dict.fromkeys(("service", "statement-answer", "resolution", "payment"), Scope.SETTLE),
    "scan-report": Scope.SCAN,
    "set-definition": Scope.SCAN,
    "package-decision": Scope.DECIDE,
    "recall-order": Scope.DECIDE,
    "recall-notice": Scope.DECIDE,
    "recall-answer": Scope.ANSWER,
    "dispatch": Scope.CUSTODY,
    "hand-over": Scope.CUSTODY,
    "take-over": Scope.CUSTODY,
    "disposition": Scope.CUSTODY,
    "closed-unit-disposition": Scope.AUTHORITY,
    "asset-registration": Scope.ADMINISTER,
    "asset-change": Scope.ADMINISTER,
}
#: What routes of packages and recalls are asked; nothing of it is there.
ASKED: dict[str, Plain] = {
    "GET /v1/trace": {"package": "1/Q01"},
    "GET /v1/where": {"package": "1/Q01"},
    "GET /v1/baskets": {"basket": "SL1BK797"},
    "GET /v1/gate": {"package": "1/Q01", "gate": "use"},
    "GET /v1/sets": {"set": "1/HIP"},
    "GET /v1/findings/signed/{signer}": {
        "since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z",
    },
    "POST /v1/scans": {"lines": [{"act": "washed", "said": "1/Q01"}]},
    "POST /v1/packages": {"serials": ["Q01"], "expires": "2027-01-01"},
    "POST /v1/labels/rolls": {"count": 2},
    "POST /v1/labels/prints": {"packages": ["1/Q01"]},
    "POST /v1/labels/prints/told": {"packages": ["1/Q01"], "state": "printed"},
    "POST /v1/labels/drawn": {"packages": ["1/Q01"]},
    "POST /v1/recalls": {
        "equipment": SERIAL, "first": 80, "last": 81, "cause": "machine", "reason": "worn",
    },
    "POST /v1/recalls/{order}/end": {"reason": "searched"},
}  # fmt: skip
ROUTES = {
    **READING_ROUTES,
    "POST /v1/operations/{digest}/submit": frozenset({Scope.OPEN}),
    "POST /v1/scans": frozenset({Scope.SCAN}),
    "POST /v1/packages": frozenset({Scope.SCAN}),
    **dict.fromkeys(
        (
            "POST /v1/labels/rolls",
            "POST /v1/labels/prints",
            "POST /v1/labels/prints/told",
            "POST /v1/labels/drawn",
        ),
        frozenset({Scope.SCAN}),
    ),
    "POST /v1/recalls": frozenset({Scope.DECIDE}) | READ,
    "POST /v1/recalls/{order}/end": frozenset({Scope.DECIDE}) | READ,
    **{
        f"POST /v1/operations/{act}{step}": frozenset({scope})
        | (READ if act in NAMES_A_CYCLE else frozenset())
        for act, scope in SCOPE_OF_ACT.items()
        for step in ("", "/prepare")
    },
}


class World:
    """A house with one of everything, and requests that name what the centre has."""

    def __init__(self, api: Api) -> None:
        self.api = api
        api.open_cycle(17)
        judged = api.finished_cycle(18)
        found = api.get(f"/v1/cycles/{SERIAL}/18", api.operator).json()["id"]
        self.judged = {**judged, "cycle": found}
        self.opening = api.open_cycle(19)["digest"]
        self.cycle = api.get(f"/v1/cycles/{SERIAL}/19", api.operator).json()["id"]
        self.sha256 = api.post(
            "/v1/readings?record=false",
            api.operator,
            content=CSV.read_bytes(),
            headers={"Content-Type": "text/csv"},
        ).json()["sha256"]
        machine = api.get("/v1/equipment", api.operator).json()["equipment"][0]
        self.machine, self.current = machine["id"], machine["current"]
        self.operator = signer_id(api.house.operator).hex()
        ordered = {"equipment": self.machine, "first": 90, "last": 91, "cause": "machine"}
        answer = api.post("/v1/operations/recall-order", api.operator, json=ordered)
        self.order = str(answer.json()["digest"])
        api.house.enrol(CENTRE, "Reporter", Right.REPORT)
        self.their_reporter = api.house.enrol(MEMBER, "Their reporter", Right.REPORT)
        happened = {"what": "wet", "subject_kind": "cycle", "subject": self.cycle}
        self.incident = api.house.say("Incident", unit=CENTRE, **happened).digest.hex()
        self.box, self.asset, self.dispatched = self.send_a_box()
        self.left_behind, self.last_of_it = self.leave_a_box_behind()
        self.draft = self.prepare(api.operator)

    def send_a_box(self) -> tuple[str, str, str]:
        """A consignment of the centre to a third unit, and an asset, both by their ids."""
        house = self.api.house
        house.admit(THIRD, "ninth", UnitRole.USER)
        house.enrol(CENTRE, "Sender", Right.DISPATCH)
        house.say("AssetRegistration", unit=CENTRE, name="Hip", code="L-1", kind="loaner_set")
        sent = house.say(
            "Dispatch", unit=CENTRE, slip="1", receiver=THIRD, taker=THIRD, purpose="clean",
            lines=[{"package_class": 1, "quantity": 2, "basis": "counted"}],
        )  # fmt: skip
        box = consignment_id(UnitNumber(CENTRE), serial_hash("1"))
        asset = asset_id(UnitNumber(CENTRE), serial_hash("L-1"))
        return box.hex(), asset.hex(), sent.digest.hex()

    def leave_a_box_behind(self) -> tuple[str, str]:
        """A consignment of a unit that is closed by now."""
        house = self.api.house
        house.admit(GONE, "gone", UnitRole.USER)
        house.enrol(GONE, "Goner", Right.DISPATCH)
        sent = house.say(
            "Dispatch", unit=GONE, slip="1", receiver=THIRD, taker=THIRD, purpose="clean",
            lines=[{"package_class": 1, "quantity": 2, "basis": "counted"}],
        )  # fmt: skip
        house.say("UnitClosure", unit=GONE, reason="closed")
        return consignment_id(UnitNumber(GONE), serial_hash("1")).hex(), sent.digest.hex()

    def prepare(self, token: str, number: int = 40) -> str:
        """The digest of a prepared opening."""
        body = {"equipment": SERIAL, "number": number}
        answer = self.api.post("/v1/operations/cycle-opening/prepare", token, json=body)
        return str(answer.json()["digest"])

    def bodies(self) -> dict[str, Plain]:
        """One good body for each act of the centre, naming things by their ids."""
        return {
            "unit-admission": {
                "unit": 3,
                "code": "third",
                "name": "Third",
                "roles": ["user"],
                "custody": "server",
            },
            "unit-closure": {"unit": MEMBER, "reason": "closed"},
            "signer-enrolment": {"name": "New", "rights": ["open"], "custody": "server"},
            "signer-revocation": {"signer": self.operator, "reason": "left"},
            "equipment-registration": {"name": "M", "serial": "9", "kind": "sterilizer"},
            "equipment-change": {
                "equipment": self.machine,
                "state": "out_of_service",
                "replaces": self.current,
                "reason": "repair",
            },
            "recovery-proposal": {
                "unit": MEMBER,
                "name": "New head",
                "reason": "lost",
                "custody": "server",
            },
            "recovery-veto": {"proposal": UNKNOWN},
            "record-erasure": {
                "subject": self.opening,
                "countersigner": self.operator,
                "reason": "kept long enough",
            },
            "cycle-opening": {"equipment": self.machine, "number": 41},
            "cycle-ending": {"cycle": self.cycle, "outcome": "completed", "replaces": None},
            "cycle-void": {"cycle": self.cycle, "opening": self.opening, "reason": "mistyped"},
            "result-entry": {"cycle": self.cycle, "result": "biological", "word": "pass"},
            "reading-entry": {
                "cycle": self.cycle,
                "reading": {"sha256": self.sha256, "ordinal": 1},
            },
            "comment": {"about": self.opening, "stance": "disagrees"},
            "scan-report": {
                "lines": [{"act": "washed", "package": f"{CENTRE}/Q01", "basis": "typed"}]
            },
            "set-definition": {"set": "A", "version": 1, "instruments": 4},
            "package-decision": {
                "cycle": self.cycle,
                "decision": "hold",
                "lines": [{"package": f"{CENTRE}/Q01"}],
                "reason": "wet",
            },
            "recall-order": {
                "equipment": self.machine,
                "first": 18,
                "last": 19,
                "cause": "machine",
            },
            "recall-notice": {
                "equipment": self.machine,
                "order": self.order,
                "to": MEMBER,
            },
            "recall-answer": {"order": self.order, "found": 1, "asked": 1, "replaces": None},
            "load-declaration": {
                "replaces": None,
                "cycle": self.cycle,
                "lines": [{"owner": CENTRE, "package_class": 1, "quantity": 1}],
            },
            "cycle-decision": {**self.judged, "decision": "reject", "reason": "wet"},
            "dispatch": {
                "slip": "2",
                "receiver": THIRD,
                "taker": THIRD,
                "purpose": "clean",
                "lines": [{"package_class": 1, "quantity": 2, "basis": "counted"}],
            },
            "hand-over": {"consignment": self.box, "taker": THIRD, "previous": self.dispatched},
            "take-over": {
                "consignment": self.box,
                "outcome": "refused",
                "previous": self.dispatched,
            },
            "disposition": {
                "consignment": self.box,
                "kind": "cancel",
                "previous": self.dispatched,
                "reason": "never sent",
            },
            "closed-unit-disposition": {
                "consignment": self.left_behind,
                "unit": GONE,
                "kind": "cancel",
                "previous": self.last_of_it,
                "reason": "closed",
            },
            "asset-registration": {"name": "Scope", "code": "S-1", "kind": "scope"},
            "asset-change": {
                "asset": self.asset,
                "state": "lost",
                "replaces": None,
                "reason": "gone",
            },
            "outage": {"begun_at": BEGUN, "what": "system"},
            "shift": {"key": self.operator, "begun_at": BEGUN},
            "maintenance": {
                "asset": self.asset,
                "work": "repair",
                "done_at": BEGUN,
                "outcome": "fit_for_use",
            },
            "asset-report": {"thing": self.asset, "what": "used"},
            "transport-log": {
                "consignment": self.box,
                "begun_at": BEGUN,
                "ended_at": BEGUN,
                "shock": "none",
            },
            "request": {"to": MEMBER, "what": "packages", "text": "four more trays"},
            "incident": {"what": "wet", "subject_kind": "cycle", "subject": self.cycle},
            "findings": {
                "incident": self.incident,
                "answer": UNKNOWN,
                "stage": "heard",
                "as_of": BEGUN,
                "engine": 1,
                "rules_sha256": UNKNOWN,
            },
            "terms": {"document": LATER.sha256, "lines": parts_of(LATER), "replaces": None},
            "service": {"consumer": MEMBER, "kind": 20, "quantity": 90},
            "publication": {"period": "2025-11", "account": UNKNOWN},
            "statement-answer": {"publication": UNKNOWN, "replaces": None},
            "resolution": {"answer": UNKNOWN, "outcome": "settled"},
            "payment": {
                "publication": UNKNOWN,
                "side": "paid",
                "other": MEMBER,
                "amount": 500,
            },
        }

    def ask(self, route: str, token: str | None, **names: str) -> Any:
        """A good request for a route, naming the centre's things unless others are named."""
        method, path = route.split(" ")
        known = {
            "digest": self.opening, "sha256": self.sha256, "cycle": self.cycle, "type": "cycle",
            "kind": "cycle", "signer": self.operator, "period": "2025-11",
            "consignment": self.box, "asset": self.asset,
            "order": self.order, "subject": names.get("cycle", self.cycle), **names,
        }  # fmt: skip
        options: Plain = {}
        if route == "POST /v1/readings":
            path += "?record=false"
            options = {"content": CSV.read_bytes(), "headers": {"Content-Type": "text/csv"}}
        elif route == "POST /v1/photos":
            options = {"content": b"\xff\xd8\xff", "headers": {"Content-Type": "image/jpeg"}}
        elif path.endswith("/submit"):
            known["digest"] = names.get("digest", self.draft)
            options = {"json": {"held": ["signer"]}}
        elif route in ASKED:
            options = {"json" if method == "POST" else "params": ASKED[route]}
        elif method == "POST":
            options = {"json": self.bodies()[path.split("/")[3]]}
        return self.api.send(method, path.format(**known), token, **options)


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Made once: what is refused changes nothing, and what is allowed here is only prepared."""
    home = tmp_path_factory.mktemp("authorisation")
    shutil.copyfile(sqlite_template, home / "ledger.db")
    with closing(open_database(f"sqlite:///{home / 'ledger.db'}")) as database:
        made = build_api(database, home, requests_per_minute=10**9, failed_logins_per_minute=10**9)
        with made.client:
            yield World(made)


def told(answer: Any, *names: str) -> Plain:
    """A problem without what names this one request and the thing that was asked for."""
    problem: Plain = answer.json()
    for field in ("request_id", "instance"):
        problem.pop(field)
    text = repr(problem)
    for name in names:
        text = text.replace(name, "…")
    return {"status": answer.status_code, "text": text}


def test_the_table_has_every_route(world: World) -> None:
    paths = world.api.app.openapi()["paths"]
    documented = {
        f"{method.upper()} {path}"
        for path, operations in paths.items()
        for method in operations
        if path.startswith("/v1/")
    }
    assert set(ROUTES) == documented


def test_the_table_says_each_acts_scope(world: World) -> None:
    """Written out above, so that a scope is changed in two places and never by accident."""
    assert {act.spelled: act.scope for act in ACTS.values()} == SCOPE_OF_ACT
    assert set(world.bodies()) == set(SCOPE_OF_ACT)


# ------------------------------------------------------------------------------- without a token


def nobody(api: Api) -> str | None:
    del api
    return None


def malformed(api: Api) -> str | None:
    return api.operator[:-1]


def unknown(api: Api) -> str | None:
    del api
    return PREFIX + "A" * 43


def similar(api: Api) -> str | None:
    return api.operator[:-1] + ("A" if api.operator[-1] != "A" else "B")


def revoked(api: Api) -> str | None:
    token = api.token(CENTRE, *EVERYTHING)
    with api.house.instance.database.transaction() as tx:
        name = authenticate(api.house.instance, tx, token).token_id
        revoke_token(api.house.instance, tx, str(name))
    return token


def expired(api: Api) -> str | None:
    clock = api.house.clock
    now = clock.now
    clock.now = now - timedelta(days=3)
    token = api.token(CENTRE, *EVERYTHING, days=3)
    clock.now = now
    return token


@pytest.mark.parametrize("who", [nobody, malformed, unknown, similar, revoked, expired])
def test_no_route_answers_who_holds_no_valid_token(
    world: World, who: Callable[[Api], str | None]
) -> None:
    token = who(world.api)
    other = [told(world.ask(route, unknown(world.api))) for route in ROUTES]
    with world.api.nothing_stored():
        answers = [world.ask(route, token) for route in ROUTES]
    assert {answer.status_code for answer in answers} == {401}
    if token is not None:
        assert [told(answer) for answer in answers] == other


# ------------------------------------------------------------------------------- scopes


@pytest.mark.parametrize("route", [r for r in ROUTES if Scope.AUTHORITY not in ROUTES[r]])
def test_a_route_needs_its_scopes_and_no_others(world: World, route: str) -> None:
    api, needs = world.api, ROUTES[route]
    signer = api.house.operator
    for missing in needs:
        readers = {Scope.READ_UNIT, Scope.READ_ALL} if missing is Scope.READ_UNIT else {missing}
        rest = [scope for scope in EVERYTHING if scope not in readers]
        with api.nothing_stored_but_tokens():
            answer = world.ask(route, api.token(CENTRE, *rest, signer=signer))
        assert (answer.status_code, answer.json()["field"]) == (403, "token"), missing
    if route.endswith(("/prepare", "/submit")) or route in READING_ROUTES:
        least = api.token(CENTRE, *(needs or {Scope.RESULT}), signer=signer)
        assert world.ask(route, least).status_code not in {401, 403}


@pytest.mark.parametrize("route", [r for r in ROUTES if Scope.AUTHORITY in ROUTES[r]])
def test_only_the_authority_does_what_the_authority_does(world: World, route: str) -> None:
    api = world.api
    for unit in (CENTRE, MEMBER):
        with api.nothing_stored_but_tokens():
            answer = world.ask(route, api.token(unit, *EVERYTHING))
        assert (answer.status_code, answer.json()["field"]) == (403, "token")
    if route.endswith("/prepare"):
        assert world.ask(route, api.authority).status_code == 200


@pytest.mark.parametrize("route", [r for r in ROUTES if Scope.AUTHORITY not in ROUTES[r]])
def test_the_authority_does_nothing_that_a_unit_does(world: World, route: str) -> None:
    open_to_all = {"GET /v1/units", "GET /v1/deployment", "GET /v1/scans/paper-form"}
    with world.api.nothing_stored():
        answer = world.ask(route, world.api.authority)
    if route.endswith("/submit"):
        assert answer.status_code == 404
    else:
        assert answer.status_code == (200 if route in open_to_all else 403)


# ------------------------------------------------------------------------------- units

NAMED = [route for route in ROUTES if "{" in route]


@pytest.mark.parametrize("route", NAMED)
def test_what_another_unit_has_is_unknown_in_the_same_words(world: World, route: str) -> None:
    api = world.api
    other = api.token(MEMBER, *(set(EVERYTHING) - {Scope.READ_ALL}))
    names = {
        "digest": world.draft if route.endswith("/submit") else world.opening,
        "sha256": "0x" + world.sha256,
        "cycle": "0x" + world.cycle,
        "consignment": "0x" + world.box,
        "asset": "0x" + world.asset,
        "order": world.order,
        "signer": world.operator,
    }
    with api.nothing_stored():
        there = world.ask(route, other)
        nowhere = world.ask(route, other, digest="0x" + UNKNOWN, sha256=UNKNOWN, cycle=UNKNOWN,
                            consignment=UNKNOWN, asset=UNKNOWN, order=UNKNOWN,
                            signer=UNKNOWN)  # fmt: skip
    bare = [name.removeprefix("0x") for name in names.values()]
    assert there.status_code == 404
    assert told(there, *bare) == told(nowhere, UNKNOWN)


@pytest.mark.parametrize("act", sorted(SCOPE_OF_ACT))
def test_another_unit_acts_on_what_is_ours_as_on_nothing(world: World, act: str) -> None:
    if SCOPE_OF_ACT[act] is Scope.AUTHORITY or act in {
        "signer-enrolment",
        "recovery-veto",
        "comment",
        "scan-report",
        "set-definition",
        "recall-answer",
        "incident",
        "maintenance",
        "outage",
        "request",
        "service",
        "statement-answer",
        "resolution",
        "payment",
    }:
        return  # these look for nothing of a unit's by an id
    api, body = world.api, world.bodies()[act]
    other = api.token(
        MEMBER,
        *(set(EVERYTHING) - {Scope.READ_ALL}),
        signer=world.their_reporter
        if SCOPE_OF_ACT[act] is Scope.REPORT
        else api.house.administrators[MEMBER],
    )
    ours = [
        value
        for value in body.values()
        if value
        in [
            world.machine,
            world.cycle,
            world.operator,
            world.opening,
            world.box,
            world.asset,
            world.incident,
        ]
    ]
    if act == "cycle-decision":
        ours = [world.judged["cycle"]]
    if not ours:
        assert act.endswith("-registration") or act == "dispatch"  # a new thing, of their own
        return
    swapped = {name: UNKNOWN if value in ours else value for name, value in body.items()}
    with api.nothing_stored():
        there = api.post(f"/v1/operations/{act}", other, json=body)
        nowhere = api.post(f"/v1/operations/{act}", other, json=swapped)
    assert there.status_code == (422 if act == "findings" else 404)
    bare = [str(name).removeprefix("0x") for name in ours]
    assert told(there, *bare) == told(nowhere, UNKNOWN)


def test_an_incident_about_what_another_unit_has_is_not_found_as_one_about_nothing(
    world: World,
) -> None:
    api = world.api
    token = api.token(MEMBER, *(set(EVERYTHING) - {Scope.READ_ALL}), signer=world.their_reporter)
    body = world.bodies()["incident"]
    there, nowhere = (
        api.post("/v1/operations/incident/prepare", token, json=body | {"subject": subject})
        for subject in (world.cycle, UNKNOWN)
    )
    assert there.status_code == 404
    assert told(there, world.cycle) == told(nowhere, UNKNOWN)


def test_a_comment_on_what_another_unit_has_is_taken_as_one_on_nothing(world: World) -> None:
    api = world.api
    theirs = api.get("/v1/operations", api.member).json()["operations"][0]["digest"]
    speaker = api.house.enrol(CENTRE, "Speaker", Right.REPORT)
    token = api.token(CENTRE, *(set(EVERYTHING) - {Scope.READ_ALL}), signer=speaker)
    assert api.get(f"/v1/operations/{theirs}", token).status_code == 404
    for step in ("/prepare", ""):
        there, nowhere = (
            api.post(
                f"/v1/operations/comment{step}", token, json={"about": about, "stance": "seen"}
            )
            for about in (theirs, "0x" + UNKNOWN)
        )
        assert there.status_code == nowhere.status_code == (200 if step else 201)
        assert set(there.json()) == set(nowhere.json())
    assert api.get(f"/v1/operations/{theirs}", token).status_code == 404


def test_lists_hold_nothing_of_another_unit(world: World) -> None:
    other = world.api.token(MEMBER, *(set(EVERYTHING) - {Scope.READ_ALL}))
    for path, name in (
        ("/v1/operations?limit=500", "operations"),
        ("/v1/readings", "readings"),
        ("/v1/cycles", "cycles"),
        ("/v1/consignments", "consignments"),
        ("/v1/assets", "assets"),
        ("/v1/signers", "signers"),
        ("/v1/equipment", "equipment"),
    ):
        lines = world.api.get(path, other).json()[name]
        assert {line.get("unit", MEMBER) for line in lines} <= {MEMBER}, path
        assert len(lines) == {"operations": 2, "signers": 2}.get(name, 0)


def test_who_reads_everything_reads_it_and_changes_nothing(world: World) -> None:
    api = world.api
    reader = api.token(MEMBER, Scope.READ_ALL)
    for route, needs in ROUTES.items():
        if needs == READ:
            # Evidence waits for the chain, which this house has not; a printout may name people.
            # No account is published, no photo was kept, and nothing of the packages that are asked
            # for is there.
            last = {"{subject}": 422, "raw": 403} | dict.fromkeys(
                ("{period}", "said", "trace", "where", "sets"), 404
            )
            status = 404 if "/photos/" in route else last.get(route.rsplit("/", 1)[-1], 200)
            assert world.ask(route, reader).status_code == status, route
        elif route.startswith("POST"):
            with api.nothing_stored():
                assert world.ask(route, reader).status_code in {403, 404}, route


# ------------------------------------------------------------------------------- held keys


def test_a_held_key_signs_only_for_the_person_of_the_token(world: World) -> None:
    api = world.api
    api.house.enrol(CENTRE, "Second", CYCLE_RIGHTS)
    mine = api.token(CENTRE, *EVERYTHING, signer=api.house.operator)
    bare = api.token(CENTRE, *EVERYTHING)
    body = {"equipment": SERIAL, "number": 50, "signer": "Second"}
    digest = api.post("/v1/operations/cycle-opening/prepare", mine, json=body).json()["digest"]
    for token in (mine, bare):
        with api.nothing_stored():
            once = api.post("/v1/operations/cycle-opening", token, json=body)
            later = api.post(f"/v1/operations/{digest}/submit", token, json={"held": ["signer"]})
        for answer in (once, later):
            assert (answer.status_code, answer.json()["detail"]) == (422, "this key is not yours")


def test_a_held_key_without_the_duty_signs_nothing(world: World) -> None:
    api = world.api
    loader = api.house.enrol(CENTRE, "Loader", Right.LOAD)
    token = api.token(CENTRE, *EVERYTHING, signer=loader)
    problem = api.refused("cycle-opening", token, equipment=SERIAL, number=51)
    assert (problem["status"], problem["field"]) == (422, "signer")
    assert "open" in f"{problem['detail']} {problem['rule']}"


def test_a_units_token_never_signs_with_the_keys_of_the_authority_or_the_relayer(
    world: World,
) -> None:
    api = world.api
    token = api.token(CENTRE, *EVERYTHING, signer=api.house.operator)
    body: Plain = {"name": "M", "serial": "77", "kind": "sterilizer"}
    with api.house.instance.database.reading() as tx:
        keys = [
            row.signer
            for row in list_keys(tx, limit=100)
            if row.purpose is not KeyPurpose.UNIT and len(row.signer) == 20
        ]
    assert api.house.authority in keys
    for key in keys:
        named = {**body, "administrator": "0x" + key.hex()}
        with api.nothing_stored():
            for step in ("", "/prepare"):
                answer = api.post(f"/v1/operations/equipment-registration{step}", token, json=named)
                assert answer.status_code in {403, 404, 422}


@pytest.mark.parametrize("custody", ["device", "station", "hardware"])
def test_a_key_that_is_held_here_is_enrolled_as_nothing_else(world: World, custody: str) -> None:
    api = world.api
    waiting = api.post(
        "/v1/operations/signer-enrolment/prepare",
        api.administrator,
        json={"name": "Waiting", "rights": ["open"], "custody": "server"},
    ).json()
    key = next(each["signer"] for each in waiting["parties"] if each["party"] == "new_key")
    thief = {"name": "Thief", "rights": ["open"], "custody": custody, "key": key}
    proposal = {"unit": CENTRE, "name": "Thief", "reason": "none", "custody": custody, "key": key}
    for act, token, body in (
        ("signer-enrolment", api.member, thief),
        ("signer-enrolment", api.administrator, thief),
        ("recovery-proposal", api.authority, proposal),
    ):
        problem = api.refused(act, token, **body)
        assert (problem["status"], problem["field"]) == (422, "key")


def test_a_revoked_signers_token_signs_nothing_more(world: World) -> None:
    api = world.api
    leaver = api.house.enrol(CENTRE, "Leaver", CYCLE_RIGHTS)
    token = api.token(CENTRE, *EVERYTHING, signer=leaver)
    waiting = world.prepare(token, number=60)
    api.record(
        "signer-revocation", api.administrator, signer=signer_id(leaver).hex(), reason="left"
    )
    assert api.refused("cycle-opening", token, equipment=SERIAL, number=61)["status"] == 422
    with api.nothing_stored():
        answer = api.post(f"/v1/operations/{waiting}/submit", token, json={"held": ["signer"]})
    assert (answer.status_code, answer.json()["field"]) == (422, "signer")


def test_tokens_are_found_by_their_hash_and_compared_in_constant_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return hmac.compare_digest(a, b)

    class Spy:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(tokens, "hmac", Spy)
    assert world.api.get("/v1/units", world.api.operator).status_code == 200
    assert world.api.get("/v1/units", unknown(world.api)).status_code == 401
    ((stored, sent),) = compared
    assert stored == sent
    assert len(sent) == 32
    assert world.api.operator.encode() not in (stored, sent)
    assert parse_hex32(sent.hex(), field="hash")
