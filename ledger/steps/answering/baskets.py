"""A basket's code → what lies in it, now or at a moment, as known now or as known then.

A basket, or a container, is a code that stands for packages.  What lies in it follows from what was
reported of those; records name packages, and the code beside them.  A container holds baskets too:
what lies in such a basket lies in the container as long as the basket does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.domain.callers import Caller
from ledger.domain.custody.codes import is_container, read_shot, unit_in
from ledger.domain.custody.fold import DIRTY, Package, fold
from ledger.domain.custody.lines import Deed, PackageLine, assembler, is_package
from ledger.domain.custody.reading import may_ask
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import seconds_text
from ledger.domain.errors import InvalidInput
from ledger.steps.answering.containers import (
    MOVED,
    baskets_in,
    container_of,
    in_order,
    moment_of,
    moves_of,
)
from ledger.steps.answering.packages import reader_of, unit_names
from ledger.steps.answering.view import View
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
    #: the code of what it lies in itself: a basket where the container was asked for
    basket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What was done with a basket, or with something in it."""

    #: RFC 3339
    at: str
    deed: str
    #: a package, or the code of a basket or of the container itself
    what: str
    by: str
    basis: str | None
    outcome: str | None
    #: with which line of which operation, as `takes_back` names it
    digest: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketView(View):
    """What lies in a basket, as far as the reader may read it."""

    code: str
    is_container: bool
    #: the code of the container in which a basket lies
    container: str | None
    #: the codes of the baskets that lie in a container
    baskets: tuple[str, ...]
    packages: tuple[Inside, ...]
    #: how many more lie in it that are not the reader's
    others: int
    #: `clean`, `dirty`, or `mixed` where clean things lie beside soiled ones; None: nobody knows
    side: str | None
    #: of the last sealing; empty where there is none
    seals: tuple[str, ...]
    #: whether something was put in or taken out since it was sealed
    is_opened: bool
    #: its story, in order
    lines: tuple[Happened, ...]


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
    """The packages that lie in a basket, or in the baskets of a container, by all that is known.

    With `unit`, those that it has, owns, packed or gets.
    """
    rows = [
        row
        for each in (code, *baskets_in(tx, code))
        for row in packages.list_packages(tx, basket=each, limit=_MOST)
    ]
    return [row for row in rows if unit is None or concerns(row, unit)]


def names_asked(tx: Connection, unit: int, said: Sequence[str]) -> list[str]:
    """What is asked about, with what lies in a basket in its place, as far as it is the unit's.

    Raises InvalidInput for a basket in which nothing is known to lie.
    """
    found: list[str] = []
    for each in said:
        code = read_shot(each).basket
        rows = [] if code is None else lying_in(tx, code, unit)
        if code is not None and not rows:
            raise InvalidInput(
                f"nothing is known to lie in {code}",
                field="package",
                rule="a basket stands for the packages that were put in",
                remedy="name what lies in it",
            )
        found += [each] if code is None else [row.name for row in rows]
    return found


def concerns(row: packages.PackageRow, unit: int) -> bool:
    """Whether a unit has, owns, packed or gets a package."""
    named = {row.holder, row.owner, row.next_unit, row.destination, assembler(row.name)}
    return unit in named


def is_known_to(tx: Connection, code: str, unit: int) -> bool:
    """Whether a basket is a unit's own, or has something in it that concerns the unit."""
    return unit_in(code) == unit or bool(lying_in(tx, code, unit))


def show_basket(
    tx: Connection, caller: Caller, said: str, *, at: int | None = None, known: int | None = None
) -> BasketView:
    """What lies in a basket; `at`: what lay in it then (Unix seconds), `known`: as known then."""
    code = code_of(said)
    reader = reader_of(tx, caller)
    # a container's owner may say of any basket that it lies there: it learns of those it knows
    put_in = [
        each
        for each in _baskets_put_in(tx, code)
        if reader.unit is None or is_known_to(tx, each, reader.unit)
    ]
    told = [line for line in _told(tx, code, put_in, known) if at is None or moment_of(line) <= at]
    baskets = [each for each in baskets_in(tx, code, at=at, known=known) if each in put_in]
    put: dict[str, PackageLine] = {}
    inside: list[Package] = []
    for each in (code, *baskets):
        placed = _placed(tx, each, at=at, known=known)
        inside += [package for package, _ in placed]
        put |= {package.name: line for package, line in placed}
    lines = packages.list_lines_of(tx, {line.package for line in told} | set(put))
    # who may ask is as it stands now
    open_to = {n for n in lines if is_package(n) and may_ask(reader, fold(n, lines[n]))}
    if reader.unit not in {None, unit_in(code)} and open_to.isdisjoint(put):
        # whose basket it is not, and who has nothing in it, learns nothing of it
        told, inside, baskets = [], [], []
    seals, is_opened = _sealed(code, told, {each.name for each in inside})
    shown = [each for each in inside if each.name in open_to]
    read = [line for line in told if line.package in open_to or not is_package(line.package)]
    names = unit_names(tx, {put[each.name].unit for each in shown} | {each.unit for each in read})
    return BasketView(
        code=code,
        is_container=is_container(code),
        container=container_of(tx, code, at=at, known=known) if told else None,
        baskets=tuple(baskets),
        packages=tuple(_inside(each, put[each.name], names) for each in shown),
        others=len(inside) - len(shown),
        side=_side(tx, code, told, inside, known),
        seals=seals,
        is_opened=is_opened,
        lines=tuple(_happened(line, names) for line in read),
    )


