"""Facts about questions over a socket file, asked of a listener that does what a test wants."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.chain.node import Node
from ledger.chain.transport import AnswerTooLarge, Limits
from ledger.chain.unix_sockets import UnixSockets
from ledger.domain.errors import ChainUnavailable

Answer = Callable[[bytes], list[bytes]]


@contextmanager
def listener(path: Path, answer: Answer) -> Iterator[list[socket.socket]]:
    """Answers each line in the pieces that `answer` gives; an empty piece hangs up."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    taken: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(stream: socket.socket) -> None:
        with stream, stream.makefile("rb") as lines:
            for line in lines:
                for piece in answer(line):
                    if not piece:
                        return
                    stream.sendall(piece)

    def accept() -> None:
        while True:
            try:
                stream, _ = server.accept()
            except OSError:
                return
            taken.append(stream)
            threads.append(threading.Thread(target=serve, args=(stream,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield taken
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        accepting.join()
        for thread in threads:
            thread.join(10)


def result(line: bytes, value: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": value}).encode()


def endpoint(path: Path, **limits: float) -> Node:
    given = {"timeout_seconds": 5.0, "attempts": 1, **limits}
    return Node(f"unix:{path}", limits=Limits(**given))  # type: ignore[arg-type]


def test_an_answer_in_pieces_is_put_together(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def answer(line: bytes) -> list[bytes]:
        whole = result(line, "x" * 100_000) + b"\n"
        return [whole[:1], whole[1:70_000], whole[70_000:]]

    with listener(path, answer):
        asked = endpoint(path)
        assert asked.ask("any") == "x" * 100_000
        asked.close()


def test_one_connection_is_kept_for_one_question_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with listener(path, lambda line: [result(line, 1) + b"\n"]) as taken:
        asked = endpoint(path)
        assert [asked.ask("any") for _ in range(5)] == [1] * 5
        assert len(taken) == 1
        asked.close()


def test_threads_get_their_own_answers_over_no_more_connections_than_allowed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s"

    def echo(line: bytes) -> list[bytes]:
        return [result(line, json.loads(line)["params"][0]) + b"\n"]

    with listener(path, echo) as taken, ThreadPoolExecutor(16) as pool:
        asked = endpoint(path, connections=3)
        assert list(pool.map(lambda n: asked.ask("any", n), range(200))) == list(range(200))
        assert 1 <= len(taken) <= 3
        asked.close()


@pytest.mark.parametrize(
    "pieces, words",
    [
        ([b""], "ConnectionError"),
        ([b'{"jsonrpc"', b""], "ConnectionError"),
        ([], "TimeoutError"),
        ([b'{"jsonrpc"'], "TimeoutError"),
        ([b"no json\n"], "not JSON"),
    ],
)
def test_a_broken_answer_is_no_answer_and_its_connection_is_given_up(
    tmp_path: Path, pieces: list[bytes], words: str
) -> None:
    path = tmp_path / "s"
    broken = iter([pieces])

    def answer(line: bytes) -> list[bytes]:
        return next(broken, [result(line, 7) + b"\n"])

    with listener(path, answer):
        asked = endpoint(path, timeout_seconds=0.3)
        with pytest.raises(ChainUnavailable, match=words):
            asked.ask("any")
        assert asked.ask("any") == 7
        asked.close()


def test_an_answer_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with listener(path, lambda line: [result(line, "x" * 2000) + b"\n"]):
        asked = endpoint(path, answer_bytes=1000)
        with pytest.raises(AnswerTooLarge, match="1000 bytes"):
            asked.ask("any")
        asked.close()


def test_a_place_where_nobody_listens_does_not_answer(tmp_path: Path) -> None:
    assert not UnixSockets(tmp_path / "none", most=1).is_open()
    with pytest.raises(ChainUnavailable, match="FileNotFoundError"):
        endpoint(tmp_path / "none").ask("any")
