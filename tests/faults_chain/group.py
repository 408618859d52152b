"""A hospital on a chain of others, with a proxy in between that a test tells to misbehave."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

from ledger.chain.anvil import AnvilProcess
from ledger.chain.calldata import encode_batch
from ledger.chain.embedded import Genesis
from ledger.chain.node import Node
from ledger.chain.transactions import Envelope, Price, Relayer
from ledger.chain.transport import Limits
from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.vocabulary import Machine
from ledger.domain.acts.words import Party
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.operations import message_from_json
from ledger.domain.outbox.batching import Proof
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.settings import Settings
from ledger.steps.following.follow import index_next
from ledger.steps.instance import Instance, open_instance
from ledger.steps.sending.writer import Writer
from ledger.steps.starting.deploy import ensure_deployment, ensure_home, open_relayer
from ledger.steps.starting.leasing import LEASE
from ledger.steps.starting.link import RemoteLink, find_anvil
from ledger.steps.worker import run_worker
from ledger.storage import index
from ledger.storage.engine.database import open_database
from ledger.storage.leases import release_lease
from ledger.storage.operations import get_operation, list_signatures
from ledger.storage.transactions import TransactionRow, list_transactions
from tests.faults_chain.proxy import FaultProxy, fault_proxy
from tests.fingerprint import index_fingerprint
from tests.steps.hospital import Hospital
from tests.steps.test_send import set_late

CHAIN_ID = 710_002
PATIENCE_SECONDS = 120
#: an account that is not our relayer, and pays for what others send
STRANGER = Relayer(private_key=b"\x5e" * 32)
#: answers are late after this, and a question is put three times at once
QUICK = Limits(timeout_seconds=1.0, attempts=3, pause_seconds=0.001)
S = OperationState


@dataclass(frozen=True)
class RealNode:
    """An anvil whose blocks the test makes."""

    url: str
    endpoint: Node
    #: Unix seconds
    genesis_time: int

    def fund(self, account: bytes) -> None:
        """Enough for every test."""
        self.endpoint.ask("anvil_setBalance", to_hex(account), hex(10**24))

    def mines_by_itself(self, does: bool) -> None:
        """Whether every transaction makes a block at once."""
        self.endpoint.ask("evm_setAutomine", does)

    def mine(self, blocks: int = 1) -> None:
        """Blocks of everything that waits, then empty ones."""
        self.endpoint.ask("anvil_mine", hex(blocks))

    def height(self) -> int:
        """The newest block's."""
        return int(str(self.endpoint.ask("eth_blockNumber")), 16)

    def block(self, height: int) -> dict[str, object]:
        """As the node tells it."""
        return cast(
            "dict[str, object]", self.endpoint.ask("eth_getBlockByNumber", hex(height), False)
        )

    def raw_block(self, height: int) -> tuple[int, list[str]]:
        """Its Unix seconds, and the bytes of its transactions."""
        block = self.block(height)
        hashes = cast("list[str]", block["transactions"])
        raw = [str(self.endpoint.ask("eth_getRawTransactionByHash", each)) for each in hashes]
        return int(str(block["timestamp"]), 16), raw

    def replay(self, blocks: Iterable[tuple[int, Sequence[str]]]) -> None:
        """The same blocks again, after the same genesis block; the next ones are of now."""
        for timestamp, raw in blocks:
            for each in raw:
                self.endpoint.ask("eth_sendRawTransaction", each)
            self.endpoint.ask("evm_setNextBlockTimestamp", timestamp)
            self.mine()
        self.go_on_from_now()

    def go_on_from_now(self) -> None:
        """The next block has the time of now.

        A node that was told the time of a block, the first included, goes on from there, and what
        is signed now would be signed in its future.
        """
        newest = int(str(self.block(self.height())["timestamp"]), 16)
        self.endpoint.ask("evm_setTime", max(int(time.time()), newest + 1))

    def forget_waiting(self) -> None:
        """The pool is empty."""
        self.endpoint.ask("anvil_dropAllTransactions")

    def reorganise(self, blocks: int, kept: Sequence[bytes] = ()) -> None:
        """As many other blocks stand in place of the last; the first of them holds `kept`.

        Without it, it holds something of a stranger's: an empty block might be the same again.
        """
        other = self.sign(STRANGER, b"\x66" * 20, b"", tag=hex(self.height() - blocks))
        pairs = [[to_hex(raw), 0] for raw in kept or [other]]
        self.endpoint.ask("anvil_reorg", blocks, pairs)
        self.forget_waiting()

    def roll_back(self, blocks: int) -> None:
        """The last blocks never happened."""
        self.endpoint.ask("anvil_rollback", blocks)
        self.forget_waiting()

    def send(self, relayer: Relayer, to: bytes, data: bytes) -> bytes:
        """A transaction of somebody's; returns its bytes."""
        raw = self.sign(relayer, to, data)
        self.endpoint.ask("eth_sendRawTransaction", to_hex(raw))
        return raw

    def sign(self, relayer: Relayer, to: bytes, data: bytes, *, tag: str = "pending") -> bytes:
        """A transaction of somebody's, not sent; its nonce is the next at the block `tag`."""
        count = self.endpoint.ask("eth_getTransactionCount", to_hex(relayer.address), tag)
        price = Price(max_fee=10**11, priority_fee=0)
        envelope = Envelope(
            chain_id=CHAIN_ID, nonce=int(str(count), 16), to=to, data=data, gas=2_000_000,
            price=price,
        )  # fmt: skip
        return relayer.sign(envelope).raw


