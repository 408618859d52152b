"""Packages and recalls at the keyboard."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.domain.acts.words import Right
from tests.cli.conftest import Shell
from tests.house import CENTRE, SERIAL


@pytest.fixture
def desk(shell: Shell) -> Shell:
    """Somebody at the centre packs, scans and answers; two packages are released."""
    shell.house.enrol(CENTRE, "Desk", Right.SCAN | Right.ANSWER)
    shell.done(
        "set", "define", "HIP", "--unit", "centre", "--version", "1", "--instruments", "37",
        "--material", "nonwoven", "--line", "4:Kocher clamp",
    )  # fmt: skip
    made = shell.done(
        "package", "assemble", "Q01", "Q02", "--unit", "centre", "--set", "HIP",
        "--storage", "controlled",
    )  # fmt: skip
    assert [each["code"] for each in made] == ["SL1PQ0123", "SL1PQ0220"]
    cycle = f"{SERIAL}/7"
    shell.done("cycle", "open", SERIAL, "7")
    shell.done(
        "cycle", "load", cycle,
        "--line", "member:member:1:1:hip set:centre/Q01", "--line", "member::1:1::centre/Q02",
    )  # fmt: skip
    shell.done("cycle", "end", cycle, "--outcome", "completed")
    shell.done(
        "cycle", "decide", cycle, "release", "--share", "member::1:1", "--result", "physical=pass",
        "--line", "centre/Q02:wet",
    )  # fmt: skip
    return shell


def test_a_package_is_asked_for_used_and_traced(desk: Shell) -> None:
    passes = desk.run("gate", "use", "centre/Q01", "--unit", "centre")
    assert (passes.code, "yes" in passes.out) == (0, True)
    fails = desk.run("gate", "use", "centre/Q02", "--unit", "centre", "--language", "zh")
    assert (fails.code, "未包含在放行之内" in fails.out) == (1, True)
    (did,) = desk.done("scan", "used", "centre/Q01", "--unit", "centre", "--case", "k1")
    assert (did["package"], did["gate"]) == ("1/Q01", "yes")
    told = desk.run("trace", "centre/Q01").out
    for words in ("used", "case k1", "typed", f"Its cycle {SERIAL}/7"):
        assert words in told
    assert desk.done("where", "1/Q01")["stage"] == "used"
    held = desk.done("holdings", "--unit", "centre")
    assert held["count"] == 2
    assert "37" in desk.run("set", "show", "centre/HIP").out
    sheet = ("set", "define", "HIP", "--unit", "centre", "--version", "2", "--instruments", "3")
    refused = desk.run(*sheet, "--line", "4:clamp")
    assert "a count sheet lists no more than the set holds" in refused.err


def test_a_list_and_a_paper_log_say_first_what_they_will_do(desk: Shell, tmp_path: Path) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    form = tmp_path / "form-17.csv"
    form.write_text(
        desk.run("package", "paper-form").out + f"17,about {now},opened,centre/Q01,,Nurse Li,,,\n"
    )
    paper = ("import", str(form), "--unit", "centre", "--paper")
    with desk.house.nothing_stored():
        seen = desk.run(*paper, "--preview")
    assert "1/Q01: opened" in seen.out
    (did,) = desk.done(*paper)
    assert did["package"] == "1/Q01"
    assert desk.done("where", "centre/Q01")["stage"] == "opened"
    scans = tmp_path / "scans.csv"
    scans.write_text("act,code\nused,SL1PQ0123SL1PQ0123\n")
    (did,) = desk.done("scan", "list", "--unit", "centre", "--file", str(scans))
    assert "twice" in did["troubles"][0]
    assert desk.done("against") == []
    amended = desk.run("cycle", "load", f"{SERIAL}/7", "--line", "1:1:1:1::centre/Q01")
    assert "an amendment states its reason" in amended.err


def test_a_recall_is_looked_at_ordered_answered_and_ended(desk: Shell) -> None:
    order = (
        "recall", "order", SERIAL, "--first", "7", "--last", "7", "--cause", "water",
        "--reason", "the rinse water was wrong",
    )  # fmt: skip
    with desk.house.nothing_stored():
        mock = desk.done(*order, "--mock")
    assert (mock["order"], mock["packages"]) == (None, 2)
    done = desk.done(*order)
    assert (done["decided"], done["notices"]) == ({"7": "recalled"}, 1)
    digest = done["order"]
    desk.done(
        "recall", "answer", digest, "--unit", "centre", "--found", "2", "--asked", "2",
        "--line", "centre/Q01:found", "--line", "centre/Q02:found",
    )  # fmt: skip
    shown = desk.run("recall", "show", digest).out
    assert "suspended: 0 of 3 biological passes in a row" in shown
    ended = desk.done("recall", "end", digest, "--reason", "all found")
    assert (ended["found"], ended["to_find"], ended["has_ended"]) == (2, 2, True)
    assert [each["order"] for each in desk.done("recall", "list")] == [digest]
    assert "recalled" in desk.run("gate", "use", "centre/Q01", "--unit", "centre").out


def test_what_may_be_on_paper_is_kept_before_its_file_is_there(desk: Shell, tmp_path: Path) -> None:
    nowhere = ("--unit", "centre", "-o", str(tmp_path / "away" / "made.pdf"))
    kit = desk.run("label", "kit", "--count", "2", "--slips", "1", "--pages", "1", *nowhere)
    sent = desk.run("label", "send", "centre/Q01", *nowhere)
    assert (kit.code, sent.code) == (2, 2)
    (roll,) = desk.done("label", "rolls", "--unit", "centre")
    assert (roll["serials"], roll["for_paper"]) == (["R1.001", "R1.002"], True)
    (label,) = desk.done("label", "list", "--unit", "centre")
    assert (label["package"], label["state"]) == ("1/Q01", "sent")


def test_labels_are_reserved_sent_drawn_and_told_of_once(desk: Shell, tmp_path: Path) -> None:
    unit = ("--unit", "centre")
    assert "R1.001 to R1.003" in desk.run("label", "reserve", "--count", "3", *unit).out
    assert "0 of 3" in desk.run("label", "rolls", *unit).out
    assert desk.run("label", "reserve", "--bench", *unit).code == 0
    assert [each["for_paper"] for each in desk.done("label", "rolls", *unit)] == [True, False]
    (label,) = desk.done("label", "send", "centre/Q01", "--again", "--printer", "Z1", *unit)
    assert (label["issue"], label["state"]) == (2, "sent")
    drawn = tmp_path / "labels.pdf"
    assert (
        desk.run("label", "draw", "centre/Q01", "--stock", "sheet", "-o", str(drawn), *unit).code
        == 0
    )
    assert drawn.read_bytes().startswith(b"%PDF")
    refused = desk.run("label", "draw", "centre/Q01", "-o", str(tmp_path / "labels.doc"), *unit)
    assert (refused.code, "a name in .pdf or .zpl" in refused.err) == (2, True)
    kit = tmp_path / "kit.pdf"
    made = desk.run(
        "label", "kit", "--count", "2", "--slips", "1", "--pages", "1", "-o", str(kit), *unit
    )
    assert "Roll 3: R3.001 to R3.002" in made.out
    assert kit.read_bytes().startswith(b"%PDF")
    plain = tmp_path / "basket.zpl"
    assert desk.run("label", "plain", "BASKET-7=篮筐", "-o", str(plain)).code == 0
    assert plain.read_bytes().startswith(b"^XA")
    assert "SL1R2PQ01" in desk.run("label", "list", "--undecided", *unit).out
    (label,) = desk.done("label", "tell", "printed", "centre/Q01", *unit)
    assert label["state"] == "printed"
    told = desk.run("label", "tell", "not_printed", "centre/Q01", *unit)
    assert (told.code, "decided once" in told.err) == (4, True)
    assert desk.run("label", "tell", "perhaps", "centre/Q01", *unit).code == 2
    assert "voided by a reprint" in desk.run("gate", "use", "SL1PQ0123", *unit).out


def test_a_basket_is_filled_shown_and_emptied_by_its_code(desk: Shell) -> None:
    unit = ("--unit", "centre")
    code = desk.done("basket", "name", "K7", *unit)["code"]
    desk.done("scan", "put_in", "centre/Q01", "centre/Q02", "--basket", code, *unit)
    shown = desk.run("basket", "show", code).out
    for words in (f"Basket {code}: clean", "1/Q01", "typed"):
        assert words in shown
    did = desk.done("scan", "taken_out", code, *unit)
    assert [(each["line"], each["package"]) for each in did] == [(1, "1/Q01"), (1, "1/Q02")]
    assert "Nothing is known to lie in it." in desk.run("basket", "show", code).out
