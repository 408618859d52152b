"""The long half: validators hang, fall behind, are emptied, all killed; minutes without quorum."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ledger.domain.acts.rules import SKEW_SECONDS
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.outbox.operation_states import OperationState
from ledger.storage.operations import list_states
from scripts.network.validators import Network
from tests.network.kit import Ward, same_hash, wait_for, ward

S = OperationState
pytestmark = pytest.mark.timeout(900)


def require_same_chain(network: Network) -> None:
    """All four have the same blocks."""
    network.wait_for_blocks(2)
    height = network.height() - 2
    assert all(each.block_hash(height) for each in network.validators)
    assert same_hash(network.validators, height)


def test_a_validator_that_hangs_is_not_waited_for(home: Ward) -> None:
    *_, fourth = home.network.validators
    with home.worker():
        fourth.pause()
        home.wait_for(home.record(5))
        fourth.resume()
        home.wait_for(home.record())
    require_same_chain(home.network)
    home.require_whole()


def test_the_one_that_is_asked_hangs_and_another_is_asked(home: Ward) -> None:
    first, second, *_ = home.network.validators
    with home.worker():
        wait_for(lambda: home.asked() == first.url)
        first.pause()
        digests = home.record(5)
        home.wait_for(digests)
        wait_for(lambda: home.asked() == second.url)
        first.resume()
        home.wait_for(home.record())
        assert home.asked() == second.url
    home.require_whole()


def test_a_validator_far_behind_is_passed_over_until_it_has_caught_up(
    network: Network, tmp_path: Path
) -> None:
    *others, fourth = network.validators
    with ward(network, tmp_path / "home", asks=[fourth, *others]) as home:
        with home.worker():
            wait_for(lambda: home.asked() == fourth.url)
            fourth.kill()
            home.wait_for(home.record(5))
            assert home.asked() == others[0].url
            stood = network.height()
            wait_for(lambda: network.height() > stood + 40, seconds=120)
            fourth.start()
            home.wait_for(home.record())
            network.wait_for_blocks(2)
            wait_for(lambda: home.passed_over() == {})
            others[0].kill()
            home.wait_for(home.record())
            assert home.asked() == fourth.url
        others[0].start()
        require_same_chain(network)
        home.require_whole()


def test_all_killed_and_started_again_lose_nothing(home: Ward) -> None:
    with home.worker():
        home.wait_for(home.record(2))
        waiting = home.record(5)
        time.sleep(0.3)
        for each in home.network.validators:
            each.kill()
        waiting += home.record(5)
        wait_for(lambda: home.status().waits is not None)
        home.network.start()
        home.wait_for(waiting)
    require_same_chain(home.network)
    home.require_whole()


def test_a_validator_whose_disk_was_replaced_catches_up(home: Ward) -> None:
    *_, fourth = home.network.validators
    with home.worker():
        fourth.kill()
        home.wait_for(home.record(3))
        fourth.empty()
        assert not (fourth.home / "data" / "application.db").exists()
        fourth.start()
        home.wait_for(home.record(3))
    require_same_chain(home.network)
    home.require_whole()
    with ward(home.network, home.instance.settings.home.parent / "other", asks=[fourth]) as other:
        with other.worker():
            other.wait_for(other.record())
        other.require_whole()


def test_what_was_signed_during_minutes_without_quorum_goes_out_by_itself(home: Ward) -> None:
    """The first block after a stop has the time of the last one before it.

    What was signed later than the contract's patience after that is mined, reverted, and sent
    again.
    """
    *_, third, fourth = home.network.validators
    with home.worker():
        home.wait_for(home.record())
        third.kill()
        fourth.kill()
        waiting = home.record()
        # So few that those which are signed later are handed over as well: sixteen may wait.
        time.sleep(SKEW_SECONDS + 30)
        late = [*home.record(), home.hospital.register(1, "late")]
        wait_for(lambda: {home.hospital.state(each) for each in late} == {S.SENT})
        third.start()
        fourth.start()
        home.wait_for([*waiting, *late], seconds=240)
    again = [each for each in late if home.hospital.history(each).count(S.OWED) > 1]
    assert again
    assert any("mined and reverted" in reasons(home, each) for each in again)
    require_same_chain(home.network)
    home.require_whole()


def reasons(home: Ward, digest: Digest) -> str:
    """Every reason in the operation's history."""
    with home.instance.database.reading() as tx:
        return " / ".join(row.reason for row in list_states(tx, digest) if row.reason)
