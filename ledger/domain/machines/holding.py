"""A band and a hold → what a steriliser's temperatures prove, rule out, or leave open."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from ledger.domain.machines.lethality import Point, Series, f0_minutes, runs_of, series_of
from ledger.domain.machines.profiles import HoldProfile
from ledger.domain.machines.readings import MachineClaim, PressureBasis
from ledger.domain.machines.steam import (
    HIGHEST_SATURATION_BAR,
    LOWEST_SATURATION_BAR,
    saturation_temperature_celsius,
)
from ledger.domain.machines.verdicts import (
    Check,
    CheckState,
    Evidence,
    ThermalVerdict,
    all_celsius,
    coldest,
    figures_of,
    gap_words,
    plain,
    shown,
    verdict_of,
)

__all__ = ["check_hold", "proven_hold"]

#: What the air pressure can be where people sterilise, bar absolute, when nobody says it.
_LOWEST_AMBIENT_BAR: Final = Decimal("0.4")
_HIGHEST_AMBIENT_BAR: Final = Decimal("1.2")


def check_hold(
    readings: Sequence[Evidence], points: Sequence[Series], profile: HoldProfile
) -> ThermalVerdict:
    """The verdict on all probes of all readings, the cycle's own reading first."""
    evidence = readings[0]
    hold = _hold_of(readings, points, profile)
    held = [
        [each for each in series if hold.proven is not None and hold.proven.has(each)]
        for series in points
    ]
    saturation, deviation = _saturation(readings, hold, profile)
    equilibration, equilibration_seconds = _equilibration(points, profile)
    checks = (
        ("band", _band(points, profile)),
        ("hold", _hold_check(hold, points, profile, evidence.claim)),
        ("equilibration", equilibration),
        ("saturation", saturation),
    )
    reference = profile.f0_reference_celsius
    f0 = [
        None
        if reference is None
        else f0_minutes(
            series,
            reference_celsius=reference,
            max_interval_seconds=profile.max_sample_interval_seconds,
        )
        for series in points
    ]
    figures = figures_of(
        evidence,
        points,
        hold_seconds=hold.proven_seconds if points else None,
        hold_at_most_seconds=hold.at_most_seconds,
        hold_minimum_celsius=min(all_celsius(held), default=None),
        hold_maximum_celsius=max(all_celsius(held), default=None),
        equilibration_seconds=equilibration_seconds,
        saturation_deviation_kelvin=deviation,
        f0_minutes=coldest(f0),
    )
    return ThermalVerdict(
        profile=profile, verdict=verdict_of(checks), checks=checks, figures=figures
    )


# ---------------------------------------------------------------- band


def _band(points: Sequence[Series], profile: HoldProfile) -> Check:
    """No value may exceed the band; lying below it is a matter of the hold."""
    highest = max(all_celsius(points), default=None)
    if highest is None:
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason="no temperature was measured")
    bounds = f"{profile.band_low_celsius} to {profile.band_high_celsius} °C"
    if highest > profile.band_high_celsius:
        reason = f"{plain(highest)} °C exceeds the band {bounds}"
        return Check(state=CheckState.NOT_MET, reason=reason)
    reason = f"no sample exceeds the band {bounds}; highest {plain(highest)} °C"
    return Check(state=CheckState.MET, reason=reason)


# ---------------------------------------------------------------- hold


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of elapsed seconds, both ends included."""

    begin: Decimal
    end: Decimal

    @property
    def seconds(self) -> Decimal:
        return self.end - self.begin

    def has(self, point: Point) -> bool:
        return self.begin <= point.seconds <= self.end


@dataclass(frozen=True, slots=True)
class _Hold:
    """What all probes prove about their hold, and what they allow at most."""

    proven: _Span | None
    at_most_seconds: Decimal | None  #: None: nothing bounds it

    @property
    def proven_seconds(self) -> Decimal:
        return Decimal(0) if self.proven is None else self.proven.seconds


def _hold_of(readings: Sequence[Evidence], points: Sequence[Series], profile: HoldProfile) -> _Hold:
    """The hold that all probes share; without any value, what the machine's claim allows."""
    claim = readings[0].claim
    if not points:
        begin, end = claim.begin_elapsed_seconds, claim.end_elapsed_seconds
        return _Hold(None, None if begin is None or end is None else end - begin)
    shared = _spans(points[0], profile)
    for series in points[1:]:
        spans = _spans(series, profile)
        shared = [
            both for one in shared for other in spans if (both := _overlap(one, other)) is not None
        ]
    bounds = [
        most
        for reading in readings
        for series in series_of(reading.samples)
        if (most := _at_most(series, profile, reading)) is not None
    ]
    longest = max(shared, key=lambda each: each.seconds, default=None)
    return _Hold(longest, min(bounds, default=None))


