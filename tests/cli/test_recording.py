"""Commands that record: what they answer, and what they say when a rule keeps an act out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.cli.failing import EXIT_CODES
from ledger.domain import errors
from ledger.domain.acts.decisions import DecisionKind
from tests.cli.conftest import Shell
from tests.house import DAC_LOG, SERIAL

CYCLE = f"{SERIAL}/1"
LOAD = ("cycle", "load", CYCLE, "--line", "1:1:1:6", "--line", "2:2:1:4:forceps")
RELEASE = ("cycle", "decide", CYCLE, "release", "--share", "1:1:1:6", "--share", "2:2:1:4")


def complete(shell: Shell) -> None:
    """Cycle 1 is opened, loaded and ended."""
    shell.done("cycle", "open", SERIAL, "1", "--programme", "134", "--no-implant")
    shell.done(*LOAD)
    shell.done("cycle", "end", CYCLE, "--outcome", "completed")


# ------------------------------------------------------------------------------ done


def test_a_cycle_is_recorded_and_shown(shell: Shell) -> None:
    complete(shell)
    promise = shell.done(*RELEASE, "--result", "physical=pass", "--performer", "Zhang Wei")
    assert promise["kind"] == "CycleDecision"
    assert promise["state"] == "owed"
    assert promise["receipt_signature"].startswith("0x")
    view = shell.done("cycle", "show", CYCLE)
    assert view["state"] == "released"
    assert view["decision"]["results.physical"] == "pass"
    assert view["decision"]["results.biological"] == "not_entered"
    assert view["counts"] == [{"package_class": 1, "declared": 10, "released": 10}]
    assert view["timeline"][-1]["people"]["performer"] == "Zhang Wei"
    (line,) = shell.done("cycle", "list")
    assert (line["number"], line["state"], line["chain"]) == (1, "released", "owed")


def test_people_read_the_same_in_words(shell: Shell) -> None:
    complete(shell)
    for arguments in (RELEASE, ("cycle", "show", CYCLE), ("cycle", "list"), ("unit", "list"),
                      ("signer", "list"), ("equipment", "list"), ("profile", "list")):  # fmt: skip
        ran = shell.run(*arguments)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.strip()
    shown = shell.run("cycle", "show", CYCLE).out
    assert "The machine's own word" in shown
    assert "Computed from the reading" in shown
    assert "A person's decision" in shown
    assert "not_computed" in shown


def test_units_signers_and_machines_are_recorded_and_listed(shell: Shell) -> None:
    shell.done("unit", "admit", "3", "--code", "EAST", "--name", "East", "--role", "processor")
    shell.done("signer", "enrol", "Li Na", "--unit", "EAST", "--duty", "open", "--duty", "load")
    shell.done("equipment", "register", "A1", "--unit", "3", "--serial", "S-9",
               "--clock-zone", "Asia/Shanghai", "--profile", "en-285-134")  # fmt: skip
    shell.done("equipment", "change", "S-9", "--epoch", "2", "--reason", "counter reset")
    shell.done("signer", "revoke", "Li Na", "--unit", "EAST", "--reason", "left")
    assert {row["code"]: row["state"] for row in shell.done("unit", "list")}["EAST"] == "open"
    (signer,) = [row for row in shell.done("signer", "list") if row["name"] == "Li Na"]
    assert (signer["state"], signer["duties"]) == ("revoked", "open, load")
    (machine,) = [row for row in shell.done("equipment", "list") if row["serial"] == "S-9"]
    assert machine["epoch"] == 2
    shell.done("unit", "close", "EAST", "--reason", "left the group")
    assert {row["code"]: row["state"] for row in shell.done("unit", "list")}["EAST"] == "closed"


def test_a_token_is_shown_once_listed_without_itself_and_revoked(shell: Shell) -> None:
    made = shell.done("token", "create", "--person", "Li", "--unit", "1", "--scope", "open")
    listed = shell.run("token", "list", "--json")
    assert made["token"] not in listed.out
    (row,) = listed.json()
    assert (row["id"], row["state"]) == (made["id"], "valid")
    shell.done("token", "revoke", made["id"])
    assert shell.done("token", "list")[0]["state"] == "revoked"


def test_a_log_is_imported_once(shell: Shell) -> None:
    arguments = ("import", str(DAC_LOG), "--unit", "1")
    (report,) = shell.done(*arguments)
    assert [c["what"] for c in report["cycles"]] == ["recorded"] * 5
    with shell.house.nothing_stored():
        (again,) = shell.done(*arguments)
    assert [c["what"] for c in again["cycles"]] == ["already recorded"] * 5
    ran = shell.run(*arguments)
    assert ran.code == 0
    assert "kept before" in ran.out
    shell.done("cycle", "list", "--limit", "2")


def test_an_imported_reading_ends_a_cycle_that_names_it(shell: Shell) -> None:
    shell.house.open(14)
    ran = shell.run("import", str(DAC_LOG), "--unit", "1", "--json")
    assert ran.code == 1
    (report,) = ran.json()
    assert [c["what"] for c in report["cycles"]] == ["refused"] + ["recorded"] * 4
    ending = shell.done("cycle", "show", f"{SERIAL}/14")["current"]["ending"]
    shell.done("cycle", "end", f"{SERIAL}/14", "--reading", report["sha256"],
               "--replaces", ending, "--reason", "read again")  # fmt: skip


def test_a_folder_is_imported_and_what_is_no_reading_is_named(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(DAC_LOG.read_bytes())
    (folder / "b.txt").write_text("nothing of a machine")
    ran = shell.run("import", str(folder), "--unit", "centre", "--json")
    assert ran.code == 1
    report, failure = ran.json()
    assert len(report["cycles"]) == 5
    assert failure["file"].endswith("b.txt")
    assert "none of the known forms" in failure["error"]


# ------------------------------------------------------------------------------ refused

WRONG: dict[str, tuple[tuple[str, ...], type[errors.SteriLedgerError], str]] = {
    "unknown unit": (
        ("signer", "enrol", "Li", "--unit", "nowhere", "--duty", "open"), errors.NotFound, "unit"),
    "unknown machine": (("cycle", "open", "nothing", "1"), errors.NotFound, "equipment"),
    "unknown cycle": (("cycle", "show", f"{SERIAL}/99"), errors.NotFound, "cycle"),
    "no cycle's name": (("cycle", "show", "13"), errors.InvalidInput, "cycle"),
    "unknown file": (("import", "/no/such/file", "--unit", "1"), errors.NotFound, "FILE"),
    "unknown duty": (
        ("signer", "enrol", "Li", "--unit", "1", "--duty", "fly"), errors.InvalidInput, "--duty"),
    "unknown role": (
        ("unit", "admit", "5", "--code", "X", "--name", "X", "--role", "king"),
        errors.InvalidInput, "--role"),
    "unknown zone": (
        ("equipment", "register", "B", "--unit", "1", "--serial", "9", "--clock-zone", "Mars/X"),
        errors.InvalidInput, "--clock-zone"),
    "unknown profile": (
        ("equipment", "register", "B", "--unit", "1", "--serial", "9", "--profile", "hot"),
        errors.InvalidInput, "profile"),
    "unknown kind": (
        ("equipment", "register", "B", "--unit", "1", "--serial", "9", "--kind", "oven"),
        errors.InvalidInput, "--kind"),
    "nothing to change": (
        ("equipment", "change", SERIAL, "--reason", "why not"),
        errors.InvalidInput, "--state, --epoch"),
    "unit taken": (
        ("unit", "admit", "1", "--code", "X", "--name", "X", "--role", "user"),
        errors.Conflict, "unit"),
    "code taken": (
        ("unit", "admit", "5", "--code", "centre", "--name", "X", "--role", "user"),
        errors.Conflict, "code"),
    "time without a zone": (
        ("cycle", "open", SERIAL, "1", "--started-at", "2026-01-01T00:00:00"),
        errors.InvalidInput, "--started-at"),
    "number too large": (("cycle", "open", SERIAL, "9" * 30), errors.InvalidInput, "number"),
    "signer without the duty": (
        ("cycle", "open", SERIAL, "1", "--signer", "Administrator centre"),
        errors.Refused, "signer"),
    "unknown scope": (
        ("token", "create", "--person", "Li", "--scope", "fly"), errors.InvalidInput, "--scope"),
    "unknown token": (("token", "revoke", "nothing"), errors.NotFound, ""),
    "text with an escape": (
        ("cycle", "open", SERIAL, "1", "--programme", "a\x1b[2J"),
        errors.InvalidInput, "programme"),
}  # fmt: skip
AFTER: dict[str, tuple[tuple[str, ...], type[errors.SteriLedgerError], str]] = {
    "release of more than was declared": (
        ("cycle", "decide", CYCLE, "release", "--share", "1:1:1:11"), errors.Refused, "shares[0]"),
    "release with a failed result": (
        (*RELEASE, "--result", "physical=fail"), errors.Refused, "results"),
    "unknown decision": (("cycle", "decide", CYCLE, "bless"), errors.InvalidInput, "DECISION"),
    "share that is none": (
        ("cycle", "decide", CYCLE, "release", "--share", "1:1"), errors.InvalidInput, "--share"),
    "share beyond all numbers": (
        ("cycle", "decide", CYCLE, "release", "--share", "1:1:1:" + "9" * 5000),
        errors.InvalidInput, "--share"),
    "result that is none": ((*RELEASE, "--result", "fine"), errors.InvalidInput, "--result"),
    "line that is none": (
        ("cycle", "load", CYCLE, "--line", "1:1:1:x"), errors.InvalidInput, "--line"),
    "second load": (LOAD, errors.Conflict, "replaces"),
    "second ending": (
        ("cycle", "end", CYCLE, "--outcome", "completed"), errors.Conflict, "replaces"),
    "typed and read at once": (
        ("cycle", "end", CYCLE, "--outcome", "completed", "--reading", "0" * 64),
        errors.InvalidInput, "--reading, --outcome"),
    "unknown reading": (("cycle", "end", CYCLE, "--reading", "0" * 64), errors.NotFound, ""),
    "digest that is none": (
        ("cycle", "end", CYCLE, "--outcome", "aborted", "--replaces", "0x12"),
        errors.InvalidInput, "--replaces"),
    "end before start": (
        ("cycle", "end", CYCLE, "--outcome", "completed",
         "--started-at", "2026-01-02T00:00:00Z", "--ended-at", "2026-01-01T00:00:00Z"),
        errors.InvalidInput, "ended_at"),
}  # fmt: skip


@pytest.mark.parametrize("name", [*WRONG, *AFTER])
def test_a_refusal_goes_to_the_error_stream_and_leaves_nothing(shell: Shell, name: str) -> None:
    if name in AFTER:
        complete(shell)
    arguments, kind, field = (WRONG | AFTER)[name]
    with shell.house.nothing_stored():
        plain = shell.run(*arguments)
        machine = shell.run(*arguments, "--json")
    assert plain.code == machine.code == EXIT_CODES[kind]
    assert plain.out == machine.out == ""
    problem = json.loads(machine.err)
    assert problem["type"] == kind.__name__
    assert (problem["field"] or "") == field
    assert plain.err.startswith("error: ")
    for part in ("what", "rule", "remedy"):
        assert problem[part] is None or problem[part] in plain.err
    assert "Traceback" not in plain.err


def test_a_missing_option_is_wrong_input_and_leaves_nothing(shell: Shell) -> None:
    with shell.house.nothing_stored():
        ran = shell.run("unit", "close", "member")
    assert (ran.code, ran.out) == (2, "")
    assert "--reason" in ran.err


def test_a_home_that_never_ran_says_what_to_start(shell: Shell, tmp_path: Path) -> None:
    ran = shell.run("unit", "admit", "1", "--code", "A", "--name", "A", "--role", "user",
                    "--home", str(tmp_path / "empty"))  # fmt: skip
    assert ran.code == EXIT_CODES[errors.NotFound]
    assert "steriledger up" in ran.err


def test_an_unknown_setting_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STERILEDGER_FINALITY", "soon")
    ran = shell.run("unit", "list")
    assert ran.code == EXIT_CODES[errors.InvalidInput]
    assert "STERILEDGER_FINALITY" in ran.err


@pytest.mark.parametrize("kind", DecisionKind)
def test_every_decision_has_a_word_on_the_command_line(shell: Shell, kind: DecisionKind) -> None:
    complete(shell)
    ran = shell.run("cycle", "decide", CYCLE, kind.word)
    assert "is unknown" not in ran.err
