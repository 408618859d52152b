"""A journal whose end did not reach the disk is continued; one that was changed is not believed."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Update

from ledger.steps.instance import Instance
from ledger.storage.journal import JournalBlockRow, find_last_block, journal_blocks
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
        assert worker.stop() == 0
        require_whole(instance, digests, hashes=seen)


def cut_last(instance: Instance, change: Callable[[bytes], bytes]) -> JournalBlockRow:
    """The last block, which was never confirmed, as it was before `change`."""
    with instance.database.transaction() as tx:
        last = find_last_block(tx)
        assert last is not None
        assert last.hash is None
        tx.execute(write(last.height, change(last.transactions)))
    return last


@pytest.mark.parametrize("left", [-1, 700, 3])
def test_a_last_row_that_was_cut_off_is_completed_from_what_was_signed(
    left: int, home: Home
) -> None:
    assert home.start("worker", crash_at="chain.journalled").wait() == -signal.SIGKILL
    with opened(home) as instance:
        last = cut_last(instance, lambda whole: whole[:left])
        dead = home.start("worker", crash_at="chain.recovered")
        assert dead.wait() == -signal.SIGKILL, dead.words()
        with instance.database.reading() as tx:
            assert find_last_block(tx) == last
        worker = home.start("worker")
        worker.wait_for(lambda: waiting(instance) == 0)
        assert worker.stop() == 0
        require_whole(instance, accepted(instance), hashes=mined_hashes(instance))


@pytest.mark.parametrize("point", ["chain.journalled", "chain.confirmed"])
def test_a_row_that_is_not_the_beginning_of_what_was_signed_stops_the_worker_which_names_it(
    point: str, home: Home
) -> None:
    assert home.start("worker", crash_at=point).wait() == -signal.SIGKILL
    with opened(home) as instance:
        with instance.database.reading() as tx:
            last = find_last_block(tx)
        assert last is not None
        cut = last.transactions[:-1]
        other = cut if last.hash is not None else cut[:-9] + b"\x5a" + cut[-8:]
        with instance.database.transaction() as tx:
            tx.execute(write(last.height, other))
        stored = rows(instance)
        stopped = home.start("worker")
        assert stopped.wait() != 0
        assert "a block of the journal is cut off" in stopped.words()
        assert {**rows(instance), "settings": stored["settings"]} == stored
        with instance.database.transaction() as tx:
            tx.execute(write(last.height, last.transactions))
        worker = home.start("worker")
        worker.wait_for(lambda: waiting(instance) == 0)
        assert worker.stop() == 0
        require_whole(instance, accepted(instance), hashes=mined_hashes(instance))


def write(height: int, transactions: bytes) -> Update:
    return (
        journal_blocks.update()
        .where(journal_blocks.c.height == height)
        .values(transactions=transactions)
    )
