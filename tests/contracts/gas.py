"""What each act costs: the gas of whole transactions, one operation or fifty in each.

    python -m tests.contracts.gas    writes tests/contracts/gas.json

Everything that a transaction carries is fixed (keys, times, records, addresses), so the figures are
the same on every machine and change only when a contract or its compiler does.  They hold for the
hard fork that is named beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils.crypto import keccak
from web3 import EthereumTesterProvider, Web3

from tests.contracts.world import (
    STATE_OF_CYCLE,
    Operation,
    Value,
    World,
    consignment_id,
    cycle_id,
    deployed,
    signer_id,
)

TABLE = Path(__file__).with_name("gas.json")
MANY = 50
#: consignments at a tour's stop
TOUR = 5
#: Unix seconds, before the first block.
SIGNED_AT = 1_700_000_000
FIRST_BLOCK = 1_700_000_100
GAS_LIMIT = 16_000_000

Make = Callable[[int], Operation]


def measure() -> dict[str, Any]:
    """Return the table: the fork, and for each act the gas of one and, per operation, of fifty."""
    world, fork = _fixed_world()
    equipment = _settle(world)
    acts = _cycle_acts(world, equipment)
    rows: dict[str, dict[str, int]] = {}
    for name, make in acts.items():
        rows[name] = {
            "one": _gas(world, [make(2)]),
            f"each of {MANY}": _gas(world, [make(number) for number in range(3, 3 + MANY)]) // MANY,
        }
    rows |= _custody_rows(world)
    for name, operation in _registry_acts(world, equipment):
        rows[name] = {"one": _gas(world, [operation])}
    return {"fork": fork, "gas": rows}


def _fixed_world() -> tuple[World, str]:
    parameters = PyEVMBackend.generate_genesis_params(
        {"timestamp": FIRST_BLOCK, "gas_limit": 2 * GAS_LIMIT}
    )
    tester = EthereumTester(PyEVMBackend(genesis_parameters=parameters))
    world = deployed(Web3(EthereumTesterProvider(tester)), tester, _key("authority"))
    world.administrator, world.operator = _key("administrator"), _key("operator")
    return world, str(tester.backend.chain.get_vm().fork)


def _key(name: str) -> LocalAccount:
    key: LocalAccount = Account.from_key(keccak(text=name))
    return key


def _operation(world: World, struct: str, seed: object, **values: Value) -> Operation:
    fixed: dict[str, Value] = {"record": keccak(text=f"{struct} {seed}"), "signedAt": SIGNED_AT}
    return world.operation(struct, **{**fixed, **values})


def _settle(world: World) -> bytes:
    """Admit two units, enrol the operator, register a sterilizer; its first cycle has a result."""
    record, at = keccak(text="settled"), SIGNED_AT
    world.admit(record=record, signedAt=at)
    world.admit(2, _key("another administrator"), record=record, signedAt=at)
    world.enrol(world.operator, 1022, validFrom=at, record=record, signedAt=at)
    equipment = world.register(record=record, signedAt=at)
    acts = _cycle_acts(world, equipment)
    world.send(acts["open"](1))
    world.send(acts["witness a result"](1))
    return equipment


def _cycle_acts(world: World, equipment: bytes) -> dict[str, Make]:
    """Act → what makes it for the cycle of a number; in the order in which a cycle takes them."""
    # digests of each cycle so far, by struct
    done: dict[int, dict[str, bytes]] = {}

    def make(struct: str, of: int, /, **values: Value) -> Operation:
        if struct != "CycleOpening":
            values["cycle"] = cycle_id(equipment, 1, of)
        values = {"unit": 1, "signedBy": signer_id(world.operator), **values}
        operation = _operation(world, struct, (of, values.get("kind")), **values)
        done.setdefault(of, {})[struct] = operation.digest
        return operation

    def opening(number: int) -> Operation:
        return make(
            "CycleOpening",
            number,
            equipment=equipment,
            epoch=1,
            number=number,
            startedAt=SIGNED_AT,
        )

    def ending(number: int) -> Operation:
        return make("CycleEnding", number, outcome=1, verdict=1, endedAt=SIGNED_AT)

    def load(number: int) -> Operation:
        return make("LoadDeclaration", number, totals=[{"packageClass": 7, "quantity": 10}])

    def release(number: int) -> Operation:
        shares = [
            {"owner": 1, "payer": 1, "packageClass": 7, "delta": 4},
            {"owner": 2, "payer": 1, "packageClass": 7, "delta": 3},
        ]
        return decide(number, 1, shares)

    def hold(number: int) -> Operation:
        return decide(number, 5, [], replaces=done[number]["CycleDecision"])

    def decide(number: int, kind: int, shares: list[dict[str, int]], **values: Value) -> Operation:
        judged = done[number]
        return make(
            "CycleDecision",
            number,
            kind=kind,
            ending=judged["CycleEnding"],
            load=judged["LoadDeclaration"],
            shares=shares,
            **values,
        )

    def result(number: int) -> Operation:
        about = cycle_id(equipment, 1, number)
        return _operation(
            world,
            "Witness",
            number,
            kind=STATE_OF_CYCLE[0],
            about=about,
            unit=1,
            content=keccak(text="content"),
            signedBy=signer_id(world.operator),
        )

    return {
        "open": opening,
        "end": ending,
        "load one class": load,
        "release to two units": release,
        "hold": hold,
        "witness a result": result,
        "record a service": _service(world),
    }


def _service(world: World) -> Make:
    def make(number: int) -> Operation:
        return _operation(
            world,
            "Service",
            number,
            unit=1,
            consumer=2,
            kind=7,
            serviceClass=1,
            quantity=90,
            subject=keccak(text="asset"),
            happenedAt=SIGNED_AT,
            corrects=bytes(32),
            signedBy=signer_id(world.operator),
        )

    return make


def _custody_rows(world: World) -> dict[str, dict[str, int]]:
    """The way of twenty packages from one unit by a carrier to another, alone and on one tour."""
    keys = {unit: _key(f"worker of {unit}") for unit in (1, 21, 22)}
    fixed: dict[str, Value] = {"record": keccak(text="settled"), "signedAt": SIGNED_AT}
    for unit, key in keys.items():
        administrator = world.administrator if unit == 1 else _key(f"administrator {unit}")
        if unit != 1:
            world.admit(unit, administrator, **fixed)
        signed_by = signer_id(administrator)
        world.enrol(key, 224, unit=unit, signedBy=signed_by, validFrom=SIGNED_AT, **fixed)
    latest: dict[int, list[bytes]] = {}

    def make(struct: str, unit: int, slip: int, /, **values: Value) -> Operation:
        steps = latest.setdefault(slip, [])
        if struct != "Dispatch":
            of = consignment_id(1, keccak(text=str(slip)))
            values |= {"consignment": of, "step": len(steps) + 1, "previous": steps[-1]}
        signed = signer_id(keys[unit])
        operation = _operation(world, struct, (unit, slip), unit=unit, signedBy=signed, **values)
        steps.append(operation.digest)
        return operation

    def dispatch(slip: int) -> Operation:
        sent: dict[str, Value] = {"receiver": 22, "purpose": 1, "packages": 20, "taker": 21}
        return make("Dispatch", 1, slip, slip=keccak(text=str(slip)), asset=bytes(32), **sent)

    def take(unit: int, outcome: int, seen: int) -> Make:
        counts: dict[str, Value] = {"seen": seen, "inferred": 0, "refused": 0, "extra": 0}
        none: dict[str, Value] = {"asset": bytes(32), "trip": bytes(32)}
        return lambda slip: make("TakeOver", unit, slip, outcome=outcome, **counts, **none)

    def hand_over(slip: int) -> Operation:
        return make("HandOver", 21, slip, taker=22, leg=1)

    ways: dict[str, Make] = {
        "dispatch": dispatch,
        "carry": take(21, 1, 0),
        "hand over": hand_over,
        "keep": take(22, 2, 20),
    }
    _gas(world, [dispatch(0)])  # the first of all sets the head
    return {
        name: {
            "one": _gas(world, [way(1)]),
            f"each of {TOUR}": _gas(world, [way(slip) for slip in range(2, 2 + TOUR)]) // TOUR,
        }
        for name, way in ways.items()
    }


def _registry_acts(world: World, equipment: bytes) -> Sequence[tuple[str, Operation]]:
    administrator, operator = signer_id(world.administrator), signer_id(world.operator)
    second = world.known(_key("second operator"))
    terms: dict[str, Value] = {"custody": 2, "validUntil": 0}

    def make(struct: str, **values: Value) -> Operation:
        by_administrator: dict[str, Value] = {"unit": 1, "signedBy": administrator}
        return _operation(world, struct, "", **{**by_administrator, **values})

    third: dict[str, Value] = {
        "unit": 3,
        "administrator": world.known(_key("third administrator")),
        "roles": 1,
    }
    rights: dict[str, Value] = {"signer": second, "rights": 1022, "validFrom": SIGNED_AT}
    two: dict[str, Value] = {"signedBy": operator, "countersignedBy": second}
    state: dict[str, Value] = {
        "equipment": equipment,
        "state": 2,
        "epoch": 1,
        "replaces": world.latest(equipment),
    }
    machine: dict[str, Value] = {"serial": keccak(text="another machine"), "kind": 1, "epoch": 1}
    return (
        ("admit a unit", make("UnitAdmission", **third, **terms)),
        ("enrol a signer", make("SignerEnrolment", **rights, **terms)),
        ("erase a record", make("RecordErasure", subject=keccak(text="subject"), **two)),
        ("revoke a signer", make("SignerRevocation", signer=second)),
        ("register a machine", make("EquipmentRegistration", **machine)),
        ("change a machine", make("EquipmentChange", **state)),
    )


def _gas(world: World, operations: Sequence[Operation]) -> int:
    """Relay the operations in one transaction; return the gas that it used."""
    columns = zip(*(world.proofs(each) for each in operations), strict=True)
    proofs = [[proof for (proof,) in column] for column in columns]
    call = world.call_of(operations[0].struct, operations, proofs)
    sent = call.transact({"from": world.relayer, "gas": GAS_LIMIT})
    receipt = world.w3.eth.wait_for_transaction_receipt(sent)
    assert receipt["status"] == 1
    return int(receipt["gasUsed"])


if __name__ == "__main__":
    TABLE.write_text(json.dumps(measure(), indent=2) + "\n", encoding="utf-8")
