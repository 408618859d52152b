"""A set → packages of it: assembled, labelled with a code of ours, with their last day of use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.asking import Door
from ledger.domain.acts.scan_report import ACT, MOST_LINES
from ledger.domain.callers import Caller
from ledger.domain.custody.codes import Scheme, make_code, read_shot
from ledger.domain.custody.expiry import STORAGE_CLASSES, last_day
from ledger.domain.custody.fold import standing
from ledger.domain.custody.labelling import element_string, gs1_code
from ledger.domain.custody.lines import Deed, parse_package
from ledger.domain.errors import Conflict, InvalidInput, NotFound
from ledger.domain.records.commitments import Fields
from ledger.readings import zone_named
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.loading import packages_in
from ledger.steps.accepting.meaning import resolve_set
from ledger.steps.accepting.scanning import sets_named
from ledger.steps.accepting.submit import Receipt, record_with_held_keys
from ledger.steps.accepting.telling import hold
from ledger.steps.answering.declared import find_definition
from ledger.steps.answering.packages import numbering
from ledger.steps.answering.view import View
from ledger.steps.instance import Instance
from ledger.storage import packages

#: so many labels of one package are thought of
_MOST_LABELS = 99
_SCHEMES = {Scheme.OWN: "own scheme", Scheme.GS1: "GS1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What was packed."""

    set: str | None
    #: the unit's own serial texts, one for each package
    serials: Sequence[str]
    #: left out: as the set says
    material: str | None = None
    #: the classes of the places where they may lie; the shortest period counts
    storages: Sequence[str] = STORAGE_CLASSES
    #: ISO 8601; left out: by material and storage
    expires: str | None = None
    happened: datetime | None = None
    #: of the day that is printed
    zone: str = "UTC"
    #: in a GS1 code: the batch in which they are to be sterilised, where it is known by then
    lot: str | None = None
    #: in the words of custody/outcomes.py: `36/37; second person`
    outcome: str | None = None
    #: what is missing, and what else is to be said
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled(View):
    """One package that was assembled."""

    package: str
    code: str
    expires: str | None


def assemble(  # noqa: PLR0913, PLR0917 - who packed what, at which door
    instance: Instance,
    tx: Connection,
    caller: Caller,
    unit: int,
    packed: Assembly,
    door: Door,
    circumstances: Mapping[str, Any] | None = None,
) -> tuple[list[Receipt], list[Assembled]]:
    """Packages of a set → accepted: assembled and labelled.

    Raises Conflict for a serial that the unit used before, and InvalidInput where no period is
    stated for the material.
    """
    caller.require_unit(unit)
    named = [parse_package(f"{unit}/{serial}", field="serials") for serial in packed.serials]
    hold(tx, named)
    # Whoever mistypes a name of this unit's takes it from nobody.
    taken = [
        name
        for name, lines in packages.list_lines_of(tx, named).items()
        if any(line.deed is Deed.ASSEMBLED and line.unit == unit for line in standing(lines))
    ]
    if taken or len(set(named)) != len(named):
        raise Conflict(
            f"{', '.join(taken) or 'a serial'} names a package already",
            field="serials",
            rule="a unit uses a serial once",
        )
    set_name = None
    if packed.set is not None:
        set_name = resolve_set(packed.set, unit, unit_number=lambda text: numbering(tx, text))
    defined = {} if set_name is None else find_definition(tx, set_name)
    material = packed.material or defined.get("material")
    happened = packed.happened or instance.clock()
    expires = packed.expires
    if expires is None and material is not None:
        day = happened.astimezone(zone_named(packed.zone)).date()
        expires = last_day(day, str(material), packed.storages).isoformat()
    gtin = defined.get("gtin")
    if packed.lot is not None and gtin is None:
        raise InvalidInput(
            "stands in no code of ours",
            field="lot",
            rule="a lot is part of a GS1 code, which a set with a GTIN has",
            remedy="leave it out, or define the set with its GTIN",
        )
    made = [
        Assembled(
            package=name,
            code=make_code(name)
            if gtin is None
            else _gs1(str(gtin), serial, lot=packed.lot, last_day=expires),
            expires=expires,
        )
        for name, serial in zip(named, packed.serials, strict=True)
    ]
    receipts = []
    for start in range(0, len(made), MOST_LINES // 2):
        part = made[start : start + MOST_LINES // 2]
        lines = [
            line
            for each in part
            for line in _lines(each, set_name, None if material is None else str(material), packed)
        ]
        values = {
            "unit": str(unit),
            "lines": lines,
            "happened": {"utc": happened},
            **(circumstances or {}),
        }
        draft = make_draft(instance, tx, caller, ACT, values, door)
        receipts.append(record_with_held_keys(instance, tx, caller, draft))
    return receipts, made


def _gs1(gtin: str, serial: str, *, lot: str | None, last_day: str | None) -> str:
    """A first label's code, whose reprints fit into a GS1 code too."""
    code = gs1_code(gtin, serial, lot=lot, last_day=last_day)
    try:
        gs1_code(gtin, f"{serial}/{_MOST_LABELS}", lot=lot, last_day=last_day)
    except InvalidInput:
        raise InvalidInput(
            f"{serial!r} leaves no room for a reprint",
            field="serials",
            rule="a reprint's serial has a stroke and its number after it, and 20 signs in all",
            remedy="take a serial of at most 17 signs",
        ) from None
    return code


def _lines(
    each: Assembled, set_name: str | None, material: str | None, packed: Assembly
) -> list[dict[str, Any]]:
    assembled = {
        "act": Deed.ASSEMBLED.value,
        "package": each.package,
        "basis": "typed",
        "set": set_name,
        "material": material,
        "expires": each.expires,
        "outcome": packed.outcome,
        "note": packed.note,
    }
    labelled = {
        "act": Deed.LABELLED.value,
        "package": each.package,
        "basis": "typed",
        "code": each.code,
        "outcome": _SCHEMES[read_shot(element_string(each.code)).scheme],
    }
    return [assembled, labelled]


def get_definition(tx: Connection, set_name: str) -> Fields:
    """A set's newest count sheet; raises NotFound."""
    found = find_definition(tx, set_name)
    if not found:
        raise NotFound(
            f"there is no set {set_name}", field="set", remedy="define it: steriledger set define"
        )
    return found


def set_scanned(tx: Connection, unit: int, said: str) -> str:
    """The set that a shot leads to: its own name, or that of a package or of all in a basket.

    Raises InvalidInput where it leads to none, or to several.
    """
    found = set(sets_named(tx, unit, [said]).values())
    if not found:
        rows = packages_in(tx, unit, said)
        found = {row.set_name for row in rows if row.set_name is not None}
    if len(found) != 1:
        raise InvalidInput(
            f"{said[:60]!r} leads to {' and '.join(sorted(found)) or 'no set'}",
            field="q",
            rule="one set: its own label or name, or a package or a basket of it",
            remedy="scan the set's own label, or type its name",
        )
    return found.pop()
