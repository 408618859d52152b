"""Whatever single value is changed, whichever row is dropped or swapped: the audit names it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import pytest
from sqlalchemy import Column, Table

from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import SteriLedgerError
from ledger.steps.accepting.clock import CONFIRMED_SETTING
from ledger.steps.answering.status import CHAIN_STATUS_SETTING
from ledger.steps.answering.trouble import STARTED_SETTING, TroubleKind
from ledger.steps.auditing.audit import audit
from ledger.steps.auditing.differences import Difference, in_words
from ledger.steps.following.follow import index_next
from ledger.storage import index
from ledger.storage.engine.revision import INDEX_SETTING, KEPT_SETTING
from ledger.storage.engine.schema import metadata
from tests.steps.test_follow import Altered
from tests.tampering.kit import SEED, Home, Value, others

#: Tables that hold no evidence, and why a changed row there proves or disproves nothing.
NO_EVIDENCE: Mapping[str, str] = {
    "tokens": "who may call the API now; what was done with a token is signed by a key",
    **dict.fromkeys(
        ("accounts", "passkeys", "identities", "stations", "sessions", "links"),
        "who may come in through the pages; as with tokens, what was done is signed by a key",
    ),
    "idempotency": "answers that were given, kept for thirty days",
    **dict.fromkeys(
        ("label_rolls", "label_prints", "label_print_states"),
        "serials kept apart, and what became of paper; what a label says stands in reports",
    ),
    "unit_contacts": "whom to call at a unit, as an administrator noted it",
    "photo_records": "which photos are kept of a record; their hashes stand in the record",
    "drafts": "prepared and not accepted; a changed one does not open, or has another digest",
    "leases": "who writes now; safety comes from constraints",
    "idx_current_witnesses": "empty: no kind of statement replaces another of its unit yet",
}

#: Columns on which nothing signed or mined rests, and what the audit can still say of them.
FREE: Mapping[tuple[str, str], str] = {
    ("idx_heads", "contract"): "every contract has its row; that none is lost is tested below",
    ("keys", "label"): "a name for people; rights come from the enrolment",
    ("keys", "created_at"): "our own clock; nothing rests on it",
    ("operation_states", "at"): "our own clock, which may be set back; only the first is bound",
    ("operation_states", "reason"): "words for people; only whether there are some is bound",
    ("operation_states", "id"): "only the order is bound",
    ("operations", "sequence"): "our own order; bound by what waited for what",
    ("photos", "unit"): "whose it is; records name it by its hash alone",
    ("photos", "kept_at"): "our own clock; nothing rests on it",
    ("records", "personal_erased_at"): "our own clock; that it was erased is bound",
    ("transactions", "created_at"): "our own clock; the block's time is the chain's",
    ("transactions", "id"): "a number for joins; carried operations are bound to it",
    ("transactions", "state"): "of the envelope; the operation's own state is bound",
}

#: Where another field determines the value, the difference stands there.
NEIGHBOURS: Mapping[tuple[str, str], set[tuple[str, str]]] = {
    ("keys", "algorithm"): {("keys", "private_key"), ("keys", "purpose")},
    ("operations", "accepted_at"): {("receipts", "payload.accepted_at")},
    ("record_secrets", "personal_secret"): {
        ("record_secrets", "personal"),
        ("records", "personal"),
    },
    ("records", "facts"): {("records", "facts_root"), ("records", "record")},
    ("records", "personal"): {("records", "personal_root"), ("records", "record")},
    ("settings", "value"): {("receipts", "payload.deployment"), ("receipts", "key")},
    ("transactions", "hash"): {("transactions", "raw")},
    ("operations", "digest"): {("operations", "message")},
    ("photos", "sha256"): {("photos", "picture")},
    ("readings", "sha256"): {("readings", "raw")},
    ("operation_dependencies", "digest"): {("operation_dependencies", "predecessor")},
    ("operation_signatures", "digest"): {("operation_signatures", "party")},
    ("receipts", "digest"): {("receipts", "row")},
    ("operation_states", "digest"): {("operation_states", "row"), ("operation_states", "state")},
    ("receipts", "payload"): {("receipts", "signature")},
    ("transaction_operations", "transaction_id"): {("transaction_operations", "digest")},
    ("readings", "unit"): {("reading_cycles", "ordinal")},
    ("arrivals", "payload"): {("arrivals", "signature")},
    ("reading_cycles", "reading"): {("reading_cycles", "ordinal")},
    ("reading_cycles", "unit"): {("reading_cycles", "ordinal")},
    ("record_secrets", "record_id"): {("record_secrets", "row")},
}

Row: TypeAlias = dict[str, Value]

#: The other columns of the index are changed, one by one, in tests/steps/test_audit.py.
EVIDENCE = [table for table in metadata.sorted_tables if table.name not in NO_EVIDENCE]
COLUMNS = [
    column
    for table in EVIDENCE
    for column in table.columns
    if (table.name, column.name) not in FREE
    and (column.primary_key or not table.name.startswith("idx_"))
]


def name_of(column: Column[Value]) -> str:
    return f"{column.table.name}.{column.name}"


def expected_places(column: Column[Value]) -> set[tuple[str, str]]:
    """Where a difference may stand: the field itself, its row, or the field that determines it."""
    table = column.table.name
    places = {(table, column.name)} | NEIGHBOURS.get((table, column.name), set())
    # A row under another key, or with another operation behind it, is another row.
    is_key = column.primary_key or column.name == "digest"
    return places | {(table, "row")} if is_key else places


def places_of(differences: list[Difference]) -> set[tuple[str, str]]:
    return {(each.table, each.field) for each in differences}


def found_after(home: Home) -> list[Difference] | str:
    """The differences, or in words why the audit could not even begin."""
    try:
        return home.differences()
    except SteriLedgerError as error:
        return str(error)


@pytest.mark.parametrize("column", COLUMNS, ids=name_of)
def test_one_changed_value_is_named(home: Home, column: Column[Value]) -> None:
    chance = random.Random(f"{os.environ.get('TAMPERING_SEED', SEED)} {name_of(column)}")
    changes = list(damage_of(home, column, chance))
    assert changes
    for row, value in changes:
        with home.with_row(column.table, row, row | {column.name: value}):
            found = found_after(home)
        if isinstance(found, str):
            assert column.table.name == "settings", found
            continue
        assert places_of(found) & expected_places(column), [str(each) for each in found]
        # A row that moved to another operation leaves its mark at both.
        is_moved = column.name == "digest" and bool(column.foreign_keys)
        assert is_moved or any(is_about(each, column.table, row) for each in found), [
            str(each) for each in found
        ]


#: settings that are no evidence: what the worker says of itself, what a person said of the clock,
#: and the shape of the tables
NO_EVIDENCE_SETTINGS = frozenset(
    {
        CHAIN_STATUS_SETTING, STARTED_SETTING, *TroubleKind, CONFIRMED_SETTING, INDEX_SETTING,
        KEPT_SETTING,
    }
)  # fmt: skip


def damage_of(
    home: Home, column: Column[Value], chance: random.Random
) -> Iterator[tuple[Row, Value]]:
    """Row and new value: another, and NULL or something where NULL is allowed."""
    rows = home.rows(column.table)
    if name_of(column) == "journal_blocks.hash":
        rows = rows[:-1]  # the last may still be without it
    if column.table.name == "settings":
        rows = [row for row in rows if row["name"] not in NO_EVIDENCE_SETTINGS]
    for is_null in (False, True):
        fitting = [row for row in rows if (row[column.name] is None) is is_null]
        while fitting:
            row = chance.choice(fitting)
            values = others(column, row[column.name], chance)
            if not any(is_taken(column, rows, row | {column.name: value}) for value in values):
                yield from ((row, value) for value in values)
                break
            fitting.remove(row)


def is_taken(column: Column[Value], rows: Sequence[Row], changed: Row) -> bool:
    """Whether another row has the changed one's key: an operation's other party has the word."""
    names = [each.name for each in column.table.primary_key]
    key = [changed[name] for name in names]
    return column.primary_key and any([row[name] for name in names] == key for row in rows)


def is_about(difference: Difference, table: Table, row: Row) -> bool:
    """Whether a difference names the row by its key, its operation or its record."""
    names = [column.name for column in table.primary_key if column.name != "unit"]
    names += [name for name in ("digest", "record_id", "hash", "id", "reading") if name in row]
    shown = f"{difference.row} {difference.expected} {difference.found}"
    return any(in_words(row[name])[:40] in shown for name in names if row[name] is not None)


def test_every_table_and_column_is_covered_or_named_with_its_reason() -> None:
    tables = set(metadata.tables)
    known = {(table.name, column.name) for table in metadata.sorted_tables for column in table.c}
    assert set(NO_EVIDENCE) < tables
    assert set(FREE) < known
    assert set(NEIGHBOURS) < known
    assert all(NO_EVIDENCE.values())
    assert all(FREE.values())


# ---------------------------------------------------------------- rows

#: Rows whose loss nothing shows, and why.
LOST_UNSEEN: Mapping[str, str] = {
    "keys": "a unit's held key: then nobody signs with it, and what it signed stays proved",
    "operation_dependencies": "what only had to come first, such as a machine's earlier cycle",
    "settings": "NO_EVIDENCE_SETTINGS",
}


def rows_that_count(home: Home, table: Table) -> list[Row]:
    """The rows of a table, without those of LOST_UNSEEN."""
    rows = home.rows(table)
    if table.name == "keys":
        return [row for row in rows if row["purpose"] != "unit"]
    if table.name == "settings":
        return [row for row in rows if row["name"] not in NO_EVIDENCE_SETTINGS]
    if table.name == "operation_dependencies":
        openings = {
            row["digest"]
            for row in home.rows(metadata.tables["operations"])
            if row["kind"] == "CycleOpening"
        }
        ends = {
            row["digest"]
            for row in home.rows(metadata.tables["operations"])
            if row["kind"] == "CycleEnding"
        }
        return [row for row in rows if row["digest"] in ends and row["predecessor"] in openings]
    return rows


@pytest.mark.parametrize("table", EVIDENCE, ids=str)
def test_one_dropped_row_is_named(home: Home, table: Table) -> None:
    row = random.Random(f"{SEED} {table.name}").choice(rows_that_count(home, table))
    with home.with_row(table, row, None):
        found = found_after(home)
    if isinstance(found, str):
        assert table.name in {"settings", "keys"}, found
        return
    named = {each.table for each in found}
    assert table.name in named or BESIDE.get(table.name) in named, [str(each) for each in found]


#: Where the loss of a row shows: at what points to it.
BESIDE: Mapping[str, str] = {
    "operations": "records",
    "records": "operations",
    "transactions": "operation_states",
    "operation_states": "operations",
}


#: One row, rows of different kinds, or rows that differ in nothing but their key.
NO_PLACES = {
    "idx_cursor", "idx_erasures", "idx_proposals", "settings", "operation_dependencies",
    "consignment_parties", "codes",
}  # fmt: skip


@pytest.mark.parametrize(
    "table", [each for each in EVIDENCE if each.name not in NO_PLACES], ids=str
)
def test_two_rows_that_changed_places_are_named(home: Home, table: Table) -> None:
    first, second = two_of(table, rows_that_count(home, table))
    keys = [column.name for column in table.primary_key]
    swapped = [
        first | {name: second[name] for name in keys},
        second | {name: first[name] for name in keys},
    ]
    with home.with_rows(table, [first, second], swapped):
        found = found_after(home)
    assert not isinstance(found, str), found
    named = {each.table for each in found}
    assert table.name in named or BESIDE.get(table.name) in named, [str(each) for each in found]


def two_of(table: Table, rows: list[Row]) -> tuple[Row, Row]:
    """Two rows that differ in more than their keys; of one operation where only order counts."""
    chance = random.Random(f"{SEED} {table.name}")
    if table.name == "operation_states":
        same = [row for row in rows if row["digest"] == rows[0]["digest"]]
        return same[0], same[1]
    if table.name == "operations":
        return rows[0], rows[-1]
    keys = {column.name for column in table.primary_key}

    def content(row: Row) -> list[Value]:
        return [value for name, value in row.items() if name not in keys]

    first = chance.choice(rows)
    rest = [row for row in rows if row != first]
    differing = [row for row in rest if content(row) != content(first)]
    return first, chance.choice(differing or rest)


@pytest.mark.parametrize("table", EVIDENCE, ids=str)
def test_one_changed_value_is_named_on_postgresql(postgresql_home: Home, table: Table) -> None:
    chance = random.Random(f"{SEED} {table.name}")
    column = chance.choice(
        [
            each
            for each in table.columns
            if (table.name, each.name) not in FREE and name_of(each) != "idx_cursor.id"
        ]
    )
    for row, value in damage_of(postgresql_home, column, chance):
        with postgresql_home.with_row(table, row, row | {column.name: value}):
            found = found_after(postgresql_home)
        assert isinstance(found, str) or places_of(found) & expected_places(column)


# ---------------------------------------------------------------- what is bound of the free ones


def test_an_operation_that_stands_before_what_it_waited_for_is_named(home: Home) -> None:
    table = metadata.tables["operations"]
    row = next(each for each in home.rows(table) if each["kind"] == "CycleOpening")
    with home.with_row(table, row, row | {"sequence": 999}):
        assert ("operations", "sequence") in places_of(home.differences())


def test_a_reason_that_vanished_and_one_that_appeared_are_named(home: Home) -> None:
    table = metadata.tables["operation_states"]
    row = next(each for each in home.rows(table) if each["state"] == "sent")
    with home.with_row(table, row, row | {"reason": "nobody said so"}):
        assert ("operation_states", "reason") in places_of(home.differences())


def test_a_state_that_is_dated_before_the_one_it_follows_is_told(home: Home) -> None:
    """A clock that was set back does the same, so it is no difference."""
    table = metadata.tables["operation_states"]
    row = next(each for each in home.rows(table) if each["state"] == "mined")
    with home.with_row(table, row, row | {"at": row["at"] - 3_600_000_000}):
        report = audit(home.instance, home.node)
        assert (report.set_back, report.differences) == (1, ())


def test_an_erasure_that_nobody_asked_for_is_named(home: Home) -> None:
    table = metadata.tables["records"]
    row = next(each for each in home.rows(table) if each["personal_erased_at"] is None)
    with home.with_row(table, row, row | {"personal_erased_at": row["accepted_at"] + 1}):
        assert ("records", "personal_erased_at") in places_of(home.differences())


# ---------------------------------------------------------------- a printout, an index, an event


def test_an_edited_printout_is_named_even_with_its_own_hash(home: Home) -> None:
    table = metadata.tables["readings"]
    row = home.rows(table)[0]
    edited = row["raw"].replace(b"134", b"135", 1)
    assert edited != row["raw"]
    with home.with_row(table, row, row | {"raw": edited}):
        found = home.differences()
        assert {(each.table, each.row, each.field) for each in found} == {
            ("readings", in_words(row["sha256"]), "raw")
        }
    renamed = row | {"raw": edited, "sha256": sha256(edited)}
    with home.with_row(table, row, renamed):
        found = home.differences()
    assert ("readings", in_words(row["sha256"]), "row") in {
        (each.table, each.row, each.field) for each in found
    }


def test_an_old_index_put_back_is_named(home: Home) -> None:
    """It agrees with the chain as far as it goes, but an operation is final beyond it."""
    tables = [table for table in metadata.sorted_tables if table.name.startswith("idx_")]
    kept = {table.name: home.rows(table) for table in tables}
    with home.instance.database.transaction() as tx:
        index.clear_index(tx)
    deployment, finality = home.instance.deployment(), home.instance.settings.finality
    half = kept["idx_cursor"][0]["height"] - 1
    index_next(home.instance.database, home.node, deployment, finality=finality, until=half)
    found = home.differences()
    for table in tables:
        home.put_back(table, kept[table.name])
    assert [(each.table, each.field, each.found) for each in found] == [
        ("idx_cursor", "height", str(half))
    ]


def test_an_event_that_the_node_leaves_out_is_found(home: Home) -> None:
    """By the running head, or, for one line of a load or of shares, by its own operation."""
    said = []
    for place in range(0, 22, 7):
        source = Altered(
            home.node,
            logs_as=lambda logs, at=place: logs[:at] + logs[at + 1 :],  # type: ignore[misc]
        )
        found = audit(home.instance, source).differences
        assert {(each.table, each.row) for each in found} == {("chain", "events")}
        said.append(found[0].found)
    assert any("head" in each for each in said), said
