"""The kinds of fields that bodies and addresses have, each with its bounds."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from ledger.domain.encoding.moments import EARLIEST_YEAR, LATEST_YEAR

MAX_UINT32 = 2**32 - 1

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_LONGEST_CODE = 40


class Body(BaseModel):
    """A body: unknown fields are refused, and no value is turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _printable(text: str) -> str:
    if text != text.strip():
        raise ValueError("text without blanks around it")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise ValueError("text without control characters")
    return text


def _moment(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a moment such as 2016-03-16T00:53:20Z, with its offset")  # noqa: TRY004
    try:
        if _MOMENT.fullmatch(value) is None:
            raise ValueError  # noqa: TRY301
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("a moment such as 2016-03-16T00:53:20Z, with its offset") from None
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise ValueError(f"a moment from {EARLIEST_YEAR} to {LATEST_YEAR}")
    return moment


def _unit_name(value: object) -> object:
    rule = f"a unit's number, 1 to {MAX_UINT32}, or its code, 1 to {_LONGEST_CODE} characters"
    if isinstance(value, str) and 1 <= len(value) <= _LONGEST_CODE:
        return _printable(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_UINT32:
        return value
    raise ValueError(rule)


printable = AfterValidator(_printable)
Text = Annotated[str, StringConstraints(min_length=1, max_length=200), printable]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=60), printable]
DecimalText = Annotated[
    str,
    StringConstraints(max_length=20, pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"),
    Field(description="a decimal number as text", examples=["134.2"]),
]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
#: digests and ids
Hex32 = Annotated[
    str,
    StringConstraints(pattern=r"^(0x)?[0-9a-fA-F]{64}$"),
    Field(description="32 bytes: 64 hexadecimal digits, with or without 0x"),
]
KeyHex = Annotated[
    str,
    StringConstraints(pattern=r"^0x([0-9a-fA-F]{2}){20,1024}$"),
    Field(
        description="ERC-7913 bytes of a key: an account (20 bytes), or a verifier of the "
        "deployment (20 bytes) and its key (P-256: 64 more)"
    ),
]
SignatureHex = Annotated[str, StringConstraints(pattern=r"^0x([0-9a-fA-F]{2}){1,1024}$")]
UnitName = Annotated[
    int | str,
    BeforeValidator(_unit_name),
    Field(description="a unit's number or its code", examples=[1, "centre"]),
]
SignerName = Annotated[
    Text,
    Field(description="a signer's name or id, or 0x and the bytes of a key that is held elsewhere"),
]
