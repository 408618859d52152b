"""Packages → labels on their way to paper: serials reserved, labels sent, and what became of them.

A reprint is a label with a code of its own.  Once it is known to be printed, a report voids the
label before; until then both name the package, and no further label of it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.asking import Door
from ledger.domain.acts.scan_report import ACT, MOST_LINES
from ledger.domain.callers import Caller
from ledger.domain.custody.codes import Scheme, read_shot
from ledger.domain.custody.labelling import element_string
from ledger.domain.custody.lines import Deed, assembler, find_package_name
from ledger.domain.custody.printing import (
    MOST_OF_ROLL,
    OPEN,
    PrintState,
    require_following,
    reserved_serials,
    roll_of,
)
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.meaning import meant
from ledger.steps.accepting.resolving import nothing_called
from ledger.steps.accepting.submit import Receipt, record_with_held_keys
from ledger.steps.accepting.telling import hold
from ledger.steps.answering.labelling import label_code
from ledger.steps.answering.packages import numbering
from ledger.steps.answering.view import View
from ledger.steps.instance import Instance
from ledger.storage import labels, packages
from ledger.storage.engine.database import lock_subjects


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll(View):
    """Serials that a unit keeps for outages."""

    unit: int
    #: from 1, in each unit
    roll: int
    #: `R7.001` …
    serials: tuple[str, ...]
    #: those of which something is recorded
    used: tuple[str, ...]
    #: whether they are on paper, or are to be; else they are proposed where something is packed
    for_paper: bool
    #: RFC 3339
    reserved_at: str
    reserved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Print(View):
    """One label, and what became of it."""

    package: str
    #: from 1, of the package's printings
    number: int
    #: from 1: which of its labels it is
    issue: int
    #: what is printed
    code: str
    printer: str | None
    #: sent, printed, not_known, not_printed
    state: str
    #: RFC 3339 and who said so: since when it is in this state
    at: str
    by: str


# ---------------------------------------------------------------- reserved serials


def reserve(  # noqa: PLR0913 - who reserves how many, for what
    instance: Instance,
    tx: Connection,
    caller: Caller,
    unit: int,
    count: int,
    *,
    for_paper: bool = True,
) -> Roll:
    """A roll of serials that nobody uses but who has the roll: paper, labels printed beforehand.

    Those that are not `for_paper` are proposed where something is packed.  Raises InvalidInput for
    more than a roll holds.
    """
    caller.require_unit(unit)
    if not 1 <= count <= MOST_OF_ROLL:
        raise InvalidInput(f"is {count}", field="count", rule=f"1 to {MOST_OF_ROLL} serials")
    lock_subjects(tx, [b"label rolls" + unit.to_bytes(8, "big")])
    number = labels.highest_roll(tx, unit) + 1
    # Somebody may have made up such serials by hand.
    while packages.list_packages_named(tx, _names(unit, number, MOST_OF_ROLL)):
        number += 1
    row = labels.RollRow(
        unit=unit,
        number=number,
        count=count,
        for_paper=for_paper,
        reserved_at=instance.clock(),
        reserved_by=caller.person,
    )
    labels.insert_roll(tx, row)
    return _roll(tx, row)


def list_rolls(tx: Connection, caller: Caller, unit: int) -> list[Roll]:
    """A unit's rolls, and which of their serials are used."""
    _require_reading(caller, unit)
    return [_roll(tx, row) for row in labels.list_rolls(tx, unit)]


def kit_of(tx: Connection, caller: Caller, unit: int, number: int) -> Roll:
    """A roll whose serials go on paper from now on; raises NotFound."""
    caller.require_unit(unit)
    if labels.find_roll(tx, unit, number) is None:
        raise NotFound(f"there is no roll {number}", field="roll", rule="one of your unit's")
    labels.set_for_paper(tx, unit, number)
    return next(each for each in list_rolls(tx, caller, unit) if each.roll == number)


def next_reserved(tx: Connection, unit: int) -> str | None:
    """The first reserved serial that is on no paper, and free; None where none is left.

    One whose label was sent to a printer is on paper, or was spoilt.
    """
    for row in labels.list_rolls(tx, unit):
        if row.for_paper:
            continue
        roll = _roll(tx, row)
        sent_before = labels.list_prints_of(tx, _names(unit, row.number, row.count))
        for each in roll.serials:
            if each not in roll.used and f"{unit}/{each}" not in sent_before:
                return each
    return None


def is_reserved(tx: Connection, package: str) -> bool:
    """Whether a package has a serial that its unit reserved."""
    named = roll_of(package.partition("/")[2])
    roll = None if named is None else labels.find_roll(tx, assembler(package), named[0])
    return roll is not None and named is not None and 1 <= named[1] <= roll.count


def _names(unit: int, number: int, count: int) -> list[str]:
    return [f"{unit}/{serial}" for serial in reserved_serials(number, count)]


