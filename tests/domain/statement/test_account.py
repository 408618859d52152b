"""What an account says of prices, lateness, corrections, fees, contests and payments."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.acts.comment import Stance
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.payment import PaymentSide
from ledger.domain.acts.resolution import ContestOutcome
from ledger.domain.acts.words import Purpose
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.statement.account import Closing, account_bytes, account_of
from ledger.domain.statement.agreement import Agreement, parse_agreement
from ledger.domain.statement.books import Books
from ledger.domain.statement.periods import Period
from ledger.domain.statement.work import Work
from tests.domain.statement.chains import Chain, agreement, document, moment, name, packed

NOVEMBER, DECEMBER, JANUARY = (Period(2026, 11).plus(n) for n in range(3))
CLOSING = Closing(block=9, hash=b"\1" * 32, time=1_800_000_000)
V1 = agreement("v1")


@pytest.fixture
def chain() -> Chain:
    """Four units and a drone firm, with terms."""
    chain = Chain()
    chain.at("2026-11-01 00:00").admit(1, 2, 3, 4, 10)
    chain.terms(V1)
    return chain


def account(chain: Chain, period: Period, *versions: Agreement) -> dict[str, Any]:
    books = chain.books(*(versions or (V1,)))
    books.close_until(period)
    return account_of(books, period, CLOSING, deployment=b"\2" * 32)


def unit(found: dict[str, Any], number: int) -> dict[str, Any]:
    return next(each for each in found["units"] if each["unit"] == number)


def lines(found: dict[str, Any], group: str) -> list[dict[str, Any]]:
    return [each for each in found["lines"] if each["group"] == group]


# ---------------------------------------------------------------- prices


def test_a_price_holds_from_the_later_of_its_date_and_its_block(chain: Chain) -> None:
    cheaper = agreement(
        "v2",
        prices={"services": [{"kind": 30, "class": 1, "internal": 1}]},
        holds_from="2026-11-10T00:00:00+08:00",
    )
    chain.at("2026-11-09 00:00").terms(cheaper)
    chain.at("2026-11-09 23:59").serve(1, 2, 30, 1, service_class=1)
    chain.at("2026-11-10 00:00").serve(1, 2, 30, 1, service_class=1)
    amounts = [each["amount"] for each in lines(account(chain, NOVEMBER, V1, cheaper), "training")]
    assert amounts == [15_000, 1]


def test_of_two_price_lists_for_one_day_the_later_one_counts(chain: Chain) -> None:
    day = "2026-11-05T00:00:00+08:00"
    lists = [
        agreement(
            f"v{price}",
            prices={"services": [{"kind": 30, "class": 1, "internal": price}]},
            holds_from=day,
        )
        for price in (7, 8)
    ]
    for each in lists:
        chain.terms(each)
    chain.at("2026-11-06 00:00").serve(1, 2, 30, 1, service_class=1)
    (line,) = lines(account(chain, NOVEMBER, V1, *lists), "training")
    assert (line["amount"], line["version"]) == (8, 3)


def test_a_cycle_keeps_the_price_of_its_first_release(chain: Chain) -> None:
    dearer = agreement(
        "v2",
        prices={"packages": [{"class": 2, "name": {"en": "B2"}, "internal": 9_999}]},
        holds_from="2026-11-10T00:00:00+08:00",
    )
    chain.at("2026-11-02 00:00").release("one", (2, 2, 2, 5))
    chain.terms(dearer)
    chain.at("2026-12-02 00:00").decide("one", DecisionKind.CORRECT, (2, 2, 2, 1))
    found = account(chain, DECEMBER, V1, dearer)
    (line,) = lines(found, "sterilisation")
    assert (line["amount"], line["of"], line["is_adjustment"]) == (2_100, "2026-11", True)


def test_what_has_no_price_is_counted_and_said_to_have_none(chain: Chain) -> None:
    chain.at("2026-11-02 00:00").release("one", (2, 2, 77, 5))
    chain.serve(1, 2, 555, 3)
    found = account(chain, NOVEMBER)
    told = [(each["quantity"], each["amount"], each["is_priced"]) for each in found["lines"]]
    assert (5, 0, False) in told
    assert (3, 0, False) in told
    assert unit(found, 2)["net"] == 0


def test_without_terms_there_is_no_account() -> None:
    chain = Chain()
    chain.at("2026-11-01 00:00").admit(1)
    books = chain.books(V1)
    books.close_until(NOVEMBER)
    with pytest.raises(NotFound, match="no terms hold"):
        account_of(books, NOVEMBER, CLOSING, deployment=b"\2" * 32)


def test_every_published_version_is_needed(chain: Chain) -> None:
    other = agreement("v2")
    chain.at("2026-11-02 00:00").terms(other)
    with pytest.raises(NotFound, match="were not given"):
        chain.books(V1)


def test_the_smallest_and_the_largest_quantity_are_charged_to_the_fen(chain: Chain) -> None:
    chain.at("2026-11-02 00:00").comment(2, chain.serve(1, 2, 20, 1), Stance.AGREES)
    assert lines(account(chain, NOVEMBER), "equipment")[0]["amount"] == 83
    chain.comment(3, chain.serve(1, 3, 20, 10**9), Stance.AGREES)
    found = account(chain, NOVEMBER)
    assert lines(found, "equipment")[1]["amount"] == 83_333_333_333


def test_what_nobody_can_mean_keeps_no_account_from_being_written(chain: Chain) -> None:
    chain.at("2026-11-02 00:00").serve(1, 2, 20, 2**47 - 1)
    chain.serve(1, 2, 555, 2**47 - 1)
    chain.serve(1, 2, 30, 10**9, service_class=1)
    chain.pay(1, b"\1" * 32, PaymentSide.PAID, 2, 2**63 - 1)
    found = account(chain, NOVEMBER)
    assert account_bytes(found)
    assert unit(found, 2)["net"] == 0
    why = [each["why"] for each in found["left_out"]]
    assert why == ["too_large_to_be_meant"] * 3 + ["is_no_payment"]


# ---------------------------------------------------------------- months


def test_an_event_belongs_to_the_month_of_its_block_by_the_group_s_clock(chain: Chain) -> None:
    chain.at("2026-11-30 23:59").serve(1, 2, 30, 1, service_class=1)
    chain.now += 59
    chain.serve(1, 3, 30, 1, service_class=1)
    chain.now += 1
    chain.serve(1, 4, 30, 1, service_class=1)
    assert [line["consumer"] for line in lines(account(chain, NOVEMBER), "training")] == [2, 3]
    assert [line["consumer"] for line in lines(account(chain, DECEMBER), "training")] == [4]


def test_what_comes_late_is_an_adjustment_that_names_its_month(chain: Chain) -> None:
    first = account(chain, NOVEMBER)
    chain.at("2026-12-01 09:00")
    publication = chain.publish(NOVEMBER, sha256(account_bytes(first)))
    chain.serve(1, 2, 30, 2, service_class=1, happened_at=moment("2026-11-20 08:00"))
    (line,) = lines(account(chain, DECEMBER), "training")
    assert (line["of"], line["is_adjustment"]) == ("2026-11", True)
    assert line["original"] == "0x" + publication.hex()
    assert account(chain, NOVEMBER) == first


def test_a_month_before_the_first_event_has_no_account(chain: Chain) -> None:
    books = chain.books(V1)
    with pytest.raises(InvalidInput, match="no event"):
        books.close_until(Period(2026, 10))


def test_a_unit_that_is_closed_keeps_its_account(chain: Chain) -> None:
    chain.at("2026-11-02 00:00").serve(1, 2, 30, 1, service_class=1)
    chain.at("2026-11-10 00:00").add("UnitClosure", 2, (2).to_bytes(32, "big"), {})
    december = account(chain, DECEMBER)
    assert (unit(december, 2)["is_closed"], unit(december, 2)["balance"]) == (True, -15_000)


# ---------------------------------------------------------------- corrections


def test_corrections_come_to_exactly_what_was_charged_whatever_is_rounded(chain: Chain) -> None:
    service = chain.at("2026-11-02 00:00").serve(1, 2, 20, 100)
    chain.comment(2, service, Stance.AGREES)
    for month in range(3):
        chain.at(f"{DECEMBER.plus(month)}-05 00:00")
        chain.serve(1, 2, 20, -33 if month else -34, corrects=service)
    books = chain.books(V1)
    last = books.close_until(DECEMBER.plus(2))
    (other,) = [each for each in last.units if each.unit == 2]
    assert (other.balance, other.ageing) == (0, (0, 0, 0, 0, 0))


def test_a_service_that_nobody_confirmed_is_in_no_line_until_its_consumer_agrees(
    chain: Chain,
) -> None:
    scope = chain.at("2026-11-02 00:00").register(1, "ultrasound 1")
    service = chain.serve(1, 2, 20, 60, subject=scope)
    found = account(chain, NOVEMBER)
    assert lines(found, "equipment") == []
    (left_out,) = found["left_out"]
    assert (left_out["why"], left_out["consumer"]) == ("not_confirmed_by_the_consumer", 2)
    chain.at("2026-12-02 00:00").comment(3, service, Stance.AGREES)
    chain.comment(2, service, Stance.AGREES)
    chain.comment(2, service, Stance.AGREES)
    again = chain.serve(1, 2, 20, 60, subject=scope)
    waiting = chain.serve(1, 2, 20, 60, subject=scope)
    chain.comment(2, again, Stance.AGREES)
    december = account(chain, DECEMBER)
    assert [(each["amount"], each["of"]) for each in lines(december, "equipment")] == [
        (5_000, "2026-11"), (5_000, "2026-12"),
    ]  # fmt: skip
    # what was confirmed within the month is in a line, and not beside it
    assert [each["digest"] for each in december["left_out"]] == ["0x" + waiting.hex()]


def test_who_takes_its_word_back_confirms_nothing(chain: Chain) -> None:
    service = chain.at("2026-11-02 00:00").serve(1, 2, 20, 60)
    agreed = chain.comment(2, service, Stance.AGREES)
    assert lines(account(chain, NOVEMBER), "equipment")[0]["amount"] == 5_000
    chain.witness("Comment", 2, service, packed(Stance.WITHDRAWN), replaces=agreed)
    assert sum(each["amount"] for each in lines(account(chain, NOVEMBER), "equipment")) == 0


def test_what_nobody_confirmed_is_no_shared_use(chain: Chain) -> None:
    scope = chain.at("2026-11-02 00:00").register(1, "scope")
    service = chain.serve(1, 2, 20, 60, subject=scope)

    def shared() -> int:
        books = chain.books(V1)
        work = Work(books.offset, books.seconds_within, books.counts)
        for entry in chain.entries:
            work.read(entry)
        return work.months[NOVEMBER].shared_use[scope]

    assert shared() == 0
    chain.comment(2, service, Stance.AGREES)
    assert shared() == 60


def test_trips_that_began_under_a_fee_pay_it_though_another_price_came_within_the_month(
    chain: Chain,
) -> None:
    priced = agreement(
        "v2",
        prices={"trips": [{"carrier": 10, "per_trip": 700}]},
        holds_from="2026-11-20T00:00:00+08:00",
    )
    chain.at("2026-11-02 00:00").carry(chain.dispatch("A", 1, 2, Purpose.CLEAN), 10, "T1")
    chain.terms(priced)
    chain.at("2026-11-21 00:00").carry(chain.dispatch("B", 1, 2, Purpose.CLEAN), 10, "T2")
    found = account(chain, NOVEMBER, V1, priced)
    assert [each["amount"] for each in lines(found, "transport")] == [280_000, 20_000, 700]
    (fee,) = found["fees"]
    assert (fee["due"], fee["charged_trips"], fee["unused"]) == (300_000, 1, 280_000)


def test_a_shared_thing_that_the_consumer_had_then_needs_no_word(chain: Chain) -> None:
    scope = chain.at("2026-11-02 00:00").register(1, "ultrasound 1")
    box = chain.dispatch("L1", 1, 2, Purpose.LOAN, scope)
    chain.at("2026-11-03 00:00").keep(box, 2)
    chain.at("2026-11-09 00:00")
    chain.serve(1, 2, 20, 60, subject=scope, happened_at=moment("2026-11-04 00:00"))
    chain.serve(1, 2, 20, 60, subject=scope, happened_at=moment("2026-11-02 12:00"))
    found = account(chain, NOVEMBER)
    assert [each["quantity"] for each in lines(found, "equipment")] == [60]
    assert len(found["left_out"]) == 1


# ---------------------------------------------------------------- trips and fees


def test_what_is_left_of_a_fee_is_the_holder_s_unused_capacity(chain: Chain) -> None:
    for flight in range(2):
        box = chain.dispatch(f"S{flight}", 1, 2, Purpose.CLEAN)
        chain.carry(box, 10, f"F{flight}")
    found = account(chain, NOVEMBER)
    (fee,) = found["fees"]
    assert (fee["each"], fee["unused"]) == (20_000, 260_000)
    assert (unit(found, 2)["net"], unit(found, 1)["net"]) == (-40_000, -260_000)
    assert unit(found, 10)["net"] == 300_000


def test_a_shared_trip_costs_each_an_equal_part_and_the_first_the_remainder(chain: Chain) -> None:
    odd = agreement("v2", prices={"trips": [{"carrier": 1, "per_trip": 100}]})
    chain.terms(odd)
    for receiver in (2, 3, 4):
        box = chain.dispatch(f"S{receiver}", 10, receiver, Purpose.CLEAN)
        chain.carry(box, 1, "tour")
    found = account(chain, NOVEMBER, V1, odd)
    assert [unit(found, n)["net"] for n in (2, 3, 4)] == [-34, -33, -33]


def test_a_consignment_that_joins_a_charged_trip_late_makes_it_cheaper_for_the_others(
    chain: Chain,
) -> None:
    first = chain.dispatch("S1", 10, 2, Purpose.CLEAN)
    chain.carry(first, 1, "tour")
    chain.at("2026-12-02 00:00")
    second = chain.dispatch("S2", 10, 3, Purpose.CLEAN)
    chain.carry(second, 1, "tour")
    november, december = account(chain, NOVEMBER), account(chain, DECEMBER)
    assert unit(november, 2)["net"] == -12_000
    assert (unit(december, 2)["net"], unit(december, 3)["net"]) == (6_000, -6_000)


def test_a_diversion_that_is_told_late_is_borne_by_the_fee_s_holder(chain: Chain) -> None:
    box = chain.dispatch("S1", 1, 2, Purpose.CLEAN)
    chain.carry(box, 10, "F1")
    chain.at("2026-12-02 00:00").divert(box, 10)
    december = account(chain, DECEMBER)
    assert (unit(december, 2)["net"], unit(december, 2)["balance"]) == (20_000, 0)
    assert unit(december, 10)["net"] == 300_000


# ---------------------------------------------------------------- contests and payments


def published(chain: Chain) -> bytes:
    """November with one service to unit 2, published on 1 December."""
    chain.at("2026-11-02 00:00").serve(1, 2, 30, 2, service_class=1)
    found = account(chain, NOVEMBER)
    return chain.at("2026-12-01 09:00").publish(NOVEMBER, sha256(account_bytes(found)))


def test_a_contested_line_is_disputed_and_not_due_until_the_other_side_resolves_it(
    chain: Chain,
) -> None:
    publication = published(chain)
    chain.at("2026-12-03 00:00").answer(2, publication)
    answer = chain.at("2026-12-04 00:00").answer(2, publication, 1)
    december = account(chain, DECEMBER)
    own = unit(december, 2)
    assert (own["balance"], own["disputed"], own["due"]) == (-30_000, -30_000, 0)
    assert sum(each["disputed"] for each in december["units"]) == 0
    assert december["contests"][0]["open_lines"] == [1]
    chain.at("2027-01-05 00:00")
    chain.resolve(4, answer, ContestOutcome.UPHELD, 30_000)
    upheld = chain.resolve(1, answer, ContestOutcome.UPHELD, 10_000)
    chain.serve(1, 2, 99, 10_000, subject=upheld)
    chain.serve(2, 1, 99, 10_001, subject=upheld)
    chain.serve(2, 1, 99, 10_000, subject=upheld)
    chain.serve(2, 1, 99, 1, subject=upheld)
    january = account(chain, JANUARY)
    own = unit(january, 2)
    assert (own["balance"], own["disputed"], own["due"]) == (-20_000, 0, -20_000)
    why = [each["why"] for each in january["left_out"]]
    beyond = "more_than_the_resolution_gives"
    assert why == ["a_third_party", "gives_this_unit_nothing", beyond, beyond]
    (credit,) = lines(january, "resolution")
    assert (credit["of"], credit["original"]) == ("2026-11", "0x" + publication.hex())


def test_who_acknowledges_after_a_resolution_is_still_given_back(chain: Chain) -> None:
    publication = published(chain)
    answer = chain.answer(2, publication, 1)
    upheld = chain.resolve(1, answer, ContestOutcome.UPHELD, 10_000)
    chain.at("2026-12-05 00:00").answer(2, publication)
    chain.serve(2, 1, 99, 10_000, subject=upheld)
    own = unit(account(chain, DECEMBER), 2)
    assert (own["balance"], own["disputed"]) == (-20_000, 0)


def test_a_contest_that_comes_after_the_agreed_days_is_told_and_the_line_stays_due(
    chain: Chain,
) -> None:
    publication = published(chain)
    chain.at("2026-12-20 00:00").answer(2, publication, 1)
    december = account(chain, DECEMBER)
    assert unit(december, 2)["due"] == -30_000
    assert december["contests"][0]["is_late"] is True


def test_neither_side_ends_a_dispute_by_speaking_for_the_other(chain: Chain) -> None:
    publication = published(chain)
    answer = chain.answer(2, publication, 1)
    chain.resolve(1, answer, ContestOutcome.WITHDRAWN)
    chain.resolve(1, answer, ContestOutcome.SETTLED)
    assert unit(account(chain, DECEMBER), 2)["due"] == 0
    chain.resolve(2, answer, ContestOutcome.SETTLED)
    assert unit(account(chain, DECEMBER), 2)["due"] == -30_000


def test_who_contested_withdraws_alone(chain: Chain) -> None:
    answer = chain.answer(2, published(chain), 1)
    chain.resolve(2, answer, ContestOutcome.WITHDRAWN)
    assert unit(account(chain, DECEMBER), 2)["due"] == -30_000


def two_lines(chain: Chain) -> bytes:
    chain.at("2026-11-02 00:00").serve(1, 2, 30, 2, service_class=1)
    chain.comment(2, chain.serve(1, 2, 20, 60), Stance.AGREES)
    found = account(chain, NOVEMBER)
    return chain.at("2026-12-01 09:00").publish(NOVEMBER, sha256(account_bytes(found)))


def test_a_contest_that_is_narrowed_late_was_still_made_in_time(chain: Chain) -> None:
    publication = two_lines(chain)
    chain.at("2026-12-04 00:00").answer(2, publication, 1, 2)
    chain.at("2026-12-20 00:00").answer(2, publication, 2)
    (contest,) = account(chain, DECEMBER)["contests"]
    assert (contest["open_lines"], contest["is_late"]) == ([2], False)


def test_an_answer_again_reopens_no_line_that_was_resolved(chain: Chain) -> None:
    publication = two_lines(chain)
    first = chain.at("2026-12-04 00:00").answer(2, publication, 1)
    chain.resolve(1, first, ContestOutcome.UPHELD, 100)
    chain.at("2026-12-06 00:00").answer(2, publication, 1, 2)
    assert account(chain, DECEMBER)["contests"][0]["open_lines"] == [2]


def test_a_line_that_both_sides_contest_is_disputed_once(chain: Chain) -> None:
    publication = published(chain)
    chain.answer(2, publication, 1)
    numbers = [
        n
        for n, place in enumerate(unit(account(chain, NOVEMBER), 1)["lines"], start=1)
        if account(chain, NOVEMBER)["lines"][place]["group"] == "training"
    ]
    chain.answer(1, publication, *numbers)
    assert unit(account(chain, DECEMBER), 2)["disputed"] == -30_000


def test_a_payment_counts_once_both_have_said_so(chain: Chain) -> None:
    publication = published(chain)
    paid = chain.pay(2, publication, PaymentSide.PAID, 1, 20_000)
    december = account(chain, DECEMBER)
    assert unit(december, 2)["balance"] == -30_000
    (waiting,) = december["payments"]["not_confirmed"]
    assert (waiting["amount"], waiting["period"]) == (20_000, "2026-11")
    chain.at("2027-01-02 00:00").pay(1, paid, PaymentSide.RECEIVED, 2, 15_000)
    chain.pay(1, paid, PaymentSide.RECEIVED, 2, 15_000)
    chain.pay(4, paid, PaymentSide.RECEIVED, 2, 15_000)
    january = account(chain, JANUARY)
    assert (unit(january, 2)["paid"], unit(january, 2)["balance"]) == (20_000, -10_000)
    assert [each["amount"] for each in january["payments"]["confirmed"]] == [15_000, 5_000]
    assert january["payments"]["not_confirmed"] == []
    assert [each["why"] for each in january["left_out"]] == ["names_no_payment_to_this_unit"]


def test_a_second_publication_of_a_month_stands_beside_the_first(chain: Chain) -> None:
    first = published(chain)
    chain.publish(NOVEMBER, b"\x0f" * 32)
    told = account(chain, DECEMBER)["publications"]
    assert [each["digest"] for each in told["first"]] == ["0x" + first.hex()]
    assert [each["account"] for each in told["further"]] == ["0x" + "0f" * 32]


def test_an_unanswered_refusal_is_disputed_after_the_agreed_days(chain: Chain) -> None:
    box = chain.at("2026-11-15 00:00").dispatch("S1", 1, 2, Purpose.CLEAN)
    kept = chain.keep(box, 2, refused=3)
    other = chain.at("2026-11-25 00:00").dispatch("S2", 1, 2, Purpose.CLEAN)
    chain.keep(other, 2, refused=1)
    states = [(each["packages"], each["state"]) for each in account(chain, NOVEMBER)["refusals"]]
    assert states == [(3, "disputed"), (1, "unanswered")]
    chain.at("2026-12-02 00:00").comment(1, kept, Stance.AGREES)
    whole = chain.dispatch("S3", 1, 2, Purpose.CLEAN)
    chain.refuse(whole, 2)
    found = [(each["packages"], each["state"]) for each in account(chain, DECEMBER)["refusals"]]
    assert found == [(3, "agreed"), (1, "disputed"), (20, "disputed")]
    assert [each["packages"] for each in account(chain, JANUARY)["refusals"]] == [1, 20]


def test_the_trend_is_of_the_twelve_months_up_to_this_one(chain: Chain) -> None:
    chain.serve(2, 4, 30, 2, service_class=1)
    chain.at("2027-09-10 00:00").serve(4, 2, 30, 1, service_class=1)
    trend = unit(account(chain, Period(2027, 10)), 2)["trend"]
    assert [each["period"] for each in trend] == [str(NOVEMBER.plus(n)) for n in range(12)]
    assert [each["contributed"] for each in trend] == [30_000] + [0] * 11
    assert [each["used"] for each in trend] == [0] * 10 + [15_000, 0]
    assert [each["net"] for each in trend] == [30_000] + [0] * 9 + [-15_000, 0]
    later = unit(account(chain, NOVEMBER.plus(12)), 2)["trend"]
    assert [each["period"] for each in later] == [str(DECEMBER.plus(n)) for n in range(12)]


# ---------------------------------------------------------------- refused, and given back


def held(account: Any, number: int) -> tuple[int, int]:
    """What of a unit's balance is disputed, and what is due."""
    own = unit(account, number)
    assert sum(each["disputed"] for each in account["units"]) == 0
    return own["disputed"], own["due"]


