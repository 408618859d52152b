"""Personal fields whose retention is over → erased, once their erasure is final on the chain."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ledger.domain.callers import Caller
from ledger.domain.drafts import Circumstances, Draft
from ledger.domain.encoding.identifiers import Digest, SignerId, signer_id, to_hex
from ledger.domain.errors import Conflict, NotFound, Refused
from ledger.domain.operations import Party
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.records.records import fields_from_bytes, instant_text
from ledger.domain.records.retention import retention_end
from ledger.domain.registry_acts import EraseRecord, draft_record_erasure
from ledger.domain.subjects.accepted import word
from ledger.steps.accepting.standing import read_operation
from ledger.storage import directory, operations, records

_NAMED = ("UnitAdmission", "SignerEnrolment")


def draft_erasure(  # noqa: PLR0913 - whose record, who asks, and why
    tx: Connection,
    caller: Caller,
    subject: Digest,
    *,
    signer: bytes,
    countersigner: bytes,
    now: datetime,
    circumstances: Circumstances,
) -> Draft:
    """The draft that asks to erase the personal fields of one operation's record.

    Raises NotFound for an unknown or foreign operation, Conflict when they are erased already, and
    Refused while the retention runs or a legal hold stands.
    """
    row = operations.find_operation(tx, subject, unit=caller.unit)
    if row is None:
        raise NotFound(f"there is no operation {to_hex(subject)}", field="subject")
    record = records.get_record(tx, row.record_id)
    if record.personal is None:
        raise Conflict(
            "the personal fields of this record are erased already",
            field="subject",
            rule="one record is erased once",
        )
    facts = fields_from_bytes(record.facts)
    if facts["legal_hold"] is True:
        raise Refused("a legal hold stands on this record", field="subject", rule="a hold keeps it")
    ended = retention_end(
        str(facts["retention_class"]), datetime.fromisoformat(str(facts["captured_at"]))
    )
    if now < ended:
        raise Refused(
            f"the record is retained until {instant_text(ended)}",
            field="subject",
            rule=f"retention class {facts['retention_class']}; see docs/trust.md",
        )
    return draft_record_erasure(
        EraseRecord(
            unit=row.unit,
            subject=subject,
            record_id=record.id,
            retention_ended=instant_text(ended),
            signer=signer,
            countersigner=countersigner,
            circumstances=circumstances,
        )
    )


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
    if row.kind in _NAMED:
        signature = next(
            each
            for each in operations.list_signatures(tx, [subject])
            if each.party is Party.NEW_KEY
        )
        directory.erase_signer_name(tx, signer_id(signature.signer))
    if row.kind == "RecoveryProposal":
        # The directory names the proposed person only once the recovery was completed.
        proposed = SignerId(word(read_operation(row).message, "signer"))
        if directory.find_signer(tx, proposed) is not None:
            directory.erase_signer_name(tx, proposed)
    return 1
