"""A package → the code that its label holds, and all that stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from ledger.domain.callers import Caller
from ledger.domain.custody.codes import make_code, read_shot
from ledger.domain.custody.fold import fold, standing
from ledger.domain.custody.labelling import (
    Label,
    Packed,
    Symbol,
    element_string,
    gs1_code,
    package_label,
    plain_gtin,
)
from ledger.domain.custody.lines import Deed, PackageLine, assembler
from ledger.domain.custody.printing import PrintState
from ledger.domain.custody.reading import as_read
from ledger.domain.errors import Conflict, NotFound
from ledger.steps.answering.declared import find_definition
from ledger.steps.answering.packages import agreed_offset, reader_of, unit_names
from ledger.steps.answering.standings import Cycles
from ledger.storage import labels, operations, packages


def label_code(tx: Connection, name: str, issue: int) -> str:
    """What a package's label holds: GS1 where its set has a GTIN, else our own scheme.

    `issue`: from 1, which of its labels it is; each has a code of its own.  Lot and last day stay
    as they were on the first.
    """
    lines = packages.list_lines(tx, name)
    package = fold(name, lines)
    gtin = None if package.set_name is None else find_definition(tx, package.set_name).get("gtin")
    if gtin is None:
        return make_code(name, issue=issue)
    gtin = plain_gtin(str(gtin))
    shots = [read_shot(element_string(each)) for each in package.codes | package.voided]
    first = next((shot for shot in shots if shot.gtin == gtin), None)
    return gs1_code(
        gtin,
        # no serial of ours holds a stroke
        name.partition("/")[2] + ("" if issue == 1 else f"/{issue}"),
        lot=None if first is None else first.lot,
        last_day=package.expires if first is None else first.expires,
    )


def labels_sent(
    tx: Connection,
    caller: Caller,
    unit: int,
    names: Sequence[str],
    symbol: Symbol = Symbol.DATAMATRIX,
) -> list[Label]:
    """The labels of packages whose printing was sent and nobody told of yet, in their order.

    Raises NotFound where the unit sent none, and Conflict where it was told what became of it: a
    label that was printed is not given out again, since a reprint is another one.
    """
    caller.require_unit(unit)
    found = labels.list_prints_of(tx, names)
    rows = []
    for name in names:
        own = [row for row in found.get(name, []) if row.unit == unit]
        if not own:
            raise NotFound(f"no label of {name} was sent to a printer", field="packages")
        if own[-1].state is not PrintState.SENT:
            raise Conflict(
                f"the label of {name} is {own[-1].state.value.replace('_', ' ')}",
                field="packages",
                rule="a label is drawn while it is sent, and nobody told what became of it",
                remedy="send another one if it is needed: that voids the label before",
            )
        rows.append(own[-1])
    lines = packages.list_lines_of(tx, names)
    reader, cycles, offset = reader_of(tx, caller), Cycles(tx), agreed_offset(tx)
    units = unit_names(tx, {assembler(name) for name in names})
    titles: dict[str, str] = {}
    made = []
    for row in rows:
        told = lines.get(row.package, [])
        package = as_read(reader, fold(row.package, told), told)
        if package.set_name is not None and package.set_name not in titles:
            titles[package.set_name] = _title(tx, package.set_name)
        cycle = cycles.find(package.cycle)
        serial = row.package.partition("/")[2]
        packed = Packed(
            name=f"{units.get(assembler(row.package), row.package)}/{serial}",
            code=row.code,
            title=titles.get(package.set_name or "", ""),
            packed_on=_day(offset, _packed_at(told)),
            cycle=None if cycle is None else cycle.name,
            sterilised_on=_day(offset, _sterilised_at(tx, package.cycle)),
            last_day=package.expires,
        )
        made.append(package_label(packed, symbol))
    return made


def _title(tx: Connection, set_name: str) -> str:
    """What people call a set; its own name where nobody gave it a title."""
    return str(find_definition(tx, set_name).get("title") or set_name.partition("/")[2])


def _packed_at(lines: Sequence[PackageLine]) -> int | None:
    """Unix seconds; None where nobody reported it."""
    found = [line for line in standing(lines) if line.deed is Deed.ASSEMBLED]
    if not found:
        return None
    return found[-1].signed_at if found[-1].happened is None else found[-1].happened


def _sterilised_at(tx: Connection, cycle: bytes | None) -> int | None:
    """Unix seconds: when the end of its cycle was told; None while it has none."""
    if cycle is None:
        return None
    rows = operations.list_by_subject(tx, cycle, standing=True)
    return next((row.signed_at for row in rows if row.kind == "CycleEnding"), None)


def _day(offset: timedelta, seconds: int | None) -> str | None:
    """A moment's day by the group's clock, ISO 8601."""
    if seconds is None:
        return None
    return (datetime.fromtimestamp(seconds, UTC) + offset).date().isoformat()
