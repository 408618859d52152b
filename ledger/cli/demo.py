"""The main job on real printouts: the commands that people type, from an empty home to evidence."""

from __future__ import annotations

import io
import json
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import cache
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.launching import first_link, start_all, start_worker, stop_on_signals
from ledger.cli.options import opened
from ledger.cli.printing import say
from ledger.cli.running import ChainOption, FinalityOption, environment, overrides_chain
from ledger.domain.errors import ChainUnavailable, Inconsistent, Refused

if TYPE_CHECKING:
    from ledger.running.processes import Instance as Processes

#: The lead, with the centre, is unit 1.
_UNITS: Mapping[str, str] = {
    "L": "Lead hospital, sterile supply centre",
    "M1": "East Community Hospital",
    "M2": "West Community Hospital",
    "M3": "North Community Hospital",
    "M4": "South Community Hospital",
    "M5": "Riverside Clinic",
    "M6": "Hillside Clinic",
    "M7": "Lakeside Clinic",
    "M8": "Harbour Dental Clinic",
    "D": "Drone firm",
}
#: Not the default of the other commands: the demonstration's units belong into no real ledger.
DEMO_HOME = Path("steriledger-demo")
_MACHINE = "601362"
_SHOWN = f"{_MACHINE}/13"
_ABORTED = f"{_MACHINE}/14"
#: whose keys sign for the lead, and for what
_SIGNERS = {
    "Operator Li": "open load result report scan dispatch carry receive",
    "Releaser Wang": "decide result report",
}
#: a sterilizer without a printer: people type its cycles
_STEAMER = "S3"
_MONTH = "2026-11"
#: who signs in to the pages: name, person, unit, what they may do, and whose key signs
_PEOPLE = (
    ("operator", "Li Na", 1, "open load end result report scan custody read_unit", "Operator Li"),
    ("releaser", "Wang Fang", 1, "decide result report read_unit", "Releaser Wang"),
    ("chief", "Chen Jing", 1, "administer read_unit", "Administrator of L"),
    ("east", "Zhao Min", 2, "scan custody answer report settle read_unit", "Desk M1"),
    ("north", "Wu Jie", 4, "scan custody answer report settle read_unit", "Desk M3"),
    ("carrier", "Sun Tao", 10, "custody read_unit", "Desk D"),
    ("auditor", "Liu Yang", 9, "read_all", None),
)
_PATIENCE_SECONDS = 120
_PRINTOUT = Path(__file__).resolve().parents[2] / "tests" / "data" / "dacuniversal" / "DAC.Log"


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit when the job is done.")] = False,
    log: Annotated[
        Path, typer.Option(help="Printout to read; the real one of tests/data by default.")
    ] = _PRINTOUT,
    chain: ChainOption = None,
    finality: FinalityOption = None,
    *,
    home: Annotated[Path, typer.Option("--home", help="Folder of the demonstration.")] = DEMO_HOME,
) -> None:
    """Run the main job on a real sterilizer's printouts, play a day, then stay up until Ctrl-C.

    A second run finds its records again and changes nothing.  On a chain of others, whose clock
    nobody plays, the day is left out.
    """
    os.environ.update(overrides_chain(chain, finality))
    stop = stop_on_signals()
    shell = _Shell(home=home)
    is_played = shell.set_clock()
    with _running(home, stop, has_api=False) as (_, _, rpc):
        if not stop.is_set():
            shell.run_everything(log, rpc)
    if is_played and not stop.is_set():
        shell.play()
    with _running(home, stop) as (processes, api, rpc):
        if stop.is_set():
            return
        if is_played:
            shell.settle(rpc)
        else:
            _tell("\nThe day of the group is played on the embedded chain alone.")
        _tell("\nAll of it held.")
        if not once:
            say(f"Chain (read only): {rpc}")
            say("Come in as one of these; each link holds for twelve hours:")
            for login, person, link in shell.links():
                say(f"  {login:<9} {person:<10} {api}{link}")
            first = first_link(processes, stop)
            if first is not None:
                say(f"  {'administrator':<20} {first}")
            say(f"Ready: {api}")
            processes.watch(stop)


