"""A machine's local clock and a named zone → UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from ledger.domain.errors import InvalidInput

__all__ = ["utc_from_local", "zone_named"]

_OFFSET: Final = re.compile("([+-])([0-9]{2}):([0-5][0-9])")
_IANA: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*")
_MAX_OFFSET: Final = timedelta(hours=14)
_RULE: Final = "an IANA name such as Europe/Berlin, or an offset such as +08:00 up to 14 hours"


def zone_named(zone: str, *, field: str = "zone") -> tzinfo:
    """Return the zone of that name or offset; raise `InvalidInput` when there is none."""
    offset = _OFFSET.fullmatch(zone)
    if offset is not None:
        return _fixed(zone, offset, field=field)
    if _IANA.fullmatch(zone) is None:
        raise InvalidInput(f"{zone[:60]!r} is not a zone", field=field, rule=_RULE)
    try:
        return ZoneInfo(zone)
    except (OSError, ValueError, LookupError) as error:
        raise InvalidInput(f"{zone[:60]!r} is not a known zone", field=field, rule=_RULE) from error


def _fixed(text: str, match: re.Match[str], *, field: str) -> tzinfo:
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    if offset > _MAX_OFFSET:
        raise InvalidInput(f"{text!r} is further from UTC than any zone", field=field, rule=_RULE)
    return timezone(-offset if sign == "-" else offset)


def utc_from_local(local: datetime, *, zone: str, field: str = "time") -> datetime:
    """Return aware UTC for a naive local time in `zone`.

    Raise `InvalidInput` for a time that the zone's clocks skipped or showed twice: which of the two
    was meant is not ours to choose.
    """
    place = zone_named(zone)
    try:
        first, second = (local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
        back = first.astimezone(place).replace(tzinfo=None)
    except OverflowError as error:
        raise InvalidInput(
            f"{local.isoformat()} is beyond the calendar",
            field=field,
            rule="the year is 1 to 9999, in UTC too",
        ) from error
    if first != second or back != local:
        skipped = back != local
        raise InvalidInput(
            f"{local.isoformat()} {'does not exist' if skipped else 'occurs twice'} in {zone}",
            field=field,
            rule="a local time names one moment",
            remedy="give the offset, for instance +01:00, instead of the zone's name",
        )
    return first
