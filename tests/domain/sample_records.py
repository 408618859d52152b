"""The smallest valid record of every schema, made from the schema's own rules."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.domain.errors import InvalidInput
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.schemas import FieldRule, Schema

#: One of these fits every rule there is.
CANDIDATES: tuple[FieldValue, ...] = (
    1,
    "134.0",
    "1.5",
    True,
    "2016-03-16T00:53:20Z",
    "ab" * 32,
    "some text",
)

#: What a record states of itself.
STATED = frozenset({"record.id", "record.schema", "record.suite", "record.unit"})


def fits(rule: FieldRule, value: FieldValue) -> bool:
    """Whether a rule takes a value."""
    try:
        rule.check("x", value)
    except InvalidInput:
        return False
    return True


def value_for(rule: FieldRule) -> FieldValue:
    """A value that a rule takes."""
    words = rule.text.removeprefix("one of ")
    options = [*words.split(", "), words]
    return next(value for value in (*CANDIDATES, *options) if fits(rule, value))


def minimal(rules: Mapping[str, FieldRule], lists: Mapping[str, int]) -> dict[str, FieldValue]:
    """Required fields only, and as few items as the lists need; the items' other fields null."""
    fields = {
        path: value_for(rule)
        for path, rule in rules.items()
        if rule.required and "[]" not in path and path not in STATED
    }
    for name, fewest in lists.items():
        for index in range(fewest):
            for path, rule in rules.items():
                if path.startswith(f"{name}[]."):
                    value = value_for(rule) if rule.required else None
                    fields[path.replace("[]", f".{index}")] = value
    return fields


def minimal_facts(schema: Schema) -> dict[str, FieldValue]:
    """The facts of the smallest record of a schema."""
    return minimal(schema.facts, schema.lists)
