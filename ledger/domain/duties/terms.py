"""The group's terms, as data: deadlines, thresholds, hours, classes, escalation, prices.

Each value has a source, in the words of whoever wrote the terms; `source_zh` beside it says it in
Chinese, where they state both.  A `?` says that the clause was not read in the standard's own text.
A version holds from its date, but never before the chain had it.  Before any version the defaults
hold, which are version 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any, Final, TypeAlias, cast

from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import Conflict, InvalidInput

FORMAT: Final = "steriledger-terms/1"
MAX_TERMS_BYTES: Final = 256 * 1024
MAX_SECONDS: Final = 10 * 366 * 86400
_DAY: Final = timedelta(days=1)
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_MOST_OFFSET: Final = 14 * 60

Hours: TypeAlias = tuple[timedelta, timedelta]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One version."""

    version: int
    #: from when it holds, by its own word
    holds_from: datetime
    #: the document, as it was published
    document: Mapping[str, Any]
    #: of its canonical form, 64 digits
    sha256: str
    #: when the chain had it; None for the defaults
    known: datetime | None = None
    #: the operation that published it, 0x and digits; empty for the defaults
    operation: str = ""

    @property
    def holds_since(self) -> datetime:
        """From when it holds: its date, but never before the chain had it."""
        return self.holds_from if self.known is None else max(self.holds_from, self.known)

    @property
    def offset(self) -> timedelta:
        """Of the group's clocks from UTC."""
        return timedelta(minutes=self.document["offset_minutes"])

    def duration(self, name: str) -> timedelta:
        """A deadline by its name."""
        return timedelta(seconds=self.document["durations"][name]["seconds"])

    def source(self, name: str) -> str:
        """Where a deadline or threshold comes from."""
        for table in ("durations", "thresholds"):
            if name in self.document[table]:
                return str(self.document[table][name]["source"])
        raise InvalidInput(f"{name!r} is no term", field="terms", rule="a name of the document")

    def threshold(self, name: str) -> int:
        """A threshold by its name."""
        return int(self.document["thresholds"][name]["value"])

    def needs_second_person(self, unit: int) -> bool:
        """Whether two-person rules hold for a unit; not for a health centre of two."""
        kind = self.document["unit_classes"].get(str(unit))
        return kind not in self.document["one_person_classes"]

    def open_from(self, unit: int, moment: datetime) -> datetime:
        """The moment, or when the unit opens next after it."""
        opens, closes = self._hours(unit)
        local = moment + self.offset
        midnight = datetime.combine(local.date(), time(), local.tzinfo)
        if midnight + opens <= local < midnight + closes:
            return moment
        following = midnight + opens + (_DAY if local >= midnight + closes else timedelta())
        return following - self.offset

    def _hours(self, unit: int) -> Hours:
        hours = self.document["opening_hours_by_unit"].get(
            str(unit), self.document["opening_hours"]
        )
        return _clock(hours["opens"]), _clock(hours["closes"])


@cache
def default_terms() -> Terms:
    """Version 0: what holds until the authority publishes something else."""
    path = resources.files("ledger.domain.duties") / "data" / "terms.json"
    return parse_terms(path.read_bytes())


def terms_at(versions: Sequence[Terms], moment: datetime) -> Terms:
    """The version that held at a moment; the defaults before the first."""
    holding = [each for each in versions if each.holds_since <= moment]
    return max(holding, key=lambda t: (t.holds_since, t.version), default=default_terms())


def require_successor(before: Sequence[Terms], new: Terms) -> None:
    """Raise Conflict unless versions ascend together with their dates: no two overlap."""
    for each in before:
        if each.version >= new.version:
            raise Conflict(
                f"version {new.version} does not follow version {each.version}",
                field="version",
                rule="each version has a higher number than those before",
            )
        if each.holds_from >= new.holds_from:
            raise Conflict(
                f"version {each.version} holds from {each.holds_from.isoformat()}, which is not "
                "earlier",
                field="holds_from",
                rule="a version ends where the next begins; two that overlap would contradict "
                "each other",
            )


def source_in(entry: Mapping[str, Any], language: str) -> str:
    """Where a deadline or threshold comes from, in Chinese where the terms say it so."""
    said = entry.get("source_zh") if language == "zh" else None
    return str(said or entry["source"])


def published(terms: Terms, *, known: datetime, operation: str) -> Terms:
    """A version as the chain has it."""
    return replace(terms, known=known, operation=operation)


# ---------------------------------------------------------------- parsing


