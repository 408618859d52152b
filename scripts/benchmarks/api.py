"""Cycles recorded over HTTP, against a bare application that inserts the same rows."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import signer_id
from ledger.steps.asking.tokens import create_token
from scripts.benchmarks.bare_rows import rows_of
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.group import RECORDS_PER_CYCLE, UNITS, Group, founded_group
from scripts.benchmarks.turns import ratios
from scripts.postgres import create_database, running_postgres

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = (1, 16)
#: cycles of each client in a turn
_CYCLES = 20
_SCOPES = (
    Scope.OPEN,
    Scope.LOAD,
    Scope.END,
    Scope.RESULT,
    Scope.DECIDE,
    Scope.READ_UNIT,
)
_PATIENCE_SECONDS = 60.0
_CREATED = 201

#: records one cycle of a client
Cycle = Callable[["Connection"], None]


def measure_api(size: Size) -> Figures:
    """The time of one cycle, four calls in a row, beside that of the same inserts.

    Ours checks the token and the body, applies the rules, makes record, commitment, signature and
    receipt, and commits; the bare application, on the same framework, server and database with the
    same settings, inserts a copy of those rows under new keys and commits.  Both run in a process
    of their own, and nothing else of ours runs meanwhile.
    """
    figures: dict[str, Figure] = {}
    with running_postgres() as server:
        for name in ("sqlite", "postgresql"):
            figures |= _measure_on(name, server, size)
    return figures


def _measure_on(name: str, server: str, size: Size) -> Figures:
    with tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder:
        home = Path(folder) / "home"
        if name == "sqlite":
            ours, theirs = (f"sqlite:///{folder}/{each}.db" for each in ("ours", "theirs"))
        else:
            ours, theirs = create_database(server, "ours"), server.format("theirs")
        with founded_group(home, machines=max(CLIENTS), database_url=ours) as group:
            token = _token(group)
            serials = [machine.serial for machine in group.machines]
            recorded = group.record_cycles(1)
            with group.instance.database.reading() as tx:
                rows = rows_of(tx, recorded)
        _copy(name, server, Path(folder))
        plan = Path(folder) / "rows.json"
        plan.write_text(json.dumps(rows), "utf-8")
        with (
            _serving("ledger", "serve", "--home", str(home), home=home, database=ours) as api,
            _serving("scripts.benchmarks.bare_app", theirs, str(plan), home=home) as bare,
        ):
            numbers = {serial: itertools.count(100) for serial in serials}
            figures: dict[str, Figure] = {}
            for clients in CLIENTS:
                ways = [_recording(token, serial, numbers[serial]) for serial in serials[:clients]]
                figures |= _turns(f"api/{name}_{clients}", api, bare, ways, size)
    return figures


def _copy(name: str, server: str, folder: Path) -> None:
    """The bare application's database is a copy of ours."""
    if name != "sqlite":
        create_database(server, "theirs", template="ours")
        return
    with (
        closing(sqlite3.connect(folder / "ours.db")) as source,
        closing(sqlite3.connect(folder / "theirs.db")) as target,
    ):
        source.backup(target)


def _turns(name: str, api: str, bare: str, ways: Sequence[Cycle], size: Size) -> Figures:
    inserts: list[Cycle] = [_insert] * len(ways)
    cycles = size.of(_CYCLES, least=2)
    ours, theirs = [], []
    for _ in range(size.repeats + 1):
        ours.append(_times(api, ways, cycles))
        theirs.append(_times(bare, inserts, cycles))
    medians = [[statistics.median(turn) for turn in side[1:]] for side in (ours, theirs)]
    return {
        name: Figure.median(ratios(*medians)),
        f"{name}_p50_ms": Figure.percentile(ours[1:], 0.5),
        f"{name}_p99_ms": Figure.percentile(ours[1:], 0.99),
        f"{name}_bare_p50_ms": Figure.percentile(theirs[1:], 0.5),
        f"{name}_bare_p99_ms": Figure.percentile(theirs[1:], 0.99),
    }


