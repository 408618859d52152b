"""What is stored beside itself alone → checked; where it is much, in a process of its own.

Half of an audit is parsing and hashing records, verifying receipts, and comparing the directory.
None of it needs the chain, so a snapshot of its own is as good for it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from functools import partial
from typing import TypeAlias

from sqlalchemy import func, select

from ledger.domain.chain.deployment import Deployment
from ledger.domain.errors import StorageUnavailable
from ledger.keys.vault import Vault, load_vault
from ledger.settings import Settings
from ledger.steps.auditing.differences import Findings
from ledger.steps.auditing.directory import check_directory
from ledger.steps.auditing.evidence import Stored
from ledger.steps.auditing.packages import check_packages
from ledger.steps.auditing.paging import read_whole
from ledger.steps.auditing.receipts import check_receipts
from ledger.steps.auditing.records import check_records
from ledger.steps.auditing.references import check_references
from ledger.steps.instance import Instance
from ledger.storage.engine.database import Database, open_database
from ledger.storage.records import records

#: from so many records on, a second process is worth its start of about a second
WORTH_A_PROCESS = 3000

#: waits for what was found
Apart: TypeAlias = Callable[[], Findings]


@contextmanager
def checked_apart(instance: Instance, deployment: Deployment) -> Iterator[Apart]:
    """What checks all that needs no chain, begun already where the records are many.

    Its process ends with the block.  Raises StorageUnavailable when it dies before: then nothing is
    said at all.
    """
    with instance.database.reading() as tx:
        count: int = tx.execute(select(func.count()).select_from(records)).scalar_one()
    if count < WORTH_A_PROCESS:
        yield lambda: _check(instance.database, instance.vault, deployment)
        return
    # A new interpreter: a fork would share the database's connections and the chain's.
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawning) as pool:
        begun = pool.submit(_check_at, instance.settings, deployment)

        def wait() -> Findings:
            try:
                return begun.result()
            except BrokenProcessPool:
                raise StorageUnavailable(
                    "the process that checks the records ended before it was done",
                    remedy="run the audit again; look whether the system was short of memory",
                ) from None

        yield wait


def _check_at(settings: Settings, deployment: Deployment) -> Findings:
    """In the other process, which finds the vault's key where this one found it."""
    vault = load_vault(settings.home, encrypted_rows_exist=True)
    with closing(open_database(settings.database_address)) as database:
        return _check(database, vault, deployment)


def _check(database: Database, vault: Vault, deployment: Deployment) -> Findings:
    findings = Findings()
    with database.reading() as ours:
        stored = Stored(ours=ours, vault=vault, deployment=deployment, findings=findings)
        for table, check in (
            ("records", check_records),
            ("receipts", check_receipts),
            ("directory", check_directory),
            ("packages", check_packages),
            ("references", check_references),
        ):
            read_whole(findings, table, partial(check, stored))
    return findings
