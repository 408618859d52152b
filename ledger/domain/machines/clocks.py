"""A machine's own clock → the moment that a record may state, or why it states none.

A clock that is wrong is no reason to turn a cycle away, and none to make a moment up: the time
stays as it was printed, and whoever reads the record is told which clock cannot be right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ledger.domain.machines.readings import CycleReading, PrintedTime

#: No record that comes in today is older; a clock that shows less was reset.
EARLIEST_YEAR = 2005
#: How far ahead of its arrival a record may begin: another zone's clock, not another year's.
AHEAD = timedelta(days=1)
#: How far two devices' clocks may stand apart in one cycle.
APART = timedelta(minutes=10)
_HOUR = timedelta(hours=1)
#: hours between two zones, at most
_ZONES = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another cycle of the same machine and counter epoch."""

    number: int
    #: by the machine's clock; None when none is known that can be right
    started_at: datetime | None


def can_be_right(moment: datetime, *, arrived_at: datetime) -> bool:
    """Whether a clock that shows this can be right, for a record that came in at `arrived_at`."""
    return moment.year >= EARLIEST_YEAR and moment <= arrived_at + AHEAD


def clock_of(cycle: CycleReading) -> str:
    """`the clock of DAC Universal 601362`."""
    named = " ".join(part for part in (cycle.machine, cycle.serial) if part)
    return f"the clock of {named or 'the machine'}"


def clock_notices(  # noqa: PLR0913 - a time, and all that it is held against
    cycle: CycleReading,
    moment: datetime | None,
    *,
    no_moment: str | None,
    arrived_at: datetime,
    before: Neighbour | None,
    after: Neighbour | None,
) -> tuple[str, ...]:
    """What a reader of the record must know about the clock that its times come from.

    `moment` is the start in UTC, if the zone names one; `no_moment` says why it does not.  `before`
    and `after` are the nearest cycles by number.
    """
    if cycle.first is None:
        return ()
    clock, text = clock_of(cycle), cycle.first.text
    found = []
    shown = moment or cycle.first.local.replace(tzinfo=UTC)
    if shown.year < EARLIEST_YEAR:
        found.append(f"{clock} shows {text}, as one that was reset; no moment is recorded")
    elif shown > arrived_at + AHEAD:
        days = (shown - arrived_at).days
        found.append(
            f"{clock} shows {text}, {days} days after the record came in; no moment is recorded"
        )
    elif no_moment is not None:
        found.append(f"{clock}: {no_moment}; no moment is recorded")
    if before is not None and before.started_at is not None and shown < before.started_at:
        found.append(f"{clock}: cycle {before.number}, of a lower number, {_began(before)} later")
    if after is not None and after.started_at is not None and shown > after.started_at:
        found.append(f"{clock}: cycle {after.number}, of a higher number, {_began(after)} earlier")
    return tuple(found)


def _began(other: Neighbour) -> str:
    return f"began by its clock at {other.started_at:%Y-%m-%d %H:%M} UTC,"


def hours_apart(
    recorded: tuple[PrintedTime, PrintedTime],
    found: tuple[PrintedTime, PrintedTime],
    *,
    is_start_known: bool,
) -> int | None:
    """How many hours the clocks of two readings of one cycle stand apart; None: they are of two.

    Each is given by its first and its last time.  Where both tell the cycle's start, these are
    compared; else the two must overlap.  One hour apart is summer time on one of the two clocks,
    more are two zones.
    """
    start, other = _comparable(recorded[0], found[0])
    end = start + (recorded[1].local - recorded[0].local)
    lasts = found[1].local - found[0].local
    for hours in sorted(range(-_ZONES, _ZONES + 1), key=lambda each: (abs(each), -each)):
        shifted = other + hours * _HOUR
        if is_start_known and abs(shifted - start) <= APART:
            return hours
        if not is_start_known and start - APART <= shifted + lasts and shifted <= end + APART:
            return hours
    return None


def _comparable(one: PrintedTime, other: PrintedTime) -> tuple[datetime, datetime]:
    """Both as moments, or both as their clocks show them."""
    if one.utc is not None and other.utc is not None:
        return one.utc, other.utc
    return one.local, other.local
