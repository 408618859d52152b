"""Chain → index rows: one class per index table, and the few ways to write and read them all.

Every function takes or gives these rows, so the class says which table is meant:
`put(tx, [CycleState(…)])`, `get(tx, CycleState, cycle_id)`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    Update,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)

from ledger.domain.acts.words import Contract
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.errors import Inconsistent, InvalidInput
from ledger.domain.subjects.indexed import Cursor, IndexedHead, IndexedOperation, IndexedSignature
from ledger.storage import index_tables as t
from ledger.storage.engine.inserting import insert_rows
from ledger.storage.engine.rows import Rows, chunks, grouped, pairs
from ledger.storage.index_tables import TABLES

__all__ = ["TABLES", "Cursor", "IndexedOperation"]

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    I = TypeVar("I", bound=DataclassInstance)  # noqa: E741
else:
    I = TypeVar("I")  # noqa: E741


def put(tx: Connection, rows: Sequence[I]) -> None:
    """Insert rows of one class; raises Conflict when one is there already."""
    if rows:
        table = TABLES[type(rows[0])]
        insert_rows(tx, table, rows, taken=f"this row of {table.name} exists already")


def replace(tx: Connection, row: I) -> None:
    """Change every column of a row that is there; raises Inconsistent when it is not."""
    replace_many(tx, [row])


def replace_many(tx: Connection, rows: Sequence[I]) -> None:
    """The same for rows of one class."""
    if not rows:
        return
    table = TABLES[type(rows[0])]
    if tx.execute(_update(table), [_to_update(table, row) for row in rows]).rowcount != len(rows):
        raise Inconsistent(
            f"{table.name} has no row to change", remedy="rebuild the index from the chain"
        )


def remove(tx: Connection, cls: type[I], **equal: object) -> int:
    """Delete the rows of a class whose columns equal the given values; return how many."""
    table = TABLES[cls]
    return tx.execute(table.delete().where(*_equal(table, equal))).rowcount


def find(tx: Connection, cls: type[I], *key: object) -> I | None:
    """The row with that primary key, or None."""
    rows = _rows(cls)
    return rows.find_by(tx, **_key(rows.table, key))


def get(tx: Connection, cls: type[I], *key: object) -> I:
    """The row with that primary key; raises NotFound."""
    rows = _rows(cls)
    return rows.get_by(tx, name=key[0] if len(key) == 1 else key, **_key(rows.table, key))


def list_by_keys(tx: Connection, cls: type[I], keys: Iterable[Sequence[object]]) -> list[I]:
    """Those of the rows with these primary keys that are there, in no order.

    They are asked for by the first column, of which few rows have the same value: for several
    columns at once SQLite reads the whole table.
    """
    rows = _rows(cls)
    names = [column.name for column in rows.table.primary_key]
    wanted = {tuple(key) for key in keys}
    firsts = rows.table.c[names[0]]
    return [
        row
        for row in rows.list_in(tx, firsts, {key[0] for key in wanted})
        if tuple([getattr(row, name) for name in names]) in wanted
    ]


def list_rows(
    tx: Connection,
    cls: type[I],
    *,
    after: Sequence[object] | None = None,
    limit: int | None = None,
    between: Mapping[str, tuple[int, int]] | None = None,
    **equal: object,
) -> list[I]:
    """Rows by primary key, starting after the key `after`, whose columns equal `equal`.

    `between` names columns with the least and the most that they hold.

    With `unit=None` every unit's rows are given, so a caller passes on whose rows may be read.
    """
    rows = _rows(cls)
    where = _equal(rows.table, equal)
    where += [rows.table.c[name].between(*ends) for name, ends in (between or {}).items()]
    return rows.page(tx, *where, after=None if after is None else tuple(after), limit=limit)


def find_cursor(tx: Connection) -> Cursor | None:
    """How far the index goes, or None before the first block."""
    return find(tx, Cursor, 1)


def set_cursor(tx: Connection, cursor: Cursor) -> None:
    """Write down how far the index goes."""
    if find_cursor(tx) is None:
        put(tx, [cursor])
    else:
        replace(tx, cursor)


def find_heads(tx: Connection) -> dict[Contract, bytes]:
    """Each contract's running head at the cursor; zero before its first operation."""
    heads = {row.contract: row.head for row in list_rows(tx, IndexedHead)}
    return {contract: heads.get(contract, ZERO_DIGEST) for contract in Contract}


def set_heads(tx: Connection, heads: Mapping[Contract, bytes]) -> None:
    """Write down the contracts' running heads at the cursor."""
    tx.execute(TABLES[IndexedHead].delete())
    put(tx, [IndexedHead(contract=contract, head=head) for contract, head in heads.items()])


def find_last_operation(tx: Connection, *, below: int) -> IndexedOperation | None:
    """The last operation of the blocks below a height."""
    c = t.idx_operations.c
    newest = (c.height.desc(), c.position.desc())
    found = _rows(IndexedOperation).list(tx, c.height < below, order=newest, limit=1)
    return found[0] if found else None


def find_newest_block_time(tx: Connection) -> int | None:
    """When the last indexed block with an operation was made, Unix seconds; None without one."""
    c = t.idx_operations.c
    found: int | None = tx.scalar(
        select(c.timestamp).order_by(c.height.desc(), c.position.desc()).limit(1)
    )
    return found


def list_operations_about(
    tx: Connection, subject: bytes, *, unit: int | None = None
) -> list[IndexedOperation]:
    """The operations about a subject, or that bring or move it, in the chain's order."""
    c = t.idx_operations.c
    where = _equal(t.idx_operations, {"unit": unit})
    is_of = or_(c.subject == subject, c.also == subject)
    return _rows(IndexedOperation).list(tx, is_of, *where, order=[c.height, c.position])


