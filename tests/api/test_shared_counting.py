"""Several API processes on one PostgreSQL let through together what one would."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from api.app import create_app
from api.shared_counting import SharedCounter
from ledger.domain.callers import Scope
from ledger.steps.asking.tokens import authenticate, revoke_token
from ledger.storage import counts
from ledger.storage.engine.database import Database
from tests.api.kit import CENTRE, build_api

LIMIT = 100
#: of a hundred, two are taken at once
SHARE = 2


@pytest.fixture
def counters(postgresql_database: Database) -> list[SharedCounter]:
    """As three processes have them, early in a minute of the server's."""
    wait_for_a_young_minute(postgresql_database)
    return [SharedCounter(postgresql_database) for _ in range(3)]


def wait_for_a_young_minute(database: Database) -> None:
    """So that none of these tests sees two minutes."""
    with database.transaction() as tx:
        second = float(tx.execute(text("SELECT extract(second FROM now())")).scalar_one())
        if second > 40:
            tx.execute(text("SELECT pg_sleep(:left)"), {"left": 60.1 - second})


def passed(counters: list[SharedCounter], asked: int, *name: str) -> int:
    """How many of so many, each asked of the next process."""
    turns = cycle(counters)
    return sum(next(turns).hit(LIMIT, *name) == 0 for _ in range(asked))


def test_three_processes_let_through_no_more_than_one_and_nearly_as_many(
    counters: list[SharedCounter],
) -> None:
    through = passed(counters, 3 * LIMIT, "token", "a")
    assert LIMIT - SHARE * (len(counters) - 1) <= through <= LIMIT
    assert passed(counters, 10, "token", "a") == 0
    assert all(0 < each.hit(LIMIT, "token", "a") <= 60 for each in counters)
    assert all(0 < each.wait(LIMIT, "token", "a") <= 60 for each in counters)
    assert passed(counters, 10, "token", "b") == 10


def test_many_threads_of_one_process_let_through_no_more(counters: list[SharedCounter]) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: counters[0].hit(LIMIT, "token", "a"), range(3 * LIMIT)))
    through = sum(each == 0 for each in found)
    assert LIMIT - 8 * SHARE <= through <= LIMIT


def test_a_limit_that_is_reached_asks_the_database_no_more(
    counters: list[SharedCounter], postgresql_database: Database
) -> None:
    first = counters[0]
    passed([first], LIMIT + 1, "address", "x")
    before = kept(postgresql_database)
    passed([first], LIMIT, "address", "x")
    assert kept(postgresql_database) == before


def test_a_count_begins_anew_with_the_next_minute(
    counters: list[SharedCounter], postgresql_database: Database
) -> None:
    assert passed(counters, LIMIT, "token", "a") > 0
    with postgresql_database.transaction() as tx:
        tx.execute(text("UPDATE request_counts SET minute = minute - 1"))
        assert counts.add_to_count(tx, b"new", 3)[0] == 3
        name = tx.execute(text("SELECT name FROM request_counts WHERE name <> 'new'")).scalar_one()
        assert counts.add_to_count(tx, name, 3)[0] == 3
        tx.execute(text("UPDATE request_counts SET minute = minute - 1 WHERE name = 'new'"))
        counts.drop_old_counts(tx)
    assert [row[0] for row in kept(postgresql_database)] == [name]


def kept(database: Database) -> list[tuple[bytes, int]]:
    with database.reading() as tx:
        rows = tx.execute(text("SELECT name, count FROM request_counts ORDER BY name")).all()
    return [(bytes(name), count) for name, count in rows]


def test_two_apis_share_limits_and_a_revocation(
    postgresql_database: Database, tmp_path: Path
) -> None:
    wait_for_a_young_minute(postgresql_database)
    api = build_api(
        postgresql_database, tmp_path, requests_per_minute=10, failed_logins_per_minute=5
    )
    twin = TestClient(create_app(api.house.instance), base_url=str(api.client.base_url))
    both = (api.client, twin)
    token = api.token(CENTRE, Scope.READ_UNIT)
    asked = [get(client, token) for _ in range(8) for client in both]
    assert (asked.count(200), asked.count(429)) == (10, 6)
    guessed = [get(client, "slt_" + "A" * 43) for _ in range(5) for client in both]
    assert (guessed.count(401), guessed.count(429)) == (5, 5)
    # Who holds a valid token passes all the same.
    assert [get(client, api.operator) for client in both] == [200, 200]
    with api.house.instance.database.transaction() as tx:
        name = authenticate(api.house.instance, tx, api.operator).token_id
        revoke_token(api.house.instance, tx, str(name))
    assert 200 not in [get(client, api.operator) for client in both]


def get(client: TestClient, token: str) -> int:
    answer = client.get("/v1/cycles", headers={"Authorization": f"Bearer {token}"})
    return int(answer.status_code)
