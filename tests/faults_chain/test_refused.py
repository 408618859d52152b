"""What the contracts refuse on a chain of others: one alone, in words, and nothing silently."""

from __future__ import annotations

from ledger.domain.operation_states import OperationState
from ledger.domain.operations import Contract
from ledger.steps.audit import audit
from ledger.storage.operations import find_receipt, get_operation
from ledger.storage.records import find_record
from tests.faults_chain.group import STRANGER, Group, calldata_of
from tests.faults_chain.test_answers import recorded_once

S = OperationState


def test_one_refused_operation_inside_a_batch_does_not_keep_the_others(group: Group) -> None:
    good = [group.hospital.accept(group.hospital.opening("S1", number)) for number in (5, 6, 7)]
    bad = group.hospital.accept_unchecked(group.hospital.opening("S1", 4))
    later = group.hospital.accept(group.hospital.opening("S1", 8))
    group.rounds(4, deeper=2)
    recorded_once(group, [*good, later])
    assert group.hospital.state(bad) is S.REFUSED
    assert "number not rising (number 4, last" in group.hospital.reason(bad)
    assert group.hospital.history(bad) == [S.OWED, S.SENT, S.OWED, S.REFUSED]
    for digest in [*good, later]:
        assert group.hospital.history(digest) == [S.OWED, S.SENT, S.OWED, S.SENT, S.MINED, S.FINAL]


def test_what_goes_out_for_the_first_time_is_asked_of_nobody(group: Group) -> None:
    cycle = group.hospital.run_cycle("S1", 1)
    group.writer.step()
    assert group.states(cycle) == {S.SENT}
    assert group.proxy.asked["eth_estimateGas"] == group.proxy.asked["eth_call"] == 0
    group.rounds(1, deeper=2)
    recorded_once(group, cycle)


def test_what_waits_for_its_predecessor_is_put_off_and_goes_out_when_it_comes(
    group: Group,
) -> None:
    early = group.hospital.accept_unchecked(group.hospital.ending("S1", 1))
    for _ in range(3):
        group.rounds(1)
        group.later(seconds=10)
    assert group.hospital.history(early) == [S.OWED, S.SENT, S.OWED]
    opening = group.hospital.accept_unchecked(group.hospital.opening("S1", 1))
    for _ in range(3):
        group.later(seconds=30)
        group.rounds(1, deeper=2)
    recorded_once(group, [opening, early])


def test_what_was_signed_before_its_signer_was_revoked_goes_out_first(group: Group) -> None:
    cycle = group.hospital.run_cycle("S1", 1)
    revocation = group.hospital.revoke_operator(1)
    group.rounds(3, deeper=2)
    recorded_once(group, [*cycle, revocation])


def test_what_is_still_owed_when_others_record_its_signers_revocation_is_refused_and_kept(
    group: Group,
) -> None:
    """Revocation is judged by the chain's order; the record, its signature and receipt remain."""
    cycle = group.hospital.run_cycle("S1", 1)
    revocation = group.hospital.revoke_operator(1)
    registry = group.instance.deployment().address_of(Contract.UNIT_REGISTRY)
    group.node.send(STRANGER, registry, calldata_of(group.instance, revocation))
    group.node.mine(3)
    group.hospital.follow()
    assert group.hospital.state(revocation) is S.FINAL
    group.rounds(2, deeper=2)
    assert group.states(cycle) == {S.REFUSED}
    assert "signer is revoked" in group.hospital.reason(cycle[0])
    for follower in cycle[1:]:
        reason = group.hospital.reason(follower)
        assert "signer is revoked" in reason or "it follows from" in reason
    with group.instance.database.reading() as tx:
        for digest in cycle:
            assert find_record(tx, get_operation(tx, digest).record_id) is not None
            assert find_receipt(tx, digest) is not None
    assert [str(d) for d in audit(group.instance, group.hospital.link.node).differences] == []


def test_what_somebody_else_relays_while_ours_waits_is_recorded_once(group: Group) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    ledger = group.instance.deployment().address_of(Contract.CYCLE_LEDGER)
    group.writer.step()
    group.node.forget_waiting()
    group.node.send(STRANGER, ledger, calldata_of(group.instance, opening))
    group.node.mine()
    group.later(seconds=20)
    group.rounds(2, deeper=2)
    recorded_once(group, [opening])
