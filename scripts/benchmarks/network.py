"""Four validators on this machine: acceptance until final, against a bare sender, and a soak.

The validators share the processor with all that is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import cycle, islice
from pathlib import Path

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes
from sqlalchemy import func, select

from ledger.chain.node import Node, SendOutcome
from ledger.chain.transactions import Envelope, Price, Relayer
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.outbox.operation_states import WAITING, OperationState
from ledger.settings import Settings
from ledger.steps.auditing.audit import audit
from ledger.steps.instance import Instance, open_instance
from ledger.steps.sending.writer import Writer
from ledger.steps.starting.deploy import ensure_deployment, ensure_home
from ledger.steps.starting.leasing import LEASE
from ledger.steps.starting.link import open_link
from ledger.storage.leases import release_lease
from ledger.storage.operations import count_by_state, operation_states
from ledger.storage.transactions import TransactionState, list_transactions
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.group import RECORDS_PER_CYCLE, Group, open_writer
from scripts.benchmarks.turns import percentile, ratios, seconds
from scripts.network.validators import Network, Validator, running_network
from scripts.postgres import create_database, running_postgres

ROOT = Path(__file__).resolve().parents[2]
_SENDERS = (1, 16, 200)
_LEVEL_SECONDS = 60
#: records of one turn against the bare sender
_CYCLES = 100
_MACHINES = 200
_SOAK_SECONDS = 1800
#: a tenth more than is promised, so that the minutes' counts may waver
_SOAK_RATE = 55
#: cycles of one transaction, where the machine was late
_AT_ONCE = 10
_KILL_EVERY = 60
_DOWN_SECONDS = 20
_PATIENCE_SECONDS = 300.0
_LAST_WORDS = 4000
#: as the writer's, how many of its transactions wait at once
_WINDOW = 16
_S = OperationState


def measure_network(size: Size) -> Figures:
    """Records until final on four validators, with four and with three of them, and a soak.

    On PostgreSQL: in SQLite whoever records and the worker wait for each other's writing.  A sender
    records a cycle on a machine of its own, and the next when that one is final.  The bare sender
    sends the calldata of a turn again, from an account of its own and as often at once as our
    writer: the contracts know these operations by then and record nothing, which costs the chain
    less.  In the soak 55 records a second are accepted, and each minute one validator is killed and
    started again; that any is lost, twice or stuck in the end, or that the audit finds anything, is
    an error.
    """
    with (
        tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder,
        running_network(Path(folder) / "network") as network,
        running_postgres() as server,
        _bench(Path(folder) / "home", network, create_database(server, "bench")) as bench,
    ):
        figures = bench.against_bare(size)
        with bench.worker():
            for away in (0, 1):
                with _killed(network.validators[len(network.validators) - away :], network):
                    figures |= bench.levels(size, of=len(network.validators) - away)
            figures |= bench.soak(size)
    return figures


@contextmanager
def _bench(home: Path, network: Network, database: str) -> Iterator[_Bench]:
    settings = Settings(
        home=home, chain_url=",".join(network.urls), finality="instant", database_url=database
    )
    with closing(open_instance(settings)) as instance:
        ensure_home(instance)
        link = open_link(instance)
        try:
            ensure_deployment(instance, link)
            group = Group(instance=instance, link=link, writer=open_writer(instance, link))
            group.found(_MACHINES)
            _settle(instance, group.writer)
            yield _Bench(network=network, group=group)
        finally:
            link.stop()


@contextmanager
def _killed(validators: Sequence[Validator], network: Network) -> Iterator[None]:
    for each in validators:
        each.kill()
    try:
        yield
    finally:
        network.start()
        network.wait_for_blocks()


@dataclass(kw_only=True)
class _Bench:
    network: Network
    group: Group

    @property
    def instance(self) -> Instance:
        return self.group.instance

    # ------------------------------------------------------------ against a bare sender

    def against_bare(self, size: Size) -> dict[str, Figure]:
        """Owed records until all are mined, and the same calldata sent by a few lines."""
        cycles = size.of(_CYCLES, least=10)
        ours, bare = [], []
        for _ in range(size.repeats + 1):
            self.group.record_cycles(cycles)
            before = self._highest_nonce()
            ours.append(seconds(lambda: _settle(self.instance, self.group.writer)))
            calls = self._calls_since(before)
            bare.append(seconds(lambda calls=calls: _send_bare(self.network.urls[0], calls)))  # type: ignore[misc]
        records = cycles * RECORDS_PER_CYCLE
        rates = [[records / each for each in side[1:]] for side in (ours, bare)]
        self._give_back_lease()
        return {
            "network/of_bare": Figure.median(ratios(*rates)),
            "network/mined_per_second": Figure.median(rates[0]),
            "network/bare_per_second": Figure.median(rates[1]),
        }

    def _highest_nonce(self) -> int:
        with self.instance.database.reading() as tx:
            return max((row.nonce for row in list_transactions(tx, limit=10**6)), default=-1)

    def _calls_since(self, nonce: int) -> list[Envelope]:
        with self.instance.database.reading() as tx:
            rows = list_transactions(tx, limit=10**6)
        sent = [row for row in rows if row.nonce > nonce and row.state is TransactionState.MINED]
        return [_envelope(row.raw) for row in sorted(sent, key=lambda row: row.nonce)]

    def _give_back_lease(self) -> None:
        lease = self.group.writer.lease
        with self.instance.database.transaction() as tx:
            release_lease(tx, LEASE, lease.holder, lease.epoch)

    # ------------------------------------------------------------ with a worker beside

    @contextmanager
    def worker(self) -> Iterator[None]:
        """`steriledger worker` on the home, as `up` starts it."""
        settings = self.instance.settings
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ledger", "worker", "--home", str(settings.home)],
                cwd=ROOT,
                env={
                    **os.environ,
                    "STERILEDGER_DATABASE_URL": settings.database_url,
                    "STERILEDGER_CHAIN_URL": settings.chain_url,
                    "STERILEDGER_FINALITY": settings.finality,
                    "STERILEDGER_LOG_LEVEL": "warning",
                },
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_settled()
            yield
        finally:
            process.terminate()
            process.wait()

    @property
    def _log(self) -> Path:
        """What the worker says of troubles."""
        return self.instance.settings.home / "worker.log"

    def levels(self, size: Size, *, of: int) -> dict[str, Figure]:
        """At each number of senders: records final a second, and how long each took."""
        found = {}
        for senders in _SENDERS:
            times, rate = self._closed_loop(senders, size.of(_LEVEL_SECONDS, least=10))
            name = f"network/{of}_of_4_{senders}"
            for what, value in (
                ("per_second", rate),
                ("p50_seconds", percentile(times, 0.5)),
                ("p99_seconds", percentile(times, 0.99)),
            ):
                found[f"{name}_{what}"] = Figure.once(value)
        return found

    def _closed_loop(self, senders: int, length: float) -> tuple[list[float], float]:
        """Each sender begins its next cycle when its last one is final."""
        machines = self.group.machines[:senders]
        under_way: dict[str, list[Digest]] = {}
        digests: list[Digest] = []
        end = time.monotonic() + length
        while time.monotonic() < end:
            final = self._final([each for waits in under_way.values() for each in waits])
            with self.instance.database.transaction() as tx:
                for machine in machines:
                    if final.issuperset(under_way.get(machine.serial, [])):
                        recorded = self.group.record_cycle(tx, machine)
                        under_way[machine.serial] = recorded
                        digests += recorded
            time.sleep(0.02)
        self._wait_until_settled()
        spans = self._spans(digests)
        took = (max(until for _, until in spans) - min(since for since, _ in spans)).total_seconds()
        return [(until - since).total_seconds() for since, until in spans], len(spans) / took

    def _final(self, digests: Sequence[Digest]) -> set[Digest]:
        with self.instance.database.reading() as tx:
            rows = tx.execute(
                select(operation_states.c.digest).where(
                    operation_states.c.digest.in_(digests), operation_states.c.state == _S.FINAL
                )
            )
            return {Digest(row.digest) for row in rows}

    def _spans(self, digests: Sequence[Digest]) -> list[tuple[datetime, datetime]]:
        """When each was accepted, and when it was final."""
        c = operation_states.c
        found = []
        with self.instance.database.reading() as tx:
            for start in range(0, len(digests), 500):
                rows = tx.execute(
                    select(func.min(c.at), func.max(c.at))
                    .where(c.digest.in_(digests[start : start + 500]))
                    .group_by(c.digest)
                )
                found += [(since, until) for since, until in rows]
        return found

    def _wait_until_settled(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with self.instance.database.reading() as tx:
                counts = count_by_state(tx)
            if not any(counts[state] for state in WAITING):
                return
            time.sleep(0.2)
        raise RuntimeError(
            f"after {_PATIENCE_SECONDS:.0f} s not all records are final: {counts}; "
            f"the worker's last words:\n{self._log.read_text('utf-8', 'replace')[-_LAST_WORDS:]}"
        )

    # ------------------------------------------------------------ the soak

    def soak(self, size: Size) -> dict[str, Figure]:
        """Fifty records a second while a validator is killed and started every minute."""
        length = size.of(_SOAK_SECONDS, least=60)
        digests: list[Digest] = []
        machines = cycle(self.group.machines)
        began = time.monotonic()
        while (now := time.monotonic() - began) < length:
            self._kill_or_start(now)
            behind = round(now * _SOAK_RATE) - len(digests)
            if behind > 0:
                cycles = min(-(-behind // RECORDS_PER_CYCLE), _AT_ONCE)
                with self.instance.database.transaction() as tx:
                    for machine in islice(machines, cycles):
                        digests += self.group.record_cycle(tx, machine)
            else:
                time.sleep(0.01)
        self.network.start()
        self.network.wait_for_blocks()
        self._wait_until_settled()
        self._require_whole(digests)
        spans = self._spans(digests)
        first = min(since for since, _ in spans)
        minutes = [int((until - first).total_seconds() // 60) for _, until in spans]
        whole = range(1, length // 60)  # the first one warms up, the last one is not whole
        rates = [minutes.count(minute) / 60 for minute in whole] or [len(spans) / length]
        times = [(until - since).total_seconds() for since, until in spans]
        return {
            "network/soak_per_second": Figure.median(rates),
            "network/soak_records": Figure.once(len(spans)),
            "network/soak_p50_seconds": Figure.once(percentile(times, 0.5)),
            "network/soak_p99_seconds": Figure.once(percentile(times, 0.99)),
        }

    def _kill_or_start(self, now: float) -> None:
        """At the end of each minute one validator is away, each time the next.

        In the thread that lives on: the kernel kills a validator when the thread that started it
        ends.
        """
        minute, second = divmod(now, _KILL_EVERY)
        each = self.network.validators[int(minute) % len(self.network.validators)]
        if second < _KILL_EVERY - _DOWN_SECONDS:
            self.network.start()
        elif each.is_started:
            each.kill()

    def _require_whole(self, digests: Sequence[Digest]) -> None:
        """None lost, twice or stuck, no nonce left out, and the audit finds nothing."""
        final = self._final_of(digests)
        if final != set(digests):
            raise RuntimeError(f"{len(set(digests) - final)} records are not final")
        c = operation_states.c
        with self.instance.database.reading() as tx:
            stuck = tx.execute(select(func.count()).where(c.state == _S.STUCK)).scalar_one()
            rows = list_transactions(tx, limit=10**6)
        if stuck:
            raise RuntimeError(f"{stuck} records were stuck")
        nonces = sorted(row.nonce for row in rows if row.state is TransactionState.FINAL)
        if nonces != list(range(nonces[0], nonces[0] + len(nonces))):
            raise RuntimeError("a nonce was left out, or used twice")
        found = audit(self.instance, self.group.link.node).differences
        if found:
            raise RuntimeError(f"the audit finds {len(found)} differences: {found[0]}")

    def _final_of(self, digests: Sequence[Digest]) -> set[Digest]:
        pages = (digests[start : start + 500] for start in range(0, len(digests), 500))
        return {each for page in pages for each in self._final(page)}


def _settle(instance: Instance, writer: Writer) -> None:
    """The writer's rounds until all that was accepted is seen in blocks."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        writer.step()
        with instance.database.reading() as tx:
            counts = count_by_state(tx)
        if not any(counts[state] for state in (_S.OWED, _S.SENT)):
            return
        time.sleep(0.02)
    raise RuntimeError(f"after {_PATIENCE_SECONDS:.0f} s not all records are mined: {counts}")


