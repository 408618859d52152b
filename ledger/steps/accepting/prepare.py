"""Draft → prepared operation: id, secrets and times are fixed, and the digest is known."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.vocabulary import Act, Facts
from ledger.domain.acts.words import Party
from ledger.domain.callers import Caller
from ledger.domain.chain.deployment import Deployment
from ledger.domain.drafts import Draft
from ledger.domain.encoding.canonical import Plain, canonical
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import Conflict, InvalidInput, Refused
from ledger.domain.names import find_hidden
from ledger.domain.operations import Operation, message_from_plain, message_to_json
from ledger.domain.records.commitments import SECRET_BYTES, FieldValue
from ledger.domain.records.records import Commitment, Record, Secrets, commit, make_record
from ledger.steps.accepting.clock import require_clock
from ledger.steps.accepting.placing import place
from ledger.steps.accepting.signing import sign_with_held_key
from ledger.steps.instance import Instance
from ledger.storage.drafts import DraftRow, count_drafts, delete_expired_drafts, insert_draft

#: How long a prepared operation waits for its signatures.
VALID_FOR = timedelta(minutes=15)
#: How many may wait at once; each takes up to some 60 KiB.
MOST_OF_TOKEN = 100
MOST_OF_UNIT = 500
DRAFT_PURPOSE = "draft"
_ID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An operation that only lacks its signatures."""

    operation: Operation
    record: Record
    secrets: Secrets
    commitment: Commitment
    #: ERC-7913 bytes of the key that signs in each party
    keys: Mapping[Party, bytes]
    expires_at: datetime
    #: those that were made with it, by keys held here
    signatures: Mapping[Party, bytes] = field(default_factory=dict)


def fix(instance: Instance, deployment: Deployment, draft: Draft) -> Prepared:
    """Draft → prepared operation; raises InvalidInput for a field that its schema refuses.

    Raises Refused when another key than the deployment's authority is to sign as the authority.
    """
    if draft.keys.get(Party.AUTHORITY, deployment.authority) != deployment.authority:
        raise Refused(
            "is not the authority of this deployment",
            field=Party.AUTHORITY.value,
            rule="the contracts know one authority",
        )
    _require_printable({**draft.facts, **draft.circumstances.facts(), **draft.personal})
    _require_printable(draft.circumstances.people.fields())
    now = instance.clock()
    record = make_record(
        record_id=instance.randomness(_ID_BYTES).hex(),
        schema=draft.act.record_schema,
        unit=draft.unit,
        facts={
            **draft.circumstances.facts(),
            "captured_at": instant_text(now.replace(microsecond=0)),
            "retention_class": draft.act.retention,
            **draft.facts,
        },
        personal={**draft.circumstances.people.fields(), **draft.personal},
    )
    secrets = Secrets(
        facts=instance.randomness(SECRET_BYTES), personal=instance.randomness(SECRET_BYTES)
    )
    commitment = commit(record, secrets)
    signed_at = draft.circumstances.signed_at
    message = {
        **draft.message,
        "record": commitment.root,
        "signedAt": int(now.timestamp()) if signed_at is None else signed_at,
    }
    domain = deployment.domain_of(draft.act.contract)
    return Prepared(
        operation=Operation(act=draft.act, message=message, domain=domain),
        record=record,
        secrets=secrets,
        commitment=commitment,
        keys=draft.keys,
        expires_at=now + VALID_FOR,
    )


def _require_printable(fields: Mapping[str, FieldValue]) -> None:
    """Text holds nothing that nobody sees: what is signed is what the reader sees."""
    for path, value in fields.items():
        hidden = find_hidden(value) if isinstance(value, str) else None
        if hidden is not None:
            raise InvalidInput(
                f"{ascii(value)[1:41]} holds U+{ord(hidden):04X}, which nobody sees",
                field=path,
                rule="printable text; no control or direction characters, and no invisible letters",
            )


def require_act(caller: Caller, act: Act, facts: Facts) -> None:
    """Raise Refused unless the caller's token allows an operation with such a record."""
    for scope in (act.scope, *sorted(act.further_scopes(facts))):
        caller.require_scope(scope)


