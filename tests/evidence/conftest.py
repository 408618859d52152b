"""One story for all tests of evidence: it is only read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ledger.domain.chain.deployment import Deployment
from ledger.evidence.onchain import EventReader
from tests.evidence.world import RecordedChain, Recovered, Story, recovery, story

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def told() -> Iterator[Story]:
    with story() as whole:
        yield whole


@pytest.fixture(scope="session")
def deployment(told: Story) -> Deployment:
    return told.world.deployment


@pytest.fixture(scope="session")
def recorded(told: Story) -> RecordedChain:
    """The whole story, in memory."""
    return RecordedChain(told.world.home.node, told.world.deployment)


@pytest.fixture(scope="session")
def recorded_at_release(told: Story) -> RecordedChain:
    """The chain as it was when cycle 13 had just been released."""
    return RecordedChain(told.world.home.node, told.world.deployment, told.released_at)


@pytest.fixture(params=["anvil", "memory"])
def chain(request: pytest.FixtureRequest, told: Story, recorded: RecordedChain) -> EventReader:
    """A real node, and a chain in memory: both must be judged alike."""
    if request.param == "memory":
        return recorded
    return told.world.home.node


@pytest.fixture(scope="session")
def recovered() -> Iterator[Recovered]:
    with recovery() as whole:
        yield whole
