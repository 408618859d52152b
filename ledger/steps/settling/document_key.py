"""The key that signs documents: made, replaced, and its certificates, for whoever checks them.

The key lies in the vault beside the others; a certificate is public, and is kept for good: what a
replaced key signed stays signed.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.domain.encoding.identifiers import signer_id
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.keys.certificates import key_to_pem, last_day, make_certificate
from ledger.keys.p256 import VERIFIER_BYTES, create_p256_key, p256_signer
from ledger.keys.signers import Algorithm
from ledger.keys.vault import KEY_PURPOSE
from ledger.steps.instance import Instance
from ledger.storage.keys import KeyPurpose, KeyRow, insert_key, list_keys_of
from ledger.storage.settings import find_setting, insert_setting

MOST_YEARS = 10
#: X.520's upper bound of a common name
_LONGEST_NAME = 64
#: no contract knows these keys
_NOWHERE = bytes(VERIFIER_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentKey:
    """The key that signs now, and its certificate, as PEM."""

    key_pem: bytes
    certificate_pem: bytes


def make_document_key(
    instance: Instance, *, name: str, years: int, replaces: bool = False
) -> bytes:
    """A new key that signs from now on; its certificate as PEM.

    Raises Conflict where there is one, unless it `replaces` it; NotFound where there is none to
    replace.
    """
    if not name.strip() or len(name) > _LONGEST_NAME:
        rule = f"1 to {_LONGEST_NAME} characters: who signs, such as the group's name"
        raise InvalidInput("is no name", field="name", rule=rule)
    if not 1 <= years <= MOST_YEARS:
        raise InvalidInput("is no duration", field="years", rule=f"1 to {MOST_YEARS}")
    secret = create_p256_key()
    signer, now = p256_signer(secret, _NOWHERE), instance.clock()
    identifier = signer_id(signer)
    certificate = make_certificate(secret, name=name.strip(), at=now, years=years)
    with instance.database.transaction() as tx:
        newest = _newest(tx)
        if newest is None and replaces:
            raise _missing()
        if newest is not None and not replaces:
            raise Conflict(
                "this home has a key for documents",
                field="key",
                remedy="replace it: steriledger statement key rotate",
            )
        row = KeyRow(
            signer_id=identifier,
            signer=signer,
            algorithm=Algorithm.P256,
            purpose=KeyPurpose.DOCUMENT,
            label=f"{0 if newest is None else _number(newest) + 1:06d}",
            private_key=instance.vault.encrypt(secret, purpose=KEY_PURPOSE, row=identifier.hex()),
            created_at=now,
        )
        insert_key(tx, row)
        insert_setting(tx, _setting(row), certificate)
    return certificate


def open_document_key(instance: Instance, tx: Connection) -> DocumentKey:
    """The newest key; raises NotFound without one, and Refused when its certificate is over."""
    row = _newest(tx)
    if row is None:
        raise _missing()
    certificate = _certificate(tx, row)
    if last_day(certificate) < instance.clock():
        raise Refused(
            f"the certificate of the key for documents was valid until {last_day(certificate)}",
            field="key",
            remedy="make a new key: steriledger statement key rotate",
        )
    secret = instance.vault.decrypt(row.private_key, purpose=KEY_PURPOSE, row=row.signer_id.hex())
    return DocumentKey(key_pem=key_to_pem(secret), certificate_pem=certificate)


def list_certificates(tx: Connection) -> list[bytes]:
    """Of every key that signed or signs documents, the newest first, as PEM."""
    rows = sorted(list_keys_of(tx, KeyPurpose.DOCUMENT), key=_number, reverse=True)
    if not rows:
        raise _missing()
    return [_certificate(tx, row) for row in rows]


def _newest(tx: Connection) -> KeyRow | None:
    return max(list_keys_of(tx, KeyPurpose.DOCUMENT), key=_number, default=None)


def _number(row: KeyRow) -> int:
    """Which one it was, from 0: clocks may stand still, or go back."""
    return int(row.label)


def _setting(row: KeyRow) -> str:
    return f"certificate {row.signer_id.hex()}"


def _certificate(tx: Connection, row: KeyRow) -> bytes:
    found = find_setting(tx, _setting(row))
    if found is None:
        raise NotFound(
            "the certificate of the key for documents is not there",
            field="key",
            remedy="make a new key: steriledger statement key rotate",
        )
    return found


def _missing() -> NotFound:
    return NotFound(
        "this home has no key that signs documents",
        field="key",
        rule="a statement is signed with the group's own key",
        remedy="make one: steriledger statement key make --name NAME; or leave --signed out",
    )
