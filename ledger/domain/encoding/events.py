"""Log → event: what a contract announced, which is the operation itself.

Every event has one shape, `(bytes32 indexed digest, bytes32 indexed about, uint32 indexed unit,
bytes32 head, <Struct> operation)`; those that bring a key have its bytes last.  The one event
without an operation is RecoveryCompleted, which anybody may cause once its seven days are over.

Source: Solidity ABI specification, "Events".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.domain.acts.catalogue import ACTS, NESTED, act_of_event
from ledger.domain.acts.vocabulary import Act, Message, Recorded
from ledger.domain.acts.words import Contract
from ledger.domain.encoding.abi import WORD, Eip712Domain, hash_struct, typed_digest
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import Digest, signer_id, to_hex
from ledger.domain.encoding.structs import (
    is_dynamic,
    read_bytes,
    read_number,
    read_struct,
    tuple_type,
)
from ledger.domain.errors import Inconsistent, InvalidInput

#: An ERC-7913 key has 20 bytes and more: a P-256 key 84, an RSA-4096 key about 1,100.
MAX_KEY_BYTES = 4096
COMPLETED = "RecoveryCompleted"

_COMPLETED_TAG = keccak256(b"steriledger.recovery.completed.v1")
_TOPICS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One entry of a receipt, and where it stands."""

    #: 20 bytes
    address: bytes
    #: 1 to 4 words of 32 bytes; the first names the event
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    #: 32 bytes
    block_hash: bytes
    #: 32 bytes
    transaction_hash: bytes
    transaction_index: int
    #: counted through the block
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A log that one of our contracts emitted."""

    name: str
    contract: Contract
    #: the operation that it announces; for a completed recovery, the proposal
    digest: Digest
    #: 32 bytes: what the operation is about; for a completed recovery, the signer
    about: bytes
    unit: int
    #: the contract's running head after it
    head: bytes
    #: None for a completed recovery
    act: Act | None
    message: Message
    #: ERC-7913 bytes of the key that it brings; empty for most
    new_key: bytes
    log: Log

    def recorded(self, *, mined_at: int) -> Recorded:
        """The operation as the states fold it; a completed recovery is none."""
        if self.act is None:
            raise AssertionError(self.name)
        return Recorded(
            digest=self.digest,
            act=self.act,
            message=self.message,
            new_key=self.new_key,
            mined_at=mined_at,
        )


def _signature(act: Act) -> bytes:
    key = ",bytes" if act.key_member else ""
    operation = tuple_type(act.struct, NESTED)
    return keccak256(f"{act.event}(bytes32,bytes32,uint32,bytes32,{operation}{key})".encode())


#: The first topic of every event, by contract and name.
TOPICS: Mapping[Contract, Mapping[str, bytes]] = {
    contract: {
        **{act.event: _signature(act) for act in ACTS.values() if act.contract is contract},
        **(
            {COMPLETED: keccak256(f"{COMPLETED}(bytes32,bytes32,uint32,bytes32)".encode())}
            if contract is Contract.UNIT_REGISTRY
            else {}
        ),
    }
    for contract in Contract
}
_NAMES: Mapping[Contract, Mapping[bytes, str]] = {
    contract: {topic: name for name, topic in names.items()} for contract, names in TOPICS.items()
}
#: any kind of each event: kinds that share an event share their struct
_SHAPES: Mapping[str, Act] = {act.event: act for act in ACTS.values()}


def parse_event(log: Log, contracts: Mapping[bytes, Contract]) -> Event:
    """The event that a log holds; `contracts` says which contract has which 20-byte address.

    Raises InvalidInput for a foreign address, an unknown event, missing or surplus bytes, bits
    outside a value's type, an unknown kind of witness, topics that the message contradicts, and a
    key that is not the one that the message names.
    """
    contract = contracts.get(log.address)
    if contract is None:
        raise InvalidInput(
            f"{to_hex(log.address)} is none of the deployment's contracts", field="log.address"
        )
    name = _NAMES[contract].get(log.topics[0]) if log.topics else None
    if name is None:
        raise InvalidInput(f"names no event of {contract}", field="log.topics")
    if [len(topic) for topic in log.topics] != [WORD] * _TOPICS:
        raise InvalidInput(f"has {len(log.topics)} topics", field=name, rule=f"{_TOPICS} words")
    shape = _SHAPES.get(name)
    act: Act | None = None
    message: Message = {}
    new_key = b""
    end = WORD
    if shape is not None:
        message, new_key, end = _read_operation(shape, log.data)
        kind = message["kind"] if shape.witness is not None else None
        act = act_of_event(name, kind if isinstance(kind, int) else None)
        if act is None:
            raise InvalidInput(f"{kind!r} is no kind of statement", field=f"{name}.kind")
    if len(log.data) != end:
        raise InvalidInput(f"has {len(log.data)} bytes of data", field=name, rule=f"{end} bytes")
    about, unit = log.topics[2], int.from_bytes(log.topics[3])
    if act is not None and (unit != message["unit"] or about != act.subject_of(message)):
        raise InvalidInput("is announced as about something else", field=name)
    return Event(
        name=name,
        contract=contract,
        digest=Digest(log.topics[1]),
        about=about,
        unit=unit,
        head=log.data[:WORD],
        act=act,
        message=message,
        new_key=new_key,
        log=log,
    )


def _read_operation(shape: Act, data: bytes) -> tuple[Message, bytes, int]:
    """The message behind the head, the key behind that, and where they end."""
    at, dynamic = WORD, is_dynamic(shape.struct)
    heads = 2 * WORD if dynamic else WORD * (1 + len(shape.struct.members))
    if shape.key_member:
        heads += WORD
    if dynamic:
        if read_number(data, at) != heads:
            raise InvalidInput("is not where an encoder puts it", field=shape.event)
        at = heads
    message, end = read_struct(shape.struct, NESTED, data, at)
    if not shape.key_member:
        return message, b"", end
    if read_number(data, heads - WORD) != heads:
        raise InvalidInput("is not where an encoder puts it", field=f"{shape.event}.key")
    key, end = read_bytes(data, heads, most=MAX_KEY_BYTES)
    if signer_id(key) != message[shape.key_member]:
        raise InvalidInput(f"is not the key that `{shape.key_member}` names", field="key")
    return message, key, end


def verify_digest(event: Event, domain: Eip712Domain) -> None:
    """Raise InvalidInput unless the event announces the operation that its message makes."""
    if event.act is None:
        return
    computed = typed_digest(domain, hash_struct(event.act.struct, NESTED, event.message))
    if computed != event.digest:
        raise InvalidInput(
            f"describes the operation {to_hex(computed)}",
            field="digest",
            rule="an operation is named by the EIP-712 digest of its message",
        )


# ---------------------------------------------------------------- the running head


def advance_head(head: bytes, digest: bytes) -> bytes:
    """keccak256(abi.encode(head, digest)): a ledger's running head after one more operation."""
    return keccak256(head + digest)


def completion_digest(proposal: bytes) -> Digest:
    """What a completed recovery advances the head with; it is nobody's signed operation."""
    return Digest(keccak256(_COMPLETED_TAG + proposal))


def verify_heads(head: bytes, events: Iterable[Event]) -> bytes:
    """The head after all events of one contract in chain order, each compared with what it states.

    `head` is the contract's head before the first event (32 zero bytes for a new contract).  Raises
    Inconsistent at an event that does not continue the one before: something between them is
    missing.
    """
    for event in events:
        step = completion_digest(event.digest) if event.act is None else event.digest
        head = advance_head(head, step)
        if event.head != head:
            raise Inconsistent(
                f"{event.name} {to_hex(event.digest)} at block {event.log.block_number} does not "
                "continue the events before it",
                rule="head = keccak256(abi.encode(head, digest))",
                remedy="An event is missing or was altered; rebuild the index from a trusted node.",
            )
    return head
