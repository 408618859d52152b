"""Final erasures → the personal fields and secrets that they name are gone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ledger.domain.acts.vocabulary import word
from ledger.domain.encoding.identifiers import Digest, SignerId
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.accepting.reading_back import read_operation
from ledger.storage import directory, operations, photos, records


def forget_erased(tx: Connection, now: datetime, *, limit: int = 100) -> int:
    """Carry out the final erasures that were not carried out yet; returns how many.

    The facts and both roots stay: what was proved with them still is.
    """
    forgotten = 0
    after = 0
    while True:
        rows = operations.list_operations(
            tx, kind="RecordErasure", states=[OperationState.FINAL], after=after, limit=limit
        )
        for row in rows:
            forgotten += _forget(tx, Digest(word(read_operation(row).message, "subject")), now)
        if len(rows) < limit:
            return forgotten
        after = rows[-1].sequence


def _forget(tx: Connection, subject: Digest, now: datetime) -> int:
    row = operations.get_operation(tx, subject)
    if records.get_record(tx, row.record_id).personal is None:
        return 0
    records.erase_personal(tx, row.record_id, now)
    # who and what a photo shows, nobody can say
    photos.erase_photos(tx, row.digest)
    recorded = read_operation(row)
    if recorded.act.key_member:
        # A proposed administrator is named in the directory only once the recovery was completed.
        brought = SignerId(word(recorded.message, recorded.act.key_member))
        if directory.find_signer(tx, brought) is not None:
            directory.erase_signer_name(tx, brought)
    return 1
