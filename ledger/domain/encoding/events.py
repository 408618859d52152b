"""Log → event → operation: reading what the contracts announced, by slicing words.

`SIGNATURES` is the one table of events; a test compares it with the compiled contracts. Only
`SignerEnrolled` and `RecoveryProposed` carry something other than static words: the raw key, last.

Source: Solidity ABI specification, "Events" and "Formal specification of the encoding".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import NoReturn, TypeAlias

from ledger.domain.encoding.abi import WORD, Scalar, Value
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import Digest, signer_id, to_hex
from ledger.domain.errors import Inconsistent, InvalidInput
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
        return self.fields["digest"]  # type: ignore[return-value]  # every event has 32 bytes there


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

#: kind → its list members, each with the event of its lines
_LISTS: Mapping[str, Mapping[str, str]] = {
    kind.name: {m.name: LINE_EVENTS[m.name] for m in kind.struct.members if m.type.endswith("[]")}
    for kind in KINDS.values()
}
#: kind → the events that it may consist of
_COMPANY: Mapping[str, frozenset[str]] = {
    kind.name: frozenset({kind.event, *_LISTS[kind.name].values()})
    | _COMPANIONS.get(kind.name, frozenset())
    for kind in KINDS.values()
}

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
    #: the names of the topics and the words, in their order
    names: tuple[str, ...]
    #: takes all of them apart at once; the bits above each number are passed over
    values: Struct
    #: the bits that no value has, of topics and words together; those of signed numbers apart
    stray: int
    #: where a signed number begins, and its bits
    signed: tuple[tuple[int, int], ...]


_CODES = {8: "B", 16: "H", 32: "I", 64: "Q"}
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
        names=tuple(column[0] for column in (*topics, *words)),
        values=Struct(">" + "".join(_format(column) for column in (*topics, *words))),
        stray=_stray([*topics, *words]),
        signed=tuple(
            (WORD * at, bits) for at, (_, bits, signed) in enumerate([*topics, *words]) if signed
        ),
    )
    return keccak256(f"{name}({','.join(types)})".encode()), layout


def _format(column: _Column) -> str:
    """How `struct` reads a word: its last bytes as a number, or all of it."""
    _, bits, signed = column
    if not bits:
        return f"{WORD}s"
    code = _CODES[bits]
    return f"{WORD - bits // 8}x{code.lower() if signed else code}"


def _stray(columns: Sequence[_Column]) -> int:
    mask = 0
    for _, bits, signed in columns:
        free = 8 * WORD if signed or not bits else bits
        mask = mask << 8 * WORD | ((1 << 8 * WORD) - (1 << free))
    return mask


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
    words, size = b"".join(log.topics[1:]), layout.size
    data = log.data
    if {*map(len, log.topics)} != {WORD}:
        _refuse_word(layout, log.topics[1:], data)
    if len(data) < size or (layout.tail is None and len(data) != size):
        raise InvalidInput(
            f"has {len(data)} bytes of data", field=layout.name, rule=f"{len(layout.words)} words"
        )
    words += data if layout.tail is None else data[:size]
    if int.from_bytes(words) & layout.stray or not _fits(layout, words):
        _refuse_word(layout, log.topics[1:], data)
    fields: dict[str, Scalar] = dict(zip(layout.names, layout.values.unpack(words), strict=True))
    if layout.tail is not None:
        fields[layout.tail] = _tail(data, size, layout)
        _check_key(fields, layout)
    return Event(name=layout.name, contract=contract, fields=fields, log=log)


def _fits(layout: _Layout, words: bytes) -> bool:
    """Whether each signed number is one of its type."""
    for at, bits in layout.signed:
        # value >> (bits - 1) is 0 or -1 exactly when it fits.
        if int.from_bytes(words[at : at + WORD], signed=True) >> (bits - 1) not in {0, -1}:
            return False
    return True


def _refuse_word(layout: _Layout, topics: Sequence[bytes], data: bytes) -> NoReturn:
    """Name the first word that no value of its type makes."""
    for column, word in zip(layout.topics, topics, strict=True):
        _require_value(column, word, layout)
    for at, column in enumerate(layout.words):
        _require_value(column, data[WORD * at : WORD * (at + 1)], layout)
    raise AssertionError(layout.name)


def _require_value(column: _Column, word: bytes, layout: _Layout) -> None:
    name, bits, signed = column
    if len(word) != WORD:
        raise InvalidInput(f"has {len(word)} bytes", field=f"{layout.name}.{name}", rule="32 bytes")
    if not bits:
        return
    value = int.from_bytes(word, "big", signed=signed)
    fits = (value >> (bits - 1)) in {0, -1} if signed else not value >> bits
    if not fits:
        rule = f"{'int' if signed else 'uint'}{bits}"
        raise InvalidInput("has stray bits", field=f"{layout.name}.{name}", rule=rule)


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
    lists = _LISTS[kind.name]
    _check_company(kind, event, events)
    message: dict[str, Value] = {}
    for member in kind.struct.members:
        if member.name in lists:
            message[member.name] = _lines(event, events, lists[member.name])
        else:
            message[member.name] = event.fields[member.name]
    return message


def _check_company(kind: Kind, event: Event, events: Sequence[Event]) -> None:
    """Every other event of the digest is one that the contract emits beside the announcing one."""
    allowed = _COMPANY[kind.name]
    for other in events:
        if other is event and event.contract is kind.contract:
            continue
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