def test_a_service_that_its_consumer_disagrees_with_is_not_due_until_it_agrees(
    chain: Chain,
) -> None:
    chain.serve(1, 2, 30, 1, service_class=1)
    refused = chain.serve(1, 2, 30, 2, service_class=1)
    chain.comment(4, refused, Stance.DISAGREES)
    assert held(account(chain, NOVEMBER), 2) == (0, -45_000)
    chain.comment(2, refused, Stance.DISAGREES)
    november = account(chain, NOVEMBER)
    assert held(november, 2) == (-30_000, -15_000)
    (dispute,) = november["disputes"]
    assert (dispute["why"], dispute["event"]) == ("refused_service", "0x" + refused.hex())
    assert {each["amount"] for each in november["settlement"]["payments"]} == {15_000, 300_000}
    chain.at("2026-12-02 00:00").serve(1, 2, 30, -1, service_class=1, corrects=refused)
    assert held(account(chain, DECEMBER), 2) == (-15_000, -15_000)
    chain.comment(2, refused, Stance.AGREES)
    assert held(account(chain, DECEMBER), 2) == (0, -30_000)


@pytest.mark.parametrize("contested", ["tax", "quantity"])
def test_the_tax_of_a_service_is_held_back_once_whichever_line_is_contested(
    chain: Chain, contested: str
) -> None:
    taxed = agreement("taxed", prices={"tax": {"training": 1_000}})
    chain.terms(taxed)
    chain.at("2026-11-02 00:00")
    refused = chain.serve(1, 2, 30, 2, service_class=1)
    november = account(chain, NOVEMBER, V1, taxed)
    own = [november["lines"][place] for place in unit(november, 2)["lines"]]
    (number,) = [n for n, each in enumerate(own, start=1) if each["what"] == contested]
    publication = chain.publish(NOVEMBER, sha256(account_bytes(november)))
    chain.answer(2, publication, number)
    chain.comment(2, refused, Stance.DISAGREES)
    found = account(chain, DECEMBER, V1, taxed)
    assert (held(found, 2), unit(found, 2)["balance"]) == ((-33_000, 0), -33_000)


