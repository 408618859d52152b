"""Cycles → how their numbers stand among those that were opened, and not taken back."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, FromClause, select

from ledger.domain.encoding.identifiers import CycleId
from ledger.domain.machines.numbering import Numbering, numbering
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.storage.directory import cycles
from ledger.storage.engine.rows import chunks
from ledger.storage.operations import operations

_OWN, _OTHER = cycles.alias(), cycles.alias()
_OPENED, _OTHER_OPENED = operations.alias(), operations.alias()
_TAKEN_BACK = operations.alias()


def _is_standing(cycle: FromClause, opening: FromClause) -> ColumnElement[bool]:
    """Whether the operation opened the cycle, and nothing took it back since."""
    void = _TAKEN_BACK.c
    return (
        (opening.c.subject == cycle.c.id)
        & (opening.c.kind == "CycleOpening")
        & opening.c.state.not_in(GIVEN_UP)
        & ~select(void.sequence)
        .where(
            void.subject == cycle.c.id,
            void.kind == "CycleVoid",
            void.sequence > opening.c.sequence,
            void.state.not_in(GIVEN_UP),
        )
        .exists()
    )


def _beside(*where: ColumnElement[bool], order: ColumnElement[int]) -> ColumnElement[int | None]:
    """The first other number of the same counter for which all of this holds."""
    return (
        select(_OTHER.c.number)
        .select_from(_OTHER)
        .join(_OTHER_OPENED, _is_standing(_OTHER, _OTHER_OPENED))
        .where(_OTHER.c.equipment == _OWN.c.equipment, _OTHER.c.epoch == _OWN.c.epoch, *where)
        .order_by(order)
        .limit(1)
        .correlate(_OWN, _OPENED)
        .scalar_subquery()
    )


_NUMBERED = (
    select(
        _OWN.c.id,
        _OWN.c.number,
        _beside(_OTHER.c.number < _OWN.c.number, order=_OTHER.c.number.desc()),
        _beside(
            _OTHER.c.number > _OWN.c.number,
            _OTHER_OPENED.c.sequence < _OPENED.c.sequence,
            order=_OTHER.c.number,
        ),
    )
    .select_from(_OWN)
    .join(_OPENED, _is_standing(_OWN, _OPENED))
)


def numberings_of(tx: Connection, cycles_named: Iterable[bytes]) -> dict[CycleId, Numbering]:
    """How the numbers of these cycles stand; a cycle that was taken back is left out."""
    return {
        CycleId(bytes(identifier)): numbering(number, below=below, late_behind=late)
        for part in chunks(cycles_named)
        for identifier, number, below, late in tx.execute(_NUMBERED.where(_OWN.c.id.in_(part)))
    }


def highest_opened(tx: Connection, machine: bytes, *, before: int) -> tuple[int, int]:
    """The highest epoch and number of a machine that was opened before a sequence; (0, 0): none."""
    row = tx.execute(
        select(_OWN.c.epoch, _OWN.c.number)
        .select_from(_OWN)
        .join(_OPENED, _is_standing(_OWN, _OPENED))
        .where(_OWN.c.equipment == machine, _OPENED.c.sequence < before)
        .order_by(_OWN.c.epoch.desc(), _OWN.c.number.desc())
        .limit(1)
    ).first()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))
