from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from eth_abi import abi as eth_abi
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.calldata import (
    MAX_BATCH,
    SELECTORS,
    Called,
    encode_batch,
    encode_recovery_completion,
    read_call,
)
from ledger.domain.acts.catalogue import ACTS, NESTED
from ledger.domain.acts.vocabulary import Act
from ledger.domain.acts.words import Contract, Party
from ledger.domain.encoding.abi import Member, Struct, Value
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.structs import tuple_type
from ledger.domain.errors import InvalidInput
from ledger.domain.outbox.batching import Proof

ARTIFACTS = Path(__file__).parents[2] / "artifacts"


def of_type(kind: str) -> st.SearchStrategy[Value]:
    if kind.endswith("[]"):
        nested = NESTED[kind[:-2]]
        item = st.fixed_dictionaries({m.name: of_type(m.type) for m in nested.members})
        return st.lists(item, max_size=4)  # type: ignore[arg-type]
    if kind == "bytes32":
        return st.binary(min_size=32, max_size=32)
    signed, bits = kind.startswith("int"), int(kind.lstrip("uint"))
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return st.integers(low, high) | st.sampled_from([low, high])


def messages(kind: Act) -> st.SearchStrategy[Mapping[str, Value]]:
    members = {m.name: of_type(m.type) for m in kind.struct.members}
    if kind.witness is not None:
        members["kind"] = st.just(kind.witness.kind)
    return st.fixed_dictionaries(members)


def proofs(kind: Act) -> st.SearchStrategy[dict[Party, Proof]]:
    signature = st.binary(min_size=1, max_size=100)
    key = st.binary(min_size=20, max_size=100)
    return st.fixed_dictionaries(
        {
            party: st.builds(
                Proof,
                signer=st.just(b"") if party is Party.AUTHORITY else key,
                signature=signature,
            )
            for party in kind.parties
        }
    )


def batches(kind: Act) -> st.SearchStrategy[list[Called]]:
    return st.lists(
        st.builds(Called, act=st.just(kind), message=messages(kind), proofs=proofs(kind)),
        min_size=1,
        max_size=4,
    )


def call(batch: list[Called]) -> bytes:
    return encode_batch(batch[0].act, [c.message for c in batch], [c.proofs for c in batch])


@pytest.mark.parametrize("name", list(ACTS))
def test_the_selectors_are_the_compiled_contracts_own(name: str) -> None:
    kind = ACTS[name]
    abi = json.loads((ARTIFACTS / f"{kind.contract}.json").read_text())["abi"]
    entry = next(e for e in abi if e["type"] == "function" and e["name"] == kind.function)

    def written(inputs: list[dict[str, object]]) -> str:
        return ",".join(
            str(i["type"]).replace("tuple", f"({written(i['components'])})")  # type: ignore[arg-type]
            if "components" in i
            else str(i["type"])
            for i in inputs
        )

    signature = f"{kind.function}({written(entry['inputs'])})"
    assert SELECTORS[name] == keccak256(signature.encode())[:4]
    fields = [(c["name"], c["type"]) for c in entry["inputs"][0]["components"]]
    assert [f for f, _ in fields] == [m.name for m in kind.struct.members]


@pytest.mark.parametrize("name", list(ACTS))
@settings(max_examples=15)
@given(data=st.data())
def test_a_batch_is_read_back_as_it_was_written(name: str, data: st.DataObject) -> None:
    batch = data.draw(batches(ACTS[name]))
    assert read_call(ACTS[name].contract, call(batch)) == batch


