"""Both doors read a request in one way or not at all, and nobody keeps others out by being in."""

from __future__ import annotations

import socket
from collections import Counter as Counts
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from structlog.testing import capture_logs

from api import serve
from ledger.chain.gateway import Gateway, make_server
from ledger.doors.connections import PatientConnection
from ledger.doors.counting import Counter
from ledger.storage.engine.database import Database
from tests.api.kit import Api, build_api
from tests.chain.test_gateway import listening
from tests.faults.children import wait_until
from tests.security.serving import Address, connected, everything, served

QUESTION = b'{"jsonrpc":"2.0","id":1,"method":"eth_mine"}'
#: a request that each door answers in its own way, up to what a test adds to its headers
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(QUESTION)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n" % (len(QUESTION), QUESTION)
FINE = HEAD + LENGTH + b"\r\n" + QUESTION
#: what the same connection must never be made to answer
SMUGGLED = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def api(sqlite_database: Database, tmp_path: Path) -> Api:
    """A house."""
    return build_api(sqlite_database, tmp_path)


@pytest.fixture(params=["api", "chain"])
def door(
    request: pytest.FixtureRequest, api: Api, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Address]:
    """Each of the two doors, served."""
    if request.param == "api":
        with served(api, monkeypatch) as address:
            yield address
        return
    with listening(make_server(Gateway(upstream=lambda: "http://127.0.0.1:1"))) as url:
        host, port = url.removeprefix("http://").split(":")
        yield host, int(port)


def said(address: Address, sent: bytes) -> bytes:
    with connected(address) as connection:
        connection.sendall(sent)
        return everything(connection)


def test_a_request_that_has_one_reading_is_read(door: Address) -> None:
    head = HEAD + b"Connection: close\r\n"
    for sent in (head + LENGTH + b"\r\n" + QUESTION, head + CHUNKED + b"\r\n" + CHUNKS + b"\r\n"):
        answer = said(door, sent)
        # the one shows a page there and takes nothing, the other has no such method of its own
        assert answer[:13] in {b"HTTP/1.1 405 ", b"HTTP/1.1 200 "}


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + LENGTH + b"X-Folded: a\r\n b\r\n\r\n" + QUESTION,
        HEAD + LENGTH + b"X-Folded: a\r\n\tTransfer-Encoding: chunked\r\n\r\n" + QUESTION,
        HEAD + b"Content-Length:\r\n %d\r\n\r\n" % len(QUESTION) + QUESTION,
        HEAD.replace(b"\r\n", b"\n") + LENGTH + b"\r\n" + QUESTION,
        HEAD + LENGTH + b"X-A: b\nX-C: d\r\n\r\n" + QUESTION,
        HEAD + LENGTH + b"X-A: b\rX-C: d\r\n\r\n" + QUESTION,
        HEAD + LENGTH + LENGTH + b"\r\n" + QUESTION,
        HEAD + LENGTH + b"content-LENGTH: 5\r\n\r\n" + QUESTION,
        HEAD + b"Content-Length: %d, %d\r\n\r\n" % ((len(QUESTION),) * 2) + QUESTION,
        HEAD + b"Content-Length: +%d\r\n\r\n" % len(QUESTION) + QUESTION,
        HEAD + b"Content-Length : %d\r\n\r\n" % len(QUESTION) + QUESTION,
        HEAD + LENGTH + CHUNKED + b"\r\n" + CHUNKS + b"\r\n",
        HEAD + CHUNKED + CHUNKED + b"\r\n" + CHUNKS + b"\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS + b"\r\n",
        HEAD.replace(b"/1.1", b"/1.0") + CHUNKED + b"\r\n" + CHUNKS + b"\r\n",
        HEAD + b"Host: localhost\r\n" + LENGTH + b"\r\n" + QUESTION,
        HEAD + b"Content-Type: text/plain\r\n" + LENGTH + b"\r\n" + QUESTION,
        HEAD + b"Authorization: a\r\nAuthorization: b\r\n" + LENGTH + b"\r\n" + QUESTION,
        HEAD + b"X-Nul: a\x00b\r\n" + LENGTH + b"\r\n" + QUESTION,
        FINE.replace(b"POST /", b"POST http://localhost/"),
        HEAD + CHUNKED + b"\r\n" + CHUNKS + b"X-Trailer: a\r\n b\r\n\r\n",
    ],
    ids=[
        "folded", "folded with a tab", "folded length", "bare LF everywhere", "bare LF", "bare CR",
        "one length twice", "two lengths", "a list of lengths", "a signed length",
        "a blank before the colon", "a length beside chunks", "chunked twice", "another coding",
        "chunks in HTTP/1.0", "two hosts", "two media types", "two tokens", "a NUL",
        "a whole address", "a folded trailer",
    ],
)  # fmt: skip
def test_a_request_that_two_readers_could_read_differently_is_refused(
    door: Address, sent: bytes
) -> None:
    answer = said(door, sent + SMUGGLED)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in answer.lower()
    assert answer.count(b"HTTP/1.1 ") == 1


def test_who_sends_what_cannot_be_read_stands_in_the_log(door: Address) -> None:
    with capture_logs() as logs:
        said(door, HEAD + b"X-Folded: a\r\n b\r\n\r\n")
    assert [(e["event"], e["client"]) for e in logs if e["event"] == "malformed"] == [
        ("malformed", "127.0.0.1")
    ]


