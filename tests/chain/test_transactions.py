from __future__ import annotations

import pytest
import rlp  # type: ignore[import-untyped]
from coincurve import PrivateKey, PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.transactions import (
    Envelope,
    Price,
    Relayer,
    contract_address,
    gas_limit,
)
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.errors import InvalidInput
from tests.chain.envelopes import read_envelope
from tests.chain.kit import RELAYER, secret

wei = st.integers(0, 2**64)

#: by an independent encoder and signer, from an envelope of nonce 7 that carries 70 bytes
CALL = (
    "02f8b285012a05f2010701847735940082ea6094222222222222222222222222222222222222222280b846000102"
    "030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30"
    "3132333435363738393a3b3c3d3e3f404142434445c001a094c9050987b3d6fbc1c9d846389afcca4303c7e33dda"
    "1599d4147ce4846cfdbea04f193c8bc0d451b1138edcaa9cf2a273a53ac015fb36a15a65902a0a87156cc1"
)
CREATION = (
    "02f89e85012a05f2010701847735940082ea608080b846000102030405060708090a0b0c0d0e0f10111213141516"
    "1718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f4041424344"
    "45c080a0a94d0616ad2a1302025cc9c374cc0293bef9cfcb283b5d43c4f4856f8bfe2b21a004c81a75db94b6e21a"
    "cc899dacaf2ab1bb59ab258babc690599d41a2222734e2"
)


def envelope(to: bytes | None) -> Envelope:
    return Envelope(
        chain_id=5_000_000_001,
        nonce=7,
        to=to,
        data=bytes(range(70)),
        gas=60_000,
        price=Price(max_fee=2_000_000_000, priority_fee=1),
    )


def test_the_signed_bytes_are_those_of_an_independent_signer() -> None:
    assert RELAYER.sign(envelope(b"\x22" * 20)).raw.hex() == CALL
    assert RELAYER.sign(envelope(None)).raw.hex() == CREATION


@settings(max_examples=50)
@given(
    name=st.text(max_size=5),
    chain_id=st.integers(1, 2**53),
    nonce=st.integers(0, 2**40),
    to=st.none() | st.binary(min_size=20, max_size=20),
    data=st.binary(max_size=300),
    prices=st.tuples(wei, wei).map(sorted),
)
def test_a_signed_transaction_holds_its_envelope_and_the_relayers_signature(
    *,
    name: str,
    chain_id: int,
    nonce: int,
    to: bytes | None,
    data: bytes,
    prices: list[int],
) -> None:
    relayer = Relayer(private_key=secret(name))
    price = Price(max_fee=prices[1], priority_fee=prices[0])
    wanted = Envelope(chain_id=chain_id, nonce=nonce, to=to, data=data, gas=100_000, price=price)
    signed = relayer.sign(wanted)
    assert signed == relayer.sign(wanted)
    assert signed.envelope == wanted
    assert signed.raw[:1] == b"\x02"
    assert signed.hash == keccak256(signed.raw)
    *fields, parity, r, s = rlp.decode(signed.raw[1:])
    numbers = [int.from_bytes(field, "big") for field in fields[:5]]
    assert numbers == [chain_id, nonce, prices[0], prices[1], 100_000]
    assert fields[5:] == [to or b"", b"", data, []]
    digest = keccak256(b"\x02" + rlp.encode(fields))
    signature = r.rjust(32, b"\x00") + s.rjust(32, b"\x00") + (parity or b"\x00")
    signer = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    assert keccak256(signer.format(compressed=False)[1:])[12:] == relayer.address


def test_the_relayers_address_agrees_with_an_independent_library() -> None:
    point = PrivateKey(RELAYER.private_key).public_key.format(compressed=False)
    assert RELAYER.address == keccak256(point[1:])[12:]


def test_a_relayer_does_not_show_its_key() -> None:
    assert RELAYER.private_key.hex() not in repr(RELAYER)
    assert repr(RELAYER.private_key) not in repr(RELAYER)


def test_contract_addresses_are_those_that_a_chain_computes() -> None:
    assert contract_address(RELAYER.address, 0).hex() == "be44d5ee441f0dcb30cad2d85f5fad1a638dab65"
    assert contract_address(RELAYER.address, 7).hex() == "81df5d05643f6d1314f539482ade2a1c4441fda7"


@given(
    nonce=st.integers(0, 2**40),
    to=st.none() | st.binary(min_size=20, max_size=20),
    data=st.binary(max_size=300),
    gas=st.integers(1, 2**40),
    prices=st.tuples(wei, wei).map(sorted),
)
def test_what_was_signed_is_read_from_its_bytes(
    nonce: int, to: bytes | None, data: bytes, gas: int, prices: list[int]
) -> None:
    price = Price(priority_fee=prices[0], max_fee=prices[1])
    given_ = Envelope(chain_id=5, nonce=nonce, to=to, data=data, gas=gas, price=price)
    raw = RELAYER.sign(given_).raw
    assert read_envelope(raw) == given_
    assert gas_limit(raw) == gas


def test_the_gas_limit_of_older_transactions_is_read_too() -> None:
    legacy = rlp.encode([1, 2, 30_000, b"\x22" * 20, 0, b"", 27, 1, 1])
    with_list = b"\x01" + rlp.encode([5, 1, 2, 40_000, b"\x22" * 20, 0, b"", [], 0, 1, 1])
    assert (gas_limit(legacy), gas_limit(with_list)) == (30_000, 40_000)


@pytest.mark.parametrize("raw", [b"", b"\x02", b"\x02\xc0", b"\x02\x01", b"\xc0", b"garbage"])
def test_other_bytes_are_no_transaction(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        gas_limit(raw)
