"""Stored records, operations, signatures and receipts → recomputed, and compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise

from ledger.domain.abi import Value
from ledger.domain.commitments import record_root, subtree_root
from ledger.domain.errors import InvalidInput, NotFound, SteriLedgerError
from ledger.domain.identifiers import Digest, signer_id, to_hex
from ledger.domain.indexed import IndexedOperation
from ledger.domain.operation_states import OperationState, verify_move
from ledger.domain.operations import KINDS, Kind, Party, digest, message_from_json
from ledger.domain.records import SUITE, fields_from_bytes, instant_text
from ledger.domain.schemas import find_schema, require_fields
from ledger.keys.receipts import verify_receipt
from ledger.keys.signers import verify_signature
from ledger.steps.audit_evidence import Evidence, OwedOperation
from ledger.steps.audit_places import check_place
from ledger.steps.audit_readings import check_named_readings
from ledger.steps.audit_transactions import check_state_rows
from ledger.steps.differences import Findings
from ledger.steps.submit import FACTS_PURPOSE, PERSONAL_PURPOSE
from ledger.storage import index
from ledger.storage.operations import (
    OperationRow,
    SignatureRow,
    StateRow,
    find_operation_by_record,
    find_receipt,
    list_by_subject,
    list_operations,
    list_signatures,
    list_states,
)
from ledger.storage.records import RecordRow, find_record, get_secrets, list_records

_PAGE = 200
_WAITING = (
    OperationState.OWED,
    OperationState.SENT,
    OperationState.MINED,
    OperationState.STUCK,
)

#: The member of a message that names each party's key.
_NAMES_OF_PARTIES: Mapping[Party, tuple[str, ...]] = {
    Party.SIGNER: ("signedBy",),
    Party.COUNTERSIGNER: ("countersignedBy",),
    Party.NEW_KEY: ("administrator", "signer"),
}


# ---------------------------------------------------------------- records


def check_records(evidence: Evidence) -> None:
    """Every record leads to the commitment that it claims, and belongs to one operation."""
    after = ""
    while True:
        page = list_records(evidence.ours, after=after, limit=_PAGE)
        for row in page:
            evidence.findings.checked["records"] += 1
            _check_record(evidence, row)
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _check_record(evidence: Evidence, row: RecordRow) -> None:
    findings = evidence.findings
    findings.compare("records", row.id, "suite", expected=SUITE, found=row.suite)
    _check_stated(findings, row)
    facts, personal = _recomputed_roots(evidence, row)
    if facts is not None:
        findings.compare("records", row.id, "facts_root", expected=facts, found=row.facts_root)
    if personal is not None:
        findings.compare(
            "records", row.id, "personal_root", expected=personal, found=row.personal_root
        )
    whole = record_root(row.facts_root, row.personal_root)
    findings.compare("records", row.id, "root", expected=whole, found=row.root)
    operation = find_operation_by_record(evidence.ours, row.id)
    if operation is None:
        findings.note("records", row.id, "id", expected="an operation", found=None)
    else:
        findings.compare(
            "records",
            row.id,
            "accepted_at",
            expected=operation.accepted_at,
            found=row.accepted_at,
        )
    _check_erasure(evidence, row, operation)


def _check_stated(findings: Findings, row: RecordRow) -> None:
    """The columns say what the record says, and the record obeys its schema."""
    try:
        facts = fields_from_bytes(row.facts)
        rules = find_schema(row.schema)
        require_fields(rules.facts, facts, rules.lists)
        if row.personal is not None:
            require_fields(rules.personal, fields_from_bytes(row.personal), {})
    except InvalidInput as error:
        findings.note(
            "records", row.id, error.field or "facts", expected="its schema", found=error.what
        )
        return
    for column, path, value in (
        ("id", "record.id", row.id),
        ("schema", "record.schema", row.schema),
        ("unit", "record.unit", row.unit),
        ("suite", "record.suite", row.suite),
    ):
        findings.compare("records", row.id, column, expected=facts[path], found=value)


def _recomputed_roots(evidence: Evidence, row: RecordRow) -> tuple[bytes | None, bytes | None]:
    """Both roots from the stored fields and secrets; None for a part that cannot be recomputed.

    What cannot be is noted, but for a personal part that was erased.
    """
    try:
        secrets = get_secrets(evidence.ours, row.id)
    except NotFound:
        evidence.findings.note("record_secrets", row.id, "row", expected="a row", found=None)
        return None, None
    facts = _root(evidence, row, "facts", row.facts, secrets.facts_secret)
    is_erased = row.personal is None and secrets.personal_secret is None
    if is_erased and row.personal_erased_at is not None:
        return facts, None
    return facts, _root(evidence, row, "personal", row.personal, secrets.personal_secret)


def _root(
    evidence: Evidence, row: RecordRow, part: str, fields: bytes | None, secret: bytes | None
) -> bytes | None:
    findings = evidence.findings
    if fields is None or secret is None:
        table = "records" if fields is None else "record_secrets"
        findings.note(table, row.id, part, expected="a value", found="nothing, and no erasure")
        return None
    purpose = FACTS_PURPOSE if part == "facts" else PERSONAL_PURPOSE
    try:
        opened = evidence.instance.vault.decrypt(secret, purpose=purpose, row=row.id)
    except SteriLedgerError as error:
        field_name = f"{part}_secret"
        findings.note(
            "record_secrets", row.id, field_name, expected="a secret that opens", found=str(error)
        )
        return None
    try:
        return subtree_root(opened, fields_from_bytes(fields))
    except InvalidInput as error:
        findings.note(
            "records", row.id, part, expected="fields that can be hashed", found=str(error)
        )
        return None


def _check_erasure(evidence: Evidence, row: RecordRow, operation: OperationRow | None) -> None:
    """Personal fields are erased by a final operation of two signatures, and only so."""
    if row.personal_erased_at is None or operation is None:
        return
    if row.personal is not None:
        evidence.findings.note(
            "records", row.id, "personal_erased_at", expected=None, found=row.personal_erased_at
        )
    erasures = [
        each
        for each in list_by_subject(evidence.ours, operation.digest)
        if each.kind == "RecordErasure" and each.state is OperationState.FINAL
    ]
    if not erasures:
        evidence.findings.note(
            "records", row.id, "personal_erased_at", expected="a final erasure", found=None
        )


# ---------------------------------------------------------------- operations


def check_operations(evidence: Evidence) -> None:
    """Every operation is what was signed, receipted and recorded."""
    after = 0
    while True:
        page = list_operations(evidence.ours, after=after, limit=_PAGE)
        signatures = list_signatures(evidence.ours, [row.digest for row in page])
        by_digest: dict[Digest, list[SignatureRow]] = {}
        for signature in signatures:
            by_digest.setdefault(signature.digest, []).append(signature)
        for row in page:
            evidence.findings.checked["operations"] += 1
            _check_operation(evidence, row, by_digest.get(row.digest, []))
        if len(page) < _PAGE:
            return
        after = page[-1].sequence


def _check_operation(
    evidence: Evidence, row: OperationRow, signatures: Sequence[SignatureRow]
) -> None:
    findings = evidence.findings
    kind = KINDS.get(row.kind)
    if kind is None:
        findings.note("operations", row.digest, "kind", expected="a known kind", found=row.kind)
        return
    findings.compare(
        "operations", row.digest, "contract", expected=kind.contract, found=row.contract
    )
    message = _check_message(evidence, row, kind)
    if message is not None:
        _check_columns(evidence, row, kind, message)
        check_place(evidence, row, kind, message)
        _check_signatures(evidence, row, kind, message, signatures)
    _check_receipt(evidence, row)
    states = list_states(evidence.ours, row.digest)
    _check_history(findings, row, states)
    check_state_rows(evidence, row, states)
    check_named_readings(evidence, row)
    _check_chain(evidence, row)


def _check_message(evidence: Evidence, row: OperationRow, kind: Kind) -> Mapping[str, Value] | None:
    try:
        message = message_from_json(kind, row.message)
        computed = digest(kind, message, evidence.deployment.domain_of(kind.contract))
    except InvalidInput as error:
        evidence.findings.note(
            "operations", row.digest, "message", expected=f"a {kind.name}", found=str(error)
        )
        return None
    evidence.findings.compare(
        "operations", row.digest, "message", expected=row.digest, found=computed
    )
    return message


def _check_columns(
    evidence: Evidence, row: OperationRow, kind: Kind, message: Mapping[str, Value]
) -> None:
    findings = evidence.findings
    for column, name, value in (
        ("unit", "unit", row.unit),
        ("signed_at", "signedAt", row.signed_at),
    ):
        if name in message:
            findings.compare("operations", row.digest, column, expected=message[name], found=value)
    record = find_record(evidence.ours, row.record_id)
    if record is None:
        findings.note(
            "operations", row.digest, "record_id", expected="a record", found=row.record_id
        )
        return
    findings.compare("records", record.id, "root", expected=message["record"], found=record.root)
    findings.compare("records", record.id, "schema", expected=kind.schema, found=record.schema)
    findings.compare("records", record.id, "unit", expected=row.unit, found=record.unit)


def _check_signatures(
    evidence: Evidence,
    row: OperationRow,
    kind: Kind,
    message: Mapping[str, Value],
    signatures: Sequence[SignatureRow],
) -> None:
    findings = evidence.findings
    findings.compare(
        "operation_signatures",
        row.digest,
        "party",
        expected=tuple(sorted(kind.parties)),
        found=tuple(sorted(signature.party for signature in signatures)),
    )
    for signature in signatures:
        findings.checked["operation_signatures"] += 1
        place = (row.digest, signature.party)
        _check_signer(evidence, place, message, signature)
        findings.hold(
            "operation_signatures",
            place,
            "signature",
            expected="a signature of this key over this digest",
            check=lambda given=signature: verify_signature(  # type: ignore[misc]
                given.signer,
                row.digest,
                given.signature,
                verifiers=evidence.deployment.verifiers,
            ),
        )


def _check_signer(
    evidence: Evidence,
    place: tuple[Digest, Party],
    message: Mapping[str, Value],
    signature: SignatureRow,
) -> None:
    """The key is the one that the message names, or the deployment's authority."""
    expected: object
    if signature.party is Party.AUTHORITY:
        expected, found = evidence.deployment.authority, signature.signer
    else:
        names = _NAMES_OF_PARTIES[signature.party]
        expected = next((message[name] for name in names if name in message), None)
        try:
            found = signer_id(signature.signer)
        except InvalidInput:
            found = signature.signer
    evidence.findings.compare(
        "operation_signatures", place, "signer", expected=expected, found=found
    )


