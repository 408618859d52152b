"""A start from a snapshot is the start from the genesis, sooner; a bad snapshot changes nothing."""

from __future__ import annotations

import gzip
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ledger.chain.embedded import EmbeddedChain, JournalBlock
from ledger.chain.snapshots import Snapshot, SnapshotFolder
from ledger.domain.errors import Inconsistent
from ledger.keys.vault import Vault
from tests.chain.kit import ANVIL, START, MemoryJournal, genesis, transfer, wait_until_gone

#: as anvil dumps it
State: TypeAlias = Any

VAULT = Vault(b"\x07" * 32)
BLOCKS = 7


def folder_at(path: Path, *, every: int = 3, vault: Vault = VAULT) -> SnapshotFolder:
    return SnapshotFolder(
        folder=path,
        every=every,
        seal=lambda content, name: vault.encrypt(content, purpose="snapshot", row=name),
        unseal=lambda sealed, name: vault.decrypt(sealed, purpose="snapshot", row=name),
    )


@dataclass
class Replayed(MemoryJournal):
    """A journal that remembers from where it was read last."""

    after: int | None = None

    def blocks(self, *, after: int = 0) -> Iterator[JournalBlock]:
        self.after = after
        return super().blocks(after=after)


@contextmanager
def running(journal: MemoryJournal, folder: SnapshotFolder | None) -> Iterator[EmbeddedChain]:
    with EmbeddedChain.start(
        ANVIL, genesis(), journal, clock=lambda: START + 10**6, snapshots=folder
    ) as chain:
        yield chain


def grow(chain: EmbeddedChain, blocks: int = 1) -> None:
    for _ in range(blocks):
        height = chain.tip.number + 1
        chain.mine([transfer(height - 1, data=bytes(height))], START + 10 * height)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Replayed, Path]:
    """Seven blocks, and a snapshot of the sixth."""
    journal, path = Replayed(), tmp_path_factory.mktemp("grown")
    with running(journal, folder_at(path)) as chain:
        grow(chain, BLOCKS)
    assert height(folder_at(path)) == 6
    return journal, path


@pytest.fixture
def journal(grown: tuple[Replayed, Path]) -> Replayed:
    return Replayed(stored=list(grown[0].stored))


@pytest.fixture
def folder(grown: tuple[Replayed, Path], tmp_path: Path) -> SnapshotFolder:
    for each in grown[1].iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    return folder_at(tmp_path)


def height(folder: SnapshotFolder) -> int | None:
    """Of the one snapshot that is there."""
    if not folder.folder.exists():
        return None
    assert len(list(folder.folder.iterdir())) <= 1
    found = folder.find()
    return None if found is None else found.height


def everything(chain: EmbeddedChain) -> list[object]:
    """Blocks, transactions and receipts, as anvil tells them."""
    ask = chain.ensure_running().node.ask
    told: list[object] = [ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})]
    for height in range(chain.tip.number + 1):
        block: Any = ask("eth_getBlockByNumber", hex(height), True)
        told.append(block)
        told += [ask("eth_getTransactionReceipt", each["hash"]) for each in block["transactions"]]
    return told


def test_a_start_from_a_snapshot_is_the_whole_chain_and_reads_the_rest_of_the_journal_only(
    journal: Replayed, folder: SnapshotFolder
) -> None:
    with running(journal, None) as whole, running(journal, folder) as chain:
        assert journal.after == 6
        assert everything(chain) == everything(whole)
        grow(chain)
        continued = journal.stored.pop()
        grow(whole)
        assert journal.stored[-1] == continued


def test_a_chain_that_is_killed_comes_back_from_its_snapshot(
    journal: Replayed, folder: SnapshotFolder
) -> None:
    with running(journal, folder) as chain:
        told = everything(chain)
        journal.after = None
        assert chain.pid is not None
        os.kill(chain.pid, signal.SIGKILL)
        wait_until_gone(chain.pid)
        assert everything(chain) == told
        assert journal.after == 6


def test_one_snapshot_is_kept_and_drafts_of_the_dead_are_swept(
    journal: Replayed, folder: SnapshotFolder
) -> None:
    draft = folder.folder / ".state-000000000001-00.sealed.1"
    draft.write_bytes(b"half")
    with running(journal, folder) as chain:
        grow(chain, 3)
    assert height(folder) == 9
    assert not draft.exists()
    assert {path.stat().st_mode & 0o777 for path in folder.folder.iterdir()} >= {0o600}


