"""Moments → the text that records and answers hold."""

from __future__ import annotations

from datetime import UTC, datetime

from ledger.domain.errors import InvalidInput

#: What is computed from a moment, such as a deadline years later, is in the calendar as well.
EARLIEST_YEAR, LATEST_YEAR = 1970, 9000


def instant_text(moment: datetime) -> str:
    """An aware moment as a record holds it: UTC, whole seconds unless there are parts, Z."""
    if moment.tzinfo is None:
        raise InvalidInput("has no zone", field="time", rule="times are aware")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def seconds_text(seconds: int) -> str:
    """Unix seconds as people read them; digits for what no calendar has."""
    try:
        return instant_text(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def require_moment(moment: datetime, *, field: str) -> datetime:
    """A moment that somebody said, in UTC; raises InvalidInput for a year that is out of bounds."""
    try:
        found = moment.astimezone(UTC)
    except OverflowError:
        found = None
    if found is None or not EARLIEST_YEAR <= found.year <= LATEST_YEAR:
        raise InvalidInput(
            f"{moment.isoformat()} is out of bounds",
            field=field,
            rule=f"a year from {EARLIEST_YEAR} to {LATEST_YEAR}",
        )
    return found
