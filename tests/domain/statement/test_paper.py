"""The months of the source paper, computed; its own figures stand beside ours.

The paper has one lead hospital and eight units, 2,000 and then 6,500 instruments a day at 70 % of
the market's price, a drone with a fixed fee flown 4 and then 20 times a day, a load rate that rose
from 38 to 85 %, and a shared asset below 30 % for two quarters.  It says that a flight fell from
180 to 42 yuan and calls that 60 %, which contradict each other: a fee that makes 180 of four
flights a day makes 36 of twenty.
"""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.acts.comment import Stance
from ledger.domain.acts.words import Purpose
from ledger.domain.statement.account import Closing, account_of
from ledger.domain.statement.agreement import Agreement
from ledger.domain.statement.indicators import Colour, colour_of, indicators_of
from ledger.domain.statement.periods import Period
from ledger.domain.statement.work import Work
from tests.domain.statement.chains import Chain, agreement, name

LEAD, UNITS, DRONE = 1, range(2, 10), 10
MACHINE = name("sterilizers of the centre")
BEFORE, AFTER = Period(2026, 6), Period(2026, 9)
#: a flight of 180 yuan, four times on each of thirty days
FEE = 18_000 * 4 * 30 * 12
DAYS = 30


def terms(seed: str, capacity: int, holds_from: str) -> Agreement:
    """The paper's price: 70 of 100; what the machines can process in a month."""
    return agreement(
        seed,
        holds_from=holds_from,
        prices={
            "packages": [
                {"class": 1, "name": {"en": "instrument"}, "internal": 70, "market": 100},
            ],
            "trips": [{"carrier": DRONE, "yearly_fee": FEE, "cap": 50_000, "holder": LEAD}],
            "capacities": [{"machine": MACHINE.hex(), "packages_a_month": capacity}],
        },
    )


def a_month(chain: Chain, period: Period, instruments: int, flights: int) -> None:
    """So many instruments and flights on each of thirty days, and the ultrasound's use."""
    for day in range(1, DAYS + 1):
        chain.at(f"{period}-{day:02d} 09:00")
        cycle = f"{period} {day}"
        part, rest = divmod(instruments, len(UNITS))
        shares = [(unit, unit, 1, part + (unit - 2 < rest)) for unit in UNITS]
        chain.add("CycleOpening", LEAD, name(cycle), {"equipment": MACHINE})
        totals = [{"packageClass": 1, "quantity": instruments}]
        chain.add("LoadDeclaration", LEAD, name(cycle), {"totals": totals})
        chain.release(cycle, *shares)
        for flight in range(flights):
            box = chain.dispatch(f"{cycle} {flight}", LEAD, 2 + flight % 8, Purpose.CLEAN)
            chain.carry(box, DRONE, f"{cycle} flight {flight}")
            chain.keep(box, 2 + flight % 8)
    chain.serve(LEAD, LEAD, 20, 800, subject=name("ultrasound"))
    chain.comment(3, chain.serve(LEAD, 3, 20, 200, subject=name("ultrasound")), Stance.AGREES)


@pytest.fixture(scope="module")
def paper() -> dict[Period, dict[str, Any]]:
    """Account and indicators of a month before and one after."""
    versions = (
        terms("before", 157_895, "2026-01-01T00:00:00+08:00"),
        terms("after", 229_412, "2026-09-01T00:00:00+08:00"),
    )
    chain = Chain()
    chain.at("2026-06-01 00:00").admit(LEAD, *UNITS, DRONE)
    for each in versions:
        chain.terms(each)
    a_month(chain, BEFORE, 2_000, 4)
    a_month(chain, AFTER, 6_500, 20)
    books = chain.books(*versions)
    work = Work(8 * 3600, lambda _carrier, _moment: None, books.counts)
    for entry in chain.entries:
        work.read(entry)
    found = {}
    for period in (BEFORE, AFTER):
        month = books.close_until(period)
        closing = Closing(block=1, hash=b"\1" * 32, time=0)
        account = account_of(books, period, closing, deployment=b"\2" * 32)
        indicators = indicators_of(month, books.terms_of(period), work.months)
        found[period] = {"account": account, "indicators": indicators}
    return found


def test_the_price_of_a_flight_falls_as_more_share_the_fee(paper: dict[Period, Any]) -> None:
    fees = [paper[period]["account"]["fees"][0] for period in (BEFORE, AFTER)]
    assert [(fee["charged_trips"], fee["each"]) for fee in fees] == [(120, 18_000), (600, 3_600)]


def test_a_unit_saves_three_tenths_of_the_market_s_price(paper: dict[Period, Any]) -> None:
    for period, instruments in ((BEFORE, 250), (AFTER, 813)):
        unit = next(u for u in paper[period]["account"]["units"] if u["unit"] == 5)
        assert unit["saving"] == 30 * instruments * DAYS


def test_the_load_rate_rises_from_38_to_85_percent(paper: dict[Period, Any]) -> None:
    rates = [
        row["basis_points"]
        for period in (BEFORE, AFTER)
        for row in paper[period]["indicators"]["indicators"]
        if row["name"] == "load"
    ]
    assert rates == [3_800, 8_500]


def test_an_asset_below_30_percent_for_two_quarters_is_yellow(paper: dict[Period, Any]) -> None:
    (row,) = [r for r in paper[AFTER]["indicators"]["indicators"] if r["name"] == "sharing"]
    assert (row["basis_points"], row["colour"]) == (2_000, Colour.YELLOW.value)
    (first,) = [r for r in paper[BEFORE]["indicators"]["indicators"] if r["name"] == "sharing"]
    assert first["colour"] == Colour.GREEN.value


def test_half_a_year_more_below_it_is_red_and_a_good_quarter_ends_it() -> None:
    version = agreement()
    low, high = (29, 100), (30, 100)
    assert colour_of([high, low], version) is Colour.GREEN
    assert colour_of([low, low], version) is Colour.YELLOW
    assert colour_of([low, low, low], version) is Colour.YELLOW
    assert colour_of([low, low, low, low], version) is Colour.RED
    assert colour_of([low, low, low, high], version) is Colour.GREEN


def test_the_review_has_its_three_dimensions_and_says_what_nobody_entered(
    paper: dict[Period, Any],
) -> None:
    review = paper[AFTER]["indicators"]["review"]
    assert {row["dimension"] for row in review} == {"economy", "efficiency", "benefit"}
    missing = {row["indicator"] for row in review if not row["is_recorded"]}
    assert missing == {"response_time", "availability", "satisfaction", "research", "on_time"}
    assert {r["definition"] for r in review if r["indicator"] == "satisfaction"} == {
        "defined by the group"
    }
    for row in paper[AFTER]["indicators"]["indicators"]:
        assert row["sources"], row
        assert row["denominator"] > 0
