"""Reach, suspension, counts, periods and readers: the small rules of custody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ledger.domain.custody.counting import (
    require_added_sound,
    require_lines_of_load,
    require_shares_counted,
)
from ledger.domain.custody.expiry import OTHER, last_day, materials, shelf_days, source
from ledger.domain.custody.fold import Stage, fold, ordered
from ledger.domain.custody.lines import Deed, parse_package
from ledger.domain.custody.reading import Reader, as_read, may_ask, readable, visible_case
from ledger.domain.custody.recalls import Found, Reached, answer_of, count, reach
from ledger.domain.custody.standing import BiologicalResult, Order, suspended, suspensions
from ledger.domain.errors import InvalidInput
from tests.domain.custody.lines_of import BOX, NAME, C, L, M, Told

# ---------------------------------------------------------------- reach


def used() -> Told:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2)
    told.say(Deed.USED, M, case="k1")
    return told


def test_a_used_package_is_used_wherever_it_went_since() -> None:
    told = used()
    told.say(Deed.DISPATCHED, M, thread=b"\x90" * 32, step=0, to_unit=L, destination=L)
    found = reach(fold(NAME, told.lines))
    assert (found.found, found.used_by, found.case) == (Found.USED, M, "k1")
    assert not found.cannot_be_excluded


def test_what_nobody_saw_since_it_came_cannot_be_excluded_until_it_is_found() -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, basis="inferred")
    package = fold(NAME, told.lines)
    assert reach(package).cannot_be_excluded
    assert not reach(package, "found").cannot_be_excluded
    assert reach(package, "not_found").cannot_be_excluded


@pytest.mark.parametrize("deed", [Deed.MISSING, Deed.NOT_SO])
def test_whoever_says_that_it_is_not_there_has_not_seen_it(deed: Deed) -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, basis="inferred")
    told.say(deed, M, basis="typed")
    assert reach(fold(NAME, told.lines)).cannot_be_excluded


def test_what_was_not_in_a_box_that_was_counted_was_seen_by_nobody_there() -> None:
    told = Told().ready()
    sent = told.sent(taker=M)
    told.say(Deed.SHORT, M, thread=BOX, step=2, basis="scanned")
    package = fold(NAME, told.lines)
    assert (package.seen_by, package.seen_at) == (L, sent.happened)


def test_what_was_seen_where_it_is_is_to_find() -> None:
    found = reach(fold(NAME, Told().ready().lines))
    assert (found.found, found.holder, found.is_unseen) == (Found.TO_FIND, L, False)


def test_what_is_on_its_way_is_asked_of_who_takes_it() -> None:
    told = Told().ready()
    told.sent()
    found = reach(fold(NAME, told.lines))
    assert (found.found, found.holder) == (Found.IN_TRANSIT, C)


def test_who_has_it_takes_it_next_or_used_it_is_told() -> None:
    assert reach(fold(NAME, used().lines)).concerns == (M,)
    told = used()
    told.say(Deed.DISPATCHED, M, thread=b"\x90" * 32, step=0, to_unit=C, destination=L)
    assert reach(fold(NAME, told.lines)).concerns == (M, C)
    told = Told().ready()
    told.say(Deed.MISSING)
    assert reach(fold(NAME, told.lines)).concerns == (L,)


def unseen() -> Told:
    """At M by the strength of a list."""
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, basis="inferred")
    return told


def answered(told: Told, unit: int, outcome: str, *noticed: int) -> Reached:
    told.say(Deed.ANSWERED, unit, thread=ORDER.digest, outcome=outcome, basis=None)
    package = fold(NAME, told.lines)
    line = answer_of(package, told.lines, ORDER.digest, noticed)
    if line is None:
        return reach(package)
    return reach(package, line.outcome, answered_by=line.unit)


def test_what_its_holder_answers_is_read_whole() -> None:
    said = answered(unseen(), M, "used")
    assert (said.found, said.used_by, said.cannot_be_excluded) == (Found.USED, M, False)
    assert count([said]).used == 1
    assert answered(unseen(), M, "sent_on").cannot_be_excluded
    assert answered(unseen(), M, "not_found").cannot_be_excluded
    assert not answered(unseen(), M, "found").cannot_be_excluded
    assert not answered(unseen(), M, "reprocessed").cannot_be_excluded


def test_who_neither_has_it_nor_was_told_answers_nothing() -> None:
    assert answered(unseen(), 8, "found").cannot_be_excluded
    assert not answered(unseen(), 8, "found", 8).cannot_be_excluded


def test_of_several_answers_that_says_most_which_counts() -> None:
    told = unseen()
    assert answered(told, 8, "found", 8).answer == "found"
    assert answered(told, M, "not_found", 8).answer == "found"
    assert answered(told, M, "used", 8).answer == "used"


def test_used_and_to_find_are_all_that_was_not_reprocessed_before() -> None:
    rows = [reach(fold(NAME, Told().ready().lines), a) for a in ("found", "not_found", None)]
    rows.append(reach(fold(NAME, used().lines)))
    counted = count(rows)
    assert (counted.packages, counted.used, counted.to_find, counted.found) == (4, 1, 3, 1)
    assert counted.by_holder[L]["to_find"] == 3


# ---------------------------------------------------------------- suspension

ORDER = Order(digest=b"\1" * 32, epoch=1, first=5, last=9, sequence=100, at=50, highest=(1, 9))


def result(
    number: int, word: str, *, opened: int = 200, sequence: int = 300, ran: int = 60
) -> BiologicalResult:
    return BiologicalResult(
        epoch=1, number=number, opened=opened, ran=ran, sequence=sequence + number, word=word
    )


@pytest.mark.parametrize(
    "results, passes",
    [
        ([], 0),
        ([result(10, "pass"), result(11, "pass")], 2),
        ([result(10, "pass"), result(11, "fail"), result(12, "pass")], 1),
        ([result(10, "pass"), result(11, "pending"), result(12, "pass")], 2),
        # before the order, and of its own range
        ([result(n, "pass", opened=50) for n in (10, 11, 12)], 0),
        ([result(n, "pass") for n in (6, 7, 8)], 0),
        # gaps below what had run by the order, entered after it
        ([result(n, "pass") for n in (1, 2, 3)], 0),
        # above it, and by their own word before it
        ([result(n, "pass", ran=49) for n in (10, 11, 12)], 0),
        # the same cycle three times
        ([result(10, "pass", sequence=s) for s in (300, 301, 302)], 1),
    ],
)
def test_a_machine_stays_suspended(results: list[BiologicalResult], passes: int) -> None:
    found = suspended(suspensions([ORDER], results))
    assert found is not None
    assert found.passes == passes


def test_three_passes_in_a_row_end_it_however_the_order_ends() -> None:
    results = [result(n, w) for n, w in ((10, "fail"), (11, "pass"), (12, "pass"), (13, "pass"))]
    (found,) = suspensions([ORDER], results)
    assert (found.since, found.until) == (100, 313)
    assert suspended([found]) is None


def test_a_result_that_was_read_again_counts_as_it_was_read_last() -> None:
    results = [result(n, "pass") for n in (10, 11, 12)]
    results.append(result(11, "fail", sequence=900))
    assert suspended(suspensions([ORDER], results)) is not None


# ---------------------------------------------------------------- counts


def load(*packages: str | None, quantity: int = 1) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for at, package in enumerate(packages):
        row = {"owner": 2, "payer": 2, "package_class": 1, "quantity": quantity, "package": package}
        facts |= {f"lines.{at}.{name}": value for name, value in row.items()}
    return facts


def decided(delta: int, **outcomes: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"record.schema": "cycle-decision/1"}
    if delta:
        share = {"owner": 2, "payer": 2, "package_class": 1, "delta": delta}
        facts |= {f"shares.0.{name}": value for name, value in share.items()}
    for at, (package, outcome) in enumerate(outcomes.items()):
        facts |= {f"lines.{at}.package": f"1/{package}", f"lines.{at}.outcome": outcome}
    return facts


def on_packages(decision: str, *packages: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"record.schema": "package-decision/1", "decision": decision}
    return facts | {f"lines.{at}.package": f"1/{p}" for at, p in enumerate(packages)}


LOAD = load("1/A", "1/B", "1/C")


def test_shares_are_what_the_lines_say() -> None:
    require_shares_counted(LOAD, [decided(3)])
    require_shares_counted(LOAD, [decided(1, B="waiting", C="wet")])
    require_shares_counted(LOAD, [decided(1, B="waiting", C="wet"), decided(1, B="added")])
    require_shares_counted(LOAD, [decided(3), on_packages("exclude", "A"), decided(-1)])
    require_shares_counted(LOAD, [decided(3), on_packages("hold", "A"), decided(0)])
    require_shares_counted(LOAD, [decided(3), decided(-3)], is_recalled=True)


@pytest.mark.parametrize(
    "told",
    [
        [decided(2)],
        [decided(4)],
        [decided(3, B="wet")],
        [decided(2, B="waiting"), decided(0, B="added")],
        [decided(3), on_packages("recall", "A"), decided(0)],
    ],
)
def test_shares_that_say_otherwise_are_refused(told: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidInput, match="the lines say"):
        require_shares_counted(LOAD, told)


def test_whoever_is_in_no_line_gets_no_share_but_of_what_is_only_counted() -> None:
    stranger = {"owner": 3, "payer": 3, "package_class": 1, "delta": 1}
    told = decided(2, B="wet") | {f"shares.1.{name}": value for name, value in stranger.items()}
    with pytest.raises(InvalidInput, match="owner 3 and payer 3, but the lines say 0"):
        require_shares_counted(LOAD, [told])
    require_shares_counted(load(None, quantity=10), [told])


@pytest.mark.parametrize("outcome", ["wet", "torn", "failed_indicator"])
def test_what_was_found_spoilt_is_not_added(outcome: str) -> None:
    spoilt, added = decided(2, B=outcome), decided(1, B="added")
    with pytest.raises(InvalidInput, match="1/B was found spoilt"):
        require_added_sound([spoilt, added])
    require_added_sound([decided(2, B="left_out"), added])


def test_what_is_only_counted_has_no_lines_to_compare_with() -> None:
    require_shares_counted(load(None, quantity=10), [decided(4)])


def test_a_decision_names_packages_of_its_load_each_once() -> None:
    with pytest.raises(InvalidInput, match="not in the declared load"):
        require_lines_of_load(LOAD, decided(0, X="wet"))
    twice = decided(0, A="wet") | {"lines.1.package": "1/A", "lines.1.outcome": "torn"}
    with pytest.raises(InvalidInput, match="named twice"):
        require_lines_of_load(LOAD, twice)


# ---------------------------------------------------------------- periods


def test_the_shortest_period_counts_and_what_the_source_leaves_out_is_not_made_up() -> None:
    assert shelf_days("textile", ["controlled", "other"]) == 7
    assert last_day(date(2026, 11, 3), "nonwoven", ["controlled"]) == date(2027, 5, 2)
    with pytest.raises(InvalidInput, match="no period is stated"):
        shelf_days("nonwoven", [OTHER])
    with pytest.raises(InvalidInput, match="unknown"):
        shelf_days("newspaper", ["controlled"])
    assert "WS 310.2-2016" in source()
    assert "rigid_container" in materials()


# ---------------------------------------------------------------- readers


def test_a_former_holder_reads_up_to_its_own_hand_over_and_what_all_are_told() -> None:
    told = used()
    told.say(Deed.ASKED_BACK, L, basis=None)
    package = fold(NAME, told.lines)
    package.owner = 7
    lines = readable(Reader(unit=L), package, ordered(told.lines))
    deeds = [line.deed for _, line in lines]
    assert Deed.USED not in deeds
    assert {Deed.ASSEMBLED, Deed.DISPATCHED, Deed.ASKED_BACK} <= set(deeds)


def test_a_former_holder_reads_of_where_it_is_no_more_than_its_own_hand_over() -> None:
    told = used()
    told.lines = [replace(line, owner=None) for line in told.lines]
    told.say(Deed.DISPATCHED, M, thread=b"\x90" * 32, step=0, to_unit=C, destination=C)
    told.say(Deed.RECEIVED, C, thread=b"\x90" * 32, step=2, set_name="9/X")
    whole = fold(NAME, told.lines)
    read = as_read(Reader(unit=L), whole, told.lines)
    assert (read.holder, read.stage, read.used_by, read.set_name) == (M, Stage.STORED, None, None)
    assert [each.unit for each in read.holdings] == [L, M]
    assert as_read(Reader(unit=None), whole, told.lines) is whole
    assert as_read(Reader(unit=C), whole, told.lines).holder == C


def test_a_carrier_reads_nothing_of_what_it_carries() -> None:
    told = Told().ready()
    told.say(Deed.STORED, set_name="1/HIP")
    told.sent()
    told.say(Deed.CARRIED, C, thread=BOX, step=2)
    read = as_read(Reader(unit=C, is_carrier=True), fold(NAME, told.lines), told.lines)
    assert (read.holder, read.owner, read.set_name, read.cycle) == (C, None, None, None)


def test_an_owner_reads_all_of_it_but_no_token_of_a_case() -> None:
    told = used()
    package = fold(NAME, told.lines)
    package.owner = 7
    lines = readable(Reader(unit=7), package, ordered(told.lines))
    assert [line.deed for _, line in lines] == [line.deed for _, line in ordered(told.lines)]
    assert {line.case for _, line in lines} == {None}
    assert visible_case(Reader(unit=7), package) is None
    assert visible_case(Reader(unit=M), package) == "k1"
    assert visible_case(Reader(unit=None), package) == "k1"


def test_a_carrier_reads_steps_and_no_more() -> None:
    told = Told().ready()
    told.sent()
    told.say(Deed.CARRIED, C, thread=BOX, step=2)
    package = fold(NAME, told.lines)
    lines = readable(Reader(unit=C, is_carrier=True), package, ordered(told.lines))
    assert [line.deed for _, line in lines] == [Deed.DISPATCHED, Deed.CARRIED]


def test_a_package_does_not_exist_for_who_never_had_it() -> None:
    package = fold(NAME, Told().ready().lines)
    assert not may_ask(Reader(unit=8), package)
    assert may_ask(Reader(unit=M), package)  # its owner


def test_who_contradicts_does_not_read_it_for_that() -> None:
    told = Told().ready()
    told.say(Deed.STORED, 8)
    assert not may_ask(Reader(unit=8), fold(NAME, told.lines))


def test_each_role_reads_what_is_told_of_each_deed_after_its_own_hand_over() -> None:
    """Owner, holder and auditor all; a former holder what all are told; who carried it nothing."""
    read: dict[str, set[Deed]] = {}
    for deed in Deed:
        told = Told().ready()
        told.sent()
        told.say(Deed.CARRIED, C, thread=BOX, step=2)
        told.say(Deed.RECEIVED, M, thread=BOX, step=3)
        told.lines = [replace(line, owner=None) for line in told.lines]
        last = told.say(deed, M, thread=b"\x90" * 32, code="SL1BK797", owner=7, basis="typed")
        package = fold(NAME, told.lines)
        package.owner = 7
        roles = {
            "auditor": Reader(unit=None),
            "owner": Reader(unit=7),
            "holder": Reader(unit=M),
            "former": Reader(unit=L),
            "carrier": Reader(unit=C, is_carrier=True),
            "stranger": Reader(unit=8),
        }
        for role, reader in roles.items():
            lines = readable(reader, package, ordered(told.lines))
            may_read = may_ask(reader, package) and last.place in {line.place for _, line in lines}
            read.setdefault(role, set())
            if may_read:
                read[role].add(deed)
    everything = set(Deed)
    to_all = {Deed.HELD, Deed.RECALLED, Deed.ASKED_BACK, Deed.LOST}
    assert read == {
        "auditor": everything,
        "owner": everything,
        "holder": everything,
        "former": to_all,
        "carrier": to_all,
        "stranger": set(),
    }


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("text", ["", "Q02", "0/Q02", "1/", "1/a/b", "1/ a", "x/Q02", "1/\x00"])
def test_what_names_no_package_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_package(text)
