"""The terms as people read them: versions, differences, prices; published once they were seen."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.pages.terms import differences
from ledger.domain.callers import Scope
from ledger.steps.answering.published_terms import list_versions
from ledger.steps.asking.accounts import RUNS_THE_INSTANCE
from ledger.storage.engine.database import Database
from tests.domain.statement.chains import document
from tests.house import MEMBER, House, build_house
from tests.pages.kit import Door, press, read


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return build_house(database, tmp_path)


@pytest.fixture
def authority(house: House) -> TestClient:
    return Door.of(house.instance).enter("authority", None, *RUNS_THE_INSTANCE)


def bring(client: TestClient, house: House, number: int, days: int, **changes: object) -> str:
    """The page that says what a document would change."""
    told = document(version=number, **changes)
    token = re.search(r'name="form" value="([0-9a-f]+)"', client.get("/terms").text)
    assert token
    answer = client.post(
        "/terms",
        data={
            "form": token[1],
            "version_number": str(number),
            "holds_from": (house.clock() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M"),
        },
        files={"file": ("terms.json", json.dumps(told).encode(), "application/json")},
    )
    return html.unescape(answer.text)


def test_a_version_is_published_after_what_it_changes_was_seen(
    house: House, authority: TestClient
) -> None:
    page = read(authority, "/terms")
    assert "What holds until the authority publishes something else." in page
    assert "No prices" in page
    page = bring(authority, house, 1, 1)
    assert "<code>prices.packages.1.internal</code>" in page
    with house.instance.database.reading() as tx:
        assert list_versions(tx) == []
    text = re.search(r'<textarea name="document" hidden>(.*?)</textarea>', page, re.DOTALL)
    assert text
    press(authority, page, "Publish it", "/terms", document=text[1])
    member = Door.of(house.instance).enter("member", MEMBER, Scope.READ_UNIT)
    page = read(member, "/terms?version=1")
    assert "B2" in page
    assert "21.00" in page
    assert "Publish a version" not in page
    house.clock.advance(minutes=5)
    page = bring(authority, house, 2, 9, settlement={"contest_days": 20})
    assert "<code>prices.settlement.contest_days</code>" in page
    assert "no version 7" in read(member, "/terms?version=7", 404)


def test_a_version_that_overlaps_or_is_not_whole_is_refused_and_nothing_stored(
    house: House, authority: TestClient
) -> None:
    page = bring(authority, house, 1, 3)
    text = re.search(r'<textarea name="document" hidden>(.*?)</textarea>', page, re.DOTALL)
    assert text
    press(authority, page, "Publish it", "/terms", document=text[1])
    with house.nothing_stored():
        assert "does not follow" in bring(authority, house, 1, 9)
        assert "not earlier" in bring(authority, house, 2, 3)
        assert "is missing" in bring(authority, house, 2, 9, prices={"currency": None})


def test_two_documents_differ_where_they_differ() -> None:
    before = {"a": {"b": 1, "c": [1, {"d": 2}]}, "e": "x"}
    after = {"a": {"b": 1, "c": [1, {"d": 3}, 4]}, "f": 0}
    assert set(differences(before, after)) == {
        ("a.c.2.d", 2, 3),
        ("a.c.3", None, 4),
        ("e", "x", None),
        ("f", None, 0),
    }
    assert list(differences(before, before)) == []
    assert set(differences(None, before)) == {
        ("a.b", None, 1), ("a.c.1", None, 1), ("a.c.2.d", None, 2), ("e", None, "x"),
    }  # fmt: skip
    assert list(differences({"a": [1]}, {"a": {"1": 1}})) == []
    assert list(differences({"a": {"b": 1}}, {"a": "b"})) == [("a", {"b": 1}, "b")]
