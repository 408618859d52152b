"""Request → who asks, before anything else of it is read; no route of the ledger goes without."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.problems import RequestError
from ledger.domain.callers import Caller
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import InvalidInput
from ledger.doors.counting import Counter
from ledger.steps.asking.tokens import LiveTokens, UnknownToken, authenticate
from ledger.steps.instance import Instance

#: How deep objects and lists may lie in each other in a body.
MAX_LEVELS = 6
#: How often one address may ask the routes that need no token.
STRANGERS_PER_MINUTE = 300
#: Digits of a whole number in a body; 2⁶⁴ has 20.
_MAX_DIGITS = 20

_BEARER = re.compile(r"[Bb]earer +([!-~]+) *")
_JSON = re.compile(r"application/json( *;.*)?", re.IGNORECASE)


class Doorkeeper:
    """Counts what tokens and addresses ask for, and says who holds a token."""

    def __init__(self, instance: Instance) -> None:
        settings = instance.settings
        self._instance = instance
        self._counter = Counter()
        self._live = LiveTokens(instance)
        self._by_token = settings.requests_per_minute
        self._by_address = settings.failed_logins_per_minute

    async def admit(self, request: Request) -> Caller:
        """Who asks; raises what `admit_now` raises, and keeps no other request waiting.

        The embedded database answers sooner than another thread would take the question up.
        """
        if self._instance.database.is_sqlite:
            return self.admit_now(request)
        return await run_in_threadpool(self.admit_now, request)

    def admit_now(self, request: Request) -> Caller:
        """Who asks; raises UnknownToken, or RequestError when it is too often.

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
            self._count(self._by_address, "address", address)
            raise
        self._count(self._by_token, "token", name)
        return caller

    def admit_stranger(self, request: Request, what: str = "stranger") -> None:
        """Anybody, but not too often; raises RequestError.  `what` is counted apart."""
        self._count(STRANGERS_PER_MINUTE, "address", _address(request), what)

    def _refuse_unasked(self, text: str, name: str, address: str) -> None:
        """Raise RequestError where the count alone says so: the database is not kept busy by it.

        A token that asked too often, and one more guess from an address that failed too often.
        """
        wait = self._counter.wait(self._by_token, "token", name)
        if wait:
            raise _too_many("token", self._by_token, wait)
        wait = self._counter.wait(self._by_address, "address", address)
        if wait and not self._live.may_hold(text):
            raise _too_many("address", self._by_address, wait)

    def _count(self, limit: int, what: str, *name: str) -> None:
        wait = self._counter.hit(limit, what, *name)
        if wait:
            raise _too_many(what, limit, wait)


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
                request._json = parse_json(request, request.state.body)  # noqa: SLF001
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
            body = _validated(model, parse_json(request, raw))
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


def parse_json(request: Request, body: bytes) -> object:
    """The value of a JSON body; raises RequestError for anything that RFC 8259 is not."""
    if _JSON.fullmatch(request.headers.get("content-type", "")) is None:
        raise RequestError(
            problems.MEDIA, "is not JSON", field="Content-Type", rule="application/json"
        )
    try:
        require_nesting(body, deepest=MAX_LEVELS, field="body")
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_constant=_refuse,
        )
    except UnicodeDecodeError as error:
        raise _malformed(f"is not UTF-8 at byte {error.start}", "RFC 8259 §8.1") from None
    except InvalidInput as error:
        raise _malformed(error.what, error.rule or "") from None
    except (ValueError, RecursionError) as error:
        raise _malformed(f"is not JSON: {error}", "RFC 8259") from None


async def instance_of(request: Request) -> Instance:
    """The instance that the app serves."""
    instance: Instance = request.app.state.instance
    return instance


async def raw_body(request: Request) -> bytes:
    """The body as it came."""
    return await request.body()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What every route of the ledger is given."""

    instance: Instance
    caller: Caller


def asked_now(request: Request) -> Asked:
    """Both of them, the caller as the route found them before it read anything else."""
    return Asked(instance=request.app.state.instance, caller=request.state.caller)


async def asked_of(request: Request) -> Asked:
    """The same, where the framework asks."""
    return asked_now(request)


def _too_many(what: str, limit: int, wait: int) -> RequestError:
    return RequestError(
        problems.TOO_MANY,
        f"too many requests of this {what}",
        field=what,
        rule=f"at most {limit} a minute",
        remedy=f"wait {wait} seconds",
        headers={"Retry-After": str(wait)},
    )


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


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name!r:.60} stands twice in one object")
        found[name] = value
    return found


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(digits)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")


def _malformed(what: str, rule: str) -> RequestError:
    return RequestError(problems.MALFORMED, what, field="body", rule=rule)
