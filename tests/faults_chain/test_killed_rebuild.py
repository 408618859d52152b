"""Killed while it builds the index anew of a chain that lost final operations, nothing is lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Inconsistent
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.auditing.audit import audit
from ledger.steps.following.rebuild import rebuild
from ledger.steps.following.reowing import is_begun
from ledger.storage.transactions import TransactionState
from tests.faults.children import Home, housing
from tests.faults_chain.group import Group
from tests.faults_chain.test_answers import recorded_once
from tests.faults_chain.test_reorganised import mined_cycle

S = OperationState


@pytest.fixture
def home(group: Group) -> Iterator[Home]:
    """The same home, for processes of their own; they ask the node itself."""
    settings = group.instance.settings
    with housing(settings.home, chain_url=group.node.url, finality=settings.finality) as same:
        yield same


def lose_a_cycle(group: Group) -> list[Digest]:
    """Four final operations that the chain has no more; the follower stops there."""
    cycle = mined_cycle(group)
    group.rounds(1, deeper=8)
    recorded_once(group, cycle)
    group.give_back_lease()
    group.node.reorganise(10)
    with pytest.raises(Inconsistent):
        group.hospital.follow()
    return cycle


def differences(group: Group) -> list[str]:
    return [str(each) for each in audit(group.instance, group.hospital.link.node).differences]


@pytest.mark.parametrize("instead", ["worker", "rebuild"])
@pytest.mark.parametrize("point", ["rebuild.cleared", "follow.committed", "rebuild.followed"])
def test_what_a_killed_rebuild_owes_is_done_by_whoever_follows_next(
    point: str, instead: str, group: Group, home: Home, tmp_path: Path
) -> None:
    cycle = lose_a_cycle(group)
    dead = home.start("rebuild", crash_at=point)
    assert dead.wait() == -signal.SIGKILL, dead.words()
    assert group.states(cycle) == {S.FINAL}
    assert is_begun(group.instance)
    if instead == "rebuild":
        again = home.start("rebuild")
        assert again.wait() == 0, again.words()
        assert group.states(cycle) == {S.OWED}
        assert not is_begun(group.instance)
    group.node.endpoint.ask("evm_setIntervalMining", 1)
    worker = home.start("worker")
    worker.wait_for(
        lambda: not is_begun(group.instance) and group.states(cycle) == {S.FINAL},
    )
    assert worker.stop() == 0
    group.node.endpoint.ask("evm_setIntervalMining", 0)
    assert not is_begun(group.instance)
    recorded_once(group, cycle)
    for digest in cycle:
        assert group.hospital.history(digest).count(S.FINAL) == 2
    group.hospital.follow()
    assert group.fingerprint() == group.fresh_fingerprint(tmp_path)
    assert differences(group) == []


@pytest.mark.parametrize("point", ["rebuild.cleared", "rebuild.followed"])
def test_a_worker_killed_while_it_finishes_a_rebuild_leaves_it_to_the_next(
    point: str, group: Group, home: Home
) -> None:
    cycle = lose_a_cycle(group)
    assert home.start("rebuild", crash_at=point).wait() == -signal.SIGKILL
    dead = home.start("worker", crash_at="rebuild.followed")
    assert dead.wait() == -signal.SIGKILL, dead.words()
    assert group.states(cycle) == {S.FINAL}
    rebuild(group.instance, group.hospital.link.node)
    assert group.states(cycle) == {S.OWED}


def test_nothing_is_sent_while_a_rebuild_goes_on(group: Group, home: Home) -> None:
    lose_a_cycle(group)
    late = group.hospital.accept(group.hospital.opening("S1", 2))
    assert home.start("rebuild", crash_at="rebuild.cleared").wait() == -signal.SIGKILL
    dead = home.start("worker", crash_at="worker.sent")
    assert dead.wait() == -signal.SIGKILL, dead.words()
    assert is_begun(group.instance)
    assert group.hospital.history(late) == [S.OWED]


def test_what_was_signed_after_the_lost_ones_does_not_wait_for_their_nonces(group: Group) -> None:
    cycle = mined_cycle(group)
    group.rounds(1, deeper=8)
    late = group.hospital.run_cycle("S1", 2)
    group.writer.step()
    assert group.states(late) == {S.SENT}
    group.give_back_lease()
    group.node.reorganise(10)
    with pytest.raises(Inconsistent):
        group.hospital.follow()
    assert rebuild(group.instance, group.hospital.link.node).owed_again == len(cycle)
    assert group.states([*cycle, *late]) == {S.OWED}
    group.writer = group.hospital.writer()
    group.rounds(2, deeper=2)
    for each in (cycle, late):
        recorded_once(group, each)
    ended = {TransactionState.FINAL, TransactionState.DROPPED}
    assert {row.state for row in group.transactions()} == ended
    assert differences(group) == []
