"""The long half too: a unit joins the validators, and another leaves them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.network.joining import join, leave, voting
from scripts.network.validators import running_network
from tests.network.kit import wait_for, ward

pytestmark = pytest.mark.timeout(600)


def test_a_unit_joins_and_another_leaves_and_those_that_stay_decide(tmp_path: Path) -> None:
    with running_network(tmp_path / "network") as network:
        first, second, third, _ = network.validators
        new = join(network, tmp_path / "network" / "unit-5")
        wait_for(lambda: voting(first) == 5)
        leave(second)
        wait_for(lambda: voting(first) == 4)
        second.kill()
        third.kill()  # three of four are left, and the new one is among them
        with ward(network, tmp_path / "home", asks=[new]) as home:
            with home.worker():
                home.wait_for(home.record())
                new.kill()
                waiting = home.record()
                wait_for(lambda: home.status().waits is not None)
                new.start()
                home.wait_for(waiting)
            home.require_whole()
