"""Custody on pages: where a thing is and how sure that is, boxes in and out, use, recall, shelf."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from PIL import Image

from api.pages.rendering import CARDS
from tests.house import CENTRE, MEMBER, SERIAL
from tests.pages.conftest import Site
from tests.pages.group import BOX, OTHER, VAN, Form, Group, people_and_packages, plain, shown


@pytest.fixture
def group(site: Site) -> Group:
    """A group that a test may change."""
    return people_and_packages(site)


def test_a_package_says_where_it_is_how_sure_that_is_and_who_held_it(group: Group) -> None:
    group.send()
    group.take()
    client = group.at(MEMBER)
    page = shown(client, "/packages/1/Q01")
    assert "With van since 2026-11-21" in page
    assert "Nobody there has said that they saw it" in page
    assert "on its way to member" in page
    (bar,) = re.findall(r"<svg class=\"custody-bar\".*?</svg>", client.get("/packages/1/Q01").text)
    assert bar.count('class="seen"') == 1, "the centre assembled it"
    assert bar.count('class="unseen"') == 1, "the van has it on the word of a list"
    assert bar.count('class="hatched"') == 1, "offered until the van took it"


def test_a_package_is_shown_as_it_was_known_then(group: Group) -> None:
    group.api.house.wait(hours=1)
    before = group.api.house.clock()
    group.api.house.wait(hours=1)
    group.send()
    then = before.strftime("%Y-%m-%dT%H:%M:%S")
    client = group.at(MEMBER)
    page = shown(client, "/packages/1/Q01", at=then)
    assert "by what was known then" in page
    assert "With centre" in page
    assert "Dispatched" not in page
    assert "Nothing was known of it then" in shown(client, "/packages/1/Q01", at="2026-01-01T00:00")
    assert client.get("/packages/1/Q01", params={"at": "soon"}).status_code == 422


def test_what_is_asked_leads_to_packages_boxes_and_assets(group: Group) -> None:
    box = group.send()
    group.api.record(
        "asset-registration", group.api.administrator, name="Hip", code="L-1", kind="loaner_set"
    )
    asset = group.get("assets")["assets"][0]["id"]
    code = group.get("trace", package="centre/Q01")["standing"]["codes"][0]
    client = group.at(CENTRE)
    expected = {
        "centre/Q01": "/packages/1/Q01", code: "/packages/1/Q01", BOX: box, f"{BOX}>member": box,
        "L-1": f"/assets/{asset}",
    }  # fmt: skip
    for text, path in expected.items():
        answer = client.get("/ask", params={"q": text})
        assert (answer.status_code, answer.headers.get("location")) == (303, path)
    group.send("Q01", "Q01", reason="a slip that is called as a package is")
    assert "fits several things" in shown(client, "/ask", q="centre/Q01")


@pytest.mark.parametrize(
    "path",
    [
        "/packages/1/{}",
        "/consignments/{}",
        "/consignments/{}/receive",
        "/consignments/{}/slip",
        "/assets/{}",
    ],
)
def test_what_is_another_units_is_not_found_in_the_words_of_what_is_nowhere(
    group: Group, path: str
) -> None:
    box = group.send()
    group.api.record(
        "asset-registration", group.api.administrator, name="Hip", code="L-1", kind="loaner_set"
    )
    asset = group.get("assets")["assets"][0]["id"]
    names = {"packages": "Q01", "consignments": box.split("/")[2], "assets": asset}
    there, client = names[path.split("/")[1]], group.at(OTHER)
    nowhere = "Q77" if path.startswith("/p") else "ab" * 32
    answers = [client.get(path.format(each)) for each in (there, nowhere)]
    assert [each.status_code for each in answers] == [404, 404]
    assert plain(answers[0].text).replace(there, "…") == plain(answers[1].text).replace(
        nowhere, "…"
    )


def test_a_carrier_asks_for_the_duties_of_what_it_carried_and_not_of_what_was_in_it(
    group: Group,
) -> None:
    group.send()
    group.take()
    asked = "Which duties were done"
    assert asked in shown(group.at(CENTRE), "/packages/1/Q01")
    assert asked not in shown(group.at(VAN), "/packages/1/Q01")
    assert group.at(VAN).get("/answers/package/1/Q01").status_code == 404


def test_a_consignments_page_tells_its_lines_and_each_step(group: Group) -> None:
    box = group.send()
    group.take()
    page = shown(group.at(MEMBER), box)
    assert "With van" in page
    assert "centre/Q02" in page
    assert "Take over · van · carried" in page
    coming = group.send("4712", "Q03", receiver="other", reason="borrowed")
    link = 'href="/packages/1/Q03"'
    assert link in group.at(CENTRE).get(coming).text
    assert link not in group.at(OTHER).get(coming).text, "who only waits for it has no page of it"
    assert "Who carries it reads counts and seals" in shown(group.at(VAN), box)
    slip = group.at(CENTRE).get(f"{box}/slip").text
    assert "<svg" in slip
    assert "S-1" in plain(slip)
    listed = group.at(MEMBER).get("/consignments", params={"open": "yes", "format": "csv"})
    assert "centre/4711" in listed.text


def lines_of(group: Group, box: str = BOX) -> dict[str, tuple[str | None, str | None]]:
    """What became of each line of a consignment, and how that is known."""
    view = group.get(f"consignments/{box}")
    return {each["names"]: (each["outcome"], each["basis"]) for each in view["lines"]}


def test_a_box_is_taken_in_sealed_with_a_scan_and_a_tap(group: Group) -> None:
    group.send(expected_by="2026-11-21T11:00:00Z")
    group.send("4712", "Q03", purpose="return")
    client = group.at(MEMBER)
    listed = shown(client, "/receive")
    assert listed.index("4711") < listed.index("4712"), "what is overdue stands first"
    assert "overdue since 2026-11-21 11:00" in listed
    answer = client.get("/receive", params={"q": "centre/4711>member"})
    assert answer.status_code == 303
    gone = Form(client, answer.headers["location"]).send(("step", "sealed"))
    assert gone.status_code == 303
    view = group.get(f"consignments/{BOX}")
    assert (view["status"], view["counts"]["accepted_inferred"]) == ("received", 3)
    assert "It is over: received" in shown(client, f"{group.boxes['4711']}/receive")


def test_a_box_is_taken_in_line_by_line_with_what_is_wrong_with_it(group: Group) -> None:
    group.send("4711", "Q01", "Q02")
    packed = {"serials": ["X9", "X8"], "expires": "2027-05-01"}
    assert group.api.post("/v1/packages", group.tokens[CENTRE], json=packed).status_code == 200
    client = group.at(MEMBER)
    form = Form(client, f"{group.boxes['4711']}/receive")
    form = form.scan("centre/Q01", "centre/Q01", "nonsense", "centre/X9", "centre/X8")
    told = plain(form.page)
    assert "1 of 2 there · 2 not expected" in told
    assert "unknown code" in told
    where = form.done(note="torn")
    assert where.startswith(group.boxes["4711"])
    assert lines_of(group) == {
        "package Q01 of unit 1": ("accepted", "scanned"),
        "package X9 of unit 1": ("extra", "scanned"),
        "package X8 of unit 1": ("extra", "scanned"),
        "package Q02 of unit 1": ("missing", "scanned"),
    }


def test_cards_say_wet_and_undo_and_what_has_no_label_is_counted(group: Group) -> None:
    counted = {"package_class": 3, "quantity": 4, "basis": "counted"}
    group.send(lines=[{"assembler": CENTRE, "package": "Q01"}, counted])
    client = group.at(MEMBER)
    form = Form(client, f"{group.boxes['4711']}/receive").scan(
        "centre/Q02", CARDS["undo"], "centre/Q01", CARDS["wet"]
    )
    assert "1 wet or damaged" in plain(form.page)
    assert "is not counted" in form.done()
    form.done(**{"count.1": "5", "note": "from the rain"})
    view = group.get(f"consignments/{BOX}")
    assert view["counts"] == {
        "sent": 5, "accepted_seen": 4, "accepted_inferred": 0, "refused": 1, "extra": 1,
        "missing": 0,
    }  # fmt: skip
    assert {e["reason"] for e in view["lines"]} == {"wet: from the rain", None, "from the rain"}


def test_a_box_for_another_unit_says_so_and_no_more(group: Group) -> None:
    group.send()
    told = shown(group.at(OTHER), "/receive", q="centre/4711>member")
    assert "this is for member" in told
    there, nowhere = (shown(group.at(OTHER), "/receive", q=f"centre/{n}") for n in (4711, 9999))
    assert there == nowhere.replace("9999", "4711")
    group.take()
    assert "this is for member" in shown(group.at(VAN), f"{group.boxes['4711']}/receive")


def test_a_box_is_sent_by_scan_and_the_gate_names_the_pack(group: Group) -> None:
    client = group.at(CENTRE)
    unasked = Form(client, "/dispatch").scan("centre/Q01", "centre/Q02")
    assert "say the purpose, and the gate is asked" in plain(unasked.page)
    assert "Slip – is not entered" in unasked.done(purpose="clean", receiver="2", taker="7")
    form = Form(client, "/dispatch").scan("centre/Q01", "centre/Q02", purpose="clean")
    assert "may" in plain(form.page)
    filled = {"purpose": "clean", "receiver": "2", "taker": "7", "slip": "4713", "seals": "S-9"}
    where = form.done(**filled)
    assert where.partition("?")[0].endswith("/slip")
    assert "centre/Q02" in shown(client, where)
    form = Form(client, "/dispatch").scan("centre/Q01", "centre/Q03", **filled | {"slip": "4714"})
    told = plain(form.page)
    assert "The gate says no to 1/Q01" in told
    assert "in transit to van" in told
    assert "what is sent all the same has a reason" in form.done(**filled | {"slip": "4714"})
    assert "names no package" in form.scan("junk").done(**filled | {"slip": "4715", "reason": "x"})
    where = form.done(**filled | {"slip": "4714", "reason": "the van came back"})
    assert where.partition("?")[0].endswith("/slip")


def test_a_carrier_takes_all_and_hands_over_stop_by_stop(group: Group) -> None:
    group.send()
    group.send("4712", "Q03", receiver="other", purpose="return")
    client = group.at(VAN)
    assert "Take all 2" in shown(client, "/trip")
    form = Form(client, "/trip")
    group.api.house.wait(minutes=5)
    assert form.send(("step", "take"), ("trip", "T-9")).status_code == 303
    page = shown(client, "/trip")
    assert "Hand over 1 to member" in page
    assert "Hand over 1 to other" in page
    handed = Form(client, "/trip").send(("step", "hand"))
    assert handed.status_code == 303
    views = [group.get(f"consignments/centre/{n}") for n in (4711, 4712)]
    assert [each["holder"] for each in views] == [VAN, VAN]
    assert sorted(each["taker"] or 0 for each in views) in ([0, MEMBER], [0, OTHER])
    again = form.send(("step", "take"), ("trip", "T-9"))
    assert again.status_code == 303, "the same form sent twice is recorded once"


def test_what_is_used_passes_the_gate_or_takes_a_reason(group: Group) -> None:
    client = group.at(CENTRE)
    form = Form(client, "/use").scan("centre/Q01", case="k-77")
    assert "may" in plain(form.page)
    assert form.done(case="k-77", inside="pass").startswith("/use?done=0x")
    stands = group.get("where", package="centre/Q01")
    assert (stands["stage"], stands["case"]) == ("used", "k-77")
    lines = group.get("trace", package="centre/Q01")["lines"]
    assert lines[-1]["outcome"] == "indicator pass"
    form = Form(client, "/use").scan("centre/Q01", "centre/Q02", case="k-78")
    assert "used already" in plain(form.page)
    assert "the gate does not say that it may be" in form.done(case="k-78")
    with group.api.nothing_stored():
        form.done(case="k-78")
    assert form.done(case="k-78", reason="nothing else").startswith("/use?done=0x")
    (kept,) = group.get("against")["lines"]
    assert (kept["against"], kept["reason"]) == ("no: used already", "nothing else")


def test_every_shot_of_a_long_run_is_kept_and_what_names_no_package_is_not_used(
    group: Group,
) -> None:
    client = group.at(CENTRE)
    shots = [("said", f"(01)09501101530003(21)S{number:020}") for number in range(600)]
    sent = Form(client, "/use").send(("step", "scan"), *shots, ("scan", "centre/Q01"))
    assert sent.status_code == 200, "no address holds so many"
    kept = re.findall(r'name="said" value="([^"]*)"', sent.text)
    assert kept == [*(text for _, text in shots), "centre/Q01"]
    form = Form(client, "/use").scan("centre/Q01", "junk")
    with group.api.nothing_stored():
        assert "junk names no package" in form.done(reason="in a hurry")


def test_who_carries_their_own_delivery_receives_it(group: Group) -> None:
    group.send(taker="member")
    assert "Nothing is offered to you" in shown(group.at(MEMBER), "/trip")
    assert "4711" in shown(group.at(MEMBER), "/receive")


def test_the_last_day_of_use_ends_by_the_groups_clock(group: Group) -> None:
    packed = {"serials": ["OLD"], "expires": "2026-11-21"}
    group.api.post("/v1/packages", group.tokens[CENTRE], json=packed)
    assert "Expired" not in shown(group.at(CENTRE), "/shelf")
    group.api.house.wait(hours=5)
    assert f"{group.api.house.clock():%d}" == "21"
    assert "Expired: 1 1/OLD" in shown(group.at(CENTRE), "/shelf")


def test_a_gate_says_may_may_not_and_cannot_know(group: Group) -> None:
    form = Form(group.at(CENTRE), "/use").scan("centre/Q01", "centre/Z99", "SL1PQ0100")
    told = plain(form.page)
    assert "1/Q01 – may" in told
    assert "1/Z99 – cannot know: nothing of it is recorded here" in told
    assert "a check digit is wrong" in told
    assert "Cannot be known now: release" in told


def test_a_shelf_is_in_order_of_expiry_and_scanned(group: Group) -> None:
    packed = {"serials": ["OLD"], "expires": "2026-11-01"}
    group.api.post("/v1/packages", group.tokens[CENTRE], json=packed)
    client = group.at(CENTRE)
    told = shown(client, "/shelf")
    assert "Expired: 1 1/OLD" in told
    rows = client.get("/shelf", params={"format": "csv"}).text.splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["1/OLD", "1/Q01", "1/Q02", "1/Q03"]
    form = Form(client, "/shelf").scan("centre/Q01", "centre/Q02", CARDS["wet"], "centre/Z99")
    assert "the records do not have it here" in plain(form.page)
    assert form.done().startswith("/shelf?done=0x")
    assert group.get("where", package="centre/Q02")["overlays"] == ["wet"]


def test_what_came_sealed_is_not_seen_until_the_shelf_is_scanned(group: Group) -> None:
    group.send()
    group.take()
    client = group.at(MEMBER)
    Form(client, f"{group.boxes['4711']}/receive").send(("step", "sealed"))
    seen = [
        row.split(",")[5]
        for row in client.get("/shelf", params={"format": "csv"}).text.splitlines()[1:]
    ]
    assert seen == ["no"] * 3
    group.api.house.wait(minutes=5)
    Form(client, "/shelf").scan("centre/Q01").done()
    assert "said that they saw it" not in shown(client, "/packages/1/Q01")
    assert "said that they saw it" in shown(client, "/packages/1/Q02")
    assert "said that they saw it" not in shown(group.at(VAN), "/packages/1/Q02")
    rows = client.get("/shelf", params={"format": "csv"}).text.splitlines()[1:]
    assert [row.split(",")[5] for row in rows] == ["yes", "no", "no"]


def test_an_exercise_shows_the_reach_and_changes_nothing(group: Group) -> None:
    client = group.site.signed_in("operator")
    filled = (("equipment", SERIAL), ("first", "1"), ("last", "2"))
    form = Form(client, "/recalls")
    with group.api.nothing_stored():
        told = plain(form.send(("step", "look"), *filled).text)
    assert "Exercise: nothing was ordered" in told
    assert "3 packages in the range" in told
    assert "is missing" in plain(form.send(("step", "order"), *filled).text)


def test_what_was_only_counted_is_never_shown_as_if_nothing_were_open(group: Group) -> None:
    group.api.house.open(3)
    lines = [{"owner": "member", "package_class": 1, "quantity": 4}]
    group.api.house.say("LoadDeclaration", cycle=f"{SERIAL}/3", lines=lines)
    client = group.site.signed_in("operator")
    filled = (("equipment", SERIAL), ("first", "3"), ("last", "3"))
    told = plain(Form(client, "/recalls").send(("step", "look"), *filled).text)
    assert "4 packages were only counted: nobody can say where they are" in told
    assert "4 of which nobody can say that they were not used" in told


def test_a_recall_is_ordered_read_searched_answered_and_ended(group: Group) -> None:
    group.send()
    member = group.at(MEMBER)
    Form(member, f"{group.boxes['4711']}/receive").send(("step", "sealed"))
    filled = (("equipment", SERIAL), ("first", "1"), ("last", "1"), ("cause", "biological"))
    client = group.site.signed_in("operator")
    sent = Form(client, "/recalls").send(("step", "order"), ("reason", "BI grew"), *filled)
    assert sent.status_code == 303
    path = sent.headers["location"].partition("?")[0]
    assert "sent is not reached" in shown(client, path)
    assert f"/answers{path.replace('recalls', 'recall')}" in client.get(path).text
    assert path in member.get("/recalls").text
    assert "/answers/" not in member.get(path).text, "who does not read the order is led nowhere"
    group.api.house.wait(minutes=10)
    form = Form(member, path)
    assert "We have read it; asked for here: 3" in plain(form.page)
    assert form.send(("step", "seen")).status_code == 303
    assert "Opened 2026" in shown(client, path) or "opened 2026" in shown(client, path)
    form = Form(member, f"{path}/answer").scan("centre/Q01", "centre/Q02")
    assert "2 of 3 found" in plain(form.page)
    assert "1/Q03 is not answered" in form.done()
    assert form.done(**{"answer.1/Q03": "not_found"}).startswith(path)
    told = shown(client, path)
    assert "2 of 3 found of what is to be found" in told
    assert "Cannot be excluded: 1/Q03" in told
    centre = group.at(CENTRE)
    with group.api.nothing_stored():
        unseen = plain(Form(client, path).send(("step", "seen")).text)
        unasked = Form(centre, f"{path}/answer").done()
    assert "nobody sent your unit a notice of it" in unseen
    assert "nothing that is here is asked for" in unasked
    correct(group, path)
    assert Form(client, path).send(("step", "end"), ("reason", "all asked")).status_code == 303
    assert "ended" in shown(member, path)
    assert group.at(OTHER).get(path).status_code == 404


def correct(group: Group, path: str) -> None:
    """The member's answer is told again, with its reason, as often as something new is known."""
    member = group.at(MEMBER)
    group.api.house.wait(minutes=10)
    form = Form(member, f"{path}/answer").scan("centre/Q01", "centre/Q02")
    assert "is not entered" in form.done(**{"answer.1/Q03": "used"})
    told = {"answer.1/Q03": "used", "reason": "the ward says so"}
    assert form.done(**told).startswith(path)
    assert "used" in shown(member, path)
    group.api.house.wait(minutes=10)
    form = Form(member, f"{path}/answer").scan("centre/Q01", "centre/Q02")
    assert "1/Q03 is not answered" in form.done(reason="again"), "its use is not taken back unsaid"
    form = form.scan("centre/Q03")
    assert form.done(reason="it lay behind a box").startswith(path)
    assert "3 of 3 found of what is to be found" in shown(member, path)


