"""Refused operation → its place is free again, and what needed it is known.

The writer calls this in the transaction that marks an operation as refused.
"""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.domain.encoding.identifiers import Digest
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.steps.accepting.telling import untell
from ledger.storage import directory, operations


def vacate(tx: Connection, digest: Digest) -> list[Digest]:
    """Take back what a refused operation entered; returns those that have to be refused with it.

    What it entered in the directory goes, so that a corrected operation finds its place free; its
    record, signatures and receipt stay.  What only had to come after it no longer waits for it, but
    for what it waited for itself.
    """
    directory.remove_entered(tx, digest)
    untell(tx, operations.get_operation(tx, digest))
    for row in operations.list_dependents(tx, digest, needed=False):
        if row.state not in GIVEN_UP:
            operations.pass_over(tx, row.digest, digest)
    dependents = operations.list_dependents(tx, digest, needed=True)
    return [row.digest for row in dependents if row.state not in GIVEN_UP]
