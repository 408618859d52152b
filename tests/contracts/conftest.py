"""The fixtures of the contract tests: one chain, and fresh ledgers and keys for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eth_account import Account
from eth_tester import EthereumTester, PyEVMBackend
from web3 import EthereumTesterProvider, Web3

from tests.contracts.world import World, deployed


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker of the tests that take longer than everything else here."""
    config.addinivalue_line("markers", "slow: takes more than 20 seconds")


@pytest.fixture(scope="session")
def fresh_world() -> World:
    """Deploy the ledgers and their verifiers on a chain of their own."""
    tester = EthereumTester(PyEVMBackend())
    return deployed(Web3(EthereumTesterProvider(tester)), tester, Account.create())


@pytest.fixture
def world(fresh_world: World) -> Iterator[World]:
    """Give each test the freshly deployed ledgers and new keys."""
    snapshot = fresh_world.tester.take_snapshot()
    fresh = fresh_world
    yield World(
        fresh.w3,
        fresh.tester,
        fresh.registry,
        fresh.ledger,
        fresh.custody,
        fresh.witnesses,
        fresh.contributions,
        fresh.relayer,
        authority=fresh.authority,
        verifiers=fresh.verifiers,
    )
    fresh.tester.revert_to_snapshot(snapshot)
