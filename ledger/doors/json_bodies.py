"""Body → the value of its JSON, for every door: nothing that two readers could read differently."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import NoReturn

from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import InvalidInput
from ledger.doors.guard import Headers, Unacceptable

#: Digits of a whole number; 2⁶⁴ has 20.
_MAX_DIGITS = 20
_MEDIA = re.compile(rb"application/json( *;.*)?", re.IGNORECASE)


def parse_json(headers: Headers, body: bytes, *, deepest: int) -> object:
    """The value of a body; raises Unacceptable for another media type, and for what is not JSON.

    Source: RFC 8259, and no name twice in one object.
    """
    media = next((value for name, value in headers if name == b"content-type"), b"")
    if _MEDIA.fullmatch(media.strip()) is None:
        raise Unacceptable(
            "is not JSON",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            field="Content-Type",
            rule="application/json",
        )
    try:
        require_nesting(body, deepest=deepest, field="body")
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


def _malformed(what: str, rule: str) -> Unacceptable:
    return Unacceptable(what, status=HTTPStatus.BAD_REQUEST, field="body", rule=rule)
