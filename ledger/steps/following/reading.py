"""A range of blocks → its events and operations, held against hashes, heads and digests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger.domain.chain.chain_reader import Block
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.abi import Eip712Domain
from ledger.domain.encoding.events import (
    Event,
    Log,
    kind_of_events,
    operation_from_events,
    parse_event,
    verify_heads,
)
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.encoding.message_words import digest_of_words, words_of_events
from ledger.domain.errors import ChainUnavailable, Inconsistent, InvalidInput
from ledger.domain.operations import Contract
from ledger.domain.subjects.indexed import Cursor, IndexedOperation, IndexedSignature
from ledger.domain.subjects.projection import indexed_operation
from ledger.steps.following.journalled import Journalled, foreign_block
from ledger.steps.following.signatures import Recorded, read_signatures
from ledger.steps.following.start import REBUILD, two_answers
from ledger.steps.starting.source import Source

_HEAD = keccak256(b"head()")[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a range of blocks says, checked."""

    cursor: Cursor
    events: Sequence[Event]
    operations: Sequence[IndexedOperation]
    signatures: Sequence[IndexedSignature]


def read_range(  # noqa: PLR0913 - from where, how far, and what is taken
    source: Source,
    deployment: Deployment,
    cursor: Cursor,
    last: int,
    *,
    is_newest: bool,
    journal: Journalled | None = None,
) -> Range:
    """Read the blocks after the cursor up to `last`; `is_newest` when no final block is above it.

    Raises ChainUnavailable when the node contradicts itself, ForeignBlock when a block is not in
    the `journal`, and Inconsistent when an event is missing or is not what it says.
    """
    blocks = _read_blocks(source, cursor, last)
    if journal is not None:
        _require_journalled(blocks, journal(cursor.height + 1, last))
    logs = source.logs(list(deployment.recording_contracts()), cursor.height + 1, last)
    events = _events(logs, blocks, deployment.recording_contracts())
    registry_head = _head(events, Contract.UNIT_REGISTRY, cursor.registry_head)
    ledger_head = _head(events, Contract.CYCLE_LEDGER, cursor.ledger_head)
    if is_newest:
        _compare_head(source, deployment, Contract.UNIT_REGISTRY, registry_head, last)
        _compare_head(source, deployment, Contract.CYCLE_LEDGER, ledger_head, last)
    domains = {contract: deployment.domain_of(contract) for contract in Contract}
    recorded = [_operation(group, domains, blocks) for group in _operation_events(events)]
    end = blocks[last]
    return Range(
        cursor=Cursor(
            height=last,
            hash=end.hash,
            parent=end.parent_hash,
            registry_head=registry_head,
            ledger_head=ledger_head,
        ),
        events=events,
        operations=[each.operation for each in recorded],
        signatures=read_signatures(source, deployment, recorded),
    )


def _read_blocks(source: Source, cursor: Cursor, last: int) -> dict[int, Block]:
    """The headers after the cursor, each the child of the one before."""
    blocks: dict[int, Block] = {}
    parent = cursor.hash
    first = cursor.height + 1
    for height, block in enumerate(source.blocks(first, last), first):
        if block is None or block.number != height:
            raise ChainUnavailable(
                f"the node does not have block {height}",
                remedy="wait until it has caught up, or name another node",
            )
        if block.parent_hash != parent:
            raise two_answers(height)
        blocks[height] = block
        parent = block.hash
    return blocks


def _require_journalled(blocks: Mapping[int, Block], held: Mapping[int, bytes]) -> None:
    for height, block in blocks.items():
        if held.get(height) != block.hash:
            raise foreign_block(height, block.hash, held.get(height))


def _events(
    logs: Iterable[Log], blocks: Mapping[int, Block], contracts: Mapping[bytes, Contract]
) -> list[Event]:
    """The events of logs that stand where their blocks say, in the chain's order."""
    events = [_event(log, blocks, contracts) for log in logs]
    _verify_order(events)
    return events


def _event(log: Log, blocks: Mapping[int, Block], contracts: Mapping[bytes, Contract]) -> Event:
    block = blocks[log.block_number]
    places = block.transactions[log.transaction_index : log.transaction_index + 1]
    if log.block_hash != block.hash or places != (log.transaction_hash,):
        raise two_answers(block.number)
    try:
        return parse_event(log, contracts)
    except InvalidInput as error:
        raise Inconsistent(
            f"block {block.number} holds a log that no contract of ours emits: {error}",
            remedy=REBUILD,
        ) from error


def _verify_order(events: Sequence[Event]) -> None:
    places = [(event.log.block_number, event.log.log_index) for event in events]
    if places != sorted(set(places)):
        raise two_answers(places[0][0])


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
            remedy="the node left out an event: " + REBUILD,
        )


def _operation_events(events: Iterable[Event]) -> list[list[Event]]:
    """The events of each operation; what completes a recovery is no operation."""
    groups: dict[tuple[bytes, Digest], list[Event]] = {}
    for event in events:
        if event.name != "RecoveryCompleted":
            groups.setdefault((event.log.transaction_hash, event.digest), []).append(event)
    return list(groups.values())


def _operation(
    events: Sequence[Event], domains: Mapping[Contract, Eip712Domain], blocks: Mapping[int, Block]
) -> Recorded:
    stated, height = events[0].digest, events[0].log.block_number
    try:
        kind = kind_of_events(events)
        message = operation_from_events(kind, events)
    except InvalidInput as error:
        raise Inconsistent(
            f"operation {to_hex(stated)} at block {height} is not whole: {error}", remedy=REBUILD
        ) from error
    announcing = next(event for event in events if event.name == kind.event)
    words = words_of_events(kind, announcing, events)
    computed = digest_of_words(kind, words, domains[kind.contract])
    if computed != stated:
        raise Inconsistent(
            f"the events of operation {to_hex(stated)} at block {height} describe "
            f"{to_hex(computed)}",
            field="digest",
            rule="an operation is named by the EIP-712 digest of its message",
            remedy=REBUILD,
        )
    row = indexed_operation(kind, message, announcing, timestamp=blocks[height].timestamp)
    return Recorded(row, words)
