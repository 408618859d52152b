"""Cases that a day brings beside the five: refused, sent on, lost, broken, counted late."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ledger.domain.acts.custody import DispositionKind
from ledger.domain.acts.words import Purpose
from ledger.domain.duties.answering import answer
from ledger.domain.duties.case import Area, Consignment, Deed, SubjectKind
from ledger.domain.duties.interval import intervals
from ledger.domain.duties.pages import Said
from ledger.domain.duties.terms import default_terms
from tests.domain.duties.kit import (
    M1,
    M2,
    M3,
    D,
    L,
    at,
    biological,
    bowie_dick,
    case,
    consignment,
    cycle,
    event,
    iso,
    of,
    prepared,
    result,
    word,
)
from tests.domain.duties.test_reading import case as read
from tests.domain.duties.test_reading import give, load, opening, said, sent, take
from tests.domain.duties.test_rules import (
    RUN,
    after_repair,
    asset,
    by_van,
    count,
    package,
    soiled,
    stripped,
    used,
)
from tests.domain.duties.test_scenario import RECALL, run_2241

AWAY = sent(Purpose.CLEAN, "3 10:00", L, M1)
BOX = AWAY.act.subject_of(AWAY.message)
ROAD = (opening(), load(), AWAY, take("3 10:05", L, BOX, outcome="carried"))


def disposed(kind: DispositionKind, when: str, unit: int = L, receiver: int = 0) -> Said:
    return said(
        "Disposition", when, {}, unit=unit, consignment=BOX, kind=int(kind), receiver=receiver
    )


def kept(when: str, unit: int = M1, **facts: Any) -> Said:
    return take(when, unit, BOX, outcome="kept", **facts)


# ---------------------------------------------------------------- at the door


def test_a_box_that_was_refused_at_the_door_had_come_and_each_offer_has_its_own_answer() -> None:
    refused = (give("3 11:00", L, M1, BOX), take("3 11:05", M1, BOX, outcome="refused"))
    judged = read(*ROAD, *refused, give("4 09:00", L, M1, BOX), kept("4 09:10"))
    assert (word(judged, "15"), word(judged, "17")) == ("L met", "M1 met")
    late = read(*ROAD, *refused, give("4 09:00", L, M1, BOX), kept("4 09:31"))
    assert word(late, "17") == "M1 not_recorded", "the second offer has a deadline of its own"


def test_that_it_was_left_unattended_is_said_and_the_place_is_not() -> None:
    came = (*ROAD, give("3 11:00", L, M1, BOX, left_at="behind the lift"))
    for judged in (read(*came), read(*came, kept("3 11:10"))):
        said_ = " ".join(why.en for why in of(judged, "17")[0].why)
        assert "and was left unattended" in said_
        assert "lift" not in said_


def test_what_is_sent_on_from_a_silent_door_is_asked_of_each_receiver_by_itself() -> None:
    came = (give("3 11:00", L, M1, BOX), disposed(DispositionKind.REROUTE, "3 11:40", receiver=M3))
    judged = read(*ROAD, *came, give("3 17:00", L, M3, BOX), kept("3 17:10", M3))
    assert word(judged, "17") == "M1 not_recorded, M3 met"
    assert word(judged, "15") == "L met", "at the first door it was in time"


def test_a_receiver_that_was_closed_before_its_time_was_over_owes_no_receipt() -> None:
    came = (*ROAD, give("3 11:00", L, M1, BOX), take("3 13:00", L, BOX, outcome="kept"))
    for when, expected in (("3 11:30", "M1 not_applicable"), ("3 11:31", "M1 not_recorded")):
        closed = said("UnitClosure", when, {}, unit=M1)
        assert word(read(*came, closed), "17") == expected
    assert word(read(*came), "16") == "L not_recorded", "what was taken back is on its way no more"


def test_what_was_not_in_the_box_is_told_with_the_receipt() -> None:
    lines: dict[str, Any] = {
        "lines.0.assembler": 1,
        "lines.0.package": "Q20",
        "lines.0.outcome": "missing",
    }
    judged = read(*ROAD, give("3 11:00", L, M1, BOX), kept("3 11:10", **lines))
    (found,) = of(judged, "17")
    assert "of this package it says: missing" in {why.en for why in found.why}
    assert {why.en for why in of(judged, "13")[0].why} & {"sealed: 7001"}
    assert not any("delivered" in why.en for f in of(judged, "13") for why in f.why)


# ---------------------------------------------------------------- from hand to hand


def relayed(*steps: Any, broken: bool = False) -> Consignment:
    """D flies 10:00 to 11:00, and L's van drives it on."""
    own = consignment("K", L, M1, "3 10:00", None, carrier=D, vehicle="drone")
    taken = event(Deed.TAKEN_OVER, L, "3 13:00", vehicle="van", seal="7009")
    end = event(Deed.RECEIVED, M1, "3 14:00", seal="broken" if broken else "7009")
    return replace(own, steps=(*own.steps, taken, end, *steps))


