"""A journal whose end did not reach the disk is continued; one that was changed is not believed."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Update

from ledger.storage.journal import find_last_block, journal_blocks
from tests.faults.children import Home, housing
from tests.faults.proofs import accepted, mined_hashes, opened, require_whole, rows, waiting

#: of SQLite's write-ahead log, https://www.sqlite.org/fileformat2.html#walformat
_HEADER, _FRAME = 32, 24 + 4096


def cut(size: int) -> Callable[[bytes], bytes]:
    return lambda log: log[: len(log) - size]


def garble(log: bytes) -> bytes:
    """The last page was being written when the power went."""
    return log[:-2000] + bytes(byte ^ 0x5A for byte in log[-2000:])


def half(log: bytes) -> bytes:
    """Everything since some moment long before is lost."""
    return log[: _HEADER + (len(log) - _HEADER) // _FRAME // 2 * _FRAME]


@pytest.mark.parametrize(
    "tear",
    [cut(1), cut(_FRAME), cut(3 * _FRAME + 77), garble, half],
    ids=["byte", "page", "pages", "garbled", "half"],
)
@pytest.mark.parametrize("point", ["chain.journalled", "chain.confirmed"])
def test_a_torn_end_of_the_journal_is_as_if_it_was_never_written(
    point: str, tear: Callable[[bytes], bytes], home: Home, tmp_path: Path
) -> None:
    assert home.start("worker", crash_at=point).wait() == -signal.SIGKILL
    torn = tmp_path / "torn"
    shutil.copytree(home.folder, torn)
    log = torn / "steriledger.db-wal"
    whole = log.read_bytes()
    log.write_bytes(tear(whole))
    with housing(torn) as restored, opened(restored) as instance:
        digests, seen = accepted(instance), mined_hashes(instance)
        assert len(digests) == 12
        worker = restored.start("worker")
        worker.wait_for(lambda: waiting(instance) == 0)
        require_whole(instance, digests, hashes=seen)
        assert worker.stop() == 0


def test_a_journal_row_that_was_cut_off_stops_the_worker_which_names_it(home: Home) -> None:
    assert home.start("worker", crash_at="chain.journalled").wait() == -signal.SIGKILL
    with opened(home) as instance:
        with instance.database.transaction() as tx:
            last = find_last_block(tx)
            assert last is not None
            assert last.hash is None
            tx.execute(write(last.height, last.transactions[:-1]))
        stored = rows(instance)
        stopped = home.start("worker")
        assert stopped.wait() != 0
        assert "a block of the journal is cut off" in stopped.words()
        assert {**rows(instance), "settings": stored["settings"]} == stored
        with instance.database.transaction() as tx:
            tx.execute(write(last.height, last.transactions))
        worker = home.start("worker")
        worker.wait_for(lambda: waiting(instance) == 0)
        require_whole(instance, accepted(instance), hashes=mined_hashes(instance))


def write(height: int, transactions: bytes) -> Update:
    return (
        journal_blocks.update()
        .where(journal_blocks.c.height == height)
        .values(transactions=transactions)
    )
