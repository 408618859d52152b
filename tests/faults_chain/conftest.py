"""The group chain that these tests share, and a hospital on it for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults_chain.group import Group, Template, made_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """One node for all tests, which go back to its beginning."""
    with made_template(tmp_path_factory.mktemp("group")) as made:
        yield made


@pytest.fixture
def group(template: Template, tmp_path: Path) -> Iterator[Group]:
    """Two blocks make the one before them final."""
    with template.copied(tmp_path) as opened:
        yield opened
