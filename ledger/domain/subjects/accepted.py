"""Accepted operations → the state of a unit, a machine or a cycle, folded in order.

The folds mirror what the contracts keep, so that an operation which the chain would refuse is
refused before it is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, cast

from ledger.domain.decisions import DecisionKind, DecisionState, next_state
from ledger.domain.encoding.abi import Scalar, Value
from ledger.domain.encoding.identifiers import ZERO_DIGEST, CycleId, Digest, EquipmentId, SignerId
from ledger.domain.errors import Inconsistent
from ledger.domain.operations import EquipmentState, Outcome, Verdict

Message: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One accepted operation, as much of it as the folds need."""

    digest: Digest
    kind: str
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """A unit of the group."""

    number: int
    admission: Digest
    is_closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerState:
    """A key that acts for one unit."""

    id: SignerId
    unit: int
    #: ERC-7913 bytes
    key: bytes
    #: how the unit names its holder; empty after erasure
    name: str
    duties: int
    custody: int
    #: Unix seconds
    valid_from: int
    #: Unix seconds; 0 means no expiry
    valid_until: int
    #: the operation that enrolled it
    enrolment: Digest
    #: the operation that revoked it
    revocation: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState:
    """A sterilizer or washer-disinfector."""

    id: EquipmentId
    unit: int
    state: EquipmentState
    epoch: int
    #: the registration or the latest change
    current: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCount:
    """Packages of one class in one cycle."""

    declared: int
    released: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleState:
    """One cycle, from its opening to its latest decision."""

    id: CycleId
    equipment: EquipmentId
    unit: int
    epoch: int
    number: int
    #: the machine's claim, Unix seconds; 0 when not stated
    started_at: int
    opening: Digest
    ending: Digest = ZERO_DIGEST
    load: Digest = ZERO_DIGEST
    decision: Digest = ZERO_DIGEST
    outcome: Outcome | None = None
    verdict: Verdict | None = None
    state: DecisionState = DecisionState.UNDECIDED
    counts: Mapping[int, ClassCount] = field(default_factory=dict)


def integer(message: Message, name: str) -> int:
    """An integer member of a message."""
    return cast("int", message[name])


def word(message: Message, name: str) -> bytes:
    """A bytes32 member of a message."""
    return cast("bytes", message[name])


def items(message: Message, name: str) -> Sequence[Mapping[str, Scalar]]:
    """A list member of a message."""
    return cast("Sequence[Mapping[str, Scalar]]", message[name])


def fold_unit(number: int, operations: Sequence[Accepted]) -> UnitState | None:
    """The unit's state, None when it was never admitted."""
    state: UnitState | None = None
    for operation in operations:
        if operation.kind == "UnitAdmission":
            state = UnitState(number=number, admission=operation.digest)
        elif operation.kind == "UnitClosure" and state is not None:
            state = replace(state, is_closed=True)
    return state


def fold_machine(identifier: EquipmentId, operations: Sequence[Accepted]) -> MachineState | None:
    """The machine's state, None when it was never registered."""
    state: MachineState | None = None
    for operation in operations:
        message = operation.message
        if operation.kind == "EquipmentRegistration":
            state = MachineState(
                id=identifier,
                unit=integer(message, "unit"),
                state=EquipmentState.IN_SERVICE,
                epoch=integer(message, "epoch"),
                current=operation.digest,
            )
        elif operation.kind == "EquipmentChange" and state is not None:
            state = replace(
                state,
                state=EquipmentState(integer(message, "state")),
                epoch=integer(message, "epoch"),
                current=operation.digest,
            )
    return state


def fold_cycle(identifier: CycleId, operations: Sequence[Accepted]) -> CycleState | None:
    """The cycle's state, None when it was never opened."""
    state: CycleState | None = None
    for operation in operations:
        state = _step(identifier, state, operation)
    return state


def _step(identifier: CycleId, state: CycleState | None, operation: Accepted) -> CycleState:
    message = operation.message
    if operation.kind == "CycleOpening":
        return CycleState(
            id=identifier,
            equipment=EquipmentId(word(message, "equipment")),
            unit=integer(message, "unit"),
            epoch=integer(message, "epoch"),
            number=integer(message, "number"),
            started_at=integer(message, "startedAt"),
            opening=operation.digest,
        )
    if state is None:
        raise Inconsistent(f"{operation.kind} was accepted for a cycle that was never opened")
    if operation.kind == "CycleEnding":
        return replace(
            state,
            ending=operation.digest,
            outcome=Outcome(integer(message, "outcome")),
            verdict=Verdict(integer(message, "verdict")),
        )
    if operation.kind == "LoadDeclaration":
        return replace(state, load=operation.digest, counts=_declared(state, message))
    if operation.kind == "CycleDecision":
        return replace(
            state,
            decision=operation.digest,
            state=next_state(state.state, DecisionKind(integer(message, "kind"))),
            counts=_released(state, message),
        )
    raise Inconsistent(f"{operation.kind} was accepted for a cycle")


def _declared(state: CycleState, message: Message) -> Mapping[int, ClassCount]:
    counts = dict(state.counts)
    for total in items(message, "totals"):
        package_class, quantity = cast("int", total["packageClass"]), cast("int", total["quantity"])
        released = counts[package_class].released if package_class in counts else 0
        counts[package_class] = ClassCount(declared=quantity, released=released)
    return counts


def _released(state: CycleState, message: Message) -> Mapping[int, ClassCount]:
    counts = dict(state.counts)
    for share in items(message, "shares"):
        package_class, delta = cast("int", share["packageClass"]), cast("int", share["delta"])
        count = counts[package_class]
        counts[package_class] = replace(count, released=count.released + delta)
    return counts
