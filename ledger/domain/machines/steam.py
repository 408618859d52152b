"""Saturated steam: pressure ↔ temperature, by the industrial formulation (IAPWS-IF97, region 4).

All arithmetic is decimal, with 34 digits and half-even rounding, so that the same pressure gives
the same digits on every machine.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

from ledger.domain.errors import InvalidInput

__all__ = [
    "EXACT",
    "HIGHEST_SATURATION_BAR",
    "LOWEST_SATURATION_BAR",
    "NINTH",
    "saturation_pressure_bar",
    "saturation_temperature_celsius",
]

EXACT: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)
#: Figures are compared at nine decimals.
NINTH: Final = Decimal("1e-9")
_KELVIN_AT_ZERO_CELSIUS: Final = Decimal("273.15")
_BAR_PER_MPA: Final = Decimal(10)

#: IAPWS R7-97(2012), table 34: coefficients of region 4, n1 to n10.
_N: Final = tuple(
    Decimal(text)
    for text in (
        "0.11670521452767e4",
        "-0.72421316703206e6",
        "-0.17073846940092e2",
        "0.12020824702470e5",
        "-0.32325550322333e7",
        "0.14915108613530e2",
        "-0.48232657361591e4",
        "0.40511340542057e6",
        "-0.23855557567849",
        "0.65017534844798e3",
    )
)
LOWEST_SATURATION_BAR: Final = Decimal("0.00611213")
HIGHEST_SATURATION_BAR: Final = Decimal("220.64")
_LOWEST_SATURATION_KELVIN: Final = Decimal("273.15")
_HIGHEST_SATURATION_KELVIN: Final = Decimal("647.096")


def saturation_temperature_celsius(pressure_bar: Decimal) -> Decimal:
    """Return the temperature of saturated steam at `pressure_bar` absolute, °C.

    IAPWS R7-97(2012), region 4, equation 31; valid from 0.00611213 to 220.64 bar, else
    `InvalidInput`.
    """
    if not LOWEST_SATURATION_BAR <= pressure_bar <= HIGHEST_SATURATION_BAR:
        raise InvalidInput(
            f"{pressure_bar} bar",
            field="pressure_bar",
            rule="saturated steam exists from 0.00611213 to 220.64 bar absolute",
        )
    with localcontext(EXACT):
        n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = _N
        beta = (pressure_bar / _BAR_PER_MPA).sqrt().sqrt()
        e = beta * beta + n3 * beta + n6
        f = n1 * beta * beta + n4 * beta + n7
        g = n2 * beta * beta + n5 * beta + n8
        d = 2 * g / (-f - (f * f - 4 * e * g).sqrt())
        root = ((n10 + d) * (n10 + d) - 4 * (n9 + n10 * d)).sqrt()
        return ((n10 + d - root) / 2 - _KELVIN_AT_ZERO_CELSIUS).quantize(NINTH)


def saturation_pressure_bar(temperature_celsius: Decimal) -> Decimal:
    """Return the absolute pressure of saturated steam, bar.

    IAPWS R7-97(2012), region 4, equation 30; valid from 0 to 373.946 °C, else `InvalidInput`.
    """
    kelvin = temperature_celsius + _KELVIN_AT_ZERO_CELSIUS
    if not _LOWEST_SATURATION_KELVIN <= kelvin <= _HIGHEST_SATURATION_KELVIN:
        raise InvalidInput(
            f"{temperature_celsius} °C",
            field="temperature_celsius",
            rule="saturated steam exists from 0 to 373.946 °C",
        )
    with localcontext(EXACT):
        n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = _N
        theta = kelvin + n9 / (kelvin - n10)
        a = theta * theta + n1 * theta + n2
        b = n3 * theta * theta + n4 * theta + n5
        c = n6 * theta * theta + n7 * theta + n8
        root = 2 * c / (-b + (b * b - 4 * a * c).sqrt())
        return (root**4 * _BAR_PER_MPA).quantize(NINTH)
