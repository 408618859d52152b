"""Facts about the audit: it is silent about what is right, and names every wrong value."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select
from sqlalchemy.types import TypeDecorator

from ledger.domain.acts.words import UnitRole
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Inconsistent, Refused, StorageUnavailable
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.states import UnitState
from ledger.settings import Settings
from ledger.steps.auditing.apart import _check_at
from ledger.steps.auditing.audit import AuditReport, audit
from ledger.steps.auditing.paging import check_page
from ledger.steps.following.follow import Progress, index_next
from ledger.steps.instance import Instance, open_instance
from ledger.steps.reading.imports import ImportOptions, import_file
from ledger.steps.starting.link import Link, open_link
from ledger.storage import index
from ledger.storage.engine.columns import metadata
from tests.house import Clock
from tests.steps.hospital import Hospital, opened_hospital, tell_everything
from tests.steps.test_follow import Altered

S = OperationState
DAC_LOG = Path(__file__).parents[1] / "data" / "dacuniversal" / "DAC.Log"


def prepare(hospital: Hospital, clock: Clock) -> None:
    """Everything that there may be, and an imported file, all of it final."""
    tell_everything(hospital, clock)
    import_file(
        hospital.instance,
        hospital.caller,
        DAC_LOG.read_bytes(),
        filename="DAC.Log",
        unit=1,
        options=ImportOptions(),
    )


def a_clock() -> Clock:
    """As of now, so that whoever opens the home with the real clock looks back at it."""
    return Clock(now=datetime.now(UTC).replace(microsecond=0) - timedelta(days=5 * 366))


@dataclass(frozen=True)
class Evidence:
    """A home that was audited once, and a chain that every test may read."""

    home: Path
    link: Link

    @contextmanager
    def copied(self, folder: Path) -> Iterator[Instance]:
        """The same home again, to be damaged."""
        shutil.copytree(self.home, folder / "home")
        opened = open_instance(Settings(home=folder / "home"))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    """Made once: an audit only reads."""
    home = tmp_path_factory.mktemp("audited") / "home"
    clock = a_clock()
    with opened_hospital(home, "", clock=clock) as hospital:
        prepare(hospital, clock)
    instance = open_instance(Settings(home=home))
    link = open_link(instance)
    yield Evidence(home, link)
    link.stop()
    instance.close()


def test_an_honest_home_has_no_difference(tmp_path: Path, database_address: str) -> None:
    clock = a_clock()
    with opened_hospital(tmp_path / "home", database_address, clock=clock) as hospital:
        prepare(hospital, clock)
        waiting = hospital.accept(hospital.opening("S1", 9))
        report = audit(hospital.instance, hospital.link.node)
    assert [str(each) for each in report.differences] == []
    assert report.difference_count == 0
    assert [owed.digest for owed in report.owed] == [waiting]
    assert report.by_others == ()
    for table in (
        "assets", "consignments", "records", "operations", "operation_signatures",
        "operation_states", "receipts", "readings", "reading_cycles", "transactions",
        "journal_blocks", "idx_assets", "idx_consignments", "idx_cycles",
        "idx_equipment", "idx_erasures", "idx_heads", "idx_operations", "idx_proposals",
        "idx_services", "idx_shares", "idx_signatures", "idx_signers", "idx_units",
        "idx_witnesses", "idx_cursor",
    ):  # fmt: skip
        assert report.checked[table] > 0, table


#: Every value of the other tables is changed in tests/tampering/test_every_value.py.
INDEX_COLUMNS = [
    (table.name, column.name)
    for table in metadata.tables.values()
    if table.name.startswith("idx_")
    for column in table.columns
    if not column.primary_key
]

#: Words that a column accepts, where flipping a bit would make one that it does not.
_WORDS = {"state": ("final", "stuck"), "kind": ("UnitClosure", "RecoveryVeto")}


def flipped(column: str, value: object) -> object:
    """Another value of the same type."""
    if isinstance(value, bytes):
        middle = len(value) // 2
        return value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1 :]
    if isinstance(value, str):
        first, second = _WORDS.get(column, (value, value + "x"))
        return second if value == first else first
    if isinstance(value, int):
        return value ^ 1 if value else 1
    return 1 if value is None else None


def damage(instance: Instance, table: Table, column: str) -> None:
    """Flip one value of the last row where it is not null, past every check of ours."""
    target = table.c[column]
    stored = target.type.impl_instance if isinstance(target.type, TypeDecorator) else target.type
    keys = list(table.primary_key)
    with instance.database.transaction() as tx:
        raw = tx.connection.driver_connection
        assert raw is not None
        names = ", ".join(f'"{key.name}"' for key in keys)
        rows = raw.execute(
            f'SELECT {names}, "{column}" FROM {table.name} WHERE "{column}" IS NOT NULL'  # noqa: S608
        ).fetchall()
        assert rows, (table.name, column, stored)
        *key, value = rows[-1]
        where = " AND ".join(f'"{each.name}" = ?' for each in keys)
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.execute(
            f'UPDATE {table.name} SET "{column}" = ? WHERE {where}',  # noqa: S608
            (flipped(column, value), *key),
        )


def audited(instance: Instance, link: Link) -> AuditReport:
    return audit(instance, link.node)


@pytest.mark.parametrize("table,column", INDEX_COLUMNS)
def test_one_changed_value_is_named(
    evidence: Evidence, tmp_path: Path, table: str, column: str
) -> None:
    with evidence.copied(tmp_path) as instance:
        damage(instance, metadata.tables[table], column)
        report = audited(instance, evidence.link)
    assert table in {each.table for each in report.differences}


@pytest.mark.parametrize(
    "table",
    [
        "record_secrets",
        "receipts",
        "operation_signatures",
        "reading_cycles",
        "idx_shares",
        "idx_witnesses",
    ],
)
def test_one_removed_row_is_named(evidence: Evidence, tmp_path: Path, table: str) -> None:
    with evidence.copied(tmp_path) as instance:
        target = metadata.tables[table]
        with instance.database.transaction() as tx:
            row = tx.execute(select(target)).mappings().first()
            assert row is not None
            tx.connection.driver_connection.execute("PRAGMA defer_foreign_keys = ON")  # type: ignore[union-attr]
            where = [column == row[column.name] for column in target.primary_key]
            tx.execute(target.delete().where(*where))
        report = audited(instance, evidence.link)
    assert table in {each.table for each in report.differences}


@pytest.mark.parametrize("column", ["state", "contract"])
def test_a_value_that_no_enumeration_knows_is_named(
    evidence: Evidence, tmp_path: Path, column: str
) -> None:
    with evidence.copied(tmp_path) as instance:
        with instance.database.transaction() as tx:
            raw = tx.connection.driver_connection
            assert raw is not None
            raw.execute(f"UPDATE operations SET {column} = 'nonsense' WHERE sequence = 3")  # noqa: S608
        report = audited(instance, evidence.link)
    assert ("operations", "the rest") in {(each.table, each.row) for each in report.differences}
    assert report.checked["readings"] > 0


def test_an_added_index_row_is_named(evidence: Evidence, tmp_path: Path) -> None:
    with evidence.copied(tmp_path) as instance:
        with instance.database.transaction() as tx:
            state = UnitState(number=99, roles=UnitRole.USER, admission=Digest(b"\1" * 32))
            index.put(tx, [state])
        report = audited(instance, evidence.link)
    assert [(each.table, each.row, each.field) for each in report.differences] == [
        ("idx_units", "99", "row")
    ]


def test_an_operation_that_the_chain_has_and_we_have_not_is_counted_as_others(
    evidence: Evidence, tmp_path: Path
) -> None:
    with evidence.copied(tmp_path) as instance:
        with instance.database.transaction() as tx:
            raw = tx.connection.driver_connection
            assert raw is not None
            digest = raw.execute(
                "SELECT digest FROM operations WHERE kind = 'CycleDecision' ORDER BY sequence DESC"
            ).fetchone()[0]
            for name in (
                "operation_signatures", "operation_dependencies", "operation_states", "receipts",
                "transaction_operations", "operations",
            ):  # fmt: skip
                raw.execute(f"DELETE FROM {name} WHERE digest = ?", (digest,))  # noqa: S608
        report = audited(instance, evidence.link)
    assert report.by_others == (digest,)
    # our own account sent it, so that it is missed here
    named = {each.table for each in report.differences}
    assert named == {"operations", "records", "transaction_operations"}


def test_an_index_that_was_dropped_is_no_difference_but_records_still_are_checked(
    evidence: Evidence, tmp_path: Path
) -> None:
    with evidence.copied(tmp_path) as instance:
        with instance.database.transaction() as tx:
            index.clear_index(tx)
        report = audited(instance, evidence.link)
    assert report.differences == ()
    assert report.indexed is None
    assert report.checked["records"] > 0


def test_a_chain_that_leaves_out_an_event_is_named(evidence: Evidence, tmp_path: Path) -> None:
    with evidence.copied(tmp_path) as instance:
        source = Altered(evidence.link.node, logs_as=lambda logs: logs[:2] + logs[3:])
        report = audit(instance, source)
    assert [(each.table, each.row) for each in report.differences] == [("chain", "events")]


def test_an_audit_changes_nothing(evidence: Evidence, tmp_path: Path) -> None:
    with evidence.copied(tmp_path) as instance:
        before = (instance.settings.home / "steriledger.db").read_bytes()
        audited(instance, evidence.link)
        assert (instance.settings.home / "steriledger.db").read_bytes() == before


def test_no_difference_shows_a_personal_field(evidence: Evidence, tmp_path: Path) -> None:
    with evidence.copied(tmp_path) as instance:
        damage(instance, metadata.tables["records"], "personal")
        report = audited(instance, evidence.link)
    said = "\n".join(report.lines()) + str(report.to_plain())
    assert "Nurse" not in said
    assert replace(report).difference_count == report.difference_count > 0


# ---------------------------------------------------------------- a process for the records


def test_records_checked_in_a_process_of_their_own_are_told_the_same_of(
    evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with evidence.copied(tmp_path) as instance:
        with instance.database.transaction() as tx:
            tx.execute(metadata.tables["records"].update().values(unit=9))
            tx.execute(metadata.tables["cycles"].update().values(unit=7))
            tx.execute(metadata.tables["receipts"].update().values(payload=b"{}"))
        here = audit(instance, evidence.link.node)
        monkeypatch.setattr("ledger.steps.auditing.apart.WORTH_A_PROCESS", 0)
        there = audit(instance, evidence.link.node)
    assert {each.table for each in here.differences} >= {"records", "cycles", "receipts"}
    assert there.differences == here.differences
    assert there.checked == here.checked
    assert there.difference_count == here.difference_count


@pytest.mark.parametrize(
    "table,column", [("records", "facts"), ("record_secrets", "facts_secret"), ("receipts", "key")]
)
def test_one_changed_value_is_named_by_the_other_process_with_its_row_and_field(
    evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, column: str
) -> None:
    with evidence.copied(tmp_path) as instance:
        damage(instance, metadata.tables[table], column)
        here = audit(instance, evidence.link.node)
        monkeypatch.setattr("ledger.steps.auditing.apart.WORTH_A_PROCESS", here.checked["records"])
        monkeypatch.setattr("ledger.steps.auditing.apart._check", in_no_case)
        there = audit(instance, evidence.link.node)
    named = {(each.table, each.row, each.field) for each in there.differences}
    assert table in {each for each, _, _ in named}
    assert named == {(each.table, each.row, each.field) for each in here.differences}


def in_no_case(*_: object) -> None:
    """Stands for the checks within this process; the other one loads its own."""
    raise AssertionError("checked in the same process")


def abort(*_: object) -> None:
    os.abort()


def abort_when_done(settings: Settings, deployment: Deployment) -> None:
    _check_at(settings, deployment)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("death", [abort, abort_when_done])
def test_a_process_that_dies_leaves_no_report(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch, death: Callable[..., None]
) -> None:
    monkeypatch.setattr("ledger.steps.auditing.apart.WORTH_A_PROCESS", 0)
    monkeypatch.setattr("ledger.steps.auditing.apart._check_at", death)
    with (
        closing(open_instance(Settings(home=evidence.home))) as instance,
        pytest.raises(StorageUnavailable, match="ended before"),
    ):
        audit(instance, evidence.link.node)


def fail(*_: object) -> None:
    raise Refused("the vault does not open", field="vault.key", remedy="bring its key")


def test_what_stops_the_other_process_is_told_in_its_own_words(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.steps.auditing.apart.WORTH_A_PROCESS", 0)
    monkeypatch.setattr("ledger.steps.auditing.apart._check_at", fail)
    with (
        closing(open_instance(Settings(home=evidence.home))) as instance,
        pytest.raises(Refused) as caught,
    ):
        audit(instance, evidence.link.node)
    assert str(caught.value) == "vault.key: the vault does not open. What to do: bring its key."


# ---------------------------------------------------------------- a second index in portions


def test_full_blocks_are_indexed_one_at_a_time_and_lead_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[Progress] = []

    def watched(*given: Any, **named: Any) -> Progress:
        reached.append(index_next(*given, **named))
        return reached[-1]

    monkeypatch.setattr("ledger.steps.auditing.index.index_next", watched)
    with opened_hospital(tmp_path / "home", "") as hospital:
        hospital.admit(1)
        hospital.register(1, "S1")
        writer = hospital.writer()
        for number in range(1, 5):
            hospital.run_cycle("S1", number)
            hospital.settle(writer)
        whole = audit(hospital.instance, hospital.link.node)
        few, reached[:] = len(reached), []
        monkeypatch.setattr("ledger.steps.auditing.index._PORTION", 1)
        portions = audit(hospital.instance, hospital.link.node)
    heights = [each.height for each in reached]
    assert all(after - before <= 1 for before, after in pairwise(heights))
    assert len(reached) > few
    assert portions.difference_count == whole.difference_count == 0
    assert (portions.checked, portions.indexed) == (whole.checked, whole.indexed)


def test_rows_before_one_that_cannot_be_read_are_checked() -> None:
    seen: list[int] = []

    def load(rows: Sequence[int]) -> int:
        if 3 in rows:
            raise Inconsistent("the database holds something else")
        return len(rows)

    with pytest.raises(Inconsistent):
        check_page([1, 2, 3, 4], load=load, check=lambda row, _: seen.append(row))
    assert seen == [1, 2]
