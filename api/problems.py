"""Errors → RFC 9457 problem details: the one table from our error tree to HTTP statuses."""

from __future__ import annotations

import dataclasses
import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ledger.domain.errors import (
    ChainUnavailable,
    ClockWrong,
    Conflict,
    Inconsistent,
    InvalidInput,
    NotFound,
    Refused,
    SteriLedgerError,
    StorageUnavailable,
    VerificationFailed,
)
from ledger.doors.guard import Unacceptable
from ledger.steps.asking.tokens import UnknownToken

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:steriledger:problem:"
#: Seconds after which a caller may try again when the database or the chain is away.
RETRY_SECONDS = 5

_LONGEST_SHOWN = 1000
_MOST_ERRORS = 20

log = structlog.get_logger("api")


class Problem(BaseModel):
    """What an error looks like (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="URN of the kind of problem; docs/api.md lists them")
    title: str = Field(description="the kind of problem in words, the same every time")
    status: int
    detail: str = Field(description="what is wrong this time")
    field: str | None = Field(description="the input that it concerns, such as lines.0.quantity")
    rule: str | None = Field(description="the rule that was broken")
    remedy: str | None = Field(description="what to do about it")
    instance: str = Field(description="the path that was asked for")
    request_id: str = Field(description="names this request in the logs")
    errors: list[dict[str, str]] | None = Field(
        default=None, description="every field that is wrong, when there are several"
    )


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    status: HTTPStatus
    #: the end of its URN
    slug: str
    title: str


INVALID = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-input", "Invalid input")
NOT_FOUND = Kind(HTTPStatus.NOT_FOUND, "not-found", "Not found")
CONFLICT = Kind(HTTPStatus.CONFLICT, "conflict", "Conflict")
REFUSED = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", "Refused by the rules")
FORBIDDEN = Kind(HTTPStatus.FORBIDDEN, "forbidden", "Not allowed to you")
UNAUTHENTICATED = Kind(HTTPStatus.UNAUTHORIZED, "unauthenticated", "No valid token")
UNVERIFIED = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "verification-failed", "A proof does not hold")
UNAVAILABLE = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "Not available now")
INTERNAL = Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "The ledger is wrong")
MALFORMED = Kind(HTTPStatus.BAD_REQUEST, "malformed", "Malformed request")
WRONG_METHOD = Kind(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed")
TOO_LARGE = Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", "Body too large")
TOO_LONG = Kind(HTTPStatus.REQUEST_URI_TOO_LONG, "too-long", "Address too long")
HEADERS_TOO_LARGE = Kind(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "Headers too large"
)
MEDIA = Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type", "Unsupported media type")
MISDIRECTED = Kind(HTTPStatus.MISDIRECTED_REQUEST, "misdirected", "Not served here")
TOO_SLOW = Kind(HTTPStatus.REQUEST_TIMEOUT, "too-slow", "Request too slow")
TOO_MANY = Kind(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", "Too many requests")

#: By error class; a class that is not here is looked up by its parents.
KINDS: Mapping[type[SteriLedgerError], Kind] = {
    UnknownToken: UNAUTHENTICATED,
    InvalidInput: INVALID,
    NotFound: NOT_FOUND,
    Conflict: CONFLICT,
    Refused: REFUSED,
    VerificationFailed: UNVERIFIED,
    ChainUnavailable: UNAVAILABLE,
    StorageUnavailable: UNAVAILABLE,
    ClockWrong: UNAVAILABLE,
    Inconsistent: INTERNAL,
}

#: Of requests that are wrong in themselves, and of the framework's own refusals.
_BY_STATUS: Mapping[int, Kind] = {
    kind.status: kind
    for kind in (
        NOT_FOUND, MALFORMED, WRONG_METHOD, TOO_LARGE, TOO_LONG, HEADERS_TOO_LARGE, MEDIA,
        MISDIRECTED, TOO_SLOW, TOO_MANY, INTERNAL,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one problem says."""

    kind: Kind
    detail: str
    field: str | None = None
    rule: str | None = None
    remedy: str | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    errors: Sequence[Mapping[str, str]] | None = None


def told_by(error: SteriLedgerError) -> Told:
    """One of our errors as a problem; what is wrong with us is told to the log alone."""
    kind = kind_of(error)
    if kind is INTERNAL:
        return told_by_failure()
    headers = error.headers if isinstance(error, Unacceptable) else {}
    if kind is UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_SECONDS)
    if kind is UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="steriledger", error="invalid_token"'
    return Told(
        kind=kind,
        detail=error.what,
        field=error.field,
        rule=error.rule,
        remedy=error.remedy,
        headers=headers,
    )


def told_by_failure() -> Told:
    """What a caller hears when we are wrong: nothing of our insides."""
    return Told(
        kind=INTERNAL,
        detail="the ledger stopped at something that it did not expect; nothing was stored",
        remedy="tell whoever runs this instance the request id: its log says more under it",
    )


