"""The centre's screens: bench, cycles, results, catalogues; outages, paper, and what goes back."""

from __future__ import annotations

import re

import pytest

from ledger.domain.custody.codes import make_basket
from ledger.doors.guard import Bounds
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
    assert "1/HIP – may be 1/H" in plain(form.page)
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
    assert Form(client, "/paper").send(("count", "5"), ("use", "bench")).status_code == 303
    group.api.house.wait(minutes=5)
    scan(group, [("washed", "1/H1", None)])
    page = client.get("/bench/assemble", params={"q": "1/H1", "storage": "controlled"}).text
    assert 'value="R1.001"' in page
    filled = [("serial", "R1.001"), ("storage", "controlled"), ("checker", "Nurse Li")]
    sent = Form(client, "/bench/assemble", page=page).send(*filled, ("count.0", "3"))
    assert sent.status_code == 303, plain(sent.text)
    lines = group.get("trace", package="1/R1.001")["lines"]
    assert "36/37; second person; Kocher clamp 3/4" in [each["outcome"] for each in lines]
    told = plain(client.get(sent.headers["location"]).text)
    assert "1/R1.001" in told
    assert "1/R1.001" in shown(client, "/labels"), "its label is sent to be printed"
    again = Form(client, "/bench/assemble", page=client.get("/bench/assemble?q=HIP").text)
    assert "uses a serial once" in plain(again.send(*filled).text)


def test_a_cycle_is_opened_with_its_machine_a_basket_and_a_tap(group: Group) -> None:
    client = group.site.signed_in("operator")
    went = client.get("/cycles/open", params={"q": SERIAL}).headers["location"]
    form = Form(client, went).scan(BASKET)
    assert "1/Q03" in plain(form.page)
    sent = {"number": "40", "biological_indicator": "yes", "late": "yes"}
    assert form.done(**sent).startswith("/cycles?done=0x")
    with group.api.nothing_stored():
        assert "no class is known" in Form(client, went).scan("1/H1").done(number="41")
    cycle = group.api.get(f"/v1/cycles/{SERIAL}/40", group.api.operator).json()
    assert [(e["package_class"], e["declared"]) for e in cycle["counts"]] == [(1, 1)]
    assert "Opened late" in shown(client, f"/cycles/{cycle['id']}")


def test_a_vial_and_a_tap_enter_a_result_and_a_failure_fills_the_recall(group: Group) -> None:
    house = group.api.house
    for number in (2, 3, 4, 5):
        group.api.open_cycle(number, biological_indicator=True)
    client = group.site.signed_in("operator")

    def enter(number: int, word: str) -> str:
        house.wait(minutes=5)
        path = client.get("/due", params={"q": f"{SERIAL}/{number}"}).headers["location"]
        said = (("word", word), ("result", "biological"), ("indicator", "lot 7"))
        answer = Form(client, path).send(*said)
        assert answer.status_code == 303, plain(answer.text)
        return str(answer.headers["location"])

    assert enter(2, "pass").startswith("/due?done=0x")
    assert enter(3, "invalid").startswith("/due?done=0x")
    assert re.search(
        rf"lot 7 pass 1: \S+ {SERIAL} 2 invalid 1: \S+ {SERIAL} 3", shown(client, "/due")
    )
    recall = client.get(enter(4, "fail")).text
    assert re.search(r'name="first"[^>]*value="3"', recall)
    assert re.search(r'name="last"[^>]*value="5"', recall)
    assert '<option value="biological" selected>' in recall
    assert "Exercise" in plain(
        Form(client, "/recalls", page=recall)
        .send(("step", "look"), ("equipment", SERIAL), ("first", "3"), ("last", "5"))
        .text
    )


def test_a_bowie_dick_test_without_load_waits_for_no_decision(group: Group) -> None:
    api = group.api
    for number in (6, 7):
        api.open_cycle(number)
        name = f"{SERIAL}/{number}"
        api.record("cycle-ending", api.operator, cycle=name, outcome="completed")
    api.record("result-entry", api.operator, cycle=name, result="bowie_dick", word="pass")
    waiting = shown(group.site.signed_in("operator"), "/due").partition("wait for a decision")[2]
    assert f"{SERIAL} 6" in waiting
    assert f"{SERIAL} 7" not in waiting


def test_catalogues_tell_sets_by_version_with_what_differs_and_their_source(group: Group) -> None:
    lines = [{"count": 3, "instrument": "Kocher clamp"}, {"count": 33, "instrument": "others"}]
    group.api.house.wait(minutes=5)
    group.api.record(
        "set-definition", group.tokens[CENTRE], set="HIP", version=2, instruments=36,
        material="nonwoven", lines=lines,
    )  # fmt: skip
    client = group.at(CENTRE)
    told = shown(client, "/catalogue")
    assert "1/HIP" in told
    assert "WS 310.2-2016" in told
    told = shown(client, "/sets/1/HIP")
    assert "Count sheet, version 2" in told
    assert "Kocher clamp 4 3" in told
    assert "instruments 37 36" in told.lower()
    assert group.at(MEMBER).get("/sets/1/HIP").status_code == 404


