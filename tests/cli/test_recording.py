"""Commands that record: what they answer, and what they say when a rule keeps an act out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.failing import EXIT_CODES
from ledger.cli.options import local_caller
from ledger.domain import errors
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.records.records import fields_from_bytes
from ledger.keys.accounts import account_address, create_account, sign_with_account
from ledger.storage.operations import get_operation
from ledger.storage.records import get_record
from tests.cli.conftest import Shell
from tests.house import DAC_LOG, SERIAL

CYCLE = f"{SERIAL}/1"
LOAD = ("cycle", "load", CYCLE, "--line", "1:1:1:6", "--line", "2:2:1:4:forceps")
RELEASE = ("cycle", "decide", CYCLE, "release", "--share", "1:1:1:6", "--share", "2:2:1:4")


def complete(shell: Shell) -> None:
    """Cycle 1 is opened, loaded and ended."""
    shell.done("cycle", "open", SERIAL, "1", "--programme", "134", "--no-implant",
               "--started-at", "2026-01-01T08:00:00+01:00")  # fmt: skip
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
    shell.done("signer", "enrol", "Li Na", "--unit", "EAST", "--right", "open", "--right", "load")
    shell.done("equipment", "register", "A1", "--unit", "3", "--serial", "S-9",
               "--kind", "sterilizer", "--clock-zone", "Asia/Shanghai",
               "--profile", "en-285-134")  # fmt: skip
    shell.done("equipment", "change", "S-9", "--epoch", "2", "--reason", "counter reset")
    shell.done("signer", "revoke", "Li Na", "--unit", "EAST", "--reason", "left")
    assert {row["code"]: row["state"] for row in shell.done("unit", "list")}["EAST"] == "open"
    (signer,) = [row for row in shell.done("signer", "list") if row["name"] == "Li Na"]
    assert (signer["state"], signer["rights"]) == ("revoked", "open, load")
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
    (report,) = shell.done("import", str(DAC_LOG), "--unit", "1")
    assert [c["what"] for c in report["cycles"]] == ["recorded"] * 5
    ending = shell.done("cycle", "show", f"{SERIAL}/14")["current"]["ending"]
    shell.done("cycle", "end", f"{SERIAL}/14", "--reading", report["sha256"],
               "--replaces", ending, "--reason", "read again")  # fmt: skip


def test_a_reading_ends_the_cycle_that_it_reports_or_one_that_a_person_names(
    shell: Shell, tmp_path: Path
) -> None:
    said = (DAC_LOG.parent / "DACLogOK.TXT").read_bytes()
    lines = said.splitlines(keepends=True)
    silent = b"".join(line for line in lines if not line.startswith(b"Serien Nr"))
    shell.done("cycle", "open", SERIAL, "1")
    (tmp_path / "said.txt").write_bytes(said)
    (tmp_path / "silent.txt").write_bytes(silent)
    named, unnamed = (
        shell.done("import", str(tmp_path / name), "--unit", "1")[0]
        for name in ("said.txt", "silent.txt")
    )
    assert [each["cycles"][0]["what"] for each in (named, unnamed)] == ["recorded", "not matched"]
    with shell.house.nothing_stored():
        other = shell.run("cycle", "end", CYCLE, "--reading", named["sha256"], "--json")
    assert (other.code, other.out) == (EXIT_CODES[errors.NotFound], "")
    with shell.house.nothing_stored():
        other = shell.run("cycle", "end", CYCLE, "--reading", f"{named['sha256']}:1", "--json")
    assert (other.code, other.out) == (EXIT_CODES[errors.InvalidInput], "")
    assert json.loads(other.err)["field"] == "--reading"
    ended = f"{SERIAL}/13"
    shell.done("cycle", "end", ended, "--reading", unnamed["sha256"], "--reason", "a clearer copy")
    assert unnamed["sha256"] in shell.done("cycle", "show", ended)["readings"]


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


def record_of(shell: Shell, promise: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts and personal fields of what was just recorded."""
    with shell.house.instance.database.reading() as tx:
        row = get_operation(tx, Digest(bytes.fromhex(promise["digest"][2:])))
        record = get_record(tx, row.record_id)
    return fields_from_bytes(record.facts), fields_from_bytes(record.personal or b"{}")


