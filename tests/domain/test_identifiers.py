"""Identifiers against eth_abi, and what they refuse."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import (
    EquipmentId,
    UnitNumber,
    cycle_id,
    equipment_id,
    parse_hex32,
    serial_hash,
    signer_id,
    to_hex,
)
from ledger.domain.errors import InvalidInput


def tag(what: str) -> bytes:
    return keccak256(f"steriledger.{what}.v1".encode())


@given(st.binary(min_size=20, max_size=600))
def test_a_signer_id_is_the_hash_of_the_abi_encoding(key: bytes) -> None:
    assert signer_id(key) == keccak256(encode(["bytes32", "bytes"], [tag("signer"), key]))


@pytest.mark.parametrize("length", [0, 19])
def test_a_key_shorter_than_an_account_is_refused(length: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        signer_id(bytes(length))
    assert caught.value.field == "signer"
    assert str(length) in caught.value.what


@given(st.integers(0, 2**32 - 1), st.binary(min_size=32, max_size=32))
def test_an_equipment_id_is_the_hash_of_the_abi_encoding(unit: int, serial: bytes) -> None:
    encoded = encode(["bytes32", "uint32", "bytes32"], [tag("equipment"), unit, serial])
    assert equipment_id(UnitNumber(unit), serial) == keccak256(encoded)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_a_cycle_id_is_the_hash_of_the_abi_encoding(
    equipment: bytes, epoch: int, number: int
) -> None:
    types = ["bytes32", "bytes32", "uint32", "uint64"]
    encoded = encode(types, [tag("cycle"), equipment, epoch, number])
    assert cycle_id(EquipmentId(equipment), epoch, number) == keccak256(encoded)


@pytest.mark.parametrize(
    "epoch,number,field",
    [(-1, 1, "epoch"), (2**32, 1, "epoch"), (1, -1, "number"), (1, 2**64, "number")],
)
def test_a_cycle_number_beyond_its_type_is_refused(epoch: int, number: int, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        cycle_id(EquipmentId(bytes(32)), epoch, number)
    assert caught.value.field == field


def test_blanks_around_a_serial_do_not_make_another_machine() -> None:
    assert serial_hash(" 1512\n") == serial_hash("1512") == keccak256(b"1512")


@pytest.mark.parametrize("serial", ["", "  ", "a\0b", "\ud800"])
def test_a_serial_that_is_no_text_is_refused(serial: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        serial_hash(serial)
    assert caught.value.field == "serial"


@given(st.binary(min_size=32, max_size=32))
def test_hexadecimal_gives_back_its_bytes_with_and_without_0x(data: bytes) -> None:
    assert parse_hex32(to_hex(data), field="x") == data
    assert parse_hex32(data.hex().upper(), field="x") == data


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "00" * 31,
        "00" * 33,
        "zz" * 32,
        "0x" + "00" * 31 + "0 ",
        " " * 64,
        "0x0x" + "0" * 62,
    ],
)
def test_what_is_not_64_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_hex32(text, field="digest")
    assert caught.value.field == "digest"
