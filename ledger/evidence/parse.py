"""Bytes → evidence: strict, bounded; VerificationFailed for all that is no file of ours."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

import rfc8785

from ledger.domain.chain.deployment import Deployment, deployment_to_json, parse_deployment
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import (
    ACCOUNT_LENGTH,
    CycleId,
    Digest,
    EquipmentId,
    SignerId,
)
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.operations import KINDS, Kind, Operation, Party, message_from_plain
from ledger.domain.records.commitments import (
    HASH_BYTES,
    MAX_DEPTH,
    SALT_BYTES,
    SECRET_BYTES,
    FieldValue,
    ShownField,
    SubtreeProof,
    require_value,
)
from ledger.domain.records.schemas import FieldRule, Schema, complete, find_schema
from ledger.evidence.shape import (
    CYCLE_KINDS,
    FORMAT,
    MAX_ATTACHMENTS,
    MAX_DEPTH_OF_NESTING,
    MAX_FILE_BYTES,
    MAX_KEY_BYTES,
    MAX_KEYS,
    MAX_OPERATIONS,
    MAX_PATH,
    MAX_SIGNATURE_BYTES,
    MAX_SUPPORT,
    SUPPORT_KINDS,
    BlockReference,
    ChainReference,
    Evidence,
    EvidenceOperation,
    HiddenPart,
    OpenedPart,
    Part,
    ProvenPart,
    RecordEvidence,
    Subject,
)
from ledger.evidence.strict_json import Members, Place, parse_canonical

_TOP = frozenset(
    {"format", "suite", "asOf", "deployment", "subject", "keys", "operations", "support"}
)
_SUBJECT = frozenset({"cycle", "equipment", "epoch", "number"})
_OPERATION = frozenset({"kind", "message", "signatures", "record", "chain"})
_CHAIN = frozenset({"block", "hash", "transaction", "log"})
_UINT32 = 2**32 - 1
_SHOWN_WIDTH = 4
_PART_FORMS = ({"root"}, {"secret", "fields"}, {"depth", "shown", "hidden"})


def parse_evidence(data: bytes) -> Evidence:
    """The content of a file; raises VerificationFailed that says what is wrong and where.

    Nothing is judged here but the shape: 1 MiB of RFC 8785 JSON in UTF-8, no name unknown, missing
    or doubled, no fraction, every list, text and number within its bounds.
    """
    plain = parse_canonical(data, longest=MAX_FILE_BYTES, deepest=MAX_DEPTH_OF_NESTING)
    top = Place(value=plain, where="").members(_TOP, frozenset({"attachments"}))
    if top["format"].value != FORMAT:
        top["format"].refuse(f"{top['format'].value!r:.60} is not known", FORMAT)
    deployment = _deployment(top["deployment"])
    return Evidence(
        suite=top["suite"].text(40),
        as_of=_block(top["asOf"].members(frozenset({"block", "hash"}))),
        deployment=deployment,
        subject=_subject(top["subject"].members(_SUBJECT)),
        keys=_keys(top["keys"]),
        operations=tuple(
            _operation(item, CYCLE_KINDS, deployment)
            for item in top["operations"].items(MAX_OPERATIONS, fewest=1)
        ),
        support=tuple(
            _operation(item, SUPPORT_KINDS, deployment)
            for item in top["support"].items(MAX_SUPPORT, fewest=1)
        ),
        attachments=_attachments(top),
    )


def _deployment(place: Place) -> Deployment:
    data = rfc8785.dumps(dict(place.object()))  # type: ignore[arg-type]
    try:
        deployment = parse_deployment(data)
    except InvalidInput as error:
        place.refuse(error.what, error.rule)
    if json.loads(deployment_to_json(deployment)) != place.value:
        place.refuse("is not in the one spelling that evidence has")
    return deployment


def _block(members: Members) -> BlockReference:
    return BlockReference(number=members["block"].integer(), hash=members["hash"].hex(HASH_BYTES))


def _subject(members: Members) -> Subject:
    return Subject(
        cycle=CycleId(members["cycle"].hex(HASH_BYTES)),
        equipment=EquipmentId(members["equipment"].hex(HASH_BYTES)),
        epoch=members["epoch"].integer(0, _UINT32),
        number=members["number"].integer(1),
    )


def _keys(place: Place) -> Mapping[SignerId, bytes]:
    plain = place.object()
    if not 1 <= len(plain) <= MAX_KEYS:
        place.refuse(f"has {len(plain)} keys", f"1 to {MAX_KEYS}")
    keys = {}
    for name, value in plain.items():
        where = f"{place.where}.{name:.66}"
        identifier = Place(value=name, where=where).hex(HASH_BYTES)
        key = Place(value=value, where=where).hex(ACCOUNT_LENGTH, MAX_KEY_BYTES)
        keys[SignerId(identifier)] = key
    return keys


def _operation(place: Place, kinds: tuple[str, ...], deployment: Deployment) -> EvidenceOperation:
    members = place.members(_OPERATION)
    name = members["kind"].value
    if not isinstance(name, str) or name not in kinds:
        members["kind"].refuse(f"{name!r:.60} does not belong here", f"one of {', '.join(kinds)}")
    kind = KINDS[name]
    domain = deployment.domain_of(kind.contract)
    operation = Operation(kind=kind, message=_message(members["message"], kind), domain=domain)
    chain = members["chain"].members(_CHAIN)
    return EvidenceOperation(
        operation=operation,
        digest=_digest(operation, members["message"]),
        signatures=_signatures(members["signatures"], kind),
        record=_record(members["record"], find_schema(kind.schema)),
        place=ChainReference(
            block=_block(chain),
            transaction=chain["transaction"].hex(HASH_BYTES),
            log_index=chain["log"].integer(0, _UINT32),
        ),
    )


def _message(place: Place, kind: Kind) -> Mapping[str, Value]:
    try:
        message = message_from_plain(kind, place.value)
    except InvalidInput as error:
        raise _misshapen(error, place.where) from None
    _require_lower_case(place)
    return message


def _require_lower_case(place: Place) -> None:
    """`message_from_plain` takes either case; a file has one spelling."""
    for name, value in place.object().items():
        if isinstance(value, str):
            Place(value=value, where=f"{place.where}.{name}").hex(HASH_BYTES)


def _digest(operation: Operation, place: Place) -> Digest:
    try:
        return operation.digest
    except InvalidInput as error:
        raise _misshapen(error, place.where) from None


def _misshapen(error: InvalidInput, where: str) -> VerificationFailed:
    field = where if error.field is None else f"{where}.{error.field}"
    return VerificationFailed(error.what, field=field, rule=error.rule)


def _signatures(place: Place, kind: Kind) -> Mapping[Party, bytes]:
    members = place.members(frozenset(party.value for party in kind.parties))
    return {party: members[party.value].hex(1, MAX_SIGNATURE_BYTES) for party in kind.parties}


def _record(place: Place, schema: Schema) -> RecordEvidence | None:
    if place.value is None:
        return None
    members = place.members(frozenset({"facts", "personal"}))
    record = RecordEvidence(
        facts=_part(members["facts"], schema.facts),
        personal=_part(members["personal"], schema.personal),
    )
    if isinstance(record.facts, HiddenPart) and isinstance(record.personal, HiddenPart):
        place.refuse("shows nothing", "a record of which nothing is shown is null")
    return record


def _part(place: Place, rules: Mapping[str, FieldRule]) -> Part:
    names = set(place.object())
    if names == _PART_FORMS[0]:
        return HiddenPart(root=place.members(frozenset(names))["root"].hex(HASH_BYTES))
    if names == _PART_FORMS[1]:
        return _opened(place.members(frozenset(names)), rules)
    if names == _PART_FORMS[2]:
        return ProvenPart(proof=_proof(place.members(frozenset(names))))
    return place.refuse(
        "has missing or unknown members",
        "root; or secret and fields; or depth, shown and hidden",
    )


def _opened(members: Members, rules: Mapping[str, FieldRule]) -> OpenedPart:
    """A whole part: a field of a fixed path that is absent was not entered, and is null."""
    fields = members["fields"]
    plain = fields.object()
    if len(plain) > 1 << MAX_DEPTH:
        fields.refuse(f"has {len(plain)} fields", f"at most {1 << MAX_DEPTH}")
    entered = {
        _path(Place(value=name, where=fields.where)): _value(value, fields.where, name)
        for name, value in plain.items()
    }
    idle = [path for path, value in entered.items() if value is None and path in rules]
    if idle:
        fields.refuse(f"{idle[0]:.60} is null", "what was not entered is left out")
    return OpenedPart(secret=members["secret"].hex(SECRET_BYTES), fields=complete(rules, entered))


def _proof(members: Members) -> SubtreeProof:
    depth = members["depth"].integer(0, MAX_DEPTH)
    most = 1 << MAX_DEPTH
    return SubtreeProof(
        depth=depth,
        shown=tuple(_shown(item) for item in members["shown"].items(most, fewest=1)),
        hidden=tuple(item.hex(HASH_BYTES) for item in members["hidden"].items(most)),
    )


def _shown(place: Place) -> ShownField:
    position, salt, path, value = place.items(_SHOWN_WIDTH, fewest=_SHOWN_WIDTH)
    name = _path(path)
    digits = salt.text(2 * SALT_BYTES)
    Place(value=f"0x{digits}", where=salt.where).hex(SALT_BYTES)
    return ShownField(
        position=position.integer(0, (1 << MAX_DEPTH) - 1),
        salt=digits,
        path=name,
        value=_value(value.value, place.where, name),
    )


def _path(place: Place) -> str:
    path = place.text(MAX_PATH)
    if not path:
        place.refuse("a field has no name")
    return path


def _value(value: object, where: str, path: str) -> FieldValue:
    try:
        require_value(value, field=path)
    except InvalidInput as error:
        raise VerificationFailed(error.what, field=f"{where}.{path}", rule=error.rule) from None
    return value  # type: ignore[return-value]


def _attachments(top: Members) -> tuple[bytes, ...]:
    if "attachments" not in top:
        return ()
    return tuple(_attachment(item) for item in top["attachments"].items(MAX_ATTACHMENTS, fewest=1))


def _attachment(place: Place) -> bytes:
    text = place.text(MAX_FILE_BYTES)
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw or base64.b64encode(raw).decode() != text:
        place.refuse("is not base64 in its one spelling", "RFC 4648 §4, with padding")
    return raw
