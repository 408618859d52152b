"""The format of evidence files, said once: `EVIDENCE` reads them, writes them, and is their schema.

`evidence.schema.json` beside this module is what `evidence_schema_to_json` makes; a test compares.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ledger.domain.acts.catalogue import ACTS, NESTED
from ledger.domain.acts.vocabulary import Act
from ledger.domain.chain.deployment import FORMAT as DEPLOYMENT_FORMAT
from ledger.domain.chain.deployment import (
    MAX_NAME_CHARACTERS,
    AuthorityKind,
    DeployedContract,
    Deployment,
    Role,
)
from ledger.domain.encoding.abi import Struct
from ledger.domain.encoding.canonical import MAX_INTEGER, canonical
from ledger.domain.encoding.events import MAX_KEY_BYTES
from ledger.domain.encoding.identifiers import ACCOUNT_LENGTH, SignerId, signer_id
from ledger.domain.errors import InvalidInput
from ledger.domain.operations import digest
from ledger.domain.records.commitments import (
    MAX_DEPTH,
    SALT_BYTES,
    FieldValue,
    ShownField,
    SubtreeProof,
)
from ledger.domain.records.schemas import FieldRule, complete
from ledger.evidence.forms import (
    FIELD_VALUE,
    Form,
    base64_text,
    by_name,
    either,
    fixed,
    hexadecimal,
    left_out,
    members,
    named,
    nullable,
    object_schema,
    parse_canonical,
    refuse,
    several,
    table,
    text,
    whole,
    word,
)
from ledger.evidence.shape import (
    SUBJECT_TYPES,
    BlockReference,
    ChainReference,
    Evidence,
    EvidenceOperation,
    HiddenPart,
    OpenedPart,
    Part,
    RecordEvidence,
    Subject,
)

FORMAT = "steriledger-evidence/1"
MAX_FILE_BYTES = 1024 * 1024
#: objects and lists inside each other; the format itself needs seven
MAX_NESTING = 8
MAX_OPERATIONS = 1024
MAX_ATTACHMENTS = 16
#: a passkey's signature with its client data has about 700 bytes
MAX_SIGNATURE_BYTES = 4096
MAX_PATH = 200

_UINT32 = 2**32 - 1
_LEAVES = 1 << MAX_DEPTH

_HASH = named("hash32", hexadecimal(32, 32))
_ADDRESS = named("address", hexadecimal(20, 20))
_PATH = named("path", text(MAX_PATH, 1))
_VALUE = named("value", FIELD_VALUE)


def parse_evidence(data: bytes) -> Evidence:
    """The content of a file; raises VerificationFailed that says what is wrong and where.

    Nothing is judged here but the shape.
    """
    return EVIDENCE.read(parse_canonical(data, longest=MAX_FILE_BYTES, deepest=MAX_NESTING), "")


def evidence_to_bytes(evidence: Evidence) -> bytes:
    """The file; raises InvalidInput when it cannot be written or would be too long."""
    plain: Any = EVIDENCE.write(evidence)
    try:
        data = canonical(plain)
    except InvalidInput as error:
        raise InvalidInput(
            f"cannot be written: {error.what}", field="evidence", rule=error.rule
        ) from None
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"would have {len(data)} bytes",
            field="evidence",
            rule=f"at most {MAX_FILE_BYTES}",
            remedy="leave out attachments, or disclose fewer fields",
        )
    return data


def evidence_schema_to_json() -> bytes:
    """The published file: indented JSON with a newline at its end."""
    whole_schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        "description": "What a chain recorded about one subject, with its signatures, what it "
        "rests on, and its place on the chain.  The file is RFC 8785 JSON of at most 1 MiB; what "
        "a schema cannot say stands in docs/evidence.md.",
        **EVIDENCE.schema,
        "$defs": EVIDENCE.definitions,
    }
    return json.dumps(whole_schema, indent=2, ensure_ascii=False).encode() + b"\n"


# ---------------------------------------------------------------- records


def _entered(rules: Mapping[str, FieldRule]) -> Form[Mapping[str, FieldValue]]:
    """The fields of a part shown whole: one of a fixed path that is absent was not entered."""
    form = by_name(_PATH, _VALUE, _LEAVES)

    def read(plain: object, where: str) -> Mapping[str, FieldValue]:
        entered = form.read(plain, where)
        idle = [path for path, value in entered.items() if value is None and path in rules]
        if idle:
            refuse(where, f"{idle[0]:.60} is null", "what was not entered is left out")
        return complete(rules, entered)

    def write(fields: Mapping[str, FieldValue]) -> object:
        return form.write({p: v for p, v in fields.items() if v is not None or p not in rules})

    return Form(read, write, form.schema, form.definitions)


_SHOWN = members(
    ShownField,
    {
        "position": ("position", whole(0, _LEAVES - 1)),
        "salt": ("salt", text(2 * SALT_BYTES, 2 * SALT_BYTES, "[0-9a-f]*")),
        "path": ("path", _PATH),
        "value": ("value", _VALUE),
    },
)


def _part(rules: Mapping[str, FieldRule]) -> Form[Part]:
    forms: dict[type[Any], dict[str, Form[Any]]] = {
        HiddenPart: {"root": _HASH},
        OpenedPart: {"secret": _HASH, "fields": _entered(rules)},
        SubtreeProof: {
            "depth": whole(0, MAX_DEPTH),
            "shown": several(_SHOWN, _LEAVES, 1),
            "hidden": several(_HASH, _LEAVES),
        },
    }
    return named(
        "part",
        either(
            {
                cls: (
                    frozenset(parts),
                    members(cls, {name: (name, f) for name, f in parts.items()}),
                )
                for cls, parts in forms.items()
            }
        ),
    )


def _record(facts: Part, personal: Part) -> RecordEvidence:
    if isinstance(facts, HiddenPart) and isinstance(personal, HiddenPart):
        raise InvalidInput("shows nothing", rule="a record of which nothing is shown is null")
    return RecordEvidence(facts=facts, personal=personal)


# ---------------------------------------------------------------- operations

_PLACE = named(
    "chain",
    members(
        ChainReference,
        {"block": ("block", whole()), "log": ("log_index", whole(0, _UINT32))},
    ),
)
_SIGNATURE = named("signature", hexadecimal(1, MAX_SIGNATURE_BYTES))


def _message(struct: Struct) -> Form[dict[str, Any]]:
    return named(struct.name, table({m.name: _member(m.type) for m in struct.members}))


def _member(solidity_type: str) -> Form[Any]:
    if solidity_type == "bytes32":
        return _HASH
    if solidity_type.endswith("[]"):
        return several(_message(NESTED[solidity_type[:-2]]), MAX_OPERATIONS)
    bits = int(solidity_type.rpartition("int")[2])
    low, high = (0, 1 << bits) if solidity_type.startswith("u") else (-1 << bits - 1, 1 << bits - 1)
    return named(solidity_type, whole(low, min(high - 1, MAX_INTEGER)))


def _parts_of(act: Act) -> dict[str, tuple[str, Form[Any]]]:
    """An operation of one kind: the name in the file → the part's name, its form."""
    schema = act.record_schema
    record = members(
        _record,
        {
            "facts": ("facts", _part(schema.facts)),
            "personal": ("personal", _part(schema.personal)),
        },
    )
    return {
        "kind": ("act", fixed(act.name, act)),
        "message": ("message", _message(act.struct)),
        "signatures": ("signatures", table(dict.fromkeys(act.parties, _SIGNATURE))),
        "record": ("record", nullable(named("record", record))),
        "chain": ("place", _PLACE),
    }


