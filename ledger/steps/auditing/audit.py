"""Records, index, chain and journal → every difference between them, named."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.steps.auditing.apart import Apart, checked_apart
from ledger.steps.auditing.arrivals import check_arrivals
from ledger.steps.auditing.differences import Difference, Findings
from ledger.steps.auditing.evidence import Evidence, OwedOperation
from ledger.steps.auditing.home import check_keys, check_settings
from ledger.steps.auditing.index import compare_indexes, derive_index
from ledger.steps.auditing.journal import check_journal
from ledger.steps.auditing.losses import KeptReceipt, check_losses, check_sent_by_us
from ledger.steps.auditing.operations import check_operations
from ledger.steps.auditing.paging import read_whole
from ledger.steps.auditing.photos import check_photos
from ledger.steps.auditing.readings import check_readings
from ledger.steps.auditing.signatures import check_signatures
from ledger.steps.auditing.transactions import check_transactions
from ledger.steps.following.follow import Progress, Source
from ledger.steps.instance import Instance
from ledger.steps.keeping.losses import look_beside
from ledger.storage.engine.columns import metadata
from ledger.storage.engine.database import Database, open_scratch
from ledger.storage.index import TABLES, find_cursor, list_operations_from, list_places
from ledger.storage.operations import known_digests

_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What an audit looked at and found."""

    at: datetime
    #: SHA-256 of the deployment that everything was judged by
    fingerprint: bytes
    #: how far our index goes, and the highest final block; None when the chain is unreadable
    indexed: int | None
    final: int | None
    #: rows looked at, by table
    checked: Mapping[str, int]
    #: the first ten thousand; `difference_count` has their number
    differences: tuple[Difference, ...]
    difference_count: int
    #: accepted and not final yet, the oldest first; at most two hundred are listed
    owed: tuple[OwedOperation, ...]
    owed_count: int
    #: operations on the chain that are in none of our records: others recorded them
    by_others: tuple[Digest, ...]
    by_others_count: int
    #: how many dated states lie before the one that they follow: the clock was set back then
    set_back: int

    def lines(self) -> Iterator[str]:
        """The report for people."""
        yield f"Deployment {to_hex(self.fingerprint)}"
        yield f"Indexed to block {self.indexed}, final block {self.final}"
        yield "Checked: " + ", ".join(f"{n} {name}" for name, n in sorted(self.checked.items()))
        for owed in self.owed:
            old = "ahead of this clock" if owed.age_seconds is None else f"{owed.age_seconds} s old"
            yield f"{owed.state}: {owed.kind} {to_hex(owed.digest)}, {old}"
        if self.set_back:
            yield f"The clock was set back; states dated before the one before: {self.set_back}"
        if self.by_others_count:
            yield f"Recorded by others: {self.by_others_count} operations"
        for difference in self.differences:
            yield f"DIFFERENCE {difference}"
        if self.difference_count == 0:
            yield "No difference."
        else:
            yield f"{self.difference_count} differences."

    def to_plain(self) -> dict[str, object]:
        """The report for programs, as JSON has it."""
        return {
            "at": instant_text(self.at),
            "deployment": to_hex(self.fingerprint),
            "indexed": self.indexed,
            "final": self.final,
            "checked": dict(self.checked),
            "differences": [
                {
                    "table": each.table,
                    "row": each.row,
                    "field": each.field,
                    "expected": each.expected,
                    "found": each.found,
                }
                for each in self.differences
            ],
            "difference_count": self.difference_count,
            "owed": [
                {
                    "digest": to_hex(each.digest),
                    "kind": each.kind,
                    "state": each.state.value,
                    "age_seconds": each.age_seconds,
                }
                for each in self.owed
            ],
            "owed_count": self.owed_count,
            "by_others": [to_hex(each) for each in self.by_others],
            "by_others_count": self.by_others_count,
            "set_back": self.set_back,
        }


def audit(
    instance: Instance, source: Source, *, receipts: Sequence[KeptReceipt] = ()
) -> AuditReport:
    """Compare everything that is kept with everything that the chain says, both ways.

    Reads one snapshot of the database, in pages; a second index is derived from the chain in a
    temporary file.  Where there are many records, all that needs no chain is checked in a process
    of its own, with a snapshot of its own.  What lies beside the database, and the `receipts` that
    somebody brings, are asked what it has lost.  Writes nothing.  Raises ChainUnavailable when the
    chain does not answer, and StorageUnavailable when the other process dies.
    """
    deployment = instance.deployment()
    with checked_apart(instance, deployment) as apart:
        return _audit(instance, deployment, source, apart, receipts)


