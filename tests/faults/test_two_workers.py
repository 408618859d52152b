"""Two workers on one home: one works, the other waits and takes over."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from datetime import timedelta

from ledger.domain.errors import StorageUnavailable
from ledger.steps.instance import Instance
from ledger.steps.starting.leasing import LEASE
from ledger.storage.leases import LeaseRow, find_lease, leases
from tests.faults.children import Child
from tests.faults.conftest import Ward
from tests.faults.proofs import accepted, anvils_of, mined_hashes, opened, require_whole, waiting
from tests.steps.hospital import Hospital


def lease(instance: Instance) -> LeaseRow:
    with instance.database.reading() as tx:
        found = find_lease(tx, LEASE)
    assert found is not None
    return found


def holds(instance: Instance, worker: Child) -> bool:
    return (lease(instance).holder or "").endswith(f" {worker.pid}")


def admit_more(instance: Instance, *units: int) -> None:
    hospital = Hospital(instance=instance, link=None)  # type: ignore[arg-type]
    for unit in units:
        hospital.admit(unit)


def test_the_second_waits_and_takes_over_at_once_when_the_first_is_killed(ward: Ward) -> None:
    home = ward.home
    with opened(home) as instance:
        first = home.start("worker")
        first.wait_for(lambda: waiting(instance) == 0)
        assert holds(instance, first)
        second = home.start("worker")
        admit_more(instance, 3)
        first.wait_for(lambda: waiting(instance) == 0)
        assert second.process.is_alive()
        assert holds(instance, first)
        assert len(anvils_of(instance)) == 1  # the second has no chain
        admit_more(instance, 4, 5)
        seen = mined_hashes(instance)
        first.kill()
        until = lease(instance).expires_at
        second.wait_for(lambda: holds(instance, second))
        # The dead one's lease would have run on: it was not waited for.
        assert instance.clock() < until
        second.wait_for(lambda: waiting(instance) == 0)
        assert lease(instance).epoch == 2
        require_whole(instance, accepted(instance), hashes=seen)
        assert second.stop() == 0


def test_one_that_slept_through_its_lease_stops_and_has_done_nothing_twice(ward: Ward) -> None:
    home = ward.home
    with opened(home) as instance:
        first = home.start("worker")
        first.wait_for(lambda: waiting(instance) == 0)
        put_to_sleep(instance, first)
        second = home.start("worker")
        second.wait_for(lambda: holds(instance, second))
        admit_more(instance, 3, 4)
        second.wait_for(lambda: waiting(instance) == 0)
        seen = mined_hashes(instance)
        os.kill(first.pid, signal.SIGCONT)
        assert first.wait() == 0
        admit_more(instance, 5)
        second.wait_for(lambda: waiting(instance) == 0)
        assert holds(instance, second)
        require_whole(instance, accepted(instance), hashes=seen)
        assert second.stop() == 0


def put_to_sleep(instance: Instance, worker: Child) -> None:
    """Stop it, outside any transaction, for longer than its lease."""
    while True:
        os.kill(worker.pid, signal.SIGSTOP)
        with suppress(StorageUnavailable), instance.database.transaction() as tx:
            tx.execute(leases.update().values(expires_at=instance.clock() - timedelta(hours=1)))
            return
        os.kill(worker.pid, signal.SIGCONT)
        time.sleep(0.5)  # it was in the middle of one: let it end