def _operation() -> Form[Any]:
    """An operation of whichever kind it says it is; its digest is still to be computed."""
    parts = {name: _parts_of(act) for name, act in ACTS.items()}
    forms: dict[str, Form[Any]] = {n: members(dict, each) for n, each in parts.items()}
    kind = word(tuple(ACTS), str)

    def read(plain: object, where: str) -> object:
        said = plain.get("kind") if isinstance(plain, dict) else None
        return forms[kind.read(said, f"{where}.kind")].read(plain, where)

    any_kind = {name: form for name, (_, form) in next(iter(parts.values())).items()}
    by_kind: dict[str, Form[Any]] = {
        "kind": kind,
        **dict.fromkeys(("message", "signatures"), Form(read, str, {"type": "object"})),
    }
    schema = object_schema(any_kind | by_kind)
    schema["allOf"] = [
        {
            "if": {"properties": {"kind": {"const": name}}},
            "then": {"properties": {n: each[n][1].schema for n in ("message", "signatures")}},
        }
        for name, each in parts.items()
    ]
    definitions = {n: each for form in forms.values() for n, each in form.definitions.items()}
    return Form(read, lambda entry: forms[entry.act.name].write(entry), schema, definitions)


# ---------------------------------------------------------------- the file

_CONTRACT = members(
    DeployedContract, {"address": ("address", _ADDRESS), "codeHash": ("code_hash", _HASH)}
)
_DEPLOYMENT = members(
    Deployment,
    {
        "format": ("", fixed(DEPLOYMENT_FORMAT, None)),
        "name": ("name", text(MAX_NAME_CHARACTERS, 1)),
        "chainId": ("chain_id", whole(1)),
        "genesisHash": ("genesis_hash", _HASH),
        "deployedAt": ("deployed_at", whole()),
        "authority": ("authority", _ADDRESS),
        "authorityKind": ("authority_kind", word(tuple(AuthorityKind), AuthorityKind)),
        "receiptKey": ("receipt_key", _HASH),
        "predecessor": ("predecessor", left_out(_HASH)),
        "contracts": ("contracts", table(dict.fromkeys(Role, _CONTRACT))),
    },
)


