"""Lines over a Unix socket: one question, one answer, over connections that are kept.

Source: unix(7); JSON-RPC over a socket as geth and anvil speak it, one document a line.
"""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

_CHUNK_BYTES = 256 * 1024


class LineTooLong(Exception):
    """The answer is longer than we read."""


class UnixSockets:
    """Connections to the one who listens at a path; safe to use from several threads."""

    def __init__(self, path: Path, *, most: int) -> None:
        """Connects to nobody yet; at most so many connections."""
        self._path = path
        self._places = threading.BoundedSemaphore(most)
        self._idle: list[socket.socket] = []
        self._is_closed = False

    def ask(self, line: bytes, *, seconds: float, longest: int) -> bytes:
        """The line that comes back.

        Raises OSError, a TimeoutError among them, and LineTooLong.
        """
        deadline = time.monotonic() + seconds
        if not self._places.acquire(timeout=seconds):
            raise TimeoutError
        try:
            stream = self._take() or self._connect(seconds)
            try:
                stream.settimeout(_left(deadline))
                stream.sendall(line + b"\n")
                answer = _read_line(stream, deadline, longest)
            except BaseException:
                stream.close()
                raise
            self._keep(stream)
            return answer
        finally:
            self._places.release()

    def is_open(self) -> bool:
        """Whether somebody listens."""
        try:
            self._connect(1.0).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Closes the kept connections, and keeps none any more."""
        self._is_closed = True
        while (stream := self._take()) is not None:
            stream.close()

    def _keep(self, stream: socket.socket) -> None:
        if self._is_closed:
            stream.close()
        else:
            self._idle.append(stream)

    def _take(self) -> socket.socket | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connect(self, seconds: float) -> socket.socket:
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(seconds)
        try:
            stream.connect(str(self._path))
        except BaseException:
            stream.close()
            raise
        return stream


def _read_line(stream: socket.socket, deadline: float, longest: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        stream.settimeout(_left(deadline))
        chunk = stream.recv(_CHUNK_BYTES)
        if not chunk:
            raise ConnectionError("the other end hung up")
        chunks.append(chunk)
        size += len(chunk)
        if size > longest:
            raise LineTooLong
        if chunk.endswith(b"\n"):
            return b"".join(chunks)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
