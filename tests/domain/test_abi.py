"""ABI words against eth_abi, and EIP-712 against hand-built hashes."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.encoding.abi import (
    Eip712Domain,
    Member,
    Struct,
    Value,
    from_word,
    hash_struct,
    type_hash,
    word,
)
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.errors import InvalidInput
from tests.domain.strategies import scalars

BITS = (8, 16, 32, 64, 128, 256)
TYPES = ["bytes32", *(f"uint{bits}" for bits in BITS), *(f"int{bits}" for bits in BITS)]


@given(st.data(), st.sampled_from(TYPES))
def test_a_word_is_the_one_of_an_independent_encoder(data: st.DataObject, type_: str) -> None:
    value = data.draw(scalars(type_))
    assert word(type_, value, field="x") == encode([type_], [value])


@given(st.data(), st.sampled_from(TYPES))
def test_a_word_gives_back_its_value(data: st.DataObject, type_: str) -> None:
    value = data.draw(scalars(type_))
    assert from_word(type_, word(type_, value, field="x")) == value


@given(st.binary(min_size=20, max_size=20))
def test_an_address_is_padded_on_the_left(address: bytes) -> None:
    encoded = word("address", address, field="x")
    assert encoded == encode(["address"], [address])
    assert from_word("address", encoded) == address


@pytest.mark.parametrize("bits", BITS)
def test_the_bounds_of_an_integer_fit_and_one_beyond_does_not(bits: int) -> None:
    unsigned, signed = (0, 2**bits - 1), (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for type_, (low, high) in ((f"uint{bits}", unsigned), (f"int{bits}", signed)):
        assert from_word(type_, word(type_, low, field="x")) == low
        assert from_word(type_, word(type_, high, field="x")) == high
        for beyond in (low - 1, high + 1):
            with pytest.raises(InvalidInput) as caught:
                word(type_, beyond, field="x")
            assert caught.value.field == "x"
            assert str(beyond) in caught.value.what
            assert caught.value.rule == f"{type_}: {low} to {high}"


@pytest.mark.parametrize(
    "type_,value",
    [
        ("uint8", True),
        ("uint8", b"\1"),
        ("uint8", "1"),
        ("uint8", 1.0),
        ("uint8", None),
        ("bytes32", bytes(31)),
        ("bytes32", bytes(33)),
        ("bytes32", "00" * 32),
        ("bytes32", 0),
        ("address", bytes(19)),
        ("address", 0),
        ("uint24", 1),
        ("string", 1),
        ("uint8\n", 1),
    ],
)
def test_a_value_of_another_type_is_refused(type_: str, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        word(type_, value, field="x")  # type: ignore[arg-type]  # that is the point
    assert caught.value.field == "x"


@pytest.mark.parametrize(
    "type_,data",
    [
        ("uint8", b"\1" + bytes(31)),
        ("uint64", bytes(23) + b"\1" + bytes(8)),
        ("int32", bytes(27) + b"\1" + bytes(4)),
        ("int8", bytes(31) + b"\x80"),
        ("address", b"\1" + bytes(31)),
        ("bytes32", bytes(31)),
        ("uint8", b""),
        ("string", bytes(32)),
    ],
)
def test_a_word_that_no_encoder_makes_is_refused(type_: str, data: bytes) -> None:
    with pytest.raises(InvalidInput):
        from_word(type_, data)


ITEM = Struct(name="Item", members=(Member(name="count", type="uint8"),))
BOX = Struct(
    name="Box", members=(Member(name="id", type="uint32"), Member(name="items", type="Item[]"))
)


def test_a_type_names_the_structs_that_it_holds_after_itself() -> None:
    assert type_hash(BOX, {"Item": ITEM}) == keccak256(
        b"Box(uint32 id,Item[] items)Item(uint8 count)"
    )


def test_a_list_is_hashed_item_by_item() -> None:
    items = [hash_struct(ITEM, {}, {"count": count}) for count in (1, 2)]
    expected = keccak256(
        type_hash(BOX, {"Item": ITEM}) + word("uint32", 7, field="id") + keccak256(b"".join(items))
    )
    message: dict[str, Value] = {"id": 7, "items": [{"count": 1}, {"count": 2}]}
    assert hash_struct(BOX, {"Item": ITEM}, message) == expected


@pytest.mark.parametrize(
    "message,field",
    [
        ({"id": 1}, "Box"),
        ({"id": 1, "items": [], "more": 1}, "Box"),
        ({"id": [], "items": []}, "id"),
        ({"id": 1, "items": 1}, "items"),
        ({"id": 1, "items": b"x"}, "items"),
        ({"id": 1, "items": [{}]}, "Item"),
        ({"id": 1, "items": [{"count": 256}]}, "count"),
    ],
)
def test_a_message_that_does_not_fit_its_struct_is_refused_by_name(
    message: dict[str, Value], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        hash_struct(BOX, {"Item": ITEM}, message)
    assert caught.value.field == field


def test_the_separator_depends_on_chain_and_contract() -> None:
    here = Eip712Domain(chain_id=1, contract=bytes(20))
    others = [
        Eip712Domain(chain_id=2, contract=bytes(20)),
        Eip712Domain(chain_id=1, contract=b"\1" * 20),
    ]
    assert here.separator() not in [other.separator() for other in others]
