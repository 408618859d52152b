"""Facts about the index: what it holds, what it refuses to hold, and how it heals."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ledger.chain.calldata import encode_recovery_completion
from ledger.chain.node import Mined, Node
from ledger.chain.transactions import Envelope, Price
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.words import Contract, Custody, EquipmentState, Party, Right
from ledger.domain.chain.chain_reader import Block, BlockTag, Receipt, Transaction
from ledger.domain.encoding.events import Log
from ledger.domain.encoding.identifiers import Digest, signer_id
from ledger.domain.errors import ChainUnavailable, Inconsistent
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.indexed import IndexedOperation, IndexedSignature
from ledger.domain.subjects.states import (
    ClassCount,
    CycleState,
    MachineState,
    ShareState,
    SignerState,
    UnitState,
)
from ledger.steps.accepting.signing import make_held_key
from ledger.steps.following.follow import Source, follow
from ledger.steps.following.journalled import ForeignBlock
from ledger.steps.sending.writer import Writer
from ledger.steps.starting.deploy import get_held_key
from ledger.steps.starting.link import EmbeddedLink
from ledger.storage import index
from ledger.storage.keys import KeyPurpose
from ledger.storage.operations import get_operation, list_signatures
from ledger.storage.transactions import TransactionState, list_transactions
from tests import making
from tests.fingerprint import index_fingerprint
from tests.steps.hospital import PEOPLE, Hospital, opened_hospital

S = OperationState


@pytest.fixture
def hospital(tmp_path: Path, database_address: str) -> Iterator[Hospital]:
    """A unit with a sterilizer, accepted and not yet sent."""
    with opened_hospital(tmp_path / "home", database_address) as opened:
        opened.admit(1)
        opened.register(1, "S1")
        yield opened


@dataclass
class Altered:
    """A node that lies in one way; everything else is the real node's answer."""

    node: Node
    logs_as: Callable[[list[Log]], list[Log]] = lambda logs: logs
    block_as: Callable[[Block], Block] = lambda block: block
    transaction_as: Callable[[Transaction], Transaction] = lambda transaction: transaction

    def chain_id(self) -> int:
        return self.node.chain_id()

    def genesis_hash(self) -> bytes:
        return self.node.genesis_hash()

    def block(self, tag: BlockTag) -> Block | None:
        block = self.node.block(tag)
        return None if block is None else self.block_as(block)

    def blocks(self, first: int, last: int) -> list[Block | None]:
        found = self.node.blocks(first, last)
        return [None if block is None else self.block_as(block) for block in found]

    def logs(self, addresses: Sequence[bytes], first: int, last: int) -> list[Log]:
        return self.logs_as(self.node.logs(addresses, first, last))

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        return self.node.receipt(transaction_hash)

    def transaction(self, transaction_hash: bytes) -> Transaction | None:
        transaction = self.node.transaction(transaction_hash)
        return None if transaction is None else self.transaction_as(transaction)

    def transactions(self, transaction_hashes: Sequence[bytes]) -> list[Transaction | None]:
        found = self.node.transactions(transaction_hashes)
        return [None if each is None else self.transaction_as(each) for each in found]

    def find_mined(self, transaction_hashes: Sequence[bytes]) -> list[Mined | None]:
        return self.node.find_mined(transaction_hashes)

    def code(self, address: bytes, tag: BlockTag = "latest") -> bytes:
        return self.node.code(address, tag)

    def call(self, to: bytes, data: bytes, tag: BlockTag = "latest") -> bytes:
        return self.node.call(to, data, tag)


def fingerprint(hospital: Hospital) -> bytes:
    with hospital.instance.database.reading() as tx:
        return index_fingerprint(tx)


def test_a_released_cycle_has_its_rows(hospital: Hospital) -> None:
    opening, load, ending, decision = hospital.run_cycle("S1", 3)
    hospital.settle(hospital.writer())
    cycle_id = hospital.reference("S1", 3).id
    with hospital.instance.database.reading() as tx:
        cycle = index.get(tx, CycleState, cycle_id)
        machine = index.get(tx, MachineState, hospital.machines["S1"].id)
        share = index.get(tx, ShareState, decision, 0)
        unit = index.get(tx, UnitState, 1)
    assert (cycle.opening, cycle.load, cycle.ending, cycle.decision) == (
        opening, load, ending, decision,
    )  # fmt: skip
    assert (cycle.state, cycle.number, cycle.unit, cycle.ended_at) == (1, 3, 1, 0)
    assert cycle.counts == {1: ClassCount(declared=10, released=10)}
    assert machine.state is EquipmentState.IN_SERVICE
    assert (share.owner, share.payer, share.delta, share.cycle) == (1, 1, 10, cycle_id)
    assert not unit.is_closed


