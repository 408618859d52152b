"""Facts about building the index again from the chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.domain.encoding.events import Log
from ledger.domain.errors import ChainUnavailable, Conflict, Inconsistent
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.domain.subjects.states import CycleState
from ledger.steps.following.rebuild import rebuild
from ledger.steps.starting.leasing import LEASE
from ledger.storage import index
from ledger.storage.leases import release_lease
from tests.fingerprint import index_fingerprint
from tests.steps.hospital import Hospital, opened_hospital
from tests.steps.test_follow import Altered


@pytest.fixture
def hospital(tmp_path: Path, database_address: str) -> Iterator[Hospital]:
    """Three cycles, all of it final, and nobody writing."""
    with opened_hospital(tmp_path / "home", database_address) as opened:
        opened.admit(1)
        opened.register(1, "S1")
        writer = opened.writer()
        for number in (1, 2, 5):
            opened.run_cycle("S1", number)
            opened.settle(writer)
        with opened.instance.database.transaction() as tx:
            release_lease(tx, LEASE, writer.lease.holder, writer.lease.epoch)
        yield opened


def fingerprint(hospital: Hospital) -> bytes:
    with hospital.instance.database.reading() as tx:
        return index_fingerprint(tx)


def test_a_rebuilt_index_has_the_same_rows(hospital: Hospital) -> None:
    before = fingerprint(hospital)
    progress = rebuild(hospital.instance, hospital.link.node)
    assert fingerprint(hospital) == before
    assert progress.operations == 15
    assert progress.height == progress.final


def test_a_damaged_index_is_made_whole(hospital: Hospital) -> None:
    before = fingerprint(hospital)
    with hospital.instance.database.transaction() as tx:
        assert index.remove(tx, CycleState, number=2) == 1
        index.remove(tx, IndexedOperation, kind="CycleOpening")
    assert fingerprint(hospital) != before
    rebuild(hospital.instance, hospital.link.node)
    assert fingerprint(hospital) == before


def test_a_rebuild_that_was_cut_off_is_finished_by_the_follower(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(hospital)
    monkeypatch.setattr("ledger.steps.following.follow.RANGE", 1)
    calls = 0

    def fail_at_the_third(logs: list[Log]) -> list[Log]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ChainUnavailable("gone")
        return logs

    with pytest.raises(ChainUnavailable):
        rebuild(hospital.instance, Altered(hospital.link.node, logs_as=fail_at_the_third))
    hospital.follow()
    assert fingerprint(hospital) == before


def test_nothing_is_dropped_while_a_worker_runs(hospital: Hospital) -> None:
    before = fingerprint(hospital)
    hospital.writer("another machine 1")
    with pytest.raises(Conflict):
        rebuild(hospital.instance, hospital.link.node)
    assert fingerprint(hospital) == before


def test_a_chain_that_hides_an_event_is_not_indexed(hospital: Hospital) -> None:
    source = Altered(hospital.link.node, logs_as=lambda logs: logs[:2] + logs[3:])
    with pytest.raises(Inconsistent):
        rebuild(hospital.instance, source)
