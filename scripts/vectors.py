"""Domain → tests/vectors: values that Python and Solidity must both compute.

    python scripts/vectors.py           writes the files
    python scripts/vectors.py --check   fails when the committed files differ

Everything is derived from fixed text, so the files change only when the domain does.  Arrays are
flat and bytes are 0x-hexadecimal, so that Solidity reads them with vm.parseJsonBytes32Array.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import rfc8785
from eth_abi.abi import encode as abi_encode

from ledger.domain.acts.catalogue import ACTS, NESTED
from ledger.domain.acts.decisions import (
    TRANSITIONS,
    DecisionKind,
    DecisionState,
    require_shares,
    share_rule,
)
from ledger.domain.acts.vocabulary import Act
from ledger.domain.encoding.abi import Eip712Domain, Scalar, Struct, Value, hash_struct, type_hash
from ledger.domain.encoding.hashing import keccak256, sha256
from ledger.domain.encoding.identifiers import (
    UnitNumber,
    asset_id,
    consignment_id,
    cycle_id,
    equipment_id,
    serial_hash,
    signer_id,
    to_hex,
)
from ledger.domain.errors import Refused
from ledger.domain.operations import digest
from ledger.domain.records.commitments import (
    FieldValue,
    SubtreeProof,
    leaf_hash,
    prove,
    record_root,
    salt_of,
    subtree_root,
)

#: one kind of each struct; all statements share one
SHAPES = list({act.struct.name: act for act in ACTS.values()}.values())

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "vectors"
DOMAIN = Eip712Domain(chain_id=31337, contract=bytes(range(1, 21)))
#: what stands in decisions.json where a decision is not allowed; the contract's own mark
NOT_ALLOWED = 255

LISTS: Mapping[str, tuple[list[dict[str, Scalar]], ...]] = {
    "ClassTotal": (
        [{"packageClass": 1, "quantity": 12}],
        [
            {"packageClass": 1, "quantity": 0},
            {"packageClass": 7, "quantity": 30},
            {"packageClass": 65535, "quantity": 2**32 - 1},
        ],
    ),
    "Share": (
        [{"owner": 2, "payer": 2, "packageClass": 1, "delta": 12}],
        [
            {"owner": 2, "payer": 1, "packageClass": 7, "delta": -3},
            {"owner": 2, "payer": 2, "packageClass": 7, "delta": 3},
            {"owner": 4294967295, "payer": 3, "packageClass": 65535, "delta": -(2**31)},
        ],
    ),
}


def main() -> int:
    """Write the vectors, or compare them with what is committed."""
    parser = argparse.ArgumentParser(description="golden vectors of the domain")
    parser.add_argument("--check", action="store_true", help="fail when the files differ")
    check: bool = parser.parse_args().check
    texts = {name: json.dumps(make(), indent=2) + "\n" for name, make in MAKERS.items()}
    different = [name for name, text in texts.items() if _committed(name) != text]
    if check:
        for name in different:
            print(f"tests/vectors/{name} differs: run python scripts/vectors.py and look at why")
        return 1 if different else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"wrote {len(texts)} files, {len(different)} of them changed")
    return 0


def operations() -> object:
    """Two messages of every kind, with what EIP-712 makes of them."""
    return {
        "name": "SteriLedger",
        "version": "1",
        "chainId": DOMAIN.chain_id,
        "contract": to_hex(DOMAIN.contract),
        "domainSeparator": to_hex(DOMAIN.separator()),
        "kinds": {act.struct.name: _kind(act) for act in SHAPES},
    }


def identifiers() -> object:
    """Ids that the contracts compute, from short and long, ASCII and other input."""
    keys = [bytes(index % 251 for index in range(length)) for length in (20, 32, 64, 84, 276)]
    serials = ["1512", "MDS-3007/A", "灭菌器 3号"]
    units = [1, 2, 4294967295]
    machines = [equipment_id(UnitNumber(1), serial_hash(serial)) for serial in serials]
    owned = [
        equipment_id(UnitNumber(unit), serial_hash(serial))
        for unit, serial in zip(units, serials, strict=True)
    ]
    epochs, numbers = [1, 2, 4294967295], [13, 1, 2**64 - 1]
    return {
        "signers": {
            "keys": [to_hex(key) for key in keys],
            "ids": [to_hex(signer_id(key)) for key in keys],
        },
        "serials": {
            "texts": serials,
            "hashes": [to_hex(serial_hash(serial)) for serial in serials],
        },
        "equipment": {
            "units": units,
            "serials": [to_hex(serial_hash(serial)) for serial in serials],
            "ids": [to_hex(machine) for machine in owned],
        },
        # an asset's id from its owner and code, a consignment's from its giver and slip number
        "custody": {
            "units": units,
            "texts": [to_hex(serial_hash(serial)) for serial in serials],
            "assets": [
                to_hex(asset_id(UnitNumber(unit), serial_hash(text)))
                for unit, text in zip(units, serials, strict=True)
            ],
            "consignments": [
                to_hex(consignment_id(UnitNumber(unit), serial_hash(text)))
                for unit, text in zip(units, serials, strict=True)
            ],
        },
        "cycles": {
            "equipment": [to_hex(machine) for machine in machines],
            "epochs": epochs,
            # decimal text: JSON numbers end at 2**53 - 1
            "numbers": [str(number) for number in numbers],
            "ids": [
                to_hex(cycle_id(machine, epoch, number))
                for machine, epoch, number in zip(machines, epochs, numbers, strict=True)
            ],
        },
    }


def commitments() -> object:
    """Two records: one of several fields of every type, one without personal fields."""
    full: dict[str, FieldValue] = {
        "happened.text": "16.03.2016 / 00:53:20",
        "legal_hold": False,
        "machine.epoch": 1,
        "machine.number": 9007199254740991,
        "machine.serial": "1512",
        "programme": None,
        "verdict.minimum_celsius": "134.6",
    }
    people: dict[str, FieldValue] = {"performer": "李 Müller", "checker": None, "enterer": ""}
    return {
        "records": [
            _record("full", full, people, facts_shown=["machine.serial", "programme"]),
            _record("one-field", {"reason": 'a "quoted" word, \u2028 and \U0001f321'}, {}),
        ]
    }


#: What a correction may move: the packages that each owner was released, and is moved then, of the
#: classes 7 and 9, of which 10 and 4 are declared.  Name → (owner, class, delta) of each line.
MOVES: Mapping[str, tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]] = {
    "from the second owner to the first": ([(1, 7, 4), (2, 7, 6)], [(1, 7, 3), (2, 7, -3)]),
    "from the first owner to the second": ([(1, 7, 4), (2, 7, 6)], [(1, 7, -4), (2, 7, 4)]),
    "two classes at once": (
        [(1, 7, 10), (2, 9, 4)],
        [(1, 7, -10), (1, 9, 4), (2, 7, 10), (2, 9, -4)],
    ),
    "one more than is declared": ([(1, 7, 10)], [(1, 7, -1), (2, 7, 2)]),
    "more than was released": ([(1, 7, 3)], [(1, 7, 4), (2, 7, -4)]),
    "room in another class": ([(1, 7, 10), (1, 9, 3)], [(1, 7, 1), (1, 9, -1)]),
}
DECLARED = {7: 10, 9: 4}


def decisions() -> object:
    """The whole table, 10 states by 8 kinds, row after row; and packages that change owners."""
    pairs = [(state, kind) for state in DecisionState for kind in DecisionKind]
    return {
        "states": [state.word for state in DecisionState],
        "kinds": [kind.word for kind in DecisionKind],
        "from": [int(state) for state, _ in pairs],
        "kind": [int(kind) for _, kind in pairs],
        "to": [int(TRANSITIONS[state].get(kind, NOT_ALLOWED)) for state, kind in pairs],
        "shares": [_shares_word(state, kind) for state, kind in pairs],
        "declared": {"classes": list(DECLARED), "quantities": list(DECLARED.values())},
        "moves": [_move(name, *lines) for name, lines in MOVES.items()],
    }


def _move(
    name: str, release: list[tuple[int, int, int]], correction: list[tuple[int, int, int]]
) -> object:
    before = _sums(release, dict.fromkeys(DECLARED, 0))
    lines = [_line(*line) for line in correction]
    try:
        require_shares(DecisionState.RELEASED, DecisionKind.CORRECT, lines, DECLARED, before)
        accepted, after = True, _sums(correction, before)
    except Refused:
        accepted, after = False, before
    return {
        "name": name,
        "release": _columns(release),
        "correct": _columns(correction),
        "accepted": accepted,
        "released": list(after.values()),
    }


def _sums(lines: list[tuple[int, int, int]], before: Mapping[int, int]) -> dict[int, int]:
    return {
        number: count + sum(delta for _, of, delta in lines if of == number)
        for number, count in before.items()
    }


def _line(owner: int, package_class: int, delta: int) -> dict[str, Scalar]:
    return {"owner": owner, "payer": 1, "packageClass": package_class, "delta": delta}


def _columns(lines: list[tuple[int, int, int]]) -> dict[str, list[int]]:
    owners, classes, deltas = (list(column) for column in zip(*lines, strict=True))
    return {"owners": owners, "classes": classes, "deltas": deltas}


def _shares_word(state: DecisionState, kind: DecisionKind) -> str:
    if kind not in TRANSITIONS[state]:
        return "refused"
    return share_rule(state, kind).name.lower()


def _kind(act: Act) -> object:
    messages = [_message(act, variant) for variant in (0, 1)]
    return {
        "typeHash": to_hex(type_hash(act.struct, NESTED)),
        "messages": [_plain(message) for message in messages],
        # abi.encode(struct): abi.decode(…, (Struct)) gives the message
        "encoded": [to_hex(_encoded(act.struct, message)) for message in messages],
        "structHashes": [to_hex(hash_struct(act.struct, NESTED, m)) for m in messages],
        "digests": [to_hex(digest(act, message, DOMAIN)) for message in messages],
    }


def _message(act: Act, variant: int) -> dict[str, Value]:
    return {
        member.name: list(LISTS[member.type[:-2]][variant])
        if member.type.endswith("[]")
        else _scalar(member.type, f"{act.struct.name}.{member.name}.{variant}", variant)
        for member in act.struct.members
    }


def _scalar(solidity_type: str, seed: str, variant: int) -> Scalar:
    if solidity_type == "bytes32":
        return keccak256(seed.encode())
    if not solidity_type.startswith("u"):
        bits = int(solidity_type.removeprefix("int"))
        return -(1 << bits - 1) if variant == 1 else 12
    bits = int(solidity_type.removeprefix("uint"))
    if variant == 1:
        # the largest value, as far as a JSON number holds it exactly
        return (1 << min(bits, 53)) - 1
    return 1 + int.from_bytes(keccak256(seed.encode())[:6], "big") % ((1 << min(bits, 32)) - 1)


def _encoded(struct: Struct, message: Mapping[str, Value]) -> bytes:
    types: list[str] = []
    values: list[object] = []
    for member in struct.members:
        value = message[member.name]
        if isinstance(value, int | bytes):
            types.append(member.type)
            values.append(value)
            continue
        inner = NESTED[member.type[:-2]].members
        types.append("(" + ",".join(part.type for part in inner) + ")[]")
        values.append([tuple(item[part.name] for part in inner) for item in value])
    return abi_encode(["(" + ",".join(types) + ")"], [tuple(values)])


def _plain(message: Mapping[str, Value]) -> object:
    return {
        name: to_hex(value) if isinstance(value, bytes) else value
        for name, value in message.items()
    }


def _record(
    name: str,
    facts: dict[str, FieldValue],
    personal: dict[str, FieldValue],
    facts_shown: list[str] | None = None,
) -> object:
    secrets = {part: sha256(f"{name} {part}".encode()) for part in ("facts", "personal")}
    facts_root = subtree_root(secrets["facts"], facts)
    personal_root = subtree_root(secrets["personal"], personal)
    return {
        "name": name,
        "facts": _subtree(secrets["facts"], facts, facts_root, facts_shown or list(facts)[:1]),
        "personal": _subtree(secrets["personal"], personal, personal_root, list(personal)[:1]),
        "root": to_hex(record_root(facts_root, personal_root)),
    }


def _subtree(secret: bytes, fields: dict[str, FieldValue], root: bytes, shown: list[str]) -> object:
    salts = {path: salt_of(secret, path) for path in fields}
    return {
        "secret": to_hex(secret),
        "fields": fields,
        # one entry per field, in the order of `fields`
        "leaves": {
            "paths": list(fields),
            "salts": list(salts.values()),
            # RFC 8785 of [salt, path, value], which Solidity cannot write itself
            "canonical": [
                to_hex(rfc8785.dumps([salts[path], path, value])) for path, value in fields.items()
            ],
            "hashes": [
                to_hex(leaf_hash(salts[path], path, value)) for path, value in fields.items()
            ],
        },
        "root": to_hex(root),
        "proof": _proof(prove(secret, fields, shown)),
    }


def _proof(proof: SubtreeProof) -> object:
    return {
        "depth": proof.depth,
        "positions": [field.position for field in proof.shown],
        "paths": [field.path for field in proof.shown],
        "hidden": [to_hex(part) for part in proof.hidden],
    }


def _committed(name: str) -> str | None:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.exists() else None


MAKERS = {
    "operations.json": operations,
    "identifiers.json": identifiers,
    "commitments.json": commitments,
    "decisions.json": decisions,
}

if __name__ == "__main__":
    sys.exit(main())