@contextmanager
def real_node(
    *flags: str,
    chain_id: int = CHAIN_ID,
    genesis_time: int | None = None,
    fork: str = "cancun",
) -> Iterator[RealNode]:
    """A running anvil; with the same genesis time, a second one is the same chain."""
    since = genesis_time or int(time.time())
    genesis = Genesis(chain_id=chain_id, timestamp=since, balances={})
    common = f"--host 127.0.0.1 --port 0 --no-cors --accounts 0 --chain-id {chain_id}"
    process = AnvilProcess(
        find_anvil(), genesis.to_json(), [*common.split(), "--hardfork", fork, *flags]
    )
    endpoint = Node(process.start(timeout_seconds=20))
    try:
        yield RealNode(endpoint.name, endpoint, since)
    finally:
        endpoint.close()
        process.stop()


def group_node(genesis_time: int | None = None) -> AbstractContextManager[RealNode]:
    """A node that calls the block before the last two its final one, as a group's nodes do."""
    return real_node("--slots-in-an-epoch", "1", genesis_time=genesis_time)


@dataclass(kw_only=True)
class Group:
    """An instance, its chain, and the proxy between them."""

    hospital: Hospital
    node: RealNode
    proxy: FaultProxy
    writer: Writer
    _late: timedelta = timedelta(0)

    @property
    def instance(self) -> Instance:
        """The hospital's."""
        return self.hospital.instance

    def later(self, **parts: float) -> None:
        """The writer's clock goes ahead by so much more."""
        self._late += timedelta(**parts)
        set_late(self.writer, self.instance.clock, self._late)

    def restart(self) -> None:
        """A writer that remembers nothing."""
        self.writer = Writer.open(self.instance, self.hospital.link, self.writer.lease)
        self.later()

    def rounds(self, blocks: int, *, deeper: int = 0) -> None:
        """A block for each round of the writer and the follower, then as many more blocks."""
        for _ in range(blocks):
            self.writer.step()
            self.node.mine()
        self.node.mine(max(deeper, 1))
        self.writer.step()
        self.hospital.follow()

    def give_back_lease(self) -> None:
        """So that a worker of its own may run."""
        lease = self.writer.lease
        with self.instance.database.transaction() as tx:
            release_lease(tx, LEASE, lease.holder, lease.epoch)

    def states(self, digests: Sequence[Digest]) -> set[OperationState]:
        """Where the operations stand."""
        return {self.hospital.state(digest) for digest in digests}

    def transactions(self) -> list[TransactionRow]:
        """Everything that was signed."""
        with self.instance.database.reading() as tx:
            return list_transactions(tx, limit=10_000)

    def fingerprint(self) -> bytes:
        """Of the index that is kept."""
        with self.instance.database.reading() as tx:
            return index_fingerprint(tx)

    def fresh_fingerprint(self, folder: Path) -> bytes:
        """Of an index that somebody else makes of the real node's chain now."""
        with (
            closing(open_database(f"sqlite:///{folder / 'fresh.db'}")) as fresh,
            closing(Node(self.node.url)) as node,
        ):
            fresh.migrate()
            finality = self.instance.settings.finality
            while True:
                progress = index_next(fresh, node, self.instance.deployment(), finality=finality)
                if progress.height >= progress.final:
                    break
            with fresh.reading() as tx:
                return index_fingerprint(tx)

    def recorded(self) -> list[Digest]:
        """What the index has, in the chain's order."""
        with self.instance.database.reading() as tx:
            rows = index.list_rows(tx, IndexedOperation)
        return [row.digest for row in sorted(rows, key=lambda row: (row.height, row.position))]


