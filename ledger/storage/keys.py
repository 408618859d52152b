"""Private keys that the server holds, encrypted at rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, select, true

from ledger.domain.encoding.identifiers import SignerId
from ledger.storage.engine.rows import Rows
from ledger.storage.engine.tables import table_of


class KeyPurpose(StrEnum):
    """What a key held by the server is for."""

    #: the consortium's own signer
    AUTHORITY = "authority"
    #: pays for transactions, has no rights
    RELAYER = "relayer"
    #: signs our receipts
    RECEIPT = "receipt"
    #: signs for a unit
    UNIT = "unit"
    #: signs PDFs; no contract knows it
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key held by the server."""

    signer_id: SignerId
    #: ERC-7913 bytes, or the raw public key of a receipt key
    signer: bytes
    algorithm: str
    purpose: KeyPurpose
    label: str
    #: as the vault encrypted it
    private_key: bytes
    created_at: datetime

    def __repr__(self) -> str:
        """Shows what the key is for, never the key."""
        return f"KeyRow({self.purpose} {self.label!r} 0x{self.signer_id.hex()})"


keys = table_of("keys", KeyRow, key=("signer_id",))


_keys = Rows(keys, KeyRow, "key")


def insert_key(tx: Connection, row: KeyRow) -> None:
    """Keep a key; raises Conflict when this signer's key is kept already."""
    _keys.insert(tx, [row])


def find_key(tx: Connection, signer_id: bytes) -> KeyRow | None:
    """The key of that signer, or None: then somebody else holds it."""
    return _keys.find_by(tx, signer_id=signer_id)


_OF_PURPOSE = select(keys).where(keys.c.purpose == bindparam("purpose")).order_by(keys.c.signer_id)


def list_keys_of(tx: Connection, purpose: KeyPurpose) -> list[KeyRow]:
    """Every key of one purpose, by signer id."""
    return _keys.read(tx, _OF_PURPOSE, purpose=purpose)


def list_keys(
    tx: Connection,
    *,
    purpose: KeyPurpose | None = None,
    after: bytes | None = None,
    limit: int = 100,
) -> list[KeyRow]:
    """Keys by signer id, starting after `after`."""
    which = true() if purpose is None else keys.c.purpose == purpose
    return _keys.page(tx, which, after=after, limit=limit)
