"""How often somebody asked within the minute that runs, for all processes of one PostgreSQL.

Not state: no migration makes the table, no backup has it, and a crash of the server empties it.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

#: seconds in which a name's count begins anew
MINUTE = 60

#: keeps two processes from making the table at the same moment
_MAKING = 7_316_002

_ADD = text(
    """
    INSERT INTO request_counts AS kept (name, minute, count)
    VALUES (:name, floor(extract(epoch FROM now()) / 60), :times)
    ON CONFLICT (name) DO UPDATE SET
        count = excluded.count
              + CASE WHEN kept.minute = excluded.minute THEN kept.count ELSE 0 END,
        minute = excluded.minute
    RETURNING count, (minute + 1) * 60 - extract(epoch FROM now())
    """
)


def make_counts(tx: Connection) -> None:
    """The table, where it is not there yet; never written to the server's log."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MAKING})
    tx.execute(
        text(
            "CREATE UNLOGGED TABLE IF NOT EXISTS request_counts "
            "(name bytea PRIMARY KEY, minute bigint NOT NULL, count bigint NOT NULL)"
        )
    )


def add_to_count(tx: Connection, name: bytes, times: int) -> tuple[int, float]:
    """Count so many of a name; its count in the minute that runs, and the seconds left of that.

    The minutes are the server's, so that all who ask agree on them.
    """
    count, left = tx.execute(_ADD, {"name": name, "times": times}).one()
    return int(count), float(left)


def drop_old_counts(tx: Connection) -> None:
    """Forget those of minutes that are over."""
    tx.execute(
        text("DELETE FROM request_counts WHERE minute < floor(extract(epoch FROM now()) / 60)")
    )
