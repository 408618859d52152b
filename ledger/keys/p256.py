"""P-256 keys: 64 bytes qx ‖ qy, signing 64 bytes r ‖ s with s in the lower half.

OpenZeppelin's P256 refuses s > n/2 and devices do not promise a low one: `normalise_p256` a
signature that comes from a device before it is checked or stored.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.keys.accounts import require_digest

KEY_BYTES = 64
SIGNATURE_BYTES = 64
VERIFIER_BYTES = 20

#: order of the curve (SEC 2, §2.4.2)
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HIGHEST_S = _ORDER // 2
# The digest is signed as it is; only its length of 32 bytes is SHA-256's.
_AS_IT_IS = ec.ECDSA(Prehashed(SHA256()))


def create_p256_key() -> bytes:
    """A new private key; 32 bytes."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return number.to_bytes(32, "big")


def p256_signer(private_key: bytes, verifier: bytes) -> bytes:
    """ERC-7913 bytes of a key: verifier (20 bytes) ‖ qx (32) ‖ qy (32)."""
    if len(verifier) != VERIFIER_BYTES:
        raise InvalidInput(f"has {len(verifier)} bytes", field="verifier", rule="an address has 20")
    public = _private(private_key).public_key().public_numbers()
    return verifier + public.x.to_bytes(32, "big") + public.y.to_bytes(32, "big")


def sign_with_p256(private_key: bytes, digest: bytes) -> bytes:
    """Sign a 32-byte digest: r ‖ s, s in the lower half."""
    r, s = decode_dss_signature(_private(private_key).sign(require_digest(digest), _AS_IT_IS))
    return normalise_p256(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def normalise_p256(signature: bytes) -> bytes:
    """The same signature with s in the lower half: (r, s) and (r, n - s) hold alike."""
    r, s = _split(signature)
    return r.to_bytes(32, "big") + min(s, _ORDER - s).to_bytes(32, "big")


def verify_p256(key: bytes, digest: bytes, signature: bytes) -> None:
    """Raise VerificationFailed unless `key` (qx ‖ qy) signed `digest` with a low s."""
    r, s = _split(signature)
    if s > _HIGHEST_S:
        raise VerificationFailed(
            "has s in the upper half",
            field="signature",
            rule="s ≤ n/2, so that only one form holds",
            remedy="normalise it: (r, n - s) is the same signature",
        )
    try:
        _public(key).verify(encode_dss_signature(r, s), require_digest(digest), _AS_IT_IS)
    except InvalidSignature:
        raise VerificationFailed(
            "was not made by this key over this digest", field="signature"
        ) from None


def _split(signature: bytes) -> tuple[int, int]:
    if len(signature) != SIGNATURE_BYTES:
        raise VerificationFailed(
            f"has {len(signature)} bytes", field="signature", rule="a P-256 signature has 64: r ‖ s"
        )
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        raise VerificationFailed("is out of range", field="signature", rule="0 < r, s < n")
    return r, s


def _public(key: bytes) -> ec.EllipticCurvePublicKey:
    if len(key) != KEY_BYTES:
        raise VerificationFailed(
            f"has {len(key)} bytes", field="key", rule="a P-256 key has 64: qx ‖ qy"
        )
    x, y = int.from_bytes(key[:32], "big"), int.from_bytes(key[32:], "big")
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise VerificationFailed("is not a point of P-256", field="key") from None


def _private(private_key: bytes) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(private_key, "big")
    if len(private_key) != 32 or not 0 < number < _ORDER:  # noqa: PLR2004
        raise InvalidInput(
            "is no private key", field="private_key", rule="32 bytes between 1 and n - 1"
        )
    return ec.derive_private_key(number, ec.SECP256R1())