def test_refused_packages_are_held_back_at_the_mean_price_and_never_above_what_was_charged(
    chain: Chain,
) -> None:
    chain.release("C1", (2, 2, 1, 6), (2, 2, 2, 2))
    box = chain.dispatch("S1", 1, 2, Purpose.CLEAN)
    kept = chain.keep(box, 2, refused=3)
    # 6 × 1,400 + 2 × 2,100, of which three eighths
    assert held(account(chain, NOVEMBER), 2) == (-4_725, -7_875)
    chain.refuse(chain.dispatch("S2", 1, 2, Purpose.CLEAN), 2)
    chain.refuse(chain.dispatch("S3", 2, 1, Purpose.SOILED), 1)
    assert held(account(chain, NOVEMBER), 2) == (-12_600, 0)
    chain.at("2026-12-02 00:00").comment(1, kept, Stance.AGREES)
    chain.decide("C1", DecisionKind.CORRECT, (2, 2, 1, -3))
    assert held(account(chain, DECEMBER), 2) == (-8_400, 0)


def test_what_goes_on_to_another_unit_was_still_refused_by_who_refused_it(chain: Chain) -> None:
    chain.release("C1", (2, 2, 1, 20), (3, 3, 1, 20))
    box = chain.dispatch("S1", 1, 2, Purpose.CLEAN)
    chain.refuse(box, 2)
    chain.reroute(box, 1, 3)
    november = account(chain, NOVEMBER)
    assert (held(november, 2), held(november, 3)) == ((-28_000, 0), (0, -28_000))


