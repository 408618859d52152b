"""A range of blocks → its events and operations, held against hashes, heads and digests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger.domain.acts.vocabulary import word
from ledger.domain.acts.words import Contract
from ledger.domain.chain.chain_reader import Block
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.abi import Eip712Domain
from ledger.domain.encoding.events import Event, Log, parse_event, verify_digest, verify_heads
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import ChainUnavailable, Inconsistent, InvalidInput
from ledger.domain.operations import message_to_json
from ledger.domain.subjects.indexed import Cursor, IndexedOperation, IndexedSignature
from ledger.steps.following.journalled import Journalled, foreign_block
from ledger.steps.following.signatures import read_signatures
from ledger.steps.following.start import REBUILD, two_answers
from ledger.steps.starting.source import Source

_HEAD = keccak256(b"head()")[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEvents:
    """What a range of blocks announces, checked."""

    cursor: Cursor
    #: every contract's running head at the cursor
    heads: Mapping[Contract, bytes]
    events: Sequence[Event]
    #: Unix seconds of each block, by height
    times: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(ReadEvents):
    """The same, as the rows of the index."""

    operations: Sequence[IndexedOperation]
    signatures: Sequence[IndexedSignature]


def in_rows(source: Source, deployment: Deployment, read: ReadEvents) -> Range:
    """What was read of a range, as the rows of the index."""
    announced = [event for event in read.events if event.act is not None]
    return Range(
        cursor=read.cursor,
        heads=read.heads,
        events=read.events,
        times=read.times,
        operations=[_row(event, read.times) for event in announced],
        signatures=read_signatures(source, deployment, announced),
    )


def read_events(  # noqa: PLR0913 - from where, how far, and what is taken
    source: Source,
    deployment: Deployment,
    cursor: Cursor,
    heads: Mapping[Contract, bytes],
    last: int,
    *,
    is_newest: bool,
    journal: Journalled | None = None,
) -> ReadEvents:
    """Read the blocks after the cursor up to `last`; `is_newest` when no final block is above it.

    Raises ChainUnavailable when the node contradicts itself, ForeignBlock when a block is not in
    the `journal`, and Inconsistent when an event is missing or is not what it says.
    """
    blocks = _read_blocks(source, cursor, last)
    if journal is not None:
        _require_journalled(blocks, journal(cursor.height + 1, last))
    logs = source.logs(list(deployment.recording_contracts()), cursor.height + 1, last)
    events = _events(logs, blocks, deployment.recording_contracts())
    after = {
        contract: verify_heads(head, [each for each in events if each.contract is contract])
        for contract, head in heads.items()
    }
    for contract, head in after.items() if is_newest else ():
        _compare_head(source, deployment, contract, head, last)
    domains = {contract: deployment.domain_of(contract) for contract in Contract}
    for event in events:
        if event.act is not None:
            _verify_digest(event, domains)
    end = blocks[last]
    times = {height: block.timestamp for height, block in blocks.items()}
    return ReadEvents(
        cursor=Cursor(height=last, hash=end.hash, parent=end.parent_hash),
        heads=after,
        events=events,
        times=times,
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


def _verify_digest(event: Event, domains: Mapping[Contract, Eip712Domain]) -> None:
    try:
        verify_digest(event, domains[event.contract])
    except InvalidInput as error:
        raise Inconsistent(
            f"the event of operation {to_hex(event.digest)} at block {event.log.block_number} "
            f"{error.what}",
            field="digest",
            rule=error.rule,
            remedy=REBUILD,
        ) from error


def _row(event: Event, times: Mapping[int, int]) -> IndexedOperation:
    if event.act is None:
        raise AssertionError(event.name)
    log, message = event.log, event.message
    return IndexedOperation(
        digest=event.digest,
        kind=event.act.name,
        unit=event.unit,
        subject=event.about,
        also=event.act.also_of(event.message),
        message=message_to_json(event.act, message),
        new_key=event.new_key or None,
        record=word(message, "record"),
        height=log.block_number,
        block_hash=log.block_hash,
        timestamp=times[log.block_number],
        tx_hash=log.transaction_hash,
        position=log.log_index,
        head=event.head,
    )
