"""The embedded chain: a function of its genesis and a journal.

Before a block is mined, its ordered raw transactions and its timestamp are durable in the journal;
afterwards its hash.  anvil with `--no-mining --order fifo`, a fixed genesis timestamp and the same
bytes makes the same hashes, so a restart replays the journal and must reach them, or stops.
A snapshot shortens the replay.  It is of the state before a block that the journal has, so that the
block's hash, which commits to every account, proves it; a snapshot that fails is passed over.

anvil's calls and estimates see the last block's time: after a quiet night, an operation that is
signed now would look signed in the future. The chain's own node names the next block's time.

anvil's genesis header holds neither the chain id nor the balances: the timestamp tells one home's
genesis hash from another's, and block 1 commits to the balances.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

import structlog

from ledger.chain.anvil import AnvilProcess
from ledger.chain.node import Node, SendAnswer, SendOutcome
from ledger.chain.snapshots import Snapshot, SnapshotFolder
from ledger.chain.transactions import gas_limit
from ledger.chain.transport import Limits
from ledger.crashing import crash_point
from ledger.domain.chain.chain_reader import Block
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import (
    RESTORE_BACKUP,
    ChainUnavailable,
    Inconsistent,
    InvalidInput,
    Refused,
)

BLOCK_GAS_LIMIT = 30_000_000
#: 10²⁷ wei: at 2 gwei a gas, 10¹⁰ full blocks
RELAYER_BALANCE = 10**27
#: of the genesis block; EIP-1559 lets it fall from there
BASE_FEE = 1_000_000_000
START_SECONDS = 20.0
#: states that stay in memory for calls at older blocks: each is a whole copy, and who asks is
#: seconds behind at most
_KEPT_STATES = 16
#: a long chain's snapshots are this share of its blocks apart: each writes the whole state
_SNAPSHOT_SHARE = 20
_HARDFORK = "cancun"
_PUT_BACK = (
    "the journal, the genesis or anvil's version was changed. Put anvil back as package-lock.json "
    f"has it: npm ci. Where that does not help, {RESTORE_BACKUP}"
)

log = structlog.get_logger("chain")


# ---------------------------------------------------------------- genesis and journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """What the chain starts from; chosen once for each home, then fixed."""

    #: random, so that nothing signed for one home is valid in another
    chain_id: int
    #: Unix seconds
    timestamp: int
    #: account (20 bytes) → wei
    balances: Mapping[bytes, int]

    def to_json(self) -> bytes:
        """The genesis file as geth and anvil read it."""
        forks = ("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople",
                 "petersburg", "istanbul", "berlin", "london")  # fmt: skip
        plain = {
            "config": {
                "chainId": self.chain_id,
                **{f"{fork}Block": 0 for fork in forks},
                "terminalTotalDifficulty": 0,
                "terminalTotalDifficultyPassed": True,
                "shanghaiTime": 0,
                "cancunTime": 0,
            },
            "nonce": "0x0",
            "timestamp": hex(self.timestamp),
            "extraData": "0x",
            "gasLimit": hex(BLOCK_GAS_LIMIT),
            "difficulty": "0x0",
            "mixHash": to_hex(bytes(32)),
            "coinbase": to_hex(bytes(20)),
            "baseFeePerGas": hex(BASE_FEE),
            "alloc": {
                to_hex(account): {"balance": hex(wei)} for account, wei in self.balances.items()
            },
        }
        return json.dumps(plain).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalBlock:
    """One block of the journal."""

    #: 1 for the first after the genesis
    height: int
    #: Unix seconds; rises from block to block
    timestamp: int
    #: EIP-2718 bytes, in the block's order
    raw_transactions: tuple[bytes, ...]
    #: 32 bytes; None when it was journalled and perhaps not mined
    hash: bytes | None


class Journal(Protocol):
    """Where blocks are durable; the database implements it."""

    def blocks(self, *, after: int = 0) -> Iterable[JournalBlock]:
        """Read every block above that height, by height; only the last may lack its hash."""

    def hash_at(self, height: int) -> bytes | None:
        """Read a block's hash; None without the block, or before it was mined."""

    def append(self, height: int, timestamp: int, raw_transactions: Sequence[bytes]) -> None:
        """Store a block before it is mined; durable on return; Conflict if the height is taken."""

    def confirm(self, height: int, block_hash: bytes) -> None:
        """Store the hash of a mined block; durable on return."""