def test_a_carrier_that_refuses_to_carry_holds_nobody_s_money_back(chain: Chain) -> None:
    chain.release("C1", (2, 2, 1, 20), (3, 3, 1, 20))
    chain.refuse(chain.dispatch("S1", 1, 2, Purpose.CLEAN), 3)
    november = account(chain, NOVEMBER)
    assert (held(november, 2), held(november, 3)) == ((0, -28_000), (0, -28_000))
    assert november["refusals"] == []


def test_refusals_of_two_months_hold_back_what_is_due_of_both_once(chain: Chain) -> None:
    """December's draws on November too; its own comes to 14,000."""
    chain.release("C1", (2, 2, 1, 20))
    chain.refuse(chain.dispatch("S1", 1, 2, Purpose.CLEAN), 2)
    chain.at("2026-12-02 00:00").release("C2", (2, 2, 1, 10))
    chain.refuse(chain.dispatch("S2", 1, 2, Purpose.CLEAN), 2)
    december = account(chain, DECEMBER)
    assert (held(december, 2), unit(december, 2)["balance"]) == ((-42_000, 0), -42_000)


def test_who_withdraws_a_refusal_owes_what_it_refused(chain: Chain) -> None:
    chain.release("C1", (2, 2, 1, 20))
    whole = chain.refuse(chain.dispatch("S1", 1, 2, Purpose.CLEAN), 2)
    chain.comment(1, whole, Stance.DISAGREES)
    assert held(account(chain, NOVEMBER), 2) == (-28_000, 0)
    chain.comment(2, whole, Stance.WITHDRAWN)
    assert held(account(chain, NOVEMBER), 2) == (0, -28_000)


