"""Operation → its place among the accepted ones, or the rule that keeps it out.

`PLACE` has one function per kind; each loads what is accepted, applies the rules of
`ledger.domain.rules`, and says what the operation is about and what must be on chain before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection

from ledger.domain import rules
from ledger.domain.accepted import CycleState, Message, SignerState, integer, items, word
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.identifiers import (
    ZERO_DIGEST,
    CycleId,
    Digest,
    EquipmentId,
    SignerId,
    UnitNumber,
    cycle_id,
    equipment_id,
)
from ledger.domain.indexed import IndexedOperation
from ledger.domain.operation_states import GIVEN_UP
from ledger.domain.operations import Duty, EquipmentState, Kind, Operation
from ledger.domain.records import Record
from ledger.steps.accepted import (
    find_cycle_state,
    find_latest_opening,
    find_machine_state,
    find_signer_state,
    find_unit_state,
    unit_subject,
)
from ledger.storage import index, operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an operation stands among the accepted ones."""

    #: 32 bytes: what it is about
    subject: bytes
    #: 32 bytes: what the subject belongs to, when order matters there
    parent: bytes | None = None
    replaces: Digest = ZERO_DIGEST
    #: digests that must be on chain before it, needed or only earlier (`ledger.domain.needs`)
    depends_on: tuple[Digest, ...] = ()


def place(tx: Connection, operation: Operation, record: Record, now: datetime) -> Place:
    """The operation's place; raises the rule that keeps it out, and changes nothing."""
    rules.require_signed_at(operation.message, now)
    _require_known_parties(tx, record)
    return PLACE[operation.kind.name](tx, operation.message, now)


#: Members that name what an operation rests on or changes.  A revocation or closure that comes at
#: the same moment waits for it, or is seen by it.
_LOCKED = (
    "equipment",
    "cycle",
    "signer",
    "administrator",
    "proposal",
    "subject",
    "signedBy",
    "countersignedBy",
)


def locks_of(kind: Kind, message: Message) -> tuple[bytes, ...]:
    """The subjects that must not change while the operation is placed and stored."""
    keys = [word(message, name) for name in _LOCKED if name in message]
    units = {integer(message, "unit")}
    if kind.name == "CycleDecision":
        units |= set(_parties(message))
    return (*keys, *map(unit_subject, sorted(units)))


def _signer(tx: Connection, message: Message, duty: Duty, *, by: str = "signedBy") -> SignerState:
    unit = integer(message, "unit")
    rules.require_open_unit(find_unit_state(tx, unit), unit)
    return rules.require_signer(
        find_signer_state(tx, SignerId(word(message, by))),
        unit=unit,
        duty=duty,
        signed_at=integer(message, "signedAt"),
    )


def _require_new_key(tx: Connection, signer: bytes) -> None:
    known = find_signer_state(tx, SignerId(signer))
    if known is not None:
        raise Conflict(
            f"this key was enrolled before, for unit {known.unit}",
            field="key",
            rule="a key acts for one unit, once, for ever",
            remedy="make a new key",
        )


def _place_unit_admission(tx: Connection, message: Message, now: datetime) -> Place:
    number = integer(message, "unit")
    if find_unit_state(tx, number) is not None:
        raise Conflict(f"unit {number} is admitted already", field="unit")
    _require_new_key(tx, word(message, "administrator"))
    rules.require_roles(message)
    rules.require_custody(message)
    rules.require_validity(message, valid_from=integer(message, "signedAt"), now=now)
    return Place(subject=unit_subject(number))


def _place_unit_closure(tx: Connection, message: Message, now: datetime) -> Place:  # noqa: ARG001
    number = integer(message, "unit")
    unit = rules.require_open_unit(find_unit_state(tx, number), number)
    # Its own operations, and the decisions that name it in their shares, come before its end.
    before = (
        *operations.list_waiting_of(tx, number),
        *operations.list_waiting_dependents(tx, unit.admission),
    )
    return Place(subject=unit_subject(number), depends_on=_distinct((unit.admission, *before)))


def _place_signer_enrolment(tx: Connection, message: Message, now: datetime) -> Place:
    administrator = _signer(tx, message, Duty.ADMINISTER)
    _require_new_key(tx, word(message, "signer"))
    rules.require_duties(message)
    rules.require_custody(message)
    rules.require_validity(message, valid_from=integer(message, "validFrom"), now=now)
    return Place(subject=word(message, "signer"), depends_on=(administrator.enrolment,))


