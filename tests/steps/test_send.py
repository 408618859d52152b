"""Facts about what the writer sends, what it refuses, and what it does after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ledger.chain.node import SendAnswer, SendOutcome
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.vocabulary import CycleReference
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.errors import ChainUnavailable
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.domain.subjects.states import CycleState
from ledger.steps.sending.mending import retry_operation
from ledger.steps.sending.settle import PENDING, mark_mined
from ledger.steps.sending.underway import UnderWay
from ledger.steps.sending.writer import Writer
from ledger.steps.starting.leasing import LEASE, LeaseLost
from ledger.steps.starting.link import EmbeddedLink
from ledger.storage import index
from ledger.storage.leases import release_lease
from ledger.storage.operations import list_states, operation_signatures
from ledger.storage.transactions import TransactionState, list_carried, list_transactions
from tests.steps.hospital import Hospital, opened_hospital

S = OperationState
FINAL = [S.OWED, S.SENT, S.MINED, S.FINAL]


@pytest.fixture
def hospital(tmp_path: Path, database_address: str) -> Iterator[Hospital]:
    """A unit with a sterilizer, accepted and not yet sent."""
    with opened_hospital(tmp_path / "home", database_address) as opened:
        opened.admit(1)
        opened.register(1, "S1")
        yield opened


class Interrupted(UnderWay):
    """A writer that never comes to look at receipts."""

    __slots__ = ()

    def find_mined(self) -> int:
        """Nothing was seen."""
        return 0


class FailingLink(EmbeddedLink):
    """An embedded chain whose deliveries fail as a test says."""

    __slots__ = ()

    def deliver(self, raw_transactions: object, now: int) -> list[SendAnswer]:  # noqa: ARG002
        """Nobody answers."""
        raise ChainUnavailable("the chain does not answer")


class RefusingLink(EmbeddedLink):
    """An embedded chain that takes nothing."""

    __slots__ = ()

    def deliver(self, raw_transactions: object, now: int) -> list[SendAnswer]:  # noqa: ARG002
        """No, as it stands."""
        return [
            SendAnswer(
                outcome=SendOutcome.REJECTED, transaction_hash=bytes(32), reason="no, thanks"
            )
        ]


def kinds_sent(hospital: Hospital) -> list[str]:
    with hospital.instance.database.reading() as tx:
        return [row.kind for row in list_transactions(tx)]


def set_link(writer: Writer, link: EmbeddedLink) -> None:
    """The writer speaks to another chain from now on."""
    writer.link = writer.under_way.link = link


def set_late(writer: Writer, clock: Callable[[], datetime], late: timedelta) -> None:
    """The writer's clock is late by that much from now on."""
    instance = replace(writer.instance, clock=lambda: clock() + late)
    writer.instance = writer.under_way.instance = instance


def test_a_whole_cycle_goes_out_in_one_round_in_the_order_of_its_dependencies(
    hospital: Hospital,
) -> None:
    cycle = hospital.run_cycle("S1", 1)
    sent = hospital.writer().step()
    assert sent.sent == 7
    assert kinds_sent(hospital) == [
        "admitUnits", "enrolSigners", "registerEquipment", "openCycles",
        "declareLoads", "endCycles", "decideCycles",
    ]  # fmt: skip
    assert {hospital.state(digest) for digest in cycle} == {S.MINED}
    hospital.follow()
    assert [hospital.history(digest) for digest in cycle] == [FINAL] * 4


def test_many_cycles_share_transactions_and_every_operation_goes_once(hospital: Hospital) -> None:
    cycles = [hospital.run_cycle("S1", number) for number in range(1, 9)]
    hospital.settle(hospital.writer())
    with hospital.instance.database.reading() as tx:
        rows = list_transactions(tx)
        carried = [d for each in list_carried(tx, [r.id for r in rows]).values() for d in each]
    assert len(rows) == 7
    assert len(carried) == len(set(carried)) == 35
    assert {hospital.state(digest) for cycle in cycles for digest in cycle} == {S.FINAL}


