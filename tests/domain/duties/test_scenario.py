"""The fair answers of a day of the group, Tuesday 3 November 2026, duty by duty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ledger.domain.duties.answering import answer, answer_to_plain, list_findings
from ledger.domain.duties.case import Case, Cycle, Deed, Event, How, Recall, SubjectKind
from ledger.domain.duties.findings import Word
from ledger.domain.duties.interval import intervals
from ledger.domain.duties.terms import default_terms
from tests.domain.duties.kit import (
    M1,
    M2,
    M3,
    M4,
    M5,
    S1,
    S2,
    D,
    L,
    at,
    biological,
    bowie_dick,
    case,
    chemical,
    consignment,
    cycle,
    event,
    iso,
    of,
    prepared,
    result,
    word,
    words,
)


def run_2241(*further: Event) -> Cycle:
    """Q01–24: released with the biological result pending."""
    return cycle(
        2241, opened="3 08:00", ended="3 08:50", released="3 09:20",
        decision="release_biological_pending",
        results=[
            *chemical(L, "3 09:15"),
            result("biological", "pending", "3 08:55", incubated_at=iso("3 08:55")),
            *further,
        ],
    )  # fmt: skip


SERIES = (
    cycle(2239, opened="2 15:00", ended="2 15:50", released="2 16:00",
          results=[biological("pass", "4 16:00", "2 16:00"), *chemical(L, "2 16:00")]),
    bowie_dick(2240, "3 06:10"),
    bowie_dick(2242, "4 06:10"),
    cycle(2243, opened="4 08:00", ended="4 08:50", released="4 09:20"),
    bowie_dick(2244, "5 06:10"),
)  # fmt: skip


def summary(judged: Case, expected: str) -> dict[str, set[str]]:
    """Which rules found which word, of those that are asked about."""
    found: dict[str, set[str]] = {}
    asked = set(expected.split())
    for (rule, _), each in words(judged).items():
        if rule in asked:
            found.setdefault(each.value, set()).add(rule)
    return found


# ---------------------------------------------------------------- Q20


def q20(as_of: str = "3 18:00") -> Case:
    return case(
        as_of,
        cycle=run_2241(),
        series=SERIES[:2],
        history=(*prepared(), event(Deed.DAMAGED, M3, "3 11:40")),
        consignments=(
            consignment("K3", L, M3, "3 10:15", "3 11:25"),
            consignment("K8", M3, L, "3 11:45", "3 15:30", purpose="return"),
        ),
    )


def test_q20_was_torn_between_two_looks_and_no_duty_of_release_stands_open() -> None:
    judged = q20()
    found = words(judged)
    for rule in ["1", "2", "3", "4", "8", "9", "10", "11", "12", "13", "14", "15"]:
        assert [w for (r, _), w in found.items() if r == rule] == [Word.MET], rule
    for rule, holder in (("17", M3), ("24", M3)):
        assert found[rule, holder] is Word.MET
    for rule in ["5", "6", "7", "16", "18", "19", "20", "21", "22", "23", "26", "27", "28"]:
        assert {w for (r, _), w in found.items() if r == rule} <= {Word.NOT_APPLICABLE}, rule
    assert {w for (r, _), w in found.items() if r == "25"} == {Word.NOT_RECORDED}
    (due,) = of(judged, "5")
    assert due.is_open
    assert due.due == at("5 08:55")
    assert "2026-11-05 08:55" in due.why[0].en


def test_the_interval_of_q20_names_both_holders_and_no_culprit() -> None:
    (interval,) = intervals(q20())
    assert interval.last_good is not None
    assert (interval.last_good.at, interval.first_bad.at) == (at("3 09:15"), at("3 11:40"))
    assert [(h.unit, h.since) for h in interval.held] == [(L, at("3 09:15")), (M3, at("3 11:25"))]
    says = interval.says(q20())
    assert "found dry; a look at its wrapping is not recorded" in says.en
    assert "a van of L from 2026-11-03 10:15 (taken over, inferred from its consignment)" in says.en
    assert "M3 from 2026-11-03 11:25 (received, " in says.en
    assert "2026-11-03 10:15起在L的车辆" in says.zh


def test_the_head_of_q20_excludes_nothing() -> None:
    head = answer(q20()).head
    assert "points to sterile supply as the origin of a harm; records alone cannot" in head.en
    assert "(1 to 5, 8 to 12)" in head.en
    assert "is still to come: due 2026-11-05 08:55" in head.en
    assert "25 Who signed is who acted (L, M3)" in head.en


# ---------------------------------------------------------------- E05


def e05() -> Case:
    opened = event(
        Deed.OPENED, M5, "3 13:30", known="3 16:00", how=How.PAPER, count=10, integrity="intact",
        indicator="pass",
    )  # fmt: skip
    used = event(
        Deed.USED, M5, "3 13:30", known="3 16:00", how=How.PAPER, label="legible", case_token="c1"
    )
    earlier = cycle(
        4001, S1, opened="1 00:30", ended="1 01:00", released="1 01:40",
        results=[biological("pass", "3 01:10", "1 01:10"), *chemical(L, "1 01:30")],
    )  # fmt: skip
    return case(
        "6 18:00",
        id="E05",
        cycle=earlier,
        series=(bowie_dick(4000, "1 00:10", S1),),
        history=(
            *prepared(washed=False, expires="1 23:59", dry="1 01:30", day="1"),
            opened,
            used,
        ),
        consignments=(consignment("E", L, M5, "1 08:00", "1 09:00"),),
        outages=(
            event(
                Deed.OUTAGE, M5, "3 12:50", known="3 13:00", begun_at=iso("3 12:50"),
                ended_at=iso("3 15:10"),
            ),
        ),
    )  # fmt: skip


def test_e05_was_used_after_its_expiry_and_the_outage_explains_only_the_late_record() -> None:
    found = words(e05())
    assert found["18", M5] is Word.NOT_MET
    assert found["13", L] is Word.MET
    assert found["20", M5] is Word.MET
    assert found["10", L] is Word.NOT_RECORDED
    assert {w for (r, _), w in found.items() if r == "19"} == {Word.NOT_APPLICABLE}
    assert {w for (r, _), w in found.items() if r == "25"} == {Word.NOT_RECORDED}
    assert any("from paper" in each.says.en for f in of(e05(), "20") for each in f.marks)
    assert "outage" not in " ".join(each.en for f in of(e05(), "18") for each in f.why)
    assert answer(e05()).head.en.startswith(
        "Not met: used 2026-11-03 13:30, after its last day of use, 2026-11-01; its label was "
        "entered as legible (18 Checked at use, M5). Of the duties that come before a release, one "
        "is not shown to be met: 10 Washed (L)."
    )


def test_an_answer_names_the_leg_that_a_duty_is_about_and_the_terms_that_it_reads() -> None:
    plain: dict[str, Any] = dict(answer_to_plain(answer(e05())))
    abouts = {f["rule"]: f["about"] for f in plain["findings"]}
    assert abouts["15"]["en"] == "L → M5, clean, slip E"
    assert abouts["18"] is None
    (terms,) = plain["terms"]
    assert terms["deadlines"]["soiled_return"] == {
        "seconds": 86400, "source": default_terms().source("soiled_return"),
        "source_zh": "集团规定；WS 310.2-2016 §5.1?",
    }  # fmt: skip
    assert "biological_interval_steam" in terms["deadlines"]
    assert "biological_interval_ethylene_oxide" not in terms["deadlines"]


# ---------------------------------------------------------------- the recall


def notice(unit: int, opened: str, answered: str | None, found: int, asked: int) -> list[Event]:
    return [
        event(Deed.NOTICED, L, "5 09:12", to=unit),
        event(Deed.REACHED, unit, opened),
        *([] if answered is None else [
            event(Deed.ANSWERED, unit, answered, found=found, asked=asked)
        ]),
    ]  # fmt: skip


RECALL = Recall(
    id="2240–2244",
    order=event(Deed.ORDERED, L, "5 09:10", first=2240, last=2244),
    machine=S2.id,
    first=2240,
    last=2244,
    steps=(
        *notice(L, "5 09:15", "5 11:00", 15, 15),
        *notice(M1, "5 09:25", "5 12:00", 5, 5),
        *notice(M3, "5 09:40", "6 10:00", 5, 5),
        *notice(M2, "5 10:05", "5 16:00", 7, 8),
    ),
)
FAIL = biological("fail", "5 09:00", "3 08:55")


def q02() -> Case:
    return case(
        "5 18:00",
        id="Q02",
        cycle=run_2241(FAIL),
        series=SERIES,
        recalls=(RECALL,),
        history=(
            *prepared(),
            event(Deed.OPENED, M1, "3 15:00", count=10, integrity="intact", indicator="pass"),
            event(Deed.USED, M1, "3 15:00", case_token="c2", label="legible"),
        ),
        consignments=(consignment("K1", L, M1, "3 10:15", "3 10:50"),),
    )


def test_q02_was_used_before_its_recall_and_the_head_says_exposed() -> None:
    judged = q02()
    found = words(judged)
    for rule in ["1", "2", "4", "5", "6", "8"]:
        assert found[rule, L] is Word.MET, rule
    assert (found["7", L], found["7", M1]) == (Word.MET, Word.MET)
    assert ("7", M3) not in found
    for rule in ["17", "18", "19", "20"]:
        assert found[rule, M1] is Word.MET, rule
    head = answer(judged).head.en
    assert head.startswith("Its cycle's biological result failed.")
    assert "It was used: exposed." in head
    assert "Nothing recorded points" not in head


def test_in_the_recalls_own_answer_the_half_of_m3_is_not_met() -> None:
    judged = case(
        "6 18:00", kind=SubjectKind.RECALL, id="r", recalls=(RECALL,),
        series=(*SERIES, run_2241(FAIL)),
    )  # fmt: skip
    assert word(judged, "6") == "L met"
    assert word(judged, "7") == "L met, L met, M1 met, M2 met, M3 not_met"
    late = of(judged, "7")[-1]
    assert "2026-11-06 10:00" in late.why[0].en
    assert "due 2026-11-06 09:12" in late.why[0].en


def test_what_was_not_known_at_the_time_stands_beside_what_is_known_now() -> None:
    found = answer(q02(), then=at("3 18:00"), before=replace(q02(), as_of=at("3 18:00")))
    changed = {(c.rule, c.holder): (c.then, c.now) for c in found.changed}
    assert changed["19", M1] == (None, Word.MET)
    assert changed["5", L] == (Word.NOT_APPLICABLE, Word.MET)
    assert ("18", M1) not in changed


# ---------------------------------------------------------------- K2


def k2(*further: Event) -> Case:
    steps = (
        event(Deed.TAKEN_OVER, D, "3 10:05", vehicle="drone", seal="7002", count=8),
        event(Deed.DIVERTED, D, "3 10:20", known="3 10:22", place="M5", reason="wind"),
        event(Deed.TAKEN_OVER, L, "3 13:05", known="3 16:00", how=How.PAPER, vehicle="van",
              seal="7002", count=8),
        event(Deed.TRANSPORT_LOG, D, "3 10:20", transport_log="within"),
        event(Deed.TRANSPORT_LOG, L, "3 14:10", transport_log="none"),
        event(Deed.ARRIVED, L, "3 14:10"),
        event(Deed.RECEIVED, M2, "3 14:50", seal="7002"),
        *further,
    )  # fmt: skip
    sent = consignment("K2", L, M2, "3 10:05", None, seal="7002")
    return case(
        "6 18:00", kind=SubjectKind.CONSIGNMENT, id="K2", name="K2",
        consignments=(replace(sent, steps=(sent.steps[0], *steps)),),
    )  # fmt: skip


def test_k2_came_in_time_over_two_carriers_and_its_receipt_is_disputed() -> None:
    judged = k2(event(Deed.ARRIVED, M2, "3 14:45"))
    assert word(judged, "14") == "D met, L met"
    assert word(judged, "15") == "D met, L met"
    assert word(judged, "16") == "D met, L not_applicable"
    assert word(judged, "17") == "M2 disputed"


def test_the_carriers_time_alone_is_no_finding_against_the_receiver() -> None:
    assert word(k2(), "17") == "M2 not_recorded"


def test_a_comment_that_disagrees_disputes_it_as_well() -> None:
    arrived = next(s for s in k2().consignments[0].steps if s.deed is Deed.ARRIVED)
    said = event(Deed.COMMENTED, M2, "3 15:00", about=arrived.source.operation, stance="disagrees")
    judged = k2()
    steps = tuple(arrived if s.deed is Deed.ARRIVED else s for s in judged.consignments[0].steps)
    own = replace(judged.consignments[0], steps=steps)
    assert word(replace(judged, consignments=(own,), comments=(said,)), "17") == "M2 disputed"
    agreed = replace(said, facts={**said.facts, "stance": "agrees"})
    assert word(replace(judged, consignments=(own,), comments=(agreed,)), "17") == "M2 not_met"


# ---------------------------------------------------------------- T07


def t07(*answers: Event) -> Case:
    return case(
        "4 18:00",
        id="T07",
        history=(
            event(Deed.OPENED, M1, "2 14:10", count=10, expected=10),
            event(
                Deed.SOILED_COUNTED, L, "3 15:40", how=How.COUNTED, count=9, expected=10,
                second_person=True,
            ),
            *answers,
        ),
        consignments=(
            consignment(
                "K7", M1, L, "3 10:50", "3 12:30", purpose="soiled", closed=True, pretreated=True,
                special_infection="none",
            ),
        ),
    )  # fmt: skip


def test_t07_was_short_and_the_statement_of_m1_narrows_the_interval() -> None:
    found = words(t07(event(Deed.FOUND, M1, "4 09:00")))
    assert (found["21", M1], found["24", M1], found["27", L]) == (Word.MET,) * 3
    (before,) = intervals(t07())
    assert [h.unit for h in before.held] == [M1, L]
    (after,) = intervals(t07(event(Deed.FOUND, M1, "4 09:00")))
    assert [h.unit for h in after.held] == [M1]
    assert "hidden earlier damage is not excluded" in after.says(t07()).en


def test_until_m1_answers_its_duty_is_open_and_then_not_recorded() -> None:
    assert words(replace(t07(), as_of=at("4 15:40")))["24", M1] is Word.NOT_APPLICABLE
    assert words(replace(t07(), as_of=at("4 15:41")))["24", M1] is Word.NOT_RECORDED


# ---------------------------------------------------------------- A01


def a01(told: str | None = "5 08:20", word_: str = "pass") -> Case:
    run = Cycle(
        id="s1/5103",
        number=5103,
        machine=S1,
        opened=event(
            Deed.CYCLE_OPENED, L, "3 07:20", biological_indicator=True, holds_implant=True,
            machine__state="in_service",
        ),
        ended=event(Deed.CYCLE_ENDED, L, "3 08:10", how=How.PRINTED, verdict="passed",
                    outcome="completed"),
        results=(
            *chemical(L, "3 08:15"),
            result("lumen_pcd", "pass", "3 08:15"),
            biological(word_, "5 08:05", "3 08:15"),
        ),
        decisions=(
            event(Deed.DECIDED, L, "3 08:20", decision="emergency_release", reason="trauma"),
            event(Deed.DECIDED, L, "5 08:05", decision="release"),
        ),
    )  # fmt: skip
    return case(
        "6 18:00",
        id="A01",
        cycle=run,
        series=(bowie_dick(5102, "3 06:10", S1),),
        history=(
            *prepared(dry="3 08:15"),
            event(Deed.USED, L, "3 08:40", case_token="c9"),
        ),
        comments=() if told is None else (
            event(Deed.COMMENTED, L, told, stance="seen", about=run.results[-1].source.operation),
        ),
    )  # fmt: skip


def test_a01_was_released_early_with_a_reason_and_its_user_was_told() -> None:
    for rule in ["2", "4", "5", "7"]:
        assert word(a01(), rule) == "L met", rule


# ---------------------------------------------------------------- five cases with fair answers


def test_recall_goes_by_the_order_of_cycles_and_not_of_entry() -> None:
    """38's pass is typed after 40's failure; it was read in time all the same."""

    def run(number: int, *results: Event) -> Cycle:
        hour = f"2 {number - 30:02}"
        entered = [*chemical(L, "2 09:00"), *results]
        return cycle(
            number,
            opened=f"{hour}:00",
            ended=f"{hour}:40",
            released=f"{hour}:50",
            results=entered,
        )

    late_pass = biological("pass", "4 08:45", "2 08:45", typed="5 10:00")
    runs = [
        run(38, late_pass),
        run(39),
        run(40, biological("fail", "4 10:45", "2 10:45")),
        run(41),
    ]
    covers = Recall(
        id="r", order=event(Deed.ORDERED, L, "4 11:00"), machine=S2.id, first=39, last=41
    )
    of_38 = case("6 12:00", cycle=runs[0], series=tuple(runs), recalls=(covers,))
    assert word(of_38, "5") == "L met"
    assert word(of_38, "6") == "not_applicable"
    for number in (1, 2, 3):
        judged = case("6 12:00", cycle=runs[number], series=tuple(runs), recalls=(covers,))
        assert word(judged, "6") == "L met"
    short = replace(covers, first=40)
    judged = case("6 12:00", cycle=runs[1], series=tuple(runs), recalls=(short,))
    assert word(judged, "6") == "L not_met"


def wet(*looks: Event, wet_at: str = "3 11:30") -> Case:
    return case(
        "3 18:00", cycle=run_2241(), series=SERIES[:2],
        history=(*prepared()[:-1], *looks, event(Deed.WET, M3, wet_at)),
        consignments=(consignment("K3", L, M3, "3 10:15", "3 11:25"),),
    )  # fmt: skip


def test_a_pack_that_arrives_wet_is_judged_by_what_was_seen_at_unloading() -> None:
    assert word(wet(event(Deed.UNLOADED, L, "3 09:15", dry=False)), "9") == "L not_met"
    assert word(wet(), "9") == "L not_recorded"
    dry = wet(event(Deed.UNLOADED, L, "3 09:15", dry=True))
    assert word(dry, "9") == "L met"
    (interval,) = intervals(dry)
    assert [h.unit for h in interval.held] == [L, M3]
    assert words(dry)["24", M3] is Word.MET
    excluded = case(
        "3 18:00", cycle=run_2241(), series=SERIES[:2],
        history=(*prepared()[:-1], event(Deed.UNLOADED, L, "3 09:15", dry=False),
                 event(Deed.EXCLUDED, L, "3 09:16")),
    )  # fmt: skip
    assert word(excluded, "9") == "L met"


def test_an_infection_with_a_complete_trace_names_nobody() -> None:
    judged = replace(
        q02(),
        recalls=(),
        cycle=run_2241(biological("pass", "5 09:00", "3 08:55")),
        as_of=at("9 12:00"),
    )
    found = answer(judged)
    assert "Nothing recorded points to sterile supply" in found.head.en
    assert "still to come" not in found.head.en
    critical = {
        f.word
        for f in found.findings
        if f.rule in ["1", "2", "3", "4", "5", "8", "9", "10", "11", "12"]
    }
    assert critical == {Word.MET}


def test_an_early_release_whose_user_hears_of_the_failure_after_nine_hours() -> None:
    judged = a01(told="5 17:05", word_="fail")
    assert word(judged, "2") == "L met"
    assert word(judged, "7") == "L not_met"
    assert word(a01(told="5 12:05"), "7") == "L met"
    assert word(a01(told=None), "7") == "L not_recorded"


def test_nobody_of_m4_appears_where_nothing_of_m4_is_recorded() -> None:
    assert M4 not in {f.holder for f in list_findings(q02())}


def test_an_order_that_leaves_out_a_cycle_that_ran_before_it_is_not_the_whole_recall() -> None:
    """40 fails, 42 ran before the order of 39–41, and a later order of 60–61 changes nothing."""
    runs = [
        cycle(number, opened=f"2 {number - 30:02}:00", ended=f"2 {number - 30:02}:40")
        for number in (38, 39, 41, 42)
    ]
    passed = replace(runs[0], results=(biological("pass", "4 08:45", "2 08:45"),))
    failed = cycle(40, opened="2 10:00", ended="2 10:40",
                   results=[biological("fail", "4 10:45", "2 10:45")])  # fmt: skip

    def order(first: int, last: int, when: str) -> Recall:
        ordered = event(Deed.ORDERED, L, when, first=first, last=last)
        return Recall(id=f"{first}", order=ordered, machine=S2.id, first=first, last=last)

    short, later, rest = (
        order(39, 41, "4 11:00"), order(60, 61, "4 11:30"), order(42, 42, "4 11:40"),
    )  # fmt: skip
    series = (passed, failed, *runs[1:])
    for own in (runs[2], runs[3]):
        judged = case("6 12:00", cycle=own, series=series, recalls=(later, short))
        assert word(judged, "6") == "L not_met"
        assert "not recalled in time: 42" in of(judged, "6")[0].why[0].en
        other = replace(judged, recalls=(order(41, 61, "4 11:30"),))
        assert word(other, "6") == "L not_recorded"
        whole = replace(judged, recalls=(later, rest, short))
        assert word(whole, "6") == "L met"


def test_a_recall_that_was_ordered_before_the_result_was_read_is_a_recall_all_the_same() -> None:
    early = replace(RECALL, order=event(Deed.ORDERED, L, "5 08:00", first=2240, last=2244))
    later = cycle(2245, opened="5 14:00", ended="5 14:40")
    judged = replace(q02(), recalls=(early,), series=(*SERIES, later))
    assert word(judged, "6") == "L met"
