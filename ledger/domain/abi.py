"""Static ABI words and EIP-712 hashing of the few types that our operations use.

Sources: Solidity ABI specification, "Formal specification of the encoding"; EIP-712, "Definition of
hashStruct" and "Definition of domainSeparator".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ledger.domain.errors import InvalidInput
from ledger.domain.hashing import keccak256

WORD = 32

Scalar: TypeAlias = int | bytes
Value: TypeAlias = Scalar | Sequence[Mapping[str, Scalar]]

_INTEGER = re.compile(r"(u?)int(8|16|32|64|128|256)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One field of a struct."""

    #: name as the contract spells it
    name: str
    #: Solidity type: uintN, intN, bytes32, address, or `Struct[]`
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Struct:
    """A Solidity struct as EIP-712 sees it."""

    name: str
    members: tuple[Member, ...]

    def encode_type(self) -> str:
        """`Name(type member,…)`, without the structs it refers to."""
        inside = ",".join(f"{member.type} {member.name}" for member in self.members)
        return f"{self.name}({inside})"


def word(solidity_type: str, value: Scalar, *, field: str) -> bytes:
    """One 32-byte ABI word; raises InvalidInput when the value does not fit its type."""
    if solidity_type == "bytes32":
        if not isinstance(value, bytes) or len(value) != WORD:
            raise InvalidInput(
                "is not 32 bytes", field=field, rule="bytes32 holds exactly 32 bytes"
            )
        return value
    if solidity_type == "address":
        if not isinstance(value, bytes) or len(value) != 20:  # noqa: PLR2004
            raise InvalidInput("is not 20 bytes", field=field, rule="an address holds 20 bytes")
        return value.rjust(WORD, b"\0")
    match = _INTEGER.fullmatch(solidity_type)
    if match is None:
        raise InvalidInput(f"has the unknown type {solidity_type}", field=field)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput("is not an integer", field=field, rule=solidity_type)
    signed, bits = match[1] == "", int(match[2])
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= value <= high:
        raise InvalidInput(
            f"{value} does not fit", field=field, rule=f"{solidity_type}: {low} to {high}"
        )
    return value.to_bytes(WORD, "big", signed=signed)


def from_word(solidity_type: str, data: bytes) -> Scalar:
    """The value of one 32-byte ABI word; raises InvalidInput for a word that no encoder makes."""
    if len(data) != WORD:
        raise InvalidInput(f"a word has {len(data)} bytes", rule="an ABI word holds 32 bytes")
    if solidity_type == "bytes32":
        return data
    if solidity_type == "address":
        value: Scalar = data[12:]
    else:
        match = _INTEGER.fullmatch(solidity_type)
        if match is None:
            raise InvalidInput(f"unknown type {solidity_type}")
        value = int.from_bytes(data, "big", signed=match[1] == "")
    if word(solidity_type, value, field=solidity_type) != data:
        raise InvalidInput("a word has stray bits", rule=solidity_type)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Eip712Domain:
    """Where an operation is valid: one contract on one chain."""

    chain_id: int
    #: 20 bytes
    contract: bytes

    def separator(self) -> bytes:
        """The EIP-712 domain separator for name "SteriLedger", version "1"."""
        return keccak256(
            _DOMAIN_TYPE_HASH
            + _NAME_HASH
            + _VERSION_HASH
            + word("uint256", self.chain_id, field="chainId")
            + word("address", self.contract, field="verifyingContract")
        )


_DOMAIN_TYPE_HASH = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_NAME_HASH = keccak256(b"SteriLedger")
_VERSION_HASH = keccak256(b"1")


def hash_struct(
    struct: Struct, nested: Mapping[str, Struct], message: Mapping[str, Value]
) -> bytes:
    """EIP-712 hashStruct; refuses missing and unknown members."""
    names = {member.name for member in struct.members}
    if names != set(message):
        odd = sorted(names ^ set(message))
        raise InvalidInput(f"has missing or unknown members: {', '.join(odd)}", field=struct.name)
    parts = [type_hash(struct, nested)]
    for member in struct.members:
        value = message[member.name]
        if member.type.endswith("[]"):
            parts.append(_hash_array(nested[member.type[:-2]], value, field=member.name))
        else:
            parts.append(word(member.type, _scalar(value, member.name), field=member.name))
    return keccak256(b"".join(parts))


def type_hash(struct: Struct, nested: Mapping[str, Struct]) -> bytes:
    """EIP-712 typeHash: the struct's own type, then those it refers to, by name."""
    used = sorted(m.type[:-2] for m in struct.members if m.type.endswith("[]"))
    text = struct.encode_type() + "".join(nested[name].encode_type() for name in used)
    return keccak256(text.encode())


def typed_digest(domain: Eip712Domain, struct_hash: bytes) -> bytes:
    """EIP-712: keccak256(0x19 0x01 ‖ domain separator ‖ struct hash)."""
    return keccak256(b"\x19\x01" + domain.separator() + struct_hash)


def _scalar(value: Value, field: str) -> Scalar:
    if isinstance(value, int | bytes):
        return value
    raise InvalidInput("is a list where one value belongs", field=field)


def _hash_array(struct: Struct, value: Value, *, field: str) -> bytes:
    if isinstance(value, int | bytes):
        raise InvalidInput("is one value where a list belongs", field=field)
    return keccak256(b"".join(hash_struct(struct, {}, item) for item in value))
