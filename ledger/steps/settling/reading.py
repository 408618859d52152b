"""Index, or a chain alone → the entries of the books, and the block that closes a month."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.words import Contract
from ledger.domain.chain.chain_reader import Block
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import ZERO_DIGEST
from ledger.domain.errors import ChainUnavailable, Refused
from ledger.domain.operations import indexed_message
from ledger.domain.statement.account import Closing
from ledger.domain.statement.books import READ
from ledger.domain.statement.month import Entry
from ledger.domain.statement.periods import Period
from ledger.domain.statement.work import COUNTED
from ledger.steps.following.reading import ReadEvents, read_events
from ledger.steps.following.start import first_cursor, two_answers
from ledger.steps.starting.source import Source
from ledger.storage import index

#: how many blocks are asked for at once
RANGE = 512
_PAGE = 5000
_WANTED = READ | COUNTED


def entries_of_index(tx: Connection, below: int) -> Iterator[Entry]:
    """What the index holds of the blocks below a height, in the chain's order."""
    after = -1, -1
    acts = {name: find_act(name) for name in _WANTED}
    while True:
        rows = index.list_told(tx, _WANTED, after=after, below=below, limit=_PAGE)
        for digest, kind, about, unit, message, height, time, place in rows:
            said = indexed_message(acts[kind], message)
            # by place: by name it takes twice as long
            yield Entry(digest, kind, about, unit, said, height, time, place)
        if len(rows) < _PAGE:
            return
        after = rows[-1][5], rows[-1][7]


def entries_of_chain(
    source: Source, deployment: Deployment, closing: Closing, final: int
) -> Iterator[Entry]:
    """What a chain announces below the closing block, every event held against its hashes.

    The heads are those of the final block, and what it announces until then is read for them: most
    nodes keep no state of a month ago.  Raises Inconsistent when an event is missing or altered,
    ChainUnavailable without an answer, or when the chain is replaced meanwhile.
    """
    below = closing.block
    cursor = first_cursor(source, deployment)
    heads = dict.fromkeys(Contract, bytes(ZERO_DIGEST))
    while cursor.height < final:
        until = below - 1 if cursor.height < below - 1 else final
        last = min(cursor.height + RANGE, until)
        read = read_events(source, deployment, cursor, heads, last, is_newest=last == final)
        if until < below:
            yield from _entries(read)
        cursor, heads = read.cursor, dict(read.heads)
        if last == below - 1:
            end = _block(source, below)
            if end.hash != closing.hash or end.parent_hash != cursor.hash:
                raise two_answers(below)


def _entries(read: ReadEvents) -> Iterator[Entry]:
    for event in read.events:
        if event.act is not None and event.act.name in _WANTED:
            yield Entry(
                digest=event.digest,
                kind=event.act.name,
                about=event.about,
                unit=event.unit,
                message=event.message,
                block=event.log.block_number,
                time=read.times[event.log.block_number],
                place=event.log.log_index,
            )


def find_closing(source: Source, period: Period, offset: int, final: int) -> Closing:
    """The first final block at or after a month's end; raises Refused while there is none."""
    end = period.ends(offset)
    newest = _block(source, final) if final >= 0 else None
    if newest is None or newest.timestamp < end:
        raise Refused(
            f"{period} is not closed: no final block is at or after its end",
            field="period",
            rule="a month closes with the first final block at or after its end",
            remedy="wait for the next block, or ask a node that has followed the chain further",
        )
    low, high = -1, final
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _block(source, middle).timestamp >= end else (middle, high)
    block = _block(source, high)
    return Closing(block=block.number, hash=block.hash, time=block.timestamp)


def _block(source: Source, height: int) -> Block:
    block = source.block(height)
    if block is None:
        raise ChainUnavailable(
            f"the node does not have block {height}",
            remedy="wait until it has caught up, or name another node",
        )
    return block
