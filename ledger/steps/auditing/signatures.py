"""Stored signatures → each is its key's, over the digest that it stands beside."""

from __future__ import annotations

from ledger.keys.signers import verify_signature
from ledger.steps.auditing.evidence import Evidence
from ledger.storage.operations import SignatureRow
from ledger.storage.pages import list_signatures_after

_PAGE = 200


def check_signatures(evidence: Evidence) -> None:
    """Every signature verifies; whose it has to be is checked with its operation."""
    after: SignatureRow | None = None
    while page := list_signatures_after(evidence.ours, after, limit=_PAGE):
        for row in page:
            _check_signature(evidence, row)
        after = page[-1]


def _check_signature(evidence: Evidence, row: SignatureRow) -> None:
    evidence.findings.checked["operation_signatures"] += 1
    evidence.findings.hold(
        "operation_signatures",
        (row.digest, row.party),
        "signature",
        expected="a signature of this key over this digest",
        check=lambda: verify_signature(
            row.signer, row.digest, row.signature, verifiers=evidence.deployment.verifiers
        ),
    )
