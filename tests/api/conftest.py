"""The API over a small group, on each database; the group is made once and copied."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.storage.engine.database import open_database
from tests.api.kit import Api, build_api, move_in
from tests.databases import BACKENDS, PostgresServer

_TEMPLATE = "api_template"


@dataclass(frozen=True)
class Furnished:
    """A house in a SQLite file that nobody changes."""

    path: Path
    api: Api

    @contextlib.contextmanager
    def copy(self, home: Path) -> Iterator[Api]:
        """The same house in a file of one's own."""
        path = home / "furnished.db"
        shutil.copyfile(self.path, path)
        with _opened(self.api, f"sqlite:///{path}", home) as copied:
            yield copied


@pytest.fixture(scope="session")
def furnished_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """The house on SQLite."""
    home = tmp_path_factory.mktemp("furnished")
    path = home / "furnished.db"
    shutil.copyfile(sqlite_template, path)
    with contextlib.closing(open_database(f"sqlite:///{path}")) as database:
        return Furnished(path=path, api=build_api(database, home))


@pytest.fixture(scope="session")
def furnished_postgresql(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Api:
    """The house on PostgreSQL, in a database that serves as a template."""
    postgres.run(f"CREATE DATABASE {_TEMPLATE} TEMPLATE ledger_template")
    with contextlib.closing(open_database(postgres.address(_TEMPLATE))) as database:
        return build_api(database, tmp_path_factory.mktemp("furnished"))


@pytest.fixture(params=BACKENDS)
def api(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Api]:
    """A client of an instance with a centre and a member, once on each database."""
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            house: Furnished = request.getfixturevalue("furnished_sqlite")
            yield stack.enter_context(house.copy(tmp_path))
        else:
            made: Api = request.getfixturevalue("furnished_postgresql")
            server: PostgresServer = request.getfixturevalue("postgres")
            address = stack.enter_context(server.fresh(_TEMPLATE))
            yield stack.enter_context(_opened(made, address, tmp_path))


@pytest.fixture
def lite(furnished_sqlite: Furnished, tmp_path: Path) -> Iterator[Api]:
    """The same on SQLite alone, for what no database can change."""
    with furnished_sqlite.copy(tmp_path) as copied:
        yield copied


@pytest.fixture(scope="module")
def still(furnished_sqlite: Furnished, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One for tests that store nothing: cycle 17 is open, 18 ended with a load, 19 open."""
    with furnished_sqlite.copy(tmp_path_factory.mktemp("still")) as copied:
        copied.open_cycle(17, started_at="2026-11-21T11:50:00Z")
        copied.judged = copied.finished_cycle(18)
        copied.open_cycle(19)
        yield copied


@contextlib.contextmanager
def _opened(made: Api, address: str, home: Path) -> Iterator[Api]:
    with contextlib.closing(open_database(address)) as database:
        moved = move_in(made, database, home)
        with moved.client:
            yield moved
