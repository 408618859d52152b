"""A basket's code → what lies in it, now or at a moment, as known now or as known then.

A basket, or a container, is a code that stands for packages.  What lies in it follows from what was
reported of those; records name packages, and the code beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from ledger.domain.callers import Caller
from ledger.domain.custody.codes import is_container, read_shot, unit_in
from ledger.domain.custody.fold import DIRTY, Package, fold, standing
from ledger.domain.custody.lines import Deed, PackageLine, assembler
from ledger.domain.custody.reading import may_ask
from ledger.domain.encoding.moments import seconds_text
from ledger.domain.errors import InvalidInput
from ledger.steps.answering.packages import reader_of, unit_names
from ledger.storage import packages

#: a basket holds fewer
_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """A package that lies in a basket."""

    package: str
    set: str | None
    stage: str
    #: RFC 3339, and who put it in, and how that is known
    since: str
    by: str
    basis: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketView:
    """What lies in a basket, as far as the reader may read it."""

    code: str
    is_container: bool
    packages: tuple[Inside, ...]
    #: how many more lie in it that are not the reader's
    others: int
    #: `clean`, `dirty`, or `mixed` where clean things lie beside soiled ones; None: nobody knows
    side: str | None
    #: of the last sealing; empty where there is none
    seals: tuple[str, ...]
    #: whether something was put in or taken out since it was sealed
    is_opened: bool

    def to_plain(self) -> dict[str, object]:
        """As JSON has it."""
        return asdict(self)


def code_of(said: str) -> str:
    """The code of a basket as a scanner delivered it; raises InvalidInput."""
    shot = read_shot(said)
    if shot.basket is None:
        raise InvalidInput(
            f"{said[:60]!r} is the code of no basket",
            field="basket",
            rule="SL, the unit's number, B or C, the name and two check digits",
            remedy="see: steriledger basket name",
        )
    return shot.basket


def lying_in(tx: Connection, code: str, unit: int | None = None) -> list[packages.PackageRow]:
    """The packages that lie in a basket, by all that is known now.

    With `unit`, those that it has, owns, packed or gets.
    """
    rows = packages.list_packages(tx, basket=code, limit=_MOST)
    return [row for row in rows if unit is None or concerns(row, unit)]


def concerns(row: packages.PackageRow, unit: int) -> bool:
    """Whether a unit has, owns, packed or gets a package."""
    named = {row.holder, row.owner, row.next_unit, row.destination, assembler(row.name)}
    return unit in named


def show_basket(
    tx: Connection, caller: Caller, said: str, *, at: int | None = None, known: int | None = None
) -> BasketView:
    """What lies in a basket; `at`: what lay in it then (Unix seconds), `known`: as known then."""
    code = code_of(said)
    reader = reader_of(tx, caller)
    told = [line for line in _told(tx, code, known) if at is None or moment_of(line) <= at]
    put = {line.package: line for line in told if line.deed is Deed.PUT_IN}
    lines = packages.list_lines_of(tx, put)
    folded = [fold(name, lines[name], at=at, known=known) for name in sorted(put)]
    inside = [each for each in folded if each.basket == code]
    gone = {each.name for each in folded if each.basket != code}
    # who may ask is as it stands now
    open_to = [each for each in inside if may_ask(reader, fold(each.name, lines[each.name]))]
    names = unit_names(tx, {put[each.name].unit for each in open_to})
    if reader.unit not in {None, unit_in(code)} and not open_to:
        # whose basket it is not, and who has nothing in it, learns nothing of it
        told, inside = [], []
    # Whoever takes a package out by its own code opens it too, and no line under this code says so.
    seals, is_opened = _sealed(told, gone)
    return BasketView(
        code=code,
        is_container=is_container(code),
        packages=tuple(_inside(each, put[each.name], names) for each in open_to),
        others=len(inside) - len(open_to),
        side=_side(tx, told, inside, known),
        seals=seals,
        is_opened=is_opened,
    )


def side_of(tx: Connection, code: str) -> str | None:
    """Which side a container has now: `clean`, `dirty`, `mixed`; None where nobody knows."""
    rows = lying_in(tx, code)
    lines = packages.list_lines_of(tx, [row.name for row in rows])
    inside = [fold(name, lines[name]) for name in sorted(lines)]
    return _side(tx, _told(tx, code, None), inside, None)


def _told(tx: Connection, code: str, known: int | None) -> list[PackageLine]:
    lines = standing(packages.list_lines_with(tx, code), known=known)
    return sorted(lines, key=lambda line: (moment_of(line), line.place))


def moment_of(line: PackageLine) -> int:
    """When it was, as it was said; Unix seconds."""
    return line.signed_at if line.happened is None else line.happened


def _side(
    tx: Connection, told: Sequence[PackageLine], inside: Sequence[Package], known: int | None
) -> str | None:
    """Soiled things make it dirty until it is washed, also once it is empty."""
    washed = [
        at for at, line in enumerate(told) if line.deed is Deed.WASHED and line.package == line.code
    ]
    since = told[washed[-1] + 1 :] if washed else told
    put = [line for line in since if line.deed is Deed.PUT_IN]
    lines = packages.list_lines_of(tx, {line.package for line in put})
    was = {_was_dirty(each, lines[each.package], known) for each in put}
    now = {each.stage in DIRTY for each in inside}
    if True in was | now or any(line.deed is Deed.RECEIVED_SOILED for line in since):
        return "mixed" if False in now else "dirty"
    return "clean" if washed or was | now else None


def _was_dirty(put: PackageLine, lines: Sequence[PackageLine], known: int | None) -> bool:
    """Whether a package was soiled when it was put in, as known then."""
    until = moment_of(put), put.place
    before = [line for line in lines if (moment_of(line), line.place) <= until]
    return fold(put.package, before, known=known).stage in DIRTY


def _sealed(told: Sequence[PackageLine], gone: set[str]) -> tuple[tuple[str, ...], bool]:
    """The last seals, and whether anything went in or out since; `gone`: what lay in it once."""
    places = [at for at, line in enumerate(told) if line.deed is Deed.SEALED]
    if not places:
        return (), False
    last = told[places[-1]]
    sealed = [line for line in told if line.deed is Deed.SEALED and line.digest == last.digest]
    seals = {line.outcome for line in sealed if line.outcome}
    later = {line.deed for line in told[places[-1] + 1 :]}
    is_opened = later & {Deed.PUT_IN, Deed.TAKEN_OUT} or gone & {line.package for line in sealed}
    return tuple(sorted(seals)), bool(is_opened)


def _inside(package: Package, put: PackageLine, names: dict[int, str]) -> Inside:
    return Inside(
        package=package.name,
        set=package.set_name,
        stage=package.stage.value,
        since=seconds_text(moment_of(put)),
        by=names.get(put.unit, str(put.unit)),
        basis=put.basis,
    )
