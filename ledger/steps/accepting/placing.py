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
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    CycleId,
    Digest,
    EquipmentId,
    SignerId,
    UnitNumber,
    cycle_id,
    equipment_id,
)
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.operations import Duty, EquipmentState, Kind, Operation
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.records.records import Record
from ledger.domain.subjects.accepted import CycleState, Message, SignerState, integer, items, word
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.steps.accepting.standing import (
    Standing,
    find_latest_opening,
    find_signer_among,
    read_standing,
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
    #: digests that must be on chain before it, needed or only earlier (`subjects.needs`)
    depends_on: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """What an operation is about, 32 bytes each."""

    #: nobody else may change or read these until it is stored
    changed: frozenset[bytes]
    #: nobody may change these until it is stored
    read: frozenset[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One operation to be placed."""

    tx: Connection
    message: Message
    now: datetime
    #: about all of its subjects
    standing: Standing

    @property
    def unit(self) -> int:
        return integer(self.message, "unit")


def place(tx: Connection, operation: Operation, record: Record, now: datetime) -> Place:
    """The operation's place; raises the rule that keeps it out, and changes nothing."""
    rules.require_signed_at(operation.message, now)
    subjects = subjects_of(operation.kind, operation.message)
    parties = _parties_of_lines(record)
    units = map(unit_subject, parties)
    standing = read_standing(tx, subjects.changed.union(subjects.read, units))
    for number, path in parties.items():
        rules.require_known_unit(standing.unit(number), number, field=path)
    case = _Case(tx=tx, message=operation.message, now=now, standing=standing)
    return PLACE[operation.kind.name](case)


#: Members that name what an operation changes: whoever changes or reads the same waits for it.
_CHANGED = ("equipment", "cycle", "signer", "administrator", "proposal", "subject")
#: Members that name what it rests on.  A revocation that comes at the same moment waits for it, or
#: is seen by it; others that only rest on it go on beside it.
_READ = ("signedBy", "countersignedBy")
#: The kinds that begin or end a unit; all others rest on it.
_CHANGING_UNITS = frozenset({"UnitAdmission", "UnitClosure"})


def subjects_of(kind: Kind, message: Message) -> Subjects:
    """The subjects that must not change while the operation is placed and stored."""
    changed = {word(message, name) for name in _CHANGED if name in message}
    read = {word(message, name) for name in _READ if name in message}
    (changed if kind.name in _CHANGING_UNITS else read).add(unit_subject(integer(message, "unit")))
    if kind.name == "EquipmentRegistration":
        changed.add(_equipment(message))
    elif kind.name == "CycleOpening":
        changed.add(_opened(message))
    elif kind.name == "CycleDecision":
        read |= set(map(unit_subject, _parties(message)))
    return Subjects(changed=frozenset(changed), read=frozenset(read - changed))


def _equipment(message: Message) -> EquipmentId:
    """The machine that a registration brings."""
    return equipment_id(UnitNumber(integer(message, "unit")), word(message, "serial"))


def _opened(message: Message) -> CycleId:
    """The cycle that an opening brings."""
    equipment = EquipmentId(word(message, "equipment"))
    return cycle_id(equipment, integer(message, "epoch"), integer(message, "number"))


def _signer(case: _Case, duty: Duty, *, by: str = "signedBy") -> SignerState:
    rules.require_open_unit(case.standing.unit(case.unit), case.unit)
    return rules.require_signer(
        find_signer_among(case.tx, case.standing, SignerId(word(case.message, by))),
        unit=case.unit,
        duty=duty,
        signed_at=integer(case.message, "signedAt"),
    )


def _require_new_key(case: _Case, signer: bytes) -> None:
    known = find_signer_among(case.tx, case.standing, SignerId(signer))
    if known is not None:
        raise Conflict(
            f"this key was enrolled before, for unit {known.unit}",
            field="key",
            rule="a key acts for one unit, once, for ever",
            remedy="make a new key",
        )


def _place_unit_admission(case: _Case) -> Place:
    message = case.message
    number = case.unit
    if case.standing.unit(number) is not None:
        raise Conflict(
            f"unit {number} is admitted already", field="unit", remedy="choose a free number"
        )
    _require_new_key(case, word(message, "administrator"))
    rules.require_roles(message)
    rules.require_custody(message)
    rules.require_validity(message, valid_from=integer(message, "signedAt"), now=case.now)
    return Place(subject=unit_subject(number))


def _place_unit_closure(case: _Case) -> Place:
    number = case.unit
    unit = rules.require_open_unit(case.standing.unit(number), number)
    # Its own operations, and the decisions that name it in their shares, come before its end.
    before = (
        *operations.list_waiting_of(case.tx, number),
        *operations.list_waiting_dependents(case.tx, unit.admission),
    )
    return Place(subject=unit_subject(number), depends_on=_distinct((unit.admission, *before)))


def _place_signer_enrolment(case: _Case) -> Place:
    message = case.message
    administrator = _signer(case, Duty.ADMINISTER)
    _require_new_key(case, word(message, "signer"))
    rules.require_duties(message)
    rules.require_custody(message)
    rules.require_validity(message, valid_from=integer(message, "validFrom"), now=case.now)
    return Place(subject=word(message, "signer"), depends_on=(administrator.enrolment,))


def _place_signer_revocation(case: _Case) -> Place:
    message = case.message
    administrator = _signer(case, Duty.ADMINISTER)
    signer = find_signer_among(case.tx, case.standing, SignerId(word(message, "signer")))
    if signer is None or signer.unit != case.unit:
        raise NotFound("no such signer of this unit", field="signer")
    if signer.revocation is not None:
        raise Conflict(
            "the signer is revoked already", field="signer", rule="a key is revoked once, for good"
        )
    return Place(
        subject=signer.id,
        depends_on=_distinct(
            (
                administrator.enrolment,
                signer.enrolment,
                # What it signed was accepted while it was valid.
                *operations.list_waiting_signed_by(case.tx, signer.key),
            )
        ),
    )


def _place_equipment_registration(case: _Case) -> Place:
    message = case.message
    administrator = _signer(case, Duty.ADMINISTER)
    rules.require_equipment_kind(message)
    equipment = _equipment(message)
    if case.standing.machine(equipment) is not None:
        raise Conflict(
            "a machine of this serial number is registered already",
            field="serial",
            rule="a serial number names one machine of the unit",
            remedy="look at: steriledger equipment list",
        )
    return Place(subject=equipment, depends_on=(administrator.enrolment,))


def _place_equipment_change(case: _Case) -> Place:
    message = case.message
    administrator = _signer(case, Duty.ADMINISTER)
    equipment = EquipmentId(word(message, "equipment"))
    machine = rules.require_machine(case.standing.machine(equipment), unit=case.unit)
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
    latest = find_latest_opening(case.tx, equipment, machine.epoch)
    before = (latest[0],) if latest else ()
    return Place(
        subject=equipment,
        replaces=replaces,
        depends_on=_distinct((administrator.enrolment, machine.current, *before)),
    )


def _place_recovery_proposal(case: _Case) -> Place:
    message = case.message
    number = case.unit
    unit = rules.require_open_unit(case.standing.unit(number), number)
    key = word(message, "signer")
    _require_new_key(case, key)
    _require_free(
        case,
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
    rules.require_validity(message, valid_from=integer(message, "signedAt"), now=case.now)
    return Place(subject=key, depends_on=(unit.admission,))


def _place_recovery_veto(case: _Case) -> Place:
    message = case.message
    administrator = _signer(case, Duty.ADMINISTER)
    proposal = Digest(word(message, "proposal"))
    row = operations.find_operation(case.tx, proposal, unit=case.unit)
    if row is None or row.kind != "RecoveryProposal" or row.state in GIVEN_UP:
        raise NotFound("no such proposal for this unit", field="proposal")
    _require_free(
        case,
        "RecoveryVeto",
        proposal,
        Conflict("it is vetoed already", field="proposal", rule="one veto ends a recovery"),
    )
    indexed = index.find(case.tx, IndexedOperation, proposal)
    rules.require_vetoable(proposed_at=None if indexed is None else indexed.timestamp, now=case.now)
    return Place(subject=proposal, depends_on=(administrator.enrolment, proposal))


def _place_record_erasure(case: _Case) -> Place:
    message = case.message
    first = _signer(case, Duty.ERASE)
    second = _signer(case, Duty.ERASE, by="countersignedBy")
    if first.id == second.id:
        raise InvalidInput(
            "is the same signer", field="countersigner", rule="an erasure has two signers"
        )
    subject = Digest(word(message, "subject"))
    row = operations.find_operation(case.tx, subject, unit=case.unit)
    if row is None:
        raise NotFound("no such operation of this unit", field="subject")
    _require_free(
        case,
        "RecordErasure",
        subject,
        Conflict(
            "its erasure was asked for already",
            field="subject",
            rule="one record is erased once",
        ),
    )
    return Place(
        subject=subject, depends_on=_distinct((first.enrolment, second.enrolment, row.digest))
    )


def _place_cycle_opening(case: _Case) -> Place:
    message = case.message
    signer = _signer(case, Duty.OPEN)
    equipment = EquipmentId(word(message, "equipment"))
    epoch, number = integer(message, "epoch"), integer(message, "number")
    machine = rules.require_machine(case.standing.machine(equipment), unit=case.unit, epoch=epoch)
    cycle = _opened(message)
    if case.standing.cycle(cycle) is not None:
        raise Conflict(
            f"cycle {number} of this machine is open already",
            field="number",
            rule="a machine has one cycle of each number",
            remedy="add to that cycle, or read the machine's own number again",
        )
    latest = find_latest_opening(case.tx, equipment, epoch)
    rules.require_rising_number(number, latest[1] if latest else None)
    before = (latest[0],) if latest else ()
    return Place(
        subject=cycle,
        parent=equipment,
        depends_on=_distinct((machine.current, signer.enrolment, *before)),
    )


def _cycle(case: _Case) -> CycleState:
    cycle = case.standing.cycle(CycleId(word(case.message, "cycle")))
    return rules.require_cycle(cycle, unit=case.unit)


def _place_cycle_ending(case: _Case) -> Place:
    message = case.message
    signer = _signer(case, Duty.RESULT)
    cycle = _cycle(case)
    rules.require_outcome(message)
    rules.require_current(message, cycle.ending, what="an ending")
    return _amendment(cycle, cycle.ending, signer)


def _place_load_declaration(case: _Case) -> Place:
    message = case.message
    signer = _signer(case, Duty.LOAD)
    cycle = _cycle(case)
    rules.require_current(message, cycle.load, what="a declared load")
    rules.require_totals(message, cycle)
    return _amendment(cycle, cycle.load, signer)


def _place_cycle_decision(case: _Case) -> Place:
    message = case.message
    signer = _signer(case, Duty.DECIDE)
    cycle = _cycle(case)
    rules.require_current(message, cycle.decision, what="a decision")
    rules.require_decidable(message, cycle)
    units = [
        (rules.require_open_unit if adds else rules.require_known_unit)(
            case.standing.unit(number), number, field=field
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


def _require_free(case: _Case, kind: str, subject: bytes, taken: Conflict) -> None:
    """Raise `taken` when an operation of that kind stands on the subject already."""
    if case.standing.first(kind, subject) is not None:
        raise taken


def _parties_of_lines(record: Record) -> dict[int, str]:
    """A load's owners and payers, each open or closed by now → where it is named first."""
    found: dict[int, str] = {}
    for path, value in record.facts.items():
        if path.startswith("lines.") and path.endswith((".owner", ".payer")):
            found.setdefault(cast("int", value), path)
    return found


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


PLACE: Mapping[str, Callable[[_Case], Place]] = {
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
