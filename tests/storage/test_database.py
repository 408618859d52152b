from __future__ import annotations

import contextlib
import threading
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError

from ledger.domain.acts.words import Party
from ledger.domain.errors import InvalidInput, StorageUnavailable
from ledger.storage.engine.database import Database, lock_subjects, open_database
from ledger.storage.leases import take_lease
from ledger.storage.operations import SignatureRow, find_operation, insert_signatures
from ledger.storage.records import list_records
from ledger.storage.settings import find_setting, insert_setting, put_setting, settings
from tests.storage.examples import NOON, accept, digest, operation, word


def settings_in(database: Database) -> dict[str, bytes]:
    with database.reading() as tx:
        found = {row.name: row.value for row in tx.execute(select(settings))}
    return {name: value for name, value in found.items() if not name.endswith("_schema")}


def test_what_a_transaction_wrote_is_there_afterwards(database: Database) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "deployment", b"{}")
    assert settings_in(database) == {"deployment": b"{}"}


def test_a_transaction_that_raises_leaves_nothing_of_itself(database: Database) -> None:
    def write_and_fail(tx: Connection) -> None:
        accept(tx, operation(1))
        insert_setting(tx, "deployment", b"{}")
        raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"), database.transaction() as tx:
        write_and_fail(tx)
    with database.reading() as tx:
        assert find_operation(tx, digest(1)) is None
        assert list_records(tx) == []
        assert tx.execute(text("SELECT count(*) FROM operation_states")).scalar_one() == 0
    assert settings_in(database) == {}


def test_a_reading_writes_nothing(database: Database) -> None:
    with pytest.raises(StorageUnavailable, match="read-only"), database.reading() as tx:
        insert_setting(tx, "deployment", b"{}")
    assert settings_in(database) == {}


def test_writing_works_again_after_a_reading_on_the_same_connection(database: Database) -> None:
    with database.reading() as tx:
        assert find_setting(tx, "name") is None
    with database.transaction() as tx:
        put_setting(tx, "name", b"home")
    assert settings_in(database) == {"name": b"home"}


def test_a_reading_sees_one_moment_whatever_is_written_meanwhile(database: Database) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "name", b"before")
    with database.reading() as seen:
        assert find_setting(seen, "name") == b"before"
        with database.transaction() as tx:
            put_setting(tx, "name", b"after")
        assert find_setting(seen, "name") == b"before"
    assert settings_in(database) == {"name": b"after"}


def test_a_row_without_the_row_that_it_belongs_to_is_refused(database: Database) -> None:
    row = SignatureRow(digest=digest(1), party=Party.SIGNER, signer=b"s" * 20, signature=b"x" * 65)
    with pytest.raises(IntegrityError), database.transaction() as tx:
        insert_signatures(tx, [row])
    with database.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM operation_signatures")).scalar_one() == 0


def test_times_are_the_same_integer_microseconds_in_both_databases(database: Database) -> None:
    with database.transaction() as tx:
        take_lease(tx, "writer", "a", NOON, 0)
    with database.reading() as tx:
        stored = tx.execute(text("SELECT expires_at FROM leases")).scalar_one()
    assert stored == 1_772_625_600_123_456


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 3, 4, 12)  # noqa: DTZ001 - the point of the test
    with pytest.raises(InvalidInput, match="has no zone"), database.transaction() as tx:
        take_lease(tx, "writer", "a", naive, 10)
    with database.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM leases")).scalar_one() == 0


def test_closing_twice_is_harmless_and_a_closed_database_opens_again(database: Database) -> None:
    database.close()
    database.close()
    assert settings_in(database) == {}


# ------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "address",
    ["", "ledger.db", "mysql://localhost/ledger", "sqlite://", "sqlite:///:memory:",
     "postgresql+asyncpg://localhost/ledger", "postgresql://host:port/ledger"],
)  # fmt: skip
def test_an_address_that_names_no_ledger_database_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_database(address)
    assert caught.value.field == "database"


def test_the_password_is_never_shown() -> None:
    with contextlib.closing(open_database("postgresql://ledger:hunter2@localhost/l")) as opened:
        assert "hunter2" not in repr(opened)
        assert "localhost" in repr(opened)


# -------------------------------------------------------------------------------------- failures


def test_a_missing_folder_is_named_as_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with (
        contextlib.closing(open_database(f"sqlite:///{tmp_path}/absent/ledger.db")) as opened,
        pytest.raises(StorageUnavailable, match="cannot be opened"),
    ):
        opened.migrate()


def test_a_file_that_is_no_database_is_named_so_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database " * 100)
    with (
        contextlib.closing(open_database(f"sqlite:///{path}")) as opened,
        pytest.raises(StorageUnavailable, match="not a database"),
    ):
        opened.migrate()
    assert path.read_bytes() == b"not a database " * 100


def test_a_full_disk_is_named_and_nothing_is_stored(sqlite_database: Database) -> None:
    def fill_the_disk(tx: Connection) -> None:
        insert_setting(tx, "small", b"1")
        tx.exec_driver_sql("PRAGMA max_page_count = 1")
        insert_setting(tx, "large", bytes(1_000_000))

    with (
        pytest.raises(StorageUnavailable, match="disk is full"),
        sqlite_database.transaction() as tx,
    ):
        fill_the_disk(tx)
    assert settings_in(sqlite_database) == {}


