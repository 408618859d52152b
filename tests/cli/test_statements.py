"""The commands of statements, on the home of a group whose November is over."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.cli import main
from ledger.cli.failing import DOES_NOT_HOLD
from ledger.domain.chain.deployment import deployment_to_json
from ledger.domain.statement.account import account_bytes
from ledger.steps.starting.link import EmbeddedLink
from tests.steps.november_group import DOCUMENT, Group, november_group


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, Any]:
    """The exit code, and what was printed as JSON."""
    monkeypatch.setattr(sys, "argv", ["steriledger", *arguments, "--json"])
    capsys.readouterr()
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    captured = capsys.readouterr()
    return code, json.loads(captured.out) if captured.out else captured.err


def test_an_account_is_published_written_and_computed_again_without_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    with november_group(home, "") as group:
        computed = group.compute()
        group.publish(computed)
        files(tmp_path, group)
        # the chain goes on, and our database is out of the way
        database = home / "steriledger.db"
        for each in home.glob("steriledger.db*"):
            each.rename(tmp_path / each.name)
        assert not database.exists()
        recompute = (
            "statement", "recompute", "--rpc", serve(group), "--deployment",
            str(tmp_path / "deployment.json"), "--terms", str(tmp_path / "terms.json"),
            "--period", "2026-11", "--finality", "instant",
        )  # fmt: skip
        given = ("--against", str(tmp_path / "account.json"))
        code, told = run(monkeypatch, capsys, *recompute, *given, "-o", str(tmp_path / "again"))
        assert (code, told["account"]) == (0, computed.hash.hex())
        assert (told["published"], told["difference"]) == (computed.hash.hex(), None)
        assert (tmp_path / "again").read_bytes() == computed.data
        given = ("--against", str(tmp_path / "wrong.json"))
        code, told = run(monkeypatch, capsys, *recompute, *given)
        assert (code, told["difference"]) == (DOES_NOT_HOLD, "lines[0].amount")
        for each in tmp_path.glob("steriledger.db*"):
            each.rename(home / each.name)
    monkeypatch.setenv("STERILEDGER_HOME", str(home))
    code, told = run(monkeypatch, capsys, "statement", "show", "2026-11")
    assert (code, told["is_published"]) == (0, True)
    code, told = run(monkeypatch, capsys, "statement", "events", "2026-11", "1", "--unit", "3")
    assert {each["kind"] for each in told} == {"Service"}
    assert run(monkeypatch, capsys, "statement", "events", "2026-11", "99")[0] == 3
    out = tmp_path / "files"
    code, told = run(monkeypatch, capsys, "statement", "write", "2026-11", "-o", str(out))
    assert code == 0, told
    assert (out / "2026-11-group.json").read_bytes() == computed.data
    assert {each.suffix for each in out.iterdir()} == {".json", ".csv", ".xlsx", ".pdf", ".journal"}
    code, told = run(monkeypatch, capsys, "statement", "show", "2026-12")
    assert code == 5, told


def serve(group: Group) -> str:
    """Where the chain answers."""
    link = group.hospital.link
    assert isinstance(link, EmbeddedLink)
    return link.chain.url


def files(folder: Path, group: Group) -> None:
    """What somebody else brings: deployment, terms, and two accounts to compare with."""
    (folder / "deployment.json").write_bytes(deployment_to_json(group.deployment))
    (folder / "terms.json").write_text(json.dumps(DOCUMENT))
    computed = group.compute()
    (folder / "account.json").write_bytes(computed.data)
    wrong = json.loads(computed.data)
    wrong["lines"][0]["amount"] += 1
    (folder / "wrong.json").write_bytes(account_bytes(wrong))
