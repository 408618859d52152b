"""A client that checks of every answer what all answers share, and counts what is stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import httpx2 as httpx
import jsonschema
from fastapi import FastAPI
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.app import create_app
from api.problems import Problem
from ledger.domain.callers import Scope
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import signer_id
from ledger.settings import Settings
from ledger.steps.asking.tokens import create_token
from ledger.steps.instance import Instance
from ledger.storage.engine.database import Database
from ledger.storage.engine.schema import metadata
from tests.house import CENTRE, DAC_LOG, MEMBER, SERIAL, Clock, House, build_house

ACTING = (
    Scope.OPEN,
    Scope.LOAD,
    Scope.END,
    Scope.RESULT,
    Scope.DECIDE,
    Scope.READ_UNIT,
)
PROBLEM = Problem.model_json_schema()
Plain = dict[str, Any]
#: acts that say what they replace, which is nothing in most tests
_REPLACING = frozenset({"cycle-ending", "load-declaration"})
_UNROUTED = frozenset({400, 401, 404, 405, 413, 414, 429, 431})

__all__ = [
    "ACTING",
    "CENTRE",
    "DAC_LOG",
    "MEMBER",
    "SERIAL",
    "Api",
    "Plain",
    "build_api",
    "move_in",
]


@dataclass(kw_only=True)
class Api:
    """The API of a house, and tokens for the people in it."""

    house: House
    app: FastAPI
    client: TestClient
    #: of the centre's operator, whose key the server holds
    operator: str = ""
    #: of the centre's administrator
    administrator: str = ""
    #: of a person of the member unit who may do everything there
    member: str = ""
    #: of the authority
    authority: str = ""
    #: of an auditor of the member unit who reads everything
    auditor: str = ""
    #: a cycle that waits for its decision
    judged: Plain = field(default_factory=dict)

    def token(
        self,
        unit: int | None,
        *scopes: Scope,
        person: str = "Somebody",
        signer: bytes | None = None,
        days: int = 30,
    ) -> str:
        """A new token."""
        with self.house.instance.database.transaction() as tx:
            _, text = create_token(
                self.house.instance,
                tx,
                person=person,
                unit=unit,
                scopes=scopes,
                lifetime=timedelta(days=days),
                signer=None if signer is None else signer_id(signer),
            )
        return text

    def send(
        self,
        method: str,
        path: str,
        token: str | None,
        *,
        headers: Mapping[str, str | bytes] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Ask, and check what every answer has: documented, within the problem schema, guarded."""
        sent: dict[str, str | bytes] = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        pairs = [(name.encode(), _bytes(value)) for name, value in sent.items()]
        answer = self.client.request(method, path, headers=pairs, **options)
        self._require_documented(method, httpx.URL(path).path, answer.status_code)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
        if answer.status_code >= 400:
            problem = answer.json()
            assert answer.headers["Content-Type"] == "application/problem+json"
            jsonschema.validate(problem, PROBLEM)
            assert problem["status"] == answer.status_code
            assert problem["request_id"] == answer.headers["X-Request-Id"]
        return answer

    def get(self, path: str, token: str | None, **options: Any) -> httpx.Response:
        """Read."""
        return self.send("GET", path, token, **options)

    def post(self, path: str, token: str | None, **options: Any) -> httpx.Response:
        """Act."""
        return self.send("POST", path, token, **options)

    def record(self, kind: str, token: str, /, **body: object) -> Plain:
        """Record an act in one call; it must be accepted.  What it replaces is nothing, or said."""
        first = {"replaces": None} if kind in _REPLACING else {}
        answer = self.post(f"/v1/operations/{kind}", token, json=first | body)
        assert answer.status_code == 201, answer.text
        return cast("Plain", answer.json())

    def refused(self, kind: str, token: str, /, **body: object) -> Plain:
        """Try an act, prepared and in one call: the same problem twice, and nothing stored."""
        whole = ({"replaces": None} if kind in _REPLACING else {}) | body
        with self.nothing_stored():
            prepared = self.post(f"/v1/operations/{kind}/prepare", token, json=whole)
            recorded = self.post(f"/v1/operations/{kind}", token, json=whole)
        assert recorded.status_code >= 400, recorded.text
        problem = cast("Plain", recorded.json())
        same = ("type", "status", "field", "rule")
        assert [prepared.json()[name] for name in same] == [problem[name] for name in same]
        return problem

    def open_cycle(self, number: int, **more: object) -> Plain:
        """Open a cycle of the centre's machine."""
        return self.record("cycle-opening", self.operator, equipment=SERIAL, number=number, **more)

    def finished_cycle(self, number: int, **opening: object) -> Plain:
        """Open, load and end a cycle; the digests that a decision judges."""
        self.open_cycle(number, **opening)
        cycle = f"{SERIAL}/{number}"
        lines = [{"owner": CENTRE, "package_class": 1, "quantity": 10}]
        self.record("load-declaration", self.operator, cycle=cycle, lines=lines)
        self.record("cycle-ending", self.operator, cycle=cycle, outcome="completed")
        view = self.get(f"/v1/cycles/{cycle}", self.operator).json()
        judged = view["current"]
        return {
            "cycle": cycle,
            "ending": judged["ending"],
            "load": judged["load"],
            "replaces": judged["decision"],
        }

    @contextmanager
    def nothing_stored(self) -> Iterator[None]:
        """Every table has as many rows afterwards as before."""
        before = self.rows()
        yield
        assert self.rows() == before

    @contextmanager
    def nothing_stored_but_tokens(self) -> Iterator[None]:
        """The same, where the test makes tokens."""
        before = self.rows()
        yield
        assert {**self.rows(), "tokens": 0} == {**before, "tokens": 0}

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.house.instance.database.reading() as tx:
            return {
                table.name: tx.execute(select(func.count()).select_from(table)).scalar_one()
                for table in metadata.sorted_tables
            }

    def _require_documented(self, method: str, path: str, status: int) -> None:
        for pattern, operations in _documented():
            if pattern.fullmatch(path) and method.lower() in operations:
                assert str(status) in operations[method.lower()]["responses"], (path, status)
                return
        # No route: only what the guard and the framework say themselves.
        assert path == "/openapi.json" or status in _UNROUTED, (method, path, status)


