"""The operations of one cycle, held against each other: one opening, and unbroken chains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.domain.decisions import DecisionKind, DecisionState, next_state
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    Digest,
    UnitNumber,
    cycle_id,
    equipment_id,
)
from ledger.domain.errors import Refused, VerificationFailed
from ledger.domain.operations import EquipmentState
from ledger.domain.subjects.accepted import integer, word
from ledger.evidence.facts import describe
from ledger.evidence.shape import Evidence, EvidenceOperation, Subject

#: The kinds that supersede each other within a cycle.
_CHAINS = ("CycleEnding", "LoadDeclaration", "CycleDecision")


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
    """The history; raises VerificationFailed at the first operation that does not fit."""
    subject = evidence.subject
    _verify_subject(subject)
    opening = _find_opening(evidence)
    registration = _verify_equipment(evidence, opening)
    current: dict[str, Digest] = dict.fromkeys(_CHAINS, ZERO_DIGEST)
    state = DecisionState.UNDECIDED
    for entry in evidence.operations[1:]:
        kind, message = entry.operation.kind.name, entry.operation.message
        if kind == "CycleOpening" or word(message, "cycle") != subject.cycle:
            raise VerificationFailed(f"{describe(entry)} is not of this cycle", field="operations")
        _verify_replaces(entry, current[kind])
        if kind == "CycleDecision":
            _verify_judged(entry, current)
            state = _next_state(entry, state)
        current[kind] = entry.digest
    known = {entry.digest: entry for entry in evidence.operations}
    ending, load, decision = (known.get(current[kind]) for kind in _CHAINS)
    return CycleHistory(
        opening=opening,
        registration=registration,
        ending=ending,
        load=load,
        decision=decision,
        state=state,
    )


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
    current = history[0].digest
    for entry in history[1:]:
        if entry.operation.kind.name != "EquipmentChange":
            raise VerificationFailed("the machine is registered twice")
        _verify_replaces(entry, current)
        current = entry.digest


# ---------------------------------------------------------------- supersession


def _verify_replaces(entry: EvidenceOperation, current: Digest) -> None:
    if word(entry.operation.message, "replaces") != current:
        raise VerificationFailed(
            f"{describe(entry)} does not continue the one before: one is left out, added or moved",
            rule="each amendment names the digest that it replaces; the first names none",
        )


def _verify_judged(entry: EvidenceOperation, current: Mapping[str, Digest]) -> None:
    message = entry.operation.message
    for name, kind in (("ending", "CycleEnding"), ("load", "LoadDeclaration")):
        if word(message, name) != current[kind]:
            raise VerificationFailed(
                f"{describe(entry)} judges another {name} than the file holds before it",
                rule="a decision names the digests that it judges, and they are the current ones",
            )


def _next_state(entry: EvidenceOperation, state: DecisionState) -> DecisionState:
    value = integer(entry.operation.message, "kind")
    try:
        return next_state(state, DecisionKind(value))
    except ValueError:
        raise VerificationFailed(f"{describe(entry)} has the unknown kind {value}") from None
    except Refused as error:
        raise VerificationFailed(f"{describe(entry)} cannot follow: {error}") from None
