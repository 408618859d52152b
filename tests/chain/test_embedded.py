from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from ledger.chain import anvil
from ledger.chain.embedded import (
    BLOCK_GAS_LIMIT,
    EmbeddedChain,
    TransactionRefused,
)
from ledger.chain.node import Node, SendOutcome
from ledger.chain.transactions import Envelope
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.errors import ChainUnavailable, Inconsistent, InvalidInput, NotFound, Refused
from tests.chain.kit import (
    ANVIL,
    PRICE,
    RELAYER,
    START,
    MemoryJournal,
    chain_of,
    genesis,
    transfer,
    wait_until_gone,
)


def fill(journal: MemoryJournal, blocks: int) -> None:
    with chain_of(journal) as chain:
        for height in range(1, blocks + 1):
            raws = [transfer(2 * height - 2), transfer(2 * height - 1)]
            chain.mine(raws, START + 10 * height)


def test_a_block_holds_the_transactions_in_the_given_order_at_the_given_time() -> None:
    journal = MemoryJournal()
    with chain_of(journal) as chain:
        raws = [transfer(nonce) for nonce in range(5)]
        block = chain.mine(raws, START + 7)
    assert block.number == 1
    assert block.timestamp == START + 7
    assert block.transactions == tuple(keccak256(raw) for raw in raws)
    assert [(b.height, b.timestamp, b.raw_transactions, b.hash) for b in journal.stored] == [
        (1, START + 7, tuple(raws), block.hash)
    ]


def test_two_homes_with_the_same_journal_reach_the_same_hashes() -> None:
    first, second = MemoryJournal(), MemoryJournal()
    fill(first, 4)
    fill(second, 4)
    assert [block.hash for block in first.stored] == [block.hash for block in second.stored]
    assert len({block.hash for block in first.stored}) == 4


def test_a_killed_chain_comes_back_with_the_same_blocks() -> None:
    journal = MemoryJournal()
    with chain_of(journal) as chain:
        before = [chain.mine([transfer(n)], START + 1 + n) for n in range(3)]
        pid = chain.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_until_gone(pid)
        assert chain.tip == before[-1]
        assert [chain.node.block(height) for height in (1, 2, 3)] == before
        assert chain.pid != pid
        after = chain.mine([transfer(3)], START + 10)
    assert after.parent_hash == before[-1].hash


class _DiesAfterAppend(MemoryJournal):
    chain: EmbeddedChain | None = None

    def append(self, height: int, timestamp: int, raw_transactions: Sequence[bytes]) -> None:
        super().append(height, timestamp, raw_transactions)
        if self.chain is not None and self.chain.pid is not None and height == 2:
            pid = self.chain.pid
            os.kill(pid, signal.SIGKILL)
            wait_until_gone(pid)


def test_a_chain_killed_between_journal_and_mining_mines_what_was_journalled() -> None:
    expected = MemoryJournal()
    fill(expected, 3)
    journal = _DiesAfterAppend()
    with chain_of(journal) as chain:
        journal.chain = chain
        for height in (1, 2, 3):
            raws = [transfer(2 * height - 2), transfer(2 * height - 1)]
            block = chain.mine(raws, START + 10 * height)
            assert block.number == height
    assert journal.stored == expected.stored


def test_a_last_block_without_hash_is_mined_from_its_bytes_and_confirmed() -> None:
    journal = MemoryJournal()
    fill(journal, 3)
    whole = list(journal.stored)
    journal.stored[-1] = replace(whole[-1], hash=None)
    with chain_of(journal) as chain:
        assert chain.tip.hash == whole[-1].hash
    assert journal.stored == whole


def altered_time(journal: MemoryJournal) -> None:
    journal.stored[1] = replace(journal.stored[1], timestamp=START + 21)


def altered_order(journal: MemoryJournal) -> None:
    block = journal.stored[1]
    journal.stored[1] = replace(block, raw_transactions=block.raw_transactions[:1])


def altered_hash(journal: MemoryJournal) -> None:
    journal.stored[1] = replace(journal.stored[1], hash=bytes(32))


def removed_block(journal: MemoryJournal) -> None:
    del journal.stored[1]


def lost_hash_in_the_middle(journal: MemoryJournal) -> None:
    journal.stored[1] = replace(journal.stored[1], hash=None)


def garbage(journal: MemoryJournal) -> None:
    journal.stored[1] = replace(journal.stored[1], raw_transactions=(b"\x02\xc0",))


@pytest.mark.parametrize(
    "alter",
    [altered_time, altered_order, altered_hash, removed_block, lost_hash_in_the_middle, garbage],
)
def test_an_altered_journal_stops_the_chain(alter: object) -> None:
    journal = MemoryJournal()
    fill(journal, 3)
    assert callable(alter)
    alter(journal)
    before = list(journal.stored)
    with pytest.raises(Inconsistent), chain_of(journal):
        pass
    assert journal.stored == before


