"""Prepared operation and signatures → accepted: owed to the chain, with our receipt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.crashing import crash_point
from ledger.domain.acts.vocabulary import Recorded, integer
from ledger.domain.acts.words import Party
from ledger.domain.callers import Caller
from ledger.domain.chain.deployment import Deployment
from ledger.domain.drafts import Draft
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.operations import message_to_json
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.records.records import SUITE, fields_to_bytes
from ledger.keys.signers import verify_signature
from ledger.steps.accepting.clock import require_clock
from ledger.steps.accepting.entering import enter
from ledger.steps.accepting.gating import Asked, require_still_open, subjects_asked
from ledger.steps.accepting.placing import Place, place, subjects_of
from ledger.steps.accepting.prepare import Prepared, fix, read_draft, require_act
from ledger.steps.accepting.signing import sign_receipt, sign_with_held_key
from ledger.steps.accepting.telling import subjects_told
from ledger.steps.instance import Instance
from ledger.storage.drafts import delete_draft, find_draft
from ledger.storage.engine.database import lock_subjects
from ledger.storage.operations import (
    NewOperation,
    ReceiptRow,
    SignatureRow,
    find_operation,
    get_receipt,
    insert_dependencies,
    insert_operation,
    insert_receipt,
    insert_signatures,
)
from ledger.storage.records import RecordRow, RecordSecretsRow, insert_record

#: Names the two halves of a record's secrets in the vault.
FACTS_PURPOSE = "record facts"
PERSONAL_PURPOSE = "record personal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Our signed promise that an operation is owed to the chain."""

    digest: Digest
    #: RFC 8785 bytes of what is promised
    payload: bytes
    #: Ed25519, 64 bytes, over the payload
    signature: bytes
    #: Ed25519 public key, 32 bytes; named in the deployment file
    key: bytes


def submit(
    instance: Instance,
    tx: Connection,
    caller: Caller,
    digest: Digest,
    signatures: Mapping[Party, bytes],
) -> Receipt:
    """Signatures → accepted; the same digest again returns the receipt it got before.

    Raises NotFound for an unknown or foreign digest, Refused when it expired, VerificationFailed
    when a signature does not hold, and the rule that keeps the operation out when there is one.
    """
    waiting = _waiting(instance, tx, caller.unit, digest)
    if isinstance(waiting, Receipt):
        return waiting
    act = waiting.operation.act
    caller.require_scope(act.scope)
    require_act(caller, act, waiting.record.facts)
    delete_draft(tx, digest)
    return _accept(instance, tx, instance.known_deployment(tx), waiting, signatures)


def complete(
    instance: Instance,
    tx: Connection,
    unit: int | None,
    digest: Digest,
    signatures: Mapping[Party, bytes],
) -> Receipt:
    """The signatures that are still missing, of what whoever may ask for it signed → accepted.

    Whoever brings them needs no more than the keys.  Raises as `submit` does.
    """
    waiting = _waiting(instance, tx, unit, digest)
    if isinstance(waiting, Receipt):
        return waiting
    if not waiting.signatures:
        raise Refused("nobody signed it yet", field="digest", rule="whoever may ask for it signs")
    delete_draft(tx, digest)
    whole = {**waiting.signatures, **signatures}
    return _accept(instance, tx, instance.known_deployment(tx), waiting, whole)


def _waiting(
    instance: Instance, tx: Connection, unit: int | None, digest: Digest
) -> Prepared | Receipt:
    """What is prepared, or the receipt that it got; raises NotFound, Refused when it expired."""
    # Sent twice at once, the second waits here and then finds the first one's receipt.
    lock_subjects(tx, [digest])
    if find_operation(tx, digest, unit=unit) is not None:
        return _receipt(get_receipt(tx, digest))
    row = find_draft(tx, digest, unit=unit)
    if row is None:
        raise NotFound(
            f"nothing is prepared under {to_hex(digest)}",
            field="digest",
            remedy="prepare it first; a prepared operation waits a quarter of an hour",
        )
    if row.expires_at <= instance.clock():
        raise Refused("the prepared operation expired", field="digest", remedy="prepare it again")
    return read_draft(instance, instance.known_deployment(tx), row)


def record_with_held_keys(
    instance: Instance,
    tx: Connection,
    caller: Caller,
    draft: Draft,
    held: Collection[bytes] | None = None,
) -> Receipt:
    """Draft → accepted in one call, every party signed by a key that this instance holds.

    `held`: the cycles and machines that the caller held, and the packages, when it asked the gates
    for the draft; then they say the same still, and are not asked again.
    Raises Refused when a party's key is held elsewhere, or is not the caller's own.
    """
    require_act(caller, draft.act, draft.facts)
    caller.require_unit(draft.unit)
    deployment = instance.known_deployment(tx)
    prepared = fix(instance, deployment, draft)
    digest = prepared.operation.digest
    signatures = {
        party: sign_with_held_key(instance, tx, caller, party, key, digest)
        for party, key in prepared.keys.items()
    }
    return _accept(instance, tx, deployment, prepared, signatures, held)