def test_who_hands_on_says_when_as_well_as_who_takes_it() -> None:
    given = event(Deed.HANDED_OVER, D, "3 10:55")
    assert word(package(consignments=(relayed(),)), "15") == "D not_recorded, L met"
    resealed = event(Deed.RESEALED, D, "3 10:50", seal="7009")
    judged = package(consignments=(relayed(given, resealed),))
    assert word(judged, "15") == "D disputed, L met"
    assert any("a resealing is recorded" in why.en for why in of(judged, "15")[0].why)


def test_a_resealing_on_one_leg_answers_for_no_seal_that_broke_on_another() -> None:
    resealed = event(Deed.RESEALED, D, "3 10:50", seal="7009")
    judged = package(consignments=(relayed(resealed, broken=True),))
    assert word(judged, "15") == "D not_recorded, L not_recorded"


def test_a_diversion_of_a_later_leg_gives_an_earlier_one_no_more_time() -> None:
    """D flies twice, and turns aside the second time."""
    own = relayed(event(Deed.HANDED_OVER, D, "3 11:30"))
    twice = (*own.steps[:3], event(Deed.TAKEN_OVER, D, "3 13:30", vehicle="drone"),
             event(Deed.DIVERTED, D, "3 13:40"), event(Deed.RECEIVED, M1, "3 18:00"))  # fmt: skip
    judged = package(consignments=(replace(own, steps=(*twice, own.steps[-1])),))
    assert [f.word for f in of(judged, "15") if f.holder == D] == ["not_met", "met"]


def test_what_was_sent_without_a_seal_has_none_to_check() -> None:
    bare = stripped(soiled(), Deed.DISPATCHED, "seal")
    bare = stripped(bare, Deed.TAKEN_OVER, "seal")
    assert word(package(consignments=(bare,)), "14") == "L met"


# ---------------------------------------------------------------- lost, found


def test_what_was_lost_with_its_box_is_missing_from_then_on_and_found_with_it() -> None:
    lost = (*ROAD, disposed(DispositionKind.LOST, "3 12:00"))
    judged = read(*lost)
    assert word(judged, "24") == "L met"
    assert [i.first_bad.deed for i in intervals(judged)] == [Deed.MISSING]
    assert any("L says at 2026-11-03 12:00 that it is lost" in why.en
               for why in of(read(*lost, as_of="4 12:00"), "15")[0].why)  # fmt: skip
    (interval,) = intervals(read(*lost, disposed(DispositionKind.FOUND, "4 12:00")))
    assert interval.narrowed_by is not None


def test_what_another_unit_saw_again_narrows_nothing_and_asks_nobody_any_more() -> None:
    judged = package(
        event(Deed.STORED, L, "3 09:00"), event(Deed.MISSING, M1, "3 11:10"),
        event(Deed.USED, M2, "3 15:00"), consignments=(by_van(),),
    )  # fmt: skip
    (interval,) = intervals(judged)
    assert (interval.narrowed_by, [h.unit for h in interval.held]) == (None, [L, M1])
    assert "Seen again 2026-11-03 15:00 by M2 (used)" in interval.says(judged).en
    assert word(judged, "24") == "L not_applicable, M1 met"


def test_who_carried_it_when_it_was_recalled_is_told_of_it() -> None:
    recall = replace(RECALL, steps=(event(Deed.NOTICED, L, "5 09:12", to=D),
                                    event(Deed.REACHED, D, "5 09:30")))  # fmt: skip
    way = consignment("K", L, M1, "5 08:00", None, carrier=D)
    judged = package(cycle=run_2241(biological("fail", "5 09:00", "3 08:55")), recalls=(recall,),
                     consignments=(way,), as_of="5 12:00")  # fmt: skip
    assert word(judged, "7") == "L met, D not_applicable"


