"""Custody at the command line: what is typed, what is answered, and what is said in words."""

from __future__ import annotations

import pytest

from ledger.cli.failing import EXIT_CODES
from ledger.domain import errors
from tests.cli.conftest import Shell

DISPATCH = ("consignment", "dispatch", "4711", "--unit", "centre", "--receiver", "member",
            "--taker", "van", "--purpose", "loan", "--basis", "scanned",
            "--line", "1:P-1", "--line", "1:P-2:1:::::ticked_off",
            "--line", "::3:::7:601362/13:counted")  # fmt: skip
BOX = "centre/4711"


@pytest.fixture
def staffed(shell: Shell) -> Shell:
    """A van as well, and a worker of each unit."""
    shell.done("unit", "admit", "3", "--code", "van", "--name", "Van", "--role", "carrier")
    for unit in ("centre", "member", "van"):
        shell.done("signer", "enrol", f"Worker {unit}", "--unit", unit, "--right", "dispatch",
                   "--right", "carry", "--right", "receive")  # fmt: skip
    return shell


def test_a_consignment_is_typed_from_dispatch_to_receipt_and_shown(staffed: Shell) -> None:
    staffed.done("asset", "register", "Hip set", "--unit", "centre", "--code", "L-1",
                 "--kind", "loaner_set")  # fmt: skip
    sent = staffed.done(*DISPATCH, "--asset", "L-1", "--seals", "S-1")
    assert (sent["kind"], sent["unit"]) == ("Dispatch", 1)
    staffed.done("consignment", "take-over", BOX, "carried", "--unit", "van", "--trip", "T-9")
    staffed.done("consignment", "hand-over", BOX, "--unit", "van", "--taker", "member",
                 "--leg", "diverted")  # fmt: skip
    staffed.done("consignment", "take-over", BOX, "kept", "--unit", "member",
                 "--line", "refused:1:P-1::::::scanned:wet:sent back", "--rest", "ticked_off",
                 "--seals", "broken")  # fmt: skip
    view = staffed.done("consignment", "show", BOX)
    assert (view["status"], view["where"]) == ("received", "with unit 2: received")
    assert view["counts"] == {
        "sent": 5, "accepted_seen": 4, "accepted_inferred": 0, "refused": 1, "extra": 0,
        "missing": 0,
    }  # fmt: skip
    refused = view["lines"][0]
    assert (refused["names"], refused["outcome"]) == ("package P-1 of unit 1", "refused")
    assert (refused["reason"], refused["action"]) == ("wet", "sent back")
    assert [step["entry"]["act"] for step in view["steps"]][2] == (
        "unit 3 gave it on to unit 2, after a diverted leg"
    )
    (line,) = staffed.done("consignment", "list", "--unit", "van")
    assert (line["slip"], line["status"], line["asset"]) == ("4711", "received", "Hip set (L-1)")
    assert staffed.done("consignment", "list", "--open") == []
    (asset,) = staffed.done("asset", "list")
    assert (asset["owner"], asset["custodian"], asset["travels_in"]) == (1, 2, None)


def test_people_read_the_same_in_words(staffed: Shell) -> None:
    staffed.done("asset", "register", "Hip set", "--unit", "centre", "--code", "L-1",
                 "--kind", "loaner_set")  # fmt: skip
    staffed.done(*DISPATCH, "--asset", "L-1")
    for arguments in (("consignment", "list"), ("consignment", "show", BOX), ("asset", "list"),
                      ("asset", "show", "L-1")):  # fmt: skip
        ran = staffed.run(*arguments)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.strip()
    shown = staffed.run("consignment", "show", BOX).out
    assert "offers it to unit 3" in shown
    assert "package P-1 of unit 1" in shown
    assert "class 7 of cycle 601362/13, counted only" in shown
    assert "1/4711" in staffed.run("asset", "show", "L-1").out


def test_it_is_cancelled_re_routed_lost_and_found_by_one_command(staffed: Shell) -> None:
    def dispose(kind: str, unit: str, *further: str) -> None:
        staffed.done("consignment", "dispose", BOX, kind, "--unit", unit, "--reason", "as it is",
                     *further)  # fmt: skip

    staffed.done("unit", "admit", "4", "--code", "east", "--name", "East", "--role", "user")
    staffed.done(*DISPATCH)
    staffed.done("consignment", "take-over", BOX, "carried", "--unit", "van")
    dispose("lost", "van")
    dispose("found", "centre")
    dispose("reroute", "centre", "--receiver", "east")
    staffed.done("consignment", "take-over", BOX, "kept", "--unit", "centre", "--rest", "scanned")
    assert staffed.done("consignment", "show", BOX)["status"] == "returned"
    staffed.done("consignment", "dispatch", "4712", *DISPATCH[3:], "--reason", "once more")
    staffed.done("consignment", "dispose", "centre/4712", "cancel", "--unit", "1", "--reason", "no")
    assert staffed.done("consignment", "show", "1/4712")["status"] == "cancelled"


@pytest.mark.parametrize(
    "arguments, kind, said",
    [
        (("take-over", "centre/9", "kept", "--unit", "member"), errors.NotFound, "CONSIGNMENT"),
        (("take-over", "centre/9", "kept", "--unit", "member"), errors.NotFound, "report it"),
        (("take-over", BOX, "kept", "--unit", "member"), errors.Refused, "--line"),
        (("take-over", BOX, "carried", "--unit", "member"), errors.Refused, "unit 3 takes it next"),
        (("take-over", BOX, "eaten", "--unit", "van"), errors.InvalidInput, "OUTCOME"),
        (("hand-over", BOX, "--unit", "van", "--taker", "member"), errors.Refused, "--unit"),
        (("hand-over", BOX, "--unit", "centre", "--taker", "nobody"), errors.NotFound, "--taker"),
        (("dispose", BOX, "found", "--unit", "centre", "--reason", "x"), errors.Refused, "unit"),
        (("show", "centre/9"), errors.NotFound, "no dispatch"),
        (("show", "4711"), errors.InvalidInput, "EAST/4711"),
    ],
)  # fmt: skip
def test_a_refusal_names_what_was_typed(
    staffed: Shell, arguments: tuple[str, ...], kind: type[Exception], said: str
) -> None:
    staffed.done(*DISPATCH)
    with staffed.house.nothing_stored():
        ran = staffed.run("consignment", *arguments)
    assert ran.code == EXIT_CODES[kind]  # type: ignore[index]
    assert said in ran.err
