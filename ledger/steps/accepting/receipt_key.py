"""The home's receipt key, opened: it signs what the home promises and what came in."""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.domain.errors import Inconsistent
from ledger.keys.vault import KEY_PURPOSE, Vault
from ledger.storage.keys import KeyPurpose, list_keys_of


def open_receipt_key(vault: Vault, tx: Connection) -> tuple[bytes, bytes]:
    """Its private and its public half; raises Inconsistent when there is not exactly one."""
    rows = list_keys_of(tx, KeyPurpose.RECEIPT)
    if len(rows) != 1:
        raise Inconsistent(
            f"this home has {len(rows)} receipt keys",
            field="keys",
            rule="exactly one",
            remedy="start a new home with: steriledger up; restore a damaged one from its backup",
        )
    row = rows[0]
    secret = vault.decrypt(row.private_key, purpose=KEY_PURPOSE, row=row.signer_id.hex())
    return secret, row.signer
