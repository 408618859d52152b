"""Messages ⇄ ABI bytes, for calls, events and errors: words, and lists behind their offsets.

One reader and one writer serve them all.  What is read is written again and compared, so that no
two byte strings mean the same.

Source: Solidity ABI specification, "Formal specification of the encoding".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

from ledger.domain.encoding.abi import WORD, Member, Scalar, Struct, Value, word
from ledger.domain.errors import InvalidInput

#: more items than any list of ours has; what claims more is not read
MOST_ITEMS = 1024

Nested = Mapping[str, Struct]


def tuple_type(struct: Struct, nested: Nested) -> str:
    """`(uint32,bytes32,(uint16,uint32)[])`: a struct as signatures spell it."""
    parts = [
        f"{tuple_type(nested[m.type[:-2]], nested)}[]" if m.type.endswith("[]") else m.type
        for m in struct.members
    ]
    return f"({','.join(parts)})"


def is_dynamic(struct: Struct) -> bool:
    """Whether an encoder puts it behind an offset."""
    return any(member.type.endswith("[]") for member in struct.members)


# ---------------------------------------------------------------- values → bytes


def encode_struct(struct: Struct, nested: Nested, message: Mapping[str, Value]) -> bytes:
    """Its words; lists follow behind, each at the offset that stands in its place.

    Raises InvalidInput for missing, unknown and ill-fitting members.
    """
    if message.keys() != _names(struct):
        odd = ", ".join(sorted(_names(struct) ^ message.keys()))
        raise InvalidInput(
            f"has missing or unknown members: {odd}",
            field=struct.name,
            rule="a message has the members of its kind, all of them and no others",
        )
    heads: list[bytes] = []
    tails: list[bytes] = []
    end = WORD * len(struct.members)
    for member in struct.members:
        value = message[member.name]
        if not member.type.endswith("[]"):
            heads.append(word(member.type, _scalar(member, value), field=member.name))
            continue
        tail = _encode_list(member, nested, value)
        heads.append(number_word(end))
        tails.append(tail)
        end += len(tail)
    return b"".join(heads + tails)


def _encode_list(member: Member, nested: Nested, value: Value) -> bytes:
    if isinstance(value, int | bytes):
        raise InvalidInput("is one value where a list belongs", field=member.name)
    item = nested[member.type[:-2]]
    return number_word(len(value)) + b"".join(encode_struct(item, nested, each) for each in value)


def _scalar(member: Member, value: Value) -> Scalar:
    if not isinstance(value, int | bytes):
        raise InvalidInput("is a list where one value belongs", field=member.name)
    return value


def encode_bytes(data: bytes) -> bytes:
    """Length, bytes, and zeros up to a whole word."""
    return number_word(len(data)) + data + bytes(-len(data) % WORD)


def encode_array(items: Sequence[bytes], *, dynamic: bool) -> bytes:
    """A list of encoded items: its length, their offsets where they are dynamic, the items."""
    return number_word(len(items)) + (behind_offsets(items) if dynamic else b"".join(items))


def behind_offsets(items: Sequence[bytes]) -> bytes:
    """Each item's offset, then the items."""
    place = WORD * len(items)
    offsets = []
    for item in items:
        offsets.append(number_word(place))
        place += len(item)
    return b"".join(offsets) + b"".join(items)


def number_word(value: int) -> bytes:
    """One word."""
    return value.to_bytes(WORD, "big")


# ---------------------------------------------------------------- bytes → values


def read_struct(
    struct: Struct, nested: Nested, data: bytes, at: int
) -> tuple[dict[str, Value], int]:
    """The message that begins at a place, and where it ends; raises InvalidInput.

    Offsets are where `encode_struct` puts them, and no word has stray bits.
    """
    message: dict[str, Value] = {}
    end = at + WORD * len(struct.members)
    if end > len(data):
        raise InvalidInput("is cut off", field=struct.name)
    for member, bits in _columns(struct):
        raw = data[at : at + WORD]
        if bits is None:
            message[member.name] = raw
        elif bits == 0:
            if int.from_bytes(raw) != end - (at - WORD * len(message)):
                raise InvalidInput("is not where an encoder puts it", field=member.name)
            message[member.name], end = _read_list(member, nested, data, end)
        else:
            message[member.name] = _integer(raw, bits, member)
        at += WORD
    return message, end


def _integer(raw: bytes, bits: int, member: Member) -> int:
    """A number of so many bits; negative `bits` for a signed one."""
    value = int.from_bytes(raw, signed=bits < 0)
    if value >> bits if bits > 0 else value >> (-bits - 1) not in {0, -1}:
        raise InvalidInput("has stray bits", field=member.name, rule=member.type)
    return value


def _read_list(
    member: Member, nested: Nested, data: bytes, at: int
) -> tuple[list[Mapping[str, Scalar]], int]:
    count, at = read_number(data, at), at + WORD
    if count > MOST_ITEMS:
        raise InvalidInput(f"claims {count} items", field=member.name, rule=f"at most {MOST_ITEMS}")
    item = nested[member.type[:-2]]
    found: list[Mapping[str, Scalar]] = []
    for _ in range(count):
        line, at = read_struct(item, nested, data, at)
        found.append(cast("Mapping[str, Scalar]", line))
    return found, at


def read_number(data: bytes, at: int) -> int:
    """The number at a place; raises InvalidInput where the bytes end before it."""
    raw = data[at : at + WORD]
    if len(raw) != WORD:
        raise InvalidInput("is cut off", field="data")
    return int.from_bytes(raw)


def read_bytes(data: bytes, at: int, *, least: int = 0, most: int) -> tuple[bytes, int]:
    """The bytes whose length stands at a place, and where the padding ends; raises InvalidInput."""
    length, start = read_number(data, at), at + WORD
    end = start + -(-length // WORD) * WORD if least <= length <= most else len(data) + 1
    if end > len(data) or any(data[start + length : end]):
        raise InvalidInput(
            "is cut off, too long, too short, or has stray bytes after it",
            field="data",
            rule=f"{least} to {most} bytes and zeros",
        )
    return data[start : start + length], end


@lru_cache(maxsize=256)
def _names(struct: Struct) -> frozenset[str]:
    return frozenset(member.name for member in struct.members)


@lru_cache(maxsize=256)
def _columns(struct: Struct) -> tuple[tuple[Member, int | None], ...]:
    """Each member with its bits: None for 32 bytes, 0 for a list, negative for a signed number."""
    return tuple((member, _bits(member.type)) for member in struct.members)


def _bits(solidity_type: str) -> int | None:
    if solidity_type == "bytes32":
        return None
    if solidity_type.endswith("[]"):
        return 0
    if solidity_type.startswith("uint"):
        return int(solidity_type[4:])
    if solidity_type.startswith("int"):
        return -int(solidity_type[3:])
    raise AssertionError(solidity_type)