def prepare(
    instance: Instance,
    tx: Connection,
    caller: Caller,
    draft: Draft,
    *,
    held: Collection[Party] = (),
) -> Prepared:
    """Draft → prepared operation, kept until its signatures come or its time is over.

    The `held` parties' keys are here and sign at once; then whoever brings the rest needs no more
    than that (submit.complete).  Raises Refused or NotFound when the caller may not ask for it,
    Conflict when too much waits already, and the rule that keeps the operation out when there is
    one.
    """
    require_act(caller, draft.act, draft.facts)
    caller.require_unit(draft.unit)
    _require_room(tx, caller, draft.unit, instance.clock())
    prepared = fix(instance, instance.known_deployment(tx), draft)
    operation = prepared.operation
    require_clock(instance, tx, operation.act, instance.clock())
    place(tx, operation, prepared.record, instance.clock())
    keys = {party: prepared.keys[party] for party in held}
    made = {
        party: sign_with_held_key(instance, tx, caller, party, key, operation.digest)
        for party, key in keys.items()
    }
    prepared = replace(prepared, signatures=made)
    insert_draft(
        tx,
        DraftRow(
            digest=operation.digest,
            kind=operation.act.name,
            unit=draft.unit,
            body=instance.vault.encrypt(
                _to_bytes(prepared), purpose=DRAFT_PURPOSE, row=operation.digest.hex()
            ),
            created_by=caller.person,
            created_at=instance.clock(),
            expires_at=prepared.expires_at,
            token_id=caller.token_id,
        ),
    )
    return prepared


def _require_room(tx: Connection, caller: Caller, unit: int, now: datetime) -> None:
    """Raise Conflict when too much that was prepared waits for signatures; what expired goes."""
    delete_expired_drafts(tx, now, VALID_FOR)
    counted = [("this unit", MOST_OF_UNIT, count_drafts(tx, unit=unit, limit=MOST_OF_UNIT))]
    if caller.token_id is not None:
        of_token = count_drafts(tx, token_id=caller.token_id, limit=MOST_OF_TOKEN)
        counted.append(("your token", MOST_OF_TOKEN, of_token))
    for whose, most, found in counted:
        if found >= most:
            raise Conflict(
                f"{found} prepared operations of {whose} wait for their signatures",
                field="digest",
                rule=f"at most {most} wait at once",
                remedy="submit them, or wait until they expire in a quarter of an hour",
            )


def read_draft(instance: Instance, deployment: Deployment, row: DraftRow) -> Prepared:
    """A kept draft as it was prepared."""
    body = json.loads(instance.vault.decrypt(row.body, purpose=DRAFT_PURPOSE, row=row.digest.hex()))
    act = find_act(row.kind)
    record = Record(
        id=body["record"]["id"],
        schema=act.schema,
        unit=row.unit,
        facts=body["record"]["facts"],
        personal=body["record"]["personal"],
    )
    secrets = Secrets(
        facts=base64.b64decode(body["secrets"]["facts"]),
        personal=base64.b64decode(body["secrets"]["personal"]),
    )
    return Prepared(
        operation=Operation(
            act=act,
            message=message_from_plain(act, body["message"]),
            domain=deployment.domain_of(act.contract),
        ),
        record=record,
        secrets=secrets,
        commitment=commit(record, secrets),
        keys=_by_party(body["keys"]),
        expires_at=row.expires_at.astimezone(UTC),
        # one that an earlier version prepared has none
        signatures=_by_party(body.get("signatures", {})),
    )


def _by_party(plain: Mapping[str, str]) -> dict[Party, bytes]:
    return {Party(name): bytes.fromhex(value) for name, value in plain.items()}


def _to_bytes(prepared: Prepared) -> bytes:
    operation, secrets = prepared.operation, prepared.secrets
    body: dict[str, Plain] = {
        "message": json.loads(message_to_json(operation.act, operation.message)),
        "record": {
            "id": prepared.record.id,
            "facts": dict(prepared.record.facts),
            "personal": dict(prepared.record.personal or {}),
        },
        "secrets": {
            "facts": base64.b64encode(secrets.facts).decode(),
            "personal": base64.b64encode(secrets.personal or b"").decode(),
        },
        "keys": {party.value: key.hex() for party, key in prepared.keys.items()},
        "signatures": {party.value: made.hex() for party, made in prepared.signatures.items()},
    }
    return canonical(body)
