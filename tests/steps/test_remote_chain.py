"""Facts about a chain of others: its blocks come when they come, and may be replaced."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.chain.anvil import AnvilProcess
from ledger.chain.embedded import Genesis
from ledger.chain.node import Node
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import Refused
from ledger.domain.outbox.operation_states import OperationState
from ledger.settings import Settings
from ledger.steps.instance import open_instance
from ledger.steps.starting.deploy import ensure_deployment, ensure_home, open_relayer
from ledger.steps.starting.link import find_anvil, open_link
from ledger.storage.operations import list_states
from ledger.storage.transactions import TransactionState, list_transactions
from tests.steps.hospital import Hospital
from tests.steps.test_send import set_late

S = OperationState
CHAIN_ID = 710_001


@dataclass(frozen=True)
class GroupChain:
    """A node of others, whose blocks the test makes."""

    url: str
    endpoint: Node

    def fund(self, account: bytes) -> None:
        self.endpoint.ask("anvil_setBalance", to_hex(account), hex(10**24))

    def mines_by_itself(self, does: bool) -> None:
        self.endpoint.ask("evm_setAutomine", does)

    def mine(self) -> None:
        self.endpoint.ask("evm_mine")

    def roll_back(self, blocks: int) -> None:
        """The last blocks never happened; their transactions are forgotten too."""
        self.endpoint.ask("anvil_rollback", blocks)
        self.endpoint.ask("anvil_dropAllTransactions")


@pytest.fixture
def group_chain() -> Iterator[GroupChain]:
    """A running node."""
    genesis = Genesis(chain_id=CHAIN_ID, timestamp=int(time.time()), balances={})
    flags = f"--host 127.0.0.1 --port 0 --no-cors --accounts 0 --chain-id {CHAIN_ID}"
    process = AnvilProcess(
        find_anvil(), genesis.to_json(), [*flags.split(), "--hardfork", "cancun"]
    )
    url = process.start(timeout_seconds=20)
    endpoint = Node(url)
    try:
        yield GroupChain(url, endpoint)
    finally:
        endpoint.close()
        process.stop()


@pytest.fixture
def hospital(tmp_path: Path, group_chain: GroupChain) -> Iterator[Hospital]:
    """An instance on the node of others: two blocks make the one before them final."""
    instance = open_instance(
        Settings(home=tmp_path / "home", chain_url=group_chain.url, finality="depth:2")
    )
    ensure_home(instance)
    link = open_link(instance)
    group_chain.fund(open_relayer(instance).address)
    ensure_deployment(instance, link)
    group_chain.mines_by_itself(False)
    hospital = Hospital(instance=instance, link=link)
    hospital.admit(1)
    hospital.register(1, "S1")
    yield hospital
    link.stop()
    instance.close()


def test_a_relayer_without_money_is_told_before_anything_is_signed(
    tmp_path: Path, group_chain: GroupChain
) -> None:
    instance = open_instance(
        Settings(home=tmp_path / "home", chain_url=group_chain.url, finality="instant")
    )
    ensure_home(instance)
    link = open_link(instance)
    with pytest.raises(Refused) as caught:
        ensure_deployment(instance, link)
    assert caught.value.field == "relayer"
    link.stop()
    instance.close()


def test_an_operation_is_sent_then_mined_then_final(
    hospital: Hospital, group_chain: GroupChain
) -> None:
    digest = hospital.accept(hospital.opening("S1", 1))
    writer = hospital.writer()
    writer.step()
    assert hospital.state(digest) is S.SENT
    group_chain.mine()
    writer.step()
    hospital.follow()
    assert hospital.state(digest) is S.MINED
    group_chain.mine()
    hospital.follow()
    assert hospital.state(digest) is S.MINED
    group_chain.mine()
    hospital.follow()
    assert hospital.history(digest) == [S.OWED, S.SENT, S.MINED, S.FINAL]


def test_what_waits_is_not_signed_again_under_another_nonce(
    hospital: Hospital, group_chain: GroupChain
) -> None:
    hospital.accept(hospital.opening("S1", 1))
    writer = hospital.writer()
    clock = hospital.instance.clock
    writer.step()
    with hospital.instance.database.reading() as tx:
        before = list_transactions(tx)
    set_late(writer, clock, timedelta(seconds=30))
    writer.step()
    with hospital.instance.database.reading() as tx:
        assert [row.raw for row in list_transactions(tx)] == [row.raw for row in before]
    group_chain.mine()
    assert writer.step().mined == 4


def test_a_replaced_block_heals(hospital: Hospital, group_chain: GroupChain) -> None:
    digest = hospital.accept(hospital.opening("S1", 1))
    writer = hospital.writer()
    writer.step()
    group_chain.mine()
    writer.step()
    hospital.follow()
    assert hospital.state(digest) is S.MINED
    group_chain.roll_back(1)
    writer.step()
    assert hospital.history(digest) == [S.OWED, S.SENT, S.MINED, S.OWED, S.SENT]
    for _ in range(3):
        group_chain.mine()
        writer.step()
        hospital.follow()
    assert hospital.state(digest) is S.FINAL
    with hospital.instance.database.reading() as tx:
        rows = list_transactions(tx)
        reasons = [row.reason for row in list_states(tx, digest) if row.reason]
    assert len({row.nonce for row in rows}) == len(rows)
    assert {row.state for row in rows} == {TransactionState.FINAL}
    assert any("was replaced" in reason for reason in reasons)


def test_a_transaction_that_nobody_mines_needs_a_person_and_may_still_be_mined(
    hospital: Hospital, group_chain: GroupChain
) -> None:
    digest = hospital.accept(hospital.opening("S1", 1))
    writer = hospital.writer()
    clock = hospital.instance.clock
    writer.step()
    set_late(writer, clock, timedelta(minutes=11))
    writer.step()
    assert hospital.state(digest) is S.STUCK
    assert "is not mined" in hospital.reason(digest)
    group_chain.mine()
    writer.step()
    assert hospital.state(digest) is S.MINED


def test_a_used_up_nonce_lets_the_operations_go_out_under_the_next(
    hospital: Hospital, group_chain: GroupChain
) -> None:
    digest = hospital.accept(hospital.opening("S1", 1))
    writer = hospital.writer()
    writer.step()
    group_chain.endpoint.ask("anvil_dropAllTransactions")
    nonce = writer.link.node.transaction_count(writer.relayer.address)
    group_chain.endpoint.ask("anvil_setNonce", to_hex(writer.relayer.address), hex(nonce + 10))
    clock = hospital.instance.clock
    set_late(writer, clock, timedelta(seconds=30))
    for _ in range(8):
        writer.step()
        group_chain.mine()
    assert hospital.state(digest) is S.MINED
