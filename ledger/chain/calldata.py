"""Operations ⇄ calldata: one call of a kind's function with its parallel arrays.

The arrays follow `Kind.parties`: the authority gives plain signatures (`bytes[]`), everybody else a
key with its signature (`Proof[]`).  Calls are written by the few rules that they need, much faster
than by eth_abi, which reads them; a property test holds the one to the other.

Source: Solidity ABI specification, "Formal specification of the encoding".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TypeAlias, cast

from eth_abi import abi as eth_abi
from eth_abi.exceptions import DecodingError

from ledger.domain.encoding.abi import WORD, Member, Scalar, Struct, Value, word
from ledger.domain.encoding.events import MAX_KEY_BYTES
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import ACCOUNT_LENGTH, to_hex
from ledger.domain.errors import InvalidInput
from ledger.domain.operations import KINDS, NESTED, Contract, Kind, Party
from ledger.domain.outbox.batching import Proof

SELECTOR_BYTES = 4
#: the contracts' MAX_BATCH
MAX_BATCH = 256
#: an RSA-4096 signature has 512 bytes, a passkey's with its client data about 700
MAX_SIGNATURE_BYTES = 8192

_PROOF_TYPE = "(bytes,bytes)"

Proofs: TypeAlias = Mapping[Party, Proof]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a call holds; `messages` and `proofs` belong together by place."""

    kind: Kind
    messages: tuple[Mapping[str, Value], ...]
    proofs: tuple[Proofs, ...]


def _tuple_type(struct: Struct) -> str:
    """`(uint32,bytes32,(uint16,uint32)[])`: a struct as the ABI names it."""
    parts = [
        f"{_tuple_type(NESTED[m.type[:-2]])}[]" if m.type.endswith("[]") else m.type
        for m in struct.members
    ]
    return f"({','.join(parts)})"


def _types(kind: Kind) -> tuple[str, ...]:
    arrays = ("bytes[]" if p is Party.AUTHORITY else f"{_PROOF_TYPE}[]" for p in kind.parties)
    return (f"{_tuple_type(kind.struct)}[]", *arrays)


def _selector(kind: Kind) -> bytes:
    return keccak256(f"{kind.function}({','.join(_types(kind))})".encode())[:SELECTOR_BYTES]


#: kind → the first four bytes of its calls
SELECTORS: Mapping[str, bytes] = {name: _selector(kind) for name, kind in KINDS.items()}
_KINDS_BY_SELECTOR = {selector: KINDS[name] for name, selector in SELECTORS.items()}
_TYPES = {name: _types(kind) for name, kind in KINDS.items()}
_COMPLETE_RECOVERY = keccak256(b"completeRecovery(bytes32)")[:SELECTOR_BYTES]


# ---------------------------------------------------------------- encoding


def encode_batch(
    kind: Kind, messages: Sequence[Mapping[str, Value]], proofs: Sequence[Proofs]
) -> bytes:
    """The calldata of one batch; `proofs[i]` has one proof for each of the kind's parties.

    Raises InvalidInput for an empty or too long batch, a missing or surplus party, a proof without
    a key (the authority's has none), and a member that does not fit its type.
    """
    if not 1 <= len(messages) <= MAX_BATCH:
        raise InvalidInput(
            f"{len(messages)} operations",
            field="batch",
            rule=f"1 to {MAX_BATCH}",
            remedy="divide them among several batches",
        )
    if len(proofs) != len(messages):
        raise InvalidInput(
            f"{len(proofs)} sets of proofs",
            field="proofs",
            rule="one each",
            remedy="give every operation the proofs of all its parties",
        )
    for each in proofs:
        _check_proofs(kind, each)
    structs = [_encode_struct(kind.struct, message) for message in messages]
    arrays = [
        _array(structs, dynamic=_is_dynamic(kind.struct)),
        *(
            _array([_encode_proof(party, each) for each in proofs], dynamic=True)
            for party in kind.parties
        ),
    ]
    return SELECTORS[kind.name] + _after_offsets(arrays)


def encode_recovery_completion(proposal: bytes) -> bytes:
    """The calldata of `completeRecovery`, which anybody may send; `proposal` is a digest."""
    return _COMPLETE_RECOVERY + eth_abi.encode(["bytes32"], [proposal])


def _check_proofs(kind: Kind, proofs: Proofs) -> None:
    if set(proofs) != set(kind.parties):
        raise InvalidInput(
            "has missing or surplus parties",
            field="proofs",
            rule=", ".join(kind.parties),
            remedy="give one proof for each of these parties",
        )
    for party, proof in proofs.items():
        size = len(proof.signer)
        keyed = size == 0 if party is Party.AUTHORITY else ACCOUNT_LENGTH <= size <= MAX_KEY_BYTES
        if not keyed:
            raise InvalidInput(
                f"has {size} bytes",
                field=f"proofs.{party}.signer",
                rule="an account or a public key, and nothing for the authority",
                remedy="give the signer's ERC-7913 bytes",
            )
        if not 0 < len(proof.signature) <= MAX_SIGNATURE_BYTES:
            raise InvalidInput(
                f"has {len(proof.signature)} bytes",
                field=f"proofs.{party}.signature",
                rule=f"1 to {MAX_SIGNATURE_BYTES}",
                remedy="give the signature of this operation by that signer",
            )


