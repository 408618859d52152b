"""Packages: what operations' lines say of them, how each stands now, its codes and its holders.

All of it follows from records, is written in the transaction that accepts them, and can be refilled
from them.  A row carries what the fold reads, so a trace is one range scan and opens no record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    Index,
    Insert,
    Integer,
    UniqueConstraint,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    text,
    true,
    tuple_,
    union_all,
    update,
)

from ledger.domain.custody.fold import Stage
from ledger.domain.custody.lines import Deed, PackageLine
from ledger.domain.custody.stretches import nodes_around
from ledger.storage.engine.columns import Bytes32, Short, ThirtyTwo
from ledger.storage.engine.rows import Rows, chunks, grouped, upsert, values_of
from ledger.storage.engine.tables import table_of

package_lines = table_of(
    "package_lines",
    PackageLine,
    Index(None, "digest", "line"),
    Index(None, "thread", "deed"),
    Index(None, "code"),
    Index(None, "unit", "package"),
    Index(None, "sequence", "line"),
    Index(
        "ix_package_lines_against",
        "sequence",
        sqlite_where=text("against IS NOT NULL"),
        postgresql_where=text("against IS NOT NULL"),
    ),
    Index(
        "ix_package_lines_ended",
        "ended",
        sqlite_where=text("ended IS NOT NULL"),
        postgresql_where=text("ended IS NOT NULL"),
    ),
    key=("package", "sequence", "line"),
    types={
        "thread": Bytes32(),
        **dict.fromkeys(("line", "step", "package_class"), Integer()),
    },
    # A trace stays one range scan of few pages however many there are.
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRow:
    """How a package stands now."""

    name: str
    #: 32 bytes, by which its evidence is asked for
    subject: ThirtyTwo
    stage: Stage
    holder: int | None
    #: Unix seconds
    since: int | None
    basis: str | None
    next_unit: int | None
    destination: int | None
    consignment: ThirtyTwo | None
    owner: int | None
    package_class: Short | None
    set_name: str | None
    expires: str | None
    cycle: ThirtyTwo | None
    #: the code of the basket or container in which it lies
    basket: str | None
    #: words with commas between them, ascending
    overlays: str
    #: of the newest line
    sequence: int


packages = table_of(
    "packages",
    PackageRow,
    UniqueConstraint("subject"),
    Index(None, "holder", "stage", "name"),
    Index(None, "cycle", "name"),
    Index(None, "set_name", "sequence"),
    Index(None, "owner", "name"),
    Index(None, "consignment", "name"),
    Index(None, "basket", "name"),
    key=("name",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """A label that is on a package, or was."""

    code: str
    package: str
    #: 1 when a reprint took its place
    voided: Short


codes = table_of("codes", CodeRow, Index(None, "package"), key=("code", "package"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRow:
    """That a unit had a package, from when to when; Unix seconds."""

    package: str
    #: from 0, in the order in which it went from hand to hand
    place: Short
    unit: int
    since: int
    #: None while it has it
    until: int | None
    basis: str | None
    #: of its stretch of time (`stretches.py`); None while it has it
    node: int | None


package_readers = table_of(
    "package_readers",
    ReaderRow,
    Index(
        "ix_package_readers_held",
        "unit",
        "package",
        "since",
        sqlite_where=text("until IS NULL"),
        postgresql_where=text("until IS NULL"),
    ),
    Index(None, "unit", "node", "until", "since", "package"),
    key=("package", "place"),
)


R = TypeVar("R", CodeRow, ReaderRow)

_lines = Rows(package_lines, PackageLine, "line of package")
_packages = Rows(packages, PackageRow, "package")
_codes = Rows(codes, CodeRow, "code")
_readers = Rows(package_readers, ReaderRow, "holding of package")

_TRACE = (
    select(package_lines)
    .where(package_lines.c.package == bindparam("package"))
    .order_by(package_lines.c.sequence, package_lines.c.line)
)


# ---------------------------------------------------------------- lines


def insert_lines(tx: Connection, rows: Sequence[PackageLine]) -> None:
    """Keep an operation's lines."""
    _lines.insert(tx, rows)


