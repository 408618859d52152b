"""What scanners deliver: each known way to be wrong is recognised, and nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.custody.codes import (
    GS,
    Command,
    Scheme,
    Trouble,
    make_code,
    make_command,
    read_shot,
)
from ledger.domain.errors import InvalidInput

OWN = make_code("1/Q02")
GTIN = "09521234567882"
SERIALS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.", min_size=1, max_size=12)
NAMES = st.builds(lambda unit, serial: f"{unit}/{serial}", st.integers(1, 10**6), SERIALS)


@given(NAMES)
def test_a_label_of_ours_names_its_package(name: str) -> None:
    shot = read_shot(make_code(name))
    assert (shot.package, shot.scheme, shot.troubles) == (name, Scheme.OWN, ())


@given(NAMES, st.data())
def test_one_wrong_letter_is_never_another_package(name: str, data: st.DataObject) -> None:
    code = make_code(name)
    at = data.draw(st.integers(2, len(code) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
    if other != code[at]:
        read = read_shot(code[:at] + other + code[at + 1 :])
        # What a keyboard turned is more than one letter, and it is said.
        assert read.package in {None, name} or Trouble.LAYOUT in read.troubles


@pytest.mark.parametrize("right, wrong", [("Y", "2"), ("2", "Y"), (".", "A"), ("O", "0")])
def test_a_letter_read_as_a_digit_is_noticed(right: str, wrong: str) -> None:
    code = make_code(f"661/CRP3D{right}")
    read = read_shot(code.replace(f"D{right}", f"D{wrong}"))
    assert (read.package, read.troubles) == (None, (Trouble.CHECK_DIGIT,))


@pytest.mark.parametrize(
    "raw, trouble",
    [
        (OWN + OWN, Trouble.TWICE),
        (f"{OWN}\r{OWN}", Trouble.TWICE),
        (OWN.translate(str.maketrans("YZ", "ZY")) + "\x07", Trouble.CONTROLS),
        (make_code("1/YZ7").translate(str.maketrans("YZ", "ZY")), Trouble.LAYOUT),
        # a French keyboard, Caps Lock, an input method set to full width
        ('SL&P?à&"', Trouble.LAYOUT),
        (OWN.swapcase(), Trouble.LAYOUT),
        (f"]D201{GTIN}21q02", Trouble.LAYOUT),
        ("".join(chr(ord(each) + 0xFEE0) for each in OWN), Trouble.LAYOUT),
        (f"{OWN} ; {OWN}", Trouble.TWICE),
    ],
)
def test_what_is_still_certain_is_read_and_said(raw: str, trouble: Trouble) -> None:
    shot = read_shot(raw)
    assert shot.is_certain
    assert trouble in shot.troubles


@pytest.mark.parametrize(
    "raw, trouble",
    [
        ("", Trouble.EMPTY),
        ("\r\n", Trouble.EMPTY),
        (OWN + make_code("2/X1"), Trouble.TWO_CODES),
        (f"{OWN}\t{make_code('2/X1')}", Trouble.TWO_CODES),
        (f"{OWN} {make_code('2/X1')}", Trouble.TWO_CODES),
        (f"]d1{OWN}]d1{make_code('2/X1')}", Trouble.TWO_CODES),
        (make_command(Command.UNDO)[:-2] + "99", Trouble.CHECK_DIGIT),
        (f"]d201{GTIN}]d201{GTIN}21A", Trouble.TWO_CODES),
        (OWN[:-1] + str((int(OWN[-1]) + 1) % 10), Trouble.CHECK_DIGIT),
        ("]d20109521234567880", Trouble.CHECK_DIGIT),
        (f"]d201{GTIN}17291330", Trouble.DATE),
        (f"]d201{GTIN}17290230", Trouble.DATE),
        (f"]d201{GTIN}21Q0217291130", Trouble.LOST_SEPARATOR),
    ],
)
def test_what_is_not_certain_is_no_code(raw: str, trouble: Trouble) -> None:
    shot = read_shot(raw)
    assert (shot.code, shot.package) == (None, None)
    assert trouble in shot.troubles
    with pytest.raises(InvalidInput):
        shot.require(field="said")


def test_a_gs1_code_is_one_whatever_the_order_of_its_parts() -> None:
    first = read_shot(f"]d201{GTIN}17291130{GS}21Q02")
    second = read_shot(f"]d201{GTIN}21Q02{GS}17291130")
    assert first.code == second.code == f"(01){GTIN}(17)29113021Q02".replace("21Q02", "(21)Q02")
    for other in (f"(01){GTIN}(21)Q02(17)291130", f"01{GTIN}21Q02<GS>17291130"):
        assert (read_shot(other).code, read_shot(other).troubles) == (first.code, ())
    assert (first.gtin, first.serial, first.expires) == (GTIN, "Q02", "2029-11-30")
    assert read_shot(f"01{GTIN}17290200").expires == "2029-02-28"


def test_what_a_scanner_puts_before_a_code_is_no_part_of_it() -> None:
    for before in ("]d1", "]C0", "]Q1"):
        assert read_shot(before + OWN).package == "1/Q02"
        assert read_shot(before + "12345").code == "12345"


def test_a_doubled_value_of_another_scheme_counts_once() -> None:
    shot = read_shot("4354210443542104")
    assert (shot.code, shot.troubles) == ("43542104", (Trouble.TWICE,))


@pytest.mark.parametrize("command", Command)
def test_a_card_of_commands_is_no_package(command: Command) -> None:
    shot = read_shot(make_command(command))
    assert (shot.command, shot.package, shot.troubles) == (command, None, ())


@given(st.text(max_size=60))
def test_nothing_that_comes_from_a_scanner_stops_it(raw: str) -> None:
    shot = read_shot(raw)
    assert shot.raw == raw
    assert shot.is_certain or shot.troubles


def test_a_serial_that_no_label_of_ours_holds_is_refused() -> None:
    with pytest.raises(InvalidInput, match="does not fit"):
        make_code("1/small letters")
