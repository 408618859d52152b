"""Packaging material and the destination's storage class → the last day of use, as data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from ledger.domain.errors import InvalidInput

CONTROLLED, OTHER = "controlled", "other"
STORAGE_CLASSES = (CONTROLLED, OTHER)


@cache
def _table() -> Mapping[str, Any]:
    text = files("ledger.domain.custody").joinpath("expiry.json").read_text("utf-8")
    table: Mapping[str, Any] = json.loads(text)
    return table


def materials() -> tuple[str, ...]:
    """The packaging materials that the source names."""
    return tuple(_table()["days"])


def days(material: str) -> Mapping[str, int]:
    """Days that a package of a material may be kept, by storage class where they are stated."""
    found: Mapping[str, int] = _table()["days"][material]
    return found


def source() -> str:
    """The text that says how long."""
    return str(_table()["source"])


def shelf_days(material: str, storages: Iterable[str]) -> int:
    """Days that a package may be kept; the shortest of the places where it may lie.

    Raises InvalidInput for a material or a storage class of which the source says nothing.
    """
    known = _table()["days"].get(material)
    if known is None:
        raise InvalidInput(
            f"{material[:40]!r} is unknown",
            field="material",
            rule=f"one of {', '.join(materials())}",
        )
    places = set(storages)
    unsaid = sorted(places - set(known))
    if unsaid or not places:
        raise InvalidInput(
            f"no period is stated for {material} in storage {', '.join(unsaid) or 'of no class'}",
            field="expires",
            rule=source(),
            remedy="state the last day of use yourself",
        )
    return min(int(known[each]) for each in places)


def last_day(packed: date, material: str, storages: Iterable[str]) -> date:
    """The last day on which a package may be used that was packed on a day."""
    return packed + timedelta(days=shelf_days(material, storages))
