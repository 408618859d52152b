"""Operations: digests against eth_account, JSON there and back, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import ACTS, NESTED, find_act, find_schema
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
from tests.domain.strategies import domains, kinds, messages

DOMAIN = Eip712Domain(chain_id=31337, contract=bytes(range(20)))
ALL = pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)


def independent_digest(act: Act, message: Mapping[str, Value], domain: Eip712Domain) -> bytes:
    """The digest as eth_account computes it from the typed data that a wallet is shown."""
    operation = Operation(act=act, message=message, domain=domain)
    signable = encode_typed_data(full_message=typed_data(operation))
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


@ALL
@given(data=st.data(), domain=domains)
def test_a_digest_is_the_one_that_a_wallet_computes(
    act: Act, data: st.DataObject, domain: Eip712Domain
) -> None:
    message = data.draw(messages(act))
    operation = Operation(act=act, message=message, domain=domain)
    assert operation.digest == digest(act, message, domain)
    assert operation.digest == independent_digest(act, message, domain)


@ALL
@given(data=st.data())
def test_a_message_gives_itself_back_through_json(act: Act, data: st.DataObject) -> None:
    message = data.draw(messages(act))
    assert message_from_json(act, message_to_json(act, message)) == message


@ALL
@given(data=st.data())
def test_a_changed_member_is_another_digest(act: Act, data: st.DataObject) -> None:
    first, second = data.draw(messages(act)), data.draw(messages(act))
    for name in first:
        if first[name] != second[name]:
            changed = {**first, name: second[name]}
            assert digest(act, changed, DOMAIN) != digest(act, first, DOMAIN)


def example(act: Act) -> dict[str, Value]:
    """The smallest message of a act: zeros, and one item in each list."""

    def zero(type_: str) -> int | bytes:
        return bytes(32) if type_ == "bytes32" else 0

    return {
        m.name: [{part.name: zero(part.type) for part in NESTED[m.type[:-2]].members}]
        if m.type.endswith("[]")
        else zero(m.type)
        for m in act.struct.members
    }


@ALL
def test_the_same_message_on_another_chain_or_contract_has_another_digest(act: Act) -> None:
    places = [
        Eip712Domain(chain_id=chain_id, contract=contract)
        for chain_id in (1, 2)
        for contract in (bytes(20), b"\1" * 20)
    ]
    assert len({digest(act, example(act), place) for place in places}) == len(places)


def test_no_two_kinds_share_a_type_but_the_statements_which_share_one() -> None:
    own = [act for act in ACTS.values() if act.witness is None]
    assert len({act.struct.encode_type() for act in own}) == len(own)
    assert len({(act.contract, act.function) for act in own}) == len(own)
    assert len({act.event for act in own}) == len(own)
    statements = [act.witness.kind for act in ACTS.values() if act.witness is not None]
    assert len(set(statements)) == len(statements)


@ALL
def test_every_kind_has_a_schema_a_record_a_time_and_its_signers(act: Act) -> None:
    names = [member.name for member in act.struct.members]
    assert find_schema(act.schema) is act.record_schema
    assert {"record", "signedAt"} <= set(names)
    assert ("signedBy" in names) == (Party.SIGNER in act.parties or act.witness is not None)
    assert ("countersignedBy" in names) == (Party.COUNTERSIGNER in act.parties)
    assert (act.right is None) == (Party.AUTHORITY in act.parties)


@ALL
def test_a_message_with_a_missing_or_unknown_member_is_refused(act: Act) -> None:
    message = example(act)
    wrong = [
        *({n: v for n, v in message.items() if n != name} for name in message),
        {**message, "unknown": 0},
        {},
    ]
    for each in wrong:
        with pytest.raises(InvalidInput):
            digest(act, each, DOMAIN)
        with pytest.raises(InvalidInput):
            message_to_json(act, each)
        with pytest.raises(InvalidInput) as caught:
            message_from_plain(act, each)
        assert caught.value.field == "message"


@ALL
def test_a_member_beyond_its_type_is_refused_by_name(act: Act) -> None:
    for member in act.struct.members:
        if member.type.startswith("uint"):
            for value in (-1, 1 << int(member.type[4:])):
                message = {**example(act), member.name: value}
                plain = {**json.loads(message_to_json(act, example(act))), member.name: value}
                with pytest.raises(InvalidInput) as caught:
                    digest(act, message, DOMAIN)
                assert caught.value.field == member.name
                with pytest.raises(InvalidInput) as caught:
                    message_from_plain(act, plain)
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
def test_a_member_of_another_type_is_refused_by_name(act: Act) -> None:
    plain = json.loads(message_to_json(act, example(act)))
    for member in act.struct.members:
        for value in wrong_values(member.type):
            with pytest.raises(InvalidInput) as caught:
                message_from_plain(act, {**plain, member.name: value})
            assert caught.value.field is not None
            assert caught.value.field.startswith(member.name)


@pytest.mark.parametrize("delta", [2**31, -(2**31) - 1, True, "1", None])
def test_an_item_of_a_list_is_checked_like_a_member(delta: object) -> None:
    act = find_act("CycleDecision")
    plain = json.loads(message_to_json(act, example(act)))
    plain["shares"][0]["delta"] = delta
    with pytest.raises(InvalidInput) as caught:
        message_from_plain(act, plain)
    assert caught.value.field == "shares.delta"


def test_an_integer_beyond_what_json_promises_comes_back_exactly() -> None:
    act = find_act("CycleOpening")
    message = {**example(act), "number": 2**64 - 1}
    assert message_from_json(act, message_to_json(act, message)) == message


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
def test_json_that_is_not_canonical_is_refused(act: Act, data: st.DataObject) -> None:
    encoded = message_to_json(act, data.draw(messages(act)))
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
            message_from_json(act, variant)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as caught:
        find_act("CycleDeletion")
    assert caught.value.field == "kind"
    assert caught.value.rule is not None
    assert all(name in caught.value.rule for name in ACTS)


def test_rights_are_separate_bits() -> None:
    assert [int(right) for right in Right] == [1 << index for index in range(len(Right))]


@ALL
def test_typed_data_survives_json(act: Act) -> None:
    shown = typed_data(Operation(act=act, message=example(act), domain=DOMAIN))
    assert json.loads(json.dumps(shown)) == shown
    assert shown["primaryType"] == act.struct.name