def test_the_signatures_of_the_index_are_those_that_were_accepted(hospital: Hospital) -> None:
    cycle = hospital.run_cycle("S1", 1)
    hospital.settle(hospital.writer())
    with hospital.instance.database.reading() as tx:
        everything = index.list_rows(tx, IndexedSignature)
        accepted = list_signatures(tx, {row.digest for row in everything})
    plain = {(s.digest, s.party): (s.signer, s.signature) for s in accepted}
    assert {(s.digest, s.party): (s.signer, s.signature) for s in everything} == plain
    assert {(cycle[0], Party.SIGNER)} <= set(plain)
    assert {party for _, party in plain} == {Party.AUTHORITY, Party.NEW_KEY, Party.SIGNER}


def test_the_message_of_the_index_is_the_one_that_was_signed(hospital: Hospital) -> None:
    cycle = hospital.run_cycle("S1", 1)
    hospital.settle(hospital.writer())
    with hospital.instance.database.reading() as tx:
        for digest in cycle:
            ours, theirs = get_operation(tx, digest), index.get(tx, IndexedOperation, digest)
            assert (ours.message, ours.kind, ours.subject) == (
                theirs.message, theirs.kind, theirs.subject,
            )  # fmt: skip


def test_an_amended_load_and_a_correction_keep_the_sums(hospital: Hospital) -> None:
    _, load, ending, decision = hospital.run_cycle("S1", 1)
    amended = hospital.accept(hospital.load("S1", 1, 12, replaces=load))
    correction = hospital.decision(
        "S1",
        1,
        ending=ending,
        load=amended,
        quantity=2,
        kind=DecisionKind.CORRECT,
        replaces=decision,
    )
    hospital.accept(correction)
    hospital.settle(hospital.writer())
    with hospital.instance.database.reading() as tx:
        cycle = index.get(tx, CycleState, hospital.reference("S1", 1).id)
    assert cycle.counts == {1: ClassCount(declared=12, released=12)}


def test_a_revoked_signer_is_revoked_in_the_index(hospital: Hospital) -> None:
    writer = hospital.writer()
    hospital.settle(writer)
    revocation = hospital.revoke_operator(1)
    hospital.settle(writer)
    with hospital.instance.database.reading() as tx:
        signer = index.get(tx, SignerState, signer_id(hospital.operators[1]))
    assert signer.revocation == revocation


def test_a_completed_recovery_enrols_the_proposed_administrator(hospital: Hospital) -> None:
    with hospital.instance.database.transaction() as tx:
        key = make_held_key(hospital.instance, tx, label="new head")
        authority = get_held_key(tx, KeyPurpose.AUTHORITY).signer
    proposal = hospital.accept(
        making.proposal(
            1, key=key, authority=authority, custody=Custody.DEVICE, circumstances=PEOPLE
        )
    )
    writer = hospital.writer()
    hospital.settle(writer)
    complete_recovery(hospital, writer, proposal)
    hospital.follow()
    with hospital.instance.database.reading() as tx:
        signer = index.get(tx, SignerState, signer_id(key))
    assert (signer.unit, signer.rights, signer.custody) == (1, Right.ADMINISTER, Custody.DEVICE)
    assert (signer.signer, signer.enrolment) == (key, proposal)


def complete_recovery(hospital: Hospital, writer: Writer, proposal: Digest) -> None:
    """Eight days later, anybody may complete it."""
    link = hospital.link
    assert isinstance(link, EmbeddedLink)
    deployment = writer.deployment
    signed = writer.relayer.sign(
        Envelope(
            chain_id=deployment.chain_id,
            nonce=link.node.transaction_count(writer.relayer.address),
            to=deployment.address_of(Contract.UNIT_REGISTRY),
            data=encode_recovery_completion(proposal),
            gas=500_000,
            price=Price(max_fee=2_000_000_000, priority_fee=0),
        )
    )
    link.chain.mine([signed.raw], link.chain.tip.timestamp + 8 * 86_400)