def _times(url: str, ways: Sequence[Cycle], cycles: int) -> list[float]:
    """Milliseconds of each cycle, all clients at once; raises what a client raised."""
    found: list[float] = []
    failures: list[BaseException] = []

    def client(record: Cycle) -> None:
        try:
            with Connection.open(url) as connection:
                for _ in range(cycles):
                    start = time.perf_counter()
                    record(connection)
                    found.append(1000 * (time.perf_counter() - start))
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=client, args=(way,)) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return found


# ---------------------------------------------------------------- what a client sends


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One kept connection."""

    http: http.client.HTTPConnection

    @classmethod
    @contextmanager
    def open(cls, url: str) -> Iterator[Connection]:
        """Connect to an address, and close it in the end."""
        place = urlsplit(url)
        connection = http.client.HTTPConnection(
            place.hostname or "", place.port, timeout=_PATIENCE_SECONDS
        )
        try:
            yield cls(http=connection)
        finally:
            connection.close()

    def post(self, path: str, body: object, token: str) -> dict[str, Any]:
        """The answer; raises unless it is 201."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self.http.request("POST", path, json.dumps(body), headers)
        answer = self.http.getresponse()
        text = answer.read()
        if answer.status != _CREATED:
            raise RuntimeError(f"{path}: {answer.status} {text[:500]!r}")
        plain: dict[str, Any] = json.loads(text)
        return plain


def _insert(connection: Connection) -> None:
    """The bare side: the rows of the cycle's operations, one after the other."""
    for place in range(RECORDS_PER_CYCLE):
        connection.post(f"/insert/{place}", {"performer": "Nurse A", "checker": "Nurse B"}, "none")


def _recording(token: str, serial: str, numbers: Iterator[int]) -> Cycle:
    people = {
        "performer": "Nurse A",
        "checker": "Nurse B",
        "enterer": "Nurse A",
        "device": "tablet 2",
        "authenticated_by": "badge",
    }

    def record(connection: Connection) -> None:
        def send(kind: str, **body: object) -> str:
            answer = connection.post(f"/v1/operations/{kind}", {**body, **people}, token)
            return str(answer["digest"])

        number = next(numbers)
        cycle = f"{serial}/{number}"
        send("cycle-opening", equipment=serial, number=number, programme="134 wrapped")
        lines = [{"owner": unit, "package_class": 3, "quantity": unit} for unit in UNITS]
        load = send("load-declaration", cycle=cycle, lines=lines)
        ending = send("cycle-ending", cycle=cycle, outcome="completed", hold_seconds=191)
        shares = [{"owner": unit, "package_class": 3, "delta": unit} for unit in UNITS]
        send(
            "cycle-decision",
            cycle=cycle,
            decision="release",
            ending=ending,
            load=load,
            replaces=None,
            shares=shares,
            results={"physical": "pass", "chemical_external": "pass"},
        )

    return record


def _token(group: Group) -> str:
    with group.instance.database.transaction() as tx:
        _, text = create_token(
            group.instance,
            tx,
            person="bench",
            unit=1,
            scopes=_SCOPES,
            lifetime=timedelta(days=1),
            signer=signer_id(group.operator),
        )
    return text


# ---------------------------------------------------------------- the two servers


@contextmanager
def _serving(module: str, *arguments: str, home: Path, database: str = "") -> Iterator[str]:
    """A server in a process of its own; its address."""
    ready = home / "run" / ("api.json" if module == "ledger" else "bare.json")
    ready.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "STERILEDGER_DATABASE_URL": database,
        "STERILEDGER_REQUESTS_PER_MINUTE": "1000000",
    }
    extra = () if module == "ledger" else (str(ready),)
    log = home / f"{module}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments, *extra],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
        try:
            yield _wait(process, ready, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE_SECONDS)


def _wait(process: subprocess.Popen[bytes], ready: Path, log: Path) -> str:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if ready.is_file():
            return str(json.loads(ready.read_text("utf-8"))["url"])
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")
