"""Final blocks → index: gap-free ranges, each with its rows and its cursor in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar, cast

from sqlalchemy import Connection

from ledger.chain.calldata import Batch, decode_batch
from ledger.crashing import crash_point
from ledger.domain.abi import Scalar
from ledger.domain.chain_reader import Block, ChainReader, Transaction
from ledger.domain.deployment import Deployment
from ledger.domain.errors import ChainUnavailable, Conflict, Inconsistent, InvalidInput
from ledger.domain.events import (
    Event,
    Log,
    kind_of_events,
    operation_from_events,
    parse_event,
    verify_heads,
)
from ledger.domain.finality import parse_finality
from ledger.domain.hashing import keccak256
from ledger.domain.identifiers import ZERO_DIGEST, Digest, to_hex
from ledger.domain.indexed import Cursor, IndexedEvent, IndexedOperation, IndexedSignature
from ledger.domain.operation_states import OperationState
from ledger.domain.operations import Contract, Party, digest
from ledger.domain.projection import event_fields, indexed_event, indexed_operation, project
from ledger.steps.instance import Instance
from ledger.storage import index
from ledger.storage.database import Database
from ledger.storage.operations import list_by_digests, move_operations
from ledger.storage.transactions import (
    TransactionState,
    list_carried,
    list_transactions,
    move_transaction,
)

#: how many blocks one transaction indexes at most
RANGE = 64
_MANY = 10_000

_HEAD = keccak256(b"head()")[:4]
_REBUILD = "stop this process, find out why, then run: steriledger rebuild"
_WAITING = frozenset(
    {OperationState.OWED, OperationState.SENT, OperationState.STUCK, OperationState.MINED}
)

R = TypeVar("R")

#: what else happens in the transaction that indexes a range: its operations, and the new cursor
Indexed = Callable[[Connection, Sequence[IndexedOperation], Cursor], None]


class Source(ChainReader, Protocol):
    """A chain whose logs can be read too."""

    def logs(self, addresses: Sequence[bytes], first: int, last: int) -> list[Log]:
        """Read all logs of these contracts in blocks `first` to `last`, in chain order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the index goes."""

    #: height of the last indexed block
    height: int
    #: the highest final block when it was asked for
    final: int
    #: how many operations were indexed just now
    operations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """What a range of blocks says, checked."""

    cursor: Cursor
    events: Sequence[Event]
    operations: Sequence[IndexedOperation]
    signatures: Sequence[IndexedSignature]


def follow(instance: Instance, source: Source) -> Progress:
    """Index the next final blocks and move the operations in them to final.

    Raises ChainUnavailable when the node does not answer or contradicts itself, and Inconsistent
    when a block that was final changed, or an event is missing or is not what it says: then nothing
    of the range is stored.
    """
    deployment = instance.deployment()

    def moved(tx: Connection, operations: Sequence[IndexedOperation], cursor: Cursor) -> None:
        _finalise(tx, operations, cursor.height, instance.clock())

    return index_next(
        instance.database, source, deployment, finality=instance.settings.finality, also=moved
    )


def index_next(  # noqa: PLR0913 - from where, into what, and how far
    database: Database,
    source: Source,
    deployment: Deployment,
    *,
    finality: str,
    until: int | None = None,
    also: Indexed | None = None,
) -> Progress:
    """Index at most RANGE final blocks into a database, none above `until`.

    `also` joins their transaction.
    """
    with database.reading() as tx:
        known = index.find_cursor(tx)
    final = _final_height(source, finality)
    cursor = _start(source, deployment) if known is None else known
    if known is not None:
        _verify_cursor(source, deployment, known, is_ours=finality == "journal")
    last = min(final, cursor.height + RANGE, final if until is None else until)
    if last <= cursor.height:
        return Progress(height=cursor.height, final=final, operations=0)
    found = _read_range(source, deployment, cursor, last, is_newest=last == final)
    crash_point("follow.read")
    with database.transaction() as tx:
        if index.find_cursor(tx) != known:
            raise Conflict("somebody else moved the index", remedy="only one process may follow")
        _store(tx, found)
        crash_point("follow.indexed")
        if also is not None:
            also(tx, found.operations, found.cursor)
        crash_point("follow.moved")
    crash_point("follow.committed")
    return Progress(height=last, final=final, operations=len(found.operations))


# ---------------------------------------------------------------- where to begin and end


def _final_height(source: Source, policy: str) -> int:
    rule = parse_finality(policy)
    latest = source.block("latest")
    if latest is None:
        raise ChainUnavailable("the node has no latest block")
    finalized = source.block("finalized") if rule.asks_node else None
    return rule.height(
        latest=latest.number, finalized=None if finalized is None else finalized.number
    )


def _start(source: Source, deployment: Deployment) -> Cursor:
    """Before the block that holds the last contract: no event is older."""
    height = deployment.deployed_at
    block = _block(source, height)
    before = _block(source, height - 1)
    if block.parent_hash != before.hash:
        raise _two_answers(height)
    return Cursor(
        height=before.number,
        hash=before.hash,
        parent=before.parent_hash,
        registry_head=ZERO_DIGEST,
        ledger_head=ZERO_DIGEST,
    )


def _verify_cursor(
    source: Source, deployment: Deployment, cursor: Cursor, *, is_ours: bool
) -> None:
    block = source.block(cursor.height)
    if block is not None and block.hash == cursor.hash:
        return
    _verify_chain(source, deployment)
    if block is None:
        error = Inconsistent if is_ours else ChainUnavailable
        raise error(
            f"the chain does not reach block {cursor.height}, which is indexed",
            remedy=_REBUILD if is_ours else "wait until the node has caught up, or ask another",
        )
    raise Inconsistent(
        f"block {cursor.height} was final as {to_hex(cursor.hash)} and is now {to_hex(block.hash)}",
        field="idx_cursor.hash",
        rule="a final block does not change",
        remedy=_REBUILD,
    )


def _verify_chain(source: Source, deployment: Deployment) -> None:
    """Raise Inconsistent when the node now answers for another chain than the deployment's."""
    chain_id, genesis = source.chain_id(), source.genesis_hash()
    if (chain_id, genesis) != (deployment.chain_id, deployment.genesis_hash):
        raise Inconsistent(
            f"the node answers for chain {chain_id} with the genesis {to_hex(genesis)}; the "
            f"contracts are on chain {deployment.chain_id} with the genesis "
            f"{to_hex(deployment.genesis_hash)}",
            field="chain_url",
            remedy="give the address of a node of the right chain, and start again",
        )