def _place_signer_revocation(tx: Connection, message: Message, now: datetime) -> Place:  # noqa: ARG001
    administrator = _signer(tx, message, Duty.ADMINISTER)
    signer = find_signer_state(tx, SignerId(word(message, "signer")))
    if signer is None or signer.unit != integer(message, "unit"):
        raise NotFound("no such signer of this unit", field="signer")
    if signer.revocation is not None:
        raise Conflict("the signer is revoked already", field="signer")
    return Place(
        subject=signer.id,
        depends_on=_distinct(
            (
                administrator.enrolment,
                signer.enrolment,
                # What it signed was accepted while it was valid.
                *operations.list_waiting_signed_by(tx, signer.key),
            )
        ),
    )


def _place_equipment_registration(tx: Connection, message: Message, now: datetime) -> Place:  # noqa: ARG001
    administrator = _signer(tx, message, Duty.ADMINISTER)
    rules.require_equipment_kind(message)
    equipment = equipment_id(UnitNumber(integer(message, "unit")), word(message, "serial"))
    if find_machine_state(tx, equipment) is not None:
        raise Conflict("a machine of this serial number is registered already", field="serial")
    return Place(subject=equipment, depends_on=(administrator.enrolment,))


def _place_equipment_change(tx: Connection, message: Message, now: datetime) -> Place:  # noqa: ARG001
    administrator = _signer(tx, message, Duty.ADMINISTER)
    equipment = EquipmentId(word(message, "equipment"))
    machine = rules.require_machine(
        find_machine_state(tx, equipment), unit=integer(message, "unit")
    )
    rules.require_equipment_state(message)
    replaces = Digest(word(message, "replaces"))
    if replaces != machine.current:
        raise Conflict(
            "the machine was changed meanwhile", field="replaces", remedy="look at it again"
        )
    if machine.state is EquipmentState.RETIRED:
        raise Refused("the machine is retired", field="equipment", rule="retirement is terminal")
    if integer(message, "epoch") < machine.epoch:
        raise InvalidInput(
            f"{integer(message, 'epoch')} is lower than {machine.epoch}",
            field="epoch",
            rule="counter epochs never go back",
        )
    latest = find_latest_opening(tx, equipment, machine.epoch)
    before = (latest[0],) if latest else ()
    return Place(
        subject=equipment,
        replaces=replaces,
        depends_on=_distinct((administrator.enrolment, machine.current, *before)),
    )


def _place_recovery_proposal(tx: Connection, message: Message, now: datetime) -> Place:
    number = integer(message, "unit")
    unit = rules.require_open_unit(find_unit_state(tx, number), number)
    key = word(message, "signer")
    _require_new_key(tx, key)
    _require_free(
        tx,
        "RecoveryProposal",
        key,
        Conflict(
            "this key was proposed before",
            field="key",
            rule="a key is proposed once",
            remedy="make a new key",
        ),
    )
    rules.require_custody(message)
    rules.require_validity(message, valid_from=integer(message, "signedAt"), now=now)
    return Place(subject=key, depends_on=(unit.admission,))


def _place_recovery_veto(tx: Connection, message: Message, now: datetime) -> Place:
    administrator = _signer(tx, message, Duty.ADMINISTER)
    proposal = Digest(word(message, "proposal"))
    row = operations.find_operation(tx, proposal, unit=integer(message, "unit"))
    if row is None or row.kind != "RecoveryProposal" or row.state in GIVEN_UP:
        raise NotFound("no such proposal for this unit", field="proposal")
    _require_free(tx, "RecoveryVeto", proposal, Conflict("it is vetoed already", field="proposal"))
    indexed = index.find(tx, IndexedOperation, proposal)
    rules.require_vetoable(proposed_at=None if indexed is None else indexed.timestamp, now=now)
    return Place(subject=proposal, depends_on=(administrator.enrolment, proposal))


def _place_record_erasure(tx: Connection, message: Message, now: datetime) -> Place:  # noqa: ARG001
    first = _signer(tx, message, Duty.ERASE)
    second = _signer(tx, message, Duty.ERASE, by="countersignedBy")
    if first.id == second.id:
        raise InvalidInput(
            "is the same signer", field="countersigner", rule="an erasure has two signers"
        )
    subject = Digest(word(message, "subject"))
    row = operations.find_operation(tx, subject, unit=integer(message, "unit"))
    if row is None:
        raise NotFound("no such operation of this unit", field="subject")
    _require_free(
        tx, "RecordErasure", subject, Conflict("its erasure was asked for already", field="subject")
    )
    return Place(
        subject=subject, depends_on=_distinct((first.enrolment, second.enrolment, row.digest))
    )


def _place_cycle_opening(tx: Connection, message: Message, now: datetime) -> Place:  # noqa: ARG001
    signer = _signer(tx, message, Duty.OPEN)
    equipment = EquipmentId(word(message, "equipment"))
    epoch, number = integer(message, "epoch"), integer(message, "number")
    machine = rules.require_machine(
        find_machine_state(tx, equipment), unit=integer(message, "unit"), epoch=epoch
    )
    cycle = cycle_id(equipment, epoch, number)
    if find_cycle_state(tx, cycle) is not None:
        raise Conflict(f"cycle {number} of this machine is open already", field="number")
    latest = find_latest_opening(tx, equipment, epoch)
    rules.require_rising_number(number, latest[1] if latest else None)
    before = (latest[0],) if latest else ()
    return Place(
        subject=cycle,
        parent=equipment,
        depends_on=_distinct((machine.current, signer.enrolment, *before)),
    )


