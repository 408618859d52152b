"""Reading → its place among the machine's cycles: epoch, neighbours, what is odd about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

from sqlalchemy import Connection

from ledger.domain.acts.rules import require_machine
from ledger.domain.acts.vocabulary import CycleReference
from ledger.domain.encoding.identifiers import CycleId
from ledger.domain.errors import Conflict, InvalidInput
from ledger.domain.machines.clocks import Neighbour, can_be_right
from ledger.domain.machines.readings import CycleReading
from ledger.domain.subjects.states import CycleState, MachineState
from ledger.steps.accepting.resolving import machine_of
from ledger.steps.accepting.standing import Accepted
from ledger.storage import directory, readings

#: How far two starts of one cycle may stand apart: two clocks, one of them on summer time.
_SAME = timedelta(minutes=70)
#: A counter that was reset falls by more.
_NEAR = 5
#: No machine runs two cycles within less.
_SHORTEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a reading belongs."""

    reference: CycleReference
    #: the cycle of that number, if it is open
    state: CycleState | None
    #: the nearest cycles of the same epoch by number whose start is known
    before: Neighbour | None
    after: Neighbour | None


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


def place_of(  # noqa: PLR0913 - a machine's number and time, and what a person adds
    tx: Connection,
    machine: directory.EquipmentRow,
    number: int,
    start: datetime | None,
    *,
    epoch: int | None = None,
    printed: str | None = None,
) -> Place:
    """The cycle that a number is; `start` by the machine's clock, None where it cannot be right.

    A number of an earlier epoch is known by the time of its cycle, and so is one that nobody
    recorded then; unless a person says the `epoch`.  `printed` is the serial number as its reading
    has it: beside others of it that found no place, a low number is one after a reset.

    Raises Conflict for a number that falls while the time rises: the counter was reset, and nobody
    said so yet.
    """
    accepted = Accepted(tx)
    state = require_machine(accepted.find(MachineState, machine.id), unit=machine.unit)
    beside = _Beside(tx=tx, accepted=accepted, machine=machine)
    epochs = range(state.epoch, state.first_epoch - 1, -1)
    if epoch is not None:
        if epoch not in epochs:
            raise InvalidInput(
                f"the machine had no counter epoch {epoch}",
                field="epoch",
                rule=f"one of its own, {epochs[-1]} to {epochs[0]}",
            )
        return beside.place(epoch, number)
    found = [beside.place(epoch, number) for epoch in epochs]
    same = (each for each in found if _is_same(each, start, state.epoch))
    new = (
        each
        for each in found
        if each.state is None
        and (
            _is_in_order(each, start, is_first=each is found[-1])
            or beside.was_passed_over(each, start, printed)
        )
        and beside.is_within(each.reference.epoch, start, epochs)
    )
    # The order within an epoch is broken, and yet the cycle lies between others of it.
    amid = (each for each in found if each.state is None and beside.is_amid(each, start))
    # what is none of these is held against the cycle that has the number, and refused by that
    taken = (each for each in found if each.state is not None)
    # above all others, though it began earlier: the clock was set back, and is named for it
    rising = (each for each in found[:1] if each.state is None and each.after is None)
    chosen = next(chain(same, new, amid, taken, rising), None)
    if chosen is None:
        raise Conflict(
            f"{number} is below others, and its cycle began later",
            field="number",
            rule="a machine's numbers rise with time within a counter epoch",
            remedy="if it only came late, or the machine's clock was wrong, say that it is of this "
            f"epoch: steriledger import FILE --epoch {state.epoch}; if the counter was reset, say "
            f"so first: steriledger equipment change {machine.serial} --epoch {state.epoch + 1} "
            "--reason WHY",
        )
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """The other cycles of a machine."""

    tx: Connection
    accepted: Accepted
    machine: directory.EquipmentRow

    def place(self, epoch: int, number: int) -> Place:
        """A number among those of an epoch."""
        reference = CycleReference(machine=machine_of(self.machine), epoch=epoch, number=number)
        state = self.accepted.find(CycleState, reference.id)
        is_open = state is not None and state.is_open
        return Place(
            reference=reference,
            state=state if is_open else None,
            before=_timed(self._nearest(epoch, number, above=False)),
            after=_timed(self._nearest(epoch, number, above=True)),
        )

    def is_within(self, epoch: int, start: datetime | None, epochs: range) -> bool:
        """Whether a start lies between the cycles of the epochs before and after."""
        older = _timed(self._nearest(epoch - 1, None, above=False)) if epoch > epochs[-1] else None
        newer = _timed(self._nearest(epoch + 1, None, above=True)) if epoch < epochs[0] else None
        return start is None or not (_is_earlier(start, older) or _is_later(start, newer))

    def was_passed_over(self, place: Place, start: datetime | None, printed: str | None) -> bool:
        """Whether a time is wrong where a number is below another, and its cycle began later.

        Else the counter was reset: the numbers before it fell as well, and found no place.
        """
        before, after, number = place.before, place.after, place.reference.number
        if start is None or before is None or after is None or _is_earlier(start, before):
            return False
        if not _fits_between(before, after):
            return True
        since = after.started_at
        return after.number - number <= _NEAR and not (
            printed is not None
            and since is not None
            and readings.has_unplaced(
                self.tx, printed, number, since=since, until=start, unit=self.machine.unit
            )
        )

    def is_amid(self, place: Place, start: datetime | None) -> bool:
        """Whether others of its epoch have lower numbers, and began before it and after it."""
        epoch, number = place.reference.epoch, place.reference.number
        lowest, highest = (self._nearest(epoch, None, above=above) for above in (True, False))
        if start is None or not lowest or lowest[0].number > number:
            return False
        others = [*lowest, *highest]
        return any(_is_later(start, each) for each in others) and any(
            _is_earlier(start, each) for each in others
        )

    def _nearest(self, epoch: int, number: int | None, *, above: bool) -> list[Neighbour]:
        """The nearest cycles that stand; one whose opening was taken back does not."""
        rows = directory.list_beside(self.tx, self.machine.id, epoch, number, above=above)
        states = ((row, self.accepted.find(CycleState, row.id)) for row in rows)
        return [
            Neighbour(number=row.number, started_at=_started(state))
            for row, state in states
            if state is not None and state.is_open
        ]


