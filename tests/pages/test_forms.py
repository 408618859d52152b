"""Forms of acts: derived, filled, refused beside their fields, and recorded once."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.bodies import body_of
from api.pages.asking import Filled
from api.pages.forms import Control, Desk, form_of, place_of, values_of
from api.pages.words import Words
from ledger.domain.acts import asking
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import Act
from ledger.domain.callers import Scope
from tests.api.kit import ACTING
from tests.house import CENTRE, DAC_LOG, SERIAL
from tests.pages.conftest import Site
from tests.pages.test_signing_in import forms

WORDS = Words("en", "Asia/Shanghai")
CHOICES: dict[str, list[tuple[str, str]]] = {
    name: [] for name in ("unit", "equipment", "signer", "profile")
}
OF_THE_SESSION = {"enterer", "authenticated_by", "signed_at"}
SCRIPT = "<script>alert('x')</script>\"'"


def names(control: Control) -> set[str]:
    """The names of a control and of what is within it, without the numbers of lines."""
    within = [*control.parts, *(each for line in control.lines for each in line)]
    return {re.sub(r"\.[0-9]+", "", control.name), *(n for each in within for n in names(each))}


def text(page: Any) -> str:
    return html.unescape(page.text)


def key_of(page: str) -> str:
    found = re.search(r'name="key" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def hidden(page: str, name: str) -> str:
    found = re.search(rf'type="hidden" name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


@pytest.mark.parametrize("act", ACTS.values(), ids=lambda act: act.spelled)
def test_a_form_has_a_control_for_each_field_of_the_body(act: Act) -> None:
    form = form_of(act, Desk(filled=Filled(), choices=CHOICES, words=WORDS))
    shown = {control.name for control in (*form.controls, *form.beside)}
    assert shown == set(body_of(act).model_fields) - OF_THE_SESSION


@pytest.mark.parametrize("act", ACTS.values(), ids=lambda act: act.spelled)
def test_a_form_that_nobody_filled_says_no_more_than_its_defaults(act: Act) -> None:
    form = form_of(act, Desk(filled=Filled(), choices=CHOICES, words=WORDS))
    sent = [(c.name, c.value) for c in (*form.controls, *form.beside) if c.kind != "lines"]
    said = values_of(act, Filled(sent), WORDS)
    defaults = {
        each.name: getattr(each.default, "name", each.default) for each in asking.asked(act)
    }
    for name, value in said.items():
        is_default = value is not None and str(defaults[name]).lower() == value
        assert value is None or is_default, name


def test_what_is_filled_in_is_what_a_body_says() -> None:
    filled = Filled(
        [
            ("cycle", "601362/13"),
            ("decision", "release"),
            ("ending", "0x" + "ab" * 32),
            ("load", ""),
            ("results.physical", "pass"),
            ("results.biological", "not_entered"),
            ("shares.0.owner", "1"),
            ("shares.0.package_class", "2"),
            ("shares.0.delta", "-4"),
            ("shares.1.owner", ""),
            ("shares.3.owner", "east"),
            ("shares.3.package_class", "x"),
            ("happened.text", "8:15"),
            ("happened.utc", "2026-11-21T08:15"),
            ("legal_hold", "no"),
            ("authenticated_by", "passkey"),
        ]
    )
    said = values_of(ACTS["CycleDecision"], filled, WORDS)
    moment = said["happened"].pop("utc")
    assert moment.startswith("2026-11-21T")
    assert said == {
        "cycle": "601362/13",
        "decision": "release",
        "ending": "0x" + "ab" * 32,
        "load": None,
        "results": {"physical": "pass"},
        "shares": [
            {"owner": 1, "package_class": 2, "delta": -4},
            {"owner": "east", "package_class": "x"},
        ],
        "happened": {"text": "8:15"},
        "legal_hold": False,
    }
    assert place_of(ACTS["CycleDecision"], filled, "shares.1.package_class") == (
        "shares.3.package_class"
    )


def test_a_moment_is_read_by_the_readers_clock() -> None:
    filled = Filled([("equipment", "x"), ("number", "1"), ("started_at", "2026-11-21T08:15:00")])
    said = values_of(ACTS["CycleOpening"], filled, WORDS)["started_at"]
    from datetime import UTC, datetime  # noqa: PLC0415 - this test alone

    assert datetime.fromisoformat(said) == datetime(2026, 11, 21, 0, 15, tzinfo=UTC)


@pytest.fixture
def operator(site: Site) -> TestClient:
    """The centre's operator, signed in."""
    return site.signed_in("operator")


