"""The times of a table → moments: one zone, a clock that may be set forward or back, no guess."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.readings import PrintedTime
from ledger.readings.text import Line, escape
from ledger.readings.zones import zone_named

__all__ = ["TIME_RULE", "Stamp", "moments", "parse_stamp", "printed"]

#: Forenoon and afternoon, before the time in Chinese and Japanese, after it elsewhere.
_HALVES: Final = {"上午": "A", "午前": "A", "下午": "P", "午後": "P"}
_CLOCK: Final = (
    rf"(?:(?P<noon>{'|'.join(_HALVES)}) ?)?"
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<part>[0-9]{1,6}))?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ISO: Final = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[T ]"
    r"|(?P<mark>[/.])(?P<month2>[0-9]{1,2})(?P=mark)(?P<day2>[0-9]{1,2}) "
    rf"|年(?P<month3>[0-9]{{1,2}})月(?P<day3>[0-9]{{1,2}})日 ?){_CLOCK}"
    r"(?P<offset>Z|[+-][0-9]{2}:[0-5][0-9])?"
)
#: The order of American exports; only read where a form says that its dates are American.
_AMERICAN: Final = re.compile(
    rf"(?P<month>[0-9]{{1,2}})/(?P<day>[0-9]{{1,2}})/(?P<year>[0-9]{{2}}|[0-9]{{4}}) {_CLOCK}"
)
TIME_RULE: Final = (
    "year, month, day and a time with seconds, e.g. 2026-03-01T08:30:00, "
    "2026-03-01T08:30:00+01:00, 2026-03-01 08:30:00 AM, 2026/3/1 上午 8:30:00 or "
    "2026年3月1日 下午8:30:00"
)
_REMEDY: Final = (
    "have the device or its program export dates with the year first and times with seconds"
)
_NOON: Final = 12
#: An hour that a clock shows twice begins again with a step back of at least this much.
_STEP_BACK: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One time as it was read, before its place in the zone is known."""

    line: Line
    text: str  #: as printed
    local: datetime  #: naive
    offset: tzinfo | None  #: where the text itself names it


def parse_stamp(line: Line, text: str, *, name: str, american: bool = False) -> Stamp:
    """Read a time with its date; raise `InvalidInput` that names the line and the rule."""
    match = _ISO.fullmatch(text) or (_AMERICAN.fullmatch(text) if american else None)
    what = f"{escape(text, limit=60)!r} is no time"
    if match is not None:
        offset = match.groupdict().get("offset")
        try:
            place = None if offset is None else zone_named(offset.replace("Z", "+00:00"))
            return Stamp(line=line, text=text, local=_local(match), offset=place)
        except (ValueError, OverflowError):
            what = f"{escape(text, limit=60)} is not in the calendar"
        except InvalidInput as error:
            what = error.what
    rule = f"{TIME_RULE}; or American, 3/1/26 08:30:00 AM" if american else TIME_RULE
    raise InvalidInput(f"line {line.number}: {what}", field=name, rule=rule, remedy=_REMEDY)


def _local(match: re.Match[str]) -> datetime:
    parts = match.groupdict()
    if parts["half"] and parts["noon"]:
        raise ValueError("a time is named forenoon or afternoon once")
    hour, half = int(parts["hour"]), _HALVES.get(parts["noon"], (parts["half"] or "").upper())
    month, day = (
        next(int(text) for name in (part, f"{part}2", f"{part}3") if (text := parts.get(name)))
        for part in ("month", "day")
    )
    if half:
        if not 1 <= hour <= _NOON:
            raise ValueError("a 12-hour clock shows 1 to 12")
        hour = hour % _NOON + (_NOON if half == "P" else 0)
    year = int(parts["year"])
    return datetime(  # noqa: DTZ001 - the machine's own clock
        year + 2000 if len(parts["year"]) == 2 else year,  # noqa: PLR2004 - two digits
        month,
        day,
        hour,
        int(parts["minute"]),
        int(parts["second"]),
        int((parts["part"] or "0").ljust(6, "0")),
    )


def moments(stamps: Sequence[Stamp], zone: str) -> tuple[list[datetime | None], str | None]:
    """The UTC moment of each time in printed order, and why there is none where there is none.

    An hour that the zone's clocks show twice is resolved by its neighbours alone: by a time before
    or after it that is certain, or by the step back in its middle. Where these do not say, or where
    the zone skipped the hour, no time has a moment.
    """
    place = zone_named(zone)
    try:
        pairs = [_pair(each, place) for each in stamps]
    except OverflowError:
        return [None] * len(stamps), "the times are beyond the calendar"
    skipped = next((s for s, p in zip(stamps, pairs, strict=True) if p is None), None)
    if skipped is not None:
        return [None] * len(stamps), f"{skipped.text} does not exist in {zone}"
    known = [pair for pair in pairs if pair is not None]
    if all(first == second for first, second in known):
        return [first for first, _ in known], None
    second_from = _where_the_hour_repeats(stamps, known)
    if second_from is None:
        doubtful = next(s for s, (a, b) in zip(stamps, known, strict=True) if a != b)
        return [None] * len(stamps), f"{doubtful.text} occurs twice in {zone}"
    return [b if at >= second_from else a for at, (a, b) in enumerate(known)], None


def _pair(stamp: Stamp, place: tzinfo) -> tuple[datetime, datetime] | None:
    """The moments that a local time can name, the same one twice where it is certain."""
    if stamp.offset is not None:
        utc = stamp.local.replace(tzinfo=stamp.offset).astimezone(UTC)
        return utc, utc
    first, second = (
        stamp.local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1)
    )
    if first.astimezone(place).replace(tzinfo=None) != stamp.local:
        return None
    return first, second


def _where_the_hour_repeats(
    stamps: Sequence[Stamp], pairs: Sequence[tuple[datetime, datetime]]
) -> int | None:
    """From which place on an hour that occurs twice is the second one; None if nothing says so."""
    for at in range(1, len(stamps)):
        if stamps[at - 1].local - stamps[at].local >= _STEP_BACK and pairs[at][0] != pairs[at][1]:
            return at
    if pairs[0][0] == pairs[0][1]:
        return len(stamps)  # it runs into the hour from before: the first of the two
    if pairs[-1][0] == pairs[-1][1]:
        return 0  # it runs out of the hour without a step back: the second
    return None


def printed(stamp: Stamp, utc: datetime | None) -> PrintedTime:
    """The time as a reading keeps it."""
    return PrintedTime(text=stamp.text, local=stamp.local, utc=utc)