@dataclass(frozen=True)
class Template:
    """A unit with a sterilizer, final; every test takes it from here."""

    home: Path
    #: the genesis block's, Unix seconds
    genesis_time: int
    #: (Unix seconds, EIP-2718 bytes) of each block after the genesis
    blocks: Sequence[tuple[int, Sequence[str]]]
    #: 32 bytes, of the last block
    head: str
    #: who holds which key, as the hospital knows it
    administrators: dict[int, bytes]
    operators: dict[int, bytes]
    machines: dict[str, Machine]

    @contextmanager
    def copied(self, folder: Path, *, finality: str = "depth:2") -> Iterator[Group]:
        """A copy of the home, and the same chain on a node of its own.

        A node that hangs or dies then spoils the one test that it served.
        """
        shutil.copytree(self.home, folder / "home")
        with ExitStack() as stack:
            node = stack.enter_context(group_node(self.genesis_time))
            proxy = stack.enter_context(fault_proxy(node.url))
            instance = open_instance(
                Settings(home=folder / "home", chain_url=proxy.url, finality=finality)
            )
            stack.callback(instance.close)
            node.fund(open_relayer(instance).address)
            node.fund(STRANGER.address)
            node.mines_by_itself(False)
            node.replay(self.blocks)
            assert node.block(node.height())["hash"] == self.head
            # What follows a block that a test takes back is dated after it: after today's then.
            node.mine()
            link = RemoteLink(node=Node(proxy.url, limits=QUICK))
            stack.callback(link.stop)
            hospital = Hospital(
                instance=instance,
                link=link,
                administrators=dict(self.administrators),
                operators=dict(self.operators),
                machines=dict(self.machines),
            )
            yield Group(hospital=hospital, node=node, proxy=proxy, writer=hospital.writer())


def make_template(folder: Path) -> Template:
    """Contracts, a unit and a sterilizer on a new chain."""
    with group_node() as node:
        settings = Settings(home=folder / "home", chain_url=node.url, finality="instant")
        instance = open_instance(settings)
        ensure_home(instance)
        link = RemoteLink(node=Node(node.url, limits=QUICK))
        for account in (open_relayer(instance).address, STRANGER.address):
            node.fund(account)
        ensure_deployment(instance, link)
        hospital = Hospital(instance=instance, link=link)
        hospital.admit(1)
        hospital.register(1, "S1")
        writer = hospital.writer()
        hospital.settle(writer)
        node.mine(70)
        hospital.follow()
        with instance.database.transaction() as tx:
            release_lease(tx, LEASE, writer.lease.holder, writer.lease.epoch)
        link.stop()
        instance.close()
        return Template(
            home=settings.home,
            genesis_time=node.genesis_time,
            blocks=[node.raw_block(height) for height in range(1, node.height() + 1)],
            head=str(node.block(node.height())["hash"]),
            administrators=hospital.administrators,
            operators=hospital.operators,
            machines=hospital.machines,
        )


@contextmanager
def working(instance: Instance) -> Iterator[list[BaseException]]:
    """A worker in a thread; what ended it is in the list.  Leaving asks it to stop and waits."""
    stop, ended = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            run_worker(instance, stop)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ended
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds, or the test's patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def calldata_of(instance: Instance, digest: Digest) -> bytes:
    """The call that records one accepted operation, whoever sends it."""
    with instance.database.reading() as tx:
        row, signatures = get_operation(tx, digest), list_signatures(tx, [digest])
    kind = find_act(row.kind)
    proofs = {
        each.party: Proof(
            signer=b"" if each.party is Party.AUTHORITY else each.signer, signature=each.signature
        )
        for each in signatures
    }
    return encode_batch(kind, [message_from_json(kind, row.message)], [proofs])
