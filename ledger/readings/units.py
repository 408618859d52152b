"""Units that machines print → °C and bar, and the bounds of what can be a measurement."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from ledger.domain.machines.readings import PressureBasis

__all__ = [
    "BAR_PER_PLAIN_UNIT",
    "BAR_PER_UNIT",
    "BASIS_OF_UNIT",
    "HIGHEST_CELSIUS",
    "LONGEST_CYCLE_SECONDS",
    "LOWEST_CELSIUS",
    "TEMPERATURE_UNITS",
    "celsius_of",
    "is_absurd_pressure",
    "is_absurd_temperature",
    "is_no_pressure",
    "is_no_value",
]

LOWEST_CELSIUS: Final = Decimal(-50)
HIGHEST_CELSIUS: Final = Decimal(200)
#: No gauge shows less than a vacuum; one digit of the last place is left for its error.
_LOWEST_BAR: Final = Decimal("-1.1")
_HIGHEST_BAR: Final = Decimal(25)
#: More than an autoclave holds, some 3.2 bar absolute, and less than 9999 mbar, mmHg or kPa.
_HIGHEST_FIGURE_BAR: Final = Decimal(4)
LONGEST_CYCLE_SECONDS: Final = 24 * 3600

#: What is subtracted, and by what the rest is multiplied; all exact.
_FAHRENHEIT: Final = (Decimal(32), Decimal(5), Decimal(9))
_CELSIUS: Final = (Decimal(0), Decimal(1), Decimal(1))
_KELVIN: Final = (Decimal("273.15"), Decimal(1), Decimal(1))
TEMPERATURE_UNITS: Final[Mapping[str, tuple[Decimal, Decimal, Decimal]]] = {
    **dict.fromkeys(("°C", "C", "℃", "ºC", "oC", "degC", "摄氏度", "攝氏度"), _CELSIUS),
    **dict.fromkeys(("°F", "F", "℉", "ºF", "oF", "degF", "华氏度", "華氏度"), _FAHRENHEIT),
    "K": _KELVIN,
}
#: Sources: the international avoirdupois pound and foot; the conventional mmHg; standard gravity.
BAR_PER_PLAIN_UNIT: Final[Mapping[str, Decimal]] = {
    "bar": Decimal(1),
    "mbar": Decimal("0.001"),
    "Pa": Decimal("0.00001"),
    "hPa": Decimal("0.001"),
    "kPa": Decimal("0.01"),
    "MPa": Decimal(10),
    **dict.fromkeys(("psi", "PSI", "lbf/in2"), Decimal("0.0689475729")),
    **dict.fromkeys(("mmHg", "Torr", "torr"), Decimal("0.00133322387")),
    "inHg": Decimal("0.0338638816"),
    **dict.fromkeys(("kgf/cm2", "kgf/cm²", "kg/cm2", "at"), Decimal("0.980665")),
    "atm": Decimal("1.01325"),
}
#: How machines write behind a unit from where it counts; a unit without it says nothing of that.
_SUFFIXES: Final = {
    **dict.fromkeys(("a", "A", "(a)", "(A)", "(abs)", " abs", "abs"), PressureBasis.ABSOLUTE),
    **dict.fromkeys(("g", "G", "(g)", "(G)", "(rel)", " rel", "rel"), PressureBasis.GAUGE),
}
_SUFFIXED: Final = ("bar", "mbar", "hPa", "kPa", "MPa", "psi", "PSI")
#: The basis of the units that name it: `psig`, `bar(a)`, `kPa abs`.
BASIS_OF_UNIT: Final[Mapping[str, PressureBasis]] = {
    f"{unit}{suffix}": basis for unit in _SUFFIXED for suffix, basis in _SUFFIXES.items()
}
BAR_PER_UNIT: Final[Mapping[str, Decimal]] = {
    **BAR_PER_PLAIN_UNIT,
    **{f"{unit}{suffix}": BAR_PER_PLAIN_UNIT[unit] for unit in _SUFFIXED for suffix in _SUFFIXES},
}
#: What devices write where a probe gives nothing: a ruling, a word, or a figure of nines or eights.
#: No temperature reaches such a figure in any unit; a pressure does in small ones (999.9 mbar).
_FIGURE: Final = re.compile(r"-?9{4,}(?:[.,]9+)?|-?9{3}[.,]9+|-8{3,}[.,]8+")
_NO_VALUE: Final = re.compile(
    rf"-{{2,}}|\*{{2,}}|#{{2,}}|{_FIGURE.pattern}|(?i:n/?a|err|error|open|short)"
)
#: More digits than any sensor has, and few enough to read.
_CONVERTED: Final = Decimal("0.0001")


def celsius_of(value: Decimal, unit: str) -> Decimal:
    """The temperature in °C: as it is where it is printed so, else at four decimals."""
    offset, times, over = TEMPERATURE_UNITS[unit]
    if (offset, times, over) == _CELSIUS:
        return value
    return ((value - offset) * times / over).quantize(_CONVERTED)


def is_no_value(text: str) -> bool:
    """Whether a device writes that where it has no value; of a pressure is_no_pressure tells."""
    return _NO_VALUE.fullmatch(text) is not None


def is_no_pressure(text: str, unit: str, *, is_gauge: bool) -> bool:
    """The same of a pressure: a figure that a steriliser reaches in this unit is its value."""
    if _FIGURE.fullmatch(text) is None:
        return is_no_value(text)
    bar = Decimal(text.replace(",", ".")) * BAR_PER_UNIT[unit]
    return is_absurd_pressure(bar, is_gauge=is_gauge, highest=_HIGHEST_FIGURE_BAR)


def is_absurd_temperature(celsius: Decimal) -> bool:
    """Whether no steriliser or washer ever measures that."""
    return not LOWEST_CELSIUS <= celsius <= HIGHEST_CELSIUS


def is_absurd_pressure(bar: Decimal, *, is_gauge: bool, highest: Decimal = _HIGHEST_BAR) -> bool:
    """Whether no steriliser ever measures that; a gauge pressure may go down to −1 bar."""
    return not (_LOWEST_BAR if is_gauge else 0) <= bar <= highest
