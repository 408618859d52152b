"""Every operation × every forgery: the contracts refuse it, and record the true one afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from tests.contracts.world import (
    CARRY,
    DISPATCH,
    ENTRY_OF_ANYBODY,
    ERASE,
    FUNCTIONS,
    OPEN,
    RECEIVE,
    SETTLE,
    STATE_OF_CYCLE,
    Operation,
    Proofs,
    World,
    consignment_id,
    cycle_id,
    signer_id,
    tagged_id,
)

#: state of a signer who signs no more
REVOKED = 1
#: order of secp256k1
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
INVALID = "SignatureInvalid"

# ------------------------------------------------------------- one true operation of each kind


def unit_admission(world: World) -> Operation:
    new = world.known(Account.create())
    return world.operation(
        "UnitAdmission", unit=9, roles=1, administrator=new, custody=1, validUntil=0
    )


def unit_closure(world: World) -> Operation:
    return world.operation("UnitClosure", unit=1)


def signer_enrolment(world: World) -> Operation:
    return by_administrator(
        world,
        "SignerEnrolment",
        signer=world.known(Account.create()),
        rights=OPEN,
        custody=1,
        validFrom=world.now(),
        validUntil=0,
    )


def signer_revocation(world: World) -> Operation:
    return by_administrator(world, "SignerRevocation", signer=signer_id(world.operator))


def equipment_registration(world: World) -> Operation:
    return by_administrator(world, "EquipmentRegistration", serial=b"\x09" * 32, kind=1, epoch=1)


def equipment_change(world: World) -> Operation:
    equipment = world.register(serial=b"\x08" * 32)
    return by_administrator(
        world,
        "EquipmentChange",
        equipment=equipment,
        state=2,
        epoch=1,
        replaces=world.latest(equipment),
    )


def recovery_proposal(world: World) -> Operation:
    return world.operation(
        "RecoveryProposal",
        unit=1,
        signer=world.known(Account.create()),
        custody=3,
        validUntil=0,
    )


def recovery_veto(world: World) -> Operation:
    proposal = recovery_proposal(world)
    world.send(proposal)
    return by_administrator(world, "RecoveryVeto", proposal=proposal.digest)


def record_erasure(world: World) -> Operation:
    second = Account.create()
    world.enrol(second, ERASE)
    return world.operation(
        "RecordErasure",
        unit=1,
        subject=b"\x05" * 32,
        signedBy=signer_id(world.operator),
        countersignedBy=signer_id(second),
    )


def cycle_opening(world: World) -> Operation:
    return world.opening(world.register(serial=b"\x08" * 32), 1)


def opened(world: World) -> bytes:
    opening = cycle_opening(world)
    world.send(opening)
    return cycle_id(opening.values["equipment"], 1, 1)


def cycle_ending(world: World) -> Operation:
    return world.by_operator("CycleEnding", opened(world), outcome=1, verdict=1, endedAt=0)


def load_declaration(world: World) -> Operation:
    totals: Any = [{"packageClass": 1, "quantity": 3}]
    return world.by_operator("LoadDeclaration", opened(world), totals=totals)


def cycle_decision(world: World) -> Operation:
    cycle = opened(world)
    reject = 4
    return world.by_operator(
        "CycleDecision", cycle, kind=reject, ending=bytes(32), load=bytes(32), shares=[]
    )


def cycle_void(world: World) -> Operation:
    opening = cycle_opening(world)
    world.send(opening)
    cycle = cycle_id(opening.values["equipment"], 1, 1)
    return world.by_operator("CycleVoid", cycle, opening=opening.digest)


def mover(world: World) -> LocalAccount:
    """Somebody of the unit who does all that custody and accounts know."""
    key: LocalAccount = Account.create()
    world.enrol(key, DISPATCH | CARRY | RECEIVE | SETTLE)
    return key


def another_unit(world: World, key: LocalAccount | None = None) -> int:
    """A unit that was just admitted."""
    unit = 100 + secrets.randbelow(2**31)
    world.admit(unit, Account.create() if key is None else key)
    return unit


def dispatch(world: World) -> Operation:
    unit = another_unit(world)
    return world.operation(
        "Dispatch", unit=1, slip=secrets.token_bytes(32), receiver=unit, purpose=1, packages=2,
        asset=bytes(32), taker=unit, signedBy=signer_id(mover(world)),
    )  # fmt: skip


def dispatched(world: World) -> dict[str, Any]:
    """The next step of a consignment that was sent, by who sent it."""
    sent = dispatch(world)
    world.send(sent)
    return {
        "consignment": consignment_id(1, sent.values["slip"]), "unit": 1, "step": 2,
        "previous": sent.digest, "signedBy": sent.values["signedBy"],
    }  # fmt: skip


def hand_over(world: World) -> Operation:
    return world.operation("HandOver", taker=another_unit(world), leg=1, **dispatched(world))


def take_over(world: World) -> Operation:
    head, taker = Account.create(), Account.create()
    unit = another_unit(world, head)
    world.enrol(taker, CARRY | RECEIVE, unit=unit, signedBy=signer_id(head))
    sent = world.operation(
        "Dispatch", **{**dispatch(world).values, "taker": unit, "receiver": unit}
    )
    world.send(sent)
    counts = {"seen": 0, "inferred": 0, "refused": 0, "extra": 0}
    refused = 4
    return world.operation(
        "TakeOver", consignment=consignment_id(1, sent.values["slip"]), unit=unit, step=2,
        previous=sent.digest, outcome=refused, asset=bytes(32), trip=bytes(32),
        signedBy=signer_id(taker), **counts,
    )  # fmt: skip


def disposition(world: World) -> Operation:
    return world.operation("Disposition", kind=1, receiver=0, asset=bytes(32), **dispatched(world))


def closed_unit_disposition(world: World) -> Operation:
    values = dispatched(world)
    del values["signedBy"]
    world.send(unit_closure(world))
    return world.operation("ClosedUnitDisposition", kind=1, receiver=0, asset=bytes(32), **values)


def asset_registration(world: World) -> Operation:
    return by_administrator(world, "AssetRegistration", code=secrets.token_bytes(32), kind=1)


def asset_change(world: World) -> Operation:
    registration = asset_registration(world)
    world.send(registration)
    asset = tagged_id(
        "steriledger.asset.v1", ["uint32", "bytes32"], [1, registration.values["code"]]
    )
    return by_administrator(
        world, "AssetChange", asset=asset, state=2, replaces=registration.digest
    )


def service(world: World) -> Operation:
    return world.operation(
        "Service", unit=1, consumer=another_unit(world), kind=20, serviceClass=1, quantity=5,
        subject=bytes(32), happenedAt=0, corrects=bytes(32), signedBy=signer_id(mover(world)),
    )  # fmt: skip


def witness_of_a_cycle(world: World) -> Operation:
    return witness(world, STATE_OF_CYCLE[0], opened(world))


def witness_of_anything(world: World) -> Operation:
    return witness(world, ENTRY_OF_ANYBODY[0], b"\x05" * 32)


def witness(world: World, kind: int, about: bytes) -> Operation:
    return world.operation(
        "Witness",
        kind=kind,
        about=about,
        unit=1,
        content=b"\x06" * 32,
        signedBy=signer_id(world.operator),
    )


def by_administrator(world: World, struct: str, **values: Any) -> Operation:
    return world.operation(
        struct, **{"unit": 1, "signedBy": signer_id(world.administrator), **values}
    )


KINDS = [
    unit_admission,
    unit_closure,
    signer_enrolment,
    signer_revocation,
    equipment_registration,
    equipment_change,
    recovery_proposal,
    recovery_veto,
    record_erasure,
    cycle_opening,
    cycle_ending,
    load_declaration,
    cycle_decision,
    cycle_void,
    witness_of_a_cycle,
    witness_of_anything,
    dispatch,
    hand_over,
    take_over,
    disposition,
    asset_registration,
    asset_change,
    service,
    closed_unit_disposition,
]

# ------------------------------------------------------------- what a forger does to a signature

Sign = Callable[[World, Operation, Any], bytes]


def of_another_chain(world: World, operation: Operation, key: Any) -> bytes:
    """The same operation on the chain with the next id."""
    elsewhere = world.digest(operation.struct, operation.values, world.w3.eth.chain_id + 1)
    return world.signature(key, elsewhere)


def of_another_contract(world: World, operation: Operation, key: Any) -> bytes:
    """The same operation for contracts at other addresses: the ledgers changed places."""
    swapped = replace(
        world,
        registry=world.ledger,
        ledger=world.witnesses,
        witnesses=world.registry,
        custody=world.contributions,
        contributions=world.custody,
    )
    return world.signature(key, swapped.digest(operation.struct, operation.values))


def of_another_operation(world: World, operation: Operation, key: Any) -> bytes:
    """The same act about another record."""
    other = {**operation.values, "record": b"\x99" * 32}
    return world.signature(key, world.digest(operation.struct, other))


def of_another_kind(world: World, operation: Operation, key: Any) -> bytes:
    """Another kind of operation with fields of the same name."""
    closure = world.operation("UnitClosure", unit=operation.values.get("unit", 1))
    revocation = world.operation(
        "SignerRevocation", unit=1, signer=bytes(32), signedBy=signer_id(world.administrator)
    )
    other = revocation if operation.struct == "UnitClosure" else closure
    return world.signature(key, other.digest)


def mirrored(world: World, operation: Operation, key: Any) -> bytes:
    """(r, n − s) with the other v: the same curve equation holds."""
    whole = world.signature(key, operation.digest)
    s = int.from_bytes(whole[32:64], "big")
    return whole[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - whole[64]])


def by_a_stranger(world: World, operation: Operation, _key: Any) -> bytes:
    """Somebody whom nobody enrolled."""
    return world.signature(world.stranger, operation.digest)


def by_another_units_head(other: LocalAccount) -> Sign:
    """Somebody who may do the same for another unit."""

    def sign(world: World, operation: Operation, _key: Any) -> bytes:
        return world.signature(other, operation.digest)

    return sign


def by_the_authority_or_for_it(world: World, operation: Operation, key: Any) -> bytes:
    """The authority in a unit's place; a unit's administrator in the authority's."""
    forger = world.administrator if key is world.authority else world.authority
    return world.signature(forger, operation.digest)


