"""SQLite's write-ahead log is deleted after a kill: the worker stops and names what is lost."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from ledger.domain.encoding.identifiers import to_hex
from ledger.steps.answering.status import WorkerState, status
from ledger.steps.auditing.audit import audit
from ledger.steps.starting.chains import reading_chain
from ledger.storage.journal import JournalBlockRow, find_last_mined
from tests.faults.children import Home, housing
from tests.faults.proofs import accepted, mined_hashes, opened, require_whole, waiting


def last_of(home: Home) -> JournalBlockRow:
    with opened(home) as instance, instance.database.reading() as tx:
        last = find_last_mined(tx)
    assert last is not None
    return last


def test_a_deleted_write_ahead_log_stops_the_worker_and_the_loss_is_named(
    home: Home, tmp_path: Path
) -> None:
    worker = home.start("worker")
    with opened(home) as instance:
        worker.wait_for(lambda: waiting(instance) == 0)
        worker.wait_for(lambda: status(instance).lag == 0)
        digests, hashes = accepted(instance), mined_hashes(instance)
        assert worker.kill() == -signal.SIGKILL
        # Copied before this process closes its own connections, which would fold the log in.
        whole = shutil.copytree(home.folder, tmp_path / "whole")
        torn = shutil.copytree(home.folder, tmp_path / "torn")
    with housing(whole) as kept:
        last = last_of(kept)
    assert last.hash is not None
    assert (torn / "steriledger.db-wal").stat().st_size > 0
    (torn / "steriledger.db-wal").unlink()
    (torn / "steriledger.db-shm").unlink()
    with housing(torn) as lost:
        stopped = lost.start("worker")
        assert stopped.wait() != 0
        assert "the database has lost what it had" in stopped.words()
        with opened(lost) as instance:
            seen = status(instance)
            assert seen.worker is WorkerState.HALTED
            assert seen.halted is not None
            assert f"block {last.height} as {to_hex(last.hash)}" in seen.halted.reason
            assert "steriledger.db-wal" in (seen.halted.remedy or "")
            with reading_chain(instance) as node:
                found = audit(instance, node).differences
        assert ("journal_blocks", str(last.height), "hash") in {
            (each.table, each.row, each.field) for each in found
        }

    with housing(whole) as kept, opened(kept) as instance:
        again = kept.start("worker")
        again.wait_for(lambda: again.log.exists() and "chain_readable" in again.words())
        assert again.stop() == 0
        require_whole(instance, digests, hashes=hashes)
