"""The embedded chain's journal: what every block is made of, kept before it is mined."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from ledger.domain.errors import Conflict
from ledger.storage.engine.columns import ThirtyTwo
from ledger.storage.engine.rows import Rows
from ledger.storage.engine.tables import table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalBlockRow:
    """One block of the journal."""

    height: int
    #: Unix seconds
    timestamp: int
    #: the ordered raw transactions, as the chain module packs them
    transactions: bytes
    #: None until it was mined
    hash: ThirtyTwo | None = None


journal_blocks = table_of("journal_blocks", JournalBlockRow, key=("height",))


_blocks = Rows(journal_blocks, JournalBlockRow, "journal block")


def insert_block(tx: Connection, row: JournalBlockRow) -> None:
    """Write a block down before it is mined; raises Conflict when its height is taken."""
    _blocks.insert(tx, [row])


def find_block(tx: Connection, height: int) -> JournalBlockRow | None:
    """The block of that height, or None."""
    return _blocks.find_by(tx, height=height)


def get_block(tx: Connection, height: int) -> JournalBlockRow:
    """The block of that height; raises NotFound."""
    return _blocks.get_by(tx, height=height, name=height)


def find_last_block(tx: Connection) -> JournalBlockRow | None:
    """The highest block, mined or not; None in an empty journal."""
    found = _blocks.list(tx, order=[journal_blocks.c.height.desc()], limit=1)
    return found[0] if found else None


def find_last_mined(tx: Connection) -> JournalBlockRow | None:
    """The highest block that has its hash; None while none was mined."""
    c = journal_blocks.c
    found = _blocks.list(tx, c.hash.is_not(None), order=[c.height.desc()], limit=1)
    return found[0] if found else None


def list_blocks(tx: Connection, *, after: int = -1, limit: int = 100) -> list[JournalBlockRow]:
    """Blocks by height, starting after `after`."""
    return _blocks.page(tx, after=after, limit=limit)


def list_hashes(tx: Connection, *, first: int, last: int) -> dict[int, bytes]:
    """The hashes of the mined blocks from `first` to `last`, by height."""
    c = journal_blocks.c
    wanted = select(c.height, c.hash).where(c.height.between(first, last), c.hash.is_not(None))
    return {row.height: row.hash for row in tx.execute(wanted)}


def complete_block(tx: Connection, height: int, transactions: bytes) -> None:
    """Write down all of a block that was cut off; raises Conflict when it has a hash already."""
    c = journal_blocks.c
    changed = tx.execute(
        journal_blocks.update()
        .where(c.height == height, c.hash.is_(None))
        .values(transactions=transactions)
    )
    if changed.rowcount == 0:
        raise Conflict(
            f"block {height} is mined",
            field="journal_blocks.transactions",
            rule="a mined block stays as it is",
            remedy="start again",
        )


def set_block_hash(tx: Connection, height: int, block_hash: bytes) -> None:
    """Write down the hash that a block got; the same hash again changes nothing.

    Raises NotFound, and Conflict when another hash stands there.
    """
    c = journal_blocks.c
    changed = tx.execute(
        journal_blocks.update()
        .where(c.height == height, c.hash.is_(None) | (c.hash == block_hash))
        .values(hash=block_hash)
    )
    if changed.rowcount == 0:
        stood = get_block(tx, height).hash or b""
        raise Conflict(
            f"block {height} has the hash 0x{stood.hex()}, not 0x{block_hash.hex()}",
            field="journal_blocks.hash",
            rule="a mined block keeps its hash",
            remedy="only one process may mine: end the other one, and start again",
        )