def test_who_got_it_after_its_recall_is_told_from_then_on_and_who_ordered_it_knows() -> None:
    fail = run_2241(biological("fail", "5 09:00", "3 08:55"))
    late = consignment("K", L, M1, "6 08:00", "6 10:00")
    recall = replace(RECALL, steps=())
    judged = package(cycle=fail, recalls=(recall,), consignments=(late,), as_of="6 14:00")
    assert word(judged, "7") == "L not_applicable"
    assert word(replace(judged, as_of=at("6 14:01")), "7") == "L not_recorded"
    own = package(event(Deed.STORED, L, "3 10:00"), cycle=fail, recalls=(recall,))
    assert word(own, "7") == "L met"


def test_a_notice_that_may_not_be_read_here_is_not_called_a_missing_one() -> None:
    fail = run_2241(biological("fail", "5 09:00", "3 08:55"))
    told = event(Deed.NOTICED, L, "5 09:12", to=M1)
    for steps, expected in (((), "M1 not_readable"), ((told,), "M1 not_applicable")):
        judged = package(used("6 10:00"), cycle=fail, recalls=(replace(RECALL, steps=steps),),
                         unreadable=frozenset({Area.RECALL}))  # fmt: skip
        assert word(judged, "19") == expected


def test_what_was_held_or_recalled_when_it_left_was_released_no_more() -> None:
    late = consignment("K", L, M1, "6 08:00", "6 10:00")
    fail = run_2241(biological("fail", "5 09:00", "3 08:55"))
    assert word(package(cycle=fail, recalls=(RECALL,), consignments=(late,)), "2") == "L not_met"
    assert word(package(cycle=fail, recalls=(RECALL,), consignments=(by_van(),)), "2") == "L met"
    held, lifted = event(Deed.HELD, L, "3 09:30"), event(Deed.LIFTED, L, "3 09:40")
    assert word(package(held, cycle=RUN, consignments=(by_van(),)), "2") == "L not_met"
    assert word(package(held, lifted, cycle=RUN, consignments=(by_van(),)), "2") == "L met"


# ---------------------------------------------------------------- the interval


def test_what_was_found_broken_at_its_opening_is_damage_and_a_whole_look_at_use_is_one() -> None:
    broken = package(*prepared(), event(Deed.OPENED, M1, "3 12:00", integrity="broken"),
                     consignments=(by_van(),))  # fmt: skip
    assert [i.first_bad.deed for i in intervals(broken)] == [Deed.OPENED]
    assert word(broken, "24") == "M1 met"
    torn = package(*prepared(), used("3 12:00", integrity="intact"),
                   event(Deed.DAMAGED, M1, "3 12:10"), consignments=(by_van(),))  # fmt: skip
    (interval,) = intervals(torn)
    assert [h.unit for h in interval.held] == [M1]
    assert "One unit alone held it" in interval.says(torn).en


def test_without_a_look_before_nobody_alone_held_it_and_who_made_it_held_it_first() -> None:
    flown = consignment("K", L, M1, "3 10:00", "3 11:00", carrier=D)
    made, torn = event(Deed.ASSEMBLED, L, "3 06:30"), event(Deed.DAMAGED, M1, "3 12:00")
    judged = package(made, torn, consignments=(flown,))
    (interval,) = intervals(judged)
    assert [h.unit for h in interval.held] == [L, D, M1]
    assert "L from 2026-11-03 06:30 (assembled)" in interval.says(judged).en
    alone = package(event(Deed.DAMAGED, M1, "3 12:00"), event(Deed.ASSEMBLED, M1, "3 06:30"))
    assert "alone" not in next(iter(intervals(alone))).says(alone).en


def test_what_its_user_counted_short_was_short_by_then() -> None:
    judged = package(*prepared(), used(count=9, expected=10), consignments=(by_van(),))
    (interval,) = intervals(judged)
    assert (interval.what, interval.first_bad.unit) == (Deed.MISSING, M1)
    assert any("9 of 10" in why.en for why in of(judged, "20")[0].why)


# ---------------------------------------------------------------- the head


def test_the_head_says_what_was_seen_of_the_package_itself_before_it_says_nothing() -> None:
    for seen, what in (
        (event(Deed.OPENED, M1, "4 10:00", indicator="fail"), "M1 found the indicator inside"),
        (event(Deed.WET, M1, "4 10:00"), "M1 found it wet"),
        (event(Deed.UNLOADED, L, "3 09:20", dry=False), "L found it wet"),
    ):
        run = run_2241(biological("pass", "5 09:00", "3 08:55"))
        judged = package(*prepared(), seen, cycle=run, series=(bowie_dick(2240, "3 06:10"),))
        head = answer(judged).head.en
        assert what in head, head
        assert "Nothing recorded points" not in head


