"""Refused operation → its place is free again, and what needed it is known.

The writer calls this in the transaction that marks an operation as refused.
"""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.domain.encoding.identifiers import Digest
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.subjects.needs import is_needed
from ledger.steps.accepting.standing import read_operation
from ledger.storage import directory, operations


def vacate(tx: Connection, digest: Digest) -> list[Digest]:
    """Take back what a refused operation entered; returns those that have to be refused with it.

    What it entered in the directory goes, so that a corrected operation finds its place free; its
    record, signatures and receipt stay.  What only had to come after it no longer waits for it, but
    for what it waited for itself.
    """
    directory.remove_entered(tx, digest)
    refused = read_operation(operations.get_operation(tx, digest))
    followers = []
    for row in operations.list_dependents(tx, digest):
        if row.state in GIVEN_UP:
            continue
        if is_needed(refused, read_operation(row)):
            followers.append(row.digest)
        else:
            operations.pass_over(tx, row.digest, digest)
    return followers
