"""Moments → the text that records and answers hold."""

from __future__ import annotations

from datetime import UTC, datetime

from ledger.domain.errors import InvalidInput


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
