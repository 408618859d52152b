"""The suite's own rules hold: no other host is reached, and --no-skips fails a run with skips."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.socket_guard import SocketBlockedError, is_local

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = ("192.0.2.1", 80)  # RFC 5737: an address for documents


def test_a_connection_to_another_host_is_refused() -> None:
    with socket.socket() as out, pytest.raises(SocketBlockedError):
        out.connect(ELSEWHERE)


def test_a_datagram_to_another_host_is_refused() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as out, pytest.raises(SocketBlockedError):
        out.sendto(b"x", ELSEWHERE)


def test_the_name_of_another_host_is_not_looked_up() -> None:
    with pytest.raises(SocketBlockedError):
        socket.getaddrinfo("example.org", 80)


def test_this_machine_is_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()[:2]) as out,
    ):
        inside, _ = server.accept()
        out.sendall(b"x")
        with inside:
            assert inside.recv(1) == b"x"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "", None, b"::1"])
def test_a_loopback_address_is_this_machine(host: object) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "10.0.0.1", "::", "localhost.evil", b"\xff", 2130706433]
)
def test_any_other_address_is_not(host: object) -> None:
    assert not is_local(host)


def exit_code_of(folder: Path, *options: str) -> int:
    """Run one skipped and one passing test with this suite's plugins and settings."""
    (folder / "tests").mkdir()
    for name in (
        "conftest.py",
        "pyproject.toml",
        "tests/no_skips.py",
        "tests/repetition.py",
        "tests/socket_guard.py",
    ):
        shutil.copy(ROOT / name, folder / name)
    (folder / "tests" / "test_one.py").write_text(
        "import pytest\ndef test_one(): pytest.skip('no reason')\ndef test_two(): pass\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


def test_a_skipped_test_fails_a_run_that_allows_none(tmp_path: Path) -> None:
    assert exit_code_of(tmp_path, "--no-skips", "-n", "1") == 1


def test_a_skipped_test_passes_elsewhere(tmp_path: Path) -> None:
    assert exit_code_of(tmp_path) == 0
