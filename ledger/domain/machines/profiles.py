"""Named profiles: what a cycle is judged against, with source and doubt, as data.

The values come from different texts and contradict each other, so no verdict exists without a
profile's name. A field listed in `unconfirmed` was not read in the standard's own text: it is a
default. A group adds profiles of its own by a document of the same form; a record keeps the hash of
the profile that it was judged against, so that a name cannot change its meaning unseen.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any, ClassVar, Final

from ledger.domain.encoding.canonical import canonical
from ledger.domain.errors import Conflict, InvalidInput
from ledger.domain.machines.readings import CycleReading

__all__ = [
    "HoldProfile",
    "Profile",
    "SelfTestProfile",
    "TimeTemperatureRow",
    "WasherProfile",
    "added_to",
    "default_profiles",
    "get_profile",
    "parse_profiles",
    "profile_for",
    "self_test_named",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What every profile says of itself."""

    kind: ClassVar[str]

    name: str  #: the key, e.g. "en-285-134"
    title: str  #: for people
    source: str  #: standard or document
    unconfirmed: tuple[str, ...]  #: fields whose value was not read in the standard itself
    sha256: str  #: hex digest of the entry in its one canonical form


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldProfile(_Named):
    """A band and a hold, and what may be checked beside them.

    Saturated steam has a saturation tolerance; with air overpressure, or in dry heat or gas, it is
    None and the pressure does not count.
    """

    kind: ClassVar[str] = "hold"

    band_low_celsius: Decimal  #: °C, lowest temperature of the hold, inclusive
    band_high_celsius: Decimal  #: °C, highest temperature of the whole cycle, inclusive
    hold_required_seconds: Decimal  #: s within the band without a break
    equilibration_max_seconds: Decimal | None  #: s between first and last point; None: no rule
    saturation_tolerance_kelvin: Decimal | None  #: K; None: not saturated steam
    f0_reference_celsius: Decimal | None  #: °C; sources say 121, 121.1, 121.11; None: no F0
    max_sample_interval_seconds: Decimal  #: s; a longer gap proves nothing about itself


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTemperatureRow:
    """A nominal row that is accepted in place of A0."""

    celsius: Decimal  #: °C, lowest temperature, inclusive
    seconds: Decimal  #: s at or above it without a break


@dataclass(frozen=True, slots=True, kw_only=True)
class WasherProfile(_Named):
    """A thermal disinfection: an A0, or one of its nominal rows."""

    kind: ClassVar[str] = "washer"

    a0_required_seconds: Decimal  #: s at 80 °C
    a0_counted_from_celsius: Decimal  #: °C; below it nothing counts
    a0_rows: tuple[TimeTemperatureRow, ...]  #: any of them will do instead
    max_sample_interval_seconds: Decimal  #: s; a longer gap counts nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestProfile(_Named):
    """A test of the machine itself, without a load: it has no thermal verdict."""

    kind: ClassVar[str] = "test"

    #: parts of programmes' names that say so, in lower case
    programmes: tuple[str, ...]


Profile = HoldProfile | WasherProfile | SelfTestProfile

_KINDS: Final[Mapping[str, type[Profile]]] = {
    each.kind: each for each in (HoldProfile, WasherProfile, SelfTestProfile)
}
_MAY_BE_NONE: Final = frozenset(
    {"equilibration_max_seconds", "saturation_tolerance_kelvin", "f0_reference_celsius"}
)
_TEXTS: Final = frozenset({"name", "title", "source"})
#: The default profile of a record without any temperature.
PRESSURES_ALONE: Final = "pressure-test"
#: A name stands in records, on command lines and in addresses.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.\-]{0,79}")


def get_profile(name: str, *, profiles: Iterable[Profile] | None = None) -> Profile:
    """Return the profile of that name; raise `InvalidInput` naming the known ones."""
    known = {each.name: each for each in (default_profiles() if profiles is None else profiles)}
    if name not in known:
        raise InvalidInput(
            f"{name[:60]!r} is not a known profile",
            field="profile",
            rule="one of: " + ", ".join(sorted(known)),
            remedy="a group adds its own: steriledger profile add FILE",
        )
    return known[name]


def self_test_named(programme: str | None, profiles: Iterable[Profile]) -> SelfTestProfile | None:
    """The test that a programme's name says it is, or None."""
    text = (programme or "").lower()
    tests = (each for each in profiles if isinstance(each, SelfTestProfile))
    return next((each for each in tests if any(part in text for part in each.programmes)), None)


def profile_for(
    cycle: CycleReading, *, named: str | None, usual: str | None, profiles: Iterable[Profile]
) -> Profile | None:
    """What a reading is judged against; None where nobody says.

    A record of pressures alone has nothing thermal to judge. Else it is the profile that a person
    named for this reading, the self-test that the programme's own name tells, or the machine's.
    """
    known = tuple(profiles)
    if cycle.samples and not cycle.probes:
        return get_profile(PRESSURES_ALONE, profiles=known)
    if named is not None:
        return get_profile(named, profiles=known)
    test = self_test_named(cycle.programme_text, known)
    if test is not None or usual is None:
        return test
    return get_profile(usual, profiles=known)


@cache
def default_profiles() -> tuple[Profile, ...]:
    """Return the profiles that come with the program."""
    text = (
        resources.files("ledger.domain.machines.data").joinpath("profiles.json").read_text("utf-8")
    )
    return parse_profiles(text)


def added_to(known: Iterable[Profile], new: Iterable[Profile]) -> tuple[Profile, ...]:
    """Both, the same profile once; raise `Conflict` for a known name with another content."""
    profiles = {each.name: each for each in known}
    for each in new:
        if profiles.setdefault(each.name, each) != each:
            raise Conflict(
                f"{each.name} is another profile already",
                field="name",
                rule="a profile's name keeps its meaning, since records name it",
                remedy="give the changed profile another name, for instance with its year",
            )
    return tuple(profiles.values())


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
    expected = {each.name for each in fields(kind)} - {"sha256"}
    if set(entry) != expected | {"kind"}:
        wrong = ", ".join(sorted(str(key) for key in set(entry) ^ (expected | {"kind"})))
        raise _invalid("profile", f"missing or unknown keys: {wrong}")
    values: dict[str, Any] = {key: _value(key, entry[key]) for key in expected}
    profile = kind(**values, sha256=sha256(canonical(entry)).hexdigest())
    _check(profile)
    return profile


def _value(key: str, value: object) -> object:
    if value is None and key in _MAY_BE_NONE:
        return None
    if key == "name":
        return _name(value)
    if key in _TEXTS:
        return _text(key, value)
    if key in {"unconfirmed", "programmes"}:
        return tuple(_text(key, each) for each in _list(key, value))
    if key == "a0_rows":
        return tuple(_row(each) for each in _list(key, value))
    return _decimal(key, value)


def _name(value: object) -> str:
    text = _text("name", value)
    if _NAME.fullmatch(text) is None:
        raise _invalid("name", f"{text[:60]!r} is not of lower-case letters, digits, . and -")
    return text


def _text(key: str, value: object) -> str:
    longest = 400
    if not isinstance(value, str) or not 1 <= len(value) <= longest or value != value.strip():
        raise _invalid(key, f"it is not a text of 1 to {longest} characters")
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
    if isinstance(profile, HoldProfile) and profile.band_high_celsius < profile.band_low_celsius:
        raise _invalid("band_high_celsius", "the band's upper end is below its lower end")