def _roll(tx: Connection, row: labels.RollRow) -> Roll:
    names = _names(row.unit, row.number, row.count)
    used = packages.list_packages_named(tx, names)
    return Roll(
        unit=row.unit,
        roll=row.number,
        serials=tuple(reserved_serials(row.number, row.count)),
        used=tuple(each.name.partition("/")[2] for each in used),
        for_paper=row.for_paper,
        reserved_at=instant_text(row.reserved_at),
        reserved_by=row.reserved_by,
    )


# ---------------------------------------------------------------- printing


def sent(  # noqa: PLR0913 - who prints which labels where
    instance: Instance,
    tx: Connection,
    caller: Caller,
    unit: int,
    said: Sequence[str],
    *,
    again: bool = False,
    printer: str | None = None,
) -> list[Print]:
    """Labels → sent: what is printed on each; to be called before anything goes to a printer.

    `again`: a label is on each already, though nobody told of its printing here.

    Raises Refused where another unit has the package, and Conflict where a label of it may have
    been printed here and nobody decided yet.  What another unit sent before is on no way in: its
    label is voided once this one is printed.
    """
    caller.require_unit(unit)
    found = meant(tx, said, unit_number=lambda text: numbering(tx, text))
    names = [each.require(field=f"packages.{at}") for at, each in enumerate(found)]
    if len(set(names)) != len(names):
        raise InvalidInput("name a package twice", field="packages", rule="one label each")
    hold(tx, names)
    before = labels.list_prints_of(tx, names)
    rows = []
    for at, name in enumerate(names):
        has_package = _require_own(tx, unit, name, field=f"packages.{at}")
        printings = before.get(name, [])
        own = [each for each in printings if each.unit == unit]
        _require_printable(name, own, has_package=has_package, field=f"packages.{at}")
        # No two labels that may lie somewhere are alike.
        issue = max((each.issue for each in printings if _may_lie(each)), default=int(again)) + 1
        rows.append(
            labels.PrintRow(
                package=name,
                number=len(printings) + 1,
                unit=unit,
                issue=issue,
                code=label_code(tx, name, issue),
                printer=printer,
                state=PrintState.SENT,
            )
        )
    now = instance.clock()
    states = [
        labels.PrintStateRow(
            package=row.package,
            number=row.number,
            place=0,
            state=row.state,
            at=now,
            by=caller.person,
        )
        for row in rows
    ]
    labels.insert_prints(tx, rows, states)
    return [_print(tx, row) for row in rows]


def _may_lie(row: labels.PrintRow) -> bool:
    return row.state is not PrintState.NOT_PRINTED


def _require_own(tx: Connection, unit: int, name: str, *, field: str) -> bool:
    """Whether anything is recorded of the package; raises where the unit has no label to print."""
    row = packages.find_package(tx, name)
    is_named_by = assembler(name) == unit
    if row is None and is_named_by and is_reserved(tx, name):
        return False
    if row is None or not (is_named_by or unit in {row.holder, row.owner}):
        raise nothing_called("package", name, field=field)
    if row.holder not in {None, unit}:
        raise Refused(
            f"{name} is at another unit",
            field=field,
            rule="who has a package labels it",
            remedy="ask that unit to print the label",
        )
    return True


def _require_printable(
    name: str, printings: Sequence[labels.PrintRow], *, has_package: bool, field: str
) -> None:
    if printings and printings[-1].state in OPEN:
        raise Conflict(
            f"a label of {name} may have been printed",
            field=field,
            rule="what became of one label is decided before the next is sent",
            remedy="look at the printer, then: steriledger label tell",
        )
    if not has_package and any(map(_may_lie, printings)):
        raise Conflict(
            f"the label of {name} was printed, and nothing is packed under it yet",
            field=field,
            rule="a reserved serial is on one label",
            remedy="take the next serial of the roll",
        )


def tell(  # noqa: PLR0913, PLR0917 - who says what of which labels, at which door
    instance: Instance,
    tx: Connection,
    caller: Caller,
    unit: int,
    state: PrintState,
    said: Sequence[str],
    door: Door,
    circumstances: Mapping[str, Any] | None = None,
) -> tuple[list[Receipt], list[Print]]:
    """What became of labels that were sent: printed, not printed, or it is not known.

    What was printed is reported: the label is on the package, and voids those before.  Raises
    Conflict where it was decided before, and NotFound where nothing was sent.
    """
    moved = _move(instance, tx, caller, unit, said, state)
    is_printed = state is PrintState.PRINTED
    lines = [line for row in moved for line in _report_of(tx, row)] if is_printed else []
    receipts = []
    for start in range(0, len(lines), MOST_LINES):
        values = {
            "unit": str(unit),
            "lines": lines[start : start + MOST_LINES],
            **(circumstances or {}),
        }
        draft = make_draft(instance, tx, caller, ACT, values, door)
        receipts.append(record_with_held_keys(instance, tx, caller, draft))
    return receipts, [_print(tx, row) for row in moved]


