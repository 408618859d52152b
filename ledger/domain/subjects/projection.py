"""Events → rows of the index: units, signers, machines, cycles, totals, shares and gaps.

Nothing is judged here: the contracts did.  An event that does not fit what came before is our own
fault, or that of whoever left an event out, and raises Inconsistent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol, TypeVar

from ledger.domain.encoding.abi import Scalar, Value, word
from ledger.domain.encoding.events import Event
from ledger.domain.encoding.identifiers import CycleId, Digest, EquipmentId, SignerId, to_hex
from ledger.domain.errors import Inconsistent
from ledger.domain.operations import (
    Custody,
    Duty,
    EquipmentKind,
    EquipmentState,
    Kind,
    Outcome,
    UnitRole,
    Verdict,
)
from ledger.domain.subjects.indexed import (
    IndexedCycle,
    IndexedEquipment,
    IndexedEvent,
    IndexedGap,
    IndexedOperation,
    IndexedShare,
    IndexedSigner,
    IndexedTotal,
    IndexedUnit,
)

#: states of a unit, as the registry numbers them
UNIT_ADMITTED, UNIT_CLOSED = 1, 2
#: states of a signer
SIGNER_VALID, SIGNER_REVOKED = 1, 2
#: the decision state of a cycle that nobody decided
UNDECIDED = 0

#: What an operation is about: the first of these that its event names, else its unit.
_SUBJECTS = ("cycle", "equipment", "signer", "proposal", "subject")

R = TypeVar("R")


class View(Protocol):
    """The rows as they stand, and where changes go."""

    def find(self, cls: type[R], *key: object) -> R | None:
        """Find the row with that primary key, changes included."""

    def put(self, row: object) -> None:
        """Add a row, or change the one with its key."""

    def add(self, row: object) -> None:
        """Add a row that no earlier event can have made."""

    def proposal(self, digest: Digest) -> Mapping[str, Scalar]:
        """Give the fields of a recorded RecoveryProposed; raises Inconsistent without one."""


# ---------------------------------------------------------------- events and operations as rows


def indexed_event(event: Event) -> IndexedEvent:
    """The row that keeps an event whole."""
    return IndexedEvent(
        height=event.log.block_number,
        log_index=event.log.log_index,
        tx_hash=event.log.transaction_hash,
        tx_index=event.log.transaction_index,
        contract=event.contract,
        event=event.name,
        digest=event.digest,
        body=_to_bytes(event.fields),
    )


def event_fields(row: IndexedEvent) -> dict[str, Scalar]:
    """The fields of a kept event; the inverse of `indexed_event`."""
    plain = json.loads(row.body)
    return {
        name: bytes.fromhex(value[2:]) if isinstance(value, str) else int(value)
        for name, value in plain.items()
    }


def indexed_operation(
    kind: Kind, message: Mapping[str, Value], event: Event, *, timestamp: int
) -> IndexedOperation:
    """The row of an operation from its message and the event that announces it.

    The message's bytes are those of `message_to_json`; numbers beyond 2⁵³ − 1, which anybody may
    sign, are written in the same way.
    """
    return IndexedOperation(
        digest=event.digest,
        kind=kind.name,
        unit=_integer(event, "unit"),
        subject=_subject(event),
        message=_to_bytes(message),
        record=_bytes(event, "record"),
        height=event.log.block_number,
        block_hash=event.log.block_hash,
        timestamp=timestamp,
        tx_hash=event.log.transaction_hash,
        position=event.log.log_index,
        head=_bytes(event, "head"),
    )


def _subject(event: Event) -> bytes:
    for name in _SUBJECTS:
        if name in event.fields:
            return _bytes(event, name)
    return word("uint32", _integer(event, "unit"), field="unit")


def _to_bytes(fields: Mapping[str, Value]) -> bytes:
    return _to_text(fields).encode()


def _to_text(fields: Mapping[str, Value]) -> str:
    """JSON as RFC 8785 orders it; the names are identifiers, so nothing is escaped."""
    template, names = _form(tuple(fields))
    return template % tuple(
        [
            f'"0x{value.hex()}"'
            if isinstance(value, bytes)
            else str(value)
            if isinstance(value, int)
            else "[" + ",".join([_to_text(item) for item in value]) + "]"
            for value in [fields[name] for name in names]
        ]
    )


@lru_cache(maxsize=256)
def _form(names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The JSON of an object with these names, a gap for each value; and the order of the gaps."""
    ordered = tuple(sorted(names))
    return "{" + ",".join([f'"{name}":%s' for name in ordered]) + "}", ordered


# ---------------------------------------------------------------- events → changes


#: the one event whose place among the others of its operation counts; that of all others is 0
_LINE = "ShareRecorded"


