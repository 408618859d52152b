"""What each act costs is what the committed table says."""

from __future__ import annotations

import json

from tests.contracts.gas import MANY, TABLE, TOUR, measure


def test_the_gas_of_every_act_is_what_the_table_says() -> None:
    table = json.loads(TABLE.read_text("utf-8"))
    assert measure() == table, "run python -m tests.contracts.gas and look at why"


def test_fifty_in_one_transaction_cost_less_than_fifty_transactions() -> None:
    rows = json.loads(TABLE.read_text("utf-8"))["gas"].values()
    batched = [row for row in rows if f"each of {MANY}" in row]
    assert batched
    assert all(row[f"each of {MANY}"] < 0.75 * row["one"] for row in batched)


def test_twenty_packages_reach_another_unit_within_what_was_promised() -> None:
    gas = json.loads(TABLE.read_text("utf-8"))["gas"]
    way = [gas[name] for name in ("dispatch", "carry", "keep")]
    assert sum(row["one"] for row in way) <= 260_000
    assert sum(row[f"each of {TOUR}"] for row in way) <= 175_000