def test_a_second_sqlite_writer_waits_and_then_says_why(
    sqlite_database: Database, sqlite_address: str
) -> None:
    with contextlib.closing(open_database(sqlite_address)) as other:
        with other.transaction() as tx:
            tx.exec_driver_sql("PRAGMA busy_timeout = 1")
        with (
            sqlite_database.transaction(),
            pytest.raises(StorageUnavailable, match="another process held the database"),
            other.transaction(),
        ):
            pytest.fail("two writers at once")


def test_a_server_that_is_not_there_is_named_so(tmp_path: Path) -> None:
    with (
        contextlib.closing(open_database(f"postgresql://p@/ledger?host={tmp_path}")) as opened,
        pytest.raises(StorageUnavailable, match="does not answer"),
    ):
        opened.migrate()


def test_a_connection_that_died_while_it_was_idle_is_replaced(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.storage.engine.database._TRUSTED_SECONDS", 0.0)
    with postgresql_database.transaction() as tx:
        process = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with postgresql_database.reading() as tx:
        ended = text("SELECT pg_terminate_backend(:process, 10000)")
        assert tx.execute(ended, {"process": process}).scalar_one()
    with postgresql_database.transaction() as tx:
        assert tx.execute(text("SELECT pg_backend_pid()")).scalar_one() != process


# ----------------------------------------------------------------------------------------- locks


def lock_at_once(tx: Connection, keys: list[bytes]) -> None:
    """Lock without patience."""
    tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
    lock_subjects(tx, keys)


def test_a_text_that_postgresql_cannot_hold_is_the_askers_mistake(
    postgresql_database: Database,
) -> None:
    with postgresql_database.reading() as tx, pytest.raises(InvalidInput, match="NUL"):
        find_setting(tx, "a\0b")


def test_a_connection_that_dies_inside_a_transaction_hides_no_error(database: Database) -> None:
    def die(tx: Connection) -> None:
        insert_setting(tx, "half", b"1")
        tx.invalidate()
        raise StorageUnavailable("gone")

    with pytest.raises(StorageUnavailable, match="gone"), database.transaction() as tx:
        die(tx)
    with database.reading() as tx:
        assert find_setting(tx, "half") is None


def test_two_writers_of_one_subject_wait_for_each_other(postgresql_database: Database) -> None:
    a, b, c = word("a"), word("b"), word("c")
    with postgresql_database.transaction() as first:
        lock_subjects(first, [a, b])
        with (
            pytest.raises(StorageUnavailable, match="in the way"),
            postgresql_database.transaction() as second,
        ):
            lock_at_once(second, [c, b])
    with postgresql_database.transaction() as third:
        lock_at_once(third, [b, a, a])


def share_at_once(tx: Connection, changed: list[bytes], read: list[bytes]) -> None:
    """Lock some to change and some to read, without patience."""
    tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
    lock_subjects(tx, changed, shared=read)


def test_readers_of_one_subject_do_not_wait_for_each_other(postgresql_database: Database) -> None:
    a, b, c = word("a"), word("b"), word("c")
    with postgresql_database.transaction() as first, postgresql_database.transaction() as second:
        share_at_once(first, [a], [c])
        share_at_once(second, [b], [c])


@pytest.mark.parametrize("first_changes", [True, False])
def test_who_changes_a_subject_and_who_reads_it_wait_for_each_other(
    postgresql_database: Database, first_changes: bool
) -> None:
    nothing: list[bytes] = []
    changing, reading = ([word("a")], nothing), (nothing, [word("a")])
    before, after = (changing, reading) if first_changes else (reading, changing)
    with postgresql_database.transaction() as first:
        share_at_once(first, *before)
        with (
            pytest.raises(StorageUnavailable, match="in the way"),
            postgresql_database.transaction() as second,
        ):
            share_at_once(second, *after)


def test_a_subject_that_is_changed_and_read_is_changed(postgresql_database: Database) -> None:
    with postgresql_database.transaction() as first:
        share_at_once(first, [word("a")], [word("a")])
        with (
            pytest.raises(StorageUnavailable, match="in the way"),
            postgresql_database.transaction() as second,
        ):
            share_at_once(second, [], [word("a")])


def test_writers_of_different_subjects_do_not_wait(postgresql_database: Database) -> None:
    with postgresql_database.transaction() as first, postgresql_database.transaction() as second:
        lock_at_once(first, [word("a")])
        lock_at_once(second, [word("b")])


def test_crossing_locks_and_read_modify_write_lose_nothing(database: Database) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "count", b"0")
    failures: list[BaseException] = []

    def add(keys: list[bytes]) -> None:
        try:
            for _ in range(15):
                with database.transaction() as tx:
                    lock_subjects(tx, keys)
                    value = int(find_setting(tx, "count") or b"0")
                    put_setting(tx, "count", str(value + 1).encode())
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    a, b = word("a"), word("b")
    threads = [threading.Thread(target=add, args=(keys,)) for keys in ([a, b], [b, a])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert settings_in(database) == {"count": b"30"}
