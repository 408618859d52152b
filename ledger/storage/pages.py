"""What belongs to a page of rows → all of it at once, by the rows that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, and_, select

from ledger.domain.identifiers import Digest
from ledger.storage.directory import cycles, equipment, signers, units
from ledger.storage.operations import (
    OperationRow,
    ReceiptRow,
    SignatureRow,
    StateRow,
    list_signatures,
    operation_states,
    operations,
    receipts,
)
from ledger.storage.records import RecordSecretsRow, record_secrets, records
from ledger.storage.rows import Rows, chunks
from ledger.storage.transactions import transaction_operations, transactions

_operations = Rows(operations, OperationRow, "operation")
_receipts = Rows(receipts, ReceiptRow, "receipt for operation")
_secrets = Rows(record_secrets, RecordSecretsRow, "set of secrets for record")
_states = Rows(operation_states, StateRow, "state of operation")


def secrets_of(tx: Connection, record_ids: Iterable[str]) -> dict[str, RecordSecretsRow]:
    """The encrypted secrets of those of the named records that have some, by record."""
    column = record_secrets.c.record_id
    return {
        row.record_id: row
        for part in chunks(record_ids)
        for row in _secrets.list(tx, column.in_(part), order=())
    }


def operations_of_records(tx: Connection, record_ids: Iterable[str]) -> dict[str, OperationRow]:
    """The operations that commit to the named records, by record."""
    column = operations.c.record_id
    return {
        row.record_id: row
        for part in chunks(record_ids)
        for row in _operations.list(tx, column.in_(part), order=())
    }


def operations_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, OperationRow]:
    """Those of the named operations that are stored here."""
    column = operations.c.digest
    return {
        row.digest: row
        for part in chunks(digests)
        for row in _operations.list(tx, column.in_(part), order=())
    }


def sequences_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, int]:
    """The places in our own order of those of the named operations that are stored here."""
    c = operations.c
    return {
        Digest(digest): sequence
        for part in chunks(digests)
        for digest, sequence in tx.execute(select(c.digest, c.sequence).where(c.digest.in_(part)))
    }


def openings_of(tx: Connection, cycles: Iterable[bytes]) -> list[OperationRow]:
    """Every opening of the named cycles, those of each in sequence order."""
    c = operations.c
    return [
        row
        for part in chunks(cycles)
        for row in _operations.list(
            tx, c.kind == "CycleOpening", c.subject.in_(part), order=[c.sequence]
        )
    ]


def roots_of(tx: Connection, record_ids: Iterable[str]) -> dict[str, bytes]:
    """The commitments of those of the named records that are stored here."""
    c = records.c
    return {
        named: root
        for part in chunks(record_ids)
        for named, root in tx.execute(select(c.id, c.root).where(c.id.in_(part)))
    }


def signatures_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, list[SignatureRow]]:
    """The signatures on the named operations, by operation."""
    found: dict[Digest, list[SignatureRow]] = {}
    for row in list_signatures(tx, digests):
        found.setdefault(row.digest, []).append(row)
    return found


def receipts_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, ReceiptRow]:
    """The receipts for those of the named operations that have one."""
    column = receipts.c.digest
    return {
        row.digest: row
        for part in chunks(digests)
        for row in _receipts.list(tx, column.in_(part), order=())
    }


def states_by_operation(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, list[StateRow]]:
    """The dated states of the named operations, those of each in their order."""
    found: dict[Digest, list[StateRow]] = {}
    c = operation_states.c
    for part in chunks(digests):
        for row in _states.list(tx, c.digest.in_(part), order=[c.id]):
            found.setdefault(row.digest, []).append(row)
    return found


def carriers_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, set[bytes]]:
    """The hashes of the transactions that were signed for each of the named operations."""
    found: dict[Digest, set[bytes]] = {}
    c = transaction_operations.c
    for part in chunks(digests):
        for digest, transaction_hash in tx.execute(
            select(c.digest, transactions.c.hash)
            .join(transactions, transactions.c.id == c.transaction_id)
            .where(c.digest.in_(part))
        ):
            found.setdefault(Digest(digest), set()).add(transaction_hash)
    return found


def positions_of(tx: Connection, transaction_ids: Iterable[int]) -> dict[int, list[int]]:
    """The places of the operations in each of these transactions, ascending."""
    found: dict[int, list[int]] = {}
    c = transaction_operations.c
    for part in chunks(transaction_ids):
        for number, position in tx.execute(
            select(c.transaction_id, c.position)
            .where(c.transaction_id.in_(part))
            .order_by(c.transaction_id, c.position)
        ):
            found.setdefault(number, []).append(position)
    return found


def attempts_beside(tx: Connection, transaction_ids: Iterable[int]) -> dict[int, list[int]]:
    """The attempts at the same chain, account and nonce as each of these, ascending."""
    found: dict[int, list[int]] = {}
    named, same = transactions.alias("named"), transactions.alias("same")
    for part in chunks(transaction_ids):
        for number, attempt in tx.execute(
            select(named.c.id, same.c.attempt)
            .join(
                same,
                and_(
                    same.c.chain_id == named.c.chain_id,
                    same.c.account == named.c.account,
                    same.c.nonce == named.c.nonce,
                ),
            )
            .where(named.c.id.in_(part))
            .order_by(named.c.id, same.c.attempt)
        ):
            found.setdefault(number, []).append(attempt)
    return found


def directory_keys(tx: Connection, table: str, keys: Iterable[object]) -> set[object]:
    """Those of the keys under which this table of the directory has a row."""
    (column,) = _DIRECTORY[table].primary_key
    return {
        key for part in chunks(keys) for key in tx.scalars(select(column).where(column.in_(part)))
    }


_DIRECTORY = {table.name: table for table in (units, signers, equipment, cycles)}