def _check_receipt(evidence: Evidence, row: OperationRow) -> None:
    findings, receipt = evidence.findings, find_receipt(evidence.ours, row.digest)
    if receipt is None:
        findings.note("receipts", row.digest, "row", expected="a row", found=None)
        return
    findings.checked["receipts"] += 1
    findings.compare(
        "receipts", row.digest, "key", expected=evidence.deployment.receipt_key, found=receipt.key
    )
    findings.hold(
        "receipts",
        row.digest,
        "signature",
        expected="our signature over the payload",
        check=lambda: verify_receipt(receipt.key, receipt.payload, receipt.signature),
    )
    try:
        promised = json.loads(receipt.payload)
    except ValueError:
        promised = None
    if not isinstance(promised, dict):
        findings.note("receipts", row.digest, "payload", expected="a receipt", found="no JSON")
        return
    for name, value in _promise(evidence, row).items():
        findings.compare(
            "receipts", row.digest, f"payload.{name}", expected=value, found=promised.get(name)
        )


def _promise(evidence: Evidence, row: OperationRow) -> dict[str, object]:
    record = find_record(evidence.ours, row.record_id)
    return {
        "digest": to_hex(row.digest),
        "kind": row.kind,
        "unit": row.unit,
        "record": None if record is None else to_hex(record.root),
        "accepted_at": instant_text(row.accepted_at),
        "deployment": to_hex(evidence.deployment.fingerprint()),
    }


