"""When a clock cannot be right, and when a span of it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ledger.domain.clocks import (
    SET_BACK,
    SILENCE,
    Confirmation,
    age_seconds,
    has_passed,
    require_right,
)
from ledger.domain.errors import ClockWrong

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
A_MOMENT = timedelta(seconds=1)


def test_a_clock_near_what_was_dated_before_is_taken() -> None:
    for now in (NOON - SET_BACK, NOON, NOON + SILENCE):
        require_right(now, {"the last act": NOON}, None)
    require_right(NOON, {}, None)


def test_a_clock_behind_what_was_dated_before_is_wrong_in_words() -> None:
    with pytest.raises(ClockWrong) as caught:
        require_right(NOON - timedelta(days=2), {"the last act": NOON}, None)
    error = caught.value
    assert error.what == (
        "says 2026-11-19 12:00:00 UTC, 2 days before the last act (2026-11-21 12:00:00 UTC)"
    )
    assert (error.field, error.rule) == (
        "clock",
        "what is accepted is dated at most 5 minutes before that",
    )
    assert "steriledger clock confirm" in (error.remedy or "")
    with pytest.raises(ClockWrong):
        require_right(NOON - SET_BACK - A_MOMENT, {"the last act": NOON}, None)


def test_a_clock_far_ahead_of_everything_is_wrong_in_words() -> None:
    dates = {"the last act": NOON - A_MOMENT, "the last block": NOON}
    with pytest.raises(ClockWrong) as caught:
        require_right(NOON + SILENCE + A_MOMENT, dates, None)
    assert caught.value.what == (
        "says 2026-12-22 12:00:01 UTC, and nothing was dated since 2026-11-21 12:00:00 UTC"
    )


def test_a_confirmed_clock_is_taken_until_it_is_set_back_again() -> None:
    ahead = NOON + timedelta(days=2)
    word = Confirmation(at=NOON, newest=ahead)
    for now in (NOON, NOON + timedelta(hours=1), NOON - SET_BACK):
        require_right(now, {"the last act": ahead}, word)
    with pytest.raises(ClockWrong):
        require_right(NOON - SET_BACK - A_MOMENT, {"the last act": ahead}, word)
    later = ahead + timedelta(days=1)
    with pytest.raises(ClockWrong):
        require_right(ahead + A_MOMENT, {"the last act": later}, word)


def test_a_silence_is_over_once_a_person_confirmed_the_clock() -> None:
    now = NOON + timedelta(days=90)
    word = Confirmation(at=now, newest=now)
    require_right(now, {"the last act": NOON}, word)
    require_right(now + SILENCE, {"the last act": NOON}, word)
    with pytest.raises(ClockWrong):
        require_right(now + SILENCE + A_MOMENT, {"the last act": NOON}, word)
    with pytest.raises(ClockWrong):
        require_right(now - SET_BACK - A_MOMENT, {"the last act": now}, word)


@pytest.mark.parametrize(
    "seconds,over", [(0, False), (4, False), (5, True), (-4, False), (-5, True)]
)
def test_a_span_is_over_also_when_the_clock_was_set_back_further(
    seconds: int, *, over: bool
) -> None:
    assert has_passed(timedelta(seconds=5), NOON, NOON + timedelta(seconds=seconds)) is over


def test_an_age_never_counts_from_the_future() -> None:
    assert age_seconds(NOON, NOON - timedelta(seconds=7)) == 7
    assert age_seconds(NOON, NOON + SET_BACK) == 0
    assert age_seconds(NOON, NOON + SET_BACK + A_MOMENT) is None
    assert age_seconds(NOON, NOON + timedelta(days=2), NOON - timedelta(seconds=7)) == 7
