"""The compiled contracts that this release carries, and the code that each leaves on a chain.

The folder `artifacts` stands beside the package in a checkout, inside it once installed.
Source: Solidity documentation, "Using the Compiler", `immutableReferences` of its JSON output.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from ledger.domain.acts.words import Contract
from ledger.domain.chain.deployment import Deployment, Role
from ledger.domain.encoding.abi import WORD
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.errors import Inconsistent

_LONGEST_SHORT_STRING = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One compiled contract."""

    role: Role
    #: the contract's JSON ABI
    abi: tuple[Mapping[str, Any], ...]
    #: what a creating transaction carries, before the constructor's arguments
    creation_code: bytes
    #: the runtime code with zeroes where immutables go
    runtime_code: bytes
    #: immutable's name → where its word stands in the runtime code
    immutables: Mapping[str, tuple[int, ...]]

    def entries(self, kind: str) -> tuple[Mapping[str, Any], ...]:
        """The ABI's entries of one type: function, event, error, constructor."""
        return tuple(entry for entry in self.abi if entry["type"] == kind)


@cache
def load_artifact(role: Role) -> Artifact:
    """The artifact of one contract; raises Inconsistent when this installation lacks it."""
    source = _folder() / f"{role.value}.json"
    try:
        plain = json.loads(source.read_bytes())
        return Artifact(
            role=role,
            abi=tuple(plain["abi"]),
            creation_code=_code(plain["bytecode"]),
            runtime_code=_code(plain["deployedBytecode"]),
            immutables={
                name: tuple(place["start"] for place in places)
                for name, places in plain["immutableReferences"].items()
            },
        )
    except (OSError, KeyError, TypeError, ValueError):
        raise Inconsistent(
            f"the compiled contract {role} is missing or damaged",
            remedy="Reinstall SteriLedger, or run scripts/compile.py in a checkout.",
            field="artifacts",
            rule="a release holds the contracts that it was compiled to",
        ) from None


def _folder() -> Traversable:
    inside = files("ledger") / "artifacts"
    if inside.is_dir():
        return inside
    return Path(str(files("ledger"))).parent / "artifacts"


def _code(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


# ---------------------------------------------------------------- code with immutables


def expected_code(deployment: Deployment, role: Role) -> bytes:
    """The runtime code that this release's contract has in that deployment, every byte of it.

    The immutables follow from the deployment, so nothing needs to be masked.
    """
    artifact = load_artifact(role)
    code = bytearray(artifact.runtime_code)
    values = _immutable_values(deployment, role) if artifact.immutables else {}
    if set(artifact.immutables) != set(values):
        odd = ", ".join(sorted(set(artifact.immutables) ^ set(values)))
        raise Inconsistent(
            f"{role} has immutables that we cannot fill: {odd}",
            field="artifacts",
            rule="every byte of a contract follows from its deployment",
            remedy="reinstall SteriLedger, or run scripts/compile.py in a checkout",
        )
    for name, places in artifact.immutables.items():
        for start in places:
            code[start : start + WORD] = values[name]
    return bytes(code)


def _immutable_values(deployment: Deployment, role: Role) -> dict[str, bytes]:
    """The words of a recording contract's immutables (OpenZeppelin 5 EIP712 and our own)."""
    contract = Contract(role.value)
    domain = deployment.domain_of(contract)
    values = {
        "_cachedChainId": deployment.chain_id.to_bytes(WORD, "big"),
        "_cachedDomainSeparator": domain.separator(),
        "_cachedThis": domain.contract.rjust(WORD, b"\0"),
        "_hashedName": keccak256(b"SteriLedger"),
        "_hashedVersion": keccak256(b"1"),
        "_name": _short_string("SteriLedger"),
        "_version": _short_string("1"),
    }
    if contract is Contract.UNIT_REGISTRY:
        values["authority"] = deployment.authority.rjust(WORD, b"\0")
    else:
        values["registry"] = deployment.address_of(Contract.UNIT_REGISTRY).rjust(WORD, b"\0")
    if contract is Contract.WITNESSES:
        values["cycles"] = deployment.address_of(Contract.CYCLE_LEDGER).rjust(WORD, b"\0")
    return values


def _short_string(text: str) -> bytes:
    """OpenZeppelin ShortStrings: the bytes on the left, their number in the last byte."""
    data = text.encode()
    return data.ljust(_LONGEST_SHORT_STRING, b"\0") + bytes([len(data)])


def code_hash(code: bytes) -> bytes:
    """Keccak-256 of runtime code, as EXTCODEHASH gives it; 32 bytes."""
    return keccak256(code)
