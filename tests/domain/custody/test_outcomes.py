"""Outcomes: one closed list of words where duties rest on them; all else is a note."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.scan_report import COLUMNS, record_rules
from ledger.domain.custody.outcomes import (
    OUTCOMES,
    find_contradiction,
    parse_outcome,
    split_outcome,
)
from ledger.domain.errors import InvalidInput


def test_what_is_of_the_list_is_kept_in_one_form_and_the_rest_is_a_note() -> None:
    assert split_outcome("10/10;  Second Person ; looked fine;intact") == (
        "10/10; second person; intact", "looked fine",
    )  # fmt: skip
    assert split_outcome("inner indicator: pass") == (None, "inner indicator: pass")
    assert split_outcome(None) == split_outcome(" ; ") == (None, None)
    assert parse_outcome("9/10; indicator missing") == {
        "count": 9, "expected": 10, "indicator": "missing",
    }  # fmt: skip


@pytest.mark.parametrize(
    "said", ["intact; broken", "9/10; 10/10", "a0 met; A0 not met", "closed;open"]
)
def test_two_parts_that_say_one_thing_differently_contradict_each_other(said: str) -> None:
    assert find_contradiction(said) == " and ".join(part.strip() for part in said.split(";"))
    assert find_contradiction(f"dry; {said.split(';', maxsplit=1)[0]}; dry") is None


def line(**columns: Any) -> dict[str, Any]:
    return {f"lines.0.{name}": columns.get(name) for name in COLUMNS}


def require(act: str, outcome: str) -> None:
    facts = line(act=act, package="1/Q01", basis="scanned", outcome=outcome)
    record_rules({}, None, facts, None)  # type: ignore[arg-type]


def test_a_record_whose_duty_rests_on_an_outcome_takes_no_other_words() -> None:
    with pytest.raises(InvalidInput, match="is none of its words") as caught:
        require("used", "label legible; fine")
    assert caught.value.field == "lines.0.outcome"
    with pytest.raises(InvalidInput, match="says intact and broken"):
        require("opened", "intact; broken")
    require("used", "label legible")
    require("damaged", "torn at the corner")


@given(st.lists(st.sampled_from([*OUTCOMES, "7/9", "said so", "other: x"]), max_size=5))
def test_nothing_that_was_said_is_lost_and_what_counts_counts_the_same(parts: list[str]) -> None:
    said = "; ".join(parts)
    known, other = split_outcome(said)
    assert parse_outcome(known) == parse_outcome(said)
    assert parse_outcome(other) == {}
    kept = {*(known or "").split("; "), *(other or "").split("; ")} - {""}
    assert kept == set(parts)