def test_how_an_act_came_to_be_is_recorded_as_it_was_said(shell: Shell) -> None:
    promise = shell.done(
        "cycle", "open", SERIAL, "1", "--performer", "Anna", "--checker", "Bo",
        "--on-behalf-of", "Ward 3", "--device", "Station 1", "--authenticated-by", "badge",
        "--legal-hold", "--reason", "a rush", "--happened-text", "08:30",
        "--happened-zone", "Europe/Berlin", "--happened-utc", "2026-01-01T08:30:00+01:00",
        "--happened-source", "the wall", "--signed-at", "2026-01-01T09:00:00+01:00",
        "--timing", "after_outcome", "--biological",
    )  # fmt: skip
    facts, personal = record_of(shell, promise)
    assert (personal["performer"], personal["checker"]) == ("Anna", "Bo")
    assert (personal["on_behalf_of"], personal["enterer"]) == ("Ward 3", local_caller().person)
    assert (facts["device"], facts["authenticated_by"], facts["legal_hold"]) == (
        "Station 1", "badge", True,
    )  # fmt: skip
    assert (facts["happened.text"], facts["happened.zone"]) == ("08:30", "Europe/Berlin")
    assert (facts["happened.utc"], facts["happened.source"]) == ("2026-01-01T07:30:00Z", "the wall")
    assert (facts["timing"], facts["biological_indicator"]) == ("after_outcome", True)
    assert (facts["holds_implant"], facts["machine.state"]) == (None, "in_service")
    view = shell.done("cycle", "show", CYCLE)
    assert view["timeline"][0]["signed_at"] == "2026-01-01T08:00:00Z"


def test_a_typed_ending_says_all_that_a_printout_shows(shell: Shell) -> None:
    shell.done("cycle", "open", SERIAL, "1")
    printed = {
        "--started": "08:00", "--ended": "08:40", "--fault-code": "A15", "--programme": "134",
        "--hold-seconds": "181", "--minimum-celsius": "134.0", "--maximum-celsius": "135.2",
        "--minimum-bar": "2.05", "--maximum-bar": "2.2", "--pressure-basis": "gauge",
    }  # fmt: skip
    options = [part for pair in printed.items() for part in pair]
    promise = shell.done("cycle", "end", CYCLE, "--outcome", "aborted", *options)
    facts, _ = record_of(shell, promise)
    recorded = {
        "--hold-seconds": "machine.hold_seconds",
        **{f"--{n}-{u}": f"machine.{n}_{u}" for n in ("minimum", "maximum")
           for u in ("celsius", "bar")},
    }  # fmt: skip
    paths = {option: recorded.get(option, option[2:].replace("-", "_")) for option in printed}
    assert {option: str(facts[path]) for option, path in paths.items()} == printed
    assert facts["verdict.result"] == "not_computed"


def test_what_was_left_out_of_a_judgement_is_what_stands(shell: Shell) -> None:
    complete(shell)
    first = shell.done("cycle", "show", CYCLE)["current"]
    shell.done("cycle", "end", CYCLE, "--outcome", "aborted", "--reason", "the printout says so")
    amended = shell.done("cycle", "show", CYCLE)
    assert amended["current"]["ending"] != first["ending"]
    promise = shell.done("cycle", "decide", CYCLE, "reject")
    facts, _ = record_of(shell, promise)
    assert facts["judged_ending"] == amended["current"]["ending"].removeprefix("0x")


def test_a_mistaken_opening_is_taken_back_and_its_number_opened_again(shell: Shell) -> None:
    shell.done("cycle", "open", SERIAL, "1")
    shell.done("cycle", "void", CYCLE, "--reason", "mistyped")
    with shell.house.nothing_stored():
        again = shell.run("cycle", "void", CYCLE, "--reason", "mistyped", "--json")
    assert (again.code, json.loads(again.err)["field"]) == (EXIT_CODES[errors.NotFound], "CYCLE")
    shell.done("cycle", "open", SERIAL, "1")
    shell.done("cycle", "end", CYCLE, "--outcome", "completed")