def _block(source: Source, height: int) -> Block:
    block = source.block(height)
    if block is None or block.number != height:
        raise ChainUnavailable(f"the node does not have block {height}")
    return block


def _two_answers(height: int) -> ChainUnavailable:
    return ChainUnavailable(
        f"the node contradicts itself about block {height}",
        remedy="it is asked again; if this stays, ask another node of the same chain",
    )


# ---------------------------------------------------------------- reading and checking a range


def _read_range(
    source: Source, deployment: Deployment, cursor: Cursor, last: int, *, is_newest: bool
) -> _Range:
    blocks = _read_blocks(source, cursor, last)
    logs = source.logs(list(deployment.recording_contracts()), cursor.height + 1, last)
    events = [_event(log, blocks, deployment) for log in logs]
    _verify_order(events)
    registry_head = _head(events, Contract.UNIT_REGISTRY, cursor.registry_head)
    ledger_head = _head(events, Contract.CYCLE_LEDGER, cursor.ledger_head)
    if is_newest:
        _compare_head(source, deployment, Contract.UNIT_REGISTRY, registry_head, last)
        _compare_head(source, deployment, Contract.CYCLE_LEDGER, ledger_head, last)
    operations = [_operation(group, deployment, blocks) for group in _operation_events(events)]
    end = blocks[last]
    return _Range(
        cursor=Cursor(
            height=last,
            hash=end.hash,
            parent=end.parent_hash,
            registry_head=registry_head,
            ledger_head=ledger_head,
        ),
        events=events,
        operations=operations,
        signatures=_signatures(source, deployment, operations),
    )


def _read_blocks(source: Source, cursor: Cursor, last: int) -> dict[int, Block]:
    """The headers after the cursor, each the child of the one before."""
    blocks: dict[int, Block] = {}
    parent = cursor.hash
    for height in range(cursor.height + 1, last + 1):
        block = _block(source, height)
        if block.parent_hash != parent:
            raise _two_answers(height)
        blocks[height] = block
        parent = block.hash
    return blocks


