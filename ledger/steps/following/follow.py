"""Final blocks → index: gap-free ranges, each with its rows and its cursor in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ledger.crashing import crash_point
from ledger.domain.chain.deployment import Deployment
from ledger.domain.errors import Conflict
from ledger.domain.subjects.indexed import Cursor, IndexedOperation
from ledger.steps.following.collecting import collecting_later
from ledger.steps.following.finalising import finalise
from ledger.steps.following.journalled import Journalled, journalled
from ledger.steps.following.reading import in_rows, read_events
from ledger.steps.following.reowing import is_begun, owe_lost
from ledger.steps.following.rows import store_range
from ledger.steps.following.start import first_cursor, verify_cursor
from ledger.steps.instance import Instance
from ledger.steps.starting.source import Source, final_height
from ledger.storage import index
from ledger.storage.engine.database import Database

__all__ = ["RANGE", "Indexed", "Progress", "Source", "follow", "index_next"]

#: how many blocks one transaction indexes at most; full ones hold some 450 events of 4 KiB each
RANGE = 64

#: what else happens in the transaction that indexes a range: its operations, and the new cursor
Indexed = Callable[[Connection, Sequence[IndexedOperation], Cursor], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the index goes."""

    #: height of the last indexed block
    height: int
    #: the highest final block when it was asked for
    final: int
    #: how many operations were indexed just now
    operations: int
    #: how many that were final are on the chain no more; after a rebuild, they are owed again
    owed_again: int = 0
    #: whether a rebuild goes on: which operations and nonces the chain lost is not known yet
    is_rebuilding: bool = False


def follow(instance: Instance, source: Source) -> Progress:
    """Index the next final blocks and move the operations in them to final.

    At the highest of them, what a rebuild still owes is done too, whoever began it.

    Raises ChainUnavailable when the node does not answer or contradicts itself, ForeignBlock when
    an embedded chain has a block that its journal does not hold, and Inconsistent when a block that
    was final changed, or an event is missing or is not what it says: then nothing of the range is
    stored.
    """
    deployment = instance.deployment()

    def moved(tx: Connection, operations: Sequence[IndexedOperation], cursor: Cursor) -> None:
        finalise(tx, operations, cursor.height, instance.clock())

    progress = index_next(
        instance.database,
        source,
        deployment,
        finality=instance.settings.finality,
        also=moved,
        journal=journalled(instance),
    )
    if not is_begun(instance):
        return progress
    if progress.height < progress.final:
        return replace(progress, is_rebuilding=True)
    return replace(progress, owed_again=owe_lost(instance, source, progress.height))


@collecting_later()
def index_next(  # noqa: PLR0913 - from where, into what, and how far
    database: Database,
    source: Source,
    deployment: Deployment,
    *,
    finality: str,
    until: int | None = None,
    also: Indexed | None = None,
    journal: Journalled | None = None,
) -> Progress:
    """Index at most RANGE final blocks into a database, none above `until`.

    `also` joins their transaction.  With a `journal`, none is indexed that it does not hold.
    """
    with database.reading() as tx:
        known, heads = index.find_cursor(tx), index.find_heads(tx)
    final = final_height(source, finality)
    cursor = first_cursor(source, deployment) if known is None else known
    if known is not None:
        verify_cursor(source, deployment, known, is_ours=finality == "journal", journal=journal)
    last = min(final, cursor.height + RANGE, final if until is None else until)
    if last <= cursor.height:
        return Progress(height=cursor.height, final=final, operations=0)
    is_newest = last == final
    read = read_events(
        source, deployment, cursor, heads, last, is_newest=is_newest, journal=journal
    )
    found = in_rows(source, deployment, read)
    crash_point("follow.read")
    with database.transaction() as tx:
        if index.find_cursor(tx) != known:
            raise Conflict(
                "somebody else moved the index",
                remedy="only one process may follow",
                field="idx_cursor",
                rule="one process at a time moves the index",
            )
        store_range(tx, found)
        crash_point("follow.indexed")
        if also is not None:
            also(tx, found.operations, found.cursor)
        crash_point("follow.moved")
    crash_point("follow.committed")
    return Progress(height=last, final=final, operations=len(found.operations))