def test_an_outage_is_declared_and_its_paper_brought_in_line_by_line(group: Group) -> None:
    client = group.at(CENTRE)
    form = Form(client, "/state")
    told = [("begun_at", "2026-11-21T08:00"), ("ended_at", "2026-11-21T09:00"), ("what", "power")]
    assert form.send(*told).headers["location"].startswith("/state?done=0x")
    assert "centre: power" in shown(client, "/state")
    log = "paper,time,act,package,set,performer\r\n17,about 08:10,stored,centre/Q02,,Li\r\n"
    log += "17,08:20,washed,,HIP,Li\r\n17,08:30,stored,nonsense-1,,Li\r\n"
    key = re.search(r'name="form" value="([^"]+)"', client.get("/paper/log").text)
    assert key is not None
    page = client.post(
        "/paper/log", data={"form": key[1], "day": "2026-11-21"}, files={"file": ("l.csv", log)}
    ).text
    assert "1 to be recorded · 2 doubtful" in plain(page)
    assert "1/H1" in page
    told = [("csv", log), ("day", "2026-11-21"), ("zone", "UTC")]
    with group.api.nothing_stored():
        asked = Form(client, "/paper/log", page=page).send(*told, ("step", "record"))
        assert "2 doubtful" in plain(asked.text)
    sent = Form(client, "/paper/log", page=page).send(
        *told, ("step", "record"), ("answer.2", "1/H1"), ("keep.3", "yes")
    )
    assert sent.status_code == 303, plain(sent.text)
    lines = group.get("trace", package="1/H1")["lines"]
    assert ("washed", "imported") in [(e["deed"], e["basis"]) for e in lines]
    again = Form(client, "/paper/log", page=page).send(*told, ("answer.2", "1/H1"))
    assert "0 to be recorded · 2 were reported before · 1 doubtful" in plain(again.text)


def test_a_long_log_in_chinese_comes_back_with_what_was_answered_to_it(group: Group) -> None:
    client = group.at(CENTRE)
    line = f"08:10,stored,nonsense-1,{'李' * 200}\r\n"
    log = "time,act,package,performer\r\n" + line * 160
    form = dict(Form(client, "/paper/log").values)
    data = {"form": form["form"], "day": "2026-11-21"}
    page = client.post("/paper/log", data=data, files={"file": ("l.csv", log)})
    assert page.status_code == 200
    assert Bounds().body_bytes < 9 * 200 * 160, "as a form that is no multipart encodes it"
    asked = Form(client, "/paper/log", page=page.text)
    answer = asked.send(("csv", log), ("day", "2026-11-21"), ("step", "record"))
    assert answer.status_code == 200
    assert "160 doubtful" in plain(answer.text)


def test_a_loaner_goes_back_with_its_count_by_a_guest_and_both_sides_sign(group: Group) -> None:
    api = group.api
    api.record("asset-registration", api.administrator, name="Hip", code="L-1", kind="loaner_set")
    client = group.at(CENTRE)
    form = Form(client, "/return").scan("L-1")
    assert "Hip – loaner set" in plain(form.page)
    where = form.done(
        receiver="2", purpose="loan", slip="77", seals="S-7", guest="taxi 9", instruments="9",
        condition_is="incomplete",
    )  # fmt: skip
    assert where.partition("?")[0].endswith("/slip"), where
    told = shown(client, "/return")
    assert "centre/77" in told
    assert "the other half is outstanding" in told
    member = group.at(MEMBER)
    form = Form(member, where.partition("?")[0].replace("/slip", "/receive"), 1)
    assert "the giver counted 9" in plain(form.page)
    assert "done=0x" in form.done(instruments="10", condition_is="whole")
    steps = group.get("consignments/centre/77")["steps"]
    assert [each["entry"]["facts"].get("instruments") for each in steps] == [9, 10]
    assert "outstanding" not in shown(client, "/return")


def test_soiled_things_go_back_by_their_set(group: Group) -> None:
    client = group.at(CENTRE)
    form = Form(client, "/return").scan("HIP")
    filled = {"receiver": "2", "purpose": "soiled", "slip": "78"}
    with group.api.nothing_stored():
        assert "may be" in form.done(**filled)
    assert "/slip" in form.scan("1/H2").done(**filled)
    view = group.get("consignments/centre/78")
    assert [each["names"] for each in view["lines"]] == ["package H2 of unit 1"]
