"""What a machine prints as its serial number ↔ what it is registered as."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from ledger.domain.names import plain_name


class Registered(Protocol):
    """A machine, as far as its own printouts tell it from others."""

    @property
    def serial(self) -> str:
        """As registered: the printed number, or the maker's name, a colon and the number."""

    @property
    def model(self) -> str | None:
        """Maker and model; None when nobody said."""


M = TypeVar("M", bound=Registered)


def is_serial_of(printed: str, registered: str) -> bool:
    """Whether a printed number is that of a machine registered so.

    Makers count on their own: the second machine of a number is registered as `MAKER:NUMBER`.
    """
    return plain_name(printed) in {registered, registered.rpartition(":")[2].strip()}


def machines_called(printed: str, model: str | None, machines: Iterable[M]) -> list[M]:
    """The machines that may have printed a number; only those whose maker or model fits, if any."""
    fits = [each for each in machines if is_serial_of(printed, each.serial)]
    if len(fits) < 2 or model is None:  # noqa: PLR2004 - one needs no choice
        return fits
    words = set(model.lower().split())
    return [each for each in fits if words & set(_names(each).split())] or fits


def _names(machine: Registered) -> str:
    return f"{machine.serial.rpartition(':')[0]} {machine.model or ''}".lower()
