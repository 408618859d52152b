"""The directory of what was accepted here, with its names: from units to consignments and assets.

Rows are inserted and never changed, but for the names that an erasure removes, and for the rows of
an operation that the chain refused.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Index, Select, UniqueConstraint, bindparam, or_, select, true

from ledger.domain.acts.words import AssetKind, Custody, EquipmentKind, Right
from ledger.domain.encoding.identifiers import (
    AssetId,
    ConsignmentId,
    CycleId,
    Digest,
    EquipmentId,
    SignerId,
)
from ledger.storage.engine.columns import Unsigned
from ledger.storage.engine.rows import Rows
from ledger.storage.engine.tables import table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """A unit whose admission was accepted here."""

    number: int
    code: str
    name: str
    digest: Digest


units = table_of("units", UnitRow, UniqueConstraint("code"), key=("number",))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerRow:
    """A signer whose enrolment was accepted here."""

    id: SignerId
    unit: int
    #: ERC-7913 bytes
    signer: bytes
    #: None after erasure
    name: str | None
    rights: Right
    custody: Custody
    #: Unix seconds
    valid_from: Unsigned
    #: Unix seconds; 0 means no expiry
    valid_until: Unsigned
    digest: Digest


signers = table_of("signers", SignerRow, Index(None, "unit", "id"), key=("id",))


@dataclass(frozen=True, slots=True, kw_only=True)
class EquipmentRow:
    """A machine whose registration was accepted here."""

    id: EquipmentId
    unit: int
    #: None after erasure
    name: str | None
    #: None when nobody entered it
    model: str | None
    #: the maker's serial number as text
    serial: str
    kind: EquipmentKind
    digest: Digest


equipment = table_of("equipment", EquipmentRow, UniqueConstraint("unit", "serial"), key=("id",))


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRow:
    """A cycle whose opening was accepted here."""

    id: CycleId
    equipment: EquipmentId
    unit: int
    #: of the machine's counter
    epoch: int
    #: the machine's own number
    number: Unsigned
    digest: Digest


cycles = table_of(
    "cycles",
    CycleRow,
    UniqueConstraint("equipment", "epoch", "number"),
    Index(None, "unit", "id"),
    key=("id",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsignmentRow:
    """A consignment whose dispatch was accepted here."""

    id: ConsignmentId
    #: the giver
    unit: int
    #: the giver's own slip number as text
    slip: str
    digest: Digest


consignments = table_of(
    "consignments", ConsignmentRow, UniqueConstraint("unit", "slip"), key=("id",)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRow:
    """An asset whose registration was accepted here."""

    id: AssetId
    #: the owner
    unit: int
    name: str
    #: the code that is on it, as text
    code: str
    kind: AssetKind
    digest: Digest


assets = table_of("assets", AssetRow, UniqueConstraint("unit", "code"), key=("id",))


_units = Rows(units, UnitRow, "unit")
_signers = Rows(signers, SignerRow, "signer")
_equipment = Rows(equipment, EquipmentRow, "equipment")
_cycles = Rows(cycles, CycleRow, "cycle")
_consignments = Rows(consignments, ConsignmentRow, "consignment")
_assets = Rows(assets, AssetRow, "asset")


def insert_unit(tx: Connection, row: UnitRow) -> None:
    """Enter a unit; raises Conflict when its number or code is taken."""
    _units.insert(tx, [row])


def find_unit(tx: Connection, number: int) -> UnitRow | None:
    """The unit of that number, or None."""
    return _units.find_by(tx, number=number)


def get_unit(tx: Connection, number: int) -> UnitRow:
    """The unit of that number; raises NotFound."""
    return _units.get_by(tx, number=number, name=number)


def find_unit_by_code(tx: Connection, code: str) -> UnitRow | None:
    """The unit of that code, or None."""
    return _units.find_by(tx, code=code)


def list_numbered_units(tx: Connection, numbers: Collection[int]) -> list[UnitRow]:
    """Those of a few units that were accepted here; at least one is named."""
    names = tuple(f"number_{at}" for at in range(len(numbers)))
    return _units.read(tx, _numbered(names), **dict(zip(names, numbers, strict=True)))


@cache
def _numbered(names: tuple[str, ...]) -> Select[Any]:
    return select(units).where(units.c.number.in_([bindparam(name) for name in names]))


def list_units(tx: Connection, *, after: int = 0, limit: int = 100) -> list[UnitRow]:
    """Units by number, starting after `after`."""
    return _units.page(tx, after=after, limit=limit)


def insert_signer(tx: Connection, row: SignerRow) -> None:
    """Enter a signer; raises Conflict when this key was enrolled before, for whichever unit."""
    _signers.insert(tx, [row])


def find_signer(tx: Connection, signer_id: bytes, *, unit: int | None = None) -> SignerRow | None:
    """The signer, or None; with `unit`, only if it acts for that unit."""
    return _signers.find_by(tx, id=signer_id, unit=unit)


def get_signer(tx: Connection, signer_id: bytes, *, unit: int | None = None) -> SignerRow:
    """The signer; raises NotFound also when it acts for another unit."""
    return _signers.get_by(tx, id=signer_id, unit=unit, name=signer_id)


def list_signers(
    tx: Connection, *, unit: int | None = None, after: bytes | None = None, limit: int = 100
) -> list[SignerRow]:
    """Signers by id, starting after `after`."""
    return _signers.page(tx, unit=unit, after=after, limit=limit)


def erase_signer_name(tx: Connection, signer_id: bytes) -> None:
    """Forget a signer's name; raises NotFound."""
    changed = tx.execute(signers.update().where(signers.c.id == signer_id).values(name=None))
    if changed.rowcount == 0:
        raise _signers.not_found(signer_id)