def test_the_mismatch_names_height_and_both_hashes() -> None:
    journal = MemoryJournal()
    fill(journal, 2)
    true = journal.stored[0].hash
    assert true is not None
    journal.stored[0] = replace(journal.stored[0], hash=b"\xab" * 32)
    with pytest.raises(Inconsistent) as caught, chain_of(journal):
        pass
    assert "block 1 " in caught.value.what
    assert "ab" * 32 in caught.value.what
    assert true.hex() in caught.value.what


def test_another_genesis_does_not_fit_the_journal() -> None:
    journal = MemoryJournal()
    fill(journal, 1)
    with pytest.raises(Inconsistent), chain_of(journal, chain_id=5_000_000_002):
        pass


@pytest.mark.parametrize("timestamp", [START, START - 1, 0])
def test_a_block_time_that_does_not_rise_is_refused_and_not_journalled(timestamp: int) -> None:
    journal = MemoryJournal()
    with chain_of(journal) as chain:
        with pytest.raises(InvalidInput):
            chain.mine([transfer(0)], timestamp)
        assert chain.tip.number == 0
    assert journal.stored == []


def test_a_refused_transaction_leaves_journal_and_chain_as_they_were() -> None:
    journal = MemoryJournal()
    with chain_of(journal) as chain:
        first = chain.mine([transfer(0)], START + 1)
        with pytest.raises(TransactionRefused) as caught:
            chain.mine([transfer(1), transfer(0)], START + 2)
        assert caught.value.index == 1
        assert caught.value.answer.outcome is SendOutcome.NONCE_TOO_LOW
        with pytest.raises(TransactionRefused):
            chain.mine([transfer(1, chain_id=1)], START + 2)
        with pytest.raises(TransactionRefused):
            chain.mine([b"not a transaction"], START + 2)
        with pytest.raises(TransactionRefused):
            chain.mine([transfer(1), transfer(1)], START + 2)
        with pytest.raises(Refused, match="nonces"):
            chain.mine([transfer(1), transfer(3)], START + 2)
        assert chain.tip == first
        assert [block.height for block in journal.stored] == [1]
        second = chain.mine([transfer(1)], START + 2)
    assert second.transactions == (keccak256(transfer(1)),)


def test_transactions_that_may_not_fit_into_one_block_are_refused() -> None:
    raws = [
        RELAYER.sign(
            Envelope(
                chain_id=5_000_000_001,
                nonce=nonce,
                to=b"\x22" * 20,
                data=b"",
                gas=BLOCK_GAS_LIMIT // 2 + 1,
                price=PRICE,
            )
        ).raw
        for nonce in range(2)
    ]
    journal = MemoryJournal()
    with chain_of(journal) as chain:
        with pytest.raises(Refused, match="gas"):
            chain.mine(raws, START + 1)
        assert chain.mine(raws[:1], START + 1).gas_used == 21_000
    assert len(journal.stored) == 1


def test_a_chain_that_dies_before_the_next_block_is_replaced_without_anybody_noticing() -> None:
    journal = MemoryJournal()
    with chain_of(journal) as chain:
        for height in range(1, 6):
            block = chain.mine([transfer(height - 1)], START + height)
            assert block.number == height
            pid = chain.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
    assert [block.height for block in journal.stored] == [1, 2, 3, 4, 5]


class _LosesConfirm(MemoryJournal):
    is_broken: bool = False

    def confirm(self, height: int, block_hash: bytes) -> None:
        if self.is_broken:
            raise OSError
        super().confirm(height, block_hash)


def test_a_hash_that_could_not_be_stored_is_stored_before_the_next_block() -> None:
    journal = _LosesConfirm()
    with chain_of(journal) as chain:
        chain.mine([transfer(0)], START + 1)
        journal.is_broken = True
        with pytest.raises(OSError):
            chain.mine([transfer(1)], START + 2)
        assert journal.stored[1].hash is None
        journal.is_broken = False
        block = chain.mine([transfer(2)], START + 3)
    assert block.number == 3
    assert journal.stored[1].hash == block.parent_hash


def test_a_stranger_who_mines_on_our_chain_is_undone() -> None:
    journal = MemoryJournal()
    with chain_of(journal) as chain:
        chain.mine([transfer(0)], START + 1)
        chain.ensure_running().node.ask("evm_mine")
        chain.ensure_running().node.ask("anvil_setBalance", "0x" + "11" * 20, "0xffff")
        block = chain.mine([transfer(1)], START + 100)
        assert block.number == 2
        assert block.parent_hash == journal.stored[0].hash
        assert chain.node.balance(b"\x11" * 20) == 0


def test_no_publicly_known_account_has_money() -> None:
    with chain_of(MemoryJournal()) as chain:
        known = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")
        assert chain.node.balance(known) == 0
        assert chain.node.balance(RELAYER.address) > 10**26


def test_a_missing_binary_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        EmbeddedChain.start(tmp_path / "anvil", genesis(), MemoryJournal())


def test_a_child_that_cannot_start_leaves_its_last_words(tmp_path: Path) -> None:
    binary = tmp_path / "anvil"
    binary.write_text("#!/bin/sh\necho out of luck; exit 3\n")
    binary.chmod(0o755)
    with pytest.raises(ChainUnavailable, match="out of luck"):
        EmbeddedChain.start(binary, genesis(), MemoryJournal())


