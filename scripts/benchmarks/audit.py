"""The audit of many records, against a bare loop that hashes the same bytes.

python -m scripts.benchmarks.audit HOME    audits a home and prints what it took, as JSON
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import rfc8785
from sqlalchemy import Connection

from ledger.domain.encoding.hashing import Mac
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import fields_from_bytes
from ledger.settings import Settings
from ledger.steps.accepting.submit import FACTS_PURPOSE, PERSONAL_PURPOSE
from ledger.steps.auditing.audit import audit
from ledger.steps.instance import Instance, open_instance
from ledger.steps.starting.chains import reading_chain
from ledger.storage.records import RecordRow, get_secrets, list_records
from scripts.benchmarks.bounds import LEAST_REPEATS, Figure, Figures, Size
from scripts.benchmarks.group import RECORDS_PER_CYCLE, Group, founded_group
from scripts.benchmarks.turns import peak_mib, process_tree, seconds

ROOT = Path(__file__).resolve().parents[2]
_RECORDS = 100_000
_MACHINES = 10
#: cycles that are accepted, sent and indexed at a time
_PORTION = 250
#: records whose bytes the bare loop has in memory, and how often it goes over them: for a second
_SAMPLE = 400
_ROUNDS = 20
_DATABASE = "steriledger.db"
_LOOK_SECONDS = 0.1


def measure_audit(size: Size) -> Figures:
    """Records audited a second, in turns with the bare loop; and the memory that it takes.

    The loop makes every HMAC and hash of the records' commitments, from bytes that lie ready, and
    nothing else: no reading, no parsing, no signature.  The audit reads the database, derives a
    second index from the chain, recomputes and compares, checks signatures and receipts.  The whole
    is audited once, between two loops; a tenth of it as often as other benchmarks take turns.
    """
    with tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder:
        whole, tenth = Path(folder) / "whole", Path(folder) / "tenth"
        loop = _build(whole, tenth, size.of(_RECORDS // RECORDS_PER_CYCLE, least=20))
        parts = [_turn(tenth, loop) for _ in range(max(size.repeats, LEAST_REPEATS))]
        ratio, taken = _turn(whole, loop)
    return {
        "audit/of_bare_hashing": Figure.once(ratio),
        "audit/of_bare_hashing_tenth": Figure.median([ratio for ratio, _ in parts]),
        "audit/memory_growth": Figure.once(
            taken.peak_mib / max(part.peak_mib for _, part in parts)
        ),
        "audit/peak_memory_mib": Figure.once(taken.peak_mib),
        "audit/peak_memory_mib_tenth": Figure.median([part.peak_mib for _, part in parts]),
        "audit/records": Figure.once(taken.records),
        "audit/records_per_second": Figure.once(taken.records / taken.seconds),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one audit took."""

    records: int
    seconds: float
    peak_mib: float


def _turn(home: Path, loop: BareLoop) -> tuple[float, Taken]:
    """The ratio of the audit's rate to that of the loops before and after it."""
    before = loop.rate()
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benchmarks.audit", str(home)],
        cwd=ROOT, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    taken = Taken(**json.loads(done.stdout))
    rate = taken.records / taken.seconds
    return rate / statistics.mean((before, loop.rate())), taken


