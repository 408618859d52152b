"""Chain → index, from nothing: the same rows as before, since all of them follow from events."""

from __future__ import annotations

from ledger.steps.follow import Progress, Source, follow
from ledger.steps.instance import Instance
from ledger.steps.leasing import require_no_worker
from ledger.steps.settle import take_back_lost
from ledger.storage.index import clear_index


def rebuild(instance: Instance, source: Source) -> Progress:
    """Drop the index and replay every final block into it.

    Until it is done, answers rest on less than the chain says.  A crash in between is no harm: the
    follower continues.  What was final and is on the chain no more is owed again.  Raises Conflict
    while a worker runs, and whatever `follow` raises.
    """
    require_no_worker(instance)
    with instance.database.transaction() as tx:
        clear_index(tx)
    operations = 0
    while True:
        progress = follow(instance, source)
        operations += progress.operations
        if progress.height >= progress.final:
            with instance.database.transaction() as tx:
                take_back_lost(tx, source, instance.clock())
            return Progress(height=progress.height, final=progress.final, operations=operations)
