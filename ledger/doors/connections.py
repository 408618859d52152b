"""Connection → cut off when its other end dawdles: with a request, or with taking the answer.

The server's own time limit holds between requests only.  These hold within one: for the head of a
request, from its first byte or from the connection's, and for an answer that nobody takes.  The
body's limit is the application's, which can still answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

log = structlog.get_logger("connections")


class PatientConnection(H11Protocol):
    """One connection, with an end to patience."""

    #: for the request line and the headers, all of them
    head_seconds = 10.0
    #: an answer that does not go on for so long is given up …
    stall_seconds = 15.0
    #: … and going on means this many bytes
    stall_bytes = 32 * 1024

    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    #: bytes that waited when the stall timer was set
    _waiting = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A request has to begin at once, and every byte of an answer is watched."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._drop(self._head_timer)
        self._drop(self._stall_timer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request; its head has to be whole in time, however it dribbles in."""
        super().data_received(data)
        self._await_head()

    def on_response_complete(self) -> None:
        """What came of the next request meanwhile begins to count now."""
        super().on_response_complete()
        if self.conn.trailing_data[0]:
            self._await_head()

    def pause_writing(self) -> None:
        """Some of an answer waits for the other end."""
        super().pause_writing()
        self._await_progress()

    def resume_writing(self) -> None:
        """All of it is on its way."""
        self._drop(self._stall_timer)
        self._stall_timer = None
        super().resume_writing()

    def _await_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._drop(self._head_timer)
            self._head_timer = None
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.head_seconds, self._cut, "head")

    def _await_progress(self) -> None:
        self._waiting = self.transport.get_write_buffer_size()
        self._stall_timer = self.loop.call_later(self.stall_seconds, self._look_for_progress)

    def _look_for_progress(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        # More is put in only after all of it went out, so a smaller number is progress.
        if self._waiting - waiting >= self.stall_bytes:
            self._await_progress()
        else:
            self._cut("answer")

    def _cut(self, what: str) -> None:
        client: Any = self.client
        log.warning("cut_off", waited_for=what, client=client[0] if client else None)
        self.transport.abort()

    @staticmethod
    def _drop(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()
