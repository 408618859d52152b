"""What belongs to a page of rows → all of it at once, by the rows that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import Connection, and_, select

from ledger.domain.encoding.identifiers import Digest
from ledger.storage.directory import assets, consignments, cycles, equipment, signers, units
from ledger.storage.engine.rows import Rows, chunks, grouped, pairs
from ledger.storage.operations import (
    OperationRow,
    ReceiptRow,
    SignatureRow,
    StateRow,
    list_signatures,
    operation_dependencies,
    operation_signatures,
    operation_states,
    operations,
    receipts,
)
from ledger.storage.records import RecordSecretsRow, record_secrets, records
from ledger.storage.transactions import transaction_operations, transactions

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    R = TypeVar("R", bound=DataclassInstance)
else:
    R = TypeVar("R")

_operations = Rows(operations, OperationRow, "operation")
_receipts = Rows(receipts, ReceiptRow, "receipt for operation")
_secrets = Rows(record_secrets, RecordSecretsRow, "set of secrets for record")
_signatures = Rows(operation_signatures, SignatureRow, "signature of operation")
_states = Rows(operation_states, StateRow, "state of operation")


def secrets_of(tx: Connection, record_ids: Iterable[str]) -> dict[str, RecordSecretsRow]:
    """The encrypted secrets of those of the named records that have some, by record."""
    return _by(tx, _secrets, "record_id", record_ids)


class Acceptance(NamedTuple):
    """The operation that a record was accepted with."""

    digest: Digest
    at: datetime


def acceptances_of(tx: Connection, record_ids: Iterable[str]) -> dict[str, Acceptance]:
    """The operations that commit to the named records, by record."""
    c = operations.c
    return {
        record: Acceptance(Digest(digest), at)
        for part in chunks(record_ids)
        for record, digest, at in tx.execute(
            select(c.record_id, c.digest, c.accepted_at).where(c.record_id.in_(part))
        ).all()
    }


def operations_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, OperationRow]:
    """Those of the named operations that are stored here."""
    return _by(tx, _operations, "digest", digests)


def receipts_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, ReceiptRow]:
    """The receipts for those of the named operations that have one."""
    return _by(tx, _receipts, "digest", digests)


def sequences_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, int]:
    """The places in our own order of those of the named operations that are stored here."""
    c = operations.c
    return dict(pairs(tx, select(c.digest, c.sequence), c.digest, digests))


class Heading(NamedTuple):
    """What is known of a record without its fields."""

    #: its commitment
    root: bytes
    schema: str
    unit: int


def headings_of(tx: Connection, record_ids: Iterable[str]) -> dict[str, Heading]:
    """The headings of those of the named records that are stored here, by record."""
    c = records.c
    return {
        record: Heading(*values)
        for part in chunks(record_ids)
        for record, *values in tx.execute(
            select(c.id, c.root, c.schema, c.unit).where(c.id.in_(part))
        ).all()
    }


def facts_of(tx: Connection, record_ids: Iterable[str]) -> dict[str, bytes]:
    """The facts of those of the named records that are stored here, by record; RFC 8785."""
    c = records.c
    return dict(pairs(tx, select(c.id, c.facts), c.id, record_ids))


def signatures_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, list[SignatureRow]]:
    """The signatures on the named operations, by operation."""
    return grouped((row.digest, row) for row in list_signatures(tx, digests))


def list_signatures_after(
    tx: Connection, after: SignatureRow | None, *, limit: int
) -> list[SignatureRow]:
    """Every signature by operation and party, starting after one of them."""
    key = None if after is None else (after.digest, after.party.value)
    return _signatures.page(tx, after=key, limit=limit)


def states_by_operation(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, list[StateRow]]:
    """The dated states of the named operations, those of each in their order."""
    c = operation_states.c
    rows = _states.list_in(tx, c.digest, digests, order=[c.id])
    return grouped((row.digest, row) for row in rows)


def predecessors_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, dict[Digest, bool]]:
    """What each of the named operations waits for, and whether it needs it."""
    c = operation_dependencies.c
    found: dict[Digest, dict[Digest, bool]] = {}
    for part in chunks(digests):
        rows = tx.execute(select(c.digest, c.predecessor, c.needed).where(c.digest.in_(part)))
        for digest, predecessor, needed in rows.all():
            found.setdefault(Digest(digest), {})[Digest(predecessor)] = needed
    return found


def carriers_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, list[bytes]]:
    """The hashes of the transactions that were signed for each of the named operations."""
    c = transaction_operations.c
    carriers = select(c.digest, transactions.c.hash).join(
        transactions, transactions.c.id == c.transaction_id
    )
    return grouped(pairs(tx, carriers, c.digest, digests))


def positions_of(tx: Connection, transaction_ids: Iterable[int]) -> dict[int, list[int]]:
    """The places of the operations in each of these transactions, ascending."""
    c = transaction_operations.c
    places = select(c.transaction_id, c.position).order_by(c.transaction_id, c.position)
    return grouped(pairs(tx, places, c.transaction_id, transaction_ids))


def attempts_beside(tx: Connection, transaction_ids: Iterable[int]) -> dict[int, list[int]]:
    """The attempts at the same chain, account and nonce as each of these, ascending."""
    named, same = transactions.alias("named"), transactions.alias("same")
    at_one_nonce = and_(
        same.c.chain_id == named.c.chain_id,
        same.c.account == named.c.account,
        same.c.nonce == named.c.nonce,
    )
    attempts = (
        select(named.c.id, same.c.attempt)
        .join(same, at_one_nonce)
        .order_by(named.c.id, same.c.attempt)
    )
    return grouped(pairs(tx, attempts, named.c.id, transaction_ids))


def directory_keys(tx: Connection, table: str, keys: Iterable[object]) -> set[object]:
    """Those of the keys under which this table of the directory has a row."""
    (column,) = _DIRECTORY[table].primary_key
    return {
        key for part in chunks(keys) for key in tx.scalars(select(column).where(column.in_(part)))
    }


_DIRECTORY = {
    table.name: table for table in (units, signers, equipment, cycles, consignments, assets)
}


def _by(tx: Connection, rows: Rows[R], name: str, keys: Iterable[object]) -> dict[Any, R]:
    """The rows whose column has one of these values, by that value."""
    column = rows.table.c[name]
    return {getattr(row, name): row for row in rows.list_in(tx, column, keys)}