def _envelope(raw: bytes) -> Envelope:
    """What a transaction of ours asks for, at no price and for any nonce."""
    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return Envelope(
        chain_id=fields["chainId"],
        nonce=0,
        to=bytes(fields["to"]),
        data=bytes(fields["data"]),
        gas=fields["gas"],
        price=Price(max_fee=0, priority_fee=0),
    )


def _send_bare(url: str, calls: Sequence[Envelope]) -> None:
    """Sign, send, and see every receipt; so many wait at once."""
    relayer = Relayer(private_key=os.urandom(32))
    with Node(url) as node:
        hashes: list[bytes] = []
        seen = 0

        def wait_below(most: int) -> None:
            nonlocal seen
            while len(hashes) - seen > most:
                found = node.find_mined(hashes[seen:])
                mined = [each for each in found if each is not None]
                if any(not each.succeeded for each in mined):
                    raise RuntimeError("a transaction of the bare sender failed")
                seen += len(mined)
                if not mined:
                    time.sleep(0.02)

        for nonce, call in enumerate(calls):
            wait_below(_WINDOW - 1)
            signed = relayer.sign(replace(call, nonce=nonce))
            if node.send_raw(signed.raw).outcome is not SendOutcome.ACCEPTED:
                raise RuntimeError("the node does not take a transaction of the bare sender")
            hashes.append(signed.hash)
        wait_below(0)
