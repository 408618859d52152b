"""What the gates answer: each reason once, in both languages, and never a yes by default."""

from __future__ import annotations

from datetime import date
from string import Formatter
from typing import Any

import pytest

from ledger.domain.acts.decisions import DecisionState
from ledger.domain.custody.fold import Package, fold
from ledger.domain.custody.gates import (
    WORDS,
    Asking,
    Gate,
    Reason,
    Word,
    ask,
    counted_only,
    is_no,
    unknown,
)
from ledger.domain.custody.lines import Deed
from ledger.domain.custody.standing import CycleStanding
from tests.domain.custody.lines_of import BOX, CYCLE, NAME, C, L, M, Told

RELEASED = DecisionState.RELEASED


def cycle(state: DecisionState = RELEASED, **more: Any) -> CycleStanding:
    return CycleStanding(id=CYCLE, name="S2/2241", state=state, **more)


def asking(unit: int = L, **more: Any) -> Asking:
    given = {"at": 10**6, "today": date(2026, 11, 3), "names": {L: "L", M: "M1", C: "van"}}
    return Asking(unit=unit, **{**given, **more})


def package(*deeds: Deed, **more: Any) -> Package:
    told = Told().ready()
    for deed in deeds:
        told.say(deed, **{"thread": CYCLE, **more})
    return fold(NAME, told.lines)


def reasons(
    found: Package, standing: CycleStanding | None = None, gate: Gate = Gate.ISSUE, **more: Any
) -> list[str]:
    answer = ask(gate, found, standing or cycle(), asking(**more))
    return [said.reason.value for said in (*answer.reasons, *answer.notes)]


def test_a_released_package_that_is_here_passes() -> None:
    answer = ask(Gate.USE, package(), cycle(), asking())
    assert (answer.word, answer.reasons, answer.notes) == (Word.YES, (), ())
    assert {"release", "recall", "expiry"} <= set(answer.checked)


@pytest.mark.parametrize(
    "state, reason",
    [
        (DecisionState.UNDECIDED, "not_released"),
        (DecisionState.REJECTED, "rejected"),
        (DecisionState.HELD, "held"),
        (DecisionState.RELEASED_HELD, "held"),
        (DecisionState.PENDING_HELD, "held"),
        (DecisionState.EMERGENCY_HELD, "held"),
        (DecisionState.RECALLED, "recalled"),
    ],
)
def test_a_cycle_that_is_not_released_passes_nothing(state: DecisionState, reason: str) -> None:
    answer = ask(Gate.USE, package(), cycle(state), asking())
    assert answer.word is Word.NO
    assert [said.reason.value for said in answer.reasons] == [reason]


@pytest.mark.parametrize(
    "state, note",
    [
        (DecisionState.RELEASED_BIOLOGICAL_PENDING, "biological_pending"),
        (DecisionState.RELEASED_EMERGENCY, "emergency"),
    ],
)
def test_an_early_release_passes_and_says_so(state: DecisionState, note: str) -> None:
    answer = ask(Gate.USE, package(), cycle(state), asking())
    assert answer.word is Word.YES
    assert [said.reason.value for said in answer.notes] == [note]


@pytest.mark.parametrize(
    "deed, reason",
    [
        (Deed.WET, "wet"),
        (Deed.DAMAGED, "damaged"),
        (Deed.HELD, "held"),
        (Deed.RECALLED, "recalled"),
        (Deed.EXCLUDED, "left_out"),
        (Deed.LEFT_OUT, "left_out"),
        (Deed.WAITING, "waiting"),
        (Deed.USED, "used"),
        (Deed.OPENED, "opened"),
        (Deed.DISCARDED, "gone"),
        (Deed.MISSING, "gone"),
    ],
)
def test_what_was_said_of_the_package_keeps_it(deed: Deed, reason: str) -> None:
    assert reasons(package(deed)) == [reason]


def test_an_opened_package_may_be_used_by_who_opened_it() -> None:
    assert ask(Gate.USE, package(Deed.OPENED), cycle(), asking()).word is Word.YES
    assert ask(Gate.DISPATCH, package(Deed.OPENED), cycle(), asking()).word is Word.NO


def test_it_may_be_used_on_its_last_day_and_not_after() -> None:
    assert ask(Gate.USE, package(), cycle(), asking(today=date(2027, 1, 1))).word is Word.YES
    answer = ask(Gate.USE, package(), cycle(), asking(today=date(2027, 1, 2)))
    assert answer.text() == "no: expired on 2027-01-01"
    assert answer.text("zh") == "no: 已于 2027-01-01 过期"


@pytest.mark.parametrize("text", ["2026/11/03", "2026-13-45", "20261103", "soon"])
def test_a_last_day_that_is_no_day_speaks_against_it(text: str) -> None:
    told = Told().ready()
    told.say(Deed.STORED, expires=text)
    answer = ask(Gate.USE, fold(NAME, told.lines), cycle(), asking())
    assert answer.text() == f"no: its last day of use is no day: {text}"


