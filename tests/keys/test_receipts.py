from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.keys.receipts import (
    create_receipt_key,
    receipt_public_key,
    sign_receipt,
    verify_receipt,
)

SECRET = bytes(range(32))
KEY = receipt_public_key(SECRET)


def test_the_first_vector_of_rfc_8032_holds() -> None:
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b"
    )
    assert receipt_public_key(secret) == key
    assert sign_receipt(secret, b"") == signature
    verify_receipt(key, b"", signature)


@given(st.binary(max_size=300))
def test_a_receipt_holds_for_its_own_bytes(payload: bytes) -> None:
    verify_receipt(KEY, payload, sign_receipt(SECRET, payload))


@given(st.binary(min_size=1, max_size=100), st.data())
def test_one_flipped_bit_breaks_it(payload: bytes, data: st.DataObject) -> None:
    signature = sign_receipt(SECRET, payload)
    parts = [KEY, payload, signature]
    which = data.draw(st.integers(0, 2))
    changed = bytearray(parts[which])
    bit = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(changed)
    with pytest.raises(VerificationFailed):
        verify_receipt(*parts)


@pytest.mark.parametrize(
    "key,signature", [(KEY[:31], bytes(64)), (KEY, bytes(63)), (KEY, b""), (b"", bytes(64))]
)
def test_other_lengths_are_refused(key: bytes, signature: bytes) -> None:
    with pytest.raises(VerificationFailed):
        verify_receipt(key, b"receipt", signature)


def test_another_key_does_not_verify() -> None:
    signature = sign_receipt(create_receipt_key(), b"receipt")
    with pytest.raises(VerificationFailed, match="not made by this key"):
        verify_receipt(KEY, b"receipt", signature)


@pytest.mark.parametrize("secret", [b"", bytes(32), b"\x01" * 31])
def test_what_is_no_private_key_is_refused(secret: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        sign_receipt(secret, b"receipt")
    assert caught.value.field == "private_key"
