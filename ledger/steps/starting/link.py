"""Home → chain: the embedded one from its journal, or the group's own by its address."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import rfc8785
import structlog

from ledger.chain.embedded import EmbeddedChain, Genesis, JournalBlock, TransactionRefused
from ledger.chain.node import Node, SendAnswer, SendOutcome
from ledger.chain.snapshots import SnapshotFolder
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import RESTORE_BACKUP, Inconsistent, NotFound
from ledger.steps.instance import Instance
from ledger.steps.starting.belonging import GENESIS_SETTING, SNAPSHOT_FOLDER
from ledger.steps.starting.choosing import open_group
from ledger.steps.starting.remote import RemoteLink, is_taken
from ledger.storage import journal
from ledger.storage.engine.database import Database
from ledger.storage.settings import find_setting
from ledger.storage.transactions import TransactionState, list_transactions

__all__ = [
    "CHAIN_FILE",
    "GENESIS_SETTING",
    "DatabaseJournal",
    "EmbeddedLink",
    "Link",
    "RemoteLink",
    "find_anvil",
    "genesis_to_bytes",
    "is_taken",
    "open_link",
    "pack_transactions",
    "parse_genesis",
    "snapshots_of",
    "unpack_transactions",
]

#: Where, under the run folder, a worker says at which address its chain can be read.
CHAIN_FILE = "chain.json"

_PAGE = 100
_SEAL = "chain snapshot"
_LENGTH_BYTES = 4
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

log = structlog.get_logger("chain")


# ---------------------------------------------------------------- the chain as the writer sees it


class Link(Protocol):
    """A chain that takes transactions."""

    @property
    def node(self) -> Node:
        """Give the node to ask; ask for it anew after an error, since a restart moves it."""

    @property
    def seals_at_once(self) -> bool:
        """Tell whether what is delivered is in a block when `deliver` returns."""

    def deliver(self, raw_transactions: Sequence[bytes], now: int) -> list[SendAnswer]:
        """Hand signed transactions over, in order, at `now` (Unix seconds).

        Answers up to and including the first that was not taken; raises ChainUnavailable.
        """

    def stop(self) -> None:
        """Give back what the link holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedLink:
    """The embedded chain: what is delivered together becomes one block."""

    chain: EmbeddedChain

    @property
    def node(self) -> Node:
        """A node of the running child."""
        return self.chain.node

    @property
    def seals_at_once(self) -> bool:
        """Always."""
        return True

    def deliver(self, raw_transactions: Sequence[bytes], now: int) -> list[SendAnswer]:
        """One block of all of them, or none; block times rise."""
        try:
            self.chain.mine(raw_transactions, max(now, self.chain.tip.timestamp + 1))
        except TransactionRefused as refused:
            before = raw_transactions[: refused.index]
            return [*map(_accepted, before), refused.answer]
        return [_accepted(raw) for raw in raw_transactions]

    def stop(self) -> None:
        """Ends the child; the journal is what remains."""
        self.chain.stop()


def _accepted(raw: bytes) -> SendAnswer:
    return SendAnswer(outcome=SendOutcome.ACCEPTED, transaction_hash=keccak256(raw), reason="")


def open_link(instance: Instance, *, whole_journal: bool = False) -> Link:
    """The instance's chain, running; with `whole_journal`, no snapshot shortens the replay.

    Raises NotFound without a genesis or without anvil, ChainUnavailable when it does not start,
    Inconsistent when the journal does not lead to the same hashes again, and what `open_group`
    raises for a chain of others.
    """
    if not instance.settings.is_embedded:
        return open_group(instance)
    with instance.database.reading() as tx:
        body = find_setting(tx, GENESIS_SETTING)
    if body is None:
        raise NotFound(
            "this home has no chain yet",
            field="home",
            remedy="steriledger up",
            rule="the first start makes the chain",
        )
    chain = EmbeddedChain.start(
        find_anvil(),
        parse_genesis(body),
        DatabaseJournal(database=instance.database),
        clock=lambda: instance.clock().timestamp(),
        snapshots=None if whole_journal else snapshots_of(instance),
        run_folder=instance.settings.run_folder,
    )
    return EmbeddedLink(chain=chain)


def snapshots_of(instance: Instance) -> SnapshotFolder:
    """The home's snapshots of the embedded chain's state, sealed with the home's key."""
    return SnapshotFolder(
        folder=instance.settings.home / SNAPSHOT_FOLDER,
        every=instance.settings.snapshot_blocks,
        seal=lambda content, name: instance.vault.encrypt(content, purpose=_SEAL, row=name),
        unseal=lambda sealed, name: instance.vault.decrypt(sealed, purpose=_SEAL, row=name),
    )


