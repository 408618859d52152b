from __future__ import annotations

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.keys.accounts import account_address, create_account, recover_account, sign_with_account

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

secrets = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
digests = st.binary(min_size=32, max_size=32)


def high_s(signature: bytes) -> bytes:
    """The other form of the same signature, as anybody can make it."""
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


@given(secrets, digests)
def test_a_signature_recovers_its_own_account(secret: bytes, digest: bytes) -> None:
    signature = sign_with_account(secret, digest)
    assert recover_account(digest, signature) == account_address(secret)
    assert len(signature) == 65
    assert int.from_bytes(signature[32:64], "big") <= ORDER // 2


@given(secrets, digests)
def test_an_independent_library_signs_and_names_the_account_the_same(
    secret: bytes, digest: bytes
) -> None:
    theirs = Account.unsafe_sign_hash(digest, secret)
    assert sign_with_account(secret, digest) == bytes(theirs.signature)
    assert account_address(secret) == bytes.fromhex(Account.from_key(secret).address[2:])


@given(secrets, digests, st.integers(0, 65 * 8 - 1))
def test_one_flipped_bit_never_recovers_the_account(secret: bytes, digest: bytes, bit: int) -> None:
    signature = bytearray(sign_with_account(secret, digest))
    signature[bit // 8] ^= 1 << bit % 8
    try:
        recovered = recover_account(digest, bytes(signature))
    except VerificationFailed:
        return
    assert recovered != account_address(secret)


@given(secrets, digests)
def test_the_high_form_of_a_signature_is_refused(secret: bytes, digest: bytes) -> None:
    with pytest.raises(VerificationFailed, match="upper half"):
        recover_account(digest, high_s(sign_with_account(secret, digest)))


@pytest.mark.parametrize("length", [0, 32, 64, 66])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(VerificationFailed, match=f"has {length} bytes"):
        recover_account(bytes(32), bytes(length))


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_only_27_and_28_are_recovery_values(v: int) -> None:
    signature = sign_with_account(create_account(), bytes(32))
    with pytest.raises(VerificationFailed, match=f"v = {v}"):
        recover_account(bytes(32), signature[:64] + bytes([v]))


@pytest.mark.parametrize(
    "r", [0, ORDER, 2**256 - 1, 5], ids=["zero", "order", "highest", "no point of the curve"]
)
def test_numbers_that_are_no_signature_are_refused(r: int) -> None:
    signature = r.to_bytes(32, "big") + (1).to_bytes(32, "big") + b"\x1b"
    with pytest.raises(VerificationFailed, match="no signature of any key"):
        recover_account(bytes(32), signature)


@pytest.mark.parametrize(
    "secret", [b"", bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32, b"\x01" * 31]
)
def test_what_is_no_private_key_is_refused(secret: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        account_address(secret)
    assert caught.value.field == "private_key"


def test_a_digest_of_another_length_is_refused() -> None:
    secret = create_account()
    with pytest.raises(InvalidInput):
        sign_with_account(secret, b"short")
    with pytest.raises(InvalidInput):
        recover_account(b"short", sign_with_account(secret, bytes(32)))


def test_new_accounts_differ() -> None:
    assert len({create_account() for _ in range(20)}) == 20
