"""Kept photos → the bytes that their hashes name."""

from __future__ import annotations

from ledger.domain.encoding.hashing import sha256
from ledger.steps.auditing.evidence import Evidence
from ledger.storage.photos import list_photos

#: each has some hundred thousand bytes
_PAGE = 20


def check_photos(evidence: Evidence) -> None:
    """Every photo is the one that its hash names: records name it by that."""
    after: tuple[int, bytes] | None = None
    while True:
        page = list_photos(evidence.ours, after=after, limit=_PAGE)
        for row in page:
            evidence.findings.checked["photos"] += 1
            evidence.findings.compare(
                "photos", row.sha256, "picture", expected=row.sha256, found=sha256(row.picture)
            )
        if len(page) < _PAGE:
            return
        after = page[-1].unit, page[-1].sha256
