"""Operations ⇄ calldata: one call of a kind's function with its parallel arrays.

The arrays follow `Kind.parties`: the authority gives plain signatures (`bytes[]`), everybody else a
key with its signature (`Proof[]`).  Source: Solidity ABI specification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from eth_abi import abi as eth_abi
from eth_abi.exceptions import DecodingError, EncodingError

from ledger.domain.abi import Scalar, Struct, Value
from ledger.domain.batching import Proof
from ledger.domain.errors import InvalidInput
from ledger.domain.events import MAX_KEY_BYTES
from ledger.domain.hashing import keccak256
from ledger.domain.identifiers import ACCOUNT_LENGTH, to_hex
from ledger.domain.operations import KINDS, NESTED, Contract, Kind, Party

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
        raise InvalidInput(f"{len(messages)} operations", field="batch", rule=f"1 to {MAX_BATCH}")
    if len(proofs) != len(messages):
        raise InvalidInput(f"{len(proofs)} sets of proofs", field="proofs", rule="one each")
    for each in proofs:
        _check_proofs(kind, each)
    operations = [_encode_struct(kind.struct, message) for message in messages]
    arrays = [[_encode_proof(party, each) for each in proofs] for party in kind.parties]
    try:
        return SELECTORS[kind.name] + eth_abi.encode(_TYPES[kind.name], [operations, *arrays])
    except EncodingError as error:
        raise InvalidInput(f"does not fit: {error}", field=kind.name) from None


def encode_recovery_completion(proposal: bytes) -> bytes:
    """The calldata of `completeRecovery`, which anybody may send; `proposal` is a digest."""
    return _COMPLETE_RECOVERY + eth_abi.encode(["bytes32"], [proposal])


def _check_proofs(kind: Kind, proofs: Proofs) -> None:
    if set(proofs) != set(kind.parties):
        raise InvalidInput(
            "has missing or surplus parties", field="proofs", rule=", ".join(kind.parties)
        )
    for party, proof in proofs.items():
        size = len(proof.signer)
        keyed = size == 0 if party is Party.AUTHORITY else ACCOUNT_LENGTH <= size <= MAX_KEY_BYTES
        if not keyed:
            raise InvalidInput(f"has {size} bytes", field=f"proofs.{party}.signer")
        if not 0 < len(proof.signature) <= MAX_SIGNATURE_BYTES:
            raise InvalidInput(
                f"has {len(proof.signature)} bytes",
                field=f"proofs.{party}.signature",
                rule=f"1 to {MAX_SIGNATURE_BYTES}",
            )


def _encode_struct(struct: Struct, message: Mapping[str, Value]) -> tuple[object, ...]:
    names = {member.name for member in struct.members}
    if names != set(message):
        odd = ", ".join(sorted(names ^ set(message)))
        raise InvalidInput(f"has missing or unknown members: {odd}", field=struct.name)
    return tuple(_encode_member(m.type, message[m.name], field=m.name) for m in struct.members)


def _encode_member(solidity_type: str, value: Value, *, field: str) -> object:
    if not solidity_type.endswith("[]"):
        # The encoder takes True for 1 and pads short bytes; a signed message has neither.
        if isinstance(value, bool) or (isinstance(value, bytes) and len(value) != 32):  # noqa: PLR2004
            raise InvalidInput("does not fit", field=field, rule=solidity_type)
        return value
    if isinstance(value, int | bytes):
        raise InvalidInput("is one value where a list belongs", field=field)
    return [_encode_struct(NESTED[solidity_type[:-2]], item) for item in value]


def _encode_proof(party: Party, proofs: Proofs) -> object:
    proof = proofs[party]
    return proof.signature if party is Party.AUTHORITY else (proof.signer, proof.signature)


# ---------------------------------------------------------------- decoding


def decode_batch(contract: Contract, data: bytes) -> Batch:
    """The operations and proofs of one call of that contract.

    Raises InvalidInput for an unknown function and for bytes that `encode_batch` would not make:
    what is decoded is encoded again and compared, so no two calls mean the same batch.
    """
    kind = _KINDS_BY_SELECTOR.get(data[:SELECTOR_BYTES])
    if kind is None or kind.contract is not contract:
        raise InvalidInput(
            f"calls {to_hex(data[:SELECTOR_BYTES])}", field="calldata", rule="a batch of operations"
        )
    try:
        operations, *arrays = eth_abi.decode(_TYPES[kind.name], data[SELECTOR_BYTES:])
    except (DecodingError, OverflowError, ValueError) as error:
        raise InvalidInput(f"cannot be read: {error}", field="calldata") from None
    if any(len(array) != len(operations) for array in arrays):
        raise InvalidInput("has arrays of different lengths", field="calldata")
    batch = Batch(
        kind=kind,
        messages=tuple(_decode_struct(kind.struct, item) for item in operations),
        proofs=tuple(
            {p: _decode_proof(p, a[at]) for p, a in zip(kind.parties, arrays, strict=True)}
            for at in range(len(operations))
        ),
    )
    if encode_batch(kind, batch.messages, batch.proofs) != data:
        raise InvalidInput("is not in the one form that we send", field="calldata")
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