def kind_of(error: SteriLedgerError) -> Kind:
    """The kind of problem of an error: what a token does not allow is apart from the rules."""
    if isinstance(error, Unacceptable):
        return _BY_STATUS[error.status]
    if isinstance(error, Refused) and not isinstance(error, UnknownToken):
        return FORBIDDEN if error.field == "token" else REFUSED
    return next(KINDS[parent] for parent in type(error).__mro__ if parent in KINDS)


def render(told: Told, *, path: str, request_id: str) -> Response:
    """The answer that carries a problem."""
    problem = Problem(
        type=TYPE_PREFIX + told.kind.slug,
        title=told.kind.title,
        status=told.kind.status,
        detail=_shown(told.detail),
        field=None if told.field is None else _shown(told.field),
        rule=None if told.rule is None else _shown(told.rule),
        remedy=told.remedy,
        instance=_shown(path),
        request_id=request_id,
        errors=None if told.errors is None else [dict(each) for each in told.errors],
    )
    plain = problem.model_dump()
    if plain["errors"] is None:
        del plain["errors"]
    return Response(
        content=json.dumps(plain, ensure_ascii=True).encode("ascii"),
        status_code=told.kind.status,
        media_type=MEDIA_TYPE,
        headers=dict(told.headers),
    )


def answer(told: Told, request: Request) -> Response:
    """The same, for a request that reached the routes."""
    return render(told, path=request.url.path, request_id=request.scope["state"]["request_id"])


def log_failure(event: str, error: BaseException) -> None:
    """Log what a person has to look at, as plain text: a rendered one would show local values."""
    log.error(event, error=str(error), trace="".join(traceback.format_exception(error)))


async def on_ledger_error(request: Request, error: Exception) -> Response:
    """Handler of our own errors."""
    if not isinstance(error, SteriLedgerError):
        raise error
    told = told_by(error)
    if told.kind is INTERNAL:
        log_failure("inconsistent", error)
    elif told.kind is UNAVAILABLE:
        log.warning("unavailable", error=str(error))
    return answer(told, request)


async def on_validation_error(request: Request, error: Exception) -> Response:
    """Handler of fields that are not what the route's model says."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = [field_error(each) for each in error.errors()]
    first = found[0]
    told = Told(
        kind=INVALID,
        detail=first["what"],
        field=first["field"],
        rule=first["rule"],
        errors=found[:_MOST_ERRORS] if len(found) > 1 else None,
    )
    return answer(told, request)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Handler of the framework's own refusals: unknown paths and methods."""
    if not isinstance(error, HTTPException):
        raise error
    kind = _BY_STATUS.get(error.status_code, MALFORMED)
    details = {
        NOT_FOUND.slug: "there is nothing at this path",
        WRONG_METHOD.slug: f"{request.method} is not possible here",
    }
    told = Told(
        kind=kind,
        detail=details.get(kind.slug, "the request could not be read"),
        field="method" if kind is WRONG_METHOD else "path" if kind is NOT_FOUND else None,
        rule="the paths and methods of /openapi.json",
        headers=dict(error.headers or {}),
    )
    if kind is NOT_FOUND and "text/html" in request.headers.get("accept", ""):
        shown: Response = await run_in_threadpool(request.app.state.missing_page, request, told)
        return shown
    return answer(told, request)


_MISSING = "missing"
_UNKNOWN = "extra_forbidden"
_NO_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})


def field_error(error: Mapping[str, Any]) -> dict[str, str]:
    """One of pydantic's complaints as field, what and rule."""
    places = [str(part) for part in error["loc"]]
    source = places.pop(0) if places and places[0] in {"body", "query", "path", "header"} else ""
    name = ".".join(places) or source or "body"
    rule = _rule_of(error)
    if error["type"] == _MISSING:
        return {"field": name, "what": "is missing", "rule": "this field is required"}
    if error["type"] == _UNKNOWN:
        return {
            "field": name,
            "what": "is not a field of this request",
            "rule": "only the fields that /openapi.json names",
        }
    if error["type"] in _NO_OBJECT:
        return {"field": name, "what": "is not allowed", "rule": "a JSON object"}
    return {"field": name, "what": "is not allowed", "rule": rule}


def _rule_of(error: Mapping[str, Any]) -> str:
    """What a value has to be, in our words; those of our own checks are in its message."""
    rule = _RULES.get(error["type"])
    if rule is None:
        return str(error["msg"]).removeprefix("Value error, ")
    return rule.format_map(error.get("ctx", {}))


_WHOLE, _TEXT, _MOMENT = "a whole number", "text", "ISO 8601 with zone"
#: By the library's own word for what is wrong.
_RULES: Mapping[str, str] = {
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": _TEXT,
    "string_unicode": "text in Unicode",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text of the form {pattern}",
    "list_type": "a list",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "timezone_aware": _MOMENT,
}


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
