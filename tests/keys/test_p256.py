from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.keys.p256 import (
    create_p256_key,
    normalise_p256,
    p256_signer,
    sign_with_p256,
    verify_p256,
)

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
VERIFIER = b"\x0b" * 20

secrets = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
digests = st.binary(min_size=32, max_size=32)


def public(secret: bytes) -> bytes:
    return p256_signer(secret, VERIFIER)[20:]


def high_s(signature: bytes) -> bytes:
    s = ORDER - int.from_bytes(signature[32:], "big")
    return signature[:32] + s.to_bytes(32, "big")


@given(secrets, digests)
def test_a_signature_holds_for_its_key_and_has_a_low_s(secret: bytes, digest: bytes) -> None:
    signature = sign_with_p256(secret, digest)
    verify_p256(public(secret), digest, signature)
    assert len(signature) == 64
    assert int.from_bytes(signature[32:], "big") <= ORDER // 2


@given(secrets, digests, st.integers(0, 64 * 8 - 1))
def test_one_flipped_bit_breaks_it(secret: bytes, digest: bytes, bit: int) -> None:
    signature = bytearray(sign_with_p256(secret, digest))
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VerificationFailed):
        verify_p256(public(secret), digest, bytes(signature))


@given(secrets, digests, st.integers(0, 255))
def test_it_does_not_hold_for_another_digest(secret: bytes, digest: bytes, bit: int) -> None:
    changed = bytearray(digest)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VerificationFailed, match="not made by this key"):
        verify_p256(public(secret), bytes(changed), sign_with_p256(secret, digest))


@given(secrets, digests)
def test_a_high_s_is_refused_until_it_is_normalised(secret: bytes, digest: bytes) -> None:
    low = sign_with_p256(secret, digest)
    with pytest.raises(VerificationFailed, match="upper half"):
        verify_p256(public(secret), digest, high_s(low))
    assert normalise_p256(high_s(low)) == low
    assert normalise_p256(low) == low
    verify_p256(public(secret), digest, normalise_p256(high_s(low)))


def test_a_point_of_another_key_does_not_verify() -> None:
    signature = sign_with_p256(create_p256_key(), bytes(32))
    with pytest.raises(VerificationFailed, match="not made by this key"):
        verify_p256(public(create_p256_key()), bytes(32), signature)


def test_the_signer_is_the_verifier_and_the_point() -> None:
    secret = create_p256_key()
    signer = p256_signer(secret, VERIFIER)
    number = int.from_bytes(secret, "big")
    point = ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers()
    assert signer[:20] == VERIFIER
    assert int.from_bytes(signer[20:52], "big") == point.x
    assert int.from_bytes(signer[52:], "big") == point.y
    with pytest.raises(InvalidInput):
        p256_signer(secret, b"short")


def test_the_digest_is_signed_without_being_hashed_again() -> None:
    secret, digest = create_p256_key(), bytes(range(32))
    signature = sign_with_p256(secret, digest)
    der = encode_dss_signature(
        int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    )
    key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1()).public_key()
    key.verify(der, digest, ec.ECDSA(Prehashed(SHA256())))


@pytest.mark.parametrize("length", [0, 63, 65, 72])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(VerificationFailed, match=f"has {length} bytes"):
        verify_p256(public(create_p256_key()), bytes(32), b"\x01" * length)


@pytest.mark.parametrize("r,s", [(0, 1), (1, 0), (ORDER, 1), (1, ORDER), (0, 0)])
def test_numbers_out_of_range_are_refused(r: int, s: int) -> None:
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    with pytest.raises(VerificationFailed, match="out of range"):
        verify_p256(public(create_p256_key()), bytes(32), signature)
    with pytest.raises(VerificationFailed, match="out of range"):
        normalise_p256(signature)


@pytest.mark.parametrize("key", [b"", bytes(64), b"\x01" * 64, b"\xff" * 64, b"\x01" * 63])
def test_what_is_no_point_is_refused(key: bytes) -> None:
    signature = sign_with_p256(create_p256_key(), bytes(32))
    with pytest.raises(VerificationFailed) as caught:
        verify_p256(key, bytes(32), signature)
    assert caught.value.field == "key"


@pytest.mark.parametrize("secret", [b"", bytes(32), ORDER.to_bytes(32, "big"), b"\x01" * 33])
def test_what_is_no_private_key_is_refused(secret: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        sign_with_p256(secret, bytes(32))
    assert caught.value.field == "private_key"


def test_a_digest_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidInput):
        sign_with_p256(create_p256_key(), b"short")
