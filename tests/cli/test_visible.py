"""Words from outside reach the terminal and the log made visible, whoever wrote them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.domain.visible import visible
from ledger.steps.answering.trouble import Trouble, TroubleKind, put_trouble
from ledger.storage.readings import list_readings
from tests.cli.conftest import Shell

HOSTILE = "\x1b[2J\x1b[HVerified\u202e\x9b31m"
ROOT = Path(__file__).parents[2]


PRINTS = frozenset(
    {
        "print", "typer.echo", "click.echo", "sys.stdout.write", "sys.stderr.write",
        "console().print", "rich.print",
    }
)  # fmt: skip


def require_visible(text: str) -> None:
    for line in text.split("\n"):
        assert visible(line) == line, line


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["words", "json"])
def test_a_printout_with_an_escape_in_its_name_is_kept_and_told_spelt_out(
    shell: Shell, tmp_path: Path, more: tuple[str, ...]
) -> None:
    file = tmp_path / f"DAC{HOSTILE}.Log"
    file.write_bytes((ROOT / "tests/data/dacuniversal/DAC.Log").read_bytes())
    ran = shell.run("import", str(file), "--unit", "1", *more)
    require_visible(ran.out)
    require_visible(ran.err)
    assert "DAC\\u001b[2J" in ran.out or "DAC\\\\u001b[2J" in ran.out, ran.err
    with shell.house.instance.database.reading() as tx:
        (kept,) = list_readings(tx)
    assert kept.filename == visible(file.name)


def test_a_file_that_cannot_be_read_is_named_spelt_out(shell: Shell, tmp_path: Path) -> None:
    missing = tmp_path / f"none{HOSTILE}"
    for arguments in (
        ("verify", str(missing), "--rpc", "http://127.0.0.1:9"),
        ("import", str(missing), "--unit", "1"),
        ("restore", str(missing), "--home", str(tmp_path / "new"), "--key-file", str(missing)),
        ("verify", str(missing), "--rpc", "http://127.0.0.1:9", "--json"),
    ):
        ran = shell.run(*arguments)
        assert ran.code != 0
        assert "\\u001b" in ran.err + ran.out
        require_visible(ran.err)
        require_visible(ran.out)


def test_what_a_node_said_is_in_the_status_spelt_out(shell: Shell) -> None:
    instance = shell.house.instance
    now = instance.clock()
    told = Trouble(reason=f"the node refused: {HOSTILE}", remedy=HOSTILE, since=now, at=now)
    with instance.database.transaction() as tx:
        put_trouble(tx, TroubleKind.HALTED, told)
    for more in ((), ("--json",)):
        ran = shell.run("status", "--home", str(shell.home), *more)
        require_visible(ran.out)
        assert "Verified\\u202e" in ran.out


def test_a_log_line_shows_and_says_the_same(tmp_path: Path) -> None:
    program = (
        "import sys, structlog\n"
        "from ledger.running import logs\n"
        "sys.stderr.isatty = lambda: sys.argv[1] == 'watched'\n"
        "logs.configure_logs('info', process='worker')\n"
        "try:\n"
        "    raise ValueError(sys.argv[2])\n"
        "except ValueError:\n"
        "    structlog.get_logger('x').warning('failed', error=sys.argv[2], exc_info=True)\n"
    )
    for kind in ("watched", "kept"):
        ran = subprocess.run(
            [sys.executable, "-c", program, kind, HOSTILE],
            cwd=ROOT,
            env={"PATH": "", "NO_COLOR": "1", "TERM": "dumb"},
            capture_output=True,
            text=True,
            check=True,
        )
        # the renderer's own colours are its own; what came from outside is spelt out
        assert "\x1b[2J" not in ran.stderr
        assert "\u202e" not in ran.stderr
        assert "\x9b" not in ran.stderr
        if kind == "kept":
            line = json.loads(ran.stderr)
            assert line["error"] == HOSTILE
            require_visible(ran.stderr)


def test_only_two_modules_of_the_command_line_print() -> None:
    """What goes round them would go round the one place that makes words visible."""
    printing = {
        path.name
        for path in sorted((ROOT / "ledger" / "cli").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTS
    }
    assert printing == {"printing.py", "failing.py"}
