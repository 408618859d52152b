"""Static ABI words and EIP-712 hashing of the few types that our operations use.

Sources: Solidity ABI specification, "Formal specification of the encoding"; EIP-712, "Definition of
hashStruct" and "Definition of domainSeparator".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeAlias

from ledger.domain.encoding.hashing import keccak256
from ledger.domain.errors import InvalidInput

WORD = 32

Scalar: TypeAlias = int | bytes
Value: TypeAlias = Scalar | Sequence[Mapping[str, Scalar]]

_INTEGER = re.compile(r"(u?)int(8|16|32|48|64|128|256)")


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

    def __hash__(self) -> int:
        """That of the name: structs are looked up far more often than they are made."""
        return hash(self.name)

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
    bounds = _bounds(solidity_type)
    if bounds is None:
        raise InvalidInput(f"has the unknown type {solidity_type}", field=field)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput("is not an integer", field=field, rule=solidity_type)
    low, high = bounds
    if not low <= value <= high:
        raise InvalidInput(
            f"{value} does not fit", field=field, rule=f"{solidity_type}: {low} to {high}"
        )
    return value.to_bytes(WORD, "big", signed=low < 0)


@cache
def _bounds(solidity_type: str) -> tuple[int, int] | None:
    """The least and greatest value of an integer type; None for any other."""
    match = _INTEGER.fullmatch(solidity_type)
    if match is None:
        return None
    bits = int(match[2])
    return (0, (1 << bits) - 1) if match[1] else (-(1 << bits - 1), (1 << bits - 1) - 1)


def from_word(solidity_type: str, data: bytes) -> Scalar:
    """The value of one 32-byte ABI word; raises InvalidInput for a word that no encoder makes."""
    if len(data) != WORD:
        raise InvalidInput(f"a word has {len(data)} bytes", rule="an ABI word holds 32 bytes")
    if solidity_type == "bytes32":
        return data
    if solidity_type == "address":
        value: Scalar = data[12:]
    else:
        bounds = _bounds(solidity_type)
        if bounds is None:
            raise InvalidInput(f"unknown type {solidity_type}")
        value = int.from_bytes(data, "big", signed=bounds[0] < 0)
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
        return _separator(self)


@lru_cache(maxsize=64)
def _separator(domain: Eip712Domain) -> bytes:
    return keccak256(
        _DOMAIN_TYPE_HASH
        + _NAME_HASH
        + _VERSION_HASH
        + word("uint256", domain.chain_id, field="chainId")
        + word("address", domain.contract, field="verifyingContract")
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
    return keccak256(type_hash(struct, nested) + encode_data(struct, nested, message))


def encode_data(
    struct: Struct, nested: Mapping[str, Struct], message: Mapping[str, Value]
) -> bytes:
    """EIP-712 encodeData; raises InvalidInput for missing, unknown and ill-fitting members."""
    if _names(struct) != message.keys():
        odd = sorted(_names(struct) ^ message.keys())
        raise InvalidInput(f"has missing or unknown members: {', '.join(odd)}", field=struct.name)
    parts = []
    for member in struct.members:
        value = message[member.name]
        if member.type.endswith("[]"):
            parts.append(_hash_array(nested[member.type[:-2]], value, field=member.name))
        else:
            parts.append(word(member.type, _scalar(value, member.name), field=member.name))
    return b"".join(parts)


@lru_cache(maxsize=256)
def _names(struct: Struct) -> frozenset[str]:
    return frozenset(member.name for member in struct.members)


def type_hash(struct: Struct, nested: Mapping[str, Struct]) -> bytes:
    """EIP-712 typeHash: the struct's own type, then those it refers to, by name."""
    used = tuple(nested[m.type[:-2]] for m in struct.members if m.type.endswith("[]"))
    return _type_hash(struct, used)


@lru_cache(maxsize=256)
def _type_hash(struct: Struct, used: tuple[Struct, ...]) -> bytes:
    inside = {each.name: each for each in used}
    text = struct.encode_type() + "".join(inside[name].encode_type() for name in sorted(inside))
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