def test_who_handed_a_package_on_is_not_shown_who_had_it_later(group: Group) -> None:
    group.send()
    group.take()
    member = group.at(MEMBER)
    Form(member, f"{group.boxes['4711']}/receive").send(("step", "sealed"))
    group.api.house.wait(minutes=5)
    group.api.record(
        "dispatch", group.tokens[MEMBER], slip="1", receiver="other", taker="other",
        purpose="loan", basis="scanned", lines=[{"assembler": CENTRE, "package": "Q01"}],
        reason="lent",
    )  # fmt: skip
    group.api.house.wait(minutes=5)
    group.api.record(
        "take-over", group.tokens[OTHER], consignment="member/1", outcome="kept", previous=None,
        rest="scanned",
    )  # fmt: skip
    own, carriers = (
        re.findall(r'<text class="who"[^>]*>(\w+)', group.at(unit).get("/packages/1/Q01").text)
        for unit in (MEMBER, VAN)
    )
    assert own == ["centre", "van", "member", "other"], "it is the member's own"
    assert carriers == ["centre", "van", "member"], "a carrier reads to whom it brought it"


def test_a_serial_with_signs_of_addresses_has_its_page(group: Group) -> None:
    line = {"act": "stored", "package": "1/A B#1?", "basis": "typed"}
    group.api.record("scan-report", group.tokens[CENTRE], lines=[line])
    client = group.at(CENTRE)
    answer = client.get("/ask", params={"q": "centre/A B#1?"})
    assert answer.headers["location"] == "/packages/1/A%20B%231%3F"
    assert "With centre" in shown(client, answer.headers["location"])
    page = client.get(answer.headers["location"]).text
    assert 'href="/answers/package/1/A%20B%231%3F"' in page
    for path in ("/shelf", "/questions?q=centre%2FA%20B%231%3F"):
        assert 'href="/packages/1/A%20B%231%3F"' in client.get(path).text


