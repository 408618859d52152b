"""A real `up`: what it logs, how it ends, and what it leaves."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import structlog

from ledger.running import logs
from ledger.running.logs import configure_logs, log_to_file
from ledger.running.processes import ENDED, LONGEST_LOG_BYTES, rotate_log
from tests.cli.conftest import typed

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 90

pytestmark = pytest.mark.timeout(240)


def environment(**more: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("STERILEDGER_")}
    return {**inherited, "PYTHONPATH": str(ROOT), **more}


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def up(home: Path, *arguments: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """`steriledger up`, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ledger", "up", "--home", str(home), *arguments],
        cwd=ROOT,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=PATIENCE_SECONDS)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def ready(process: subprocess.Popen[str]) -> str:
    """The address of the API, once it is said."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Ready: "):
            return line.removeprefix("Ready: ").strip()
    assert process.stderr is not None
    raise AssertionError(process.stderr.read())


def command(home: Path, *arguments: str) -> Any:
    ran = typed(*arguments, "--home", str(home), "--json")
    assert ran.code == 0, ran.err
    return ran.json()


def lines_of(home: Path) -> list[dict[str, Any]]:
    """The log; every line of it is JSON."""
    return [json.loads(line) for line in (home / "run" / "log").read_text().splitlines()]


def children(pid: int) -> list[int]:
    """Every process below one, whatever its distance (Linux)."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry.name), *children(int(entry.name))]
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


# ---------------------------------------------------------------- one record through the log


