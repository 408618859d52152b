"""Rolls of serials that units reserved, and labels that were sent to printers.

Nothing of it is evidence: what a label says, and that one was voided, stands in reports of scans.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Index, func, select, true, update

from ledger.domain.custody.printing import PrintState
from ledger.storage.engine.columns import Short
from ledger.storage.engine.rows import Rows, grouped
from ledger.storage.engine.tables import table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RollRow:
    """Serials that a unit keeps for outages and for labels that are printed beforehand."""

    unit: int
    #: from 1, in each unit
    number: Short
    #: how many serials
    count: Short
    #: whether its serials are on paper, or are to be: nothing else takes one of them
    for_paper: bool
    reserved_at: datetime
    reserved_by: str


label_rolls = table_of("label_rolls", RollRow, key=("unit", "number"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintRow:
    """One label that was sent to a printer."""

    package: str
    #: from 1, of the package's printings
    number: Short
    #: the unit that prints
    unit: int
    #: from 1: which of the package's labels it is; every reprint is the next one
    issue: Short
    code: str
    printer: str | None
    state: PrintState


label_prints = table_of(
    "label_prints", PrintRow, Index(None, "unit", "state"), key=("package", "number")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintStateRow:
    """When a printing came to a state, and who said so."""

    package: str
    number: Short
    #: from 0
    place: Short
    state: PrintState
    at: datetime
    by: str


label_print_states = table_of(
    "label_print_states", PrintStateRow, key=("package", "number", "place")
)


_rolls = Rows(label_rolls, RollRow, "roll of serials")
_prints = Rows(label_prints, PrintRow, "printing of label")
_states = Rows(label_print_states, PrintStateRow, "state of printing")


def insert_roll(tx: Connection, row: RollRow) -> None:
    """Reserve a roll; raises Conflict where its number is taken."""
    _rolls.insert(tx, [row])


def list_rolls(tx: Connection, unit: int) -> list[RollRow]:
    """A unit's rolls, in their order."""
    return _rolls.list(tx, label_rolls.c.unit == unit, order=[label_rolls.c.number])


def find_roll(tx: Connection, unit: int, number: int) -> RollRow | None:
    """One roll, or None."""
    return _rolls.find_by(tx, unit=unit, number=number)


def set_for_paper(tx: Connection, unit: int, number: int) -> None:
    """Say that a roll's serials are on paper now."""
    c = label_rolls.c
    where = (c.unit == unit, c.number == number)
    tx.execute(update(label_rolls).where(*where).values(for_paper=True))


def highest_roll(tx: Connection, unit: int) -> int:
    """The number of a unit's last roll; 0 before the first."""
    c = label_rolls.c
    return int(tx.scalar(select(func.max(c.number)).where(c.unit == unit)) or 0)


def insert_prints(
    tx: Connection, rows: Sequence[PrintRow], states: Sequence[PrintStateRow]
) -> None:
    """Keep labels that go to a printer; raises Conflict where somebody printed one meanwhile."""
    _prints.insert(tx, rows)
    _states.insert(tx, states)


def list_prints_of(tx: Connection, names: Iterable[str]) -> dict[str, list[PrintRow]]:
    """The printings of some packages in their order; one that was never printed has no key."""
    c = label_prints.c
    rows = _prints.list_in(tx, c.package, names, order=[c.package, c.number])
    return grouped((row.package, row) for row in rows)


def list_prints(
    tx: Connection,
    unit: int,
    *,
    states: Collection[PrintState] | None = None,
    after: tuple[str, int] = ("", 0),
    limit: int = 100,
) -> list[PrintRow]:
    """A unit's printings by package and number, after `after`; with `states`, those in one."""
    c = label_prints.c
    beyond = (c.package > after[0]) | ((c.package == after[0]) & (c.number > after[1]))
    wanted = true() if states is None else c.state.in_(states)
    return _prints.list(
        tx, c.unit == unit, wanted, beyond, order=[c.package, c.number], limit=limit
    )


def list_prints_coded(tx: Connection, unit: int, codes: Iterable[str]) -> list[PrintRow]:
    """A unit's printings whose label holds one of some codes."""
    c = label_prints.c
    return _prints.list_in(tx, c.code, codes, c.unit == unit, order=[c.package, c.number])


def list_print_states(tx: Connection, package: str, number: int) -> list[PrintStateRow]:
    """The dated states of one printing, in their order."""
    c = label_print_states.c
    return _states.list(tx, c.package == package, c.number == number, order=[c.place])


def set_state(tx: Connection, row: PrintRow, state: PrintState, *, at: datetime, by: str) -> bool:
    """Move a printing on, unless it moved meanwhile; says whether it did."""
    c = label_prints.c
    where = [c.package == row.package, c.number == row.number, c.state == row.state]
    if not tx.execute(update(label_prints).where(*where).values(state=state)).rowcount:
        return False
    s = label_print_states.c
    told = select(func.count()).where(s.package == row.package, s.number == row.number)
    place = int(tx.scalar(told) or 0)
    _states.insert(
        tx,
        [
            PrintStateRow(
                package=row.package, number=row.number, place=place, state=state, at=at, by=by
            )
        ],
    )
    return True