def _event(log: Log, blocks: Mapping[int, Block], deployment: Deployment) -> Event:
    block = blocks[log.block_number]
    places = block.transactions[log.transaction_index : log.transaction_index + 1]
    if log.block_hash != block.hash or places != (log.transaction_hash,):
        raise _two_answers(block.number)
    try:
        return parse_event(log, deployment.recording_contracts())
    except InvalidInput as error:
        raise Inconsistent(
            f"block {block.number} holds a log that no contract of ours emits: {error}",
            remedy=_REBUILD,
        ) from error


def _verify_order(events: Sequence[Event]) -> None:
    places = [(event.log.block_number, event.log.log_index) for event in events]
    if places != sorted(set(places)):
        raise _two_answers(places[0][0])


def _head(events: Iterable[Event], contract: Contract, head: bytes) -> bytes:
    return verify_heads(head, (event for event in events if event.contract is contract))


def _compare_head(
    source: Source, deployment: Deployment, contract: Contract, head: bytes, height: int
) -> None:
    stated = source.call(deployment.address_of(contract), _HEAD, height)
    if stated != head:
        raise Inconsistent(
            f"the head of {contract} at block {height} is {to_hex(stated)}; its events lead to "
            f"{to_hex(head)}",
            field="head",
            rule="head = keccak256(abi.encode(head, digest))",
            remedy="the node left out an event: " + _REBUILD,
        )


def _operation_events(events: Iterable[Event]) -> list[list[Event]]:
    """The events of each operation; what completes a recovery is no operation."""
    groups: dict[tuple[bytes, Digest], list[Event]] = {}
    for event in events:
        if event.name != "RecoveryCompleted":
            groups.setdefault((event.log.transaction_hash, event.digest), []).append(event)
    return list(groups.values())


def _operation(
    events: Sequence[Event], deployment: Deployment, blocks: Mapping[int, Block]
) -> IndexedOperation:
    stated, height = events[0].digest, events[0].log.block_number
    try:
        kind = kind_of_events(events)
        message = operation_from_events(kind, events)
        computed = digest(kind, message, deployment.domain_of(kind.contract))
    except InvalidInput as error:
        raise Inconsistent(
            f"operation {to_hex(stated)} at block {height} is not whole: {error}", remedy=_REBUILD
        ) from error
    if computed != stated:
        raise Inconsistent(
            f"the events of operation {to_hex(stated)} at block {height} describe "
            f"{to_hex(computed)}",
            field="digest",
            rule="an operation is named by the EIP-712 digest of its message",
            remedy=_REBUILD,
        )
    announcing = next(event for event in events if event.name == kind.event)
    return indexed_operation(kind, message, announcing, timestamp=blocks[height].timestamp)


# ---------------------------------------------------------------- signatures


def _signatures(
    source: Source, deployment: Deployment, operations: Sequence[IndexedOperation]
) -> list[IndexedSignature]:
    """The signatures as the chain received them, from the calldata of each transaction.

    A transaction that reached our contract through another one carries them where we cannot read
    them; its operations have none here.
    """
    wanted: dict[bytes, set[Digest]] = {}
    for operation in operations:
        wanted.setdefault(operation.tx_hash, set()).add(operation.digest)
    found: list[IndexedSignature] = []
    for transaction_hash, digests in wanted.items():
        transaction = source.transaction(transaction_hash)
        if transaction is None:
            raise ChainUnavailable(f"the node does not have {to_hex(transaction_hash)}")
        batch = _find_batch(transaction, deployment)
        if batch is not None:
            found += _batch_signatures(batch, digests, deployment)
    return found


def _find_batch(transaction: Transaction, deployment: Deployment) -> Batch | None:
    contract = deployment.recording_contracts().get(transaction.to or b"")
    if contract is None:
        return None
    try:
        return decode_batch(contract, transaction.data)
    except InvalidInput:  # written in another form than ours; the contract understood it
        return None


def _batch_signatures(
    batch: Batch, wanted: set[Digest], deployment: Deployment
) -> list[IndexedSignature]:
    domain = deployment.domain_of(batch.kind.contract)
    found: dict[tuple[Digest, Party], IndexedSignature] = {}
    for message, proofs in zip(batch.messages, batch.proofs, strict=True):
        named = digest(batch.kind, message, domain)
        if named not in wanted:
            continue
        for party, proof in proofs.items():
            signer = deployment.authority if party is Party.AUTHORITY else proof.signer
            # The first of two equal operations in a batch is the one that was recorded.
            found.setdefault(
                (named, party),
                IndexedSignature(
                    digest=named, party=party, signer=signer, signature=proof.signature
                ),
            )
    missing = wanted - {named for named, _ in found}
    if missing:
        raise Inconsistent(
            f"operation {to_hex(min(missing))} is not in the transaction that recorded it",
            remedy=_REBUILD,
        )
    return list(found.values())


