"""The table of decisions: every pair of state and kind, and the shares that each carries."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import find_schema
from ledger.domain.acts.decisions import (
    MAX_SHARES,
    SHARE_RULES,
    TRANSITIONS,
    DecisionKind,
    DecisionState,
    ShareRule,
    next_state,
    require_shares,
    share_rule,
)
from ledger.domain.encoding.abi import Scalar
from ledger.domain.errors import InvalidInput, Refused

K: Final = DecisionKind
S: Final = DecisionState

PAIRS = [(state, kind) for state in S for kind in K]
ALLOWED = [(state, kind) for state, kind in PAIRS if kind in TRANSITIONS[state]]
REFUSED = [pair for pair in PAIRS if pair not in ALLOWED]
#: States in which packages of the cycle may be used.
USABLE = {S.RELEASED, S.RELEASED_BIOLOGICAL_PENDING, S.RELEASED_EMERGENCY}
#: States that a cycle reaches without a release.
NEVER_RELEASED = {S.UNDECIDED, S.REJECTED, S.HELD}


def share(
    owner: int = 2, payer: int = 2, package_class: int = 1, delta: int = 1
) -> dict[str, Scalar]:
    return {"owner": owner, "payer": payer, "packageClass": package_class, "delta": delta}


@pytest.mark.parametrize("state,kind", ALLOWED)
def test_an_allowed_decision_leads_to_the_state_of_the_table(
    state: DecisionState, kind: DecisionKind
) -> None:
    assert next_state(state, kind) is TRANSITIONS[state][kind]


@pytest.mark.parametrize("state,kind", REFUSED)
def test_any_other_decision_is_refused_with_what_would_be_allowed(
    state: DecisionState, kind: DecisionKind
) -> None:
    with pytest.raises(Refused) as caught:
        next_state(state, kind)
    assert caught.value.field == "kind"
    assert caught.value.rule is not None
    assert state.word in caught.value.what
    assert kind.word in caught.value.what
    listed = caught.value.rule.split(": ")[1].split(", ")
    assert listed == [option.word for option in TRANSITIONS[state]]
    with pytest.raises(Refused):
        share_rule(state, kind)


def test_every_state_has_a_way_on() -> None:
    assert set(TRANSITIONS) == set(S)
    assert all(TRANSITIONS[state] for state in S)


def test_every_state_can_be_reached() -> None:
    reached = {S.UNDECIDED}
    for _ in S:
        reached |= {next_state(state, kind) for state, kind in ALLOWED if state in reached}
    assert reached == set(S)


def test_a_hold_is_lifted_to_where_it_was() -> None:
    for state in S:
        if K.HOLD in TRANSITIONS[state]:
            assert next_state(next_state(state, K.HOLD), K.LIFT) is state


def test_what_was_released_never_becomes_undecided_or_rejected() -> None:
    for state, kind in ALLOWED:
        if state not in NEVER_RELEASED:
            assert next_state(state, kind) not in NEVER_RELEASED


def test_only_a_release_a_lift_or_a_correction_makes_packages_usable() -> None:
    for state, kind in ALLOWED:
        if next_state(state, kind) in USABLE and state not in USABLE:
            assert kind in {
                K.RELEASE, K.RELEASE_BIOLOGICAL_PENDING, K.EMERGENCY_RELEASE, K.LIFT
            }  # fmt: skip


def test_a_recall_is_final() -> None:
    assert TRANSITIONS[S.RECALLED] == {K.CORRECT: S.RECALLED}
    assert all(next_state(s, k) is S.RECALLED for s, k in ALLOWED if k is K.RECALL)


def test_shares_are_recorded_only_where_something_was_or_is_being_released() -> None:
    for state, kind in ALLOWED:
        first = kind in {K.RELEASE, K.RELEASE_BIOLOGICAL_PENDING, K.EMERGENCY_RELEASE}
        if state in NEVER_RELEASED and not first:
            assert share_rule(state, kind) is ShareRule.NONE


def test_no_share_rule_stands_for_a_decision_that_is_refused() -> None:
    assert {(s, k) for s, row in SHARE_RULES.items() for k in row} <= set(ALLOWED)


def test_the_record_of_a_decision_uses_the_same_words() -> None:
    rule = find_schema("cycle-decision/1").facts["decision"]
    assert rule.text == f"one of {', '.join(kind.word for kind in K)}"


@pytest.mark.parametrize("state,kind", ALLOWED)
def test_a_decision_without_shares_passes_unless_it_is_a_first_release(
    state: DecisionState, kind: DecisionKind
) -> None:
    if share_rule(state, kind) is ShareRule.FIRST:
        with pytest.raises(Refused) as caught:
            require_shares(state, kind, [], {1: 5}, {})
        assert caught.value.field == "shares"
    else:
        require_shares(state, kind, [], {1: 5}, {1: 5})


@pytest.mark.parametrize("state,kind", ALLOWED)
def test_a_share_passes_only_where_the_table_says_so(
    state: DecisionState, kind: DecisionKind
) -> None:
    if share_rule(state, kind) is ShareRule.NONE:
        with pytest.raises(Refused) as caught:
            require_shares(state, kind, [share()], {1: 5}, {})
        assert caught.value.field == "shares[0]"
    else:
        require_shares(state, kind, [share()], {1: 5}, {})


@pytest.mark.parametrize("state,kind", ALLOWED)
def test_a_negative_share_passes_only_where_something_is_set_right(
    state: DecisionState, kind: DecisionKind
) -> None:
    shares = [share(owner=1, delta=1), share(owner=2, delta=-1)]
    if share_rule(state, kind) is ShareRule.ANY:
        require_shares(state, kind, shares, {1: 5}, {1: 1})
    else:
        with pytest.raises(Refused):
            require_shares(state, kind, shares, {1: 5}, {1: 1})


def test_a_negative_first_release_names_the_share() -> None:
    shares = [share(owner=1), share(owner=2, delta=-1)]
    with pytest.raises(Refused) as caught:
        require_shares(S.UNDECIDED, K.RELEASE, shares, {1: 5}, {1: 1})
    assert caught.value.field == "shares[1]"
    assert "-1" in caught.value.what


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        require_shares(S.UNDECIDED, K.RELEASE, [share(delta=0)], {1: 5}, {})
    assert caught.value.field == "shares[0]"


@pytest.mark.parametrize(
    "shares,index",
    [
        ([share(), share()], 1),
        ([share(owner=3), share(owner=2)], 1),
        ([share(payer=3), share(payer=2)], 1),
        ([share(package_class=2), share(package_class=1)], 1),
        ([share(owner=1), share(owner=2), share(owner=2)], 2),
    ],
)
def test_shares_that_do_not_ascend_are_refused_where_they_turn(
    shares: list[dict[str, Scalar]], index: int
) -> None:
    with pytest.raises(InvalidInput) as caught:
        require_shares(S.UNDECIDED, K.RELEASE, shares, {1: 5, 2: 5}, {})
    assert caught.value.field == f"shares[{index}]"


def test_a_class_that_was_not_declared_is_refused() -> None:
    shares = [share(package_class=1), share(package_class=9)]
    with pytest.raises(Refused) as caught:
        require_shares(S.UNDECIDED, K.RELEASE, shares, {1: 5}, {})
    assert caught.value.field == "shares[1]"
    assert "class 9" in caught.value.what


@pytest.mark.parametrize(
    "delta,released,numbers",
    [(6, 0, ("0", "+6", "6")), (3, 3, ("3", "+3", "6")), (-4, 3, ("-4", "-1"))],
)
def test_more_than_declared_or_less_than_none_is_refused_with_the_numbers(
    delta: int, released: int, numbers: tuple[str, ...]
) -> None:
    with pytest.raises(Refused) as caught:
        require_shares(S.RELEASED, K.CORRECT, [share(delta=delta)], {1: 5}, {1: released})
    assert caught.value.field == "shares[0]"
    assert all(number in caught.value.what for number in numbers)
    assert caught.value.rule is not None
    assert "5" in caught.value.rule


def test_shares_of_one_class_add_up() -> None:
    shares = [share(owner=1, delta=3), share(owner=2, delta=3)]
    with pytest.raises(Refused) as caught:
        require_shares(S.UNDECIDED, K.RELEASE, shares, {1: 5}, {})
    assert caught.value.field == "shares[1]"
    require_shares(S.UNDECIDED, K.RELEASE, shares, {1: 6}, {})


def test_packages_move_between_owners_of_a_fully_released_load() -> None:
    for shares in (
        [share(owner=1, delta=3), share(owner=2, delta=-3)],
        [share(owner=1, delta=-3), share(owner=2, delta=3)],
    ):
        require_shares(S.RELEASED, K.CORRECT, shares, {1: 5}, {1: 5})


def test_what_was_not_released_cannot_be_moved() -> None:
    shares = [share(owner=1, delta=4), share(owner=2, delta=-4)]
    with pytest.raises(Refused) as caught:
        require_shares(S.RELEASED, K.CORRECT, shares, {1: 5}, {1: 3})
    assert caught.value.field == "shares[1]"
    assert "-1" in caught.value.what


def test_what_is_taken_back_of_one_class_makes_no_room_in_another() -> None:
    shares = [share(package_class=1, delta=-1), share(package_class=2, delta=1)]
    with pytest.raises(Refused) as caught:
        require_shares(S.RELEASED, K.CORRECT, shares, {1: 5, 2: 5}, {1: 5, 2: 5})
    assert caught.value.field == "shares[1]"


@pytest.mark.parametrize(
    "name,value",
    [
        ("owner", -1),
        ("owner", 2**32),
        ("payer", 2**32),
        ("packageClass", 65536),
        ("delta", 2**31),
        ("delta", True),
        ("owner", bytes(32)),
    ],
)
def test_a_number_beyond_its_type_is_refused_by_name(name: str, value: int | bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        require_shares(S.UNDECIDED, K.RELEASE, [{**share(), name: value}], {1: 5}, {})
    assert caught.value.field == f"shares[0].{name}"


@pytest.mark.parametrize("wrong", [{}, {"owner": 1}, {**share(), "note": 1}])
def test_a_share_with_missing_or_unknown_members_is_refused(wrong: dict[str, Scalar]) -> None:
    with pytest.raises(InvalidInput) as caught:
        require_shares(S.UNDECIDED, K.RELEASE, [wrong], {1: 5}, {})
    assert caught.value.field == "shares[0]"


def test_a_decision_carries_at_most_128_shares() -> None:
    shares = [share(owner=index) for index in range(1, MAX_SHARES + 2)]
    require_shares(S.UNDECIDED, K.RELEASE, shares[:-1], {1: 1000}, {})
    with pytest.raises(InvalidInput) as caught:
        require_shares(S.UNDECIDED, K.RELEASE, shares, {1: 1000}, {})
    assert caught.value.field == "shares"
    assert "129" in caught.value.what


share_lists = st.lists(
    st.builds(
        share,
        owner=st.integers(1, 3),
        payer=st.integers(1, 3),
        package_class=st.integers(1, 3),
        delta=st.integers(-5, 5),
    ),
    max_size=6,
)
counts = st.dictionaries(st.integers(1, 3), st.integers(0, 8))


@given(share_lists, counts, st.data())
def test_whatever_passes_leaves_every_class_within_what_was_declared(
    shares: list[dict[str, int]], declared: dict[int, int], data: st.DataObject
) -> None:
    released = {number: data.draw(st.integers(0, most)) for number, most in declared.items()}
    try:
        require_shares(S.RELEASED, K.CORRECT, shares, declared, released)
    except (InvalidInput, Refused):
        return
    for number, most in declared.items():
        moved = sum(each["delta"] for each in shares if each["packageClass"] == number)
        assert 0 <= released[number] + moved <= most
    assert {each["packageClass"] for each in shares} <= set(declared)


@given(share_lists)
def test_checking_shares_changes_nothing(shares: list[dict[str, int]]) -> None:
    released = {1: 1}
    before = [dict(each) for each in shares]
    try:
        require_shares(S.RELEASED, K.CORRECT, shares, {1: 5, 2: 5, 3: 5}, released)
    except (InvalidInput, Refused):
        pass
    finally:
        assert shares == before
        assert released == {1: 1}
