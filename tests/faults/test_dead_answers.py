"""A request that died gets, asked again, the answer that it would have got."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import pytest

from tests.faults.callers import Person, kept_answers
from tests.faults.conftest import Ward
from tests.faults.proofs import accepted, opened, rows

OPENING = "/v1/operations/cycle-opening"
BODY = {"equipment": "S1", "number": 17}
KILLED = -signal.SIGKILL


def other(person: Person, key: str) -> httpx.Response:
    return person.post(OPENING, BODY | {"number": 18}, key)


def test_an_answer_that_died_after_the_commit_is_given_byte_for_byte(ward: Ward) -> None:
    home, person = ward.home, ward.person
    with opened(home) as instance:
        before = accepted(instance)
        dead = home.start("serve", crash_at="storage.committed")
        dead.wait_for((home.folder / "run" / "api.json").exists)
        with pytest.raises(httpx.HTTPError):
            person.try_post(OPENING, BODY, "key-1")
        assert dead.wait() == KILLED
        [(key, status, body)] = kept_answers(instance)
        home.start("serve")
        first = person.post(OPENING, BODY, "key-1")
        again = person.post(OPENING, BODY, "key-1")
        assert (key, status, body) == ("key-1", first.status_code, first.content)
        assert (again.status_code, again.content) == (201, first.content)
        assert len(accepted(instance)) == len(before) + 1
        assert first.json()["digest"] == "0x" + accepted(instance)[-1].hex()
        stored = rows(instance)
        refused = other(person, "key-1")
        assert (refused.status_code, refused.json()["field"]) == (409, "Idempotency-Key")
        assert rows(instance) == stored


def test_a_request_that_died_before_the_commit_left_nothing_and_works_again(ward: Ward) -> None:
    home, person = ward.home, ward.person
    with opened(home) as instance:
        stored = rows(instance)
        dead = home.start("serve", crash_at="accept.written")
        dead.wait_for((home.folder / "run" / "api.json").exists)
        with pytest.raises(httpx.HTTPError):
            person.try_post(OPENING, BODY, "key-1")
        assert dead.wait() == KILLED
        assert rows(instance) == stored
        home.start("serve")
        # Its key is free: nothing was accepted under it.
        assert other(person, "key-1").status_code == 201
        assert len(accepted(instance)) == stored["operations"] + 1


@pytest.mark.parametrize("crash_at", [None, "accept.written", "storage.committed"])
def test_sixteen_at_once_make_one_record_whenever_the_api_dies(
    crash_at: str | None, ward: Ward
) -> None:
    home, person = ward.home, ward.person
    with opened(home) as instance, ThreadPoolExecutor(16) as pool:
        stored = rows(instance)
        first = home.start("serve", crash_at=crash_at)
        asked = [pool.submit(person.post, OPENING, BODY, "key-1") for _ in range(16)]
        if crash_at is not None:
            assert first.wait() == KILLED
            home.start("serve")
        answers = [each.result() for each in asked]
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        after = rows(instance)
        assert after["operations"] == stored["operations"] + 1
        assert after["idempotency"] == stored["idempotency"] + 1
