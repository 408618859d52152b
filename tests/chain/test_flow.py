"""Encode → send → follow, with the real contracts on a real node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.chain.calldata import encode_recovery_completion, read_call
from ledger.chain.contract_errors import Retry, revert_error
from ledger.domain.acts.words import Contract, Party, Right
from ledger.domain.chain.chain_reader import CallReverted, Receipt
from ledger.domain.chain.deployment import Role
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.events import Event, parse_event, verify_digest, verify_heads
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    UnitNumber,
    cycle_id,
    equipment_id,
    serial_hash,
)
from ledger.domain.operations import Operation
from tests.chain.kit import AUTHORITY, QUIET, START, AccountKey, Home, P256Key, home

ADMIN = AccountKey("administrator")
NURSE = AccountKey("nurse")
EQUIPMENT = equipment_id(UnitNumber(1), serial_hash("GS-1 0001"))
CYCLE = cycle_id(EQUIPMENT, 1, 13)


@pytest.fixture(scope="module")
def site() -> Iterator[Home]:
    with home() as built:
        yield built


def record(name: str) -> bytes:
    return keccak256(name.encode())


@pytest.fixture(scope="module")
def story(site: Home) -> list[tuple[tuple[Operation, ...], Receipt]]:
    """Everything that the contracts can do short of recovery, in one run; batch by batch."""
    told: list[tuple[tuple[Operation, ...], Receipt]] = []
    device = P256Key("device", site.deployment.contracts[Role.P256_VERIFIER].address)

    def tell(operations: list[Operation], **keys: AccountKey | P256Key) -> None:
        by_party = {Party(party): key for party, key in keys.items()}
        told.append((tuple(operations), site.send(operations, by_party)))

    def signed(name: str, by: AccountKey | P256Key, **message: Value) -> Operation:
        parts: dict[str, Value] = {
            "unit": 1,
            "signedBy": by.id,
            "signedAt": START,
            "record": record(name),
            **message,
        }
        return site.operation(name, **parts)

    admission = site.operation(
        "UnitAdmission",
        unit=1,
        roles=3,
        administrator=ADMIN.id,
        custody=3,
        validUntil=0,
        record=record("unit"),
        signedAt=START,
    )
    tell([admission], authority=AUTHORITY, new_key=ADMIN)
    rights = Right.OPEN | Right.LOAD | Right.RESULT | Right.DECIDE | Right.ERASE
    for key in (NURSE, device):
        enrolment = signed(
            "SignerEnrolment",
            ADMIN,
            signer=key.id,
            rights=int(rights),
            custody=3,
            validFrom=START,
            validUntil=START + 1000,
        )
        tell([enrolment], signer=ADMIN, new_key=key)
    registration = signed(
        "EquipmentRegistration", ADMIN, serial=serial_hash("GS-1 0001"), kind=1, epoch=1
    )
    tell([registration], signer=ADMIN)
    openings = [
        signed(
            "CycleOpening",
            NURSE,
            equipment=EQUIPMENT,
            epoch=1,
            number=number,
            startedAt=START - 500,
        )
        for number in (17, 13)
    ]
    tell(openings, signer=NURSE)
    load = signed(
        "LoadDeclaration",
        device,
        cycle=CYCLE,
        totals=[{"packageClass": 3, "quantity": 7}, {"packageClass": 9, "quantity": 1}],
        replaces=ZERO_DIGEST,
    )
    tell([load], signer=device)
    ending = signed(
        "CycleEnding",
        NURSE,
        cycle=CYCLE,
        outcome=1,
        verdict=1,
        endedAt=START,
        replaces=ZERO_DIGEST,
    )
    tell([ending], signer=NURSE)
    decision = signed(
        "CycleDecision",
        NURSE,
        cycle=CYCLE,
        kind=1,
        ending=ending.digest,
        load=load.digest,
        replaces=ZERO_DIGEST,
        shares=[
            {"owner": 1, "payer": 1, "packageClass": 3, "delta": 5},
            {"owner": 1, "payer": 1, "packageClass": 9, "delta": 1},
        ],
    )
    tell([decision], signer=NURSE)
    change = signed(
        "EquipmentChange",
        ADMIN,
        equipment=EQUIPMENT,
        state=2,
        epoch=2,
        replaces=registration.digest,
    )
    tell([change], signer=ADMIN)
    proposal = site.operation(
        "RecoveryProposal",
        unit=1,
        signer=AccountKey("successor").id,
        custody=4,
        validUntil=0,
        record=record("recovery"),
        signedAt=START,
    )
    tell([proposal], authority=AUTHORITY, new_key=AccountKey("successor"))
    tell([signed("RecoveryVeto", ADMIN, proposal=proposal.digest)], signer=ADMIN)
    erasure = signed("RecordErasure", NURSE, subject=ending.digest, countersignedBy=device.id)
    tell([erasure], signer=NURSE, countersigner=device)
    tell([signed("SignerRevocation", ADMIN, signer=NURSE.id)], signer=ADMIN)
    closure = site.operation("UnitClosure", unit=1, record=record("closure"), signedAt=START)
    tell([closure], authority=AUTHORITY)
    return told


def events_of(site: Home, receipt: Receipt) -> list[Event]:
    return [parse_event(log, site.deployment.recording_contracts()) for log in receipt.logs]


def test_every_batch_is_mined_and_succeeds(
    story: list[tuple[tuple[Operation, ...], Receipt]],
) -> None:
    failed = [operations[0].act.name for operations, receipt in story if not receipt.succeeded]
    assert failed == []
    assert {operations[0].act.name for operations, _ in story} == {
        "UnitAdmission", "UnitClosure", "SignerEnrolment", "SignerRevocation",
        "EquipmentRegistration", "EquipmentChange", "RecoveryProposal", "RecoveryVeto",
        "RecordErasure", "CycleOpening", "CycleEnding", "LoadDeclaration", "CycleDecision",
    }  # fmt: skip


def test_every_operation_is_announced_whole_under_its_digest(
    site: Home, story: list[tuple[tuple[Operation, ...], Receipt]]
) -> None:
    for operations, receipt in story:
        events = events_of(site, receipt)
        assert [event.digest for event in events] == [o.digest for o in operations]
        for operation, event in zip(operations, events, strict=True):
            assert (event.act, event.message) == (operation.act, operation.message)
            verify_digest(event, site.deployment.domain_of(event.contract))


def test_the_calldata_on_the_chain_holds_the_operations_and_their_signatures(
    site: Home, story: list[tuple[tuple[Operation, ...], Receipt]]
) -> None:
    for operations, receipt in story:
        transaction = site.node.transaction(receipt.transaction_hash)
        assert transaction is not None
        called = read_call(operations[0].act.contract, transaction.data)
        assert [(each.act, each.message) for each in called] == [
            (operation.act, operation.message) for operation in operations
        ]
        assert all(set(each.proofs) == set(each.act.parties) for each in called)


def test_the_heads_folded_from_the_events_are_the_contracts_heads(
    site: Home, story: list[tuple[tuple[Operation, ...], Receipt]]
) -> None:
    addresses = site.deployment.recording_contracts()
    logs = site.node.logs(list(addresses), 0, site.chain.tip.number)
    assert len(logs) == sum(len(receipt.logs) for _, receipt in story)
    for contract in Contract:
        events = [parse_event(log, addresses) for log in logs]
        own = [event for event in events if event.contract is contract]
        head = site.node.call(site.deployment.address_of(contract), keccak256(b"head()")[:4])
        assert verify_heads(ZERO_DIGEST, own) == head


def test_what_was_recorded_already_is_sent_again_without_an_event(
    site: Home, story: list[tuple[tuple[Operation, ...], Receipt]]
) -> None:
    operations, receipt = story[0]
    transaction = site.node.transaction(receipt.transaction_hash)
    assert transaction is not None
    again = site.envelope(operations[0], transaction.data)
    site.chain.mine([again.raw], site.now())
    second = site.node.receipt(again.hash)
    assert second is not None
    assert second.succeeded
    assert second.logs == ()


def test_a_completed_recovery_advances_the_head_and_keeps_the_proposals_digest() -> None:
    successor = AccountKey("successor")
    with home() as site:
        common: dict[str, Value] = {
            "custody": 4,
            "validUntil": 0,
            "record": record("r"),
            "signedAt": START,
        }
        admission = site.operation(
            "UnitAdmission", unit=4, roles=1, administrator=ADMIN.id, **common
        )
        site.send([admission], {Party.AUTHORITY: AUTHORITY, Party.NEW_KEY: ADMIN})
        proposal = site.operation("RecoveryProposal", unit=4, signer=successor.id, **common)
        site.send([proposal], {Party.AUTHORITY: AUTHORITY, Party.NEW_KEY: successor})
        completion = site.envelope(proposal, encode_recovery_completion(proposal.digest))
        site.chain.mine([completion.raw], site.now() + 8 * 24 * 3600)
        addresses = site.deployment.recording_contracts()
        logs = site.node.logs(list(addresses), 0, site.chain.tip.number)
        events = [parse_event(log, addresses) for log in logs]
        assert events[-1].name == "RecoveryCompleted"
        assert events[-1].digest == proposal.digest
        own = [event for event in events if event.digest == proposal.digest]
        assert [event.act for event in own] == [proposal.act, None]
        registry = site.deployment.address_of(Contract.UNIT_REGISTRY)
        head = site.node.call(registry, keccak256(b"head()")[:4])
        assert verify_heads(ZERO_DIGEST, events) == head


def refusal(site: Home, operation: Operation, **keys: AccountKey) -> tuple[str, Retry, object]:
    data = site.call_of([operation], {Party(party): key for party, key in keys.items()})
    to = site.deployment.address_of(operation.act.contract)
    with pytest.raises(CallReverted) as estimated:
        site.node.estimate_gas(to, data, sender=b"\x33" * 20)
    with pytest.raises(CallReverted) as called:
        site.node.call(to, data)
    assert estimated.value.data == called.value.data
    error = revert_error(called.value.data)
    return error.name, error.retry, error.digest


def test_a_refusal_names_its_reason_what_to_do_and_the_operation(
    site: Home, story: list[tuple[tuple[Operation, ...], Receipt]]
) -> None:
    assert story
    common: dict[str, Value] = {"record": record("x"), "signedAt": START}
    closed = site.operation(
        "SignerRevocation", unit=1, signer=bytes(32), signedBy=ADMIN.id, **common
    )
    assert refusal(site, closed, signer=ADMIN) == ("NotAllowed", Retry.REFUSE, closed.digest)
    skewed = site.operation("UnitClosure", unit=9, record=record("x"), signedAt=START + QUIET + 300)
    assert refusal(site, skewed, authority=AUTHORITY)[0] == "Unknown"
    future = site.operation("UnitClosure", unit=9, record=record("x"), signedAt=START + QUIET + 301)
    assert refusal(site, future, authority=AUTHORITY) == (
        "TooEarly",
        Retry.WAIT,
        future.digest,
    )
    forged = site.operation("UnitClosure", unit=9, **common)
    assert refusal(site, forged, authority=ADMIN) == (
        "SignatureInvalid",
        Retry.REFUSE,
        forged.digest,
    )
    missing = site.operation("UnitClosure", unit=9, **common)
    assert refusal(site, missing, authority=AUTHORITY) == (
        "Unknown",
        Retry.WAIT,
        missing.digest,
    )
