"""The schemas of records: which fields each has, of what type, and whether a person is in them.

A schema fixes its paths.  A field that nobody entered is null and stays a leaf of the tree, so that
an empty field cannot be told from a filled one.  Lists are written `lines[].quantity`; their items
are numbered from 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from ledger.domain.errors import InvalidInput
from ledger.domain.records.commitments import MAX_SAFE_INTEGER, FieldValue, require_values

Rule = Callable[[str, FieldValue], None]

_INDEX = re.compile(r"\.(0|[1-9][0-9]{0,3})\.")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")
_HEX32 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """What one field may hold."""

    check: Rule
    #: in words, for errors and documents
    text: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """One version of one kind of record."""

    #: `name/version`
    name: str
    facts: Mapping[str, FieldRule]
    personal: Mapping[str, FieldRule]
    #: prefixes of lists, `lines`, and the fewest items that each needs
    lists: Mapping[str, int] = field(default_factory=dict)


def _fail(path: str, value: FieldValue, text: str) -> InvalidInput:
    return InvalidInput(f"{value!r} does not fit", field=path, rule=text)


def text(longest: int = 200, *, required: bool = False) -> FieldRule:
    """Printable text without line breaks at its ends."""
    rule = f"text of 1 to {longest} characters, no blanks around it"

    def check(path: str, value: FieldValue) -> None:
        if not isinstance(value, str) or not 1 <= len(value) <= longest or value != value.strip():
            raise _fail(path, value, rule)

    return FieldRule(check=check, text=rule, required=required)


def integer(low: int = 0, high: int = MAX_SAFE_INTEGER, *, required: bool = False) -> FieldRule:
    """A whole number within bounds."""
    rule = f"a whole number from {low} to {high}"

    def check(path: str, value: FieldValue) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _fail(path, value, rule)

    return FieldRule(check=check, text=rule, required=required)


def decimal(low: str, high: str, *, required: bool = False) -> FieldRule:
    """A measured value as decimal text, its unit in the field's name."""
    rule = f"decimal text from {low} to {high}, such as 134.0"
    lowest, highest = Decimal(low), Decimal(high)

    def check(path: str, value: FieldValue) -> None:
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            raise _fail(path, value, rule)
        try:
            inside = lowest <= Decimal(value) <= highest
        except InvalidOperation:
            inside = False
        if not inside:
            raise _fail(path, value, rule)

    return FieldRule(check=check, text=rule, required=required)


def flag(*, required: bool = False) -> FieldRule:
    """True or false."""

    def check(path: str, value: FieldValue) -> None:
        if not isinstance(value, bool):
            raise _fail(path, value, "true or false")

    return FieldRule(check=check, text="true or false", required=required)


def choice(*options: str, required: bool = False) -> FieldRule:
    """One of a few words."""
    rule = f"one of {', '.join(options)}"

    def check(path: str, value: FieldValue) -> None:
        if value not in options:
            raise _fail(path, value, rule)

    return FieldRule(check=check, text=rule, required=required)


def instant(*, required: bool = False) -> FieldRule:
    """A moment in UTC, RFC 3339 with Z."""
    rule = "a moment in UTC such as 2016-03-16T00:53:20Z"

    def check(path: str, value: FieldValue) -> None:
        if not isinstance(value, str) or not _INSTANT.fullmatch(value):
            raise _fail(path, value, rule)
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise _fail(path, value, rule) from None

    return FieldRule(check=check, text=rule, required=required)


def hash32(*, required: bool = False) -> FieldRule:
    """A 32-byte hash in lower-case hexadecimal."""
    rule = "64 lower-case hexadecimal digits"

    def check(path: str, value: FieldValue) -> None:
        if not isinstance(value, str) or not _HEX32.fullmatch(value):
            raise _fail(path, value, rule)

    return FieldRule(check=check, text=rule, required=required)