def side_of(tx: Connection, code: str) -> str | None:
    """Which side a container has now: `clean`, `dirty`, `mixed`; None where nobody knows."""
    rows = lying_in(tx, code)
    lines = packages.list_lines_of(tx, [row.name for row in rows])
    inside = [fold(name, lines[name]) for name in sorted(lines)]
    told = _told(tx, code, _baskets_put_in(tx, code), None)
    return _side(tx, code, told, inside, None)


def _placed(
    tx: Connection, code: str, *, at: int | None, known: int | None
) -> list[tuple[Package, PackageLine]]:
    """What lies in one basket itself, by name, each with the line that put it in."""
    put = {
        line.package: line
        for line in in_order(packages.list_lines_with(tx, code), known)
        if line.deed is Deed.PUT_IN
        and is_package(line.package)
        and (at is None or moment_of(line) <= at)
    }
    lines = packages.list_lines_of(tx, put)
    folded = [fold(name, lines[name], at=at, known=known) for name in sorted(put)]
    return [(each, put[each.name]) for each in folded if each.basket == code]


def _baskets_put_in(tx: Connection, code: str) -> list[str]:
    return packages.list_baskets_put_in(tx, code) if is_container(code) else []


def _told(tx: Connection, code: str, put_in: Sequence[str], known: int | None) -> list[PackageLine]:
    """What was said of a basket and what lies in it, in order; of a basket while it lay in it."""
    lines = packages.list_lines_with(tx, code)
    for basket in put_in:
        moves = moves_of(tx, basket, known=known)
        for line in packages.list_lines_with(tx, basket):
            before = [into for at, into in moves if at <= (moment_of(line), line.place)]
            lines += [line] if before and before[-1] == code else []
    return in_order(lines, known)


def _side(
    tx: Connection,
    code: str,
    told: Sequence[PackageLine],
    inside: Sequence[Package],
    known: int | None,
) -> str | None:
    """Soiled things make it dirty until it is washed, also once it is empty."""
    washed = [
        at for at, line in enumerate(told) if line.deed is Deed.WASHED and line.package == code
    ]
    since = told[washed[-1] + 1 :] if washed else told
    put = [line for line in since if line.deed is Deed.PUT_IN]
    lines = packages.list_lines_of(tx, {line.package for line in put})
    was = {dirt for line in put for dirt in _was(tx, line, lines[line.package], known)}
    now = {each.stage in DIRTY for each in inside}
    if True in was | now or any(line.deed is Deed.RECEIVED_SOILED for line in since):
        return "mixed" if False in now else "dirty"
    return "clean" if washed or was | now else None


def _was(
    tx: Connection, put: PackageLine, lines: Sequence[PackageLine], known: int | None
) -> set[bool]:
    """Whether what was put in was soiled then, as known then: a package, or what a basket held."""
    if not is_package(put.package):
        placed = _placed(tx, put.package, at=moment_of(put), known=known)
        return {each.stage in DIRTY for each, _ in placed}
    until = moment_of(put), put.place
    before = [line for line in lines if (moment_of(line), line.place) <= until]
    return {fold(put.package, before, known=known).stage in DIRTY}


def _sealed(
    code: str, told: Sequence[PackageLine], inside: set[str]
) -> tuple[tuple[str, ...], bool]:
    """The last seals, and whether anything went in or out since; `inside`: what lies in it.

    Whoever takes a package out by its own code opens it too, and no line under this code says so.
    """
    places = [at for at, e in enumerate(told) if (e.deed, e.code) == (Deed.SEALED, code)]
    if not places:
        return (), False
    last = told[places[-1]]
    sealed = [line for line in told if line.deed is Deed.SEALED and line.digest == last.digest]
    seals = {line.outcome for line in sealed if line.outcome}
    later = {line.deed for line in told[places[-1] + 1 :]}
    gone = {line.package for line in sealed} - inside
    return tuple(sorted(seals)), bool(later & MOVED or gone)


def _inside(package: Package, put: PackageLine, names: dict[int, str]) -> Inside:
    return Inside(
        package=package.name,
        set=package.set_name,
        stage=package.stage.value,
        since=seconds_text(moment_of(put)),
        by=names.get(put.unit, str(put.unit)),
        basis=put.basis,
        basket=str(package.basket),
    )


def _happened(line: PackageLine, names: dict[int, str]) -> Happened:
    return Happened(
        at=seconds_text(moment_of(line)),
        deed=line.deed.value,
        what=line.package,
        by=names.get(line.unit, str(line.unit)),
        basis=line.basis,
        outcome=line.outcome,
        digest=to_hex(line.digest),
        line=line.line,
    )