def test_a_result_is_entered_and_a_comment_made_by_whoever_may(shell: Shell) -> None:
    complete(shell)
    entered = shell.done("result", "enter", CYCLE, "biological", "pass", "--indicator", "lot 7",
                         "--read-at", "2026-01-03T08:00:00Z", "--control", "pass")  # fmt: skip
    facts, _ = record_of(shell, entered)
    assert (facts["result"], facts["word"], facts["read_at"]) == (
        "biological", "pass", "2026-01-03T08:00:00Z",
    )  # fmt: skip
    shell.done("signer", "enrol", "Ward", "--unit", "member", "--right", "report")
    said = shell.done("comment", CYCLE, "disagrees", "--unit", "member", "--text", "two are wet")
    assert record_of(shell, said)[0]["text"] == "two are wet"
    assert said["unit"] == 2


def test_a_key_that_is_held_elsewhere_signs_what_was_prepared(shell: Shell, tmp_path: Path) -> None:
    private = create_account()
    key = "0x" + account_address(private).hex()
    file = tmp_path / "enrolment.json"
    enrol = ("signer", "enrol", "Anna's phone", "--unit", "1", "--right", "open",
             "--custody", "device", "--key", key)  # fmt: skip
    with shell.house.nothing_stored():
        refused = shell.run(*enrol, "--json")
    assert refused.code == EXIT_CODES[errors.Refused]
    prepared = shell.done(*enrol, "--prepare", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    handed = json.loads(file.read_text())
    assert handed["digest"] == prepared["digest"]
    assert {each["party"]: each["held_here"] for each in handed["parties"]} == {
        "signer": True,
        "new_key": False,
    }
    taken = shell.run(*enrol, "--prepare", str(file))
    assert (taken.code, taken.out) == (EXIT_CODES[errors.InvalidInput], "")
    signature = sign_with_account(private, bytes.fromhex(handed["digest"][2:]))
    promise = shell.done("operation", "submit", handed["digest"], "--held", "signer",
                         "--signature", f"new_key=0x{signature.hex()}")  # fmt: skip
    assert promise["digest"] == handed["digest"]
    opening = tmp_path / "opening.json"
    shell.done("cycle", "open", SERIAL, "1", "--signer", key, "--prepare", str(opening))
    digest = json.loads(opening.read_text())["digest"]
    signature = sign_with_account(private, bytes.fromhex(digest[2:]))
    shell.done("operation", "submit", digest, "--signature", f"signer={signature.hex()}")
    assert shell.done("cycle", "show", CYCLE)["timeline"][0]["signer_name"] == "Anna's phone"


def test_a_chain_is_served_and_a_file_verified_only_where_there_is_one(
    shell: Shell, tmp_path: Path
) -> None:
    home = tmp_path / "nowhere"
    assert shell.run("chain", "up", "--home", str(home)).code == EXIT_CODES[errors.NotFound]
    assert not home.exists()
    file = tmp_path / "deployment.json"
    file.write_text('{"format": "steriledger-deployment/1"}')
    refused = shell.run("verify", str(file), "--rpc", "http://127.0.0.1:1")
    assert refused.code == EXIT_CODES[errors.InvalidInput]
    assert "steriledger verify EVIDENCE --deployment FILE" in refused.err


# ------------------------------------------------------------------------------ refused

WRONG: dict[str, tuple[tuple[str, ...], type[errors.SteriLedgerError], str]] = {
    "unknown unit": (
        ("signer", "enrol", "Li", "--unit", "nowhere", "--right", "open"),
        errors.NotFound, "--unit"),
    "a gate that is asked of nothing": (("gate", "use"), errors.InvalidInput, "PACKAGE"),
    "a code that is no word": (
        ("unit", "admit", "5", "--code", "b a d !", "--name", "X", "--role", "user"),
        errors.InvalidInput, "--code"),
    "holdings of what comes": (
        ("holdings", "--unit", "1", "--at", "2999-01-01T00:00:00Z"), errors.InvalidInput, "--at"),
    "a paper log that is not named": (
        ("import", "--unit", "1", "--paper"), errors.InvalidInput, "FILE"),
    "a list that is not named": (("scan", "list", "--unit", "1"), errors.InvalidInput, "--file"),
    "the second of two scans": (
        ("scan", "stored", "1/Q01", "SL1PQ0199", "--unit", "1"), errors.InvalidInput, "line 2"),
    "unknown gate": (("gate", "used", "1/Q01", "--unit", "1"), errors.InvalidInput, "GATE"),
    "an office without a number": (
        ("unit", "contact", "1", "--office", "Ward"), errors.InvalidInput, "--telephone"),
    "a number without an office": (
        ("unit", "contact", "1", "--telephone", "123"), errors.InvalidInput, "--office"),
    "unknown machine": (("cycle", "open", "nothing", "1"), errors.NotFound, "EQUIPMENT"),
    "unknown cycle": (("cycle", "show", f"{SERIAL}/99"), errors.NotFound, "cycle"),
    "no cycle's name": (("cycle", "show", "13"), errors.InvalidInput, "cycle"),
    "unknown file": (("import", "/no/such/file", "--unit", "1"), errors.NotFound, "FILE"),
    "unknown right": (
        ("signer", "enrol", "Li", "--unit", "1", "--right", "fly"), errors.InvalidInput, "--right"),
    "unknown role": (
        ("unit", "admit", "5", "--code", "X", "--name", "X", "--role", "king"),
        errors.InvalidInput, "--role"),
    "unknown zone": (
        ("equipment", "register", "B", "--unit", "1", "--serial", "9", "--kind", "sterilizer",
         "--clock-zone", "Mars/X"),
        errors.InvalidInput, "--clock-zone"),
    "unknown profile": (
        ("equipment", "register", "B", "--unit", "1", "--serial", "9", "--kind", "sterilizer",
         "--profile", "hot"),
        errors.InvalidInput, "--profile"),
    "unknown kind": (
        ("equipment", "register", "B", "--unit", "1", "--serial", "9", "--kind", "oven"),
        errors.InvalidInput, "--kind"),
    "nothing to change": (
        ("equipment", "change", SERIAL, "--reason", "why not"),
        errors.InvalidInput, "--state"),
    "unit taken": (
        ("unit", "admit", "1", "--code", "X", "--name", "X", "--role", "user"),
        errors.Conflict, "UNIT"),
    "code taken": (
        ("unit", "admit", "5", "--code", "centre", "--name", "X", "--role", "user"),
        errors.Conflict, "--code"),
    "time without a zone": (
        ("cycle", "open", SERIAL, "1", "--started-at", "2026-01-01T00:00:00"),
        errors.InvalidInput, "--started-at"),
    "number too large": (("cycle", "open", SERIAL, "9" * 30), errors.InvalidInput, "NUMBER"),
    "signer without the right": (
        ("cycle", "open", SERIAL, "1", "--signer", "Administrator centre"),
        errors.Refused, "--signer"),
    "unknown scope": (
        ("token", "create", "--person", "Li", "--scope", "fly"), errors.InvalidInput, "--scope"),
    "unknown token": (("token", "revoke", "nothing"), errors.NotFound, ""),
    "text with an escape": (
        ("cycle", "open", SERIAL, "1", "--programme", "a\x1b[2J"),
        errors.InvalidInput, "--programme"),
    "no unit": (
        ("comment", "00" * 32, "seen", "--unit", ""), errors.NotFound, "--unit"),
    "happened in no zone": (
        ("cycle", "open", SERIAL, "1", "--happened-zone", "Mars/X"),
        errors.InvalidInput, "--happened-zone"),
    "happened before all clocks": (
        ("cycle", "open", SERIAL, "1", "--happened-utc", "1900-01-01T00:00:00Z"),
        errors.InvalidInput, "--happened-utc"),
    "key that is none": (
        ("signer", "enrol", "Li", "--unit", "1", "--right", "open", "--key", "0x12",
         "--custody", "device"), errors.InvalidInput, "--key"),
    "key for the server": (
        ("signer", "enrol", "Li", "--unit", "1", "--right", "open", "--key", "0x" + "11" * 20),
        errors.InvalidInput, "--key"),
    "key that is nowhere": (
        ("signer", "enrol", "Li", "--unit", "1", "--right", "open", "--custody", "device"),
        errors.InvalidInput, "--key"),
    "unknown party": (
        ("operation", "submit", "00" * 32, "--held", "king"), errors.InvalidInput, "--held"),
    "signature that is none": (
        ("operation", "submit", "00" * 32, "--signature", "signer=zz"),
        errors.InvalidInput, "--signature"),
    "nothing prepared": (
        ("operation", "submit", "00" * 32, "--held", "signer"), errors.NotFound, "digest"),
}  # fmt: skip
AFTER: dict[str, tuple[tuple[str, ...], type[errors.SteriLedgerError], str]] = {
    "release of more than was declared": (
        ("cycle", "decide", CYCLE, "release", "--share", "1:1:1:11"), errors.Refused, "--share 1"),
    "release with a failed result": (
        (*RELEASE, "--result", "physical=fail"), errors.Refused, "--result"),
    "unknown decision": (("cycle", "decide", CYCLE, "bless"), errors.InvalidInput, "DECISION"),
    "share that is none": (
        ("cycle", "decide", CYCLE, "release", "--share", "1:1"), errors.InvalidInput, "--share"),
    "share beyond all numbers": (
        ("cycle", "decide", CYCLE, "release", "--share", "1:1:1:" + "9" * 5000),
        errors.InvalidInput, "--share"),
    "result that is none": ((*RELEASE, "--result", "fine"), errors.InvalidInput, "--result"),
    "line that is none": (
        ("cycle", "load", CYCLE, "--line", "1:1:1:x"), errors.InvalidInput, "--line"),
    "second load": ((*LOAD, "--replaces", "none"), errors.Conflict, "--replaces"),
    "second ending": (
        ("cycle", "end", CYCLE, "--outcome", "completed"), errors.InvalidInput, "--reason"),
    "second ending that says it is the first": (
        ("cycle", "end", CYCLE, "--outcome", "completed", "--replaces", "none"),
        errors.Conflict, "--replaces"),
    "typed and read at once": (
        ("cycle", "end", CYCLE, "--outcome", "completed", "--reading", "0" * 64),
        errors.InvalidInput, "--outcome"),
    "unknown reading": (
        ("cycle", "end", CYCLE, "--reading", "0" * 64), errors.NotFound, "--reading"),
    "digest that is none": (
        ("cycle", "end", CYCLE, "--outcome", "aborted", "--replaces", "0x12"),
        errors.InvalidInput, "--replaces"),
    "end before start": (
        ("cycle", "end", CYCLE, "--outcome", "completed", "--reason", "read again",
         "--started-at", "2026-01-02T00:00:00Z", "--ended-at", "2026-01-01T00:00:00Z"),
        errors.InvalidInput, "--ended-at"),
    "end before the start that the opening states": (
        ("cycle", "end", CYCLE, "--outcome", "completed", "--reason", "read again",
         "--ended-at", "2000-01-01T00:00:00+00:00"),
        errors.InvalidInput, "--ended-at"),
    "ending without a word": (
        ("cycle", "end", CYCLE, "--fault-code", "A15"), errors.InvalidInput, "--outcome"),
    "profile without a reading": (
        ("cycle", "end", CYCLE, "--outcome", "completed", "--profile", "en-285-134"),
        errors.InvalidInput, "--profile"),
    "line of an unknown unit": (
        ("cycle", "load", CYCLE, "--line", "1:1:1:4", "--line", "2:9:1:4"),
        errors.NotFound, "--line 2 payer"),
    "measured beyond all machines": (
        ("cycle", "end", CYCLE, "--outcome", "completed", "--reason", "r",
         "--maximum-celsius", "4000"), errors.InvalidInput, "--maximum-celsius"),
    "opening taken back that has a load": (
        ("cycle", "void", CYCLE, "--reason", "mistake"), errors.Refused, "CYCLE"),
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
