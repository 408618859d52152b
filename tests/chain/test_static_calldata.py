"""Facts about calls read by the places of their words: the same calls, the same batches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.calldata import SELECTORS, Batch, decode_batch, encode_batch
from ledger.chain.static_calldata import Call, read_call
from ledger.domain.acts.catalogue import ACTS, NESTED
from ledger.domain.acts.vocabulary import Act
from ledger.domain.acts.words import Contract
from ledger.domain.encoding.abi import Eip712Domain, encode_data
from ledger.domain.encoding.message_words import SHAPES, digest_of_words
from ledger.domain.errors import InvalidInput
from ledger.domain.operations import digest
from tests.chain.test_calldata import batches, call, sample

DOMAIN = Eip712Domain(chain_id=9, contract=b"\x02" * 20)


def read_both(contract: Contract, data: bytes) -> tuple[Batch, Call] | None:
    """Both readers' batches; None when both refuse."""
    try:
        batch = decode_batch(contract, data)
    except InvalidInput:
        with pytest.raises(InvalidInput):
            read_call(contract, data)
        return None
    return batch, read_call(contract, data)


def means_the_same(batch: Batch, found: Call) -> None:
    assert found.kind is batch.kind
    assert list(found.proofs) == list(batch.proofs)
    expected = [digest(batch.kind, message, DOMAIN) for message in batch.messages]
    assert [digest_of_words(found.kind, each, DOMAIN) for each in found.messages] == expected


@pytest.mark.parametrize("name", list(ACTS))
@settings(max_examples=25)
@given(data=st.data())
def test_a_call_is_read_as_the_decoder_reads_it(name: str, data: st.DataObject) -> None:
    batch = data.draw(batches(ACTS[name]))
    means_the_same(batch, read_call(batch.kind.contract, call(batch)))


@pytest.mark.parametrize("name", list(ACTS))
@settings(max_examples=40)
@given(data=st.data())
def test_an_altered_call_is_refused_where_the_decoder_refuses_it(
    name: str, data: st.DataObject
) -> None:
    batch = data.draw(batches(ACTS[name]))
    encoded, contract = call(batch), batch.kind.contract
    at = data.draw(st.integers(0, len(encoded) - 1))
    other = data.draw(st.integers(0, 255))
    word = 4 + 32 * data.draw(st.integers(0, (len(encoded) - 4) // 32 - 1))
    number = data.draw(st.integers(0, 600)).to_bytes(32, "big")
    for broken in (
        encoded[:at],
        encoded + bytes(32),
        encoded[:at] + bytes([other]) + encoded[at + 1 :],
        encoded[:word] + number + encoded[word + 32 :],
        encoded[:word] + encoded[word + 32 :],
        encoded[:word] + bytes(32) + encoded[word:],
    ):
        both = read_both(contract, broken)
        if both is not None:
            means_the_same(*both)


@pytest.mark.parametrize("kind", ACTS.values(), ids=list(ACTS))
def test_a_number_that_does_not_fit_its_type_is_refused(kind: Act) -> None:
    _, message, proofs = sample(kind.name)
    encoded = encode_batch(kind, [message], [proofs])
    start = 4 + 32 * (2 + len(kind.parties)) + (0 if SHAPES[kind.name].list_at is None else 32)
    for place, member in enumerate(kind.struct.members):
        if not member.type.startswith("uint"):
            continue
        at = start + 32 * place
        broken = encoded[:at] + b"\x01" + encoded[at + 1 :]
        with pytest.raises(InvalidInput):
            read_call(kind.contract, broken)
        assert read_both(kind.contract, broken) is None


@pytest.mark.parametrize("delta", [-(1 << 31) - 1, 1 << 31])
def test_a_share_beyond_its_type_is_refused(delta: int) -> None:
    kind, message, proofs = sample("CycleDecision")
    share = {"owner": 1, "payer": 1, "packageClass": 1, "delta": -1}
    encoded = encode_batch(kind, [{**message, "shares": [share]}], [proofs])
    good, bad = (-1).to_bytes(32, "big", signed=True), delta.to_bytes(32, "big", signed=True)
    assert encoded.count(good) == 1
    assert read_both(kind.contract, encoded.replace(good, bad)) is None


def test_calls_of_the_other_contract_or_of_no_batch_are_refused() -> None:
    kind, message, proofs = sample()
    encoded = encode_batch(kind, [message], [proofs])
    for contract, data in (
        (Contract.CYCLE_LEDGER, encoded),
        (kind.contract, b""),
        (kind.contract, SELECTORS[kind.name]),
        (kind.contract, bytes(len(encoded))),
    ):
        with pytest.raises(InvalidInput):
            read_call(contract, data)


def test_the_words_of_a_message_are_what_eip_712_hashes() -> None:
    for kind in ACTS.values():
        shape = SHAPES[kind.name]
        _, message, proofs = sample(kind.name)
        found = read_call(kind.contract, encode_batch(kind, [message], [proofs])).messages[0]
        hashed = encode_data(kind.struct, NESTED, message)
        at = shape.list_at
        assert found.members == (hashed if at is None else hashed[:at] + hashed[at + 32 :])
