"""The two real databases of the tests: SQLite in a file, PostgreSQL as a child process.

A test that takes `database` runs once on each.  Both start from a migrated copy, made once.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from ledger.storage.engine.database import Database, open_database
from scripts.postgres import running_postgres

BACKENDS = ("sqlite", "postgresql")

_TEMPLATE = "ledger_template"

#: Nothing survives the test run, so nothing has to reach the disk.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running server that only this test process reaches, over a Unix socket."""

    #: the address of its databases, but a name
    place: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def address(self, name: str) -> str:
        """The address of one of its databases."""
        return self.place.format(name)

    def run(self, statement: str) -> None:
        """Run one statement outside any transaction, as the server's owner."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextlib.contextmanager
    def fresh(self, template: str = "template1") -> Iterator[str]:
        """The address of a new database, which is dropped afterwards."""
        name = f"test_{next(self.numbers)}"
        # files are copied as they are: to log each page of them takes six times the processor
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.address(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's server with a migrated template; started when a test first needs it."""
    with running_postgres(_FAST) as place:
        server = PostgresServer(place=place)
        server.run(f"CREATE DATABASE {_TEMPLATE}")
        _migrate(server.address(_TEMPLATE))
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session's migrated SQLite file."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_address(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a migrated SQLite database of this test's own."""
    path = tmp_path / "ledger.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_address(postgres: PostgresServer) -> Iterator[str]:
    """The address of a migrated PostgreSQL database of this test's own."""
    with postgres.fresh(_TEMPLATE) as address:
        yield address


@pytest.fixture(params=BACKENDS)
def database_address(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database of this test's own, once on each database."""
    address: str = request.getfixturevalue(f"{request.param}_address")
    return address


@pytest.fixture
def database(database_address: str) -> Iterator[Database]:
    """A migrated database of this test's own, once on each database."""
    with contextlib.closing(open_database(database_address)) as opened:
        yield opened


@pytest.fixture
def sqlite_database(sqlite_address: str) -> Iterator[Database]:
    """A migrated SQLite database of this test's own."""
    with contextlib.closing(open_database(sqlite_address)) as opened:
        yield opened


@pytest.fixture
def postgresql_database(postgresql_address: str) -> Iterator[Database]:
    """A migrated PostgreSQL database of this test's own."""
    with contextlib.closing(open_database(postgresql_address)) as opened:
        yield opened


@pytest.fixture(params=BACKENDS)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table, once on each database."""
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            address = f"sqlite:///{tmp_path / 'empty.db'}"
        else:
            server: PostgresServer = request.getfixturevalue("postgres")
            address = stack.enter_context(server.fresh())
        yield stack.enter_context(contextlib.closing(open_database(address)))


def _migrate(address: str) -> None:
    with contextlib.closing(open_database(address)) as opened:
        opened.migrate()
