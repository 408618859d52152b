"""Whether a clock can be right, by what was dated before, and whether a span of it is over.

Every date here comes from one clock, and a person sets it.  Nothing proves it right; what was
accepted and mined before shows a gross mistake while it can still be mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.domain.acts.rules import SKEW_SECONDS
from ledger.domain.errors import ClockWrong

#: how far a clock may lie behind what was dated before: clocks are set back by seconds and minutes
SET_BACK = timedelta(seconds=SKEW_SECONDS)
#: nothing was accepted and mined for so long: then a person says that the clock is right
SILENCE = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A person's word that the clock was right, whatever had been dated before."""

    #: by the clock that was called right
    at: datetime
    #: the newest date that was known then
    newest: datetime


def require_right(
    now: datetime, dates: Mapping[str, datetime], confirmed: Confirmation | None
) -> None:
    """Raise ClockWrong when a clock lies far from everything that was dated before.

    `dates` has what was dated → when, in words for people.  Dates that were ahead of a clock which
    a person called right are compared with as much patience as they were ahead, until their time
    has come.
    """
    is_ahead = confirmed is not None and confirmed.at < confirmed.newest and now < confirmed.newest
    patience = confirmed.newest - confirmed.at if confirmed and is_ahead else timedelta()
    for what, dated in dates.items():
        if now < dated - SET_BACK - patience:
            raise _wrong(
                f"says {_moment(now)}, {span_words(dated - now)} before {what} ({_moment(dated)})",
                rule=f"what is accepted is dated at most {span_words(SET_BACK)} before that",
            )
    known = [*dates.values(), *([confirmed.at] if confirmed else [])]
    if known and now > max(known) + SILENCE:
        last = max(known)
        raise _wrong(
            f"says {_moment(now)}, and nothing was dated since {_moment(last)}",
            rule=f"after {span_words(SILENCE)} of silence, a person says that the clock is right",
        )


def has_passed(span: timedelta, since: datetime, now: datetime) -> bool:
    """Whether a span is over, also when the clock was set back further than the span is long."""
    return abs(now - since) >= span


def age_seconds(now: datetime, *dates: datetime) -> int | None:
    """Whole seconds since the earliest of these; None where it lies ahead of this clock.

    Two clocks, or a block and the clock that dated it, may be minutes apart: then it is 0.
    """
    since = now - min(dates)
    return None if since < -SET_BACK else max(int(since.total_seconds()), 0)


def _wrong(what: str, *, rule: str) -> ClockWrong:
    return ClockWrong(
        what,
        field="clock",
        rule=rule,
        remedy="set the clock of this machine; if it is right: steriledger clock confirm",
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def span_words(span: timedelta) -> str:
    """In the largest unit that it fills."""
    seconds = int(span.total_seconds())
    for size, one, many in (
        (86_400, "a day", "days"),
        (3600, "an hour", "hours"),
        (60, "a minute", "minutes"),
    ):
        if seconds == size:
            return one
        if seconds >= 2 * size:
            return f"{seconds // size} {many}"
    return f"{seconds} seconds"