def _cycle(tx: Connection, message: Message) -> CycleState:
    cycle = find_cycle_state(tx, CycleId(word(message, "cycle")))
    return rules.require_cycle(cycle, unit=integer(message, "unit"))


def _place_cycle_ending(tx: Connection, message: Message, now: datetime) -> Place:  # noqa: ARG001
    signer = _signer(tx, message, Duty.RESULT)
    cycle = _cycle(tx, message)
    rules.require_outcome(message)
    rules.require_current(message, cycle.ending, what="an ending")
    return _amendment(cycle, cycle.ending, signer)


def _place_load_declaration(tx: Connection, message: Message, now: datetime) -> Place:  # noqa: ARG001
    signer = _signer(tx, message, Duty.LOAD)
    cycle = _cycle(tx, message)
    rules.require_current(message, cycle.load, what="a declared load")
    rules.require_totals(message, cycle)
    return _amendment(cycle, cycle.load, signer)


def _place_cycle_decision(tx: Connection, message: Message, now: datetime) -> Place:  # noqa: ARG001
    signer = _signer(tx, message, Duty.DECIDE)
    cycle = _cycle(tx, message)
    rules.require_current(message, cycle.decision, what="a decision")
    rules.require_decidable(message, cycle)
    units = [
        (rules.require_open_unit if adds else rules.require_known_unit)(
            find_unit_state(tx, number), number, field=field
        ).admission
        for number, (field, adds) in _parties(message).items()
    ]
    own = (cycle.opening, cycle.ending, cycle.load, cycle.decision, signer.enrolment)
    return Place(
        subject=cycle.id,
        parent=cycle.equipment,
        replaces=cycle.decision,
        depends_on=_distinct((*own, *units)),
    )


def _parties(message: Message) -> dict[int, tuple[str, bool]]:
    """Unit → where a decision's shares name it, and whether any of those shares adds packages.

    The place is the first share that adds, or else the first of all.  Packages of a unit that was
    closed meanwhile can still be taken back, and none be added.
    """
    found: dict[int, tuple[str, bool]] = {}
    for position, share in enumerate(items(message, "shares")):
        adds = cast("int", share["delta"]) > 0
        for name in ("owner", "payer"):
            number = cast("int", share[name])
            if number not in found or (adds and not found[number][1]):
                found[number] = (f"shares[{position}].{name}", adds)
    return found


def _require_free(tx: Connection, kind: str, subject: bytes, taken: Conflict) -> None:
    """Raise `taken` when an operation of that kind stands on the subject already."""
    rows = operations.list_by_subject(tx, subject, standing=True)
    if any(row.kind == kind for row in rows):
        raise taken


def _require_known_parties(tx: Connection, record: Record) -> None:
    """Every owner and payer of a load's lines is a unit of the group, open or closed by now."""
    found: dict[int, str] = {}
    for path, value in record.facts.items():
        if path.startswith("lines.") and path.endswith((".owner", ".payer")):
            found.setdefault(cast("int", value), path)
    for number, path in found.items():
        rules.require_known_unit(find_unit_state(tx, number), number, field=path)


def _amendment(cycle: CycleState, current: Digest, signer: SignerState) -> Place:
    return Place(
        subject=cycle.id,
        parent=cycle.equipment,
        replaces=current,
        # The decision judged what is amended here, so it reaches the chain first.
        depends_on=_distinct((cycle.opening, current, cycle.decision, signer.enrolment)),
    )


def _distinct(digests: Iterable[Digest]) -> tuple[Digest, ...]:
    return tuple(dict.fromkeys(digest for digest in digests if digest != ZERO_DIGEST))


PLACE: Mapping[str, Callable[[Connection, Message, datetime], Place]] = {
    "UnitAdmission": _place_unit_admission,
    "UnitClosure": _place_unit_closure,
    "SignerEnrolment": _place_signer_enrolment,
    "SignerRevocation": _place_signer_revocation,
    "EquipmentRegistration": _place_equipment_registration,
    "EquipmentChange": _place_equipment_change,
    "RecoveryProposal": _place_recovery_proposal,
    "RecoveryVeto": _place_recovery_veto,
    "RecordErasure": _place_record_erasure,
    "CycleOpening": _place_cycle_opening,
    "CycleEnding": _place_cycle_ending,
    "LoadDeclaration": _place_load_declaration,
    "CycleDecision": _place_cycle_decision,
}