def opening(client: TestClient, **changes: str) -> dict[str, str]:
    page = client.get("/acts/cycle-opening", params={"equipment": SERIAL})
    form = {
        "form": hidden(page.text, "form"),
        "key": key_of(page.text),
        "equipment": SERIAL,
        "epoch": "1",
        "number": "31",
        "biological_indicator": "yes",
    }
    return {**form, **changes}


def test_a_filled_form_is_recorded_as_the_api_records_it(site: Site, operator: TestClient) -> None:
    answer = operator.post("/acts/cycle-opening", data=opening(operator))
    assert answer.status_code == 303
    page = operator.get(answer.headers["location"])
    assert "Recorded." in page.text
    view = site.api.get(f"/v1/cycles/{SERIAL}/31", site.api.operator).json()
    entry = view["timeline"][0]
    assert entry["facts"]["biological_indicator"] is True
    assert entry["people"]["enterer"] == "Operator Zhang"
    assert entry["facts"]["authenticated_by"] == "local"


def test_a_double_click_records_once(site: Site, operator: TestClient) -> None:
    form = opening(operator)
    first = operator.post("/acts/cycle-opening", data=form)
    rows = site.api.rows()
    second = operator.post("/acts/cycle-opening", data=form)
    assert first.headers["location"] == second.headers["location"]
    assert site.api.rows() == rows
    other = operator.post("/acts/cycle-opening", data={**form, "number": "32"})
    assert other.status_code == 409


