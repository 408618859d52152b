"""The month of the scenario, to the fen."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.statement.account import Closing, account_bytes, account_of
from ledger.domain.statement.agreement import Group
from ledger.domain.statement.lines import What
from ledger.domain.statement.periods import Period
from tests.domain.statement.november import DRONE, LEAD, M1, M2, M3, M4, M5, november

NOVEMBER = Period(2026, 11)
CLOSING = Closing(block=999, hash=b"\1" * 32, time=1_796_054_400)

#: unit: sterilisation, transport, net, as scenario.md has them
EXPECTED = {
    M1: (-12_600, -4_000, -16_600),
    M2: (-14_700, -2_000, -16_700),
    M3: (-12_600, -2_000, -14_600),
    M4: (-25_200, -7_500, -32_700),
    M5: (-5_600, -2_000, -7_600),
    LEAD: (70_700, 10_000 - 292_500, -211_800),
    DRONE: (0, 300_000, 300_000),
    7: (0, 0, 0),
    8: (0, 0, 0),
    9: (0, 0, 0),
}


@pytest.fixture(scope="module")
def account() -> dict[str, Any]:
    chain, terms = november()
    books = chain.books(terms)
    books.close_until(NOVEMBER)
    return account_of(books, NOVEMBER, CLOSING, deployment=b"\2" * 32)


def seen(account: dict[str, Any], unit: int, group: Group) -> int:
    """What a unit is owed for a group of lines."""
    own = [line for line in account["lines"] if line["group"] == group]
    return sum(
        line["amount"] * ((line["provider"] == unit) - (line["consumer"] == unit)) for line in own
    )


@pytest.mark.parametrize("unit", EXPECTED)
def test_each_unit_has_the_account_of_the_scenario(account: dict[str, Any], unit: int) -> None:
    sterilisation, transport, net = EXPECTED[unit]
    (own,) = [each for each in account["units"] if each["unit"] == unit]
    assert seen(account, unit, Group.STERILISATION) == sterilisation
    assert seen(account, unit, Group.TRANSPORT) == transport
    assert (own["net"], own["balance"], own["due"]) == (net, net, net)
    assert own["ageing"] == [net, 0, 0, 0, 0]


def test_the_net_positions_add_to_zero(account: dict[str, Any]) -> None:
    assert sum(each["net"] for each in account["units"]) == 0
    assert len(account["units"]) == 10


def test_a_recall_changes_money_and_never_the_work_done(account: dict[str, Any]) -> None:
    own = [line for line in account["lines"] if line["group"] == Group.STERILISATION]
    assert sum(line["done"] for line in own) == 91
    assert sum(line["recalled"] for line in own) == 44
    assert sum(line["quantity"] for line in own) == 91 - 44


def test_a_saving_is_what_the_market_asks_more(account: dict[str, Any]) -> None:
    (own,) = [each for each in account["units"] if each["unit"] == M1]
    assert own["saving"] == 5_400


def test_a_months_fee_is_shared_by_the_trips_that_somebody_pays(account: dict[str, Any]) -> None:
    (fee,) = account["fees"]
    assert (fee["charged_trips"], fee["uncharged_trips"]) == (80, 1)
    assert (fee["due"], fee["each"], fee["unused"]) == (300_000, 3_750, 0)
    assert not [line for line in account["lines"] if line["what"] == What.UNUSED_CAPACITY]


def test_the_same_events_make_the_same_bytes(account: dict[str, Any]) -> None:
    chain, terms = november()
    books = chain.books(terms)
    books.close_until(NOVEMBER)
    again = account_of(books, NOVEMBER, CLOSING, deployment=b"\2" * 32)
    assert account_bytes(again) == account_bytes(account)
