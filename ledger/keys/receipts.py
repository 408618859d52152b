"""Receipt keys: Ed25519 (RFC 8032), signing what we promise at acceptance."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.domain.errors import InvalidInput, VerificationFailed

KEY_BYTES = 32
SIGNATURE_BYTES = 64


def create_receipt_key() -> bytes:
    """A new private key; 32 bytes."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def receipt_public_key(private_key: bytes) -> bytes:
    """The public key of a private key; 32 bytes."""
    return _private(private_key).public_key().public_bytes_raw()


def sign_receipt(private_key: bytes, payload: bytes) -> bytes:
    """Sign a receipt's bytes; 64 bytes."""
    return _private(private_key).sign(payload)


def verify_receipt(key: bytes, payload: bytes, signature: bytes) -> None:
    """Raise VerificationFailed unless `key` (32 bytes) signed exactly these bytes."""
    if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        raise VerificationFailed(
            f"has {len(signature)} bytes under a key of {len(key)}",
            field="signature",
            rule="Ed25519: 64 bytes under a key of 32",
        )
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, payload)
    except (InvalidSignature, ValueError):
        raise VerificationFailed(
            "was not made by this key over this receipt", field="signature"
        ) from None


@lru_cache(maxsize=1)
def _private(private_key: bytes) -> Ed25519PrivateKey:
    if len(private_key) != KEY_BYTES or not any(private_key):
        raise InvalidInput("is no private key", field="private_key", rule="32 random bytes")
    # Loading it computes its public key, which takes longer than signing.
    return Ed25519PrivateKey.from_private_bytes(private_key)
