"""Operations ⇄ calldata: one call of an act's function with its parallel arrays.

The arrays follow `Act.parties`: the registry takes the authority's plain signatures (`bytes[]`),
everything else a key with its signature (`Proof[]`).

Source: Solidity ABI specification, "Formal specification of the encoding".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ledger.domain.acts.catalogue import ACTS, NESTED, act_of_event
from ledger.domain.acts.vocabulary import Act, Message
from ledger.domain.acts.words import Contract, Party
from ledger.domain.encoding.abi import WORD
from ledger.domain.encoding.events import MAX_KEY_BYTES
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import ACCOUNT_LENGTH, to_hex
from ledger.domain.encoding.structs import (
    behind_offsets,
    encode_array,
    encode_bytes,
    encode_struct,
    is_dynamic,
    read_bytes,
    read_number,
    read_struct,
    tuple_type,
)
from ledger.domain.errors import InvalidInput
from ledger.domain.outbox.batching import Proof

SELECTOR_BYTES = 4
#: the contracts' MAX_BATCH
MAX_BATCH = 256
#: an RSA-4096 signature has 512 bytes, a passkey's with its client data about 700
MAX_SIGNATURE_BYTES = 8192

_PROOF_TYPE = "(bytes,bytes)"
_PAIR = 2 * WORD

Proofs: TypeAlias = Mapping[Party, Proof]


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One operation of a call."""

    act: Act
    message: Message
    proofs: Proofs


def _is_plain(act: Act, party: Party) -> bool:
    """Whether the function takes a party's signature without a key beside it."""
    return party is Party.AUTHORITY and act.witness is None


def _selector(act: Act) -> bytes:
    arrays = ["bytes[]" if _is_plain(act, p) else f"{_PROOF_TYPE}[]" for p in act.parties]
    types = ",".join([f"{tuple_type(act.struct, NESTED)}[]", *arrays])
    return keccak256(f"{act.function}({types})".encode())[:SELECTOR_BYTES]


#: kind → the first four bytes of its calls
SELECTORS: Mapping[str, bytes] = {name: _selector(act) for name, act in ACTS.items()}
#: any kind of each function: kinds that share one share their struct and their arrays
_ACTS_BY_SELECTOR = {selector: ACTS[name] for name, selector in SELECTORS.items()}
_COMPLETE_RECOVERY = keccak256(b"completeRecovery(bytes32)")[:SELECTOR_BYTES]


# ---------------------------------------------------------------- encoding


def encode_batch(act: Act, messages: Sequence[Message], proofs: Sequence[Proofs]) -> bytes:
    """The calldata of one batch; `proofs[i]` has one proof for each party that signs.

    `act` is any of the kinds of the batch, which all have one function.  Raises InvalidInput for an
    empty or too long batch, a missing or surplus party, a proof without a key (the authority's has
    none), and a member that does not fit its type.
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
    columns = [_column(act, each) for each in proofs]
    structs = [encode_struct(act.struct, NESTED, message) for message in messages]
    arrays = [
        encode_array(structs, dynamic=is_dynamic(act.struct)),
        *(encode_array(list(column), dynamic=True) for column in zip(*columns, strict=True)),
    ]
    return SELECTORS[act.name] + behind_offsets(arrays)


def encode_recovery_completion(proposal: bytes) -> bytes:
    """The calldata of `completeRecovery`, which anybody may send; `proposal` is a digest."""
    return _COMPLETE_RECOVERY + proposal


def _column(act: Act, proofs: Proofs) -> list[bytes]:
    """An operation's proofs in the order of the function's arrays."""
    # kinds of one function differ in who signs, not in how many
    if len(proofs) != len(act.parties):
        raise InvalidInput(
            "has missing or surplus parties",
            field="proofs",
            rule=", ".join(act.parties),
            remedy="give one proof for each of these parties",
        )
    return [_encode_proof(act, party, proofs[party]) for party in sorted(proofs, key=_ORDER.index)]


_ORDER = list(Party)


def _encode_proof(act: Act, party: Party, proof: Proof) -> bytes:
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
    signature = encode_bytes(proof.signature)
    if _is_plain(act, party):
        return signature
    return behind_offsets([encode_bytes(proof.signer), signature])


# ---------------------------------------------------------------- decoding


def read_call(contract: Contract, data: bytes) -> list[Called]:
    """The operations of one call of that contract.

    Raises InvalidInput for an unknown function, an unknown kind of statement, and bytes that
    `encode_batch` would not make, so no two calls mean the same batch.
    """
    shape = _ACTS_BY_SELECTOR.get(data[:SELECTOR_BYTES])
    if shape is None or shape.contract is not contract:
        raise InvalidInput(
            f"calls {to_hex(data[:SELECTOR_BYTES])}",
            field="calldata",
            rule="a batch of operations",
            remedy="give a call of one of the contract's recording functions",
        )
    body = data[SELECTOR_BYTES:]
    end = WORD * (1 + len(shape.parties))
    _require(read_number(body, 0) == end)
    messages, end = _read_messages(body, end, shape)
    columns = []
    for place in range(len(shape.parties)):
        _require(read_number(body, WORD * (1 + place)) == end)
        is_plain = _is_plain(shape, shape.parties[place])
        column, end = _read_proofs(body, end, len(messages), is_plain=is_plain)
        columns.append(column)
    _require(end == len(body))
    return [
        _called(shape, message, list(proofs))
        for message, proofs in zip(messages, zip(*columns, strict=True), strict=True)
    ]


def _called(shape: Act, message: Message, proofs: Sequence[Proof]) -> Called:
    act: Act | None = shape
    if shape.witness is not None:
        kind = message["kind"]
        act = act_of_event(shape.event, kind if isinstance(kind, int) else None)
    if act is None:
        raise InvalidInput("holds an unknown kind of statement", field="calldata")
    return Called(act=act, message=message, proofs=dict(zip(act.parties, proofs, strict=True)))


def _read_messages(body: bytes, at: int, shape: Act) -> tuple[list[Message], int]:
    count, start = read_number(body, at), at + WORD
    _require(1 <= count <= MAX_BATCH)
    dynamic = is_dynamic(shape.struct)
    end = start + count * WORD if dynamic else start
    messages: list[Message] = []
    for place in range(count):
        if dynamic:
            _require(read_number(body, start + place * WORD) == end - start)
        message, end = read_struct(shape.struct, NESTED, body, end)
        messages.append(message)
    return messages, end


def _read_proofs(body: bytes, at: int, count: int, *, is_plain: bool) -> tuple[list[Proof], int]:
    _require(read_number(body, at) == count)
    start = at + WORD
    end = start + count * WORD
    proofs: list[Proof] = []
    for place in range(count):
        _require(read_number(body, start + place * WORD) == end - start)
        signer = b""
        if not is_plain:
            pair = end
            _require(read_number(body, pair) == _PAIR)
            signer, end = read_bytes(body, pair + _PAIR, most=MAX_KEY_BYTES)
            _require(read_number(body, pair + WORD) == end - pair)
        signature, end = read_bytes(body, end, least=1, most=MAX_SIGNATURE_BYTES)
        proofs.append(Proof(signer=signer, signature=signature))
    return proofs, end


def _require(holds: bool) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise InvalidInput(
            "is not in the one form that we send",
            field="calldata",
            rule="the ABI's encoding without gaps, in the order of the parameters",
            remedy="build the call with this release, from an operation that it accepted",
        )
