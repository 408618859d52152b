from __future__ import annotations

import re
from pathlib import Path

import pytest
from eth_abi import abi as eth_abi
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.artifacts import load_artifact
from ledger.chain.contract_errors import FOREIGN, RETRY_CLASSES, Retry, revert_error
from ledger.domain.acts.words import Contract
from ledger.domain.chain.deployment import Role
from ledger.domain.encoding.hashing import keccak256

INTERFACES = Path(__file__).parents[2] / "contracts" / "interfaces"
ERRORS = {
    e["name"]: e for role in map(Role, Contract) for e in load_artifact(role).entries("error")
}


def data_of(name: str, *values: object) -> bytes:
    types = [i["type"] for i in ERRORS[name]["inputs"]]
    selector = keccak256(f"{name}({','.join(types)})".encode())[:4]
    return selector + eth_abi.encode(types, values)


def test_every_error_of_the_contracts_has_a_retry_class() -> None:
    assert set(RETRY_CLASSES) == set(ERRORS)


def test_the_retry_classes_are_those_that_the_interfaces_document() -> None:
    documented: dict[str, str] = {}
    for source in INTERFACES.glob("*.sol"):
        pattern = r"((?:[ \t]*///.*\n)+)[ \t]*error (\w+)\("
        for comment, name in re.findall(pattern, source.read_text()):
            found = re.search(r"Retry class: (\w+)", re.sub(r"\s*/// ", " ", comment))
            assert found, name
            documented[name] = found[1]
    foreign = {"InvalidShortString", "StringTooLong"}
    assert {n: str(r) for n, r in RETRY_CLASSES.items() if n not in foreign} == documented


@pytest.mark.parametrize("name", [n for n in ERRORS if n != "StringTooLong"])
def test_an_error_is_read_with_its_fields_and_its_digest(name: str) -> None:
    inputs = ERRORS[name]["inputs"]
    values = [
        b"\x05" * 32
        if i["type"] == "bytes32"
        else "0x" + "06" * 20
        if i["type"] == "address"
        else 7
        for i in inputs
    ]
    error = revert_error(data_of(name, *values))
    assert error.name == name
    assert error.retry is RETRY_CLASSES[name]
    assert list(error.fields) == [i["name"] for i in inputs]
    assert error.digest == (b"\x05" * 32 if "digest" in error.fields else None)


def test_a_negative_field_keeps_its_sign() -> None:
    error = revert_error(data_of("OutOfRange", bytes(32), b"delta".ljust(32, b"\0"), -3, 1, 9))
    assert error.fields["value"] == -3
    assert error.what == "delta"


def test_the_compilers_own_errors_stop() -> None:
    panic = revert_error(keccak256(b"Panic(uint256)")[:4] + (0x11).to_bytes(32, "big"))
    assert (panic.name, panic.fields, panic.retry) == ("Panic", {"code": 0x11}, Retry.STOP)
    text = revert_error(keccak256(b"Error(string)")[:4] + eth_abi.encode(["string"], ["no"]))
    assert (text.name, text.retry) == ("Error", Retry.STOP)


@given(st.binary(max_size=200))
def test_any_other_data_is_foreign_and_stops(data: bytes) -> None:
    error = revert_error(data)
    assert error.data == data
    assert error.retry is Retry.STOP


def test_a_known_error_with_missing_surplus_or_stray_bytes_is_foreign() -> None:
    data = data_of("RightMissing", bytes(32), bytes(32), 4, 2)
    for broken in (data[:-1], data + b"\0", data[:68] + b"\x01" + data[69:]):
        assert revert_error(broken).name == FOREIGN
    assert revert_error(data).name == "RightMissing"
