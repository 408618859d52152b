"""A chain that is away: records are accepted as before, and all of them arrive when it is back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.domain.operation_states import OperationState
from ledger.steps.status import status
from ledger.storage.operations import count_by_state, list_operations
from tests.faults_chain.group import Group, wait_for, working
from tests.faults_chain.proxy import broken_off, http_error

S = OperationState
RECORDS = 1_000


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for long in a test."""
    monkeypatch.setattr("ledger.steps.worker._LONGEST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr("ledger.steps.worker.TROUBLE_AFTER", timedelta(0))


def counts(group: Group) -> dict[OperationState, int]:
    with group.instance.database.reading() as tx:
        return {state: n for state, n in count_by_state(tx).items() if n}


@pytest.mark.usefixtures("_impatient")
def test_a_thousand_records_that_are_accepted_while_the_chain_is_away_all_arrive(
    group: Group,
) -> None:
    group.give_back_lease()
    already = counts(group)[S.FINAL]
    group.proxy.add(broken_off)
    with working(group.instance) as ended:
        for number in range(1, RECORDS + 1):
            group.hospital.accept(group.hospital.opening("S1", number))
        assert counts(group) == {S.FINAL: already, S.OWED: RECORDS}
        group.node.endpoint.ask("evm_setIntervalMining", 1)
        group.proxy.heal()
        wait_for(lambda: counts(group) == {S.FINAL: already + RECORDS})
        group.node.endpoint.ask("evm_setIntervalMining", 0)
    assert ended == []
    with group.instance.database.reading() as tx:
        accepted = [row.digest for row in list_operations(tx, limit=10_000)]
    assert sorted(group.recorded()) == sorted(accepted)
    rows = group.transactions()
    assert len({row.nonce for row in rows}) == len(rows)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("act", [broken_off, http_error])
def test_a_chain_that_stays_away_is_said_in_the_status_until_it_is_back(
    group: Group, act: object
) -> None:
    group.give_back_lease()
    with working(group.instance) as ended:
        wait_for(lambda: trouble(group) == "")
        group.proxy.add(act)  # type: ignore[arg-type]
        wait_for(lambda: "waits since" in (trouble(group) or ""))
        assert "did not answer" in (trouble(group) or "")
        group.proxy.heal()
        wait_for(lambda: trouble(group) == "")
    assert ended == []


@pytest.mark.usefixtures("_impatient")
def test_a_worker_that_starts_before_its_chain_waits_for_it(group: Group) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.give_back_lease()
    group.proxy.add(broken_off)
    with working(group.instance) as ended:
        wait_for(lambda: sum(group.proxy.asked.values()) > 6)
        group.node.mines_by_itself(True)
        group.proxy.heal()
        wait_for(lambda: group.hospital.state(opening) is S.MINED)
    assert ended == []


def trouble(group: Group) -> str | None:
    """What the status says is wrong; None before a worker ran."""
    chain = status(group.instance).chain
    return None if chain is None else chain.halted or ""