def test_following_in_many_small_steps_leads_to_the_same_index(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = hospital.writer()
    for number in (1, 2, 4):
        hospital.run_cycle("S1", number)
        hospital.settle(writer)
    before = fingerprint(hospital)
    with hospital.instance.database.transaction() as tx:
        index.clear_index(tx)
    monkeypatch.setattr("ledger.steps.following.follow.RANGE", 1)
    hospital.follow()
    assert fingerprint(hospital) == before


def test_circles_are_collected_again_after_a_range_and_after_one_that_is_refused(
    hospital: Hospital,
) -> None:
    sent_but_not_followed(hospital)
    collecting: list[bool] = []

    def read(logs: list[Log]) -> list[Log]:
        collecting.append(gc.isenabled())
        return logs[1:] if len(collecting) == 1 else logs

    source = Altered(hospital.link.node, logs_as=read)
    refuses(hospital, source, Inconsistent)
    assert gc.isenabled()
    assert follow(hospital.instance, source).operations > 0
    assert gc.isenabled()
    assert collecting == [False, False]


# ---------------------------------------------------------------- a node that lies


def sent_but_not_followed(hospital: Hospital) -> None:
    hospital.run_cycle("S1", 1)
    hospital.writer().step()


def refuses(hospital: Hospital, source: Source, error: type[Exception]) -> str:
    """The follower stops, and nothing was indexed."""
    before = fingerprint(hospital)
    with pytest.raises(error) as caught:
        follow(hospital.instance, source)
    assert fingerprint(hospital) == before
    return str(caught.value)


def test_a_missing_event_stops_the_follower(hospital: Hospital) -> None:
    sent_but_not_followed(hospital)
    source = Altered(hospital.link.node, logs_as=lambda logs: logs[:1] + logs[2:])
    assert "does not continue" in refuses(hospital, source, Inconsistent)


def test_missing_events_at_the_end_show_in_the_contracts_head(hospital: Hospital) -> None:
    sent_but_not_followed(hospital)
    source = Altered(hospital.link.node, logs_as=lambda logs: logs[:-2])
    assert "its events lead to" in refuses(hospital, source, Inconsistent)


def test_an_event_with_another_value_is_not_the_operation_that_was_signed(
    hospital: Hospital,
) -> None:
    sent_but_not_followed(hospital)

    def alter(logs: list[Log]) -> list[Log]:
        data = bytearray(logs[-1].data)
        data[-1] ^= 1
        return [*logs[:-1], replace(logs[-1], data=bytes(data))]

    source = Altered(hospital.link.node, logs_as=alter)
    assert "describe" in refuses(hospital, source, Inconsistent)


def test_a_log_of_another_block_is_asked_for_again(hospital: Hospital) -> None:
    sent_but_not_followed(hospital)
    source = Altered(
        hospital.link.node,
        logs_as=lambda logs: [replace(log, block_hash=bytes(32)) for log in logs],
    )
    assert "contradicts itself" in refuses(hospital, source, ChainUnavailable)


def test_a_block_that_is_no_child_of_the_one_before_is_asked_for_again(
    hospital: Hospital,
) -> None:
    sent_but_not_followed(hospital)
    source = Altered(
        hospital.link.node, block_as=lambda block: replace(block, parent_hash=bytes(32))
    )
    refuses(hospital, source, ChainUnavailable)


def test_a_changed_block_of_the_embedded_chain_is_not_the_journals(hospital: Hospital) -> None:
    hospital.settle(hospital.writer())
    source = Altered(hospital.link.node, block_as=lambda block: replace(block, hash=bytes(32)))
    assert "the journal holds 0x" in refuses(hospital, source, ForeignBlock)


def test_an_index_that_the_journal_contradicts_stops_the_follower_and_asks_for_a_rebuild(
    hospital: Hospital,
) -> None:
    hospital.settle(hospital.writer())
    with hospital.instance.database.transaction() as tx:
        cursor = index.find_cursor(tx)
        assert cursor is not None
        index.set_cursor(tx, replace(cursor, hash=bytes(32)))
    assert "rebuild" in refuses(hospital, Altered(hospital.link.node), Inconsistent)


def test_an_embedded_chain_shorter_than_the_index_is_not_the_journals(hospital: Hospital) -> None:
    hospital.settle(hospital.writer())

    class Short(Altered):
        def block(self, tag: BlockTag) -> Block | None:
            return None if isinstance(tag, int) and tag > 1 else self.node.block(tag)

    assert "has no block" in refuses(hospital, Short(hospital.link.node), ForeignBlock)


def test_operations_that_came_through_another_contract_have_no_signatures_here(
    hospital: Hospital,
) -> None:
    sent_but_not_followed(hospital)
    source = Altered(
        hospital.link.node, transaction_as=lambda found: replace(found, to=bytes([7]) * 20)
    )
    follow(hospital.instance, source)
    with hospital.instance.database.reading() as tx:
        assert index.list_rows(tx, IndexedSignature) == []
        assert len(index.list_rows(tx, IndexedOperation)) == 7


# ---------------------------------------------------------------- blocks that are not final yet


def test_blocks_below_the_depth_are_mined_and_not_final(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'ledger.db'}"
    with opened_hospital(tmp_path / "home", address) as hospital:
        instance = hospital.instance
        deep = instance.settings.model_copy(update={"finality": "depth:2"})
        hospital.instance = replace(instance, settings=deep)
        hospital.admit(1)
        hospital.register(1, "S1")
        digest = hospital.accept(hospital.opening("S1", 1))
        writer = hospital.writer()
        writer.step()
        hospital.follow()
        assert hospital.state(digest) is S.MINED
        link = hospital.link
        assert isinstance(link, EmbeddedLink)
        for _ in range(2):
            link.chain.mine([], link.chain.tip.timestamp + 1)
            hospital.follow()
        assert hospital.history(digest) == [S.OWED, S.SENT, S.MINED, S.FINAL]
        with instance.database.reading() as tx:
            assert {row.state for row in list_transactions(tx)} == {TransactionState.FINAL}