def test_what_was_contested_and_then_corrected_is_disputed_no_longer(chain: Chain) -> None:
    publication = published(chain)
    chain.answer(2, publication, 1)
    service = next(each.digest for each in chain.entries if each.kind == "Service")
    chain.serve(1, 2, 30, -1, service_class=1, corrects=service)
    assert held(account(chain, DECEMBER), 2) == (-15_000, 0)
    chain.serve(1, 2, 30, -1, service_class=1, corrects=service)
    assert held(account(chain, DECEMBER), 2) == (0, 0)


def test_what_is_given_back_and_corrected_never_comes_to_more_than_the_line(chain: Chain) -> None:
    answer = chain.answer(2, published(chain), 1)
    upheld = chain.resolve(1, answer, ContestOutcome.UPHELD, 40_000)
    given = chain.serve(2, 1, 99, 40_000, subject=upheld)
    assert unit(account(chain, DECEMBER), 2)["balance"] == 0
    chain.at("2027-01-02 00:00").serve(2, 1, 99, -15_000, corrects=given)
    chain.serve(2, 1, 99, 15_001, corrects=given)
    january = account(chain, JANUARY)
    assert unit(january, 2)["balance"] == -5_000
    assert [each["why"] for each in january["left_out"]] == ["more_than_the_resolution_gives"]
    service = next(each.digest for each in chain.entries if each.kind == "Service")
    chain.at("2027-02-02 00:00").serve(1, 2, 30, -1, service_class=1, corrects=service)
    february = account(chain, JANUARY.plus(1))
    # the line comes to 15,000 now, and no more is given back
    assert unit(february, 2)["balance"] == 0
    assert [each["quantity"] for each in lines(february, "resolution")] == [-10_000]
    assert unit(february, 1)["contributed"].keys() == {"training"}


