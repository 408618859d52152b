"""The hashes against published values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.encoding.hashing import Mac, hmac_sha256, keccak256, sha256


def test_keccak_is_ethereums_and_not_sha3() -> None:
    # the code hash of an account without code, Yellow Paper §4.1
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"").hex() == empty


def test_sha256_gives_the_value_of_fips_180() -> None:
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(b"abc").hex() == abc


def test_hmac_gives_the_value_of_rfc_4231_case_2() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_sha256(b"Jefe", b"what do ya want for nothing?").hex() == expected


@given(st.binary(max_size=64), st.lists(st.binary(), max_size=4))
def test_a_kept_key_state_gives_the_same_codes_again_and_again(
    key: bytes, messages: list[bytes]
) -> None:
    mac = Mac(key)
    assert [mac.digest(each) for each in messages] == [hmac_sha256(key, each) for each in messages]


def test_a_key_longer_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than a block"):
        Mac(bytes(65))


@pytest.mark.parametrize(
    "size, expected",
    [
        (135, "29e3704feeca7fb9ba229f0fa04d9b36449cf3ad6e1d85d9cfff3a10df9abc3e"),
        (136, "3a5912a7c5faa06ee4fe906253e339467a9ce87d533c65be3c15cb231cdb25f9"),
        (137, "bee7fbb405cb0d91a8775e338c4a5e4b5d6b2d051f687fa942043cffdc73bd28"),
    ],
)
def test_keccak_holds_around_the_end_of_a_block(size: int, expected: str) -> None:
    # made by pycryptodome 3.24, another implementation; a block of Keccak-256 has 136 bytes
    assert keccak256(bytes(size)).hex() == expected