def cut_short(world: World, operation: Operation, key: Any) -> bytes:
    """Without its last byte."""
    return world.signature(key, operation.digest)[:-1]


def nothing(_world: World, _operation: Operation, _key: Any) -> bytes:
    """No signature at all; `ecrecover` gives the zero address for some of these."""
    return b""


def zeros(_world: World, _operation: Operation, _key: Any) -> bytes:
    """A signature for which the curve gives no key."""
    return bytes(65)


FORGERIES: list[Sign] = [
    of_another_chain,
    of_another_contract,
    of_another_operation,
    of_another_kind,
    mirrored,
    by_a_stranger,
    by_the_authority_or_for_it,
    cut_short,
    nothing,
    zeros,
]


def key_of(world: World, proof: Any) -> Any:
    """Whose place a proof has: the authority's when it names no key."""
    if isinstance(proof, bytes):
        return world.authority
    return next(k for k in world.keys.values() if bytes.fromhex(k.address[2:]) == proof[0])


def stated(world: World, operation: Operation, place: int) -> bytes:
    """The signer that the operation names in that place; zeros for the authority."""
    proof = first(world.proofs(operation)[place])
    return bytes(32) if isinstance(proof, bytes) else signer_id(key_of(world, proof))


def first(batch: Sequence[Any]) -> Any:
    """The only proof of a batch of one."""
    return batch[0]