def test_what_its_receiver_refused_passes_no_gate() -> None:
    told = Told().ready()
    told.sent(taker=M)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2, outcome="refused")
    answer = ask(Gate.USE, fold(NAME, told.lines), cycle(), asking(unit=M))
    assert answer.text() == "no: refused by who received it"


def test_without_a_day_it_passes_and_says_so() -> None:
    told = Told()
    told.say(Deed.ASSEMBLED)
    told.say(Deed.LOADED, thread=CYCLE)
    answer = ask(Gate.USE, fold(NAME, told.lines), cycle(), asking())
    assert (answer.word, [said.reason.value for said in answer.notes]) == (Word.YES, ["no_expiry"])


def test_what_is_elsewhere_or_on_its_way_is_not_here() -> None:
    assert reasons(package(), unit=M) == ["not_here"]
    told = Told().ready()
    told.sent()
    assert reasons(fold(NAME, told.lines), unit=M) == ["travelling"]
    told.say(Deed.RECEIVED, M, thread=BOX, step=2)
    assert reasons(fold(NAME, told.lines), unit=M) == []


def test_who_never_had_it_hears_that_it_is_not_there_and_no_more() -> None:
    answer = ask(Gate.USE, package(Deed.USED), cycle(), asking(unit=8))
    assert (answer.text(), answer.checked) == ("no: not here", ("label", "place"))


def test_who_carried_it_hears_no_more_once_it_handed_it_over() -> None:
    told = Told().ready()
    told.sent()
    told.say(Deed.CARRIED, C, thread=BOX, step=1)
    assert "elsewhere" not in reasons(fold(NAME, told.lines), unit=C)
    told.say(Deed.RECEIVED, M, thread=BOX, step=2)
    told.say(Deed.USED, M)
    answer = ask(Gate.USE, fold(NAME, told.lines), cycle(), asking(unit=C))
    assert (answer.text(), answer.notes) == ("no: not here", ())


def test_a_contradiction_is_said_with_who_contradicts() -> None:
    told = Told().ready()
    told.say(Deed.USED, M)
    answer = ask(Gate.USE, fold(NAME, told.lines), cycle(), asking())
    assert answer.text() == "no: contradicted by M1"


def test_what_others_recorded_and_is_not_readable_here_cannot_be_known() -> None:
    answer = ask(Gate.USE, package(), cycle(is_part_unknown=True), asking())
    assert answer.word is Word.CANNOT_KNOW
    assert answer.unchecked == ("release", "recall")


def test_without_news_it_cannot_be_known_and_a_known_no_stays_a_no() -> None:
    behind = asking(behind_since=1_793_684_520)
    assert ask(Gate.USE, package(), cycle(), behind).text() == (
        "cannot know: nothing was heard since 2026-11-03T05:42:00Z"
    )
    assert ask(Gate.USE, package(Deed.WET), cycle(), behind).word is Word.NO


def test_a_result_a_recall_and_a_suspension_speak_against_a_release() -> None:
    assert reasons(package(), cycle(bad=("biological",))) == ["result_failed"]
    assert reasons(package(), cycle(is_ordered_back=True)) == ["recalled"]
    assert reasons(package(), cycle(released_while_suspended=True)) == ["while_suspended"]


def test_what_nobody_packed_or_loaded_has_no_record() -> None:
    told = Told()
    told.say(Deed.STORED, expires="2027-01-01")
    answer = ask(Gate.USE, fold(NAME, told.lines), None, asking(is_loaner=True))
    assert [said.reason for said in answer.reasons] == [
        Reason.NOT_ASSEMBLED, Reason.NOT_LOADED, Reason.LOANER,
    ]  # fmt: skip


def test_a_voided_label_an_unknown_code_and_a_mere_count() -> None:
    assert reasons(package(), is_voided=True) == ["voided"]
    assert unknown(Gate.USE).text() == "no: unknown code"
    named = unknown(Gate.USE, NAME)
    assert named.text() == "cannot know: nothing of it is recorded here"
    assert [is_no(each.text()) for each in (unknown(Gate.USE), named)] == [True, False]
    counted = counted_only(Gate.USE, cycle())
    assert (counted.word, counted.text()) == (
        Word.CANNOT_KNOW, "cannot know: counted only, cycle S2/2241 at best",
    )  # fmt: skip
    assert counted_only(Gate.USE, cycle(DecisionState.REJECTED)).text() == (
        "no: cycle S2/2241 was rejected; counted only, cycle S2/2241 at best"
    )


def test_both_languages_say_every_reason_with_the_same_values() -> None:
    assert {frozenset(words) for words in WORDS.values()} == {frozenset(Reason)}
    for reason in Reason:
        filled = {
            frozenset(name for _, name, _, _ in Formatter().parse(words[reason]) if name)
            for words in WORDS.values()
        }
        assert len(filled) == 1, reason
