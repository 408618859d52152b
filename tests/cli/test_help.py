"""Every command says what it does and what it takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperGroup

from ledger.cli.failing import EXIT_CODES, exit_code_of
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.errors import SteriLedgerError
from tests.cli.conftest import the_whole, typed

ROOT = the_whole()
CONTEXT = typer.Context(ROOT)


def commands(command: object = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every command, groups included."""
    yield path
    for name in names(command):
        yield from commands(find((*path, name)), (*path, name))


def names(command: object) -> list[str]:
    """The commands of a group, those of the acts among them."""
    return command.list_commands(CONTEXT) if isinstance(command, TyperGroup) else []


def find(path: tuple[str, ...]) -> object:
    """The command at a path."""
    command: object = ROOT
    for name in path:
        assert isinstance(command, TyperGroup)
        command = command.get_command(CONTEXT, name)
    return command


@pytest.mark.parametrize("path", list(commands()), ids=lambda path: " ".join(path) or "steriledger")
def test_the_help_of_a_command_names_all_that_it_takes(
    monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    ran = typed(*path, "--help")
    assert (ran.code, ran.err) == (0, "")
    command = find(path)
    assert getattr(command, "help", None), "a command says what it does"
    for parameter in command.params:  # type: ignore[attr-defined]
        if parameter.param_type_name == "option":
            assert parameter.help, f"{parameter.name} is explained"
            assert any(name in ran.out for name in parameter.opts), parameter.opts
    for name in names(command):
        inner = find((*path, name))
        assert getattr(inner, "hidden", False) or name in ran.out


def test_every_act_is_a_command() -> None:
    assert {act.command for act in ACTS.values()} <= {" ".join(path) for path in commands()}


def test_the_help_of_the_whole_imports_no_step_and_no_storage() -> None:
    code = "import sys\nsys.argv = ['steriledger', '--help']\nfrom ledger.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "print([m for m in sys.modules if m.startswith(('sqlalchemy', 'ledger.steps'))])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "comment" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "path",
    [path for path in commands() if path and path[-1] in {"list", "show", "create", "revoke"}],
    ids=" ".join,
)
def test_what_prints_data_prints_json_as_well(path: tuple[str, ...]) -> None:
    options = [name for p in find(path).params for name in p.opts]  # type: ignore[attr-defined]
    assert "--json" in options


def test_every_error_has_an_exit_code_and_the_help_names_it() -> None:
    kinds = SteriLedgerError.__subclasses__()
    assert set(kinds) == set(EXIT_CODES)
    text = str(ROOT.help)
    for kind in kinds:
        assert f"{exit_code_of(kind('…'))} " in text


def test_without_a_command_it_shows_its_help() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ledger"], capture_output=True, text=True, check=False
    )
    assert "import" in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_unknown_command_is_wrong_input() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ledger", "sterilise"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "sterilise" in ran.stderr