def list_lines(tx: Connection, package: str) -> list[PackageLine]:
    """All that was ever said of a package, in the order of acceptance."""
    return _lines.read(tx, _TRACE, package=package)


def list_lines_of(tx: Connection, names: Iterable[str]) -> dict[str, list[PackageLine]]:
    """The same of several packages, by name; one of which nothing was said has no key."""
    c = package_lines.c
    rows = _lines.list_in(tx, c.package, names, order=[c.package, c.sequence, c.line])
    return grouped((row.package, row) for row in rows)


def list_lines_by_digests(tx: Connection, digests: Iterable[bytes]) -> list[PackageLine]:
    """The lines of some operations."""
    c = package_lines.c
    return _lines.list_in(tx, c.digest, digests, order=[c.sequence, c.line])


def list_lines_with(tx: Connection, code: str) -> list[PackageLine]:
    """The lines beside which a code stands, in the order of acceptance."""
    c = package_lines.c
    return _lines.list(tx, c.code == code, order=[c.sequence, c.line])


def list_baskets_put_in(tx: Connection, code: str) -> list[str]:
    """The codes of the baskets that were ever put into a container, ascending."""
    c = package_lines.c
    # a basket's code starts with letters, and a package's name with its unit's number
    is_basket = (c.package >= "A", c.package != code)
    put = select(c.package).where(c.code == code, c.deed == Deed.PUT_IN, *is_basket)
    return list(tx.scalars(put.distinct().order_by(c.package)))


def list_sent(
    tx: Connection, consignment: bytes, *, before: int | None = None
) -> list[PackageLine]:
    """What was sent in a consignment, by the newest dispatch of it before a sequence.

    One that the chain refused is told again under the same slip, and its lines stay.
    """
    c = package_lines.c
    rows = _lines.list(
        tx,
        c.thread == consignment,
        c.deed == Deed.DISPATCHED,
        true() if before is None else c.sequence < before,
        order=[c.sequence, c.line],
    )
    return [row for row in rows if row.sequence == rows[-1].sequence]


def list_lines_from(tx: Connection, *, after: tuple[int, int], limit: int) -> list[PackageLine]:
    """Lines in the order of acceptance, starting after (sequence, line)."""
    c = package_lines.c
    beyond = tuple_(c.sequence, c.line) > tuple_(*after)
    return _lines.list(tx, beyond, order=[c.sequence, c.line], limit=limit)


def list_against(
    tx: Connection, *, unit: int | None = None, before: int | None = None, limit: int = 100
) -> list[PackageLine]:
    """What was done against a gate, newest first; with `unit`, what that unit did.

    The lines of one operation are given together, also where they are more than the limit.
    """
    c = package_lines.c
    where = [c.against.is_not(None), true() if unit is None else c.unit == unit]
    order = [c.sequence.desc(), c.line]
    earlier = true() if before is None else c.sequence < before
    rows = _lines.list(tx, *where, earlier, order=order, limit=limit)
    if len(rows) == limit:
        last = rows[-1]
        rest = (c.sequence == last.sequence, c.line > last.line)
        rows += _lines.list(tx, *where, *rest, order=order)
    return rows


def end_lines(tx: Connection, digest: bytes, sequence: int, *, line: int | None = None) -> set[str]:
    """Say that an operation's lines, or one of them, count no longer; returns their packages."""
    c = package_lines.c
    where = [c.digest == digest, c.ended.is_(None)]
    if line is not None:
        where.append(c.line == line)
    names = set(tx.scalars(select(c.package).where(*where)))
    if names:
        tx.execute(update(package_lines).where(*where).values(ended=sequence))
    return names


def names_touched(tx: Connection, digest: bytes, sequence: int) -> set[str]:
    """The packages of an operation's lines, and of those that it ended."""
    c = package_lines.c
    return set(tx.scalars(select(c.package).where(or_(c.digest == digest, c.ended == sequence))))


