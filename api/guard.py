"""Raw request → one within bounds, or a problem that says why not.

The outermost layer: it also names the request, logs it, sets the security headers of every answer,
and turns what nobody expected into a problem that shows nothing of our insides.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.problems import Told
from ledger.doors.guard import SECURITY_HEADERS, Bounds, Gone, Headers, Unacceptable, read_request
from ledger.readings.photos import MOST_BYTES

MAX_READING_BYTES = 1024 * 1024
#: A form around a file adds its own lines.
_AROUND_A_FILE = 16 * 1024
#: where much comes at once: printouts, by a program and by a page; what devices and paper kept
_UPLOADS = {
    "/v1/readings": MAX_READING_BYTES,
    "/readings": MAX_READING_BYTES + _AROUND_A_FILE,
    "/offline": MAX_READING_BYTES,
    "/paper/log": MAX_READING_BYTES + _AROUND_A_FILE,
}
#: Where photos come in: a few at a time, since each is held whole.
_PHOTO = re.compile(r"/v1/photos|/photos")
_PHOTO_FORM = re.compile(r"/consignments/[^/]+/receive|/cycles/.+/decide|/acts/[^/]+")
_PHOTOS_AT_ONCE = 4
_AROUND_PHOTOS = 256 * 1024
_MOST_OF_A_FORM = 4

#: in a request's state: the security headers of an answer that is no data
OWN_HEADERS = "own_headers"

log = structlog.get_logger("api")


class Guard:
    """ASGI middleware around everything else."""

    def __init__(
        self, app: ASGIApp, *, allowed_hosts: Iterable[str] = (), is_played: bool = False
    ) -> None:
        self.app = app
        #: of every answer of an instance whose clock is a demonstration's
        self.own = ((b"steriledger-clock", b"played"),) if is_played else ()
        self._photos = asyncio.Semaphore(_PHOTOS_AT_ONCE)
        self.bounds = Bounds(hosts=frozenset(host.lower() for host in allowed_hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is no request goes through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        answer = _Answer(send, request_id, state, self.own)
        started = time.perf_counter()
        try:
            await self._answer(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - the last line: whatever it is, it is ours
            problems.log_failure("failed", error)
            if answer.status is None:
                await self._tell(problems.told_by_failure(), scope, receive, answer)
        finally:
            _log_request(scope, answer.status, time.perf_counter() - started)
            structlog.contextvars.clear_contextvars()

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        photos = _photo_limit(scope)
        if photos is None:
            is_sent = scope["method"] == "POST"
            limit = _UPLOADS.get(scope["path"].rstrip("/")) if is_sent else None
            await self._answer_within(limit, scope, receive, answer)
            return
        try:
            async with asyncio.timeout(self.bounds.body_seconds):
                await self._photos.acquire()
        except TimeoutError:
            await self._tell(problems.told_by(_crowded()), scope, receive, answer)
            return
        try:
            await self._answer_within(photos, scope, receive, answer)
        finally:
            self._photos.release()

    async def _answer_within(
        self, limit: int | None, scope: Scope, receive: Receive, answer: _Answer
    ) -> None:
        try:
            body = await read_request(scope, receive, self.bounds, body_bytes=limit)
        except Unacceptable as refusal:
            await self._tell(problems.told_by(refusal), scope, receive, answer)
        except Gone:
            return
        else:
            await self.app(scope, _replay(body, receive), answer)

    async def _tell(self, told: Told, scope: Scope, receive: Receive, answer: _Answer) -> None:
        request = Request(scope)
        if told.kind is problems.TOO_LARGE and "text/html" in request.headers.get("accept", ""):
            response = await run_in_threadpool(request.app.state.refused_page, request, told)
        else:
            response = problems.render(told, path=scope["path"], request_id=answer.request_id)
        await response(scope, receive, answer)


class _Answer:
    """The way back: adds our headers and remembers the status."""

    def __init__(
        self, send: Send, request_id: str, state: dict[str, Any], further: Headers
    ) -> None:
        self._send = send
        self._further = further
        self._state = state
        self.request_id = request_id
        #: None until the caller saw one
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            # a page has headers of its own, and sets them before it answers
            security = self._state.get(OWN_HEADERS, SECURITY_HEADERS)
            request_id = self.request_id.encode("ascii")
            own = [*security, *self._further, (b"x-request-id", request_id)]
            names = {name for name, _ in own}
            kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in names]
            message = {**message, "headers": [*kept, *own]}
        await self._send(message)


def _photo_limit(scope: Scope) -> int | None:
    """How many bytes a request with photos may have; None for one that can have none."""
    path, headers = scope["path"].rstrip("/"), dict(scope["headers"])
    if scope["method"] != "POST":
        return None
    if _PHOTO.fullmatch(path):
        return MOST_BYTES + _AROUND_PHOTOS
    is_form = headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data")
    return (
        _MOST_OF_A_FORM * MOST_BYTES + _AROUND_PHOTOS
        if is_form and _PHOTO_FORM.fullmatch(path)
        else None
    )


def _crowded() -> Unacceptable:
    return Unacceptable(
        "too many photos come in at this moment",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        headers={"Retry-After": "30"},
        field="body",
        rule=f"{_PHOTOS_AT_ONCE} at a time",
        remedy="send it again",
    )


def _replay(body: bytes, receive: Receive) -> Receive:
    """A way to read the body that was read already."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _log_request(scope: Scope, status: int | None, seconds: float) -> None:
    """One line for each request, without its query, its headers and its body."""
    route = scope.get("route")
    caller = scope["state"].get("caller")
    client = scope.get("client")
    log.info(
        "request",
        method=scope["method"],
        route=getattr(route, "path", None),
        status=status,
        milliseconds=round(seconds * 1000, 1),
        client=client[0] if client else None,
        token=None if caller is None else caller.token_id,
    )
