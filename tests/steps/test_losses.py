"""A database that is not its home's, or has lost its end: refused, and what is lost is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ledger.chain.snapshots import Snapshot
from ledger.domain.chain.deployment import deployment_to_json
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import Inconsistent, InvalidInput, Refused, StorageUnavailable
from ledger.settings import Settings
from ledger.steps.auditing.audit import AuditReport, audit
from ledger.steps.auditing.losses import KeptReceipt, parse_receipt
from ledger.steps.instance import Instance, open_instance
from ledger.steps.keeping.losses import note_reached, require_nothing_lost
from ledger.steps.starting.belonging import DEPLOYMENT_FILE, write_deployment_file
from ledger.steps.starting.chains import reading_chain
from ledger.steps.starting.deploy import open_relayer
from ledger.steps.starting.leasing import LEASE
from ledger.steps.starting.link import open_link
from ledger.storage.engine.database import open_database
from ledger.storage.journal import find_last_mined
from ledger.storage.leases import find_lease, release_lease
from ledger.storage.operations import get_operation, get_receipt, list_latest_operations
from ledger.storage.settings import find_setting
from tests.databases import PostgresServer
from tests.steps.hospital import Hospital, opened_hospital
from tests.steps.test_remote_chain import GroupChain, group_chain

__all__ = ["group_chain"]


@dataclass(frozen=True)
class Kept:
    """A home that ran, and is closed; how to copy its database, and how to make an empty one."""

    home: Path
    address: str
    copy: Callable[[], str]
    empty: Callable[[], str]
    #: bring an empty database, or another, to the home's own place
    settings: Callable[[str], Settings]


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    home = tmp_path / "home"
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield _of_files(home, tmp_path)
        else:
            server: PostgresServer = request.getfixturevalue("postgres")
            yield _of_a_server(home, server, stack)


def _of_files(home: Path, tmp_path: Path) -> Kept:
    numbers = iter(range(100))

    def copy() -> str:
        name = tmp_path / f"copy-{next(numbers)}.db"
        shutil.copyfile(home / "steriledger.db", name)
        return str(name)

    def settings(place: str) -> Settings:
        for each in home.glob("steriledger.db*"):
            each.unlink()
        if place:
            shutil.copyfile(place, home / "steriledger.db")
        return Settings(home=home)

    def empty() -> str:
        return ""

    return Kept(home=home, address="", copy=copy, empty=empty, settings=settings)


def _of_a_server(home: Path, server: PostgresServer, stack: ExitStack) -> Kept:
    address = stack.enter_context(server.fresh())
    name = urlsplit(address).path.removeprefix("/")

    def copy() -> str:
        return stack.enter_context(server.fresh(template=name))

    def settings(place: str) -> Settings:
        return Settings(home=home, database_url=place)

    return Kept(
        home=home,
        address=address,
        copy=copy,
        empty=lambda: stack.enter_context(server.fresh()),
        settings=settings,
    )


def run(kept: Kept, number: int) -> Digest:
    """The home runs: a unit and its keys are final, and the worker notes it; the newest of them."""
    with opened_hospital(kept.home, kept.address) as hospital:
        if number == 1:
            write_deployment_file(kept.home, hospital.instance.deployment())
        hospital.admit(number)
        settle(hospital)
        with hospital.instance.database.reading() as tx:
            note_reached(hospital.instance, tx)
            return list_latest_operations(tx, limit=1)[0].digest


def settle(hospital: Hospital) -> None:
    """All is final, and another writer may come at once."""
    hospital.settle(hospital.writer())
    with hospital.instance.database.transaction() as tx:
        lease = find_lease(tx, LEASE)
        assert lease is not None
        release_lease(tx, LEASE, "test", lease.epoch)


@contextmanager
def opened(settings: Settings) -> Iterator[Instance]:
    with closing(open_instance(settings)) as instance:
        yield instance


def files_of(home: Path) -> dict[str, bytes]:
    return {
        str(each.relative_to(home)): each.read_bytes()
        for each in sorted(home.rglob("*"))
        if each.is_file()
    }


# ---------------------------------------------------------------- no database, or another's


def test_an_old_home_without_its_database_is_refused_and_nothing_is_made(kept: Kept) -> None:
    run(kept, 1)
    settings = kept.settings(kept.empty())
    before = files_of(kept.home)
    with pytest.raises(Refused) as raised:
        open_instance(settings)
    words = str(raised.value)
    assert f"{kept.home} has vault.key, deployment.json, run/reached.json of a ledger" in words
    assert "steriledger restore FILE --home FOLDER --key-file" in words
    assert "for a new ledger name another home" in words
    assert files_of(kept.home) == before


@pytest.mark.parametrize("left", ["vault.key", "deployment.json", "run/reached.json"])
def test_each_thing_that_a_ledger_leaves_is_enough(kept: Kept, left: str) -> None:
    run(kept, 1)
    settings = kept.settings(kept.empty())
    whole = files_of(kept.home)
    shutil.rmtree(kept.home)
    (kept.home / left).parent.mkdir(parents=True)
    (kept.home / left).write_bytes(whole[left])
    with pytest.raises(Refused, match=f"has {left} of a ledger"):
        open_instance(settings)
    assert files_of(kept.home) == {left: whole[left]}


def test_snapshots_are_enough_too(kept: Kept) -> None:
    settings = kept.settings(kept.empty())
    snapshot = kept.home / "chain" / Snapshot(height=7, hash=b"\x07" * 32).name
    snapshot.parent.mkdir(parents=True)
    snapshot.write_bytes(b"")
    with pytest.raises(Refused, match="has snapshots in chain/ of a ledger"):
        open_instance(settings)


def test_a_database_that_was_emptied_is_no_better(kept: Kept) -> None:
    """The tables are there, and nothing in them."""
    run(kept, 1)
    settings = kept.settings(kept.empty())
    with closing(open_database(settings.database_address)) as database:
        database.migrate()
    before = (kept.home / DEPLOYMENT_FILE).read_bytes()
    with pytest.raises(Refused, match=r"has deployment\.json of a ledger"):
        open_instance(settings)
    assert (kept.home / DEPLOYMENT_FILE).read_bytes() == before


def test_another_ledgers_database_is_refused_with_both_fingerprints(
    kept: Kept, tmp_path: Path
) -> None:
    run(kept, 1)
    own = (kept.home / DEPLOYMENT_FILE).read_bytes()
    with opened_hospital(tmp_path / "other", "") as other:
        theirs = other.instance.deployment()
    write_deployment_file(tmp_path / "other", theirs)
    foreign = (tmp_path / "other" / DEPLOYMENT_FILE).read_bytes()
    (kept.home / DEPLOYMENT_FILE).write_bytes(foreign)
    with pytest.raises(Refused) as raised:
        open_instance(Settings(home=kept.home, database_url=kept.address))
    assert to_hex(theirs.fingerprint()) in raised.value.what
    assert (kept.home / DEPLOYMENT_FILE).read_bytes() == foreign
    (kept.home / DEPLOYMENT_FILE).write_bytes(own)
    with opened(Settings(home=kept.home, database_url=kept.address)) as instance:
        assert to_hex(instance.deployment().fingerprint()) in raised.value.what


def test_a_deployment_file_is_never_replaced_by_another(tmp_path: Path) -> None:
    with opened_hospital(tmp_path / "home", "") as hospital:
        ours = hospital.instance.deployment()
    file = tmp_path / DEPLOYMENT_FILE
    for body, words in (
        (deployment_to_json(replace(ours, name="another")), "names the ledger"),
        (b"", "cannot be read as a deployment"),
        (b"{}", "cannot be read as a deployment"),
    ):
        file.write_bytes(body)
        with pytest.raises(Refused, match=words):
            write_deployment_file(tmp_path, ours)
        assert file.read_bytes() == body
    file.write_bytes(json.dumps(json.loads(deployment_to_json(ours))).encode())
    write_deployment_file(tmp_path, ours)
    assert file.read_bytes() == deployment_to_json(ours)


def test_a_new_home_and_one_that_died_at_its_first_start_are_opened(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    with opened(settings) as instance, instance.database.reading() as tx:
        assert find_setting(tx, "deployment") is None
    with opened(settings):
        pass


# ---------------------------------------------------------------- an end that is missing


def differences(report: AuditReport) -> str:
    return "\n".join(str(each) for each in report.differences)


def audited(settings: Settings, *receipts: KeptReceipt) -> AuditReport:
    with opened(settings) as instance, reading_chain(instance) as node:
        return audit(instance, node, receipts=receipts)


def test_an_old_copy_that_was_put_back_is_missed_and_the_loss_is_named(kept: Kept) -> None:
    run(kept, 1)
    old = kept.copy()
    lost = run(kept, 2)
    with opened(Settings(home=kept.home, database_url=kept.address)) as instance:
        require_nothing_lost(instance)
        with instance.database.reading() as tx:
            last = find_last_mined(tx)
            receipt = get_receipt(tx, lost)
    assert last is not None
    assert last.hash is not None
    assert audited(Settings(home=kept.home, database_url=kept.address)).difference_count == 0
    settings = kept.settings(old)
    with opened(settings) as instance, pytest.raises(Inconsistent) as raised:
        require_nothing_lost(instance)
    assert f"block {last.height} as {to_hex(last.hash)}" in raised.value.what
    assert f"operation {to_hex(lost)}" in raised.value.what
    assert "run/reached.json" in raised.value.what
    assert "steriledger.db-wal" in (raised.value.remedy or "")
    held = KeptReceipt(name="paper", payload=receipt.payload, signature=receipt.signature)
    words = differences(audited(settings, held))
    assert f"journal_blocks {last.height}, hash: expected {to_hex(last.hash)}" in words
    assert f"operations {to_hex(lost)}, row: expected a row: run/reached.json has it" in words
    assert f"operations {to_hex(lost)}, row: expected a row: we promised it at" in words


def test_what_was_recorded_over_a_loss_does_not_hide_it(kept: Kept) -> None:
    run(kept, 1)
    old = kept.copy()
    lost = run(kept, 2)
    note = (kept.home / "run" / "reached.json").read_bytes()
    settings = kept.settings(old)
    again = replace(kept, address=settings.database_url)
    run(again, 3)  # as a program of before would have gone on
    (kept.home / "run" / "reached.json").write_bytes(note)
    with opened(settings) as instance, pytest.raises(Inconsistent, match=to_hex(lost)):
        require_nothing_lost(instance)


def test_a_snapshot_of_a_block_that_the_journal_lacks_is_kept_and_tells(kept: Kept) -> None:
    run(kept, 1)
    snapshot = Snapshot(height=900, hash=b"\x09" * 32)
    place = kept.home / "chain" / snapshot.name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"sealed")
    settings = Settings(home=kept.home, database_url=kept.address)
    with opened(settings) as instance:
        with pytest.raises(Inconsistent, match=f"block 900 .*{snapshot.name}"):
            require_nothing_lost(instance)
        link = open_link(instance)
        link.stop()
    assert place.exists()
    assert f"the snapshot chain/{snapshot.name} has it" in differences(audited(settings))


def test_the_log_names_every_operation_that_is_missing(kept: Kept) -> None:
    known = run(kept, 1)
    lost, final = b"\x01" * 32, b"\x02" * 32
    lines = [
        {"logger": "operations", "event": "accepted", "digest": to_hex(known), "timestamp": "T1"},
        {"logger": "operations", "event": "accepted", "digest": to_hex(lost), "timestamp": "T2"},
        {"logger": "operations", "event": "final", "digests": [to_hex(known), to_hex(final)]},
        {"logger": "operations", "event": "refused", "digest": to_hex(b"\x03" * 32)},
        {"logger": "elsewhere", "event": "accepted", "digest": to_hex(b"\x04" * 32)},
        {"logger": "operations", "event": "accepted", "digest": 5},
        {"logger": "operations", "event": "accepted", "digest": to_hex(lost), "timestamp": "T3"},
    ]
    log = kept.home / "run" / "log"
    cut_off = b'{"logger": "operations", "event": "acc'
    log.write_bytes(b"".join(json.dumps(each).encode() + b"\n" for each in lines) + cut_off)
    report = audited(Settings(home=kept.home, database_url=kept.address))
    assert {(each.table, each.row) for each in report.differences} == {
        ("operations", to_hex(lost)),
        ("operations", to_hex(final)),
    }
    assert report.difference_count == 2
    assert "run/log says so at T2" in differences(report)


def test_a_note_that_cannot_be_read_is_said(kept: Kept) -> None:
    run(kept, 1)
    note = kept.home / "run" / "reached.json"
    settings = Settings(home=kept.home, database_url=kept.address)
    for body in (b"", b"[]", b'{"block": 4, "operation": null}'):
        note.write_bytes(body)
        with opened(settings) as instance, pytest.raises(Inconsistent, match="cannot be read"):
            require_nothing_lost(instance)
        assert note.read_bytes() == body


# ---------------------------------------------------------------- receipts


def test_a_receipt_that_somebody_kept_is_held_against_what_is_here(kept: Kept) -> None:
    digest = run(kept, 1)
    settings = Settings(home=kept.home, database_url=kept.address)
    with opened(settings) as instance, instance.database.reading() as tx:
        row = get_receipt(tx, digest)
    answer = {"payload": row.payload.decode(), "signature": to_hex(row.signature)}
    command = {**json.loads(row.payload), "state": "owed", "receipt_signature": answer["signature"]}
    good = [
        parse_receipt("of the API", json.dumps(answer).encode()),
        parse_receipt("of a command", json.dumps(command).encode()),
    ]
    report = audited(settings, *good)
    assert (report.difference_count, report.checked["kept_receipts"]) == (0, 2)
    forged = parse_receipt("forged", json.dumps({**command, "unit": 9}).encode())
    report = audited(settings, forged)
    assert "kept_receipts forged, signature: expected ours" in differences(report)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"payload": 1, "signature": "0x"}'])
def test_what_is_no_receipt_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="x is no receipt"):
        parse_receipt("x", body)


# ---------------------------------------------------------------- a group's chain


def test_what_our_own_account_sent_to_a_groups_chain_is_missed(
    tmp_path: Path, group_chain: GroupChain
) -> None:
    settings = Settings(home=tmp_path / "home", chain_url=group_chain.url, finality="instant")
    database = tmp_path / "home" / "steriledger.db"
    with opened(settings) as instance, closing_link(instance, group_chain) as hospital:
        hospital.admit(1)
        settle(hospital)
    shutil.copyfile(database, tmp_path / "old.db")
    with opened(settings) as instance, closing_link(instance, group_chain) as hospital:
        lost = hospital.admit(2)
        settle(hospital)
        with instance.database.reading() as tx:
            assert get_operation(tx, lost).state == "final"
    shutil.copyfile(tmp_path / "old.db", database)
    with opened(settings) as instance, closing_link(instance, group_chain) as hospital:
        report = audit(instance, hospital.link.node)
    assert to_hex(lost) in {each.row for each in report.differences}
    assert {(each.table, each.expected) for each in report.differences} == {
        ("operations", "a row: our own account sent it to the chain")
    }


@contextmanager
def closing_link(instance: Instance, chain: GroupChain) -> Iterator[Hospital]:
    from ledger.steps.starting.deploy import ensure_deployment, ensure_home  # noqa: PLC0415

    ensure_home(instance)
    link = open_link(instance)
    try:
        chain.fund(open_relayer(instance).address)
        ensure_deployment(instance, link)
        yield Hospital(instance=instance, link=link)
    finally:
        link.stop()


def test_a_home_that_is_no_folder_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(StorageUnavailable, match="home is no folder, and none can be made there"):
        open_instance(Settings(home=tmp_path / "home"))
