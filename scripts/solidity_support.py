"""Artifacts → tests/solidity/support/Operations.sol: the test support that only repeats the ABI.

    python scripts/solidity_support.py           writes the file
    python scripts/solidity_support.py --check   writes nothing; exit code 1 when it differs

The type strings are built from the ABI, so they check those that the contracts write by hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests" / "solidity" / "support" / "Operations.sol"

#: Ledger → what the Solidity tests call it.
LEDGERS = {
    "UnitRegistry": "registry",
    "CycleLedger": "ledger",
    "CustodyLedger": "custody",
    "ContributionLedger": "contributions",
    "Witnesses": "witnesses",
}
#: The members that name a signing key, in the order in which a function takes their proofs.
SIGNING = ("signedBy", "countersignedBy", "administrator", "signer")
#: The parameters of every operation's event; one that brings a key has one more.
EVENT = ("digest", "about", "unit", "head", "operation")
#: Errors of OpenZeppelin's, which stand in every ABI.
FOREIGN = {"InvalidShortString", "StringTooLong"}

FILE = """\
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Written by scripts/solidity_support.py from the ABIs in artifacts/.

{imports}
import {{Actors}} from "./Actors.sol";

/// Every operation and every error, as the tests build, sign, send, expect and refuse them.
abstract contract Operations is Actors {{
    function allKinds() internal pure returns (string[] memory kinds) {{
        kinds = new string[]({count});
{kinds}
    }}

    function structHash(string memory kind, bytes memory encoded) internal pure returns (bytes32) {{
{decoders}
        revert(kind);
    }}
{operations}{errors}}}
"""
KIND = """        kinds[{index}] = "{name}";"""
DECODER = """\
        if (keccak256(bytes(kind)) == keccak256("{name}"))
            return structHash(abi.decode(encoded, ({struct})));"""
OPERATION = """
    // {name}

    function one({struct} memory act) internal pure returns ({struct}[] memory batch) {{
        batch = new {struct}[](1);
        batch[0] = act;
    }}

    function structHash({struct} memory act) internal pure returns (bytes32) {{
{struct_hash}
    }}

    function digestOf({struct} memory act) internal view returns (bytes32) {{
        return digestAt(address({ledger}), structHash(act));
    }}

    function encode({struct} memory act) internal view returns (bytes memory) {{
        bytes32 digest = digestOf(act);
        return abi.encodeCall({interface}.{function}, (one(act), {proofs}));
    }}

    function send({struct} memory act) internal returns (bytes32) {{
        relay(address({ledger}), encode(act));
        return digestOf(act);
    }}

    function refuse({struct} memory act, bytes memory expected) internal {{
        refuseCall(address({ledger}), encode(act), expected);
    }}

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent({struct} memory act, bytes32 about) internal returns (bytes32 head) {{
        bytes32 digest = digestOf(act);
        head = fold({ledger}.head(), digest);
        vm.expectEmit(address({ledger}));
        emit {interface}.{event}(digest, about, act.unit, head, act{key});
    }}
"""
STATIC_HASH = """        return keccak256(abi.encode(keccak256("{type}"), act));"""
LIST_HASH = """\
        bytes memory hashes;
        for (uint256 i = 0; i < act.{list}.length; ++i) {{
            bytes32 line = keccak256(abi.encode(keccak256("{line}"), act.{list}[i]));
            hashes = bytes.concat(hashes, line);
        }}
        return keccak256(abi.encode(keccak256("{type}{line}"), {values}));"""
ERROR = """
    function {function}({parameters}) internal pure returns (bytes memory) {{
        return abi.encodeWithSelector(IErrors.{name}.selector, {values});
    }}