def _audit(
    instance: Instance,
    deployment: Deployment,
    source: Source,
    apart: Apart,
    receipts: Sequence[KeptReceipt],
) -> AuditReport:
    findings = Findings()
    seen = look_beside(instance.settings)
    with _second_database() as fresh, instance.database.reading() as ours:
        cursor = find_cursor(ours)
        progress = _compare_chain(instance, ours, fresh, source, findings)
        with fresh.reading() as chain:
            evidence = Evidence(
                instance=instance,
                deployment=deployment,
                findings=findings,
                ours=ours,
                source=source,
                chain=None if progress is None else chain,
                height=-1 if cursor is None else cursor.height,
            )
            for table, check in (
                ("operations", check_operations),
                ("operation_signatures", check_signatures),
                ("readings", check_readings),
                ("photos", check_photos),
                ("arrivals", check_arrivals),
                ("transactions", check_transactions),
                ("journal_blocks", check_journal),
                ("keys", check_keys),
                ("settings", check_settings),
                ("witnesses", partial(check_losses, seen=seen, receipts=receipts)),
            ):
                read_whole(findings, table, partial(check, evidence))
            if cursor is not None and evidence.behind > cursor.height:
                findings.note(
                    "idx_cursor",
                    1,
                    "height",
                    expected=f"{evidence.behind}, where an operation is final",
                    found=cursor.height,
                )
            others, others_count = _recorded_by_others(ours, chain)
            check_sent_by_us(evidence, others)
    findings.take(apart())
    return AuditReport(
        at=instance.clock(),
        fingerprint=deployment.fingerprint(),
        indexed=None if cursor is None else cursor.height,
        final=None if progress is None else progress.final,
        checked=dict(findings.checked),
        differences=tuple(findings.listed),
        difference_count=findings.total,
        owed=tuple(evidence.owed),
        owed_count=evidence.owed_total,
        by_others=others,
        by_others_count=others_count,
        set_back=evidence.set_back,
    )


@contextmanager
def _second_database() -> Iterator[Database]:
    """A database that has the tables of the index, and nothing else."""
    with (
        tempfile.TemporaryDirectory(prefix="steriledger-audit-") as folder,
        closing(open_scratch(Path(folder) / "index.db")) as database,
    ):
        with database.transaction() as tx:
            metadata.create_all(tx, tables=list(TABLES.values()))
        yield database


def _compare_chain(
    instance: Instance, ours: Connection, fresh: Database, source: Source, findings: Findings
) -> Progress | None:
    """Our index beside one derived anew to the same height; then that one goes on to the end.

    None when the chain cannot be indexed, which is noted.
    """
    finality, cursor = instance.settings.finality, find_cursor(ours)
    deployment = instance.deployment_in(ours)
    if cursor is None and list_operations_from(ours, after=(-1, -1), limit=1):
        findings.note("idx_cursor", 1, "row", expected="a row", found=None)
    if cursor is not None:
        reached = derive_index(
            fresh, source, deployment, findings, finality=finality, until=cursor.height
        )
        if reached is None:
            return None
        if findings.compare(
            "idx_cursor", 1, "height", expected=reached.height, found=cursor.height
        ):
            with fresh.reading() as chain:
                compare_indexes(ours, chain, findings)
    return derive_index(fresh, source, deployment, findings, finality=finality, until=None)


def _recorded_by_others(ours: Connection, chain: Connection) -> tuple[tuple[Digest, ...], int]:
    """Operations of the chain that are in none of our records."""
    found: list[Digest] = []
    count, after = 0, (-1, -1)
    while True:
        page = list_places(chain, after=after, limit=_PAGE)
        known = known_digests(ours, [digest for digest, _ in page])
        unknown = [digest for digest, _ in page if digest not in known]
        count += len(unknown)
        found += unknown[: _PAGE - len(found)]
        if len(page) < _PAGE:
            return tuple(found), count
        after = page[-1][1]
