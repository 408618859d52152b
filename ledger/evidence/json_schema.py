"""The table of operations → the JSON Schema (draft 2020-12) that evidence files are published with.

`evidence.schema.json` beside this module is what `evidence_schema_to_json` makes; a test compares.
"""

from __future__ import annotations

import json

from ledger.domain.chain.deployment import FORMAT as DEPLOYMENT_FORMAT
from ledger.domain.chain.deployment import AuthorityKind, Role
from ledger.domain.encoding.abi import Struct
from ledger.domain.operations import KINDS, NESTED, Kind
from ledger.domain.records.commitments import MAX_DEPTH, MAX_SAFE_INTEGER, MAX_TEXT
from ledger.evidence.shape import (
    CYCLE_KINDS,
    FORMAT,
    MAX_ATTACHMENTS,
    MAX_FILE_BYTES,
    MAX_KEY_BYTES,
    MAX_KEYS,
    MAX_OPERATIONS,
    MAX_PATH,
    MAX_SIGNATURE_BYTES,
    MAX_SUPPORT,
    SUPPORT_KINDS,
)

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LEAVES = 1 << MAX_DEPTH
_UINT32 = 2**32 - 1
_INTEGER_BITS = {
    f"{sign}int{bits}": (sign == "", bits) for sign in ("", "u") for bits in (8, 16, 32, 64)
}

_Plain = dict[str, object]


def evidence_schema_to_json() -> bytes:
    """The published file: indented JSON with a newline at its end."""
    return json.dumps(_schema(), indent=2, ensure_ascii=False).encode() + b"\n"


def _schema() -> _Plain:
    top = _object(
        {
            "format": {"const": FORMAT},
            "suite": {"type": "string", "maxLength": 40},
            "asOf": _object({"block": _integer(), "hash": _ref("hash32")}),
            "deployment": _ref("deployment"),
            "subject": _object(
                {
                    "cycle": _ref("hash32"),
                    "equipment": _ref("hash32"),
                    "epoch": _integer(0, _UINT32),
                    "number": _integer(1),
                }
            ),
            "keys": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": MAX_KEYS,
                "propertyNames": _ref("hash32"),
                "additionalProperties": _hex(20, MAX_KEY_BYTES),
            },
            "operations": _list(_kinds(CYCLE_KINDS), 1, MAX_OPERATIONS),
            "support": _list(_kinds(SUPPORT_KINDS), 1, MAX_SUPPORT),
            "attachments": _list(
                {
                    "type": "string",
                    "contentEncoding": "base64",
                    "minLength": 4,
                    "maxLength": MAX_FILE_BYTES,
                },
                1,
                MAX_ATTACHMENTS,
            ),
        },
        optional=("attachments",),
    )
    return {
        "$schema": _DIALECT,
        "title": FORMAT,
        "description": "One cycle with its signatures, what it rests on, and its place on a chain. "
        "The file is RFC 8785 JSON of at most 1 MiB; what a schema cannot say stands in "
        "docs/evidence.md.",
        **top,
        "$defs": {
            "hash32": _hex(32),
            "address": _hex(20),
            "deployment": _deployment(),
            "chain": _object(
                {
                    "block": _integer(),
                    "hash": _ref("hash32"),
                    "transaction": _ref("hash32"),
                    "log": _integer(0, _UINT32),
                }
            ),
            "record": _record(),
            "part": _part(),
            "path": {"type": "string", "minLength": 1, "maxLength": MAX_PATH},
            "value": {"anyOf": [
                {"type": "string", "maxLength": MAX_TEXT, "pattern": "^[^\\u0000]*$"},
                _integer(-MAX_SAFE_INTEGER), {"type": ["boolean", "null"]},
            ]},
            **{name: _operation(KINDS[name]) for name in (*CYCLE_KINDS, *SUPPORT_KINDS)},
            **{name: _members(struct) for name, struct in NESTED.items()},
        },
    }  # fmt: skip


