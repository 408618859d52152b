"""Files, folders and what is neither; a folder that is followed; profiles of a group's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from ledger.cli.watching import Watched, finish
from ledger.domain.machines import profiles
from ledger.domain.visible import visible
from ledger.steps.reading.imports import Import
from tests.cli.conftest import Shell
from tests.house import DAC_LOG, DATA, SERIAL

if TYPE_CHECKING:
    from ledger.cli.importing import Brought

CASES = DATA / "cases"
LINES = DAC_LOG.read_bytes().splitlines(keepends=True)
#: of the log: cycle 13 stands before it, 14 to 17 after it
MIDDLE = 250


def refused(shell: Shell, *arguments: str, code: int) -> str:
    """What a command says that fails with a code."""
    ran = shell.run("import", "--unit", "1", *arguments)
    assert ran.code == code, ran.err + ran.out
    return ran.err + ran.out


# ------------------------------------------------------------------------------ what is no file


def test_an_empty_folder_is_not_found(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    assert "no file in the folder" in refused(shell, str(folder), code=3)
    (folder / ".hidden").write_text("x")
    assert "no file in the folder" in refused(shell, str(folder), code=3)


def test_a_pipe_is_no_file(shell: Shell, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "a pipe or a device" in refused(shell, str(tmp_path / "pipe"), code=2)
    assert "a pipe or a device" in refused(shell, "/dev/null", code=2)


def test_a_folder_in_a_folder_is_named_and_the_files_beside_it_are_imported(
    shell: Shell, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    (folder / "older").mkdir(parents=True)
    (folder / "a.log").write_bytes(DAC_LOG.read_bytes())
    said = refused(shell, str(folder), code=1)
    assert "older is a folder in a folder" in said
    assert "5 cycles" in said


def test_a_file_beyond_the_limit_is_refused_with_its_size(shell: Shell, tmp_path: Path) -> None:
    big = tmp_path / "big.log"
    with big.open("wb") as file:
        file.truncate(5_000_000_000)
    said = refused(shell, str(big), code=2)
    assert "5,000,000,000 bytes" in said
    assert "at most 1,048,576 bytes" in said


def test_neither_files_nor_a_folder_is_asked_for(shell: Shell, tmp_path: Path) -> None:
    assert "a folder to watch" in refused(shell, code=2)
    assert "a folder to watch" in refused(shell, "x.log", "--watch", str(tmp_path), code=2)
    assert "there is no folder" in refused(shell, "--watch", str(tmp_path / "no"), code=3)


# ------------------------------------------------------------------------------ what is said


def test_files_of_a_folder_are_recorded_by_their_numbers(shell: Shell) -> None:
    shell.house.register(1, "T-1001")
    folder = CASES / "02-order-of-arrival" / "folder"
    reports = shell.done("import", str(folder), "--unit", "1")
    assert [r["cycles"][0]["number"] for r in reports] == [9, 10, 11]
    said = [notice for r in reports for notice in r["cycles"][0]["notices"]]
    assert not any("late" in notice for notice in said)
    shell.run("import", "--unit", "1", str(folder.parent / "late"))
    listed = shell.run("cycle", "list").out
    assert "T-1001/1/17: numbers 13 to 16 have not come in" in listed
    assert "T-1001/1/12" in listed


def test_reasons_and_codes_stand_in_the_answer_for_people(shell: Shell) -> None:
    shell.house.register(1, "T-1001")
    ran = shell.run("import", "--unit", "1", str(CASES / "06-unknown-without-reason"))
    assert ran.code == 0
    assert "line 40" in ran.out
    ran = shell.run("import", "--unit", "1", str(CASES / "07-second-fault-code-lost"))
    assert "further fault codes: 72" in ran.out
    shown = shell.run("cycle", "show", "T-1001/20").out
    assert "outcome reasons" in shown
    assert "line 40" in shown


def test_a_contradiction_ends_with_exit_code_1(shell: Shell) -> None:
    shell.house.register(1, "T-1001")
    case = CASES / "04-second-reading-ignored"
    shell.done("import", "--unit", "1", str(case / "printout.log"))
    said = refused(shell, str(case / "logger-131C.csv"), code=1)
    assert "contradicts" in said
    assert "it fails en-285-134" in said
    assert "it fails en-285-134" in shell.run("cycle", "show", "T-1001/11").out


def test_a_reading_is_assigned_with_its_import(shell: Shell) -> None:
    logger = str(CASES / "10-blind-logger" / "logger.csv")
    (report,) = shell.done("import", "--unit", "1", logger)
    assert report["cycles"][0]["what"] == "not matched"
    (report,) = shell.done("import", "--unit", "1", logger, "--machine", SERIAL, "--number", "12")
    assert report["cycles"][0]["what"] == "recorded"
    assert any("a person assigned it" in each for each in report["cycles"][0]["notices"])


def test_the_pressure_of_the_air_must_be_one(shell: Shell) -> None:
    said = refused(shell, str(DAC_LOG), "--ambient-bar", "1013", code=2)
    assert "--ambient-bar" in said


# ------------------------------------------------------------------------------ profiles


def profile_file(path: Path) -> str:
    """A group's own profile, as the program's first one in another name."""
    document = json.loads(
        (Path(profiles.__file__).parent / "data" / "profiles.json").read_text("utf-8")
    )
    entries = document["profiles"]
    own = {**next(e for e in entries if e["name"] == "en-285-134"), "name": "house-134"}
    path.write_text(json.dumps({**document, "profiles": [own]}), encoding="utf-8")
    return str(path)


def test_a_group_adds_its_own_profile_and_verdicts_name_its_hash(
    shell: Shell, tmp_path: Path
) -> None:
    (added,) = shell.done("profile", "add", profile_file(tmp_path / "own.json"))
    assert added["name"] == "house-134"
    assert shell.done("profile", "add", str(tmp_path / "own.json")) == []
    assert added in shell.done("profile", "list")
    shell.done("import", "--unit", "1", str(DAC_LOG), "--profile", "house-134")
    verdict = shell.done("cycle", "show", f"{SERIAL}/13")["computed_verdict"]
    assert (verdict["result"], verdict["profile"]) == ("passed", "house-134")
    assert verdict["profile_sha256"] == added["sha256"]


def test_a_known_name_with_another_content_is_refused(shell: Shell, tmp_path: Path) -> None:
    path = Path(profile_file(tmp_path / "own.json"))
    shell.done("profile", "add", str(path))
    path.write_text(path.read_text("utf-8").replace('"134', '"133', 1), encoding="utf-8")
    with shell.house.nothing_stored():
        ran = shell.run("profile", "add", str(path))
    assert ran.code == 4
    assert "house-134" in ran.err


# ------------------------------------------------------------------------------ a folder, followed


def test_a_file_has_settled_when_two_looks_see_the_same(tmp_path: Path) -> None:
    path, watched, now = tmp_path / "a.log", Watched(), time.time()
    path.write_text("one")
    assert watched.settled([path], now) == []
    assert watched.settled([path], now) == [(path, True)]
    watched.finish(path, is_waiting=True)
    assert watched.settled([path], now) == []
    path.write_text("one, two")
    assert watched.settled([path], now) == []
    assert watched.settled([path], now) == [(path, True)]
    watched.finish(path, is_waiting=True)
    assert watched.settled([path], now + 3700) == [(path, False)]
    watched.finish(path, is_waiting=False)
    assert watched.settled([path], now + 3700) == []
    path.unlink()
    assert watched.settled([path], now) == []


def test_a_log_waits_for_its_newest_cycle_only_while_it_may_still_grow(tmp_path: Path) -> None:
    path, watched = tmp_path / "a\x1b.log", Watched()
    path.write_text("one")
    watched.settled([path], time.time())
    report = SimpleNamespace(
        filename=visible(path.name), cycles=[SimpleNamespace(what=Import.WAITING)]
    )
    brought = cast("Brought", SimpleNamespace(reports=[report]))
    for is_growing in (True, False):
        finish(watched, [path], brought, is_growing=is_growing)
        assert (path in watched.waiting) is is_growing


@contextmanager
def followed(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """What `import --watch` says of a folder, line by line; it ends with exit code 0."""
    program = [sys.executable, "-m", "ledger", "import", "--unit", "1", "--json"]
    said: list[dict[str, Any]] = []
    with subprocess.Popen(
        [*program, "--watch", str(folder), "--every", "0.2"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = process.stdout
        listener = threading.Thread(target=lambda: said.extend(map(json.loads, lines)))
        listener.start()
        try:
            yield said
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=30)
            listener.join(timeout=30)
    assert code == 0
    assert "stopped" in said[-1]


def until(said: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """The line of that count, waited for."""
    for _ in range(600):
        if len(said) >= count:
            return said[count - 1]
        time.sleep(0.1)
    pytest.fail(f"only this was said: {said}")


def became(line: dict[str, Any]) -> list[tuple[int, str]]:
    """What became of the cycles of a file."""
    return [(each["number"], each["what"]) for each in line["cycles"]]


def test_a_growing_log_is_followed_and_its_unfinished_cycle_waits(
    shell: Shell, tmp_path: Path
) -> None:
    folder = tmp_path / "logger"
    folder.mkdir()
    log = folder / "DAC.Log"
    end = next(n for n, text in enumerate(LINES) if b"01:06:31" in text) + 1
    with followed(folder) as said:
        assert "watching" in until(said, 1)
        log.write_bytes(b"".join(LINES[:end]))
        assert became(until(said, 2)) == [(13, "not whole yet")]
        log.write_bytes(b"".join(LINES[:MIDDLE]))
        assert became(until(said, 3)) == [(13, "recorded")]
        log.write_bytes(b"".join(LINES))
        assert became(until(said, 4)) == [
            (13, "already recorded"),
            *((number, "recorded") for number in range(14, 18)),
        ]
        (folder / "notes.txt").write_text("nothing of a machine")
        assert "none of the known forms" in until(said, 5)["error"]


def test_what_was_imported_is_known_when_the_folder_is_followed_again(
    shell: Shell, tmp_path: Path
) -> None:
    shell.done("import", "--unit", "1", str(DAC_LOG))
    folder = tmp_path / "logger"
    folder.mkdir()
    (folder / "DAC.Log").write_bytes(DAC_LOG.read_bytes())
    with shell.house.nothing_stored(), followed(folder) as said:
        assert became(until(said, 2)) == [(n, "already recorded") for n in range(13, 18)]
