"""What a passkey answers (WebAuthn Level 2) → a signature as the contracts check it.

OpenZeppelin's ERC7913WebAuthnVerifier takes the six fields of its WebAuthnAuth, ABI-encoded one by
one: r, s, where the challenge and where the type stand in the client data, the authenticator's data
and the client data.  Here it is judged as there: the challenge is the digest, the device saw its
person and verified them, s is in the lower half.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.keys.p256 import normalise_p256, verify_p256

_WORD = 32
_HEAD = 6 * _WORD
#: rpIdHash (32), flags (1), signCount (4): WebAuthn §6.1
_LEAST_AUTHENTICATOR_DATA = 37
_FLAGS = 32
_PRESENT, _VERIFIED, _MAY_BE_BACKED_UP, _IS_BACKED_UP = 0x01, 0x04, 0x08, 0x10
_TYPE = b'"type":"webauthn.get"'


def assertion_signature(authenticator_data: bytes, client_data: bytes, signature: bytes) -> bytes:
    """A device's answer → what stands as the signature in an operation, s in the lower half.

    `signature` is DER, as devices give it.  Raises InvalidInput for what is none.
    """
    try:
        r, s = decode_dss_signature(signature)
        plain = normalise_p256(r.to_bytes(_WORD, "big") + s.to_bytes(_WORD, "big"))
        places = (client_data.index(b'"challenge":"'), client_data.index(_TYPE))
    except (ValueError, OverflowError, VerificationFailed):
        raise InvalidInput(
            "is no answer of a passkey", field="signature", rule="WebAuthn §6.3.3"
        ) from None
    tails = [_with_length(authenticator_data), _with_length(client_data)]
    numbers = (*places, _HEAD, _HEAD + len(tails[0]))
    return plain + b"".join(each.to_bytes(_WORD, "big") for each in numbers) + b"".join(tails)


def verify_assertion(key: bytes, digest: bytes, signature: bytes) -> None:
    """Raise VerificationFailed unless the passkey `key` (qx ‖ qy) signed `digest` so."""
    authenticator_data, client_data, challenge_at, type_at = _decoded(signature)
    expected = b'"challenge":"' + base64.urlsafe_b64encode(digest).rstrip(b"=") + b'"'
    for name, wanted, at in (("type", _TYPE, type_at), ("challenge", expected, challenge_at)):
        if client_data[at : at + len(wanted)] != wanted:
            raise VerificationFailed(
                f"its client data names another {name}",
                field="signature",
                rule="a passkey's challenge is the operation's digest",
            )
    flags = authenticator_data[_FLAGS] if len(authenticator_data) > _FLAGS else 0
    if len(authenticator_data) < _LEAST_AUTHENTICATOR_DATA or not flags & _PRESENT:
        raise VerificationFailed(
            "nobody was present", field="signature", rule="the device saw its person"
        )
    if not flags & _VERIFIED:
        raise VerificationFailed(
            "the device did not verify its person",
            field="signature",
            rule="a finger, a face or the device's PIN for each signature",
        )
    if flags & _IS_BACKED_UP and not flags & _MAY_BE_BACKED_UP:
        raise VerificationFailed(
            "was backed up and may not be", field="signature", rule="WebAuthn §6.1.3"
        )
    hashed = sha256(authenticator_data + sha256(client_data))
    verify_p256(key, hashed, signature[: 2 * _WORD])


def _decoded(signature: bytes) -> tuple[bytes, bytes, int, int]:
    """Authenticator data, client data, and where challenge and type stand in the latter."""
    if len(signature) < _HEAD:
        raise _malformed()
    challenge_at, type_at, *offsets = (
        int.from_bytes(signature[at : at + _WORD], "big") for at in range(2 * _WORD, _HEAD, _WORD)
    )
    return _tail(signature, offsets[0]), _tail(signature, offsets[1]), challenge_at, type_at


def _tail(signature: bytes, offset: int) -> bytes:
    start = offset + _WORD
    length = int.from_bytes(signature[offset:start], "big")
    if start > len(signature) or length > len(signature) - start:
        raise _malformed()
    return signature[start : start + length]


def _with_length(data: bytes) -> bytes:
    return len(data).to_bytes(_WORD, "big") + data + bytes(-len(data) % _WORD)


def _malformed() -> VerificationFailed:
    return VerificationFailed(
        "is no answer of a passkey", field="signature", rule="WebAuthnAuth, its fields one by one"
    )