def _encode_struct(struct: Struct, message: Mapping[str, Value]) -> bytes:
    """Its words; lists follow behind, each at the offset that stands in its place."""
    if message.keys() != _names(struct):
        odd = ", ".join(sorted(_names(struct) ^ message.keys()))
        raise InvalidInput(
            f"has missing or unknown members: {odd}",
            field=struct.name,
            rule="a message has the members of its kind, all of them and no others",
            remedy="build the call with this release, from an operation that it accepted",
        )
    heads: list[bytes] = []
    tails: list[bytes] = []
    end = WORD * len(struct.members)
    for member in struct.members:
        value = message[member.name]
        if isinstance(value, int | bytes):
            heads.append(_encode_value(member, value))
            continue
        tail = _encode_list(member, value)
        heads.append(_number(end))
        tails.append(tail)
        end += len(tail)
    return b"".join(heads + tails)


@cache
def _names(struct: Struct) -> frozenset[str]:
    return frozenset(member.name for member in struct.members)


@cache
def _is_dynamic(struct: Struct) -> bool:
    return any(member.type.endswith("[]") for member in struct.members)


def _encode_value(member: Member, value: Scalar) -> bytes:
    if member.type.endswith("[]"):
        raise InvalidInput(
            "is one value where a list belongs",
            field=member.name,
            rule="as the contract's interface has it",
            remedy="give a list",
        )
    return word(member.type, value, field=member.name)


def _encode_list(member: Member, value: Sequence[Mapping[str, Scalar]]) -> bytes:
    if not member.type.endswith("[]"):
        raise InvalidInput(
            "is a list where one value belongs",
            field=member.name,
            rule="as the contract's interface has it",
            remedy="give one value",
        )
    nested = NESTED[member.type[:-2]]
    return _array([_encode_struct(nested, item) for item in value], dynamic=_is_dynamic(nested))


def _encode_proof(party: Party, proofs: Proofs) -> bytes:
    proof = proofs[party]
    if party is Party.AUTHORITY:
        return _bytes(proof.signature)
    return _after_offsets([_bytes(proof.signer), _bytes(proof.signature)])


def _array(items: Sequence[bytes], *, dynamic: bool) -> bytes:
    """Its length, then the items; those of no fixed size stand behind their offsets."""
    return _number(len(items)) + (_after_offsets(items) if dynamic else b"".join(items))


def _after_offsets(parts: Sequence[bytes]) -> bytes:
    """Where each part begins, counted from here, and the parts."""
    ends = accumulate((len(part) for part in parts), initial=WORD * len(parts))
    return b"".join([*(_number(at) for at, _ in zip(ends, parts, strict=False)), *parts])


def _bytes(value: bytes) -> bytes:
    """Its length, then it, padded to whole words."""
    return _number(len(value)) + value + bytes(-len(value) % WORD)


def _number(value: int) -> bytes:
    return value.to_bytes(WORD, "big")


# ---------------------------------------------------------------- decoding


def decode_batch(contract: Contract, data: bytes) -> Batch:
    """The operations and proofs of one call of that contract.

    Raises InvalidInput for an unknown function and for bytes that `encode_batch` would not make:
    what is decoded is encoded again and compared, so no two calls mean the same batch.
    """
    kind = _KINDS_BY_SELECTOR.get(data[:SELECTOR_BYTES])
    if kind is None or kind.contract is not contract:
        raise InvalidInput(
            f"calls {to_hex(data[:SELECTOR_BYTES])}",
            field="calldata",
            rule="a batch of operations",
            remedy="give a call of one of the contract's recording functions",
        )
    try:
        operations, *arrays = eth_abi.decode(_TYPES[kind.name], data[SELECTOR_BYTES:])
    except (DecodingError, OverflowError, ValueError) as error:
        raise InvalidInput(
            f"cannot be read: {error}",
            field="calldata",
            rule="the encoding of the contract's ABI",
            remedy="build the call with this release, from an operation that it accepted",
        ) from None
    if any(len(array) != len(operations) for array in arrays):
        raise InvalidInput(
            "has arrays of different lengths",
            field="calldata",
            rule="one set of proofs for each operation",
            remedy="build the call with this release, from an operation that it accepted",
        )
    batch = Batch(
        kind=kind,
        messages=tuple(_decode_struct(kind.struct, item) for item in operations),
        proofs=tuple(
            {p: _decode_proof(p, a[at]) for p, a in zip(kind.parties, arrays, strict=True)}
            for at in range(len(operations))
        ),
    )
    if encode_batch(kind, batch.messages, batch.proofs) != data:
        raise InvalidInput(
            "is not in the one form that we send",
            field="calldata",
            rule="the ABI's encoding without gaps, in the order of the parameters",
            remedy="build the call with this release, from an operation that it accepted",
        )
    return batch


def _decode_struct(struct: Struct, values: Sequence[object]) -> dict[str, Value]:
    message: dict[str, Value] = {}
    for member, value in zip(struct.members, values, strict=True):
        if member.type.endswith("[]"):
            nested = NESTED[member.type[:-2]]
            items = cast("Sequence[Sequence[object]]", value)
            message[member.name] = [
                cast("dict[str, Scalar]", _decode_struct(nested, item)) for item in items
            ]
        else:
            message[member.name] = cast("Scalar", value)
    return message


def _decode_proof(party: Party, value: object) -> Proof:
    if party is Party.AUTHORITY:
        return Proof(signer=b"", signature=cast("bytes", value))
    signer, signature = cast("tuple[bytes, bytes]", value)
    return Proof(signer=signer, signature=signature)