# ---------------------------------------------------------------- what is no good


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


@pytest.mark.parametrize("damage", [cut, flip, lambda _: b""], ids=["cut", "flipped", "empty"])
def test_a_damaged_snapshot_goes_and_the_whole_journal_is_played(
    journal: Replayed, folder: SnapshotFolder, damage: Callable[[bytes], bytes]
) -> None:
    newest = folder.folder / snapshot_of(folder).name
    newest.write_bytes(damage(newest.read_bytes()))
    with running(journal, folder) as chain:
        assert chain.tip.number == BLOCKS
        assert journal.after == 0
    assert height(folder) is None


def snapshot_of(folder: SnapshotFolder) -> Snapshot:
    found = folder.find()
    assert found is not None
    return found


def test_a_lost_folder_of_snapshots_is_no_loss(journal: Replayed, tmp_path: Path) -> None:
    with running(journal, folder_at(tmp_path / "lost")) as chain:
        assert chain.tip.number == BLOCKS


def resealed(folder: SnapshotFolder, change: Callable[[State], None]) -> None:
    """The newest snapshot's state changed by somebody who has the key."""
    newest = snapshot_of(folder)
    state = json.loads(folder.read(newest))
    change(state)
    folder.write(newest, gzip.compress(json.dumps(state).encode()))


def enrich(state: State) -> None:
    """One account has one wei more."""
    account = next(iter(state["accounts"].values()))
    account["balance"] = hex(int(account["balance"], 16) + 1)


def forget_last(state: State) -> None:
    """The last block is missing."""
    state["blocks"] = [each for each in state["blocks"] if int(each["header"]["number"], 16) != 6]
    state["best_block_number"] = hex(5)


@pytest.mark.parametrize("change", [enrich, forget_last, dict.clear])
def test_a_sealed_snapshot_of_another_state_does_not_lead_to_the_journals_hashes(
    journal: Replayed, folder: SnapshotFolder, change: Callable[[State], None]
) -> None:
    resealed(folder, change)
    with running(journal, folder) as chain:
        assert journal.after == 0
        assert chain.tip.hash == journal.stored[-1].hash
    assert height(folder) is None


def test_a_snapshot_under_another_key_or_name_does_not_open(
    journal: Replayed, folder: SnapshotFolder
) -> None:
    other = folder_at(folder.folder, vault=Vault(b"\x08" * 32))
    newest = snapshot_of(folder)
    with pytest.raises(Inconsistent):
        other.read(newest)
    renamed = replace(newest, height=newest.height + 1)
    (folder.folder / newest.name).rename(folder.folder / renamed.name)
    with pytest.raises(Inconsistent):
        folder.read(renamed)


def test_a_snapshot_of_no_block_of_this_journal_is_passed_over_and_stays(
    journal: Replayed, folder: SnapshotFolder
) -> None:
    """It tells of blocks that the journal has lost."""
    folder.write(Snapshot(height=2, hash=b"\x01" * 32), b"")
    with running(journal, folder) as chain:
        assert chain.tip.number == BLOCKS
        assert journal.after == 0
    assert height(folder) == 2


def test_a_snapshot_that_no_later_block_proves_waits_for_one(
    journal: Replayed, folder: SnapshotFolder
) -> None:
    journal.stored = [*journal.stored[:6], replace(journal.stored[6], hash=None)]
    with running(journal, folder) as chain:
        assert journal.after == 0
        assert chain.tip.number == BLOCKS
    assert height(folder) == 6


def test_a_journal_that_was_altered_after_the_snapshot_stops_the_chain(
    journal: Replayed, folder: SnapshotFolder
) -> None:
    journal.stored[6] = replace(journal.stored[6], timestamp=journal.stored[6].timestamp + 1)
    with pytest.raises(Inconsistent, match="block 7"), running(journal, folder):
        pass


def test_a_snapshot_that_cannot_be_written_keeps_nobody_from_recording(
    journal: Replayed, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with running(journal, folder_at(tmp_path / "file" / "under", every=1)) as chain:
        grow(chain)
        assert chain.tip.number == BLOCKS + 1