def test_a_price_that_falls_later_lowers_what_is_given_back_of_it(chain: Chain) -> None:
    chain.carry(chain.dispatch("S1", 4, 2, Purpose.CLEAN), 1, "V1")
    found = account(chain, NOVEMBER)
    publication = chain.at("2026-12-01 09:00").publish(NOVEMBER, sha256(account_bytes(found)))
    answer = chain.answer(2, publication, 1)
    upheld = chain.resolve(1, answer, ContestOutcome.UPHELD, 12_000)
    chain.serve(2, 1, 99, 12_000, subject=upheld)
    assert unit(account(chain, DECEMBER), 2)["balance"] == 0
    chain.at("2027-01-02 00:00").carry(chain.dispatch("S2", 4, 5, Purpose.CLEAN), 1, "V1")
    january = account(chain, JANUARY)
    assert [each["amount"] for each in lines(january, "resolution")] == [-6_000]
    assert unit(january, 2)["balance"] == 0


def test_what_is_given_back_is_no_contribution_no_use_and_no_shared_use(chain: Chain) -> None:
    answer = chain.answer(2, published(chain), 1)
    upheld = chain.resolve(1, answer, ContestOutcome.UPHELD, 10_000)
    chain.serve(2, 1, 99, 10_000, subject=upheld)
    december = account(chain, DECEMBER)
    assert unit(december, 2)["contributed"] == {}
    assert unit(december, 1)["used"] == 300_000
    work = Work(8 * 3600, lambda _carrier, _moment: None, chain.books(V1).counts)
    for each in chain.entries:
        work.read(each)
    assert not any(upheld in tally.own_use | tally.shared_use for tally in work.months.values())


# ---------------------------------------------------------------- terms


@pytest.mark.parametrize(
    "change, field",
    [
        ({"prices": {"currency": ""}}, "terms.prices.currency"),
        ({"prices": {"smallest_in_one": 5}}, "terms.prices.smallest_in_one"),
        ({"offset_minutes": "8"}, "terms.offset_minutes"),
        ({"prices": {"trips": [{"carrier": 1}]}}, "terms.prices.trips[0]"),
        ({"prices": {"services": [{"kind": 1}]}}, "terms.prices.services[0].class"),
        ({"settlement": {"rule": "best"}}, "terms.prices.settlement.rule"),
        ({"holds_from": "2026-01-01"}, "terms.holds_from"),
        ({"prices": {"packages": [{"class": 1}] * 2}}, "terms.prices.packages[1]"),
    ],
)
def test_terms_are_refused_with_the_member_that_is_wrong(
    change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_agreement(document(**change), sha256=name("wrong"))
    assert caught.value.field == field


def test_the_months_of_a_group_have_one_offset() -> None:
    with pytest.raises(InvalidInput, match="2 offsets"):
        Books([V1, agreement("v2", offset_minutes=540)])
