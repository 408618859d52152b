"""Labels and papers at the pages: drawn, confirmed by scan, and what people file as PDF."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from ledger.steps.answering.packages import find_package
from ledger.steps.asking.contacts import set_contact
from ledger.steps.reading.scan_lists import template
from tests.house import CENTRE, MEMBER, SERIAL
from tests.pages.conftest import Site
from tests.pages.group import OTHER, VAN, Form, Group, people_and_packages, plain
from tests.pages.kit import press, read


@pytest.fixture
def group(site: Site) -> Group:
    """A group that a test may change."""
    return people_and_packages(site)


def pdf(answer: Any) -> str:
    """The text of a PDF that was taken away, without breaks."""
    assert answer.status_code == 200, plain(answer.text)
    assert answer.headers["content-type"] == "application/pdf"
    pages = PdfReader(io.BytesIO(answer.content)).pages
    return re.sub(r"[\s\u200b]", "", "".join(page.extract_text() for page in pages))


def codes(group: Group, name: str) -> tuple[set[str], set[str]]:
    with group.api.house.instance.database.reading() as tx:
        package = find_package(tx, group.api.house.caller, name).package
    return package.codes, package.voided


def scan_printed(client: TestClient, code: str) -> Any:
    return Form(client, "/labels", 1).send(("step", "confirm"), ("printed", code))


def test_labels_are_sent_drawn_and_confirmed_by_the_scan_of_what_came_out(group: Group) -> None:
    client = group.at(CENTRE)
    assert client.get("/labels/sent/pdf?stock=roll").status_code == 404
    assert Form(client, "/labels").scan("centre/Q01", "centre/Q02").done(again="yes") == "/labels"
    drawn = pdf(client.get("/labels/sent/pdf?stock=sheet"))
    assert "centre/Q01" in drawn
    assert "2027-05-01" in drawn
    job = client.get("/labels/sent/zpl?stock=roll").text
    assert job.count("^XA") == job.count("^XZ") == 2
    (first,), _ = codes(group, "1/Q01")
    # the label that is on it already is not the one that came out
    refused = scan_printed(client, first)
    assert "is another label of 1/Q01 than the one that was sent" in plain(refused.text)
    code = re.search(r"SL1R2PQ01\d\d", read(client, "/labels"))
    assert code is not None
    assert scan_printed(client, code[0]).status_code == 303
    assert codes(group, "1/Q01") == ({code[0]}, {first})
    assert "1/Q01 – it came out" in plain(client.get("/labels?told=1/Q01").text)
    # Q02 is sent only, whatever an address says
    assert "1/Q02 – " not in plain(client.get("/labels?told=1/Q02").text)
    # the other one did not come out; it is decided, and drawn no more
    press(client, read(client, "/labels"), "It did not come out", step="not_printed")
    assert client.get("/labels/sent/pdf?stock=roll").status_code == 404
    assert client.get("/labels/sent/pdf?stock=roll&package=1/Q01").status_code == 409


def test_who_scans_nothing_sees_no_labels_and_another_units_are_not_found(group: Group) -> None:
    assert group.site.signed_in("auditor").get("/labels").status_code == 404
    Form(group.at(CENTRE), "/labels").scan("centre/Q01").done(again="yes")
    there = group.at(MEMBER).get("/labels/sent/pdf?stock=roll&package=1/Q01")
    nowhere = group.at(MEMBER).get("/labels/sent/pdf?stock=roll&package=1/Q77")
    assert there.status_code == nowhere.status_code == 404
    assert plain(there.text).replace("Q01", "") == plain(nowhere.text).replace("Q77", "")


def test_a_label_of_anything_is_drawn_unless_it_is_read_as_something_else(group: Group) -> None:
    client = group.at(CENTRE)
    assert "篮筐" in pdf(client.get("/labels/plain/pdf?stock=roll&code=BASKET-7&title=篮筐"))
    assert "Undo" in pdf(client.get("/labels/plain/pdf?stock=cards"))
    assert client.get("/labels/plain/pdf?stock=roll&code=SL1PQ0199").status_code == 422


def test_a_unit_reserves_serials_and_takes_the_whole_kit_as_one_pdf(group: Group) -> None:
    client = group.at(CENTRE)
    sent = Form(client, "/paper").send(("count", "3"))
    assert sent.status_code == 303
    answer = client.get("/paper/1?pages=1&slips=1", headers={"accept-language": "zh"})
    text = pdf(answer)
    for said in (
        "停用应急纸质用品",
        "纸质登记表",
        "R1.003",
        "SLXSECONDPERSON43",
        "单据",
        "centre/R1-01",
    ):
        assert said in text, said
    reader = PdfReader(io.BytesIO(answer.content))
    assert reader.attachments["paper-log.csv"] == [template().encode()]
    assert client.get("/paper/2").status_code == 404


def test_what_people_file_is_a_pdf_of_what_the_page_shows(group: Group) -> None:
    box, client = group.send(), group.at(CENTRE)
    slip = pdf(client.get(f"{box}/slip?format=pdf"))
    assert "centre→member" in slip
    assert "centre/Q03" in slip
    cycle = group.api.get(f"/v1/cycles/{SERIAL}/1", group.api.operator).json()["id"]
    record = client.get(f"/inspection/{cycle}?format=pdf", headers={"accept-language": "zh"})
    shown = client.get(f"/inspection/{cycle}", headers={"accept-language": "zh"}).text
    said = re.findall(r"<t[hd][^>]*>([^<]+)</t[hd]>", shown)
    text = pdf(record)
    assert len(said) > 40
    assert [each for each in said if re.sub(r"\s", "", each) not in text] == []
    filled = (("equipment", SERIAL), ("first", "1"), ("last", "1"), ("cause", "biological"))
    head, told = group.site.signed_in("chief"), {"office": "Ward office", "telephone": "+86 21 5"}
    page = Form(head, "/units/1")
    assert page.send(*told.items()).status_code == 303
    assert page.send(("office", "x"), ("telephone", "=1+1")).status_code == 422
    assert head.post("/units/2", data={**dict(page.values), **told}).status_code == 404
    house = group.api.house
    with house.instance.database.transaction() as tx:
        for unit in (MEMBER, VAN, OTHER):
            set_contact(house.instance, tx, house.caller, unit, *told.values())
    chief = group.site.signed_in("operator")
    sent = Form(chief, "/recalls").send(("step", "order"), ("reason", "BI grew"), *filled)
    path = sent.headers["location"].partition("?")[0]
    listed = pdf(chief.get(f"{path}?format=pdf"))
    assert "Wardoffice,+86215" in re.sub(r"\s", "", listed)
    assert "1/Q03" in listed
    book = CalamineWorkbook.from_filelike(io.BytesIO(chief.get(f"{path}?format=xlsx").content))
    rows = book.get_sheet_by_index(0).to_python()[1:]
    assert [(row[0], row[-1]) for row in rows] == [
        (name, "Ward office, +86 21 5") for name in ("1/Q01", "1/Q02", "1/Q03")
    ]
