"""Operations: digests against eth_account, JSON there and back, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import ACTS, NESTED, find_act
from ledger.domain.acts.vocabulary import Act
from ledger.domain.acts.words import Party, Right
from ledger.domain.encoding.abi import Eip712Domain, Value
from ledger.domain.errors import InvalidInput
from ledger.domain.operations import (
    Operation,
    digest,
    message_from_json,
    message_from_plain,
    message_to_json,
    typed_data,
)
from ledger.domain.records.schemas import SCHEMAS
from tests.domain.strategies import domains, kinds, messages

DOMAIN = Eip712Domain(chain_id=31337, contract=bytes(range(20)))
ALL = pytest.mark.parametrize("kind", ACTS.values(), ids=ACTS)


def independent_digest(kind: Act, message: Mapping[str, Value], domain: Eip712Domain) -> bytes:
    """The digest as eth_account computes it from the typed data that a wallet is shown."""
    operation = Operation(kind=kind, message=message, domain=domain)
    signable = encode_typed_data(full_message=typed_data(operation))
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


@ALL
@given(data=st.data(), domain=domains)
def test_a_digest_is_the_one_that_a_wallet_computes(
    kind: Act, data: st.DataObject, domain: Eip712Domain
) -> None:
    message = data.draw(messages(kind))
    operation = Operation(kind=kind, message=message, domain=domain)
    assert operation.digest == digest(kind, message, domain)
    assert operation.digest == independent_digest(kind, message, domain)


@ALL
@given(data=st.data())
def test_a_message_gives_itself_back_through_json(kind: Act, data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    assert message_from_json(kind, message_to_json(kind, message)) == message


@ALL
@given(data=st.data())
def test_a_changed_member_is_another_digest(kind: Act, data: st.DataObject) -> None:
    first, second = data.draw(messages(kind)), data.draw(messages(kind))
    for name in first:
        if first[name] != second[name]:
            changed = {**first, name: second[name]}
            assert digest(kind, changed, DOMAIN) != digest(kind, first, DOMAIN)


def example(kind: Act) -> dict[str, Value]:
    """The smallest message of a kind: zeros, and one item in each list."""

    def zero(type_: str) -> int | bytes:
        return bytes(32) if type_ == "bytes32" else 0

    return {
        m.name: [{part.name: zero(part.type) for part in NESTED[m.type[:-2]].members}]
        if m.type.endswith("[]")
        else zero(m.type)
        for m in kind.struct.members
    }


@ALL
def test_the_same_message_on_another_chain_or_contract_has_another_digest(kind: Act) -> None:
    places = [
        Eip712Domain(chain_id=chain_id, contract=contract)
        for chain_id in (1, 2)
        for contract in (bytes(20), b"\1" * 20)
    ]
    assert len({digest(kind, example(kind), place) for place in places}) == len(places)


def test_no_two_kinds_share_a_type() -> None:
    structs = {kind.struct.encode_type() for kind in ACTS.values()}
    assert len(structs) == len(ACTS)
    assert len({(kind.contract, kind.function) for kind in ACTS.values()}) == len(ACTS)
    assert len({kind.event for kind in ACTS.values()}) == len(ACTS)


@ALL
def test_every_kind_has_a_schema_a_record_a_time_and_its_signers(kind: Act) -> None:
    names = [member.name for member in kind.struct.members]
    assert kind.schema in SCHEMAS
    assert {"record", "signedAt"} <= set(names)
    assert ("signedBy" in names) == (Party.SIGNER in kind.parties)
    assert ("countersignedBy" in names) == (Party.COUNTERSIGNER in kind.parties)
    assert (kind.duty is None) == (Party.AUTHORITY in kind.parties)


@ALL
def test_a_message_with_a_missing_or_unknown_member_is_refused(kind: Act) -> None:
    message = example(kind)
    wrong = [
        *({n: v for n, v in message.items() if n != name} for name in message),
        {**message, "extra": 0},
        {},
    ]
    for each in wrong:
        with pytest.raises(InvalidInput):
            digest(kind, each, DOMAIN)
        with pytest.raises(InvalidInput):
            message_to_json(kind, each)
        with pytest.raises(InvalidInput) as caught:
            message_from_plain(kind, each)
        assert caught.value.field == "message"


@ALL
def test_a_member_beyond_its_type_is_refused_by_name(kind: Act) -> None:
    for member in kind.struct.members:
        if member.type.startswith("uint"):
            for value in (-1, 1 << int(member.type[4:])):
                message = {**example(kind), member.name: value}
                plain = {**json.loads(message_to_json(kind, example(kind))), member.name: value}
                with pytest.raises(InvalidInput) as caught:
                    digest(kind, message, DOMAIN)
                assert caught.value.field == member.name
                with pytest.raises(InvalidInput) as caught:
                    message_from_plain(kind, plain)
                assert caught.value.field == member.name


WRONG: dict[str, list[object]] = {
    "uint": [True, "1", 1.0, None, [], {}, "0x01"],
    "bytes32": [
        0,
        None,
        [],
        "",
        "0x",
        "00" * 32,
        "0x" + "00" * 31,
        "0x" + "00" * 33,
        "0x" + "zz" * 32,
        "0x" + "00" * 31 + "  ",
    ],
    "list": [None, 1, "", {}, [1], [{}], [None], [{"owner": 1}]],
}


def wrong_values(type_: str) -> list[object]:
    if type_.endswith("[]"):
        return WRONG["list"]
    return WRONG["bytes32"] if type_ == "bytes32" else WRONG["uint"]


@ALL
def test_a_member_of_another_type_is_refused_by_name(kind: Act) -> None:
    plain = json.loads(message_to_json(kind, example(kind)))
    for member in kind.struct.members:
        for value in wrong_values(member.type):
            with pytest.raises(InvalidInput) as caught:
                message_from_plain(kind, {**plain, member.name: value})
            assert caught.value.field is not None
            assert caught.value.field.startswith(member.name)


@pytest.mark.parametrize("delta", [2**31, -(2**31) - 1, True, "1", None])
def test_an_item_of_a_list_is_checked_like_a_member(delta: object) -> None:
    kind = find_act("CycleDecision")
    plain = json.loads(message_to_json(kind, example(kind)))
    plain["shares"][0]["delta"] = delta
    with pytest.raises(InvalidInput) as caught:
        message_from_plain(kind, plain)
    assert caught.value.field == "shares.delta"


def test_an_integer_that_json_cannot_hold_is_refused_and_not_rounded() -> None:
    kind = find_act("CycleOpening")
    message = {**example(kind), "number": 2**53}
    digest(kind, message, DOMAIN)
    with pytest.raises(InvalidInput) as caught:
        message_to_json(kind, message)
    assert caught.value.field == "CycleOpening"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"1",
        b"\xff",
        b"[" * 100_000,
        b'{"unit": 1}',
    ],
)
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        message_from_json(find_act("UnitClosure"), data)
    assert caught.value.field == "message"


@given(kinds, st.data())
def test_json_that_is_not_canonical_is_refused(kind: Act, data: st.DataObject) -> None:
    encoded = message_to_json(kind, data.draw(messages(kind)))
    plain = json.loads(encoded)
    variants = [
        json.dumps(plain).encode(),
        encoded + b"\n",
        json.dumps(dict(reversed(plain.items())), separators=(",", ":")).encode(),
        # the same member twice: which one counts would depend on the reader
        b'{"unit":1,' + encoded[1:],
    ]
    for variant in variants:
        with pytest.raises(InvalidInput):
            message_from_json(kind, variant)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as caught:
        find_act("CycleDeletion")
    assert caught.value.field == "kind"
    assert caught.value.rule is not None
    assert all(name in caught.value.rule for name in ACTS)


def test_duties_are_separate_bits() -> None:
    assert [int(duty) for duty in Right] == [1 << index for index in range(len(Right))]


@ALL
def test_typed_data_survives_json(kind: Act) -> None:
    shown = typed_data(Operation(kind=kind, message=example(kind), domain=DOMAIN))
    assert json.loads(json.dumps(shown)) == shown
    assert shown["primaryType"] == kind.name
