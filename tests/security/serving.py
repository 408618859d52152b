"""A real server in a thread of this process, on a port that the system chose."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api import serve
from tests.api.kit import Api

Address = tuple[str, int]
PATIENCE_SECONDS = 30


@contextmanager
def served(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    """Host and port of a server of this API's instance."""
    servers: list[serve._Server] = []

    class Kept(serve._Server):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            servers.append(self)

    monkeypatch.setattr(serve, "_Server", Kept)
    told: queue.Queue[str] = queue.Queue()
    thread = threading.Thread(target=serve.run, args=(api.house.instance, "127.0.0.1", 0, told.put))
    thread.start()
    try:
        host, _, port = told.get(timeout=PATIENCE_SECONDS).removeprefix("http://").partition(":")
        yield host, int(port)
    finally:
        servers[0].should_exit = True
        thread.join(timeout=PATIENCE_SECONDS)
        assert not thread.is_alive()


@contextmanager
def connected(address: Address) -> Iterator[socket.socket]:
    """A connection that waits for what comes, or for its end."""
    with socket.create_connection(address, timeout=PATIENCE_SECONDS) as connection:
        yield connection


def everything(connection: socket.socket) -> bytes:
    """What the server says until it hangs up."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)