def test_the_bar_shows_where_nobody_says_and_where_two_say_otherwise(group: Group) -> None:
    def say(unit: int, act: str) -> None:
        group.api.house.wait(minutes=30)
        line = {"act": act, "package": "1/Q02", "basis": "typed"}
        group.api.record("scan-report", group.tokens[unit], lines=[line])

    say(CENTRE, "missing")
    say(CENTRE, "found")
    say(MEMBER, "used")
    page = group.at(CENTRE).get("/packages/1/Q02").text
    (bar,) = re.findall(r"<svg class=\"custody-bar\".*?</svg>", page, re.DOTALL)
    assert re.findall(r'class="(seen|hatched|overlap)"', bar) == ["seen", "hatched", "overlap"]
    assert "nobody says where it is: 2026-11-21 12:30 – 2026-11-21 13:00" in bar
    assert "member says otherwise: used: 2026-11-21 13:30" in bar
    assert "Both are asked; nothing is blocked" in plain(page)


# ---------------------------------------------------------------- photos


def picture() -> bytes:
    made = BytesIO()
    Image.new("RGB", (12, 8), "red").save(made, "PNG")
    return made.getvalue()


def test_a_photo_of_what_came_wet_stands_with_its_line_and_its_giver_sees_it(group: Group) -> None:
    box = group.send()
    group.take()
    client = group.at(MEMBER)
    form = Form(client, f"{box}/receive", 1).scan("centre/Q01", "centre/Q02")
    shot = {name: [v for n, v in form.values if n == name] for name, _ in form.values}
    answer = client.post(
        f"{box}/receive",
        data={**shot, "step": "scan", "scan": CARDS["wet"]},
        files={"photo.wet.file": ("x.exe", picture(), "text/html")},
    )
    assert answer.status_code == 200, plain(answer.text)
    form = Form(client, f"{box}/receive", page=answer.text)
    (kept,) = [value for name, value in form.values if name == "photo.wet"]
    done = form.send(("step", "done"))
    assert done.status_code == 303, plain(done.text)
    for unit in (MEMBER, CENTRE):
        reader = group.at(unit)
        links = re.findall(r'href="(/photos/[^"]+)">Photo<', reader.get(box).text)
        assert [link.rpartition("/")[2] for link in links] == [kept], "the wet one's line alone"
        photo = reader.get(links[0])
        assert (photo.status_code, photo.headers["content-type"]) == (200, "image/jpeg")
        assert photo.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in photo.headers["content-security-policy"]
        assert "script-src" not in photo.headers["content-security-policy"]
    assert group.at(OTHER).get(links[0]).status_code == 404


def test_more_photos_than_a_record_has_are_refused_before_one_is_drawn(group: Group) -> None:
    client = group.at(MEMBER)
    form = {"form": dict(Form(client, "/acts/asset-report").values)["form"]}
    files = {f"photo.{at}.file": ("a.jpg", b"no picture", "image/jpeg") for at in range(5)}
    refused = client.post("/acts/asset-report", data=form, files=files)
    assert (refused.status_code, "names 5 photos" in refused.text) == (422, True)


def test_a_photo_that_a_script_sends_ahead_is_kept_or_told_why_it_is_not(group: Group) -> None:
    client = group.at(MEMBER)
    form = {"form": dict(Form(client, "/acts/asset-report").values)["form"]}
    good = client.post("/photos", data=form, files={"photo": ("a.jpg", picture(), "image/jpeg")})
    assert set(good.json()) == {"sha256"}
    bad = client.post("/photos", data=form, files={"photo": ("a.jpg", b"<svg/>", "image/jpeg")})
    assert bad.status_code == 422
    assert "JPEG, PNG or WebP" in bad.json()["told"]
    assert client.post("/photos", files={"photo": ("a", picture())}).status_code == 403