def _accept(  # noqa: PLR0913, PLR0917 - what is accepted, and what was asked for it
    instance: Instance,
    tx: Connection,
    deployment: Deployment,
    prepared: Prepared,
    signatures: Mapping[Party, bytes],
    held: Collection[bytes] | None = None,
) -> Receipt:
    operation, now = prepared.operation, instance.clock()
    act, message, facts = operation.act, operation.message, prepared.record.facts
    require_clock(instance, tx, act, now)
    subjects, asked = subjects_of(tx, act, message), Asked.in_record(act, facts)
    changed = subjects.changed | subjects_told(tx, act, message, facts)
    cycles = subjects_asked(tx, asked)
    lock_subjects(tx, changed, shared=(subjects.read | cycles) - changed)
    if subjects_asked(tx, asked) != cycles:
        raise Conflict(
            "a package was put into another load meanwhile",
            field="lines",
            rule="nobody changes a load while its packages are sent",
            remedy="try again: nothing was stored",
        )
    if held is None or not cycles.issubset(held):
        require_still_open(instance, tx, asked, unit=prepared.record.unit)
    placed = place(tx, operation, prepared.record, now)
    _verify_signatures(deployment, prepared, signatures)
    payload = _promise(deployment, prepared, now)
    signature, key = sign_receipt(instance, tx, payload)
    row = ReceiptRow(digest=operation.digest, payload=payload, signature=signature, key=key)
    recorded = Recorded(
        digest=operation.digest,
        act=act,
        message=message,
        new_key=prepared.keys.get(Party.NEW_KEY, b""),
    )
    _store(instance, tx, prepared, signatures, placed, now)
    enter(tx, recorded, facts, prepared.record.personal)
    insert_receipt(tx, row)
    crash_point("accept.written")
    return _receipt(row)


def _verify_signatures(
    deployment: Deployment, prepared: Prepared, signatures: Mapping[Party, bytes]
) -> None:
    parties = prepared.operation.act.parties
    if set(signatures) != set(parties):
        raise InvalidInput(
            f"came from {', '.join(sorted(signatures)) or 'nobody'}",
            field="signatures",
            rule=f"this operation is signed by {', '.join(parties)}",
        )
    digest = prepared.operation.digest
    for party in parties:
        verify_signature(
            prepared.keys[party], digest, signatures[party], verifiers=deployment.verifiers
        )


def _store(  # noqa: PLR0913, PLR0917 - the parts of one acceptance
    instance: Instance,
    tx: Connection,
    prepared: Prepared,
    signatures: Mapping[Party, bytes],
    placed: Place,
    now: datetime,
) -> None:
    operation, record, secrets = prepared.operation, prepared.record, prepared.secrets
    vault = instance.vault
    insert_record(
        tx,
        RecordRow(
            id=record.id,
            schema=record.schema,
            suite=SUITE,
            unit=record.unit,
            facts=fields_to_bytes(record.facts),
            personal=fields_to_bytes(record.personal or {}),
            facts_root=prepared.commitment.facts_root,
            personal_root=prepared.commitment.personal_root,
            root=prepared.commitment.root,
            accepted_at=now,
        ),
        RecordSecretsRow(
            record_id=record.id,
            facts_secret=vault.encrypt(secrets.facts, purpose=FACTS_PURPOSE, row=record.id),
            personal_secret=vault.encrypt(
                secrets.personal or b"", purpose=PERSONAL_PURPOSE, row=record.id
            ),
        ),
    )
    insert_operation(
        tx,
        NewOperation(
            digest=operation.digest,
            kind=operation.act.name,
            contract=operation.act.contract,
            unit=record.unit,
            subject=placed.subject,
            parent=placed.parent,
            replaces=placed.replaces,
            record_id=record.id,
            message=message_to_json(operation.act, operation.message),
            signed_at=integer(operation.message, "signedAt"),
            accepted_at=now,
            state=OperationState.OWED,
        ),
    )
    insert_signatures(
        tx,
        [
            SignatureRow(
                digest=operation.digest,
                party=party,
                signer=prepared.keys[party],
                signature=signatures[party],
            )
            for party in operation.act.parties
        ],
    )
    insert_dependencies(tx, operation.digest, placed.depends_on)


def _promise(deployment: Deployment, prepared: Prepared, now: datetime) -> bytes:
    operation = prepared.operation
    return canonical(
        {
            "type": "steriledger-receipt/1",
            "digest": to_hex(operation.digest),
            "kind": operation.act.name,
            "record": to_hex(prepared.commitment.root),
            "unit": prepared.record.unit,
            "accepted_at": instant_text(now),
            "deployment": to_hex(deployment.fingerprint()),
        }
    )


def _receipt(row: ReceiptRow) -> Receipt:
    return Receipt(digest=row.digest, payload=row.payload, signature=row.signature, key=row.key)
