"""Operations on their way to the chain: the outbox, its signatures, dependencies and history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Index,
    Insert,
    Select,
    UniqueConstraint,
    bindparam,
    func,
    or_,
    select,
    text,
    true,
    tuple_,
)

from ledger.domain.acts.words import Contract, Party
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Conflict, NotFound
from ledger.domain.outbox.operation_states import GIVEN_UP, WAITING, OperationState, verify_move
from ledger.storage.engine.columns import ThirtyTwo
from ledger.storage.engine.inserting import insert_rows
from ledger.storage.engine.rows import Rows, chunks, of_unit, pairs, upsert, values_of
from ledger.storage.engine.tables import table_of
from ledger.storage.index_tables import idx_operations
from ledger.storage.traces import trace_acceptance, trace_move
from ledger.storage.transactions import transaction_operations, transactions

_STANDING = text("state NOT IN ('refused', 'expired')")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOperation:
    """An operation as it is accepted."""

    digest: Digest
    kind: str
    contract: Contract
    unit: int
    #: 32 bytes: what it is about, a cycle id for instance
    subject: ThirtyTwo
    #: 32 bytes: what the subject belongs to, the cycle's equipment for instance
    parent: ThirtyTwo | None
    #: the digest that it supersedes; zero for a first one, None where many stand beside each other
    replaces: ThirtyTwo | None
    record_id: str
    #: RFC 8785, as `message_to_json` makes it
    message: bytes
    #: Unix seconds, as signed
    signed_at: int
    accepted_at: datetime
    state: OperationState


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRow(NewOperation):
    """An accepted operation with its place in our own order.

    Numbers are given at insertion: on PostgreSQL a lower number may become visible later than a
    higher one, unless both hold the lock of one subject (`lock_subjects`).
    """

    sequence: int


operations = table_of(
    "operations",
    OperationRow,
    UniqueConstraint("digest"),
    UniqueConstraint("record_id"),
    Index(
        "uq_operations_standing",
        "kind",
        "subject",
        "unit",
        "replaces",
        unique=True,
        sqlite_where=_STANDING,
        postgresql_where=_STANDING,
    ),
    Index(None, "subject", "sequence"),
    Index(None, "parent", "kind", "sequence"),
    Index(None, "state", "sequence"),
    Index(None, "unit", "sequence"),
    Index(None, "kind", "sequence"),
    key=("sequence",),
    is_numbered=True,
    references={"record_id": "records.id"},
)


@dataclass(frozen=True, slots=True)
class OwedRow:
    """An owed operation as far as its call needs it."""

    sequence: int
    digest: Digest
    kind: str
    #: 32 bytes
    subject: bytes
    #: RFC 8785
    message: bytes
    #: hash of the transaction by which somebody else recorded it; None when the index has it not
    relayed_by: bytes | None
    #: whether a transaction was signed for it before
    came_back: bool


@dataclass(frozen=True, slots=True)
class MessageRow:
    """An operation as far as the state of its subject needs it."""

    #: 32 bytes
    subject: bytes
    digest: Digest
    kind: str
    #: RFC 8785
    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRow:
    """One party's signature on one operation."""

    digest: Digest
    party: Party
    #: ERC-7913 bytes
    signer: bytes
    signature: bytes


