"""Stored receipts → their signatures checked, and what they promise compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.keys.receipts import verify_receipt
from ledger.steps.auditing.evidence import Stored
from ledger.steps.auditing.paging import check_page
from ledger.storage.operations import OperationRow, ReceiptRow, list_operations
from ledger.storage.pages import Heading, headings_of, receipts_of

_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """The receipts of a page of operations, and the headings of their records by record."""

    receipts: dict[Digest, ReceiptRow]
    headings: dict[str, Heading]


def check_receipts(evidence: Stored) -> None:
    """Every operation has a receipt that we signed and that promises this operation."""
    after = 0
    while True:
        page = list_operations(evidence.ours, after=after, limit=_PAGE)
        check_page(
            page,
            load=lambda rows: _load(evidence, rows),
            check=lambda row, beside: _check_receipt(evidence, row, beside),
        )
        if len(page) < _PAGE:
            return
        after = page[-1].sequence


def _load(evidence: Stored, page: Sequence[OperationRow]) -> _Beside:
    return _Beside(
        receipts=receipts_of(evidence.ours, [row.digest for row in page]),
        headings=headings_of(evidence.ours, [row.record_id for row in page]),
    )


def _check_receipt(evidence: Stored, row: OperationRow, beside: _Beside) -> None:
    if row.kind not in ACTS:
        return  # which is told of the operation
    findings, receipt = evidence.findings, beside.receipts.get(row.digest)
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
    for name, value in _promise(evidence, row, beside.headings.get(row.record_id)).items():
        findings.compare(
            "receipts", row.digest, f"payload.{name}", expected=value, found=promised.get(name)
        )


def _promise(evidence: Stored, row: OperationRow, record: Heading | None) -> dict[str, object]:
    return {
        "digest": to_hex(row.digest),
        "kind": row.kind,
        "unit": row.unit,
        "record": None if record is None else to_hex(record.root),
        "accepted_at": instant_text(row.accepted_at),
        "deployment": to_hex(evidence.deployment.fingerprint()),
    }