def project(events: Sequence[Event], view: View) -> None:
    """Change the rows as events in chain order ask; `events` holds whole operations only."""
    lines: dict[tuple[bytes, bytes], int] = {}
    for event in events:
        change = _CHANGES.get(event.name)
        if change is None:
            continue
        place = 0
        if event.name == _LINE:
            key = (event.digest, event.log.transaction_hash)
            place = lines[key] = lines.get(key, -1) + 1
        change(event, place, view)


def touched(events: Sequence[Event]) -> dict[type[object], set[tuple[Scalar, ...]]]:
    """The rows that `project` may look for, by class: their primary keys."""
    found: dict[type[object], set[tuple[Scalar, ...]]] = {}
    for event in events:
        for cls, names in _TOUCHED.get(event.name, ()):
            found.setdefault(cls, set()).add(tuple([event.fields[name] for name in names]))
    return found


def _unit_admitted(event: Event, _place: int, view: View) -> None:
    view.put(
        IndexedUnit(
            number=_integer(event, "unit"),
            roles=UnitRole(_integer(event, "roles")),
            state=UNIT_ADMITTED,
            digest=event.digest,
        )
    )


def _unit_closed(event: Event, _place: int, view: View) -> None:
    unit = _known(view.find(IndexedUnit, _integer(event, "unit")), event)
    view.put(replace(unit, state=UNIT_CLOSED, digest=event.digest))


def _signer_enrolled(event: Event, _place: int, view: View) -> None:
    view.put(
        IndexedSigner(
            id=SignerId(_bytes(event, "signer")),
            unit=_integer(event, "unit"),
            signer=_bytes(event, "key"),
            duties=Duty(_integer(event, "duties")),
            custody=Custody(_integer(event, "custody")),
            valid_from=_integer(event, "validFrom"),
            valid_until=_integer(event, "validUntil"),
            state=SIGNER_VALID,
            enrolled_by=event.digest,
        )
    )


def _signer_revoked(event: Event, _place: int, view: View) -> None:
    signer = _known(view.find(IndexedSigner, _bytes(event, "signer")), event)
    view.put(replace(signer, state=SIGNER_REVOKED, revoked_by=event.digest))


def _recovery_completed(event: Event, _place: int, view: View) -> None:
    """The proposed key becomes an administrator, valid from when the proposal was signed."""
    proposal = view.proposal(event.digest)
    signer, unit = _bytes(event, "signer"), _integer(event, "unit")
    if (proposal["signer"], proposal["unit"]) != (signer, unit):
        raise _misfit(event)
    view.put(
        IndexedSigner(
            id=SignerId(signer),
            unit=unit,
            signer=_of_bytes(proposal["key"], event),
            duties=Duty.ADMINISTER,
            custody=Custody(_of_integer(proposal["custody"], event)),
            valid_from=_of_integer(proposal["signedAt"], event),
            valid_until=_of_integer(proposal["validUntil"], event),
            state=SIGNER_VALID,
            enrolled_by=event.digest,
        )
    )


def _equipment_registered(event: Event, _place: int, view: View) -> None:
    view.put(
        IndexedEquipment(
            id=EquipmentId(_bytes(event, "equipment")),
            unit=_integer(event, "unit"),
            serial=_bytes(event, "serial"),
            kind=EquipmentKind(_integer(event, "kind")),
            epoch=_integer(event, "epoch"),
            state=EquipmentState.IN_SERVICE,
            current=event.digest,
        )
    )


def _equipment_changed(event: Event, _place: int, view: View) -> None:
    machine = _known(view.find(IndexedEquipment, _bytes(event, "equipment")), event)
    epoch = _integer(event, "epoch")
    view.put(
        replace(
            machine,
            state=EquipmentState(_integer(event, "state")),
            epoch=epoch,
            current=event.digest,
            last_number=machine.last_number if epoch == machine.epoch else None,
        )
    )


def _cycle_opened(event: Event, _place: int, view: View) -> None:
    machine = _known(view.find(IndexedEquipment, _bytes(event, "equipment")), event)
    number = _integer(event, "number")
    view.put(
        IndexedCycle(
            id=CycleId(_bytes(event, "cycle")),
            equipment=machine.id,
            unit=_integer(event, "unit"),
            epoch=_integer(event, "epoch"),
            number=number,
            opening=event.digest,
            state=UNDECIDED,
            started_at=_integer(event, "startedAt"),
        )
    )
    view.put(replace(machine, last_number=number))


def _numbers_skipped(event: Event, _place: int, view: View) -> None:
    view.add(
        IndexedGap(
            equipment=EquipmentId(_bytes(event, "equipment")),
            epoch=_integer(event, "epoch"),
            first=_integer(event, "first"),
            last=_integer(event, "last"),
            digest=event.digest,
        )
    )


