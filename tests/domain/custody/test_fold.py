"""How a package stands after all that is said of it: the coverage list, and properties."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.custody.fold import LEADS, TABLE, Overlay, Stage, fold, ordered
from ledger.domain.custody.lines import Deed, PackageLine
from tests.domain.custody.lines_of import BOX, CYCLE, NAME, C, L, M, Told

OTHER_BOX = b"\x81" * 32


def test_a_package_goes_from_assembly_to_use_and_back() -> None:
    told = Told().ready()
    told.sent()
    told.say(Deed.CARRIED, C, thread=BOX, step=2, basis="inferred")
    told.say(Deed.HANDED_OVER, C, thread=BOX, step=3, to_unit=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=4)
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder, package.owner) == (Stage.STORED, M, M)
    assert [each.unit for each in package.holdings] == [L, C, M]
    assert package.consignment is None
    told.say(Deed.OPENED, M)
    told.say(Deed.USED, M, case="k1")
    package = fold(NAME, told.lines)
    assert (package.stage, package.used_by, package.case) == (Stage.USED, M, "k1")
    assert package.out_of_order == []
    assert package.overlays == set()


def test_what_goes_into_a_package_is_washed_before_it_is_assembled() -> None:
    told = Told()
    for deed in (Deed.WASHED, Deed.INSPECTED, Deed.ASSEMBLED):
        told.say(deed, L)
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder) == (Stage.ASSEMBLED, L)
    assert package.overlays == set()


def test_who_does_not_have_it_is_written_down_and_moves_nothing() -> None:
    told = Told().ready()
    told.say(Deed.USED, M)
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder) == (Stage.STORED, L)
    assert [(each.unit, each.deed) for each in package.contradictions] == [(M, Deed.USED)]
    assert Overlay.CONTRADICTED in package.overlays


def test_a_contradiction_ends_when_its_unit_has_the_package() -> None:
    told = Told().ready()
    told.say(Deed.FOUND, M)
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2)
    assert fold(NAME, told.lines).contradictions == []


def test_a_dispatch_by_somebody_who_does_not_have_it_is_contradicted() -> None:
    told = Told().ready()
    told.say(Deed.DISPATCHED, M, thread=BOX, step=0, to_unit=C, destination=L)
    assert Overlay.CONTRADICTED in fold(NAME, told.lines).overlays


def test_the_same_package_in_two_boxes_is_seen() -> None:
    told = Told().ready()
    told.sent()
    told.say(Deed.CARRIED, C, thread=BOX, step=2)
    told.sent(box=OTHER_BOX)
    assert Overlay.CONTRADICTED in fold(NAME, told.lines).overlays


def test_taken_after_it_was_discarded_is_recorded_and_said() -> None:
    told = Told().ready()
    told.sent()
    told.say(Deed.DISCARDED)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2)
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder) == (Stage.DISCARDED, M)
    assert package.out_of_order == [(Deed.RECEIVED, Stage.DISCARDED)]


def test_used_twice_is_out_of_order() -> None:
    told = Told().ready()
    told.say(Deed.USED)
    told.say(Deed.USED)
    package = fold(NAME, told.lines)
    assert package.out_of_order == [(Deed.USED, Stage.USED)]
    assert Overlay.OUT_OF_ORDER in package.overlays


def test_what_was_not_in_the_box_is_missing_at_who_had_it_last() -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.SHORT, M, thread=BOX, step=2, basis=None)
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder, package.destination) == (Stage.MISSING, L, None)


def test_missing_then_found_is_as_it_was() -> None:
    told = Told().ready()
    told.say(Deed.MISSING)
    told.say(Deed.FOUND)
    assert fold(NAME, told.lines).stage is Stage.STORED


def test_lost_on_the_way_then_found_and_received() -> None:
    told = Told().ready()
    told.sent()
    told.say(Deed.CARRIED, C, thread=BOX, step=2)
    told.say(Deed.LOST, C, thread=BOX, step=3)
    assert fold(NAME, told.lines).stage is Stage.LOST
    told.say(Deed.RECEIVED, M, thread=BOX, step=4)
    assert fold(NAME, told.lines).stage is Stage.STORED


def test_cancelled_it_is_where_it_was() -> None:
    told = Told().ready()
    told.sent()
    told.say(Deed.CANCELLED, thread=BOX, step=2)
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder, package.next_unit) == (Stage.STORED, L, None)


def test_soiled_it_travels_and_arrives_soiled() -> None:
    told = Told().ready()
    told.say(Deed.USED)
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2)
    assert fold(NAME, told.lines).stage is Stage.USED


def test_rerouted_it_is_for_another() -> None:
    told = Told().ready()
    told.sent()
    told.say(Deed.REROUTED, thread=BOX, step=2, destination=7)
    package = fold(NAME, told.lines)
    assert (package.destination, package.stage) == (7, Stage.OFFERED)


def test_inferred_is_not_seen() -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, basis="inferred")
    package = fold(NAME, told.lines)
    assert (package.holder, package.basis, package.seen_by) == (M, "inferred", L)


def test_decisions_and_what_is_found_lie_over_its_state() -> None:
    told = Told().ready()
    told.say(Deed.HELD, basis=None, thread=CYCLE)
    told.say(Deed.WET)
    assert fold(NAME, told.lines).overlays == {Overlay.HELD, Overlay.WET}
    told.say(Deed.LIFTED, basis=None, thread=CYCLE)
    told.say(Deed.RECALLED, basis=None, thread=CYCLE)
    told.say(Deed.LIFTED, basis=None, thread=CYCLE)
    assert fold(NAME, told.lines).overlays == {Overlay.WET, Overlay.RECALLED}


@pytest.mark.parametrize("deed", [Deed.WAITING, Deed.LEFT_OUT])
def test_what_waits_or_is_left_out_is_in_the_release_once_it_is_added(deed: Deed) -> None:
    told = Told().ready()
    told.say(deed, basis=None, thread=CYCLE)
    assert fold(NAME, told.lines).overlays
    told.say(Deed.ADDED, basis=None, thread=CYCLE)
    assert fold(NAME, told.lines).overlays == set()


@pytest.mark.parametrize("deed", [Deed.LIFTED, Deed.RECALLED, Deed.EXCLUDED, Deed.ADDED])
def test_who_decides_of_another_cycle_decides_nothing_of_the_package(deed: Deed) -> None:
    told = Told().ready()
    told.say(Deed.HELD, basis=None, thread=CYCLE)
    told.say(Deed.LOADED, 8, thread=OTHER_BOX, basis=None)
    told.say(deed, 8, basis=None, thread=OTHER_BOX)
    assert fold(NAME, told.lines).overlays == {Overlay.HELD, Overlay.CONTRADICTED}


def test_a_load_that_is_amended_keeps_what_was_decided_of_its_packages() -> None:
    told = Told().ready()
    told.say(Deed.LEFT_OUT, basis=None, thread=CYCLE)
    again = told.say(Deed.LOADED, thread=CYCLE, owner=M, basis=None)
    told.lines[1] = replace(told.lines[1], ended=again.sequence)
    assert Overlay.EXCLUDED in fold(NAME, told.lines).overlays


def test_who_does_not_have_it_says_nothing_of_what_it_is() -> None:
    told = Told().ready()
    told.say(Deed.LOADED, 8, thread=OTHER_BOX, owner=8, basis=None)
    told.say(Deed.STORED, 8, expires="2030-01-01", set_name="8/X")
    told.say(Deed.LABELLED, 8, code="A1")
    told.say(Deed.LABEL_VOIDED, 8, code="A0")
    package = fold(NAME, told.lines)
    assert (package.cycle, package.owner, package.expires) == (CYCLE, M, "2027-01-01")
    assert (package.set_name, package.codes, package.voided) == (None, set(), set())
    assert package.claimed == {OTHER_BOX}, "a recall of that cycle asks what became of it"
    assert {each.unit for each in package.contradictions} == {8}


@pytest.mark.parametrize(
    "deed, unit, outcome",
    [
        (Deed.MISSING, M, None),
        (Deed.SHORT, M, "missing"),
        (Deed.NOT_SO, M, None),
        (Deed.ANSWERED, M, "not_found"),
        (Deed.ANSWERED, 8, "found"),
        (Deed.STORED, 8, None),
    ],
)
def test_seen_is_what_its_holder_had_before_their_eyes(
    deed: Deed, unit: int, outcome: str | None
) -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, basis="inferred")
    told.say(deed, unit, outcome=outcome)
    assert fold(NAME, told.lines).seen_by == L
    told.say(Deed.ANSWERED, M, outcome="found")
    assert fold(NAME, told.lines).seen_by == M


@pytest.mark.parametrize("found", [Deed.FOUND_AGAIN, Deed.FOUND])
def test_lost_on_the_way_and_found_it_travels_on(found: Deed) -> None:
    told = Told().ready()
    told.sent()
    told.say(Deed.CARRIED, C, thread=BOX, step=2)
    told.say(Deed.LOST, C, thread=BOX, step=3)
    told.say(found, C, thread=BOX, step=4)
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder, package.next_unit) == (Stage.CARRIED, C, None)
    told.say(Deed.HANDED_OVER, C, thread=BOX, step=5, to_unit=M)
    assert fold(NAME, told.lines).out_of_order == []


def test_a_dispatch_that_is_told_again_under_its_slip_contradicts_nobody() -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, basis="inferred")
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, basis="inferred")
    package = fold(NAME, told.lines)
    assert (package.holder, package.contradictions) == (M, [])


def test_what_its_receiver_refuses_is_refused_until_it_is_sent_on() -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, outcome="refused")
    assert fold(NAME, told.lines).overlays == {Overlay.REFUSED}
    told.say(Deed.DISPATCHED, M, thread=OTHER_BOX, step=0, to_unit=L, destination=L)
    assert fold(NAME, told.lines).overlays == set()


def test_a_reprint_voids_the_code_before() -> None:
    told = Told().ready()
    told.say(Deed.LABELLED, code="A1")
    told.say(Deed.LABELLED, code="A2")
    told.say(Deed.LABEL_VOIDED, code="A1")
    package = fold(NAME, told.lines)
    assert (package.codes, package.voided) == ({"A2"}, {"A1"})


def test_what_was_taken_back_counts_no_longer_but_did_then() -> None:
    told = Told().ready()
    missing = told.say(Deed.MISSING)
    back = told.say(Deed.NOT_SO)
    told.lines[missing.sequence - 1] = replace(missing, ended=back.sequence)
    assert fold(NAME, told.lines).stage is Stage.STORED
    assert fold(NAME, told.lines, known=missing.sequence).stage is Stage.MISSING


def test_how_it_stood_at_a_moment() -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2)
    received = told.lines[-1].happened
    assert received is not None
    assert fold(NAME, told.lines, at=received - 1).holder == L
    assert fold(NAME, told.lines, at=received).holder == M


# ---------------------------------------------------------------- order


def test_a_clock_an_hour_behind_puts_no_receipt_before_its_dispatch() -> None:
    told = Told().ready()
    sent = told.sent(taker=M, at=50_000)
    told.say(Deed.RECEIVED, M, at=46_400, thread=BOX, step=2)
    told.say(Deed.USED, M, at=47_000)
    assert [line.deed for _, line in ordered(told.lines)][-3:] == [
        Deed.DISPATCHED, Deed.RECEIVED, Deed.USED,
    ]  # fmt: skip
    assert all(moment >= 50_000 for moment, line in ordered(told.lines)[-3:])
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder) == (Stage.USED, M)
    assert package.contradictions == []
    assert sent.happened == 50_000


def test_a_dispatch_that_is_signed_after_the_receipt_still_comes_first() -> None:
    told = Told().ready()
    told.say(Deed.RECEIVED, M, at=50_000, thread=BOX, step=65_535)
    told.sent(taker=M, at=50_000)
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder) == (Stage.STORED, M)


def test_a_paper_log_that_comes_late_stands_where_it_happened() -> None:
    told = Told().ready()
    told.say(Deed.USED, at=40_000)
    told.say(Deed.ISSUED, at=30_000, basis="imported")
    assert [line.deed for _, line in ordered(told.lines)][-2:] == [Deed.ISSUED, Deed.USED]
    assert fold(NAME, told.lines).out_of_order == []


LINES = st.lists(
    st.builds(
        lambda deed, unit, at, box, step: (deed, unit, at, box, step),
        st.sampled_from(Deed),
        st.sampled_from([L, M, C]),
        st.one_of(st.none(), st.integers(0, 20)),
        st.sampled_from([BOX, OTHER_BOX, CYCLE]),
        st.integers(0, 5),
    ),
    max_size=12,
)


def _lines(drawn: list[tuple[Deed, int, int | None, bytes, int]]) -> list[PackageLine]:
    return [
        PackageLine(
            package=NAME, sequence=place + 1, line=0, unit=unit, deed=deed, happened=at,
            signed_at=10, thread=box, step=step, basis="scanned", code="A1", to_unit=M,
            destination=M,
        )
        for place, (deed, unit, at, box, step) in enumerate(drawn)
    ]  # fmt: skip


@given(LINES, st.randoms(use_true_random=False))
def test_the_order_in_which_lines_are_read_changes_nothing(drawn: object, random: object) -> None:
    lines = _lines(drawn)  # type: ignore[arg-type]
    shuffled = list(lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(NAME, shuffled) == fold(NAME, lines)


@given(LINES)
def test_every_line_is_told_once_and_none_before_its_own_time(drawn: object) -> None:
    lines = _lines(drawn)  # type: ignore[arg-type]
    told = ordered(lines)
    assert sorted(line.sequence for _, line in told) == [line.sequence for line in lines]
    assert [moment for moment, _ in told] == sorted(moment for moment, _ in told)
    assert all(line.happened is None or moment >= line.happened for moment, line in told)


@given(LINES)
def test_one_unit_at_a_time_has_it_and_the_last_one_has_it_now(drawn: object) -> None:
    package = fold(NAME, _lines(drawn))  # type: ignore[arg-type]
    holdings = package.holdings
    assert all(before.until == after.since for before, after in itertools.pairwise(holdings))
    assert [each.until for each in holdings[-1:]] == [None] * bool(holdings)
    assert package.holder == (holdings[-1].unit if holdings else None)


@given(LINES)
def test_what_is_recalled_stays_recalled(drawn: object) -> None:
    lines = _lines(drawn)  # type: ignore[arg-type]
    loads = fold(NAME, lines).loads
    was = any(line.deed is Deed.RECALLED and line.thread in loads for line in lines)
    assert (Overlay.RECALLED in fold(NAME, lines).overlays) == was


@given(LINES, st.integers(1, 12))
def test_known_then_is_the_fold_of_what_was_accepted_by_then(drawn: object, known: int) -> None:
    lines = _lines(drawn)  # type: ignore[arg-type]
    assert fold(NAME, lines, known=known) == fold(NAME, [x for x in lines if x.sequence <= known])


@pytest.mark.parametrize("deed", [deed for row in TABLE.values() for deed in row])
def test_a_deed_leads_to_one_state_wherever_it_is_done(deed: Deed) -> None:
    leads = {row[deed] for row in TABLE.values() if deed in row}
    if deed is not Deed.REFUSED:
        assert leads == {LEADS[deed]}


def test_a_box_does_not_hold_what_another_unit_had_when_it_was_sent() -> None:
    told = Told().ready()
    told.say(Deed.DISPATCHED, M, thread=BOX, step=0, to_unit=C, destination=L)
    told.say(Deed.CARRIED, C, thread=BOX, step=2, basis="inferred")
    assert fold(NAME, told.lines).holder == L
    told.say(Deed.RECEIVED, C, thread=BOX, step=3, basis="scanned")
    assert fold(NAME, told.lines).holder == C, "who has it in their hands has it"


def test_an_inferred_receipt_of_what_was_never_sent_is_contradicted() -> None:
    told = Told().ready()
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, basis="inferred")
    package = fold(NAME, told.lines)
    assert (package.holder, package.stage) == (L, Stage.STORED)
    assert Overlay.CONTRADICTED in package.overlays


# ---------------------------------------------------------------- of the coverage list


def test_taken_after_it_was_recalled_it_is_there_and_recalled() -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECALLED, L, thread=CYCLE, basis=None)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2)
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder, package.overlays) == (
        Stage.STORED, M, {Overlay.RECALLED},
    )  # fmt: skip


def test_inferred_and_later_found_wrong_both_are_told_and_the_list_stays_readable() -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, basis="inferred")
    # the box is opened: it was never in it, and it lies at the giver still
    told.say(Deed.MISSING, M)
    told.say(Deed.FOUND, L)
    package = fold(NAME, told.lines)
    assert (package.stage, package.holder, package.basis) == (Stage.MISSING, M, "inferred")
    assert [(each.unit, each.deed) for each in package.contradictions] == [(L, Deed.FOUND)]
    assert package.seen_by == L, "nobody saw it at M"
    # M sends back what it has by the record alone, and L has it again
    told.say(Deed.DISPATCHED, M, thread=OTHER_BOX, to_unit=L, destination=L, basis="typed")
    told.say(Deed.RECEIVED, L, thread=OTHER_BOX, step=2)
    package = fold(NAME, told.lines)
    assert (package.holder, package.contradictions) == (L, [])


def test_two_tablets_of_one_unit_that_were_offline_tell_one_story_whichever_comes_first() -> None:
    opened, used = (Deed.OPENED, 50_000), (Deed.USED, 53_600)
    for order in ((opened, used), (used, opened)):
        told = Told().ready()
        for deed, at in order:
            told.say(deed, at=at)
        package = fold(NAME, told.lines)
        assert (package.stage, package.used_at, package.out_of_order) == (Stage.USED, 53_600, [])


BASKET, OTHER_BASKET = "SL1BK797", "SL1BK894"


def test_a_package_lies_in_the_basket_that_it_was_put_in_last_until_it_is_opened() -> None:
    told = Told().ready()
    told.say(Deed.PUT_IN, code=BASKET)
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, basis="inferred")
    package = fold(NAME, told.lines)
    # a basket's code is none that is on the package
    assert (package.basket, package.codes, package.stage) == (BASKET, set(), Stage.STORED)
    told.say(Deed.PUT_IN, L, code=OTHER_BASKET)
    assert fold(NAME, told.lines).basket == BASKET, "L does not have it"
    told.say(Deed.PUT_IN, M, code=OTHER_BASKET)
    package = fold(NAME, told.lines)
    assert (package.basket, package.out_of_order) == (
        OTHER_BASKET, [(Deed.PUT_IN, Stage.STORED)],
    )  # fmt: skip
    told.say(Deed.OPENED, M)
    assert fold(NAME, told.lines).basket is None
