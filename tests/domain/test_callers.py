from __future__ import annotations

import pytest

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.words import NOT_ENTERED, RESULT_NAMES, Party
from ledger.domain.callers import Caller, Scope, local_administrator
from ledger.domain.errors import NotFound, Refused
from ledger.steps.accepting.prepare import require_act

DECISION = ACTS["CycleDecision"]


def caller(*scopes: Scope, unit: int | None = 3) -> Caller:
    """Somebody of unit 3."""
    return Caller(person="Somebody", unit=unit, scopes=frozenset(scopes))


def test_what_the_authority_signs_asks_for_the_authority_s_scope() -> None:
    by_authority = {name for name, act in ACTS.items() if Party.AUTHORITY in act.parties}
    assert {n for n, act in ACTS.items() if act.scope is Scope.AUTHORITY} == by_authority


def results(**entered: str) -> dict[str, str]:
    """The facts of a decision about results."""
    words = {**dict.fromkeys(RESULT_NAMES, NOT_ENTERED), **entered}
    return {f"results.{name}": word for name, word in words.items()}


@pytest.mark.parametrize("word", ["not_required", "pending", "pass", "fail", "invalid"])
def test_who_may_only_decide_enters_no_result(word: str) -> None:
    require_act(caller(Scope.DECIDE), DECISION, results())
    for facts in (results(physical=word), results(biological=word)):
        require_act(caller(Scope.DECIDE, Scope.RESULT), DECISION, facts)
        with pytest.raises(Refused, match="does not allow 'result'"):
            require_act(caller(*set(Scope) - {Scope.RESULT}), DECISION, facts)
        with pytest.raises(Refused, match="does not allow 'decide'"):
            require_act(caller(Scope.RESULT), DECISION, facts)


def test_what_carries_no_results_needs_its_own_scope_alone() -> None:
    for act in ACTS.values():
        facts = results() if act is DECISION else {}
        require_act(caller(act.scope), act, facts)
        with pytest.raises(Refused, match=f"does not allow '{act.scope}'"):
            require_act(caller(*set(Scope) - {act.scope}), act, facts)


def test_a_caller_reads_the_own_unit_or_every_unit_or_nothing() -> None:
    assert caller(Scope.READ_UNIT).readable_unit == 3
    assert caller(Scope.READ_ALL).readable_unit is None
    assert caller(Scope.READ_UNIT, Scope.READ_ALL).readable_unit is None
    with pytest.raises(Refused) as caught:
        assert caller(Scope.DECIDE).readable_unit
    assert "it allows decide" in str(caught.value)
    assert caught.value.remedy


def test_another_unit_s_affairs_do_not_exist() -> None:
    caller().require_unit(3)
    with pytest.raises(NotFound) as caught:
        caller().require_unit(4)
    assert caught.value.field == "unit"


def test_the_local_administrator_acts_for_every_unit() -> None:
    administrator = local_administrator("root")
    administrator.require_unit(1)
    administrator.require_unit(2)
    for scope in Scope:
        administrator.require_scope(scope)
    assert administrator.readable_unit is None
