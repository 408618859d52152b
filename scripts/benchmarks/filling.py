"""A few lives of packages that real acts left → as many as are wanted, written in bulk.

Every row is a copy of one that the product wrote, with what names it changed: packages and codes,
digests, cycles and their numbers, consignments and slips, places and times.  Copies of one number
are the same in every run.  What a copy leaves out are records, signatures, receipts and dated
states: nothing that is measured on them opens those of another package.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Table, select
from sqlalchemy.engine import make_url

from ledger.domain.acts.vocabulary import integer, word
from ledger.domain.custody.lines import package_subject
from ledger.domain.custody.stretches import node_of
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import EquipmentId, cycle_id
from ledger.steps.accepting.reading_back import read_operation
from ledger.storage import directory, index_tables, operations, packages
from ledger.storage.engine.database import Database
from scripts.benchmarks.packages_group import Life

#: what is copied, in the order in which it may be written
_TABLES: Sequence[Table] = (
    operations.operations,
    directory.cycles,
    directory.consignments,
    index_tables.idx_operations,
    packages.package_lines,
    packages.packages,
    packages.codes,
    packages.package_readers,
)
#: seconds by which copies lie apart; the last of so many lies just before the originals
_APART = 1800
_MOST = 20_000
#: Copies begin above every block of the chain that the real ones lie in.
_HEIGHT = 1_000_000_000
_SEQUENCE = 1_000_000
_NUMBER = 1_000
_MICROSECONDS = 1_000_000
#: columns that move: by which of the three numbers of `Pattern.moved`, and in how small a unit
_MOVED: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("sequence", "ended"), (0, 1)),
    **dict.fromkeys(("happened", "signed_at", "since", "until", "timestamp"), (1, 1)),
    "accepted_at": (1, _MICROSECONDS),
    "height": (2, 1),
}


@dataclass(frozen=True, slots=True)
class _Hole:
    """Where a copy has a value of its own: a name in what is made for each copy."""

    name: str


@dataclass(frozen=True, slots=True)
class _Text:
    """Text with holes in it, as `str.format` has them."""

    pattern: str
    is_bytes: bool = False


_Cell = Any


@dataclass(slots=True, kw_only=True)
class Pattern:
    """One life, as rows with holes."""

    label: str
    #: the first of the life's own sequences, and how many there are
    first: int
    length: int
    cycle: bytes
    number: int
    machine: bytes
    digests: tuple[bytes, ...]
    names: tuple[str, ...]
    rows: dict[str, list[tuple[_Cell, ...]]] = field(default_factory=dict)

    def values(self, copy: int, machines: Sequence[bytes]) -> dict[str, Any]:
        """What the holes of one copy hold."""
        machine = machines[copy % len(machines)]
        number = _NUMBER + copy
        label = f"{self.label}.{copy}."
        varied = {each: sha256(each + copy.to_bytes(8)) for each in self.digests}
        varied[self.cycle] = cycle_id(EquipmentId(machine), 1, number)
        varied[self.machine] = machine
        found: dict[str, Any] = {f"x{each.hex()}": value for each, value in varied.items()}
        found |= {f"h{each.hex()}": value.hex() for each, value in varied.items()}
        found |= {"label": label, "number": number, "copy": copy}
        for place, name in enumerate(self.names):
            found[f"s{place}"] = package_subject(self.name_of(copy, name))
        return found

    def name_of(self, copy: int, name: str) -> str:
        """What a package of the life is called in a copy."""
        return name.replace(f"{self.label}.", f"{self.label}.{copy}.")

    def moved(self, copy: int) -> tuple[int, int, int]:
        """How far a copy's sequences, times and blocks lie from the original's."""
        return (
            _SEQUENCE + copy * self.length - self.first,
            moved_to(copy, 0),
            _HEIGHT + copy * self.length,
        )


@dataclass(frozen=True, slots=True)
class _Moved:
    """A number that moves with its copy: `by` is the place in `Pattern.moved`."""

    base: int
    by: int
    times: int

    @property
    def name(self) -> str:
        """What its hole is called."""
        return f"m{self.base}_{self.by}_{self.times}"

    def of(self, moved: tuple[int, int, int]) -> int:
        """The number in a copy."""
        return self.base + self.times * moved[self.by]


@dataclass(frozen=True, slots=True)
class _Node:
    """The node of a stretch of time that moves with its copy."""

    since: int
    until: int

    @property
    def name(self) -> str:
        """What its hole is called."""
        return f"n{self.since}_{self.until}"

    def of(self, moved: tuple[int, int, int]) -> int:
        """The node in a copy."""
        return node_of(self.since + moved[1], self.until + moved[1])


def pattern_of(tx: Connection, life: Life, cycle: bytes) -> Pattern:
    """The rows that a life left, and where its copies differ."""
    lines = packages.list_lines_of(tx, life.names)
    told = {line.digest for rows in lines.values() for line in rows}
    threads = {line.thread for rows in lines.values() for line in rows if line.thread}
    rows = {row.digest: row for row in operations.list_by_subjects(tx, threads)}
    rows |= {row.digest: row for row in operations.list_by_digests(tx, told)}
    ordered = sorted(rows.values(), key=lambda row: row.sequence)
    opening = next(row for row in ordered if row.kind == "CycleOpening")
    message = read_operation(opening).message
    label = life.names[0].partition("/")[2].rpartition(".")[0]
    found = Pattern(
        label=label,
        first=ordered[0].sequence,
        length=ordered[-1].sequence - ordered[0].sequence + 1,
        cycle=cycle,
        number=integer(message, "number"),
        machine=word(message, "equipment"),
        digests=tuple({row.digest: None for row in ordered} | dict.fromkeys(threads - {cycle})),
        names=life.names,
    )
    keys: Mapping[str, tuple[str, Iterable[object]]] = {
        "operations": ("digest", found.digests),
        "cycles": ("id", [cycle]),
        "consignments": ("id", found.digests),
        "idx_operations": ("digest", found.digests),
        "package_lines": ("package", life.names),
        "packages": ("name", life.names),
        "codes": ("package", life.names),
        "package_readers": ("package", life.names),
    }
    for table in _TABLES:
        column, values = keys[table.name]
        stored = tx.execute(select(table).where(table.c[column].in_(list(values)))).all()
        found.rows[table.name] = [_row(found, table, row) for row in stored]
    return found


def _row(life: Pattern, table: Table, row: Sequence[Any]) -> tuple[_Cell, ...]:
    name_at = [column.name for column in table.columns]
    own = dict(zip(name_at, row, strict=True))
    return tuple(
        _cell(life, table, column.name, _stored(column, own[column.name]), own)
        for column in table.columns
    )


def _stored(column: Any, value: Any) -> Any:  # noqa: ANN401 - a column and what it holds
    """As the database keeps it."""
    bind = getattr(column.type, "process_bind_param", None)
    return value if bind is None else bind(value, None)


def _cell(life: Pattern, table: Table, name: str, value: Any, own: Mapping[str, Any]) -> _Cell:  # noqa: ANN401
    if value is None:
        return None
    if name in _MOVED or name == "node":
        is_node = name == "node"
        return _Node(own["since"], own["until"]) if is_node else _Moved(value, *_MOVED[name])
    if table.name == "packages" and name == "subject":
        return _Hole(f"s{life.names.index(own['name'])}")
    if table.name == "cycles" and name == "number":
        return _Hole("number")
    if isinstance(value, bytes):
        return _bytes(life, name, value)
    return _text(life, name, value) if isinstance(value, str) else value


def _bytes(life: Pattern, name: str, value: bytes) -> _Cell:
    if name == "message":
        text = value.decode().replace("{", "{{").replace("}", "}}")
        for each in (*life.digests, life.cycle, life.machine):
            text = text.replace(each.hex(), "{h" + each.hex() + "}")
        text = re.sub(rf'"number":("?){life.number}\b', r'"number":\g<1>{number}', text)
        return _Text(text, is_bytes=True)
    if value in {*life.digests, life.cycle, life.machine}:
        return _Hole(f"x{value.hex()}")
    return value


def _text(life: Pattern, name: str, value: str) -> _Cell:
    if name == "record_id":
        return _Text(value[:16] + "{copy:016x}")
    if name == "slip":
        return _Text(value + ".{copy}")
    changed = value.replace(f"{life.label}.", "\0")
    if changed == value:
        return value
    return _Text(changed.replace("{", "{{").replace("}", "}}").replace("\0", "{label}"))


def moved_to(copy: int, moment: int) -> int:
    """When in a copy happens what happened at a moment (Unix seconds)."""
    return moment + (copy - _MOST) * _APART


# ---------------------------------------------------------------- written


def fill(
    database: Database,
    address: str,
    lives: Sequence[Pattern],
    machines: Sequence[bytes],
    copies: range,
) -> int:
    """Write copies of some lives, each in turn; how many lines of packages that was.

    With COPY on PostgreSQL and executemany on SQLite, without indexes, which are made afterwards as
    they were; then both databases are told what they hold, as their own upkeep does.
    """
    indexes = [each for table in _TABLES for each in table.indexes]
    with database.transaction() as tx:
        for each in indexes:
            each.drop(tx)
    if database.is_sqlite:
        _fill_sqlite(address, lives, machines, copies)
    else:
        _fill_postgres(address, lives, machines, copies)
    with database.transaction() as tx:
        for each in indexes:
            each.create(tx)
    if not database.is_sqlite:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
    return sum(len(lives[each % len(lives)].rows["package_lines"]) for each in copies)


def _fill_sqlite(
    address: str, lives: Sequence[Pattern], machines: Sequence[bytes], copies: range
) -> None:
    with closing(sqlite3.connect(make_url(address).database or "")) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for table in _TABLES:
            holes = ", ".join("?" * len(table.columns))
            connection.executemany(
                f"INSERT INTO {table.name} VALUES ({holes})",  # noqa: S608 - a table of ours
                _rows(table.name, lives, machines, copies),
            )
            connection.commit()


def _fill_postgres(
    address: str, lives: Sequence[Pattern], machines: Sequence[bytes], copies: range
) -> None:
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        # the copies' records are left out, which operations otherwise refer to
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '256MB'")
        for table in _TABLES:
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            statement = cast("Any", f"COPY {table.name} ({names}) FROM STDIN")
            with cursor.copy(statement) as into:
                for part in _lines(table.name, lives, machines, copies):
                    into.write(part)


def _rows(
    table: str, lives: Sequence[Pattern], machines: Sequence[bytes], copies: range
) -> Iterator[tuple[Any, ...]]:
    for copy in copies:
        life = lives[copy % len(lives)]
        values, moved = life.values(copy, machines), life.moved(copy)
        for row in life.rows[table]:
            yield tuple(_filled(cell, values, moved) for cell in row)


def _filled(cell: _Cell, values: Mapping[str, Any], moved: tuple[int, int, int]) -> Any:  # noqa: ANN401
    if isinstance(cell, _Moved | _Node):
        return cell.of(moved)
    if isinstance(cell, _Hole):
        return values[cell.name]
    if isinstance(cell, _Text):
        text = cell.pattern.format_map(values)
        return text.encode() if cell.is_bytes else text
    return cell


def _lines(
    table: str, lives: Sequence[Pattern], machines: Sequence[bytes], copies: range
) -> Iterator[str]:
    """The rows as COPY reads text: each life's are one text with holes, made once."""
    texts = [_copied(life.rows[table]) for life in lives]
    for copy in copies:
        life, (text, numbers) = lives[copy % len(lives)], texts[copy % len(lives)]
        values, moved = life.values(copy, machines), life.moved(copy)
        spelt = {
            name: f"\\\\x{value.hex()}" if isinstance(value, bytes) else value
            for name, value in values.items()
        }
        for each in numbers:
            spelt[each.name] = each.of(moved)
        yield text.format_map(spelt)


def _copied(rows: Sequence[tuple[_Cell, ...]]) -> tuple[str, set[_Moved | _Node]]:
    numbers: set[_Moved | _Node] = set()
    lines = []
    for row in rows:
        cells = []
        for cell in row:
            if isinstance(cell, _Moved | _Node):
                numbers.add(cell)
                cells.append("{" + cell.name + "}")
            elif isinstance(cell, _Hole):
                cells.append("{" + cell.name + "}")
            elif isinstance(cell, _Text):
                cells.append(_escaped(cell.pattern))
            elif isinstance(cell, bytes):
                cells.append(f"\\\\x{cell.hex()}")
            elif cell is None:
                cells.append("\\N")
            else:
                cells.append(_escaped(str(cell)).replace("{", "{{").replace("}", "}}"))
        lines.append("\t".join(cells) + "\n")
    return "".join(lines), numbers


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
