"""Lists filter, sort, link and are taken away as CSV."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from typing import Any

from python_calamine import CalamineWorkbook

from tests.house import SERIAL
from tests.pages.conftest import Site


def called(page: str) -> list[str]:
    """The cycles of a list, in its order."""
    return re.findall(rf">({SERIAL}/[0-9]+)</a>", page)


def test_a_list_of_cycles_filters_and_sorts_by_its_address(site: Site) -> None:
    for number in (3, 12, 7):
        site.api.open_cycle(number)
    client = site.signed_in("operator")
    assert called(client.get("/cycles").text) == [f"{SERIAL}/{n}" for n in (7, 12, 3)]
    assert called(client.get("/cycles?q=/12").text) == [f"{SERIAL}/12"]
    assert called(client.get("/cycles?q=undecided /7").text) == [f"{SERIAL}/7"]
    assert called(client.get("/cycles?sort=called").text)[0] == f"{SERIAL}/12"
    page = client.get("/cycles?q=/&sort=-called").text
    assert called(page)[0] == f"{SERIAL}/7"
    assert 'aria-sort="descending"' in page
    assert "q=%2F&amp;sort=called" in page
    assert called(client.get("/cycles?q=nothing").text) == []


def test_a_list_is_taken_away_as_csv_and_none_of_it_is_a_formula(site: Site) -> None:
    site.api.record(
        "equipment-registration",
        site.api.administrator,
        name="=1+1",
        serial="@SUM(A1)",
        kind="sterilizer",
    )
    answer = site.signed_in("operator").get("/machines?format=csv&sort=name")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="machines.csv"' in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0][:2] == ["Name", "Serial"]
    assert ["'=1+1", "'@SUM(A1)"] in [row[:2] for row in rows]


def test_a_list_is_taken_away_as_a_workbook_with_typed_cells(site: Site) -> None:
    site.api.record(
        "equipment-registration", site.api.administrator, name="=1+1", serial="@SUM(A1)",
        kind="sterilizer",
    )  # fmt: skip
    client = site.signed_in("operator")
    rows = workbook(client.get("/machines?format=xlsx"))
    assert ["=1+1", "@SUM(A1)"] in [row[:2] for row in rows]
    assert 1.0 in [row[rows[0].index("Epoch")] for row in rows]
    rows = workbook(client.get("/operations?format=xlsx"))
    assert {type(row[rows[0].index("Accepted at")]) for row in rows[1:]} == {datetime}


def workbook(answer: Any) -> list[list[Any]]:
    assert 'filename="' in answer.headers["content-disposition"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    return book.get_sheet_by_index(0).to_python()


def test_what_is_asked_leads_to_its_page(site: Site) -> None:
    receipt = site.api.open_cycle(5)
    client = site.signed_in("operator")
    cycle = site.api.get(f"/v1/cycles/{SERIAL}/5", site.api.operator).json()["id"]
    expected = {
        f"{SERIAL}/5": f"/cycles/{cycle}",
        cycle: f"/cycles/{cycle}",
        SERIAL: f"/machines/{site.api.house.equipment.hex()}",
        "member": "/units/2",
        receipt["digest"]: f"/operations/{receipt['digest']}",
    }
    for text, path in expected.items():
        answer = client.get("/ask", params={"q": text})
        assert (answer.status_code, answer.headers.get("location")) == (303, path)
    assert "Nothing that you may read" in client.get("/ask", params={"q": "no such"}).text
    member = site.signed_in("member")
    for text in (f"{SERIAL}/5", cycle, SERIAL, receipt["digest"]):
        assert member.get("/ask", params={"q": text}).status_code == 200


def test_gaps_and_results_that_are_due_are_told(site: Site) -> None:
    for number in (3, 4, 9):
        site.api.open_cycle(number, biological_indicator=number == 4)
    client = site.signed_in("operator")
    page = client.get("/due").text
    assert "numbers 5 to 8 were never opened (4)" in page
    due = page[page.index("Biological results") : page.index("Results that did not pass")]
    assert re.findall(rf"{SERIAL} (\d+)</a>", due) == ["4"]
    site.api.record(
        "result-entry", site.api.operator, cycle=f"{SERIAL}/4", result="biological", word="fail"
    )
    page = client.get("/due").text
    bad = page[page.index("Results that did not pass") :]
    assert re.search(rf"{SERIAL} 4</a>", bad)
    assert "None is due." in page
