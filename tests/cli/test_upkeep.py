"""What whoever runs an instance types: status, backups, stuck operations, erasure."""

from __future__ import annotations

import base64
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import text

from ledger.cli.screen import MOST_STUCK, screen
from ledger.domain.acts.words import Right
from ledger.domain.drafts import Circumstances, People
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import ChainUnavailable, Inconsistent
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.answering.status import ChainStatus, put_chain_status
from ledger.steps.answering.status import status as read_status
from ledger.steps.answering.trouble import TroubleKind, put_trouble, trouble_of
from ledger.steps.starting.leasing import LEASE
from ledger.storage.engine.database import open_database
from ledger.storage.leases import take_lease
from ledger.storage.operations import get_operation, list_states, move_operation
from ledger.storage.records import get_record
from tests.cli.conftest import Shell, have_own_chain
from tests.house import CENTRE, Clock, build_house

S = OperationState
ROOT = Path(__file__).resolve().parents[2]
ROWS, COLUMNS = 24, 80
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def stuck(shell: Shell, digest: Digest, reason: str = "look at the relayer") -> str:
    """The operation needs a person; its digest as text."""
    with shell.house.instance.database.transaction() as tx:
        move_operation(tx, digest, S.STUCK, datetime.now(UTC), expected=[S.OWED], reason=reason)
    return "0x" + digest.hex()