@pytest.mark.parametrize(
    "changes,beside",
    [
        ({"number": "many"}, "number"),
        ({"number": ""}, "number"),
        ({"number": "0"}, "number"),
        ({"epoch": "7"}, "epoch"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"equipment": "nothing"}, "equipment"),
        ({"happened.zone": "Mars/Crater"}, "happened.zone"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept(
    site: Site, operator: TestClient, changes: dict[str, str], beside: str
) -> None:
    form = opening(operator, programme="B 134", reason="because", **changes)
    with site.api.nothing_stored():
        page = operator.post("/acts/cycle-opening", data=form)
    assert page.status_code in {422, 404}, page.status_code
    if page.status_code == 404:
        return
    assert 'value="B 134"' in page.text
    assert "because" in page.text
    at = page.text.index(f'name="{beside}"')
    assert 'class="wrong-text"' in page.text[at : at + 1500]
    assert key_of(page.text) == form["key"]


def test_a_number_that_was_opened_is_a_conflict_that_says_what_to_do(operator: TestClient) -> None:
    assert operator.post("/acts/cycle-opening", data=opening(operator)).status_code == 303
    page = operator.post("/acts/cycle-opening", data=opening(operator))
    assert page.status_code == 409
    assert "is open already" in text(page)
    assert "What to do" in page.text


def test_more_lines_are_given_without_recording(site: Site, operator: TestClient) -> None:
    site.api.open_cycle(33)
    page = operator.get("/acts/load-declaration", params={"cycle": f"{SERIAL}/33"})
    lines = page.text.count('.quantity"')
    form = {"form": hidden(page.text, "form"), "cycle": f"{SERIAL}/33", "more": "1"}
    for number in range(3):
        form |= {f"lines.{number}.owner": "1", f"lines.{number}.quantity": "2"}
    with site.api.nothing_stored():
        again = operator.post("/acts/load-declaration", data=form)
    assert again.text.count('.quantity"') > lines


def test_a_decision_judges_what_the_page_showed(site: Site, operator: TestClient) -> None:
    judged = site.api.finished_cycle(34)
    page = operator.get(f"/cycles/{_id(site, 34)}/decide").text
    assert hidden(page, "ending") == judged["ending"]
    assert hidden(page, "load") == judged["load"]
    form = {
        "form": hidden(page, "form"),
        "key": key_of(page),
        "cycle": hidden(page, "cycle"),
        "ending": judged["ending"],
        "load": "0x" + "11" * 32,
        "replaces": "",
        "decision": "release",
        "results.physical": "pass",
        "shares.0.owner": "1",
        "shares.0.payer": "1",
        "shares.0.package_class": "1",
        "shares.0.delta": "10",
    }
    address = f"/cycles/{form['cycle']}/decide"
    refused = operator.post(address, data=form)
    assert refused.status_code == 409
    assert "judges another load" in refused.text
    form["load"] = judged["load"]
    assert operator.post(address, data=form).status_code == 303
    assert site.api.get(f"/v1/cycles/{SERIAL}/34", site.api.operator).json()["state"] == "released"


def test_a_rejection_names_no_packages(site: Site, operator: TestClient) -> None:
    judged = site.api.finished_cycle(39)
    address = f"/cycles/{_id(site, 39)}/decide"
    page = operator.get(address).text
    shares = dict(re.findall(r'name="(shares\.0\.[a-z_]+)" value="([^"]*)"', page))
    assert shares["shares.0.delta"] == "10"
    form = {
        "form": hidden(page, "form"),
        "key": key_of(page),
        "cycle": hidden(page, "cycle"),
        "ending": judged["ending"],
        "load": judged["load"],
        "replaces": "",
        "decision": "reject",
        **shares,
    }
    assert operator.post(address, data=form).status_code == 303
    assert site.api.get(f"/v1/cycles/{SERIAL}/39", site.api.operator).json()["state"] == "rejected"


def _id(site: Site, number: int) -> str:
    return str(site.api.get(f"/v1/cycles/{SERIAL}/{number}", site.api.operator).json()["id"])


# ---------------------------------------------------------------- forged, foreign and hostile


def test_a_form_without_the_sessions_own_mark_is_refused(site: Site, operator: TestClient) -> None:
    other = forms(site.signed_in("chief"))
    for mark in ("", "0" * 64, other):
        with site.api.nothing_stored():
            page = operator.post("/acts/cycle-opening", data=opening(operator, form=mark))
        assert page.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null"},
    ],
)
def test_a_form_from_another_site_is_refused(
    site: Site, operator: TestClient, headers: dict[str, str]
) -> None:
    form = opening(operator)
    with site.api.nothing_stored():
        assert operator.post("/acts/cycle-opening", data=form, headers=headers).status_code == 403
        assert site.client.post("/sign-in", data={"login": "x"}, headers=headers).status_code == 403


def test_a_page_says_nothing_to_who_is_not_signed_in(site: Site) -> None:
    for path in ("/", "/cycles", "/acts/cycle-opening", "/people", f"/cycles/{'ab' * 32}"):
        answer = site.client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/sign-in?next={path}"


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example", "x"])
def test_nobody_is_sent_to_another_site(site: Site, operator: TestClient, to: str) -> None:
    answer = operator.post("/acts/cycle-opening", data=opening(operator, next=to))
    assert answer.headers["location"].startswith("/?done=0x")
    assert f'value="{to}"' not in site.client.get("/sign-in", params={"next": to}).text


def test_another_units_pages_are_not_found(site: Site) -> None:
    receipt = site.api.open_cycle(35)
    cycle, member = _id(site, 35), site.signed_in("member")
    machine = site.api.house.equipment.hex()
    paths = (
        f"/cycles/{cycle}",
        f"/inspection/{cycle}",
        f"/operations/{receipt['digest']}",
        f"/machines/{machine}",
        f"/evidence/cycle/{cycle}",
    )
    for path in paths:
        assert member.get(path).status_code == 404, path
        assert site.signed_in("operator").get(path).status_code in {200, 422}, path
    assert member.get(f"/cycles/{cycle}/decide").status_code == 404
    for screen in ("/people", "/stations", "/cycles/open", "/readings"):
        assert member.get(screen).status_code == 404
    assert SERIAL not in member.get("/cycles").text
    assert SERIAL not in member.get("/inspection").text


