"""A home in memory: keys, a journal, and an embedded chain with the real contracts."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ledger.chain.calldata import Proofs, encode_batch
from ledger.chain.deploy import finish_deployment, plan_deployment
from ledger.chain.embedded import RELAYER_BALANCE, EmbeddedChain, Genesis, JournalBlock
from ledger.chain.node import Node
from ledger.chain.transactions import Envelope, Price, Relayer, SignedTransaction
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.words import Party
from ledger.domain.chain.chain_reader import Receipt
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import SignerId, signer_id
from ledger.domain.errors import Conflict
from ledger.domain.operations import Operation
from ledger.domain.outbox.batching import Proof

ANVIL = Path(__file__).parents[2] / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
START = 1_750_000_000
#: how long after START the clock of the tests stands, seconds
QUIET = 86_400
PRICE = Price(max_fee=2_000_000_000, priority_fee=0)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass
class MemoryJournal:
    """The journal's contract, in a list."""

    stored: list[JournalBlock] = field(default_factory=list)

    def blocks(self, *, after: int = 0) -> Iterator[JournalBlock]:
        return iter(tuple(self.stored[after:]))

    def hash_at(self, height: int) -> bytes | None:
        return self.stored[height - 1].hash if 1 <= height <= len(self.stored) else None

    def append(self, height: int, timestamp: int, raw_transactions: Sequence[bytes]) -> None:
        if height != len(self.stored) + 1:
            raise Conflict(f"height {height} is taken")
        block = JournalBlock(
            height=height,
            timestamp=timestamp,
            raw_transactions=tuple(raw_transactions),
            hash=None,
        )
        self.stored.append(block)

    def confirm(self, height: int, block_hash: bytes) -> None:
        self.stored[height - 1] = replace(self.stored[height - 1], hash=block_hash)


def secret(name: str) -> bytes:
    """A key of the tests; the same name always gives the same key."""
    return sha256(b"steriledger test key " + name.encode()).digest()


@dataclass(frozen=True)
class AccountKey:
    """A secp256k1 key that signs digests, as an ERC-7913 signer of 20 bytes."""

    name: str

    @property
    def signer(self) -> bytes:
        public = PrivateKey(secret(self.name)).public_key.format(compressed=False)
        return keccak256(public[1:])[12:]

    @property
    def id(self) -> SignerId:
        return signer_id(self.signer)

    def prove(self, digest: bytes) -> Proof:
        signature = PrivateKey(secret(self.name)).sign_recoverable(digest, hasher=None)
        return Proof(signer=self.signer, signature=signature[:64] + bytes([27 + signature[64]]))


@dataclass(frozen=True)
class P256Key:
    """A P-256 key behind the deployment's verifier."""

    name: str
    verifier: bytes

    @property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        number = int.from_bytes(secret(self.name), "big") % (P256_ORDER - 1) + 1
        return ec.derive_private_key(number, ec.SECP256R1())

    @property
    def signer(self) -> bytes:
        point = self._key.public_key().public_numbers()
        return self.verifier + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")

    @property
    def id(self) -> SignerId:
        return signer_id(self.signer)

    def prove(self, digest: bytes) -> Proof:
        der = self._key.sign(digest, ec.ECDSA(Prehashed(SHA256())))
        r, s = decode_dss_signature(der)
        s = min(s, P256_ORDER - s)
        return Proof(signer=self.signer, signature=r.to_bytes(32, "big") + s.to_bytes(32, "big"))


RELAYER = Relayer(private_key=secret("relayer"))
AUTHORITY = AccountKey("authority")


def genesis(chain_id: int = 5_000_000_001) -> Genesis:
    return Genesis(chain_id=chain_id, timestamp=START, balances={RELAYER.address: RELAYER_BALANCE})


@contextmanager
def chain_of(
    journal: MemoryJournal, chain_id: int = 5_000_000_001, *, run_folder: Path | None = None
) -> Iterator[EmbeddedChain]:
    with EmbeddedChain.start(
        ANVIL,
        genesis(chain_id),
        journal,
        clock=lambda: START + QUIET,
        run_folder=run_folder,
    ) as chain:
        yield chain


def transfer(nonce: int, *, chain_id: int = 5_000_000_001, data: bytes = b"") -> bytes:
    """A raw transaction of the relayer that does nothing."""
    return RELAYER.sign(
        Envelope(
            chain_id=chain_id, nonce=nonce, to=b"\x22" * 20, data=data, gas=60_000, price=PRICE
        )
    ).raw


@dataclass
class Home:
    """A chain with the contracts on it, and the means to send operations."""

    chain: EmbeddedChain
    deployment: Deployment
    nonce: int

    @property
    def node(self) -> Node:
        return self.chain.node

    def now(self) -> int:
        return self.chain.tip.timestamp + 1

    def operation(self, name: str, **message: Value) -> Operation:
        act = ACTS[name]
        return Operation(act=act, message=message, domain=self.deployment.domain_of(act.contract))

    def call_of(
        self, operations: Sequence[Operation], keys: Mapping[Party, AccountKey | P256Key]
    ) -> bytes:
        """The calldata of operations of one act, each signed by the same keys."""
        proofs = [self.proofs(operation, keys) for operation in operations]
        return encode_batch(operations[0].act, [o.message for o in operations], proofs)

    def proofs(self, operation: Operation, keys: Mapping[Party, AccountKey | P256Key]) -> Proofs:
        found = {party: key.prove(operation.digest) for party, key in keys.items()}
        if Party.AUTHORITY in found:
            found[Party.AUTHORITY] = replace(found[Party.AUTHORITY], signer=b"")
        return found

    def envelope(self, operation: Operation, data: bytes) -> SignedTransaction:
        transaction = RELAYER.sign(
            Envelope(
                chain_id=self.deployment.chain_id,
                nonce=self.nonce,
                to=self.deployment.address_of(operation.act.contract),
                data=data,
                gas=5_000_000,
                price=PRICE,
            )
        )
        self.nonce += 1
        return transaction

    def send(
        self, operations: Sequence[Operation], keys: Mapping[Party, AccountKey | P256Key]
    ) -> Receipt:
        """Mines one batch in one block and gives its receipt."""
        transaction = self.envelope(operations[0], self.call_of(operations, keys))
        self.chain.mine([transaction.raw], self.now())
        receipt = self.node.receipt(transaction.hash)
        assert receipt is not None
        return receipt


@contextmanager
def home(authority: AccountKey = AUTHORITY) -> Iterator[Home]:
    """A fresh chain with the contracts deployed in block 1; always at the same addresses."""
    with chain_of(MemoryJournal()) as chain:
        plan = plan_deployment(
            RELAYER,
            authority=authority.signer,
            chain_id=chain.genesis.chain_id,
            first_nonce=0,
            price=PRICE,
        )
        chain.mine([transaction.raw for transaction in plan.transactions], START + 1)
        deployment = finish_deployment(chain.node, plan, name="test", receipt_key=secret("receipt"))
        yield Home(chain=chain, deployment=deployment, nonce=len(plan.transactions))


def wait_until_gone(pid: int, *, seconds: float = 10) -> None:
    """Returns when the process has ended, reaped or not; fails when it has not."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], seconds)[0], f"process {pid} is still there"
    finally:
        os.close(handle)
