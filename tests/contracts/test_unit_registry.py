"""Each act on the registry: once accepted, and its main refusals, against the artifacts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

from tests.contracts.world import (
    ADMINISTER,
    DECIDE,
    ERASE,
    OPEN,
    Proofs,
    Value,
    World,
    deploy,
    equipment_id,
    signer_id,
)

WEEK = 7 * 24 * 3600


def folded(head: bytes, *digests: bytes) -> bytes:
    """Return the running head after these digests."""
    for digest in digests:
        head = keccak(encode(["bytes32", "bytes32"], [head, digest]))
    return head


# ------------------------------------------------------------------------------------- admission


def test_an_admitted_unit_has_its_administrator_and_advances_the_head_once(world: World) -> None:
    operation = world.operation(
        "UnitAdmission",
        unit=1,
        roles=3,
        administrator=world.known(world.administrator),
        custody=4,
        validUntil=0,
    )
    admitted = world.event(world.registry, "UnitAdmitted", world.send(operation))
    assert admitted["digest"] == operation.digest
    assert admitted["head"] == folded(bytes(32), operation.digest) == world.heads()[0]
    assert admitted["key"] == bytes.fromhex(world.administrator.address[2:])
    stored = world.registry.functions.getSigner(signer_id(world.administrator)).call()
    assert stored == [1, ADMINISTER, operation.values["signedAt"], 0, False]
    assert world.registry.functions.isAdmitted(1).call()


def test_an_admission_sent_twice_is_recorded_once(world: World) -> None:
    operation = world.admit()
    head = world.heads()
    assert world.send(operation)["logs"] == []
    assert world.heads() == head


def test_a_unit_number_is_given_once(world: World) -> None:
    world.admit()
    other = Account.create()
    operation = world.operation(
        "UnitAdmission",
        unit=1,
        roles=1,
        administrator=world.known(other),
        custody=1,
        validUntil=0,
    )
    assert world.refusal(operation) == [
        "AlreadyRecorded",
        operation.digest,
        "unit",
        (1).to_bytes(32),
    ]


def test_only_the_authority_admits(world: World) -> None:
    operation = world.operation(
        "UnitAdmission",
        unit=1,
        roles=1,
        administrator=world.known(world.administrator),
        custody=1,
        validUntil=0,
    )
    forged: Proofs = [
        [world.signature(world.stranger, operation.digest)],
        [world.proof(world.administrator, operation.digest)],
    ]
    assert world.refusal(operation, forged) == ["SignatureInvalid", operation.digest, bytes(32)]


def test_a_closed_units_signers_can_do_nothing(world: World) -> None:
    equipment = world.staff()
    closure = world.operation("UnitClosure", unit=1)
    event = world.event(world.registry, "UnitClosed", world.send(closure))
    assert event["unit"] == 1
    assert not world.registry.functions.isAdmitted(1).call()
    opening = world.opening(equipment, 1)
    assert world.refusal(opening) == ["NotAllowed", opening.digest, "unit", 2]


# --------------------------------------------------------------------------------------- signers


def test_an_enrolled_signer_holds_the_rights_it_was_given(world: World) -> None:
    world.admit()
    operation = world.enrol(world.operator, OPEN | DECIDE, validUntil=world.now() + WEEK)
    stored = world.registry.functions.getSigner(signer_id(world.operator)).call()
    values = operation.values
    assert stored == [1, OPEN | DECIDE, values["validFrom"], values["validUntil"], False]
    assert world.registry.functions.isRecorded(operation.digest).call()


def test_a_signer_is_enrolled_only_by_its_own_consent(world: World) -> None:
    world.admit()
    operation = world.operation(
        "SignerEnrolment",
        unit=1,
        signer=world.known(world.operator),
        rights=OPEN,
        custody=1,
        validFrom=world.now(),
        validUntil=0,
        signedBy=signer_id(world.administrator),
    )
    proofs = world.proofs(operation)
    key, _ = world.proof(world.operator, operation.digest)
    proofs[1] = [(key, world.signature(world.stranger, operation.digest))]
    refusal = world.refusal(operation, proofs)
    assert refusal == ["SignatureInvalid", operation.digest, signer_id(world.operator)]


def test_a_units_key_cannot_be_enrolled_by_another_unit(world: World) -> None:
    world.staff()
    other = Account.create()
    world.admit(2, other)
    squatting = world.operation(
        "SignerEnrolment",
        unit=2,
        signer=signer_id(world.operator),
        rights=OPEN,
        custody=1,
        validFrom=world.now(),
        validUntil=0,
        signedBy=signer_id(other),
    )
    refusal = world.refusal(squatting)
    assert refusal == ["AlreadyRecorded", squatting.digest, "signer", signer_id(world.operator)]


def test_a_revoked_signer_stays_revoked_when_its_enrolment_is_sent_again(world: World) -> None:
    world.admit()
    enrolment = world.enrol(world.operator, OPEN)
    revocation = world.operation(
        "SignerRevocation",
        unit=1,
        signer=signer_id(world.operator),
        signedBy=signer_id(world.administrator),
    )
    event = world.event(world.registry, "SignerRevoked", world.send(revocation))
    assert event["about"] == signer_id(world.operator)
    assert world.send(enrolment)["logs"] == []
    assert world.registry.functions.getSigner(signer_id(world.operator)).call()[4]


@pytest.mark.parametrize("rights", [0, 8192])
def test_no_right_and_unknown_rights_are_refused(world: World, rights: int) -> None:
    world.admit()
    operation = world.operation(
        "SignerEnrolment",
        unit=1,
        signer=world.known(world.operator),
        rights=rights,
        custody=1,
        validFrom=world.now(),
        validUntil=0,
        signedBy=signer_id(world.administrator),
    )
    assert world.refusal(operation) == ["OutOfRange", operation.digest, "rights", rights, 1, 8191]


def test_the_future_is_accepted_only_within_the_skew(world: World) -> None:
    world.admit()
    late = world.now() + 10_000
    operation = world.operation(
        "SignerRevocation",
        unit=1,
        signer=signer_id(world.administrator),
        signedBy=signer_id(world.administrator),
        signedAt=late,
    )
    assert world.refusal(operation) == ["TooEarly", operation.digest, "signedAt", late - 300]


# ------------------------------------------------------------------------------------- equipment


def test_registered_equipment_is_in_service_in_its_epoch(world: World) -> None:
    world.admit()
    equipment = world.register()
    unit, state, epoch, latest, first = world.registry.functions.getEquipment(equipment).call()
    assert (unit, state, epoch, first) == (1, 1, 1, 1)
    assert world.registry.functions.isRecorded(latest).call()


def test_changed_equipment_has_its_new_state_and_epoch(world: World) -> None:
    world.admit()
    equipment = world.register()
    first = world.registry.functions.getEquipment(equipment).call()[3]
    change = world.operation(
        "EquipmentChange",
        equipment=equipment,
        unit=1,
        state=2,
        epoch=2,
        replaces=first,
        signedBy=signer_id(world.administrator),
    )
    event = world.event(world.registry, "EquipmentChanged", world.send(change))
    changed = event["operation"]
    assert (changed["state"], changed["epoch"], changed["replaces"]) == (2, 2, first)
    stored = world.registry.functions.getEquipment(equipment).call()
    assert stored == [1, 2, 2, change.digest, 1]
    stale = world.operation("EquipmentChange", **{**change.values, "record": b"\x01" * 32})
    assert world.refusal(stale) == ["NotCurrent", stale.digest, "replaces", first, change.digest]


def test_a_serial_number_is_registered_once_per_unit(world: World) -> None:
    world.admit()
    equipment = world.register()
    again = world.operation(
        "EquipmentRegistration",
        unit=1,
        serial=b"\x07" * 32,
        kind=1,
        epoch=5,
        signedBy=signer_id(world.administrator),
    )
    assert equipment == equipment_id(1, b"\x07" * 32)
    assert world.refusal(again) == ["AlreadyRecorded", again.digest, "equipment", equipment]


# -------------------------------------------------------------------------------------- recovery


def test_a_recovery_completes_after_seven_days(world: World) -> None:
    world.admit()
    proposal = world.operation(
        "RecoveryProposal", unit=1, signer=world.known(world.operator), custody=3, validUntil=0
    )
    world.event(world.registry, "RecoveryProposed", world.send(proposal))
    head = world.heads()[0]
    world.wait(WEEK + 60)
    complete = world.registry.functions.completeRecovery(proposal.digest)
    receipt = world.w3.eth.wait_for_transaction_receipt(complete.transact({"from": world.relayer}))
    event = world.event(world.registry, "RecoveryCompleted", receipt)
    tag = keccak(text="steriledger.recovery.completed.v1")
    completion = keccak(encode(["bytes32", "bytes32"], [tag, proposal.digest]))
    assert event["head"] == folded(head, completion) == world.heads()[0]
    stored = world.registry.functions.getSigner(signer_id(world.operator)).call()
    assert stored == [1, ADMINISTER, proposal.values["signedAt"], 0, False]


def test_a_vetoed_recovery_never_completes(world: World) -> None:
    world.admit()
    proposal = world.operation(
        "RecoveryProposal", unit=1, signer=world.known(world.operator), custody=3, validUntil=0
    )
    world.send(proposal)
    veto = world.operation(
        "RecoveryVeto", unit=1, proposal=proposal.digest, signedBy=signer_id(world.administrator)
    )
    world.event(world.registry, "RecoveryVetoed", world.send(veto))
    world.wait(WEEK + 60)
    assert world.refusal_of_completion(proposal.digest) == [
        "NotAllowed",
        proposal.digest,
        "recovery",
        2,
    ]


def test_a_recovery_cannot_be_completed_within_seven_days(world: World) -> None:
    world.admit()
    proposal = world.operation(
        "RecoveryProposal", unit=1, signer=world.known(world.operator), custody=3, validUntil=0
    )
    world.send(proposal)
    until = world.registry.functions.getRecovery(proposal.digest).call()[2]
    assert world.refusal_of_completion(proposal.digest) == [
        "TooEarly",
        proposal.digest,
        "recovery",
        until + 1,
    ]


# --------------------------------------------------------------------------------------- erasure


def test_an_erasure_needs_two_different_signers(world: World) -> None:
    world.staff()
    second = Account.create()
    world.enrol(second, ERASE)
    values: dict[str, Value] = {
        "unit": 1,
        "subject": b"\x05" * 32,
        "signedBy": signer_id(world.operator),
        "countersignedBy": signer_id(second),
    }
    event = world.event(
        world.registry, "RecordErased", world.send(world.operation("RecordErasure", **values))
    )
    assert event["operation"]["subject"] == b"\x05" * 32
    alone = world.operation(
        "RecordErasure", **{**values, "countersignedBy": signer_id(world.operator)}
    )
    number = int.from_bytes(signer_id(world.operator))
    assert world.refusal(alone) == ["NotAllowed", alone.digest, "countersignedBy", number]


# ------------------------------------------------------------------------------------ deployment


def test_a_signature_for_another_deployment_counts_for_nothing_here(world: World) -> None:
    world.admit()
    verifiers: list[str] = []
    other = deploy(world.w3, world.relayer, "UnitRegistry", world.authority.address, verifiers)
    closure = world.operation("UnitClosure", unit=1)
    here = [[world.signature(world.authority, closure.digest)]]
    there = replace(world, registry=other)
    elsewhere = there.operation("UnitClosure", **closure.values)
    assert there.refusal(elsewhere, here) == ["SignatureInvalid", elsewhere.digest, bytes(32)]


def test_every_operation_takes_a_batch_of_equally_many_proofs(world: World) -> None:
    closure = world.operation("UnitClosure", unit=1)
    assert world.refusal(closure, [[]]) == ["BatchInvalid", 1, 0]
