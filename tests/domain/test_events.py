from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi import abi as eth_abi
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.words import Contract
from ledger.domain.encoding.abi import Eip712Domain, Scalar
from ledger.domain.encoding.events import (
    MAX_KEY_BYTES,
    TOPICS,
    Event,
    Log,
    advance_head,
    completion_digest,
    head_input,
    kind_of_events,
    operation_from_events,
    parse_event,
    verify_heads,
)
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import ZERO_DIGEST, signer_id
from ledger.domain.encoding.message_words import digest_of_words, words_of_events
from ledger.domain.errors import Inconsistent, InvalidInput
from ledger.domain.operations import digest

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
ADDRESSES = {b"\x01" * 20: Contract.UNIT_REGISTRY, b"\x02" * 20: Contract.CYCLE_LEDGER}
ADDRESS_OF = {contract: address for address, contract in ADDRESSES.items()}
FOREIGN = {"EIP712DomainChanged"}  # OpenZeppelin's own, which our contracts never emit


def declared(contract: Contract) -> dict[str, list[dict[str, Any]]]:
    abi = json.loads((ARTIFACTS / f"{contract}.json").read_text())["abi"]
    return {
        e["name"]: e["inputs"] for e in abi if e["type"] == "event" and e["name"] not in FOREIGN
    }


EVENTS = [(contract, name) for contract in Contract for name in declared(contract)]


def value_of(kind: str) -> st.SearchStrategy[Scalar]:
    if kind == "bytes32":
        return st.binary(min_size=32, max_size=32)
    if kind == "bytes":
        return st.binary(min_size=20, max_size=200)
    signed, bits = kind.startswith("int"), int(kind.lstrip("uint"))
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return st.integers(low, high) | st.sampled_from([low, high])


def make_log(contract: Contract, name: str, fields: Mapping[str, object], index: int = 0) -> Log:
    inputs = declared(contract)[name]
    indexed = [i for i in inputs if i["indexed"]]
    rest = [i for i in inputs if not i["indexed"]]
    topics = [eth_abi.encode([i["type"]], [fields[str(i["name"])]]) for i in indexed]
    return Log(
        address=ADDRESS_OF[contract],
        topics=(TOPICS[contract][name], *topics),
        data=eth_abi.encode([i["type"] for i in rest], [fields[str(i["name"])] for i in rest]),
        block_number=7,
        block_hash=b"\x07" * 32,
        transaction_hash=b"\x08" * 32,
        transaction_index=0,
        log_index=index,
    )


def blank(contract: Contract, name: str, **fields: object) -> Event:
    """An event with zeroes in every field that is not given."""
    found: dict[str, object] = {
        str(i["name"]): bytes(32) if i["type"] == "bytes32" else b"\x05" * 20
        if i["type"] == "bytes" else 0
        for i in declared(contract)[name]
    }  # fmt: skip
    if "key" in found:
        found["signer"] = signer_id(b"\x05" * 20)
    index = int(str(fields.pop("log_index", 0)))
    return parse_event(make_log(contract, name, found | fields, index), ADDRESSES)


@pytest.mark.parametrize("contract", list(Contract))
def test_the_table_of_events_is_the_compiled_contracts_own(contract: Contract) -> None:
    compiled = declared(contract)
    assert set(TOPICS[contract]) == set(compiled)
    for name, inputs in compiled.items():
        signature = f"{name}({','.join(str(i['type']) for i in inputs)})"
        assert TOPICS[contract][name] == keccak256(signature.encode())
        event = blank(contract, name)
        indexed = [i["name"] for i in inputs if i["indexed"]]
        assert list(event.fields) == indexed + [i["name"] for i in inputs if not i["indexed"]]


@pytest.mark.parametrize("contract, name", EVENTS)
@settings(max_examples=30)
@given(data=st.data())
def test_a_log_is_read_as_an_independent_encoder_wrote_it(
    contract: Contract, name: str, data: st.DataObject
) -> None:
    inputs = declared(contract)[name]
    fields = {str(i["name"]): data.draw(value_of(str(i["type"]))) for i in inputs}
    if "key" in fields:
        fields["signer"] = signer_id(bytes(fields["key"]))
    event = parse_event(make_log(contract, name, fields), ADDRESSES)
    assert (event.name, event.contract) == (name, contract)
    assert event.fields == fields
    assert event.digest == fields["digest"]


@pytest.mark.parametrize("contract, name", EVENTS)
@settings(max_examples=30)
@given(data=st.data())
def test_a_cut_or_lengthened_log_is_refused(
    contract: Contract, name: str, data: st.DataObject
) -> None:
    log = blank(contract, name).log
    cut = data.draw(st.integers(0, max(len(log.data) - 1, 0)))
    broken = [
        replace(log, data=log.data[:cut] if log.data else b"\0"),
        replace(log, data=log.data + b"\0" * data.draw(st.integers(1, 64))),
        replace(log, topics=log.topics[:-1]),
        replace(log, topics=(*log.topics, bytes(32))),
        replace(log, topics=(log.topics[0], log.topics[1][:-1], *log.topics[2:])),
        replace(log, topics=()),
    ]
    for each in broken:
        with pytest.raises(InvalidInput):
            parse_event(each, ADDRESSES)