def _build(whole: Path, tenth: Path, cycles: int) -> BareLoop:
    """Two homes, the first as it was when it had a tenth of its cycles; and the loop's bytes."""
    with founded_group(whole, machines=_MACHINES) as group:
        _run(group, cycles // 10)
        _copy(whole, tenth)
        _run(group, cycles - cycles // 10)
        with group.instance.database.reading() as tx:
            return _prepare(group.instance, tx)


def _run(group: Group, cycles: int) -> None:
    for start in range(0, cycles, _PORTION):
        group.record_cycles(min(_PORTION, cycles - start))
        group.send()
        group.follow()


def _copy(home: Path, to: Path) -> None:
    """The home with everything that the database has committed."""
    shutil.copytree(home, to, ignore=shutil.ignore_patterns(f"{_DATABASE}*", "run"))
    with (
        closing(sqlite3.connect(home / _DATABASE)) as source,
        closing(sqlite3.connect(to / _DATABASE)) as target,
    ):
        source.backup(target)


# ---------------------------------------------------------------- the bare loop


@dataclass(slots=True, kw_only=True)
class BareLoop:
    """What the commitments of some records hash."""

    records: int = 0
    #: for each key, what HMAC-SHA-256 is taken of; the key's own state is made once
    macs: list[tuple[Mac, list[bytes]]] = field(default_factory=list)
    #: what SHA-256 is taken of
    plain: list[bytes] = field(default_factory=list)

    def rate(self) -> float:
        """Records hashed a second."""
        return _ROUNDS * self.records / seconds(self._hash)

    def _hash(self) -> None:
        for _ in range(_ROUNDS):
            for mac, messages in self.macs:
                for message in messages:
                    mac.digest(message)
            for data in self.plain:
                hashlib.sha256(data).digest()

    def add(self, secret: bytes, fields: Mapping[str, FieldValue]) -> bytes:
        """The root of one part, by the description in domain/records/commitments.py alone."""
        self.macs.append((Mac(secret), []))
        leaves = [
            (self._mac(secret, b"order\0" + path.encode()), self._leaf(secret, path, value))
            for path, value in fields.items()
        ]
        size = 1 << max(len(leaves) - 1, 0).bit_length()
        leaves += [
            (self._mac(secret, b"order\0pad\0%d" % at), self._mac(secret, b"pad\0%d" % at))
            for at in range(size - len(leaves))
        ]
        row = [leaf for _, leaf in sorted(leaves)]
        while len(row) > 1:
            row = [self.node(a, b) for a, b in zip(row[::2], row[1::2], strict=True)]
        return row[0]

    def node(self, left: bytes, right: bytes) -> bytes:
        """The hash over two others."""
        return self._sha(b"\1" + left + right)

    def _leaf(self, secret: bytes, path: str, value: FieldValue) -> bytes:
        salt = self._mac(secret, b"salt\0" + path.encode())[:16].hex()
        return self._sha(b"\0" + rfc8785.dumps([salt, path, value]))

    def _mac(self, key: bytes, message: bytes) -> bytes:
        self.macs[-1][1].append(message)
        return hmac.digest(key, message, "sha256")

    def _sha(self, data: bytes) -> bytes:
        self.plain.append(data)
        return hashlib.sha256(data).digest()


def _prepare(instance: Instance, tx: Connection) -> BareLoop:
    """The bytes of records from everywhere in the table (their ids are random)."""
    loop = BareLoop()
    for row in list_records(tx, limit=_SAMPLE):
        loop.records += 1
        if _root(instance, tx, loop, row) != row.root:
            raise RuntimeError(f"record {row.id} does not lead to its root")
    return loop


def _root(instance: Instance, tx: Connection, loop: BareLoop, row: RecordRow) -> bytes:
    secrets = get_secrets(tx, row.id)
    roots = []
    for purpose, fields, secret in (
        (FACTS_PURPOSE, row.facts, secrets.facts_secret),
        (PERSONAL_PURPOSE, row.personal, secrets.personal_secret),
    ):
        if fields is None or secret is None:
            raise RuntimeError(f"record {row.id} was erased")
        opened = instance.vault.decrypt(secret, purpose=purpose, row=row.id)
        roots.append(loop.add(opened, fields_from_bytes(fields)))
    return loop.node(*roots)


# ---------------------------------------------------------------- a process of its own


def main(home: str) -> None:
    """Audit one home; raise when there is any difference."""
    with (
        closing(open_instance(Settings(home=Path(home)))) as instance,
        reading_chain(instance) as node,
    ):
        reports = []
        with _watched() as peaks:
            took = seconds(lambda: reports.append(audit(instance, node)))
        if reports[0].difference_count or reports[0].owed_count:
            raise RuntimeError("\n".join(reports[0].lines()))
        taken = {
            "records": reports[0].checked["records"],
            "seconds": took,
            # of this process, and of those that it started for the audit; the chain's is none
            "peak_mib": peak_mib(os.getpid()) + sum(peaks.values()),
        }
    sys.stdout.write(json.dumps(taken) + "\n")


@contextmanager
def _watched() -> Iterator[dict[int, float]]:
    """The most memory that each process has which starts within the block, in MiB by its id.

    They are looked at while they live: what the kernel says of one that has ended (`ru_maxrss`)
    counts what its parent had when it was started.
    """
    before = set(process_tree(os.getpid()))
    peaks: dict[int, float] = {}
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_LOOK_SECONDS):
            with suppress(OSError):  # one that ended while it was looked at
                for pid in set(process_tree(os.getpid())) - before:
                    peaks[pid] = peak_mib(pid) or peaks.get(pid, 0)

    watcher = threading.Thread(target=watch, name="watcher")
    watcher.start()
    try:
        yield peaks
    finally:
        is_over.set()
        watcher.join()


if __name__ == "__main__":
    main(sys.argv[1])
