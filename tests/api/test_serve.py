"""A real server on a port that the system chose."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from api import serve
from ledger.domain.errors import Conflict
from tests.api.kit import SERIAL, Api
from tests.security.serving import served

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def address(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server in a thread of this process."""
    with served(api, monkeypatch) as (host, port):
        yield f"http://{host}:{port}"


def test_a_server_answers_and_records(api: Api, address: str) -> None:
    with httpx.Client(base_url=address) as client:
        live = client.get("/health/live")
        assert live.status_code == 200
        assert "server" not in live.headers
        answer = client.post(
            "/v1/operations/cycle-opening",
            json={"equipment": SERIAL, "number": 17},
            headers={"Authorization": f"Bearer {api.operator}"},
        )
        assert answer.status_code == 201
        assert client.get(answer.headers["Location"]).status_code == 401


def test_a_body_beyond_its_bound_is_refused_before_it_is_sent(address: str) -> None:
    url = httpx.URL(address)
    with socket.create_connection((url.host, url.port or 0), timeout=30) as connection:
        connection.sendall(
            b"POST /v1/readings HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_beyond_its_bound_is_cut_off(address: str) -> None:
    url = httpx.URL(address)
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection((url.host, url.port or 0), timeout=30) as connection:
        connection.sendall(
            b"POST /v1/units HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(5):
            connection.sendall(chunk)
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_taken_port_is_a_conflict(api: Api, address: str) -> None:
    port = httpx.URL(address).port
    with pytest.raises(Conflict) as caught:
        serve.run(api.house.instance, "127.0.0.1", port or 0, print)
    assert caught.value.field == "api_port"


def test_a_server_stops_in_order_when_it_is_told_to(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from api.serve import run
        from ledger.settings import Settings
        from ledger.steps.instance import open_instance
        instance = open_instance(Settings(home=Path(sys.argv[1])))
        run(instance, "127.0.0.1", 0, lambda address: print(address, flush=True))
        instance.close()
        print("stopped in order", flush=True)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "home")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        address = ""
        while not address.startswith("http://"):
            address = process.stdout.readline().strip()
        assert httpx.get(f"{address}/health/ready").status_code == 200
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(timeout=60) == 0
        assert "stopped in order" in rest
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
