"""Facts about the status of an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger.domain.acts.words import Custody
from ledger.domain.errors import ChainUnavailable, Inconsistent
from ledger.domain.outbox.operation_states import OperationState
from ledger.settings import Settings
from ledger.steps.answering.status import (
    SILENT_AFTER,
    TROUBLE_AFTER,
    ChainStatus,
    WorkerState,
    find_chain_status,
    put_chain_status,
    status,
)
from ledger.steps.answering.trouble import (
    TroubleKind,
    find_trouble,
    put_started,
    put_trouble,
    take_back_trouble,
    trouble_of,
)
from ledger.steps.instance import open_instance
from ledger.steps.starting.leasing import LEASE
from ledger.storage.leases import take_lease
from ledger.storage.operations import move_operation
from ledger.storage.settings import settings
from tests.steps.hospital import Hospital, opened_hospital

S = OperationState


@pytest.fixture
def hospital(tmp_path: Path, database_address: str) -> Iterator[Hospital]:
    """A unit, accepted and not yet sent."""
    with opened_hospital(tmp_path / "home", database_address) as opened:
        opened.admit(1)
        yield opened


def test_a_new_home_has_neither_contracts_nor_a_chain(tmp_path: Path) -> None:
    instance = open_instance(Settings(home=tmp_path / "home"))
    now = status(instance)
    assert (now.fingerprint, now.chain, now.lag, now.lease) == (None, None, None, None)
    assert (now.worker, now.heartbeat_age_seconds) == (WorkerState.STOPPED, None)
    assert set(now.counts.values()) == {0}
    instance.close()


def test_the_oldest_owed_operation_is_shown_with_its_age(hospital: Hospital) -> None:
    clock = hospital.instance.clock
    later = replace(hospital.instance, clock=lambda: clock() + timedelta(minutes=3))
    now = status(later)
    assert now.oldest_owed is not None
    assert now.oldest_owed.kind == "UnitAdmission"
    assert 180 <= (now.oldest_owed.waited_seconds or 0) < 240
    assert now.counts[S.OWED] == 2


def test_a_stuck_operation_is_shown_with_its_reason(hospital: Hospital) -> None:
    stuck = status(hospital.instance).oldest_owed
    assert stuck is not None
    with hospital.instance.database.transaction() as tx:
        move_operation(
            tx, stuck.digest, S.STUCK, hospital.instance.clock(), expected=[S.OWED], reason="look"
        )
    now = status(hospital.instance)
    assert [(each.digest, each.reason) for each in now.stuck] == [(stuck.digest, "look")]


def test_who_holds_the_keys_is_counted_from_the_chain(hospital: Hospital) -> None:
    assert status(hospital.instance).custody == dict.fromkeys(Custody, 0)
    hospital.settle(hospital.writer())
    now = status(hospital.instance)
    assert now.custody[Custody.SERVER] == 2
    assert now.lease is not None
    assert now.lease.holder == "test"


def test_what_the_worker_saw_is_kept_whole(hospital: Hospital) -> None:
    moment = hospital.instance.clock()
    seen = ChainStatus(
        open_because=None,
        height=7,
        hash=bytes([3]) * 32,
        timestamp=moment.replace(microsecond=0),
        indexed=5,
        final=6,
        at=moment,
        asked="http://127.0.0.1:8545",
        passed_over={"http://127.0.0.1:8546": "it is 6 blocks behind"},
    )
    with hospital.instance.database.transaction() as tx:
        put_chain_status(tx, seen)
        assert find_chain_status(tx) == seen
    now = status(hospital.instance)
    assert (now.lag, now.chain) == (1, seen)


@pytest.mark.parametrize("kind", TroubleKind)
def test_a_trouble_is_kept_whole_until_it_is_taken_back(
    hospital: Hospital, kind: TroubleKind
) -> None:
    moment = hospital.instance.clock()
    error = Inconsistent("it changed", field="block", rule="final is final", remedy="look")
    trouble = trouble_of(error, since=moment - timedelta(minutes=1), at=moment)
    assert (trouble.reason, trouble.remedy) == ("block: it changed (rule: final is final)", "look")
    with hospital.instance.database.transaction() as tx:
        put_trouble(tx, kind, trouble)
        assert [find_trouble(tx, each) for each in TroubleKind if each is not kind] == [None]
        assert find_trouble(tx, kind) == trouble
        take_back_trouble(tx, kind)
        assert find_trouble(tx, kind) is None


def test_nothing_is_written_where_nothing_was_the_matter(hospital: Hospital) -> None:
    with hospital.instance.database.transaction() as tx:
        before = tx.execute(select(settings)).all()
        for kind in TroubleKind:
            take_back_trouble(tx, kind)
        assert tx.execute(select(settings)).all() == before


STATES: Mapping[str, tuple[dict[str, bool], WorkerState]] = {
    "nothing": ({}, WorkerState.STOPPED),
    "a lease": ({"is_held": True}, WorkerState.STARTS),
    "a lease and a chain": ({"is_held": True, "has_seen": True}, WorkerState.RUNS),
    "a chain": ({"has_seen": True}, WorkerState.STOPPED),
    "a halt": ({"is_halted": True}, WorkerState.HALTED),
    "a halt after a chain": ({"is_halted": True, "has_seen": True}, WorkerState.HALTED),
    "a lease after a halt": (
        {"is_held": True, "is_halted": True, "has_seen": True}, WorkerState.STARTS
    ),
    "a wait": ({"is_held": True, "waits": True}, WorkerState.WAITS),
    "a wait after a halt": (
        {"is_held": True, "waits": True, "is_halted": True}, WorkerState.WAITS
    ),
    "a wait that ended": ({"waits": True}, WorkerState.STOPPED),
    "a lease that ran out": ({"ran_out": True, "has_seen": True}, WorkerState.VANISHED),
    "a wait that was killed": ({"ran_out": True, "waits": True}, WorkerState.VANISHED),
}  # fmt: skip


@pytest.mark.parametrize("given,state", STATES.values(), ids=STATES.keys())
def test_how_the_worker_stands_is_judged_from_lease_chain_wait_and_halt(
    tmp_path: Path, given: dict[str, bool], state: WorkerState
) -> None:
    with closing(open_instance(Settings(home=tmp_path / "home"))) as instance:
        now = instance.clock()
        said = trouble_of(ChainUnavailable("away"), since=now - TROUBLE_AFTER, at=now)
        with instance.database.transaction() as tx:
            if given.get("is_held"):
                take_lease(tx, LEASE, "worker", now, 600)
            if given.get("ran_out"):
                take_lease(tx, LEASE, "worker", now - timedelta(seconds=31), 30)
            if given.get("has_seen"):
                put_chain_status(tx, seen_at(now))
            if given.get("waits"):
                put_trouble(tx, TroubleKind.WAITS, said)
            if given.get("is_halted"):
                put_trouble(tx, TroubleKind.HALTED, said)
        assert status(instance).worker is state


def test_a_worker_that_starts_on_an_old_home_is_not_called_silent(tmp_path: Path) -> None:
    with closing(open_instance(Settings(home=tmp_path / "home"))) as instance:
        now = instance.clock()
        with instance.database.transaction() as tx:
            put_chain_status(tx, seen_at(now - timedelta(days=1)))
            take_lease(tx, LEASE, "worker", now, 600)
            put_started(tx, now)
        stands = status(instance)
        assert stands.worker is WorkerState.STARTS
        assert (stands.heartbeat_age_seconds or 0) < 60
        with instance.database.transaction() as tx:
            put_chain_status(tx, seen_at(instance.clock()))
        assert status(instance).worker is WorkerState.RUNS


def test_a_short_wait_is_no_trouble_and_a_long_silence_is_seen(tmp_path: Path) -> None:
    with closing(open_instance(Settings(home=tmp_path / "home"))) as instance:
        now = instance.clock()
        since = now - TROUBLE_AFTER + timedelta(seconds=5)
        with instance.database.transaction() as tx:
            take_lease(tx, LEASE, "worker", now, 600)
            put_chain_status(tx, seen_at(now - 2 * SILENT_AFTER))
        assert status(instance).worker is WorkerState.SILENT
        with instance.database.transaction() as tx:
            said = trouble_of(ChainUnavailable("away"), since=since, at=now)
            put_trouble(tx, TroubleKind.WAITS, said)
        assert status(instance).worker is WorkerState.RUNS


def seen_at(moment: datetime) -> ChainStatus:
    return ChainStatus(
        open_because=None, height=1, hash=bytes(32), timestamp=moment, indexed=1, final=1, at=moment
    )
