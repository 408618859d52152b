"""Assets: between which two looks one came to be damaged or short, and who had it meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.duties.answering import answer, answer_to_plain, list_findings
from ledger.domain.duties.case import Case, Consignment, Deed, How, SubjectKind
from ledger.domain.duties.findings import SEVERITY, Word
from ledger.domain.duties.interval import intervals
from ledger.domain.encoding.canonical import canonical
from tests.domain.duties.kit import M1, M2, M3, L, case, event, iso, of, word

REGISTERED = event(Deed.REGISTERED, L, "1 08:00", code="LS-7", kind="loaner_set")


def loan(
    giver: int, taker: int, sent: str, received: str, *, gave: Any = None, got: Any = None
) -> Consignment:
    """From hand to hand, with what either side saw of it."""
    name = f"{giver}-{taker}"
    return Consignment(
        id=name, name=name, giver=giver, receiver=taker,
        purpose="loan" if giver == L else "return",
        steps=(
            event(Deed.DISPATCHED, giver, sent, **(gave or {})),
            event(Deed.RECEIVED, taker, received, **(got or {})),
        ),
    )  # fmt: skip


def asset(*history: Any, moved: tuple[Consignment, ...] = (), **more: Any) -> Case:
    return case(
        more.pop("as_of", "9 12:00"), kind=SubjectKind.ASSET, id="ls7", name="LS-7", owner=L,
        is_loaner=True, history=(REGISTERED, *history), consignments=moved, **more,
    )  # fmt: skip


Facts: TypeAlias = dict[str, Any]
TEN: Facts = {"instruments": 10}
NINE: Facts = {"instruments": 9}
WHOLE: Facts = {"condition_is": "whole"}
BROKEN: Facts = {"condition_is": "damaged"}
OUT = loan(L, M1, "2 08:00", "2 10:00", gave=TEN, got=TEN)
BACK = loan(M1, L, "3 08:00", "3 10:00", got=NINE)


def held(judged: Case) -> list[list[int]]:
    return [[h.unit for h in each.held] for each in intervals(judged)]


def test_a_loaner_that_comes_back_with_nine_of_ten_was_with_its_borrower_and_who_counted() -> None:
    judged = asset(moved=(OUT, BACK))
    (interval,) = intervals(judged)
    assert (interval.what, held(judged)) == (Deed.MISSING, [[M1, L]])
    assert interval.says(judged).en.startswith("short: last seen whole 2026-11-02 10:00")
    assert word(judged, "24") == "L met, M1 not_recorded"
    assert word(replace(judged, as_of=interval.first_bad.at), "24") == "L met, M1 not_applicable"
    found = replace(judged, history=(*judged.history, event(Deed.FOUND, M1, "3 15:00")))
    assert held(found) == [[M1]]
    assert word(found, "24") == "L met, M1 met"


def test_a_count_at_the_return_narrows_it_to_the_way_back() -> None:
    judged = asset(moved=(OUT, replace(BACK, steps=(
        event(Deed.DISPATCHED, M1, "3 08:00", **TEN), BACK.steps[1],
    ))))  # fmt: skip
    (interval,) = intervals(judged)
    assert interval.last_good is not None
    assert interval.last_good.at == judged.consignments[1].steps[0].at


def test_what_nobody_looked_at_narrows_nothing() -> None:
    unseen = loan(L, M1, "2 08:00", "2 10:00")
    inferred = event(Deed.LOOKED_AT, M1, "2 12:00", how=How.INFERRED, **WHOLE)
    judged = asset(
        event(Deed.LOOKED_AT, L, "1 09:00", **WHOLE), inferred, event(Deed.DAMAGED, M1, "2 15:00"),
        moved=(unseen,),
    )  # fmt: skip
    (interval,) = intervals(judged)
    assert interval.last_good is not None
    assert interval.last_good.unit == L
    assert held(judged) == [[L, M1]]


def test_it_is_damaged_anew_only_after_a_repair_or_a_look_that_found_it_whole() -> None:
    """A second report of the same damage is no second interval; one after a repair is."""
    first, again = event(Deed.DAMAGED, M1, "2 12:00"), event(Deed.DAMAGED, M1, "2 13:00")
    repair = event(Deed.MAINTAINED, L, "4 08:00", work="repair", asset="ls7")
    later = event(Deed.DAMAGED, L, "5 08:00")
    assert len(list(intervals(asset(first, again, later, moved=(OUT,))))) == 1
    repaired = asset(first, again, later, moved=(OUT, BACK), maintenance=(repair,))
    damages = [each for each in intervals(repaired) if each.what is Deed.DAMAGED]
    assert [each.first_bad.unit for each in damages] == [M1, L]
    theirs = replace(repair, unit=M1, source=replace(repair.source, unit=M1))
    moved: Facts = {"moved": (OUT, BACK), "maintenance": (theirs,)}
    assert len([e for e in intervals(asset(first, later, **moved)) if e.what is Deed.DAMAGED]) == 1


def test_nobody_looked_before_is_said_and_its_owner_had_it_from_the_start() -> None:
    judged = asset(event(Deed.DAMAGED, L, "1 12:00"))
    (interval,) = intervals(judged)
    assert "nobody recorded that it was seen whole before" in interval.says(judged).en
    assert held(judged) == [[L]]


def test_a_receipt_that_finds_it_damaged_is_the_report_of_it() -> None:
    judged = asset(moved=(loan(L, M1, "2 08:00", "2 10:00", gave=WHOLE, got=BROKEN),))
    assert (held(judged), word(judged, "22")) == ([[L, M1]], "L met, M1 met")
    assert word(judged, "24") == "M1 met"


def test_an_asset_s_answer_says_what_is_asked_of_it_and_nothing_of_sterile_supply() -> None:
    used = event(Deed.USED, M1, "2 11:00")
    plain: Facts = dict(answer_to_plain(answer(asset(used, moved=(OUT, BACK)))))
    rules = {each["rule"] for each in plain["findings"]}
    assert rules == {"13", "14", "15", "16", "17", "22", "23", "24", "25", "26"}
    assert "steril" not in str(plain["head"])


looks = st.lists(
    st.builds(
        lambda deed, unit, day, facts: event(deed, unit, f"{day} 12:00", **facts),
        st.sampled_from((Deed.USED, Deed.LOOKED_AT, Deed.DAMAGED, Deed.MISSING, Deed.FOUND)),
        st.sampled_from((L, M1, M2)),
        st.integers(1, 6),
        st.sampled_from(({}, WHOLE, BROKEN, TEN, NINE)),
    ),
    max_size=6,
)
DEFECTS: tuple[tuple[Deed, Facts], ...] = (
    (Deed.DAMAGED, {}),
    (Deed.MISSING, {}),
    (Deed.LOOKED_AT, BROKEN),
    (Deed.LOOKED_AT, NINE),
)


@given(looks, st.sampled_from(DEFECTS), st.integers(1, 6), st.randoms(use_true_random=False))
def test_who_reports_a_defect_of_an_asset_stands_no_worse_and_order_of_entry_is_nothing(
    history: Any, defect: Any, day: int, chance: Any
) -> None:
    deed, facts = defect
    judged = asset(*history, moved=(OUT, BACK))
    told = event(deed, M3, f"{day} 12:00", **facts)
    after = replace(judged, history=(*judged.history, told))
    before = {(f.rule, f.of): f.word for f in list_findings(judged) if f.holder == M3}
    for finding in list_findings(after):
        if finding.holder == M3 and finding.rule != "25":
            was = before.get((finding.rule, finding.of), Word.MET)
            assert SEVERITY[finding.word] <= SEVERITY[was], finding
        if finding.word is Word.NOT_MET:
            assert any(finding.holder == e.unit for m in finding.marks for e in m.events)
    turned = replace(after, history=tuple(chance.sample(after.history, len(after.history))))
    assert canonical(answer_to_plain(answer(turned))) == canonical(answer_to_plain(answer(after)))


def test_no_maintenance_in_the_books_is_not_recorded_and_one_in_date_is_met() -> None:
    used = event(Deed.USED, M1, "4 10:00")
    kept = event(Deed.MAINTAINED, L, "1 08:00", work="calibration", asset="ls7",
                 next_due=iso("4 10:00"))  # fmt: skip
    assert word(asset(used), "23") == "L not_recorded"
    assert word(asset(used, maintenance=(kept,)), "23") == "L met"
    assert of(asset(used, maintenance=(kept,)), "23")[0].holder == L
