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


#: How a monitoring result may stand; what nobody entered is `not_entered`, never a pass.
RESULT_WORDS = (
    "not_required",
    "not_entered",
    "pending",
    "pass",
    "fail",
    "invalid",
)

#: How the person at the keyboard was authenticated.
AUTHENTICATION_WORDS = ("badge", "PIN", "passkey", "token", "local", "paper", "none")

#: What every record says of itself.
_COMMON_FACTS: Mapping[str, FieldRule] = {
    "record.id": text(32, required=True),
    "record.schema": text(40, required=True),
    "record.suite": text(40, required=True),
    "record.unit": integer(1, 2**32 - 1, required=True),
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

_MACHINE_FACTS: Mapping[str, FieldRule] = {
    "cycle": hash32(required=True),
    "equipment": hash32(required=True),
    "machine.serial": text(60, required=True),
    "machine.epoch": integer(1, 2**32 - 1, required=True),
    "machine.number": integer(1, required=True),
}

_RESULT_NAMES = (
    "physical",
    "chemical_external",
    "chemical_internal",
    "lumen_pcd",
    "biological",
    "bowie_dick",
)

_CHECK_WORDS = ("met", "not_met", "not_enough_data", "not_applicable")

#: What the thermal check states; null where a figure does not apply or could not be computed.
_VERDICT_FACTS: Mapping[str, FieldRule] = {
    "verdict.result": choice("passed", "failed", "not_enough_data", "not_computed", required=True),
    "verdict.profile": text(80),
    "verdict.profile_title": text(),
    "verdict.profile_source": text(400),
    "verdict.profile_unconfirmed": text(400),
    "verdict.reasons": text(4000),
    "verdict.sample_count": integer(0, 1_000_000),
    "verdict.a0_row": text(60),
    **{
        f"verdict.{name}_celsius": decimal("-50", "400")
        for name in (
            "band_low",
            "band_high",
            "minimum",
            "maximum",
            "hold_minimum",
            "hold_maximum",
            "f0_reference",
            "a0_counted_from",
        )
    },
    **{
        f"verdict.{name}_seconds": decimal("0", "1000000000000000")
        for name in (
            "hold",
            "hold_at_most",
            "hold_required",
            "machine_hold",
            "longest_interval",
            "max_sample_interval",
            "equilibration",
            "equilibration_max",
            "a0",
            "a0_required",
        )
    },
    "verdict.f0_minutes": decimal("0", "1000000000000000"),
    "verdict.saturation_tolerance_kelvin": decimal("0", "400"),
    "verdict.saturation_deviation_kelvin": decimal("0", "400"),
    **{
        f"verdict.{name}_check": choice(*_CHECK_WORDS)
        for name in ("band", "hold", "equilibration", "saturation", "a0")
    },
}


def _schema(
    name: str,
    facts: Mapping[str, FieldRule],
    personal: Mapping[str, FieldRule] | None = None,
    lists: Mapping[str, int] | None = None,
) -> Schema:
    return Schema(
        name=name,
        facts={**_COMMON_FACTS, **facts},
        personal={**_COMMON_PERSONAL, **(personal or {})},
        lists=lists or {},
    )


_SIGNER_FACTS: Mapping[str, FieldRule] = {
    "signer": hash32(required=True),
    "custody": choice("server", "station", "device", "hardware", required=True),
    "duties": text(200, required=True),
}

SCHEMAS: Mapping[str, Schema] = {
    schema.name: schema
    for schema in (
        _schema(
            "unit/1",
            {
                "code": text(40, required=True),
                "name": text(required=True),
                "roles": text(200, required=True),
                "administrator": hash32(required=True),
                "custody": choice("server", "station", "device", "hardware", required=True),
            },
            {"administrator_name": text()},
        ),
        _schema("unit-closure/1", {}),
        _schema("signer/1", _SIGNER_FACTS, {"signer_name": text()}),
        _schema("signer-revocation/1", {"signer": hash32(required=True)}),
        _schema(
            "equipment/1",
            {
                "equipment": hash32(required=True),
                "name": text(required=True),
                "model": text(),
                "serial": text(60, required=True),
                "kind": choice("sterilizer", "washer_disinfector", required=True),
                "epoch": integer(1, 2**32 - 1, required=True),
                "clock_zone": text(60),
                "profile": text(80),
            },
        ),
        _schema(
            "equipment-change/1",
            {
                "equipment": hash32(required=True),
                "state": choice("in_service", "out_of_service", "retired", required=True),
                "epoch": integer(1, 2**32 - 1, required=True),
            },
        ),
        _schema("recovery-proposal/1", _SIGNER_FACTS, {"signer_name": text()}),
        _schema("recovery-veto/1", {"proposal": hash32(required=True)}),
        _schema(
            "erasure/1",
            {
                "subject": hash32(required=True),
                "subject_record": text(32, required=True),
                "retention_ended": instant(required=True),
            },
        ),
        _schema(
            "cycle-opening/1",
            {
                **_MACHINE_FACTS,
                "programme": text(),
                "timing": choice("before_outcome", "after_outcome", required=True),
                "biological_indicator": flag(),
                "holds_implant": flag(),
            },
        ),
        _schema(
            "cycle-ending/1",
            {
                **_MACHINE_FACTS,
                **_VERDICT_FACTS,
                "outcome": choice("completed", "aborted", "unknown", required=True),
                "fault_code": text(60),
                "programme": text(),
                "started": text(60),
                "ended": text(60),
                "started_utc": instant(),
                "ended_utc": instant(),
                "machine.hold_seconds": integer(0, 86400),
                "machine.minimum_celsius": decimal("-50", "400"),
                "machine.maximum_celsius": decimal("-50", "400"),
                "machine.minimum_bar": decimal("0", "20"),
                "machine.maximum_bar": decimal("0", "20"),
                "pressure_basis": choice("absolute", "gauge"),
                "readings[].sha256": hash32(required=True),
                "readings[].content_sha256": hash32(required=True),
                "readings[].format": text(60, required=True),
                "readings[].source": choice(
                    "gateway_signed", "uploaded", "typed", "photo", required=True
                ),
                "readings[].unread_lines": integer(0, 100_000, required=True),
            },
            lists={"readings": 0},
        ),
        _schema(
            "cycle-load/1",
            {
                **_MACHINE_FACTS,
                "lines[].owner": integer(1, 2**32 - 1, required=True),
                "lines[].payer": integer(1, 2**32 - 1, required=True),
                "lines[].package_class": integer(1, 65535, required=True),
                "lines[].description": text(),
                "lines[].quantity": integer(0, 2**31 - 1, required=True),
            },
            lists={"lines": 1},
        ),
        _schema(
            "cycle-decision/1",
            {
                **_MACHINE_FACTS,
                "decision": choice(
                    "release",
                    "release_biological_pending",
                    "emergency_release",
                    "reject",
                    "hold",
                    "lift",
                    "recall",
                    "correct",
                    required=True,
                ),
                "scope": choice("whole_cycle", required=True),
                "judged_ending": hash32(),
                "judged_load": hash32(),
                **{
                    f"results.{name}": choice(*RESULT_WORDS, required=True)
                    for name in _RESULT_NAMES
                },
                "shares[].owner": integer(1, 2**32 - 1, required=True),
                "shares[].payer": integer(1, 2**32 - 1, required=True),
                "shares[].package_class": integer(1, 65535, required=True),
                "shares[].delta": integer(-(2**31), 2**31 - 1, required=True),
            },
            lists={"shares": 0},
        ),
    )
}


def find_schema(name: str) -> Schema:
    """The schema of that name; raises InvalidInput naming the known ones."""
    schema = SCHEMAS.get(name)
    if schema is None:
        raise InvalidInput(
            f"{name!r} is unknown", field="schema", rule=f"one of {', '.join(SCHEMAS)}"
        )
    return schema


def complete(
    rules: Mapping[str, FieldRule], fields: Mapping[str, FieldValue]
) -> dict[str, FieldValue]:
    """The fields with every fixed path that is missing set to null, in the schema's order."""
    fixed = {path: fields.get(path) for path in rules if "[]" not in path}
    return fixed | {path: value for path, value in fields.items() if path not in fixed}


def require_fields(
    rules: Mapping[str, FieldRule],
    fields: Mapping[str, FieldValue],
    lists: Mapping[str, int],
) -> None:
    """Raise InvalidInput unless the fields are the schema's paths and each obeys its rule."""
    require_values(fields)
    for path, value in fields.items():
        rule = rules.get(_spelling(path))
        if rule is None:
            raise InvalidInput(
                "is not a field of this record", field=path, rule="the schema's paths"
            )
        if value is not None:
            rule.check(path, value)
        elif rule.required:
            raise InvalidInput("is not entered", field=path, rule=rule.text)
    for path in rules:
        if path not in fields and "[]" not in path:
            raise InvalidInput("is missing", field=path, rule="null where nobody entered a value")
    for name, fewest in lists.items():
        _require_list(name, fewest, rules, fields)


@lru_cache(maxsize=4096)
def _spelling(path: str) -> str:
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
