"""Evidence → bytes: RFC 8785, so that one content has one spelling."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import rfc8785

from ledger.domain.chain.deployment import deployment_to_json
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput
from ledger.domain.operations import message_to_json
from ledger.domain.records.commitments import FieldValue, ShownField
from ledger.domain.records.schemas import FieldRule, find_schema
from ledger.evidence.shape import (
    FORMAT,
    MAX_FILE_BYTES,
    ChainReference,
    Evidence,
    EvidenceOperation,
    HiddenPart,
    OpenedPart,
    Part,
)


def evidence_to_bytes(evidence: Evidence) -> bytes:
    """The file; raises InvalidInput when it cannot be written or would be too long."""
    try:
        data = rfc8785.dumps(_to_plain(evidence))  # type: ignore[arg-type]
    except rfc8785.CanonicalizationError as error:
        raise InvalidInput(
            f"cannot be written: {error}", field="evidence", rule="RFC 8785"
        ) from None
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"would have {len(data)} bytes",
            field="evidence",
            rule=f"at most {MAX_FILE_BYTES}",
            remedy="leave out attachments, or disclose fewer fields",
        )
    return data


def _to_plain(evidence: Evidence) -> dict[str, object]:
    subject = evidence.subject
    plain: dict[str, object] = {
        "format": FORMAT,
        "suite": evidence.suite,
        "asOf": {"block": evidence.as_of.number, "hash": to_hex(evidence.as_of.hash)},
        "deployment": json.loads(deployment_to_json(evidence.deployment)),
        "subject": {
            "cycle": to_hex(subject.cycle),
            "equipment": to_hex(subject.equipment),
            "epoch": subject.epoch,
            "number": subject.number,
        },
        "keys": {to_hex(identifier): to_hex(key) for identifier, key in evidence.keys.items()},
        "operations": [_operation(entry) for entry in evidence.operations],
        "support": [_operation(entry) for entry in evidence.support],
    }
    if evidence.attachments:
        plain["attachments"] = [base64.b64encode(raw).decode() for raw in evidence.attachments]
    return plain


def _operation(entry: EvidenceOperation) -> dict[str, object]:
    operation, record = entry.operation, entry.record
    return {
        "kind": operation.kind.name,
        "message": json.loads(message_to_json(operation.kind, operation.message)),
        "signatures": {party.value: to_hex(raw) for party, raw in entry.signatures.items()},
        "record": None
        if record is None
        else {
            "facts": _part(record.facts, find_schema(operation.kind.schema).facts),
            "personal": _part(record.personal, find_schema(operation.kind.schema).personal),
        },
        "chain": _place(entry.place),
    }


def _place(place: ChainReference) -> dict[str, object]:
    return {
        "block": place.block.number,
        "hash": to_hex(place.block.hash),
        "transaction": to_hex(place.transaction),
        "log": place.log_index,
    }


def _part(part: Part, rules: Mapping[str, FieldRule]) -> dict[str, object]:
    if isinstance(part, HiddenPart):
        return {"root": to_hex(part.root)}
    if isinstance(part, OpenedPart):
        return {"secret": to_hex(part.secret), "fields": _entered(part.fields, rules)}
    return {
        "depth": part.proof.depth,
        "shown": [_shown(field) for field in part.proof.shown],
        "hidden": [to_hex(root) for root in part.proof.hidden],
    }


def _entered(
    fields: Mapping[str, FieldValue], rules: Mapping[str, FieldRule]
) -> dict[str, FieldValue]:
    """The fields without those of a fixed path that nobody entered: their absence says so."""
    return {path: value for path, value in fields.items() if value is not None or path not in rules}


def _shown(field: ShownField) -> list[object]:
    return [field.position, field.salt, field.path, field.value]
