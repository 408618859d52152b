"""Arrivals → each reading that came in is there, as it came in, and no other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ledger.domain.errors import NotFound
from ledger.keys.receipts import verify_receipt
from ledger.steps.auditing.evidence import Evidence
from ledger.steps.auditing.paging import check_page
from ledger.steps.reading.arrivals import description_of
from ledger.steps.starting.deploy import get_held_key
from ledger.storage.arrivals import ArrivalRow, arrivals_of, list_arrivals
from ledger.storage.keys import KeyPurpose
from ledger.storage.readings import ReadingHead, heads_of, list_readings

_PAGE = 200
#: what a payload says of itself that its row's key says too
_KEY = ("type", "unit", "sha256")
_Heads = Mapping[tuple[int, bytes], ReadingHead]


def check_arrivals(evidence: Evidence) -> None:
    """Every arrival has its reading, as it was signed; every reading has arrived."""
    try:
        key = get_held_key(evidence.ours, KeyPurpose.RECEIPT).signer
    except NotFound:
        return  # which is told of the keys
    _check_signed(evidence, key)
    _check_readings(evidence)


def _check_signed(evidence: Evidence, key: bytes) -> None:
    after: tuple[bytes, int] | None = None
    while page := list_arrivals(evidence.ours, after=after, limit=_PAGE):
        check_page(
            page,
            load=lambda rows: heads_of(evidence.ours, [(row.unit, row.reading) for row in rows]),
            check=lambda row, heads: _check_arrival(evidence, row, heads, key),
        )
        after = page[-1].reading, page[-1].unit


def _check_arrival(evidence: Evidence, row: ArrivalRow, heads: _Heads, key: bytes) -> None:
    evidence.findings.checked["arrivals"] += 1
    place = row.unit, row.reading
    head = heads.get(place)
    if head is None:
        evidence.findings.note("readings", row.reading, "row", expected="a row", found=None)
        return
    evidence.findings.hold(
        "arrivals",
        place,
        "signature",
        expected="our signature over the payload",
        check=lambda: verify_receipt(key, row.payload, row.signature),
    )
    try:
        signed = json.loads(row.payload)
    except ValueError:
        signed = None
    if not isinstance(signed, dict):
        evidence.findings.note("arrivals", place, "payload", expected="a reading", found="no JSON")
        return
    described = description_of(head)
    is_its = [
        evidence.findings.compare(
            "arrivals", place, f"payload.{name}", expected=described[name], found=signed.get(name)
        )
        for name in _KEY
    ]
    if all(is_its):
        for name, value in described.items():
            evidence.findings.compare(
                "readings", row.reading, name, expected=signed.get(name), found=value
            )


def _check_readings(evidence: Evidence) -> None:
    after: bytes | None = None
    while page := list_readings(evidence.ours, after=after, limit=_PAGE):
        _check_arrived(evidence, page)
        after = page[-1].sha256


def _check_arrived(evidence: Evidence, page: Sequence[ReadingHead]) -> None:
    known = arrivals_of(evidence.ours, [(head.unit, head.sha256) for head in page])
    for head in page:
        place = head.unit, head.sha256
        if place not in known:
            evidence.findings.note("arrivals", place, "row", expected="a row", found=None)
