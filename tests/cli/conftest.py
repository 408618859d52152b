"""A home with a group in it and no chain, and the command line run in this process."""

from __future__ import annotations

import base64
import functools
import io
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer

from ledger.chain.embedded import Genesis
from ledger.cli import main
from ledger.cli.app import app
from ledger.steps.starting.link import GENESIS_SETTING, genesis_to_bytes
from ledger.storage.engine.database import Database, open_database
from ledger.storage.settings import insert_setting
from tests.house import Clock, House, build_house


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one command left."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed, as one JSON document."""
        return json.loads(self.out)


@functools.cache
def the_whole() -> Any:
    """All commands, made once: Typer would make them anew for each that is run."""
    return typer.main.get_command(app)


def typed(*arguments: str) -> Run:
    """What `steriledger …` left, run in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("ledger.cli.app.app", the_whole())
        patch.setattr(sys, "argv", ["steriledger", *arguments])
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    said = [each.buffer.getvalue().decode() for each in (out, err)]
    return Run(code=code, out=said[0], err=said[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Runs commands on one home."""

    home: Path
    house: House
    monkeypatch: pytest.MonkeyPatch

    def run(self, *arguments: str) -> Run:
        """Run `steriledger …` on this home."""
        return typed(*arguments)

    def done(self, *arguments: str) -> Any:
        """Run it with --json; it must succeed.  Returns what it printed."""
        ran = self.run(*arguments, "--json")
        assert ran.code == 0, ran.err
        assert ran.err == ""
        return ran.json()


def have_own_chain(database: Database) -> None:
    """Let the contracts be on a chain of the home's own, though nobody started it."""
    with database.transaction() as tx:
        body = genesis_to_bytes(Genesis(chain_id=424242, timestamp=1, balances={}))
        insert_setting(tx, GENESIS_SETTING, body)


@pytest.fixture
def shell(
    tmp_path: Path,
    sqlite_template: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shell]:
    """A centre with a sterilizer, and a member; the clock is the system's."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shutil.copyfile(sqlite_template, home / "steriledger.db")
    monkeypatch.setenv("STERILEDGER_HOME", str(home))
    monkeypatch.setenv("STERILEDGER_KEY", base64.b64encode(b"\7" * 32).decode())
    monkeypatch.setenv("COLUMNS", "200")
    with closing(open_database(f"sqlite:///{home / 'steriledger.db'}")) as database:
        house = build_house(database, home, clock=Clock(now=datetime.now(UTC)))
        have_own_chain(database)
        yield Shell(home=home, house=house, monkeypatch=monkeypatch)