def test_nonces_rise_by_one_and_no_attempt_is_repeated(hospital: Hospital) -> None:
    writer = hospital.writer()
    for number in (1, 2):
        hospital.run_cycle("S1", number)
        hospital.settle(writer)
    with hospital.instance.database.reading() as tx:
        rows = list_transactions(tx)
    nonces = [row.nonce for row in rows]
    assert nonces == list(range(nonces[0], nonces[0] + len(nonces)))
    assert {row.attempt for row in rows} == {0}
    assert {row.state for row in rows} == {TransactionState.FINAL}


def test_one_refused_operation_does_not_keep_the_others_of_its_batch(hospital: Hospital) -> None:
    good = [hospital.accept(hospital.opening("S1", number)) for number in (5, 4, 7)]
    bad = hospital.accept_unchecked(hospital.opening("S1", 5))
    later = hospital.accept(hospital.opening("S1", 8))
    hospital.settle(hospital.writer())
    assert [hospital.state(digest) for digest in (*good, later)] == [S.FINAL] * 4
    assert hospital.state(bad) is S.REFUSED
    assert "cycle: already recorded" in hospital.reason(bad)


def test_what_follows_from_a_refused_operation_is_refused_and_names_it(
    hospital: Hospital,
) -> None:
    first, load, ending, _ = hospital.run_cycle("S1", 1)
    wrong = hospital.accept_unchecked(
        hospital.decision("S1", 1, ending=ending, load=load, kind=DecisionKind.LIFT, quantity=0),
        ending,
    )
    after = hospital.accept_unchecked(
        hospital.decision(
            "S1", 1, ending=ending, load=load, kind=DecisionKind.HOLD, quantity=0, replaces=wrong
        ),
        wrong,
    )
    hospital.settle(hospital.writer())
    assert hospital.state(first) is S.FINAL
    assert hospital.state(wrong) is S.REFUSED
    assert hospital.state(after) is S.REFUSED
    assert wrong.hex() in hospital.reason(after)


def test_an_operation_that_comes_after_its_predecessor_was_refused_is_refused(
    hospital: Hospital,
) -> None:
    hospital.accept(hospital.opening("S1", 1))
    refused = hospital.accept_unchecked(hospital.opening("S1", 1))
    writer = hospital.writer()
    hospital.settle(writer)
    assert hospital.state(refused) is S.REFUSED
    child = hospital.accept_unchecked(hospital.load("S1", 1), refused)
    hospital.settle(writer)
    assert hospital.state(child) is S.REFUSED
    assert refused.hex() in hospital.reason(child)


def test_what_waits_for_a_predecessor_stays_owed_until_it_comes(hospital: Hospital) -> None:
    clock = hospital.instance.clock
    early = hospital.accept_unchecked(hospital.ending("S1", 1))
    writer = hospital.writer()
    hospital.settle(writer)
    assert hospital.state(early) is S.OWED
    hospital.accept_unchecked(hospital.opening("S1", 1))
    for seconds in (5, 10):
        set_late(writer, clock, timedelta(seconds=seconds))
        hospital.settle(writer)
    assert hospital.history(early) == [S.OWED, S.SENT, *FINAL]


def test_what_waits_too_long_is_stuck_and_says_what_for(hospital: Hospital) -> None:
    clock = hospital.instance.clock
    early = hospital.accept_unchecked(hospital.ending("S1", 1))
    writer = hospital.writer()
    hospital.settle(writer)
    set_late(writer, clock, timedelta(hours=2))
    hospital.settle(writer)
    assert hospital.state(early) is S.STUCK
    assert "for an hour: cycle: unknown" in hospital.reason(early)


def test_a_stuck_operation_can_be_tried_again(hospital: Hospital) -> None:
    clock = hospital.instance.clock
    early = hospital.accept_unchecked(hospital.ending("S1", 1))
    writer = hospital.writer()
    hospital.settle(writer)
    set_late(writer, clock, timedelta(hours=2))
    hospital.settle(writer)
    hospital.accept_unchecked(hospital.opening("S1", 1))
    hospital.settle(writer)
    with hospital.instance.database.transaction() as tx:
        retry_operation(hospital.instance, tx, early, person="Somebody")
    hospital.settle(hospital_writer_again(hospital, writer))
    assert hospital.history(early) == [S.OWED, S.SENT, S.OWED, S.STUCK, *FINAL]


