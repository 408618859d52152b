"""Whatever a node answers: each operation is recorded once, and nothing is lost or stuck for it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from ledger.chain.node import Node
from ledger.chain.transport import Limits
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import ChainUnavailable
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.steps.answering.status import status
from ledger.steps.sending.mending import retry_operation
from ledger.steps.starting.link import RemoteLink
from ledger.storage.index import list_rows
from ledger.storage.operations import list_states
from ledger.storage.transactions import TransactionState
from tests.faults_chain.group import Group
from tests.faults_chain.proxy import (
    Act,
    Call,
    Forward,
    Json,
    broken_off,
    done_but,
    garbage,
    http_error,
    late,
    nothing,
    refused,
)

S = OperationState
SEND = "eth_sendRawTransaction"
RECEIPT = "eth_getTransactionReceipt"


def recorded_once(group: Group, digests: list[Digest]) -> None:
    """Every operation is final, was never stuck, and stands once on the chain."""
    assert group.states(digests) == {S.FINAL}
    assert [each for each in group.recorded() if each in digests] == digests
    assert not any(S.STUCK in group.hospital.history(digest) for digest in digests)


TAKEN = {
    "and an HTTP error": done_but(http_error),
    "and the connection broke": done_but(broken_off),
    "and garbage came": done_but(garbage),
    "and 'nonce too low'": done_but(refused("nonce too low")),
    "and 'already known'": done_but(refused("already known")),
    "and 'known transaction'": done_but(refused("known transaction: 0xabc")),
}


@pytest.mark.parametrize("act", TAKEN.values(), ids=TAKEN.keys())
def test_a_transaction_that_was_taken_is_recorded_once_whatever_was_answered(
    group: Group, act: Act
) -> None:
    cycle = group.hospital.run_cycle("S1", 1)
    group.proxy.add(act, SEND, times=2)
    group.rounds(3, deeper=2)
    recorded_once(group, cycle)
    rows = group.transactions()
    assert {row.attempt for row in rows} == {0}
    assert {row.state for row in rows} == {TransactionState.FINAL}


#: what we need of a block; others leave out the rest, or say it otherwise
NEEDED = {
    "number", "hash", "parentHash", "timestamp", "gasLimit", "gasUsed", "baseFeePerGas",
    "transactions",
}  # fmt: skip


def poor_and_hasty(call: Call, forward: Forward) -> Json:
    """Blocks that share their time with those before them, and have nothing that we do not need."""
    answer = forward(call)
    block = answer["result"]
    if block:
        time = int(block["timestamp"], 16)
        kept = {name: value for name, value in block.items() if name in NEEDED}
        answer["result"] = {**kept, "timestamp": hex(time - time % 60)}
    return answer


def test_blocks_of_one_second_with_the_fewest_fields_change_nothing(group: Group) -> None:
    group.proxy.add(poor_and_hasty, "eth_getBlockByNumber")
    cycles = []
    for number in (1, 2, 3):
        cycles += group.hospital.run_cycle("S1", number)
        group.rounds(1)
    group.rounds(1, deeper=2)
    recorded_once(group, cycles)
    with group.instance.database.reading() as tx:
        blocks = {row.height: row.timestamp for row in list_rows(tx, IndexedOperation)}
    assert len(set(blocks.values())) < len(blocks)


METHODS = [
    "eth_getBlockByNumber", "eth_getTransactionCount", SEND, RECEIPT,
    "eth_maxPriorityFeePerGas", "eth_getLogs", "eth_call", "eth_getTransactionByHash",
]  # fmt: skip
BROKEN = [http_error, garbage, broken_off]


def test_a_method_that_fails_stops_one_round_and_loses_nothing(group: Group) -> None:
    openings = []
    for number, method in enumerate(METHODS, start=1):
        openings.append(group.hospital.accept(group.hospital.opening("S1", number)))
        group.proxy.add(BROKEN[number % len(BROKEN)], method)
        assert fails(group), method
        group.proxy.heal()
    group.rounds(3, deeper=2)
    recorded_once(group, openings)
    assert {row.attempt for row in group.transactions()} == {0}


def test_a_check_that_fails_stops_one_round_and_loses_nothing(group: Group) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.proxy.add(refused("internal error", -32603), SEND, times=1)
    group.writer.step()
    group.later(seconds=6)
    for act in BROKEN:
        group.proxy.add(act, "eth_estimateGas")
        assert fails(group)
        group.proxy.heal()
    group.rounds(1, deeper=2)
    recorded_once(group, [opening])


def fails(group: Group) -> bool:
    """Whether one of two rounds ended early."""
    for _ in range(2):
        try:
            group.writer.step()
            group.node.mine(3)
            group.hospital.follow()
        except ChainUnavailable:
            return True
    return False


def test_an_answer_that_comes_too_late_is_asked_for_again(group: Group) -> None:
    group.hospital.link = RemoteLink(
        node=Node(group.proxy.url, limits=replace(Limits(), timeout_seconds=0.2))
    )
    group.restart()
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.proxy.add(late(group.proxy, 5), SEND, times=1)
    group.proxy.add(late(group.proxy, 5), "eth_getTransactionCount", times=2)
    group.rounds(2, deeper=2)
    recorded_once(group, [opening])
    assert {row.attempt for row in group.transactions()} == {0}
    group.hospital.link.stop()


def test_a_receipt_that_vanishes_and_comes_back_changes_nothing_for_good(group: Group) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.writer.step()
    group.node.mine()
    group.writer.step()
    assert group.hospital.state(opening) is S.MINED
    group.proxy.add(nothing, RECEIPT)
    group.node.mine()
    group.writer.step()
    assert group.hospital.state(opening) is S.SENT
    assert "was replaced" in reasons(group, opening)
    for _ in range(5):
        group.later(seconds=20)
        group.writer.step()
    assert group.hospital.state(opening) is S.SENT
    group.proxy.heal()
    group.rounds(1, deeper=2)
    recorded_once(group, [opening])
    assert {row.attempt for row in group.transactions()} == {0}


def test_a_node_that_forgot_a_transaction_it_mined_records_its_operation_once(
    group: Group,
) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.writer.step()
    group.node.mine()
    group.writer.step()
    group.proxy.add(nothing, RECEIPT)
    group.proxy.add(nothing, "eth_getTransactionByHash")
    group.node.mine()
    group.writer.step()
    group.proxy.heal()
    group.rounds(2, deeper=2)
    recorded_once(group, [opening])
    assert "nonce too low" in reasons(group, opening)


def test_what_a_node_refuses_is_tried_ever_later_and_then_needs_a_person(group: Group) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.proxy.add(refused("intrinsic gas too low"), SEND)
    times = []
    for second in range(200):
        before = group.proxy.asked[SEND]
        group.writer.step()
        if group.proxy.asked[SEND] > before:
            times.append(second)
        if group.hospital.state(opening) is S.STUCK:
            break
        group.later(seconds=1)
    waits = [after - before for before, after in pairwise(times)]
    # the test's own seconds pass too
    expected = [5, 10, 20, 40]
    assert len(waits) == 4
    assert all(most - 4 <= wait <= most for wait, most in zip(waits, expected, strict=True))
    assert "intrinsic gas too low" in reasons(group, opening)
    shown = status(group.instance)
    assert [each.digest for each in shown.stuck] == [opening]
    assert "intrinsic gas too low" in (shown.stuck[0].reason or "")
    group.proxy.heal()
    with group.instance.database.transaction() as tx:
        retry_operation(group.instance, tx, opening, person="Somebody")
    group.later(minutes=5)
    group.rounds(1, deeper=2)
    assert group.hospital.state(opening) is S.FINAL


def test_a_refusal_does_not_keep_others_for_longer_than_its_pause(group: Group) -> None:
    first = group.hospital.accept(group.hospital.opening("S1", 1))
    group.proxy.add(refused("internal error", -32603), SEND, times=1)
    group.writer.step()
    second = group.hospital.accept(group.hospital.opening("S1", 2))
    group.later(seconds=6)
    group.rounds(1, deeper=2)
    recorded_once(group, [first, second])


def reasons(group: Group, digest: Digest) -> str:
    """Every reason in the operation's history."""
    with group.instance.database.reading() as tx:
        return " / ".join(row.reason for row in list_states(tx, digest) if row.reason)


def test_a_node_that_misses_what_still_waits_is_given_all_of_it_again(group: Group) -> None:
    """As another node is, when the one that had it is gone."""
    first = group.hospital.register(1, "S2")
    group.writer.step()
    group.node.forget_waiting()
    second = group.hospital.register(1, "S3")
    group.proxy.add(refused("invalid nonce; got 9, expected 8"), SEND, times=1)
    group.writer.step()
    assert group.states([first, second]) == {S.SENT}
    group.rounds(1, deeper=2)
    recorded_once(group, [first, second])
    assert {row.attempt for row in group.transactions()} == {0}
    assert not any(row.state is TransactionState.DROPPED for row in group.transactions())