# ---------------------------------------------------------------- machines and readings


def test_a_run_that_served_nobody_owes_no_three_passes_and_a_test_no_test() -> None:
    repaired = after_repair("pass", "pass")
    judged = package(**repaired | {"cycle": replace(RUN, decisions=())})
    assert word(judged, "12") == "L met"
    test = package(kind=SubjectKind.CYCLE, cycle=bowie_dick(2240, "3 06:10"))
    assert (word(test, "3"), word(test, "8")) == ("not_applicable", "not_applicable")


def test_maintenance_puts_off_no_calibration() -> None:
    def done(work: str, when: str, due: str) -> Any:
        return event(Deed.MAINTAINED, M1, when, asset="scope", work=work, next_due=iso(due))

    old, new = done("calibration", "1 08:00", "4 09:00"), done("maintenance", "3 08:00", "30 09:00")
    assert word(asset(used(), maintenance=(old, new)), "23") == "M1 not_met"
    assert word(asset(used(), maintenance=(new,)), "23") == "M1 met"


def test_an_outage_puts_off_the_entry_of_a_reading_and_no_reading() -> None:
    down = event(Deed.OUTAGE, L, "5 08:00", known="6 12:00", begun_at=iso("5 08:00"),
                 ended_at=iso("6 09:00"))  # fmt: skip
    late = biological("pass", "6 08:00", "3 08:55")
    entered = result("biological", "pass", "6 10:00", incubated_at=iso("3 08:55"))
    for entry, expected in ((late, "L not_met"), (entered, "L met")):
        assert word(package(cycle=run_2241(entry), outages=(down,)), "5") == expected
    in_time = replace(entered, facts={**entered.facts, "read_at": iso("5 09:00")})
    assert word(package(cycle=run_2241(in_time), outages=(down,)), "5") == "L met"


def test_soiled_instruments_that_were_received_without_a_number_are_not_counted() -> None:
    uncounted = count()
    uncounted = replace(uncounted, facts={"closed": True, "second_person": True})
    assert word(package(uncounted, consignments=(soiled(),)), "27") == "L not_recorded"


# ---------------------------------------------------------------- terms and outages


def test_a_finding_names_the_terms_that_its_deadline_was_read_from() -> None:
    """New terms hold from the day after the use: the return is due by the ones before."""
    later = replace(default_terms(), version=2, holds_from=at("4 12:00"))
    judged = package(used(), terms=(default_terms(), later), consignments=(soiled(),))
    assert [f.terms for f in of(judged, "21")] == [0]
    assert [f.terms for f in of(judged, "15")] == [2]


def test_an_outage_is_named_where_it_covers_the_time_but_explains_nothing_not_met() -> None:
    down = event(Deed.OUTAGE, M1, "4 09:00", begun_at=iso("4 09:00"), ended_at=iso("4 11:00"))
    for inside in ("pass", "fail"):
        judged = package(used(indicator=inside, count=10), outages=(down,))
        (found,) = of(judged, "20")
        assert bool(found.outages) is (inside == "pass")


def test_who_was_told_too_late_was_due_by_the_order_and_not_by_the_notice() -> None:
    recall = replace(RECALL, order=event(Deed.ORDERED, L, "5 09:00", first=2240, last=2244),
                     steps=(event(Deed.NOTICED, L, "5 13:30", to=M1),))  # fmt: skip
    judged = package(cycle=run_2241(biological("fail", "5 09:00", "3 08:55")), recalls=(recall,),
                     consignments=(by_van(),))  # fmt: skip
    told = next(f for f in of(judged, "7") if f.holder == L)
    assert (told.word, told.due) == ("not_met", at("5 13:00"))


def test_what_ran_again_after_it_was_aborted_needs_the_programme_of_its_last_load() -> None:
    again = cycle(2242, programme="B121")
    loads = (event(Deed.LOADED, L, "3 07:50", programme_required="B134"),
             event(Deed.LOADED, L, "3 07:55", programme_required="B121"))  # fmt: skip
    assert word(case("9 12:00", cycle=again, history=loads), "1") == "L met"
