"""What operations are about, and how each of them stands.

The same states are folded by acceptance, by the index and by a verifier; a state's `key` names it
among those of its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NewType

from ledger.domain.acts.custody import ConsignmentStatus, Part
from ledger.domain.acts.decisions import DecisionState
from ledger.domain.acts.words import (
    AssetCondition,
    AssetKind,
    Custody,
    EquipmentKind,
    EquipmentState,
    Outcome,
    Purpose,
    Right,
    UnitRole,
    Verdict,
)
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    AssetId,
    ConsignmentId,
    CycleId,
    Digest,
    EquipmentId,
    SignerId,
)

#: any 32 bytes
Word32 = NewType("Word32", bytes)


class State:
    """A state: the table that keeps it in the index, and what names it there."""

    __slots__ = ()

    TABLE: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]
    #: what it is looked for by, beside its key
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = ()
    #: whole numbers that may be negative
    SIGNED: ClassVar[frozenset[str]] = frozenset()

    @property
    def key(self) -> tuple[object, ...]:
        """What names it among those of its class."""
        return tuple(getattr(self, name) for name in self.KEY)

    @property
    def units(self) -> frozenset[int]:
        """The units whose affair it is: of most, the one that it belongs to."""
        unit: int = getattr(self, "unit")  # noqa: B009 - which most classes have
        return frozenset({unit})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState(State):
    """A unit of the group."""

    TABLE: ClassVar[str] = "idx_units"
    KEY: ClassVar[tuple[str, ...]] = ("number",)

    number: int
    roles: UnitRole
    admission: Digest
    closure: Digest = ZERO_DIGEST

    @property
    def is_closed(self) -> bool:
        """Whether it no longer acts."""
        return self.closure != ZERO_DIGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerState(State):
    """A key that acts for one unit."""

    TABLE: ClassVar[str] = "idx_signers"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("unit",),)

    id: SignerId
    unit: int
    #: ERC-7913 bytes
    signer: bytes
    rights: Right
    custody: Custody
    #: Unix seconds
    valid_from: int
    #: Unix seconds; 0 means no expiry
    valid_until: int
    #: the operation that enrolled it, or the proposal of the recovery that did
    enrolment: Digest
    #: the operation that revoked it
    revocation: Digest = ZERO_DIGEST

    @property
    def is_revoked(self) -> bool:
        """Whether it acts no more."""
        return self.revocation != ZERO_DIGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState(State):
    """A sterilizer or washer-disinfector."""

    TABLE: ClassVar[str] = "idx_equipment"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("unit",),)

    id: EquipmentId
    unit: int
    #: Keccak-256 of the serial number
    serial: Word32
    kind: EquipmentKind
    #: the counter epoch that it began with, and the one that it is in
    first_epoch: int
    epoch: int
    state: EquipmentState
    registration: Digest
    #: the registration or the latest change
    current: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCount:
    """Packages of one class in one cycle."""

    declared: int
    released: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleState(State):
    """One cycle, from its opening to its latest decision."""

    TABLE: ClassVar[str] = "idx_cycles"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("equipment", "epoch", "number"),
        ("unit", "id"),
    )

    id: CycleId
    equipment: EquipmentId
    unit: int
    epoch: int
    number: int
    #: the machine's claim, Unix seconds; 0 when not stated
    started_at: int
    #: the standing opening; zero when it was taken back
    opening: Digest
    #: the latest operation that took an opening of this number back
    voided: Digest = ZERO_DIGEST
    ending: Digest = ZERO_DIGEST
    load: Digest = ZERO_DIGEST
    decision: Digest = ZERO_DIGEST
    outcome: Outcome | None = None
    verdict: Verdict | None = None
    #: the machine's claim, Unix seconds; 0 when not stated
    ended_at: int = 0
    state: DecisionState = DecisionState.UNDECIDED
    #: by class
    counts: Mapping[int, ClassCount] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether an opening stands."""
        return self.opening != ZERO_DIGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareState(State):
    """One line of a decision's shares."""

    TABLE: ClassVar[str] = "idx_shares"
    KEY: ClassVar[tuple[str, ...]] = ("digest", "line")
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("cycle",), ("owner",), ("payer",))
    SIGNED: ClassVar[frozenset[str]] = frozenset({"delta"})

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
class ConsignmentState(State):
    """What one unit sends another at one time, from its dispatch to whoever keeps it."""

    TABLE: ClassVar[str] = "idx_consignments"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("giver",),
        ("receiver",),
        ("holder",),
        ("asset",),
        ("status",),
    )

    id: ConsignmentId
    giver: int
    #: Keccak-256 of the giver's slip number
    slip: Word32
    receiver: int
    #: who has it, or had it last
    holder: int
    #: to whom it is offered; 0: to nobody
    taker: int
    purpose: Purpose
    packages: int
    #: zero for most
    asset: AssetId
    status: ConsignmentStatus
    #: of the latest operation, from 1 at the dispatch on
    step: int
    dispatch: Digest
    latest: Digest

    @property
    def unit(self) -> int:
        """The giver, whose slip number it has."""
        return self.giver

    @property
    def units(self) -> frozenset[int]:
        """Those that have a part in it now."""
        return frozenset({self.giver, self.receiver, self.holder, self.taker} - {0})

    @property
    def next_step(self) -> int:
        """The number of what follows."""
        return self.step + 1

    def parts_of(self, unit: int) -> Part:
        """What a unit is to it."""
        named = {
            Part.GIVER: self.giver,
            Part.RECEIVER: self.receiver,
            Part.HOLDER: self.holder,
            Part.TAKER: self.taker,
        }
        parts = Part(0)
        for part, number in named.items():
            parts |= part if number == unit else Part(0)
        return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetState(State):
    """One shared thing, which has exactly one custodian."""

    TABLE: ClassVar[str] = "idx_assets"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("unit",), ("custodian",))

    id: AssetId
    #: the unit that owns it
    unit: int
    #: the unit that answers for it; of what travels, the one that sent it
    custodian: int
    kind: AssetKind
    state: AssetCondition
    #: the consignment that it travels in; zero while it does not
    consignment: ConsignmentId
    registration: Digest
    #: the registration or the latest change
    current: Digest
    #: the operation that moved it last: a dispatch, or what ended its consignment
    moved: Digest = ZERO_DIGEST

    @property
    def units(self) -> frozenset[int]:
        """Its owner and its custodian."""
        return frozenset({self.unit, self.custodian})

    @property
    def is_travelling(self) -> bool:
        """Whether it is in a consignment that is not over."""
        return any(self.consignment)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalState(State):
    """A proposal to give a unit a new administrator."""

    TABLE: ClassVar[str] = "idx_proposals"
    KEY: ClassVar[tuple[str, ...]] = ("digest",)

    digest: Digest
    unit: int
    signer: SignerId
    #: ERC-7913 bytes of the proposed key
    new_key: bytes
    custody: Custody
    #: Unix seconds: when the authority signed, and when the key's validity ends (0: never)
    signed_at: int
    valid_until: int
    #: Unix seconds of its block; 0 while the chain does not have it
    proposed_at: int = 0
    veto: Digest = ZERO_DIGEST
    is_completed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureState(State):
    """That a record's personal fields are to be erased."""

    TABLE: ClassVar[str] = "idx_erasures"
    KEY: ClassVar[tuple[str, ...]] = ("subject", "unit")

    #: digest of the operation whose record it is
    subject: Digest
    unit: int
    erasure: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState(State):
    """A service that one unit provided to another, or a correction of one."""

    TABLE: ClassVar[str] = "idx_services"
    KEY: ClassVar[tuple[str, ...]] = ("digest",)
    SIGNED: ClassVar[frozenset[str]] = frozenset({"quantity"})

    digest: Digest
    unit: int
    consumer: int
    kind: int
    service_class: int
    #: in the kind's own unit; of a correction, the signed change
    quantity: int
    #: what corrections leave of it; 0 of a correction
    left: int
    subject: Word32
    #: the provider's claim, Unix seconds; 0 when not stated
    happened_at: int
    corrects: Digest = ZERO_DIGEST

    @property
    def is_correction(self) -> bool:
        """Whether it only corrects a service."""
        return self.corrects != ZERO_DIGEST

    @property
    def series(self) -> tuple[int, int, int, int, bytes]:
        """What a correction has to repeat."""
        return self.unit, self.consumer, self.kind, self.service_class, self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessState(State):
    """One signed statement of a declared kind."""

    TABLE: ClassVar[str] = "idx_witnesses"
    KEY: ClassVar[tuple[str, ...]] = ("digest",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("about", "kind"), ("kind", "unit"))

    digest: Digest
    #: the kind's number on the chain
    kind: int
    #: 32 bytes: what it is about
    about: Word32
    #: 0 for the authority's
    unit: int
    #: 32 bytes, as its kind packs them
    content: Word32
    replaces: Digest
    replaced_by: Digest = ZERO_DIGEST

    @property
    def place(self) -> tuple[int, bytes, int]:
        """What has to be the same for another to replace it."""
        return self.kind, self.about, self.unit


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentWitness(State):
    """Which statement stands, of a kind that has one per subject and unit."""

    TABLE: ClassVar[str] = "idx_current_witnesses"
    KEY: ClassVar[tuple[str, ...]] = ("kind", "about", "unit")

    kind: int
    about: Word32
    unit: int
    digest: Digest

    @property
    def key(self) -> tuple[object, ...]:
        """Kind, subject and unit."""
        return self.kind, self.about, self.unit
