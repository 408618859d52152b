"""The operations of one cycle, held against each other: one opening, and unbroken chains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ledger.domain.decisions import DecisionState
from ledger.domain.encoding.identifiers import (
    Digest,
    UnitNumber,
    cycle_id,
    equipment_id,
)
from ledger.domain.errors import VerificationFailed
from ledger.domain.operations import EquipmentState
from ledger.domain.subjects.accepted import (
    Accepted,
    CycleState,
    fold_cycle,
    integer,
    word,
)
from ledger.evidence.facts import describe
from ledger.evidence.shape import Evidence, EvidenceOperation, Subject
from ledger.evidence.taken import verify_change, verify_taken


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleHistory:
    """A cycle whose operations fit together."""

    opening: EvidenceOperation
    #: the machine's registration
    registration: EvidenceOperation
    #: the current ones, None when there is none
    ending: EvidenceOperation | None
    load: EvidenceOperation | None
    decision: EvidenceOperation | None
    state: DecisionState

    @property
    def serial(self) -> bytes:
        """Keccak-256 of the machine's serial number."""
        return word(self.registration.operation.message, "serial")


def verify_cycle(evidence: Evidence) -> CycleHistory:
    """The history; raises VerificationFailed at the first operation that does not fit.

    The contract's own rules are applied here: that it took an operation is only a node's word.
    """
    subject = evidence.subject
    _verify_subject(subject)
    opening = _find_opening(evidence)
    registration = _verify_equipment(evidence, opening)
    taken = [_accepted(opening)]
    cycle = _fold(subject, taken)
    for entry in evidence.operations[1:]:
        kind, message = entry.operation.kind.name, entry.operation.message
        if kind == "CycleOpening" or word(message, "cycle") != subject.cycle:
            raise VerificationFailed(f"{describe(entry)} is not of this cycle", field="operations")
        _verify_replaces(entry, _current(cycle)[kind])
        verify_taken(entry, cycle)
        taken.append(_accepted(entry))
        cycle = _fold(subject, taken)
    known = {entry.digest: entry for entry in evidence.operations}
    return CycleHistory(
        opening=opening,
        registration=registration,
        ending=known.get(cycle.ending),
        load=known.get(cycle.load),
        decision=known.get(cycle.decision),
        state=cycle.state,
    )


def _accepted(entry: EvidenceOperation) -> Accepted:
    operation = entry.operation
    return Accepted(digest=entry.digest, kind=operation.kind.name, message=operation.message)


def _fold(subject: Subject, taken: Sequence[Accepted]) -> CycleState:
    cycle = fold_cycle(subject.cycle, taken)
    if cycle is None:
        raise VerificationFailed("the cycle was never opened", field="operations")
    return cycle


def _current(cycle: CycleState) -> Mapping[str, Digest]:
    """What an operation of each kind replaces."""
    return {
        "CycleEnding": cycle.ending,
        "LoadDeclaration": cycle.load,
        "CycleDecision": cycle.decision,
    }


def _verify_subject(subject: Subject) -> None:
    if cycle_id(subject.equipment, subject.epoch, subject.number) != subject.cycle:
        raise VerificationFailed(
            "the cycle's id is not that of its machine, epoch and number", field="subject.cycle"
        )


def _find_opening(evidence: Evidence) -> EvidenceOperation:
    subject, first = evidence.subject, evidence.operations[0]
    message = first.operation.message
    if first.operation.kind.name != "CycleOpening" or (
        word(message, "equipment"),
        integer(message, "epoch"),
        integer(message, "number"),
    ) != (subject.equipment, subject.epoch, subject.number):
        raise VerificationFailed(
            "the first operation does not open this cycle", field="operations[0]"
        )
    return first


# ---------------------------------------------------------------- the machine


def _verify_equipment(evidence: Evidence, opening: EvidenceOperation) -> EvidenceOperation:
    """The machine was registered, in service and in this epoch when the cycle was opened."""
    history = _equipment_history(evidence.support, evidence.subject)
    if not history or history[-1].place.position > opening.place.position:
        raise VerificationFailed(
            "the file does not hold the machine's registration and its changes up to the opening",
            field="support",
        )
    _verify_equipment_chain(history)
    last = history[-1].operation.message
    state = integer(last, "state") if "state" in last else int(EquipmentState.IN_SERVICE)
    if state != EquipmentState.IN_SERVICE or integer(last, "epoch") != evidence.subject.epoch:
        raise VerificationFailed(
            "the machine was not in service, or in another counter epoch, when the cycle was opened"
        )
    return history[0]


def _equipment_history(
    support: Sequence[EvidenceOperation], subject: Subject
) -> list[EvidenceOperation]:
    found = []
    for entry in support:
        if entry.operation.kind.name not in {"EquipmentRegistration", "EquipmentChange"}:
            continue
        if equipment_of(entry) != subject.equipment:
            raise VerificationFailed(f"{describe(entry)} is of another machine")
        found.append(entry)
    return found


def equipment_of(entry: EvidenceOperation) -> bytes:
    """The machine that a registration or a change is about."""
    message = entry.operation.message
    if entry.operation.kind.name == "EquipmentChange":
        return word(message, "equipment")
    return equipment_id(UnitNumber(integer(message, "unit")), word(message, "serial"))


def _verify_equipment_chain(history: Sequence[EvidenceOperation]) -> None:
    if history[0].operation.kind.name != "EquipmentRegistration":
        raise VerificationFailed("the file does not hold the machine's registration")
    for before, entry in pairwise(history):
        if entry.operation.kind.name != "EquipmentChange":
            raise VerificationFailed("the machine is registered twice")
        _verify_replaces(entry, before.digest)
        verify_change(entry, before)


# ---------------------------------------------------------------- supersession


def _verify_replaces(entry: EvidenceOperation, current: Digest) -> None:
    if word(entry.operation.message, "replaces") != current:
        raise VerificationFailed(
            f"{describe(entry)} does not continue the one before: one is left out, added or moved",
            rule="each amendment names the digest that it replaces; the first names none",
        )
