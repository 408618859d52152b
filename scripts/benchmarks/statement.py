"""The account of a large month against `ledger` and the like; computed again; set as a page."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.terms import parts_of
from ledger.domain.acts.words import Party
from ledger.domain.drafts import draft
from ledger.domain.duties.terms import parse_terms
from ledger.domain.encoding.canonical import canonical
from ledger.domain.statement.periods import period_at
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.forms.all_forms import FORMS, Account
from ledger.forms.journal import entry
from ledger.forms.sheets import Reader
from ledger.forms.words import Language
from ledger.steps.settling.computing import Computed, read_terms
from ledger.steps.settling.recomputing import recompute
from ledger.steps.starting.deploy import get_held_key
from ledger.steps.starting.link import EmbeddedLink, Link
from ledger.storage import index
from ledger.storage.engine.database import Database, open_database
from ledger.storage.index_tables import TABLES
from ledger.storage.keys import KeyPurpose
from scripts.benchmarks.accounting import account_in
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.contributions import (
    DRONE,
    MONTH,
    OFFSET,
    Contributions,
    terms_document,
    whole_trips,
)
from scripts.benchmarks.group import Group, founded_group
from scripts.benchmarks.turns import processor_seconds, ratios, seconds
from scripts.postgres import create_database, running_postgres

ROOT = Path(__file__).resolve().parents[2]
_EVENTS, _JOURNAL, _PAGE, _CYCLES = 1_000_000, 200_000, 20_000, 500
_PORTION = 5_000
_WARM = 7
_END = 2**40
_MONTH_SECONDS = 32 * 24 * 3600
_LANGUAGES = tuple(Language)


def measure_statement(size: Size) -> Figures:
    """A month's account from the index, in a process of its own that starts and ends with it.

    The journal has an entry for each event that moves money; `ledger` and `hledger` add it up, and
    SQLite a table of its postings.  Their balances have to be those of the account.  Recomputing
    reads a chain that stands ready, and checks blocks, heads, digests and code; a page is set from
    an account at hand, once the fonts were loaded.  Whatever is made twice, or from the other
    database, has to be the same bytes.
    """
    with tempfile.TemporaryDirectory(prefix="steriledger-bench-") as name:
        folder = Path(name)
        return {
            **_whole(folder, size.of(_EVENTS, least=2000)),
            **_against_journals(folder, size.of(_JOURNAL, least=2000), size.repeats),
            **_pages(folder, size.of(_PAGE, least=2000)),
            **_again(folder, size.of(_CYCLES, least=20), size.repeats),
        }


# ---------------------------------------------------------------- the index


@contextmanager
def _filled(address: str, events: Contributions) -> Iterator[Database]:
    """A database whose index holds the month; its further indexes are left out while it fills."""
    with closing(open_database(address)) as database:
        database.migrate()
        table = TABLES[IndexedOperation]
        aside = [
            each
            for each in table.indexes
            if {c.name for c in each.columns} & {"also", "record", "unit", "subject"}
        ]
        with database.transaction() as tx:
            for each in aside:
                each.drop(tx)
        rows = events.rows()
        while part := list(islice(rows, _PORTION)):
            with database.transaction() as tx:
                index.put(tx, part)
        yield database


def _whole(folder: Path, wanted: int) -> Figures:
    count = whole_trips(wanted)
    address = f"sqlite:///{folder}/whole.db"
    with _filled(address, Contributions(count)):
        pass
    taken = _process(address, count)
    return {
        "statement/account_seconds": Figure.once(taken["seconds"]),
        "statement/account_memory": Figure.once(taken["peak_mib"]),
        "statement/account_events": Figure.once(count),
        "statement/account_lines": Figure.once(taken["lines"]),
    }


def _process(address: str, count: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        subprocess.run(
            [sys.executable, "-m", "scripts.benchmarks.accounting", address, str(count)],
            cwd=ROOT, stdout=subprocess.PIPE, check=True,
        ).stdout
    )  # fmt: skip
    return found


# ---------------------------------------------------------------- journals


def _against_journals(folder: Path, wanted: int, repeats: int) -> Figures:
    count = whole_trips(wanted)
    events = Contributions(count, keeps_postings=True)
    address = f"sqlite:///{folder}/journal.db"
    with _filled(address, events):
        pass
    balances = {u: amount for u, amount in _process(address, count)["net"] if amount}
    journal, table = folder / "month.journal", folder / "postings.db"
    journal.write_text("\n".join(_entries(events.postings)), "utf-8")
    _tabulate(table, events.postings)
    others: dict[str, Callable[[], dict[int, int]]] = {
        "ledger": lambda: _added("ledger", journal=journal),
        "hledger": lambda: _added("hledger", "-N", journal=journal),
        "group_by": lambda: _grouped(table),
    }
    there = {n: add for n, add in others.items() if n == "group_by" or shutil.which(n)}
    for name in sorted({*others} - {*there}):
        sys.stderr.write(f"{name} is not installed; on Debian: apt install {name}\n")
    for name, add in there.items():
        if add() != balances:
            raise RuntimeError(f"{name} adds the journal up to other balances")
    took: dict[str, list[float]] = {name: [] for name in ("ours", *there)}
    used: dict[str, list[float]] = {name: [] for name in took}
    for _ in range(repeats):
        for name, work in {"ours": lambda: _process(address, count), **there}.items():
            # the slowest of them is shown beside the others, and has no bound
            if name != "hledger" or not took[name]:
                before = processor_seconds()
                took[name].append(seconds(work))
                used[name].append(processor_seconds() - before)
    return {
        **(
            {
                "statement/of_ledger": Figure.median(ratios(took["ours"], took["ledger"])),
                "statement/of_ledger_processor": Figure.median(
                    ratios(used["ours"], used["ledger"])
                ),
            }
            if "ledger" in there
            else {}
        ),
        **{f"statement/{name}_seconds": Figure.median(times) for name, times in took.items()},
        "statement/journal_events": Figure.once(count),
    }


def _entries(postings: Sequence[tuple[str, dict[int, int]]]) -> Iterator[str]:
    """As the exported journal has them: an entry for each debt."""
    terms_ = terms_document(0)["prices"]
    account = {"terms": {n: terms_[n] for n in ("currency", "smallest_in_one")}}
    for number, (what, amounts) in enumerate(postings):
        (creditor, _), *debtors = amounts.items()
        for debtor, amount in debtors:
            yield from entry(f"{MONTH}-15 {what} {number}", creditor, debtor, -amount, account)


def _added(program: str, *options: str, journal: Path) -> dict[int, int]:
    done = subprocess.run(
        [program, "-f", str(journal), "bal", "--depth", "2", *options],
        stdout=subprocess.PIPE, check=True, text=True, env={**os.environ, "LEDGER_FILE": ""},
    )  # fmt: skip
    rows = [line.split() for line in done.stdout.splitlines()]
    # beside the units there are a total and their parent, of no amount
    return {
        int(row[2].removeprefix("units:")): int(row[0].replace(",", "").replace(".", ""))
        for row in rows
        if len(row) == 3 and row[2].removeprefix("units:").isdigit()  # noqa: PLR2004 - amount, currency, account
    }


def _tabulate(path: Path, postings: Sequence[tuple[str, dict[int, int]]]) -> None:
    with closing(sqlite3.connect(path)) as table, table:
        table.execute("CREATE TABLE postings (unit INTEGER, amount INTEGER)")
        rows = [leg for _, amounts in postings for leg in amounts.items()]
        table.executemany("INSERT INTO postings VALUES (?, ?)", rows)


def _grouped(path: Path) -> dict[int, int]:
    with closing(sqlite3.connect(path)) as table:
        rows = table.execute("SELECT unit, SUM(amount) FROM postings GROUP BY unit").fetchall()
    return {unit: amount for unit, amount in rows if amount}


# ---------------------------------------------------------------- pages


def _pages(folder: Path, wanted: int) -> Figures:
    count = whole_trips(wanted)
    with running_postgres() as server:
        addresses = (f"sqlite:///{folder}/page.db", create_database(server, "page"))
        made: list[Account] = []
        for address in addresses:
            with _filled(address, Contributions(count)) as database:
                computed = account_in(database, count)
            made.append(
                Account(
                    account=computed.account, indicators=computed.indicators, data=computed.data
                )
            )
    names = {unit: f"U{unit}" for unit in range(1, DRONE + 1)}
    readers = {
        who: [Reader(language=each, unit=unit, names=names) for each in _LANGUAGES]
        for who, unit in (("unit", 7), ("group", None))
    }
    times: dict[str, list[float]] = {who: [] for who in readers}
    for who, both in readers.items():
        for reader in both:
            for form in FORMS.values():
                if len({form.make(each, reader) for each in (*made, made[0])}) != 1:
                    raise RuntimeError(f"the {form.ending} of the {who} is not the same bytes")
        for turn in range(_WARM):
            begun = time.perf_counter()
            FORMS["pdf"].make(made[0], both[turn % len(both)])
            times[who].append(time.perf_counter() - begun)
    return {
        **{f"statement/pdf_{who}": Figure.median(found) for who, found in times.items()},
        "statement/pdf_lines": Figure.once(len(made[0].account["lines"])),
    }


# ---------------------------------------------------------------- from the chain alone


def _again(folder: Path, cycles: int, repeats: int) -> Figures:
    with founded_group(folder / "home", machines=10) as group:
        # terms hold from a moment that is still to come
        soon = datetime.now(UTC) + timedelta(minutes=5)
        document = terms_document(0) | {"holds_from": soon.isoformat()}
        _publish_terms(group, document)
        group.record_cycles(cycles)
        group.send()
        deployment, node = group.instance.deployment(), group.link.node
        newest = node.block("latest")
        if newest is None:
            raise RuntimeError("the chain has no block")
        month = period_at(newest.timestamp, OFFSET)
        _end_month(group.link, newest.timestamp)
        agreement = read_terms(canonical(document), name="the terms")

        def again() -> Computed:
            return recompute(node, deployment, [agreement], month, finality="instant")

        first = again()
        rates = []
        for _ in range(repeats):
            begun = time.perf_counter()
            found = again()
            rates.append(first.account["events"] / (time.perf_counter() - begun))
            if found.data != first.data:
                raise RuntimeError("the chain alone gives other bytes the second time")
    return {
        "statement/recompute": Figure.median(rates),
        "statement/recompute_events": Figure.once(first.account["events"]),
    }


def _publish_terms(group: Group, document: Mapping[str, Any]) -> None:
    version = parse_terms(json.dumps(document).encode())
    values = {"document": bytes.fromhex(version.sha256), "lines": parts_of(version)}
    with group.instance.database.transaction() as tx:
        keys = {Party.AUTHORITY: get_held_key(tx, KeyPurpose.AUTHORITY).signer}
        group.accept(tx, draft(ACTS["Terms"], values, unit=0, keys=keys))
    group.send()


def _end_month(link: Link, after: int) -> None:
    """A block after the month's end, in the simulated time of the embedded chain."""
    if not isinstance(link, EmbeddedLink):
        raise TypeError("the benchmarks run on the embedded chain")
    process = link.chain.ensure_running().node
    process.ask("evm_setNextBlockTimestamp", after + _MONTH_SECONDS)
    process.ask("evm_mine")
