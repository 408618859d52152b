"""Connection → cut off when its other end dawdles, crowds out others, or can be read in two ways.

The server's own time limit holds between requests only.  These hold within one: for the head of a
request, from its first byte or from the connection's, and for an answer that nobody takes.  The
body's limit is the application's, which can still answer.

When a door is full, whoever comes is let in, and one of those goes who have most of the places and
showed no token: nobody keeps others out by being there.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter as Counts
from typing import Any

import h11
import structlog
import uvicorn
from h11._receivebuffer import ReceiveBuffer, blank_line_regex
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from ledger.doors.counting import Counter
from ledger.doors.guard import MAX_ADDRESS_BYTES, MAX_HEADER_BYTES

log = structlog.get_logger("connections")

#: A line that does not end in CR LF, or that goes on where its name is not.
_TWO_READINGS = re.compile(rb"(?<!\r)\n|\r(?!\n)|\n[ \t]")
#: Each length, and each further one of a list.
_LENGTHS = re.compile(rb"\ncontent-length[ \t]*:|(?<=\ncontent-length:)[^\r]*,", re.IGNORECASE)


class StrictLines(ReceiveBuffer):
    """What came and was not read yet; h11 reads more than RFC 9112 lets a server read."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines of a whole head; raises what h11 refuses with when they have two readings.

        h11 joins folded lines, ends a line at a bare LF, and takes one length for two equal ones.
        """
        end = blank_line_regex.search(self._data, self._multiple_lines_search)
        if end is not None:
            head = self._data[: end.end()]
            if _TWO_READINGS.search(head) or len(_LENGTHS.findall(head)) > 1:
                raise h11.LocalProtocolError("a head that could be read in two ways")
        return super().maybe_extract_lines()


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
    #: when it began, by the loop's clock
    _since = 0.0
    #: whether a request on it showed a valid token
    _was_known = False
    #: each address is told of once a minute
    _told = Counter()

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - the framework's
        super().__init__(*arguments, **named)
        self.conn._receive_buffer = StrictLines()  # noqa: SLF001 - h11 has no strict mode
        # The framework's own limit also counts requests whose connection is gone a moment ago.
        self.most, self.limit_concurrency = self.limit_concurrency, None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A request has to begin at once, and every byte of an answer is watched."""
        super().connection_made(transport)
        self._since = self.loop.time()
        # over TLS an empty buffer is at its limit of 0 already, and nothing would ever be written
        is_sealed = transport.get_extra_info("ssl_object") is not None
        transport.set_write_buffer_limits(high=1 if is_sealed else 0)
        self._await_head()
        if self.most is not None and len(self.connections) > self.most:
            self._make_room()

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
        self._was_known = self.is_known
        super().on_response_complete()
        if self.conn.trailing_data[0]:
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """What cannot be read is answered, and told of."""
        log.warning("malformed", client=self.address)
        super().send_400_response(msg)

    def pause_writing(self) -> None:
        """Some of an answer waits for the other end."""
        super().pause_writing()
        self._await_progress()

    def resume_writing(self) -> None:
        """All of it is on its way."""
        self._drop(self._stall_timer)
        self._stall_timer = None
        super().resume_writing()

    @property
    def address(self) -> str:
        """Of the other end."""
        return self.client[0] if self.client else "unknown"

    @property
    def is_known(self) -> bool:
        """Whether a request on it was found to come from somebody who may ask."""
        scope: Any = self.scope  # none before the first request
        return self._was_known or (scope is not None and "caller" in scope["state"])

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _make_room(self) -> None:
        """End the oldest connection of the address that has most of those that may go.

        Those of strangers may; when there are none, those on which nothing is asked just now; and
        when there are none of these either, whoever came is told to come again.
        """
        others = [each for each in self.connections if each is not self]
        there: list[Any] = [each for each in others if not each.transport.is_closing()]
        going = [each for each in there if not each.is_known] or [e for e in there if e.is_idle]
        if not going:
            self._tell("crowded", self.address)
            self.limit_concurrency = 0  # the framework answers 503
            return
        have = Counts(each.address for each in going)
        victim = min(going, key=lambda each: (-have[each.address], each._since))  # noqa: SLF001
        self._tell("made_room", victim.address, connections=have[victim.address])
        # out of the count at once: the end of a connection is told a moment later
        self.connections.discard(victim)
        victim.transport.abort()

    def _tell(self, event: str, address: str, **more: int) -> None:
        if self._told.hit(1, event, address) == 0:
            log.warning(event, client=address, **more)

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
        log.warning("cut_off", waited_for=what, client=self.address)
        self.transport.abort()

    @staticmethod
    def _drop(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()


def configuration(app: Any, *, most: int, **more: Any) -> uvicorn.Config:  # noqa: ANN401 - ASGI
    """How a door of ours is served: at most so many connections; `more` is as uvicorn names it."""
    return uvicorn.Config(
        app,
        http=PatientConnection,
        ws="none",
        lifespan="off",
        # Longer heads get no answer in words, and end here.
        h11_max_incomplete_event_size=2 * (MAX_ADDRESS_BYTES + MAX_HEADER_BYTES),
        limit_concurrency=most,
        access_log=False,
        log_config=None,
        server_header=False,
        # Whoever may set a client's address can dodge every count by address.
        proxy_headers=False,
        **more,
    )