def _deployment() -> _Plain:
    contract = _object({"address": _ref("address"), "codeHash": _ref("hash32")})
    return _object(
        {
            "format": {"const": DEPLOYMENT_FORMAT},
            "name": {"type": "string", "minLength": 1, "maxLength": 100},
            "chainId": _integer(1),
            "genesisHash": _ref("hash32"),
            "deployedAt": _integer(),
            "authority": _ref("address"),
            "authorityKind": {"enum": [kind.value for kind in AuthorityKind]},
            "receiptKey": _ref("hash32"),
            "predecessor": {"anyOf": [_ref("hash32"), {"type": "null"}]},
            "contracts": _object({role.value: contract for role in Role}),
        },
        optional=("authorityKind",),
    )


def _record() -> _Plain:
    part = _ref("part")
    hidden = {"required": ["root"]}
    shown = _object({"facts": part, "personal": part})
    both_hidden = {"properties": {"facts": hidden, "personal": hidden}}
    return {"anyOf": [{"type": "null"}, {**shown, "not": both_hidden}]}


def _part() -> _Plain:
    shown = {
        "type": "array",
        "prefixItems": [
            _integer(0, _LEAVES - 1),
            {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            _ref("path"),
            _ref("value"),
        ],
        "minItems": 4,
        "maxItems": 4,
    }
    return {
        "oneOf": [
            _object({"root": _ref("hash32")}),
            _object(
                {
                    "secret": _ref("hash32"),
                    "fields": {
                        "type": "object",
                        "maxProperties": _LEAVES,
                        "propertyNames": _ref("path"),
                        "additionalProperties": _ref("value"),
                    },
                }
            ),
            _object(
                {
                    "depth": _integer(0, MAX_DEPTH),
                    "shown": _list(shown, 1, _LEAVES),
                    "hidden": _list(_ref("hash32"), 0, _LEAVES),
                }
            ),
        ]
    }


def _kinds(names: tuple[str, ...]) -> _Plain:
    """Whichever of the kinds the item says it is."""
    choices = [
        {"if": {"properties": {"kind": {"const": name}}}, "then": _ref(name)} for name in names
    ]
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(names)}},
        "allOf": choices,
    }


def _operation(kind: Kind) -> _Plain:
    signature = _hex(1, MAX_SIGNATURE_BYTES)
    return _object(
        {
            "kind": {"const": kind.name},
            "message": _members(kind.struct),
            "signatures": _object({party.value: signature for party in kind.parties}),
            "record": _ref("record"),
            "chain": _ref("chain"),
        }
    )


def _members(struct: Struct) -> _Plain:
    return _object({member.name: _member(member.type) for member in struct.members})


def _member(solidity_type: str) -> _Plain:
    if solidity_type == "bytes32":
        return _ref("hash32")
    if solidity_type.endswith("[]"):
        return {"type": "array", "items": _ref(solidity_type[:-2])}
    signed, bits = _INTEGER_BITS[solidity_type]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return _integer(max(low, -MAX_SAFE_INTEGER), min(high, MAX_SAFE_INTEGER))


# ---------------------------------------------------------------- parts of speech


def _object(properties: _Plain, *, optional: tuple[str, ...] = ()) -> _Plain:
    return {
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "properties": properties,
        "additionalProperties": False,
    }


def _list(items: _Plain, fewest: int, most: int) -> _Plain:
    return {"type": "array", "items": items, "minItems": fewest, "maxItems": most}


def _integer(low: int = 0, high: int = MAX_SAFE_INTEGER) -> _Plain:
    return {"type": "integer", "minimum": low, "maximum": high}


def _hex(fewest: int, most: int | None = None) -> _Plain:
    count = f"{{{fewest}}}" if most is None else f"{{{fewest},{most}}}"
    return {"type": "string", "pattern": f"^0x([0-9a-f]{{2}}){count}$"}


def _ref(name: str) -> _Plain:
    return {"$ref": f"#/$defs/{name}"}