def insert_equipment(tx: Connection, row: EquipmentRow) -> None:
    """Enter a machine; raises Conflict when the unit has one of that serial number."""
    _equipment.insert(tx, [row])


def find_equipment(
    tx: Connection, equipment_id: bytes, *, unit: int | None = None
) -> EquipmentRow | None:
    """The machine, or None; with `unit`, only if it is that unit's."""
    return _equipment.find_by(tx, id=equipment_id, unit=unit)


def get_equipment(tx: Connection, equipment_id: bytes, *, unit: int | None = None) -> EquipmentRow:
    """The machine; raises NotFound also when it is another unit's."""
    return _equipment.get_by(tx, id=equipment_id, unit=unit, name=equipment_id)


def list_equipment(
    tx: Connection, *, unit: int | None = None, after: bytes | None = None, limit: int = 100
) -> list[EquipmentRow]:
    """Machines by id, starting after `after`."""
    return _equipment.page(tx, unit=unit, after=after, limit=limit)


def list_equipment_numbered(tx: Connection, serial: str, *, unit: int) -> list[EquipmentRow]:
    """A unit's machines of that serial number, alone or after a maker's name and a colon."""
    c = equipment.c
    return _equipment.list(
        tx,
        c.unit == unit,
        or_(c.serial == serial, c.serial.endswith(f":{serial}", autoescape=True)),
        order=[c.id],
        limit=100,
    )


def list_equipment_called(tx: Connection, name: str, *, unit: int | None) -> list[EquipmentRow]:
    """The machines of that name or serial number, by id."""
    return _equipment.read(
        tx, _CALLED[unit is None], called=name, **({} if unit is None else {"unit": unit})
    )


_CALLED_ANYWHERE = (
    select(equipment)
    .where(or_(equipment.c.serial == bindparam("called"), equipment.c.name == bindparam("called")))
    .order_by(equipment.c.id)
)
_CALLED = {
    True: _CALLED_ANYWHERE,
    False: _CALLED_ANYWHERE.where(equipment.c.unit == bindparam("unit")),
}


