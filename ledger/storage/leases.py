"""Leases: who does a job that one process at a time should do.

A lease keeps two processes out of each other's way; it does not make them safe.  A holder that was
asleep may still act after its lease ran out, so what must not happen twice is forbidden by a
constraint, and the epoch tells an old holder's work from a new one's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.domain.errors import Conflict
from ledger.storage.engine.rows import Rows, upsert
from ledger.storage.engine.tables import table_of

#: A lease that ends by more than this after one that is taken now was taken by a clock that was
#: ahead: it holds for nobody.  No two that write to one database are so far apart.
MOST_AHEAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    """One job and who does it."""

    name: str
    #: None after it was given back
    holder: str | None
    #: rises by one whenever the lease is taken
    epoch: int
    expires_at: datetime


leases = table_of("leases", LeaseRow, key=("name",))


_leases = Rows(leases, LeaseRow, "lease")


def take_lease(tx: Connection, name: str, holder: str, now: datetime, seconds: int) -> int | None:
    """Take a lease that is new, given back or run out; return its epoch, or None if it is held.

    A lease that still runs is not taken, not even by its own holder: `renew_lease` prolongs it.
    One that ends far later than a lease taken now was taken by a wrong clock, and is taken over.
    """
    until = now + timedelta(seconds=seconds)
    epoch: int | None = tx.execute(
        upsert(tx.dialect.name, leases)
        .values(name=name, holder=holder, epoch=1, expires_at=until)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"holder": holder, "epoch": leases.c.epoch + 1, "expires_at": until},
            where=leases.c.holder.is_(None)
            | (leases.c.expires_at <= now)
            | (leases.c.expires_at > until + MOST_AHEAD),
        )
        .returning(leases.c.epoch)
    ).scalar_one_or_none()
    return epoch


def renew_lease(  # noqa: PLR0913, PLR0917 - who, what, which, when and how long
    tx: Connection, name: str, holder: str, epoch: int, now: datetime, seconds: int
) -> None:
    """Prolong a lease that nobody else took since; raises Conflict when somebody did."""
    _change(tx, name, holder, epoch, {"expires_at": now + timedelta(seconds=seconds)})


def release_lease(tx: Connection, name: str, holder: str, epoch: int) -> None:
    """Give a lease back; raises Conflict when it is no longer ours."""
    _change(tx, name, holder, epoch, {"holder": None})


def is_held(row: LeaseRow, now: datetime, seconds: int) -> bool:
    """Whether a lease still runs, so that `take_lease` would not take it."""
    latest = now + timedelta(seconds=seconds) + MOST_AHEAD
    return row.holder is not None and now < row.expires_at <= latest


def find_lease(tx: Connection, name: str) -> LeaseRow | None:
    """Who holds or last held a lease, or None when it was never taken."""
    return _leases.find(tx, leases.c.name == name)


def _change(
    tx: Connection, name: str, holder: str, epoch: int, changes: Mapping[str, object]
) -> None:
    c = leases.c
    changed = tx.execute(
        leases.update().where(c.name == name, c.holder == holder, c.epoch == epoch).values(changes)
    )
    if changed.rowcount == 0:
        raise Conflict(
            f"the lease {name} of epoch {epoch} is no longer held by {holder}",
            remedy="stop this work: another process has taken it over",
        )