def find_anvil() -> Path:
    """The embedded chain's program, as the installation fetched it; raises NotFound."""
    architecture = _ARCHITECTURES.get(platform.machine().lower(), platform.machine())
    package = f"anvil-{platform.system().lower()}-{architecture}"
    root = Path(__file__).resolve().parents[3]
    found = root / "node_modules" / "@foundry-rs" / package / "bin" / "anvil"
    if not found.is_file():
        raise NotFound(
            f"there is no {package} under {root / 'node_modules'}",
            field="anvil",
            remedy="run the installation step that fetches the embedded chain: npm ci",
            rule="the embedded chain is anvil, our own child",
        )
    return found


# ---------------------------------------------------------------- genesis and journal as bytes


def genesis_to_bytes(genesis: Genesis) -> bytes:
    """RFC 8785 bytes; wei as text, since they exceed what JSON numbers carry."""
    return rfc8785.dumps(
        {
            "chainId": genesis.chain_id,
            "timestamp": genesis.timestamp,
            "balances": {to_hex(who): str(wei) for who, wei in genesis.balances.items()},
        }
    )


def parse_genesis(body: bytes) -> Genesis:
    """The inverse of `genesis_to_bytes`."""
    plain = json.loads(body)
    return Genesis(
        chain_id=plain["chainId"],
        timestamp=plain["timestamp"],
        balances={bytes.fromhex(who[2:]): int(wei) for who, wei in plain["balances"].items()},
    )


def pack_transactions(raw_transactions: Sequence[bytes]) -> bytes:
    """Each with its length in four bytes before it."""
    return b"".join(len(raw).to_bytes(_LENGTH_BYTES, "big") + raw for raw in raw_transactions)


def unpack_transactions(packed: bytes) -> tuple[bytes, ...]:
    """The inverse of `pack_transactions`; raises Inconsistent for bytes that it does not make."""
    found: list[bytes] = []
    at = 0
    while at < len(packed):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(packed[at:start], "big")
        found.append(packed[start:at])
    if pack_transactions(found) != packed:
        raise Inconsistent(
            "a block of the journal is cut off",
            field="journal_blocks.transactions",
            rule="each transaction stands behind its length in four bytes",
            remedy=f"steriledger audit names the block; {RESTORE_BACKUP}",
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseJournal:
    """The embedded chain's journal in the instance's own database."""

    database: Database

    def blocks(self, *, after: int = 0) -> Iterator[JournalBlock]:
        """Every block above that height, by height, read in pages."""
        last = after
        while True:
            with self.database.reading() as tx:
                page = journal.list_blocks(tx, after=last, limit=_PAGE)
            for row in page:
                yield JournalBlock(
                    height=row.height,
                    timestamp=row.timestamp,
                    raw_transactions=self._transactions(row),
                    hash=row.hash,
                )
            if len(page) < _PAGE:
                return
            last = page[-1].height

    def _transactions(self, row: journal.JournalBlockRow) -> tuple[bytes, ...]:
        """A block's; one that was not confirmed and is cut off is completed from what was signed.

        Raises Inconsistent when what is left of it is not how that begins.
        """
        try:
            return unpack_transactions(row.transactions)
        except Inconsistent:
            if row.hash is not None:
                raise
            signed = self._signed()
            if not pack_transactions(signed).startswith(row.transactions):
                raise
        with self.database.transaction() as tx:
            journal.complete_block(tx, row.height, pack_transactions(signed))
        log.warning("journal_completed", height=row.height)
        return signed

    def _signed(self) -> tuple[bytes, ...]:
        """What was to be mined next: a block takes everything that waits, by nonces."""
        states = (TransactionState.SIGNED, TransactionState.SENT)
        with self.database.reading() as tx:
            rows = list_transactions(tx, states=states, limit=_PAGE)
        return tuple(row.raw for row in sorted(rows, key=lambda row: row.nonce))

    def hash_at(self, height: int) -> bytes | None:
        """A block's hash; None without the block, or before it was mined."""
        with self.database.reading() as tx:
            found = journal.find_block(tx, height)
        return None if found is None else found.hash

    def append(self, height: int, timestamp: int, raw_transactions: Sequence[bytes]) -> None:
        """Durable on return; raises Conflict if the height is taken."""
        row = journal.JournalBlockRow(
            height=height, timestamp=timestamp, transactions=pack_transactions(raw_transactions)
        )
        with self.database.transaction() as tx:
            journal.insert_block(tx, row)

    def confirm(self, height: int, block_hash: bytes) -> None:
        """Durable on return."""
        with self.database.transaction() as tx:
            journal.set_block_hash(tx, height, block_hash)
