"""The centre's screens: bench, cycles, results, catalogues; outages, paper, and what goes back."""

from __future__ import annotations

import re

import pytest

from ledger.domain.custody.codes import make_basket
from tests.house import CENTRE, MEMBER, SERIAL
from tests.pages.conftest import Site
from tests.pages.group import Form, Group, people_and_packages, plain, shown

BASKET = make_basket(1, "K7")


@pytest.fixture
def group(site: Site) -> Group:
    """A centre with a set of two packages, both used, one of them in a basket."""
    group = people_and_packages(site)
    token = group.tokens[CENTRE]
    lines = [{"count": 4, "instrument": "Kocher clamp"}, {"count": 33, "instrument": "others"}]
    group.api.record(
        "set-definition", token, set="HIP", version=1, instruments=37, material="nonwoven",
        lines=lines,
    )  # fmt: skip
    packed = {"serials": ["H1", "H2"], "set": "HIP", "expires": "2027-05-01"}
    assert group.api.post("/v1/packages", token, json=packed).status_code == 200
    scan(group, [("used", "1/H1", None), ("used", "1/H2", None), ("put_in", "1/Q03", BASKET)])
    return group


def scan(group: Group, told: list[tuple[str, str, str | None]]) -> None:
    """The centre reports packages."""
    lines = [
        {"act": act, "package": name, "basis": "scanned"} | ({"code": code} if code else {})
        for act, name, code in told
    ]
    group.api.record("scan-report", group.tokens[CENTRE], lines=lines)


def stage(group: Group, name: str) -> tuple[str, str | None]:
    """What became of a package, and how that is known."""
    trace = group.get("trace", package=name)
    return trace["standing"]["stage"], trace["lines"][-1]["basis"]


def test_a_basket_is_stored_with_one_scan_and_a_tap(group: Group) -> None:
    form = Form(group.at(CENTRE), "/bench/stored").scan(BASKET)
    assert "stored; 1/Q03" in plain(form.page)
    assert form.done().startswith("/bench/stored?done=0x")
    assert stage(group, "1/Q03") == ("stored", "inferred")


def test_unlabelled_instruments_are_one_scan_of_their_set_and_two_candidates_a_question(
    group: Group,
) -> None:
    form = Form(group.at(CENTRE), "/bench/soiled").scan("HIP")
    assert "1/HIP may be 1/H1 or 1/H2" in plain(form.page) or "1/H2 or 1/H1" in plain(form.page)
    with group.api.nothing_stored():
        assert "may be" in form.done()
    assert 'name="scan" value="1/H1"' in form.page
    form = form.scan("1/H1")
    assert form.done().startswith("/bench/soiled?done=0x")
    assert stage(group, "1/H1") == ("soiled", "ticked_off")


def test_a_soiled_box_is_taken_in_with_the_scan_of_its_slip(group: Group) -> None:
    for act in ("dispatch", "take-over"):
        way = (
            {
                "receiver": "member",
                "taker": "member",
                "purpose": "loan",
                "reason": "lent",
                "slip": "9",
                "basis": "scanned",
                "lines": [{"assembler": 1, "package": "Q01"}],
            }
            if act == "dispatch"
            else {"consignment": "centre/9", "outcome": "kept", "previous": None, "rest": "scanned"}
        )
        group.api.record(act, group.tokens[CENTRE if act == "dispatch" else MEMBER], **way)
    line = {"act": "used", "package": "1/Q01", "basis": "scanned"}
    group.api.record("scan-report", group.tokens[MEMBER], lines=[line])
    group.api.record(
        "dispatch", group.tokens[MEMBER], slip="9", receiver="centre", taker="centre",
        purpose="soiled", basis="scanned", lines=[{"assembler": 1, "package": "Q01"}],
    )  # fmt: skip
    form = Form(group.at(CENTRE), "/bench/soiled").scan("member/9>centre", "1/H1")
    assert "a box, 1 packages: taken in whole" in plain(form.page)
    assert form.done().startswith("/bench/soiled?done=0x")
    assert group.get("consignments/member/9")["status"] == "received"
    assert stage(group, "1/Q01") == ("soiled", "inferred")
    assert stage(group, "1/H1") == ("soiled", "scanned")


def test_a_set_is_assembled_with_one_scan_and_a_second_person(group: Group) -> None:
    client = group.at(CENTRE)
    assert "leads to no set" in shown(client, "/bench/assemble", q="nonsense")
    assert Form(client, "/paper").send(("count", "5")).status_code == 303
    group.api.house.wait(minutes=5)
    scan(group, [("washed", "1/H1", None)])
    page = client.get("/bench/assemble", params={"q": "1/H1", "storage": "controlled"}).text
    assert 'value="R1.001"' in page
    filled = [("serial", "R1.001"), ("storage", "controlled"), ("checker", "Nurse Li")]
    sent = Form(client, "/bench/assemble", page=page).send(*filled, ("count.0", "3"))
    assert sent.status_code == 303, plain(sent.text)
    lines = group.get("trace", package="1/R1.001")["lines"]
    assert "36/37; second person" in [each["outcome"] for each in lines]
    told = shown(client, sent.headers["location"])
    assert "1/R1.001" in told
    assert "1/R1.001" in shown(client, "/labels"), "its label is sent to be printed"
    again = Form(client, "/bench/assemble", page=client.get("/bench/assemble?q=HIP").text)
    assert "uses a serial once" in plain(again.send(*filled).text)
