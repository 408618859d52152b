"""A database that takes nothing: the caller is told, nothing is half-written, and it passes."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx
import psycopg
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from api.app import create_app
from ledger.cli.launching import start_all
from ledger.running.processes import Instance as Processes
from ledger.settings import Settings
from ledger.steps.instance import Instance, open_instance
from ledger.steps.worker import run_worker
from ledger.storage.engine.schema import metadata
from tests.databases import PostgresServer
from tests.faults.callers import Person, make_token
from tests.faults.children import PATIENCE_SECONDS, Child, wait_until
from tests.faults.conftest import Ward, accept_a_dozen
from tests.faults.proofs import accepted, mined_hashes, opened, require_whole, rows, waiting
from tests.steps.hospital import Hospital, opened_hospital

OPENING = "/v1/operations/cycle-opening"
BODY: dict[str, object] = {"equipment": "S1"}
#: bytes that a file may have on a full disk; a log is shorter, a database longer
ROOM = 0


def require_told(answer: httpx.Response, *words: str) -> None:
    """A problem document that says what to do, and when to come again."""
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (503, "urn:steriledger:problem:unavailable")
    assert problem["remedy"]
    assert int(answer.headers["Retry-After"]) > 0
    if words:
        assert problem["detail"] in words


# ---------------------------------------------------------------- whole processes


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that takes the database away from running processes, and gives it back."""

    begin: Callable[[], None]
    end: Callable[[], None]
    #: what the API says then
    words: tuple[str, ...]


def full_disk(children: list[Child]) -> Trouble:
    """No file of these processes grows beyond a little: what a full disk is to them."""

    def limit(size: int) -> None:
        for child in children:
            _, hard = resource.prlimit(child.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (size, hard))

    return Trouble(
        begin=lambda: limit(ROOM),
        end=lambda: limit(resource.RLIM_INFINITY),
        words=("the disk failed while the database used it", "the disk is full"),
    )


def persist(connection: psycopg.Connection, statement: str) -> None:
    """Run a statement that takes tables for itself; the processes read them all the while."""
    while True:
        try:
            connection.execute(statement.encode())
        except psycopg.errors.DeadlockDetected:
            continue
        return


def refusing_server(condition: str, words: str) -> Callable[[PostgresServer, str], Trouble]:
    """A server that answers every writing statement with an error of its own."""

    def make(server: PostgresServer, name: str) -> Trouble:
        def switch(*statements: str) -> None:
            with psycopg.connect(server.address(name), autocommit=True) as connection:
                for statement in statements:
                    persist(connection, statement)

        refuse = f"BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{condition}'; END"
        return Trouble(
            begin=lambda: switch(
                f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${refuse}$$",
                *(
                    f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON {table} "
                    "EXECUTE FUNCTION refuse()"
                    for table in metadata.tables
                ),
            ),
            end=lambda: switch("DROP FUNCTION refuse CASCADE"),
            words=(words,),
        )

    return make


def gone_server(server: PostgresServer, name: str) -> Trouble:
    """A server that ends every session and takes no new one, as while it restarts."""

    def switch(word: str) -> None:
        server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {word}")
        server.run(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname <> current_database()"
        )

    return Trouble(
        begin=lambda: switch("false"),
        end=lambda: switch("true"),
        words=("the database server does not answer, or does not let us in",),
    )


def require_survived(ward: Ward, make: Callable[[list[Child]], Trouble]) -> None:
    """Accepting and sending go on after the trouble, in the same processes, and nothing is lost."""
    home, person = ward.home, ward.person
    with opened(home) as instance:
        worker, api = home.start("worker"), home.start("serve")
        worker.wait_for(lambda: waiting(instance) == 0)
        assert person.post(OPENING, *named(15)).status_code == 201
        before, seen = accepted(instance), mined_hashes(instance)
        trouble = make([worker, api])
        trouble.begin()
        number = 16
        # There may be room for a few yet; then the worker may be anywhere on its way to the chain.
        while (answer := person.try_post(OPENING, *named(number))).status_code == 201:
            number += 1
        for _ in range(3):
            require_told(answer, *trouble.words)
            answer = person.try_post(OPENING, *named(number))
        trouble.end()
        assert len(accepted(instance)) == len(before) + number - 16
        wait_until(lambda: takes(person, number))
        worker.wait_for(lambda: waiting(instance) == 0)
        assert len(accepted(instance)) == len(before) + number - 15
        require_whole(instance, accepted(instance), hashes=seen)
        assert (worker.stop(), api.stop()) == (0, 0)


def takes(person: Person, number: int) -> bool:
    """Whether the API takes that record now; asked again under the same key, it is one record."""
    return person.try_post(OPENING, *named(number)).status_code == 201


def named(number: int) -> tuple[dict[str, object], str]:
    return BODY | {"number": number}, f"key-{number}"


@pytest.fixture
def database_address(request: pytest.FixtureRequest) -> str:
    """SQLite in the home, unless the test says otherwise."""
    found = getattr(request, "param", "")
    return str(request.getfixturevalue(found)) if found else ""


def test_processes_that_can_write_no_file_tell_it_and_go_on_when_they_can(ward: Ward) -> None:
    require_survived(ward, full_disk)


@pytest.mark.parametrize("database_address", ["postgresql_address"], indirect=True)
@pytest.mark.parametrize(
    "trouble",
    [
        refusing_server("disk_full", "the database server's disk is full"),
        refusing_server("read_only_sql_transaction", "the database is read-only here"),
        gone_server,
    ],
    ids=["full", "read-only", "gone"],
)
def test_a_server_that_takes_nothing_is_waited_for(
    trouble: Callable[[PostgresServer, str], Trouble], ward: Ward, postgres: PostgresServer
) -> None:
    name = make_url(ward.home.database_url).database or ""
    require_survived(ward, lambda _: trouble(postgres, name))


