"""A request that died gets, asked again, the answer that it would have got."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import pytest

from ledger.steps.instance import Instance
from tests.faults.callers import Person, kept_answers
from tests.faults.conftest import Ward
from tests.faults.proofs import accepted, opened, rows

OPENING = "/v1/operations/cycle-opening"
BODY = {"equipment": "S1", "number": 17}
UPLOADS = "/v1/readings"
DATA = Path(__file__).resolve().parents[1] / "data" / "dacuniversal"
ONE_CYCLE = (DATA / "DACLogOK.TXT").read_bytes()
#: one cycle that is recorded, and one of the same number and another start, which is refused
PRINTOUT = ONE_CYCLE + ONE_CYCLE.replace(b"16-03-2016", b"17-03-2016")
#: five cycles
LONG_PRINTOUT = (DATA / "DAC.Log").read_bytes()
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


# What an upload commits: its file with its key, each cycle, and its answer.
@pytest.mark.parametrize("commit", [1, 2, 3])
def test_an_upload_that_died_after_any_commit_goes_on_where_it_ended(
    commit: int, ward: Ward
) -> None:
    home, person = ward.home, ward.person
    with opened(home) as instance:
        before = accepted(instance)
        dead = home.start("serve", crash_at=f"storage.committed:{commit}")
        dead.wait_for((home.folder / "run" / "api.json").exists)
        with pytest.raises(httpx.HTTPError):
            person.try_post(UPLOADS, PRINTOUT, "key-1")
        assert dead.wait() == KILLED
        kept = answer_under("key-1", instance)
        home.start("serve")
        stored = rows(instance)
        for path, body in ((UPLOADS, ONE_CYCLE), (OPENING, BODY)):
            refused = person.post(path, body, "key-1")
            assert (refused.status_code, refused.json()["field"]) == (409, "Idempotency-Key")
        assert rows(instance) == stored
        first = person.post(UPLOADS, PRINTOUT, "key-1")
        again = person.post(UPLOADS, PRINTOUT, "key-1")
        assert (first.status_code, again.content) == (200, first.content)
        assert kept == (None if commit < 3 else first.content)
        assert first.json()["is_new"] is (commit == 3)
        assert require_report(first, accepted(instance)[len(before) :]) is (commit != 2)


def require_report(answer: httpx.Response, made: Sequence[bytes]) -> bool:
    """One cycle is recorded once, the other refused; whether this request says it recorded it."""
    recorded, refused = answer.json()["cycles"]
    assert recorded["what"] in {"recorded", "already recorded"}
    is_told: bool = recorded["what"] == "recorded"
    assert recorded["operations"] == ["0x" + digest.hex() for digest in made if is_told]
    assert len(made) == 2
    assert refused["what"] == "refused"
    assert (refused["operations"], refused["cycle"]) == ([], None)
    assert "was recorded with the start" in refused["why"]
    return is_told


def answer_under(key: str, instance: Instance) -> bytes | None:
    """The answer that is kept for the whole request, or None while it is under way."""
    [body] = [body for name, _, body in kept_answers(instance) if name == key]
    return body


@pytest.mark.parametrize("crash_at", [None, "storage.committed", "storage.committed:3"])
def test_sixteen_uploads_at_once_under_one_key_get_one_report(
    crash_at: str | None, ward: Ward
) -> None:
    home, person = ward.home, ward.person
    with opened(home) as instance, ThreadPoolExecutor(16) as pool:
        before, stored = accepted(instance), rows(instance)
        first = home.start("serve", crash_at=crash_at)
        asked = [pool.submit(person.post, UPLOADS, PRINTOUT, "key-1") for _ in range(16)]
        if crash_at is not None:
            assert first.wait() == KILLED
            home.start("serve")
        answers = [each.result() for each in asked]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        require_report(answers[0], accepted(instance)[len(before) :])
        assert rows(instance)["readings"] == stored["readings"] + 1


def test_of_two_printouts_at_once_under_one_key_one_is_stored_and_the_other_leaves_nothing(
    ward: Ward,
) -> None:
    home, person = ward.home, ward.person
    with opened(home) as instance, ThreadPoolExecutor(16) as pool:
        before, stored = accepted(instance), rows(instance)
        home.start("serve")
        bodies = [PRINTOUT, LONG_PRINTOUT] * 8
        answers = list(pool.map(lambda body: person.post(UPLOADS, body, "key-1"), bodies))
        told: dict[bytes, list[httpx.Response]] = {body: [] for body in bodies}
        for body, answer in zip(bodies, answers, strict=True):
            told[body].append(answer)
        [kept] = [each for each in told.values() if each[0].status_code == 200]
        [refused] = [each for each in told.values() if each[0].status_code != 200]
        assert {(each.status_code, each.content) for each in kept} == {(200, kept[0].content)}
        assert {(each.status_code, each.json()["field"]) for each in refused} == {
            (409, "Idempotency-Key")
        }
        report = kept[0].json()
        recorded = [cycle for cycle in report["cycles"] if cycle["what"] != "refused"]
        assert len(accepted(instance)) == len(before) + 2 * len(recorded)
        after = rows(instance)
        assert after["readings"] == stored["readings"] + 1
        assert after["reading_cycles"] == stored["reading_cycles"] + len(report["cycles"])