def restore_lines(tx: Connection, sequence: int) -> None:
    """Let count again what an operation had ended."""
    c = package_lines.c
    tx.execute(update(package_lines).where(c.ended == sequence).values(ended=None))


def remove_lines(tx: Connection, digest: bytes) -> None:
    """Take out the lines of an operation that never stood."""
    tx.execute(package_lines.delete().where(package_lines.c.digest == digest))


def newest_sequence(tx: Connection) -> int:
    """The sequence of the newest line; 0 before the first."""
    return int(tx.scalar(select(func.max(package_lines.c.sequence))) or 0)


# ---------------------------------------------------------------- how each stands


def put_packages(
    tx: Connection,
    rows: Sequence[PackageRow],
    labels: Sequence[CodeRow],
    holdings: Sequence[ReaderRow],
) -> None:
    """Write how some packages stand now, with all their codes and holdings."""
    if not rows:
        return
    names = [row.name for row in rows]
    tx.execute(_put(tx.dialect.name), [values_of(row) for row in rows])
    _let_stand(tx, _codes, names, labels)
    _let_stand(tx, _readers, names, holdings)


def _let_stand(tx: Connection, table: Rows[R], names: Sequence[str], rows: Sequence[R]) -> None:
    """Of some packages exactly these rows; those of a package that stays as it is are let be."""
    package = table.table.c.package
    kept = set(table.list_in(tx, package, names))
    changed = {row.package for row in kept.symmetric_difference(rows)}
    for part in chunks(changed):
        tx.execute(table.table.delete().where(package.in_(part)))
    table.insert(tx, [row for row in rows if row.package in changed])


@cache
def _put(dialect: str) -> Insert:
    """Made once: putting a statement together takes longer than running it."""
    statement = upsert(dialect, packages)
    changed = {
        each.name: statement.excluded[each.name] for each in packages.c if not each.primary_key
    }
    return statement.on_conflict_do_update(index_elements=[packages.c.name], set_=changed)


def remove_packages(tx: Connection, names: Collection[str]) -> None:
    """Forget packages of which nothing is said any more."""
    for part in chunks(names):
        tx.execute(packages.delete().where(packages.c.name.in_(part)))
        tx.execute(codes.delete().where(codes.c.package.in_(part)))
        tx.execute(package_readers.delete().where(package_readers.c.package.in_(part)))


def find_package(tx: Connection, name: str) -> PackageRow | None:
    """How a package stands now, or None."""
    return _packages.find_by(tx, name=name)


def find_package_by_subject(tx: Connection, subject: bytes) -> PackageRow | None:
    """The package of those 32 bytes, or None."""
    return _packages.find_by(tx, subject=subject)


def list_packages(
    tx: Connection, *, after: str = "", limit: int = 100, **equal: object
) -> list[PackageRow]:
    """Packages by name, starting after `after`, whose columns equal `equal`."""
    where = [packages.c[name] == value for name, value in equal.items()]
    return _packages.page(tx, *where, after=after, limit=limit)


def list_packages_named(tx: Connection, names: Iterable[str]) -> list[PackageRow]:
    """Those of some packages that are known, by name."""
    return _packages.list_in(tx, packages.c.name, names, order=[packages.c.name])


def list_loaded(tx: Connection, cycles: Iterable[bytes]) -> list[str]:
    """The packages that standing loads of some cycles name, each once, by name."""
    c = package_lines.c
    found: set[str] = set()
    for part in chunks(cycles):
        found.update(
            tx.scalars(
                select(c.package).where(
                    c.thread.in_(part), c.deed == Deed.LOADED, c.ended.is_(None)
                )
            )
        )
    return sorted(found)


def list_newest_of_set(tx: Connection, set_name: str, *, limit: int = 3) -> list[PackageRow]:
    """The packages of a set, newest first."""
    return _packages.list(
        tx,
        packages.c.set_name == set_name,
        order=[packages.c.sequence.desc(), packages.c.name],
        limit=limit,
    )


