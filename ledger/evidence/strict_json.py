"""Bytes → plain JSON in one spelling, and readers that name the place of whatever is wrong.

Sources: RFC 8259 (JSON), RFC 7493 (I-JSON), RFC 8785 (the one spelling that is accepted).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import rfc8785

from ledger.domain.errors import VerificationFailed
from ledger.domain.records.commitments import MAX_SAFE_INTEGER, MAX_TEXT

#: A bracket, or a string, or what would be one if it ended; possessive, so never read twice.
_TOKEN = re.compile(rb'[\[\]{}]|"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_STEPS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_MOST_DIGITS = 17
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*")


def parse_canonical(data: bytes, *, longest: int, deepest: int) -> object:
    """The value of one RFC 8785 document; raises VerificationFailed for any other bytes."""
    if len(data) > longest:
        raise VerificationFailed(f"the file has {len(data)} bytes", rule=f"at most {longest} bytes")
    _require_depth(data, deepest)
    try:
        plain = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
        spelt = rfc8785.dumps(plain)
    except UnicodeDecodeError as error:
        raise VerificationFailed(f"the file is not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise VerificationFailed(f"the file is not JSON: {error}", rule="RFC 8259") from None
    if spelt != data:
        raise VerificationFailed(
            "the file was edited or damaged: it is not in the one spelling that evidence has",
            rule="RFC 8785: no blanks, names in order, one spelling for every value",
        )
    return plain


def _require_depth(data: bytes, deepest: int) -> None:
    depth = 0
    for token in _TOKEN.findall(data):
        depth += _STEPS.get(token, 0)
        if depth > deepest:
            raise VerificationFailed(
                "objects and lists lie too deep in each other", rule=f"at most {deepest} deep"
            )


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name!r:.60} stands twice in one object")
        found[name] = value
    return found


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS or abs(int(digits)) > MAX_SAFE_INTEGER:
        raise ValueError(f"the number {digits:.30} is too large")
    return int(digits)


def _refuse_number(digits: str) -> NoReturn:
    raise ValueError(f"{digits:.30} is not a whole number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A value and where in the file it stands."""

    value: object
    #: such as `operations[0].message`
    where: str

    def refuse(self, what: str, rule: str | None = None) -> NoReturn:
        """Raise VerificationFailed about this place."""
        if not self.where:
            raise VerificationFailed(f"the file {what}", rule=rule)
        raise VerificationFailed(what, field=self.where, rule=rule)

    def members(self, required: frozenset[str], optional: frozenset[str] = frozenset()) -> Members:
        """The members of an object that has all of `required` and none but those and `optional`."""
        plain = self.object()
        missing = sorted(required - set(plain))
        if missing:
            self.refuse(f"{missing[0]} is missing")
        unknown = sorted(set(plain) - required - optional)
        if unknown:
            self.refuse(f"{unknown[0]!r:.60} is not known here")
        return Members(plain=plain, where=self.where)

    def object(self) -> Mapping[str, object]:
        """Any object."""
        if not isinstance(self.value, dict):
            self.refuse("is not an object")
        return self.value

    def items(self, most: int, fewest: int = 0) -> list[Place]:
        """The items of a list."""
        if not isinstance(self.value, list):
            self.refuse("is not a list")
        if not fewest <= len(self.value) <= most:
            self.refuse(f"has {len(self.value)} items", f"{fewest} to {most}")
        return [
            Place(value=item, where=f"{self.where}[{index}]")
            for index, item in enumerate(self.value)
        ]

    def hex(self, fewest: int, most: int | None = None) -> bytes:
        """Bytes from 0x and lower-case digits."""
        text = self.value
        most = fewest if most is None else most
        if not isinstance(text, str) or len(text) > 2 + 2 * most or not _HEX.fullmatch(text):
            self.refuse("is not hexadecimal", f"0x and at most {2 * most} lower-case digits")
        if len(text) < 2 + 2 * fewest:
            self.refuse("is too short", f"0x and at least {2 * fewest} lower-case digits")
        return bytes.fromhex(text[2:])

    def integer(self, low: int = 0, high: int = MAX_SAFE_INTEGER) -> int:
        """A whole number; true and false are none."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.refuse("is not a whole number")
        if not low <= self.value <= high:
            self.refuse(f"{self.value} is out of range", f"{low} to {high}")
        return self.value

    def text(self, longest: int = MAX_TEXT) -> str:
        """A string, which may be empty."""
        if not isinstance(self.value, str) or len(self.value) > longest:
            self.refuse("is not text", f"at most {longest} characters")
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The members of an object whose names were checked."""

    plain: Mapping[str, object]
    where: str

    def __getitem__(self, name: str) -> Place:
        """One member and its place."""
        prefix = f"{self.where}." if self.where else ""
        return Place(value=self.plain[name], where=prefix + name)

    def __contains__(self, name: object) -> bool:
        """Whether an optional member is there."""
        return name in self.plain
