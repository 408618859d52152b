"""Machines' cycles → what an inspection asks first: numbers never opened, tests, results due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from ledger.domain.acts.cycle_decision import RESULTS_IN, known_results
from ledger.domain.acts.decisions import DecisionState
from ledger.domain.callers import Caller
from ledger.domain.encoding.identifiers import ZERO_DIGEST, CycleId
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.subjects.states import CycleState
from ledger.steps.accepting.reading_back import read_facts_of, read_operation
from ledger.steps.accepting.standing import counted
from ledger.steps.answering.showing import folded
from ledger.storage import directory, operations

#: cycles that one survey looks at; a centre with more is surveyed machine by machine
MOST_CYCLES = 2000
_TOLD_BY = frozenset({"CycleOpening", *RESULTS_IN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """One cycle, as far as a survey needs it."""

    machine: directory.EquipmentRow
    state: CycleState
    #: the newest word for each result that was entered
    results: Mapping[str, str]
    #: maker, kind and lot of the indicator of each of them, where somebody said it
    lots: Mapping[str, str]
    #: of its opening; None: nobody said
    awaits_biological: bool | None
    #: when its opening was signed, or the machine's own start where that was stated; Unix seconds
    began_at: int

    @property
    def waits(self) -> bool:
        """Whether it ended, and nobody decided; a Bowie-Dick test without load asks for nothing."""
        is_test = "bowie_dick" in self.results and self.state.load == ZERO_DIGEST
        is_undecided = self.state.state is DecisionState.UNDECIDED
        return self.state.ending != ZERO_DIGEST and is_undecided and not is_test

    @property
    def is_due(self) -> bool:
        """Whether a biological indicator lies in it whose result is not there yet."""
        word = self.results.get("biological", "pending")
        return bool(self.awaits_biological) and word in {"pending", "invalid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Numbers of a machine that were never opened, below one that was."""

    machine: directory.EquipmentRow
    epoch: int
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many numbers."""
        return self.last - self.first + 1


def survey(tx: Connection, caller: Caller, *, machine: bytes | None = None) -> list[Surveyed]:
    """The newest standing cycles that the caller may read, by machine and number.

    As many as MOST_CYCLES; of one machine, where it is named.
    """
    openings = operations.list_latest_operations(
        tx, unit=caller.readable_unit, kind="CycleOpening", parent=machine, limit=MOST_CYCLES
    )
    rows: dict[bytes, list[operations.OperationRow]] = defaultdict(list)
    for row in operations.list_by_subjects(tx, {each.subject for each in openings}):
        if row.state not in GIVEN_UP:
            rows[row.subject].append(row)
    counting = {subject: counted(those) for subject, those in rows.items()}
    wanted = [r for those in counting.values() for r in those if r.kind in _TOLD_BY]
    facts = read_facts_of(tx, wanted)
    machines: dict[bytes, directory.EquipmentRow] = {}
    found = []
    for subject, those in counting.items():
        state = folded(CycleId(subject), map(read_operation, rows[subject]))
        opening = next((r for r in those if r.digest == state.opening), None)
        if opening is None:
            continue  # it was taken back
        if state.equipment not in machines:
            machines[state.equipment] = directory.get_equipment(tx, state.equipment)
        told = facts[opening.digest]["biological_indicator"]
        told_results = [facts[r.digest] for r in those if r.kind in RESULTS_IN]
        found.append(
            Surveyed(
                machine=machines[state.equipment],
                state=state,
                results=known_results(iter(told_results)),
                lots={
                    str(each["result"]): str(each["indicator"])
                    for each in told_results
                    if each.get("indicator")
                },
                awaits_biological=None if told is None else bool(told),
                began_at=state.started_at or opening.signed_at,
            )
        )
    return sorted(found, key=lambda s: (s.machine.serial, s.state.epoch, s.state.number))


def gaps_of(cycles: Iterable[Surveyed]) -> list[Gap]:
    """The numbers that were never opened, from each epoch's first opened number on."""
    by_epoch: dict[tuple[bytes, int], list[Surveyed]] = defaultdict(list)
    for each in cycles:
        by_epoch[each.machine.id, each.state.epoch].append(each)
    gaps = []
    for (_, epoch), those in by_epoch.items():
        numbers = sorted({each.state.number for each in those})
        gaps += [
            Gap(machine=those[0].machine, epoch=epoch, first=before + 1, last=after - 1)
            for before, after in pairwise(numbers)
            if after > before + 1
        ]
    return gaps


def by_lot(
    cycles: Iterable[Surveyed], result: str = "biological"
) -> dict[str, dict[str, list[Surveyed]]]:
    """The cycles whose result was read from an indicator of a lot, by lot and word.

    A lot that fails in several machines says more of itself than of them.
    """
    found: dict[str, dict[str, list[Surveyed]]] = {}
    for each in cycles:
        lot, word = each.lots.get(result), each.results.get(result)
        if lot and word:
            found.setdefault(lot, {}).setdefault(word, []).append(each)
    return found


def range_behind(cycles: Iterable[Surveyed], failed: Surveyed, result: str) -> tuple[int, int]:
    """The numbers that a result which did not pass casts doubt on: first and last.

    From after the newest cycle before it in which the same result passed, else from the first of
    the epoch, to the highest that was opened.
    """
    those = [
        each
        for each in cycles
        if (each.machine.id, each.state.epoch) == (failed.machine.id, failed.state.epoch)
    ]
    number = failed.state.number
    passed = [
        each.state.number
        for each in those
        if each.state.number < number and each.results.get(result) == "pass"
    ]
    numbers = [each.state.number for each in those] + [number]
    first = max(passed) + 1 if passed else min(numbers)
    return first, max(numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What one machine did on one day."""

    day: date
    cycles: Sequence[Surveyed]

    def words(self, result: str) -> list[str]:
        """What was entered for a result on that day, cycle by cycle."""
        return [each.results[result] for each in self.cycles if result in each.results]


def calendar(
    cycles: Iterable[Surveyed], *, zone: str, year: int, month: int
) -> dict[bytes, dict[int, Day]]:
    """A month of each machine by day: the cycles that began on it, by the clock of a zone."""
    found: dict[bytes, dict[int, list[Surveyed]]] = defaultdict(lambda: defaultdict(list))
    for each in cycles:
        began = datetime.fromtimestamp(each.began_at, ZoneInfo(zone))
        days = found[each.machine.id]
        if (began.year, began.month) == (year, month):
            days[began.day].append(each)
    return {
        machine: {day: Day(day=date(year, month, day), cycles=those) for day, those in days.items()}
        for machine, days in found.items()
    }
