"""What monitoring reads is right whoever was started again, bounded, and not for strangers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from ledger.domain.callers import Scope
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import ChainUnavailable, Inconsistent, StorageUnavailable
from ledger.domain.outbox.operation_states import OperationState
from ledger.running.metrics import Metrics
from ledger.steps.answering.status import TROUBLE_AFTER, ChainStatus, put_chain_status
from ledger.steps.answering.trouble import TroubleKind, put_trouble, trouble_of
from ledger.steps.starting.leasing import LEASE
from ledger.storage.engine.database import Database, open_database
from ledger.storage.leases import take_lease
from ledger.storage.operations import move_operation
from tests.api.kit import Api, build_api
from tests.house import House, build_house

S = OperationState
OPERATIONS = Path(__file__).resolve().parents[1] / "docs" / "operations.md"
Samples = dict[str, float]


@pytest.fixture
def api(sqlite_database: Database, tmp_path: Path) -> Iterator[Api]:
    """The API of a house."""
    made = build_api(sqlite_database, tmp_path)
    with made.client:
        yield made


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A group whose operations are all owed."""
    return build_house(database, tmp_path)


def read(text: str) -> Samples:
    """Name with labels → value, as Prometheus's own parser reads it."""
    return {
        sample.name + "".join(f" {k}={v}" for k, v in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(house: House) -> Samples:
    """What a process that just started says."""
    return read(Metrics(house.instance).render().decode())


def local(api: Api, host: str = "127.0.0.1") -> TestClient:
    """A client on this machine."""
    return TestClient(api.app, client=(host, 50_000), base_url="http://localhost")


def test_operations_are_counted_by_state_from_the_database(house: House) -> None:
    digests = [house.open(number).digest for number in (1, 2, 3)]
    with house.instance.database.transaction() as tx:
        for digest, states in zip(
            digests, ([S.MINED, S.FINAL], [S.STUCK], [S.REFUSED]), strict=True
        ):
            before = S.OWED
            for state in states:
                move_operation(tx, digest, state, house.clock(), expected=[before])
                before = state
    found = scraped(house)
    assert found["steriledger_operations state=owed"] == 4
    assert found["steriledger_operations state=final"] == 1
    assert found["steriledger_operations state=stuck"] == 1
    assert found["steriledger_operations state=refused"] == 1
    assert found["steriledger_operations_accepted_total"] == 7
    assert found["steriledger_operations_anchored_total"] == 1
    assert found["steriledger_database_up"] == 1


def test_the_age_of_the_oldest_owed_operation_grows_with_time(house: House) -> None:
    house.clock.advance(minutes=3)
    assert scraped(house)["steriledger_outbox_oldest_seconds"] == 180


def test_head_follower_and_worker_are_as_the_worker_last_said(house: House) -> None:
    assert not [name for name in scraped(house) if name.startswith("steriledger_chain")]
    now = house.clock()
    seen = ChainStatus(
        open_because=None,
        height=9,
        hash=bytes(32),
        timestamp=now - timedelta(seconds=40),
        indexed=5,
        final=8,
        at=now,
    )
    with house.instance.database.transaction() as tx:
        put_chain_status(tx, seen)
        take_lease(tx, LEASE, "worker", now, 30)
    house.clock.advance(seconds=20)
    found = scraped(house)
    assert found["steriledger_chain_head_height"] == 9
    assert found["steriledger_chain_head_age_seconds"] == 60
    assert found["steriledger_chain_final_height"] == 8
    assert found["steriledger_follower_height"] == 5
    assert found["steriledger_follower_lag_blocks"] == 3
    assert found["steriledger_worker_heartbeat_age_seconds"] == 20
    assert found["steriledger_worker_has_lease"] == 1
    assert found["steriledger_worker_halted"] == 0
    house.clock.advance(seconds=20)
    assert scraped(house)["steriledger_worker_has_lease"] == 0


def test_a_worker_that_stopped_for_a_person_is_seen(house: House) -> None:
    now = house.clock()
    with house.instance.database.transaction() as tx:
        put_trouble(tx, TroubleKind.HALTED, trouble_of(Inconsistent("look"), since=now, at=now))
    found = scraped(house)
    assert found["steriledger_worker_halted"] == 1
    assert found["steriledger_worker_waiting"] == 0


def test_a_worker_that_waits_before_it_ever_saw_its_chain_is_told_from_one_that_stopped(
    house: House,
) -> None:
    now = house.clock()
    away = trouble_of(ChainUnavailable("away"), since=now - TROUBLE_AFTER, at=now)
    with house.instance.database.transaction() as tx:
        put_trouble(tx, TroubleKind.WAITS, away)
        take_lease(tx, LEASE, "worker", now, 30)
    house.clock.advance(seconds=20)
    found = scraped(house)
    assert found["steriledger_worker_halted"] == 0
    assert found["steriledger_worker_waiting"] == 1
    assert found["steriledger_worker_heartbeat_age_seconds"] == 20
    house.clock.advance(seconds=20)  # its lease ran out: it was killed
    found = scraped(house)
    assert found["steriledger_worker_halted"] == 0
    assert found["steriledger_worker_waiting"] == 0


def test_the_api_says_what_the_worker_waits_for_before_it_ever_saw_its_chain(api: Api) -> None:
    now = api.house.clock()
    away = ChainUnavailable("the node did not answer", remedy="look at the node")
    trouble = trouble_of(away, since=now - TROUBLE_AFTER, at=now)
    with api.house.instance.database.transaction() as tx:
        put_trouble(tx, TroubleKind.WAITS, trouble)
        take_lease(tx, LEASE, "worker", now, 30)
    told = api.get("/v1/status", api.operator).json()
    assert told["chain"] is None
    assert told["worker"] == {
        "state": "waits",
        "since": instant_text(trouble.since),
        "reason": "the node did not answer",
        "remedy": "look at the node",
    }
    assert api.get("/health/ready", None).status_code == 200


def test_a_database_that_does_not_answer_is_a_value_and_not_an_old_number(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_instance: object) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr("ledger.running.metrics.status", away)
    found = scraped(house)
    assert found["steriledger_database_up"] == 0
    ours = [name for name in found if name.startswith("steriledger_")]
    assert ours == ["steriledger_database_up"]


def test_requests_are_timed_by_route_and_class_of_status(api: Api) -> None:
    api.open_cycle(17)
    api.get("/v1/cycles/601362/17", api.operator)
    api.get("/v1/cycles/601362/99", api.operator)
    api.get("/v1/status", None)
    with local(api) as client:
        client.get("/no/such/page/at/all")
        client.request("BREW", "/health/live")
        found = read(client.get("/metrics").text)
    count = "steriledger_request_duration_seconds_count"
    assert found[f"{count} method=POST route=/v1/operations/cycle-opening status=2xx"] == 1
    assert found[f"{count} method=GET route=/v1/cycles/{{cycle:path}} status=2xx"] == 1
    assert found[f"{count} method=GET route=/v1/cycles/{{cycle:path}} status=4xx"] == 1
    assert found[f"{count} method=GET route=/v1/status status=4xx"] == 1
    assert found[f"{count} method=GET route=none status=4xx"] == 1
    assert found[f"{count} method=other route=/health/live status=4xx"] == 1


def test_no_label_names_a_person_a_unit_or_what_was_asked_for(api: Api) -> None:
    api.open_cycle(17)
    for path in ("/a-stranger's-secret", "/v1/cycles/601362/17?person=Zhang", "/v1/units/1"):
        api.client.get(path)
    with local(api) as client:
        text = client.get("/metrics").text
    for word in ("secret", "Zhang", "601362", "Operator", "centre"):
        assert word not in text
    assert set(re.findall(r"\b(\w+)=\"", text)) <= {"state", "method", "route", "status", "le"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1"])
def test_a_program_on_this_machine_reads_metrics_without_a_token(api: Api, host: str) -> None:
    with local(api, host) as client:
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7", "testclient", ""])
def test_whoever_asks_from_elsewhere_needs_a_token_that_reads_all(api: Api, host: str) -> None:
    with local(api, host) as client:
        assert client.get("/metrics").status_code == 401
        answers = [
            client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code
            for token in (api.operator, api.auditor, api.token(2, Scope.READ_ALL))
        ]
    assert answers == [403, 200, 200]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_a_proxy_on_this_machine_does_not_make_its_clients_local(api: Api, header: str) -> None:
    with local(api) as client:
        assert client.get("/metrics", headers={header: "192.0.2.7"}).status_code == 401


def test_metrics_of_a_file_that_is_gone_are_still_an_answer(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path / 'ledger.db'}")) as database:
        database.migrate()
        house = build_house(database, tmp_path)
        database.close()
        (tmp_path / "ledger.db").unlink()
        (tmp_path / "ledger.db").mkdir()
        assert scraped(house)["steriledger_database_up"] == 0


def test_every_metric_is_documented_and_every_documented_one_exists(house: House) -> None:
    now = house.clock()
    with house.instance.database.transaction() as tx:
        put_chain_status(
            tx,
            ChainStatus(
                open_because=None,
                height=1,
                hash=bytes(32),
                timestamp=now,
                indexed=1,
                final=1,
                at=now,
            ),
        )
    metrics = Metrics(house.instance)
    metrics.count_request(method="GET", route="/health/live", status=200, seconds=0.01)
    told = set(re.findall(r"^# TYPE (steriledger_\w+) ", metrics.render().decode(), re.MULTILINE))
    written = set(re.findall(r"`(steriledger_[a-z_]+)[`{]", OPERATIONS.read_text("utf-8")))
    assert {name for name in told if not name.endswith("_created")} == written
