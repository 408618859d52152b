"""A hospital on the network of four validators, and its worker as `steriledger up` runs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.outbox.operation_states import OperationState
from ledger.settings import Settings
from ledger.steps.answering.status import Status, status
from ledger.steps.auditing.audit import audit
from ledger.steps.instance import Instance, open_instance
from ledger.steps.starting.deploy import ensure_deployment, ensure_home
from ledger.steps.starting.link import open_link
from ledger.storage.operations import count_by_state, list_operations
from ledger.storage.transactions import TransactionRow, TransactionState, list_transactions
from scripts.network.validators import Network, Validator
from tests.faults_chain.group import working
from tests.steps.hospital import Hospital

PATIENCE_SECONDS = 90.0
S = OperationState


@dataclass(kw_only=True)
class Ward:
    """A unit with a sterilizer whose ledger is on the network."""

    network: Network
    hospital: Hospital
    _cycles: int = 0

    @property
    def instance(self) -> Instance:
        """The hospital's."""
        return self.hospital.instance

    def record(self, cycles: int = 1) -> list[Digest]:
        """So many whole cycles, four operations each, accepted now."""
        digests: list[Digest] = []
        for _ in range(cycles):
            self._cycles += 1
            digests += self.hospital.run_cycle("S1", self._cycles)
        return digests

    def wait_for(self, digests: Sequence[Digest], *, seconds: float = PATIENCE_SECONDS) -> None:
        """Until all of these are final."""
        wait_for(
            lambda: {self.hospital.state(each) for each in digests} == {S.FINAL}, seconds=seconds
        )

    def status(self) -> Status:
        """As the command shows it."""
        return status(self.instance)

    def counts(self) -> dict[OperationState, int]:
        """How many operations stand where."""
        with self.instance.database.reading() as tx:
            return {state: count for state, count in count_by_state(tx).items() if count}

    def asked(self) -> str | None:
        """The node that the worker asks, as the status says it."""
        chain = self.status().chain
        return None if chain is None else chain.asked

    def passed_over(self) -> Mapping[str, str]:
        """The nodes that it does not ask, and why."""
        chain = self.status().chain
        return {} if chain is None else chain.passed_over

    def transactions(self) -> list[TransactionRow]:
        """Everything that was signed."""
        with self.instance.database.reading() as tx:
            return list_transactions(tx, limit=10_000)

    def require_whole(self) -> None:
        """Nothing is lost, twice or stuck, no nonce is left out, and the audit finds nothing."""
        with self.instance.database.reading() as tx:
            everything = [row.digest for row in list_operations(tx, limit=10_000)]
        assert self.counts() == {S.FINAL: len(everything)}
        assert not any(S.STUCK in self.hospital.history(each) for each in everything)
        final = [r.nonce for r in self.transactions() if r.state is TransactionState.FINAL]
        assert len(set(final)) == len(final)
        assert sorted(final) == list(range(min(final), min(final) + len(final)))
        link = open_link(self.instance)
        try:
            assert [str(each) for each in audit(self.instance, link.node).differences] == []
        finally:
            link.stop()

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A worker; nothing but our word ends it."""
        with working(self.instance) as ended:
            wait_for(lambda: self.asked() is not None)
            yield
        assert ended == []


@contextmanager
def ward(network: Network, folder: Path, *, asks: Sequence[Validator] = ()) -> Iterator[Ward]:
    """A new home with its contracts, on these validators, all unless said."""
    urls = ",".join(each.url for each in asks or network.validators)
    instance = open_instance(Settings(home=folder, chain_url=urls, finality="instant"))
    try:
        ensure_home(instance)
        link = open_link(instance)
        ensure_deployment(instance, link)
        hospital = Hospital(instance=instance, link=link)
        hospital.admit(1)
        hospital.register(1, "S1")
        link.stop()
        yield Ward(network=network, hospital=hospital)
    finally:
        instance.close()


def wait_for(condition: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Until it holds, or patience ends."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def same_hash(validators: Sequence[Validator], height: int) -> bool:
    """Whether all of them have the same block there."""
    return len({to_hex(each.block_hash(height) or b"") for each in validators}) == 1