def build_api(
    database: Database,
    home: Path,
    *,
    deployment: Callable[[bytes, bytes], Deployment] | None = None,
    **settings: Any,
) -> Api:
    """The API of a new house."""
    house = build_house(database, home, deployment=deployment)
    house.instance = replace(house.instance, settings=Settings(home=home, **settings))
    app = create_app(house.instance)
    # Its own clients are never asked to raise: what fails must come back as a problem.
    api = Api(house=house, app=app, client=TestClient(app, raise_server_exceptions=False))
    api.operator = api.token(CENTRE, *ACTING, person="Operator", signer=house.operator)
    api.administrator = api.token(
        CENTRE,
        Scope.ADMINISTER,
        Scope.READ_UNIT,
        person="Administrator",
        signer=house.administrators[CENTRE],
    )
    api.member = api.token(
        MEMBER,
        *ACTING,
        Scope.ADMINISTER,
        person="Member",
        signer=house.administrators[MEMBER],
    )
    api.authority = api.token(None, Scope.AUTHORITY, person="Authority")
    api.auditor = api.token(MEMBER, Scope.READ_ALL, person="Auditor")
    return api


def move_in(made: Api, database: Database, home: Path) -> Api:
    """The API of a house whose rows are in `database` already."""
    clock = Clock()
    instance = replace(
        made.house.instance, settings=Settings(home=home), database=database, clock=clock
    )
    house = replace(
        made.house,
        instance=instance,
        clock=clock,
        administrators=dict(made.house.administrators),
    )
    app = create_app(instance)
    client = TestClient(app, raise_server_exceptions=False)
    return replace(made, house=house, app=app, client=client, judged={})


@cache
def _documented() -> list[tuple[re.Pattern[str], Plain]]:
    """The documented routes, which are the same for every instance; making them takes a second."""
    paths = create_app(cast("Instance", _Undocumented())).openapi()["paths"]
    ordered = sorted(paths, key=lambda path: ("{" in path, -len(path)))
    return [(_pattern(path), paths[path]) for path in ordered]


class _Undocumented:
    """As much of an instance as a document needs."""

    settings, is_played = Settings(), False


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]*\}", path)
    # Only names of cycles, consignments, assets, and of what is asked about may hold slashes.
    named = ("/v1/cycles", "/v1/consignments", "/v1/assets", "/v1/evidence", "/v1/findings")
    inside = ".*" if path.startswith(named) else "[^/]+"
    return re.compile(inside.join(map(re.escape, parts)))
