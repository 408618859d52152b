"""Facts about the status of an instance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.domain.operation_states import OperationState
from ledger.domain.operations import Custody
from ledger.settings import Settings
from ledger.steps.instance import open_instance
from ledger.steps.status import (
    ChainStatus,
    find_chain_status,
    put_chain_status,
    status,
)
from ledger.storage.operations import move_operation
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
    assert set(now.counts.values()) == {0}
    instance.close()


def test_the_oldest_owed_operation_is_shown_with_its_age(hospital: Hospital) -> None:
    clock = hospital.instance.clock
    later = replace(hospital.instance, clock=lambda: clock() + timedelta(minutes=3))
    now = status(later)
    assert now.oldest_owed is not None
    assert now.oldest_owed.kind == "UnitAdmission"
    assert 180 <= now.oldest_owed.waited_seconds < 240
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
        height=7,
        hash=bytes([3]) * 32,
        timestamp=moment.replace(microsecond=0),
        indexed=5,
        final=6,
        at=moment,
        halted="look at it",
    )
    with hospital.instance.database.transaction() as tx:
        put_chain_status(tx, seen)
        assert find_chain_status(tx) == seen
    now = status(hospital.instance)
    assert now.lag == 1
    assert now.chain is not None
    assert now.chain.halted == "look at it"
