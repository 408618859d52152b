"""Chain → index, and records → packages, from nothing: the same rows as before."""

from __future__ import annotations

from dataclasses import replace

from ledger.steps.accepting.telling import refill
from ledger.steps.following.follow import Progress, Source, follow
from ledger.steps.following.reowing import begin_anew
from ledger.steps.instance import Instance
from ledger.steps.starting.leasing import require_no_worker


def rebuild(instance: Instance, source: Source) -> Progress:
    """Drop the index and replay every final block into it.

    What was final and is on the chain no more is owed again.  Until it is done, answers rest on
    less than the chain says.  A crash in between is no harm: a worker goes on where it stopped, and
    so does another rebuild, from nothing.  Raises Conflict while a worker runs, and whatever
    `follow` raises.
    """
    require_no_worker(instance)
    begin_anew(instance)
    with instance.database.transaction() as tx:
        refill(tx)
    operations = 0
    while True:
        progress = follow(instance, source)
        operations += progress.operations
        if progress.height >= progress.final:
            return replace(progress, operations=operations)
