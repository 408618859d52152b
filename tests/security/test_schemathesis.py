"""Requests that a machine makes up from our own OpenAPI document, by everybody who may ask.

Source of the requests: Schemathesis, valid and invalid ones.  `make soak` asks many more of them,
on both databases; or: STERILEDGER_SCHEMATHESIS_EXAMPLES=200 make test
ARGS="tests/security/test_schemathesis.py"
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledger.domain.callers import Scope
from ledger.storage.engine.database import Database
from tests.api.kit import ACTING, CENTRE, MEMBER, SERIAL, Api, Plain, build_api
from tests.databases import BACKENDS

_FEW = 2
#: for each route, by who may do least
EXAMPLES = int(os.environ.get("STERILEDGER_SCHEMATHESIS_EXAMPLES") or _FEW)
ON = BACKENDS if EXAMPLES > _FEW else BACKENDS[:1]
EVERYTHING = [scope for scope in Scope if scope is not Scope.AUTHORITY]
#: who asks, and how much more than the least
ASKING = {"nobody": 1, "everything": 3, "member": 2, "authority": 1, "reader": 1}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(params=ON)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Api]:
    """A house with cycles in every state, which may be asked without end."""
    database: Database = request.getfixturevalue(f"{request.param}_database")
    api = build_api(
        database,
        tmp_path,
        requests_per_minute=10**9,
        failed_logins_per_minute=10**9,
    )
    with api.client:
        api.open_cycle(17, started_at="2026-11-21T11:50:00Z")
        api.judged = api.finished_cycle(18)
        api.open_cycle(19)
        yield api


def tokens(api: Api) -> dict[str, str | None]:
    """By who asks."""
    return {
        "nobody": None,
        "everything": api.token(CENTRE, *EVERYTHING, signer=api.house.operator),
        "member": api.token(MEMBER, *ACTING, Scope.ADMINISTER),
        "authority": api.authority,
        "reader": api.token(MEMBER, Scope.READ_ALL),
    }


def known_words(api: Api) -> dict[str, list[Any]]:
    """What names something in this house, by the field or parameter that may hold it."""
    token = api.operator
    operations = api.get("/v1/operations", token).json()["operations"]
    digests = [each["digest"] for each in operations]
    cycles = [each["id"] for each in api.get("/v1/cycles", token).json()["cycles"]]
    judged = {name: [api.judged[name], None] for name in ("ending", "load", "replaces")}
    signers = api.get("/v1/signers", token).json()["signers"]
    return {
        "digest": digests,
        "subject": digests,
        "proposal": digests,
        "equipment": [SERIAL],
        "cycle": [f"{SERIAL}/{number}" for number in (17, 18, 19)] + cycles,
        "unit": [CENTRE, MEMBER, "centre"],
        "owner": [CENTRE, MEMBER],
        "signer": [each["id"] for each in signers],
        **judged,
    }


def placed(value: Any, words: Plain, draw: Any) -> Any:
    """The value with some of its fields naming what there is."""
    if isinstance(value, list):
        return [placed(each, words, draw) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: draw(st.sampled_from(words[name]))
        if name in words and draw(st.booleans())
        else placed(each, words, draw)
        for name, each in value.items()
    }


@pytest.mark.timeout(0)
@pytest.mark.parametrize("who", ASKING)
def test_whatever_is_asked_the_answer_is_documented_and_never_our_fault(
    world: Api, who: str
) -> None:
    token, words = tokens(world)[who], known_words(world)
    document = world.client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    count = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        ask(world, operation, token, words, examples=EXAMPLES * ASKING[who])
        count += 1
    assert count == sum(len(each) for each in document["paths"].values())


def ask(
    api: Api,
    operation: Any,
    token: str | None,
    words: Plain,
    *,
    examples: int,
) -> None:
    """Made-up requests for one operation, valid and not."""
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, data=st.data())
    def one(case: Any, data: Any) -> None:
        if isinstance(case.body, dict):
            case.body = placed(case.body, words, data.draw)
        case.path_parameters = placed(case.path_parameters or {}, words, data.draw)
        case.query = placed(case.query or {}, words, data.draw)
        case.headers.pop("Authorization", None)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        case.call_and_validate(
            app=api.app,
            base_url="http://testserver",
            headers=headers,
            checks=CHECKS,
        )

    one()