def on_a_terminal(*arguments: str, no_color: str = "") -> tuple[int, str]:
    """The exit code and the output of a command on a terminal of 80 by 24."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ.pop("COLUMNS", None)
        os.environ["NO_COLOR"] = no_color
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "ledger", *arguments])  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    output = b""
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        output += part
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), output.decode().replace("\r\n", "\n")


# ---------------------------------------------------------------- status


HASH, ADDRESS = "0x" + "ab" * 32, "0x" + "cd" * 20
#: as the worker, the node and the contracts word them
REASONS = (
    (
        "sent 5 times; the last time: the node does not take its transaction: insufficient funds "
        f"for gas * price + value: address {ADDRESS} have 0 want 30000000000000000"
    ),
    (
        "the contract says for an hour: unknown predecessor (UnknownPredecessor), "
        f"digest {HASH}, predecessor {HASH}"
    ),
    f"transaction {HASH}, attempt 8 at nonce 1234567, was handed over and is not mined",
    f"the contract says: signature invalid (SignatureInvalid), digest {HASH}, signer {HASH}",
)
HALT = Inconsistent(
    f"block 1234567 was final as {HASH} and is now 0x{'ef' * 32}",
    field="chain",
    rule="a final block does not change",
    remedy="stop this process, find out why, then run: steriledger rebuild",
)


def trouble_everywhere(shell: Shell) -> list[Digest]:
    """Eight stuck, one owed, a halt, and something in every state; the stuck ones."""
    now = datetime.now(UTC)
    digests = [shell.house.open(number).digest for number in range(1, 15)]
    for number, digest in enumerate(digests[:8]):
        stuck(shell, digest, REASONS[number % len(REASONS)])
    with shell.house.instance.database.transaction() as tx:
        for digest, state in zip(digests[8:], (S.SENT, S.MINED, S.REFUSED), strict=False):
            move_operation(tx, digest, state, now, expected=[S.OWED], reason=REASONS[0])
        put_chain_status(
            tx,
            ChainStatus(
                open_because="this system gives a process no network of its own",
                height=1_234_567, hash=bytes(32), timestamp=now - timedelta(days=3),
                indexed=1_234_000, final=1_234_567, at=now - timedelta(hours=5),
            ),
        )  # fmt: skip
        put_trouble(tx, TroubleKind.HALTED, trouble_of(HALT, since=now, at=now))
    return digests[:8]


def test_the_status_of_an_instance_with_trouble_everywhere_is_one_screen(shell: Shell) -> None:
    digests = trouble_everywhere(shell)
    code, coloured = on_a_terminal("status", "--home", str(shell.home))
    plain_code, plain = on_a_terminal("status", "--home", str(shell.home), no_color="1")
    assert (code, plain_code) == (1, 1)
    for shown in (coloured, plain):
        lines = _ESCAPE.sub("", shown).rstrip("\n").split("\n")
        assert len(lines) < ROWS  # the shell's prompt has a line too
        assert max(map(len, lines)) <= COLUMNS
        words = " ".join(" ".join(lines).split())
        for expected in (
            (
                "worker halted, needs a person: chain: block 1234567 was final as 0xabababababab… "
                "and is now 0xefefefefefef… (rule: a final block does not change)"
            ),
            "what to do stop this process, find out why, then run: steriledger rebuild",
            "chain head block 1234567, 3 d 0 h old",
            "follower block 1234000, 567 final blocks behind",
            (
                "chain every account of this machine reaches it: "
                "this system gives a process no network of its own"
            ),
            "8 stuck",
            "1 refused",
            "Stuck: 8 need a person, the oldest first",
            "insufficient funds",
            f"0x{digests[0].hex()[:12]} CycleOpening, waits",
            "more: steriledger operation list --state stuck",
            "steriledger operation show DIGEST",
            "steriledger operation retry DIGEST or refuse DIGEST --reason WHY",
        ):
            assert expected in words
    assert "\x1b[1;31mhalted, needs a person" in coloured
    assert re.search(r"\x1b\[33mblock 1234000", coloured)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", plain)


def test_the_whole_reason_is_in_what_is_shown_of_one_operation(shell: Shell) -> None:
    digests = trouble_everywhere(shell)
    for digest, reason in zip(digests, REASONS, strict=False):
        _, shown = on_a_terminal("operation", "show", digest.hex(), "--home", str(shell.home))
        told = "".join(shown.split())
        assert all(part in told for part in reason.split()[:3])
        assert shell.done("operation", "show", digest.hex())["states"][-1]["reason"] == reason
        assert "".join(reason.split()) in "".join(
            shell.run("operation", "show", digest.hex()).out.split()
        )


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("reason", ["look", "x" * 400])
def test_some_of_the_stuck_operations_are_shown_and_the_rest_is_counted(
    shell: Shell, count: int, reason: str
) -> None:
    for number in range(1, count + 1):
        stuck(shell, shell.house.open(number).digest, reason)
    console = Console(width=COLUMNS, highlight=False)
    with console.capture() as said:
        for part in screen(read_status(shell.house.instance)):
            console.print(part)
    lines = said.get().splitlines()
    assert len(lines) < ROWS
    listed = sum(line.startswith("  0x") for line in lines)
    assert listed == min(count, MOST_STUCK)
    rest = f"… and {count - listed} more: steriledger operation list --state stuck"
    assert lines.count(rest) == (listed < count)


def test_the_status_of_a_quiet_instance_fits_half_a_screen(shell: Shell) -> None:
    code, shown = on_a_terminal("status", "--home", str(shell.home))
    lines = _ESCAPE.sub("", shown).rstrip("\n").split("\n")
    assert code == 0
    assert len(lines) <= ROWS // 2
    assert max(map(len, lines)) <= COLUMNS


def test_the_status_says_that_a_worker_halted_and_why(shell: Shell) -> None:
    now = datetime.now(UTC)
    error = Inconsistent("block 1 was final and changed", remedy="run: steriledger rebuild")
    with shell.house.instance.database.transaction() as tx:
        put_trouble(tx, TroubleKind.HALTED, trouble_of(error, since=now, at=now))
    ran = shell.run("status")
    words = " ".join(ran.out.split())
    assert ran.code == 1
    assert "halted, needs a person: block 1 was final and changed" in words
    assert "what to do run: steriledger rebuild" in words
    with shell.house.instance.database.transaction() as tx:
        take_lease(tx, LEASE, "worker", now, 600)
    ran = shell.run("status")
    assert ran.code == 0
    assert "starts after one halted: block 1 was final and changed" in " ".join(ran.out.split())


def test_the_status_tells_a_worker_that_waits_from_one_that_halted(shell: Shell) -> None:
    now = datetime.now(UTC)
    away = ChainUnavailable("http://127.0.0.1:8545 did not answer")
    for since, code, words in (
        (now - timedelta(seconds=5), 0, "worker starts, waits"),
        (now - timedelta(minutes=2), 1, "worker runs and cannot go on, waits 2 min"),
    ):
        with shell.house.instance.database.transaction() as tx:
            put_trouble(tx, TroubleKind.WAITS, trouble_of(away, since=since, at=now))
            take_lease(tx, LEASE, "worker", now, 600)
        ran = shell.run("status")
        told = " ".join(ran.out.split())
        assert ran.code == code
        assert words in told
        assert ": http://127.0.0.1:8545 did not answer" in told
        assert "halted" not in told


def test_the_status_has_no_colour_in_a_pipe(shell: Shell) -> None:
    assert "\x1b" not in shell.run("status").out


@pytest.mark.parametrize("command", ["status", "audit", "rebuild", "backup", "operation list"])
def test_a_home_that_is_not_there_is_not_made(shell: Shell, tmp_path: Path, command: str) -> None:
    home = tmp_path / "typo"
    file = [str(tmp_path / "backup.tar")] if command == "backup" else []
    ran = shell.run(*command.split(), *file, "--home", str(home))
    assert ran.code == 3
    assert "--home: there is no instance in" in ran.err
    assert not home.exists()


def test_a_database_that_is_newer_than_the_program_is_named_as_such(shell: Shell) -> None:
    with shell.house.instance.database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    ran = shell.run("status")
    assert ran.code == 70
    assert "revision 9999" in ran.err
    assert "or a newer one" in ran.err


# ---------------------------------------------------------------- backup and restore


def test_a_backup_is_restored_by_one_command_each(shell: Shell, tmp_path: Path) -> None:
    file, key, home = (tmp_path / name for name in ("backup.tar", "key", "second"))
    made = shell.done("backup", str(file), "--with-key", str(key))
    assert made["operations"]["owed"] == shell.done("status")["counts"]["owed"]
    shell.monkeypatch.delenv("STERILEDGER_KEY")
    restored = shell.done("restore", str(file), "--home", str(home), "--key-file", str(key))
    assert restored["operations"] == made["operations"]
    assert restored["deployment"] == made["deployment"]
    assert shell.done("status", "--home", str(home))["counts"]["owed"] == made["operations"]["owed"]


def test_both_say_in_words_what_to_do_next(shell: Shell, tmp_path: Path) -> None:
    file, home = tmp_path / "backup.tar", tmp_path / "second"
    made = shell.run("backup", str(file))
    assert "The vault key is not in it" in made.out
    restored = shell.run("restore", str(file), "--home", str(home))
    assert restored.code == 0
    for words in ("never runs again", f"steriledger up --home {home}", "steriledger audit --home"):
        assert words in restored.out


def test_a_restore_names_its_home(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    shell.done("backup", str(file))
    assert shell.run("restore", str(file)).code == 2
    ran = shell.run("restore", str(file), "--home", str(shell.home))
    assert ran.code == 4
    assert "is not empty" in ran.err


# ---------------------------------------------------------------- what is stuck


def test_stuck_operations_are_listed_shown_and_retried(shell: Shell) -> None:
    digest = shell.house.open(1).digest
    named = stuck(shell, digest)
    listed = shell.done("operation", "list", "--state", "stuck")
    assert [(row["digest"], row["reason"]) for row in listed] == [(named, "look at the relayer")]
    shown = shell.done("operation", "show", named[:10])
    assert [each["state"] for each in shown["states"]] == ["owed", "stuck"]
    assert shell.done("operation", "retry", named[:12], "--reason", "funded")["state"] == "owed"
    with shell.house.instance.database.reading() as tx:
        assert get_operation(tx, digest).state is S.OWED
        last = list_states(tx, digest)[-1].reason
    assert re.fullmatch(r"tried again by \w+: funded", last or "")
    assert shell.done("operation", "list", "--state", "stuck") == []


def test_a_refused_operation_is_told_with_those_that_go_with_it(shell: Shell) -> None:
    opening = shell.house.open(1).digest
    shell.house.declare(1)
    named = stuck(shell, opening)
    assert shell.run("operation", "refuse", named).code == 2
    refused = shell.done("operation", "refuse", named, "--reason", "typed twice")
    assert [row["kind"] for row in refused] == ["CycleOpening", "LoadDeclaration"]
    ran = shell.run("operation", "refuse", named, "--reason", "again")
    assert (ran.code, "is refused" in ran.err) == (4, True)


def test_people_read_the_same_in_tables(shell: Shell) -> None:
    named = stuck(shell, shell.house.open(1).digest)
    listed = shell.run("operation", "list", "--state", "stuck").out
    assert named[:14] in listed
    assert "look at the relayer" in listed
    shown = shell.run("operation", "show", named).out
    assert named in shown
    assert "Waits for: " in shown
    assert "is owed again" in shell.run("operation", "retry", named).out


def test_an_unknown_state_is_named(shell: Shell) -> None:
    ran = shell.run("operation", "list", "--state", "molten")
    assert (ran.code, "one of prepared, owed" in ran.err) == (2, True)


def test_a_long_list_is_read_on(shell: Shell) -> None:
    first = shell.done("operation", "list", "--limit", "2")
    rest = shell.done("operation", "list", "--after", str(first[-1]["sequence"]))
    everything = shell.done("operation", "list")
    assert [*first, *rest] == everything
    assert "Read on with --after" in shell.run("operation", "list", "--limit", "2").out


# ---------------------------------------------------------------- erasure


@pytest.fixture
def old(shell: Shell, sqlite_template: Path, tmp_path: Path) -> tuple[Shell, Digest]:
    """A house of five years ago with one opened cycle, and two who may erase."""
    home = tmp_path / "old"
    home.mkdir()
    shutil.copyfile(sqlite_template, home / "steriledger.db")
    shell.monkeypatch.setenv("STERILEDGER_HOME", str(home))
    with closing(open_database(f"sqlite:///{home / 'steriledger.db'}")) as database:
        clock = Clock(now=datetime.now(UTC) - timedelta(days=5 * 366))
        house = build_house(database, home, clock=clock)
        have_own_chain(database)
        for name in ("First", "Second"):
            house.enrol(CENTRE, name, Right.ERASE)
        told = Circumstances(people=People(performer="Zhang Wei"))
        digest = house.open(1, circumstances=told).digest
    return Shell(home=home, house=house, monkeypatch=shell.monkeypatch), digest


def test_two_signers_ask_for_an_erasure_that_waits_for_the_chain(
    old: tuple[Shell, Digest],
) -> None:
    shell, digest = old
    named = "0x" + digest.hex()
    arguments = ("record", "erase", named, "--signer", "First", "--reason", "retention is over")
    silent = shell.run(*arguments, "--countersigner", "Second")
    assert silent.code == 6
    assert "nothing was dated since" in silent.err
    assert shell.run("status").code == 1
    confirmed = shell.done("clock", "confirm")
    assert confirmed["newest"] == confirmed["clock"]
    accepted = shell.done(*arguments, "--countersigner", "Second")
    assert (accepted["kind"], accepted["state"]) == ("RecordErasure", "owed")
    with shell.house.instance.database.reading() as tx:
        assert get_record(tx, get_operation(tx, digest).record_id).personal is not None
    assert shell.run(*arguments, "--countersigner", "First").code in {2, 4}


def test_a_record_within_its_retention_is_not_erased(shell: Shell) -> None:
    for name in ("First", "Second"):
        shell.house.enrol(CENTRE, name, Right.ERASE)
    digest = shell.house.open(1).digest
    ran = shell.run(
        "record", "erase", digest.hex(), "--signer", "First", "--countersigner", "Second",
        "--reason", "asked for",
    )  # fmt: skip
    assert ran.code == 5
    assert "retained until" in ran.err


# ---------------------------------------------------------------- logs of commands


def test_a_command_writes_its_lines_into_the_log_of_the_home_and_nowhere_else(
    tmp_path: Path, shell: Shell
) -> None:
    key = base64.b64encode(b"\7" * 32).decode()
    named = stuck(shell, shell.house.open(1).digest)
    ran = subprocess.run(
        [sys.executable, "-m", "ledger", "operation", "retry", named, "--json"],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "STERILEDGER_HOME": str(shell.home), "STERILEDGER_KEY": key},
    )  # fmt: skip
    assert ran.stderr == ""
    assert "owed_again" not in ran.stdout
    lines = (shell.home / "run" / "log").read_text().splitlines()
    assert [line for line in lines if named in line and '"event": "owed_again"' in line]
