"""The group chain that these tests share, and a hospital on it for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults_chain.group import Group, Template, make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """What every test starts from, made once."""
    return make_template(tmp_path_factory.mktemp("group"))


@pytest.fixture
def group(template: Template, tmp_path: Path) -> Iterator[Group]:
    """Two blocks make the one before them final."""
    with template.copied(tmp_path) as opened:
        yield opened
