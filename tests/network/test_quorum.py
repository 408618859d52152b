"""The short half: the whole flow; one validator killed, two killed, and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.answering.trouble import Trouble
from scripts.network.validators import Network
from scripts.postgres import create_database, running_postgres
from tests.network.kit import Ward, same_hash, wait_for

ROOT = Path(__file__).resolve().parents[2]
S = OperationState
pytestmark = pytest.mark.timeout(300)


def test_the_demo_holds_on_the_network_with_postgresql_and_another_validator_verifies(
    network: Network, tmp_path: Path
) -> None:
    home = tmp_path / "demo"
    with running_postgres() as server:
        environment = {
            **os.environ,
            "STERILEDGER_DATABASE_URL": create_database(server, "demo"),
            "STERILEDGER_CHAIN_URL": ",".join(network.urls),
            "STERILEDGER_FINALITY": "instant",
        }

        def steriledger(*arguments: str | Path) -> str:
            done = subprocess.run(
                [sys.executable, "-m", "ledger", *arguments],
                cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
                timeout=200,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
            return done.stdout

        assert "All of it held" in steriledger("demo", "--once", "--home", home)
        audited = json.loads(steriledger("audit", "--json", "--home", home))
        assert audited["difference_count"] == 0
        shown = json.loads(steriledger("status", "--json", "--home", home))
        assert shown["chain"]["asked"] == network.urls[0]
        assert [n for state, n in shown["counts"].items() if n and state != "final"] == []
    verified = steriledger_evidence(home, rpc=network.urls[3])
    assert "Verified at" in verified


def steriledger_evidence(home: Path, *, rpc: str) -> str:
    """Somebody else's check: the file, the deployment file, and a validator of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "ledger", "verify", home / "evidence-13.json",
         "--deployment", home / "deployment.json", "--rpc", rpc],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_with_one_validator_killed_all_goes_on_and_with_two_it_waits_and_resumes(
    home: Ward,
) -> None:
    first, second, third, fourth = home.network.validators
    with home.worker():
        home.wait_for(home.record())
        fourth.kill()
        home.wait_for(home.record(3))

        third.kill()
        before = wait_for_standing(home)
        waiting = home.record(5)
        wait_for(lambda: trouble(home) is not None, seconds=100)
        said = trouble(home)
        assert said is not None
        assert "has made no block after" in said.reason
        assert "more than two thirds" in said.reason
        assert "validators" in (said.remedy or "")
        assert home.counts()[S.FINAL] + len(waiting) == sum(home.counts().values())
        assert not {home.hospital.state(each) for each in waiting} & {S.FINAL, S.STUCK}
        assert max(first.height() or 0, second.height() or 0) == before

        third.start()
        home.wait_for(waiting)
        wait_for(lambda: trouble(home) is None)
        fourth.start()
        home.wait_for(home.record())
        home.network.wait_for_blocks(2)
    height = home.network.height() - 2
    assert height > before
    assert same_hash(home.network.validators, height)
    home.require_whole()


def test_the_one_that_is_asked_is_killed_and_another_is_asked(home: Ward) -> None:
    first, second, *_ = home.network.validators
    with home.worker():
        wait_for(lambda: home.asked() == first.url)
        digests = home.record(10)
        time.sleep(0.5)  # some are handed over
        first.kill()
        digests += home.record(2)
        home.wait_for(digests)
        wait_for(lambda: home.asked() == second.url)
        chain = home.status().chain
        assert chain is not None
        assert "did not answer" in chain.passed_over[first.url]
    home.require_whole()


def trouble(home: Ward) -> Trouble | None:
    return home.status().waits


def wait_for_standing(home: Ward) -> int:
    """The height at which the chain stands."""
    height = -1
    while (now := home.network.height()) != height:
        height = now
        time.sleep(4)
    return height
