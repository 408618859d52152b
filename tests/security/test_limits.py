"""Limits that hold for everybody: compressed bodies, and routes that need no token."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from api import access
from api.pages.registry import SCREENS
from api.routes.metrics import MetricsRoute
from ledger.storage.engine.database import Database
from tests.api.kit import SERIAL, Api, build_api

OPENING = f'{{"equipment": "{SERIAL}", "number": 40}}'.encode()
OPEN = "/v1/operations/cycle-opening"


@pytest.fixture
def api(sqlite_database: Database, tmp_path: Path) -> Api:
    """A house."""
    return build_api(sqlite_database, tmp_path)


@pytest.mark.parametrize(
    "coding,body",
    [
        ("gzip", gzip.compress(OPENING)),
        ("deflate", zlib.compress(OPENING)),
        ("br", b"\x0b\x02\x80"),
        ("zstd", b"\x28\xb5\x2f\xfd"),
        ("identity, gzip", gzip.compress(OPENING)),
        ("GZIP", gzip.compress(b"\0" * 10_000_000)),
        ("gzip, gzip", gzip.compress(gzip.compress(OPENING))),
    ],
    ids=range(7),
)
@pytest.mark.parametrize("path,media", [(OPEN, "application/json"), ("/v1/readings", "text/plain")])
def test_a_compressed_body_is_refused(
    api: Api, coding: str, body: bytes, path: str, media: str
) -> None:
    headers = {"Content-Type": media, "Content-Encoding": coding}
    with api.nothing_stored():
        answer = api.post(path, api.operator, content=body, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (415, "Content-Encoding")
    assert answer.headers["Accept-Encoding"] == "identity"


def test_a_body_that_says_it_is_as_it_is_is_read(api: Api) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "identity"}
    assert api.post(OPEN, api.operator, content=OPENING, headers=headers).status_code == 201


def test_a_compressed_body_without_the_header_is_no_json(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    answer = api.post(OPEN, api.operator, content=gzip.compress(OPENING), headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/openapi.json"])
def test_strangers_may_ask_only_so_often(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(access, "STRANGERS_PER_MINUTE", 3)
    api = build_api(sqlite_database, tmp_path)
    # The window may turn between two of them, never between all.
    answers = [api.get(path, None) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200, 429}
    told = next(answer for answer in answers if answer.status_code == 429)
    assert int(told.headers["Retry-After"]) >= 1
    assert api.get("/v1/units", api.operator).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_this_machine_itself_may_read_its_metrics_only_so_often(
    api: Api, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(access, "STRANGERS_PER_MINUTE", 3)
    near = TestClient(api.app, client=(host, 50_000), base_url="http://localhost")
    answers = [near.get("/metrics") for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200, 429}
    told = next(answer for answer in answers if answer.status_code == 429)
    assert int(told.headers["Retry-After"]) >= 1
    # Who watches does not keep who looks after its health from asking.
    assert near.get("/health/live").status_code == 200


def test_every_route_counts_who_asks(api: Api) -> None:
    counted = (access.LedgerRoute, access.StrangerRoute, MetricsRoute)
    plain = [each for each in api.app.routes if isinstance(each, Route)]
    routes: list[Any] = [
        route
        for each in api.app.routes
        if each not in plain
        for route in cast("Any", each).original_router.routes
    ]
    assert len(routes) > 40
    assert {route.path for route in routes if not isinstance(route, counted)} == set()
    # pages count who looks at them: tests/pages; what they load is given to everybody
    assert {each.path for each in plain} == {s.path for s in SCREENS} | {
        "/static/{name:path}",
        "/sw.js",
    }
