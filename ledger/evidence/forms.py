"""Forms: one description of a JSON value, by which it is read, written and published as a schema.

A form reads plain JSON into what it stands for and names the place of whatever does not fit; it
writes that back; and it says the same as a JSON Schema (draft 2020-12).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar, cast

from ledger.domain.encoding.canonical import MAX_INTEGER, canonical
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.records.commitments import MAX_TEXT, FieldValue, require_value

Schema: TypeAlias = dict[str, Any]
T = TypeVar("T")
K = TypeVar("K")

_LOWER_HEX = re.compile(r"0x(?:[0-9a-f]{2})*")
#: characters of a foreign name that an error shows
_MOST_SHOWN = 66


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """How one value stands in the file."""

    #: plain JSON and its place → what it stands for; raises VerificationFailed naming the place
    read: Callable[[object, str], T]
    #: the inverse
    write: Callable[[T], object]
    #: the same as a JSON Schema, which may refer to `definitions`
    schema: Schema
    definitions: Mapping[str, Schema] = field(default_factory=dict)
    #: whether an object has no such member where there is no value
    is_left_out: bool = False


def refuse(where: str, what: str, rule: str | None = None) -> NoReturn:
    """Raise VerificationFailed about a place of the file, or about the file where none is named."""
    raise VerificationFailed(what if where else f"the file {what}", field=where or None, rule=rule)


def parse_canonical(data: bytes, *, longest: int, deepest: int) -> object:
    """The value of one RFC 8785 document; raises VerificationFailed for any other bytes.

    A value has one spelling: what is not written again to the same bytes has blanks, doubled names,
    names in another order, or something else to spare.
    """
    if len(data) > longest:
        refuse("", f"has {len(data)} bytes", f"at most {longest} bytes")
    try:
        require_nesting(data, deepest=deepest, field="the file")
        plain: object = json.loads(data.decode("utf-8"))
        spelt = canonical(cast("Any", plain))
    except UnicodeDecodeError as error:
        refuse("", f"is not UTF-8 at byte {error.start}")
    except InvalidInput as error:
        refuse("", f"is none of ours: {error.what}", error.rule)
    except (ValueError, RecursionError) as error:
        refuse("", f"is not JSON: {error}", "RFC 8259")
    if spelt != data:
        refuse(
            "",
            "was edited or damaged: it is not in the one spelling that evidence has",
            "RFC 8785: no blanks, names in order and once, one spelling for every value",
        )
    return plain


# ---------------------------------------------------------------- single values


def fixed(text: str, value: T) -> Form[T]:
    """What is always the same: its text in the file, and what it stands for."""

    def read(plain: object, where: str) -> T:
        if plain != text:
            refuse(where, f"{plain!r:.60} is not known", text)
        return value

    return Form(read, lambda _: text, {"const": text})


def word(words: Sequence[str], make: Callable[[str], T]) -> Form[T]:
    """One of a few words, and what it stands for."""

    def read(plain: object, where: str) -> T:
        if not isinstance(plain, str) or plain not in words:
            refuse(where, f"{plain!r:.60} is not known", f"one of {', '.join(words)}")
        return make(plain)

    return Form(read, str, {"enum": [str(each) for each in words]})


def whole(low: int = 0, high: int = MAX_INTEGER) -> Form[int]:
    """A whole number; true and false are none."""

    def read(plain: object, where: str) -> int:
        if isinstance(plain, bool) or not isinstance(plain, int):
            refuse(where, "is not a whole number")
        if not low <= plain <= high:
            refuse(where, f"{plain} is out of range", f"{low} to {high}")
        return plain

    return Form(read, int, {"type": "integer", "minimum": low, "maximum": high})


def text(longest: int, shortest: int = 0, pattern: str = "") -> Form[str]:
    """A string; `pattern` is for all of it."""

    def read(plain: object, where: str) -> str:
        if not isinstance(plain, str) or not shortest <= len(plain) <= longest:
            refuse(where, "is not text", f"{shortest} to {longest} characters")
        if pattern and not re.fullmatch(pattern, plain):
            refuse(where, f"{plain!r:.60} does not fit", pattern)
        return plain

    schema: Schema = {"type": "string", "minLength": shortest, "maxLength": longest}
    return Form(read, str, schema | ({"pattern": f"^{pattern}$"} if pattern else {}))


def hexadecimal(fewest: int, most: int) -> Form[bytes]:
    """So many bytes as 0x and lower-case digits."""

    def read(plain: object, where: str) -> bytes:
        if not isinstance(plain, str) or not _LOWER_HEX.fullmatch(plain):
            refuse(where, "is not hexadecimal", "0x and an even number of lower-case digits")
        if not fewest <= (count := len(plain) // 2 - 1) <= most:
            refuse(where, f"has {count} bytes", f"{fewest} to {most}")
        return bytes.fromhex(plain[2:])

    count = f"{fewest},{most}" if most > fewest else str(fewest)
    return Form(read, to_hex, {"type": "string", "pattern": f"^0x([0-9a-f]{{2}}){{{count}}}$"})


def base64_text(longest: int) -> Form[bytes]:
    """At least one byte as base64 (RFC 4648 §4) with padding."""

    def write(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    def read(plain: object, where: str) -> bytes:
        try:
            raw = base64.b64decode(plain, validate=True) if isinstance(plain, str) else b""
        except (binascii.Error, ValueError):
            raw = b""
        if not raw or write(raw) != plain:
            refuse(where, "is not base64 in its one spelling", "RFC 4648 §4, with padding")
        return raw

    schema = {"type": "string", "contentEncoding": "base64", "minLength": 4, "maxLength": longest}
    return Form(read, write, schema)


def _read_field(plain: object, where: str) -> FieldValue:
    try:
        require_value(plain, field=where)
    except InvalidInput as error:
        refuse(where, error.what, error.rule)
    return cast("FieldValue", plain)


#: What a record may hold.
FIELD_VALUE: Form[FieldValue] = Form(
    _read_field,
    lambda value: value,
    {
        "anyOf": [
            {"type": "string", "maxLength": MAX_TEXT, "pattern": "^[^\\u0000]*$"},
            {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
            {"type": ["boolean", "null"]},
        ]
    },
)


# ---------------------------------------------------------------- values of values


def named(name: str, form: Form[T]) -> Form[T]:
    """A form that the schema defines once."""
    definitions = {name: form.schema, **form.definitions}
    return Form(form.read, form.write, {"$ref": f"#/$defs/{name}"}, definitions)


def nullable(form: Form[T]) -> Form[T | None]:
    """A value, or null for None."""
    return Form(
        lambda plain, where: None if plain is None else form.read(plain, where),
        lambda value: None if value is None else form.write(value),
        {"anyOf": [{"type": "null"}, form.schema]},
        form.definitions,
    )


def left_out(form: Form[T]) -> Form[T | None]:
    """A value; for None its object has no such member, so that there is one spelling."""
    return Form(
        form.read,
        lambda value: None if value is None else form.write(value),
        form.schema,
        form.definitions,
        is_left_out=True,
    )


def several(form: Form[T], most: int, fewest: int = 0) -> Form[Sequence[T]]:
    """A list of one form."""

    def read(plain: object, where: str) -> Sequence[T]:
        items = _list(plain, where, fewest, most)
        return [form.read(item, f"{where}[{at}]") for at, item in enumerate(items)]

    schema = {"type": "array", "items": form.schema, "minItems": fewest, "maxItems": most}
    return Form(read, lambda value: [form.write(each) for each in value], schema, form.definitions)


def by_name(name: Form[K], form: Form[T], most: int) -> Form[Mapping[K, T]]:
    """Values of one form, each under a name that is content itself."""

    def read(plain: object, where: str) -> Mapping[K, T]:
        found = _object(plain, where)
        if len(found) > most:
            refuse(where, f"has {len(found)} members", f"at most {most}")
        return {
            name.read(each, where): form.read(value, f"{where}.{each:.{_MOST_SHOWN}}")
            for each, value in found.items()
        }

    return Form(
        read,
        lambda value: {str(name.write(n)): form.write(each) for n, each in value.items()},
        {
            "type": "object",
            "maxProperties": most,
            "propertyNames": name.schema,
            "additionalProperties": form.schema,
        },
        _definitions((name, form)),
    )


def members(
    make: Callable[..., T],
    parts: Mapping[str, tuple[str, Form[Any]]],
    *,
    take: Callable[[str], Callable[[Any], object]] = attrgetter,
) -> Form[T]:
    """An object with exactly these members: the name in the file → the part's name, its form.

    A member of a form that is left out may be absent, and its part is then None.

    A part of no name is always the same, and nobody is told of it.  InvalidInput of the making is
    about the object; `take` says how a part is had from what is written.
    """

    def read(plain: object, where: str) -> T:
        found = _object(plain, where)
        missing = sorted(parts.keys() - found.keys() - free)
        unknown = sorted(found.keys() - parts.keys())
        if missing:
            refuse(where, f"{missing[0]} is missing")
        if unknown:
            refuse(where, f"{unknown[0]!r:.60} is not known here")
        made = {
            part: form.read(found[name], f"{where}.{name}" if where else name)
            if name in found
            else None
            for name, (part, form) in parts.items()
        }
        made.pop("", None)
        try:
            return make(**made)
        except InvalidInput as error:
            refuse(where, error.what, error.rule)

    def write(value: T) -> object:
        written = {
            name: form.write(take(part)(value) if part else None)
            for name, (part, form) in parts.items()
        }
        return {n: plain for n, plain in written.items() if plain is not None or n not in free}

    free = {name for name, (_, form) in parts.items() if form.is_left_out}
    forms = {name: form for name, (_, form) in parts.items()}
    return Form(read, write, object_schema(forms), _definitions(forms.values()))


def either(forms: Mapping[type[Any], tuple[frozenset[str], Form[Any]]]) -> Form[Any]:
    """One of a few objects, told apart by the names of their members, and by their classes."""

    def read(plain: object, where: str) -> object:
        found = _object(plain, where).keys()
        for names, form in forms.values():
            if names == found:
                return form.read(plain, where)
        rule = "; or ".join(" and ".join(sorted(names)) for names, _ in forms.values())
        refuse(where, "has missing or unknown members", rule)

    return Form(
        read,
        lambda value: forms[type(value)][1].write(value),
        {"oneOf": [form.schema for _, form in forms.values()]},
        _definitions(form for _, form in forms.values()),
    )


def table(forms: Mapping[str, Form[Any]]) -> Form[dict[str, Any]]:
    """An object that is read as a dictionary with the same names."""
    return members(dict, {name: (name, form) for name, form in forms.items()}, take=itemgetter)


def object_schema(forms: Mapping[str, Form[Any]]) -> Schema:
    """An object with these members and no others."""
    return {
        "type": "object",
        "required": [str(name) for name, form in forms.items() if not form.is_left_out],
        "properties": {str(name): form.schema for name, form in forms.items()},
        "additionalProperties": False,
    }


def _definitions(forms: Iterable[Form[Any]]) -> dict[str, Schema]:
    return {name: schema for form in forms for name, schema in form.definitions.items()}


def _object(plain: object, where: str) -> dict[str, Any]:
    if not isinstance(plain, dict):
        refuse(where, "is not an object")
    return plain


def _list(plain: object, where: str, fewest: int, most: int) -> list[object]:
    if not isinstance(plain, list):
        refuse(where, "is not a list")
    if not fewest <= len(plain) <= most:
        refuse(where, f"has {len(plain)} items", f"{fewest} to {most}")
    return plain
