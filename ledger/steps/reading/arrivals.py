"""Reading → the home's signature that it came in as it is, and by whom."""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.domain.encoding.canonical import Plain, canonical
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.keys.receipts import sign_receipt
from ledger.keys.vault import Vault
from ledger.steps.accepting.receipt_key import open_receipt_key
from ledger.storage.arrivals import ArrivalRow, insert_arrival
from ledger.storage.readings import ReadingHead, ReadingRow


def sign_arrival(vault: Vault, tx: Connection, row: ReadingRow | ReadingHead) -> None:
    """Keep our word for a reading that was just stored; Inconsistent in a home without its keys."""
    secret, _ = open_receipt_key(vault, tx)
    payload = canonical(description_of(row))
    insert_arrival(
        tx,
        ArrivalRow(
            unit=row.unit,
            reading=row.sha256,
            payload=payload,
            signature=sign_receipt(secret, payload),
        ),
    )


def description_of(row: ReadingRow | ReadingHead) -> dict[str, Plain]:
    """What is signed of a reading: all that is kept of it beside its bytes."""
    return {
        "type": "steriledger arrival",
        "unit": row.unit,
        "sha256": to_hex(row.sha256),
        "filename": row.filename,
        "format": row.format,
        "source": row.source,
        "uploaded_at": instant_text(row.uploaded_at),
    }
