"""Blocks that are replaced: below finality it heals, above it stops, says so, and is rebuilt."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ledger.chain.node import Node
from ledger.domain.acts.words import Contract
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import ChainUnavailable, Inconsistent
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.answering.status import WorkerState, status
from ledger.steps.auditing.audit import audit
from ledger.steps.following.rebuild import rebuild
from ledger.storage.transactions import TransactionState
from tests.faults_chain.group import (
    STRANGER,
    Group,
    RealNode,
    Template,
    calldata_of,
    real_node,
    wait_for,
    working,
)
from tests.faults_chain.test_answers import recorded_once

S = OperationState
HOW: dict[str, Callable[[RealNode, int], None]] = {
    "replaced": RealNode.reorganise,
    "rolled back": RealNode.roll_back,
}


def mined_cycle(group: Group) -> list[Digest]:
    """Four operations in the newest block, and the writer knows."""
    cycle = group.hospital.run_cycle("S1", 1)
    group.writer.step()
    group.node.mine()
    group.writer.step()
    group.hospital.follow()
    assert group.states(cycle) == {S.MINED}
    return cycle


@pytest.mark.parametrize("blocks", [1, 5, 60])
@pytest.mark.parametrize("how", HOW.values(), ids=HOW.keys())
def test_replaced_blocks_below_finality_heal_with_the_same_transactions(
    template: Template, tmp_path: Path, blocks: int, how: Callable[[RealNode, int], None]
) -> None:
    depth = blocks + 3
    with template.copied(tmp_path, finality=f"depth:{depth}") as group:
        cycle = mined_cycle(group)
        group.node.mine(blocks - 1) if blocks > 1 else None
        group.writer.step()
        how(group.node, blocks)
        group.writer.step()
        assert group.states(cycle) == {S.SENT}
        group.rounds(1, deeper=depth)
        recorded_once(group, cycle)
        rows = group.transactions()
        assert {(row.attempt, row.state) for row in rows} == {(0, TransactionState.FINAL)}
        assert group.fingerprint() == group.fresh_fingerprint(tmp_path)


def test_a_nonce_that_the_new_blocks_used_up_takes_a_new_envelope(group: Group) -> None:
    cycle = mined_cycle(group)
    before = len(group.transactions())
    group.node.roll_back(1)
    group.node.send(group.writer.relayer, b"\x77" * 20, b"")
    group.node.mine()
    group.rounds(5, deeper=2)
    recorded_once(group, cycle)
    rows = group.transactions()
    assert len(rows) > before
    assert TransactionState.DROPPED in {row.state for row in rows}


def test_what_reverts_in_the_new_block_of_the_same_height_is_seen(group: Group) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.writer.step()
    group.node.mine()
    group.writer.step()
    assert group.hospital.state(opening) is S.MINED
    ours = group.transactions()[-1]
    revocation = group.hospital.revoke_operator(1)
    registry = group.instance.deployment().address_of(Contract.UNIT_REGISTRY)
    theirs = group.node.sign(STRANGER, registry, calldata_of(group.instance, revocation))
    group.node.reorganise(1, [theirs, ours.raw])
    receipt = group.hospital.link.node.receipt(ours.hash)
    assert receipt is not None
    assert (receipt.succeeded, receipt.block_number) == (False, ours.block_height)
    group.rounds(2, deeper=2)
    assert group.hospital.state(revocation) is S.FINAL
    group.later(seconds=20)
    group.rounds(1)
    assert group.hospital.state(opening) is S.REFUSED
    assert "the key is revoked" in group.hospital.reason(opening)


def test_a_block_that_was_replaced_before_anybody_looked_again_loses_nothing(group: Group) -> None:
    cycle = mined_cycle(group)
    group.node.roll_back(1)
    group.node.mine(5)
    group.hospital.follow()
    assert group.states(cycle) == {S.MINED}
    group.rounds(1, deeper=2)
    recorded_once(group, cycle)
    assert {row.state for row in group.transactions()} == {TransactionState.FINAL}


def test_the_nodes_own_finality_decides_where_that_is_the_policy(
    template: Template, tmp_path: Path
) -> None:
    with template.copied(tmp_path, finality="finalized") as group:
        cycle = mined_cycle(group)
        group.node.mine()
        group.hospital.follow()
        assert group.states(cycle) == {S.MINED}
        group.node.mine()
        group.hospital.follow()
        recorded_once(group, cycle)


# ---------------------------------------------------------------- at finality and above


@pytest.mark.parametrize("blocks", [3, 60])
def test_a_replaced_final_block_stops_the_worker_until_a_rebuild(
    group: Group, tmp_path: Path, blocks: int
) -> None:
    cycle = mined_cycle(group)
    group.rounds(1, deeper=62)
    recorded_once(group, cycle)
    group.give_back_lease()
    group.node.reorganise(blocks)
    before = group.fingerprint()
    with working(group.instance) as ended:
        wait_for(lambda: bool(ended))
    assert isinstance(ended[0], Inconsistent)
    now = status(group.instance)
    assert now.worker is WorkerState.HALTED
    assert now.halted is not None
    assert "was final as" in now.halted.reason
    assert "steriledger rebuild" in (now.halted.remedy or "")
    assert group.fingerprint() == before
    rebuild(group.instance, group.hospital.link.node)
    assert group.fingerprint() == group.fresh_fingerprint(tmp_path)
    recorded_once(group, cycle)
    assert audit(group.instance, group.hospital.link.node).differences == ()
    with working(group.instance) as ended:
        wait_for(lambda: is_well(group))
    assert ended == []


def is_well(group: Group) -> bool:
    return status(group.instance).worker is WorkerState.RUNS


def test_final_operations_that_a_rebuilt_chain_lacks_are_owed_again_and_sent(
    group: Group, tmp_path: Path
) -> None:
    cycle = mined_cycle(group)
    group.rounds(1, deeper=8)
    recorded_once(group, cycle)
    group.give_back_lease()
    group.node.reorganise(10)
    with pytest.raises(Inconsistent):
        group.hospital.follow()
    rebuild(group.instance, group.hospital.link.node)
    assert group.states(cycle) == {S.OWED}
    assert group.fingerprint() == group.fresh_fingerprint(tmp_path)
    group.writer = group.hospital.writer()
    group.rounds(2, deeper=2)
    recorded_once(group, cycle)
    assert [str(d) for d in audit(group.instance, group.hospital.link.node).differences] == []


# ---------------------------------------------------------------- a node from an older backup


def test_a_node_restored_from_before_unfinal_blocks_heals(group: Group) -> None:
    older = group.node.endpoint.ask("anvil_dumpState")
    cycle = mined_cycle(group)
    with real_node(genesis_time=group.node.genesis_time) as restored:
        restored.endpoint.ask("anvil_loadState", older)
        restored.go_on_from_now()
        restored.mines_by_itself(False)
        group.proxy.upstream, group.node = restored.url, restored
        group.rounds(2, deeper=2)
        recorded_once(group, cycle)
        assert {row.attempt for row in group.transactions()} == {0}


def test_a_node_restored_from_before_final_blocks_is_waited_for_and_sent_nothing(
    group: Group,
) -> None:
    older = group.node.endpoint.ask("anvil_dumpState")
    cycle = mined_cycle(group)
    group.rounds(1, deeper=2)
    recorded_once(group, cycle)
    with real_node(genesis_time=group.node.genesis_time) as restored:
        restored.endpoint.ask("anvil_loadState", older)
        restored.go_on_from_now()
        restored.mines_by_itself(False)
        group.proxy.upstream = restored.url
        with pytest.raises(ChainUnavailable, match="does not reach block"):
            group.hospital.follow()
        restored.mine(10)
        with pytest.raises(Inconsistent, match="was final as"):
            group.hospital.follow()
        recorded_once(group, cycle)
        with closing(Node(restored.url)) as node:
            assert node.genesis_hash() == group.instance.deployment().genesis_hash