def test_bits_outside_a_type_are_refused() -> None:
    log = blank(Contract.CYCLE_LEDGER, "ShareRecorded").log
    word = 32
    for data in (
        b"\x01" + log.data[1:],  # payer: uint32
        log.data[: word + 29] + b"\x01" + log.data[word + 30 :],  # packageClass: uint16
        log.data[: 2 * word] + b"\x00" * 28 + b"\x80\x00\x00\x00",  # delta: int32
        log.data[: 2 * word] + b"\xff" * 28 + b"\x7f\xff\xff\xff",
        log.data[: 2 * word] + b"\xff" * 27 + b"\x00" + b"\xff" * 4,
    ):
        with pytest.raises(InvalidInput, match="stray bits"):
            parse_event(replace(log, data=data), ADDRESSES)
    assert parse_event(
        replace(log, data=log.data[: 2 * word] + b"\xff" * 28 + b"\x80\x00\x00\x00"), ADDRESSES
    ).fields["delta"] == -(1 << 31)


def test_an_event_of_the_other_contract_or_of_nobody_is_refused() -> None:
    log = blank(Contract.CYCLE_LEDGER, "CycleOpened").log
    for other in (b"\x01" * 20, b"\x03" * 20):
        with pytest.raises(InvalidInput):
            parse_event(replace(log, address=other), ADDRESSES)


def test_an_unknown_topic_is_refused() -> None:
    log = blank(Contract.CYCLE_LEDGER, "CycleOpened").log
    with pytest.raises(InvalidInput, match="names no event"):
        parse_event(replace(log, topics=(bytes(32), *log.topics[1:])), ADDRESSES)


def test_a_key_that_is_not_the_named_signer_is_refused() -> None:
    log = blank(Contract.UNIT_REGISTRY, "SignerEnrolled").log
    with pytest.raises(InvalidInput, match="`signer` names"):
        parse_event(replace(log, topics=(*log.topics[:3], bytes(32))), ADDRESSES)


def test_a_key_longer_than_any_is_refused() -> None:
    key = b"\x05" * (MAX_KEY_BYTES + 1)
    with pytest.raises(InvalidInput, match="too long"):
        blank(Contract.UNIT_REGISTRY, "SignerEnrolled", key=key, signer=signer_id(key))


@pytest.mark.parametrize("offset", [0, 32, 224, 2**255])
def test_a_key_that_stands_elsewhere_is_refused(offset: int) -> None:
    log = blank(Contract.UNIT_REGISTRY, "SignerEnrolled").log
    at = 32 * 8
    data = log.data[:at] + offset.to_bytes(32, "big") + log.data[at + 32 :]
    with pytest.raises(InvalidInput):
        parse_event(replace(log, data=data), ADDRESSES)


# ---------------------------------------------------------------- events → operation

CYCLE = b"\x0c" * 32
DIGEST = b"\x0d" * 32


def load_events(quantities: list[int]) -> list[Event]:
    ledger = Contract.CYCLE_LEDGER
    common = {"digest": DIGEST, "cycle": CYCLE}
    first = blank(ledger, "LoadDeclared", **common, unit=4, lines=len(quantities), log_index=3)
    lines = [
        blank(ledger, "LoadTotalDeclared", **common, packageClass=n, quantity=q, log_index=4 + n)
        for n, q in enumerate(quantities)
    ]
    return [first, *lines]


def test_lines_become_the_list_of_the_message() -> None:
    message = operation_from_events(ACTS["LoadDeclaration"], load_events([5, 0, 2]))
    assert message["totals"] == [
        {"packageClass": 0, "quantity": 5},
        {"packageClass": 1, "quantity": 0},
        {"packageClass": 2, "quantity": 2},
    ]
    assert message["unit"] == 4


def test_lost_doubled_moved_or_foreign_lines_are_refused() -> None:
    kind = ACTS["LoadDeclaration"]
    events = load_events([5, 0, 2])
    moved = replace(events[3], log=replace(events[3].log, log_index=9))
    elsewhere = replace(events[3], log=replace(events[3].log, transaction_hash=bytes(32)))
    other_cycle = replace(events[3], fields={**events[3].fields, "cycle": bytes(32)})
    other_digest = replace(events[3], fields={**events[3].fields, "digest": bytes(32)})
    for broken in (
        events[:-1],
        events[1:],
        [*events, events[-1]],
        [events[0], events[2], events[1], events[3]],
        [events[0], *events],
        [*events[:3], moved],
        [*events[:3], elsewhere],
        [*events[:3], other_cycle],
        [*events[:3], other_digest],
        [*events, blank(Contract.CYCLE_LEDGER, "CycleEnded", digest=DIGEST)],
        [],
    ):
        with pytest.raises(InvalidInput):
            operation_from_events(kind, broken)


