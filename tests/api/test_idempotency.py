"""The same request again under one key: the first answer, and one record."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx2 as httpx
import pytest

from api.routes import readings
from ledger.steps.asking import idempotency
from ledger.steps.asking.idempotency import forget_old_requests
from tests.api.kit import ACTING, DAC_LOG, SERIAL, Api

OPEN = "/v1/operations/cycle-opening"
BODY = {"equipment": SERIAL, "number": 17}
ONE_CYCLE = (DAC_LOG.parent / "DACLogOK.TXT").read_bytes()


def open_(api: Api, key: str, token: str = "", **change: object) -> httpx.Response:
    return api.post(
        OPEN,
        token or api.operator,
        json={**BODY, **change},
        headers={"Idempotency-Key": key},
    )


def test_the_same_request_again_gets_the_same_bytes_and_makes_nothing(api: Api) -> None:
    first = open_(api, "key-1")
    assert first.status_code == 201
    with api.nothing_stored():
        again = open_(api, "key-1")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Location"] == first.headers["Location"]


def test_another_request_under_the_same_key_is_a_conflict(api: Api) -> None:
    open_(api, "key-1")
    with api.nothing_stored():
        answer = open_(api, "key-1", number=18)
        elsewhere = api.post(
            "/v1/operations/cycle-ending",
            api.operator,
            json=BODY | {"cycle": "x"},
            headers={"Idempotency-Key": "key-1"},
        )
    assert (answer.status_code, answer.json()["field"]) == (409, "Idempotency-Key")
    assert elsewhere.status_code == 422


def test_a_key_belongs_to_one_token(lite: Api) -> None:
    open_(lite, "key-1")
    other = lite.token(1, *ACTING, person="Other", signer=lite.house.operator)
    answer = open_(lite, "key-1", other, number=18)
    assert answer.status_code == 201


def test_a_refused_request_keeps_no_key(api: Api) -> None:
    with api.nothing_stored():
        assert open_(api, "key-1", equipment="nowhere").status_code == 404
    assert open_(api, "key-1").status_code == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "ü"])
def test_a_key_is_visible_ascii(still: Api, key: str) -> None:
    with still.nothing_stored():
        answer = still.post(
            OPEN,
            still.operator,
            json={"equipment": SERIAL, "number": 40},
            headers={"Idempotency-Key": key.encode("latin-1")},
        )
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


def test_the_same_request_twice_at_once_makes_one_record(api: Api) -> None:
    before = api.rows()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: open_(api, "key-1"), range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.content for answer in answers}) == 1
    after = api.rows()
    assert after["operations"] == before["operations"] + 1
    assert after["idempotency"] == before["idempotency"] + 1


def test_a_prepared_operation_submitted_twice_at_once_is_accepted_once(api: Api) -> None:
    digest = api.post(f"{OPEN}/prepare", api.operator, json=BODY).json()["digest"]
    path = f"/v1/operations/{digest}/submit"

    def send(_: int) -> httpx.Response:
        return api.post(path, api.operator, json={"held": ["signer"]})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1
    assert api.rows()["drafts"] == 0


def test_submitting_under_a_key_keeps_its_answer(lite: Api) -> None:
    digest = lite.post(f"{OPEN}/prepare", lite.operator, json=BODY).json()["digest"]
    path = f"/v1/operations/{digest}/submit"
    headers = {"Idempotency-Key": "key-1"}
    first = lite.post(path, lite.operator, json={"held": ["signer"]}, headers=headers)
    with lite.nothing_stored():
        again = lite.post(path, lite.operator, json={"held": ["signer"]}, headers=headers)
    assert (first.status_code, first.content) == (200, again.content)


def test_an_upload_under_a_key_gets_its_first_report_again(api: Api) -> None:
    headers = {"Idempotency-Key": "key-1", "Content-Type": "text/plain"}
    first = api.post("/v1/readings", api.operator, content=ONE_CYCLE, headers=headers)
    assert first.json()["is_new"] is True
    with api.nothing_stored():
        again = api.post("/v1/readings", api.operator, content=ONE_CYCLE, headers=headers)
        other = api.post("/v1/readings", api.operator, content=b"other", headers=headers)
    assert again.content == first.content
    assert (other.status_code, other.json()["field"]) == (409, "Idempotency-Key")


def upload(api: Api, data: bytes, query: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": "key-1", "Content-Type": "text/plain"}
    return api.post(f"/v1/readings{query}", api.operator, content=data, headers=headers)


@pytest.mark.parametrize("query", ["", "?record=false"])
def test_another_file_that_came_at_the_same_time_under_the_same_key_is_not_stored(
    api: Api, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where both ask before either has claimed the key.
    monkeypatch.setattr(readings, "find_answer", lambda *_: None)
    first = upload(api, ONE_CYCLE, query)
    with api.nothing_stored():
        for other in (
            upload(api, DAC_LOG.read_bytes(), query),
            upload(api, ONE_CYCLE, "?zone=UTC"),
        ):
            assert (other.status_code, other.json()["field"]) == (409, "Idempotency-Key")
        again = upload(api, ONE_CYCLE, query)
    assert (first.status_code, again.content) == (200, first.content)


def test_an_upload_that_failed_on_the_way_is_taken_up_where_it_ended(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr(readings, "finish", fail)
    assert upload(api, DAC_LOG.read_bytes()).status_code == 500
    monkeypatch.undo()
    before = api.rows()
    report = upload(api, DAC_LOG.read_bytes())
    assert api.rows() == before
    assert report.json()["is_new"] is False
    assert [cycle["what"] for cycle in report.json()["cycles"]] == ["already recorded"] * 5
    assert upload(api, DAC_LOG.read_bytes()).content == report.content


def test_a_record_whose_answer_cannot_be_kept_is_not_made(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr(idempotency, "answer_request", fail)
    with api.nothing_stored():
        assert open_(api, "key-1").status_code == 500
    monkeypatch.undo()
    assert open_(api, "key-1").status_code == 201


def test_answers_are_forgotten_after_their_time(lite: Api) -> None:
    open_(lite, "key-1")
    instance = lite.house.instance
    with instance.database.transaction() as tx:
        assert forget_old_requests(instance, tx) == 0
    lite.house.clock.now += idempotency.KEPT_FOR + timedelta(seconds=1)
    with instance.database.transaction() as tx:
        assert forget_old_requests(instance, tx) == 1
