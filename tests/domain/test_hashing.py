"""The hashes against published values."""

from __future__ import annotations

from ledger.domain.hashing import hmac_sha256, keccak256, sha256


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
