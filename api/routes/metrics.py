"""What whoever runs the instance watches: read by Prometheus, on this machine or with a token."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import Doorkeeper
from api.documents import TO_STRANGERS, problems_for
from ledger.domain import callers
from ledger.doors.guard import LOOPBACK_NAMES, host_name, is_here
from ledger.running.metrics import CONTENT_TYPE, Metrics

PATH = "/metrics"
#: A request with one of these came through a proxy, and so from anywhere.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class MetricsRoute(APIRoute):
    """A route for this machine itself; whoever asks from elsewhere shows a token that reads all.

    Both are answered only so often.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler behind ours."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            keeper: Doorkeeper = request.app.state.doorkeeper
            if _is_near(request):
                keeper.admit_stranger(request, "metrics")
            else:
                caller = await keeper.admit(request)
                caller.require_scope(callers.Scope.READ_ALL)
            return await handle(request)

        return handler


router = APIRouter(tags=["metrics"], route_class=MetricsRoute)


@router.get(
    PATH,
    response_class=Response,
    responses={
        **problems_for(*TO_STRANGERS, 401, 403),
        200: {"description": "Prometheus's text format 0.0.4", "content": {"text/plain": {}}},
    },
)
def read_metrics(request: Request) -> Response:
    """Counts, ages and times; no content of any record.  From elsewhere: a token with read_all."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.render(), media_type=CONTENT_TYPE)


class Timed:
    """ASGI middleware that counts every request with its time, by route and class of status."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status: int | None = None

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        started = time.perf_counter()
        try:
            await self.app(scope, receive, watched)
        finally:
            self.metrics.count_request(
                method=scope["method"],
                route=getattr(scope.get("route"), "path", None),
                status=status,
                seconds=time.perf_counter() - started,
            )


def _is_near(request: Request) -> bool:
    """Whether a program on this machine asks it by its own name, and no proxy for somebody else.

    A page from elsewhere whose name was made to lead here asks by that name.
    """
    return (
        request.client is not None
        and is_here(request.client.host)
        and host_name(request.headers.raw) in LOOPBACK_NAMES
        and not any(name in request.headers for name in _FORWARDED)
    )