def test_an_auditor_reads_every_unit_and_records_nothing(site: Site) -> None:
    site.api.open_cycle(36)
    auditor = site.signed_in("auditor")
    assert auditor.get(f"/cycles/{_id(site, 36)}").status_code == 200
    machine = site.api.get("/v1/equipment", site.api.operator).json()["equipment"][0]["id"]
    assert f"{SERIAL}/36" in auditor.get("/cycles", params={"machine": machine}).text
    assert auditor.get("/acts/cycle-opening").status_code == 403
    form = {"form": forms(auditor), "key": "k", "equipment": SERIAL, "number": "37"}
    with site.api.nothing_stored():
        assert auditor.post("/acts/cycle-opening", data=form).status_code == 403


def test_a_script_in_any_field_is_text_on_every_page(site: Site, operator: TestClient) -> None:
    lines = [{"owner": CENTRE, "package_class": 1, "quantity": 1, "description": SCRIPT}]
    people = {"performer": SCRIPT, "checker": SCRIPT, "on_behalf_of": SCRIPT}
    happened = {"text": SCRIPT, "source": SCRIPT}
    site.api.open_cycle(38, programme=SCRIPT, device=SCRIPT, happened=happened, **people)
    cycle = f"{SERIAL}/38"
    site.api.record("load-declaration", site.api.operator, cycle=cycle, lines=lines)
    site.api.record(
        "cycle-ending", site.api.operator, cycle=cycle, outcome="completed", fault_code=SCRIPT
    )
    token = site.api.token(
        CENTRE, *ACTING, Scope.REPORT, signer=site.api.house.administrators[CENTRE]
    )
    identifier = _id(site, 38)
    said = {"about": identifier, "stance": "statement", "text": SCRIPT, "reason": SCRIPT}
    receipt = site.api.post("/v1/operations/comment", token, json=said)
    paths = [f"/cycles/{identifier}", f"/inspection/{identifier}", f"/cycles/{identifier}/decide"]
    if receipt.status_code == 201:
        paths.append(f"/operations/{receipt.json()['digest']}")
    for path in (*paths, "/cycles", "/operations", "/due"):
        page = operator.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text, path
        if path in paths[:1]:
            assert SCRIPT in text(page)
    for query in ("/ask?q=", "/cycles?q=", "/cycles?sort=", "/sign-in?next="):
        assert "<script>alert" not in operator.get(query + SCRIPT).text
    form = opening(operator, number=SCRIPT, programme=SCRIPT)
    page = operator.post("/acts/cycle-opening", data=form)
    assert page.status_code == 422
    assert "<script>alert" not in page.text


def test_every_page_forbids_scripts_of_its_own_and_other_hosts(operator: TestClient) -> None:
    for path in ("/", "/sign-in", "/cycles", "/nothing-here"):
        policy = operator.get(path).headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
    page = operator.get("/cycles").text
    assert not re.search(r"<script(?![^>]* src=\"/static/)", page)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)
    assert not re.search(r"\son[a-z]+=|style=", page)


def test_a_huge_upload_is_refused_and_a_printout_is_read(site: Site, operator: TestClient) -> None:
    mark = forms(operator)
    huge = {"file": ("big.log", b"x" * (2 * 1024 * 1024))}
    with site.api.nothing_stored():
        told = operator.post("/readings", data={"form": mark}, files=huge)
        assert (told.status_code, told.json()["field"]) == (413, "body")
        page = operator.post(
            "/readings", data={"form": mark}, files=huge, headers={"accept": "text/html"}
        )
        assert (page.status_code, "the body is too large" in page.text) == (413, True)
        none = operator.post("/readings", data={"form": mark})
        assert none.status_code == 422
    file = {"file": ("DAC.Log", DAC_LOG.read_bytes())}
    page = operator.post("/readings", data={"form": mark}, files=file)
    assert page.status_code == 200
    assert page.text.count(f"{SERIAL}/") == 5
    assert "recorded" in page.text


def test_pages_are_counted_like_requests(site: Site) -> None:
    client = site.signed_in("operator")
    keeper = site.api.app.state.doorkeeper
    keeper._by_token = 3
    statuses = [client.get("/").status_code for _ in range(6)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