def _keys() -> Form[Mapping[SignerId, bytes]]:
    """Keys by their ids, which are computed; in the file they ascend."""
    form = several(hexadecimal(ACCOUNT_LENGTH, MAX_KEY_BYTES), 2 * MAX_OPERATIONS)

    def read(plain: object, where: str) -> Mapping[SignerId, bytes]:
        keys = list(form.read(plain, where))
        if keys != sorted(set(keys)):
            refuse(where, "do not ascend", "each key once, in the order of its bytes")
        return {signer_id(key): key for key in keys}

    return Form(read, lambda keys: form.write(sorted(keys.values())), form.schema)


def _evidence(  # noqa: PLR0913 - the members of a file
    *,
    suite: str,
    as_of: BlockReference,
    deployment: Deployment,
    subject: Subject,
    keys: Mapping[SignerId, bytes],
    operations: Sequence[dict[str, Any]],
    support: Sequence[dict[str, Any]],
    attachments: Sequence[bytes],
) -> Evidence:
    """The file, its operations named by the digests that follow from the deployment."""

    def entry(parts: dict[str, Any]) -> EvidenceOperation:
        domain = deployment.domain_of(parts["act"].contract)
        return EvidenceOperation(digest=digest(parts["act"], parts["message"], domain), **parts)

    return Evidence(
        suite=suite,
        as_of=as_of,
        deployment=deployment,
        subject=subject,
        keys=keys,
        operations=tuple(map(entry, operations)),
        support=tuple(map(entry, support)),
        attachments=tuple(attachments),
    )


_OPERATION = named("operation", _operation())
EVIDENCE: Form[Evidence] = members(
    _evidence,
    {
        "format": ("", fixed(FORMAT, None)),
        "suite": ("suite", text(40)),
        "asOf": (
            "as_of",
            members(BlockReference, {"block": ("number", whole()), "hash": ("hash", _HASH)}),
        ),
        "deployment": ("deployment", named("deployment", _DEPLOYMENT)),
        "subject": (
            "subject",
            members(Subject, {"type": ("type", word(SUBJECT_TYPES, str)), "id": ("id", _HASH)}),
        ),
        "keys": ("keys", _keys()),
        "operations": ("operations", several(_OPERATION, MAX_OPERATIONS, 1)),
        "support": ("support", several(_OPERATION, MAX_OPERATIONS)),
        "attachments": ("attachments", several(base64_text(MAX_FILE_BYTES), MAX_ATTACHMENTS)),
    },
)