def forged(world: World, operation: Operation, place: int, sign: Sign) -> Proofs:
    """The true proofs, with one signature replaced; the key that is stated stays."""
    proofs = [list(each) for each in world.proofs(operation)]
    (proof,) = proofs[place]
    signature = sign(world, operation, key_of(world, proof))
    proofs[place] = [signature if isinstance(proof, bytes) else (proof[0], signature)]
    return proofs


def test_every_kind_of_the_contracts_is_forged(world: World) -> None:
    world.staff()
    assert {make(world).struct for make in KINDS} == set(FUNCTIONS)


@pytest.mark.parametrize("make", KINDS)
def test_no_forgery_of_any_partys_signature_is_recorded(
    world: World, make: Callable[[World], Operation]
) -> None:
    world.staff()
    other = Account.create()
    world.admit(2, other)
    operation = make(world)
    for place in range(len(world.proofs(operation))):
        for sign in [*FORGERIES, by_another_units_head(other)]:
            proofs = forged(world, operation, place, sign)
            name, digest, signer = world.refusal(operation, proofs)
            assert name == INVALID, (sign.__name__, place, name)
            assert digest == operation.digest
            assert signer == stated(world, operation, place), (sign.__name__, place)
    before = world.heads()
    assert world.send(operation)["status"] == 1
    assert world.heads() != before