def count_packages(tx: Connection, unit: int) -> dict[Stage, int]:
    """How many packages a unit has, by state."""
    c = packages.c
    found = tx.execute(
        select(c.stage, func.count()).where(c.holder == unit).group_by(c.stage).order_by(c.stage)
    )
    return {stage: int(count) for stage, count in found}


# ---------------------------------------------------------------- codes


def list_codes_of(tx: Connection, wanted: Iterable[str]) -> dict[str, list[CodeRow]]:
    """The packages that some codes are on, or were, by code; one that is on nothing has no key."""
    c = codes.c
    rows = _codes.list_in(tx, c.code, wanted, order=[c.voided, c.package])
    return grouped((row.code, row) for row in rows)


def list_codes_on(tx: Connection, names: Iterable[str]) -> list[CodeRow]:
    """The codes of some packages."""
    c = codes.c
    return _codes.list_in(tx, c.package, names, order=[c.package, c.code])


# ---------------------------------------------------------------- holdings


def list_holdings_on(tx: Connection, names: Iterable[str]) -> list[ReaderRow]:
    """Who had some packages, by package and time."""
    c = package_readers.c
    return _readers.list_in(tx, c.package, names, order=[c.package, c.place])


def _held(unit: int, at: int | None, known: int | None) -> list[ColumnElement[bool]]:
    """What a unit has, and beside it what it had at a moment and has no more."""
    c = package_readers.c
    of_unit = c.unit == unit
    if known is not None:
        of_unit = and_(of_unit, ~_changed_after(c.package, known))
    if at is None:
        return [and_(of_unit, c.until.is_(None))]
    around = c.node.in_(nodes_around(at))
    return [
        and_(of_unit, c.until.is_(None), c.since <= at),
        and_(of_unit, around, c.until > at, c.since <= at),
    ]


def _changed_after(package: ColumnElement[str], known: int) -> Exists:
    """Whether anything was said of a package, or taken back, after a sequence."""
    later = package_lines.alias()
    return exists().where(
        later.c.package == package, or_(later.c.sequence > known, later.c.ended > known)
    )


def count_held(tx: Connection, unit: int, at: int | None, *, known: int | None = None) -> int:
    """How many packages a unit had at a moment (Unix seconds); None: has now.

    `known`: of those alone of which nothing was said after that sequence.
    """
    return sum(
        int(tx.scalar(select(func.count()).where(each)) or 0) for each in _held(unit, at, known)
    )


def list_held(  # noqa: PLR0913 - whose, when, as known when, and how many
    tx: Connection,
    unit: int,
    at: int | None,
    *,
    known: int | None = None,
    after: str = "",
    limit: int | None = 100,
) -> list[ReaderRow]:
    """Those packages, by name, starting after `after`."""
    c = package_readers.c
    has, *had = (
        select(package_readers).where(each, c.package > after) for each in _held(unit, at, known)
    )
    has = has.order_by(c.package).limit(limit)
    if not had:
        return _readers.read(tx, has)
    # What it had are few, and are found first: by names PostgreSQL would read all that there is.
    few = had[0].cte().prefix_with("MATERIALIZED")
    both = union_all(select(has.subquery()), select(few)).subquery()
    return _readers.read(tx, select(both).order_by(both.c.package).limit(limit))


def list_changed(tx: Connection, unit: int, known: int) -> list[str]:
    """The packages of which a unit said something up to a sequence, and anybody after it.

    Whoever has a package has said so: no other package of the unit's is another one now than as it
    was known then.
    """
    c = package_lines.c
    said = select(c.package).where(
        c.unit == unit, c.sequence <= known, _changed_after(c.package, known)
    )
    return list(tx.scalars(said.distinct().order_by(c.package)))


def clear_packages(tx: Connection) -> None:
    """Empty the four tables."""
    for table in (package_lines, packages, codes, package_readers):
        tx.execute(table.delete())
