"""Account keys: secp256k1, named by a 20-byte address, signing 65 bytes r ‖ s ‖ v."""

from __future__ import annotations

from coincurve import PrivateKey, PublicKey

from ledger.domain.encoding.hashing import keccak256
from ledger.domain.errors import InvalidInput, VerificationFailed

ADDRESS_BYTES = 20
SIGNATURE_BYTES = 65

#: order of the curve (SEC 2, §2.4.1)
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HIGHEST_S = _ORDER // 2
_V = {27: 0, 28: 1}


def create_account() -> bytes:
    """A new private key; 32 bytes."""
    return PrivateKey().secret


def account_address(private_key: bytes) -> bytes:
    """The address of a private key; 20 bytes.  Raises InvalidInput for a key that is none."""
    return _address(_private(private_key).public_key)


def sign_with_account(private_key: bytes, digest: bytes) -> bytes:
    """Sign a 32-byte digest: r ‖ s ‖ v, s in the lower half, v 27 or 28; nonce by RFC 6979."""
    signed = _private(private_key).sign_recoverable(require_digest(digest), hasher=None)
    return signed[:64] + bytes([27 + signed[64]])


def recover_account(digest: bytes, signature: bytes) -> bytes:
    """The address whose key made the signature; 20 bytes.

    Raises VerificationFailed for anything that OpenZeppelin's ECDSA refuses: another length, an s
    in the upper half, another v, and values that are no signature at all.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise VerificationFailed(
            f"has {len(signature)} bytes", field="signature", rule="an account's has 65: r ‖ s ‖ v"
        )
    recovery = _V.get(signature[64])
    if recovery is None:
        raise VerificationFailed(
            f"ends with v = {signature[64]}", field="signature", rule="v is 27 or 28"
        )
    if int.from_bytes(signature[32:64], "big") > _HIGHEST_S:
        raise VerificationFailed(
            "has s in the upper half",
            field="signature",
            rule="s ≤ n/2, so that only one form holds",
        )
    try:
        key = PublicKey.from_signature_and_message(
            signature[:64] + bytes([recovery]), require_digest(digest), hasher=None
        )
    except InvalidInput:
        raise
    except Exception as error:  # coincurve raises bare Exception
        raise VerificationFailed("is no signature of any key", field="signature") from error
    return _address(key)


def _private(private_key: bytes) -> PrivateKey:
    if len(private_key) != 32 or not 0 < int.from_bytes(private_key, "big") < _ORDER:  # noqa: PLR2004
        raise InvalidInput(
            "is no private key", field="private_key", rule="32 bytes between 1 and n - 1"
        )
    return PrivateKey(private_key)


def _address(key: PublicKey) -> bytes:
    return keccak256(key.format(compressed=False)[1:])[-ADDRESS_BYTES:]


def require_digest(digest: bytes) -> bytes:
    """The digest; raises InvalidInput unless it has 32 bytes."""
    if len(digest) != 32:  # noqa: PLR2004
        raise InvalidInput(f"has {len(digest)} bytes", field="digest", rule="a digest has 32")
    return digest
