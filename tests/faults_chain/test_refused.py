"""What the contracts refuse on a chain of others: one alone, in words, and nothing silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.words import Contract
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import Conflict
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.auditing.audit import audit
from ledger.steps.sending.refusals import refuse
from ledger.storage.operations import get_operation, get_receipt
from ledger.storage.records import get_record
from tests.faults_chain.group import STRANGER, Group, Template, calldata_of
from tests.faults_chain.proxy import Call, Forward, Json, refused
from tests.faults_chain.test_answers import recorded_once

S = OperationState


def test_one_refused_operation_inside_a_batch_does_not_keep_the_others(group: Group) -> None:
    good = [group.hospital.accept(group.hospital.opening("S1", number)) for number in (5, 6, 7)]
    bad = group.hospital.accept_unchecked(group.hospital.opening("S1", 5))
    later = group.hospital.accept(group.hospital.opening("S1", 8))
    group.rounds(4, deeper=2)
    recorded_once(group, [*good, later])
    group.later(seconds=20)
    group.rounds(1)
    assert group.hospital.state(bad) is S.REFUSED
    assert "cycle: already recorded" in group.hospital.reason(bad)
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
    assert "the key is revoked" in group.hospital.reason(cycle[0])
    for follower in cycle[1:]:
        reason = group.hospital.reason(follower)
        assert "the key is revoked" in reason or "it follows from" in reason
    with group.instance.database.reading() as tx:
        for digest in cycle:
            assert get_record(tx, get_operation(tx, digest).record_id).facts
            assert get_receipt(tx, digest).signature
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


# ---------------------------------------------------------------- refused, and on the chain


def relayed(group: Group, *digests: Digest) -> None:
    """Somebody else records these, in this order, and the blocks are final."""
    for digest in digests:
        with group.instance.database.reading() as tx:
            contract = find_act(get_operation(tx, digest).kind).contract
        to = group.instance.deployment().address_of(contract)
        group.node.send(STRANGER, to, calldata_of(group.instance, digest))
        group.node.mine()
    group.node.mine(3)
    group.hospital.follow()


def refused_here(group: Group, digest: Digest) -> None:
    """As when a person refuses what is stuck."""
    with group.instance.database.transaction() as tx:
        refuse(tx, digest, "refused by a person: by mistake", group.instance.clock())
    assert group.hospital.state(digest) is S.REFUSED


def differences(group: Group) -> list[str]:
    return [str(each) for each in audit(group.instance, group.hospital.link.node).differences]


def test_a_revocation_whose_block_is_replaced_refuses_nothing(
    template: Template, tmp_path: Path
) -> None:
    with template.copied(tmp_path, finality="depth:6") as group:
        cycle = group.hospital.run_cycle("S1", 1)
        revocation = group.hospital.revoke_operator(1)
        registry = group.instance.deployment().address_of(Contract.UNIT_REGISTRY)
        group.node.send(STRANGER, registry, calldata_of(group.instance, revocation))
        group.node.mine()
        for _ in range(3):
            group.writer.step()
            group.node.mine()
        assert group.states(cycle) == {S.OWED}
        group.node.reorganise(4)
        for _ in range(6):
            group.later(seconds=20)
            group.rounds(1)
        group.rounds(1, deeper=6)
        recorded_once(group, [*cycle, revocation])


def test_what_speaks_against_an_operation_refuses_it_once_it_is_final(
    template: Template, tmp_path: Path
) -> None:
    with template.copied(tmp_path, finality="depth:6") as group:
        opening = group.hospital.accept(group.hospital.opening("S1", 1))
        revocation = group.hospital.revoke_operator(1)
        registry = group.instance.deployment().address_of(Contract.UNIT_REGISTRY)
        group.node.send(STRANGER, registry, calldata_of(group.instance, revocation))
        group.node.mine()
        group.rounds(2)
        assert group.hospital.state(opening) is S.OWED
        group.later(seconds=20)
        group.rounds(1, deeper=6)
        group.later(seconds=20)
        group.rounds(1)
        assert group.hospital.state(opening) is S.REFUSED
        assert "the key is revoked" in group.hospital.reason(opening)


def test_what_was_refused_here_and_recorded_by_somebody_else_is_final_with_all_it_entered(
    group: Group,
) -> None:
    hospital = group.hospital
    unit = hospital.admit(2)
    enrolment = hospital.newest("SignerEnrolment")
    machine = hospital.register(2, "S2")
    opening = hospital.accept(hospital.opening("S2", 1))
    whole = [unit, enrolment, machine, opening]
    for digest in reversed(whole):
        refused_here(group, digest)
    relayed(group, *whole)
    assert group.states(whole) == {S.FINAL}
    assert hospital.history(opening) == [S.OWED, S.REFUSED, S.MINED, S.FINAL]
    assert differences(group) == []
    with pytest.raises(Conflict):
        hospital.accept(hospital.opening("S2", 1))


def test_what_took_the_place_of_a_refused_operation_that_the_chain_has_is_refused(
    group: Group,
) -> None:
    hospital = group.hospital
    first = hospital.accept(hospital.opening("S1", 1))
    refused_here(group, first)
    second = hospital.accept(hospital.opening("S1", 1))
    third = hospital.accept(hospital.ending("S1", 1))
    relayed(group, first)
    assert hospital.state(first) is S.FINAL
    assert hospital.state(second) is S.REFUSED
    assert f"the chain has {to_hex(first)} in its place" in hospital.reason(second)
    assert hospital.state(third) is S.REFUSED
    again = hospital.accept(hospital.ending("S1", 1))
    group.rounds(2, deeper=2)
    recorded_once(group, [again])
    assert differences(group) == []


def test_what_took_its_place_and_was_sent_already_is_refused_too(group: Group) -> None:
    hospital = group.hospital
    first = hospital.accept(hospital.opening("S1", 1))
    refused_here(group, first)
    second = hospital.accept(hospital.opening("S1", 1))
    group.writer.step()
    assert hospital.state(second) is S.SENT
    group.node.forget_waiting()
    relayed(group, first)
    assert hospital.state(first) is S.FINAL
    assert hospital.history(second) == [S.OWED, S.SENT, S.OWED, S.REFUSED]
    for _ in range(3):
        group.later(seconds=20)
        group.rounds(1, deeper=2)
    assert group.states([first, second]) == {S.FINAL, S.REFUSED}
    assert differences(group) == []


def test_a_node_that_forgot_the_final_blocks_state_refuses_nothing_and_keeps_nobody_back(
    group: Group,
) -> None:
    good = group.hospital.accept(group.hospital.opening("S1", 5))
    bad = group.hospital.accept_unchecked(group.hospital.opening("S1", 5))
    group.proxy.add(without_old_states, "eth_call")
    for _ in range(4):
        group.rounds(1, deeper=2)
        group.later(seconds=30)
    assert group.hospital.state(bad) is S.OWED
    recorded_once(group, [good])
    group.proxy.heal()
    group.later(minutes=2)
    group.rounds(1)
    assert group.hospital.state(bad) is S.REFUSED


def without_old_states(call: Call, forward: Forward) -> Json:
    """A node that answers for its newest blocks only, but for what the follower asks: `head()`."""
    is_acting = len(call.params[0]["data"]) > len("0x") + 8
    is_old = is_acting and str(call.params[1]).startswith("0x")
    return refused("missing trie node")(call, forward) if is_old else forward(call)