def insert_cycle(tx: Connection, row: CycleRow) -> None:
    """Enter a cycle; raises Conflict when this number of the machine's epoch is taken."""
    _cycles.insert(tx, [row])


def find_cycle(tx: Connection, cycle_id: bytes, *, unit: int | None = None) -> CycleRow | None:
    """The cycle, or None; with `unit`, only if it is that unit's."""
    return _cycles.find_by(tx, id=cycle_id, unit=unit)


def get_cycle(tx: Connection, cycle_id: bytes, *, unit: int | None = None) -> CycleRow:
    """The cycle; raises NotFound also when it is another unit's."""
    return _cycles.get_by(tx, id=cycle_id, unit=unit, name=cycle_id)


def find_cycle_by_number(
    tx: Connection, equipment_id: bytes, epoch: int, number: int
) -> CycleRow | None:
    """The cycle with the machine's own number, or None."""
    return _cycles.find_by(tx, equipment=equipment_id, epoch=epoch, number=number)


def list_beside(
    tx: Connection, equipment_id: bytes, epoch: int, number: int | None, *, above: bool
) -> list[CycleRow]:
    """The nearest cycles above or below a number, at most 20; below None is the highest."""
    c = cycles.c
    return _cycles.list(
        tx,
        c.equipment == equipment_id,
        c.epoch == epoch,
        true() if number is None else c.number > number if above else c.number < number,
        order=[c.number if above else c.number.desc()],
        limit=20,
    )


def list_cycles(
    tx: Connection,
    *,
    unit: int | None = None,
    equipment_id: bytes | None = None,
    after: bytes | None = None,
    limit: int = 100,
) -> list[CycleRow]:
    """Cycles by id, starting after `after`."""
    which = true() if equipment_id is None else cycles.c.equipment == equipment_id
    return _cycles.page(tx, which, unit=unit, after=after, limit=limit)


def list_cycles_between(
    tx: Connection, equipment_id: bytes, epoch: int, first: int, last: int
) -> list[CycleRow]:
    """The cycles of a machine's epoch whose numbers lie between two, both included, by number."""
    c = cycles.c
    return _cycles.list(
        tx,
        c.equipment == equipment_id,
        c.epoch == epoch,
        c.number.between(first, last),
        order=[c.number],
    )


def insert_consignment(tx: Connection, row: ConsignmentRow) -> None:
    """Enter a consignment; raises Conflict when the unit has one of that slip number."""
    _consignments.insert(tx, [row])


def find_consignment(tx: Connection, consignment_id: bytes) -> ConsignmentRow | None:
    """The consignment, or None."""
    return _consignments.find_by(tx, id=consignment_id)


def list_consignments(
    tx: Connection, *, after: bytes | None = None, limit: int = 100
) -> list[ConsignmentRow]:
    """Consignments by id, starting after `after`."""
    return _consignments.page(tx, after=after, limit=limit)


def insert_asset(tx: Connection, row: AssetRow) -> None:
    """Enter an asset; raises Conflict when the unit has one of that code."""
    _assets.insert(tx, [row])


def find_asset(tx: Connection, asset_id: bytes) -> AssetRow | None:
    """The asset, or None."""
    return _assets.find_by(tx, id=asset_id)


def list_assets(tx: Connection, *, after: bytes | None = None, limit: int = 100) -> list[AssetRow]:
    """Assets by id, starting after `after`; any unit may know of all, since they are shared."""
    return _assets.page(tx, after=after, limit=limit)


def list_assets_called(tx: Connection, name: str) -> list[AssetRow]:
    """The assets of that code or name, whoever owns them, by id."""
    is_called = or_(assets.c.code == name, assets.c.name == name)
    return _assets.list(tx, is_called, order=[assets.c.id])


def remove_entered(tx: Connection, digest: bytes) -> None:
    """Take out what an operation entered, because the chain refused it; others stay."""
    for table in (units, signers, equipment, cycles, consignments, assets):
        tx.execute(table.delete().where(table.c.digest == digest))