#: How the person at the keyboard was authenticated.
AUTHENTICATION_WORDS = (
    "badge",
    "PIN",
    #: of whoever entered it and of whoever checked it, each with their badge
    "two PINs",
    "password",
    "passkey",
    "oidc",
    "token",
    "local",
    "paper",
    "none",
)

#: What every record says of itself.
_COMMON_FACTS: Mapping[str, FieldRule] = {
    "record.id": text(32, required=True),
    "record.schema": text(40, required=True),
    "record.suite": text(40, required=True),
    "record.unit": integer(0, 2**32 - 1, required=True),
    "happened.text": text(100),
    "happened.zone": text(60),
    "happened.utc": instant(),
    "happened.source": text(100),
    "captured_at": instant(required=True),
    "device": text(),
    "authenticated_by": choice(*AUTHENTICATION_WORDS, required=True),
    "supersedes": hash32(),
    "reason": text(1000),
    "retention_class": text(40, required=True),
    "legal_hold": flag(required=True),
}

_COMMON_PERSONAL: Mapping[str, FieldRule] = {
    "performer": text(),
    "checker": text(),
    "enterer": text(),
    "on_behalf_of": text(),
}


def make_schema(
    name: str,
    facts: Mapping[str, FieldRule],
    personal: Mapping[str, FieldRule],
    lists: Mapping[str, int],
) -> Schema:
    """A kind's own fields, and what every record says of itself and of the people in it."""
    return Schema(
        name=name,
        facts={**_COMMON_FACTS, **facts},
        personal={**_COMMON_PERSONAL, **personal},
        lists=lists,
    )


def complete(
    rules: Mapping[str, FieldRule], fields: Mapping[str, FieldValue]
) -> dict[str, FieldValue]:
    """The fields with every fixed path that is missing set to null, in the schema's order."""
    fixed = {path: fields.get(path) for path in rules if "[]" not in path}
    return fixed | {path: value for path, value in fields.items() if path not in fixed}


def require_field(rules: Mapping[str, FieldRule], path: str, value: FieldValue) -> None:
    """Raise InvalidInput unless the schema has that path and the value obeys its rule."""
    rule = rules.get(spelling(path))
    if rule is None:
        raise InvalidInput("is not a field of this record", field=path, rule="the schema's paths")
    if value is not None:
        rule.check(path, value)
    elif rule.required:
        raise InvalidInput("is not entered", field=path, rule=rule.text)


def require_fields(
    rules: Mapping[str, FieldRule],
    fields: Mapping[str, FieldValue],
    lists: Mapping[str, int],
) -> None:
    """Raise InvalidInput unless the fields are the schema's paths and each obeys its rule."""
    require_values(fields)
    for path, value in fields.items():
        require_field(rules, path, value)
    for path in rules:
        if path not in fields and "[]" not in path:
            raise InvalidInput("is missing", field=path, rule="null where nobody entered a value")
    for name, fewest in lists.items():
        _require_list(name, fewest, rules, fields)


@lru_cache(maxsize=4096)
def spelling(path: str) -> str:
    """How a schema writes a record's path: `lines[].owner` for `lines.0.owner`.

    A path with a literal `[]` is the schema's own spelling, never a record's, and leads nowhere.
    """
    return "" if "[]" in path else _INDEX.sub("[].", path)


def _require_list(
    name: str,
    fewest: int,
    rules: Mapping[str, FieldRule],
    fields: Mapping[str, FieldValue],
) -> None:
    of_item, of_list = f"{name}[].", f"{name}."
    members = [path.removeprefix(of_item) for path in rules if path.startswith(of_item)]
    present = [path for path in fields if path.startswith(of_list)]
    count = len({path.split(".")[1] for path in present})
    expected = {f"{name}.{index}.{member}" for index in range(count) for member in members}
    if set(present) != expected:
        raise InvalidInput(
            "has items with missing fields or gaps in their numbers",
            field=name,
            rule=f"items numbered from 0, each with {', '.join(members)}",
        )
    if count < fewest:
        raise InvalidInput(f"has {count} items", field=name, rule=f"at least {fewest}")
