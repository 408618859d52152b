"""The rows of the index: what the chain says of units, signers, machines, cycles and shares.

One dataclass per table, one field per column; all of it follows from the contracts' events.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.domain.encoding.identifiers import CycleId, Digest, EquipmentId, SignerId
from ledger.domain.operations import (
    Contract,
    Custody,
    Duty,
    EquipmentKind,
    EquipmentState,
    Outcome,
    Party,
    UnitRole,
    Verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far the index goes; its only row has the id 1."""

    id: int = 1
    height: int
    #: of the block at `height`
    hash: bytes
    #: of the block before it
    parent: bytes
    registry_head: bytes
    ledger_head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedEvent:
    """One event of a contract, in the chain's order."""

    height: int
    #: within the block
    log_index: int
    tx_hash: bytes
    #: of the transaction within the block
    tx_index: int
    contract: Contract
    event: str
    #: the operation that it belongs to
    digest: Digest | None
    #: RFC 8785 of its arguments
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedOperation:
    """One operation that the chain recorded."""

    digest: Digest
    kind: str
    unit: int
    subject: bytes
    #: RFC 8785, as `message_to_json` makes it
    message: bytes
    #: the commitment that it carries
    record: bytes
    height: int
    #: of its block
    block_hash: bytes
    #: Unix seconds of its block
    timestamp: int
    tx_hash: bytes
    #: index of its event within the block
    position: int
    #: its contract's running head after it
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedSignature:
    """One party's signature as the chain received it."""

    digest: Digest
    party: Party
    #: ERC-7913 bytes
    signer: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedUnit:
    """A unit as the registry has it."""

    number: int
    roles: UnitRole
    #: the contract's number of its state
    state: int
    #: of its admission, or its closure once closed
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedSigner:
    """A signer as the registry has it."""

    id: SignerId
    unit: int
    #: ERC-7913 bytes
    signer: bytes
    duties: Duty
    custody: Custody
    #: Unix seconds
    valid_from: int
    #: Unix seconds; 0 means no expiry
    valid_until: int
    #: the contract's number of its state
    state: int
    enrolled_by: Digest
    revoked_by: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedEquipment:
    """A machine as the registry has it."""

    id: EquipmentId
    unit: int
    #: Keccak-256 of the serial number
    serial: bytes
    kind: EquipmentKind
    epoch: int
    state: EquipmentState
    #: the registration or change in force
    current: Digest
    #: the highest cycle number of the epoch; None before the first
    last_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedCycle:
    """A cycle as the ledger contract has it."""

    id: CycleId
    equipment: EquipmentId
    unit: int
    epoch: int
    number: int
    opening: Digest
    #: the ending, load and decision in force; None before the first
    ending: Digest | None = None
    load: Digest | None = None
    decision: Digest | None = None
    outcome: Outcome | None = None
    verdict: Verdict | None = None
    #: the contract's number of its state
    state: int
    #: Unix seconds, the machine's claim; 0 when not stated
    started_at: int
    #: Unix seconds, the machine's claim; 0 when not stated, None before the ending
    ended_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedTotal:
    """What the load in force declares of one class, and how much of it is released."""

    cycle: CycleId
    package_class: int
    declared: int
    released: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedShare:
    """One line of a decision's shares."""

    #: of the decision
    digest: Digest
    #: from 0, in the decision's order
    line: int
    cycle: CycleId
    #: unit that owns the packages
    owner: int
    #: unit that is charged
    payer: int
    package_class: int
    #: packages, never 0
    delta: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedGap:
    """Cycle numbers that were passed over, first and last included."""

    equipment: EquipmentId
    epoch: int
    first: int
    last: int
    #: the opening that passed over them
    digest: Digest