def proven_hold(
    readings: Sequence[Evidence], profile: HoldProfile
) -> tuple[Decimal, Decimal] | None:
    """Begin and end of the hold that all probes prove, elapsed seconds; None where none is."""
    points = [series for each in readings for series in series_of(each.samples)]
    proven = _hold_of(readings, points, profile).proven if points else None
    return None if proven is None else (proven.begin, proven.end)


def _spans(series: Series, profile: HoldProfile) -> list[_Span]:
    gap = profile.max_sample_interval_seconds
    runs = runs_of(series, lambda celsius: _is_inside(celsius, profile), gap=gap)
    return [_Span(run[0].seconds, run[-1].seconds) for run in runs]


def _overlap(one: _Span, other: _Span) -> _Span | None:
    begin, end = max(one.begin, other.begin), min(one.end, other.end)
    return _Span(begin, end) if begin <= end else None


def _is_inside(celsius: Decimal, profile: HoldProfile) -> bool:
    return profile.band_low_celsius <= celsius <= profile.band_high_celsius


def _at_most(series: Series, profile: HoldProfile, reading: Evidence) -> Decimal | None:
    """The longest hold that one probe and the machine's claim allow; None where any is possible."""
    outside = [each.seconds for each in series if not _is_inside(each.celsius, profile)]
    first, last = series[0], series[-1]
    if len(outside) == len(series) and not _shows_it_never_held(series, profile, reading):
        return None
    # A series that begins or ends within the band is bounded by the machine's claim alone.
    if _is_inside(first.celsius, profile):
        if reading.claim.begin_elapsed_seconds is None:
            return None
        outside.insert(0, min(reading.claim.begin_elapsed_seconds, first.seconds))
    if _is_inside(last.celsius, profile):
        if reading.claim.end_elapsed_seconds is None:
            return None
        outside.append(max(reading.claim.end_elapsed_seconds, last.seconds))
    return max(after - before for before, after in pairwise(outside))


def _shows_it_never_held(series: Series, profile: HoldProfile, reading: Evidence) -> bool:
    """Whether a record without a value in the band shows the whole cycle.

    One that breaks off, is too short, or is hottest at its very end, may have been cut while the
    machine still heated.
    """
    *before, last = series
    is_rising = bool(before) and all(each.celsius < last.celsius for each in before)
    is_long = last.seconds - series[0].seconds >= profile.hold_required_seconds
    return reading.shows_end and is_long and not is_rising


def _hold_check(
    hold: _Hold, points: Sequence[Series], profile: HoldProfile, claim: MachineClaim
) -> Check:
    if not points:
        reason = "no temperature was measured" + _claimed(claim)
        return Check(state=_without_proof(hold, profile), reason=reason)
    required = profile.hold_required_seconds
    proven = f"the samples prove {plain(hold.proven_seconds)} s of {plain(required)} s"
    if hold.proven is not None and hold.proven_seconds >= required:
        return Check(state=CheckState.MET, reason=proven + _claimed(claim))
    state = _without_proof(hold, profile)
    if state is CheckState.NOT_MET:
        allowed = hold.at_most_seconds or Decimal(0)
        why = (
            "no sample lies in the band"
            if hold.proven is None
            else f"the hold ended early, after at most {plain(allowed)} s"
        )
        return Check(state=state, reason=f"{proven}; {why}{_claimed(claim)}")
    gap = gap_words(points, profile)
    return Check(state=state, reason=f"{proven}{gap}; they do not rule it out{_claimed(claim)}")


def _without_proof(hold: _Hold, profile: HoldProfile) -> CheckState:
    ruled_out = (
        hold.at_most_seconds is not None and hold.at_most_seconds < profile.hold_required_seconds
    )
    return CheckState.NOT_MET if ruled_out else CheckState.NOT_ENOUGH_DATA


def _claimed(claim: MachineClaim) -> str:
    if claim.seconds is None:
        return ""
    return f" (the machine itself claims {plain(claim.seconds)} s)"


# ---------------------------------------------------------------- equilibration


