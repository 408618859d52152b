"""Log → event → operation: reading what the contracts announced, by slicing words.

`SIGNATURES` is the one table of events; a test compares it with the compiled contracts. Only
`SignerEnrolled` and `RecoveryProposed` carry something other than static words: the raw key, last.

Source: Solidity ABI specification, "Events" and "Formal specification of the encoding".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from ledger.domain.abi import WORD, Scalar, Value
from ledger.domain.errors import Inconsistent, InvalidInput
from ledger.domain.hashing import keccak256
from ledger.domain.identifiers import Digest, signer_id, to_hex
from ledger.domain.operations import KINDS, Contract, Kind

#: An ERC-7913 key has 20 bytes and more: a P-256 key 84, an RSA-4096 key about 1,100.
MAX_KEY_BYTES = 4096


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
    """A log that one of our contracts emitted, with its fields by the contract's own names."""

    name: str
    contract: Contract
    fields: Mapping[str, Scalar]
    log: Log

    @property
    def digest(self) -> Digest:
        """The operation that it belongs to; for a completed recovery, its proposal."""
        return Digest(cast("bytes", self.fields["digest"]))


#: Every event of the two contracts, written as Solidity declares it.
SIGNATURES: Mapping[Contract, str] = {
    Contract.UNIT_REGISTRY: """
        UnitAdmitted(bytes32 indexed digest, uint32 indexed unit, bytes32 indexed
            administrator, uint16 roles, uint8 custody, uint64 validUntil, bytes32 record,
            uint64 signedAt, bytes32 head);
        UnitClosed(bytes32 indexed digest, uint32 indexed unit, bytes32 record, uint64
            signedAt, bytes32 head);
        SignerEnrolled(bytes32 indexed digest, uint32 indexed unit, bytes32 indexed signer,
            uint32 duties, uint8 custody, uint64 validFrom, uint64 validUntil, bytes32
            record, bytes32 signedBy, uint64 signedAt, bytes32 head, bytes key);
        SignerRevoked(bytes32 indexed digest, uint32 indexed unit, bytes32 indexed signer,
            bytes32 record, bytes32 signedBy, uint64 signedAt, bytes32 head);
        EquipmentRegistered(bytes32 indexed digest, uint32 indexed unit, bytes32 indexed
            equipment, bytes32 serial, uint8 kind, uint32 epoch, bytes32 record, bytes32
            signedBy, uint64 signedAt, bytes32 head);
        EquipmentChanged(bytes32 indexed digest, uint32 indexed unit, bytes32 indexed
            equipment, uint8 state, uint32 epoch, bytes32 replaces, bytes32 record, bytes32
            signedBy, uint64 signedAt, bytes32 head);
        RecoveryProposed(bytes32 indexed digest, uint32 indexed unit, bytes32 indexed
            signer, uint8 custody, uint64 validUntil, bytes32 record, uint64 signedAt,
            bytes32 head, bytes key);
        RecoveryVetoed(bytes32 indexed digest, uint32 indexed unit, bytes32 indexed
            proposal, bytes32 record, bytes32 signedBy, uint64 signedAt, bytes32 head);
        RecoveryCompleted(bytes32 indexed digest, uint32 indexed unit, bytes32 indexed
            signer, bytes32 head);
        RecordErased(bytes32 indexed digest, uint32 indexed unit, bytes32 indexed subject,
            bytes32 record, bytes32 signedBy, bytes32 countersignedBy, uint64 signedAt,
            bytes32 head);
    """,
    Contract.CYCLE_LEDGER: """
        CycleOpened(bytes32 indexed digest, bytes32 indexed cycle, bytes32 indexed
            equipment, uint32 unit, uint32 epoch, uint64 number, uint64 startedAt, bytes32
            record, bytes32 signedBy, uint64 signedAt, bytes32 head);
        NumbersSkipped(bytes32 indexed digest, bytes32 indexed equipment, uint32 epoch,
            uint64 first, uint64 last);
        CycleEnded(bytes32 indexed digest, bytes32 indexed cycle, uint32 unit, uint8
            outcome, uint8 verdict, uint64 endedAt, bytes32 replaces, bytes32 record,
            bytes32 signedBy, uint64 signedAt, bytes32 head);
        LoadDeclared(bytes32 indexed digest, bytes32 indexed cycle, uint32 unit, uint16
            lines, bytes32 replaces, bytes32 record, bytes32 signedBy, uint64 signedAt,
            bytes32 head);
        LoadTotalDeclared(bytes32 indexed digest, bytes32 indexed cycle, uint16
            packageClass, uint32 quantity);
        CycleDecided(bytes32 indexed digest, bytes32 indexed cycle, uint32 unit, uint8 kind,
            uint8 state, uint16 lines, bytes32 ending, bytes32 load, bytes32 replaces,
            bytes32 record, bytes32 signedBy, uint64 signedAt, bytes32 head);
        ShareRecorded(bytes32 indexed digest, bytes32 indexed cycle, uint32 indexed owner,
            uint32 payer, uint16 packageClass, int32 delta);
    """,
}

