"""Request → who asks, before anything else of it is read; no route of the ledger goes without."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Annotated, Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.documents import EVERYWHERE, WITH_BODY, Responses, problems_for
from api.shared_counting import SharedCounter
from ledger.domain.callers import Caller
from ledger.domain.encoding.hashing import sha256
from ledger.doors.counting import Counter, too_many
from ledger.doors.guard import Unacceptable
from ledger.doors.json_bodies import parse_json
from ledger.steps.asking.tokens import LiveTokens, UnknownToken, authenticate
from ledger.steps.instance import Instance

#: How deep objects and lists may lie in each other in a body.
MAX_LEVELS = 6
#: How often one address may ask the routes that need no token.
STRANGERS_PER_MINUTE = 300

#: How often somebody may try to sign in under one name, or with one badge.
TRIES_PER_MINUTE = 6

_OBJECT = {"application/json": {"schema": {"type": "object"}}}
_BEARER = re.compile(r"[Bb]earer +([!-~]+) *")


Further = ParamSpec("Further")
Found = TypeVar("Found")
Decorator: TypeAlias = Callable[[Callable[..., Response]], Callable[..., Response]]


class Doorkeeper:
    """Counts what tokens and addresses ask for, and says who holds a token."""

    def __init__(self, instance: Instance) -> None:
        settings = instance.settings
        self._instance = instance
        self._own = Counter()
        self._live = LiveTokens(instance)
        self._by_token = settings.requests_per_minute
        self._by_address = settings.failed_logins_per_minute

    @cached_property
    def _counter(self) -> Counter | SharedCounter:
        """Shared where several of these processes may serve one database."""
        database = self._instance.database
        return self._own if database.is_sqlite else SharedCounter(database)

    async def admit(self, request: Request) -> Caller:
        """Who asks; raises what `admit_now` raises, and keeps no other request waiting.

        The embedded database answers sooner than another thread would take the question up.
        """
        if self._instance.database.is_sqlite:
            return self.admit_now(request)
        return await run_in_threadpool(self.admit_now, request)

    def admit_now(self, request: Request) -> Caller:
        """Who asks; raises UnknownToken, or Unacceptable when it is too often.

        A valid token passes however often others fail from its address: wards share one.
        """
        address = _address(request)
        try:
            text = _bearer(request)
            name = sha256(text.encode()).hex()
            self._refuse_unasked(text, name, address)
            with self._instance.database.asking() as tx:
                caller = authenticate(self._instance, tx, text)
        except UnknownToken:
            self._counter.require(self._by_address, "address", address)
            raise
        self._counter.require(self._by_token, "token", name)
        return caller

    def admit_stranger(self, request: Request, what: str = "stranger") -> None:
        """Anybody, but not too often; raises Unacceptable.  `what` is counted apart.

        Each process counts for itself: this keeps it alive, and guards nothing.
        """
        self._own.require(STRANGERS_PER_MINUTE, "address", _address(request), what)

    def count_session(self, caller: Caller) -> None:
        """One more page of somebody who is signed in; raises Unacceptable when it is too often."""
        self._counter.require(self._by_token, "token", str(caller.token_id))

    def admit_try(self, request: Request, name: str) -> None:
        """One more try to sign in, counted by address and by who it would be."""
        self._counter.require(self._by_address, "address", _address(request))
        self._counter.require(TRIES_PER_MINUTE, "sign-in", sha256(name.encode()).hex())

    def _refuse_unasked(self, text: str, name: str, address: str) -> None:
        """Raise Unacceptable where the count alone says so: the database is not kept busy by it.

        A token that asked too often, and one more guess from an address that failed too often.
        """
        wait = self._counter.wait(self._by_token, "token", name)
        if wait:
            raise too_many("token", self._by_token, wait)
        wait = self._counter.wait(self._by_address, "address", address)
        if wait and not self._live.may_hold(text):
            raise too_many("address", self._by_address, wait)


class StrangerRoute(APIRoute):
    """A route that needs no token, and answers one address only so often."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler behind ours."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            keeper: Doorkeeper = request.app.state.doorkeeper
            keeper.admit_stranger(request)
            return await handle(request)

        return handler


class LedgerRoute(APIRoute):
    """A route that answers only to the holder of a token, and reads JSON strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler behind ours."""
        handle = super().get_route_handler()
        takes_json = self.body_field is not None

        async def handler(request: Request) -> Response:
            keeper: Doorkeeper = request.app.state.doorkeeper
            request.state.caller = await keeper.admit(request)
            if takes_json:
                request.state.body = await request.body()
                request._json = _json(request, request.state.body)  # noqa: SLF001
            return await handle(request)

        return handler