"""

Json = dict[str, Any]


def write_support(abis: dict[str, list[Json]]) -> str:
    """Return the source, from contract → ABI."""
    found = [
        (ledger, *operation)
        for contract, ledger in LEDGERS.items()
        for operation in _operations(abis[contract])
    ]
    structs = [_struct(function["inputs"][0]) for _, function, _ in found]
    interfaces = {"IErrors", *(struct.split(".")[0] for struct in structs)}
    names = [struct.split(".")[1] for struct in structs]
    return FILE.format(
        imports="\n".join(
            f'import {{{name}}} from "../../../contracts/interfaces/{name}.sol";'
            for name in sorted(interfaces)
        ),
        count=len(found),
        kinds="\n".join(KIND.format(index=index, name=name) for index, name in enumerate(names)),
        decoders="\n".join(
            DECODER.format(name=name, struct=struct)
            for name, struct in zip(names, structs, strict=True)
        ),
        operations="".join(_operation(*each) for each in found),
        errors="".join(
            _error(item)
            for item in abis["UnitRegistry"]
            if item["type"] == "error" and item["name"] not in FOREIGN
        ),
    )


def _operations(abi: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield each function that takes operations, with its event."""
    events = {
        item["inputs"][EVENT.index("operation")]["internalType"]: item
        for item in abi
        if item["type"] == "event" and len(item["inputs"]) >= len(EVENT)
    }
    for item in abi:
        if (
            item["type"] == "function"
            and item["inputs"]
            and item["inputs"][0]["name"] == "operations"
        ):
            yield item, events[item["inputs"][0]["internalType"].removesuffix("[]")]


def _operation(ledger: str, function: Json, event: Json) -> str:
    operations, *proofs = function["inputs"]
    struct = _struct(operations)
    interface, name = struct.split(".")
    members = [member["name"] for member in operations["components"]]
    keys = [f"proofOf(act.{member}, digest)" for member in SIGNING if member in members]
    signed = iter(keys)
    shown = [
        f"one({'signature(authority, digest)' if proof['type'] == 'bytes[]' else next(signed)})"
        for proof in proofs
    ]
    return OPERATION.format(
        name=name,
        struct=struct,
        interface=interface,
        ledger=ledger,
        function=function["name"],
        event=event["name"],
        proofs=", ".join(shown),
        key=f", {keys[-1]}.signer" if len(event["inputs"]) > len(EVENT) else "",
        struct_hash=_struct_hash(name, operations["components"]),
    )


def _struct_hash(name: str, members: list[Json]) -> str:
    """Return the body that computes EIP-712's hashStruct of `act`; one list of lines at most."""
    listed = next((member for member in members if member["type"] == "tuple[]"), None)
    if listed is None:
        return STATIC_HASH.format(type=_type(name, members))
    values = (
        "keccak256(hashes)" if member is listed else f"act.{member['name']}" for member in members
    )
    return LIST_HASH.format(
        list=listed["name"],
        line=_type(_struct(listed).split(".")[1], listed["components"]),
        type=_type(name, members),
        values=", ".join(values),
    )


def _type(name: str, members: list[Json]) -> str:
    """Return EIP-712's encodeType, without the types of the members."""
    texts = (
        f"{_struct(member).split('.')[1] + '[]' if member['type'] == 'tuple[]' else member['type']}"
        f" {member['name']}"
        for member in members
    )
    return f"{name}({','.join(texts)})"


def _struct(parameter: Json) -> str:
    """Return a parameter's struct, `IUnitRegistry.UnitAdmission`, without the list's brackets."""
    struct: str = parameter["internalType"]
    return struct.removeprefix("struct ").removesuffix("[]")


def _error(error: Json) -> str:
    """Return the function that encodes an error: `unknown(digest, what, id)`."""
    name: str = error["name"]
    return ERROR.format(
        name=name,
        function=name[0].lower() + name[1:],
        parameters=", ".join(f"{item['type']} {item['name']}" for item in error["inputs"]),
        values=", ".join(item["name"] for item in error["inputs"]),
    )


def main() -> int:
    """Run the script; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check: bool = parser.parse_args().check
    text = write_support(
        {
            name: json.loads((ROOT / "artifacts" / f"{name}.json").read_text("utf-8"))["abi"]
            for name in LEDGERS
        }
    )
    if not check:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == text:
        return 0
    sys.stderr.write(f"differs from what the ABIs say: {TARGET.relative_to(ROOT)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