# ---------------------------------------------------------------- places

PLACES = 8
#: how often the server noticed a connection, or something on one
Seen: TypeAlias = Counts[str]
LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """What the server noticed so far."""
    counts: Seen = Counts()

    def counting(name: str) -> Callable[..., None]:
        was = getattr(PatientConnection, name)

        def counted(self: PatientConnection, given: object) -> None:
            was(self, given)
            counts[name] += 1

        return counted

    for name in ("connection_made", "data_received"):
        monkeypatch.setattr(PatientConnection, name, counting(name))
    return counts


@pytest.fixture
def full(api: Api, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    """The API's door with few places, and nobody told of in the log yet."""
    assert not seen
    monkeypatch.setattr(serve, "MAX_CONCURRENT", PLACES)
    monkeypatch.setattr(PatientConnection, "_told", Counter())
    with served(api, monkeypatch) as address:
        yield address


@contextmanager
def came_from(source: str, address: Address) -> Iterator[socket.socket]:
    """A connection from another address of this machine."""
    with socket.create_connection(address, timeout=30, source_address=(source, 0)) as connection:
        yield connection


def one_answer(connection: socket.socket, sent: bytes) -> bytes:
    """What one request on a kept connection is answered, without waiting for its end."""
    connection.sendall(sent)
    answer = b""
    while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
        part = connection.recv(65536)
        if not part:
            break
        answer += part
    return answer


def is_open(connection: socket.socket) -> bool:
    """Whether the other end has not hung up."""
    connection.settimeout(0.2)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False
    finally:
        connection.settimeout(30)


def asking(token: str) -> bytes:
    head = f"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    return head.encode()


def crowd(stack: ExitStack, address: Address, seen: Seen, size: int) -> list[socket.socket]:
    """Strangers that connect and say nothing, and are seen by the server."""
    before = seen["connection_made"]
    found = [stack.enter_context(connected(address)) for _ in range(size)]
    wait_until(lambda: seen["connection_made"] >= before + size)
    return found


def test_a_crowd_without_a_token_keeps_nobody_out(api: Api, full: Address, seen: Seen) -> None:
    with ExitStack() as stack, capture_logs() as logs:
        kept = stack.enter_context(connected(full))
        assert one_answer(kept, asking(api.operator)).startswith(b"HTTP/1.1 200 ")
        strangers = crowd(stack, full, seen, 3 * PLACES)
        for _ in range(PLACES - 3):
            late = stack.enter_context(connected(full))
            assert one_answer(late, asking(api.operator)).startswith(b"HTTP/1.1 200 ")
        assert one_answer(kept, asking(api.operator)).startswith(b"HTTP/1.1 200 ")
        assert not is_open(strangers[0])
    told = [entry for entry in logs if entry["event"] == "made_room"]
    assert [(entry["client"], entry["log_level"]) for entry in told] == [("127.0.0.1", "warning")]
    assert told[0]["connections"] >= PLACES - 2


def test_room_is_made_by_the_address_that_has_most(full: Address, seen: Seen) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(came_from("127.0.0.2", full))
        strangers = crowd(stack, full, seen, 2 * PLACES)
        assert one_answer(other, LIVE).startswith(b"HTTP/1.1 200 ")
        assert sum(map(is_open, strangers)) < PLACES


def test_where_all_showed_a_token_an_idle_one_makes_room(api: Api, full: Address) -> None:
    with ExitStack() as stack:
        known = [stack.enter_context(connected(full)) for _ in range(PLACES)]
        for each in known:
            assert one_answer(each, asking(api.operator)).startswith(b"HTTP/1.1 200 ")
        late = stack.enter_context(came_from("127.0.0.2", full))
        assert one_answer(late, asking(api.operator)).startswith(b"HTTP/1.1 200 ")
        assert [is_open(each) for each in known] == [False] + [True] * (PLACES - 1)


def test_where_all_that_showed_a_token_are_busy_who_comes_is_told_to_come_again(
    api: Api, full: Address, seen: Seen
) -> None:
    body = b"POST /v1/readings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    with ExitStack() as stack, capture_logs() as logs:
        known = [stack.enter_context(connected(full)) for _ in range(PLACES)]
        for each in known:
            assert one_answer(each, asking(api.operator)).startswith(b"HTTP/1.1 200 ")
            each.sendall(body)
        wait_until(lambda: seen["data_received"] >= 2 * PLACES)
        late = stack.enter_context(came_from("127.0.0.2", full))
        late.sendall(asking(api.operator))
        assert everything(late).startswith(b"HTTP/1.1 503 ")
        assert all(map(is_open, known))
    assert [(e["event"], e["client"]) for e in logs if e["event"] == "crowded"] == [
        ("crowded", "127.0.0.2")
    ]


# ---------------------------------------------------------------- metrics


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]", "LOCALHOST"])
def test_this_machine_reads_its_metrics_by_its_own_name(full: Address, host: str) -> None:
    head = f"GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    assert said(full, head).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", ""])
def test_a_page_whose_name_leads_here_reads_no_metrics(full: Address, host: str) -> None:
    head = f"GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    answer = said(full, head)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"steriledger_" not in answer