# ---------------------------------------------------------------- storing


def _store(tx: Connection, found: _Range) -> None:
    index.put(tx, [indexed_event(event) for event in found.events])
    index.put(tx, list(found.operations))
    index.put(tx, list(found.signatures))
    rows = _IndexView(tx=tx)
    project(found.events, rows)
    rows.flush()
    index.set_cursor(tx, found.cursor)


@dataclass(slots=True)
class _IndexView:
    """The index's rows with the changes of a range, written together at its end."""

    tx: Connection
    #: by class and primary key; None for a row that is not there
    _rows: dict[tuple[type[object], tuple[object, ...]], object | None] = field(
        default_factory=dict
    )
    #: the rows that the database has
    _stored: set[tuple[type[object], tuple[object, ...]]] = field(default_factory=set)
    _changed: dict[tuple[type[object], tuple[object, ...]], None] = field(default_factory=dict)

    def find(self, cls: type[R], *key: object) -> R | None:
        """The row with that primary key, changes included."""
        place = (cast("type[object]", cls), key)
        if place not in self._rows:
            self._rows[place] = index.find(self.tx, cls, *key)  # type: ignore[type-var]
            if self._rows[place] is not None:
                self._stored.add(place)
        return cast("R | None", self._rows[place])

    def put(self, row: object) -> None:
        """Adds a row, or changes the one with its key."""
        cls = type(row)
        key = tuple(getattr(row, column.name) for column in index.TABLES[cls].primary_key)
        self.find(cls, *key)
        self._rows[cls, key] = row
        self._changed[cls, key] = None

    def proposal(self, digest: Digest) -> Mapping[str, Scalar]:
        """The fields of a recorded RecoveryProposed."""
        found = index.list_rows(self.tx, IndexedEvent, digest=digest, event="RecoveryProposed")
        if len(found) != 1:
            raise Inconsistent(f"no recovery {to_hex(digest)} was proposed", remedy=_REBUILD)
        return event_fields(found[0])

    def flush(self) -> None:
        """Writes the changes; new rows of one class go together."""
        new: dict[type[object], list[object]] = {}
        for place in self._changed:
            row = self._rows[place]
            if place in self._stored:
                index.replace(self.tx, row)  # type: ignore[type-var]
            elif row is not None:
                new.setdefault(place[0], []).append(row)
        for rows in new.values():
            index.put(self.tx, rows)  # type: ignore[type-var]


# ---------------------------------------------------------------- operations and transactions


def _finalise(
    tx: Connection, recorded: Sequence[IndexedOperation], height: int, at: datetime
) -> None:
    """Operations that the range records become final, whoever relayed them.

    One that we gave up keeps its state; `audit` names it.
    """
    places = {operation.digest: operation.tx_hash for operation in recorded}
    rows = [row for row in list_by_digests(tx, places) if row.state in _WAITING]
    unmined: dict[bytes, list[Digest]] = {}
    for row in rows:
        if row.state is not OperationState.MINED:
            unmined.setdefault(places[row.digest], []).append(row.digest)
    for transaction_hash, digests in unmined.items():
        move_operations(
            tx,
            digests,
            OperationState.MINED,
            at,
            expected=_WAITING - {OperationState.MINED},
            transaction_hash=transaction_hash,
        )
    everything = [row.digest for row in rows]
    move_operations(tx, everything, OperationState.FINAL, at, expected=[OperationState.MINED])
    _finalise_transactions(tx, height)


def _finalise_transactions(tx: Connection, height: int) -> None:
    """What was mined up to there is final, unless the block that held it was replaced.

    Then an operation that it carries is mined and not final: the writer looks for it again.
    """
    rows = [
        row
        for row in list_transactions(tx, states=[TransactionState.MINED], limit=_MANY)
        if row.block_height is not None and row.block_height <= height
    ]
    carried = list_carried(tx, [row.id for row in rows])
    for row in rows:
        states = {each.state for each in list_by_digests(tx, carried.get(row.id, []))}
        if OperationState.MINED not in states:
            move_transaction(
                tx,
                row.hash,
                TransactionState.FINAL,
                expected=[TransactionState.MINED],
                block_height=row.block_height,
            )