#: a process of its own that starts a chain in a folder and tells how it stands
STARTS_A_CHAIN = """
import sys
from tests.chain.kit import *
folder = Path(sys.argv[1]) if sys.argv[1] else None
chain = EmbeddedChain.start(ANVIL, genesis(), MemoryJournal(), run_folder=folder)
print(chain.pid, chain.url, chain.open_because, sep="|", flush=True)
input()
"""


@contextmanager
def another_process(
    folder: Path | None, *, before: str = ""
) -> Iterator[tuple[subprocess.Popen[str], int, str, str]]:
    """The process, its anvil's pid and address, and why others reach it."""
    with subprocess.Popen(
        [sys.executable, "-c", before + STARTS_A_CHAIN, str(folder or "")],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid, url, why = parent.stdout.readline().strip().split("|")
        try:
            yield parent, int(pid), url, why
        finally:
            parent.kill()


@pytest.mark.parametrize("place", [None, "run"], ids=["at a port", "at a socket"])
def test_anvil_dies_with_a_parent_that_is_killed_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str | None
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    folder = None if place is None else tmp_path / place
    with another_process(folder) as (parent, pid, _, _):
        parent.kill()
        wait_until_gone(pid)
        parent.wait()
    assert list(temporary.iterdir()) == []
    assert folder is None or list(folder.iterdir()) == []


def test_what_a_process_left_that_was_killed_at_once_goes_at_the_next_start(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid in (ended.pid, os.getpid()):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(run / f"chain-{pid}-0.ipc"))
    with chain_of(MemoryJournal(), run_folder=run):
        assert [each.name for each in run.iterdir()] == [f"chain-{os.getpid()}-0.ipc"]


def network_of(pid: int | str) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def refused_to_another_account(place: str) -> bool:
    """Whether an account without rights is kept out; only root can be another account to try it."""
    program = f"import os, socket; os.setuid(65534); socket.socket(1).connect({place!r})"
    stranger = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    return "PermissionError" in stranger.stderr.splitlines()[-1]


def test_the_child_has_no_port_in_our_network_and_answers_our_account_alone(
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    with chain_of(MemoryJournal(), run_folder=run) as chain:
        assert chain.open_because is None
        assert chain.pid is not None
        assert network_of(chain.pid) != network_of("self")
        assert list(run.iterdir()) == []
        assert run.stat().st_mode & 0o777 == 0o700
        place = chain.url.removeprefix("unix:").partition("#")[0]
        assert Path(place).stat().st_mode & 0o077 == 0
        assert refused_to_another_account(place.replace("self", str(os.getpid())))
        assert chain.mine([transfer(0)], START + 1).number == 1
    with pytest.raises(FileNotFoundError):
        Path(place).stat()


def test_a_home_with_a_long_path_has_its_socket_too(tmp_path: Path) -> None:
    run = tmp_path / ("d" * 120) / ("e" * 120) / "run"
    with chain_of(MemoryJournal(), run_folder=run) as chain:
        assert chain.open_because is None
        assert chain.mine([transfer(0)], START + 1).number == 1


#: what containers without rights do: every `unshare` is refused
REFUSES_UNSHARE = """
import ctypes, platform, struct
number = {"x86_64": 272, "aarch64": 97}[platform.machine()]
rows = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50001), (6, 0, 0, 0x7FFF0000)]
code = b"".join(struct.pack("HBBI", *row) for row in rows)
buffer = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(
    struct.pack("HxxxxxxP", len(rows), ctypes.addressof(buffer))
)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0
"""


def test_where_no_network_of_its_own_is_allowed_the_port_stays_and_it_is_said(
    tmp_path: Path,
) -> None:
    with another_process(tmp_path / "run", before=REFUSES_UNSHARE) as (_, pid, url, why):
        assert url.startswith("http://127.0.0.1:")
        assert why == "this system gives a process no network of its own (Operation not permitted)"
        assert network_of(pid) == network_of("self")
        with Node(url) as node:
            assert node.chain_id() == genesis().chain_id


def test_where_no_socket_can_stand_the_port_stays_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anvil, "_NUMBERS", count(7))
    taken = tmp_path / "run" / f"chain-{os.getpid()}-7.ipc"
    taken.mkdir(parents=True)
    with chain_of(MemoryJournal(), run_folder=tmp_path / "run") as chain:
        assert chain.url.startswith("http://127.0.0.1:")
        assert "no socket can stand in the folder run of the home" in str(chain.open_because)
        assert chain.mine([transfer(0)], START + 1).number == 1
    assert taken.is_dir()


def test_stop_ends_the_child() -> None:
    chain = EmbeddedChain.start(ANVIL, genesis(), MemoryJournal())
    pid = chain.pid
    assert pid is not None
    chain.stop()
    wait_until_gone(pid)
    with pytest.raises(ChainUnavailable):
        _ = chain.url
