"""The network that these tests share; each leaves it as it found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.network.validators import Network, running_network
from tests.network.kit import Ward, ward


@pytest.fixture(scope="session")
def validators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Four validators, founded for this run."""
    with running_network(tmp_path_factory.mktemp("network")) as network:
        yield network


@pytest.fixture
def network(validators: Network) -> Iterator[Network]:
    """The four, making blocks, before a test and after it."""
    validators.wait_for_blocks(1)
    yield validators
    for each in validators.validators:
        each.resume()
    validators.start()
    validators.wait_for_blocks(1)


@pytest.fixture
def home(network: Network, tmp_path: Path) -> Iterator[Ward]:
    """A hospital whose worker may ask all four."""
    with ward(network, tmp_path / "home") as opened:
        yield opened