#: Events that share the digest of the operation that another event announces.
_COMPANIONS: Mapping[str, frozenset[str]] = {
    "UnitAdmission": frozenset({"SignerEnrolled"}),
    "RecoveryProposal": frozenset({"RecoveryCompleted"}),
    "CycleOpening": frozenset({"NumbersSkipped"}),
}
#: The event that carries one line of each list member.
LINE_EVENTS: Mapping[str, str] = {"totals": "LoadTotalDeclared", "shares": "ShareRecorded"}

_KINDS_BY_EVENT: Mapping[str, Kind] = {kind.event: kind for kind in KINDS.values()}
_COMPLETED_TAG = keccak256(b"steriledger.recovery.completed.v1")


# ---------------------------------------------------------------- the compiled table

#: (name, bits, signed): bits 0 for bytes32
_Column: TypeAlias = tuple[str, int, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    name: str
    contract: Contract
    topics: tuple[_Column, ...]
    words: tuple[_Column, ...]
    #: name of the trailing `bytes`, if any
    tail: str | None
    #: bytes of the words
    size: int


_PARAMETER = re.compile(r"^(bytes32|bytes|uint(\d+)|int(\d+))( indexed)? (\w+)$")


def _compile(contract: Contract, declaration: str) -> tuple[bytes, _Layout]:
    signature = " ".join(declaration.split())
    name, inside = signature.removesuffix(")").split("(")
    topics: list[_Column] = []
    words: list[_Column] = []
    types: list[str] = []
    tail: str | None = None
    for parameter in inside.split(", "):
        match = _PARAMETER.match(parameter)
        if match is None or tail is not None:
            raise AssertionError(signature)
        types.append(match[1])
        column = (match[5], int(match[2] or match[3] or 0), match[3] is not None)
        if match[1] == "bytes":
            tail = match[5]
        elif match[4]:
            topics.append(column)
        else:
            words.append(column)
    layout = _Layout(
        name=name,
        contract=contract,
        topics=tuple(topics),
        words=tuple(words),
        tail=tail,
        size=WORD * len(words),
    )
    return keccak256(f"{name}({','.join(types)})".encode()), layout


_LAYOUTS: Mapping[Contract, Mapping[bytes, _Layout]] = {
    contract: dict(_compile(contract, text) for text in texts.split(";") if text.strip())
    for contract, texts in SIGNATURES.items()
}

#: The first topic of every event, by contract and name.
TOPICS: Mapping[Contract, Mapping[str, bytes]] = {
    contract: {layout.name: topic for topic, layout in table.items()}
    for contract, table in _LAYOUTS.items()
}

_BY_NAME: Mapping[Contract, Mapping[str, _Layout]] = {
    contract: {layout.name: layout for layout in table.values()}
    for contract, table in _LAYOUTS.items()
}


def columns_of(contract: Contract, event: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of an event's topics after the first, and of the words of its data."""
    layout = _BY_NAME[contract][event]
    return tuple(name for name, _, _ in layout.topics), tuple(name for name, _, _ in layout.words)


# ---------------------------------------------------------------- log → event


def parse_event(log: Log, contracts: Mapping[bytes, Contract]) -> Event:
    """The event that a log holds; `contracts` says which contract has which 20-byte address.

    Raises InvalidInput for a foreign address, an unknown first topic, missing or surplus words,
    bits outside a value's type, and a key that is not the one that the event names.
    """
    contract = contracts.get(log.address)
    if contract is None:
        raise InvalidInput(
            f"{to_hex(log.address)} is none of the deployment's contracts", field="log.address"
        )
    layout = _LAYOUTS[contract].get(log.topics[0]) if log.topics else None
    if layout is None:
        raise InvalidInput(f"names no event of {contract}", field="log.topics")
    if len(log.topics) != len(layout.topics) + 1:
        raise InvalidInput(f"has {len(log.topics)} topics", field=layout.name)
    fields: dict[str, Scalar] = {}
    for column, word in zip(layout.topics, log.topics[1:], strict=True):
        fields[column[0]] = _value(column, word, layout)
    data, at, size = log.data, 0, layout.size
    if len(data) < size or (layout.tail is None and len(data) != size):
        raise InvalidInput(
            f"has {len(data)} bytes of data", field=layout.name, rule=f"{len(layout.words)} words"
        )
    for column in layout.words:
        fields[column[0]] = _value(column, data[at : at + WORD], layout)
        at += WORD
    if layout.tail is not None:
        fields[layout.tail] = _tail(data, at, layout)
        _check_key(fields, layout)
    return Event(name=layout.name, contract=contract, fields=fields, log=log)


def _value(column: _Column, word: bytes, layout: _Layout) -> Scalar:
    name, bits, signed = column
    if len(word) != WORD:
        raise InvalidInput(f"has {len(word)} bytes", field=f"{layout.name}.{name}", rule="32 bytes")
    if not bits:
        return word
    value = int.from_bytes(word, "big", signed=signed)
    # For a signed type, value >> (bits - 1) is 0 or -1 exactly when it fits.
    fits = (value >> (bits - 1)) in {0, -1} if signed else not value >> bits
    if not fits:
        rule = f"{'int' if signed else 'uint'}{bits}"
        raise InvalidInput("has stray bits", field=f"{layout.name}.{name}", rule=rule)
    return value


def _tail(data: bytes, at: int, layout: _Layout) -> bytes:
    field = f"{layout.name}.{layout.tail}"
    head = at + WORD
    offset = int.from_bytes(data[at:head], "big")
    length = int.from_bytes(data[head : head + WORD], "big")
    start = head + WORD
    if offset != head or len(data) < start or length > MAX_KEY_BYTES:
        raise InvalidInput(
            "is not where an encoder puts it, or is too long",
            field=field,
            rule=f"at most {MAX_KEY_BYTES} bytes",
        )
    padding = -length % WORD
    if len(data) != start + length + padding or any(data[start + length :]):
        raise InvalidInput("has missing or stray bytes after it", field=field)
    return data[start : start + length]


def _check_key(fields: Mapping[str, Scalar], layout: _Layout) -> None:
    key = fields[str(layout.tail)]
    if not isinstance(key, bytes) or signer_id(key) != fields["signer"]:
        raise InvalidInput("is not the key that `signer` names", field=f"{layout.name}.key")


# ---------------------------------------------------------------- events → operation


def kind_of_events(events: Sequence[Event]) -> Kind:
    """The kind of the operation that all events of one digest announce.

    An admission also enrols; the first event that announces anything decides. Raises InvalidInput
    when none does.
    """
    for event in events:
        kind = _KINDS_BY_EVENT.get(event.name)
        if kind is not None:
            return kind
    raise InvalidInput("announce no operation", field="events")


def operation_from_events(kind: Kind, events: Sequence[Event]) -> dict[str, Value]:
    """The full EIP-712 message of one operation from all events of its digest, in log order.

    The caller compares the message's digest with the events'. Raises InvalidInput when an event is
    missing, surplus, of another digest or contract, or out of order.
    """
    announcing = [event for event in events if event.name == kind.event]
    if len(announcing) != 1:
        raise InvalidInput(f"{len(announcing)} {kind.event} events", field=kind.name, rule="one")
    event = announcing[0]
    lists = {m.name: LINE_EVENTS[m.name] for m in kind.struct.members if m.type.endswith("[]")}
    _check_company(kind, event, events, lists.values())
    message: dict[str, Value] = {}
    for member in kind.struct.members:
        if member.name in lists:
            message[member.name] = _lines(event, events, lists[member.name])
        else:
            message[member.name] = event.fields[member.name]
    return message


def _check_company(
    kind: Kind, event: Event, events: Sequence[Event], line_events: Iterable[str]
) -> None:
    """Every other event of the digest is one that the contract emits beside the announcing one."""
    allowed = {event.name, *line_events, *_COMPANIONS.get(kind.name, frozenset())}
    for other in events:
        if other.digest != event.digest or other.contract != kind.contract:
            raise InvalidInput(f"{other.name} is of another operation", field=kind.name)
        if other.log.address != event.log.address or other.name not in allowed:
            raise InvalidInput(f"{other.name} does not belong to it", field=kind.name)
    if kind.name == "UnitAdmission":
        _check_first_administrator(event, events)


def _check_first_administrator(event: Event, events: Sequence[Event]) -> None:
    enrolled = [other.fields for other in events if other.name == "SignerEnrolled"]
    wanted = (event.fields["unit"], event.fields["administrator"], event.fields["head"])
    if [(f["unit"], f["signer"], f["head"]) for f in enrolled] != [wanted]:
        raise InvalidInput("does not enrol its administrator", field="UnitAdmission")


def _lines(event: Event, events: Sequence[Event], name: str) -> list[dict[str, Scalar]]:
    """The line events that follow the announcing one, without the digest and the cycle."""
    lines = [other for other in events if other.name == name]
    transaction, index = event.log.transaction_hash, event.log.log_index
    for place, line in enumerate(lines, start=1):
        if line.log.transaction_hash != transaction or line.log.log_index != index + place:
            raise InvalidInput("does not follow directly", field=name, rule=f"after {event.name}")
        if line.fields["cycle"] != event.fields["cycle"]:
            raise InvalidInput("names another cycle", field=name)
    if len(lines) != event.fields["lines"]:
        raise InvalidInput(f"{len(lines)} events", field=name, rule="as many as `lines` says")
    return [
        {key: value for key, value in line.fields.items() if key not in {"digest", "cycle"}}
        for line in lines
    ]


# ---------------------------------------------------------------- the running head


def advance_head(head: bytes, digest: bytes) -> bytes:
    """keccak256(abi.encode(head, digest)): a ledger's running head after one more operation."""
    return keccak256(head + digest)


def completion_digest(proposal: bytes) -> Digest:
    """What a completed recovery advances the head with; it is nobody's signed operation."""
    return Digest(keccak256(_COMPLETED_TAG + proposal))


def head_input(event: Event) -> Digest | None:
    """What the event advances its contract's head with; None for a line or a gap."""
    if "head" not in event.fields:
        return None
    return completion_digest(event.digest) if event.name == "RecoveryCompleted" else event.digest


def verify_heads(head: bytes, events: Iterable[Event]) -> bytes:
    """The head after all events of one contract in chain order, each compared with what it states.

    `head` is the contract's head before the first event (32 zero bytes for a new contract). An
    admission and its administrator's enrolment share one step. Raises Inconsistent at an event that
    does not continue the one before: something between them is missing.
    """
    last: Event | None = None
    for event in events:
        step = head_input(event)
        if step is None:
            continue
        shares_step = (
            last is not None
            and event.name == "SignerEnrolled"
            and last.name == "UnitAdmitted"
            and last.digest == event.digest
        )
        if not shares_step:
            head = advance_head(head, step)
        if event.fields["head"] != head:
            raise Inconsistent(
                f"{event.name} {to_hex(event.digest)} at block {event.log.block_number} does not "
                "continue the events before it",
                rule="head = keccak256(abi.encode(head, digest))",
                remedy="An event is missing or was altered; rebuild the index from a trusted node.",
            )
        last = event
    return head
