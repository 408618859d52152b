"""A transaction that lies at the node, since the chain asks for more, is given up by a person."""

from __future__ import annotations

import pytest

from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.auditing.audit import audit
from ledger.steps.sending.mending import retry_operation
from ledger.storage.transactions import TransactionRow, TransactionState
from tests.chain.envelopes import read_envelope
from tests.faults_chain.group import Group
from tests.faults_chain.proxy import refused
from tests.faults_chain.test_answers import SEND, recorded_once

S = OperationState
T = TransactionState


def set_base_fee(group: Group, wei: int) -> None:
    """Of the next block, which is made and holds whatever pays so much."""
    group.node.endpoint.ask("anvil_setNextBlockBaseFeePerGas", hex(wei))
    group.node.mine()


def newest(group: Group) -> list[TransactionRow]:
    """The attempts at the last nonce."""
    rows = group.transactions()
    return [row for row in rows if row.nonce == rows[-1].nonce]


def max_fee(row: TransactionRow) -> int:
    return read_envelope(row.raw).price.max_fee


def retry(group: Group, digest: Digest) -> None:
    with group.instance.database.transaction() as tx:
        retry_operation(group.instance, tx, digest, person="Zhao", reason="the price rose")


@pytest.fixture
def opening(group: Group) -> Digest:
    """Sent, then the chain asks for ten times as much, and ten minutes go by."""
    digest = group.hospital.accept(group.hospital.opening("S1", 1))
    group.writer.step()
    set_base_fee(group, 10 * max_fee(newest(group)[0]))
    group.later(minutes=11)
    group.node.forget_waiting()
    group.proxy.add(refused("already known"), SEND, times=1)
    group.writer.step()
    assert group.hospital.state(digest) is S.STUCK
    assert "is not mined" in group.hospital.reason(digest)
    assert [row.state for row in newest(group)] == [T.SENT]
    return digest


def finals(group: Group, digests: list[Digest]) -> None:
    """Each is final, and stands once on the chain."""
    assert group.states(digests) == {S.FINAL}
    assert [each for each in group.recorded() if each in digests] == digests


def test_what_is_tried_again_is_signed_anew_under_its_nonce_for_what_the_chain_asks(
    group: Group, opening: Digest
) -> None:
    retry(group, opening)
    assert group.hospital.reason(opening) == "tried again by Zhao: the price rose"
    group.writer.step()
    first, second = newest(group)
    assert (first.state, second.state) == (T.DROPPED, T.SENT)
    assert (first.attempt, second.attempt) == (0, 1)
    assert max_fee(second) > 10 * max_fee(first)
    assert read_envelope(first.raw).data == read_envelope(second.raw).data
    group.rounds(1, deeper=2)
    finals(group, [opening])
    assert [row.state for row in newest(group)] == [T.DROPPED, T.FINAL]
    # the writer's clock was ahead of the follower's
    report = audit(group.instance, group.hospital.link.node)
    assert [str(each) for each in report.differences if each.field != "at"] == []


def test_what_was_given_up_may_be_mined_all_the_same(group: Group, opening: Digest) -> None:
    retry(group, opening)
    group.writer.step()
    first, _ = newest(group)
    group.node.forget_waiting()
    group.node.endpoint.ask("anvil_setNextBlockBaseFeePerGas", "0x1")
    group.node.endpoint.ask("eth_sendRawTransaction", to_hex(first.raw))
    group.node.mine()
    for _ in range(3):
        group.later(seconds=20)
        group.rounds(1, deeper=2)
    finals(group, [opening])
    after = group.hospital.accept(group.hospital.opening("S1", 2))
    group.rounds(1, deeper=2)
    finals(group, [opening, after])


def test_what_waits_behind_it_is_owed_again_with_it_and_keeps_its_order(group: Group) -> None:
    cycle = group.hospital.run_cycle("S1", 1)
    group.writer.step()
    rows = group.transactions()
    set_base_fee(group, 10 * max_fee(rows[-1]))
    group.later(minutes=11)
    group.proxy.add(refused("already known"), SEND, times=len(cycle))
    group.writer.step()
    assert group.states(cycle) == {S.STUCK}
    group.proxy.heal()
    group.node.forget_waiting()
    retry(group, cycle[0])
    assert group.states(cycle) == {S.OWED}
    group.writer.step()
    again = group.transactions()[len(rows) :]
    assert {row.attempt for row in again} == {1}
    assert [row.nonce for row in again] == [row.nonce for row in rows[-len(again) :]]
    group.rounds(3, deeper=2)
    finals(group, cycle)


def test_what_the_node_forgot_and_finds_too_cheap_now_is_signed_again_by_itself(
    group: Group,
) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.writer.step()
    group.node.forget_waiting()
    group.proxy.add(refused("transaction underpriced"), SEND, times=1)
    group.later(seconds=20)
    group.writer.step()
    assert [row.state for row in newest(group)] == [T.DROPPED]
    group.later(seconds=6)
    group.rounds(1, deeper=2)
    recorded_once(group, [opening])
    assert [row.state for row in newest(group)] == [T.DROPPED, T.FINAL]