@contextmanager
def _running(
    home: Path, stop: Event, *, has_api: bool = True
) -> Iterator[tuple[Processes, str | None, str]]:
    """The chain and the worker, and the API beside them; their addresses."""
    from ledger.running.processes import Instance as Processes

    with Processes(
        # the pages say times by the clock that the day is told in
        home=home,
        environment={"STERILEDGER_ZONE": "Asia/Shanghai"} | environment(),
        log=home / "run" / "log",
        tell=say,
    ) as processes:
        say(f"Starting the chain and the worker{', and the API' if has_api else ''} …")
        start = start_all if has_api else start_worker
        api, rpc = start(processes, stop, chain_seconds=_PATIENCE_SECONDS)
        if rpc is None and not stop.is_set():
            raise ChainUnavailable("the chain is not there", remedy=f"look into {processes.log}")
        yield processes, api, rpc or ""


def _tell(words: str) -> None:
    """What is several lines, line by line."""
    for line in words.split("\n"):
        say(line)


@cache
def _commands() -> Any:  # noqa: ANN401 - typer's own class
    """The whole command line, made once."""
    from ledger.cli.app import app

    return typer.main.get_command(app)


class _Shell:
    """Types commands, and shows them."""

    def __init__(self, *, home: Path) -> None:
        self.home = home

    def run_everything(self, printout: Path, rpc: str) -> None:
        """The whole flow; what was done already is left alone."""
        _tell("\nA centre and eight member units, a sterilizer, and the centre's people")
        self.enter_group()
        _tell(f"\nThe cycles of {printout.name}")
        _tell(self.type("import", printout, "--unit", 1, "--signer", "Operator Li"))
        _tell("\nWhat passed is loaded and released")
        for each in reversed(self.completed()):
            if each["state"] == "undecided":
                self.load_and_release(f"{_MACHINE}/{each['number']}", each["number"])
        if not all(each["state"] == "released" for each in self.completed()):
            raise Inconsistent("a completed cycle was not released")
        _tell("\nWhat was aborted cannot be released")
        self.try_to_release_the_aborted_one()
        _tell("\nNumbers that were left out are shown, and one that comes late is called so")
        self.open_out_of_order()
        _tell("\nOne cycle, and its evidence checked as anybody can")
        _tell(self.type("cycle", "show", _SHOWN))
        file = self.home / "evidence-13.json"
        self.type("evidence", "export", _SHOWN, "--output", file)
        trusted = self.home / "deployment.json"
        _tell(self.type("verify", file, "--rpc", rpc, "--deployment", trusted, has_home=False))

    # ------------------------------------------------------------ the day, and its month

    def set_clock(self) -> bool:
        """Let the home's clock be played; False on a chain of others."""
        from ledger.cli.day import BEGINS
        from ledger.steps.starting.playing import begin_played

        with opened(self.home) as instance:
            if instance.settings.is_embedded:
                begin_played(instance, BEGINS)
            return instance.settings.is_embedded

    def play(self) -> None:
        """The day, moment by moment; a home that has it already is left alone."""
        from ledger.cli.day import ENDS, LAST, PARTS
        from ledger.cli.playing import playing

        if "S1" in {each["serial"] for each in self.ask("equipment", "list")}:
            if LAST in {each["number"] for each in self.ask("cycle", "list", "--machine", "S1")}:
                return
            raise Refused(
                "the day was begun here and not finished", field="home",
                rule="a day is played once, from its beginning to its end",
                remedy="choose a new folder: --home",
            )  # fmt: skip
        with playing(self.home, ENDS) as player:
            for words, moments in PARTS.items():
                _tell(f"\n{words}")
                player.play(moments)

    def settle(self, rpc: str) -> None:
        """The month's account: published, written, computed by others, answered."""
        from ledger.cli.day import CODES, M2, terms
        from ledger.cli.paper import tell_paper

        wait = ("--wait", _PATIENCE_SECONDS)
        folder, trusted = self.home / "statements", self.home / "deployment.json"
        given = folder / "en" / f"{_MONTH}-group.json"
        if given.exists():
            return
        _tell("\nE05's answer as a file and a page, and reproduced from file and chain alone")
        answer = self.home / "answers" / "E05.json"
        answer.parent.mkdir(exist_ok=True)
        page = ("--pdf", answer.with_suffix(".pdf"), "--language", "zh")
        asked = ("package", "1/E05", "--as-of", "2026-11-06T10:00:00")
        self.type("findings", "show", *asked, "-o", answer, *page)
        by_whom = ("--rpc", rpc, "--deployment", trusted)
        reproduced = self.type("findings", "verify", answer, *by_whom, has_home=False)
        _tell(reproduced.partition("\n")[0])
        _tell("\nNovember is over: its account is computed from the chain, and published")
        self.type("statement", "publish", _MONTH, *wait)
        _tell(self.type("statement", "show", _MONTH))
        for language in ("zh", "en"):
            written = ("-o", folder / language, "--language", language)
            _tell(self.type("statement", "write", _MONTH, *written))
        _tell(
            "\nAnybody computes the same bytes from the chain and the terms, without our database"
        )
        agreed = folder / "terms.json"
        agreed.write_text(json.dumps(terms(), ensure_ascii=False, indent=2), "utf-8")
        _tell(self.type(
            "statement", "recompute", "--rpc", rpc, "--deployment", trusted, "--terms", agreed,
            "--period", _MONTH, "--finality", "instant", "--against", given, has_home=False,
        ))  # fmt: skip
        _tell("\nM1 acknowledges its statement; M2 contests the trip of its box that was diverted")
        account = json.loads(given.read_bytes())
        published = self.published()
        own = next(each["lines"] for each in account["units"] if each["unit"] == M2)
        carried = [n for n, at in enumerate(own, 1) if account["lines"][at]["group"] == "transport"]
        self.type("statement", "answer", published, "--unit", "M1", *wait)
        self.type(
            "statement", "answer", published, "--unit", "M2", "--line", carried[0],
            "--proposal", "the drone came down; the box came four hours later", *wait,
        )  # fmt: skip
        for each in self.ask("statement", "show", _MONTH)["said"]["answers"]:
            lines = ", ".join(map(str, each["contested"]))
            _tell(f"{CODES[each['unit']]} {f'contests line {lines}' if lines else 'acknowledges'}")

        _tell("\nThe months of the paper that this began with: made-up events, without a chain")
        tell_paper()

    def published(self) -> str:
        """The digest of the month's publication."""
        from ledger.domain.encoding.identifiers import to_hex
        from ledger.domain.statement.periods import parse_period
        from ledger.steps.settling.published import get_published

        with opened(self.home) as instance, instance.database.reading() as tx:
            return to_hex(get_published(tx, parse_period(_MONTH)).publication)

    def enter_group(self) -> None:
        """Units, machine and signers that are not there yet."""
        there = {each["code"] for each in self.ask("unit", "list")}
        for number, (code, name) in enumerate(_UNITS.items(), start=1):
            words = {"L": ("user", "processor", "carrier"), "D": ("carrier",)}.get(code, ("user",))
            roles = [word for role in words for word in ("--role", role)]
            if code not in there:
                named = ["--administrator-name", f"Administrator of {code}"]
                self.type("unit", "admit", number, "--code", code, "--name", name, *roles, *named)
        if _MACHINE not in {each["serial"] for each in self.ask("equipment", "list")}:
            self.type(
                "equipment", "register", "DAC 1", "--unit", 1, "--serial", _MACHINE,
                "--kind", "sterilizer", "--clock-zone", "Europe/Berlin", "--profile", "en-285-134",
            )  # fmt: skip
        names = {each["name"] for each in self.ask("signer", "list")}
        for name, rights in _SIGNERS.items():
            if name not in names:
                which = [word for right in rights.split() for word in ("--right", right)]
                self.type("signer", "enrol", name, "--unit", 1, *which)

    def open_out_of_order(self) -> None:
        """Numbers 41 and 42 are passed over; 41 comes after 43, and 42 never."""
        if _STEAMER not in {each["serial"] for each in self.ask("equipment", "list")}:
            self.type("equipment", "register", "Steam 3", "--unit", 1, "--serial", _STEAMER,
                      "--kind", "sterilizer", "--clock-zone", "Europe/Berlin")  # fmt: skip
            for number in (40, 43, 41):
                self.type("cycle", "open", _STEAMER, number, "--signer", "Operator Li",
                          "--programme", "134 porous", "--wait", _PATIENCE_SECONDS)  # fmt: skip
        _tell(self.type("cycle", "list", "--machine", _STEAMER))

    def links(self) -> list[tuple[str, str, str]]:
        """Each person's sign-in name, their name, and the path of a link that lets them in."""
        there = {each["login"] for each in self.ask("account", "list")}
        keys = {each["name"] for each in self.ask("signer", "list")}
        found = []
        for login, person, unit, scopes, signer in _PEOPLE:
            if signer is not None and signer not in keys:
                continue  # the day was not played here
            if login not in there:
                may = [word for scope in scopes.split() for word in ("--scope", scope)]
                signs = [] if signer is None else ["--signer", signer]
                self._run(
                    ["account", "add", login, "--person", person, "--unit", unit, *may, *signs]
                )
            link = json.loads(self._run(["account", "link", login, "--json"]))["link"]
            found.append((login, person, link))
        return found

    def completed(self) -> list[dict[str, Any]]:
        """The cycles of which the machine says that they were completed, the newest first."""
        own = self.ask("cycle", "list", "--machine", _MACHINE)
        return [each for each in own if each["outcome"] == "completed"]

    def load_and_release(self, cycle: str, number: int) -> None:
        """Handpieces of three units, different from cycle to cycle."""
        owners = [1, *(2 + (number + step) % 8 for step in range(2))]
        lines = [f"{owner}:{owner}:1:2" for owner in owners]
        load = [word for line in lines for word in ("--line", line)]
        shares = [word for line in lines for word in ("--share", line)]
        self.type("cycle", "load", cycle, *load, "--signer", "Operator Li")
        self.type("cycle", "decide", cycle, "release", *shares, "--result", "physical=pass",
                  "--result", "biological=not_required", "--wait", _PATIENCE_SECONDS)  # fmt: skip

    def try_to_release_the_aborted_one(self) -> None:
        """By our rules; by the contracts neither: tests/steps/test_placing_and_contracts.py."""
        try:
            self.type("cycle", "decide", _ABORTED, "release", "--share", "1:1:1:2")
        except Refused as error:
            say(f"refused: {error}")
        else:
            raise Inconsistent("an aborted cycle was released")

    def ask(self, *words: object) -> Any:  # noqa: ANN401 - what JSON says
        """What a command answers to a program."""
        return json.loads(self._run([*words, "--json"]))

    def type(self, *words: object, has_home: bool = True) -> str:
        """What a command answers to a person; raises its error."""
        say("$ steriledger " + shlex.join(map(str, words)))
        return self._run(words, has_home=has_home)

    def _run(self, words: Iterable[object], *, has_home: bool = True) -> str:
        printed = io.StringIO()
        home = ["--home", str(self.home)] if has_home else []
        with redirect_stdout(printed):
            code = _commands()([*map(str, words), *home], standalone_mode=False)
        if code:
            raise typer.Exit(code)
        return printed.getvalue().rstrip()
