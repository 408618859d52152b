"""Logs: what a contract announces is the operation, whole, and nothing else is taken for it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import Act, Message
from ledger.domain.acts.words import Contract
from ledger.domain.encoding.abi import Eip712Domain
from ledger.domain.encoding.events import (
    COMPLETED,
    TOPICS,
    Event,
    Log,
    advance_head,
    completion_digest,
    parse_event,
    verify_digest,
    verify_heads,
)
from ledger.domain.encoding.identifiers import signer_id
from ledger.domain.encoding.structs import number_word
from ledger.domain.errors import Inconsistent, InvalidInput
from tests.announcing import event_log
from tests.domain.strategies import messages

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
DOMAINS = {
    contract: Eip712Domain(chain_id=31337, contract=bytes([number]) * 20)
    for number, contract in enumerate(Contract, 1)
}
CONTRACTS = {domain.contract: contract for contract, domain in DOMAINS.items()}
KEY = bytes(range(84))
HEAD = b"\7" * 32
ALL = pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)


def made(act: Act, data: st.DataObject) -> Message:
    """A message of a kind; one that brings a key names KEY, and a statement its own kind."""
    message: dict[str, Any] = {**data.draw(messages(act))}
    if act.key_member:
        message[act.key_member] = signer_id(KEY)
    if act.witness is not None:
        message["kind"] = act.witness.kind
    return message


def announced(act: Act, message: Message) -> Log:
    return event_log(
        act,
        message,
        domain=DOMAINS[act.contract],
        head=HEAD,
        new_key=KEY if act.key_member else b"",
    )[1]


@ALL
@given(data=st.data())
def test_an_event_gives_back_the_operation_that_it_announces(act: Act, data: st.DataObject) -> None:
    message = made(act, data)
    event = parse_event(announced(act, message), CONTRACTS)
    assert event.act is act
    assert event.message == message
    assert event.head == HEAD
    assert event.new_key == (KEY if act.key_member else b"")
    assert (event.about, event.unit) == (act.subject_of(message), message["unit"])
    verify_digest(event, DOMAINS[act.contract])


@ALL
@given(data=st.data())
def test_a_log_that_is_changed_anywhere_is_refused_or_says_something_else(
    act: Act, data: st.DataObject
) -> None:
    message = made(act, data)
    log = announced(act, message)
    at = data.draw(st.integers(0, len(log.data) - 1))
    flipped = bytearray(log.data)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        event = parse_event(replace(log, data=bytes(flipped)), CONTRACTS)
        verify_digest(event, DOMAINS[act.contract])
    except InvalidInput:
        return
    # only the head is not part of the operation; the chain of heads holds it
    assert event.head != HEAD
    assert event.message == message


@ALL
@given(data=st.data())
def test_data_that_is_cut_off_or_goes_on_is_refused(act: Act, data: st.DataObject) -> None:
    log = announced(act, made(act, data))
    cut = log.data[: data.draw(st.integers(0, len(log.data) - 1))]
    for wrong in (cut, log.data + b"\0", log.data + bytes(32)):
        with pytest.raises(InvalidInput):
            parse_event(replace(log, data=wrong), CONTRACTS)


@ALL
@given(data=st.data())
def test_topics_that_contradict_the_operation_are_refused(act: Act, data: st.DataObject) -> None:
    log = announced(act, made(act, data))
    about = bytes([log.topics[2][0] ^ 1]) + log.topics[2][1:]
    unit = number_word(int.from_bytes(log.topics[3]) ^ 1)
    for topics in (
        (*log.topics[:2], about, log.topics[3]),
        (*log.topics[:3], unit),
        log.topics[:3],
        (*log.topics, HEAD),
        (b"\1" * 32, *log.topics[1:]),
        (),
    ):
        with pytest.raises(InvalidInput):
            parse_event(replace(log, topics=topics), CONTRACTS)


@ALL
@given(data=st.data())
def test_the_event_of_another_contract_is_refused(act: Act, data: st.DataObject) -> None:
    log = announced(act, made(act, data))
    with pytest.raises(InvalidInput, match="none of the deployment's contracts"):
        parse_event(replace(log, address=b"\x99" * 20), CONTRACTS)
    others = [d.contract for c, d in DOMAINS.items() if c is not act.contract]
    for address in others:
        with pytest.raises(InvalidInput, match="names no event"):
            parse_event(replace(log, address=address), CONTRACTS)


@given(data=st.data())
def test_a_key_that_is_not_the_named_one_is_refused(data: st.DataObject) -> None:
    act = ACTS["SignerEnrolment"]
    message = {**made(act, data), "signer": signer_id(KEY + b"\1")}
    with pytest.raises(InvalidInput, match="is not the key"):
        parse_event(announced(act, message), CONTRACTS)


@given(data=st.data(), kind=st.integers(0, 2**16 - 1))
def test_a_statement_of_a_kind_that_nobody_declared_is_refused(
    data: st.DataObject, kind: int
) -> None:
    known = {act.witness.kind for act in ACTS.values() if act.witness is not None}
    act = ACTS["Comment"]
    log = announced(act, {**made(act, data), "kind": kind})
    if kind in known:
        event = parse_event(log, CONTRACTS)
        assert event.act is not None
        assert event.act.witness is not None
        assert event.act.witness.kind == kind
    else:
        with pytest.raises(InvalidInput, match="no kind of statement"):
            parse_event(log, CONTRACTS)


def abi_of(contract: Contract) -> list[dict[str, Any]]:
    return list(json.loads((ARTIFACTS / f"{contract}.json").read_text("utf-8"))["abi"])


def type_of(entry: dict[str, Any]) -> str:
    if not entry["type"].startswith("tuple"):
        return str(entry["type"])
    inside = ",".join(type_of(each) for each in entry["components"])
    return f"({inside}){entry['type'].removeprefix('tuple')}"


@pytest.mark.parametrize("contract", Contract)
def test_the_events_are_those_of_the_compiled_contract(contract: Contract) -> None:
    events = [entry for entry in abi_of(contract) if entry["type"] == "event"]
    ours = [each for each in events if each["name"] != "EIP712DomainChanged"]
    assert TOPICS[contract] == {
        entry["name"]: keccak(
            text=f"{entry['name']}({','.join(type_of(each) for each in entry['inputs'])})"
        )
        for entry in ours
    }
    for entry in ours:
        assert [each["indexed"] for each in entry["inputs"][:4]] == [True, True, True, False]


@ALL
def test_a_kind_s_struct_is_that_of_the_compiled_contract(act: Act) -> None:
    entry = next(
        each
        for each in abi_of(act.contract)
        if each["type"] == "event" and each["name"] == act.event
    )
    operation = next(each for each in entry["inputs"] if each["name"] == "operation")
    members = [(each["name"], type_of(each)) for each in operation["components"]]
    spelled = [(m.name, m.type) for m in act.struct.members if not m.type.endswith("[]")]
    assert [each for each in members if not each[1].endswith("[]")] == spelled
    assert [m.name for m in act.struct.members] == [name for name, _ in members]
    function = next(
        each
        for each in abi_of(act.contract)
        if each["type"] == "function" and each["name"] == act.function
    )
    assert function["inputs"][0]["components"] == [
        {k: v for k, v in each.items() if k != "indexed"} for each in operation["components"]
    ]
    assert len(function["inputs"]) == 1 + len(act.parties)


# ---------------------------------------------------------------- the running head


def chain_of(count: int) -> list[Event]:
    act = ACTS["CycleVoid"]
    events, head = [], bytes(32)
    for number in range(count):
        message: dict[str, Any] = {
            m.name: bytes([number + 1]) * 32 if m.type == "bytes32" else 1
            for m in act.struct.members
        }
        named, log = event_log(act, message, domain=DOMAINS[act.contract], head=bytes(32))
        head = advance_head(head, named)
        events.append(parse_event(replace(log, data=head + log.data[32:]), CONTRACTS))
    return events


def test_heads_that_continue_each_other_lead_to_the_last() -> None:
    events = chain_of(4)
    assert verify_heads(bytes(32), events) == events[-1].head
    assert verify_heads(events[1].head, events[2:]) == events[-1].head
    assert verify_heads(b"\5" * 32, []) == b"\5" * 32


@pytest.mark.parametrize("missing", range(3))
def test_an_event_that_is_left_out_shows_in_the_head(missing: int) -> None:
    events = chain_of(4)
    with pytest.raises(Inconsistent, match="does not continue"):
        verify_heads(bytes(32), events[:missing] + events[missing + 1 :])


def test_events_in_another_order_show_in_the_head() -> None:
    first, second = chain_of(2)
    with pytest.raises(Inconsistent):
        verify_heads(bytes(32), [second, first])


def test_a_completed_recovery_advances_the_head_by_a_digest_of_its_own() -> None:
    proposal, signer, unit = b"\1" * 32, b"\2" * 32, 3
    head = advance_head(bytes(32), completion_digest(proposal))
    log = Log(
        address=DOMAINS[Contract.UNIT_REGISTRY].contract,
        topics=(TOPICS[Contract.UNIT_REGISTRY][COMPLETED], proposal, signer, number_word(unit)),
        data=head,
        block_number=1,
        block_hash=b"\2" * 32,
        transaction_hash=b"\3" * 32,
        transaction_index=0,
        log_index=0,
    )
    event = parse_event(log, CONTRACTS)
    assert (event.act, event.digest, event.about, event.unit) == (None, proposal, signer, unit)
    assert verify_heads(bytes(32), [event]) == head
    with pytest.raises(InvalidInput):
        parse_event(replace(log, data=head + bytes(32)), CONTRACTS)
