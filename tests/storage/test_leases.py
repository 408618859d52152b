from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from ledger.domain.errors import Conflict
from ledger.storage.engine.database import Database
from ledger.storage.leases import LeaseRow, find_lease, release_lease, renew_lease, take_lease
from tests.storage.examples import NOON

SOON = NOON + timedelta(seconds=30)


def held(database: Database) -> LeaseRow | None:
    with database.reading() as tx:
        return find_lease(tx, "writer")


def test_one_of_two_holders_gets_a_lease_until_it_runs_out(database: Database) -> None:
    assert held(database) is None
    with database.transaction() as tx:
        assert take_lease(tx, "writer", "a", NOON, 30) == 1
    with database.transaction() as tx:
        assert take_lease(tx, "writer", "b", SOON - timedelta(microseconds=1), 30) is None
        assert take_lease(tx, "follower", "b", NOON, 30) == 1
    assert held(database) == LeaseRow(name="writer", holder="a", epoch=1, expires_at=SOON)
    with database.transaction() as tx:
        assert take_lease(tx, "writer", "b", SOON, 30) == 2
    taken = LeaseRow(name="writer", holder="b", epoch=2, expires_at=SOON + timedelta(seconds=30))
    assert held(database) == taken


def test_a_lease_that_runs_is_not_taken_again_by_its_own_holder(database: Database) -> None:
    with database.transaction() as tx:
        assert take_lease(tx, "writer", "a", NOON, 30) == 1
        assert take_lease(tx, "writer", "a", NOON, 60) is None
    assert held(database) == LeaseRow(name="writer", holder="a", epoch=1, expires_at=SOON)


def test_a_renewed_lease_lasts_longer_in_the_same_epoch(database: Database) -> None:
    with database.transaction() as tx:
        take_lease(tx, "writer", "a", NOON, 30)
        renew_lease(tx, "writer", "a", 1, SOON, 30)
        assert take_lease(tx, "writer", "b", SOON, 30) is None
    row = held(database)
    assert row is not None
    assert (row.epoch, row.expires_at) == (1, SOON + timedelta(seconds=30))


def test_a_holder_whose_lease_was_taken_over_neither_renews_nor_releases(
    database: Database,
) -> None:
    with database.transaction() as tx:
        take_lease(tx, "writer", "a", NOON, 30)
        take_lease(tx, "writer", "b", SOON, 30)
    before = held(database)
    with pytest.raises(Conflict, match="no longer held by a"), database.transaction() as tx:
        renew_lease(tx, "writer", "a", 1, SOON, 30)
    with pytest.raises(Conflict, match="no longer held by a"), database.transaction() as tx:
        release_lease(tx, "writer", "a", 1)
    assert held(database) == before


def test_an_older_epoch_of_the_same_holder_is_over(database: Database) -> None:
    with database.transaction() as tx:
        take_lease(tx, "writer", "a", NOON, 30)
        take_lease(tx, "writer", "a", SOON, 30)
    with pytest.raises(Conflict), database.transaction() as tx:
        renew_lease(tx, "writer", "a", 1, SOON, 30)


def test_a_lease_given_back_is_free_at_once_and_its_epoch_rises(database: Database) -> None:
    with database.transaction() as tx:
        take_lease(tx, "writer", "a", NOON, 30)
        release_lease(tx, "writer", "a", 1)
    with pytest.raises(Conflict), database.transaction() as tx:
        release_lease(tx, "writer", "a", 1)
    with database.transaction() as tx:
        assert take_lease(tx, "writer", "b", NOON, 30) == 2


def test_of_many_who_ask_at_once_exactly_one_gets_the_lease(database: Database) -> None:
    results: list[int | None] = []
    start = threading.Barrier(4)

    def ask(holder: str) -> None:
        start.wait(30)
        with database.transaction() as tx:
            results.append(take_lease(tx, "writer", holder, NOON, 30))

    threads = [threading.Thread(target=ask, args=(f"holder {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results, key=str) == [1, None, None, None]
