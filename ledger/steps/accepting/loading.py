"""Baskets and packages that go into a machine → the lines of its load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from ledger.domain.custody.codes import read_shot
from ledger.domain.errors import InvalidInput
from ledger.steps.accepting.meaning import meant
from ledger.steps.answering.baskets import concerns, lying_in
from ledger.steps.answering.declared import find_definition
from ledger.steps.answering.packages import numbering
from ledger.storage import packages
from ledger.storage.packages import PackageRow


def load_scanned(
    tx: Connection, unit: int, said: Sequence[str], package_class: int | None
) -> list[dict[str, Any]]:
    """The lines of a load of what was scanned, each package once; it is its owner's.

    `package_class`: of those whose set names none.  Raises InvalidInput for what names nothing that
    the unit has to do with, and where no class is known.
    """
    rows: dict[str, PackageRow] = {}
    for at, each in enumerate(said):
        found = packages_in(tx, unit, each)
        if not found:
            raise InvalidInput(
                f"{each[:60]!r} leads to no package of yours",
                field=f"lines.{at}",
                rule="a package, or a basket in which something lies",
                remedy="undo it, or report first what lies in it",
            )
        rows |= {row.name: row for row in found}
    return [_line(tx, unit, row, package_class) for row in rows.values()]


def packages_in(tx: Connection, unit: int, said: str) -> list[PackageRow]:
    """What lies in the basket that was scanned, or the package itself, as far as it is the unit's.

    Empty where that is nothing.
    """
    code = read_shot(said).basket
    if code is not None:
        return lying_in(tx, code, unit)
    (what,) = meant(tx, [said], unit_number=lambda text: numbering(tx, text))
    names = [] if what.package is None else [what.package]
    return [row for row in packages.list_packages_named(tx, names) if concerns(row, unit)]


def _line(tx: Connection, unit: int, row: PackageRow, package_class: int | None) -> dict[str, Any]:
    defined = {} if row.set_name is None else find_definition(tx, row.set_name)
    kind = row.package_class or defined.get("package_class") or package_class
    if kind is None:
        raise InvalidInput(
            f"of {row.name} no class is known",
            field="package_class",
            rule="a load counts by class",
            remedy="state the class of what names none",
        )
    owner = row.owner or (int(row.set_name.partition("/")[0]) if row.set_name else unit)
    return {
        "owner": str(owner),
        "package_class": int(str(kind)),
        "quantity": 1,
        "package": row.name,
    }
