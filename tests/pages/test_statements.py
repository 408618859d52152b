"""Statements as people read them: sums, lines down to their events, and a unit's answers."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.pages.rendering import rendered
from api.pages.statements import _reader, _shown
from api.pages.words import Words
from ledger.domain.acts.words import Right
from ledger.domain.callers import Caller, Scope
from ledger.forms.all_forms import FORMS
from ledger.forms.sheets import Reader
from ledger.forms.words import Language
from ledger.steps.asking.accounts import RUNS_THE_INSTANCE
from ledger.steps.worker import _gateway
from ledger.storage import operations
from ledger.storage.engine.database import Database
from tests.house import CENTRE, MEMBER, build_house
from tests.pages.kit import Door, press, read
from tests.steps.november_group import Group, november_group

OF_2, GROUP = "/statements/2026-11/2", "/statements/2026-11/group"


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """November, published."""
    with november_group(tmp_path_factory.mktemp("group") / "home", "") as group:
        group.publish(group.compute())
        yield group


@pytest.fixture(scope="module")
def door(group: Group) -> Door:
    return Door.of(group.hospital.instance)


@pytest.fixture(scope="module")
def payer(group: Group, door: Door) -> TestClient:
    """Somebody of unit 2 who settles its account."""
    key = group.hospital.new_signer(2, Right.SETTLE)
    return door.enter("payer", 2, Scope.READ_UNIT, Scope.SETTLE, key=key)


@pytest.fixture(scope="module")
def payee(group: Group, door: Door) -> TestClient:
    key = group.hospital.new_signer(1, Right.SETTLE)
    return door.enter("payee", 1, Scope.READ_UNIT, Scope.SETTLE, key=key)


def test_a_statement_shows_its_sums_and_how_to_compute_them_anew(
    group: Group, payer: TestClient
) -> None:
    page = read(payer, OF_2)
    account = group.compute().account
    unit = next(each for each in account["units"] if each["unit"] == 2)
    assert f"{abs(unit['due']) / 100:,.2f} CNY" in page
    for name in ("brought_forward", "credits", "debits", "balance"):
        amount = f"{abs(unit[name]) / 100:,.2f}"
        assert f"<dd>{'-' if unit[name] < 0 else ''}{amount}</dd>" in page
    assert 'aria-label="' in page
    assert group.compute().hash.hex() in page
    assert "steriledger statement recompute" in page
    assert "Another account" not in page
    assert read(payer, "/statements").count("Your statement") == 1


def test_a_line_leads_to_its_events_and_no_further_than_a_reader_may_read(
    group: Group, payer: TestClient, payee: TestClient
) -> None:
    account = group.compute().account
    lines = next(each for each in account["units"] if each["unit"] == 2)["lines"]
    for number, place in enumerate(lines, start=1):
        page = read(payer, f"{OF_2}/lines/{number}")
        assert f"({account['lines'][place]['events']})" in page
    served = group.services[0].hex()
    (number,) = [n for n, p in enumerate(lines, 1) if account["lines"][p]["kind"] == 20]
    assert f"0x{served}" in read(payer, f"{OF_2}/lines/{number}")
    assert f"/operations/0x{served}" not in read(payer, f"{OF_2}/lines/{number}")
    assert f"/operations/0x{served}" in read(payee, f"{OF_2}/lines/{number}")
    assert "no such line" in read(payer, f"{OF_2}/lines/99", 404)


def test_every_form_is_taken_away(payer: TestClient, group: Group) -> None:
    for form in FORMS:
        answer = payer.get(f"{OF_2}/files/{form}?language=zh")
        assert answer.status_code == 200
        assert "attachment" in answer.headers["content-disposition"]
    assert payer.get(f"{GROUP}/files/json").content == group.compute().data
    read(payer, f"{GROUP}/files/word", 404)


def test_a_shared_thing_has_its_colour_and_name_and_a_missing_price_is_named(group: Group) -> None:
    computed, thing = group.compute(), "0x" + "aa" * 32
    row = {"name": "sharing", "of": thing, "numerator": 1, "denominator": 4, "basis_points": 2500,
           "sources": ["Service"], "colour": "yellow"}  # fmt: skip
    lines = [{**each, "is_priced": False, "price": None} for each in computed.account["lines"]]
    changed = replace(
        computed,
        indicators={**computed.indicators, "indicators": [row]},
        account={**computed.account, "lines": lines},
    )
    reader = Reader(
        language=Language.ENGLISH, names={1: "U1", 2: "U2", 3: "U3"}, things={thing: "Doppler"}
    )
    shown = {**_shown(changed, reader), "publication": "", "contested": {}}
    page = rendered("account_sheets.html", Words("en", "UTC"), **shown)
    assert 'class="mark warn">yellow' in page
    assert "Doppler" in page
    page = rendered("account_sums.html", Words("en", "UTC"), **shown)
    assert "The terms have no price for" in page
    assert "line 2: ultrasound (no price in the terms)" in page


def test_an_asset_is_named_to_whom_knows_of_it(database: Database, tmp_path: Path) -> None:
    house = build_house(database, tmp_path)
    house.say("AssetRegistration", unit=CENTRE, name="Probe", code="P-1", kind="loaner_set")
    computed: Any = SimpleNamespace(account={"units": [{"unit": CENTRE}, {"unit": MEMBER}]})
    with database.reading() as tx:
        for unit in (CENTRE, MEMBER):
            caller = Caller(person="Payer", unit=unit, scopes=frozenset({Scope.READ_UNIT}))
            asking: Any = SimpleNamespace(caller=caller, words=Words("en", "UTC"))
            named = _reader(asking, tx, computed).things.values()
            assert ("Probe" in named) is (unit == CENTRE)


def test_what_is_not_published_and_who_is_in_no_account_are_not_found(payer: TestClient) -> None:
    assert "is not published" in read(payer, "/statements/2026-10/2", 404)
    assert "is in no account" in read(payer, "/statements/2026-11/77", 404)


def test_a_unit_contests_a_line_and_the_other_side_says_what_became_of_it(
    group: Group, payer: TestClient, payee: TestClient
) -> None:
    with pytest.raises(AssertionError, match="names none"):
        press(payer, read(payer, OF_2), "Contest", reason="never came")
    assert ">acknowledged<" not in read(payer, OF_2), "who contests acknowledges nothing by mistake"
    where = press(payer, read(payer, OF_2), "Contest", lines=["1"], reason="never came")
    assert where.startswith(OF_2)
    _settle(group)
    page = read(payer, OF_2)
    assert "disputed</span>" in page.lower()
    assert "its lines 1" in page
    assert "U2 contests of its statement of 2026-11: line 1" in read(payee, "/inbox")
    assert "Your statement of 2026-11" not in read(payer, "/inbox")
    page = read(payee, GROUP)
    start = page.index("/acts/resolution?answer=")
    link = page[start : page.index('"', start)]
    answer = link.partition("answer=")[2].partition("&")[0]
    told = {"answer": answer, "outcome": "settled", "amount": "0"}
    assert press(payee, read(payee, link), "Sign and record", link, **told)
    _settle(group)
    assert "settled" in read(payee, GROUP)
    assert "contests of" not in read(payee, "/inbox")
    assert 'mark warn">Disputed' not in read(payer, OF_2)


def test_a_payment_counts_when_both_have_said_so(
    group: Group, payer: TestClient, payee: TestClient
) -> None:
    press(payer, read(payer, OF_2), "We paid it")
    _settle(group)
    assert "paid, not confirmed" in read(payer, OF_2)
    assert "We paid it" not in read(payer, OF_2)
    assert "50.83 CNY" in read(payee, "/inbox")
    press(payee, read(payee, "/inbox"), "We received it")
    _settle(group)
    assert "confirmed by both" in read(payer, OF_2)


def test_the_authority_sees_an_account_before_it_publishes_it(group: Group, door: Door) -> None:
    authority = door.enter("authority", None, *RUNS_THE_INSTANCE)
    hospital = group.hospital
    with hospital.instance.database.reading() as tx:
        before = len(operations.list_latest_operations(tx, kind="Publication"))
    with _gateway(hospital.instance, hospital.link):
        page = read(authority, "/statements/publish")
        token = re.search(r'name="form" value="([0-9a-f]+)"', page)
        assert token
        seen = authority.post("/statements/publish", data={"form": token[1], "period": "2026-11"})
        assert seen.status_code == 200
        assert group.compute().hash.hex() in seen.text
        early = authority.post("/statements/publish", data={"form": token[1], "period": "2027-01"})
        assert "is not closed" in early.text
        where = press(authority, html.unescape(seen.text), "Publish it", "/statements/publish")
    assert where.startswith(f"{GROUP}?done=0x")
    with hospital.instance.database.reading() as tx:
        after = operations.list_latest_operations(tx, kind="Publication")
    assert len(after) == before + 1
    payer = door.enter("another", 2, Scope.READ_UNIT)
    assert "Publish" not in read(payer, "/statements")
    read(payer, "/statements/publish", 404)


def _settle(group: Group) -> None:
    # the lease of the writer before has run out
    group.clock.advance(minutes=11)
    group.hospital.settle(group.hospital.writer())