def _check_history(findings: Findings, row: OperationRow, states: Sequence[StateRow]) -> None:
    """The dated states begin with acceptance, follow the moves, and end where it stands."""
    if not states:
        findings.note("operation_states", row.digest, "row", expected="rows", found=None)
        return
    findings.checked["operation_states"] += len(states)
    first, last = states[0], states[-1]
    findings.compare(
        "operation_states", first.id, "state", expected=OperationState.OWED, found=first.state
    )
    findings.compare("operation_states", first.id, "at", expected=row.accepted_at, found=first.at)
    for before, after in pairwise(states):
        findings.hold(
            "operation_states",
            after.id,
            "state",
            expected=f"what may follow {before.state}",
            check=lambda a=before.state, b=after.state: verify_move(a, b),  # type: ignore[misc]
        )
        if after.at < before.at:
            findings.note(
                "operation_states", after.id, "at", expected=f"from {before.at}", found=after.at
            )
    findings.compare("operations", row.digest, "state", expected=last.state, found=row.state)


def _check_chain(evidence: Evidence, row: OperationRow) -> None:
    """What we say of it is what the chain says of it."""
    findings = evidence.findings
    if row.state in _WAITING:
        _tell_owed(evidence, row)
    if evidence.chain is None:
        return
    recorded = index.find(evidence.chain, IndexedOperation, row.digest)
    if recorded is None:
        if row.state is OperationState.FINAL:
            findings.note(
                "operations", row.digest, "state", expected="not on the chain", found=row.state
            )
        return
    if evidence.height < recorded.height and row.state is OperationState.FINAL:
        evidence.behind = max(evidence.behind, recorded.height)
    if recorded.height <= evidence.height:
        findings.compare(
            "operations", row.digest, "state", expected=OperationState.FINAL, found=row.state
        )
    for column, expected, found in (
        ("message", recorded.message, row.message),
        ("kind", recorded.kind, row.kind),
        ("unit", recorded.unit, row.unit),
        ("subject", recorded.subject, row.subject),
    ):
        findings.compare("operations", row.digest, column, expected=expected, found=found)


def _tell_owed(evidence: Evidence, row: OperationRow) -> None:
    evidence.owed_total += 1
    if len(evidence.owed) < _PAGE:
        age = evidence.instance.clock() - row.accepted_at
        evidence.owed.append(
            OwedOperation(
                digest=row.digest,
                kind=row.kind,
                state=row.state,
                age_seconds=max(int(age.total_seconds()), 0),
            )
        )
