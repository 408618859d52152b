"""A transaction that pays too little is replaced under its nonce, and recorded once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ledger.chain.node import SendAnswer
from ledger.chain.transactions import Price, read_envelope
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import ChainUnavailable
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.auditing.audit import audit
from ledger.steps.sending.repricing import MAX_ATTEMPTS, MAX_FEE, raised_price
from ledger.steps.starting.link import RemoteLink
from ledger.storage.transactions import TransactionRow, TransactionState
from tests.faults_chain.group import Group
from tests.faults_chain.proxy import refused
from tests.faults_chain.test_answers import SEND, reasons, recorded_once

S = OperationState
T = TransactionState


def set_base_fee(group: Group, wei: int) -> None:
    """Of the next block, which is made and holds whatever pays so much."""
    group.node.endpoint.ask("anvil_setNextBlockBaseFeePerGas", hex(wei))
    group.node.mine()


def prices(rows: Sequence[TransactionRow]) -> list[Price]:
    return [read_envelope(row.raw).price for row in rows]


def newest(group: Group) -> list[TransactionRow]:
    """The attempts at the last nonce."""
    rows = group.transactions()
    return [row for row in rows if row.nonce == rows[-1].nonce]


@pytest.fixture
def opening(group: Group) -> Digest:
    """Sent, and then the chain asks for ten times as much."""
    digest = group.hospital.accept(group.hospital.opening("S1", 1))
    group.writer.step()
    set_base_fee(group, 10 * prices(newest(group))[0].max_fee)
    return digest


def test_what_pays_too_little_is_replaced_after_a_minute_for_more(
    group: Group, opening: Digest
) -> None:
    group.later(seconds=50)
    group.writer.step()
    assert [row.attempt for row in newest(group)] == [0]
    group.later(seconds=11)
    group.writer.step()
    first, second = newest(group)
    assert (first.state, second.state) == (T.REPLACED, T.SENT)
    assert (first.attempt, second.attempt) == (0, 1)
    before, after = prices([first, second])
    assert 10 * after.max_fee >= 11 * before.max_fee
    assert 10 * after.priority_fee >= 11 * before.priority_fee
    assert read_envelope(first.raw).data == read_envelope(second.raw).data
    group.rounds(1, deeper=2)
    recorded_once(group, [opening])
    assert [row.state for row in newest(group)] == [T.REPLACED, T.FINAL]
    assert group.hospital.history(opening) == [S.OWED, S.SENT, S.OWED, S.SENT, S.MINED, S.FINAL]
    assert "pays less than the chain asks" in reasons(group, opening)
    # the writer's clock was ahead of the follower's
    report = audit(group.instance, group.hospital.link.node)
    assert [str(each) for each in report.differences if each.field != "at"] == []


def test_what_pays_enough_and_is_not_mined_is_not_replaced(group: Group) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.writer.step()
    for _ in range(3):
        group.later(seconds=61)
        group.writer.step()
    assert [row.attempt for row in newest(group)] == [0]
    group.rounds(1, deeper=2)
    recorded_once(group, [opening])


def test_the_attempt_that_was_replaced_may_be_the_one_that_is_mined(
    group: Group, opening: Digest
) -> None:
    """The replacement is stored, the writer dies, and the first is mined after all."""
    group.later(seconds=61)
    node = group.hospital.link.node

    class Failing(RemoteLink):
        __slots__ = ()

        def deliver(
            self,
            raw_transactions: object,  # noqa: ARG002
            now: int,  # noqa: ARG002
        ) -> list[SendAnswer]:
            """Nobody answers."""
            raise ChainUnavailable("the chain does not answer")

    group.writer.link = group.writer.under_way.link = Failing(node=node)
    group.writer.under_way._handed_over = {
        row.hash: group.writer.instance.clock() for row in newest(group)
    }
    with pytest.raises(ChainUnavailable):
        group.writer.step()
    assert [row.state for row in newest(group)] == [T.REPLACED, T.SIGNED]
    group.node.endpoint.ask("anvil_setNextBlockBaseFeePerGas", "0x1")
    group.node.endpoint.ask("eth_sendRawTransaction", to_hex(newest(group)[0].raw))
    group.node.mine()
    group.restart()
    group.rounds(1, deeper=2)
    recorded_once(group, [opening])
    assert [row.state for row in newest(group)] == [T.FINAL, T.REPLACED]
    after = group.hospital.accept(group.hospital.opening("S1", 2))
    group.rounds(1, deeper=2)
    recorded_once(group, [opening, after])
    assert [row.attempt for row in newest(group)] == [0]


def test_when_a_block_is_replaced_another_attempt_may_be_the_one_that_stays(
    group: Group, opening: Digest
) -> None:
    group.later(seconds=61)
    group.writer.step()
    group.node.mine()
    group.writer.step()
    first, second = newest(group)
    assert (first.state, second.state) == (T.REPLACED, T.MINED)
    group.node.roll_back(2)
    group.node.endpoint.ask("anvil_setNextBlockBaseFeePerGas", "0x1")
    group.node.endpoint.ask("eth_sendRawTransaction", to_hex(first.raw))
    group.node.mine(2)
    for _ in range(3):
        group.later(seconds=20)
        group.rounds(1, deeper=2)
    recorded_once(group, [opening])
    assert [row.state for row in newest(group)] == [T.FINAL, T.REPLACED]


def test_a_replacement_that_was_stored_before_a_crash_is_handed_over_after_it(
    group: Group, opening: Digest
) -> None:
    group.later(seconds=61)
    pending = group.writer.under_way.pending()
    stored = group.writer._repricing.replace_cheap(group.hospital.link.node, pending)
    group.restart()
    group.rounds(1, deeper=2)
    recorded_once(group, [opening])
    assert [row.hash for row in newest(group)][1:] == [row.hash for row in stored]
    assert [row.state for row in newest(group)] == [T.REPLACED, T.FINAL]


def test_a_replacement_that_the_node_refuses_leaves_the_first_waiting(
    group: Group, opening: Digest
) -> None:
    group.later(seconds=50)
    group.writer.step()
    group.later(seconds=11)
    group.proxy.add(refused("replacement transaction underpriced"), SEND, times=1)
    group.writer.step()
    assert [row.state for row in newest(group)] == [T.SENT, T.DROPPED]
    assert group.hospital.history(opening) == [S.OWED, S.SENT] * 3
    group.later(seconds=61)
    group.writer.step()
    assert [row.state for row in newest(group)] == [T.REPLACED, T.DROPPED, T.SENT]
    group.rounds(1, deeper=2)
    recorded_once(group, [opening])


def test_several_that_pay_too_little_are_replaced_together_and_keep_their_order(
    group: Group,
) -> None:
    cycle = group.hospital.run_cycle("S1", 1)
    group.writer.step()
    rows = group.transactions()
    set_base_fee(group, 10 * prices(rows)[-1].max_fee)
    group.later(seconds=61)
    group.writer.step()
    again = group.transactions()[len(rows) :]
    assert {row.attempt for row in again} == {1}
    assert [row.nonce for row in again] == [row.nonce for row in rows[-len(again) :]]
    group.rounds(3, deeper=2)
    recorded_once(group, cycle)


def test_above_the_most_that_is_paid_a_person_decides(group: Group) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.writer.step()
    for _ in range(12):
        set_base_fee(group, 2 * MAX_FEE)
        group.later(seconds=61)
        group.writer.step()
    assert [row.attempt for row in newest(group)] == [0]
    assert group.hospital.state(opening) is S.STUCK
    assert "is not mined" in group.hospital.reason(opening)
    set_base_fee(group, 1)
    group.later(seconds=20)
    group.rounds(1, deeper=2)
    assert group.hospital.state(opening) is S.FINAL


def test_attempts_at_a_nonce_are_bounded_and_then_a_person_is_called(group: Group) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.writer.step()
    for _ in range(MAX_ATTEMPTS + 12):
        set_base_fee(group, prices(newest(group))[-1].max_fee * 11 // 10)
        group.later(seconds=61)
        group.writer.step()
    assert [row.attempt for row in newest(group)] == list(range(MAX_ATTEMPTS))
    assert group.hospital.state(opening) is S.STUCK
    assert f"attempt {MAX_ATTEMPTS} at nonce" in group.hospital.reason(opening)


@pytest.mark.parametrize("fee", [0, 1, 7, 9, 10, 100, 10**9])
def test_a_raised_price_is_a_tenth_higher_in_both_fees_at_least(fee: int) -> None:
    nothing = Price(max_fee=0, priority_fee=0)
    raised = raised_price(Price(max_fee=fee, priority_fee=fee), nothing)
    assert raised.max_fee >= raised.priority_fee > fee
    assert 10 * raised.priority_fee >= 11 * fee