def list_operations_about_each(
    tx: Connection, subjects: Iterable[bytes]
) -> dict[bytes, list[IndexedOperation]]:
    """The same of several subjects at once, by subject; each of them has a key."""
    c = t.idx_operations.c
    wanted: dict[bytes, list[IndexedOperation]] = {each: [] for each in subjects}
    found: dict[bytes, IndexedOperation] = {}
    for part in chunks(wanted):
        is_of = or_(c.subject.in_(part), c.also.in_(part))
        rows = _rows(IndexedOperation).list(tx, is_of, order=())
        found |= {row.digest: row for row in rows}
    for row in sorted(found.values(), key=lambda each: (each.height, each.position)):
        for subject in {row.subject, row.also or row.subject} & wanted.keys():
            wanted[subject].append(row)
    return wanted


def list_signatures_of(
    tx: Connection, digests: Iterable[bytes]
) -> dict[Digest, list[IndexedSignature]]:
    """The signatures of the named operations as the chain received them, by operation and party."""
    c = t.idx_signatures.c
    rows = _rows(IndexedSignature).list_in(tx, c.digest, digests, order=[c.digest, c.party])
    return grouped((row.digest, row) for row in rows)


def last_height(tx: Connection) -> int:
    """The newest block that holds an operation; 0 before the first."""
    return tx.execute(select(func.max(t.idx_operations.c.height))).scalar() or 0


def list_signed_by(
    tx: Connection, signer: bytes, *, since: int, until: int
) -> list[IndexedOperation]:
    """The operations with a signature of that key in blocks of that time, in the chain's order."""
    c, signatures = t.idx_operations.c, TABLES[IndexedSignature].c
    own = select(signatures.digest).where(signatures.signer == signer)
    return _rows(IndexedOperation).list(
        tx, c.digest.in_(own), c.timestamp.between(since, until), order=[c.height, c.position]
    )


def list_operations_from(
    tx: Connection, *, after: tuple[int, int] = (-1, -1), limit: int = 1000
) -> list[IndexedOperation]:
    """Operations in the chain's order, starting after (height, position)."""
    c = t.idx_operations.c
    return _rows(IndexedOperation).list(
        tx,
        tuple_(c.height, c.position) > tuple_(*after),
        order=[c.height, c.position],
        limit=limit,
    )


#: digest, kind, subject, unit, message, height, timestamp, position
Told = tuple[Digest, str, bytes, int, bytes, int, int, int]


def list_told(
    tx: Connection, kinds: Collection[str], *, after: tuple[int, int], below: int, limit: int
) -> Sequence[Told]:
    """Of operations of some kinds, what they say, in blocks below a height, in the chain's order.

    Bare columns: whoever reads a million rows needs no more of them.
    """
    c = t.idx_operations.c
    found = tx.execute(
        select(c.digest, c.kind, c.subject, c.unit, c.message, c.height, c.timestamp, c.position)
        .where(
            c.kind.in_(sorted(kinds)),
            tuple_(c.height, c.position) > tuple_(*after),
            c.height < below,
        )
        .order_by(c.height, c.position)
        .limit(limit)
    )
    # the driver's own rows: as Row objects they take twice as long
    return found.cursor.fetchall()


def place_of(tx: Connection, digest: Digest) -> tuple[int, int]:
    """Where the chain holds an operation: height, and place in its block; raises NotFound."""
    row = get(tx, IndexedOperation, digest)
    return row.height, row.position


def list_places(
    tx: Connection, *, after: tuple[int, int], limit: int
) -> list[tuple[Digest, tuple[int, int]]]:
    """The digests of operations in the chain's order, each with its (height, position)."""
    c = t.idx_operations.c
    found = tx.execute(
        select(c.digest, c.height, c.position)
        .where(tuple_(c.height, c.position) > tuple_(*after))
        .order_by(c.height, c.position)
        .limit(limit)
    )
    return [(Digest(digest), (height, position)) for digest, height, position in found]


def list_transactions_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, bytes]:
    """In which transaction the chain has each of the named operations; 32 bytes."""
    c = t.idx_operations.c
    return dict(pairs(tx, select(c.digest, c.tx_hash), c.digest, digests))


def clear_index(tx: Connection) -> None:
    """Empty every table of the index, the cursor included."""
    for table in TABLES.values():
        tx.execute(table.delete())


def _rows(cls: type[I]) -> Rows[I]:
    table = TABLES[cls]
    return Rows(table, cls, f"row of {table.name}")


@cache
def _update(table: Table) -> Update:
    key = [column == bindparam(f"key_{column.name}") for column in table.primary_key]
    return (
        table.update()
        .where(*key)
        .values({name: bindparam(name) for name in _values_beside_key(table)})
    )


@cache
def _values_beside_key(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if not column.primary_key)


def _to_update(table: Table, row: DataclassInstance) -> dict[str, object]:
    values = {name: getattr(row, name) for name in _values_beside_key(table)}
    return values | {f"key_{each.name}": getattr(row, each.name) for each in table.primary_key}


def _key(table: Table, key: Sequence[object]) -> dict[str, Any]:
    columns = list(table.primary_key)
    if len(columns) != len(key):
        names = ", ".join(column.name for column in columns)
        raise InvalidInput(f"has {len(key)} parts", field="key", rule=f"{table.name}: {names}")
    return {column.name: value for column, value in zip(columns, key, strict=True)}


def _equal(table: Table, equal: Mapping[str, object]) -> list[ColumnElement[bool]]:
    return [
        table.c[name] == value
        for name, value in equal.items()
        if not (name == "unit" and value is None)
    ]
