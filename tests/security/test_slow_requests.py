"""Who sends slowly or takes nothing holds nobody else up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ledger.doors.connections import PatientConnection
from ledger.doors.guard import Bounds
from ledger.storage.engine.database import Database
from tests.api.kit import Api, build_api
from tests.security.serving import Address, connected, everything, served

LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
UPLOAD = b"POST /v1/readings HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
SHORT = 0.3
#: a limit that no test here reaches
LONG = 60.0


@pytest.fixture
def api(sqlite_database: Database, tmp_path: Path) -> Api:
    """A house."""
    return build_api(sqlite_database, tmp_path)


@pytest.fixture
def address(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    """A server whose patience is short; a test that needs one of them long says so."""
    monkeypatch.setattr(PatientConnection, "head_seconds", SHORT)
    monkeypatch.setattr(PatientConnection, "stall_seconds", SHORT)
    monkeypatch.setattr("api.guard.Bounds", partial(Bounds, body_seconds=SHORT))
    with served(api, monkeypatch) as found:
        yield found


def is_alive(address: Address) -> bool:
    with connected(address) as connection:
        connection.sendall(LIVE + b"Connection: close\r\n\r\n")
        return everything(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [b"", b"GET", LIVE], ids=["nothing", "a word", "no end"])
def test_a_head_that_does_not_come_is_not_waited_for(address: Address, sent: bytes) -> None:
    with connected(address) as connection:
        connection.sendall(sent)
        assert everything(connection) == b""
    assert is_alive(address)


def test_a_head_that_dribbles_in_is_cut_off(address: Address) -> None:
    with connected(address) as connection:
        connection.sendall(LIVE)
        with pytest.raises(ConnectionError):  # noqa: PT012 - until it is refused
            for number in range(2000):
                connection.sendall(b"X-%d: y\r\n" % number)
                time.sleep(SHORT / 10)


def test_the_next_head_on_a_kept_connection_has_its_time_too(address: Address) -> None:
    with connected(address) as connection:
        connection.sendall(LIVE + b"\r\n" + b"GET /hea")
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_kept_connection_that_is_used_is_not_cut_off(address: Address) -> None:
    with connected(address) as connection:
        for _ in range(4):
            connection.sendall(LIVE + b"\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")
            time.sleep(SHORT / 2)


def test_a_body_that_does_not_come_is_answered_and_cut_off(address: Address) -> None:
    with connected(address) as connection:
        connection.sendall(UPLOAD + b"x")
        answer = everything(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    assert b"urn:steriledger:problem:too-slow" in body
    assert is_alive(address)


def test_a_body_that_dribbles_in_is_cut_off(address: Address) -> None:
    with connected(address) as connection:
        connection.sendall(UPLOAD)
        connection.settimeout(SHORT / 10)
        answer = b""
        for _ in range(99):
            connection.sendall(b"x")
            try:
                answer = connection.recv(65536)
                break
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_an_answer_that_nobody_takes_is_given_up(
    api: Api, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientConnection, "head_seconds", LONG)
    given_up = threading.Event()
    lost = PatientConnection.connection_lost

    def connection_lost(self: PatientConnection, error: Exception | None) -> None:
        lost(self, error)
        given_up.set()

    monkeypatch.setattr(PatientConnection, "connection_lost", connection_lost)
    # Larger than what the two kernels keep between them.
    api.app.openapi()
    monkeypatch.setattr("api.routes.document.json.dumps", lambda *_, **__: "x" * 50_000_000)
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.settimeout(LONG)
        connection.connect(address)
        connection.sendall(ask)
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert given_up.wait(LONG)
        received = len(everything(connection))
    assert received < 49_000_000
    assert is_alive(address)


def test_an_answer_that_is_taken_steadily_comes_whole(
    api: Api, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.document.json.dumps", lambda *_, **__: "x" * 20_000_000)
    with connected(address) as connection:
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        size = 0
        while part := connection.recv(4_000_000):
            size += len(part)
            time.sleep(SHORT / 10)
    assert size > 20_000_000


def test_headers_without_end_are_refused(address: Address) -> None:
    with connected(address) as connection:
        try:
            for _ in range(40):
                connection.sendall(b"X-A: " + b"y" * 8000 if _ else LIVE)
        except OSError:
            return
        assert everything(connection)[:13] in {b"", b"HTTP/1.1 400 ", b"HTTP/1.1 431 "}
