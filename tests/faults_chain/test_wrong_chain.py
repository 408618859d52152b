"""A node that is another's, behind, or leaves something out: said in words, and given nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ledger.domain.acts.words import Contract
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import ChainUnavailable, Inconsistent, Refused, VerificationFailed
from ledger.domain.outbox.operation_states import OperationState
from ledger.settings import Settings
from ledger.steps.answering.status import WorkerState, status
from ledger.steps.instance import open_instance
from ledger.steps.sending.recovering import Completer
from ledger.steps.starting.belonging import GENESIS_SETTING
from ledger.steps.worker import _Worker
from ledger.storage.settings import find_setting
from tests.faults_chain.group import CHAIN_ID, Group, real_node, wait_for, working
from tests.faults_chain.proxy import answering, stuck_at, without_log
from tests.faults_chain.test_answers import SEND, recorded_once

S = OperationState


def worker_of(group: Group) -> _Worker:
    """A worker whose rounds a test takes."""
    return _Worker(
        instance=group.instance,
        link=group.hospital.link,
        held=group.writer.lease,
        stop=threading.Event(),
    )


def other_chain_id(group: Group) -> None:
    group.proxy.add(answering("0x1"), "eth_chainId")


def no_contracts(group: Group) -> None:
    group.proxy.add(answering("0x"), "eth_getCode")


def other_contracts(group: Group) -> None:
    group.proxy.add(answering("0x6001"), "eth_getCode")


def other_authority(group: Group) -> None:
    group.proxy.add(answering("0x" + "11" * 32), "eth_call")


WRONG: dict[str, tuple[Callable[[Group], None], str]] = {
    "another chain id": (other_chain_id, f"the chain's id is 1, not {CHAIN_ID}"),
    "no contracts": (no_contracts, "there is no contract at"),
    "other contracts": (other_contracts, "is not the program that"),
    "another deployment's wiring": (other_authority, "authority is another than"),
}


@pytest.mark.parametrize("change,words", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_chain_is_refused_at_the_start_in_words(
    group: Group, change: Callable[[Group], None], words: str
) -> None:
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.give_back_lease()
    change(group)
    with working(group.instance) as ended:
        wait_for(lambda: bool(ended))
    assert isinstance(ended[0], VerificationFailed)
    assert words in str(ended[0])
    now = status(group.instance)
    assert (now.worker, now.chain, now.waits) == (WorkerState.HALTED, None, None)
    assert now.halted is not None
    assert words in now.halted.reason
    assert group.proxy.asked[SEND] == 0
    assert group.hospital.state(opening) is S.OWED


def test_another_genesis_behind_the_same_address_is_refused_at_the_start(group: Group) -> None:
    group.give_back_lease()
    with real_node(genesis_time=group.node.genesis_time - 7) as other:
        group.proxy.upstream = other.url
        with working(group.instance) as ended:
            wait_for(lambda: bool(ended))
    assert isinstance(ended[0], VerificationFailed)
    assert "the chain's genesis is" in str(ended[0])


def test_another_chain_behind_the_same_address_stops_the_worker_and_is_given_nothing(
    group: Group,
) -> None:
    worker = worker_of(group)
    group.rounds(1)
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    with real_node(genesis_time=group.node.genesis_time - 7) as other:
        group.proxy.upstream = other.url
        with pytest.raises(Inconsistent, match="answers for chain") as caught:
            worker._round(group.writer, Completer(writer=group.writer))
    assert caught.value.field == "chain_url"
    assert group.proxy.asked[SEND] == 0
    assert group.hospital.history(opening) == [S.OWED]


def test_a_node_that_is_behind_the_index_is_waited_for_and_given_nothing(group: Group) -> None:
    worker = worker_of(group)
    group.rounds(1, deeper=5)
    opening = group.hospital.accept(group.hospital.opening("S1", 1))
    group.proxy.add(stuck_at(group.node.height() - 5))
    with pytest.raises(ChainUnavailable, match="does not reach block"):
        worker._round(group.writer, Completer(writer=group.writer))
    assert group.proxy.asked[SEND] == 0
    group.proxy.heal()
    group.rounds(1, deeper=2)
    recorded_once(group, [opening])


def test_a_node_that_has_not_seen_the_newest_blocks_yet_records_nothing_twice(
    group: Group,
) -> None:
    cycle = group.hospital.run_cycle("S1", 1)
    group.writer.step()
    before = group.node.height()
    group.node.mine()
    group.writer.step()
    assert group.states(cycle) == {S.MINED}
    group.proxy.add(stuck_at(before))
    for _ in range(3):
        group.later(seconds=20)
        group.writer.step()
        group.hospital.follow()
    group.proxy.heal()
    group.rounds(2, deeper=2)
    recorded_once(group, cycle)
    assert {row.attempt for row in group.transactions()} == {0}


@pytest.mark.parametrize("place", [0, 1, 3])
def test_one_event_that_a_node_leaves_out_stops_the_worker_by_the_running_head(
    group: Group, place: int
) -> None:
    cycle = group.hospital.run_cycle("S1", 1)
    group.writer.step()
    group.node.mine(4)
    group.give_back_lease()
    before = group.fingerprint()
    group.proxy.add(without_log(place), "eth_getLogs")
    with working(group.instance) as ended:
        wait_for(lambda: bool(ended))
    assert isinstance(ended[0], Inconsistent)
    assert group.fingerprint() == before
    now = status(group.instance)
    assert now.worker is WorkerState.HALTED
    assert "head" in (now.halted.reason if now.halted is not None else "")
    group.proxy.heal()
    group.hospital.follow()
    recorded_once(group, cycle)


def test_events_of_all_contracts_are_asked_for(group: Group) -> None:
    """So that nothing is left out by our own question."""
    asked: list[set[str]] = []

    def note(call: object, forward: Callable[..., object]) -> object:
        asked.append({each.lower() for each in call.params[0]["address"]})  # type: ignore[attr-defined]
        return forward(call)

    group.proxy.add(note, "eth_getLogs")
    group.rounds(1, deeper=2)
    deployment = group.instance.deployment()
    assert asked
    assert all(each == {to_hex(deployment.address_of(c)) for c in Contract} for each in asked)


def test_a_command_that_is_not_told_the_chain_of_others_is_refused_and_writes_no_genesis(
    group: Group,
) -> None:
    settings = Settings(home=group.instance.settings.home)
    with pytest.raises(Refused, match="on a chain of others, and no address") as caught:
        open_instance(settings)
    assert caught.value.field == "STERILEDGER_CHAIN_URL"
    with group.instance.database.reading() as tx:
        assert find_setting(tx, GENESIS_SETTING) is None
