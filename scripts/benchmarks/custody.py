"""What is asked of packages, among as many of them as a large group has in years."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from ledger.domain.callers import Caller, Scope
from ledger.domain.custody.codes import make_code
from ledger.domain.custody.fold import fold
from ledger.settings import Settings
from ledger.steps.accepting.resolving import resolve_cycle
from ledger.steps.accepting.telling import holdings_of, labels_of, row_of
from ledger.steps.answering.duties import find_duties
from ledger.steps.answering.packages import holdings, trace, where
from ledger.steps.instance import Instance, open_instance
from ledger.storage import packages
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.filling import Pattern, fill, moved_to, pattern_of
from scripts.benchmarks.group import founded_group
from scripts.benchmarks.packages_group import AT_MEMBER, CENTRE, Handling, Life
from scripts.benchmarks.turns import percentile, ratios
from scripts.postgres import create_database, running_postgres

MEMBERS = (2, 3, 4, 5, 6, 7, 8, 9)
_MACHINES = 10
#: packages of a load, which have ten lines each, and of a box
_LOAD, _BOX = 60, 20
#: copies of a load's packages: some 10⁷, 10⁶ and 10⁵ lines
_LARGE, _MIDDLE, _SMALL = 16_667, 1_667, 167
#: cycles of the machine, the nearest of which an answer about duties reads
_CYCLES = 150
#: questions of one kind in a turn
_ASKED = 200

#: one question, to a snapshot of its own as every door gives one
Ask = Callable[[Connection], object]


def measure_custody(size: Size) -> Figures:
    """Traces, holdings, codes and duties among 10⁷ lines of packages on PostgreSQL, 10⁶ on SQLite.

    A few lives of packages go by real acts, are sent and followed; their rows are copied in bulk,
    with names, digests, cycles and times of their own (`filling.py`).  Which packages are asked
    about is drawn with a fixed seed, from all over the table.  The same questions to a hundredth of
    the lines on PostgreSQL take turns with them.
    """
    figures: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder:
        with running_postgres() as server:
            base = create_database(server, "base")
            lives = _founded(Path(folder) / "postgresql", base, size)
            places = [create_database(server, each, template="base") for each in ("few", "many")]
            with (
                _filled(lives, places[0], size.of(_SMALL, least=4)) as few,
                _filled(lives, places[1], size.of(_LARGE, least=4)) as many,
            ):
                figures |= _measured(many, few, size)
        home = Path(folder) / "sqlite"
        lives = _founded(home, f"sqlite:///{folder}/many.db", size)
        with _filled(lives, f"sqlite:///{folder}/many.db", size.of(_MIDDLE, least=4)) as many:
            figures |= _measured_sqlite(many, size)
    return figures


@dataclass(frozen=True, slots=True, kw_only=True)
class _Founded:
    """A group whose first packages went by real acts."""

    home: Path
    #: by the place of their lives
    members: tuple[int, ...]
    lives: tuple[Life, ...]
    patterns: tuple[Pattern, ...]
    machines: tuple[bytes, ...]
    #: Unix seconds: each member has its packages then
    at_member: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filled:
    """The same with copies of them."""

    instance: Instance
    founded: _Founded
    copies: int
    #: lines of packages that were copied
    lines: int

    def ask(self, what: Ask) -> float:
        """Milliseconds of one question."""
        start = time.perf_counter()
        with self.instance.database.reading() as tx:
            what(tx)
        return 1000 * (time.perf_counter() - start)

    def draw(self, chance: random.Random) -> tuple[int, str, int]:
        """The member that had it, a package, and a moment (Unix seconds) of its life."""
        copy = chance.randrange(self.copies)
        which = copy % len(self.founded.members)
        pattern = self.founded.patterns[which]
        return (
            self.founded.members[which],
            pattern.name_of(copy, chance.choice(pattern.names)),
            moved_to(copy, self.founded.at_member),
        )


def _founded(home: Path, address: str, size: Size) -> _Founded:
    """One load for each member, and the machine's other cycles; all of it on the chain."""
    load = size.of(_LOAD, least=4)
    members = MEMBERS[: size.of(len(MEMBERS), least=2)]
    machines = size.of(_MACHINES, least=1)
    with founded_group(home, machines=machines, database_url=address) as group:
        handling = Handling.begin(
            group, members=members, load=load, box=min(load, size.of(_BOX, least=2))
        )
        ended = group.instance.clock().replace(microsecond=0)
        with group.instance.database.transaction() as tx:
            for _ in range(size.of(_CYCLES, least=2) // 2):
                group.record_cycle(tx, group.machines[0])
            lives = tuple(
                handling.live(tx, f"A{member}", receiver=member, ended=ended) for member in members
            )
            for _ in range(size.of(_CYCLES, least=2) // 2):
                group.record_cycle(tx, group.machines[0])
        handling.settle()
        with group.instance.database.reading() as tx:
            patterns = tuple(
                pattern_of(tx, life, resolve_cycle(tx, group.caller, life.cycle).id)
                for life in lives
            )
        ids = tuple(bytes(each.id) for each in group.machines)
    return _Founded(
        home=home,
        members=members,
        lives=lives,
        patterns=patterns,
        machines=ids,
        at_member=int((ended - AT_MEMBER).timestamp()),
    )


@contextmanager
def _filled(founded: _Founded, address: str, copies: int) -> Iterator[_Filled]:
    settings = Settings(home=founded.home, database_url=address, chain_url="", finality="journal")
    instance = open_instance(settings)
    try:
        lines = fill(instance.database, address, founded.patterns, founded.machines, range(copies))
        filled = _Filled(instance=instance, founded=founded, copies=copies, lines=lines)
        _require_alike(filled)
        yield filled
    finally:
        instance.database.close()


def _require_alike(filled: _Filled) -> None:
    """Raise unless a copied package stands as its copied lines say, in every table."""
    _, name, _ = filled.draw(random.Random(0))  # noqa: S311 - the same in each run
    with filled.instance.database.reading() as tx:
        package = fold(name, packages.list_lines(tx, name))
        found = (
            packages.find_package(tx, name),
            packages.list_codes_on(tx, [name]),
            packages.list_holdings_on(tx, [name]),
        )
    if found != (row_of(package), labels_of(package), holdings_of(package)):
        raise RuntimeError(f"{name} is none that acts would leave")


def _reader(unit: int) -> Caller:
    return Caller(person="bench", unit=unit, scopes=frozenset({Scope.READ_UNIT}))


def _trace(there: _Filled, chance: random.Random) -> Ask:
    unit, name, _ = there.draw(chance)
    return lambda tx: trace(tx, _reader(unit), name).lines


def _code(there: _Filled, chance: random.Random) -> Ask:
    unit, name, _ = there.draw(chance)
    return lambda tx: where(tx, _reader(unit), make_code(name))


def _held(there: _Filled, chance: random.Random) -> Ask:
    unit, _, at = there.draw(chance)
    return lambda tx: holdings(there.instance, tx, _reader(unit), unit, at=at)


def _held_at_centre(there: _Filled, chance: random.Random) -> Ask:
    *_, at = there.draw(chance)
    return lambda tx: holdings(there.instance, tx, _reader(CENTRE), CENTRE, at=at)


def _duties(there: _Filled, chance: random.Random) -> Ask:
    which = chance.randrange(len(there.founded.members))
    name = chance.choice(there.founded.lives[which].names)
    return lambda tx: find_duties(
        there.instance, tx, _reader(there.founded.members[which]), "package", name
    )


def _times(
    there: _Filled, kind: Callable[[_Filled, random.Random], Ask], asked: int, turn: int
) -> list[float]:
    chance = random.Random(turn)  # noqa: S311 - drawn anew in each run, the same each time
    return [there.ask(kind(there, chance)) for _ in range(asked)]


def _turns(
    there: _Filled, kind: Callable[[_Filled, random.Random], Ask], asked: int, size: Size
) -> list[list[float]]:
    return [_times(there, kind, asked, turn) for turn in range(size.repeats + 1)][1:]


def _measured(many: _Filled, few: _Filled, size: Size) -> Figures:
    asked = size.of(_ASKED, least=2)
    found: dict[str, Figure] = {
        "custody/lines": Figure.once(many.lines),
        "custody/packages": Figure.once(many.copies * len(many.founded.lives[0].names)),
    }
    turns = [
        (_times(few, _trace, asked, turn), _times(many, _trace, asked, turn))
        for turn in range(size.repeats + 1)
    ][1:]
    found["custody/trace"] = Figure.percentile([times for _, times in turns], 0.99)
    found["custody/trace_p50"] = Figure.percentile([times for _, times in turns], 0.5)
    found["custody/trace_of_few"] = Figure.median(
        ratios(*([percentile(each[side], 0.99) for each in turns] for side in (1, 0)))
    )
    for name, kind, share in (
        ("code", _code, 1),
        ("holdings", _held, 4),
        ("holdings_of_the_centre", _held_at_centre, 10),
        ("findings", _duties, 4),
    ):
        each = _turns(many, kind, max(asked // share, 2), size)
        found[f"custody/{name}"] = Figure.percentile(each, 0.99)
        found[f"custody/{name}_p50"] = Figure.percentile(each, 0.5)
    return found


def _measured_sqlite(many: _Filled, size: Size) -> Figures:
    asked = size.of(_ASKED, least=2)
    found: dict[str, Figure] = {"custody/sqlite_lines": Figure.once(many.lines)}
    for name, kind, share in (
        ("trace", _trace, 1),
        ("code", _code, 1),
        ("holdings", _held, 4),
        ("findings", _duties, 4),
    ):
        each = _turns(many, kind, max(asked // share, 2), size)
        found[f"custody/sqlite_{name}"] = Figure.percentile(each, 0.99)
    return found
