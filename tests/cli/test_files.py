"""Files that a person names: a pipe or a device is refused at once, and never waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

RPC = ("--rpc", "http://127.0.0.1:9")


@pytest.fixture(params=["pipe", "device", "folder"])
def no_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "device":
        return Path("/dev/zero")
    path = tmp_path / "odd"
    if request.param == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    return path


@pytest.mark.timeout(60)
def test_what_is_no_file_is_refused_and_not_waited_for(
    shell: Shell, no_file: Path, tmp_path: Path
) -> None:
    evidence = tmp_path / "evidence.json"
    evidence.write_bytes(b"null")
    cases = [
        ("verify", str(no_file), *RPC),
        ("verify", str(evidence), "--deployment", str(no_file), *RPC),
        ("audit", "--receipt", str(no_file)),
        ("restore", str(no_file), "--home", str(tmp_path / "new"), "--key-file", str(evidence)),
    ]
    if not no_file.is_dir():  # whose files are imported
        cases.append(("import", str(no_file), "--unit", "1"))
    for arguments in cases:
        ran = shell.run(*arguments)
        assert ran.code == 2, (arguments, ran.err)
        assert "a pipe or a device" in ran.err
    assert not (tmp_path / "new").exists()


def test_evidence_that_is_null_is_refused_without_an_empty_name(
    shell: Shell, tmp_path: Path
) -> None:
    evidence = tmp_path / "evidence.json"
    evidence.write_bytes(b"null")
    ran = shell.run("verify", str(evidence), *RPC)
    assert ran.code == 1
    assert ran.err.startswith("error: the file is not an object\n")


def test_an_endpoint_that_is_none_is_told_by_its_option(shell: Shell, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence.json"
    evidence.write_bytes(b"null")
    ran = shell.run("verify", str(evidence), "--rpc", "nowhere")
    assert ran.code == 2
    assert ran.err.startswith("error: --rpc: is not the address of a JSON-RPC endpoint\n")
