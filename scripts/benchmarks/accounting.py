"""A process of its own that computes the account of a month from an index.

python -m scripts.benchmarks.accounting ADDRESS EVENTS    prints what it took, as JSON
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, cast

from ledger.domain.statement.account import Closing
from ledger.steps.settling.computing import Computed, compute
from ledger.steps.settling.reading import entries_of_index
from ledger.storage.engine.database import Database, open_database
from scripts.benchmarks.contributions import MONTH, OFFSET, terms
from scripts.benchmarks.turns import peak_mib

if TYPE_CHECKING:
    from ledger.domain.chain.deployment import Deployment

_END = 2**40


class _Nowhere:
    """In the place of a deployment, of which an account tells the fingerprint alone."""

    def fingerprint(self) -> bytes:
        """32 bytes."""
        return b"\2" * 32


def account_in(database: Database, count: int) -> Computed:
    """The account of a month of so many events."""
    end = Closing(block=_END, hash=b"\1" * 32, time=MONTH.ends(OFFSET))
    with database.reading() as tx:
        return compute(
            entries_of_index(tx, _END),
            [terms(count)],
            MONTH,
            end,
            deployment=cast("Deployment", _Nowhere()),
        )


def main(address: str, count: int) -> None:
    """Compute it, and say what it took."""
    with closing(open_database(address)) as database:
        begun = time.perf_counter()
        found = account_in(database, count)
        took = time.perf_counter() - begun
    told = {
        "seconds": took,
        "peak_mib": peak_mib(os.getpid()),
        "hash": found.hash.hex(),
        "lines": len(found.account["lines"]),
        "net": [[each["unit"], each["net"]] for each in found.account["units"]],
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
