"""What is asked about a page of rows reads those rows, and no whole table, on SQLite too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, event

from ledger.domain.subjects.states import CycleState
from ledger.storage import index, operations, packages, pages
from ledger.storage.arrivals import arrivals_of
from ledger.storage.engine.database import Database
from ledger.storage.readings import heads_of

KEYS = [bytes([number]) * 32 for number in range(200)]
TEXTS = [key.hex()[:32] for key in KEYS]
PAIRS = [(1, key) for key in KEYS]

ASKED: dict[str, Callable[[Connection], object]] = {
    "headings": lambda tx: pages.headings_of(tx, TEXTS),
    "facts": lambda tx: pages.facts_of(tx, TEXTS),
    "secrets": lambda tx: pages.secrets_of(tx, TEXTS),
    "acceptances": lambda tx: pages.acceptances_of(tx, TEXTS),
    "operations": lambda tx: pages.operations_of(tx, KEYS),
    "receipts": lambda tx: pages.receipts_of(tx, KEYS),
    "signatures": lambda tx: pages.signatures_of(tx, KEYS),
    "states": lambda tx: pages.states_by_operation(tx, KEYS),
    "predecessors": lambda tx: pages.predecessors_of(tx, KEYS),
    "carriers": lambda tx: pages.carriers_of(tx, KEYS),
    "positions": lambda tx: pages.positions_of(tx, range(200)),
    "attempts": lambda tx: pages.attempts_beside(tx, range(200)),
    "cycles": lambda tx: index.list_by_keys(tx, CycleState, [(key,) for key in KEYS]),
    "what was taken back": lambda tx: packages.names_touched(tx, KEYS[0], 7),
    "what was had then": lambda tx: packages.count_held(tx, 7, 1_793_700_000),
    "parts in consignments": lambda tx: operations.known_parties(
        tx, [operations.PartyRow(unit=7, consignment=key) for key in KEYS]
    ),
    "heads of readings": lambda tx: heads_of(tx, PAIRS),
    "arrivals": lambda tx: arrivals_of(tx, PAIRS),
}
#: indexes that lead to a share of the table which grows with it
_WIDE = ("_kind_sequence", "_state_sequence", "_unit_sequence")


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_a_page_is_found_by_its_own_keys(
    sqlite_database: Database, ask: Callable[[Connection], object]
) -> None:
    asked: list[tuple[str, object]] = []

    def note(*told: object) -> None:
        asked.append((str(told[2]), told[3]))

    with sqlite_database.reading() as tx:
        event.listen(tx, "before_cursor_execute", note)
        ask(tx)
        event.remove(tx, "before_cursor_execute", note)
        assert asked
        for statement, values in asked:
            rows = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()  # type: ignore[arg-type]
            steps = [str(row[3]) for row in rows]
            assert not any(step.startswith("SCAN") for step in steps), steps
            assert not any(wide in step for step in steps for wide in _WIDE), steps
