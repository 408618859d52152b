"""Answers about duties and incidents as people read them; who may, and what is never said."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from ledger.domain.acts.words import Right
from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import to_hex
from ledger.evidence.answers import verify_answer_file
from ledger.keys.signers import verify_signature
from ledger.steps.answering.duties import find_duties, last_block
from ledger.steps.asking.tokens import create_token
from tests.house import Clock
from tests.pages.kit import Door, press, read
from tests.steps.hospital import Hospital, opened_hospital
from tests.steps.test_duties import PACKAGE, SERIAL, line, tell

ANSWER = f"/answers/package/{PACKAGE}"
READS = Scope.READ_UNIT
NURSE = Caller(person="Nurse", unit=2, scopes=frozenset({READS}))


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Hospital]:
    """A package that unit 1 made and unit 2 used, on a chain for good; unit 3 had no part in it."""
    home = tmp_path_factory.mktemp("answers")
    with opened_hospital(home, f"sqlite:///{home / 'ledger.db'}", clock=clock) as hospital:
        tell(hospital, clock)
        report = to_hex(hospital.say("ScanReport", unit=2, lines=[line("damaged")]))
        hospital.admit(3)
        hospital.new_signer(3, Right.REPORT)
        cycle = to_hex(hospital.reference(SERIAL, 1).id)
        hospital.say("Comment", unit=3, about=cycle, stance="statement", text="of ours alone")
        hospital.say("Comment", unit=1, about=report, stance="disagrees", text="whole when sent")
        hospital.say("Comment", unit=3, about=report, stance="seen", text="of ours alone")
        hospital.settle(hospital.writer())
        yield hospital


@pytest.fixture(autouse=True)
def same_time(clock: Clock) -> Iterator[None]:
    """Whoever waits for something does so alone."""
    before = clock.now
    yield
    clock.now = before


@pytest.fixture(scope="module")
def door(hospital: Hospital) -> Door:
    return Door.of(hospital.instance)


@pytest.fixture(scope="module")
def nurse(hospital: Hospital, door: Door) -> TestClient:
    """Of unit 2, which used the package; reports and answers."""
    key = hospital.new_signer(2, Right.REPORT | Right.ANSWER)
    return door.enter("nurse", 2, READS, Scope.REPORT, key=key)


@pytest.fixture(scope="module")
def centre(hospital: Hospital, door: Door) -> TestClient:
    key = hospital.new_signer(1, Right.REPORT)
    return door.enter("centre", 1, READS, Scope.REPORT, key=key)


@pytest.fixture(scope="module")
def stranger(door: Door) -> TestClient:
    return door.enter("stranger", 3, READS)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def answered(hospital: Hospital) -> dict[str, Any]:
    with hospital.instance.database.reading() as tx:
        return dict(find_duties(hospital.instance, tx, NURSE, "package", PACKAGE).answer)


def findings(hospital: Hospital) -> list[dict[str, Any]]:
    return list(answered(hospital)["findings"])


def test_every_duty_stands_there_with_its_holder_its_word_and_why(
    hospital: Hospital, nurse: TestClient
) -> None:
    page = words(read(nurse, ANSWER))
    for each in findings(hospital):
        about = f" · {each['about']['en']}" if each["about"] else ""
        name = f"{each['rule']} · {each['title']['en']}{about}"
        if each["word"] == "not_applicable":
            due = "not due yet; " if each["is_open"] else ""
            assert f"{name}: {due}{each['why'][0]['en']}" in page
        else:
            word = each["word"].replace("_", " ")
            assert re.search(rf"{re.escape(name)}.*?{word} held by {each['unit']}", page)
            assert all(why["en"] in page for why in each["why"])
    (interval,) = answered(hospital)["intervals"]
    assert interval["says"]["en"] in page
    assert "A declared outage covers its time" in page
    assert "no unit's statement" in page
    assert "Not proved is" in page
    assert "22 Shared asset handed over" in page
    told = page.replace("It does not say who is at fault, nor what caused anything.", "")
    assert not re.search(r"\b(fault|negligen\w*|guilty|blame|culprit)\b", told, re.IGNORECASE)


def test_it_is_read_in_chinese_as_well(hospital: Hospital, nurse: TestClient) -> None:
    page = html.unescape(nurse.get(ANSWER, headers={"accept-language": "zh"}).text)
    assert all(each["title"]["zh"] in page for each in findings(hospital))
    assert "不是任何单位的陈述" in page


def test_a_page_of_custody_leads_to_its_duties_and_back(nurse: TestClient) -> None:
    assert f'"{ANSWER}"' in read(nurse, f"/packages/{PACKAGE}")
    page = read(nurse, "/questions?q=U1/4711")
    link = re.search(r'"(/consignments/0x([0-9a-f]{64}))"', page)
    assert link
    assert f"/answers/consignment/{link[2]}" in read(nurse, link[1])
    assert f'"/packages/{PACKAGE}"' in read(nurse, f"/questions?q={PACKAGE}")


def test_a_code_leads_to_its_questions(nurse: TestClient, centre: TestClient) -> None:
    assert f'"/answers/package/{PACKAGE}"' in read(nurse, f"/questions?q={PACKAGE}")
    page = read(centre, f"/questions?q={SERIAL}/1")
    (subject,) = set(re.findall(r'"/answers/cycle/(0x[0-9a-f]{64})"', page))
    assert SERIAL in read(centre, f"/questions?q={subject}")
    (box,) = set(
        re.findall(r'"/answers/consignment/(0x[0-9a-f]{64})"', read(nurse, "/questions?q=U1/4711"))
    )
    assert "17 ·" in read(nurse, f"/answers/consignment/{box}")
    assert "Nothing that you may read is called zzz." in read(nurse, "/questions?q=zzz")


def test_what_another_unit_may_not_read_is_not_found_in_the_same_words(
    stranger: TestClient, nurse: TestClient
) -> None:
    pages = [read(stranger, f"/answers/package/{name}", 404) for name in (PACKAGE, "1/Q99")]
    told = [words(page).replace(PACKAGE, "…").replace("1/Q99", "…") for page in pages]
    assert told[0] == told[1]
    searched = [read(stranger, f"/questions?q={name}") for name in (PACKAGE, "1/Q99")]
    assert "may read is called" in searched[0]
    assert searched[0].replace(PACKAGE, "1/Q99") == searched[1]


def test_what_a_unit_says_that_had_no_part_in_a_package_is_not_in_its_answer(
    hospital: Hospital, nurse: TestClient, centre: TestClient
) -> None:
    assert "of ours alone" not in read(nurse, ANSWER)
    assert "of ours alone" not in nurse.get(f"{ANSWER}?format=json").text
    cycle = to_hex(hospital.reference(SERIAL, 1).id)
    assert "“of ours alone”" in read(centre, f"/answers/cycle/{cycle}")
    read(nurse, f"/answers/cycle/{cycle}", 404)


def test_what_is_said_to_an_operation_is_read_with_it(nurse: TestClient) -> None:
    assert "“whole when sent”" in read(nurse, ANSWER)


def test_moments_and_numbers_out_of_bounds_are_refused(nurse: TestClient) -> None:
    assert "is out of bounds" in read(nurse, f"{ANSWER}?as_of=9999-12-31T23:59:59Z", 422)
    assert "is out of bounds" in read(nurse, f"/signed/{'ab' * 32}?until=0001-01-01T12:00Z", 422)
    read(nurse, f"/terms?version={'9' * 5000}", 404)


def test_the_file_from_the_page_reproduces_the_answer_and_the_pdf_is_taken(
    hospital: Hospital, nurse: TestClient
) -> None:
    answer = nurse.get(f"{ANSWER}?format=json")
    with hospital.instance.database.reading() as tx:
        deployment = hospital.instance.deployment_in(tx)
    found = verify_answer_file(
        answer.content, deployment, hospital.link.node, verify_signature=verify_signature
    )
    assert found.is_trusted
    assert found.plain == json.loads(answer.content)["answer"]
    assert nurse.get(f"{ANSWER}?format=pdf").content.startswith(b"%PDF-")


def test_the_api_gives_the_same_answer_and_its_hash(hospital: Hospital, door: Door) -> None:
    with hospital.instance.database.transaction() as tx:
        _, token = create_token(
            hospital.instance, tx, person="System", unit=2, scopes=[READS],
            lifetime=timedelta(days=1),
        )  # fmt: skip
        block = last_block(tx)
    client = TestClient(door.app, headers={"authorization": f"Bearer {token}"})
    asked: dict[str, str] = {"as_of": "2026-12-01T00:00:00Z", "block": str(block)}
    file = client.get(f"/v1/findings/package/file/{PACKAGE}", params=asked)
    whole = json.loads(file.content)["answer"]
    assert file.headers["answer-sha256"] == "0x" + sha256(canonical(whole)).hex()
    plain = client.get(f"/v1/findings/package/{PACKAGE}", params=asked).json()
    assert plain["findings"] == whole["findings"]
    for path in ("asset/LS-7", "consignment/U1%2FL1"):
        assert client.get(f"/v1/findings/{path}").status_code == 200
    missing = client.get("/v1/findings/asset/LS-8")
    assert (missing.status_code, missing.json()["field"]) == (404, "asset")


def test_an_incident_is_about_what_its_kind_says(centre: TestClient) -> None:
    page = read(centre, "/incidents/open")
    token = re.search(r'name="form" value="([^"]+)"', page)[1]  # type: ignore[index]
    told = {"form": token, "what": "other", "subject_kind": "package", "subject": f"{SERIAL}/1"}
    answer = centre.post("/incidents/open", data=told)
    assert answer.status_code == 422
    assert f"{SERIAL}/1 names a cycle, not a package" in words(answer.text)


def test_then_stands_beside_now(clock: Clock, nurse: TestClient) -> None:
    page = words(read(nurse, f"{ANSWER}?then=2020-01-01T00:00"))
    assert "What was known at 2020-01-01 00:00" in page
    assert "not seen to apply →" in page.lower()
    assert "is no moment" in words(read(nurse, f"{ANSWER}?then=soon", 422))


def test_an_incident_is_opened_held_heard_and_only_then_published(
    hospital: Hospital,
    clock: Clock,
    nurse: TestClient,
    centre: TestClient,
    stranger: TestClient,
) -> None:
    path = f"/incidents/open?subject_kind=package&subject={PACKAGE}"
    told = {"what": "infection", "subject_kind": "package", "subject": PACKAGE, "case_token": "c-7"}
    where = press(nurse, read(nurse, path), "Open an incident", "/incidents/open", **told)
    digest = where.rpartition("done=")[2]
    page, at = read(nurse, f"/incidents/{digest}"), f"/incidents/{digest}"
    held = int(re.search(r"about the (\d+) things", page)[1])  # type: ignore[index]
    assert held > 3
    assert "Not final yet." in page
    assert "c-7" in page
    assert "c-7" not in read(centre, at)
    gone = words(read(stranger, at, 404))
    assert gone == words(read(stranger, f"/incidents/0x{'ab' * 32}", 404)).replace(
        "ab" * 32, digest
    )
    assert digest not in read(stranger, "/incidents")
    assert digest in read(centre, "/incidents")

    press(centre, read(centre, at), "Disagrees", stance="disagrees", text="not ours")
    page = read(nurse, at)
    assert "“not ours”" in page
    others = read(centre, at)
    assert "Send it to its holders" not in others
    token = re.search(r'name="form" value="([^"]+)"', others)[1]  # type: ignore[index]
    refused = centre.post(at, data={"form": token, "key": "ab" * 16})
    assert (refused.status_code, "another unit" in refused.text) == (422, True)
    assert "Send it to its holders" not in page
    token = re.search(r'name="form" value="([^"]+)"', page)[1]  # type: ignore[index]
    unseen = nurse.post(at, data={"form": token, "key": "cd" * 16})
    assert (unseen.status_code, "is computed first" in unseen.text) == (422, True)
    computed = read(nurse, f"{at}?compute=1")
    sent = {name: re.search(rf'name="{name}" value="([^"]+)"', computed)[1]  # type: ignore[index]
            for name in ("answer", "as_of", "block")}  # fmt: skip
    for wrong in ("²", sent["block"].zfill(15) + "0"):
        refused = nurse.post(at, data={"form": token, "key": "ef" * 16, **sent, "block": wrong})
        assert (refused.status_code, "is computed first" in refused.text) == (422, True)
    press(nurse, computed, "Send it to its holders to be heard", at, **sent)
    page = read(nurse, at)
    same = re.search(r'href="(/answers/[^"]+block=[0-9]+)"', page)[1]  # type: ignore[index]
    file = nurse.get(html.unescape(same) + "&format=json")
    whole = canonical(json.loads(file.content)["answer"])
    assert "0x" + sha256(whole).hex() == sent["answer"]
    assert "its holders may answer until" in page
    assert "Publish what was heard" not in page
    clock.advance(days=6)
    nurse_again = Door.of(hospital.instance).enter(
        "nurse2", 2, READS, Scope.REPORT, key=hospital.new_signer(2, Right.REPORT)
    )
    press(nurse_again, read(nurse_again, at), "Publish what was heard", at)
    page = read(nurse_again, at)
    assert "Not final yet." not in page
    assert 'class="mark good">published' in page
