"""Digest → signature by a key that this instance holds, for whom that key may sign."""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.domain.acts.words import Party
from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.identifiers import Digest, SignerId, signer_id
from ledger.domain.errors import Refused
from ledger.keys.accounts import account_address, create_account
from ledger.keys.receipts import sign_receipt as sign_with_receipt_key
from ledger.keys.signers import Algorithm, sign_digest
from ledger.keys.vault import KEY_PURPOSE
from ledger.steps.accepting.receipt_key import open_receipt_key
from ledger.steps.instance import Instance
from ledger.storage.keys import KeyPurpose, KeyRow, find_key, insert_key


def make_held_key(instance: Instance, tx: Connection, *, label: str) -> bytes:
    """A new account key of a unit, kept encrypted; returns its ERC-7913 bytes (20)."""
    secret = create_account()
    signer = account_address(secret)
    identifier = signer_id(signer)
    insert_key(
        tx,
        KeyRow(
            signer_id=identifier,
            signer=signer,
            algorithm=Algorithm.SECP256K1,
            purpose=KeyPurpose.UNIT,
            label=label,
            private_key=instance.vault.encrypt(secret, purpose=KEY_PURPOSE, row=identifier.hex()),
            created_at=instance.clock(),
        ),
    )
    return signer


def sign_with_held_key(  # noqa: PLR0913, PLR0917 - who asks, as what, with which key, for what
    instance: Instance, tx: Connection, caller: Caller, party: Party, key: bytes, digest: Digest
) -> bytes:
    """The party's signature; raises Refused when the key is not held here or not for the caller."""
    identifier = signer_id(key)
    row = find_key(tx, identifier)
    if row is None or row.purpose not in {KeyPurpose.UNIT, KeyPurpose.AUTHORITY}:
        raise Refused(
            "this instance does not hold the key",
            field=party.value,
            rule="one call signs only with keys held by the server",
            remedy="prepare the operation, sign its digest where the key is, and submit it",
        )
    _require_entitled(caller, party, identifier, row)
    secret = instance.vault.decrypt(row.private_key, purpose=KEY_PURPOSE, row=identifier.hex())
    return sign_digest(Algorithm(row.algorithm), secret, digest)


def sign_receipt(instance: Instance, tx: Connection, payload: bytes) -> tuple[bytes, bytes]:
    """Our Ed25519 signature over a receipt, and the public key that verifies it.

    The key is the home's for good: the deployment names it.
    """
    secret, public = instance.known("receipt key", lambda: open_receipt_key(instance.vault, tx))
    return sign_with_receipt_key(secret, payload), public


def _require_entitled(caller: Caller, party: Party, identifier: SignerId, row: KeyRow) -> None:
    """A key signs for the person it belongs to; the local administrator may use each of them."""
    if row.purpose is KeyPurpose.AUTHORITY:
        caller.require_scope(Scope.AUTHORITY)
    elif caller.unit is not None and party is not Party.NEW_KEY and caller.signer != identifier:
        raise Refused(
            "this key is not yours",
            field=party.value,
            rule="a held key signs for the person that it was made for",
            remedy="name your own signer",
        )
