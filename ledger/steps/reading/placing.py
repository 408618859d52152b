"""Reading → its place among the machine's cycles: epoch, neighbours, what is odd about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from ledger.domain.acts.rules import require_machine
from ledger.domain.acts.vocabulary import CycleReference
from ledger.domain.encoding.identifiers import CycleId
from ledger.domain.errors import Conflict
from ledger.domain.machines.clocks import Neighbour, can_be_right
from ledger.domain.machines.readings import CycleReading
from ledger.domain.subjects.states import CycleState, MachineState
from ledger.steps.accepting.resolving import machine_of
from ledger.steps.accepting.standing import Accepted
from ledger.storage import directory, readings

#: How far two starts of one cycle may stand apart: two clocks, one of them on summer time.
_SAME = timedelta(minutes=70)
#: A counter that was reset falls by more.
_NEAR = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a reading belongs."""

    reference: CycleReference
    #: the cycle of that number, if it is open
    state: CycleState | None
    #: the nearest cycles of the same epoch by number
    before: Neighbour | None
    after: Neighbour | None
    #: that it is late, or which numbers before it have not come in
    notices: tuple[str, ...]


def in_order(
    cycles: Sequence[tuple[int, CycleReading]], *, arrived_at: datetime
) -> list[tuple[int, CycleReading]]:
    """The cycles of several files by machine and number, and those after a reset after the others.

    The counter was reset where the number falls while the time rises, and falls by more than the
    cycles that a wrong clock could have put into another order.
    """
    timed = [
        (each.first.local, each.number, each)
        for _, each in cycles
        if each.first is not None
        and each.number is not None
        and can_be_right(each.first.local.replace(tzinfo=UTC), arrived_at=arrived_at)
    ]
    resets: dict[int, int] = {}
    fallen, highest = Counter[str](), Counter[str]()
    for _, number, each in sorted(timed, key=lambda found: found[:2]):
        serial = each.serial or ""
        if number < highest[serial] - len(timed):
            fallen[serial] += 1
            highest[serial] = 0
        highest[serial] = max(highest[serial], number)
        resets[id(each)] = fallen[serial]

    def place(found: tuple[int, CycleReading]) -> tuple[str, int, int, int, int]:
        at, each = found
        return each.serial or "", resets.get(id(each), 0), each.number or 0, at, each.ordinal

    return sorted(cycles, key=place)


def place_of(
    tx: Connection, machine: directory.EquipmentRow, number: int, start: datetime | None
) -> Place:
    """The cycle that a number is; `start` by the machine's clock, None where it cannot be right.

    A number of an earlier epoch is known by the time of its cycle, and so is one that nobody
    recorded then.  Raises Conflict for a number that falls while the time rises: the counter was
    reset, and nobody said so yet.
    """
    accepted = Accepted(tx)
    state = require_machine(accepted.find(MachineState, machine.id), unit=machine.unit)
    epochs = range(state.epoch, state.first_epoch - 1, -1)
    found = [_in_epoch(tx, accepted, machine, epoch, number) for epoch in epochs]
    same = next((each for each in found if _is_same(each.state, start)), None)
    chosen = same or next((each for each in found if _is_in_order(each, found, start)), None)
    if chosen is None:
        raise Conflict(
            f"number {number} is below {_highest(found[0])}, and its cycle began later",
            field="number",
            rule="a machine's numbers rise with time within a counter epoch",
            remedy="if the counter was reset, say so first: steriledger equipment change --epoch; "
            "if the machine's clock was wrong, open and end the cycle by hand: "
            "steriledger cycle open, cycle end --reading",
        )
    return chosen


def _in_epoch(
    tx: Connection,
    accepted: Accepted,
    machine: directory.EquipmentRow,
    epoch: int,
    number: int,
) -> Place:
    reference = CycleReference(machine=machine_of(machine), epoch=epoch, number=number)
    state = accepted.find(CycleState, reference.id)
    before = _neighbour(tx, accepted, machine, epoch, number, above=False)
    after = _neighbour(tx, accepted, machine, epoch, number, above=True)
    is_open = state is not None and state.is_open
    return Place(
        reference=reference,
        state=state if is_open else None,
        before=before,
        after=after,
        notices=() if is_open else _notices(number, before, after),
    )