def list_prints(  # noqa: PLR0913 - whose, which, and how many
    tx: Connection,
    caller: Caller,
    unit: int,
    *,
    open_only: bool = False,
    after: tuple[str, int] = ("", 0),
    limit: int = 100,
) -> list[Print]:
    """A unit's printings by package; `open_only`: those that nobody decided."""
    _require_reading(caller, unit)
    states = OPEN if open_only else None
    rows = labels.list_prints(tx, unit, states=states, after=after, limit=limit)
    return [_print(tx, row) for row in rows]


def _move(  # noqa: PLR0913, PLR0917 - who says what of which labels
    instance: Instance,
    tx: Connection,
    caller: Caller,
    unit: int,
    said: Sequence[str],
    state: PrintState,
) -> list[labels.PrintRow]:
    caller.require_unit(unit)
    named = _by_package(tx, unit, said)
    hold(tx, list(named))
    printings = labels.list_prints_of(tx, named)
    moved = []
    for name, code in named.items():
        rows = [row for row in printings.get(name, []) if row.unit == unit]
        if not rows:
            raise NotFound(f"no label of {name} was sent to a printer", field="packages")
        if code not in {None, rows[-1].code}:
            raise Conflict(
                f"{code} is another label of {name} than the one that was sent",
                field="packages",
                rule="the scan of a label says what was to be printed on it",
                remedy="scan the label that came out just now",
            )
        require_following(name, rows[-1].state, state)
        if not labels.set_state(tx, rows[-1], state, at=instance.clock(), by=caller.person):
            raise Conflict(f"the label of {name} was decided meanwhile", field="packages")
        moved.append(labels.list_prints_of(tx, [name])[name][-1])
    return moved


def _by_package(tx: Connection, unit: int, said: Sequence[str]) -> dict[str, str | None]:
    """The packages that are meant, each with the code of its label where that was scanned.

    A code that was printed just now stands in no report yet.
    """
    shots = [None if find_package_name(each) else read_shot(each).code for each in said]
    sent_now = {
        row.code: row.package
        for row in labels.list_prints_coded(tx, unit, {code for code in shots if code})
    }
    found = meant(tx, said, unit_number=lambda text: numbering(tx, text))
    named: dict[str, str | None] = {}
    for shot, each in zip(shots, found, strict=True):
        if shot in sent_now:
            named[sent_now[shot]] = shot
        else:
            named.setdefault(each.require(field="packages"), each.code)
    return named


def _report_of(tx: Connection, row: labels.PrintRow) -> list[dict[str, Any]]:
    """What a printed label says of its package; nothing while nothing is packed under it."""
    if packages.find_package(tx, row.package) is None:
        return []
    on_it = packages.list_codes_on(tx, [row.package])
    standing = {each.code for each in on_it if not each.voided}
    voided = {each.code for each in on_it if each.voided}
    prints = [each for each in labels.list_prints_of(tx, [row.package])[row.package] if each != row]
    if any(each.state is PrintState.PRINTED and each.number > row.number for each in prints):
        # Another unit printed one meanwhile, which took the place of this.
        told = dict.fromkeys({row.code} - voided, Deed.LABEL_VOIDED)
    else:
        before = {code for code in standing if _is_ours(code, row.code)}
        # What was sent before, by whomever, may lie on the package though nobody told.
        before |= {each.code for each in prints if _may_lie(each) and each.number < row.number}
        told = dict.fromkeys(sorted(before - voided - {row.code}), Deed.LABEL_VOIDED)
        if row.code not in standing:
            told[row.code] = Deed.LABELLED
    return [
        {
            "act": deed.value,
            "package": row.package,
            # nobody looked at the package for it
            "basis": "inferred",
            "code": code,
            "outcome": f"label {row.issue}",
        }
        for code, deed in told.items()
    ]


def _is_ours(code: str, new: str) -> bool:
    """Whether a label is one of those that its unit makes, so that a new one takes its place."""
    shot = read_shot(element_string(code))
    if shot.scheme is Scheme.OWN:
        return True
    # a supplier's own GS1 label stays
    return shot.gtin is not None and shot.gtin == read_shot(element_string(new)).gtin


def _print(tx: Connection, row: labels.PrintRow) -> Print:
    last = labels.list_print_states(tx, row.package, row.number)[-1]
    return Print(
        package=row.package,
        number=row.number,
        issue=row.issue,
        code=row.code,
        printer=row.printer,
        state=row.state.value,
        at=instant_text(last.at),
        by=last.by,
    )


def _require_reading(caller: Caller, unit: int) -> None:
    if caller.readable_unit not in {None, unit}:
        raise NotFound(f"unit {unit} is not yours", field="unit", rule="a unit reads its own")
