"""A probe's values → F0 and A0: what they are at least, and what they are at most.

Between two values the temperature is not known. The lower of the two counts for the lower bound and
the higher for the upper one, so that neither rests on how the curve ran in between.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from ledger.domain.machines.readings import Sample
from ledger.domain.machines.steam import EXACT, NINTH

__all__ = [
    "Effect",
    "Point",
    "Series",
    "a0_seconds",
    "f0_minutes",
    "longest_interval",
    "runs_of",
    "series_of",
]

_A0_REFERENCE_CELSIUS: Final = Decimal(80)
_Z_KELVIN: Final = Decimal(10)


class Point(NamedTuple):
    """One value of one probe."""

    seconds: Decimal  #: elapsed
    celsius: Decimal
    bar: Decimal | None  #: at the same time, on the reading's basis


Series = Sequence[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Both bounds of a time at a reference temperature, at nine decimals."""

    least: Decimal  #: proven
    most: Decimal | None  #: allowed; None where a gap allows anything


def series_of(samples: Sequence[Sample]) -> tuple[tuple[Point, ...], ...]:
    """The values of each probe that has any, in the probes' order."""
    columns = zip(*(sample.celsius for sample in samples), strict=True)
    series = (
        tuple(
            Point(sample.elapsed_seconds, celsius, sample.bar)
            for sample, celsius in zip(samples, column, strict=True)
            if celsius is not None
        )
        for column in columns
    )
    return tuple(each for each in series if each)


def longest_interval(series: Series) -> Decimal | None:
    """The longest time between neighbouring values, seconds; None for fewer than two."""
    return max((after.seconds - before.seconds for before, after in pairwise(series)), default=None)


def runs_of(
    series: Series, is_inside: Callable[[Decimal], bool], *, gap: Decimal
) -> list[list[Point]]:
    """Return the unbroken runs of values inside; an interval longer than `gap` breaks a run."""
    runs: list[list[Point]] = []
    previous: Point | None = None
    for point in series:
        if is_inside(point.celsius):
            joined = (
                previous is not None
                and is_inside(previous.celsius)
                and (point.seconds - previous.seconds <= gap)
            )
            if joined:
                runs[-1].append(point)
            else:
                runs.append([point])
        previous = point
    return runs


def f0_minutes(
    series: Series, *, reference_celsius: Decimal, max_interval_seconds: Decimal | None = None
) -> Effect | None:
    """F0 = Σ 10^((T − Tref)/10) · Δt in minutes, or None for fewer than two values."""
    return _effect(
        series, lambda celsius: _lethality(celsius - reference_celsius), 60, max_interval_seconds
    )


def a0_seconds(
    series: Series,
    *,
    counted_from_celsius: Decimal = Decimal(65),
    max_interval_seconds: Decimal | None = None,
) -> Effect | None:
    """A0 = Σ 10^((T − 80)/10) · Δt in seconds (EN ISO 15883-1), or None for fewer than two values.

    Below `counted_from_celsius` nothing counts.
    """

    def rate(celsius: Decimal) -> Decimal:
        if celsius < counted_from_celsius:
            return Decimal(0)
        return _lethality(celsius - _A0_REFERENCE_CELSIUS)

    return _effect(series, rate, 1, max_interval_seconds)


def _effect(
    series: Series, rate: Callable[[Decimal], Decimal], unit: int, max_interval: Decimal | None
) -> Effect | None:
    """Sum both bounds; an interval longer than `max_interval` proves nothing and bounds nothing."""
    if len(series) < 2:  # noqa: PLR2004 - an interval has two ends
        return None
    least = most = Decimal(0)
    is_bounded = True
    with localcontext(EXACT):
        for before, after in pairwise(series):
            step = after.seconds - before.seconds
            if max_interval is not None and step > max_interval:
                is_bounded = False
                continue
            low, high = sorted((rate(before.celsius), rate(after.celsius)))
            least += low * step
            most += high * step
        return Effect(
            least=(least / unit).quantize(NINTH),
            most=(most / unit).quantize(NINTH) if is_bounded else None,
        )


@lru_cache(maxsize=4096)
def _lethality(kelvin: Decimal) -> Decimal:
    """10^(kelvin/10), 34 digits: exp(x · ln 10), both correctly rounded by the specification."""
    with localcontext(EXACT):
        return (kelvin / _Z_KELVIN * Decimal(10).ln()).exp()
