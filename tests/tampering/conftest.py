"""One filled home on each database, damaged and repaired by every test in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import PostgresServer
from tests.tampering.kit import Home, opened_home


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """On SQLite; whole before the first test and after the last."""
    with opened_home(tmp_path_factory.mktemp("tampering"), "") as opened:
        assert opened.differences() == []
        yield opened
        assert opened.differences() == []


@pytest.fixture(scope="session")
def postgresql_home(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[Home]:
    """The same on PostgreSQL."""
    folder = tmp_path_factory.mktemp("tampering-postgresql")
    with postgres.fresh() as address, opened_home(folder, address) as opened:
        assert opened.differences() == []
        yield opened
        assert opened.differences() == []