def hospital_writer_again(hospital: Hospital, writer: Writer) -> Writer:
    """The same lease in a process that remembers nothing."""
    return Writer.open(hospital.instance, writer.link, writer.lease)


def test_a_wrong_signature_is_refused_and_the_others_go_on(hospital: Hospital) -> None:
    forged = hospital.accept_unchecked(hospital.opening("S1", 1))
    with hospital.instance.database.transaction() as tx:
        tx.execute(
            operation_signatures.update()
            .where(operation_signatures.c.digest == forged)
            .values(signature=bytes([1]) * 64 + bytes([27]))
        )
    other = hospital.accept(hospital.opening("S1", 2))
    hospital.settle(hospital.writer())
    assert hospital.state(forged) is S.REFUSED
    assert "signature invalid" in hospital.reason(forged)
    assert hospital.state(other) is S.FINAL


def test_a_writer_without_its_lease_sends_nothing(hospital: Hospital) -> None:
    writer = hospital.writer()
    with hospital.instance.database.transaction() as tx:
        release_lease(tx, LEASE, writer.lease.holder, writer.lease.epoch)
    hospital.writer("another")
    before = hospital.link.node.block("latest")
    with pytest.raises(LeaseLost):
        writer.step()
    assert hospital.link.node.block("latest") == before
    assert kinds_sent(hospital) == []


def test_a_crash_after_storing_sends_the_same_bytes_again(hospital: Hospital) -> None:
    cycle = hospital.run_cycle("S1", 1)
    writer = hospital.writer()
    link = writer.link
    assert isinstance(link, EmbeddedLink)
    set_link(writer, FailingLink(chain=link.chain))
    with pytest.raises(ChainUnavailable):
        writer.step()
    with hospital.instance.database.reading() as tx:
        stored = list_transactions(tx)
    assert {row.state for row in stored} == {TransactionState.SIGNED}
    assert {hospital.state(digest) for digest in cycle} == {S.SENT}
    link.chain.stop()
    again = hospital_writer_again(hospital, writer)
    set_link(again, link)
    hospital.settle(again)
    with hospital.instance.database.reading() as tx:
        assert [row.raw for row in list_transactions(tx)] == [row.raw for row in stored]
    assert {hospital.state(digest) for digest in cycle} == {S.FINAL}


def test_a_crash_between_the_block_and_its_receipts_finds_them_again(hospital: Hospital) -> None:
    cycle = hospital.run_cycle("S1", 1)
    writer = hospital.writer()
    writer.under_way = Interrupted(instance=writer.instance, link=writer.link, lease=writer.lease)
    writer.step()
    assert {hospital.state(digest) for digest in cycle} == {S.SENT}
    height = hospital.link.node.block("latest")
    hospital.settle(hospital_writer_again(hospital, writer))
    assert {hospital.state(digest) for digest in cycle} == {S.FINAL}
    assert hospital.link.node.block("latest") == height


def test_a_killed_chain_is_replayed_and_the_writer_goes_on(hospital: Hospital) -> None:
    writer = hospital.writer()
    hospital.run_cycle("S1", 1)
    hospital.settle(writer)
    link = hospital.link
    assert isinstance(link, EmbeddedLink)
    before = link.node.block("latest")
    assert before is not None
    link.chain.stop()
    hospital.run_cycle("S1", 2)
    hospital.settle(writer)
    assert link.node.block(before.number) == before
    assert hospital.state(hospital.accept(hospital.opening("S1", 3))) is S.OWED


def test_what_somebody_else_relayed_is_final_without_being_sent(hospital: Hospital) -> None:
    hospital.settle(hospital.writer())
    digest = hospital.accept(hospital.opening("S1", 1))
    with hospital.instance.database.transaction() as tx:
        index.put(
            tx,
            [
                IndexedOperation(
                    digest=digest, kind="CycleOpening", unit=1, subject=digest, also=None,
                    message=b"{}", new_key=None, record=digest, height=1, block_hash=digest,
                    timestamp=1, tx_hash=digest, position=0, head=digest,
                )
            ],
        )  # fmt: skip
        release_lease(tx, LEASE, "test", 1)
    sent = hospital.writer().step()
    assert (sent.sent, sent.mined) == (0, 1)
    assert hospital.history(digest) == [S.OWED, S.MINED, S.FINAL]


