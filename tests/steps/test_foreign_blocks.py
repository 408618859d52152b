"""Somebody reaches the embedded chain and makes blocks there: they are named, and never indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ledger.chain.node import Node
from ledger.domain.chain.chain_reader import Block
from ledger.domain.encoding.identifiers import to_hex
from ledger.settings import Settings
from ledger.steps.answering.status import WorkerState, status
from ledger.steps.auditing.audit import audit
from ledger.steps.following.follow import follow
from ledger.steps.following.journalled import ForeignBlock
from ledger.steps.instance import Instance, open_instance
from ledger.steps.starting.chains import reading_chain
from ledger.storage.index import find_cursor
from ledger.storage.journal import find_last_block
from tests.steps.hospital import Hospital, opened_hospital
from tests.steps.test_worker import accepted, all_final, is_deployed, wait_for, working


@pytest.fixture
def instance(tmp_path: Path, database_address: str) -> Iterator[Instance]:
    """A new home."""
    opened = open_instance(Settings(home=tmp_path / "home", database_url=database_address))
    yield opened
    opened.close()


@pytest.fixture
def hospital(tmp_path: Path, database_address: str) -> Iterator[Hospital]:
    with opened_hospital(tmp_path / "home", database_address) as opened:
        yield opened


@contextmanager
def stranger(instance: Instance) -> Iterator[Node]:
    """Somebody within our own process, who asks the chain's child for what only the worker may."""
    run = str(instance.settings.run_folder)
    (place,) = (each for each in Path("/proc/self/fd").iterdir() if leads_to(each, run))
    with closing(Node(f"unix:{place}")) as endpoint:
        yield endpoint


def leads_to(handle: Path, run: str) -> bool:
    """Whether a handle of ours is of a chain's socket in that folder."""
    with suppress(FileNotFoundError):
        return str(handle.readlink()).startswith(f"{run}/chain-")
    return False


def mines(endpoint: Node) -> None:
    endpoint.ask("evm_mine")


def mines_much(endpoint: Node) -> None:
    endpoint.ask("anvil_mine", "0x64")


def rolls_back(endpoint: Node) -> None:
    endpoint.ask("anvil_rollback", 2)


def replaces(endpoint: Node) -> None:
    endpoint.ask("anvil_rollback", 2)
    endpoint.ask("anvil_mine", "0x2")


def resets(endpoint: Node) -> None:
    endpoint.ask("anvil_reset")


Act = Callable[[Node], None]
EVERY_ACT = pytest.mark.parametrize("act", [mines, mines_much, rolls_back, replaces, resets])


def follows_its_last_block(instance: Instance) -> bool:
    with instance.database.reading() as tx:
        last, cursor = find_last_block(tx), find_cursor(tx)
    return (
        last is not None
        and cursor is not None
        and (cursor.height, cursor.hash) == (last.height, last.hash)
    )


@EVERY_ACT
def test_the_worker_throws_foreign_blocks_away_and_goes_on_by_itself(
    instance: Instance, act: Act
) -> None:
    with capture_logs() as logs, working(instance):
        wait_for(lambda: is_deployed(instance))
        first = accepted(instance, None)
        wait_for(lambda: all_final(instance, first))
        wait_for(lambda: status(instance).lag == 0)
        with stranger(instance) as endpoint:
            act(endpoint)
        wait_for(lambda: any(line["event"] == "foreign_block" for line in logs))
        hospital = Hospital(instance=instance, link=None)  # type: ignore[arg-type]
        digest = hospital.admit(2)
        wait_for(lambda: all_final(instance, [digest]))
        wait_for(lambda: status(instance).worker is WorkerState.RUNS)
        wait_for(lambda: status(instance).waits is None)
        # what was sent again may stand in one more block, which is sealed before it is followed
        wait_for(lambda: follows_its_last_block(instance))
    with reading_chain(instance) as node:
        assert audit(instance, node).difference_count == 0


def test_the_follower_names_a_foreign_block_and_indexes_nothing(hospital: Hospital) -> None:
    hospital.admit(1)
    hospital.settle(hospital.writer())
    with hospital.instance.database.reading() as tx:
        before = find_cursor(tx)
    assert before is not None
    with stranger(hospital.instance) as endpoint:
        endpoint.ask("evm_mine")
    foreign = hospital.link.node.block("latest")
    assert isinstance(foreign, Block)
    assert foreign.number == before.height + 1
    with pytest.raises(ForeignBlock) as raised:
        follow(hospital.instance, hospital.link.node)
    assert f"at height {foreign.number}" in raised.value.what
    assert to_hex(foreign.hash) in raised.value.what
    assert "the journal holds none" in raised.value.what
    with hospital.instance.database.reading() as tx:
        assert find_cursor(tx) == before
    hospital.link.stop()
    assert follow(hospital.instance, hospital.link.node).height == before.height


def test_status_says_whether_others_reach_the_chain(instance: Instance) -> None:
    with working(instance):
        wait_for(lambda: status(instance).chain is not None)
        seen = status(instance).chain
    assert seen is not None
    assert seen.open_because is None