def _timed(nearest: Sequence[Neighbour]) -> Neighbour | None:
    return next((each for each in nearest if each.started_at is not None), None)


def _started(state: CycleState) -> datetime | None:
    return datetime.fromtimestamp(state.started_at, UTC) if state.started_at else None


def _is_same(place: Place, start: datetime | None, newest: int) -> bool:
    """Whether the recorded cycle of that number is this one; without times, only the newest is."""
    if place.state is None:
        return False
    recorded = _started(place.state)
    if recorded is None or start is None:
        return place.reference.epoch == newest
    return abs(recorded - start) <= _SAME


def _is_in_order(place: Place, start: datetime | None, *, is_first: bool) -> bool:
    """Whether the number can be new in that epoch; what is older than all is of the first."""
    if start is None:
        return True
    if _is_later(start, place.after):
        return False
    return is_first or not _is_earlier(start, place.before)


def _fits_between(before: Neighbour, after: Neighbour) -> bool:
    """Whether there was time for all the cycles between two, by what the clock showed at both."""
    if before.started_at is None or after.started_at is None:
        return True
    return (after.number - before.number) * _SHORTEST <= after.started_at - before.started_at


def _is_later(start: datetime, other: Neighbour | None) -> bool:
    return other is not None and other.started_at is not None and start > other.started_at


def _is_earlier(start: datetime, other: Neighbour | None) -> bool:
    return other is not None and other.started_at is not None and start < other.started_at


# ---------------------------------------------------------------- implausible cycles


def oddities_of(
    tx: Connection, machine: directory.EquipmentRow, cycle: CycleReading, own: CycleId
) -> tuple[str, ...]:
    """What is implausible beside the machine's other cycles: a remark, and no verdict."""
    odd: dict[str, list[str]] = {}
    if cycle.first is not None and cycle.last is not None:
        start, end = (each.local.replace(tzinfo=UTC) for each in (cycle.first, cycle.last))
        rows = readings.list_attached_between(tx, machine.id, start, end, unit=machine.unit)
        for name, began in _others(tx, rows, own).items():
            how = "it begins in the same second as" if began == start else "it overlaps"
            odd.setdefault(how, []).append(name)
    if cycle.curve_sha256 is not None:
        curve = bytes.fromhex(cycle.curve_sha256)
        rows = readings.list_attached_with(tx, curve, of="curve", unit=machine.unit)
        odd["to the last digit its values are those of"] = list(_others(tx, rows, own))
    return tuple(f"{how} cycle {', '.join(sorted(names))}" for how, names in odd.items() if names)


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
