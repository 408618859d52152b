"""Checked facts about one act, with the two secrets that salt their commitment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import InvalidInput
from ledger.domain.records.commitments import FieldValue, record_root, require_values, subtree_root
from ledger.domain.records.schemas import Schema, complete, require_fields

#: Names the algorithms, so that another suite (SM3, SM2) can stand beside this one.
SUITE = "sha256-keccak256-eip712/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What makes the commitments of one record unguessable; 32 bytes each."""

    facts: bytes
    #: None after the personal fields were erased
    personal: bytes | None

    def __repr__(self) -> str:
        """Never shows a secret."""
        return "Secrets(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One act as it was recorded: facts, and personal fields apart from them."""

    #: 32 hexadecimal digits
    id: str
    #: `name/version`
    schema: str
    unit: int
    facts: Mapping[str, FieldValue]
    #: None after erasure
    personal: Mapping[str, FieldValue] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """The roots of one record; `root` alone goes on chain."""

    facts_root: bytes
    personal_root: bytes

    @property
    def root(self) -> bytes:
        """SHA-256 over both."""
        return record_root(self.facts_root, self.personal_root)


def make_record(
    *,
    record_id: str,
    schema: Schema,
    unit: int,
    facts: Mapping[str, FieldValue],
    personal: Mapping[str, FieldValue],
) -> Record:
    """A record whose every field obeys its schema; raises InvalidInput naming one that does not.

    The fields that a record states of itself (id, schema, suite, unit) are added here.
    """
    stated: dict[str, FieldValue] = {
        "record.id": record_id,
        "record.schema": schema.name,
        "record.suite": SUITE,
        "record.unit": unit,
    }
    for path, value in stated.items():
        if facts.get(path, value) != value:
            raise InvalidInput(
                f"{facts[path]!r} contradicts {value!r}", field=path, rule="a record states its own"
            )
    whole = complete(schema.facts, {**facts, **stated})
    people = complete(schema.personal, personal)
    require_fields(schema.facts, whole, schema.lists)
    require_fields(schema.personal, people, {})
    return Record(id=record_id, schema=schema.name, unit=unit, facts=whole, personal=people)


def commit(record: Record, secrets: Secrets) -> Commitment:
    """The commitment of a whole record; raises InvalidInput when its personal part was erased."""
    if record.personal is None or secrets.personal is None:
        raise InvalidInput("was erased", field="personal", rule="a commitment needs both parts")
    return Commitment(
        facts_root=subtree_root(secrets.facts, record.facts),
        personal_root=subtree_root(secrets.personal, record.personal),
    )


def fields_to_bytes(fields: Mapping[str, FieldValue]) -> bytes:
    """RFC 8785 bytes of a part of a record, as they are stored."""
    return canonical(fields)


def fields_from_bytes(data: bytes) -> dict[str, FieldValue]:
    """The inverse of `fields_to_bytes`; raises InvalidInput for bytes that it does not make."""
    require_nesting(data, deepest=1, field="record")
    try:
        fields = json.loads(data)
    except ValueError:
        raise InvalidInput("is not JSON", field="record", rule="RFC 8785") from None
    if not isinstance(fields, dict):
        raise InvalidInput("is not an object", field="record", rule="path: value")
    require_values(fields)
    if fields_to_bytes(fields) != data:
        raise InvalidInput("is not in canonical form", field="record", rule="RFC 8785")
    return fields