def parse_terms(data: bytes) -> Terms:
    """A document → a version; raises InvalidInput naming what is missing, unknown or wrong.

    `terms.schema.json` beside the defaults says the same for other programs.
    """
    if len(data) > MAX_TERMS_BYTES:
        raise InvalidInput(
            f"has {len(data)} bytes", field="terms", rule=f"at most {MAX_TERMS_BYTES}"
        )
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"is not JSON: {error}", field="terms", rule="RFC 8259") from None
    document = _object(plain, "terms", _MEMBERS)
    if document["format"] != FORMAT:
        raise InvalidInput(f"{document['format']!r:.60} is unknown", field="format", rule=FORMAT)
    _whole(document["version"], "version", 0, 2**31)
    _whole(document["offset_minutes"], "offset_minutes", -_MOST_OFFSET, _MOST_OFFSET)
    _named(document["durations"], "durations", "seconds", MAX_SECONDS)
    _named(document["thresholds"], "thresholds", "value", 2**31)
    _hours(document["opening_hours"], "opening_hours", {"opens", "closes", "source"})
    for unit, hours in _map(document["opening_hours_by_unit"], "opening_hours_by_unit").items():
        _hours(hours, f"opening_hours_by_unit.{unit}", {"opens", "closes"})
    for unit, name in _map(document["unit_classes"], "unit_classes").items():
        _text(name, f"unit_classes.{unit}")
    for name in ("one_person_classes", "escalation"):
        if not isinstance(document[name], list):
            raise InvalidInput("is not a list", field=name)
        for at, each in enumerate(document[name]):
            _text(each, f"{name}[{at}]")
    _map(document["prices"], "prices")
    return Terms(
        version=document["version"],
        holds_from=_moment(document["holds_from"], "holds_from"),
        document=document,
        sha256=sha256(canonical(document)).hex(),
    )


_IN_CHINESE: Final = frozenset({"source_zh"})
_MEMBERS: Final = frozenset(
    {
        "format", "version", "holds_from", "offset_minutes", "durations", "thresholds",
        "opening_hours", "opening_hours_by_unit", "unit_classes", "one_person_classes",
        "escalation", "prices",
    }
)  # fmt: skip


def _map(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput("is not an object", field=where)
    return value


def _object(
    value: object,
    where: str,
    members: frozenset[str] | set[str],
    optional: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    found = _map(value, where)
    for name in sorted(members - found.keys()):
        raise InvalidInput("is missing", field=f"{where}.{name}", rule="every member is said")
    for name in sorted(found.keys() - members - optional):
        raise InvalidInput(
            "is unknown", field=f"{where}.{name:.60}", rule=f"one of {', '.join(sorted(members))}"
        )
    return found


def _named(value: object, where: str, member: str, most: int) -> None:
    """Every name that rules use, each with a number and its source."""
    known = _names(where)
    for name, each in _object(value, where, known).items():
        entry = _object(each, f"{where}.{name}", {member, "source"}, _IN_CHINESE)
        _whole(entry[member], f"{where}.{name}.{member}", 0, most)
        for said in ("source", *sorted(_IN_CHINESE & entry.keys())):
            _text(entry[said], f"{where}.{name}.{said}")


@cache
def _names(table: str) -> frozenset[str]:
    """The names of the defaults: a version lacks none of them."""
    path = resources.files("ledger.domain.duties") / "data" / "terms.json"
    return frozenset(json.loads(path.read_bytes())[table])


def _whole(value: object, where: str, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput(
            f"{value!r:.60} does not fit", field=where, rule=f"a whole number, {low} to {high}"
        )


def _text(value: object, where: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{value!r:.60} does not fit", field=where, rule="text")


def _hours(value: object, where: str, members: set[str]) -> None:
    hours = _object(value, where, members, _IN_CHINESE if "source" in members else frozenset())
    for name in ("opens", "closes"):
        if not isinstance(hours[name], str) or not _CLOCK.fullmatch(hours[name]):
            raise InvalidInput(
                f"{hours[name]!r:.60} does not fit", field=f"{where}.{name}", rule="00:00 to 24:00"
            )
    if _clock(hours["opens"]) >= _clock(hours["closes"]):
        raise InvalidInput("closes before it opens", field=where, rule="it opens, then closes")


def _clock(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _moment(value: object, where: str) -> datetime:
    moment: datetime | None = None
    with suppress(TypeError, ValueError):
        moment = datetime.fromisoformat(cast("str", value))
    if moment is None or moment.tzinfo is None:
        raise InvalidInput(
            f"{value!r:.60} does not fit", field=where, rule="a moment such as 2026-11-01T00:00:00Z"
        )
    return moment
