"""Named thermal profiles: what a cycle is judged against, with source and doubt, as data.

The values come from different texts and contradict each other, so no verdict exists without a
profile's name. A field listed in `unconfirmed` was not read in the standard's own text: it is a
default that a group may replace by its own document of the same form.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import Final

from ledger.domain.errors import InvalidInput

__all__ = [
    "Profile",
    "SteamProfile",
    "TimeTemperatureRow",
    "WasherProfile",
    "default_profiles",
    "get_profile",
    "parse_profiles",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SteamProfile:
    """A steam programme: a band, a hold, and what may be checked beside them."""

    name: str  #: the key, e.g. "en-285-134"
    title: str  #: for people
    source: str  #: standard or document
    band_low_celsius: Decimal  #: °C, lowest temperature of the hold, inclusive
    band_high_celsius: Decimal  #: °C, highest temperature of the whole cycle, inclusive
    hold_required_seconds: Decimal  #: s within the band without a break
    equilibration_max_seconds: Decimal | None  #: s between first and last point; None: no rule
    saturation_tolerance_kelvin: Decimal | None  #: K; None: programme with air overpressure
    f0_reference_celsius: Decimal  #: °C; sources say 121, 121.1, 121.11
    max_sample_interval_seconds: Decimal  #: s; a longer gap proves nothing about itself
    unconfirmed: tuple[str, ...]  #: fields whose value was not read in the standard itself


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTemperatureRow:
    """A nominal row that is accepted in place of A0."""

    celsius: Decimal  #: °C, lowest temperature, inclusive
    seconds: Decimal  #: s at or above it without a break


@dataclass(frozen=True, slots=True, kw_only=True)
class WasherProfile:
    """A thermal disinfection: an A0, or one of its nominal rows."""

    name: str  #: the key, e.g. "washer-a0-600"
    title: str  #: for people
    source: str  #: standard or document
    a0_required_seconds: Decimal  #: s at 80 °C
    a0_counted_from_celsius: Decimal  #: °C; below it nothing counts
    a0_rows: tuple[TimeTemperatureRow, ...]  #: any of them will do instead
    max_sample_interval_seconds: Decimal  #: s; a longer gap counts nothing
    unconfirmed: tuple[str, ...]  #: fields whose value was not read in the standard itself


Profile = SteamProfile | WasherProfile

_KINDS: Final[Mapping[str, type[SteamProfile] | type[WasherProfile]]] = {
    "steam": SteamProfile,
    "washer": WasherProfile,
}
_MAY_BE_NONE: Final = frozenset({"equilibration_max_seconds", "saturation_tolerance_kelvin"})
_TEXTS: Final = frozenset({"name", "title", "source"})


def get_profile(name: str, *, profiles: Iterable[Profile] | None = None) -> Profile:
    """Return the profile of that name; raise `InvalidInput` naming the known ones."""
    known = {each.name: each for each in (default_profiles() if profiles is None else profiles)}
    if name not in known:
        raise InvalidInput(
            f"{name[:60]!r} is not a known profile",
            field="profile",
            rule="one of: " + ", ".join(sorted(known)),
        )
    return known[name]


@cache
def default_profiles() -> tuple[Profile, ...]:
    """Return the profiles that come with the program."""
    text = (
        resources.files("ledger.domain.machines.data").joinpath("profiles.json").read_text("utf-8")
    )
    return parse_profiles(text)


def parse_profiles(text: str) -> tuple[Profile, ...]:
    """Return the profiles of a JSON document; raise `InvalidInput` for anything unexpected.

    Numbers are decimal strings, so that none passes through a binary fraction.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid("document", "it is not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("profiles"), list):
        raise _invalid("document", "it is not an object with a list of profiles")
    profiles = tuple(_profile(each) for each in document["profiles"])
    names = [each.name for each in profiles]
    if len(set(names)) != len(names):
        raise _invalid("name", "a name occurs twice")
    return profiles


def _invalid(field: str, what: str) -> InvalidInput:
    return InvalidInput(what, field=field, rule="the form of profiles.json; see docs/readings.md")


def _profile(entry: object) -> Profile:
    if not isinstance(entry, dict) or entry.get("kind") not in _KINDS:
        raise _invalid("kind", f"a profile's kind is one of {', '.join(_KINDS)}")
    kind = _KINDS[entry["kind"]]
    expected = {each.name for each in fields(kind) if each.default is MISSING}
    if set(entry) != expected | {"kind"}:
        wrong = ", ".join(sorted(str(key) for key in set(entry) ^ (expected | {"kind"})))
        raise _invalid("profile", f"missing or unknown keys: {wrong}")
    values = {key: _value(key, entry[key]) for key in expected}
    profile: Profile = kind(**values)  # type: ignore[arg-type]
    _check(profile)
    return profile


def _value(key: str, value: object) -> object:
    if key in _TEXTS:
        return _text(key, value)
    if key == "unconfirmed":
        return tuple(_text(key, each) for each in _list(key, value))
    if key == "a0_rows":
        return tuple(_row(each) for each in _list(key, value))
    if value is None and key in _MAY_BE_NONE:
        return None
    return _decimal(key, value)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _invalid(key, "it is not a text")
    return value


def _list(key: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise _invalid(key, "it is not a list")
    return value


def _row(value: object) -> TimeTemperatureRow:
    if not isinstance(value, dict) or set(value) != {"celsius", "seconds"}:
        raise _invalid("a0_rows", "a row has celsius and seconds")
    return TimeTemperatureRow(
        celsius=_decimal("a0_rows", value["celsius"]),
        seconds=_decimal("a0_rows", value["seconds"]),
    )


def _decimal(key: str, value: object) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number <= 0:
        raise _invalid(key, "it is not a positive decimal string")
    return number


def _check(profile: Profile) -> None:
    names = {each.name for each in fields(profile)}
    if not set(profile.unconfirmed) <= names:
        raise _invalid("unconfirmed", "it names a field that the profile does not have")
    if isinstance(profile, SteamProfile) and profile.band_high_celsius < profile.band_low_celsius:
        raise _invalid("band_high_celsius", "the band's upper end is below its lower end")
