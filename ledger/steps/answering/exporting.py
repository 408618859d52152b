"""Records and index → an evidence file about one cycle."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from ledger.domain.callers import Caller
from ledger.domain.encoding.identifiers import CycleId
from ledger.domain.errors import Inconsistent, Refused
from ledger.domain.operations import Party, find_kind, message_from_json
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.indexed import Cursor, IndexedOperation
from ledger.evidence.build import EvidenceSources, OperationSource, PartSource, build_evidence
from ledger.evidence.selection import PERSONAL, Selection
from ledger.evidence.shape import BlockReference, ChainReference, Subject
from ledger.keys.signers import verify_signature
from ledger.steps.accepting.resolving import resolve_cycle
from ledger.steps.accepting.submit import FACTS_PURPOSE, PERSONAL_PURPOSE
from ledger.steps.instance import Instance
from ledger.storage import index, operations, readings, records

#: The registry's operations that a cycle may rest on.
_REGISTRY_KINDS = (
    "UnitAdmission",
    "SignerEnrolment",
    "SignerRevocation",
    "RecoveryProposal",
    "EquipmentRegistration",
    "EquipmentChange",
    "RecordErasure",
)


def export_evidence(  # noqa: PLR0913 - what to show of which cycle to whom
    instance: Instance,
    tx: Connection,
    caller: Caller,
    cycle: str,
    *,
    disclose: Sequence[str] | None = None,
    attach_readings: bool = False,
) -> bytes:
    """The evidence file of a cycle that the caller may read.

    Raises NotFound for an unknown or foreign cycle, Refused while an operation of it is not final
    or where another unit's people would be named, and InvalidInput when a path of `disclose`
    matches nothing.
    """
    row = resolve_cycle(tx, caller, cycle)
    if caller.unit not in {None, row.unit}:
        _require_nobody_named(disclose or (), attach_readings=attach_readings)
    cursor = index.find_cursor(tx)
    if cursor is None:
        raise Refused(
            "nothing of this home is on the chain yet",
            field="cycle",
            rule="evidence proves what is final",
            remedy="start it and wait a moment: steriledger up",
        )
    _require_final(tx, row.id)
    subject = Subject(cycle=row.id, equipment=row.equipment, epoch=row.epoch, number=row.number)
    return build_evidence(
        subject,
        instance.deployment_in(tx),
        EvidenceSources(
            operations=_sources(instance, tx, index.list_operations_about(tx, row.id)),
            registry=_registry_sources(instance, tx, row.unit),
            as_of=_as_of(cursor),
            readings=_raw_readings(tx, row.id) if attach_readings else (),
        ),
        disclose=Selection(
            disclose=None if disclose is None else tuple(disclose), attach_readings=attach_readings
        ),
        verify_signature=verify_signature,
    )


def _require_nobody_named(disclose: Sequence[str], *, attach_readings: bool) -> None:
    """Raise Refused where another unit's people would be named."""
    if any(PERSONAL in each for each in disclose):
        raise Refused(
            "only a unit itself shows its people",
            field="token",
            rule="personal fields of another unit are not yours to disclose",
        )
    if attach_readings:
        raise Refused(
            "only a unit itself gives its printouts out",
            field="token",
            rule="a printout may name people of the unit that it is from",
            remedy="leave readings out, or ask that unit",
        )


def _require_final(tx: Connection, cycle: CycleId) -> None:
    waiting = [
        row
        for row in operations.list_by_subject(tx, cycle)
        if row.state is not OperationState.FINAL and row.state not in GIVEN_UP
    ]
    if waiting:
        states = ", ".join(f"{row.kind} is {row.state}" for row in waiting)
        raise Refused(
            f"the cycle is not yet final on the chain: {states}",
            field="cycle",
            rule="evidence proves what is final",
            remedy="wait a moment and ask again; steriledger status shows what is owed",
        )


def _as_of(cursor: Cursor) -> BlockReference:
    return BlockReference(number=cursor.height, hash=cursor.hash)


def _registry_sources(instance: Instance, tx: Connection, unit: int) -> list[OperationSource]:
    rows = [
        row
        for kind in _REGISTRY_KINDS
        for row in index.list_rows(tx, IndexedOperation, unit=unit, kind=kind)
    ]
    return _sources(instance, tx, rows)


def _sources(
    instance: Instance, tx: Connection, rows: Sequence[IndexedOperation]
) -> list[OperationSource]:
    signatures = operations.list_signatures(tx, [row.digest for row in rows])
    signed = {
        row.digest: {s.party: s for s in signatures if s.digest == row.digest} for row in rows
    }
    return [_source(instance, tx, row, signed[row.digest]) for row in rows]


def _source(
    instance: Instance,
    tx: Connection,
    row: IndexedOperation,
    signatures: dict[Party, operations.SignatureRow],
) -> OperationSource:
    kind = find_kind(row.kind)
    record = records.find_record_by_root(tx, row.record)
    if record is None or not signatures:
        raise Inconsistent(
            f"the chain holds a {row.kind} of this unit whose record is not kept here",
            remedy="ask the instance that recorded it for the evidence; steriledger audit names it",
        )
    facts, personal = _parts(instance, tx, record)
    return OperationSource(
        kind=kind,
        message=message_from_json(kind, row.message),
        signatures={party: s.signature for party, s in signatures.items()},
        keys={party: s.signer for party, s in signatures.items() if party is not Party.AUTHORITY},
        facts=facts,
        personal=personal,
        place=ChainReference(
            block=BlockReference(number=row.height, hash=row.block_hash),
            transaction=row.tx_hash,
            log_index=row.position,
        ),
    )


def _parts(
    instance: Instance, tx: Connection, record: records.RecordRow
) -> tuple[PartSource, PartSource]:
    secrets = records.get_secrets(tx, record.id)
    vault = instance.vault
    facts = PartSource(
        root=record.facts_root,
        fields=fields_from_bytes(record.facts),
        secret=vault.decrypt(secrets.facts_secret, purpose=FACTS_PURPOSE, row=record.id),
    )
    if record.personal is None or secrets.personal_secret is None:
        return facts, PartSource(root=record.personal_root, fields=None, secret=None)
    return facts, PartSource(
        root=record.personal_root,
        fields=fields_from_bytes(record.personal),
        secret=vault.decrypt(secrets.personal_secret, purpose=PERSONAL_PURPOSE, row=record.id),
    )


def _raw_readings(tx: Connection, cycle: CycleId) -> tuple[bytes, ...]:
    hashes = dict.fromkeys(row.reading for row in readings.list_cycles_attached(tx, cycle))
    return tuple(readings.get_reading(tx, sha256).raw for sha256 in hashes)