operation_signatures = table_of(
    "operation_signatures",
    SignatureRow,
    key=("digest", "party"),
    references={"digest": "operations.digest"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyRow:
    """One operation that must be on chain before another."""

    digest: Digest
    predecessor: Digest
    #: whether it is refused when that one is; else it only comes after it
    needed: bool


# A predecessor need not be ours: somebody else may have relayed it, so it is no foreign key.
operation_dependencies = table_of(
    "operation_dependencies",
    DependencyRow,
    Index(None, "predecessor"),
    key=("digest", "predecessor"),
    references={"digest": "operations.digest"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewState:
    """One dated change of an operation's state."""

    digest: Digest
    state: OperationState
    at: datetime
    reason: str | None
    transaction_hash: ThirtyTwo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow(NewState):
    """A stored change."""

    id: int


operation_states = table_of(
    "operation_states",
    StateRow,
    Index(None, "digest", "id"),
    key=("id",),
    is_numbered=True,
    references={"digest": "operations.digest"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """Our signed promise for one operation."""

    digest: Digest
    payload: bytes
    signature: bytes
    #: the public key that signed it
    key: bytes


receipts = table_of(
    "receipts", ReceiptRow, key=("digest",), references={"digest": "operations.digest"}
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PartyRow:
    """That a unit has a part in a consignment, or had one."""

    unit: int
    #: 32 bytes
    consignment: ThirtyTwo


# Every unit that an operation about a consignment names, also one that is out of it again.
consignment_parties = table_of("consignment_parties", PartyRow, key=("unit", "consignment"))


_operations = Rows(operations, OperationRow, "operation")
_parties = Rows(consignment_parties, PartyRow, "party of consignment")
_signatures = Rows(operation_signatures, SignatureRow, "signature of operation")
_dependencies = Rows(operation_dependencies, DependencyRow, "dependency of operation")
_states = Rows(operation_states, StateRow, "state of operation")
_receipts = Rows(receipts, ReceiptRow, "receipt for operation")


def insert_operation(tx: Connection, operation: NewOperation) -> None:
    """Keep an operation with its first dated state.

    Raises Conflict when the digest exists, when its record has an operation already, or when
    another standing operation of this kind takes the same place (subject and `replaces`).
    """
    insert_rows(
        tx,
        operations,
        [operation],
        taken=f"another {operation.kind} has this digest, this record or this place",
    )
    _write_states(tx, {operation.digest: None}, operation.state, operation.accepted_at, None)
    trace_acceptance(tx, operation.digest, kind=operation.kind, unit=operation.unit)


def insert_signatures(tx: Connection, rows: Sequence[SignatureRow]) -> None:
    """Keep signatures; raises Conflict when a party signed the operation already."""
    _signatures.insert(tx, rows)


def insert_dependencies(tx: Connection, digest: bytes, before: Mapping[Digest, bool]) -> None:
    """Keep what an operation waits for, and whether it needs it."""
    rows = [
        DependencyRow(digest=Digest(digest), predecessor=predecessor, needed=needed)
        for predecessor, needed in before.items()
    ]
    _dependencies.insert(tx, rows)


def insert_receipt(tx: Connection, row: ReceiptRow) -> None:
    """Keep a receipt; raises Conflict when the operation has one."""
    _receipts.insert(tx, [row])


def move_operation(  # noqa: PLR0913 - a move and what is known of it
    tx: Connection,
    digest: bytes,
    to: OperationState,
    at: datetime,
    *,
    expected: Collection[OperationState],
    reason: str | None = None,
    transaction_hash: bytes | None = None,
) -> None:
    """Move one operation to another state and write the dated row; see `move_operations`."""
    move_operations(
        tx, [digest], to, at, expected=expected, reason=reason, transaction_hash=transaction_hash
    )


def move_operations(  # noqa: PLR0913 - a move and what is known of it
    tx: Connection,
    digests: Iterable[bytes],
    to: OperationState,
    at: datetime,
    *,
    expected: Collection[OperationState],
    reason: str | None = None,
    transaction_hash: bytes | None = None,
) -> None:
    """Move operations to another state, all or none, each with a dated row.

    Raises NotFound for an unknown digest, Conflict when one of them is not in an `expected` state,
    and Inconsistent when the table of moves has no such move.
    """
    wanted = list(dict.fromkeys(digests))
    _move(tx, wanted, to, expected)
    _write_states(tx, dict.fromkeys(wanted, transaction_hash), to, at, reason)
    trace_move(tx, wanted, to, reason=reason, transaction_hash=transaction_hash)


def move_carried(
    tx: Connection,
    transaction_ids: Collection[int],
    to: OperationState,
    at: datetime,
    *,
    expected: Collection[OperationState],
) -> dict[Digest, bytes]:
    """Move what stored transactions carry, as far as it is in an `expected` state.

    Each gets a dated row that names its transaction.  Returns what moved → that transaction's hash.
    Raises Inconsistent when the table of moves has no such move.
    """
    c = operations.c
    carried = transaction_operations.c
    of_these = carried.transaction_id.in_(transaction_ids)
    found = tx.execute(
        select(c.digest, c.state, transactions.c.hash)
        .select_from(operations.join(transaction_operations, carried.digest == c.digest))
        .join(transactions, transactions.c.id == carried.transaction_id)
        .where(of_these)
        .order_by(c.digest, carried.transaction_id)
        .with_for_update(of=operations)
    ).all()
    moved = {Digest(row.digest): row.hash for row in found if row.state in expected}
    for state in {row.state for row in found if row.state in expected}:
        verify_move(state, to)
    tx.execute(
        operations.update()
        .where(c.digest.in_(select(carried.digest).where(of_these)), c.state.in_(expected))
        .values(state=to)
    )
    _write_states(tx, dict(moved.items()), to, at, None)
    for each in dict.fromkeys(moved.values()):
        digests = [digest for digest, its_hash in moved.items() if its_hash == each]
        trace_move(tx, digests, to, reason=None, transaction_hash=each)
    return moved


def _move(
    tx: Connection,
    digests: Sequence[bytes],
    to: OperationState,
    expected: Collection[OperationState],
) -> None:
    before = _lock_states(tx, digests)
    for digest in digests:
        _verify_expected(digest, before.get(digest), to, expected)
    for part in chunks(digests):
        tx.execute(operations.update().where(operations.c.digest.in_(part)).values(state=to))


def find_operation(
    tx: Connection, digest: bytes, *, unit: int | None = None
) -> OperationRow | None:
    """The operation, or None; with `unit`, only if it is that unit's."""
    return _operations.find_by(tx, digest=digest, unit=unit)


def get_operation(tx: Connection, digest: bytes, *, unit: int | None = None) -> OperationRow:
    """The operation; raises NotFound also when it is another unit's."""
    return _operations.get_by(tx, digest=digest, unit=unit, name=digest)


def list_operations(  # noqa: PLR0913 - one argument per filter
    tx: Connection,
    *,
    unit: int | None = None,
    kind: str | None = None,
    states: Collection[OperationState] | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[OperationRow]:
    """Operations in sequence order, starting after sequence `after`."""
    c = operations.c
    return _operations.page(
        tx,
        true() if kind is None else c.kind == kind,
        true() if states is None else c.state.in_(states),
        unit=unit,
        after=after,
        limit=limit,
    )


def list_latest_operations(  # noqa: PLR0913 - one argument per filter
    tx: Connection,
    *,
    unit: int | None = None,
    kind: str | None = None,
    parent: bytes | None = None,
    before: int | None = None,
    limit: int | None = 100,
) -> list[OperationRow]:
    """Operations from the newest backwards, starting before sequence `before`."""
    return _operations.list(
        tx,
        true() if before is None else operations.c.sequence < before,
        of_unit(operations.c.unit, unit),
        true() if kind is None else operations.c.kind == kind,
        true() if parent is None else operations.c.parent == parent,
        order=[operations.c.sequence.desc()],
        limit=limit,
    )


def put_parties(tx: Connection, rows: Iterable[PartyRow]) -> None:
    """Keep which units have a part in consignments; those that are there stay."""
    values = [values_of(row) for row in rows]
    if values:
        tx.execute(_put_parties(tx.dialect.name), values)


@cache
def _put_parties(dialect: str) -> Insert:
    return upsert(dialect, consignment_parties).on_conflict_do_nothing()


def list_parties(tx: Connection, *, after: PartyRow | None, limit: int) -> list[PartyRow]:
    """Every part in a consignment by unit, starting after one of them."""
    key = None if after is None else (after.unit, after.consignment)
    return _parties.page(tx, after=key, limit=limit)


def known_parties(tx: Connection, rows: Iterable[PartyRow]) -> set[PartyRow]:
    """Those of some parts that are kept."""
    wanted = set(rows)
    c = consignment_parties.c
    return {
        row
        for unit in {each.unit for each in wanted}
        for row in _parties.list_in(
            tx,
            c.consignment,
            [each.consignment for each in wanted if each.unit == unit],
            c.unit == unit,
        )
    }


def clear_parties(tx: Connection) -> None:
    """Empty their table."""
    tx.execute(consignment_parties.delete())


def list_latest_dispatches(
    tx: Connection, units: Collection[int], *, before: int | None, since: int, limit: int
) -> list[OperationRow]:
    """Dispatches of what all of these units had a part in, from the newest backwards.

    They begin before one sequence and end at another.
    """
    c, parties = operations.c, consignment_parties.c
    had = (select(parties.consignment).where(parties.unit == unit) for unit in units)
    return _operations.list(
        tx,
        true() if before is None else c.sequence < before,
        c.sequence >= since,
        c.kind == "Dispatch",
        *(c.subject.in_(each) for each in had),
        order=[c.sequence.desc()],
        limit=limit,
    )


def nth_latest_dispatch(tx: Connection, count: int, *, before: int | None) -> int:
    """The sequence of the last of so many standing dispatches, newest first; 0 where are fewer."""
    c = operations.c
    asked = (
        select(c.sequence)
        .where(c.kind == "Dispatch", _STANDING)
        .where(true() if before is None else c.sequence < before)
        .order_by(c.sequence.desc())
        .offset(max(count - 1, 0))
        .limit(1)
    )
    return tx.scalar(asked) or 0


def list_of_parent(
    tx: Connection, parent: bytes, kind: str, *, after: int = 0
) -> list[OperationRow]:
    """The standing operations of a kind whose subjects belong to one, in sequence order."""
    c = operations.c
    return _operations.list(
        tx,
        c.parent == parent,
        c.kind == kind,
        c.sequence > after,
        c.state.not_in(GIVEN_UP),
        order=[c.sequence],
    )


def list_by_digests(tx: Connection, digests: Iterable[bytes]) -> list[OperationRow]:
    """Those of the named operations that are stored here, in sequence order."""
    found = _operations.list_in(tx, operations.c.digest, digests)
    return sorted(found, key=lambda row: row.sequence)


_NEWEST_STANDING = (
    select(operations.c.digest, operations.c.accepted_at)
    .where(_STANDING)
    .order_by(operations.c.sequence.desc())
    .limit(1)
)


def find_newest_standing(tx: Connection) -> tuple[Digest, datetime] | None:
    """The operation that was accepted last and not given up, and when; None without one."""
    row = tx.execute(_NEWEST_STANDING).first()
    return None if row is None else (row.digest, row.accepted_at)


def find_sequence_at(tx: Connection, moment: datetime) -> int:
    """The sequence of the last operation that was accepted by a moment; 0 before the first."""
    c = operations.c
    newest = select(c.sequence).where(c.accepted_at <= moment).order_by(c.sequence.desc()).limit(1)
    return tx.scalar(newest) or 0


def list_between(
    tx: Connection, first: bytes, last: bytes, *, limit: int = 100
) -> list[OperationRow]:
    """Operations whose digest lies between two, both included, by digest."""
    c = operations.c.digest
    return _operations.list(tx, c >= first, c <= last, order=[c], limit=limit)


def known_digests(tx: Connection, digests: Iterable[bytes]) -> set[Digest]:
    """Those of the named digests under which an operation is stored here, whatever it holds."""
    return {
        Digest(digest)
        for part in chunks(digests)
        for digest in tx.scalars(select(operations.c.digest).where(operations.c.digest.in_(part)))
    }


def list_by_subject(
    tx: Connection, subject: bytes, *, unit: int | None = None, standing: bool = False
) -> list[OperationRow]:
    """Every operation about a subject in sequence order; `standing` leaves out those given up."""
    values = {"subject": subject} | ({} if unit is None else {"unit": unit})
    return _operations.read(tx, _about(tuple(values), standing=standing), **values)


@cache
def _about(names: tuple[str, ...], *, standing: bool) -> Select[Any]:
    """The operations whose columns of these names have the values that are given with it."""
    c = operations.c
    return (
        select(operations)
        .where(*(c[name] == bindparam(name) for name in names))
        .where(_STANDING if standing else true())
        .order_by(c.sequence)
    )


_MESSAGES = (
    select(operations.c.subject, operations.c.digest, operations.c.kind, operations.c.message)
    .where(operations.c.subject.in_(bindparam("subjects", expanding=True)), _STANDING)
    .order_by(operations.c.sequence)
)


def list_waiting_about(tx: Connection, contract: str) -> list[bytes]:
    """What operations of a contract are about that the chain does not have for good, each once."""
    c = operations.c
    asked = select(c.subject).where(c.state.in_(WAITING), c.contract == contract).distinct()
    return list(tx.scalars(asked))


def list_messages(tx: Connection, subjects: Sequence[bytes]) -> list[MessageRow]:
    """What stands about one of a few subjects, in sequence order."""
    return [MessageRow(*row) for row in tx.execute(_MESSAGES, {"subjects": list(subjects)})]


def list_moving(tx: Connection, moved: bytes, *, standing: bool = False) -> list[OperationRow]:
    """Every operation about a subject, or that moves it, in sequence order."""
    return _operations.read(tx, _MOVING[standing], moved=moved)


_MOVED: BindParameter[bytes] = bindparam("moved")
_MOVING = {
    standing: select(operations)
    .where(or_(operations.c.subject == _MOVED, operations.c.parent == _MOVED))
    .where(_STANDING if standing else true())
    .order_by(operations.c.sequence)
    for standing in (False, True)
}


def find_standing(tx: Connection, kind: str, subject: bytes, *, unit: int) -> OperationRow | None:
    """The newest standing operation of a kind and unit about a subject, or None."""
    found = _operations.read(tx, _NEWEST_ABOUT, kind=kind, subject=subject, unit=unit)
    return found[0] if found else None


_NEWEST_ABOUT = (
    select(operations)
    .where(*(operations.c[name] == bindparam(name) for name in ("kind", "subject", "unit")))
    .where(_STANDING)
    .order_by(operations.c.sequence.desc())
    .limit(1)
)


def list_replacing(tx: Connection, digest: bytes) -> list[OperationRow]:
    """The standing operations that replace one, by their own word."""
    c, named = operations.c, operations.alias()
    found = select(named.c.kind, named.c.subject, named.c.unit).where(named.c.digest == digest)
    return _operations.list(
        tx,
        tuple_(c.kind, c.subject, c.unit).in_(found),
        c.replaces == digest,
        c.state.not_in(GIVEN_UP),
        order=[c.sequence],
    )


def list_by_subjects(
    tx: Connection, subjects: Iterable[bytes], *, kinds: Collection[str] | None = None
) -> list[OperationRow]:
    """Every operation about one of the subjects, or those of some kinds; each's in their order."""
    c = operations.c
    of_kinds = true() if kinds is None else c.kind.in_(sorted(kinds))
    return _operations.list_in(tx, c.subject, subjects, of_kinds, order=[c.sequence])


def list_owed(tx: Connection, limit: int) -> list[OperationRow]:
    """The oldest operations that the chain has not been told, in sequence order."""
    return list_operations(tx, states=[OperationState.OWED], limit=limit)


def count_by_state(tx: Connection, *, unit: int | None = None) -> dict[OperationState, int]:
    """How many operations stand in each state; every state has a count."""
    counted = tx.execute(
        select(operations.c.state, func.count())
        .where(of_unit(operations.c.unit, unit))
        .group_by(operations.c.state)
    )
    return dict.fromkeys(OperationState, 0) | {state: count for state, count in counted}  # noqa: C416


def list_to_send(tx: Connection, *, after: int = 0, limit: int) -> list[OwedRow]:
    """The oldest owed operations in sequence order, starting after sequence `after`."""
    c = operations.c
    carried = select(transaction_operations.c.digest).where(
        transaction_operations.c.digest == c.digest
    )
    found = tx.execute(
        select(
            c.sequence,
            c.digest,
            c.kind,
            c.subject,
            c.message,
            idx_operations.c.tx_hash,
            carried.exists(),
        )
        .select_from(operations.outerjoin(idx_operations, idx_operations.c.digest == c.digest))
        .where(c.state == OperationState.OWED, c.sequence > after)
        .order_by(c.sequence)
        .limit(limit)
    )
    return [OwedRow(*row) for row in found]


def list_waits(
    tx: Connection, first: int, last: int
) -> list[tuple[Digest, Digest, bool, OperationState | None]]:
    """What owed operations of these sequences, both included, wait for.

    Each is (digest, predecessor, whether it is needed, its state); a predecessor that is not ours
    is final when the index has it, and else None.
    """
    c, waits, before = operations.c, operation_dependencies.c, operations.alias()
    found = tx.execute(
        select(
            waits.digest,
            waits.predecessor,
            waits.needed,
            before.c.state,
            idx_operations.c.height,
        )
        .select_from(operations.join(operation_dependencies, waits.digest == c.digest))
        .outerjoin(before, before.c.digest == waits.predecessor)
        .outerjoin(idx_operations, idx_operations.c.digest == waits.predecessor)
        .where(c.state == OperationState.OWED, c.sequence >= first, c.sequence <= last)
    )
    return [
        (
            digest,
            predecessor,
            needed,
            OperationState.FINAL if state is None and height is not None else state,
        )
        for digest, predecessor, needed, state, height in found
    ]


def list_signatures_to_send(tx: Connection, first: int, last: int) -> list[SignatureRow]:
    """The signatures on owed operations of these sequences, both included."""
    c, signed = operations.c, operation_signatures.c
    found = tx.execute(
        select(signed.digest, signed.party, signed.signer, signed.signature)
        .select_from(operations.join(operation_signatures, signed.digest == c.digest))
        .where(c.state == OperationState.OWED, c.sequence >= first, c.sequence <= last)
        .order_by(signed.digest, signed.party)
    )
    return [
        SignatureRow(digest=digest, party=party, signer=signer, signature=signature)
        for digest, party, signer, signature in found
    ]


def states_of(tx: Connection, digests: Iterable[bytes]) -> dict[Digest, OperationState]:
    """Where those of the named operations stand that are stored here."""
    c = operations.c
    return dict(pairs(tx, select(c.digest, c.state), c.digest, digests))


def find_oldest_owed(tx: Connection) -> OperationRow | None:
    """The operation that has waited longest to be sent, or None when nothing is owed."""
    found = list_owed(tx, 1)
    return found[0] if found else None


def list_signatures(tx: Connection, digests: Iterable[bytes]) -> list[SignatureRow]:
    """The signatures on the named operations, by digest and party."""
    c = operation_signatures.c
    return _signatures.list_in(tx, c.digest, digests, order=[c.digest, c.party])


def list_dependencies(tx: Connection, digests: Iterable[bytes]) -> list[DependencyRow]:
    """What the named operations wait for, by digest."""
    c = operation_dependencies.c
    return _dependencies.list_in(tx, c.digest, digests, order=[c.digest, c.predecessor])


def list_dependents(
    tx: Connection, predecessor: bytes, *, needed: bool | None = None
) -> list[OperationRow]:
    """The operations that wait for `predecessor`: those that need it, the others, or all."""
    waiting = select(operation_dependencies.c.digest).where(
        operation_dependencies.c.predecessor == predecessor,
        true() if needed is None else operation_dependencies.c.needed == needed,
    )
    return _operations.list(tx, operations.c.digest.in_(waiting), order=[operations.c.sequence])


def list_waiting_dependents(tx: Connection, predecessor: bytes) -> list[Digest]:
    """Those that wait for the chain and for `predecessor`, in sequence order."""
    waiting = select(operation_dependencies.c.digest).where(
        operation_dependencies.c.predecessor == predecessor
    )
    return _waiting(tx, operations.c.digest.in_(waiting))


def list_waiting_of(tx: Connection, unit: int) -> list[Digest]:
    """Those of a unit that wait for the chain, in sequence order."""
    return _waiting(tx, operations.c.unit == unit)


def list_waiting_signed_by(tx: Connection, signer: bytes) -> list[Digest]:
    """Those that a key (ERC-7913 bytes) signed and that wait for the chain, in sequence order."""
    signed = select(operation_signatures.c.digest).where(
        operation_signatures.c.digest == operations.c.digest,
        operation_signatures.c.signer == signer,
    )
    return _waiting(tx, signed.exists())


def _waiting(tx: Connection, where: ColumnElement[bool]) -> list[Digest]:
    found = tx.execute(
        select(operations.c.digest)
        .where(operations.c.state.in_(WAITING), where)
        .order_by(operations.c.sequence)
    )
    return [Digest(digest) for digest in found.scalars()]


def pass_over(tx: Connection, digest: bytes, predecessor: bytes) -> None:
    """Let an operation wait for what `predecessor` waits for, in place of `predecessor`."""
    c = operation_dependencies.c
    tx.execute(
        operation_dependencies.delete().where(c.digest == digest, c.predecessor == predecessor)
    )
    known = {row.predecessor for row in list_dependencies(tx, [digest])}
    instead = [row.predecessor for row in list_dependencies(tx, [predecessor])]
    insert_dependencies(tx, digest, {each: False for each in instead if each not in known})


def list_states(tx: Connection, digest: bytes) -> list[StateRow]:
    """The dated states of an operation, oldest first."""
    return _states.list(tx, operation_states.c.digest == digest, order=[operation_states.c.id])


def get_receipt(tx: Connection, digest: bytes) -> ReceiptRow:
    """The receipt given for an operation; raises NotFound."""
    return _receipts.get_by(tx, digest=digest, name=digest)


def _lock_states(tx: Connection, digests: Sequence[bytes]) -> Mapping[bytes, OperationState]:
    """The states of these operations, which nobody else can change before this transaction ends."""
    found: dict[bytes, OperationState] = {}
    for part in chunks(sorted(digests)):
        rows = tx.execute(
            select(operations.c.digest, operations.c.state)
            .where(operations.c.digest.in_(part))
            .order_by(operations.c.digest)
            .with_for_update()
        )
        found.update((row.digest, row.state) for row in rows)
    return found


def _verify_expected(
    digest: bytes,
    state: OperationState | None,
    to: OperationState,
    expected: Collection[OperationState],
) -> None:
    if state is None:
        raise NotFound(f"there is no operation 0x{digest.hex()}")
    if state not in expected:
        raise Conflict(
            f"operation 0x{digest.hex()} is {state}",
            rule=f"it moves to {to} from {' or '.join(sorted(expected))}",
        )
    verify_move(state, to)


def _write_states(
    tx: Connection,
    hashes: Mapping[bytes, bytes | None],
    state: OperationState,
    at: datetime,
    reason: str | None,
) -> None:
    """A dated row for each digest, with the hash of its transaction."""
    rows = [
        NewState(
            digest=Digest(digest), state=state, at=at, reason=reason, transaction_hash=transaction
        )
        for digest, transaction in hashes.items()
    ]
    insert_rows(tx, operation_states, rows, taken="this state of operation exists already")