def admission_events(**enrolled: object) -> list[Event]:
    signer = signer_id(b"\x05" * 20)
    head = advance_head(ZERO_DIGEST, DIGEST)
    common = {"digest": DIGEST, "unit": 2, "head": head}
    return [
        blank(Contract.UNIT_REGISTRY, "UnitAdmitted", **common, administrator=signer),
        blank(Contract.UNIT_REGISTRY, "SignerEnrolled", **(common | enrolled), log_index=1),
    ]


def test_an_admission_comes_with_its_administrators_enrolment() -> None:
    kind = ACTS["UnitAdmission"]
    events = admission_events()
    message = operation_from_events(kind, events)
    assert message["administrator"] == signer_id(b"\x05" * 20)
    assert kind_of_events(events) is kind
    for broken in (events[:1], [*events, events[1]], admission_events(unit=3)):
        with pytest.raises(InvalidInput):
            operation_from_events(kind, broken)


@pytest.mark.parametrize("name", list(ACTS))
@settings(max_examples=30)
@given(data=st.data())
def test_the_digest_of_every_kind_is_the_same_after_the_way_through_its_events(
    name: str, data: st.DataObject
) -> None:
    kind = ACTS[name]
    draw = data.draw
    lists = {"totals": "LoadTotalDeclared", "shares": "ShareRecorded"}
    inputs = {str(i["name"]): str(i["type"]) for i in declared(kind.contract)[kind.event]}
    fields: dict[str, object] = {n: draw(value_of(t)) for n, t in inputs.items()}
    if "key" in fields:
        fields["signer"] = signer_id(bytes(fields["key"]))  # type: ignore[call-overload]
    message: dict[str, object] = {m.name: fields.get(m.name) for m in kind.struct.members}
    events: list[Event] = []
    for member in kind.struct.members:
        if member.name not in lists:
            continue
        event = lists[member.name]
        own = {str(i["name"]): str(i["type"]) for i in declared(kind.contract)[event]}
        items = [
            {n: draw(value_of(t)) for n, t in own.items() if n not in {"digest", "cycle"}}
            for _ in range(draw(st.integers(0, 4)))
        ]
        message[member.name] = items
        fields["lines"] = len(items)
        ids = {"digest": fields["digest"], "cycle": fields["cycle"]}
        events += [
            parse_event(make_log(kind.contract, event, ids | item, 1 + at), ADDRESSES)
            for at, item in enumerate(items)
        ]
    if name == "UnitAdmission":
        fields["administrator"] = message["administrator"] = signer_id(b"\x05" * 20)
        shared = {n: fields[n] for n in ("digest", "unit", "head")}
        events.append(blank(kind.contract, "SignerEnrolled", **shared, log_index=1))
    events.insert(0, parse_event(make_log(kind.contract, kind.event, fields), ADDRESSES))
    domain = Eip712Domain(chain_id=9, contract=ADDRESS_OF[kind.contract])
    rebuilt = operation_from_events(kind, events)
    expected = digest(kind, message, domain)  # type: ignore[arg-type]
    assert digest(kind, rebuilt, domain) == expected
    announcing = next(each for each in events if each.name == kind.event)
    words = words_of_events(kind, announcing, events)
    assert digest_of_words(kind, words, domain) == expected


# ---------------------------------------------------------------- heads


def closing(digest_: bytes, head: bytes) -> Event:
    return blank(Contract.UNIT_REGISTRY, "UnitClosed", digest=digest_, head=head)


def test_heads_advance_once_for_an_admission_and_by_a_tag_for_a_recovery() -> None:
    admitted = admission_events()
    head = advance_head(ZERO_DIGEST, DIGEST)
    last = keccak256(head + completion_digest(DIGEST))
    completed = blank(Contract.UNIT_REGISTRY, "RecoveryCompleted", digest=DIGEST, head=last)
    assert verify_heads(ZERO_DIGEST, [*admitted, completed]) == last
    assert head_input(completed) == keccak256(
        keccak256(b"steriledger.recovery.completed.v1") + DIGEST
    )


def test_lines_and_gaps_do_not_advance_the_head() -> None:
    assert head_input(blank(Contract.CYCLE_LEDGER, "NumbersSkipped")) is None
    assert head_input(blank(Contract.CYCLE_LEDGER, "ShareRecorded")) is None
    assert head_input(blank(Contract.CYCLE_LEDGER, "LoadTotalDeclared")) is None


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=2, max_size=6, unique=True))
def test_an_omitted_swapped_or_doubled_event_shows_in_the_heads(digests: list[bytes]) -> None:
    events, head = [], bytes(32)
    for each in digests:
        head = advance_head(head, each)
        events.append(closing(each, head))
    assert verify_heads(bytes(32), events) == head
    for broken in (
        events[1:],
        [events[1], events[0], *events[2:]],
        [events[0], *events],
        [*events[:-1], closing(digests[-1], bytes(32))],
    ):
        with pytest.raises(Inconsistent):
            verify_heads(bytes(32), broken)
