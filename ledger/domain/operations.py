"""The operations: what may be signed, as which EIP-712 message, by whom, and where it goes.

`KINDS` is the one table that prepares, signs, sends, indexes and verifies read; a new operation is
a new row.  Messages are mappings from member name to int, bytes, or a list of such mappings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, StrEnum

from ledger.domain.encoding.abi import (
    Eip712Domain,
    Member,
    Scalar,
    Struct,
    Value,
    encode_data,
    hash_struct,
    typed_digest,
    word,
)
from ledger.domain.encoding.canonical import Plain, canonical
from ledger.domain.encoding.identifiers import Digest, parse_hex32, to_hex
from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import InvalidInput

#: a message holds lists, and a list holds structs
_MESSAGE_LEVELS = 3


class Contract(StrEnum):
    """The contracts that record operations."""

    UNIT_REGISTRY = "UnitRegistry"
    CYCLE_LEDGER = "CycleLedger"


class Duty(IntFlag):
    """What a signer may do; the bits are the contracts' own."""

    ADMINISTER = 1
    OPEN = 2
    LOAD = 4
    RESULT = 8
    DECIDE = 16
    DISPATCH = 32
    CARRY = 64
    RECEIVE = 128
    SETTLE = 256
    ERASE = 512


class UnitRole(IntFlag):
    """What a unit is in the group; a unit may be several things."""

    PROCESSOR = 1
    USER = 2
    CARRIER = 4
    SUPPLIER = 8
    EXTERNAL_PROCESSOR = 16
    AUDITOR = 32


class Custody(IntEnum):
    """Who holds a signer's private key."""

    SERVER = 1
    STATION = 2
    DEVICE = 3
    HARDWARE = 4


class EquipmentKind(IntEnum):
    """What a machine is."""

    STERILIZER = 1
    WASHER_DISINFECTOR = 2


class EquipmentState(IntEnum):
    """Whether a machine may open cycles."""

    IN_SERVICE = 1
    OUT_OF_SERVICE = 2
    RETIRED = 3


class Outcome(IntEnum):
    """The machine's own word on its cycle."""

    COMPLETED = 1
    ABORTED = 2
    UNKNOWN = 3


class Verdict(IntEnum):
    """Ours, computed against a named profile."""

    PASSED = 1
    FAILED = 2
    NOT_ENOUGH_DATA = 3
    NOT_COMPUTED = 4


