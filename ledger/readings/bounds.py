"""Bounds beyond which a printed number cannot be a measurement of a steriliser or washer."""

from decimal import Decimal
from typing import Final

__all__ = [
    "HIGHEST_BAR",
    "HIGHEST_CELSIUS",
    "LONGEST_CYCLE_SECONDS",
    "LOWEST_BAR",
    "LOWEST_CELSIUS",
    "is_absurd_pressure",
    "is_absurd_temperature",
]

LOWEST_CELSIUS: Final = Decimal(-50)
HIGHEST_CELSIUS: Final = Decimal(200)
LOWEST_BAR: Final = Decimal(0)
HIGHEST_BAR: Final = Decimal(10)
LONGEST_CYCLE_SECONDS: Final = 24 * 3600


def is_absurd_temperature(celsius: Decimal) -> bool:
    """Whether no steriliser or washer ever measures that."""
    return not LOWEST_CELSIUS <= celsius <= HIGHEST_CELSIUS


def is_absurd_pressure(bar: Decimal, *, lowest: Decimal = LOWEST_BAR) -> bool:
    """Whether no steriliser ever measures that; a gauge pressure may go down to −1 bar."""
    return not lowest <= bar <= HIGHEST_BAR