def test_the_digest_follows_a_record_from_the_request_to_the_block(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with up(home) as process:
        url = ready(process)
        token = command(home, "token", "create", "--person", "P", "--scope", "authority")["token"]
        body = {
            "unit": 1, "code": "CENTRE", "name": "Centre", "roles": ["processor"],
            "administrator_name": "Head", "custody": "server",
        }  # fmt: skip
        answer = httpx.post(
            f"{url}/v1/operations/unit-admission",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 201, answer.text
        digest = answer.json()["digest"]
        wait_for(lambda: any(e["event"] == "final" for e in about(home, digest)))
        shown = command(home, "operation", "show", digest)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    entries = about(home, digest)
    assert [each["event"] for each in entries] == ["accepted", "sent", "final"]
    accepted, sent, final = entries
    assert accepted["request_id"] == answer.headers["X-Request-Id"]
    assert (accepted["process"], accepted["kind"]) == ("serve", "UnitAdmission")
    assert accepted["unit"] == 1
    assert sent["transaction"] == shown["transactions"][0]["hash"]
    assert final["block"] == shown["transactions"][0]["block"]
    (request,) = [
        each
        for each in lines_of(home)
        if each["event"] == "request" and each["request_id"] == accepted["request_id"]
    ]
    assert (request["status"], request["route"]) == (201, "/v1/operations/unit-admission")
    assert "Head" not in (home / "run" / "log").read_text()


def about(home: Path, digest: str) -> list[dict[str, Any]]:
    return [
        each
        for each in lines_of(home)
        if each.get("digest") == digest or digest in each.get("digests", ())
    ]


# ---------------------------------------------------------------- how it ends


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_home_runs_once_and_nothing_is_left_running_when_its_supervisor_is_killed(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    with up(home) as process:
        ready(process)
        with up(home) as second:
            assert second.wait(PATIENCE_SECONDS) == 4
        assert process.poll() is None
        below = children(process.pid)
        assert len(below) == 3, "worker, API and chain"
        process.kill()
        process.wait()
        wait_for(lambda: not any(map(is_alive, below)))
    with up(home) as process:
        ready(process)


def test_a_killed_service_comes_back_and_its_new_address_is_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with up(home) as process:
        ready(process)
        assert process.stdout is not None
        os.kill(json.loads((home / "run" / "api.json").read_text())["pid"], signal.SIGKILL)
        said = [process.stdout.readline(), process.stdout.readline()]
        url = said[1].rpartition(" ")[2].strip()
        assert httpx.get(f"{url}/health/ready").status_code == 200
    assert re.fullmatch(r"The API was ended by SIGKILL\. It starts again in 0\.\d s\.\n", said[0])
    assert said[1].startswith("The API is ready: http://127.0.0.1:")


def test_an_instance_whose_chain_is_away_serves_and_goes_on_once_it_is_there(
    tmp_path: Path,
) -> None:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can
        away = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with up(
            tmp_path / "home", STERILEDGER_CHAIN_URL=away, STERILEDGER_FINALITY="instant"
        ) as process:
            url = ready(process)
            assert httpx.get(f"{url}/health/ready").status_code == 200
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("which", ["api", "chain"])
def test_a_port_that_is_taken_is_said_with_what_to_do(tmp_path: Path, which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        name = f"STERILEDGER_{which.upper()}_PORT"
        with up(tmp_path / "home", **{name: port}) as process:
            assert process.wait(PATIENCE_SECONDS) == 4
            assert process.stderr is not None
            error = process.stderr.read()
    assert f"{which}_port" in error
    assert "cannot listen" in error
    assert "choose another" in error
    assert "Traceback" not in error


def test_a_worker_that_halts_for_a_person_ends_up_with_its_reason(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with up(home) as process:
        ready(process)
    with closing(sqlite3.connect(home / "steriledger.db")) as connection:
        connection.execute("UPDATE idx_cursor SET hash = zeroblob(32)")
        connection.commit()
    with up(home) as process:
        assert process.wait(PATIENCE_SECONDS) == 70
        assert process.stderr is not None
        error = process.stderr.read()
    assert "the worker ended: block 1 was final as 0x00" in error
    assert "steriledger rebuild" in error
    (ended,) = [each for each in lines_of(home) if each["event"] == ENDED]
    assert (ended["process"], ended["kind"]) == ("worker", "Inconsistent")
    ran = typed("status", "--home", str(home), "--json")
    assert ran.code == 1
    assert ran.json()["worker"] == "halted"
    command(home, "rebuild")
    stands = command(home, "status")
    assert (stands["worker"], stands["halted"]) == ("stopped", None)


def test_a_wrong_setting_is_said_before_anything_starts(tmp_path: Path) -> None:
    with up(tmp_path / "home", STERILEDGER_FINALITY="soon") as process:
        assert process.wait(PATIENCE_SECONDS) == 2
        assert process.stderr is not None
        assert "STERILEDGER_FINALITY" in process.stderr.read()
    assert not (tmp_path / "home").exists()


def test_a_home_that_cannot_be_written_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")
    with up(tmp_path / "home") as process:
        assert process.wait(PATIENCE_SECONDS) == 6
        assert process.stderr is not None
        error = process.stderr.read()
    assert "home cannot be written: File exists" in error
    assert "Traceback" not in error


def test_an_orphan_is_asked_to_end(tmp_path: Path) -> None:
    child = textwrap.dedent(f"""
        import os, pathlib, signal, sys, time
        from ledger.running.processes import end_with_parent
        def asked(number, frame):
            pathlib.Path({str(tmp_path / "asked")!r}).touch()
            sys.exit(0)
        signal.signal(signal.SIGTERM, asked)
        end_with_parent()
        pathlib.Path({str(tmp_path / "runs")!r}).write_text(str(os.getpid()))
        time.sleep({PATIENCE_SECONDS})
    """)
    parent = textwrap.dedent(f"""
        import os, pathlib, subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", {child!r}], stdin=subprocess.PIPE,
                         env={{**os.environ, "STERILEDGER_SUPERVISED": "1"}})
        while not pathlib.Path({str(tmp_path / "runs")!r}).exists():
            time.sleep(0.02)
    """)
    subprocess.run([sys.executable, "-c", parent], cwd=ROOT, env=environment(), check=True)
    wait_for((tmp_path / "asked").exists)


# ---------------------------------------------------------------- the log itself


Told = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Told]:
    """What a service wrote to its error stream."""
    handlers, level = logging.root.handlers[:], logging.root.level
    monkeypatch.setattr(logs, "_state", {})
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_a_line_names_its_process_and_its_logger(told: Told) -> None:
    configure_logs("info", process="worker")
    structlog.get_logger("writer").info("sent", digest="0x1", count=2)
    structlog.get_logger("writer").debug("round")
    (line,) = told()
    assert list(line) == ["timestamp", "level", "process", "logger", "event", "digest", "count"]
    assert (line["process"], line["logger"], line["event"]) == ("worker", "writer", "sent")


def test_an_error_with_its_trace_is_one_line(told: Told) -> None:
    configure_logs("info", process="worker")
    try:
        int("first\nsecond")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    (line,) = told()
    assert "Traceback" in line["exception"]
    assert "ValueError: invalid literal" in line["exception"]


def test_what_libraries_say_becomes_lines_like_ours(told: Told) -> None:
    configure_logs("info", process="serve")
    logging.getLogger("some.library").warning("closed %s", "early")
    logging.getLogger("some.library").info("nobody needs this")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    first, second = told()
    assert (first["logger"], first["event"], first["level"]) == (
        "some.library", "closed early", "warning",
    )  # fmt: skip
    assert "DeprecationWarning: old" in second["event"]


def test_a_service_keeps_its_stream_when_it_opens_a_home(told: Told, tmp_path: Path) -> None:
    configure_logs("info", process="serve")
    log_to_file("info", tmp_path / "run" / "log")
    structlog.get_logger("x").info("here")
    assert [line["event"] for line in told()] == ["here"]
    assert not (tmp_path / "run").exists()


def test_a_log_that_grew_too_long_is_put_aside_once(tmp_path: Path) -> None:
    log, older = tmp_path / "log", tmp_path / "log.1"
    assert not rotate_log(log)
    log.write_bytes(b"x" * LONGEST_LOG_BYTES)
    assert not rotate_log(log)
    log.write_bytes(b"y" * (LONGEST_LOG_BYTES + 1))
    older.write_text("older still")
    assert rotate_log(log)
    assert not log.exists()
    assert older.read_bytes()[:1] == b"y"