class ActRoute(LedgerRoute):
    """The same for `endpoint(request, body, idempotency_key)`, on one thread from token to answer.

    What the framework does for each parameter in its turn costs as much as storing the act.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint, behind the token and its body's model."""
        endpoint = self.endpoint
        model = TypeAdapter(endpoint.__annotations__["body"])

        def answer(request: Request, raw: bytes) -> Response:
            keeper: Doorkeeper = request.app.state.doorkeeper
            request.state.caller = keeper.admit_now(request)
            request.state.body = raw
            body = _validated(model, _json(request, raw))
            key = request.headers.get("idempotency-key")
            response: Response = endpoint(request, body, idempotency_key=key)
            return response

        async def handler(request: Request) -> Response:
            return await run_in_threadpool(answer, request, await request.body())

        return handler


def _validated(model: TypeAdapter[Any], plain: object) -> object:
    """What the body's model makes of it; raises what the framework would raise."""
    try:
        return model.validate_python(plain)
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)],
            body=plain,
        ) from None


async def instance_of(request: Request) -> Instance:
    """The instance that the app serves."""
    instance: Instance = request.app.state.instance
    return instance


class LedgerRouter(APIRouter):
    """Routes that answer only to the holder of a token.

    What a route gives is the model of its answer, what the one object in it is, or how the document
    describes a file.
    """

    def __init__(self, prefix: str, *, tag: str) -> None:
        super().__init__(prefix=prefix, tags=[tag], route_class=LedgerRoute)

    def read(self, path: str, gives: type[BaseModel] | str | Responses) -> Decorator:
        """A question."""
        return self.get(path, **_given(gives, EVERYWHERE))

    def write(self, path: str, gives: type[BaseModel] | str | Responses, **more: Any) -> Decorator:  # noqa: ANN401 - the framework's
        """What a body asks to be done."""
        return self.post(path, **_given(gives, WITH_BODY), **more)


def _given(gives: type[BaseModel] | str | Responses, problems: tuple[int, ...]) -> dict[str, Any]:
    if isinstance(gives, type):
        return {"response_model": gives, "responses": problems_for(*problems)}
    if isinstance(gives, str):
        gives = {200: {"description": gives, "content": _OBJECT}}
    return {"response_class": Response, "responses": problems_for(*problems) | gives}


def upload_of(media: frozenset[str]) -> dict[str, Any]:
    """What the document says of a body that is a file of one of these media types."""
    file = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(sorted(media), file)
    return {"requestBody": {"required": True, "content": content}}


def require_media(request: Request, media: frozenset[str], what: str) -> None:
    """Raise Unacceptable, in these words, for a body that is sent as something else."""
    sent = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if sent not in media:
        raise Unacceptable(
            what,
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            field="Content-Type",
            rule=f"one of {', '.join(sorted(media))}",
        )


async def raw_body(request: Request) -> bytes:
    """The body as it came."""
    return await request.body()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What every route of the ledger is given."""

    instance: Instance
    caller: Caller

    def read(
        self,
        step: Callable[Concatenate[Connection, Caller, Further], Found],
        *further: Further.args,
        **more: Further.kwargs,
    ) -> Found:
        """What a step finds for the caller, in one snapshot."""
        with self.instance.database.reading() as tx:
            return step(tx, self.caller, *further, **more)


def asked_now(request: Request) -> Asked:
    """Both of them, the caller as the route found them before it read anything else."""
    return Asked(instance=request.app.state.instance, caller=request.state.caller)


async def asked_of(request: Request) -> Asked:
    """The same, where the framework asks."""
    return asked_now(request)


Question = Annotated[Asked, Depends(asked_of)]


def _json(request: Request, body: bytes) -> object:
    return parse_json(request.headers.raw, body, deepest=MAX_LEVELS)


def _bearer(request: Request) -> str:
    values = request.headers.getlist("authorization")
    match = _BEARER.fullmatch(values[0]) if len(values) == 1 else None
    if match is None:
        raise UnknownToken(
            "no token was sent",
            field="Authorization",
            rule="Authorization: Bearer slt_… (RFC 6750 §2.1)",
            remedy="ask whoever runs this instance for a token: steriledger token create",
        )
    return match[1]


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
