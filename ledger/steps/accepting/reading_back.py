"""Stored operation → as the states fold it, and the facts of its record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from types import MappingProxyType

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.vocabulary import Recorded
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import Inconsistent
from ledger.domain.operations import message_from_plain
from ledger.domain.records.commitments import Fields
from ledger.domain.records.records import fields_from_bytes
from ledger.storage import operations, pages, records


def read_operation(
    row: operations.OperationRow | operations.MessageRow | operations.OwedRow,
) -> Recorded:
    """A stored operation as the states fold it, but for the key that it brings.

    Its bytes were canonical when they were stored, and the audit compares them with its digest.
    """
    return _read(row.digest, row.kind, row.message)


@lru_cache(maxsize=1024)
def _read(digest: Digest, kind: str, stored: bytes) -> Recorded:
    """The same bytes are read once: units, signers and machines are asked for again and again."""
    act = find_act(kind)
    try:
        message = message_from_plain(act, json.loads(stored))
    except ValueError as error:
        raise Inconsistent(f"the stored message of {to_hex(digest)} cannot be read") from error
    return Recorded(digest=digest, act=act, message=MappingProxyType(message))


def read_facts(tx: Connection, row: operations.OperationRow) -> Fields:
    """The facts of an operation's record; raises NotFound."""
    return fields_from_bytes(records.get_record(tx, row.record_id).facts)


def read_facts_of(tx: Connection, rows: Sequence[operations.OperationRow]) -> dict[Digest, Fields]:
    """The same of several operations, asked for at once, by operation."""
    stored = pages.facts_of(tx, [row.record_id for row in rows])
    return {row.digest: fields_from_bytes(stored[row.record_id]) for row in rows}
