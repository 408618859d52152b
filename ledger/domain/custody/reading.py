"""Who may read what of a package's lines: one function, for every door.

A unit reads the whole trace of a package that it owns or has; of one that it had, up to its own
hand-over, recalls excepted.  A carrier reads that it carried and for whom, never what was in the
box.  An auditor reads every fact.  What names a case is for the unit that used the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ledger.domain.custody.fold import STEPS, Package, fold, ordered
from ledger.domain.custody.lines import Deed, PackageLine

#: Everybody who ever had it is told.
_TOLD = frozenset({Deed.HELD, Deed.RECALLED, Deed.ASKED_BACK, Deed.LOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads."""

    #: None: whoever administers the instance, or an auditor: all facts
    unit: int | None
    #: whether it only carries: it reads steps, and no more
    is_carrier: bool = False


def may_ask(reader: Reader, package: Package) -> bool:
    """Whether a package exists for this reader at all."""
    return (
        reader.unit is None
        or package.owner == reader.unit
        or any(each.unit == reader.unit for each in package.holdings)
    )


def readable(
    reader: Reader, package: Package, lines: Iterable[tuple[int, PackageLine]]
) -> list[tuple[int, PackageLine]]:
    """The lines that a reader may read, each as far as it may; `lines` as `ordered` gives them."""
    if reader.unit is None:
        return list(lines)
    until = readable_until(reader, package)
    return [
        (moment, _without_case(reader.unit, line))
        for moment, line in lines
        if _may_read(reader, line, moment, until)
    ]


def as_read(
    reader: Reader,
    package: Package,
    lines: Sequence[PackageLine],
    *,
    at: int | None = None,
    known: int | None = None,
) -> Package:
    """How a package stands by the lines that a reader may read; where it went since is not there.

    `package`: as it stands by all of them, at the same moment and as known then.
    """
    if reader.unit is None:
        return package
    until = readable_until(reader, package)
    read = [
        line
        for moment, line in readable(reader, package, ordered(lines))
        if moment <= until or line.deed not in STEPS
    ]
    return fold(package.name, read, at=at, known=known)


def readable_until(reader: Reader, package: Package) -> float:
    """The moment (Unix seconds) of its own hand-over; without end for an owner, and who has it."""
    if reader.unit in {None, package.owner}:
        return float("inf")
    ends = [each.until for each in package.holdings if each.unit == reader.unit]
    if not ends:
        return float("-inf")
    return float("inf") if None in ends else max(end for end in ends if end is not None)


def _may_read(reader: Reader, line: PackageLine, moment: int, until: float) -> bool:
    if reader.unit in {line.unit, line.to_unit}:
        return True
    if line.deed in _TOLD:
        return True
    if reader.is_carrier:
        return line.deed in STEPS and moment <= until
    return moment <= until


def _without_case(unit: int, line: PackageLine) -> PackageLine:
    return line if line.case is None or line.unit == unit else replace(line, case=None)


def visible_case(reader: Reader, package: Package) -> str | None:
    """The case token of a package's use, for whoever may read it; others read that it was used."""
    may = reader.unit is None or reader.unit == package.used_by
    return package.case if may else None


def names_of(rows: Sequence[tuple[int, PackageLine]]) -> set[int]:
    """The units that some lines name."""
    found = {line.unit for _, line in rows}
    for _, line in rows:
        found |= {each for each in (line.to_unit, line.destination, line.owner) if each}
    return found