def _equilibration(points: Sequence[Series], profile: HoldProfile) -> tuple[Check, Decimal | None]:
    """Compare the times at which the first and the last probe reach the band."""
    limit = profile.equilibration_max_seconds
    if limit is None:
        return Check(state=CheckState.NOT_APPLICABLE, reason="the profile has no rule"), None
    if len(points) <= 1:
        reason = "it needs several measuring points and one was given"
        return Check(state=CheckState.NOT_APPLICABLE, reason=reason), None
    reached = [_reached(series, profile) for series in points]
    known = [each for each in reached if each is not None]
    if len(known) < len(reached):
        reason = "the records do not show every point reaching the band"
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason=reason), None
    least = max(each.begin for each in known) - min(each.end for each in known)
    most = max(each.end for each in known) - min(each.begin for each in known)
    if least < 0 and most > limit:
        # Reached at the same time, as far as the values show: too coarse to show more, and no hint.
        reason = f"the values stand {plain(most)} s apart, too far to show {plain(limit)} s"
        return Check(state=CheckState.NOT_APPLICABLE, reason=reason), None
    state = CheckState.NOT_ENOUGH_DATA
    if most <= limit:
        state = CheckState.MET
    elif least > limit:
        state = CheckState.NOT_MET
    reason = f"at most {plain(most)} s of {plain(limit)} s between first and last point"
    return Check(state=state, reason=reason), most


def _reached(series: Series, profile: HoldProfile) -> _Span | None:
    """Return the span within which the series first reaches the band: two values bound it."""
    for before, after in pairwise(series):
        if before.celsius < profile.band_low_celsius <= after.celsius:
            return _Span(before.seconds, after.seconds)
    return None


# ---------------------------------------------------------------- saturated steam


def _saturation(
    readings: Sequence[Evidence], hold: _Hold, profile: HoldProfile
) -> tuple[Check, Decimal | None]:
    """Compare measured temperatures with saturated steam at the measured pressures.

    A gauge pressure without the ambient pressure is met by none, and failed where no air pressure
    on earth would explain it.
    """
    tolerance = profile.saturation_tolerance_kelvin
    if tolerance is None:
        return Check(state=CheckState.NOT_APPLICABLE, reason="not saturated steam"), None
    held = [
        (reading, each)
        for place, reading in enumerate(readings)
        if place == 0 or reading.basis is not None  # a further probe may have no pressure beside it
        for series in series_of(reading.samples)
        for each in series
        if hold.proven is not None and hold.proven.has(each)
    ]
    if not held:
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason="no sample of a hold"), None
    found = [each for reading, point in held if (each := _deviations(point, reading)) is not None]
    least = max((low for low, _ in found), default=None)
    if least is not None and least > tolerance:
        reason = f"up to {shown(least)} K from saturated steam, {tolerance} K allowed"
        return Check(state=CheckState.NOT_MET, reason=reason), least
    is_exact = all(low == high for low, high in found)
    if len(found) < len(held) or not is_exact:
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason=_no_pressure(is_exact)), None
    reason = f"within {shown(least)} K of saturated steam, {tolerance} K allowed"
    return Check(state=CheckState.MET, reason=reason), least


def _no_pressure(is_exact: bool) -> str:  # noqa: FBT001 - says which of two sentences
    if not is_exact:
        return "the pressures are gauge and no ambient pressure was given"
    return "not every sample of the hold has a pressure of known basis"


def _deviations(point: Point, reading: Evidence) -> tuple[Decimal, Decimal] | None:
    """The least and the greatest distance from saturated steam, kelvin; None without a pressure."""
    if point.bar is None or reading.basis is None:
        return None
    if reading.basis is PressureBasis.ABSOLUTE:
        added = (Decimal(0), Decimal(0))
    elif reading.ambient_bar is None:
        added = (_LOWEST_AMBIENT_BAR, _HIGHEST_AMBIENT_BAR)
    else:
        added = (reading.ambient_bar, reading.ambient_bar)
    low, high = (_above_saturation(point.celsius, point.bar + each) for each in added)
    is_between = high <= 0 <= low
    return (
        Decimal(0) if is_between else min(abs(low), abs(high)),
        max(abs(low), abs(high)),
    )


def _above_saturation(celsius: Decimal, bar: Decimal) -> Decimal:
    if not LOWEST_SATURATION_BAR <= bar <= HIGHEST_SATURATION_BAR:
        return celsius  # no saturated steam exists there
    return celsius - saturation_temperature_celsius(bar)
