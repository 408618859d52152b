"""What holds after every fault: nothing lost, nothing twice, nothing stuck, nothing rewritten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from ledger.chain.node import Node
from ledger.domain.acts.catalogue import find_act
from ledger.domain.encoding.events import parse_event
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import NotFound
from ledger.domain.outbox.operation_states import OperationState
from ledger.settings import Settings
from ledger.steps.answering.status import status
from ledger.steps.auditing.audit import audit
from ledger.steps.instance import Instance, open_instance
from ledger.steps.starting.chains import reading_chain
from ledger.steps.starting.deploy import open_relayer
from ledger.storage.engine.schema import metadata
from ledger.storage.journal import list_blocks
from ledger.storage.operations import count_by_state, list_operations
from ledger.storage.transactions import TransactionState, list_transactions
from tests.chain.kit import wait_until_gone
from tests.faults.children import Home

_EVERY = 100_000
#: how many a node is asked about at once
_BLOCKS = 50


@contextmanager
def opened(home: Home) -> Iterator[Instance]:
    """The home's instance, in this process."""
    settings = Settings(
        home=home.folder,
        database_url=home.database_url,
        chain_url=home.chain_url,
        finality=home.finality,
    )
    instance = open_instance(settings)
    try:
        yield instance
    finally:
        instance.close()


def is_deployed(instance: Instance) -> bool:
    """Whether the contracts stand."""
    try:
        instance.deployment()
    except NotFound:
        return False
    return True


def waiting(instance: Instance) -> int:
    """Accepted operations that are not final."""
    with instance.database.reading() as tx:
        counts = count_by_state(tx)
    return sum(number for state, number in counts.items() if state is not OperationState.FINAL)


def accepted(instance: Instance) -> list[Digest]:
    """Every accepted operation, in order."""
    with instance.database.reading() as tx:
        return [row.digest for row in list_operations(tx, limit=_EVERY)]


def rows(instance: Instance) -> dict[str, int]:
    """How many rows each table has."""
    with instance.database.reading() as tx:
        return {
            name: tx.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def mined_hashes(instance: Instance) -> dict[int, bytes]:
    """The journal's blocks whose hash is known, by height."""
    with instance.database.reading() as tx:
        rows = list_blocks(tx, limit=_EVERY)
    return {row.height: row.hash for row in rows if row.hash is not None}


def require_unchanged(before: Mapping[int, bytes], after: Mapping[int, bytes]) -> None:
    """A block that was mined keeps its hash."""
    assert {height: after.get(height) for height in before} == dict(before)


def require_whole(
    instance: Instance, digests: Sequence[Digest], *, hashes: Mapping[int, bytes]
) -> None:
    """All of these operations, and no others, are final and on the chain once, and all agrees.

    `hashes` are the blocks that were mined before.  A worker may run.
    """
    assert accepted(instance) == list(digests)
    assert waiting(instance) == 0
    after = mined_hashes(instance)
    require_unchanged(hashes, after)
    assert sorted(after) == list(range(1, len(after) + 1))
    with reading_chain(instance) as node:
        assert _announced(instance, node) == Counter(digests)
        _require_nonces(instance, node)
        for height, block_hash in after.items():
            block = node.block(height)
            assert block is not None
            assert block.hash == block_hash
        report = audit(instance, node)
    assert [str(each) for each in report.differences] == []
    assert (report.owed, report.by_others) == ((), ())
    seen = status(instance)
    assert seen.stuck == ()
    assert (seen.waits, seen.halted) == (None, None)


def _announced(instance: Instance, node: Node) -> Counter[Digest]:
    """How often the chain itself, not our index, has each operation."""
    deployment = instance.deployment()
    contracts = deployment.recording_contracts()
    latest = node.block("latest")
    assert latest is not None
    logs = [
        log
        for first in range(deployment.deployed_at, latest.number + 1, _BLOCKS)
        for log in node.logs(list(contracts), first, min(first + _BLOCKS - 1, latest.number))
    ]
    events = [parse_event(log, contracts) for log in logs]
    with instance.database.reading() as tx:
        kinds = {row.digest: find_act(row.kind) for row in list_operations(tx, limit=_EVERY)}
    # An admission enrols its administrator too: the event of the operation's own kind counts.
    return Counter(each.digest for each in events if each.name == kinds[each.digest].event)


def _require_nonces(instance: Instance, node: Node) -> None:
    """Each of the relayer's nonces was used, once, and nothing waits beyond the last."""
    with instance.database.reading() as tx:
        rows = list_transactions(tx, limit=_EVERY)
    account = open_relayer(instance).address
    used = node.transaction_count(account)
    ours = sorted(row.nonce for row in rows if row.state is TransactionState.FINAL)
    assert ours == list(range(used - len(ours), used))
    ended = {TransactionState.FINAL, TransactionState.DROPPED}
    assert [row for row in rows if row.state not in ended] == []


def require_no_chain(instance: Instance) -> None:
    """The chain ends with its worker: the kernel kills it then, and it may take a moment to die."""
    for pid in anvils_of(instance):
        wait_until_gone(pid)


def anvils_of(instance: Instance) -> list[int]:
    """Process ids of the chains that run for this home, whoever started them."""
    chain_id = str(instance.deployment().chain_id).encode()
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--chain-id" in words and words[words.index(b"--chain-id") + 1] == chain_id:
            found.append(int(entry.name))
    return found
