"""py-solc-x and Hardhat compile the same sources to the same bytes, and those are committed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts import compile as compiling

HARDHAT = compiling.ROOT / "node_modules" / "hardhat" / "dist" / "src" / "cli.js"
BUILT = compiling.ROOT / "build" / "hardhat" / "artifacts"


@pytest.fixture(scope="module")
def compiled() -> dict[str, dict[str, Any]]:
    return compiling.compile_contracts()


def built_by_hardhat(name: str) -> dict[str, Any]:
    """Return Hardhat's artifact of a contract."""
    (path,) = (found for found in BUILT.rglob(f"{name}.json") if found.is_file())
    artifact: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    return artifact


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_py_solc_x_and_hardhat_give_the_same_bytecode(compiled: dict[str, Any]) -> None:
    environment = {**os.environ, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true"}
    subprocess.run(  # the Node that the compiler's search put on PATH
        ["node", str(HARDHAT), "build", "--no-tests"],  # noqa: S607
        cwd=compiling.ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )
    for name, artifact in compiled.items():
        other = built_by_hardhat(name)
        assert artifact["bytecode"] == other["bytecode"], name
        assert artifact["deployedBytecode"] == other["deployedBytecode"], name


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_committed_artifacts_are_what_the_sources_compile_to(compiled: dict[str, Any]) -> None:
    assert compiling.differing_files(compiling.expected_files(compiled)) == []
