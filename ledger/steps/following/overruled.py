"""Refused here, and recorded on the chain all the same → what the chain says.

A person refused what somebody else then relayed; or the block whose rules spoke against it was
replaced.  The chain decides: the operation has its place again, and what took the place is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.vocabulary import Recorded, word
from ledger.domain.acts.words import Party
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import Conflict
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.domain.records.records import fields_from_bytes
from ledger.steps.accepting.entering import enter
from ledger.steps.accepting.placing import Subjects, subjects_of
from ledger.steps.accepting.reading_back import read_operation
from ledger.steps.accepting.telling import TELLING, subjects_told
from ledger.steps.sending.refusals import refuse
from ledger.storage import directory
from ledger.storage.engine.database import lock_subjects
from ledger.storage.operations import (
    OperationRow,
    list_by_digests,
    list_by_subjects,
    list_signatures,
    move_operation,
)
from ledger.storage.records import get_record

log = structlog.get_logger("follower")

_S = OperationState


def overrule(
    tx: Connection, rows: Sequence[OperationRow], places: Mapping[Digest, bytes], at: datetime
) -> list[OperationRow]:
    """Refused operations that final blocks record are mined; returns those that now are.

    `places` has the hash of the transaction that recorded each.  One whose place is held by another
    final operation stays refused: the audit names both.
    """
    _lock(tx, rows)
    return [row for row in rows if _overrule(tx, row, places[row.digest], at)]


def _overrule(tx: Connection, row: OperationRow, transaction_hash: bytes, at: datetime) -> bool:
    rivals = _rivals(tx, row, read_operation(row))
    if any(rival.state is _S.FINAL for rival in rivals):
        return False
    for rival in rivals:
        reason = f"the chain has {to_hex(row.digest)} in its place"
        if rival.state in {_S.SENT, _S.MINED}:
            move_operation(tx, rival.digest, _S.OWED, at, expected=[rival.state], reason=reason)
        refuse(tx, rival.digest, reason, at)
    log.warning("overruled", digest=to_hex(row.digest), kind=row.kind)
    move_operation(
        tx, row.digest, _S.MINED, at, expected=[_S.REFUSED], transaction_hash=transaction_hash
    )
    _enter(tx, row)
    return True


def _lock(tx: Connection, rows: Sequence[OperationRow]) -> None:
    """Nobody takes a place while it is given back."""
    locked = [_subjects(tx, row) for row in rows]
    changed = {subject for each in locked for subject in each.changed}
    read = {subject for each in locked for subject in each.read}
    if locked:
        lock_subjects(tx, changed, shared=read - changed)


def _subjects(tx: Connection, row: OperationRow) -> Subjects:
    act, message = find_act(row.kind), read_operation(row).message
    found = subjects_of(tx, act, message)
    if row.kind not in TELLING:
        return found
    facts = fields_from_bytes(get_record(tx, row.record_id).facts)
    return replace(found, changed=found.changed | subjects_told(tx, act, message, facts))


def _rivals(tx: Connection, row: OperationRow, recorded: Recorded) -> list[OperationRow]:
    """The standing operations that took its place, or entered the key that it brings."""
    same_place = [
        each
        for each in list_by_subjects(tx, [row.subject])
        if row.replaces is not None
        and (each.kind, each.unit, each.replaces) == (row.kind, row.unit, row.replaces)
    ]
    entered = []
    if recorded.act.key_member:
        signer = directory.find_signer(tx, word(recorded.message, recorded.act.key_member))
        entered = [] if signer is None else list_by_digests(tx, [signer.digest])
    rivals = {each.digest: each for each in (*same_place, *entered)}
    return [each for each in rivals.values() if each.state not in GIVEN_UP]


def _enter(tx: Connection, row: OperationRow) -> None:
    """What the refusal took out of the directory is there again."""
    record = get_record(tx, row.record_id)
    keys = {each.party: each.signer for each in list_signatures(tx, [row.digest])}
    recorded = replace(read_operation(row), new_key=keys.get(Party.NEW_KEY, b""))
    personal = None if record.personal is None else fields_from_bytes(record.personal)
    try:
        enter(tx, recorded, fields_from_bytes(record.facts), personal)
    except Conflict as error:
        # Another unit has its short name by now.  The chain goes on, and the audit names the row.
        if not tx.in_transaction():
            raise
        log.warning("not_entered", digest=to_hex(row.digest), kind=row.kind, error=str(error))