@pytest.mark.parametrize("database_address", ["postgresql_address"], indirect=True)
def test_processes_that_start_before_their_server_wait_for_it_and_say_so(
    ward: Ward, postgres: PostgresServer
) -> None:
    home, told = ward.home, list[str]()
    trouble = gone_server(postgres, make_url(home.database_url).database or "")
    log = home.folder / "run" / "log"

    def worker_waits() -> bool:
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        return ("worker", "database_not_ready") in {(a["process"], a["event"]) for a in lines}

    def hear(sentence: str) -> None:
        told.append(sentence)
        if len(told) == 1:
            wait_until(worker_waits)
            trouble.end()

    environment = os.environ | {"STERILEDGER_DATABASE_URL": home.database_url}
    trouble.begin()
    with Processes(home=home.folder, environment=environment, log=log, tell=hear) as processes:
        api, chain = start_all(processes, threading.Event())
        assert None not in {api, chain}
        with opened(home) as instance:
            wait_until(lambda: waiting(instance) == 0)
            require_whole(instance, accepted(instance), hashes={})
    assert told[0].startswith(f"The API waits: {trouble.words[0]} (")
    # the worker may have asked last while the server was away, and says so then
    assert {each.partition(" (")[0] for each in told[1:]} <= {
        f"The worker waits: {trouble.words[0]}"
    }


# ---------------------------------------------------------------- SQLite's own words


@dataclass(slots=True, kw_only=True)
class Disk:
    """An instance's disk, which becomes full or read-only under its open connections."""

    instance: Instance
    _state: str = "good"
    #: how often it refused a statement since
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        event.listen(self._engine, "do_connect", self._connect)
        event.listen(self._engine, "connect", self._fill)
        event.listen(self._engine, "handle_error", self._count)

    def become(self, state: str) -> None:
        """`good`, `full` or `read-only`; every connection is made anew."""
        with self._lock:
            self._state, self.refused = state, 0
        self._engine.dispose()

    @property
    def _engine(self) -> Engine:
        return self.instance.database._engine

    def _connect(
        self, _dialect: object, _record: object, arguments: list[str], options: dict[str, object]
    ) -> sqlite3.Connection | None:
        if self._state != "read-only":
            return None
        timeout = options["timeout"]
        assert isinstance(timeout, float)
        return sqlite3.connect(
            f"file:{arguments[0]}?mode=ro", uri=True, timeout=timeout, check_same_thread=False
        )

    def _fill(self, connection: sqlite3.Connection, _record: object) -> None:
        if self._state == "full":
            # Not below what it has: from now on it does not grow.
            connection.execute("PRAGMA max_page_count = 1").close()

    def _count(self, _context: object) -> None:
        self.refused += 1


@pytest.fixture(params=["full", "read-only"])
def bad(request: pytest.FixtureRequest) -> str:
    return str(request.param)


WORDS = {"full": "the disk is full", "read-only": "the database is read-only"}


@contextmanager
def house(folder: Path) -> Iterator[tuple[Disk, str]]:
    """A home on a disk that can turn bad, with owed operations, and a token."""
    with ExitStack() as stack:
        with opened_hospital(folder, "") as hospital:
            accept_a_dozen(hospital)
            token = make_token(hospital, 1)
        instance = open_instance(Settings(home=folder, requests_per_minute=1_000_000))
        stack.callback(instance.close)
        yield Disk(instance=instance), token


def test_a_full_or_read_only_sqlite_is_told_and_nothing_is_half_written(
    bad: str, tmp_path: Path
) -> None:
    with house(tmp_path / "home") as (disk, token):
        client = TestClient(create_app(disk.instance), raise_server_exceptions=False)

        def record(number: int) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"key-{number}"}
            return client.post(OPENING, json=BODY | {"number": number}, headers=headers)

        disk.become(bad)
        number, before = 17, rows(disk.instance)
        # There may be room in the pages that the file has already.
        while (answer := record(number)).status_code == 201:
            number, before = number + 1, rows(disk.instance)
        require_told(answer, WORDS[bad])
        assert rows(disk.instance) == before
        require_told(record(number), WORDS[bad])
        # Reading goes on.
        assert client.get("/health/ready").status_code == 200
        disk.become("good")
        assert record(number).status_code == 201
        assert rows(disk.instance)["operations"] == before["operations"] + 1


def test_a_worker_on_a_full_or_read_only_sqlite_waits_and_goes_on(bad: str, tmp_path: Path) -> None:
    with house(tmp_path / "home") as (disk, _):
        instance = disk.instance
        stop = threading.Event()
        thread = threading.Thread(target=run_worker, args=(instance, stop))
        thread.start()
        wait_until(lambda: waiting(instance) == 0, thread.is_alive)
        seen = mined_hashes(instance)
        disk.become(bad)
        with closing(open_instance(instance.settings)) as other:
            hospital = Hospital(instance=other, link=None)  # type: ignore[arg-type]
            for unit in range(3, 9):
                hospital.admit(unit)
            digests = accepted(other)
        wait_until(lambda: disk.refused > 3, thread.is_alive)
        assert waiting(instance) > 0
        disk.become("good")
        wait_until(lambda: waiting(instance) == 0, thread.is_alive)
        require_whole(instance, digests, hashes=seen)
        stop.set()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
