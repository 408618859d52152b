"""Stored records → their commitments recomputed, their columns and schemas compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import find_schema
from ledger.domain.errors import InvalidInput, SteriLedgerError
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.records.commitments import Fields, record_root, subtree_root
from ledger.domain.records.records import SUITE, fields_from_bytes
from ledger.domain.records.schemas import require_fields
from ledger.steps.accepting.submit import FACTS_PURPOSE, PERSONAL_PURPOSE
from ledger.steps.auditing.differences import Findings
from ledger.steps.auditing.evidence import Stored
from ledger.steps.auditing.paging import check_page
from ledger.storage.operations import list_by_subjects
from ledger.storage.pages import Acceptance, acceptances_of, secrets_of
from ledger.storage.records import RecordRow, RecordSecretsRow, list_records

_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What belongs to a page of records, by record."""

    secrets: dict[str, RecordSecretsRow]
    accepted: dict[str, Acceptance]
    #: the operations whose records' personal fields were erased by a final erasure
    erased: set[bytes]


def check_records(evidence: Stored) -> None:
    """Every record leads to the commitment that it claims, and belongs to one operation."""
    after = ""
    while True:
        page = list_records(evidence.ours, after=after, limit=_PAGE)
        check_page(
            page,
            load=lambda rows: _load(evidence.ours, rows),
            check=lambda row, beside: _check_record(evidence, row, beside),
        )
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _load(tx: Connection, page: Sequence[RecordRow]) -> _Beside:
    accepted = acceptances_of(tx, [row.id for row in page])
    marked = [
        accepted[row.id].digest
        for row in page
        if row.personal_erased_at is not None and row.id in accepted
    ]
    return _Beside(
        secrets=secrets_of(tx, [row.id for row in page]),
        accepted=accepted,
        erased={
            each.subject
            for each in list_by_subjects(tx, marked)
            if each.kind == "RecordErasure" and each.state is OperationState.FINAL
        },
    )


def _check_record(evidence: Stored, row: RecordRow, beside: _Beside) -> None:
    findings = evidence.findings
    findings.checked["records"] += 1
    findings.compare("records", row.id, "suite", expected=SUITE, found=row.suite)
    parts = _Parts(
        facts=_parse(row.facts), personal=None if row.personal is None else _parse(row.personal)
    )
    _check_stated(findings, row, parts)
    facts, personal = _recomputed_roots(evidence, row, parts, beside.secrets.get(row.id))
    if facts is not None:
        findings.compare("records", row.id, "facts_root", expected=facts, found=row.facts_root)
    if personal is not None:
        findings.compare(
            "records", row.id, "personal_root", expected=personal, found=row.personal_root
        )
    whole = record_root(row.facts_root, row.personal_root)
    findings.compare("records", row.id, "root", expected=whole, found=row.root)
    acceptance = beside.accepted.get(row.id)
    if acceptance is None:
        findings.note("records", row.id, "id", expected="an operation", found=None)
        return
    findings.compare(
        "records", row.id, "accepted_at", expected=acceptance.at, found=row.accepted_at
    )
    _check_erasure(findings, row, is_erased=acceptance.digest in beside.erased)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The fields of both parts, parsed once, or why one cannot be; None when it was erased."""

    facts: Fields | InvalidInput
    personal: Fields | InvalidInput | None


def _parse(data: bytes) -> Fields | InvalidInput:
    try:
        return fields_from_bytes(data)
    except InvalidInput as error:
        return error


def _read(fields: Fields | InvalidInput) -> Fields:
    if isinstance(fields, InvalidInput):
        raise fields
    return fields


def _check_stated(findings: Findings, row: RecordRow, parts: _Parts) -> None:
    """The columns say what the record says, and the record obeys its schema."""
    try:
        facts = _read(parts.facts)
        rules = find_schema(row.schema)
        require_fields(rules.facts, facts, rules.lists)
        if parts.personal is not None:
            require_fields(rules.personal, _read(parts.personal), {})
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


def _recomputed_roots(
    evidence: Stored, row: RecordRow, parts: _Parts, secrets: RecordSecretsRow | None
) -> tuple[bytes | None, bytes | None]:
    """Both roots from the stored fields and secrets; None for a part that cannot be recomputed.

    What cannot be is noted, but for a personal part that was erased.
    """
    if secrets is None:
        evidence.findings.note("record_secrets", row.id, "row", expected="a row", found=None)
        return None, None
    facts = _root(evidence, row, "facts", parts.facts, secrets.facts_secret)
    is_erased = row.personal is None and secrets.personal_secret is None
    if is_erased and row.personal_erased_at is not None:
        return facts, None
    return facts, _root(evidence, row, "personal", parts.personal, secrets.personal_secret)


def _root(
    evidence: Stored,
    row: RecordRow,
    part: str,
    fields: Fields | InvalidInput | None,
    secret: bytes | None,
) -> bytes | None:
    findings = evidence.findings
    if fields is None or secret is None:
        table = "records" if fields is None else "record_secrets"
        findings.note(table, row.id, part, expected="a value", found="nothing, and no erasure")
        return None
    purpose = FACTS_PURPOSE if part == "facts" else PERSONAL_PURPOSE
    try:
        opened = evidence.vault.decrypt(secret, purpose=purpose, row=row.id)
    except SteriLedgerError as error:
        field_name = f"{part}_secret"
        findings.note(
            "record_secrets", row.id, field_name, expected="a secret that opens", found=str(error)
        )
        return None
    try:
        return subtree_root(opened, _read(fields))
    except InvalidInput as error:
        findings.note(
            "records", row.id, part, expected="fields that can be hashed", found=str(error)
        )
        return None


def _check_erasure(findings: Findings, row: RecordRow, *, is_erased: bool) -> None:
    """Personal fields are erased by a final operation of two signatures, and only so."""
    if row.personal_erased_at is None:
        return
    if row.personal is not None:
        findings.note(
            "records", row.id, "personal_erased_at", expected=None, found=row.personal_erased_at
        )
    if not is_erased:
        findings.note(
            "records", row.id, "personal_erased_at", expected="a final erasure", found=None
        )