@pytest.mark.parametrize("name", list(ACTS))
@settings(max_examples=15)
@given(data=st.data())
def test_cut_lengthened_or_altered_calldata_is_refused_or_means_something_else(
    name: str, data: st.DataObject
) -> None:
    batch = data.draw(batches(ACTS[name]))
    encoded = call(batch)
    contract = ACTS[name].contract
    for broken in (
        encoded[: data.draw(st.integers(0, len(encoded) - 1))],
        encoded + b"\0" * data.draw(st.integers(1, 64)),
    ):
        with pytest.raises(InvalidInput):
            read_call(contract, broken)
    at = data.draw(st.integers(0, len(encoded) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    altered = encoded[:at] + bytes([encoded[at] ^ bit]) + encoded[at + 1 :]
    try:
        found = read_call(contract, altered)
    except InvalidInput:
        return
    assert found != batch


def sample(name: str = "SignerRevocation") -> tuple[Act, dict[str, Value], dict[Party, Proof]]:
    kind = ACTS[name]

    def zero(member: Member) -> Value:
        if member.type.endswith("[]"):
            return []
        return bytes(32) if member.type == "bytes32" else 0

    message = {member.name: zero(member) for member in kind.struct.members}
    given_ = {
        party: Proof(signer=b"" if party is Party.AUTHORITY else b"\x01" * 20, signature=b"\x01")
        for party in kind.parties
    }
    return kind, message, given_


def test_calls_of_the_other_contract_or_of_no_batch_are_refused() -> None:
    kind, message, given_ = sample()
    encoded = encode_batch(kind, [message], [given_])
    with pytest.raises(InvalidInput):
        read_call(Contract.CYCLE_LEDGER, encoded)
    for other in (b"", b"\x01", bytes(4), encode_recovery_completion(bytes(32))):
        with pytest.raises(InvalidInput):
            read_call(Contract.UNIT_REGISTRY, other)


def test_calldata_with_other_offsets_but_the_same_meaning_is_refused() -> None:
    kind, message, given_ = sample()
    encoded = encode_batch(kind, [message], [given_])
    words = [encoded[4 + at : 36 + at] for at in range(0, len(encoded) - 4, 32)]
    shift = 32
    # one unused word between the heads and the arrays, both offsets moved behind it
    moved = [int.from_bytes(word, "big") + shift for word in words[:2]]
    altered = b"".join(
        [encoded[:4], *(m.to_bytes(32, "big") for m in moved), bytes(32), *words[2:]]
    )
    types = ["(uint32,bytes32,bytes32,bytes32,uint64)[]", "(bytes,bytes)[]"]
    assert eth_abi.decode(types, altered[4:]) == eth_abi.decode(types, encoded[4:])
    with pytest.raises(InvalidInput, match="one form"):
        read_call(Contract.UNIT_REGISTRY, altered)


def test_arrays_of_different_lengths_are_refused() -> None:
    kind, message, given_ = sample()
    values = tuple(message.values())
    data = SELECTORS[kind.name] + eth_abi.encode(
        ["(uint32,bytes32,bytes32,bytes32,uint64)[]", "(bytes,bytes)[]"], [[values, values], []]
    )
    assert given_
    with pytest.raises(InvalidInput, match="one form"):
        read_call(Contract.UNIT_REGISTRY, data)


@pytest.mark.parametrize(
    "member, value",
    [
        ("unit", 2**32),
        ("unit", -1),
        ("unit", True),
        ("unit", b"\x01"),
        ("unit", []),
        ("signer", bytes(31)),
        ("signer", bytes(33)),
        ("signer", 5),
        ("signedAt", 2**64),
    ],
)
def test_a_member_that_does_not_fit_is_refused(member: str, value: Value) -> None:
    kind, message, given_ = sample()
    with pytest.raises(InvalidInput):
        encode_batch(kind, [{**message, member: value}], [given_])


def test_batches_proofs_and_messages_must_be_whole() -> None:
    kind, message, given_ = sample("UnitAdmission")
    authority = given_[Party.AUTHORITY]
    lacking = {name: value for name, value in message.items() if name != "unit"}
    for messages_, proofs_ in (
        ([], []),
        ([message] * (MAX_BATCH + 1), [given_] * (MAX_BATCH + 1)),
        ([message], []),
        ([message], [given_, given_]),
        ([lacking], [given_]),
        ([{**message, "more": 1}], [given_]),
        ([message], [{Party.AUTHORITY: authority}]),
        ([message], [{**given_, Party.SIGNER: authority}]),
        ([message], [{**given_, Party.AUTHORITY: replace(authority, signer=b"\x01" * 20)}]),
        ([message], [{**given_, Party.AUTHORITY: replace(authority, signature=b"")}]),
        ([message], [{**given_, Party.NEW_KEY: replace(authority, signer=b"\x01" * 19)}]),
    ):
        with pytest.raises(InvalidInput):
            encode_batch(kind, messages_, proofs_)
    assert len(encode_batch(kind, [message] * MAX_BATCH, [given_] * MAX_BATCH)) > MAX_BATCH


@pytest.mark.parametrize("kind", ACTS.values(), ids=lambda kind: kind.name)
@given(data=st.data())
def test_calls_are_what_the_library_encodes(kind: Act, data: st.DataObject) -> None:
    batch = data.draw(batches(kind))
    plain = {Party.AUTHORITY} if kind.witness is None else set()
    arrays = ["bytes[]" if p in plain else "(bytes,bytes)[]" for p in kind.parties]
    values = [
        [
            each[party].signature if party in plain else (each[party].signer, each[party].signature)
            for each in [called.proofs for called in batch]
        ]
        for party in kind.parties
    ]
    structs = [in_order(kind.struct, called.message) for called in batch]
    expected = eth_abi.encode([f"{tuple_type(kind.struct, NESTED)}[]", *arrays], [structs, *values])
    assert call(batch)[4:] == expected


def in_order(struct: Struct, message: Mapping[str, Value]) -> tuple[object, ...]:
    return tuple(
        [in_order(NESTED[m.type[:-2]], item) for item in value]
        if not isinstance(value := message[m.name], int | bytes)
        else value
        for m in struct.members
    )
