"""One worker at a time: the writer's lease, kept by a thread of its own."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from ledger.crashing import crash_point
from ledger.domain.errors import Conflict, StorageUnavailable
from ledger.steps.instance import Instance
from ledger.storage.leases import (
    LeaseRow,
    find_lease,
    is_held,
    release_lease,
    renew_lease,
    take_lease,
)

#: names the lease of whoever writes to the chain and moves the index
LEASE = "writer"
#: how long a lease holds without being renewed, where all who may take it are on one machine: a
#: dead holder is seen there at once, and one that is kept waiting by a long write is left alone
LEASE_SECONDS = 30
#: and where the holder's machine may be gone
SHARED_LEASE_SECONDS = 10
_RENEWALS = 5
_POLL_SECONDS = 0.2


class LeaseLost(Conflict):
    """Another process took the lease: this one stops at once, and nothing is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLease:
    """The lease while it is ours; `lost` is set when it no longer is."""

    holder: str
    epoch: int
    lost: threading.Event = field(default_factory=threading.Event)

    def require(self, tx: Connection) -> None:
        """Raise LeaseLost, within the transaction that writes, when another process took over."""
        row = find_lease(tx, LEASE)
        if row is None or (row.holder, row.epoch) != (self.holder, self.epoch):
            raise LeaseLost("another process writes to the chain now", field="lease")

    def is_lost(self, instance: Instance) -> bool:
        """Whether another process took over; no when the database does not tell."""
        try:
            with instance.database.reading() as tx:
                self.require(tx)
        except LeaseLost:
            return True
        except StorageUnavailable:
            return self.lost.is_set()
        return False


@contextmanager
def writer_lease(instance: Instance, stop: threading.Event) -> Iterator[HeldLease | None]:
    """Wait for the lease, keep it renewed, and give it back; None when `stop` was set first.

    A holder of this machine that died, as after `kill -9`, is not waited for.
    """
    # enough to tell later whether the holder lives
    holder = f"{_machine()} {os.getpid()}"
    epoch = _wait(instance, holder, stop)
    if epoch is None:
        yield None
        return
    crash_point("lease.taken")
    held = HeldLease(holder=holder, epoch=epoch)
    done = threading.Event()
    keeper = threading.Thread(target=_keep, args=(instance, held, done), name="lease", daemon=True)
    keeper.start()
    try:
        yield held
    finally:
        done.set()
        keeper.join()
        with suppress(Conflict, StorageUnavailable), instance.database.transaction() as tx:
            release_lease(tx, LEASE, holder, epoch)


def try_lease(instance: Instance, holder: str) -> int | None:
    """The lease's new epoch, or None when somebody who may still live holds it."""
    with instance.database.transaction() as tx:
        row = find_lease(tx, LEASE)
        if row is not None and row.holder is not None and _is_dead(row):
            release_lease(tx, LEASE, row.holder, row.epoch)
        return take_lease(tx, LEASE, holder, instance.clock(), _seconds(instance))


def require_no_worker(instance: Instance) -> None:
    """Raise Conflict while a worker may live."""
    with instance.database.reading() as tx:
        lease = find_lease(tx, LEASE)
    if lease is None or lease.holder is None or _is_dead(lease):
        return
    if is_held(lease, instance.clock(), LEASE_SECONDS):
        raise Conflict(
            f"a worker runs ({lease.holder})",
            field="lease",
            rule="one process at a time writes",
            remedy="stop it first",
        )


def _wait(instance: Instance, holder: str, stop: threading.Event) -> int | None:
    while not stop.is_set():
        with suppress(StorageUnavailable):  # the database is away: it is asked again
            epoch = try_lease(instance, holder)
            if epoch is not None:
                return epoch
        stop.wait(_POLL_SECONDS)
    return None


def _keep(instance: Instance, held: HeldLease, done: threading.Event) -> None:
    seconds = _seconds(instance)
    while not done.wait(seconds / _RENEWALS):
        try:
            with instance.database.transaction() as tx:
                renew_lease(tx, LEASE, held.holder, held.epoch, instance.clock(), seconds)
        except Conflict:
            held.lost.set()
            return
        except StorageUnavailable:
            continue  # the next renewal may still be in time; every write checks the lease itself


def _seconds(instance: Instance) -> int:
    return LEASE_SECONDS if instance.database.is_sqlite else SHARED_LEASE_SECONDS


def _machine() -> str:
    """This boot of this machine, seen from this process namespace: where a process id means us."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return "/".join(parts)


def _is_dead(row: LeaseRow) -> bool:
    machine, _, number = (row.holder or "").rpartition(" ")
    if machine != _machine() or not number.isdigit():
        return False
    if int(number) == os.getpid():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
