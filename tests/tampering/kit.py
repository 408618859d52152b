"""A small home whose every row is evidence, and the ways to damage one of its values."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Column, Engine, Table, UniqueConstraint, create_engine, event, text
from sqlalchemy import types as sql
from sqlalchemy.types import TypeDecorator

from ledger.chain.node import Node
from ledger.domain.acts.words import Right
from ledger.steps.auditing.audit import audit
from ledger.steps.auditing.differences import Difference
from ledger.steps.instance import Instance
from ledger.steps.reading.imports import ImportOptions, import_file
from tests.house import DAC_LOG, Clock
from tests.steps.hospital import Hospital, opened_hospital, tell_everything

#: the sterilizer that printed the log
PRINTED = "601362"
SEED = 20_261_121
#: beyond every number that a small home gives: no two rows collide
FAR = 1_000_003
#: a stored value, as the driver gives it
Value: TypeAlias = Any


def fill(hospital: Hospital, clock: Clock) -> None:
    """Every kind of operation, and imported cycles, all of it final."""
    tell_everything(hospital, clock)
    hospital.register(1, PRINTED)
    import_file(
        hospital.instance,
        hospital.caller,
        first_cycles(DAC_LOG.read_bytes()),
        filename="DAC.Log",
        unit=1,
        options=ImportOptions(),
    )
    import_file(  # no record rests on it
        hospital.instance,
        hospital.caller,
        DAC_LOG.parents[1].joinpath("csv", "example.csv").read_bytes(),
        filename="example.csv",
        unit=1,
        options=ImportOptions(),
    )
    pack(hospital)
    clock.advance(minutes=11)  # the first writer's lease is over
    hospital.settle(hospital.writer())


def pack(hospital: Hospital) -> None:
    """Two packages, of which one is said to be missing, which is taken back."""
    hospital.new_signer(1, Right.SCAN)
    lines = [
        {"act": act, "package": f"1/P{n}", "basis": "typed", "code": code, "expires": "2099-01-01"}
        for n in (1, 2)
        for act, code in (("assembled", None), ("labelled", f"C{n}"))
    ]
    hospital.say("ScanReport", unit=1, lines=lines)
    missing = hospital.say(
        "ScanReport", unit=1, lines=[{"act": "missing", "package": "1/P1", "basis": "typed"}]
    )
    back = {"act": "not_so", "package": "1/P1", "basis": "typed", "reason": "it was there"}
    hospital.say("ScanReport", unit=1, lines=[{**back, "takes_back": f"{missing.hex()}:0"}])


def first_cycles(data: bytes) -> bytes:
    """As much of the real log as holds its first few cycles."""
    return data[:12_000]


@dataclass(frozen=True)
class Home:
    """A home that nobody else writes to, its chain, and a way past every check of ours."""

    instance: Instance
    node: Node
    engine: Engine

    def differences(self) -> list[Difference]:
        """What the audit finds now."""
        return list(audit(self.instance, self.node).differences)

    def rows(self, table: Table) -> list[dict[str, Value]]:
        """Every row as the database holds it, by key."""
        order = ", ".join(f'"{column.name}"' for column in table.primary_key)
        with self.engine.connect() as tx:
            found = tx.execute(text(f"SELECT * FROM {table.name} ORDER BY {order}"))  # noqa: S608
            return [dict(row) for row in found.mappings()]

    @contextmanager
    def with_row(
        self, table: Table, old: dict[str, Value], new: dict[str, Value] | None
    ) -> Iterator[None]:
        """One row is another, or gone, until the end of the block."""
        with self.with_rows(table, [old], [] if new is None else [new]):
            yield

    @contextmanager
    def with_rows(
        self, table: Table, old: list[dict[str, Value]], new: list[dict[str, Value]]
    ) -> Iterator[None]:
        """Some rows are others until the end of the block."""
        self._replace(table, old, new)
        try:
            yield
        finally:
            self._replace(table, new, old)

    def put_back(self, table: Table, rows: list[dict[str, Value]]) -> None:
        """These rows and no others."""
        self._replace(table, self.rows(table), rows)

    def _replace(
        self, table: Table, old: list[dict[str, Value]], new: list[dict[str, Value]]
    ) -> None:
        where = " AND ".join(f'"{column.name}" = :{column.name}' for column in table.primary_key)
        names = [column.name for column in table.columns]
        quoted = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(f":{name}" for name in names)
        with self.engine.begin() as tx:
            for row in old:
                tx.execute(text(f"DELETE FROM {table.name} WHERE {where}"), _keys(table, row))  # noqa: S608
            for row in new:
                tx.execute(text(f"INSERT INTO {table.name} ({quoted}) VALUES ({values})"), row)  # noqa: S608


def _keys(table: Table, row: dict[str, Value]) -> dict[str, Value]:
    return {column.name: row[column.name] for column in table.primary_key}


def past_constraints(connection: Any, _record: object) -> None:
    """Whoever writes past us is not kept by foreign keys and checks either."""
    if connection.__class__.__module__.startswith("sqlite3"):
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
    else:
        connection.execute("SET session_replication_role = replica")
        connection.commit()


@contextmanager
def opened_home(folder: Path, database_address: str) -> Iterator[Home]:
    """A filled home with its chain running."""
    clock = Clock(now=datetime.now(UTC).replace(microsecond=0) - timedelta(days=5 * 366))
    with opened_hospital(folder / "home", database_address, clock=clock) as hospital:
        fill(hospital, clock)
        engine = create_engine(hospital.instance.database._url)
        event.listen(engine, "connect", past_constraints)
        try:
            yield Home(instance=hospital.instance, node=hospital.link.node, engine=engine)
        finally:
            engine.dispose()


# ---------------------------------------------------------------- other values


def others(column: Column[Any], value: Value, chance: random.Random) -> list[Value]:
    """Values that the column would take as well: one of the same kind, and NULL or a value."""
    found = [] if value is None else [another(column, value, chance)]
    if column.nullable:
        found.append(None if value is not None else something(column))
    return found


def another(column: Column[Any], value: Value, chance: random.Random) -> Value:
    """Another valid value: a flipped bit, a number more, another word, a microsecond later."""
    kind = column.type
    members = getattr(kind, "members", None)
    if members is not None:
        return chance.choice([m.value for m in members if m.value != value])
    if isinstance(kind, sql.Boolean):
        return type(value)(not value)
    if isinstance(value, bytes):
        place = chance.randrange(len(value))
        flipped = value[place] ^ 1 << chance.randrange(8)
        return value[:place] + bytes([flipped]) + value[place + 1 :]
    if isinstance(value, int):
        return value + (FAR if is_key(column) else 1)
    return value[:-1] + chance.choice("abcxyz0189".replace(value[-1:], ""))


def is_key(column: Column[Any]) -> bool:
    """Whether another row may hold the next number already."""
    return column.primary_key or any(
        isinstance(each, UniqueConstraint) and column.name in each.columns
        for each in column.table.constraints
    )


def something(column: Column[Any]) -> Value:
    """A value where there was none."""
    kind = column.type
    members = getattr(kind, "members", None)
    if members is not None:
        return next(iter(members)).value
    stored = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    if isinstance(stored, sql.LargeBinary):
        return bytes(range(32))
    return "somebody" if isinstance(stored, sql.Text) else 1