def _neighbour(  # noqa: PLR0913 - a place among the cycles of a machine
    tx: Connection,
    accepted: Accepted,
    machine: directory.EquipmentRow,
    epoch: int,
    number: int,
    *,
    above: bool,
) -> Neighbour | None:
    """The nearest cycle that stands; one whose opening was taken back does not."""
    row = directory.find_neighbour(tx, machine.id, epoch, number, above=above)
    while row is not None:
        state = accepted.find(CycleState, row.id)
        if state is not None and state.is_open:
            return Neighbour(number=row.number, started_at=_started(state))
        row = directory.find_neighbour(tx, machine.id, epoch, row.number, above=above)
    return None


def _started(state: CycleState) -> datetime | None:
    return datetime.fromtimestamp(state.started_at, UTC) if state.started_at else None


def _is_same(state: CycleState | None, start: datetime | None) -> bool:
    """Whether the recorded cycle of that number is this one, as far as both tell their start."""
    if state is None:
        return False
    recorded = _started(state)
    return recorded is None or start is None or abs(recorded - start) <= _SAME


def _is_in_order(place: Place, places: list[Place], start: datetime | None) -> bool:
    """Whether the number can be new in that epoch, or is taken there by the only epoch."""
    if place.state is not None:
        return len(places) == 1
    if start is None:
        return True
    if place.after is not None and _is_later(start, place.after):
        # Just below another number it was passed over, and one of the two times is wrong.
        is_passed_over = place.before is not None and not _is_later_than(place.before, start)
        return is_passed_over and place.after.number - place.reference.number <= _NEAR
    is_earlier = place.before is not None and _is_later_than(place.before, start)
    return not is_earlier or place is places[-1]


def _is_later(start: datetime, other: Neighbour) -> bool:
    return other.started_at is not None and start > other.started_at


def _is_later_than(other: Neighbour, start: datetime) -> bool:
    return other.started_at is not None and other.started_at > start


def _highest(place: Place) -> str:
    return f"number {place.after.number}" if place.after else "others"


def _notices(number: int, before: Neighbour | None, after: Neighbour | None) -> tuple[str, ...]:
    if after is not None:
        return (f"late: cycle {after.number} was recorded before it",)
    if before is None or number - before.number <= 1:
        return ()
    first, last = before.number + 1, number - 1
    numbers = f"number {first} has" if first == last else f"numbers {first} to {last} have"
    return (f"{numbers} not come in",)


# ---------------------------------------------------------------- implausible cycles


def oddities_of(
    tx: Connection, machine: directory.EquipmentRow, cycle: CycleReading, own: CycleId
) -> tuple[str, ...]:
    """What is implausible beside the machine's other cycles: a remark, and no verdict."""
    found: list[str] = []
    if cycle.first is not None and cycle.last is not None:
        start, end = (each.local.replace(tzinfo=UTC) for each in (cycle.first, cycle.last))
        rows = readings.list_attached_between(tx, machine.id, start, end, unit=machine.unit)
        for number, began in _others(tx, rows, own).items():
            how = "begins in the same second as" if began == start else "overlaps"
            found.append(f"it {how} cycle {number} of the same machine")
    if cycle.curve_sha256 is not None:
        curve = bytes.fromhex(cycle.curve_sha256)
        rows = readings.list_attached_with(tx, curve, of="curve", unit=machine.unit)
        found.extend(
            f"its values equal those of cycle {number} to the last digit"
            for number in _others(tx, rows, own)
        )
    return tuple(found)


def _others(
    tx: Connection, rows: list[readings.ReadingCycleRow], own: CycleId
) -> dict[str, datetime | None]:
    """When the other cycles of these readings began, by what they are called."""
    others: dict[str, datetime | None] = {}
    for row in rows:
        if row.cycle is not None and row.cycle != own:
            cycle = directory.get_cycle(tx, row.cycle)
            machine = directory.get_equipment(tx, cycle.equipment)
            others.setdefault(f"{machine.serial}/{cycle.epoch}/{cycle.number}", row.began)
    return others
