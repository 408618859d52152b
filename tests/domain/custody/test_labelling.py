"""What stands on a label, and what no label holds since no scanner would read it as it is."""

from __future__ import annotations

import pytest

from ledger.domain.custody.codes import GS, Command, make_code, make_command, read_shot
from ledger.domain.custody.labelling import (
    Packed,
    Symbol,
    element_string,
    gs1_code,
    package_label,
    plain_gtin,
    plain_label,
)
from ledger.domain.errors import InvalidInput

GTIN = "9506000134352"


def test_a_gs1_code_is_read_as_its_parts() -> None:
    code = gs1_code(GTIN, "Q02/2", lot="S2/2241", last_day="2027-05-31")
    assert code == "(01)09506000134352(10)S2/2241(17)270531(21)Q02/2"
    assert element_string(code) == f"]d2010950600013435210S2/2241{GS}1727053121Q02/2"
    shot = read_shot(element_string(code))
    assert (shot.code, shot.gtin, shot.serial) == (code, f"0{GTIN}", "Q02/2")
    assert (shot.lot, shot.expires) == ("S2/2241", "2027-05-31")
    made = package_label(Packed(name="CENTRE/Q02", code=code, title="Hip"), Symbol.QR)
    assert made.symbol is Symbol.GS1


def test_gtins_of_every_length_are_one() -> None:
    assert plain_gtin("96385074") == "00000096385074"
    assert plain_gtin(f"0{GTIN}") == plain_gtin(GTIN)


@pytest.mark.parametrize(
    "field,given",
    [
        ("gtin", {"gtin": "9506000134353"}),
        ("gtin", {"gtin": "950600013435"}),
        ("serial", {"serial": "Q(02)"}),
        ("serial", {"serial": "Q" * 21}),
        ("lot", {"lot": "批次"}),
        ("expires", {"last_day": "2027-13-01"}),
        ("expires", {"last_day": "1999-01-01"}),
        # without a separator before it, nobody tells it from a date
        ("code", {"serial": "A17261231"}),
    ],
)
def test_what_gs1_does_not_allow_is_refused(field: str, given: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        gs1_code(**{"gtin": GTIN, "serial": "Q02", **given})
    assert caught.value.field == field


@pytest.mark.parametrize("code", ["SL1PQ0299", "ABCDEFABCDEF", "A B", "", "篮", "A" * 81, "]d2Q02"])
def test_a_code_that_is_read_as_something_else_is_on_no_label(code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        plain_label(code, "Basket")
    assert caught.value.field == "code"


def test_own_codes_commands_and_a_basket_s_are_drawn_as_they_are() -> None:
    for code in (make_code("1/Q02"), "BASKET-7", *map(make_command, Command)):
        assert plain_label(code, "x", symbol=Symbol.QR).symbol is Symbol.QR
        assert element_string(code) == code