class Party(StrEnum):
    """The roles in which an operation is signed, in the order of the contract's arguments."""

    #: the consortium's own signer
    AUTHORITY = "authority"
    #: the signer named in `signedBy`
    SIGNER = "signer"
    #: the new key, which proves that it exists and agrees
    NEW_KEY = "new_key"
    #: the signer named in `countersignedBy`
    COUNTERSIGNER = "countersigner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row of the table of operations."""

    struct: Struct
    contract: Contract
    #: the contract's function, which takes a batch
    function: str
    #: the event that announces it
    event: str
    #: the schema of the record that it commits to
    schema: str
    #: who signs, in the order of the function's arguments after the operations
    parties: tuple[Party, ...]
    #: the duty that the signer needs; None where only the authority signs
    duty: Duty | None

    @property
    def name(self) -> str:
        """The struct's name, which also names the kind."""
        return self.struct.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A message of one kind, bound to one contract on one chain; named by its digest."""

    kind: Kind
    message: Mapping[str, Value]
    domain: Eip712Domain
    _digest: list[Digest] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def digest(self) -> Digest:
        """The EIP-712 digest that the parties sign; computed when it is first asked for."""
        if not self._digest:
            self._digest.append(digest(self.kind, self.message, self.domain))
        return self._digest[0]


def _members(text: str) -> tuple[Member, ...]:
    pairs = (part.split() for part in text.split(","))
    return tuple(Member(name=name, type=type_) for type_, name in pairs)


#: The structs that appear inside messages.
NESTED: Mapping[str, Struct] = {
    "ClassTotal": Struct(
        name="ClassTotal", members=_members("uint16 packageClass, uint32 quantity")
    ),
    "Share": Struct(
        name="Share",
        members=_members("uint32 owner, uint32 payer, uint16 packageClass, int32 delta"),
    ),
}

_SIGNED = "bytes32 record, bytes32 signedBy, uint64 signedAt"
_BY_AUTHORITY = "bytes32 record, uint64 signedAt"


def _kind(  # noqa: PLR0913, PLR0917 - one argument per column of the table
    name: str,
    contract: Contract,
    function: str,
    event: str,
    schema: str,
    parties: tuple[Party, ...],
    duty: Duty | None,
    members: str,
) -> Kind:
    return Kind(
        struct=Struct(name=name, members=_members(members)),
        contract=contract,
        function=function,
        event=event,
        schema=schema,
        parties=parties,
        duty=duty,
    )


_REGISTRY, _CYCLES = Contract.UNIT_REGISTRY, Contract.CYCLE_LEDGER
_AUTHORITY, _SIGNER, _NEW, _SECOND = (
    Party.AUTHORITY,
    Party.SIGNER,
    Party.NEW_KEY,
    Party.COUNTERSIGNER,
)

# fmt: off
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (
    _kind("UnitAdmission", _REGISTRY, "admitUnits", "UnitAdmitted", "unit/1",
          (_AUTHORITY, _NEW), None,
          "uint32 unit, uint16 roles, bytes32 administrator, uint8 custody, uint64 validUntil, "
          + _BY_AUTHORITY),
    _kind("UnitClosure", _REGISTRY, "closeUnits", "UnitClosed", "unit-closure/1",
          (_AUTHORITY,), None,
          "uint32 unit, " + _BY_AUTHORITY),
    _kind("SignerEnrolment", _REGISTRY, "enrolSigners", "SignerEnrolled", "signer/1",
          (_SIGNER, _NEW), Duty.ADMINISTER,
          "uint32 unit, bytes32 signer, uint32 duties, uint8 custody, uint64 validFrom, "
          "uint64 validUntil, " + _SIGNED),
    _kind("SignerRevocation", _REGISTRY, "revokeSigners", "SignerRevoked", "signer-revocation/1",
          (_SIGNER,), Duty.ADMINISTER,
          "uint32 unit, bytes32 signer, " + _SIGNED),
    _kind("EquipmentRegistration", _REGISTRY, "registerEquipment", "EquipmentRegistered",
          "equipment/1", (_SIGNER,), Duty.ADMINISTER,
          "uint32 unit, bytes32 serial, uint8 kind, uint32 epoch, " + _SIGNED),
    _kind("EquipmentChange", _REGISTRY, "changeEquipment", "EquipmentChanged",
          "equipment-change/1", (_SIGNER,), Duty.ADMINISTER,
          "bytes32 equipment, uint32 unit, uint8 state, uint32 epoch, bytes32 replaces, "
          + _SIGNED),
    _kind("RecoveryProposal", _REGISTRY, "proposeRecoveries", "RecoveryProposed",
          "recovery-proposal/1", (_AUTHORITY, _NEW), None,
          "uint32 unit, bytes32 signer, uint8 custody, uint64 validUntil, " + _BY_AUTHORITY),
    _kind("RecoveryVeto", _REGISTRY, "vetoRecoveries", "RecoveryVetoed", "recovery-veto/1",
          (_SIGNER,), Duty.ADMINISTER,
          "uint32 unit, bytes32 proposal, " + _SIGNED),
    _kind("RecordErasure", _REGISTRY, "eraseRecords", "RecordErased", "erasure/1",
          (_SIGNER, _SECOND), Duty.ERASE,
          "uint32 unit, bytes32 subject, bytes32 record, bytes32 signedBy, "
          "bytes32 countersignedBy, uint64 signedAt"),
    _kind("CycleOpening", _CYCLES, "openCycles", "CycleOpened", "cycle-opening/1",
          (_SIGNER,), Duty.OPEN,
          "bytes32 equipment, uint32 unit, uint32 epoch, uint64 number, uint64 startedAt, "
          + _SIGNED),
    _kind("CycleEnding", _CYCLES, "endCycles", "CycleEnded", "cycle-ending/1",
          (_SIGNER,), Duty.RESULT,
          "bytes32 cycle, uint32 unit, uint8 outcome, uint8 verdict, uint64 endedAt, "
          "bytes32 replaces, " + _SIGNED),
    _kind("LoadDeclaration", _CYCLES, "declareLoads", "LoadDeclared", "cycle-load/1",
          (_SIGNER,), Duty.LOAD,
          "bytes32 cycle, uint32 unit, ClassTotal[] totals, bytes32 replaces, " + _SIGNED),
    _kind("CycleDecision", _CYCLES, "decideCycles", "CycleDecided", "cycle-decision/1",
          (_SIGNER,), Duty.DECIDE,
          "bytes32 cycle, uint32 unit, uint8 kind, bytes32 ending, bytes32 load, "
          "bytes32 replaces, Share[] shares, " + _SIGNED),
)}
# fmt: on


def find_kind(name: str) -> Kind:
    """The kind of that name; raises InvalidInput naming the known ones."""
    kind = KINDS.get(name)
    if kind is None:
        raise InvalidInput(
            f"{name!r} is not an operation", field="kind", rule=f"one of {', '.join(KINDS)}"
        )
    return kind


def digest(kind: Kind, message: Mapping[str, Value], domain: Eip712Domain) -> Digest:
    """The EIP-712 digest of a message; raises InvalidInput when a member does not fit its type."""
    return Digest(typed_digest(domain, hash_struct(kind.struct, NESTED, message)))


def message_to_json(kind: Kind, message: Mapping[str, Value]) -> bytes:
    """RFC 8785 bytes of a message: integers as numbers, bytes32 as 0x-hexadecimal.

    Raises InvalidInput when a member is missing, unknown or does not fit its type, and for an
    integer that JSON numbers do not hold exactly (RFC 8785 §3.2.2.3).
    """
    encode_data(kind.struct, NESTED, message)
    return _canonical(kind, message)


def _canonical(kind: Kind, message: Mapping[str, Value]) -> bytes:
    """The bytes of a message whose members fit."""
    try:
        return canonical({m.name: _to_plain(message[m.name]) for m in kind.struct.members})
    except InvalidInput:
        raise InvalidInput(
            "holds an integer beyond ±9007199254740991", field=kind.name, rule="RFC 8785 §3.2.2.3"
        ) from None


def message_from_json(kind: Kind, data: bytes) -> dict[str, Value]:
    """The inverse of `message_to_json`; raises InvalidInput for anything that it does not make."""
    require_nesting(data, deepest=_MESSAGE_LEVELS, field="message")
    try:
        plain = json.loads(data)
    except ValueError:
        raise InvalidInput("is not JSON", field="message", rule="RFC 8259") from None
    message = message_from_plain(kind, plain)
    if _canonical(kind, message) != data:
        raise InvalidInput("is not in canonical form", field="message", rule="RFC 8785")
    return message


def message_from_plain(kind: Kind, plain: object) -> dict[str, Value]:
    """A message from decoded JSON; every member present, none unknown, each of its own type."""
    if not isinstance(plain, dict) or set(plain) != {m.name for m in kind.struct.members}:
        names = ", ".join(m.name for m in kind.struct.members)
        raise InvalidInput(
            "has missing or unknown members", field="message", rule=f"{kind.name} has {names}"
        )
    return {
        m.name: _list_from_plain(NESTED[m.type[:-2]], plain[m.name], field=m.name)
        if m.type.endswith("[]")
        else _from_plain(m.type, plain[m.name], field=m.name)
        for m in kind.struct.members
    }


def typed_data(operation: Operation) -> dict[str, object]:
    """The EIP-712 JSON that wallets display and sign (eth_signTypedData_v4)."""
    used = [NESTED[m.type[:-2]] for m in operation.kind.struct.members if m.type.endswith("[]")]
    structs = [operation.kind.struct, *used]
    types = {s.name: [{"name": m.name, "type": m.type} for m in s.members] for s in structs}
    types["EIP712Domain"] = [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ]
    return {
        "types": types,
        "primaryType": operation.kind.name,
        "domain": {
            "name": "SteriLedger",
            "version": "1",
            "chainId": operation.domain.chain_id,
            "verifyingContract": to_hex(operation.domain.contract),
        },
        "message": {name: _to_plain(value) for name, value in operation.message.items()},
    }


def _to_plain(value: Value) -> Plain:
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, int):
        return value
    return [{name: _to_plain(inner) for name, inner in item.items()} for item in value]


def _from_plain(solidity_type: str, value: object, *, field: str) -> Scalar:
    if solidity_type == "bytes32":
        if not isinstance(value, str) or not value.startswith("0x"):
            raise InvalidInput("is not hexadecimal", field=field, rule="0x and 64 digits")
        return parse_hex32(value, field=field)
    if not isinstance(value, int):
        raise InvalidInput("is not an integer", field=field, rule=solidity_type)
    word(solidity_type, value, field=field)
    return value


def _list_from_plain(struct: Struct, value: object, *, field: str) -> list[dict[str, Scalar]]:
    if not isinstance(value, list):
        raise InvalidInput("is not a list", field=field, rule=f"a list of {struct.name}")
    names = {m.name for m in struct.members}
    if any(not isinstance(item, dict) or set(item) != names for item in value):
        raise InvalidInput(
            "has an item with missing or unknown members",
            field=field,
            rule=f"{struct.name} has {', '.join(m.name for m in struct.members)}",
        )
    return [
        {
            m.name: _from_plain(m.type, item[m.name], field=f"{field}.{m.name}")
            for m in struct.members
        }
        for item in value
    ]
