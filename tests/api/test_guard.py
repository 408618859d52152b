"""Requests that are wrong in themselves, and what an answer never shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from api import problems
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.errors import Inconsistent, StorageUnavailable
from ledger.doors.guard import Bounds
from tests.api.kit import SERIAL, Api

ROOT = Path(__file__).resolve().parents[2]
OPEN = "/v1/operations/cycle-opening"
JSON = {"Content-Type": "application/json"}
GOOD = f'{{"equipment": "{SERIAL}", "number": 40}}'.encode()

MALFORMED: list[tuple[bytes, str]] = [
    (b"", "is not JSON"),
    (b"{", "is not JSON"),
    (b'{"number": 1,}', "is not JSON"),
    (b'{"number": NaN}', "NaN is not a number"),
    (b'{"number": 1, "number": 2}', "stands twice"),
    (b'{"number": ' + b"9" * 5000 + b"}", "too long"),
    (b'{"programme": "\xff"}', "is not UTF-8 at byte 15"),
    (b"\xef\xbb\xbf{}", "is not JSON"),
    (GOOD.decode().encode("utf-16"), "is not UTF-8"),
    (b"[" * 100_000, "lies too deep"),
    (b'{"a": ' * 7 + b"1" + b"}" * 7, "lies too deep"),
    (GOOD + GOOD, "is not JSON"),
]


@pytest.mark.parametrize("body,words", MALFORMED, ids=range(len(MALFORMED)))
def test_a_body_that_is_not_json_is_malformed(still: Api, body: bytes, words: str) -> None:
    with still.nothing_stored():
        answer = still.post(OPEN, still.operator, content=body, headers=JSON)
    problem = answer.json()
    assert (problem["status"], problem["field"]) == (400, "body")
    assert words in problem["detail"]


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_a_body_that_is_no_object_is_invalid(still: Api, body: bytes) -> None:
    answer = still.post(OPEN, still.operator, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["field"]) == (422, "body")


def test_a_lone_surrogate_is_invalid(still: Api) -> None:
    body = f'{{"equipment": "{SERIAL}", "number": 40, "programme": "\\ud800"}}'.encode()
    answer = still.post(OPEN, still.operator, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["field"]) == (422, "programme")


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "", "application/jsonx"])
def test_another_media_type_is_refused(still: Api, media: str) -> None:
    with still.nothing_stored():
        answer = still.post(OPEN, still.operator, content=GOOD, headers={"Content-Type": media})
    assert (answer.status_code, answer.json()["field"]) == (415, "Content-Type")


def test_json_with_a_character_set_is_read(lite: Api) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert lite.post(OPEN, lite.operator, content=GOOD, headers=headers).status_code == 201


def test_a_body_beyond_its_bound_is_refused_whether_it_says_so_or_not(still: Api) -> None:
    big = b" " * Bounds().body_bytes + GOOD
    with still.nothing_stored():
        stated = still.post(OPEN, still.operator, content=big, headers=JSON)
        streamed = still.post(
            OPEN, still.operator, content=iter([big[:1000], big[1000:]]), headers=JSON
        )
        lying = still.post(
            OPEN, still.operator, content=b"{}", headers={**JSON, "Content-Length": "999999999"}
        )
        unknown = still.post("/nowhere", None, content=big)
    for answer in (stated, streamed, lying, unknown):
        assert (answer.status_code, answer.json()["field"]) == (413, "body")
    odd = still.post(OPEN, still.operator, content=b"{}", headers={"Content-Length": "many"})
    assert (odd.status_code, odd.json()["field"]) == (400, "Content-Length")


def test_a_body_within_its_bound_is_read_in_parts(lite: Api) -> None:
    parts = iter([GOOD[:10], b"", GOOD[10:]])
    assert lite.post(OPEN, lite.operator, content=parts, headers=JSON).status_code == 201


def test_addresses_and_headers_have_bounds(still: Api) -> None:
    answer = still.get("/v1/cycles?equipment=" + "x" * 9000, still.operator)
    assert (answer.status_code, answer.json()["field"]) == (414, "path")
    answer = still.get("/v1/cycles", still.operator, headers={"X-Much": "x" * 20_000})
    assert (answer.status_code, answer.json()["field"]) == (431, "headers")


@pytest.mark.parametrize(
    "path,field",
    [
        ("/v1/operations?limit=0", "limit"),
        ("/v1/operations?limit=501", "limit"),
        ("/v1/operations?limit=ten", "limit"),
        ("/v1/operations?after=-1", "after"),
        ("/v1/operations?after=99999999999999999999", "after"),
        ("/v1/operations?kind=CycleOpening", "kind"),
        ("/v1/operations?state=done", "state"),
        ("/v1/operations/0x12", "digest"),
        ("/v1/cycles?before=0", "before"),
        ("/v1/cycles?equipment=a%00b", "equipment"),
        ("/v1/cycles/", "cycle"),
        ("/v1/cycles/a%00b/17", "cycle"),
        (f"/v1/cycles/{SERIAL}/x", "cycle"),
        ("/v1/evidence/cycle/x?disclose=", "disclose.0"),
        ("/v1/signers?after=zz", "after"),
        ("/v1/units?after=4294967296", "after"),
        ("/v1/readings/zz", "sha256"),
        ("/v1/readings?limit=51", "limit"),
    ],
)
def test_a_bad_address_names_its_parameter(still: Api, path: str, field: str) -> None:
    answer = still.get(path, still.operator)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_cycle_number_beyond_the_database_is_not_found(still: Api) -> None:
    for number in ("9" * 19, "9" * 25):
        assert still.get(f"/v1/cycles/{SERIAL}/{number}", still.operator).status_code in {404, 422}
        path = f"/v1/cycles/{SERIAL}/{number}/17"
        assert still.get(path, still.operator).status_code in {404, 422}


def test_unknown_paths_kinds_and_methods_are_problems_too(still: Api) -> None:
    missing = still.get("/v1/nothing", still.operator)
    assert (missing.status_code, missing.json()["field"]) == (404, "path")
    for path in ("/v1/operations/cycle-closing", "/v1/operations/cycle-closing/prepare"):
        answer = still.post(path, still.operator, json={})
        assert (answer.status_code, answer.json()["field"]) == (404, "kind")
        assert still.post(path, None, json={}).status_code == 401
    wrong = still.send("DELETE", "/v1/cycles", still.operator)
    assert (wrong.status_code, wrong.json()["field"]) == (405, "method")
    assert "GET" in wrong.headers["Allow"]
    for path in ("/docs", "/redoc"):
        assert still.get(path, None).status_code == 404


def test_no_answer_invites_another_origin(still: Api) -> None:
    answer = still.get("/v1/units", still.operator, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert "server" not in answer.headers


def test_when_we_are_wrong_the_caller_gets_a_reference_and_no_insides(
    lite: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the password of the database is hunter2")

    def contradict(*_: object, **__: object) -> None:
        raise Inconsistent("row 7 of the secret table")

    for failure, event in ((fail, "failed"), (contradict, "inconsistent")):
        monkeypatch.setattr("api.routes.cycles.list_cycles", failure)
        with capture_logs() as logs:
            answer = lite.get("/v1/cycles", lite.operator)
        problem = answer.json()
        assert (problem["status"], problem["type"]) == (500, "urn:steriledger:problem:internal")
        assert "hunter2" not in answer.text
        assert "row 7" not in answer.text
        assert event in {entry["event"] for entry in logs}


def test_when_the_database_is_away_the_caller_may_try_again(
    lite: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StorageUnavailable("the disk is full")

    monkeypatch.setattr("api.routes.operations.prepare", away)
    answer = lite.post(f"{OPEN}/prepare", lite.operator, content=GOOD, headers=JSON)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_the_log_has_one_line_a_request_without_tokens_queries_and_bodies(lite: Api) -> None:
    with capture_logs() as logs:
        answer = lite.get("/v1/cycles?equipment=Geheim", lite.operator)
    (line,) = [entry for entry in logs if entry["event"] == "request"]
    assert (line["route"], line["status"], line["method"]) == ("/v1/cycles", 404, "GET")
    assert line["token"]
    shown = repr(logs)
    assert lite.operator not in shown
    assert "Geheim" not in shown
    assert len(answer.headers["X-Request-Id"]) == 32


def test_the_document_names_every_kind_of_act_and_loads_nothing_from_elsewhere(
    still: Api,
) -> None:
    answer = still.get("/openapi.json", None)
    document: dict[str, Any] = answer.json()
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    assert len([path for path in paths if path.endswith("/prepare")]) == len(ACTS)
    body = paths["/v1/operations/cycle-decision"]["post"]["requestBody"]["content"]
    assert body["application/json"]["schema"] == {"$ref": "#/components/schemas/CycleDecision"}
    for path, operations in paths.items():
        for operation in operations.values():
            assert ("security" in operation) == path.startswith("/v1/")
    assert "cdn" not in answer.text


def test_the_guide_names_every_route_and_every_problem(still: Api) -> None:
    guide = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    paths = still.app.openapi()["paths"]
    missing = [
        path
        for path in paths
        if not path.startswith("/v1/operations/") and f"`{path}`" not in guide
    ]
    assert missing == []
    rows = [
        f"| `{a.spelled}` | `{a.command}` | `{a.scope.value}` | {a.doc} |" for a in ACTS.values()
    ]
    assert [row for row in rows if row not in guide] == []
    kinds = [each for each in vars(problems).values() if isinstance(each, problems.Kind)]
    assert len(kinds) > 12
    assert [k.slug for k in kinds if f"| `{k.slug}` | {int(k.status)} |" not in guide] == []