def _cycle_ended(event: Event, _place: int, view: View) -> None:
    view.put(
        replace(
            _cycle(event, view),
            ending=event.digest,
            outcome=Outcome(_integer(event, "outcome")),
            verdict=Verdict(_integer(event, "verdict")),
            ended_at=_integer(event, "endedAt"),
        )
    )


def _load_declared(event: Event, _place: int, view: View) -> None:
    view.put(replace(_cycle(event, view), load=event.digest))


def _load_total_declared(event: Event, _place: int, view: View) -> None:
    cycle, package_class = _cycle(event, view).id, _integer(event, "packageClass")
    total = view.find(IndexedTotal, cycle, package_class)
    released = 0 if total is None else total.released
    declared = _integer(event, "quantity")
    view.put(
        IndexedTotal(cycle=cycle, package_class=package_class, declared=declared, released=released)
    )


def _cycle_decided(event: Event, _place: int, view: View) -> None:
    view.put(replace(_cycle(event, view), decision=event.digest, state=_integer(event, "state")))


def _share_recorded(event: Event, place: int, view: View) -> None:
    cycle, package_class = _cycle(event, view).id, _integer(event, "packageClass")
    delta = _integer(event, "delta")
    total = _known(view.find(IndexedTotal, cycle, package_class), event)
    view.put(replace(total, released=total.released + delta))
    view.add(
        IndexedShare(
            digest=event.digest,
            line=place,
            cycle=cycle,
            owner=_integer(event, "owner"),
            payer=_integer(event, "payer"),
            package_class=package_class,
            delta=delta,
        )
    )


#: What each event changes; the others (a proposal, a veto, an erasure) are kept as events only.
_CHANGES: Mapping[str, Callable[[Event, int, View], None]] = {
    "UnitAdmitted": _unit_admitted,
    "UnitClosed": _unit_closed,
    "SignerEnrolled": _signer_enrolled,
    "SignerRevoked": _signer_revoked,
    "RecoveryCompleted": _recovery_completed,
    "EquipmentRegistered": _equipment_registered,
    "EquipmentChanged": _equipment_changed,
    "CycleOpened": _cycle_opened,
    "NumbersSkipped": _numbers_skipped,
    "CycleEnded": _cycle_ended,
    "LoadDeclared": _load_declared,
    "LoadTotalDeclared": _load_total_declared,
    "CycleDecided": _cycle_decided,
    "ShareRecorded": _share_recorded,
}

_UNIT = (IndexedUnit, ("unit",))
_SIGNER = (IndexedSigner, ("signer",))
_MACHINE = (IndexedEquipment, ("equipment",))
_CYCLE = (IndexedCycle, ("cycle",))
_TOTAL = (IndexedTotal, ("cycle", "packageClass"))

#: The rows that each event reads or changes, by the members that are their keys.
_TOUCHED: Mapping[str, Sequence[tuple[type[object], tuple[str, ...]]]] = {
    "UnitAdmitted": (_UNIT,),
    "UnitClosed": (_UNIT,),
    "SignerEnrolled": (_SIGNER,),
    "SignerRevoked": (_SIGNER,),
    "RecoveryCompleted": (_SIGNER,),
    "EquipmentRegistered": (_MACHINE,),
    "EquipmentChanged": (_MACHINE,),
    "CycleOpened": (_MACHINE, _CYCLE),
    "CycleEnded": (_CYCLE,),
    "LoadDeclared": (_CYCLE,),
    "LoadTotalDeclared": (_CYCLE, _TOTAL),
    "CycleDecided": (_CYCLE,),
    "ShareRecorded": (_CYCLE, _TOTAL),
}


# ---------------------------------------------------------------- fields


def _cycle(event: Event, view: View) -> IndexedCycle:
    return _known(view.find(IndexedCycle, _bytes(event, "cycle")), event)


def _known(row: R | None, event: Event) -> R:
    if row is None:
        raise _misfit(event)
    return row


def _bytes(event: Event, name: str) -> bytes:
    return _of_bytes(event.fields[name], event)


def _integer(event: Event, name: str) -> int:
    return _of_integer(event.fields[name], event)


def _of_bytes(value: Scalar, event: Event) -> bytes:
    if not isinstance(value, bytes):
        raise _misfit(event)
    return value


def _of_integer(value: Scalar, event: Event) -> int:
    if not isinstance(value, int):
        raise _misfit(event)
    return value


def _misfit(event: Event) -> Inconsistent:
    return Inconsistent(
        f"{event.name} {to_hex(event.digest)} at block {event.log.block_number} does not fit "
        "what came before it",
        remedy="An event is missing; rebuild the index from a trusted node.",
    )