def test_a_transaction_that_the_node_rejects_is_tried_again_and_then_stuck(
    hospital: Hospital,
) -> None:
    writer = hospital.writer()
    hospital.settle(writer)
    digest = hospital.accept(hospital.opening("S1", 1))
    link = writer.link
    assert isinstance(link, EmbeddedLink)

    set_link(writer, RefusingLink(chain=link.chain))
    for _ in range(12):
        writer.step()
    assert hospital.state(digest) is S.STUCK
    assert "no, thanks" in hospital.reason(digest)
    with hospital.instance.database.reading() as tx:
        rows = list_transactions(tx, states=[TransactionState.DROPPED])
        sends = [row for row in list_states(tx, digest) if row.state is S.SENT]
    assert len(sends) == len(rows) == 5
    assert len({row.nonce for row in rows}) == 1
    assert [row.attempt for row in rows] == [0, 1, 2, 3, 4]


def test_a_transaction_that_was_mined_and_reverted_leaves_its_operations_owed(
    hospital: Hospital,
) -> None:
    writer = hospital.writer()
    hospital.settle(writer)
    digest = hospital.accept(hospital.opening("S1", 1))
    writer.under_way = Interrupted(instance=writer.instance, link=writer.link, lease=writer.lease)
    writer.step()
    database = hospital.instance.database
    with database.reading() as tx:
        row = list_transactions(tx, states=PENDING)[0]
    (mined,) = writer.link.node.find_mined([row.hash])
    assert mined is not None
    with database.transaction() as tx:
        reverted = replace(mined, succeeded=False)
        assert mark_mined(tx, [(row, reverted)], hospital.instance.clock()) == 0
    assert hospital.history(digest) == [S.OWED, S.SENT, S.OWED]
    assert "mined and reverted" in hospital.reason(digest)


@pytest.mark.parametrize("gas", [30_000, 80_000])
def test_a_gas_limit_that_is_too_low_is_estimated_before_the_next_try(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch, gas: int
) -> None:
    """The node refuses less than the calldata costs; with more, the call runs out of gas."""
    writer = hospital.writer()
    hospital.settle(writer)
    digest = hospital.accept(hospital.opening("S1", 1))
    monkeypatch.setattr("ledger.steps.sending.writer.transaction_gas", lambda _: gas)
    hospital.settle(writer)
    assert hospital.history(digest) == [S.OWED, S.SENT, *FINAL]
    monkeypatch.undo()
    after = hospital.accept(hospital.opening("S1", 2))
    hospital.settle(writer)
    assert hospital.history(after) == FINAL


def test_what_goes_out_in_one_round_fits_into_a_block(hospital: Hospital) -> None:
    writer = hospital.writer()
    hospital.settle(writer)
    for number in range(1, 81):
        hospital.run_cycle("S1", number)
    before = hospital.link.node.block("latest")
    assert before is not None
    sent = [writer.step().sent for _ in range(2)]
    assert sum(sent) == 320
    for height in (before.number + 1, before.number + 2):
        block = hospital.link.node.block(height)
        assert block is not None
        assert block.gas_used <= block.gas_limit // 2


def test_what_cannot_go_is_left_alone_until_something_new_is_accepted(
    hospital: Hospital,
) -> None:
    writer = hospital.writer()
    hospital.settle(writer)
    now = hospital.instance.clock()
    set_late(writer, lambda: now, timedelta(0))
    missing = Digest(bytes([9]) * 32)
    held = hospital.accept_unchecked(hospital.opening("S1", 1), missing)
    assert writer.step().is_idle
    assert writer._blocked[0] > 0
    hospital.accept(hospital.opening("S1", 2))
    assert writer.step().sent == 1
    assert hospital.state(held) is S.OWED


def test_the_reference_of_a_cycle_is_the_contracts_id(hospital: Hospital) -> None:
    hospital.run_cycle("S1", 1)
    hospital.settle(hospital.writer())
    reference: CycleReference = hospital.reference("S1", 1)
    with hospital.instance.database.reading() as tx:
        cycle = index.get(tx, CycleState, reference.id)
    assert (cycle.number, cycle.state) == (1, 1)
    assert cycle.decision != ZERO_DIGEST