class TransactionRefused(Refused):
    """The chain refuses a transaction; nothing was journalled and nothing mined."""

    def __init__(self, index: int, answer: SendAnswer) -> None:
        super().__init__(
            f"transaction {index} is refused: {answer.reason or answer.outcome}",
            field=to_hex(answer.transaction_hash),
            rule="a block holds what the chain accepts, all of it or nothing",
            remedy="sign it again with the sender's next nonce and the fee that the chain asks",
        )
        #: its place in the block that was asked for
        self.index = index
        self.answer = answer


# ---------------------------------------------------------------- the chain


@dataclass(slots=True)
class _Running:
    """A child and how to speak to it."""

    process: AnvilProcess
    node: Node
    tip: Block


@dataclass(slots=True)
class EmbeddedChain:
    """anvil as our child, driven by the journal; safe to use from several threads."""

    binary: Path
    genesis: Genesis
    journal: Journal
    #: Unix seconds
    clock: Callable[[], float] = time.time
    #: without them each start plays the whole journal, and nothing is dumped
    snapshots: SnapshotFolder | None = None
    #: where the child's socket stands; without it the child opens a port
    run_folder: Path | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _running: _Running | None = None
    #: height of the last snapshot that was taken or started from
    _snapshot_at: int = 0

    @classmethod
    def start(  # noqa: PLR0913 - all that a chain is made of
        cls,
        binary: Path,
        genesis: Genesis,
        journal: Journal,
        *,
        clock: Callable[[], float] = time.time,
        snapshots: SnapshotFolder | None = None,
        run_folder: Path | None = None,
    ) -> Self:
        """Starts anvil and replays the journal, from a snapshot where one serves.

        Raises Inconsistent, naming the height and both hashes, when the replay differs from the
        journal; ChainUnavailable when anvil does not start; NotFound without its binary.
        """
        chain = cls(
            binary=binary,
            genesis=genesis,
            journal=journal,
            clock=clock,
            snapshots=snapshots,
            run_folder=run_folder,
        )
        chain.ensure_running()
        return chain

    def __enter__(self) -> Self:
        """The chain itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stops the child."""
        self.stop()

    @property
    def url(self) -> str:
        """Where anvil listens: for this process and the gateway only, never for users.

        Raises ChainUnavailable while it does not run; only work on the chain starts it again.
        """
        running = self._running
        if running is None or not running.process.is_running():
            raise ChainUnavailable(
                "the embedded chain is not running",
                field="anvil",
                rule="the embedded chain runs while a worker does",
                remedy="wait until the worker has started it again, or run: steriledger up",
            )
        return running.node.name

    @property
    def open_because(self) -> str | None:
        """Why every account of the machine reaches the child; None when this process alone does."""
        return self.ensure_running().process.open_because

    @property
    def node(self) -> Node:
        """A node of the running chain; ask again after an error, since a restart moves it."""
        return self.ensure_running().node

    @property
    def pid(self) -> int | None:
        """The child's process id; None when it does not run."""
        return None if self._running is None else self._running.process.pid

    @property
    def tip(self) -> Block:
        """The last mined block."""
        return self.ensure_running().tip

    def stop(self) -> None:
        """Ends the child; the journal is what remains."""
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                running.node.close()
                running.process.stop()

    def ensure_running(self) -> _Running:
        """The living child; one that died is replaced, and the journal replayed into it."""
        with self._lock:
            if self._running is not None and self._running.process.is_running():
                return self._running
            self.stop()
            snapshot = self._usable_snapshot()
            if snapshot is not None:
                try:
                    return self._start_from(snapshot)
                except (ChainUnavailable, Inconsistent) as error:
                    self._pass_over(snapshot, str(error))
            return self._start_from(None)

    def mine(self, raw_transactions: Sequence[bytes], timestamp: int) -> Block:
        """The next block, with exactly these transactions, journalled before it is mined.

        Raises TransactionRefused, Refused or InvalidInput with nothing journalled. An anvil that
        dies meanwhile is replaced once; after journalling, the block comes out of the replay.
        """
        with self._lock:
            tip = self.ensure_running().tip
            self._take_snapshot(tip)
            if timestamp <= tip.timestamp:
                raise InvalidInput(
                    f"{timestamp} does not follow {tip.timestamp}",
                    field="timestamp",
                    rule="block times rise",
                    remedy="give a time after the last block's",
                )
            running = self._offer(raw_transactions)
            crash_point("chain.offered")
            try:
                self.journal.append(tip.number + 1, timestamp, tuple(raw_transactions))
                crash_point("chain.journalled")
                return self._seal_and_confirm(running, raw_transactions, timestamp)
            except BaseException:
                # Child and journal may differ now; the next use replays the journal.
                self.stop()
                raise

    def _seal_and_confirm(
        self, running: _Running, raw_transactions: Sequence[bytes], timestamp: int
    ) -> Block:
        height = running.tip.number + 1
        try:
            block = _seal(running, raw_transactions, timestamp)
        except (ChainUnavailable, Inconsistent):
            self.stop()
            tip = self.ensure_running().tip
            if tip.number < height:
                raise
            return tip
        crash_point("chain.sealed")
        self.journal.confirm(height, block.hash)
        crash_point("chain.confirmed")
        return block

    def _offer(self, raw_transactions: Sequence[bytes]) -> _Running:
        """Puts the transactions into anvil's pool, where they can still be taken back."""
        try:
            return _offer(self.ensure_running(), raw_transactions)
        except ChainUnavailable:
            self.stop()
            return _offer(self.ensure_running(), raw_transactions)

    def _next_block_time(self) -> int:
        """The time of a block that would be mined now."""
        running = self._running
        least = 0 if running is None else running.tip.timestamp + 1
        return max(int(self.clock()), least)

    # ------------------------------------------------------------ starting

    def _start_from(self, snapshot: Snapshot | None) -> _Running:
        """The child, from a snapshot or from the genesis, with the rest of the journal."""
        self._running = self._launch(snapshot)
        self._snapshot_at = 0 if snapshot is None else snapshot.height
        crash_point("chain.launched")
        try:
            self._replay(self._running)
        except BaseException:
            self.stop()
            raise
        return self._running

    def _launch(self, snapshot: Snapshot | None) -> _Running:
        flags = (
            "--host 127.0.0.1 --port 0 --no-cors --accounts 0 --no-mining --order fifo "
            f"--hardfork {_HARDFORK} --chain-id {self.genesis.chain_id} "
            f"--gas-limit {BLOCK_GAS_LIMIT} --timestamp {self.genesis.timestamp} "
            f"--prune-history {_KEPT_STATES} --no-request-size-limit "
            "--disable-default-create2-deployer --disable-console-log"
        )
        state = None
        if snapshot is not None and self.snapshots is not None:
            state = self.snapshots.read(snapshot)
        process = AnvilProcess(
            self.binary,
            self.genesis.to_json(),
            flags.split(),
            state=state,
            folder=self.run_folder,
        )
        url = process.start(timeout_seconds=START_SECONDS)
        limits = Limits(timeout_seconds=60.0, attempts=1)
        node = Node(url, limits=limits, block_time=self._next_block_time)
        try:
            tip = self._check_first(node, snapshot)
        except BaseException:
            node.close()
            process.stop()
            raise
        return _Running(process=process, node=node, tip=tip)

    def _check_first(self, node: Node, snapshot: Snapshot | None) -> Block:
        """The block that anvil stands at; raises Inconsistent when it is not where it should be."""
        genesis, block = node.block(0), node.block("latest")
        height = 0 if snapshot is None else snapshot.height
        if (
            genesis is None
            or genesis.timestamp != self.genesis.timestamp
            or node.chain_id() != self.genesis.chain_id
            or block is None
            or block.number != height
        ):
            raise Inconsistent(
                "anvil did not start from this home's genesis",
                field="anvil",
                rule="the chain's id, genesis time and height are the home's",
                remedy="check that anvil's version is that of package-lock.json, and start again",
            )
        if snapshot is not None and block.hash != snapshot.hash:
            raise Inconsistent(
                f"the snapshot holds another block {height}",
                field="snapshot",
                rule="a snapshot is of a block of the journal",
                remedy="nothing: the journal is played from an older one, or from its beginning",
            )
        return block

    def _replay(self, running: _Running) -> None:
        pending: JournalBlock | None = None
        for journalled in self.journal.blocks(after=running.tip.number):
            expected = running.tip.number + 1
            if pending is not None or journalled.height != expected:
                raise Inconsistent(
                    f"the journal has block {journalled.height} where {expected} belongs",
                    field="journal",
                    rule="heights rise by one, and only the last block may lack its hash",
                    remedy=f"steriledger audit names what is missing; {RESTORE_BACKUP}",
                )
            block = _replay_block(running, journalled)
            if journalled.hash is None:
                pending = journalled
            elif journalled.hash != block.hash:
                raise Inconsistent(
                    f"block {block.number} of the journal has hash {to_hex(journalled.hash)}; "
                    f"replayed, it has {to_hex(block.hash)}",
                    field="journal",
                    rule="the same genesis and transactions make the same hashes",
                    remedy=_PUT_BACK,
                )
        if pending is not None:
            crash_point("chain.recovered")
            self.journal.confirm(pending.height, running.tip.hash)

    # ------------------------------------------------------------ the snapshot

    def _usable_snapshot(self) -> Snapshot | None:
        """The snapshot; one that is of no block of the journal stays: it tells of a loss.

        Without a mined block after it, nothing in the journal proves a snapshot: it waits.
        """
        snapshot = None if self.snapshots is None else self.snapshots.find()
        if snapshot is None:
            return None
        if self.journal.hash_at(snapshot.height) != snapshot.hash:
            _warn_of(snapshot, "the journal has no such block")
            return None
        return None if self.journal.hash_at(snapshot.height + 1) is None else snapshot

    def _pass_over(self, snapshot: Snapshot, reason: str) -> None:
        _warn_of(snapshot, reason)
        if self.snapshots is not None:
            self.snapshots.drop(snapshot)

    def _take_snapshot(self, tip: Block) -> None:
        """Before the next block, when the last one is far enough behind; a full disk is no harm."""
        if self.snapshots is None:
            return
        distance = max(self.snapshots.every, tip.number // _SNAPSHOT_SHARE)
        if tip.number - self._snapshot_at < distance:
            return
        self._snapshot_at = tip.number
        try:
            dumped = str(self.ensure_running().node.ask("anvil_dumpState"))
            snapshot = Snapshot(height=tip.number, hash=tip.hash)
            self.snapshots.write(snapshot, bytes.fromhex(dumped.removeprefix("0x")))
        except (OSError, ChainUnavailable) as error:
            log.warning("snapshot_not_taken", height=tip.number, reason=str(error))
        else:
            log.info("snapshot_taken", height=tip.number)


def _warn_of(snapshot: Snapshot, reason: str) -> None:
    log.warning("snapshot_passed_over", snapshot=snapshot.name, reason=reason)


# ---------------------------------------------------------------- one block


def _replay_block(running: _Running, journalled: JournalBlock) -> Block:
    try:
        _fill_pool(running, journalled.raw_transactions)
        return _seal(running, journalled.raw_transactions, journalled.timestamp)
    except TransactionRefused as error:
        raise Inconsistent(
            f"block {journalled.height} of the journal cannot be mined again: {error.what}",
            field="journal",
            rule="the same genesis and transactions make the same hashes",
            remedy=_PUT_BACK,
        ) from None


def _offer(running: _Running, raw_transactions: Sequence[bytes]) -> _Running:
    _empty_pool(running)
    try:
        _fill_pool(running, raw_transactions)
        _check_pool(running, raw_transactions)
    except Refused:
        _empty_pool(running)
        raise
    return running


def _empty_pool(running: _Running) -> None:
    running.node.ask("anvil_dropAllTransactions")


def _fill_pool(running: _Running, raw_transactions: Sequence[bytes]) -> None:
    for index, raw in enumerate(raw_transactions):
        answer = running.node.send_raw(raw)
        if answer.outcome is not SendOutcome.ACCEPTED:
            raise TransactionRefused(index, answer)


def _check_pool(running: _Running, raw_transactions: Sequence[bytes]) -> None:
    """Every transaction is ready to be mined, and all of them fit into one block."""
    status = running.node.ask("txpool_status")
    if status != {"pending": hex(len(raw_transactions)), "queued": "0x0"}:
        raise Refused(
            "a transaction does not continue its sender's nonces",
            field="raw_transactions",
            rule="nonces of one sender are consecutive",
            remedy="give them in the order of their nonces, without a gap",
        )
    gas = sum(map(gas_limit, raw_transactions))
    if gas > BLOCK_GAS_LIMIT:
        raise Refused(
            f"the transactions may use {gas} gas",
            field="raw_transactions",
            rule=f"a block holds {BLOCK_GAS_LIMIT}",
            remedy="divide them among several blocks",
        )


def _seal(running: _Running, raw_transactions: Sequence[bytes], timestamp: int) -> Block:
    """Mines the pool and checks that the block is exactly what was asked for."""
    running.node.ask("evm_setNextBlockTimestamp", timestamp)
    running.node.ask("evm_mine")
    height = running.tip.number + 1
    block = running.node.block("latest")
    wanted = tuple(keccak256(raw) for raw in raw_transactions)
    if (
        block is None
        or block.number != height
        or block.parent_hash != running.tip.hash
        or block.timestamp != timestamp
        or block.transactions != wanted
    ):
        raise Inconsistent(
            f"anvil did not mine block {height} as it was journalled",
            remedy="Stop whatever else speaks to the embedded chain, and restart.",
            field="anvil",
            rule="a block is exactly what the journal says",
        )
    running.tip = block
    return block