@pytest.mark.parametrize("make", [each for each in KINDS if each is not unit_admission])
def test_a_stated_key_that_is_not_the_signers_counts_for_nothing(
    world: World, make: Callable[[World], Operation]
) -> None:
    """The stranger states a key of their own, and signs truly with it."""
    world.staff()
    operation = make(world)
    for place in range(len(world.proofs(operation))):
        proof = first(world.proofs(operation)[place])
        if isinstance(proof, bytes):
            continue  # the contract knows the authority's key; nobody states it
        proofs = [list(each) for each in world.proofs(operation)]
        proofs[place] = [world.proof(world.stranger, operation.digest)]
        name, digest, signer = world.refusal(operation, proofs)
        named = stated(world, operation, place)
        assert (name, digest, signer) == (INVALID, operation.digest, named)


def test_the_relayer_has_no_right_of_its_own(world: World) -> None:
    """Whoever pays, the same signatures record the same operation."""
    world.staff()
    payers: Sequence[Any] = world.w3.eth.accounts
    other_payer = payers[1]
    opening = world.opening(world.register(serial=b"\x08" * 32), 1)
    call = world.call(opening, None)
    sent = call.transact({"from": other_payer, "gas": 5_000_000})
    event = world.event(
        world.ledger, "CycleOpened", world.w3.eth.wait_for_transaction_receipt(sent)
    )
    assert event["operation"]["signedBy"] == signer_id(world.operator)


def test_an_old_enrolment_or_proposal_brings_no_revoked_key_back(world: World) -> None:
    world.staff()
    enrolment = world.enrol(world.stranger, OPEN)
    world.send(by_administrator(world, "SignerRevocation", signer=signer_id(world.stranger)))
    signer = signer_id(world.stranger)
    head = world.heads()
    assert world.send(enrolment)["logs"] == []
    assert world.heads() == head
    again = by_administrator(
        world,
        "SignerEnrolment",
        signer=signer_id(world.stranger),
        rights=OPEN,
        custody=1,
        validFrom=world.now(),
        validUntil=0,
    )
    assert world.refusal(again) == ["AlreadyRecorded", again.digest, "signer", signer]
    proposal = world.operation(
        "RecoveryProposal", unit=1, signer=signer_id(world.stranger), custody=1, validUntil=0
    )
    assert world.refusal(proposal) == ["AlreadyRecorded", proposal.digest, "signer", signer]
    opening = world.opening(
        world.register(serial=b"\x08" * 32), 1, signedBy=signer_id(world.stranger)
    )
    assert world.refusal(opening) == ["NotAllowed", opening.digest, "signer", REVOKED]


def test_a_unit_takes_no_key_machine_or_cycle_of_another_unit(world: World) -> None:
    equipment = world.staff()
    other = Account.create()
    world.admit(2, other)
    theirs: dict[str, Any] = {"unit": 2, "signedBy": signer_id(other)}
    attempts = [
        by_administrator(
            world,
            "SignerEnrolment",
            signer=signer_id(world.operator),
            rights=OPEN,
            custody=1,
            validFrom=world.now(),
            validUntil=0,
            **theirs,
        ),
        by_administrator(world, "SignerRevocation", signer=signer_id(world.operator), **theirs),
        by_administrator(
            world,
            "EquipmentChange",
            equipment=equipment,
            state=3,
            epoch=1,
            replaces=world.latest(equipment),
            **theirs,
        ),
        world.opening(equipment, 1, **theirs),
        world.opening(equipment, 1, signedBy=signer_id(other)),
    ]
    for operation in attempts:
        name, digest, *_ = world.refusal(operation)
        assert name != INVALID, "the signatures are true; the right is missing"
        assert digest == operation.digest
